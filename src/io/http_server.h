/* HTTP server (libmicrohttpd) on TCP with mutual TLS 1.3, on a Unix socket for the owner, or plain
 * for programs without a certificate. doc/PROTOCOL.md lists the routes; this room knows none.
 * Handlers run on the server's threads, several at once. Strangers are refused inside the TLS
 * handshake and get no byte of HTTP; each request has one Host, no chunked body, a body of at most
 * HTTP_BODY_MAX, and deadlines (limits.h).
 */
#pragma once

#include "base/err.h"
#include "base/id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_server;
struct http_request; /* valid until the handler replied; afterwards only for http_wake from a
                        stream's owner */

typedef void http_handler(
    void *ctx,
    struct http_request *rq); /* must call exactly one http_reply* or http_hold before it returns */

/* Files and keys as io/cert wrote them. */
struct http_identity {
    const char *ca_file, *cert_file, *key_file; /* PEM */
    const char *server_name; /* chosen by SNI; another name is closed without a certificate */
};

/* Listen on all addresses, TCP port `port`, or a free one when it is taken (0: any). *bound is set.
 */
struct http_server *http_server_tls(const struct http_identity *id, uint16_t port, uint16_t *bound,
                                    unsigned threads, http_handler *handler, void *ctx,
                                    struct err *e);
/* Listen on a Unix socket at path (0600, replaced when stale); only this process's uid may speak
 * (SO_PEERCRED), others get 403. */
struct http_server *http_server_unix(const char *path, unsigned threads, http_handler *handler,
                                     void *ctx, struct err *e);
/* Plain HTTP, for programs that have no certificate of the network: whoever reaches it speaks, so
 * the handler decides by a secret in the path. Port as above. HTTP_HERE: this computer only
 * (127.0.0.1), and a client may be as slow as it likes; HTTP_ANYWHERE: all addresses, with fewer
 * connections than peers get (limits.h). */
enum http_reach { HTTP_HERE, HTTP_ANYWHERE };
struct http_server *http_server_plain(enum http_reach reach, uint16_t port, uint16_t *bound,
                                      unsigned threads, http_handler *handler, void *ctx,
                                      struct err *e);
void http_server_free(
    struct http_server *s); /* ends every connection, joins the threads; NULL is fine */
/* Open connections now, requests answered, refused ones (handshake, rules, limits). Any thread. */
void http_server_counts(struct http_server *s, uint64_t *open, uint64_t *answered,
                        uint64_t *refused);

const char *http_method(const struct http_request *rq);
const char *http_path(const struct http_request *rq); /* without the query */
const char *http_arg(const struct http_request *rq,
                     const char *name); /* decoded query argument or NULL */
size_t http_args(const struct http_request *rq, const char *name, const char **out,
                 size_t max); /* repeated ones */
const char *http_header(const struct http_request *rq, const char *name);
const void *http_body(const struct http_request *rq, size_t *len);
const struct addr *http_from(const struct http_request *rq); /* TCP: the client's address */
bool http_peer_key(const struct http_request *rq,
                   uint8_t pub[32]); /* TLS: the client's proven Ed25519 key */
/* "bytes=a-b" against size: 1 and first/len set; 0 no Range header (whole); -1 not satisfiable
 * (reply 416). */
int http_range(const struct http_request *rq, uint64_t size, uint64_t *first, uint64_t *len);

/* Extra header of the reply, one line, not empty; before http_reply*. Copies. */
void http_reply_header(struct http_request *rq, const char *name, const char *value);
void http_reply(struct http_request *rq, unsigned status, const char *type, const void *data,
                size_t len); /* copies */
void http_reply_text(struct http_request *rq, unsigned status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A reply whose bytes come from read(): gives bytes put (1..max), 0: none yet (the connection is
 * suspended until http_wake), -1: end, -2: break the connection off. pos counts from 0. Called on a
 * server thread. done() is called once at the end, whatever the end was. len UINT64_MAX: not known
 * (chunked). With a known len under TLS blocks of 64 KiB or more are asked for. */
struct http_stream {
    int64_t (*read)(void *ctx, uint64_t pos, void *to, size_t max);
    void (*done)(void *ctx);
    void *ctx;
};
void http_reply_stream(struct http_request *rq, unsigned status, const char *type, uint64_t len,
                       const struct http_stream *st);
/* Let a suspended stream read again. Any thread, at any time between http_reply_stream and done().
 * A wake before the suspend is kept. */
void http_wake(struct http_request *rq);

/* Hold this request: the handler returns without replying, and is called again for it when
 * http_wake comes or after ms, whichever is first. http_held tells the second call: 0 first call, 1
 * woken, 2 timed out (or the client went away, or the server ends). The second call always comes;
 * it may hold again. */
void http_hold(struct http_request *rq, unsigned ms);
int http_held(const struct http_request *rq);
/* The owner's memory of a request, over its holds. done (may be NULL) is called once when the
 * request is over, however that came, after a stream's done(): from then on rq is gone and must not
 * be woken (keep both under one lock). Server thread. */
void http_set_ctx(struct http_request *rq, void *ctx, void (*done)(void *ctx));
void *http_get_ctx(const struct http_request *rq);
