/* Inside the routes for peers: for serve*.c only. */
#pragma once

#include "core/meter.h"
#include "io/http_server.h"
#include "io/root.h"
#include "svc/serve.h"
#include "svc/store.h"

#include <uv.h>

struct pace;

struct serve {
    struct serve_conf conf;
    char *db_path;
    struct http_server *server;
    struct pace *pace;   /* NULL: no limit */
    uv_key_t reader_key; /* a thread's own store_reader */
    uv_mutex_t lock;     /* guards all below */
    struct fetch *fetch;
    struct store_reader **readers; /* of all threads */
    size_t reader_count, readers_cap;
    struct meter up;
    uint64_t requests;
};

/* This thread's reader; NULL: the database cannot be read (answered with 503 then). */
struct store_reader *serve_reader(struct serve *s, struct http_request *rq);
struct fetch *serve_get_fetch(struct serve *s);
void serve_reply(struct serve *s, struct http_request *rq, struct buf *b); /* 200, bytes */
void serve_sent(struct serve *s, uint64_t bytes);

/* The routes. Each replies to rq, or holds it. */
void serve_file(struct serve *s, struct http_request *rq, const struct hash *h);
void serve_checkpoints(struct serve *s, struct http_request *rq, const struct hash *h);
void serve_have(struct serve *s, struct http_request *rq, const struct hash *h);
void serve_batch(struct serve *s, struct http_request *rq);

/* Open a content in the shared folder: 1 with *fd (close it), *st as announced and *path
 * (mem_free); 0: never had it; -1: what was announced is not there any more. */
int serve_open(struct serve *s, struct store_reader *r, const struct hash *h, int *fd,
               struct root_stat *st, char **path);

/* The limit on what goes up: a purse that fills with time. */
struct pace *pace_new(uint64_t limit);
void pace_free(struct pace *p); /* after the server */
/* How many of want bytes may go now; 0: none, rq is woken later. */
size_t pace_take(struct pace *p, struct http_request *rq, size_t want);
void pace_forget(struct pace *p, struct http_request *rq); /* it is over */

/* ---- serve_catalog.c ---- */

void serve_catalog(struct serve *s, struct http_request *rq);
