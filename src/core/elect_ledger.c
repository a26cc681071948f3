/* The leader's ledger: who is in, with which seniority, who is next, who is gone. */
#include "core/elect_priv.h"

#include <string.h>

void ledger_clear(struct elect *e)
{
    if (!RULE(LEDGER) && e->role == ELECT_LEAD)
        return;
    for (size_t i = 0; i < e->peer_count; i++)
        e->peers[i]->member = false;
    e->members = 0;
    memset(&e->list, 0, sizeof e->list);
}

/* a goes before b in the succession: no demerit, then age. */
static bool goes_before(const struct elect *e, const struct peer *a, const struct peer *b)
{
    bool bad_a = a->demerit_until > e->now, bad_b = b->demerit_until > e->now;

    return bad_a != bad_b ? bad_b : is_older(a->sen, &a->nid, b->sen, &b->nid);
}

void ledger_list(struct elect *e)
{
    struct peer *next[WIRE_SUCCESSION];
    const struct wire_list before = e->list;
    int64_t stale = e->now - 3 * ka_period_ms(e->members);
    int n = 0;

    for (size_t i = 0; i < e->peer_count; i++) {
        struct peer *p = e->peers[i];
        int at = n;

        if (!p->member || p->never_lead || p->seen_ms < stale)
            continue;
        while (at > 0 && goes_before(e, p, next[at - 1]))
            at--;
        if (at == WIRE_SUCCESSION)
            continue;
        if (n < WIRE_SUCCESSION)
            n++;
        memmove(next + at + 1, next + at, (size_t)(n - 1 - at) * sizeof *next);
        next[at] = p;
    }
    memset(&e->list, 0, sizeof e->list);
    e->list.len = (uint8_t)n;
    for (int i = 0; i < n; i++) {
        int was = list_place(&before, &next[i]->nid);

        memcpy(e->list.id[i], next[i]->nid.b, sizeof e->list.id[i]);
        if (i < BACKUPS && (was < 0 || was >= BACKUPS)) {
            next[i]->hback_ms = e->now; /* its silence counts from now */
            next[i]->warm = false;
            next[i]->loss.counts = false;
        }
    }
    lead_standbys(e);
}

void ledger_alive(struct elect *e, struct peer *p)
{
    p->seen_ms = e->now;
    p->pings = 0;
    p->suspected = false;
    lead_heard(e);
}

void ledger_remove(struct elect *e, struct peer *p)
{
    news_peer(e, ELECT_PEER_DOWN, p);
    p->member = false;
    p->since_ms = -1;
    p->pings = 0;
    p->suspected = false;
    e->members--;
    if (e->lead.live > e->members)
        e->lead.live = e->members;
    if (!e->members)
        e->lead.flags &= (uint16_t)~WIRE_ALONE;
    ledger_list(e);
}

/* The leader is the oldest of its ledger, whatever the clocks say: who proposes to be older gets
 * the youngest's place, and so does who comes anew. A member that asks again keeps its place,
 * unless it gave it up by proposing a younger one. */
static void grant(struct elect *e, struct peer *p, uint64_t proposed, bool fresh)
{
    uint64_t sen = proposed > SEN_MAX ? SEN_MAX : proposed;

    if (p->member && p->sen >= sen)
        return;
    if ((!is_older(e->sen, &e->nid, sen, &p->nid) || (fresh && sen <= e->max_sen)) && RULE(GRANT))
        sen = (e->max_sen < UINT64_MAX ? e->max_sen : UINT64_MAX - 1) + 1;
    p->sen = sen;
    if (sen > e->max_sen)
        e->max_sen = sen;
}

/* The catalog as the member tells it; true: that is news. Datagrams may overtake each other. */
static bool note(struct peer *p, uint64_t seq, uint64_t generation, uint64_t number,
                 uint64_t digest)
{
    bool differs = p->generation != generation || p->number != number || p->digest != digest;

    if (seq < p->catalog_seq)
        return false;
    p->catalog_seq = seq;
    p->generation = generation;
    p->number = number;
    p->digest = digest;
    return differs;
}

/* (For showing only: a member may say what it likes.) */
static int64_t since(const struct elect *e, uint32_t member_s)
{
    int64_t ms = e->now - (member_s ? (int64_t)member_s - 1 : 0) * 1000;

    return ms < 0 ? 0 : ms;
}

void ledger_join(struct elect *e, struct peer *p, const struct wire_msg *m)
{
    struct wire_msg *ack;
    bool differs;

    if (m->u.join.session != e->cur.session && RULE(SESSION)) {
        say_nak(e, m->u.join.session, &e->cur);
        return;
    }
    grant(e, p, m->u.join.sen, !m->u.join.member_s);
    differs = note(p, m->seq, m->u.join.generation, m->u.join.number, m->u.join.digest) ||
              p->tcp_port != m->u.join.tcp_port;
    p->tcp_port = m->u.join.tcp_port;
    if (!p->member) {
        p->member = true;
        p->warm = false;
        p->since_ms = since(e, m->u.join.member_s);
        p->hback_ms = e->now;
        e->members++;
        if (e->lead.live < e->members) /* it follows us: it just said so */
            e->lead.live = e->members;
        news_peer(e, ELECT_PEER_UP, p);
    } else if (differs) {
        news_peer(e, ELECT_PEER_CHANGED, p);
    }
    ledger_alive(e, p);
    ledger_list(e);
    if (e->members == 1 && e->lead.beacon_at_ms > e->now + T_BEACON)
        e->lead.beacon_at_ms = e->now; /* no longer at the pace of a lone one */
    if (m->max_term > e->cur.term && e->max_term > e->cur.term)
        e->cur.term = e->floor_term = e->max_term;
    ack = answer(e, WIRE_JOINACK);
    ack->u.joinack.term = e->cur.term;
    ack->u.joinack.session = e->cur.session;
    ack->u.joinack.nonce = m->u.join.nonce;
    ack->u.joinack.granted = p->sen;
    ack->u.joinack.sen = e->sen;
    ack->u.joinack.max_sen = e->max_sen;
    ack->u.joinack.members = (uint16_t)e->members;
    ack->u.joinack.tcp_port = e->conf.tcp_port;
    ack->u.joinack.member_s = (uint32_t)((e->now - e->member_since_ms) / 1000);
    ack->u.joinack.list = e->list;
    ack->u.joinack.standbys = e->standbys;
}

/* A member speaking of our ballot, or somebody who has to be told otherwise. */
static bool is_ours(struct elect *e, const struct peer *p, uint64_t session)
{
    if (p->member && (session == e->cur.session || !RULE(SESSION)))
        return true;
    say_nak(e, session, &e->cur);
    return false;
}

void ledger_ka(struct elect *e, struct peer *p, const struct wire_msg *m)
{
    struct wire_msg *ack;

    if (!is_ours(e, p, m->u.ka.session))
        return;
    ledger_alive(e, p);
    if (note(p, m->seq, m->u.ka.generation, m->u.ka.number, m->u.ka.digest))
        news_peer(e, ELECT_PEER_CHANGED, p);
    ack = answer(e, WIRE_KAACK);
    ack->u.ka = m->u.ka;
}

void ledger_hback(struct elect *e, struct peer *p, const struct wire_msg *m)
{
    if (!p->member || m->u.hback.session != e->cur.session)
        return;
    p->hback_ms = e->now;
    loss_count(&p->loss, m->u.hback.beat);
    ledger_alive(e, p);
    if (p->warm == (bool)(m->flags & WIRE_WARM))
        return;
    p->warm = m->flags & WIRE_WARM;
    lead_standbys(e);
}

void ledger_ping(struct elect *e, struct peer *p, const struct wire_msg *m)
{
    struct wire_msg *pong;

    if (!is_ours(e, p, m->u.ping.session))
        return;
    ledger_alive(e, p);
    pong = answer(e, WIRE_PONG);
    pong->u.ping = m->u.ping;
}

/* A member says that it is none. A NAK does not say whom it is for: one that names us as its leader
 * was meant for somebody who took that peer for the leader, and one from before it joined is void;
 * both can be played to us. */
void ledger_nak(struct elect *e, struct peer *p, const struct wire_msg *m)
{
    const struct wire_ballot *hint = &m->u.nak.hint;

    if (!p->member || m->u.nak.session != e->cur.session || hint->session == e->cur.session ||
        m->seq < p->catalog_seq)
        return;
    ledger_remove(e, p);
    duel_rival(e, &hint->leader);
}

void ledger_leave(struct elect *e, struct peer *p, const struct wire_msg *m)
{
    struct wire_msg *ack;

    if (m->u.leave.session != e->cur.session)
        return;
    if (p->member)
        ledger_remove(e, p);
    ack = answer(e, WIRE_KAACK);
    ack->u.ka.session = e->cur.session;
}

/* Somebody says that it is gone. Others' word is not enough: we ask ourselves, quickly. */
void ledger_suspect(struct elect *e, struct peer *p)
{
    if (p->suspected)
        return;
    if (!RULE(ASK)) {
        ledger_remove(e, p);
        return;
    }
    p->suspected = true;
    p->pings = 0;
    e->lead.sweep_at_ms = e->now;
}

bool ledger_sweep(struct elect *e)
{
    int64_t dead = ka_period_ms(e->members) * 32 / 10;
    bool fast = false;

    for (size_t i = 0; i < e->peer_count && sends_left(e, 16) && news_left(e, 8); i++) {
        struct peer *p = e->peers[i];
        unsigned most = p->suspected ? PINGS_REPORTED : PINGS_SILENT;

        if (!p->member || (!p->suspected && e->now - p->seen_ms <= dead))
            continue;
        if (p->pings >= most) {
            ledger_remove(e, p);
            continue;
        }
        p->pings++;
        fast = fast || p->suspected;
        say_ping(e, p);
    }
    return fast;
}
