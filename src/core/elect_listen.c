/* LISTEN: say HELLO, join the best leader that is heard, and when none is, ask the others whether
 * that is so. */
#include "core/elect_priv.h"

#include <string.h>

void listen_enter(struct elect *e, int64_t hello_in_ms, int64_t cand_in_ms)
{
    bool told = e->role == ELECT_LISTEN && e->listen.told;

    if (e->role == ELECT_LEAD)
        lead_leave(e);
    poll_stop(e);
    e->role = ELECT_LISTEN;
    memset(&e->cur, 0, sizeof e->cur);
    memset(&e->list, 0, sizeof e->list);
    memset(&e->target, 0, sizeof e->target);
    memset(&e->standbys, 0, sizeof e->standbys);
    e->warm = false;
    e->join = (struct join){.at_ms = NEVER};
    e->poll.round = 0;
    e->listen = (struct listen){
        .since_ms = e->now,
        .hello_at_ms = e->now + hello_in_ms,
        .hello_gap_ms = T_HELLO_GAP,
        .cand_at_ms = e->conf.never_lead ? NEVER : e->now + (RULE(WAIT) ? cand_in_ms : 0),
        .told = told,
        .why = ELECT_WHY_FOUND,
    };
}

void listen_target(struct elect *e, const struct wire_ballot *b, int64_t join_in_ms)
{
    const struct peer *p = known_find(e, &b->leader);

    if (nid_eq(&b->leader, &e->nid) || (p && e->now < p->shun_until))
        return;
    e->target = (struct target){.ballot = *b, .heard_ms = e->now};
    e->join = (struct join){.at_ms = e->now + join_in_ms, .nonce = rand_id(e)};
}

void listen_untarget(struct elect *e)
{
    memset(&e->target, 0, sizeof e->target);
    e->join.at_ms = NEVER;
}

/* An older listener goes first: wait for it, but not for ever. */
void listen_hello(struct elect *e, const struct peer *p)
{
    struct listen *l = &e->listen;
    int64_t limit = l->since_ms + T_LISTEN_OLDER, at = e->now + T_LISTEN + rand_ms(e, 0, 400);

    l->hellos++;
    if (p->never_lead || !is_older(p->sen, &p->nid, e->sen, &e->nid))
        return;
    l->older_heard = true;
    if (at > limit)
        at = limit + rand_ms(e, 0, 400);
    if (l->cand_at_ms < at && !l->polls && l->cand_at_ms != NEVER)
        l->cand_at_ms = at;
}

void listen_beacon(struct elect *e, struct peer *p, const struct wire_msg *m)
{
    struct wire_ballot b = ballot_of(m, m->u.beacon.term, m->u.beacon.session);
    struct target *t = &e->target;
    bool alone = m->flags & WIRE_ALONE;

    if (m->flags & (WIRE_YIELD | WIRE_RESIGN)) {
        if (ballot_eq(&b, &t->ballot))
            listen_untarget(e);
        return;
    }
    e->members = m->u.beacon.members;
    if (ballot_eq(&b, &t->ballot)) {
        if (e->join.at_ms == NEVER)
            e->join.at_ms = e->now;
    } else if (!ballot_is(&t->ballot) || e->now - t->heard_ms > T_BEACON_ALONE + 200 ||
               duel_better(alone, m->u.beacon.live, p->sen, &p->nid, t->alone, t->live, t->sen,
                           &t->ballot.leader)) {
        listen_target(e, &b, rand_ms(e, 0, join_window_ms(e->listen.hellos)));
        if (!ballot_eq(&b, &t->ballot))
            return;
    } else {
        return;
    }
    t->heard_ms = e->now;
    t->alone = alone;
    t->live = m->u.beacon.live;
    t->sen = p->sen;
}

void listen_joinack(struct elect *e, const struct wire_msg *m)
{
    struct wire_ballot b = ballot_of(m, m->u.joinack.term, m->u.joinack.session);
    const struct join asked = e->join;

    if (!ballot_eq(&b, &e->target.ballot) || m->u.joinack.nonce != asked.nonce)
        return;
    if (b.term < e->floor_term && RULE(TERM))
        return; /* it has not seen our term yet; the next JOIN tells it again */
    e->members = m->u.joinack.members;
    follow_enter(e, &b, false, e->listen.why);
    e->join = asked;
    follow_joinack(e, m);
}

/* The target does not lead: go where it points, if that is elsewhere. */
void listen_nak(struct elect *e, const struct peer *p, const struct wire_msg *m)
{
    const struct wire_ballot *hint = &m->u.nak.hint;
    int64_t at = e->now + T_LISTEN + rand_ms(e, 0, 200);
    bool elsewhere;

    if (!nid_eq(&p->nid, &e->target.ballot.leader) || m->u.nak.session != e->target.ballot.session)
        return;
    elsewhere = ballot_is(hint) && !ballot_eq(hint, &e->target.ballot);
    listen_untarget(e);
    if (elsewhere)
        listen_target(e, hint, rand_ms(e, 5, 30));
    else if (e->listen.cand_at_ms > at && e->listen.cand_at_ms != NEVER)
        e->listen.cand_at_ms = at;
}

static void say_hello(struct elect *e)
{
    struct listen *l = &e->listen;
    bool first = l->hello_gap_ms == T_HELLO_GAP;
    bool thin = !first && l->older_heard && l->hellos > 20 && rng_below(&e->rng, l->hellos) > 20;

    if (!thin) {
        struct wire_msg *m = say_all(e, WIRE_HELLO);

        m->u.hello.sen = e->sen;
        m->u.hello.tcp_port = e->conf.tcp_port;
        m->u.hello.generation = e->conf.generation;
        m->u.hello.number = e->conf.number;
        m->u.hello.digest = e->conf.digest;
    }
    l->hello_at_ms = e->now + l->hello_gap_ms + rand_ms(e, 0, l->hello_gap_ms / 2);
    l->hello_gap_ms = l->hello_gap_ms * 5 / 2;
    if (l->hello_gap_ms > T_HELLO_MAX)
        l->hello_gap_ms = T_HELLO_MAX;
}

/* Ask p for admission; the next try follows by itself. The interval grows, and with a large ledger
 * it is longer. */
void say_join(struct elect *e, struct peer *p, uint64_t session)
{
    struct join *j = &e->join;
    int64_t gap = 60ll << (j->tries < 2 ? j->tries + 1 : 3);
    struct wire_msg *m;

    if (j->tries)
        known_try_other(e, p);
    m = say_to(e, p, WIRE_JOIN);
    if (!j->nonce)
        j->nonce = rand_id(e);
    j->tries++;
    j->generation = e->conf.generation;
    j->number = e->conf.number;
    j->digest = e->conf.digest;
    m->u.join.session = session;
    m->u.join.nonce = j->nonce;
    m->u.join.sen = e->sen;
    m->u.join.tcp_port = e->conf.tcp_port;
    m->u.join.generation = j->generation;
    m->u.join.number = j->number;
    m->u.join.digest = j->digest;
    if (e->member_since_ms >= 0)
        m->u.join.member_s = (uint32_t)((e->now - e->member_since_ms) / 1000) + 1;
    j->at_ms = e->now + gap / 2 + rand_ms(e, 0, gap / 2) + (e->members > 200 ? e->members / 4 : 0);
}

static void join_target(struct elect *e)
{
    struct peer *p = known_find(e, &e->target.ballot.leader);
    bool silent = e->now - e->target.heard_ms > T_BEACON_ALONE;

    if (!p) { /* a hint of a leader that we have not heard: its beacon will come, or not */
        e->join.at_ms = silent ? NEVER : e->now + T_BEACON;
        if (silent)
            listen_untarget(e);
        return;
    }
    if ((e->join.tries >= JOIN_TRIES && silent) || e->join.tries >= JOIN_TRIES_HEARD) {
        p->shun_until = e->now + T_SHUN;
        listen_untarget(e);
        return;
    }
    say_join(e, p, e->target.ballot.session);
}

void listen_tick(struct elect *e)
{
    struct listen *l = &e->listen;

    if (e->now >= l->hello_at_ms)
        say_hello(e);
    if (ballot_is(&e->target.ballot) && e->now >= e->join.at_ms)
        join_target(e);
    if (!RULE(WAIT) && e->now >= l->cand_at_ms) {
        lead_enter(e, WIRE_VOTED, 0, ELECT_WHY_FIRST);
        return;
    }
    if (e->now >= l->cand_at_ms && !e->poll.on) {
        if (ballot_is(&e->target.ballot) && e->now - e->target.heard_ms < 1500) {
            l->cand_at_ms = e->now + 500 + rand_ms(e, 0, 300);
        } else {
            listen_untarget(e);
            e->poll.round = 0;
            poll_start(e);
        }
    }
    if (!l->told && !ballot_is(&e->target.ballot)) {
        l->told = true;
        news_no_leader(e);
    }
}

int64_t listen_due(const struct elect *e)
{
    const struct listen *l = &e->listen;
    int64_t due = l->hello_at_ms;

    if (ballot_is(&e->target.ballot) && e->join.at_ms < due)
        due = e->join.at_ms;
    if (!e->poll.on && l->cand_at_ms < due)
        due = l->cand_at_ms;
    if (!l->told && !ballot_is(&e->target.ballot))
        due = e->now;
    return due;
}
