#include "base/mem.h"
#include "core/elect_priv.h"

#include <string.h>

int64_t rand_ms(struct elect *e, int64_t lo, int64_t hi)
{
    return hi <= lo ? lo : lo + (int64_t)rng_below(&e->rng, (uint64_t)(hi - lo));
}

uint64_t rand_id(struct elect *e)
{
    uint64_t id;

    do
        id = rng_next(&e->rng);
    while (!id);
    return id;
}

bool ballot_is(const struct wire_ballot *b)
{
    return !nid_is_zero(&b->leader);
}

bool ballot_eq(const struct wire_ballot *a, const struct wire_ballot *b)
{
    return ballot_is(a) && nid_eq(&a->leader, &b->leader) && a->inc == b->inc &&
           (a->session == b->session || !RULE(SESSION));
}

struct wire_ballot ballot_of(const struct wire_msg *m, uint64_t term, uint64_t session)
{
    return (struct wire_ballot){.term = term, .leader = m->nid, .inc = m->inc, .session = session};
}

bool is_older(uint64_t sen_a, const struct nid *a, uint64_t sen_b, const struct nid *b)
{
    return sen_a != sen_b ? sen_a < sen_b : nid_cmp(a, b) < 0;
}

void loss_count(struct loss *l, uint32_t count)
{
    if (!l->counts) {
        l->counts = true;
        l->last = count;
        return;
    }
    for (uint32_t i = 1; i <= count - l->last && count > l->last && i <= 20; i++)
        l->of_65536 = i < count - l->last ? l->of_65536 + (65536 - l->of_65536) * 3 / 100
                                          : l->of_65536 * 97 / 100;
    if (count > l->last)
        l->last = count;
}

int list_place(const struct wire_list *l, const struct nid *nid)
{
    for (int i = 0; i < l->len; i++)
        if (!memcmp(l->id[i], nid->b, sizeof l->id[i]))
            return i;
    return -1;
}

int64_t ka_period_ms(unsigned members)
{
    int64_t ms = 5 * (int64_t)members;

    return ms < T_KA_MIN ? T_KA_MIN : ms > T_KA_MAX ? T_KA_MAX : ms;
}

int64_t join_window_ms(unsigned members)
{
    return members < 5 ? 5 : members > 3000 ? 3000 : members;
}

void learn_term(struct elect *e, uint64_t term)
{
    if (!RULE(TERM))
        return;
    if (term > TERM_MAX)
        term = TERM_MAX;
    if (term > e->max_term)
        e->max_term = term;
}

/* ---- events in ---- */

/* The address or catalog of a peer that we speak of outside may have changed by this message. */
static void tell_moved(struct elect *e, const struct peer *p)
{
    if (e->role == ELECT_LEAD && p->member) {
        news_peer(e, ELECT_PEER_CHANGED, p);
        lead_standbys(e);
    } else if (ballot_is(&e->cur) && nid_eq(&p->nid, &e->cur.leader)) {
        news_leader(e);
    }
}

/* Somebody could not be reached. The leader asks it, whoever says so; a follower passes it on. */
static void report(struct elect *e, const struct nid *nid)
{
    struct peer *p = known_find(e, nid);

    if (e->role == ELECT_LEAD) {
        if (p && p->member)
            ledger_suspect(e, p);
    } else if (ballot_is(&e->cur)) {
        if (nid_eq(nid, &e->cur.leader))
            follow_evidence(e);
        else
            follow_report(e, nid);
    }
}

/* A member that names the session in which we lead. */
static bool of_ours(const struct elect *e, const struct peer *p, uint64_t session)
{
    return p->member && session == e->cur.session;
}

static void hear_leading(struct elect *e, struct peer *p, const struct wire_msg *m)
{
    switch ((enum wire_type)m->type) {
    case WIRE_HELLO:
        lead_answer_hello(e, p);
        break;
    case WIRE_BEACON:
        if (!(m->flags & (WIRE_YIELD | WIRE_RESIGN)))
            duel_beacon(e, p, m);
        break;
    case WIRE_HB:
        say_nak(e, m->u.hb.session, &e->cur);
        break;
    case WIRE_HBACK:
        ledger_hback(e, p, m);
        break;
    case WIRE_JOIN:
        ledger_join(e, p, m);
        break;
    case WIRE_NAK:
        ledger_nak(e, p, m);
        break;
    case WIRE_KA:
        ledger_ka(e, p, m);
        break;
    case WIRE_PING:
        ledger_ping(e, p, m);
        break;
    case WIRE_PONG:
        if (of_ours(e, p, m->u.ping.session))
            ledger_alive(e, p);
        break;
    case WIRE_CONFLICT:
        if (of_ours(e, p, m->u.conflict.session))
            duel_rival(e, &m->u.conflict.rival.leader);
        break;
    case WIRE_LEAVE:
        ledger_leave(e, p, m);
        break;
    case WIRE_REPORT:
        if (of_ours(e, p, m->u.report.session))
            report(e, &m->u.report.whom);
        break;
    default:
        break;
    }
}

/* What is meant for a leader, and we are none. */
static void hear_not_leading(struct elect *e, struct peer *p, const struct wire_msg *m)
{
    const struct wire_ballot *known = follow_silent(e, T_SUSPECT) ? NULL : &e->cur;

    if (m->type == WIRE_JOIN)
        say_nak(e, m->u.join.session, known);
    else if (m->type == WIRE_KA)
        say_nak(e, m->u.ka.session, known);
    else if (m->type == WIRE_PING)
        follow_ping(e, p, m);
}

static void hear_following(struct elect *e, struct peer *p, const struct wire_msg *m)
{
    switch ((enum wire_type)m->type) {
    case WIRE_BEACON:
        follow_beacon(e, p, m);
        break;
    case WIRE_HB:
        follow_hb(e, m);
        break;
    case WIRE_JOINACK:
        follow_joinack(e, m);
        break;
    case WIRE_NAK:
        follow_nak(e, p, m);
        break;
    case WIRE_KAACK:
        follow_kaack(e, p, m);
        break;
    case WIRE_PONG:
        follow_pong(e, p, m);
        break;
    default:
        hear_not_leading(e, p, m);
        break;
    }
}

static void hear_listening(struct elect *e, struct peer *p, const struct wire_msg *m)
{
    switch ((enum wire_type)m->type) {
    case WIRE_HELLO:
        listen_hello(e, p);
        break;
    case WIRE_BEACON:
        listen_beacon(e, p, m);
        break;
    case WIRE_JOINACK:
        listen_joinack(e, m);
        break;
    case WIRE_NAK:
        listen_nak(e, p, m);
        break;
    default:
        hear_not_leading(e, p, m);
        break;
    }
}

/* Polls and face-offs are heard alike in every role. */
static void dispatch(struct elect *e, struct peer *p, const struct wire_msg *m)
{
    switch ((enum wire_type)m->type) {
    case WIRE_POLL:
        poll_heard(e, p, m);
        return;
    case WIRE_VOTE:
        poll_vote(e, p, m);
        return;
    case WIRE_FACEOFF:
        duel_faceoff(e, p, m);
        return;
    case WIRE_FOACK:
        duel_foack(e, p, m);
        return;
    default:
        break;
    }
    if (e->role == ELECT_LEAD)
        hear_leading(e, p, m);
    else if (ballot_is(&e->cur))
        hear_following(e, p, m);
    else
        hear_listening(e, p, m);
}

/* What the sender says of itself, whatever our role. */
static void note_sender(struct peer *p, const struct wire_msg *m)
{
    p->never_lead = m->flags & WIRE_NEVER;
    switch ((enum wire_type)m->type) {
    case WIRE_HELLO:
        p->sen = m->u.hello.sen;
        p->tcp_port = m->u.hello.tcp_port;
        p->generation = m->u.hello.generation;
        p->number = m->u.hello.number;
        p->digest = m->u.hello.digest;
        break;
    case WIRE_BEACON:
        p->sen = m->u.beacon.sen;
        p->tcp_port = m->u.beacon.tcp_port;
        break;
    case WIRE_JOINACK:
        p->sen = m->u.joinack.sen;
        p->tcp_port = m->u.joinack.tcp_port;
        break;
    case WIRE_HB:
        p->generation = m->u.hb.generation;
        p->number = m->u.hb.number;
        p->digest = m->u.hb.digest;
        break;
    default:
        break;
    }
}

static void datagram(struct elect *e, const struct wire_msg *m, const struct addr *from)
{
    struct peer *p;
    struct addr before = {0};
    bool of_leader = ballot_is(&e->cur) && nid_eq(&m->nid, &e->cur.leader);

    p = known_find(e, &m->nid);
    if (p) {
        before = *known_addr(p);
        before.port = p->tcp_port;
    }
    e->from = *from;
    p = known_admit(e, m, from);
    if (!p)
        return;
    if (e->leaving) {
        leaving_heard(e, m);
        return;
    }
    learn_term(e, m->max_term);
    /* The next incarnation of the leader speaks: the one that we follow is gone, whatever the
     * timers say. */
    if (of_leader && e->role != ELECT_LEAD && p->inc > e->cur.inc)
        follow_restarted(e);
    if (!(e->role == ELECT_LEAD &&
          p->member)) /* a member's numbers change in its JOIN and KA only */
        note_sender(p, m);
    if (before.family && (p->member || of_leader)) {
        struct addr after = *known_addr(p);

        after.port = p->tcp_port;
        if (!addr_eq(&before, &after))
            tell_moved(e, p);
    }
    if (e->role == ELECT_LEAD && lead_in_grace(e) && m->type != WIRE_VOTE)
        return; /* we slept: no answers as leader before the roll call has shown who follows */
    dispatch(e, p, m);
}

/* A refused port: of the leader it is evidence that it is gone, of a member it makes the leader
 * ask. */
static void refused(struct elect *e, const struct addr *from)
{
    for (size_t i = 0; i < e->peer_count; i++) {
        struct peer *p = e->peers[i];
        const struct addr *a = known_addr(p);

        if (!addr_same_host(a, from) || (from->port != a->port && from->port != p->tcp_port))
            continue;
        if (e->role == ELECT_LEAD && p->member)
            ledger_suspect(e, p);
        else if (ballot_is(&e->cur) && nid_eq(&p->nid, &e->cur.leader))
            follow_evidence(e);
    }
}

static void start(struct elect *e)
{
    e->running = true;
    e->started_ms = e->role_since_ms = e->now;
    e->newcomers_ms = e->now;
    listen_enter(e, rand_ms(e, 0, T_HELLO_FIRST), T_LISTEN + rand_ms(e, 0, 100));
    e->listen.told = true; /* nobody was ever told of a leader */
}

static void link_changed(struct elect *e)
{
    if (e->role == ELECT_LEAD)
        lead_beacon_soon(e, 0, 0);
    else if (ballot_is(&e->cur)) {
        e->join.at_ms = e->now; /* signed, so that the leader learns our new address */
        e->join.tries = 0;
    } else {
        e->listen.hello_at_ms = e->now;
    }
}

static void gap(struct elect *e, int64_t gap_ms)
{
    if (gap_ms < T_GAP || !RULE(GAP))
        return;
    if (e->role == ELECT_LEAD) {
        lead_gap(e, gap_ms);
        return;
    }
    if (gap_ms > T_GAP_LONG) { /* interruption costs seniority: we come back as the youngest */
        e->sen = e->conf.sen + ((uint64_t)(e->now - e->started_ms) << 16);
        if (e->sen > SEN_MAX)
            e->sen = SEN_MAX;
        e->member_since_ms = -1;
        listen_enter(e, 0, T_LISTEN + rand_ms(e, 0, 200));
        e->listen.why = ELECT_WHY_SLEPT;
    } else if (ballot_is(&e->cur)) {
        follow_gap(e);
    } else {
        listen_enter(e, 0, T_LISTEN + rand_ms(e, 0, 100));
    }
}

static void ticks(struct elect *e)
{
    parting_tick(e);
    if (e->leaving)
        return;
    poll_tick(e);
    switch (e->role) {
    case ELECT_LISTEN:
        listen_tick(e);
        break;
    case ELECT_FOLLOW:
        follow_tick(e);
        break;
    case ELECT_CAND:
        break;
    case ELECT_LEAD:
        lead_tick(e);
        duel_tick(e);
        break;
    }
}

void elect_step(struct elect *e, const struct elect_in *in, struct elect_out *out)
{
    bool led = e->role == ELECT_LEAD, listened = e->role == ELECT_LISTEN;

    out->sends = out->news_count = 0;
    out->more = false;
    e->out = out;
    if (in->now_ms > e->now)
        e->now = in->now_ms;
    if (!e->running && in->kind != ELECT_START)
        return;
    switch (in->kind) {
    case ELECT_START:
        if (!e->running)
            start(e);
        break;
    case ELECT_DATAGRAM:
        datagram(e, in->msg, &in->from);
        break;
    case ELECT_TICK:
        break;
    case ELECT_GAP:
        if (!e->leaving)
            gap(e, in->gap_ms);
        break;
    case ELECT_CATALOG:
        e->conf.generation = in->generation;
        e->conf.number = in->number;
        e->conf.digest = in->digest;
        if (ballot_is(&e->cur) && e->role != ELECT_LEAD)
            follow_catalog(e);
        break;
    case ELECT_WARM:
        e->warm = in->warm && e->role != ELECT_LEAD && ballot_is(&e->cur);
        break;
    case ELECT_LINK:
        if (!e->leaving)
            link_changed(e);
        break;
    case ELECT_REFUSED:
        if (!e->leaving)
            refused(e, &in->from);
        break;
    case ELECT_REPORT:
        if (!e->leaving)
            report(e, &in->nid);
        break;
    case ELECT_LEAVE:
        leaving_start(e);
        break;
    }
    for (int i = 0; i < 3 && elect_due_ms(e) <= e->now && sends_left(e, 24); i++)
        ticks(e);
    if (led != (e->role == ELECT_LEAD) || listened != (e->role == ELECT_LISTEN))
        e->role_since_ms = e->now;
    out->more = elect_due_ms(e) <= e->now;
    news_standby(e);
    e->out = NULL;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t elect_due_ms(const struct elect *e)
{
    int64_t due = e->parting.left ? e->parting.at_ms : NEVER;

    if (!e->running || e->leaving)
        return e->running ? due : NEVER;
    due = least(due, poll_due(e));
    switch (e->role) {
    case ELECT_LISTEN:
        return least(due, listen_due(e));
    case ELECT_FOLLOW:
        return least(due, follow_due(e));
    case ELECT_CAND:
        return due;
    case ELECT_LEAD:
        return least(due, least(lead_due(e), duel_due(e)));
    }
    return due;
}

/* ---- made ---- */

struct elect *elect_new(const struct elect_conf *conf, uint64_t seed)
{
    struct elect *e = mem_zero(1, sizeof *e);

    e->conf = *conf;
    seal_nid(&e->nid, conf->key.pub);
    rng_seed(&e->rng, seed);
    e->sen = conf->sen > SEN_MAX ? SEN_MAX : conf->sen;
    e->max_sen = e->sen;
    e->newcomers_milli = (int64_t)PEERS_MAX * 1000;
    e->now = LONG_AGO;
    e->member_since_ms = e->changed_ms = -1;
    return e;
}

void elect_free(struct elect *e)
{
    if (!e)
        return;
    for (size_t i = 0; i < e->peer_count; i++)
        mem_free(e->peers[i]);
    mem_free(e->peers);
    mem_free(e);
}
