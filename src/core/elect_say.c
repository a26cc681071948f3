/* What goes out: messages, news, the last words of a ballot that we leave. */
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
    memset(&e->told, 0, sizeof e->told);
}

void news_changed(struct elect *e, enum elect_why why)
{
    e->why = why;
    e->changed_ms = e->now;
    e->changes++;
    e->warm = false;
    memset(&e->standbys, 0, sizeof e->standbys);
    news_leader(e);
}

void news_no_leader(struct elect *e)
{
    memset(&e->told, 0, sizeof e->told);
    news(e, ELECT_NO_LEADER)->term = e->floor_term;
}

static bool standby_eq(const struct wire_standby *a, const struct wire_standby *b)
{
    return nid_eq(&a->nid, &b->nid) && a->warm == b->warm && addr_eq(&a->addr, &b->addr);
}

/* The first of the list; a heartbeat may have told of one whose address comes with the next beacon.
 */
static void standbys_now(const struct elect *e, struct wire_standbys *out)
{
    memset(out, 0, sizeof *out);
    if (!ballot_is(&e->cur))
        return;
    for (int i = 0; i < e->list.len && i < WIRE_STANDBYS; i++) {
        struct wire_standby *s = &out->at[out->len++];

        memcpy(s->nid.b, e->list.id[i], sizeof e->list.id[i]);
        for (int k = 0; k < e->standbys.len; k++)
            if (!memcmp(e->standbys.at[k].nid.b, e->list.id[i], sizeof e->list.id[i]))
                *s = e->standbys.at[k];
    }
}

void news_standby(struct elect *e)
{
    int place = list_place(&e->list, &e->nid);
    struct wire_standbys now;
    struct elect_news *n;
    bool same;

    standbys_now(e, &now);
    same = now.len == e->told.len;
    for (int i = 0; same && i < now.len; i++)
        same = standby_eq(&now.at[i], &e->told.at[i]);
    if (same || !ballot_is(&e->cur) || !news_left(e, 1))
        return;
    e->told = now;
    n = news(e, ELECT_STANDBY);
    for (int i = 0; i < now.len; i++)
        memcpy(n->standby[i], now.at[i].nid.b, sizeof n->standby[i]);
    n->place = place >= 0 && place < now.len ? (unsigned)place + 1 : 0;
}

void news_peer(struct elect *e, enum elect_news_kind kind, const struct peer *p)
{
    describe(&news(e, kind)->peer, e, p);
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
    struct peer *leader = known_find(e, &e->cur.leader);
    struct elect_send *s;
    struct wire_msg *m;

    if (!p->left || e->now < p->at_ms)
        return;
    if (!p->multicast && leader && p->said) { /* no answer: elsewhere */
        known_try_other(e, leader);
        p->to = *known_addr(leader);
    }
    p->said = true;
    s = say(e, (enum wire_type)p->msg.type);
    s->multicast = p->multicast;
    s->to = p->to;
    m = s->msg;
    m->flags |= p->msg.flags;
    m->u = p->msg.u;
    p->left--;
    p->at_ms = e->now + p->gap_ms;
}
