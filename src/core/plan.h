/* Download scheduler: which pieces of one content to ask from which source next.
 *
 * Pure: time comes in with the event, what to do goes out as actions. One owner (svc/fetch, its
 * loop's thread).
 *
 * The rules. The last piece first: it alone ties the checkpoint list to the file's hash. After it
 * each source reads on where it stopped; where it cannot, from the first free piece, so that all
 * who fetch have much the same; the rarest first while there are sources with a part only; from the
 * front, or from a wished point, when the order is sequential. A request asks for neighbouring
 * pieces that last about PLAN_REQUEST_MS at the source's measured rate, fewer as the end comes
 * near. When nothing is free the pieces that run longest are asked a second time, from the back of
 * their request, where another source would be quicker. A bad piece is asked elsewhere if anybody
 * else has it; FETCH_BAD_MAX bad pieces and a source is out. A broken request costs its source a
 * pause that doubles, PLAN_TRIES in a row and it counts as lost until it is announced again.
 *
 * A wished window (PLAN_POINT, somebody plays the file) goes before all that but the last piece:
 * its free pieces in order, one by one, and those that come too late are asked again of whoever
 * would be quicker. After a jump what runs elsewhere is ended, and until the piece at the point is
 * there no source is asked for a second one beside it: that would halve its rate.
 *
 * Under an order (PLAN_ORDER, a swarm that the leader directs) one source is the parent: it is
 * asked for the pieces from the front on, one flow at a time, so that each piece is whole and can
 * be passed on as early as can be; the next request goes out while the last piece of the one before
 * comes. It need not have the pieces yet: it answers when it has them. Nobody else is asked. A
 * parent is left for the next in the order when a request of it breaks, a piece is bad, or no byte
 * came for PLAN_PARENT_MS and it does not even answer a probe. Now and then the next in the order
 * is looked at: where it is far ahead of us, one piece is asked of it, and when that comes at more
 * than twice the parent's rate it becomes the parent, so that a slow host in the middle ends as a
 * leaf. When the order is used up all
 * sources are asked, as without one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bits;
struct plan;

#define PLAN_REQUEST_MS 350 /* wished length of a request */
#define PLAN_SILENT_MS                                                                             \
    12000 /* no byte for so long: cancelled (a holder may hold a request for HOLD_MS) */
#define PLAN_PAUSE_MS 250 /* after a broken request; doubles with each further one */
#define PLAN_TRIES    5   /* broken requests in a row until a source counts as lost */
#define PLAN_TICK_MS  100 /* how often running requests are looked at near the end */

#define PLAN_ORDER_MAX  3    /* a parent and two fall-backs */
#define PLAN_STREAM_MS  1000 /* wished length of a request to a parent */
#define PLAN_PROBE_MS   800  /* no byte of the parent for so long: is it there? */
#define PLAN_PARENT_MS  2500 /* and for so long, without an answer to that: it is left */
#define PLAN_STARVED_MS 9000 /* and for so long: left although it answers */
/* The next in the order is looked at when a parent is so old, then at three times the distance; it
 * is tried when it is ahead by what the parent brings in PLAN_AHEAD_MS. */
#define PLAN_TRIAL_MS 2000
#define PLAN_AHEAD_MS 2000

struct plan_conf {
    uint32_t pieces;      /* at least 1 */
    uint64_t piece_bytes; /* of each but the last */
    bool sequential;
};

enum plan_event {
    PLAN_SOURCE,   /* source, has (NULL: everything): it is there, there again, or has more. Not for
                      one that lied */
    PLAN_GONE,     /* source: it has the content no more */
    PLAN_BYTES,    /* request, bytes: came. Gives no action */
    PLAN_PIECE_OK, /* request: its next piece is verified and written */
    PLAN_PIECE_BAD, /* request: its next piece failed verification; the request goes on */
    PLAN_END,       /* request: nothing more comes. With pieces missing it counts as broken */
    PLAN_AGAIN,     /* piece: one that was said to be there is not */
    PLAN_LIMIT,     /* bytes: allowed each second, 0: no limit */
    PLAN_ROOM,      /* count: connections at most, 1 to FETCH_CONN_MAX (the others are for other
                       downloads). Running requests go on */
    PLAN_POINT, /* piece, count: from now on in order from this piece, these count ones urgently; 0:
                   only the order */
    PLAN_ORDER, /* order, count: parent and fall-backs, sources that may be new (then nothing is
                   known of what they have). A parent that works stays. 0: no order any more */
    PLAN_TICK,
};

struct plan_in {
    enum plan_event event;
    int64_t now_ms;         /* never falls */
    uint32_t source;        /* the caller's number for it */
    const struct bits *has; /* as many bits as pieces; copied */
    uint32_t request;
    uint32_t piece;
    uint64_t bytes;
    const uint32_t *order; /* sources */
    uint32_t count;
};

enum plan_act {
    PLAN_REQUEST, /* ask source for count pieces from first, as request */
    PLAN_CANCEL,  /* request: end it. Later events of it are ignored */
    PLAN_ASK,     /* source: the parent no more. Ask the leader for another order */
    PLAN_PROBE,   /* source: ask which pieces it has, at once; PLAN_SOURCE tells that it lives */
    PLAN_DROP,    /* source is out: it lied (for good), or is lost (until PLAN_SOURCE) */
    PLAN_DONE,    /* all pieces are there */
    PLAN_WAITING, /* nothing runs and nothing can be asked before a source comes */
    PLAN_FAILED,  /* the same, since every source lied: the content or the checkpoint list is wrong
                   */
};

struct plan_action {
    enum plan_act act;
    uint32_t request, source, first, count;
    bool lied; /* PLAN_DROP */
};

#define PLAN_OUT_MAX 64 /* all that one event can cause */

struct plan_out {
    struct plan_action action[PLAN_OUT_MAX];
    size_t count;
};

/* Plan the pieces that are not set in have (NULL: none is there). Copies. Never NULL. */
struct plan *plan_new(const struct plan_conf *conf, const struct bits *have, uint64_t seed);

/* Take one event, fill out. A stale or foreign number is counted and has no effect. */
void plan_step(struct plan *p, const struct plan_in *in, struct plan_out *out);

/* Latest time to call with PLAN_TICK; INT64_MAX if nothing is pending. */
int64_t plan_due_ms(const struct plan *p);

struct plan_view {
    uint32_t done;     /* pieces that are there */
    unsigned requests; /* running */
    unsigned sources;  /* usable or only pausing */
    uint64_t stale;    /* events that fitted nothing */
    uint64_t twice;    /* pieces that came twice */
    uint64_t late;     /* pieces of the window that were asked again */
    bool ordered;      /* parent is set: who is asked alone */
    uint32_t parent;
};
void plan_view(const struct plan *p, struct plan_view *out);
/* What the source is thought to bring, bytes/s; 0: not measured. */
uint64_t plan_rate(const struct plan *p, uint32_t source);

const char *plan_event_name(enum plan_event e);
const char *plan_act_name(enum plan_act a);

/* Assert every invariant. Tests and the simulator call it after each step. */
void plan_check(const struct plan *p);

void plan_free(struct plan *p); /* NULL is fine */
