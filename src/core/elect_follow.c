/* FOLLOW: is the leader alive, and which successor is accepted. Followers are sticky: nothing but
 * the silence of the leader, its own word (YIELD, RESIGN, NAK, a new incarnation) or a confirmed
 * successor of this very ballot moves one. */
#include "core/elect_priv.h"

#include <string.h>

static int place(const struct elect *e)
{
    return list_place(&e->list, &e->nid);
}

static struct peer *leader(const struct elect *e)
{
    return known_find(e, &e->cur.leader);
}

/* Signs of life that may be missed: the least k with loss^k < 5e-3, 2 to 6. A false alarm costs a
 * poll, no more. */
static int64_t misses_at(uint32_t loss_of_65536)
{
    static const uint32_t most[] = {4634, 11206, 17427, 22713}; /* of 65536, for k = 2 .. 5 */
    int64_t k = 2;

    while (k < 6 && loss_of_65536 > most[k - 2])
        k++;
    return k;
}

int64_t follow_misses(const struct elect *e)
{
    return misses_at(e->follow.beats.of_65536);
}

/* One beacon, or two where so many are lost that a good part of the voters would have missed the
 * last one; still less than what a stand-by waits there. */
bool follow_hears(const struct elect *e)
{
    const struct peer *p = leader(e);

    return !follow_silent(e, T_FRESH + (p && misses_at(p->loss.of_65536) > 3 ? T_BEACON - 10 : 0));
}

/* When to doubt the leader, counted from its last sign of life. The backups first, then in the
 * order of the list. */
static void arm(struct elect *e)
{
    struct follow *f = &e->follow;
    int64_t wait, window = e->members < 200 ? 200 : e->members > 2000 ? 2000 : e->members;
    int at = place(e);

    if (f->backup && at >= 0 && at < BACKUPS)
        wait = follow_misses(e) * T_SIGN + T_SIGN_SLACK + f->late_ms + at * T_BACKUP_2;
    else if (at >= 0)
        wait = T_SUSPECT + 50 + at * 80;
    else
        wait = T_SUSPECT + 700 + rand_ms(e, 0, window);
    if (e->conf.never_lead) /* it gives up, after all others had their chance */
        wait = T_SUSPECT + 2000 + window;
    f->cand_at_ms = f->heard_ms + wait;
    f->ping_at_ms =
        f->heard_ms + (f->backup ? T_SIGN + T_SIGN_SLACK : T_SUSPECT + rand_ms(e, 0, 250));
    f->pings = 0;
}

void follow_alive(struct elect *e)
{
    if (e->role == ELECT_CAND) {
        poll_stop(e);
        e->role = ELECT_FOLLOW;
    }
    if (follow_silent(e, T_SUSPECT) && e->join.tries > JOIN_TRIES_HEARD / 2)
        e->join.tries = JOIN_TRIES_HEARD / 2;
    e->follow.heard_ms = e->now;
    e->follow.backoff_ms = 0;
    e->follow.deferred = 0;
    arm(e);
}

bool follow_silent(const struct elect *e, int64_t ms)
{
    return e->now - e->follow.heard_ms > ms;
}

void follow_enter(struct elect *e, const struct wire_ballot *b, bool joined, enum elect_why why)
{
    struct peer *p = known_find(e, &b->leader);

    poll_stop(e);
    if (p)
        p->loss = (struct loss){0};
    e->role = ELECT_FOLLOW;
    e->cur = *b;
    if (e->cur.term > TERM_MAX)
        e->cur.term = TERM_MAX;
    if (b->term > e->max_term)
        e->max_term = e->cur.term;
    if (e->cur.term > e->floor_term)
        e->floor_term = e->cur.term;
    memset(&e->target, 0, sizeof e->target);
    e->poll.round = 0;
    e->follow = (struct follow){
        .joined = joined,
        .ka_at_ms = e->now + rand_ms(e, 0, ka_period_ms(e->members)),
        .ka_sent_ms = LONG_AGO,
        .conflict_at_ms = LONG_AGO,
        .report_at_ms = LONG_AGO,
        .successor_at_ms = NEVER,
        .evidence_at_ms = NEVER,
        .ping_nonce = rand_id(e),
    };
    e->join = (struct join){
        .at_ms = joined ? NEVER : e->now + rand_ms(e, 0, join_window_ms(e->members)),
    };
    follow_alive(e);
    news_changed(e, why);
}

void follow_leave(struct elect *e, const struct wire_ballot *hint, int64_t join_in_ms,
                  enum elect_why why)
{
    listen_enter(e, T_LISTEN, 1500 + rand_ms(e, 0, 500));
    e->listen.why = why;
    if (hint && ballot_is(hint))
        listen_target(e, hint, join_in_ms);
}

static void take_list(struct elect *e, const struct wire_list *l, unsigned members,
                      uint64_t max_sen, uint64_t term)
{
    int at;

    e->list = *l;
    e->members = members;
    if (max_sen > e->max_sen)
        e->max_sen = max_sen;
    if (term > TERM_MAX)
        term = TERM_MAX;
    if (term > e->cur.term)
        e->cur.term = term;
    learn_term(e, term);
    if (e->cur.term > e->floor_term)
        e->floor_term = e->cur.term;
    at = place(e);
    if (at < 0 || at >= BACKUPS)
        e->follow.backup = false;
}

/* ---- the leader may be gone ---- */

/* The port was refused, or the backup behind us says so: three quick PINGs; if none is answered,
 * take over without a poll. */
void follow_evidence(struct elect *e)
{
    struct follow *f = &e->follow;
    int at = place(e);
    struct peer *first = known_listed(e, &e->list, 0);

    if (e->role != ELECT_FOLLOW || f->evidence_at_ms != NEVER)
        return;
    if (!f->backup || at < 0 || at >= BACKUPS || e->conf.never_lead) {
        if (f->ping_at_ms > e->now)
            f->ping_at_ms = e->now;
        return;
    }
    f->evidence_since_ms = e->now;
    f->evidence_pings = 0;
    f->evidence_at_ms = e->now + (at ? 120 : 0);
    for (int i = 0; at && first && i < 2; i++) {
        struct wire_msg *m = say_to(e, first, WIRE_POLL);

        m->flags |= WIRE_POSITIVE;
        m->u.poll.about = e->cur;
        m->u.poll.sen = e->sen;
    }
}

static void evidence_tick(struct elect *e)
{
    struct follow *f = &e->follow;
    const struct peer *p = leader(e);

    if (e->now < f->evidence_at_ms)
        return;
    if (f->heard_ms > f->evidence_since_ms) {
        f->evidence_at_ms = NEVER;
    } else if (f->evidence_pings < 3) {
        f->evidence_pings++;
        f->evidence_at_ms = e->now + 25;
        say_ping(e, p);
    } else {
        lead_enter(e, WIRE_VOTED, 0, ELECT_WHY_GONE);
    }
}

void follow_restarted(struct elect *e)
{
    struct follow *f = &e->follow;
    int at = place(e);
    int64_t wait;

    if (f->restarted)
        return;
    if (e->role == ELECT_CAND) {
        poll_stop(e);
        e->role = ELECT_FOLLOW;
    }
    f->restarted = true;
    f->heard_ms = e->now - T_SUSPECT - 1;
    if (e->conf.never_lead)
        return;
    if (f->backup && at == 0) {
        lead_enter(e, WIRE_VOTED, 0, ELECT_WHY_RESTARTED);
        return;
    }
    wait = at == 1 ? T_BACKUP_2 : at >= 0 ? 300 + at * 80 : 900 + rand_ms(e, 0, 500);
    f->cand_at_ms = e->now + wait;
}

void follow_gap(struct elect *e)
{
    struct peer *p = leader(e);

    follow_alive(e); /* the silence was ours */
    e->follow.beats.counts = p->loss.counts = false;
    say_ping(e, p);
    if (e->follow.joined)
        e->follow.ka_at_ms = e->now + rand_ms(e, 0, 50);
}

/* ---- what the leader says ---- */

static void own_beacon(struct elect *e, struct peer *p, const struct wire_msg *m)
{
    struct follow *f = &e->follow;
    const struct wire_ballot hint = m->u.beacon.hint;

    if (m->flags & WIRE_YIELD) {
        if (!nid_eq(&hint.leader, &e->nid))
            follow_leave(e, &hint, rand_ms(e, 0, join_window_ms(e->members)), ELECT_WHY_MERGED);
    } else if (m->flags & WIRE_RESIGN) {
        if (nid_eq(&hint.leader, &e->nid) && !e->conf.never_lead) {
            lead_enter(e, WIRE_VOTED, 0, ELECT_WHY_RESIGNED);
        } else { /* let the successor in at once, and look after it if it does not come */
            f->heard_ms = e->now - T_SUCCEED - T_FRESH;
            if (e->role == ELECT_FOLLOW && !e->conf.never_lead)
                f->cand_at_ms = e->now + 500;
        }
    } else if (m->flags & WIRE_ALONE) {
        if (e->role == ELECT_FOLLOW && f->backup && place(e) == 0 && f->cand_at_ms > e->now &&
            !e->conf.never_lead && !f->backoff_ms)
            f->cand_at_ms = e->now; /* it hears nobody, and we are next: ask the others */
    } else {
        take_list(e, &m->u.beacon.list, m->u.beacon.members, m->u.beacon.max_sen, m->u.beacon.term);
        e->standbys = m->u.beacon.standbys;
        loss_count(&p->loss, m->u.beacon.beat);
        follow_alive(e);
    }
}

static enum elect_why why_of(const struct wire_msg *m)
{
    switch ((enum wire_why)m->u.beacon.why) {
    case WIRE_WHY_GONE:
        return ELECT_WHY_GONE;
    case WIRE_WHY_RESTARTED:
        return ELECT_WHY_RESTARTED;
    case WIRE_WHY_RESIGNED:
        return ELECT_WHY_RESIGNED;
    case WIRE_WHY_NONE:
    case WIRE_WHY_FIRST:
    case WIRE_WHY_SILENT:
        break;
    }
    return ELECT_WHY_SILENT;
}

/* The beacon of one that says it follows our leader. */
static void successor_beacon(struct elect *e, const struct wire_msg *m)
{
    struct wire_ballot b = ballot_of(m, m->u.beacon.term, m->u.beacon.session);
    bool sure = m->flags & WIRE_VOTED || !RULE(SUCCESSOR);

    if (b.term <= e->cur.term && RULE(TERM)) {
        if (sure ||
            follow_silent(e, T_SUCCEED)) /* it missed a rise of the term: joining tells it */
            follow_leave(e, &b, rand_ms(e, 0, 10), why_of(m));
    } else if (sure || follow_silent(e, T_SUCCEED)) {
        e->list = m->u.beacon.list;
        e->members = m->u.beacon.members;
        follow_enter(e, &b, !(m->flags & WIRE_COLD), why_of(m));
        e->standbys = m->u.beacon.standbys;
    } else {
        e->follow.successor = *m;
        e->follow.successor_at_ms = e->follow.heard_ms + T_SUCCEED + 1;
    }
}

/* Another leader while ours is fresh: ours is told by some of us, about 8 for each beacon. */
static void report_conflict(struct elect *e, const struct wire_ballot *rival)
{
    struct wire_msg *c;

    if (e->now < e->follow.conflict_at_ms + T_SUSPECT ||
        rng_below(&e->rng, 1000) * e->members >= 8000)
        return;
    e->follow.conflict_at_ms = e->now;
    c = say_to(e, leader(e), WIRE_CONFLICT);
    c->u.conflict.session = e->cur.session;
    c->u.conflict.rival = *rival;
}

void follow_beacon(struct elect *e, struct peer *p, const struct wire_msg *m)
{
    struct wire_ballot b = ballot_of(m, m->u.beacon.term, m->u.beacon.session);

    if (ballot_eq(&b, &e->cur)) {
        own_beacon(e, p, m);
        return;
    }
    if (m->flags & (WIRE_YIELD | WIRE_RESIGN))
        return;
    if (m->u.beacon.prev == e->cur.session && !(m->flags & WIRE_ALONE)) {
        successor_beacon(e, m);
    } else if (follow_silent(e, T_SUSPECT) || !RULE(STICKY)) {
        follow_leave(e, &b, rand_ms(e, 0, join_window_ms(m->u.beacon.members)), ELECT_WHY_SILENT);
        e->target.live = m->u.beacon.live;
        e->target.sen = p->sen;
        e->target.alone = m->flags & WIRE_ALONE;
    } else {
        report_conflict(e, &b);
    }
}

/* On busy machines signs of life come late, not never. Lost heartbeats do not count here: their
 * numbers tell. Nor does one that is late after a beacon out of turn. */
static void note_late(struct elect *e, uint32_t beat)
{
    struct follow *f = &e->follow;
    int64_t late = e->now - f->beat_ms - (int64_t)(beat - f->beats.last) * T_BEACON;
    int64_t silence = e->now - f->heard_ms - T_SIGN;

    late = late < silence ? late : silence;
    late = late < T_LATE_MAX ? late : T_LATE_MAX;
    f->late_ms -= (f->late_ms + 63) / 64;
    if (f->beats.counts && beat > f->beats.last && late > f->late_ms)
        f->late_ms = late;
    f->beat_ms = e->now;
}

void follow_hb(struct elect *e, const struct wire_msg *m)
{
    struct follow *f = &e->follow;
    struct wire_ballot b = ballot_of(m, m->u.hb.term, m->u.hb.session);
    struct wire_msg *ack;

    if (!ballot_eq(&b, &e->cur)) {
        if (!follow_silent(e, T_SUSPECT))
            say_nak(e, m->u.hb.session, &e->cur);
        return;
    }
    if (!f->backup) {
        f->backup = true;
        f->beats.counts = false;
        f->late_ms = 0;
    }
    note_late(e, m->u.hb.beat);
    loss_count(&f->beats, m->u.hb.beat);
    take_list(e, &m->u.hb.list, m->u.hb.members, m->u.hb.max_sen, m->u.hb.term);
    if (!(m->flags & WIRE_ALONE))
        follow_alive(e);
    else if (e->role == ELECT_FOLLOW && place(e) == 0 && f->cand_at_ms > e->now && !f->backoff_ms &&
             !e->conf.never_lead)
        f->cand_at_ms = e->now;
    ack = answer(e, WIRE_HBACK);
    ack->u.hback.session = e->cur.session;
    ack->u.hback.beat = m->u.hb.beat;
    if (e->warm)
        ack->flags |= WIRE_WARM;
}

void follow_joinack(struct elect *e, const struct wire_msg *m)
{
    struct follow *f = &e->follow;
    struct peer *p = leader(e);
    struct wire_ballot b = ballot_of(m, m->u.joinack.term, m->u.joinack.session);

    if (!ballot_eq(&b, &e->cur) || e->join.at_ms == NEVER || m->u.joinack.nonce != e->join.nonce)
        return;
    f->joined = true;
    if (e->member_since_ms < 0)
        e->member_since_ms = e->now;
    p->since_ms = e->now - (int64_t)m->u.joinack.member_s * 1000;
    if (p->since_ms < 0)
        p->since_ms = 0;
    e->join.at_ms = NEVER;
    e->sen = m->u.joinack.granted > SEN_MAX ? SEN_MAX : m->u.joinack.granted;
    take_list(e, &m->u.joinack.list, m->u.joinack.members, m->u.joinack.max_sen, m->u.joinack.term);
    e->standbys = m->u.joinack.standbys;
    f->ka_at_ms = e->now + rand_ms(e, 0, ka_period_ms(e->members));
    if (e->join.generation != e->conf.generation || e->join.number != e->conf.number ||
        e->join.digest != e->conf.digest)
        follow_catalog(e); /* it changed while the JOIN was under way */
    follow_alive(e);
}

void follow_nak(struct elect *e, const struct peer *p, const struct wire_msg *m)
{
    struct follow *f = &e->follow;
    const struct wire_ballot *hint = &m->u.nak.hint;
    int at = place(e);
    int64_t soon;

    if (!nid_eq(&p->nid, &e->cur.leader) || p->inc != e->cur.inc ||
        m->u.nak.session != e->cur.session)
        return;
    if (ballot_eq(hint, &e->cur)) { /* it leads, but we are not in its ledger */
        if (f->joined) {
            f->joined = false;
            e->join = (struct join){.at_ms = e->now};
        }
        if (!(m->flags & WIRE_ALONE))
            follow_alive(e);
    } else if (ballot_is(hint) && !nid_eq(&hint->leader, &e->nid)) {
        follow_leave(e, hint, rand_ms(e, 0, 20), ELECT_WHY_REFUSED);
    } else {
        f->heard_ms = e->now - T_SUSPECT - 1;
        soon = e->now + 50 + rand_ms(e, 0, 150) + (at >= 0 ? at * 100 : 1000);
        if (e->role == ELECT_FOLLOW && f->cand_at_ms > soon && !e->conf.never_lead)
            f->cand_at_ms = soon;
    }
}

void follow_ping(struct elect *e, const struct peer *p, const struct wire_msg *m)
{
    struct wire_msg *pong;

    if (!ballot_is(&e->cur) || m->u.ping.session != e->cur.session) {
        if (!ballot_is(&e->cur) || !follow_silent(e, T_SUSPECT))
            say_nak(e, m->u.ping.session, &e->cur);
        return;
    }
    if (!nid_eq(&p->nid, &e->cur.leader))
        return;
    pong = answer(e, WIRE_PONG);
    pong->u.ping = m->u.ping;
    if (!(m->flags & WIRE_ALONE))
        follow_alive(e);
}

void follow_pong(struct elect *e, const struct peer *p, const struct wire_msg *m)
{
    if (nid_eq(&p->nid, &e->cur.leader) && m->u.ping.session == e->cur.session &&
        m->u.ping.nonce == e->follow.ping_nonce && !(m->flags & WIRE_ALONE))
        follow_alive(e);
}

/* ---- time ---- */

/* The leader speaks, but does not hear us. (One without members can't notice that it is deaf.) */
static void give_up(struct elect *e)
{
    leader(e)->shun_until = e->now + T_SHUN_DEAF;
    listen_enter(e, 0, T_LISTEN + rand_ms(e, 0, 100));
    e->listen.why = ELECT_WHY_REFUSED;
}

void follow_tick(struct elect *e)
{
    struct follow *f = &e->follow;

    if (e->now >= f->successor_at_ms) {
        const struct wire_msg m = f->successor;

        f->successor_at_ms = NEVER;
        if (follow_silent(e, T_SUCCEED)) {
            successor_beacon(e, &m);
            return;
        }
    }
    evidence_tick(e);
    if (e->role != ELECT_FOLLOW)
        return;
    if (e->now >= e->join.at_ms && !f->joined && e->join.tries >= JOIN_TRIES_HEARD) {
        if (!follow_silent(e, T_SUSPECT)) {
            give_up(e);
            return;
        }
        e->join.tries =
            JOIN_TRIES_HEARD / 2; /* that we do not hear it either is the poll's affair */
    }
    if (e->now >= e->join.at_ms)
        say_join(e, leader(e), e->cur.session);
    if (f->joined && e->now >= f->ka_at_ms)
        keep_ka(e);
    keep_ping_tick(e);
    if (e->now < f->cand_at_ms)
        return;
    if (e->conf.never_lead) {
        listen_enter(e, 0, 0);
        e->listen.why = ELECT_WHY_SILENT;
    } else if (!RULE(POLL)) {
        lead_enter(e, WIRE_VOTED, 0, ELECT_WHY_SILENT);
    } else {
        e->poll.round = 0;
        poll_start(e);
    }
}

int64_t follow_due(const struct elect *e)
{
    const struct follow *f = &e->follow;
    const int64_t at[] = {f->successor_at_ms, f->evidence_at_ms, e->join.at_ms,
                          f->ping_at_ms,      f->cand_at_ms,     f->joined ? f->ka_at_ms : NEVER};
    int64_t due = NEVER;

    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        if (at[i] < due)
            due = at[i];
    return due;
}
