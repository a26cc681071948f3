/* The contents that are being fetched, as serve sees them: verified pieces only. And those that
 * were fetched since the start, served on while the service runs so that a swarm does not starve
 * when its first ones are done: from the file where the user finds it, as long as that is
 * untouched. Called from serve's threads; what they may read is guarded by part_lock. */
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

static struct kept *find_kept(struct fetch *f, const struct hash *hash)
{
    struct kept *k;

    DL_FOREACH (f->kept, k) {
        if (!k->gone && hash_eq(&k->hash, hash))
            return k;
    }
    return NULL;
}

void part_share(struct xfer *x, bool yes)
{
    bool change;

    uv_mutex_lock(&x->f->part_lock);
    change = x->shared != yes;
    x->shared = yes;
    wake_waiters(x->f, &x->hash);
    if (find_kept(x->f, &x->hash))
        change = false; /* announced as it is */
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

/* Under the lock. */
static void kept_free(struct fetch *f, struct kept *k)
{
    DL_DELETE(f->kept, k);
    f->kept_count--;
    fetch_folder_drop(k->folder);
    buf_free(&k->checkpoints);
    mem_free(k->path);
    mem_free(k);
}

void part_keep(struct xfer *x, const struct root_stat *st)
{
    struct fetch *f = x->f;
    struct kept *k, *next, *oldest = NULL;
    struct hash hash, root;
    uint64_t size = 0;

    if (!x->shared)
        return;
    uv_mutex_lock(&f->part_lock);
    DL_FOREACH_SAFE(f->kept, k, next)
    {
        if (k->gone || hash_eq(&k->hash, &x->hash))
            kept_free(f, k);
    }
    if (f->kept_count == FETCH_KEEP_MAX) {
        oldest = f->kept;
        hash = oldest->hash;
        root = oldest->root;
        size = oldest->size;
        kept_free(f, oldest);
    }
    k = mem_zero(1, sizeof *k);
    k->hash = x->hash;
    k->root = x->root;
    k->size = x->size;
    k->path = mem_str(x->target);
    k->st = *st;
    buf_add(&k->checkpoints, buf_cstr(&x->checkpoints), x->checkpoints.len);
    k->folder = x->folder;
    k->folder->refs++;
    DL_APPEND(f->kept, k);
    f->kept_count++;
    x->shared = false; /* without a word to share: it stays announced */
    wake_waiters(f, &x->hash);
    uv_mutex_unlock(&f->part_lock);
    if (oldest && f->conf.share)
        share_part(f->conf.share, &hash, &root, size, false);
}

void part_tick(struct fetch *f, int64_t now)
{
    struct part_wait *w, *next;

    uv_mutex_lock(&f->part_lock);
    DL_FOREACH_SAFE(f->part_waits, w, next)
    {
        if (now - w->since_ms < HOLD_MS)
            continue;
        DL_DELETE(f->part_waits, w);
        w->wake(w->ctx);
        mem_free(w);
    }
    uv_mutex_unlock(&f->part_lock);
}

void part_done(struct fetch *f)
{
    uv_mutex_lock(&f->part_lock);
    while (f->kept)
        kept_free(f, f->kept);
    uv_mutex_unlock(&f->part_lock);
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

/* Somebody fetches it, or had begun to. */
static bool is_coming(struct fetch *f, const struct hash *hash)
{
    struct xfer *x;

    DL_FOREACH (f->xfers, x) {
        if (hash_eq(&x->hash, hash) && x->size >= FETCH_PART_MIN && !x->closing)
            return true;
    }
    return false;
}

/* Under the lock. -1: it is not there any more as it was fetched, or was never. *drop is set when
 * that is news. */
static int open_kept(struct fetch *f, const struct hash *hash, struct kept **of, bool *drop)
{
    struct kept *k = find_kept(f, hash);
    struct root_stat st;
    struct err e;
    int fd = k ? root_read_fd(k->folder->root, k->path, &st, &e) : -1;

    *of = k;
    if (fd >= 0 && root_stat_same(&st, &k->st))
        return fd;
    if (fd >= 0)
        close(fd);
    if (k)
        *drop = k->gone = true;
    return -1;
}

int fetch_part(struct fetch *f, const struct hash *hash, int *fd, uint64_t *size, struct hash *root,
               struct bits *have)
{
    struct kept *k;
    struct xfer *x;
    bool drop = false;

    uv_mutex_lock(&f->part_lock);
    *fd = open_kept(f, hash, &k, &drop);
    if (k) {
        *size = k->size;
        *root = k->root;
    }
    if (*fd >= 0) {
        bits_init(have, content_piece_count(k->size));
        for (uint32_t i = 0; i < have->len; i++)
            bits_set(have, i);
    } else if ((x = find(f, hash))) {
        *fd = fcntl(x->fd, F_DUPFD_CLOEXEC, 0);
        *size = x->size;
        *root = x->root;
        if (*fd >= 0)
            bits_copy(have, &x->good);
    }
    uv_mutex_unlock(&f->part_lock);
    if (drop && *fd < 0 && f->conf.share)
        share_part(f->conf.share, hash, root, *size, false);
    return *fd >= 0;
}

uint64_t fetch_part_until(struct fetch *f, const struct hash *hash, uint64_t at)
{
    uint64_t until = PART_NOT_HERE, piece;
    const struct kept *k;
    const struct xfer *x;

    uv_mutex_lock(&f->part_lock);
    k = find_kept(f, hash);
    x = k ? NULL : find(f, hash);
    if (k) {
        until = k->size;
    } else if (x) {
        piece = content_piece_size(x->size);
        for (until = at; until < x->size && bits_get(&x->good, (uint32_t)(until / piece));)
            until = (until / piece + 1) * piece;
        until = until < x->size ? until : x->size;
    }
    uv_mutex_unlock(&f->part_lock);
    return until;
}

bool fetch_part_coming(struct fetch *f, const struct hash *hash)
{
    bool yes;

    uv_mutex_lock(&f->part_lock);
    yes = is_coming(f, hash);
    uv_mutex_unlock(&f->part_lock);
    return yes;
}

int fetch_part_checkpoints(struct fetch *f, const struct hash *hash, struct buf *b)
{
    const struct buf *list = NULL;
    const struct kept *k;
    const struct xfer *x;

    uv_mutex_lock(&f->part_lock);
    if ((k = find_kept(f, hash)))
        list = &k->checkpoints;
    else if ((x = find(f, hash)))
        list = &x->checkpoints;
    if (list)
        buf_add(b, buf_cstr(list), list->len);
    uv_mutex_unlock(&f->part_lock);
    return list != NULL;
}

bool fetch_part_wait(struct fetch *f, const struct hash *hash, void (*wake)(void *ctx), void *ctx)
{
    struct part_wait *w;
    bool here;

    uv_mutex_lock(&f->part_lock);
    here = find_any(f, hash) != NULL;
    if (here) {
        w = mem_alloc(sizeof *w);
        *w = (struct part_wait){.hash = *hash, .since_ms = loop_now_ms(), .wake = wake, .ctx = ctx};
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
        if (x->closing || !hash_eq(&x->hash, &p->hash))
            continue;
        xfer_pin(x);
        if (p->at < x->size) {
            x->pointed = true;
            x->point = (uint32_t)(p->at / content_piece_size(x->size));
            xfer_point(x);
        } else if (x->pointed) {
            x->pointed = false;
            xfer_step(x, (struct plan_in){.event = PLAN_POINT, .piece = x->point});
        }
        xfer_unpin(x);
        break;
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
