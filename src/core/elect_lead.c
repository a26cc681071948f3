/* LEAD: take over, be heard, doubt oneself, go. */
#include "core/elect_priv.h"

#include <string.h>

void lead_enter(struct elect *e, uint16_t flags, unsigned votes, enum elect_why why)
{
    const struct wire_ballot old = e->cur;
    struct lead *l = &e->lead;
    uint64_t term = (old.term > e->max_term ? old.term : e->max_term) + 1;

    poll_stop(e);
    e->role = ELECT_LEAD;
    e->max_term = e->floor_term = term;
    e->cur = (struct wire_ballot){
        .term = term, .leader = e->nid, .inc = e->conf.inc, .session = rand_id(e)};
    if (ballot_is(&old))
        flags |= WIRE_COLD;
    *l = (struct lead){
        .prev = old.session,
        .flags = flags,
        .since_ms = e->now,
        .beacon_at_ms = e->now,
        .beat_at_ms = e->now,
        .sweep_at_ms = e->now + T_BEACON,
        .roll_at_ms = NEVER,
        .grace_until_ms = LONG_AGO,
        .burst = 3,
        .live = votes,
        .live_ms = e->now,
        .doubt_ms = e->now,
        .heard_any_ms = e->now,
        .gap_ms = LONG_AGO,
        .answered_ms = LONG_AGO,
        .why = why,
    };
    e->duel = (struct duel){.at_ms = NEVER, .asked_ms = LONG_AGO, .hold_until_ms = LONG_AGO};
    e->join.at_ms = NEVER;
    memset(&e->target, 0, sizeof e->target);
    if (e->sen > e->max_sen)
        e->max_sen = e->sen;
    if (e->member_since_ms < 0)
        e->member_since_ms = e->now;
    memset(&e->standbys, 0, sizeof e->standbys);
    ledger_clear(e);
    ledger_list(e);
    news_changed(e, why);
}

void lead_leave(struct elect *e)
{
    ledger_clear(e);
    poll_stop(e);
    memset(&e->duel, 0, sizeof e->duel);
    e->role = ELECT_LISTEN;
    e->listen.told = false;
}

bool lead_in_grace(const struct elect *e)
{
    return e->lead.grace_until_ms > e->now;
}

/* ---- beacons and heartbeats ---- */

void lead_standbys(struct elect *e)
{
    struct wire_standbys *out = &e->standbys;

    memset(out, 0, sizeof *out);
    for (int i = 0; i < e->list.len && i < WIRE_STANDBYS; i++) {
        const struct peer *p = known_listed(e, &e->list, i);
        struct wire_standby *s = &out->at[out->len++];

        s->nid = p->nid;
        s->warm = p->warm;
        s->addr = *known_addr(p);
        s->addr.port = p->tcp_port;
        s->addr.scope = 0;
    }
}

void lead_fill_beacon(struct elect *e, struct wire_msg *m)
{
    const struct lead *l = &e->lead;

    m->flags |= l->flags;
    m->u.beacon.term = e->cur.term;
    m->u.beacon.session = e->cur.session;
    m->u.beacon.prev = l->prev;
    m->u.beacon.sen = e->sen;
    m->u.beacon.max_sen = e->max_sen;
    m->u.beacon.members = (uint16_t)e->members;
    m->u.beacon.live = (uint16_t)l->live;
    m->u.beacon.tcp_port = e->conf.tcp_port;
    m->u.beacon.period_ms = e->members ? T_BEACON : T_BEACON_ALONE;
    m->u.beacon.beat = l->beacons;
    m->u.beacon.why = (uint8_t)l->why;
    m->u.beacon.list = e->list;
    m->u.beacon.standbys = e->standbys;
}

/* One more beacon in in_ms, unless one was so sent within the last gap_ms. */
void lead_beacon_soon(struct elect *e, int64_t gap_ms, int64_t in_ms)
{
    struct lead *l = &e->lead;

    if (e->now - l->answered_ms < gap_ms || lead_in_grace(e))
        return;
    l->answered_ms = e->now;
    if (l->beacon_at_ms > e->now + in_ms)
        l->beacon_at_ms = e->now + in_ms;
}

/* To the one who asks: it may be where our multicast does not come. */
void lead_answer_hello(struct elect *e, struct peer *p)
{
    if (e->now - p->answered_ms < 100)
        return;
    p->answered_ms = e->now;
    lead_fill_beacon(e, answer(e, WIRE_BEACON));
}

static void beacon_tick(struct elect *e)
{
    struct lead *l = &e->lead;
    bool alone = !e->members || l->flags & WIRE_ALONE;
    int64_t period = alone ? T_BEACON_ALONE : T_BEACON;

    if (e->now < l->beacon_at_ms)
        return;
    l->beacons++;
    lead_fill_beacon(e, say_all(e, WIRE_BEACON));
    if (l->burst) { /* after a takeover at 0, 40, 120 ms */
        l->burst--;
        period = l->burst == 2 ? 40 : l->burst == 1 ? 80 : period;
    }
    l->beacon_at_ms = e->now + period;
    l->beat_at_ms = e->now + T_SIGN; /* halfway to the next beacon */
    if (e->now - l->since_ms > 2000)
        l->flags &= (uint16_t)~WIRE_VOTED;
}

static void beat_tick(struct elect *e)
{
    struct lead *l = &e->lead;

    if (e->now < l->beat_at_ms)
        return;
    l->beat++;
    for (int i = 0; i < e->list.len && i < BACKUPS; i++) {
        struct wire_msg *m = say_to(e, known_listed(e, &e->list, i), WIRE_HB);

        m->u.hb.term = e->cur.term;
        m->u.hb.session = e->cur.session;
        m->u.hb.beat = l->beat;
        m->u.hb.members = (uint16_t)e->members;
        m->u.hb.max_sen = e->max_sen;
        m->u.hb.generation = e->conf.generation;
        m->u.hb.number = e->conf.number;
        m->u.hb.digest = e->conf.digest;
        m->u.hb.list = e->list;
    }
    l->beat_at_ms = e->now + T_BEACON;
}

/* ---- doubt ---- */

void lead_roll_call(struct elect *e)
{
    if (e->poll.on)
        return;
    e->lead.roll_at_ms = NEVER;
    e->poll.round = 0;
    poll_start(e);
}

void lead_heard(struct elect *e)
{
    e->lead.heard_any_ms = e->now;
    if (!(e->lead.flags & WIRE_ALONE) || lead_in_grace(e))
        return;
    e->lead.flags &= (uint16_t)~WIRE_ALONE;
    e->lead.roll_at_ms = e->now;
}

/* A backup that fell silent while the others are well goes behind them for a while, twice as long
 * each time. */
static void demerit(struct elect *e, struct peer *p)
{
    p->demerit_ms = p->demerit_ms ? p->demerit_ms * 2 : T_DEMERIT;
    if (p->demerit_ms > 300000)
        p->demerit_ms = 300000;
    p->demerit_until = e->now + p->demerit_ms;
}

static bool backup_silent(const struct elect *e, const struct peer *p)
{
    return e->now - p->hback_ms > T_DOUBT;
}

void lead_roll_end(struct elect *e)
{
    struct lead *l = &e->lead;
    unsigned acked = 0;

    l->live = e->poll.hear;
    l->live_ms = e->now;
    for (int i = 0; i < e->list.len && i < BACKUPS; i++) {
        const struct peer *p = known_listed(e, &e->list, i);

        /* one that has just become a backup has answered nothing yet */
        acked += !backup_silent(e, p) && e->now - p->seen_ms <= T_DOUBT && p->hback_ms > l->gap_ms;
    }
    if (l->live < acked) /* an answered heartbeat is better evidence than a lost vote */
        l->live = acked;
    if (l->live > e->members)
        l->live = e->members;
    if (l->live)
        l->slept = false;
    if (e->members && !l->live && RULE(ALONE))
        l->flags |= WIRE_ALONE;
    else
        l->flags &= (uint16_t)~WIRE_ALONE;
    l->grace_until_ms = LONG_AGO;
    if (l->live * 2 >= e->members && e->now - l->doubt_ms < T_SUSPECT) {
        for (int i = 0; i < e->list.len && i < BACKUPS; i++) {
            struct peer *p = known_listed(e, &e->list, i);

            if (backup_silent(e, p))
                demerit(e, p);
        }
        ledger_list(e);
    }
    if (e->members && !e->poll.hear) /* are those acknowledgements the last ones? */
        l->roll_at_ms = e->now + T_ROLL_AGAIN;
    else if (l->live * 4 < e->members * 3)
        l->roll_at_ms = e->now + 2000;
}

static void sweep_tick(struct elect *e)
{
    struct lead *l = &e->lead;
    bool doubt = e->members && e->now - l->heard_any_ms > T_SUSPECT, fast;

    if (e->now < l->sweep_at_ms)
        return;
    fast = ledger_sweep(e);
    for (int i = 0; i < e->list.len && i < BACKUPS; i++)
        doubt = doubt || backup_silent(e, known_listed(e, &e->list, i));
    if (!doubt)
        ledger_list(e);
    else if (e->members && !e->poll.on && e->now - l->doubt_ms > T_SUSPECT) {
        l->doubt_ms = e->now;
        lead_roll_call(e);
    }
    l->sweep_at_ms = e->now + (fast ? T_SWEEP_FAST : e->members ? T_BEACON : T_BEACON_ALONE);
}

/* We stood still. Whoever waited for us may follow another by now: ask, and answer nothing as
 * leader before that is known. */
void lead_gap(struct elect *e, int64_t gap_ms)
{
    struct lead *l = &e->lead;

    if (gap_ms > T_GAP_LONG) {
        e->member_since_ms = e->now;
        l->slept = true;
    }
    for (size_t i = 0; i < e->peer_count; i++)
        if (e->peers[i]->member)
            e->peers[i]->seen_ms = e->peers[i]->hback_ms = e->now;
    l->heard_any_ms = l->gap_ms = l->live_ms = e->now;
    l->live = 0;
    if (!e->members)
        return;
    l->flags |= WIRE_ALONE;
    poll_stop(e);
    lead_roll_call(e);
    l->grace_until_ms = l->beacon_at_ms = l->beat_at_ms = e->poll.end_at_ms + 5;
}

/* ---- going ---- */

void lead_resign(struct elect *e)
{
    struct parting *p = &e->parting;
    const struct peer *next;

    if (!e->members || !RULE(RESIGN))
        return;
    ledger_list(e); /* as of now */
    next = known_listed(e, &e->list, 0);
    memset(p, 0, sizeof *p);
    p->msg.type = WIRE_BEACON;
    lead_fill_beacon(e, &p->msg);
    p->msg.flags = (uint16_t)((p->msg.flags & ~WIRE_VOTED) | WIRE_RESIGN);
    if (next)
        p->msg.u.beacon.hint =
            (struct wire_ballot){.term = e->cur.term, .leader = next->nid, .inc = next->inc};
    p->multicast = true;
    p->left = 8;
    p->at_ms = e->now;
    p->gap_ms = 40;
}

void lead_tick(struct elect *e)
{
    struct lead *l = &e->lead;

    if (e->now >= l->beacon_at_ms) /* together, so that an idle leader wakes less often */
        l->sweep_at_ms = e->now;
    sweep_tick(e);
    if (e->now >= l->roll_at_ms)
        lead_roll_call(e);
    if (lead_in_grace(e))
        return;
    beacon_tick(e);
    beat_tick(e);
}

int64_t lead_due(const struct elect *e)
{
    const struct lead *l = &e->lead;
    int64_t due = l->sweep_at_ms, out = l->beacon_at_ms;

    if (e->list.len && l->beat_at_ms < out)
        out = l->beat_at_ms;
    if (lead_in_grace(e) && out < l->grace_until_ms)
        out = l->grace_until_ms;
    if (out < due)
        due = out;
    return !e->poll.on && l->roll_at_ms < due ? l->roll_at_ms : due;
}
