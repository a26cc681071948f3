/* Whose datagrams count. A peer is taken up with its first signed message. After that an unsigned
 * one counts only under the same incarnation, from a source that a signed message came from, and
 * once. */
#include "base/mem.h"
#include "core/elect_priv.h"

#include <assert.h>
#include <string.h>

#define WINDOW_BITS 1024

struct peer *known_find(const struct elect *e, const struct nid *nid)
{
    for (size_t i = 0; i < e->peer_count; i++)
        if (nid_eq(&e->peers[i]->nid, nid))
            return e->peers[i];
    return NULL;
}

struct peer *known_listed(const struct elect *e, const struct wire_list *l, int place)
{
    if (place < 0 || place >= l->len)
        return NULL;
    for (size_t i = 0; i < e->peer_count; i++)
        if (!memcmp(e->peers[i]->nid.b, l->id[place], sizeof l->id[place]))
            return e->peers[i];
    return NULL;
}

const struct addr *known_addr(const struct peer *p)
{
    return &p->path[p->current].a;
}

/* After RFC 6479: a ring of words, those that the top moves over are cleared. */
bool window_take(struct window *w, uint64_t seq)
{
    uint64_t *word = &w->bits[seq % WINDOW_BITS / 64], bit = 1ull << seq % 64;

    if (seq > w->top) {
        uint64_t fresh = seq / 64 - w->top / 64;

        for (uint64_t i = 0; i < fresh && i < WINDOW_BITS / 64; i++)
            w->bits[(seq / 64 - i) % (WINDOW_BITS / 64)] = 0;
        w->top = seq;
    } else if (w->top / 64 - seq / 64 >= WINDOW_BITS / 64) {
        return false; /* its word stands for later numbers by now */
    }
    if (*word & bit)
        return false;
    *word |= bit;
    return true;
}

/* Strangers are taken up at a bounded rate, so that a member who makes keys can't fill the table in
 * a moment. */
static bool newcomer_allowed(struct elect *e)
{
    int64_t most = (int64_t)PEERS_MAX * 1000;

    e->newcomers_milli += (e->now - e->newcomers_ms) * NEW_PEERS_PER_S;
    e->newcomers_ms = e->now;
    if (e->newcomers_milli > most)
        e->newcomers_milli = most;
    if (e->newcomers_milli < 1000)
        return false;
    e->newcomers_milli -= 1000;
    return true;
}

/* Room for one more: whoever was silent longest gives way, but no member, nor whom we follow or
 * want to join. */
static bool make_room(struct elect *e)
{
    size_t victim = e->peer_count;

    if (e->peer_count < PEERS_MAX)
        return true;
    for (size_t i = 0; i < e->peer_count; i++) {
        const struct peer *p = e->peers[i];

        assert(p);
        if (p->member || nid_eq(&p->nid, &e->cur.leader) ||
            nid_eq(&p->nid, &e->target.ballot.leader) || nid_eq(&p->nid, &e->duel.rival))
            continue;
        if (victim == e->peer_count || p->heard_ms < e->peers[victim]->heard_ms)
            victim = i;
    }
    if (victim == e->peer_count)
        return false;
    mem_free(e->peers[victim]);
    e->peers[victim] = e->peers[--e->peer_count];
    return true;
}

static struct peer *take_up(struct elect *e, const struct wire_msg *m)
{
    struct peer *p;

    if (!newcomer_allowed(e) || !make_room(e))
        return NULL;
    p = mem_zero(1, sizeof *p);
    p->nid = m->nid;
    p->inc = m->inc;
    memcpy(p->pub, m->pub, sizeof p->pub);
    p->shun_until = p->demerit_until = p->answered_ms = LONG_AGO;
    p->since_ms = -1;
    MEM_GROW(e->peers, e->peer_count, e->peer_cap);
    e->peers[e->peer_count++] = p;
    return p;
}

/* A higher incarnation proves that the lower one is gone. */
static void restart(struct elect *e, struct peer *p, const struct wire_msg *m)
{
    if (p->member)
        ledger_remove(e, p);
    p->inc = m->inc;
    memset(&p->window, 0, sizeof p->window);
    memset(p->path, 0, sizeof p->path);
    p->current = 0;
    p->shun_until = p->demerit_until = p->answered_ms = LONG_AGO;
    p->demerit_ms = 0;
    p->voted = p->catalog_seq = 0;
    p->since_ms = -1;
    memset(&p->loss, 0, sizeof p->loss);
}

static struct path *path_find(struct peer *p, const struct addr *from)
{
    for (size_t i = 0; i < PATHS_MAX; i++)
        if (p->path[i].a.family && addr_eq(&p->path[i].a, from))
            return &p->path[i];
    return NULL;
}

/* We send to one path and stay with it while it is heard; an admission moves us, it went there and
 * back that way. */
static void path_heard(struct elect *e, struct peer *p, const struct wire_msg *m,
                       const struct addr *from)
{
    struct path *at = path_find(p, from);
    bool direct = m->type == WIRE_JOIN || m->type == WIRE_JOINACK;

    if (!at) {
        at = &p->path[0];
        for (size_t i = 0; i < PATHS_MAX; i++) {
            if (!p->path[i].a.family) {
                at = &p->path[i];
                break;
            }
            if (i != p->current &&
                (at == &p->path[p->current] || p->path[i].heard_ms < at->heard_ms))
                at = &p->path[i];
        }
        at->a = *from;
    }
    at->heard_ms = e->now;
    if (direct || !p->path[p->current].a.family || e->now - p->path[p->current].heard_ms > T_PATH)
        p->current = (size_t)(at - p->path);
}

void known_try_other(struct elect *e, struct peer *p)
{
    for (size_t i = 1; i < PATHS_MAX; i++) {
        size_t next = (p->current + i) % PATHS_MAX;

        if (p->path[next].a.family && e->now - p->path[next].heard_ms <= T_PATH_HEARD) {
            p->current = next;
            if (ballot_is(&e->cur) && nid_eq(&p->nid, &e->cur.leader))
                news_leader(e);
            return;
        }
    }
}

struct peer *known_admit(struct elect *e, const struct wire_msg *m, const struct addr *from)
{
    bool is_signed = wire_is_signed(m->type);
    struct peer *p;

    if (nid_eq(&m->nid, &e->nid) || !from->family || m->type < WIRE_HELLO || m->type > WIRE_REPORT)
        return NULL;
    p = known_find(e, &m->nid);
    if (!is_signed && (!p || p->inc != m->inc || !path_find(p, from)))
        return NULL;
    if (!p)
        p = take_up(e, m);
    if (!p || (m->inc < p->inc && RULE(INC)))
        return NULL;
    if (m->inc != p->inc)
        restart(e, p, m);
    if (!window_take(&p->window, m->seq) && RULE(WINDOW))
        return NULL;
    path_heard(e, p, m, from);
    p->heard_ms = e->now;
    return p;
}
