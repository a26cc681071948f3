/* Part of sim_elect.c: what happens to hosts that stand still, and to links. */

static void hiccup(void)
{
    int leader = grow();
    int64_t us = between(30 * MS, 1500 * MS);

    lan_sleep(leader, us);
    lan_run(us + MS);
    settle(1200, "hiccup");
}

static void short_hiccups(void)
{
    int leader = grow();
    bool may_move = rough() || lan.loss_pct > 5;

    for (int i = 0; i < 15; i++) {
        int64_t us = between(20 * MS, 200 * MS);

        lan_sleep(leader, us);
        if (may_move)
            lan_run(us + between(300 * MS, 2 * SECOND));
        else
            calm(us + between(300 * MS, 2 * SECOND), "hiccups");
    }
    if (!may_move)
        still_leads(leader, "hiccups");
    else
        settle(1500, "hiccups");
}

static void long_sleep(void)
{
    int leader = grow();
    int64_t us =
        chance(100) ? between(60 * SECOND, 600 * SECOND) : between(6 * SECOND, 40 * SECOND);
    uint64_t before;

    lan_sleep(leader, us);
    settle(1000, "asleep");
    before = lan.takeovers;
    lan_run(us);
    settle(1000, "awake");
    if (lan.takeovers != before && !rough())
        lan_miss("the sleeper took the lead back");
}

static void follower_sleeps(void)
{
    int leader = grow(), who = other_than(leader);
    int64_t us = chance(50) ? between(60 * SECOND, 600 * SECOND) : between(300 * MS, 30 * SECOND);

    lan_sleep(who, us);
    lan_run(us + MS);
    settle(1000, "sleeper");
    still_leads(leader, "a follower's sleep");
}

static void partition(void)
{
    unsigned share = (unsigned)between(100, 900);
    bool thirds = chance(300);
    uint64_t before;

    grow();
    for (int i = 0; i < lan.hosts; i++)
        lan_cut(i, chance(share) ? 1 : thirds ? 2 * chance(500) : 0);
    settle(3500, "parted");
    lan_run(between(SECOND, 20 * SECOND));
    before = lan.takeovers;
    lan_heal();
    settle(thirds ? 2500 : 1500,
           "healed"); /* who told one that it is better yields to no other for a second */
    merged(before);
}

static void isolate(void)
{
    int leader = grow(), heir;

    lan_cut(leader, 1);
    lan_run(between(3 * SECOND, 15 * SECOND));
    heir = lan_leader() == leader ? -1 : lan_leader();
    lan_heal();
    settle(1500, "returned");
    if (heir >= 0 && lan.hosts > 3)
        still_leads(heir, "a leader that was cut off");
}

static void deaf_leader(void)
{
    int leader = grow();

    lan_deaf(leader, true);
    settle(2500, "deaf");
    lan_run(between(SECOND, 10 * SECOND));
    lan_heal();
    settle(1500, "hearing");
}

/* The leader dies, and who takes over can't hear: it has no members whose silence it could notice.
 */
static void deaf_successor(void)
{
    int leader = grow(), heir = lan_backup(leader, 0);

    if (heir < 0)
        return;
    lan_deaf(heir, true);
    lan_crash(leader, chance(500));
    settle(9000, "deaf successor");
    lan_heal();
    settle(2500, "hearing");
}

static void mute_leader(void)
{
    int leader = grow();

    lan_mute(leader, true);
    settle(1500, "mute");
    lan_run(between(SECOND, 10 * SECOND));
    lan_heal();
    settle(2500, "speaking");
}

static void bad_follower(void)
{
    int leader = grow(), backup = lan_backup(leader, 0), who = other_than(leader);

    if (chance(500) && backup >= 0)
        who = backup;
    if (chance(500))
        lan_deaf(who, true);
    else
        lan_mute(who, true);
    lan_run(between(SECOND, 20 * SECOND));
    if (lan.hosts > 2 && !rough())
        still_leads(leader, "a deaf or mute follower");
    lan_heal();
    settle(2500, "cured");
    if (lan.hosts > 2 && !rough())
        still_leads(leader, "a deaf or mute follower's return");
}

/* A stand-by that hears everybody but the leader: the others do hear it, so it stays. */
static void half_deaf(void)
{
    int leader = grow(), who = lan_backup(leader, (int)between(0, 2));
    uint64_t before = lan.takeovers;

    if (who < 0)
        who = other_than(leader);
    lan_cut(leader, 1);
    lan_cut(who, 2);
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++)
            lan.bridge[a][b] = a != 1 || b != 2;
    lan_run(between(2 * SECOND, 15 * SECOND));
    if (lan.takeovers != before && !lan.loss_pct)
        lan_miss("one that does not hear the leader took the lead");
    lan_heal();
    settle(2500, "cured");
}
