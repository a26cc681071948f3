/* Two leaders. They settle it between themselves: one steps down only after a round trip with its
 * own nonce to a live leader with a better key, so that neither a replay nor a one-way link can
 * depose anybody. */
#include "core/elect_priv.h"

#include <string.h>

/* 0: 0, 1: 1, 2 and 3: 2, 4 to 7: 3 ... so that a few followers more or less do not decide, but age
 * does. */
static unsigned size_class(unsigned live)
{
    unsigned bits = 0;

    for (; live; live >>= 1)
        bits++;
    return bits;
}

bool duel_better(bool alone_a, unsigned live_a, uint64_t sen_a, const struct nid *a, bool alone_b,
                 unsigned live_b, uint64_t sen_b, const struct nid *b)
{
    unsigned class_a = size_class(live_a), class_b = size_class(live_b);

    if (RULE(CLASS)) {
        if (alone_a != alone_b)
            return alone_b;
        if (class_a != class_b)
            return class_a > class_b;
    }
    return is_older(sen_a, a, sen_b, b);
}

static bool i_am_better(const struct elect *e, const struct peer *p, const struct wire_msg *m)
{
    return duel_better(e->lead.flags & WIRE_ALONE, e->lead.live, e->sen, &e->nid,
                       m->flags & WIRE_ALONE, m->u.faceoff.live, m->u.faceoff.sen, &p->nid);
}

/* Is the roll call recent enough to put its result into a key? A leader without members needs none.
 */
static bool counted(const struct elect *e)
{
    return !e->members || e->now - e->lead.live_ms <= T_HOLD;
}

void duel_rival(struct elect *e, const struct nid *nid)
{
    if (e->role != ELECT_LEAD || nid_is_zero(nid) || nid_eq(nid, &e->nid) || !known_find(e, nid))
        return;
    e->duel.rival = *nid;
    e->duel.until_ms = e->now + 1500;
    if (e->duel.at_ms > e->now)
        e->duel.at_ms = e->now;
}

/* YIELD: our members are told where to go, thrice, while we go there ourselves. */
static void yield_to(struct elect *e, const struct wire_ballot *winner)
{
    struct parting *p = &e->parting;
    unsigned members = e->members;
    bool slept = e->lead.slept;

    memset(p, 0, sizeof *p);
    p->msg.type = WIRE_BEACON;
    lead_fill_beacon(e, &p->msg);
    p->msg.flags = WIRE_YIELD;
    p->msg.u.beacon.hint = *winner;
    p->multicast = true;
    p->left = 3;
    p->at_ms = e->now;
    p->gap_ms = 60;
    listen_enter(e, T_LISTEN, 1500 + rand_ms(e, 0, 300));
    e->listen.why = slept ? ELECT_WHY_SLEPT : ELECT_WHY_MERGED;
    e->members = members;
    listen_target(e, winner, rand_ms(e, 0, 5));
}

void duel_beacon(struct elect *e, const struct peer *p, const struct wire_msg *m)
{
    if (!RULE(FACEOFF) &&
        duel_better(m->flags & WIRE_ALONE, m->u.beacon.live, m->u.beacon.sen, &p->nid,
                    e->lead.flags & WIRE_ALONE, e->lead.live, e->sen, &e->nid)) {
        struct wire_ballot b = ballot_of(m, m->u.beacon.term, m->u.beacon.session);

        yield_to(e, &b);
    } else {
        duel_rival(e, &p->nid);
    }
}

static void fill(const struct elect *e, struct wire_msg *m, uint64_t nonce)
{
    m->u.faceoff.term = e->cur.term;
    m->u.faceoff.session = e->cur.session;
    m->u.faceoff.nonce = nonce;
    m->u.faceoff.sen = e->sen;
    m->u.faceoff.live = (uint16_t)e->lead.live;
}

void duel_faceoff(struct elect *e, const struct peer *p, const struct wire_msg *m)
{
    if (e->role != ELECT_LEAD) {
        const struct wire_ballot *cur = &e->cur;

        if (ballot_is(cur) && !follow_silent(e, T_SUSPECT) && !nid_eq(&cur->leader, &p->nid))
            say_nak(e, m->u.faceoff.session, cur);
        return;
    }
    if (!counted(e)) {
        lead_roll_call(e);
        duel_rival(e, &p->nid);
    } else if (i_am_better(e, p, m)) {
        learn_term(e, m->u.faceoff.term < TERM_MAX ? m->u.faceoff.term + 1 : TERM_MAX);
        e->duel.hold_until_ms = e->now + T_HOLD;
        if (e->max_term > e->cur.term)
            e->cur.term = e->floor_term = e->max_term;
        fill(e, answer(e, WIRE_FOACK), m->u.faceoff.nonce);
    } else {
        duel_rival(e, &p->nid);
    }
}

void duel_foack(struct elect *e, const struct peer *p, const struct wire_msg *m)
{
    const struct duel *d = &e->duel;
    struct wire_ballot winner = ballot_of(m, m->u.faceoff.term, m->u.faceoff.session);
    unsigned live = m->u.faceoff.live;

    if (e->role != ELECT_LEAD || m->u.faceoff.nonce != d->nonce || e->now < d->hold_until_ms ||
        e->now - d->asked_ms > 500 || i_am_better(e, p, m))
        return;
    yield_to(e, &winner);
    e->target.live = (uint16_t)live;
    e->target.sen = m->u.faceoff.sen;
}

void duel_tick(struct elect *e)
{
    struct duel *d = &e->duel;
    const struct peer *p;

    if (e->role != ELECT_LEAD || e->now < d->at_ms || lead_in_grace(e))
        return;
    p = known_find(e, &d->rival);
    if (!p || e->now > d->until_ms) {
        memset(&d->rival, 0, sizeof d->rival);
        d->at_ms = NEVER;
    } else if (!counted(e)) {
        lead_roll_call(e);
        d->at_ms = e->poll.end_at_ms + 1;
    } else {
        if (e->now - d->asked_ms >= T_FACEOFF / 2) {
            d->nonce = rand_id(e);
            d->asked_ms = e->now;
            fill(e, say_to(e, p, WIRE_FACEOFF), d->nonce);
        }
        d->at_ms = e->now + T_FACEOFF + rand_ms(e, 0, 50);
    }
}

int64_t duel_due(const struct elect *e)
{
    const struct duel *d = &e->duel;

    if (d->at_ms == NEVER)
        return NEVER;
    return lead_in_grace(e) && d->at_ms < e->lead.grace_until_ms ? e->lead.grace_until_ms
                                                                 : d->at_ms;
}
