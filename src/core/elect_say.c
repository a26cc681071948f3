/* What goes out: messages, news, the last words of a ballot that we leave, and what is told when
 * asked. */
#include "core/elect_priv.h"

#include <assert.h>
#include <string.h>

static struct elect_send *say(struct elect *e, enum wire_type type)
{
    struct elect_send *s = &e->out->send[e->out->sends];
    struct wire_msg *m = &e->msgs[e->out->sends];

    assert(e->out->sends < ELECT_SENDS_MAX);
    e->out->sends++;
    memset(s, 0, sizeof *s);
    memset(m, 0, sizeof *m);
    m->type = (uint8_t)type;
    m->nid = e->nid;
    m->inc = e->conf.inc;
    m->seq = ++e->seq;
    m->max_term = e->max_term;
    if (e->conf.never_lead)
        m->flags |= WIRE_NEVER;
    if (e->role == ELECT_LEAD)
        m->flags |= e->lead.flags & WIRE_ALONE;
    s->msg = m;
    return s;
}

struct wire_msg *say_all(struct elect *e, enum wire_type type)
{
    struct elect_send *s = say(e, type);

    s->multicast = true;
    return s->msg;
}

struct wire_msg *say_to(struct elect *e, const struct peer *p, enum wire_type type)
{
    struct elect_send *s = say(e, type);

    s->to = *known_addr(p);
    return s->msg;
}

struct wire_msg *answer(struct elect *e, enum wire_type type)
{
    struct elect_send *s = say(e, type);

    s->to = e->from;
    return s->msg;
}

bool sends_left(const struct elect *e, size_t n)
{
    return e->out->sends + n <= ELECT_SENDS_MAX;
}

bool news_left(const struct elect *e, size_t n)
{
    return e->out->news_count + n <= ELECT_NEWS_MAX;
}

static struct elect_news *news(struct elect *e, enum elect_news_kind kind)
{
    struct elect_news *n = &e->out->news[e->out->news_count];

    assert(e->out->news_count < ELECT_NEWS_MAX);
    e->out->news_count++;
    memset(n, 0, sizeof *n);
    n->kind = kind;
    n->term = e->cur.term;
    return n;
}

static void describe(struct elect_peer *out, const struct peer *p)
{
    memset(out, 0, sizeof *out);
    out->nid = p->nid;
    out->inc = p->inc;
    out->sen = p->sen;
    memcpy(out->pub, p->pub, sizeof out->pub);
    out->addr = *known_addr(p);
    out->addr.port = p->tcp_port;
    out->generation = p->generation;
    out->number = p->number;
    out->heard_ms = p->heard_ms;
}

static void describe_self(struct elect_peer *out, const struct elect *e)
{
    memset(out, 0, sizeof *out);
    out->nid = e->nid;
    out->inc = e->conf.inc;
    out->sen = e->sen;
    memcpy(out->pub, e->conf.key.pub, sizeof out->pub);
    out->addr.port = e->conf.tcp_port;
    out->generation = e->conf.generation;
    out->number = e->conf.number;
    out->heard_ms = e->now;
}

/* The leader of our ballot: false when it is us, or none, or one whose datagrams we have not had
 * yet. */
static bool describe_leader(struct elect_peer *out, const struct elect *e)
{
    const struct peer *p = ballot_is(&e->cur) ? known_find(e, &e->cur.leader) : NULL;

    if (p)
        describe(out, p);
    return p;
}

void news_leader(struct elect *e)
{
    struct elect_news *n = news(e, ELECT_LEADER);

    assert(ballot_is(&e->cur));
    n->self = e->role == ELECT_LEAD;
    if (n->self)
        describe_self(&n->peer, e);
    else
        describe_leader(&n->peer, e);
    e->listen.told = false;
    memset(e->told_standby, 0, sizeof e->told_standby);
}

void news_no_leader(struct elect *e)
{
    news(e, ELECT_NO_LEADER)->term = e->floor_term;
}

void news_standby(struct elect *e)
{
    uint8_t now[ELECT_STANDBYS][8] = {{0}};
    int place = list_place(&e->list, &e->nid);
    struct elect_news *n;

    if (!ballot_is(&e->cur) || !news_left(e, 1))
        return;
    for (int i = 0; i < e->list.len && i < ELECT_STANDBYS; i++)
        memcpy(now[i], e->list.id[i], sizeof now[i]);
    if (!memcmp(now, e->told_standby, sizeof now))
        return;
    memcpy(e->told_standby, now, sizeof now);
    n = news(e, ELECT_STANDBY);
    memcpy(n->standby, now, sizeof now);
    n->place = place >= 0 && place < ELECT_STANDBYS ? (unsigned)place + 1 : 0;
}

void news_peer(struct elect *e, enum elect_news_kind kind, const struct peer *p)
{
    describe(&news(e, kind)->peer, p);
}

/* ---- leaving ---- */

void leaving_start(struct elect *e)
{
    const struct peer *p = ballot_is(&e->cur) ? known_find(e, &e->cur.leader) : NULL;

    if (e->leaving)
        return;
    e->leaving = true;
    e->parting.left = 0;
    if (e->role == ELECT_LEAD) {
        lead_resign(e);
    } else if (p && e->follow.joined) {
        e->parting = (struct parting){.left = 5, .at_ms = e->now, .gap_ms = 60};
        e->parting.to = *known_addr(p);
        e->parting.msg.type = WIRE_LEAVE;
        e->parting.msg.u.leave.session = e->cur.session;
    }
}

/* Somebody took notice: the leader (any answer of it does), or the successor by its first beacon.
 */
void leaving_heard(struct elect *e, const struct wire_msg *m)
{
    if (e->role == ELECT_LEAD
            ? m->type == WIRE_BEACON && m->u.beacon.prev == e->cur.session
            : nid_eq(&m->nid, &e->cur.leader) && (m->type == WIRE_KAACK || m->type == WIRE_NAK))
        e->parting.left = 0;
}

void parting_tick(struct elect *e)
{
    struct parting *p = &e->parting;
    struct elect_send *s;
    struct wire_msg *m;

    if (!p->left || e->now < p->at_ms)
        return;
    s = say(e, (enum wire_type)p->msg.type);
    s->multicast = p->multicast;
    s->to = p->to;
    m = s->msg;
    m->flags |= p->msg.flags;
    m->u = p->msg.u;
    p->left--;
    p->at_ms = e->now + p->gap_ms;
}

/* ---- when asked ---- */

bool elect_leader(const struct elect *e, struct elect_peer *out, uint64_t *term)
{
    if (!ballot_is(&e->cur))
        return false;
    *term = e->cur.term;
    if (e->role == ELECT_LEAD) {
        describe_self(out, e);
        return true;
    }
    return describe_leader(out, e);
}

size_t elect_peers(const struct elect *e, struct elect_peer *out, size_t max)
{
    size_t n = 0;

    if (max)
        describe_self(&out[n], e);
    n++;
    for (size_t i = 0; i < e->peer_count; i++) {
        const struct peer *p = e->peers[i];
        bool recent = e->now - p->heard_ms < T_KA_MAX || nid_eq(&p->nid, &e->cur.leader);

        if (!(e->role == ELECT_LEAD ? p->member : recent))
            continue;
        if (n < max)
            describe(&out[n], p);
        n++;
    }
    return n;
}
