/* One file by pieces: its partial file is made or found again, filled, synced now and then,
 * published at the end.
 *
 * What survives a crash: a piece is noted as there only after the fdatasync that put it on disk;
 * fetch_check.c looks at the partial file itself when the next run takes it up. */
#include "base/log.h"
#include "base/mem.h"
#include "core/path.h"
#include "svc/fetch_priv.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#define NAMES_MAX 999

/* ---- life ---- */

static void xfer_free(struct xfer *x)
{
    struct err e;

    if (x->path && (x->remove || !x->noted))
        root_remove(x->folder->root, x->path, &e);
    if (x->remove)
        store_part_remove(x->f->queue, &x->hash, &e);
    if (x->fd >= 0)
        close(x->fd);
    uv_mutex_lock(&x->f->part_lock);
    DL_DELETE(x->f->xfers, x);
    uv_mutex_unlock(&x->f->part_lock);
    fetch_folder_drop(x->folder);
    buf_free(&x->checkpoints);
    bits_done(&x->have);
    bits_done(&x->good);
    holders_done(&x->own_from);
    mem_free(x->bad_root);
    mem_free(x->target);
    mem_free(x->path);
    mem_free(x);
}

void xfer_pin(struct xfer *x)
{
    x->works++;
}

void xfer_unpin(struct xfer *x)
{
    assert(x->works);
    if (!--x->works && x->closing)
        xfer_free(x);
}

static void note_have(struct xfer *x, const struct bits *have)
{
    struct err e;

    if (store_part_have(x->f->queue, &x->hash, have, &e))
        log_warn("fetch", "not-noted reason=\"%s\"", e.text);
}

/* No more events, no more callbacks. */
static void xfer_close(struct xfer *x)
{
    xfer_pin(x);
    x->closing = true;
    xfer_unplan(x);
    list_end(x);
    poll_end_all(x);
    part_ended(x);
    if (x->fd >= 0 && x->unsynced && !x->remove && !fdatasync(x->fd))
        note_have(x, &x->have);
    xfer_unpin(x);
}

void xfer_stop(struct xfer *x, bool remove)
{
    x->remove = remove;
    xfer_close(x);
}

static void xfer_end(struct xfer *x, const struct err *e)
{
    void (*ended)(struct xfer *, const struct err *) = x->ended;

    xfer_pin(x);
    xfer_close(x);
    ended(x, e);
    xfer_unpin(x);
}

void xfer_fail(struct xfer *x, const struct err *e)
{
    if (!x->closing)
        xfer_end(x, e);
}

bool xfer_is_known(const struct fetch *f, const struct hash *hash)
{
    const struct xfer *x;

    DL_FOREACH (f->xfers, x) {
        if (hash_eq(&x->hash, hash))
            return true;
    }
    return false;
}

uint64_t xfer_done(const struct xfer *x)
{
    uint64_t piece = content_piece_size(x->size), last;

    if (!x->have.count)
        return x->copying;
    last =
        bits_get(&x->have, x->have.len - 1) ? content_piece_len(x->size, x->have.len - 1) : piece;
    return (x->have.count - 1) * piece + last;
}

unsigned xfer_holders(const struct xfer *x)
{
    struct plan_view v = {0};

    if (x->plan)
        plan_view(x->plan, &v);
    return v.sources;
}

/* After a failed sync the system may show bytes that never reach the disk, and no later sync tells
 * of it (fsyncgate). What it still holds is forgotten, so that the next run verifies the disk's. */
static int sync_file(struct xfer *x, int (*sync)(int fd))
{
    int sys = sync(x->fd) ? errno : 0;

    if (sys)
        root_drop_cache(x->fd);
    return sys;
}

/* ---- the end: sync, publish ---- */

struct finish {
    struct work work;
    struct xfer *x;
    char *target;
    struct root_stat st; /* of the published file */
    bool known;          /* st is set */
    struct err err;
};

static int publish(struct finish *p)
{
    struct xfer *x = p->x;

    for (unsigned n = 1; n <= NAMES_MAX; n++) {
        int bad;

        mem_free(p->target);
        p->target = fetch_numbered(x->target, n, false);
        bad = root_publish(x->folder->root, x->path, p->target, x->replace && n == 1, &p->err);
        if (bad != -ERR_EXISTS)
            return bad;
    }
    return -ERR_EXISTS;
}

static void finish_run(struct work *w)
{
    struct finish *p = (struct finish *)w;
    struct xfer *x = p->x;
    struct err ignored;
    char shown[256];
    int sys;

    if (x->kind == 'x')
        (void)root_set_exec(x->fd);
    if (x->mtime_s != INT64_MIN)
        (void)root_set_times(x->folder->root, x->path, x->mtime_s, &ignored);
    sys = sync_file(x, fsync);
    if (sys)
        err_sys(&p->err, ERR_IO, sys, "cannot sync %s",
                show_to(shown, sizeof shown, x->path, strlen(x->path)));
    else if (!publish(p))
        p->err.code = 0;
    p->known = !p->err.code && !root_stat_at(x->folder->root, p->target, &p->st, &ignored);
}

static void finish_done(struct work *w)
{
    struct finish *p = (struct finish *)w;
    struct xfer *x = p->x;
    struct err e = p->err, ignored;

    if (!e.code) { /* also when it was cancelled meanwhile: what is whole stays */
        store_part_remove(x->f->queue, &x->hash, &ignored);
        x->unsynced = 0;
        mem_free(x->target);
        x->target = p->target;
        p->target = NULL;
        mem_free(x->path);
        x->path = NULL;
        if (p->known && !x->closing)
            part_keep(x, &p->st);
    }
    mem_free(p->target);
    mem_free(p);
    if (!x->closing)
        xfer_end(x, e.code ? &e : NULL);
    xfer_unpin(x);
}

void xfer_complete(struct xfer *x)
{
    struct finish *p;

    if (x->finishing || x->closing || x->checking || !bits_full(&x->have))
        return;
    assert(bits_full(&x->good));
    x->finishing = true;
    p = mem_zero(1, sizeof *p);
    p->x = x;
    xfer_pin(x);
    fetch_work(x->f, &p->work, finish_run, finish_done);
}

/* ---- now and then: what is verified becomes durable ---- */

struct sync {
    struct work work;
    struct xfer *x;
    struct bits have;
    int sys;
};

static void sync_run(struct work *w)
{
    struct sync *s = (struct sync *)w;

    s->sys = sync_file(s->x, fdatasync);
}

static void sync_done(struct work *w)
{
    struct sync *s = (struct sync *)w;
    struct xfer *x = s->x;
    struct err e;

    x->syncing = false;
    if (!x->closing && s->sys) {
        err_sys(&e, ERR_IO, s->sys, "cannot sync the partial file");
        x->unsynced = 0; /* not to be noted: nobody knows what is on disk */
        xfer_fail(x, &e);
    } else if (!x->closing) {
        note_have(x, &s->have);
    }
    bits_done(&s->have);
    mem_free(s);
    xfer_unpin(x);
}

static void sync_now_and_then(struct xfer *x, int64_t now)
{
    struct sync *s;

    if (!x->unsynced || x->syncing || x->finishing ||
        (x->unsynced < FETCH_SYNC_BYTES && now - x->synced_ms < FETCH_SYNC_MS))
        return;
    x->syncing = true;
    x->unsynced = 0;
    x->synced_ms = now;
    s = mem_zero(1, sizeof *s);
    s->x = x;
    bits_copy(&s->have, &x->have);
    xfer_pin(x);
    fetch_work(x->f, &s->work, sync_run, sync_done);
}

/* ---- the plan ---- */

void xfer_unplan(struct xfer *x)
{
    xfer_cancel_all(x);
    fill_stop(x->fill);
    x->fill = NULL;
    plan_free(x->plan);
    x->plan = NULL;
}

void xfer_plan(struct xfer *x)
{
    struct fill_spec fill = {.fd = x->fd,
                             .size = x->size,
                             .hash = x->hash,
                             .checkpoints = (const uint8_t *)x->checkpoints.data,
                             .have = &x->have};
    struct plan_conf conf = {.pieces = content_piece_count(x->size),
                             .piece_bytes = content_piece_size(x->size),
                             .sequential = x->job->sequential};

    xfer_unplan(x);
    x->fill = fill_new(&fill);
    x->plan = plan_new(&conf, &x->have, rng_next(&x->f->rng));
    x->limit = 0;
    x->room = FETCH_CONN_MAX;
    xfer_pin(x);
    xfer_tick(x, loop_now_ms()); /* the limit comes before the sources */
    xfer_point(x);
    xfer_sources(x);
    xfer_unpin(x);
}

/* The list is there and checked: note the partial file, share it, begin. */
void xfer_listed(struct xfer *x)
{
    struct store_part part = {.hash = x->hash,
                              .root = x->root,
                              .size = x->size,
                              .path = x->path,
                              .have = x->have,
                              .checkpoints = x->checkpoints};
    struct err e;

    x->has_list = true;
    if (store_part_save(x->f->queue, &part, &e)) {
        xfer_fail(x, &e);
        return;
    }
    x->noted = true;
    if (x->size >= FETCH_PART_MIN)
        part_share(x, true);
    x->synced_ms = loop_now_ms();
    check_begin(x);
}

void xfer_tick(struct xfer *x, int64_t now)
{
    uint64_t limit;

    if (x->closing || x->finishing)
        return;
    xfer_pin(x);
    list_tick(x, now);
    if (x->plan && !x->closing) {
        limit = fetch_share_of_limit(x->f, x->job);
        if (limit != x->limit) {
            bool much = x->limit && (!limit || limit / 2 > x->limit);

            x->limit = limit;
            xfer_step(x, (struct plan_in){.event = PLAN_LIMIT, .bytes = limit});
            if (much) /* those that run were asked for at the old rate */
                xfer_ask_anew(x);
        }
        if (plan_due_ms(x->plan) <= now)
            xfer_step(x, (struct plan_in){.event = PLAN_TICK});
    }
    if (!x->closing)
        swarm_tick(x, now);
    if (!x->closing)
        sync_now_and_then(x, now);
    xfer_unpin(x);
}
