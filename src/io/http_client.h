/* HTTP client (libcurl multi on a libuv loop): to peers over mutual TLS with a pinned key.
 * Everything here happens on the thread of the loop that the client was made for. Connections are
 * kept and used again, by peer. data() and done() may start and cancel calls (not their own), but
 * not free the client. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "io/http_server.h" /* struct http_identity */
#include "io/loop.h"

struct http_client;
struct http_call;

struct http_client *http_client_new(struct loop *l, const struct http_identity *id); /* copies id */
/* Cancels what runs, without callbacks; on the loop's thread, which must run on until its handles
 * are closed (loop_quit sees to that). */
void http_client_free(struct http_client *c);

struct http_answer {
    long status;      /* 0: no HTTP answer came */
    bool refused;     /* the TLS handshake was not accepted: other network or passphrase, or not the
                         pinned key */
    bool unreachable; /* no connection at all */
    bool timed_out;
    uint64_t range_first, range_len, range_size; /* from Content-Range of a 206 */
    struct err err; /* when status is 0 or the body broke off: what to tell */
};

struct http_ask {
    const char *method; /* NULL: GET */
    struct addr addr;
    uint8_t pin[32];  /* the peer's Ed25519 key: no byte is exchanged with another */
    const char *path; /* with the query, already encoded */
    bool range;       /* send Range: bytes=first-(first+len-1); anything but a 206 with exactly that
                         Content-Range breaks off */
    uint64_t first, len;
    const void *body; /* copied; NULL: none */
    size_t body_len;
    uint64_t max_rate;   /* bytes/s of answer, evenly; 0: as it comes */
    uint64_t max;        /* bytes of answer taken at most; more breaks off; 0 with range: len */
    unsigned connect_ms; /* 0: 3000 */
    unsigned total_ms;   /* 0: none; else the whole call */
    unsigned stall_ms;   /* 0: 10000; no byte for so long ends it (not while a held request waits:
                            give HOLD_MS + some) */
    /* Body bytes of a 2xx answer as they come. false: break off. NULL: collected in the buffer that
     * done() gets. An answer of another status is never given to data: its text (at most 16 KiB) is
     * in done's buffer. */
    bool (*data)(void *ctx, const void *p, size_t len);
    /* Exactly once, unless cancelled; never from within http_start. Only with err.code 0 is the
     * answer whole. body is borrowed. */
    void (*done)(void *ctx, const struct http_answer *a, const struct buf *body);
    void *ctx;
};

struct http_call *http_start(struct http_client *c, const struct http_ask *ask);
void http_cancel(
    struct http_call *call); /* no callback after this; not from within its own done() */

/* The caller's own question over a Unix socket, for the commands: blocks this thread. data as above
 * (NULL: collected in body); when it says false the call ends with 0. -ERR_NO_SERVICE when nobody
 * listens or the service went away meanwhile; -ERR_TIMEOUT; -ERR_INTERRUPTED by the hook below; 0
 * and *status otherwise. timeout_ms 0: none. */
int http_unix_call(const char *socket_path, const char *method, const char *path,
                   const void *body_out, size_t body_len, unsigned timeout_ms,
                   bool (*data)(void *ctx, const void *p, size_t len), void *ctx, struct buf *body,
                   long *status, struct err *e);
/* Asked every 100 ms while http_unix_call waits: true ends it. For the whole process; NULL takes it
 * away. Set it before threads. */
void http_unix_set_stop(bool (*stop)(void));
void http_url_escape(struct buf *to, const char *text,
                     size_t len); /* percent-encode for a path component or argument */
void http_client_setup(void);     /* curl_global_init; once, before threads */
