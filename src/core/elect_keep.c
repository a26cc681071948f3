/* FOLLOW: keeping in touch with the leader: KA, PING, what it has to know of others. */
#include "core/elect_priv.h"

static struct peer *leader(const struct elect *e)
{
    return known_find(e, &e->cur.leader);
}

void say_ping(struct elect *e, const struct peer *p)
{
    struct wire_msg *m = say_to(e, p, WIRE_PING);

    m->u.ping.session = e->cur.session;
    m->u.ping.nonce = e->follow.ping_nonce;
}

void say_nak(struct elect *e, uint64_t session, const struct wire_ballot *hint)
{
    struct wire_msg *m = answer(e, WIRE_NAK);

    m->u.nak.session = session;
    if (hint)
        m->u.nak.hint = *hint;
}

/* A KA that is not confirmed is repeated: three times soon, then each second. If that does not help
 * our address may have changed without our noticing, and the leader drops what is not signed: JOIN
 * again. */
void keep_ka(struct elect *e)
{
    struct follow *f = &e->follow;
    struct wire_msg *m;

    if (f->ka_tries >= KA_TRIES) {
        f->joined = false;
        f->ka_tries = 0;
        e->join = (struct join){.at_ms = e->now};
        return;
    }
    if (f->ka_tries)
        known_try_other(e, leader(e));
    m = say_to(e, leader(e), WIRE_KA);
    m->u.ka.session = e->cur.session;
    m->u.ka.generation = e->conf.generation;
    m->u.ka.number = e->conf.number;
    m->u.ka.digest = e->conf.digest;
    f->ka_sent_ms = e->now;
    f->ka_tries++;
    f->ka_at_ms =
        e->now + (f->ka_tries <= 3 ? 250 + rand_ms(e, 0, 100) : 1000 + rand_ms(e, 0, 200));
}

/* A change goes out at once; many of them at most every 20 ms. */
void follow_catalog(struct elect *e)
{
    struct follow *f = &e->follow;
    int64_t at = f->ka_sent_ms + T_KA_RUSH > e->now ? f->ka_sent_ms + T_KA_RUSH : e->now;

    if (f->ka_at_ms > at && RULE(NEWS))
        f->ka_at_ms = at;
    f->ka_tries = 0;
}

void follow_kaack(struct elect *e, const struct peer *p, const struct wire_msg *m)
{
    struct follow *f = &e->follow;
    int64_t period = ka_period_ms(e->members);

    if (!nid_eq(&p->nid, &e->cur.leader) || m->u.ka.session != e->cur.session)
        return;
    if (m->u.ka.generation == e->conf.generation && m->u.ka.number == e->conf.number &&
        m->u.ka.digest == e->conf.digest) {
        f->ka_tries = 0;
        f->ka_at_ms = e->now + period * 9 / 10 + rand_ms(e, 0, period / 5);
    }
    if (!(m->flags & WIRE_ALONE))
        follow_alive(e);
}

void keep_ping_tick(struct elect *e)
{
    struct follow *f = &e->follow;

    if (e->now < f->ping_at_ms)
        return;
    if (!f->pings)
        f->ping_nonce = rand_id(e);
    say_ping(e, leader(e));
    f->pings++;
    f->ping_at_ms = e->now + 100;
    if (f->pings == 3) {
        f->pings = 0;
        f->ping_at_ms = e->now + 2000;
    }
}

/* A downloader could not reach a member: the leader is to look, at most each 100 ms. */
void follow_report(struct elect *e, const struct nid *whom)
{
    struct wire_msg *m;

    if (e->now - e->follow.report_at_ms < 100)
        return;
    e->follow.report_at_ms = e->now;
    m = say_to(e, leader(e), WIRE_REPORT);
    m->u.report.session = e->cur.session;
    m->u.report.whom = *whom;
}
