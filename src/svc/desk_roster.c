/* Leading: who is there and how far their rows go, for the two that stand by (GET /v1/desk). Their
 * requests are held until something is new. */
#include "base/mem.h"
#include "svc/desk_priv.h"

#include <sodium.h>
#include <string.h>
#include <utlist.h>

/* Numbers go on from whatever was followed before: within another epoch they mean nothing. */
void desk_roster_begin(struct desk *d)
{
    randombytes_buf(&d->own_epoch, sizeof d->own_epoch);
    d->version = 1;
    d->gone_count = 0;
    d->gone_floor = 0;
    for (struct member *m = d->members; m; m = m->hh.next)
        m->version = d->version;
}

void desk_roster_note(struct desk *d, struct member *m)
{
    if (d->role == DESK_LEAD)
        m->version = ++d->version;
}

void desk_roster_gone(struct desk *d, const struct nid *nid)
{
    struct desk_gone *g = &d->gone[d->gone_count % DESK_GONE_MAX];

    if (d->role != DESK_LEAD)
        return;
    if (d->gone_count++ >= DESK_GONE_MAX)
        d->gone_floor = g->version;
    *g = (struct desk_gone){*nid, ++d->version};
}

void desk_roster_wake(struct desk *d)
{
    struct desk_waiter *w, *next;

    uv_mutex_lock(&d->wait_lock);
    DL_FOREACH_SAFE(d->waiters, w, next)
    {
        DL_DELETE(d->waiters, w);
        w->waits = false;
        w->wake(w->ctx);
    }
    uv_mutex_unlock(&d->wait_lock);
}

void desk_unwait(struct desk *d, struct desk_waiter *w)
{
    uv_mutex_lock(&d->wait_lock);
    if (w->waits)
        DL_DELETE(d->waiters, w);
    w->waits = false;
    uv_mutex_unlock(&d->wait_lock);
}

static bool stands_by(const struct desk *d, const struct nid *who)
{
    for (unsigned i = 0; i < ELECT_STANDBYS; i++)
        if (!memcmp(d->standby[i], who->b, sizeof d->standby[i]))
            return true;
    return false;
}

static void put_member(const struct member *m, struct buf *b)
{
    struct roster_entry e = {.nid = m->nid,
                             .leader = m->self,
                             .inc = m->peer.inc,
                             .generation = m->self ? m->generation : m->peer.generation,
                             .number = m->self ? m->number : m->peer.number};

    if (!m->self)
        e.addr = m->peer.addr;
    memcpy(e.pub, m->peer.pub, sizeof e.pub);
    roster_put(b, &e);
}

/* Under the lock, shared. */
static void put_roster(const struct desk *d, uint64_t since, bool reset, struct buf *b)
{
    size_t first = d->gone_count > DESK_GONE_MAX ? d->gone_count - DESK_GONE_MAX : 0;

    roster_put_head(b, &(struct roster_head){d->own_epoch, d->version, reset});
    for (size_t i = first; !reset && i < d->gone_count; i++) {
        const struct desk_gone *g = &d->gone[i % DESK_GONE_MAX];

        if (g->version > since)
            roster_put(b, &(struct roster_entry){.nid = g->nid, .gone = true});
    }
    for (const struct member *m = d->members; m; m = m->hh.next)
        if (reset || m->version > since)
            put_member(m, b);
}

int desk_roster(struct desk *d, const struct nid *who, uint64_t epoch, uint64_t version,
                struct buf *b, struct desk_waiter *w)
{
    int rc = 0;
    bool reset;

    uv_rwlock_rdlock(&d->lock);
    reset = epoch != d->own_epoch || version > d->version || version < d->gone_floor;
    if (d->role != DESK_LEAD) {
        rc = 503;
    } else if (!stands_by(d, who)) {
        rc = 403;
    } else if (w && !reset && version == d->version) {
        rc = 1; /* noted under the lock: no change slips between */
        uv_mutex_lock(&d->wait_lock);
        if (!w->waits)
            DL_APPEND(d->waiters, w);
        w->waits = true;
        uv_mutex_unlock(&d->wait_lock);
    } else {
        put_roster(d, version, reset, b);
    }
    uv_rwlock_rdunlock(&d->lock);
    return rc;
}
