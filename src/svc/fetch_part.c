/* The contents that are being fetched, as serve sees them: verified pieces only. Called from
 * serve's threads; what they may read is guarded by part_lock. */
#include "base/log.h"
#include "base/mem.h"
#include "svc/fetch_priv.h"
#include "svc/share.h"

#include <fcntl.h>
#include <unistd.h>
#include <utlist.h>

/* ---- fetch's side ---- */

/* Call those who wait for this content, under the lock: fetch_part_unwait must be able to promise
 * silence. */
static void wake_waiters(struct fetch *f, const struct hash *hash)
{
    struct part_wait *w, *next;

    DL_FOREACH_SAFE(f->part_waits, w, next)
    {
        if (!hash_eq(&w->hash, hash))
            continue;
        DL_DELETE(f->part_waits, w);
        w->wake(w->ctx);
        mem_free(w);
    }
}

void part_share(struct xfer *x, bool yes)
{
    bool change;

    uv_mutex_lock(&x->f->part_lock);
    change = x->shared != yes;
    x->shared = yes;
    if (!yes)
        wake_waiters(x->f, &x->hash);
    uv_mutex_unlock(&x->f->part_lock);
    if (change && x->f->conf.share)
        share_part(x->f->conf.share, &x->hash, &x->root, x->size, yes);
}

void part_good(struct xfer *x, uint32_t piece)
{
    uv_mutex_lock(&x->f->part_lock);
    bits_set(&x->good, piece);
    wake_waiters(x->f, &x->hash);
    uv_mutex_unlock(&x->f->part_lock);
}

void part_bad(struct xfer *x, uint32_t piece)
{
    uv_mutex_lock(&x->f->part_lock);
    bits_clear(&x->good, piece);
    uv_mutex_unlock(&x->f->part_lock);
}

void part_ended(struct xfer *x)
{
    if (x->shared)
        part_share(x, false);
    uv_mutex_lock(&x->f->part_lock);
    x->ended_part = true;
    wake_waiters(x->f, &x->hash);
    uv_mutex_unlock(&x->f->part_lock);
}

/* ---- serve's side ---- */

static struct xfer *find(struct fetch *f, const struct hash *hash)
{
    struct xfer *x;

    DL_FOREACH (f->xfers, x) {
        if (x->shared && hash_eq(&x->hash, hash))
            return x;
    }
    return NULL;
}

/* Also one that is not served. */
static struct xfer *find_any(struct fetch *f, const struct hash *hash)
{
    struct xfer *x;

    DL_FOREACH (f->xfers, x) {
        if (!x->ended_part && hash_eq(&x->hash, hash))
            return x;
    }
    return NULL;
}

int fetch_part(struct fetch *f, const struct hash *hash, int *fd, uint64_t *size, struct hash *root,
               struct bits *have)
{
    struct xfer *x;

    uv_mutex_lock(&f->part_lock);
    x = find(f, hash);
    *fd = x ? fcntl(x->fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (*fd >= 0) {
        *size = x->size;
        *root = x->root;
        bits_copy(have, &x->good);
    }
    uv_mutex_unlock(&f->part_lock);
    return *fd >= 0;
}

int fetch_part_checkpoints(struct fetch *f, const struct hash *hash, struct buf *b)
{
    struct xfer *x;

    uv_mutex_lock(&f->part_lock);
    x = find(f, hash);
    if (x)
        buf_add(b, buf_cstr(&x->checkpoints), x->checkpoints.len);
    uv_mutex_unlock(&f->part_lock);
    return x != NULL;
}

bool fetch_part_wait(struct fetch *f, const struct hash *hash, void (*wake)(void *ctx), void *ctx)
{
    struct part_wait *w;
    bool here;

    uv_mutex_lock(&f->part_lock);
    here = find_any(f, hash) != NULL;
    if (here) {
        w = mem_alloc(sizeof *w);
        *w = (struct part_wait){.hash = *hash, .wake = wake, .ctx = ctx};
        DL_APPEND(f->part_waits, w);
    }
    uv_mutex_unlock(&f->part_lock);
    return here;
}

void fetch_part_unwait(struct fetch *f, void (*wake)(void *ctx), void *ctx)
{
    struct part_wait *w, *next;

    uv_mutex_lock(&f->part_lock);
    DL_FOREACH_SAFE(f->part_waits, w, next)
    {
        if (w->wake == wake && w->ctx == ctx) {
            DL_DELETE(f->part_waits, w);
            mem_free(w);
        }
    }
    uv_mutex_unlock(&f->part_lock);
}

/* ---- play's side ---- */

int fetch_look(struct fetch *f, const struct hash *hash, uint64_t at, int *fd, uint64_t *size,
               uint64_t *end)
{
    struct xfer *x;

    *end = at;
    uv_mutex_lock(&f->part_lock);
    x = find_any(f, hash);
    if (x) {
        uint64_t piece = content_piece_size(x->size), i = at / piece;

        *size = x->size;
        if (bits_get(&x->good, x->good.len - 1)) {
            while (i < x->good.len && bits_get(&x->good, (uint32_t)i))
                *end = ++i * piece;
        }
        if (*end > x->size)
            *end = x->size;
        /* x->fd was set before the first piece was good, by the thread that said so */
        if (*end > at && fd && (*fd = fcntl(x->fd, F_DUPFD_CLOEXEC, 0)) < 0)
            *end = at;
    }
    uv_mutex_unlock(&f->part_lock);
    return x != NULL;
}

struct point {
    struct fetch *f;
    struct hash hash;
    uint64_t at;
};

static void on_point(void *arg)
{
    struct point *p = arg;
    struct xfer *x;

    DL_FOREACH (p->f->xfers, x) {
        if (!x->closing && hash_eq(&x->hash, &p->hash) && p->at < x->size) {
            x->pointed = true;
            x->point = (uint32_t)(p->at / content_piece_size(x->size));
            xfer_pin(x);
            xfer_point(x);
            xfer_unpin(x);
            break;
        }
    }
    mem_free(p);
}

void fetch_point(struct fetch *f, const struct hash *hash, uint64_t at)
{
    struct point *p = mem_alloc(sizeof *p);

    *p = (struct point){.f = f, .hash = *hash, .at = at};
    if (!loop_post(f->loop, on_point, p))
        mem_free(p);
}
