/* What holds after each step. Tests, fuzzer and simulator call it. */
#include "core/elect_priv.h"

#include <assert.h>

static void check_leader(const struct elect *e)
{
    unsigned members = 0;

    for (size_t i = 0; i < e->peer_count; i++) {
        const struct peer *p = e->peers[i];

        assert(!nid_eq(&p->nid, &e->nid));
        assert(known_addr(p)->family);
        assert(!p->member || e->role == ELECT_LEAD);
        if (!p->member)
            continue;
        members++;
        assert(is_older(e->sen, &e->nid, p->sen, &p->nid)); /* S5 */
    }
    if (e->role != ELECT_LEAD)
        return;
    assert(members == e->members);
    assert(members || !(e->lead.flags & WIRE_ALONE) || lead_in_grace(e));
    for (int i = 0; i < e->list.len; i++) {
        const struct peer *p = known_listed(e, &e->list, i);

        assert(p && p->member && !p->never_lead);
    }
}

void elect_check(const struct elect *e)
{
    bool leads = e->role == ELECT_LEAD, follows = e->role == ELECT_FOLLOW || e->role == ELECT_CAND;

    assert(e->peer_count <= PEERS_MAX);
    assert(leads == (ballot_is(&e->cur) && nid_eq(&e->cur.leader, &e->nid)));
    assert(follows == (ballot_is(&e->cur) && !nid_eq(&e->cur.leader, &e->nid)));
    assert(!RULE(TERM) || e->cur.term <= e->max_term || !ballot_is(&e->cur));
    assert(!RULE(TERM) || !ballot_is(&e->cur) || e->cur.term >= e->floor_term ||
           e->cur.term == 0); /* S2 */
    assert(e->role != ELECT_CAND || e->poll.on);
    assert(e->role != ELECT_FOLLOW || !e->poll.on);
    assert(!leads || e->sen <= SEN_MAX);
    assert(e->list.len <= WIRE_SUCCESSION);
    if (follows)
        assert(known_find(e, &e->cur.leader));
    check_leader(e);
}
