/* Part of elect_lan.c: what is looked at after each event, and whether the LAN has settled. The
 * names of the invariants are those of doc/ELECTION.md. */

static void new_ballot(int i, uint64_t session)
{
    for (size_t k = 0; k < world.sessions; k++)
        if (world.session[k] == session)
            lan_fail("S1: %s leads a ballot that was led before", name(i));
    if (world.sessions < SESSIONS_MAX)
        world.session[world.sessions++] = session;
}

static void mix(uint64_t *h, const void *data, size_t len)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++)
        *h = (*h ^ p[i]) * 0x100000001b3u;
}

/* All that a service knows; not the time, nor what is only of use within one step. */
static uint64_t state_of(const struct elect *e)
{
    static struct elect copy;
    uint64_t h = 0xcbf29ce484222325u;

    memcpy(&copy, e, offsetof(struct elect, msgs));
    copy.now = 0;
    copy.from = (struct addr){0};
    copy.out = NULL;
    mix(&h, &copy, offsetof(struct elect, msgs));
    for (size_t i = 0; i < e->peer_count; i++)
        mix(&h, e->peers[i], sizeof *e->peers[i]);
    return h;
}

/* It was taken for what its sender said. (One may be dropped at first, from whom is not known.) */
static bool was_taken(const struct elect *e, const struct wire_msg *m)
{
    const struct peer *p = known_find(e, &m->nid);
    const struct window *w = p ? &p->window : NULL;

    if (!p || p->inc != m->inc || m->seq > w->top)
        return false;
    return w->top / 64 - m->seq / 64 >= 16 || (w->bits[m->seq % 1024 / 64] >> m->seq % 64 & 1);
}

static bool awake(int i)
{
    return lan.host[i].e && !lan.host[i].asleep_us;
}

/* S6: who led and stood still says nothing as leader before its roll call is over. */
static void check_grace(int i, const struct wire_msg *m)
{
    struct host *h = &lan.host[i];

    if (h->e->role != ELECT_LEAD || lan.now_us >= h->grace_us ||
        m->flags & (WIRE_RESIGN | WIRE_YIELD)) /* (that it stops) */
        return;
    if (m->type == WIRE_BEACON || m->type == WIRE_HB || m->type == WIRE_JOINACK ||
        m->type == WIRE_KAACK || m->type == WIRE_PONG)
        lan_fail("S6: %s says %s right after it stood still", name(i), wire_type_name(m->type));
}

/* What the house was told of members is what the ledger has. */
static void check_ledger(int i)
{
    const struct host *h = &lan.host[i];

    for (int k = 0; h->told_leads && h->e->role == ELECT_LEAD && k < lan.hosts; k++) {
        const struct peer *p = known_find(h->e, &lan.host[k].nid);

        if (h->up[k] != (p && p->member))
            lan_fail("%s: news and ledger differ over %s", name(i), name(k));
    }
}

static void peer_down(int i, int whom, uint32_t inc)
{
    const struct host *h = &lan.host[whom], *l = &lan.host[i];
    int64_t clean = h->clean_us > l->clean_us ? h->clean_us : l->clean_us;

    if (h->e && !h->asleep_us && !h->e->leaving && h->conf.inc == inc && reaches(i, whom) &&
        reaches(whom, i) && lan.now_us - clean > 15 * SECOND && ballot_is(&h->e->cur) &&
        h->e->cur.session == l->e->cur.session)
        lan_miss("S8: %s counts %s as gone, which is well", name(i), name(whom));
}

static void take_news(int i, const struct elect_news *n)
{
    struct host *h = &lan.host[i];
    int whom = index_of(&n->peer.nid);

    if (n->term < h->told_term)
        lan_fail("S2: the term that %s tells falls from %llu to %llu", name(i),
                 (unsigned long long)h->told_term, (unsigned long long)n->term);
    h->told_term = n->term;
    if (lan.shares)
        shares_news(i, n, whom);
    switch (n->kind) {
    case ELECT_LEADER:
        h->moves++;
        if (n->self) {
            tell(i, "lead %llu", (unsigned long long)n->term);
            new_ballot(i, h->e->cur.session);
            h->leads++;
            lan.takeovers++;
        } else {
            tell(i, "follow %s %llu", whom < 0 ? "?" : name(whom), (unsigned long long)n->term);
        }
        memset(h->up, 0, sizeof h->up);
        h->told_leads = n->self;
        h->told_leader = true;
        return;
    case ELECT_NO_LEADER:
        tell(i, "no leader");
        h->told_leader = h->told_leads = false;
        return;
    case ELECT_STANDBY:
        if (!h->told_leader)
            lan_fail("%s tells who stands by, but not for whom", name(i));
        if (n->place && memcmp(n->standby[n->place - 1], h->e->nid.b, sizeof *n->standby))
            lan_fail("%s is told a place that another one has", name(i));
        return;
    case ELECT_PEER_UP:
        tell(i, "up %s", name(whom));
        if (!h->told_leads || h->up[whom])
            lan_fail("%s tells of a member out of turn", name(i));
        h->up[whom] = true;
        return;
    case ELECT_PEER_CHANGED:
        tell(i, "changed %s %llu", name(whom), (unsigned long long)n->peer.number);
        if (!h->up[whom])
            lan_fail("%s tells of a change of a peer that is not up", name(i));
        return;
    case ELECT_PEER_DOWN:
        tell(i, "down %s", name(whom));
        if (!h->up[whom])
            lan_fail("%s tells that one is down who was not up", name(i));
        h->up[whom] = false;
        peer_down(i, whom, n->peer.inc);
        return;
    }
}

/* S6: a leader that can hear nobody says so. Roll calls are at least a second apart, and take a
 * moment. */
static void check_alone(int i)
{
    struct host *h = &lan.host[i];
    bool hears = false;

    for (int k = 0; k < lan.hosts; k++)
        hears = hears || (k != i && lan.host[k].e && reaches(k, i));
    if (h->e->role != ELECT_LEAD || hears || !h->e->members || h->asleep_us) {
        h->cut_us = -1;
        return;
    }
    if (h->cut_us < 0 ||
        h->e->lead.flags & WIRE_ALONE) /* (what is played back may unset it for a moment) */
        h->cut_us = lan.now_us;
    if (lan.now_us - h->cut_us > 2 * SECOND)
        lan_fail("S6: %s hears nobody and does not say so", name(i));
}

/* ---- is all well? ---- */

static bool healthy(int i)
{
    const struct host *h = &lan.host[i];

    return awake(i) && !h->deaf && !h->mute;
}

static bool group_led(int group, bool whole)
{
    int leader = -1;
    unsigned members = 0, any = 0;

    for (int i = 0; i < lan.hosts; i++) {
        if (!healthy(i) || lan.host[i].group != group)
            continue;
        any++;
        if (lan.host[i].e->role == ELECT_LEAD) {
            if (leader >= 0)
                return false;
            leader = i;
        }
    }
    if (leader < 0)
        return !any;
    for (int i = 0; i < lan.hosts; i++) {
        const struct host *h = &lan.host[i], *l = &lan.host[leader];
        const struct peer *p;

        if (i == leader || !healthy(i) || h->group != group)
            continue;
        p = known_find(l->e, &h->nid);
        if (h->e->role != ELECT_FOLLOW || h->e->cur.session != l->e->cur.session || !p ||
            !p->member || p->inc != h->conf.inc || p->number != h->conf.number || !h->told_leader)
            return false;
        members++;
    }
    return !whole || lan.host[leader].e->members == members;
}

/* Since when, without a break. Who lost a merge or slept gave its place up. */
static int64_t member_ms(int i)
{
    const struct host *h = &lan.host[i];

    return h->restamped_ms > h->e->member_since_ms ? h->restamped_ms : h->e->member_since_ms;
}

void lan_oldest(void)
{
    for (int i = 0; i < lan.hosts; i++) {
        const struct host *l = &lan.host[i];

        if (lan.apart || !healthy(i) || l->e->role != ELECT_LEAD)
            continue;
        for (int k = 0; k < lan.hosts; k++)
            if (healthy(k) && lan.host[k].group == l->group &&
                lan.host[k].e->role == ELECT_FOLLOW && !lan.host[k].conf.never_lead &&
                member_ms(k) + 2500 < member_ms(i))
                lan_miss("%s leads since %lld, but %s is a member since %lld", name(i),
                         (long long)member_ms(i), name(k), (long long)member_ms(k));
    }
}

bool lan_led(bool whole)
{
    for (int i = 0; i < lan.hosts; i++)
        if (healthy(i) && !group_led(lan.host[i].group, whole))
            return false;
    return true;
}

int64_t lan_settle(int64_t us, bool whole)
{
    int64_t from = lan.now_us;

    while (!lan_led(whole)) {
        if (lan.now_us - from >= us)
            return -1;
        lan_run(5 * MS);
    }
    return lan.now_us - from;
}

int lan_leader(void)
{
    int best = -1;

    for (int i = 0; i < lan.hosts; i++)
        if (awake(i) && lan.host[i].e->role == ELECT_LEAD &&
            (best < 0 || lan.host[i].e->members > lan.host[best].e->members))
            best = i;
    return best;
}

int lan_backup(int leader, int place)
{
    const struct peer *p = known_listed(lan.host[leader].e, &lan.host[leader].e->list, place);

    return p ? index_of(&p->nid) : -1;
}
