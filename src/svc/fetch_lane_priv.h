/* Inside the lanes: for fetch_lane.c (threads, which lane, news) and fetch_fill.c (bytes into the
 * file) only. */
#pragma once

#include "base/bits.h"
#include "core/content.h"
#include "svc/fetch_lane.h"

#include <uv.h>

struct lane {
    struct loop *loop;
    const struct http_identity *id;
    struct http_client *client; /* the lane's thread */
    /* fetch's thread: */
    unsigned running;
    uint64_t looked_ns, idle_ns;
};

struct lanes {
    struct loop *loop;
    const struct http_identity *id;
    struct lane *lane[LANES_MAX];
    unsigned count, use, most; /* threads; those that get work; bound */
    unsigned stretches;
    int64_t looked_ms;
};

struct fill {
    uv_mutex_t lock; /* guards all below, and what struct stretch says */
    uv_cond_t written;
    int fd;
    uint64_t size;
    struct hash hash;
    const uint8_t *checkpoints;
    struct bits have; /* pieces that count */
    struct stretch *stretches;
    unsigned refs; /* stretches, and whoever made it */
};

struct stretch {
    struct lanes *lanes;
    struct lane *lane;
    struct fill *fill;
    struct addr addr;
    uint8_t pin[32];
    char path[160];
    uint32_t end; /* one after the last piece */
    unsigned stall_ms;
    uint64_t max_rate;
    /* fetch's thread: */
    void (*tell)(void *ctx, const struct stretch_news *n);
    void *ctx;
    bool cancelled;
    /* the lane's: */
    struct http_call *call;
    struct http_answer answer; /* fetch's once it is over */
    struct content_verify verify;
    uint64_t at; /* bytes of the piece that came */
    int64_t told_ms;
    /* under the fill's lock: */
    struct stretch *prev, *next;
    unsigned refs;
    uint32_t piece; /* that comes now */
    bool dead;      /* cancelled: neither file nor list are touched any more */
    bool wrote;     /* something of the piece */
    bool writing;   /* now, without the lock */
    bool mixed;     /* another one wrote into the piece as well */
    bool over, posted;
    struct stretch_news news;
};

/* Tell what there is to tell, now or after a while. Under the lock. */
void stretch_tell(struct stretch *s, bool at_once);

/* fetch_fill.c */
void fill_add(struct fill *f, struct stretch *s);
void fill_remove(struct fill *f, struct stretch *s); /* under the lock */
void fill_free(struct fill *f);
bool fill_begin_piece(struct stretch *s); /* false: it is cancelled */
/* Bytes that came, on the lane. false: no more of them. */
bool fill_take(struct stretch *s, const char *p, size_t len);
