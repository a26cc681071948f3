/* Members, and those that are gone: their rows are hidden at once and kept for ten minutes, so that
 * a short absence costs no transfer. */
#include "base/log.h"
#include "base/mem.h"
#include "svc/desk_priv.h"

#define DOUBT_MS 5000 /* a member that a new leader took over has to join within */

struct member *desk_find(struct desk *d, const struct nid *nid)
{
    struct member *m;

    HASH_FIND(hh, d->members, nid, sizeof *nid, m);
    return m;
}

static void member_free(struct member *m)
{
    desk_stream_begin(m);
    desk_match_forget(m);
    mem_free(m->name);
    mem_free(m);
}

/* ---- kept ---- */

static struct member *kept_find(struct desk *d, const struct nid *nid)
{
    struct member *m;

    HASH_FIND(hh, d->kept, nid, sizeof *nid, m);
    return m;
}

static void kept_drop(struct desk *d, struct member *m)
{
    HASH_DEL(d->kept, m);
    uv_rwlock_wrlock(&d->lock);
    catalog_drop(d->catalog, &m->nid);
    uv_rwlock_wrunlock(&d->lock);
    member_free(m);
}

static struct member *kept_oldest(struct desk *d)
{
    struct member *oldest = d->kept;

    for (struct member *m = d->kept; m; m = m->hh.next)
        if (m->forget_ms < oldest->forget_ms)
            oldest = m;
    return oldest;
}

static size_t kept_rows(const struct desk *d)
{
    size_t rows = 0;

    for (const struct member *m = d->kept; m; m = m->hh.next)
        rows += catalog_rows(d->catalog, &m->nid);
    return rows;
}

void desk_kept_sweep(struct desk *d, bool all)
{
    int64_t now = loop_now_ms();
    bool dropped = false;
    struct member *m;

    while ((m = kept_oldest(d)) && (all || m->forget_ms <= now ||
                                    HASH_COUNT(d->members) + HASH_COUNT(d->kept) > PEERS_MAX ||
                                    kept_rows(d) > CATALOG_KEPT_ROWS_MAX)) {
        kept_drop(d, m);
        dropped = true;
    }
    if (!dropped)
        return;
    desk_settle(d);
    mem_trim();
}

/* It is no member any more; the caller holds the lock. */
static void keep(struct desk *d, struct member *m)
{
    HASH_DEL(d->members, m);
    catalog_hide(d->catalog, &m->nid, true);
    m->doubt_ms = m->behind_ms = 0;
    m->forget_ms = loop_now_ms() + CATALOG_KEPT_MS;
    HASH_ADD(hh, d->kept, nid, sizeof m->nid, m);
}

/* ---- members ---- */

static struct member *make(struct desk *d, const struct nid *nid, bool self)
{
    struct member *m = kept_find(d, nid);

    if (m) {
        HASH_DEL(d->kept, m);
        catalog_hide(d->catalog, nid, false);
    } else {
        m = mem_zero(1, sizeof *m);
        m->nid = *nid;
        m->self = self;
        m->desk = d;
        m->name = mem_str("");
    }
    m->since_ms = loop_now_ms();
    m->fails = 0;
    m->retry_ms = 0;
    HASH_ADD(hh, d->members, nid, sizeof m->nid, m);
    return m;
}

struct member *desk_member_put(struct desk *d, const struct elect_peer *p, bool self)
{
    struct member *m = desk_find(d, &p->nid);
    bool fresh = !m, moved = false;

    if (m)
        moved = !addr_eq(&m->peer.addr, &p->addr) || m->peer.inc != p->inc;
    if (moved) {
        desk_cancel(m);
        m->fails = 0;
        m->retry_ms = 0;
    }
    uv_rwlock_wrlock(&d->lock);
    if (fresh)
        m = make(d, &p->nid, self);
    m->peer = *p;
    m->doubt_ms = 0;
    desk_note_behind(m);
    desk_roster_note(d, m);
    uv_rwlock_wrunlock(&d->lock);
    if (fresh)
        desk_kept_sweep(d, false);
    desk_roster_wake(d);
    return m;
}

void desk_member_remove(struct desk *d, const struct nid *nid)
{
    struct member *m = desk_find(d, nid);

    if (!m || m->self)
        return;
    desk_cancel(m);
    uv_rwlock_wrlock(&d->lock);
    keep(d, m);
    desk_roster_gone(d, nid);
    uv_rwlock_wrunlock(&d->lock);
    desk_kept_sweep(d, false);
    desk_roster_wake(d);
}

void desk_members_clear(struct desk *d)
{
    struct member *m, *next;

    for (m = d->members; m; m = m->hh.next)
        desk_cancel(m);
    uv_rwlock_wrlock(&d->lock);
    HASH_ITER (hh, d->members, m, next)
        keep(d, m);
    uv_rwlock_wrunlock(&d->lock);
    desk_kept_sweep(d, false);
}

void desk_members_doubt(struct desk *d)
{
    int64_t now = loop_now_ms();

    for (struct member *m = d->members; m; m = m->hh.next)
        m->doubt_ms = m->self ? 0 : now + DOUBT_MS;
}
