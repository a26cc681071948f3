/* Inside the routes for peers: for serve*.c only. */
#pragma once

#include "core/meter.h"
#include "io/http_server.h"
#include "io/root.h"
#include "svc/serve.h"
#include "svc/store.h"

#include <uv.h>

#define DOOR_THREADS 2

struct pace;
struct reads;

struct serve {
    struct serve_conf conf;
    char *db_path;
    struct http_server *server;
    struct pace *pace;
    struct reads *reads;   /* of files, and ... */
    struct reads *batches; /* ... of small ones: a disk that stands still must not hold both */
    uv_key_t reader_key;   /* a thread's own store_reader */
    uv_mutex_t lock;       /* guards all below */
    struct fetch *fetch;
    struct door *door;
    struct store_reader *door_reader[DOOR_THREADS]; /* of the door's threads, in readers too */
    size_t door_readers;
    struct store_reader **readers; /* of all threads */
    size_t reader_count, readers_cap;
    struct meter up;
    uint64_t requests;
    unsigned reaches; /* serve_reach.c: under way */
};

/* This thread's reader; NULL: the database cannot be read (answered with 503 then). */
struct store_reader *serve_reader(struct serve *s, struct http_request *rq);
struct store_reader *serve_store(struct serve *s); /* the same, and nobody is answered */
struct fetch *serve_get_fetch(struct serve *s);
void serve_reply(struct serve *s, struct http_request *rq, struct buf *b); /* 200, bytes */
void serve_sent(struct serve *s, uint64_t bytes);
/* Of a content, to whoever asks: for the journal. bytes 0: not worth a word. */
void serve_note(struct serve *s, const struct http_request *rq, const struct hash *h,
                const char *path, uint64_t size, uint64_t bytes, bool small);

/* The routes. Each replies to rq, or holds it. */
void serve_file(struct serve *s, struct http_request *rq, const struct hash *h);
void serve_checkpoints(struct serve *s, struct http_request *rq, const struct hash *h);
void serve_have(struct serve *s, struct http_request *rq, const struct hash *h);
void serve_batch(struct serve *s, struct http_request *rq);
void serve_reach(struct serve *s, struct http_request *rq, const char *port);
void serve_link_open(struct serve *s, struct http_request *rq, const struct hash *h);
void serve_link_end(struct serve *s, struct http_request *rq, const struct hash *h);

/* Open a content in the shared folder: 1 with *fd (close it), *st as announced and *path
 * (mem_free); 0: never had it; -1: what was announced is not there any more. */
int serve_open(struct serve *s, struct store_reader *r, const struct hash *h, int *fd,
               struct root_stat *st, char **path);
/* The same at the place that the store named. false: it is not what it was. */
bool serve_open_at(struct serve *s, const struct store_content *c, int *fd, struct root_stat *st);

/* serve_pace.c: slots, and the limit on what goes up. */
struct purse { /* bytes/s (0: no limit), bytes */
    double limit, bytes;
    int64_t filled_ms;
};
struct pace *pace_new(uint64_t limit, unsigned slots);
void pace_free(struct pace *p);                                /* after the server */
void pace_set(struct pace *p, uint64_t limit, unsigned slots); /* any thread */
bool pace_enter(struct pace *p, struct http_request *rq); /* false: no slot is free, rq is woken */
/* How many of want bytes may go now, by the limit on all and by the request's own; 0: none, rq is
 * woken later. After pace_enter. */
size_t pace_take(struct pace *p, struct http_request *rq, struct purse *own, size_t want);
void pace_back(struct pace *p, struct purse *own, size_t bytes); /* of those: not sent after all */
void pace_forget(struct pace *p, struct http_request *rq);       /* it is over */
unsigned pace_waiting(struct pace *p);                           /* for a slot */

/* ?rate=: bytes a second at which the answer is wished. */
struct purse serve_wished_rate(const struct http_request *rq);

/* serve_read.c: work for a reading thread. Embedded first in what it works on. */
struct read_job {
    struct read_job *prev, *next;
    void (*run)(struct read_job *j);
    void (*free)(struct read_job *j);
    struct http_request *rq; /* woken when it is done */
    enum { READ_QUEUED, READ_RUNS, READ_DONE } state;
    bool dropped;
};
struct reads *reads_new(void);
void reads_free(struct reads *p); /* after the server */
void reads_start(struct reads *p, struct read_job *j);
bool reads_done(struct reads *p, const struct read_job *j);
/* The owner is through with it: freed, now or when it has run. Its rq is not woken any more. */
void reads_drop(struct reads *p, struct read_job *j);

/* ---- serve_catalog.c ---- */

void serve_catalog(struct serve *s, struct http_request *rq);
void serve_desk(struct serve *s, struct http_request *rq);
