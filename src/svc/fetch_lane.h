/* Lanes: threads that bring pieces. Each owns a loop and a curl multi handle; it receives, verifies
 * and writes, and decides nothing: the plan does, on fetch's thread.
 *
 * A fill is one file while it is being filled. A stretch is one request of it: neighbouring pieces
 * of one source, on one lane. What both threads touch is guarded by the fill's lock. A piece is
 * written before it is known to be good; it counts only after, and one that counts is never written
 * again. Where two stretches write the same piece at the same time one could spoil what the other
 * wrote, so such a piece is read back before it counts.
 *
 * Everything declared here is called on fetch's thread. One lane does until it is busy nearly all
 * the time; then there are more, at most LANES_MAX. */
#pragma once

#include "base/limits.h"
#include "io/http_client.h"

struct bits;
struct lanes;
struct fill;
struct stretch;

#define LANES_MAX 4

/* loop: fetch's, which is told. Starts no thread yet. Copies nothing: id stays. */
struct lanes *lanes_new(struct loop *loop, const struct http_identity *id);
/* Stretches that a lane has not let go of yet; cancelled ones count for a moment longer. */
unsigned lanes_busy(const struct lanes *l);
unsigned lanes_running(const struct lanes *l); /* threads */
void lanes_free(struct lanes *l);              /* when none is busy; joins */

struct fill_spec {
    int fd;
    uint64_t size;
    struct hash hash;
    const uint8_t *checkpoints; /* checked; borrowed like fd until fill_stop */
    const struct bits *have;    /* pieces that count already; copied */
};
struct fill *fill_new(const struct fill_spec *spec);
void fill_forget(struct fill *f, uint32_t piece); /* a piece that counted is damaged */
/* Its stretches must have been cancelled. Waits for a write that is under way; then neither fd nor
 * checkpoints are touched any more, and f is not the caller's. NULL is fine. */
void fill_stop(struct fill *f);

enum verdict {
    PIECE_GOOD,
    PIECE_BAD,
    PIECE_SPOILT, /* good as it came, not as it stands in the file: not there */
};

/* What came since the last news. */
struct stretch_news {
    uint64_t bytes;
    uint32_t first; /* piece of verdict[0] */
    unsigned count; /* pieces that ended */
    enum verdict verdict[FETCH_REQUEST_PIECES];
    int write_errno;                  /* the file could not be written: it ends */
    const struct http_answer *answer; /* not NULL: it is over, and the stretch is gone */
};

struct stretch_ask {
    struct addr addr;
    uint8_t pin[32];
    const char *path; /* route of the content */
    uint32_t first, count;
    unsigned stall_ms;
    uint64_t max_rate; /* bytes/s, 0: none */
    /* On fetch's thread; may cancel this and start others. */
    void (*news)(void *ctx, const struct stretch_news *n);
    void *ctx;
};
struct stretch *stretch_start(struct lanes *l, struct fill *f, const struct stretch_ask *ask);
void stretch_cancel(struct stretch *s); /* no news after this; s is not the caller's any more */
