/* Polls. One question, three askers: a follower that suspects its leader, a listener that hears
 * none, a leader that wants to know who follows it (roll call). Nobody takes over, and nobody goes
 * on leading after doubt, on its own word alone. */
#include "core/elect_priv.h"

#include <string.h>

/* Is this peer in the sample that shall answer? (All are, while the group is small.) splitmix64's
 * finish. */
static bool sampled(const struct elect *e, const struct wire_msg *m)
{
    uint64_t x = m->u.poll.nonce;

    for (int i = 0; i < 8; i++)
        x ^= (uint64_t)e->nid.b[i] << 8 * i;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    x ^= x >> 31;
    return (uint32_t)(x >> 32) <= m->u.poll.sample;
}

static void say_poll(struct elect *e)
{
    struct poll *q = &e->poll;
    struct wire_msg *m = say_all(e, WIRE_POLL);

    m->u.poll.about = q->about;
    m->u.poll.nonce = q->nonce;
    m->u.poll.sen = e->sen;
    m->u.poll.sample = UINT32_MAX;
    q->says--;
    q->say_at_ms = q->says ? e->now + T_POLL_REPEAT : NEVER;
}

void poll_start(struct elect *e)
{
    struct poll *q = &e->poll;
    bool leads = e->role == ELECT_LEAD;
    int64_t late = e->role == ELECT_LISTEN ? 0 : e->follow.late_ms;

    *q = (struct poll){
        .on = true,
        .end_at_ms = e->now + (leads ? T_ROLL : T_POLL + late),
        .says = leads ? 3 : 2,
        .round = q->round,
        .nonce = rand_id(e),
        .about = e->cur,
    };
    say_poll(e);
    if (e->role == ELECT_FOLLOW) {
        e->role = ELECT_CAND;
        say_ping(e, known_find(e, &e->cur.leader));
    }
}

void poll_stop(struct elect *e)
{
    e->poll.on = false;
}

/* ---- answering ---- */

static void vote(struct elect *e, enum wire_vote kind, const struct wire_ballot *hint)
{
    struct wire_msg *v = answer(e, WIRE_VOTE);

    v->u.vote.kind = (uint8_t)kind;
    if (hint)
        v->u.vote.hint = *hint;
}

/* A later time to stand, if we would have stood before. */
static void stand_after(int64_t *at, int64_t ms)
{
    if (*at != NEVER && *at < ms)
        *at = ms;
}

static void leader_answers(struct elect *e, const struct peer *p, const struct wire_msg *m)
{
    if (ballot_eq(&m->u.poll.about, &e->cur)) {
        vote(e, WIRE_IAM, NULL);
        lead_beacon_soon(e, 50, 0);
        return;
    }
    vote(e, WIRE_OTHER, &e->cur);
    if (nid_eq(&m->u.poll.about.leader, &p->nid)) /* a leader's roll call */
        duel_rival(e, &p->nid);
}

/* Is our right to succeed better than the candidate's? */
static bool comes_before(const struct elect *e, const struct peer *p, const struct wire_msg *m)
{
    int mine = list_place(&e->list, &e->nid), theirs = list_place(&e->list, &p->nid);

    if (e->conf.never_lead)
        return false;
    if (mine >= 0)
        return theirs < 0 || mine < theirs;
    return theirs < 0 && is_older(e->sen, &e->nid, m->u.poll.sen, &p->nid);
}

static void follower_judges(struct elect *e, const struct peer *p, const struct wire_msg *m)
{
    struct follow *f = &e->follow;

    if (follow_hears(e)) {
        vote(e, WIRE_HEAR, NULL);
    } else if (comes_before(e, p, m)) {
        int64_t at = e->now + rand_ms(e, 0, list_place(&e->list, &e->nid) >= 0 ? 3 : 40);

        vote(e, WIRE_BETTER, NULL);
        if (e->role == ELECT_FOLLOW && f->cand_at_ms > at && !f->backoff_ms)
            f->cand_at_ms = at;
    } else {
        vote(e, WIRE_LOST, NULL);
        if (e->role == ELECT_FOLLOW)
            stand_after(&f->cand_at_ms, e->now + 400);
    }
}

static void follower_answers(struct elect *e, const struct peer *p, const struct wire_msg *m)
{
    const struct wire_ballot *about = &m->u.poll.about;

    if (ballot_eq(about, &e->cur)) {
        if (nid_eq(&p->nid, &e->cur.leader)) { /* its roll call */
            if (!(m->flags & WIRE_ALONE))
                follow_alive(e);
            vote(e, WIRE_HEAR, NULL);
        } else if (m->flags & WIRE_POSITIVE) {
            follow_evidence(e);
        } else {
            follower_judges(e, p, m);
        }
    } else if (!follow_silent(e, T_SUSPECT) && (e->follow.joined || e->join.tries < JOIN_TRIES)) {
        vote(e, WIRE_OTHER, &e->cur);
    } else if (!ballot_is(about)) {
        vote(e, WIRE_LOST, NULL);
    }
}

static void listener_answers(struct elect *e, const struct peer *p, const struct wire_msg *m)
{
    const struct wire_ballot *about = &m->u.poll.about;
    struct listen *l = &e->listen;
    int64_t at;

    if (ballot_is(&e->target.ballot) && e->now - e->target.heard_ms < T_SUSPECT &&
        !ballot_eq(&e->target.ballot, about)) {
        vote(e, WIRE_OTHER, &e->target.ballot);
    } else if (ballot_is(about)) {
        vote(e, WIRE_LOST, NULL);
    } else if (!e->conf.never_lead && is_older(e->sen, &e->nid, m->u.poll.sen, &p->nid)) {
        at = e->now + rand_ms(e, 0, 40);
        vote(e, WIRE_BETTER, NULL);
        if (!e->poll.on && l->cand_at_ms > at)
            l->cand_at_ms = at;
    } else { /* an older one stands: give it time */
        vote(e, WIRE_LOST, NULL);
        at = e->now + 400 + rand_ms(e, 0, 200);
        if (e->poll.on) {
            poll_stop(e);
            l->cand_at_ms = at;
        } else {
            stand_after(&l->cand_at_ms, at);
        }
    }
}

void poll_heard(struct elect *e, const struct peer *p, const struct wire_msg *m)
{
    size_t sent = e->out->sends;

    if (!sampled(e, m) && e->role != ELECT_LEAD)
        return;
    switch (e->role) {
    case ELECT_LEAD:
        leader_answers(e, p, m);
        break;
    case ELECT_FOLLOW:
    case ELECT_CAND:
        follower_answers(e, p, m);
        break;
    case ELECT_LISTEN:
        listener_answers(e, p, m);
        break;
    }
    for (size_t i = sent; i < e->out->sends; i++)
        if (e->msgs[i].type == WIRE_VOTE)
            e->msgs[i].u.vote.nonce = m->u.poll.nonce;
}

/* ---- counting ---- */

void poll_vote(struct elect *e, struct peer *p, const struct wire_msg *m)
{
    struct poll *q = &e->poll;
    const struct wire_ballot *hint = &m->u.vote.hint;

    if (!q->on || m->u.vote.nonce != q->nonce || p->voted == q->nonce)
        return;
    p->voted = q->nonce;
    switch ((enum wire_vote)m->u.vote.kind) {
    case WIRE_IAM:
        if (e->role == ELECT_CAND && nid_eq(&p->nid, &e->cur.leader) && !(m->flags & WIRE_ALONE))
            follow_alive(e);
        break;
    case WIRE_HEAR:
        q->hear++;
        if (e->role == ELECT_LEAD && p->member)
            ledger_alive(e, p);
        break;
    case WIRE_LOST:
        q->lost++;
        break;
    case WIRE_OTHER:
        q->other++;
        if (!ballot_is(hint) || nid_eq(&hint->leader, &e->nid))
            break;
        q->hint = *hint;
        if (e->role == ELECT_LEAD)
            duel_rival(e, &hint->leader);
        break;
    case WIRE_BETTER:
        q->better++;
        if (e->role == ELECT_CAND)
            q->lost++;
        break;
    }
}

/* Is the poll to be held again? Once when nobody answered at all, and once where losses are such
 * that a vote says little. Of two hosts nobody but the leader can answer: as often as it may be
 * missed. */
static bool again(const struct elect *e)
{
    const struct poll *q = &e->poll;
    unsigned misses = (unsigned)follow_misses(e);

    if (e->members <= 1)
        return q->round < (misses > 2 ? misses : e->follow.beats.of_65536 > 655); /* 1 % */
    return !q->round && (!q->lost || misses > 3);
}

static void candidate_decides(struct elect *e)
{
    struct poll *q = &e->poll;
    struct follow *f = &e->follow;

    e->role = ELECT_FOLLOW;
    if (ballot_is(&q->hint) && q->other > q->lost) {
        const struct wire_ballot hint = q->hint;

        follow_leave(e, &hint, 0, ELECT_WHY_SILENT);
    } else if (q->hear > q->lost && RULE(MAJORITY)) { /* the others hear it: the deaf one is me */
        f->backoff_ms = f->backoff_ms ? f->backoff_ms * 2 : 60;
        if (f->backoff_ms > 4000)
            f->backoff_ms = 4000;
        f->cand_at_ms = e->now + f->backoff_ms;
        q->round = 0;
    } else if (q->better &&
               f->deferred < DEFERS) { /* not for ever: lists may contradict each other */
        f->deferred++;
        f->cand_at_ms = e->now + 300 + rand_ms(e, 0, 150); /* not all at once again */
        q->round = 0;
    } else if (again(e)) {
        q->round++;
        poll_start(e);
    } else {
        lead_enter(e, q->lost ? WIRE_VOTED : 0, q->lost,
                   f->restarted ? ELECT_WHY_RESTARTED : ELECT_WHY_SILENT);
    }
}

static void listener_decides(struct elect *e)
{
    struct poll *q = &e->poll;
    struct listen *l = &e->listen;
    bool fresh = ballot_is(&e->target.ballot) && e->now - e->target.heard_ms < T_SUSPECT;

    l->polls++;
    if (ballot_is(&q->hint) || fresh) {
        if (!fresh)
            listen_target(e, &q->hint, rand_ms(e, 0, 20));
        l->cand_at_ms = e->now + 800;
    } else if (q->better) {
        l->cand_at_ms = e->now + 300 + rand_ms(e, 0, 200);
    } else if (!q->round) {
        q->round = 1;
        poll_start(e);
    } else {
        lead_enter(e, WIRE_VOTED, 0, ELECT_WHY_FIRST);
    }
}

void poll_tick(struct elect *e)
{
    struct poll *q = &e->poll;

    if (!q->on)
        return;
    if (e->now >= q->say_at_ms)
        say_poll(e);
    if (e->now < q->end_at_ms)
        return;
    poll_stop(e);
    switch (e->role) {
    case ELECT_LEAD:
        lead_roll_end(e);
        break;
    case ELECT_CAND:
        candidate_decides(e);
        break;
    case ELECT_LISTEN:
        listener_decides(e);
        break;
    case ELECT_FOLLOW:
        break;
    }
}

int64_t poll_due(const struct elect *e)
{
    const struct poll *q = &e->poll;

    if (!q->on)
        return NEVER;
    return q->say_at_ms < q->end_at_ms ? q->say_at_ms : q->end_at_ms;
}
