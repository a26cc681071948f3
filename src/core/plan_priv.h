/* Inside the download scheduler: for plan*.c and its tests only. */
#pragma once

#include "base/bits.h"
#include "base/limits.h"
#include "base/rng.h"
#include "core/plan.h"

enum plan_state {
    SOURCE_USE,   /* may be asked */
    SOURCE_PAUSE, /* not before retry_ms */
    SOURCE_LOST,  /* until it is announced again */
    SOURCE_GONE,  /* has nothing any more; the same */
    SOURCE_LIAR,  /* never again */
};

struct plan_source {
    uint32_t id;
    enum plan_state state;
    bool whole;
    struct bits has; /* while not whole */
    unsigned fails;  /* broken requests in a row */
    int64_t retry_ms;
    unsigned bad;
    uint32_t bad_piece[FETCH_BAD_MAX];
    unsigned running; /* requests */
    uint32_t cursor;  /* piece after the last one asked */
    bool measured;
    double rate;           /* bytes/s over all its requests */
    uint64_t window_bytes; /* not in the rate yet */
    int64_t window_ms;     /* since then */
    int64_t idle_ms;       /* its last request ended then */
};

struct plan_request {
    uint32_t id; /* 0: free slot */
    struct plan_source *src;
    uint32_t first, count, next; /* next: the piece that comes now, first..first+count */
    uint64_t got;                /* bytes of it */
    int64_t heard_ms;            /* begun, or last byte */
};

#define PIECE_FREE 0 /* else how many requests bring it ... */
#define PIECE_DONE 255

struct plan {
    struct plan_conf conf;
    struct rng rng;
    int64_t now_ms;
    uint8_t *piece; /* PIECE_FREE, 1 or 2 requests, PIECE_DONE */
    uint32_t free, done;
    uint32_t low;      /* no free piece below */
    uint16_t *holders; /* of each piece, among sources with a part; NULL until there is one */
    unsigned parts;    /* such sources */
    struct plan_source **source;
    size_t sources, sources_cap;
    struct plan_request request[FETCH_CONN_MAX];
    unsigned running;
    uint32_t last_id;
    double limit, tokens; /* bytes/s, bytes; limit 0: none */
    bool waiting;         /* said so */
    bool told_done;
    uint64_t stale, twice;
};

/* plan_pick.c: what to ask */
bool plan_source_has(const struct plan_source *s, uint32_t piece);
/* Bytes/s that the source may be expected to bring; never 0. */
double plan_guess(const struct plan *p, const struct plan_source *s);
/* Free pieces for this source. false: none. */
bool plan_pick(struct plan *p, const struct plan_source *s, uint32_t *first, uint32_t *count);
/* A running piece that this source would bring sooner. false: none. */
bool plan_pick_twice(const struct plan *p, const struct plan_source *s, uint32_t *piece);
