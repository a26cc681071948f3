/* Inside the HTTP server: what http_server.c (start, stop), http_conn.c (connections, deadlines),
 * http_tls.c (handshake), http_request.c (what came) and http_reply.c (what goes) share. Tests
 * include it for their own limits. */
#pragma once

#include "base/buf.h"
#include "io/http_server.h"

#include <microhttpd.h>
#include <uv.h>

struct http_limits { /* limits.h, or a test's own */
    unsigned handshake_ms, head_ms, idle_ms;
    unsigned window_ms;    /* a connection that moves bytes moves ... */
    uint64_t window_bytes; /* ... so many in each window, or is cut */
    unsigned conn_max, conn_addr_max, conn_addr_rate, conn_addr_burst;
};
extern const struct http_limits http_limits_default;

/* As http_server_tls and http_server_unix. */
struct http_server *http_server_tls_limits(const struct http_identity *id, uint16_t port,
                                           uint16_t *bound, unsigned threads, http_handler *handler,
                                           void *ctx, const struct http_limits *lim, struct err *e);
struct http_server *http_server_unix_limits(const char *path, unsigned threads,
                                            http_handler *handler, void *ctx,
                                            const struct http_limits *lim, struct err *e);
struct http_server *http_server_plain_limits(enum http_reach reach, uint16_t port, uint16_t *bound,
                                             unsigned threads, http_handler *handler, void *ctx,
                                             const struct http_limits *lim, struct err *e);

enum http_phase {
    HTTP_HANDSHAKE, /* until the client's certificate was accepted */
    HTTP_HEAD,      /* a request's head is due */
    HTTP_IDLE,      /* between requests */
    HTTP_MOVING,    /* body in or reply out: the rate rule holds */
    HTTP_BUSY,      /* the handler runs, or the connection is suspended: no deadline */
};

struct http_conn {
    struct http_conn *prev, *next;
    struct http_server *s;
    struct MHD_Connection *mhd;
    int fd;
    struct addr from;
    bool foreign; /* Unix socket: another uid */
    bool proven;  /* TLS: pub is the client's key; its worker's thread only, like bad_uri */
    bool bad_uri;
    uint8_t pub[32];
    /* under s->lock: */
    enum http_phase phase;
    int64_t due_ms;          /* INT64_MAX: none */
    uint64_t window_base;    /* bytes moved when the window began */
    int64_t look_ms;         /* suspended: when to see whether the client is still there */
    bool gone;               /* it is not */
    struct http_request *rq; /* the one that may be suspended */
};

struct http_header {
    struct http_header *next;
    char *name, *value;
};

struct http_request {
    struct http_conn *c;
    const char *method, *path; /* MHD's, as long as the request */
    struct buf body;
    struct http_header *headers; /* of the reply, newest first */
    struct MHD_Response *reply;  /* made, not queued yet */
    unsigned status;
    bool streaming;
    struct http_stream stream;
    void *ctx;
    void (*ctx_done)(void *ctx);
    bool holding; /* the handler called http_hold */
    bool last;    /* the handler was told that no further hold is possible */
    int held;
    /* under s->lock: */
    int64_t hold_due_ms;
    bool suspended, woken;
};

#define HTTP_BUCKETS 64

struct http_server {
    struct MHD_Daemon *mhd;
    http_handler *handler;
    void *ctx;
    struct http_limits lim;
    bool tcp;             /* not a Unix socket */
    struct http_tls *tls; /* NULL: plain */
    char *path;           /* Unix socket */
    uint64_t path_dev, path_ino;
    uv_thread_t watch;
    uv_mutex_t lock; /* everything below, and what says so above. Taken before MHD's own locks,
                        never held over a callback of ours */
    uv_cond_t tick;
    struct http_conn *conns;
    int64_t watch_ms; /* when the watch thread looks again */
    bool stopping, watch_ends;
    uint64_t open, answered, refused;
    struct http_bucket {
        struct addr from;
        int64_t milli, at_ms; /* thousandths of a connection left, then */
    } buckets[HTTP_BUCKETS];
};

/* http_conn.c */
void http_conn_started(struct http_server *s, struct MHD_Connection *mhd, void **ctx);
void http_conn_closed(struct http_conn *c);
struct http_conn *http_conn_of(struct MHD_Connection *mhd);
enum MHD_Result http_conn_accept(void *server, const struct sockaddr *sa, socklen_t len);
void http_conn_phase(struct http_conn *c, enum http_phase phase); /* takes the lock */
void http_conn_phase_locked(struct http_conn *c, enum http_phase phase);
void http_watch_start(struct http_server *s);
void http_watch_stop(struct http_server *s);
void http_watch_by_locked(struct http_server *s,
                          int64_t when_ms); /* the watch thread must look by then */
void http_count(uint64_t *counter, struct http_server *s);

/* http_tls.c */
struct http_tls *http_tls_new(const struct http_identity *id, struct err *e);
void http_tls_free(struct http_tls *t); /* NULL is fine */
/* For MHD's option array, which wants them without const; nobody writes there. */
char *http_tls_ca_pem(const struct http_tls *t);
char *http_tls_priorities(void);
void *http_tls_callback(void); /* for MHD_OPTION_HTTPS_CERT_CALLBACK2 */

/* http_request.c: MHD's callbacks */
void *http_on_uri(void *server, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result http_on_request(void *server, struct MHD_Connection *mhd, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_len, void **rq);
void http_on_completed(void *server, struct MHD_Connection *mhd, void **rq,
                       enum MHD_RequestTerminationCode how);

/* http_reply.c */
enum MHD_Result http_reply_queue(struct http_request *rq);
/* Suspend, unless something came meanwhile: then it says what. */
enum http_pause { HTTP_PAUSED, HTTP_WOKEN, HTTP_ENDS };
enum http_pause http_pause(struct http_request *rq);
void http_resume_locked(struct http_request *rq, int held);
