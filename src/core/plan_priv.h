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
    struct bits has; /* while not whole; empty: nothing is known of what it has */
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
    uint64_t gave;         /* bytes in all */
    int64_t alive_ms;      /* it said then what it has */
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

/* The leader's word: src[0] is the parent. Those that failed are taken out. */
struct plan_order {
    struct plan_source *src[PLAN_ORDER_MAX];
    unsigned count;
    int64_t since_ms; /* with this parent */
    uint64_t gave;    /* by it, before */
    int64_t probe_ms; /* last probe of the parent */
    int64_t look_ms;  /* last probe of the next */
    int64_t trial_ms, trial_wait_ms;
    uint32_t trial; /* the request that tries the next one, 0: none */
    int64_t trial_began_ms;
};

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
    unsigned room; /* requests at most */
    uint32_t last_id;
    uint32_t point, window; /* in order from point on; window pieces of it urgently */
    bool alone; /* the piece at the point is awaited: no source divides its line with another */
    struct plan_order order;
    double limit, tokens; /* bytes/s, bytes; limit 0: none */
    bool waiting;         /* said so */
    bool told_done;
    uint64_t stale, twice, late;
};

/* plan.c */
struct plan_action *plan_act(struct plan_out *out, enum plan_act what);

/* plan_source.c: who there is, how fast, what it has */
struct plan_source *plan_source_by_id(const struct plan *p, uint32_t id);
struct plan_source *plan_source_new(struct plan *p, uint32_t id); /* nothing known of it */
/* It is there (again): has NULL is everything. */
void plan_source_is(struct plan *p, struct plan_source *s, const struct bits *has);
/* No requests, no bits any more. */
void plan_source_out(struct plan *p, struct plan_source *s, enum plan_state state,
                     struct plan_out *out);
void plan_source_broken(struct plan *p, struct plan_source *s, struct plan_out *out);
void plan_measure(struct plan_source *s, int64_t now_ms);

/* plan_request.c: requests, and the state of the pieces */
struct plan_request *plan_request_by_id(struct plan *p, uint32_t id);
void plan_request_start(struct plan *p, struct plan_source *s, uint32_t first, uint32_t count,
                        struct plan_out *out);
/* What it did not bring is free again. */
void plan_request_end(struct plan *p, struct plan_request *r);
void plan_request_cancel(struct plan *p, struct plan_request *r, struct plan_out *out);
void plan_cancel_needless(struct plan *p, struct plan_out *out); /* those that bring nothing new */
void plan_piece_free(struct plan *p, uint32_t i);
void plan_piece_release(struct plan *p, uint32_t i); /* one request less brings it */

/* plan_order.c: the parent */
bool plan_has_parent(const struct plan *p);
void plan_order_set(struct plan *p, const struct plan_in *in, struct plan_out *out);
/* s is no parent and no fall-back any more. */
void plan_order_leave(struct plan *p, struct plan_source *s, struct plan_out *out);
/* A request of s broke: it pauses, and is left as parent if it ever gave anything. */
void plan_order_broke(struct plan *p, struct plan_source *s, struct plan_out *out);
/* Requests to the parent, and the trial of the next. */
void plan_order_dispatch(struct plan *p, struct plan_out *out);
bool plan_order_wants(const struct plan *p); /* the parent should be asked for more now */
/* The trial's request ended, or brought its piece. */
void plan_order_trial(struct plan *p, const struct plan_request *r, bool good,
                      struct plan_out *out);
void plan_order_tick(struct plan *p, struct plan_out *out);
int64_t plan_order_due_ms(const struct plan *p);

/* plan_pick.c: what to ask */
bool plan_source_has(const struct plan_source *s, uint32_t piece);
/* Bytes/s that the source may be expected to bring; never 0. */
double plan_guess(const struct plan *p, const struct plan_source *s);
/* Free pieces for this source. false: none. */
bool plan_pick(struct plan *p, const struct plan_source *s, uint32_t *first, uint32_t *count);
/* A running piece that this source would bring sooner. false: none. */
bool plan_pick_twice(const struct plan *p, const struct plan_source *s, uint32_t *piece);
/* The first piece of the window that is free, or that this source would bring sooner. */
bool plan_pick_urgent(struct plan *p, const struct plan_source *s, uint32_t *piece);
/* Free pieces from the front, of a source that may not have them yet. */
bool plan_pick_stream(struct plan *p, const struct plan_source *s, uint32_t *first,
                      uint32_t *count);
