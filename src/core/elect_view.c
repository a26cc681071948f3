/* What is told when asked. */
#include "core/elect_priv.h"

#include <string.h>

static int permille(const struct loss *l)
{
    return l->counts ? (int)((uint64_t)l->of_65536 * 1000 / 65536) : -1;
}

static void describe_standby(struct elect_peer *out, const struct elect *e)
{
    for (int i = 0; i < e->told.len; i++)
        if (nid_eq(&e->told.at[i].nid, &out->nid)) {
            out->standby = (unsigned)i + 1;
            out->warm = e->told.at[i].warm;
        }
}

void describe(struct elect_peer *out, const struct elect *e, const struct peer *p)
{
    bool leads = ballot_is(&e->cur) && nid_eq(&p->nid, &e->cur.leader);

    memset(out, 0, sizeof *out);
    out->nid = p->nid;
    out->inc = p->inc;
    out->sen = p->sen;
    memcpy(out->pub, p->pub, sizeof out->pub);
    out->addr = *known_addr(p);
    out->addr.port = p->tcp_port;
    out->generation = p->generation;
    out->number = p->number;
    out->digest = p->digest;
    out->heard_ms = p->heard_ms;
    out->member_since_ms = p->since_ms;
    out->loss_permille = permille(leads && e->follow.backup ? &e->follow.beats : &p->loss);
    describe_standby(out, e);
}

void describe_self(struct elect_peer *out, const struct elect *e)
{
    memset(out, 0, sizeof *out);
    out->nid = e->nid;
    out->inc = e->conf.inc;
    out->sen = e->sen;
    memcpy(out->pub, e->conf.key.pub, sizeof out->pub);
    out->addr.port = e->conf.tcp_port;
    out->generation = e->conf.generation;
    out->number = e->conf.number;
    out->digest = e->conf.digest;
    out->heard_ms = e->now;
    out->member_since_ms = e->member_since_ms;
    out->loss_permille = -1;
    describe_standby(out, e);
}

bool describe_leader(struct elect_peer *out, const struct elect *e)
{
    const struct peer *p = ballot_is(&e->cur) ? known_find(e, &e->cur.leader) : NULL;

    if (p)
        describe(out, e, p);
    return p;
}

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
            describe(&out[n], e, p);
        n++;
    }
    return n;
}

const char *elect_why_text(enum elect_why why)
{
    switch (why) {
    case ELECT_WHY_NONE:
        return "there was none yet";
    case ELECT_WHY_FIRST:
        return "nobody led";
    case ELECT_WHY_FOUND:
        return "it led when we came";
    case ELECT_WHY_SILENT:
        return "the one before fell silent";
    case ELECT_WHY_GONE:
        return "the one before is gone";
    case ELECT_WHY_RESTARTED:
        return "the one before started anew";
    case ELECT_WHY_RESIGNED:
        return "the one before left";
    case ELECT_WHY_MERGED:
        return "two leaders met";
    case ELECT_WHY_REFUSED:
        return "the one before no longer led";
    case ELECT_WHY_SLEPT:
        return "we stood still for long";
    }
    return "?";
}

void elect_view(const struct elect *e, struct elect_view *out)
{
    *out = (struct elect_view){
        .role = e->role,
        .role_since_ms = e->role_since_ms,
        .term = ballot_is(&e->cur) ? e->cur.term : e->floor_term,
        .why = e->why,
        .changed_ms = e->changed_ms,
        .changes = e->changes,
        .alone = e->role == ELECT_LEAD && e->lead.flags & WIRE_ALONE,
        .members = ballot_is(&e->cur) ? e->members : 0,
        .standbys = e->told.len,
    };
    for (int i = 0; i < e->told.len; i++) {
        const struct wire_standby *s = &e->told.at[i];
        struct elect_standby *to = &out->standby[i];

        to->nid = s->nid;
        to->warm = s->warm;
        to->self = nid_eq(&s->nid, &e->nid);
        if (!to->self)
            to->addr = s->addr;
    }
}

enum elect_role elect_role(const struct elect *e)
{
    return e->role;
}

const char *elect_role_name(enum elect_role role)
{
    switch (role) {
    case ELECT_LISTEN:
        return "listen";
    case ELECT_FOLLOW:
        return "follow";
    case ELECT_CAND:
        return "cand";
    case ELECT_LEAD:
        return "lead";
    }
    return "?";
}
