/* Routes for peers, over mutual TLS (doc/PROTOCOL.md, "Routes"): the catalog's rows, files by hash
 * and range, checkpoints, folder manifests, batches of small files, pieces of what is being fetched
 * here, and the leader's answers. Only what is announced is ever read; a file that is no longer
 * what the store says is not sent. Handlers run on the server's threads, each with its own
 * store_reader. */
#pragma once

#include "base/err.h"
#include "base/id.h"
#include "io/http_server.h"
#include "svc/ident.h"

struct serve;
struct desk;
struct door;
struct fetch;
struct journal;
struct share;

struct serve_conf {
    const struct ident *ident;
    uint16_t port; /* wished; another free one when taken */
    unsigned threads;
    struct desk *desk;
    struct share *share;
    struct fetch *fetch; /* may be NULL until serve_fetch */
    const char *db_path;
    uint64_t limit_up;       /* bytes/s, 0: none */
    unsigned slots;          /* uploads at once; 0: UPLOAD_SLOTS */
    struct journal *journal; /* told what went to whom; NULL: nobody */
};

struct serve *serve_new(const struct serve_conf *conf, uint16_t *bound, struct err *e);
void serve_fetch(
    struct serve *s,
    struct fetch *f); /* once fetch is there; any thread. serve_free comes before fetch_free */
void serve_set_limits(struct serve *s, uint64_t limit_up, unsigned slots); /* any thread, at once */
/* Likewise once the door for plain links is there; NULL before it goes. */
void serve_door(struct serve *s, struct door *d);
/* A plain link's request, from the door's own listener: the content, or, of a folder, the file that
 * rest names inside it. Replies. */
void serve_link(struct serve *s, struct http_request *rq, const struct hash *h, bool folder,
                const char *rest);
void serve_link_over(struct serve *s); /* the threads that called it have ended */
/* Answers that others make (svc/guest) go out by the same slots and limits: how many of want bytes
 * may go now, 0: rq is woken when some may. In the end serve_let_over. */
size_t serve_let(struct serve *s, struct http_request *rq, size_t want);
void serve_let_over(struct serve *s, struct http_request *rq);
struct serve_status {
    uint64_t sent_bytes, rate_up, requests, refused, connections;
    unsigned waiting; /* uploads, for a slot */
};
void serve_status(struct serve *s, struct serve_status *out); /* any thread */
void serve_free(struct serve *s);
