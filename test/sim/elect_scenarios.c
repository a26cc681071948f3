/* Part of sim_elect.c: what happens to the hosts. */

static void cold(void)
{
    int64_t from;

    lan_start(0);
    from = lan.now_us;
    start_from(1, lan.hosts);
    while (!someone_leads() && lan.now_us - from < 5 * SECOND)
        lan_run(MS);
    if (times)
        printf("first lead %2u %% %7.0f ms\n", lan.loss_pct, (double)(lan.now_us - from) / 1000);
    if (lan.now_us - from > allowed_us(800))
        lan_miss("no first leader in time");
    settle(500, "joined");
    if (lan.takeovers > (lan.loss_pct ? 3 : 1))
        lan_miss("cold: %llu took the lead", (unsigned long long)lan.takeovers);
}

static void alone(void)
{
    lan_start(0);
    lan_run(SECOND);
    still_leads(0, "alone");
    calm(20 * SECOND, "alone");
    for (int i = 1; i < lan.hosts; i++) {
        lan_start(i);
        settle(400, "join");
    }
    still_leads(0, "alone");
}

static void steady(void)
{
    uint64_t before;

    grow();
    before = lan.multicast_bytes;
    calm(40 * SECOND, "steady");
    if (!lan_led(true))
        lan_miss("steady: a member was lost");
    if ((lan.multicast_bytes - before) / 40 > (rough() ? 2400 : 1600)) /* (polls of doubt) */
        lan_miss("steady: %llu B/s of multicast",
                 (unsigned long long)(lan.multicast_bytes - before) / 40);
}

static void kill_leader(void)
{
    int leader = grow();
    uint64_t before = lan.takeovers;

    note_warm();
    lan_crash(leader, true);
    settle(400, "kill");
    lan_run(10 * SECOND);
    changed_once(before, "kill");
    stays_warm(before);
}

static void power(void)
{
    int leader = grow();
    uint64_t before = lan.takeovers;

    note_warm();
    lan_crash(leader, false);
    settle(700, "power");
    lan_run(10 * SECOND);
    changed_once(before, "power");
    stays_warm(before);
}

static void power_2(void)
{
    int leader = grow(), backup = lan_backup(leader, 0);

    lan_crash(leader, false);
    if (backup >= 0)
        lan_crash(backup, false);
    settle(900, "power2");
}

static void power_3(void)
{
    int leader = grow(), first = lan_backup(leader, 0), second = lan_backup(leader, 1);

    lan_crash(leader, false);
    if (first >= 0)
        lan_crash(first, false);
    if (second >= 0)
        lan_crash(second, false);
    settle(1900, "power3");
}

static void restart(void)
{
    int leader = grow();

    lan_crash(leader, chance(500));
    lan_run(between(50 * MS, 2 * SECOND));
    lan_start(leader);
    settle(1000, "restart");
}

/* Who is to come after this leader: the oldest of its followers by the seniority that was granted,
 * but for those that did not answer its heartbeats lately, as it sees it. */
static int next_after(int leader)
{
    const struct elect *e = lan.host[leader].e;
    const struct peer *oldest = NULL;

    for (int i = 0; i < lan.hosts; i++) {
        const struct peer *p = known_find(e, &lan.host[i].nid);

        if (p && p->member && p->demerit_until <= e->now &&
            (!oldest || is_older(p->sen, &p->nid, oldest->sen, &oldest->nid)))
            oldest = p;
    }
    return oldest ? index_of(&oldest->nid) : -1;
}

/* All leave, one after the other; now and then the first stand-by stood still for a moment before,
 * and is passed over for ten seconds. */
static void leave(void)
{
    lan.apart = true; /* seniority is compared below, not how long each is a member */
    grow();
    while (lan_up() > 1) {
        int leader = lan_leader(), backup = lan_backup(leader, 0), next;
        uint64_t before;

        if (backup >= 0 && chance(200)) {
            lan_sleep(backup, between(500 * MS, 1500 * MS));
            lan_run(2 * SECOND);
            settle(0, "stood still");
            leader = lan_leader();
        }
        before = lan.takeovers;
        next = next_after(leader);
        note_warm();
        lan_leave(leader);
        if (!lan.loss_pct && lan_leader() < 0)
            lan_miss("leave: nobody leads when the leader is gone");
        settle(200, "leave");
        if (!rough() && next >= 0)
            still_leads(next, "leave: not the oldest leads");
        lan_run(10 * SECOND);
        if (!rough())
            changed_once(before, "leave");
        stays_warm(before);
    }
}

static void follower_goes(void)
{
    int leader = grow(), gone = other_than(leader), third = gone, how = (int)between(0, 3);
    uint64_t before = lan.takeovers;

    while (third == gone || third == leader)
        third = (third + 1) % lan.hosts;
    if (how == 0)
        lan_leave(gone);
    else
        lan_crash(gone, false);
    for (int k = 0; how == 1 && k < 3; k++) { /* downloads fail, at the leader or at another */
        lan_event(chance(500) || lan.hosts < 3 ? leader : third,
                  &(struct elect_in){.kind = ELECT_REPORT, .nid = lan.host[gone].nid});
        lan_run(110 * MS);
    }
    if (lan_settle(allowed_us(how == 2 ? 9000 : 500), true) < 0)
        lan_miss("a peer that %s is still in the ledger", how ? "crashed" : "left");
    if (lan.takeovers != before)
        lan_miss("a follower went and the lead changed");
}

/* A lone older leader comes to a group: it joins, whatever its age. */
static void visitor(void)
{
    int leader;
    uint64_t moves = 0;

    lan.apart = true;
    lan_cut(0, 1);
    lan_start(0);
    lan_run(5 * SECOND);
    start_from(1, lan.hosts);
    settle(1500, "apart");
    lan_run(5 * SECOND);
    leader = lan_leader();
    for (int i = 1; i < lan.hosts; i++)
        moves -= lan.host[i].moves;
    lan_heal();
    settle(1500, "visited");
    still_leads(leader, "a visitor");
    for (int i = 1; i < lan.hosts; i++)
        moves += lan.host[i].moves;
    if (moves && !lan.loss_pct)
        lan_miss("a visitor made %llu of the others move", (unsigned long long)moves);
}

static void clusters_meet(void)
{
    uint64_t before;

    lan.apart = true;
    for (int i = 0; i < lan.hosts; i++)
        lan_cut(i, i % 5 < 2);
    start_from(0, lan.hosts);
    settle(1500, "apart");
    lan_run(between(0, 5 * SECOND));
    before = lan.takeovers;
    lan_heal();
    settle(1500, "met");
    merged(before);
}

/* A small group that changed its leader twice meets a large one that never did: the terms of those
 * who move may not fall. */
static void high_term(void)
{
    uint64_t before;

    lan.apart = true;
    for (int i = 0; i < 3; i++)
        lan_cut(i, 1);
    start_from(0, lan.hosts);
    settle(1500, "apart");
    for (int i = 0; i < 2; i++) {
        int leader = 0;

        lan_run(4 * SECOND);
        while (leader < 3 && (!lan.host[leader].e || lan.host[leader].e->role != ELECT_LEAD))
            leader++;
        if (leader < 3)
            lan_crash(leader, false);
        settle(2500, "apart");
    }
    before = lan.takeovers;
    lan_heal();
    settle(1500, "met");
    merged(before);
}

static void join_one(void)
{
    int leader = grow(), who = other_than(leader);
    uint64_t before;
    int64_t from;

    lan_crash(who, false);
    lan_run(20 * SECOND);
    leader = lan_leader();
    from = lan.now_us;
    before = lan.takeovers;
    lan_start(who);
    while (lan.host[who].e->role != ELECT_FOLLOW && lan.now_us - from < 10 * SECOND)
        lan_run(MS);
    if (lan.now_us - from > allowed_us(400))
        lan_miss("a joiner did not find the leader in time");
    settle(100, "join");
    still_leads(leader, "a joiner");
    if (lan.takeovers != before)
        lan_miss("a joiner took the lead");
}

/* Somebody keeps saying that this or that member is gone, and ports are refused that are open. */
static void slander(void)
{
    int leader = grow();
    uint64_t before = lan.takeovers;

    for (int k = 0; k < 40; k++) {
        int who = (int)between(0, lan.hosts), whom = (int)between(0, lan.hosts);

        lan_event(who, &(struct elect_in){.kind = ELECT_REPORT, .nid = lan.host[whom].nid});
        who = (int)between(0, lan.hosts);
        lan_event(who, &(struct elect_in){.kind = ELECT_REFUSED,
                                          .from = lan.host[chance(500) ? whom : leader].udp});
        lan_run(between(0, 300 * MS));
    }
    /* (at 5 % three PINGs in a row are lost once in a thousand times) */
    if (lan.loss_pct <= 5 && lan.takeovers > before + (lan.loss_pct != 0))
        lan_miss("slander deposed the leader");
    settle(1500, "slander");
}

/* Two groups, and one hears the other but is not heard: nobody may give way to a leader that it
 * can't talk to. */
static void one_way(void)
{
    uint64_t before;

    lan.apart = true;
    for (int i = 0; i < lan.hosts; i++)
        lan_cut(i, i % 5 < 2);
    start_from(0, lan.hosts);
    settle(1500, "apart");
    lan_run(5 * SECOND);
    if (!lan_led(true))
        lan_settle(5 * SECOND, true);
    before = lan.takeovers;
    lan.bridge[0][1] = chance(500);
    lan.bridge[1][0] = !lan.bridge[0][1];
    for (int k = 0; k < 100; k++) {
        lan_run(100 * MS);
        if (!lan_led(false) && lan.loss_pct <= 5 && !lan.bursts)
            lan_miss("one-way: somebody left its leader");
    }
    if (lan.takeovers != before && lan.loss_pct <= 5)
        lan_miss("one-way: a new leader");
    lan_heal();
    settle(1500, "both ways");
}

/* The lead comes back to one that had it before, in the same incarnation, while a member was away:
 * that is another ballot, and the member has to notice. */
static void again(void)
{
    int leader = grow(), first, away, other = -1;

    lan.apart = true; /* (who was asleep keeps its place or not, by milliseconds) */
    away = other_than(leader);
    first = lan_backup(leader, 0);
    for (int i = 0; i < lan.hosts; i++)
        if (i != leader && i != away && i != first)
            lan_crash(i, false);
    if (first == away)
        away = -1;
    for (int i = 0; away < 0 && i < lan.hosts; i++)
        if (i != leader && i != first)
            other = i;
    if (away < 0) {
        lan_start(other);
        away = other;
    }
    lan_run(10 * SECOND);
    if (!lan_led(false))
        settle(3000, "three");
    lan_sleep(away, 4800 * MS);
    lan_sleep(leader, 1000 * MS);
    lan_run(2000 * MS);
    lan_crash(first, true);
    lan_run(2900 * MS);
    settle(2500, "again");
}

static void catalogs(void)
{
    int leader = grow();

    for (int k = 0; k < 20; k++) {
        int who = other_than(leader);

        for (int n = (int)between(1, 30); n; n--) {
            lan_catalog(who, lan.host[who].conf.number + 1);
            lan_run(between(0, 3 * MS));
        }
        settle(45, "catalog");
    }
}

static bool knows_address(int i, int of)
{
    static struct elect_peer peers[HOSTS_MAX];
    size_t n = elect_peers(lan.host[i].e, peers, HOSTS_MAX);

    for (size_t k = 0; k < n && k < HOSTS_MAX; k++)
        if (nid_eq(&peers[k].nid, &lan.host[of].nid))
            return addr_same_host(&peers[k].addr, &lan.host[of].udp) &&
                   peers[k].addr.port == lan.host[of].conf.tcp_port;
    return false;
}

/* A host's address changes; it notices, or (a router between) it does not. */
static void addresses(void)
{
    int leader = grow();

    lan.replays =
        false; /* what one has lost can be played to it, and keeps the old address in use */
    for (int k = 0; k < 5; k++) {
        int who = chance(300) ? leader : other_than(leader);
        bool notices = chance(600);

        lan_move(who, (unsigned)(5000 + k), notices);
        lan_run(allowed_us(notices && who != leader ? 1000 : 8500));
        if (rough() && lan_leader() != leader) { /* by losses: then others have to know others */
            leader = lan_leader();
            continue;
        }
        for (int i = 0; i < lan.hosts; i++)
            if ((i == leader) != (who == leader) && !knows_address(i, who))
                lan_miss("%s does not know the new address of %s", name(i), name(who));
        settle(0, "moved");
        if (rough())
            leader = lan_leader();
        still_leads(leader, "a change of address");
    }
}

/* Some never lead; who does not may not be chosen, and without others there is no leader. */
static void never_leads(void)
{
    for (int i = 0; i < lan.hosts; i++)
        lan.host[i].conf.never_lead = i != lan.hosts - 1;
    start_from(0, lan.hosts - 1);
    lan_run(5 * SECOND);
    if (someone_leads())
        lan_fail("one leads who never does");
    lan_start(lan.hosts - 1);
    settle(1200, "led");
    still_leads(lan.hosts - 1, "never");
    lan_crash(lan.hosts - 1, true);
    lan_run(8 * SECOND);
    if (someone_leads())
        lan_fail("one leads who never does");
}

static void chaos_act(void)
{
    int i = (int)between(0, lan.hosts), leader = lan_leader(), act = (int)between(0, 100);

    if (chance(400) && leader >= 0)
        i = leader;
    if (act < 20) {
        lan_crash(i, chance(500));
    } else if (act < 45) {
        for (int k = 0; k < lan.hosts; k++)
            if (chance(600))
                lan_start(k);
    } else if (act < 55) {
        lan_sleep(i, between(50 * MS, 8 * SECOND));
    } else if (act < 65) {
        for (int k = 0; k < lan.hosts; k++)
            lan_cut(k, (int)between(0, 3));
        for (int k = 0; k < 9; k++)
            lan.bridge[k / 3][k % 3] = chance(200);
    } else if (act < 78) {
        lan_heal();
    } else if (act < 82) {
        lan_deaf(i, true);
    } else if (act < 86) {
        lan_mute(i, true);
    } else if (act < 92) {
        lan_catalog(i, lan.host[i].conf.number + 1);
    } else if (act < 94) { /* clocks step; the next start of each proposes by the new time */
        lan_clocks();
    } else if (act < 96) {
        lan_move(i, (unsigned)between(6000, 60000), chance(500));
    } else if (lan.host[i].e && !lan.host[i].asleep_us) {
        lan_leave(i);
    }
}

static void chaos(void)
{
    int64_t end;

    lan.apart = true; /* sides come and go; groups that never met have no common age */
    lan.replays = true;
    lan_clocks();
    start_from(0, lan.hosts);
    for (end = lan.now_us + 25 * SECOND; lan.now_us < end;) {
        lan_run(between(50 * MS, 3 * SECOND));
        chaos_act();
    }
    lan_heal();
    for (int i = 0; i < lan.hosts; i++)
        lan_start(i);
    lan_run(9 * SECOND); /* the last sleeper wakes */
    settle(6000, "chaos");
    if (lan_settle(12 * SECOND, true) < 0)
        lan_miss("chaos: the dead stay in the ledger");
    if (lan.loss_pct <= 10)
        calm(10 * SECOND, "after chaos");
}

static const struct scenario {
    const char *name;
    void (*run)(void);
    int hosts_min;
    bool shares; /* always, not only for each fifth seed */
} scenarios[] = {
    {"cold", cold, 2, false},
    {"alone", alone, 2, false},
    {"steady", steady, 3, false},
    {"kill", kill_leader, 3, true},
    {"power", power, 3, true},
    {"power2", power_2, 4, false},
    {"power3", power_3, 5, false},
    {"restart", restart, 2, false},
    {"leave", leave, 2, true},
    {"follower-goes", follower_goes, 3, false},
    {"hiccup", hiccup, 2, false},
    {"hiccups", short_hiccups, 3, false},
    {"sleep", long_sleep, 3, false},
    {"follower-sleeps", follower_sleeps, 3, false},
    {"partition", partition, 3, false},
    {"isolate", isolate, 3, false},
    {"deaf-leader", deaf_leader, 3, false},
    {"deaf-successor", deaf_successor, 4, false},
    {"mute-leader", mute_leader, 3, false},
    {"bad-follower", bad_follower, 3, false},
    {"half-deaf", half_deaf, 4, false},
    {"visitor", visitor, 4, false},
    {"meet", clusters_meet, 4, false},
    {"high-term", high_term, 7, false},
    {"join", join_one, 3, false},
    {"catalogs", catalogs, 2, false},
    {"shares", shares, 3, true},
    {"addresses", addresses, 3, false},
    {"never", never_leads, 3, false},
    {"slander", slander, 3, false},
    {"one-way", one_way, 4, false},
    {"again", again, 4, false},
    {"chaos", chaos, 2, false},
};
#define SCENARIOS (sizeof scenarios / sizeof *scenarios)
