/* A copy that can't be continued by change numbers (its owner's generation is another one), or that
 * turned out to be another than its owner's: the digests of 256 buckets tell which rows have to
 * travel. */
#include "base/mem.h"
#include "svc/desk_priv.h"

#include <string.h>

#define LOCKED_ROWS 1000                 /* taken away under one lock */
#define BUCKETS_MAX (DIGEST_BUCKETS / 2) /* with more that differ, everything is asked for */

struct desk_stale {
    UT_hash_handle hh;
    size_t len;
    char path[];
};

struct compared {
    struct member *m;
    struct digest ours[DIGEST_BUCKETS];
};

static void sum_up(void *ctx, const struct row *row)
{
    struct compared *c = ctx;
    struct digest d = digest_of(row);

    digest_add(&c->ours[digest_bucket(row->path, row->path_len)], &d);
}

static void note_path(void *ctx, const struct row *row)
{
    struct member *m = ((struct compared *)ctx)->m;
    struct desk_stale *s;

    if (!digest_in(&m->differ, digest_bucket(row->path, row->path_len)))
        return;
    s = mem_alloc(sizeof *s + row->path_len + 1);
    s->len = row->path_len;
    memcpy(s->path, row->path, row->path_len);
    HASH_ADD_KEYPTR(hh, m->stale, s->path, s->len, s);
}

void desk_match_forget(struct member *m)
{
    struct desk_stale *s, *next;

    HASH_ITER (hh, m->stale, s, next) {
        HASH_DEL(m->stale, s);
        mem_free(s);
    }
    m->match = MATCH_NONE;
}

void desk_match_begin(struct member *m, const struct digest of[DIGEST_BUCKETS])
{
    const struct catalog *c = m->desk->catalog; /* we are the one thread that changes it */
    struct compared *x = mem_zero(1, sizeof *x);

    desk_match_forget(m);
    x->m = m;
    catalog_each(c, &m->nid, sum_up, x);
    if (digest_differ(&m->differ, x->ours, of) > BUCKETS_MAX) {
        m->match = MATCH_ALL;
    } else {
        catalog_each(c, &m->nid, note_path, x);
        m->match = MATCH_BUCKETS;
        m->match_generation = m->stream.head.generation;
        m->match_number = m->stream.head.number;
        m->match_at = 0;
    }
    mem_free(x);
}

void desk_match_row(struct member *m, const struct row *row)
{
    struct desk_stale *s;

    if (!m->stale)
        return;
    HASH_FIND(hh, m->stale, row->path, row->path_len, s);
    if (!s)
        return;
    HASH_DEL(m->stale, s);
    mem_free(s);
}

void desk_match_end(struct member *m)
{
    struct desk *d = m->desk;
    struct desk_stale *s, *next;
    size_t n = 0;

    uv_rwlock_wrlock(&d->lock);
    HASH_ITER (hh, m->stale, s, next) {
        struct row gone = {.kind = ROW_GONE, .path = s->path, .path_len = s->len};

        catalog_put(d->catalog, &m->nid, &gone);
        if (++n % LOCKED_ROWS)
            continue;
        uv_rwlock_wrunlock(&d->lock);
        uv_rwlock_wrlock(&d->lock);
    }
    uv_rwlock_wrunlock(&d->lock);
    desk_match_forget(m);
}
