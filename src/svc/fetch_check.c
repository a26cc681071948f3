/* A partial file of an earlier run: what it holds is verified, never believed.
 *
 * Pieces that were noted as there count for the plan at once and are verified while others are
 * fetched, before they are served or count for the end: damage costs the damaged pieces and nothing
 * else. Pieces that were written after the last note (a killed service loses the notes of its last
 * seconds, not what it wrote) are looked for first, so that they are not fetched again: the file
 * was made of zeros, so a piece that does not begin with zeros was begun, and its checkpoint tells
 * whether it is whole. */
#include "base/log.h"
#include "base/mem.h"
#include "svc/fetch_priv.h"

#include <unistd.h>

#define CHECK_BYTES (32u << 20) /* verified in one go */
#define BLOCK       (256u << 10)
#define HEAD        4096u /* of a piece that was begun: not all zeros */

struct check {
    struct work work;
    struct xfer *x;
    uint32_t first, count; /* pieces */
    bool *look, *good;
};

static bool verify_piece(const struct xfer *x, uint32_t piece, char *block)
{
    uint64_t at = piece * content_piece_size(x->size);
    struct content_verify v;

    content_verify_init(&v, x->size, &x->hash, (const uint8_t *)x->checkpoints.data, piece);
    while (v.left) {
        ssize_t n = pread(x->fd, block, v.left < BLOCK ? (size_t)v.left : BLOCK, (off_t)at);

        if (n <= 0)
            return false;
        content_verify_add(&v, block, (size_t)n);
        at += (uint64_t)n;
    }
    return content_verify_done(&v);
}

static bool begun(const struct xfer *x, uint32_t piece, char *block)
{
    ssize_t n = pread(x->fd, block, HEAD, (off_t)(piece * content_piece_size(x->size)));

    for (ssize_t i = 0; i < n; i++) {
        if (block[i])
            return true;
    }
    return false;
}

static void check_run(struct work *w)
{
    struct check *c = (struct check *)w;
    char *block = mem_alloc(BLOCK);

    for (uint32_t i = 0; i < c->count; i++)
        c->good[i] = c->look[i] && !c->x->closing &&
                     (!c->x->salvaging || begun(c->x, c->first + i, block)) &&
                     verify_piece(c->x, c->first + i, block);
    mem_free(block);
}

static void check_next(struct xfer *x);

/* What the pool found out about one piece that it looked at. */
static void checked(struct xfer *x, uint32_t piece, bool good)
{
    if (good) {
        if (x->salvaging) {
            bits_set(&x->have, piece);
            x->unsynced += content_piece_len(x->size, piece);
        }
        part_good(x, piece);
    } else if (!x->salvaging) {
        log_warn("fetch", "damaged id=%lld piece=%u: it is fetched again", (long long)x->job->id,
                 piece);
        bits_clear(&x->have, piece);
        fill_forget(x->fill, piece);
        xfer_step(x, (struct plan_in){.event = PLAN_AGAIN, .piece = piece});
    }
}

static void check_done(struct work *w)
{
    struct check *c = (struct check *)w;
    struct xfer *x = c->x;

    for (uint32_t i = 0; i < c->count && !x->closing; i++) {
        if (c->look[i])
            checked(x, c->first + i, c->good[i]);
    }
    x->check_at = c->first + c->count;
    mem_free(c->look);
    mem_free(c->good);
    mem_free(c);
    if (!x->closing)
        check_next(x);
    xfer_unpin(x);
}

/* Salvaging: not noted. Later: noted and not verified in this run. */
static bool to_look_at(const struct xfer *x, uint32_t piece)
{
    return x->salvaging ? !bits_get(&x->have, piece)
                        : bits_get(&x->have, piece) && !bits_get(&x->good, piece);
}

static void check_over(struct xfer *x)
{
    if (x->salvaging) { /* now the plan knows what is missing */
        x->salvaging = false;
        x->check_at = 0;
        xfer_plan(x);
        if (!x->closing)
            check_next(x);
        return;
    }
    x->checking = false;
    if (x->forged)
        list_forged(x);
    else
        xfer_complete(x);
}

static void check_next(struct xfer *x)
{
    uint32_t most = (uint32_t)(CHECK_BYTES / content_piece_size(x->size)) + 1, at = x->check_at;
    struct check *c;

    while (at < x->have.len && !to_look_at(x, at))
        at++;
    if (at == x->have.len || x->forged) {
        check_over(x);
        return;
    }
    x->checking = true;
    c = mem_zero(1, sizeof *c);
    c->x = x;
    c->first = at;
    c->count = x->have.len - at < most ? x->have.len - at : most;
    c->look = mem_zero(c->count, sizeof *c->look);
    c->good = mem_zero(c->count, sizeof *c->good);
    for (uint32_t i = 0; i < c->count; i++)
        c->look[i] = to_look_at(x, at + i);
    xfer_pin(x);
    fetch_work(x->f, &c->work, check_run, check_done);
}

void check_begin(struct xfer *x)
{
    x->check_at = 0;
    x->checking = true; /* nothing is complete before the check is over */
    x->salvaging = x->resumed && !bits_full(&x->have);
    x->resumed = false;
    xfer_pin(x);
    if (!x->salvaging)
        xfer_plan(x);
    if (!x->closing)
        check_next(x);
    xfer_unpin(x);
}
