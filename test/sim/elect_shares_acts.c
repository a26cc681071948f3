/* Part of sim_elect.c: what is asked of shares. The union of what live hosts share is what their
 * leader's catalog shows, and rows move only where something changed. */

/* All that is shared is in the catalog so soon, and nothing else is. */
static void united(int64_t base_ms, const char *what)
{
    int64_t end = lan.now_us + allowed_us(base_ms);

    while (lan.shares && !lan_union()) {
        if (lan.now_us >= end)
            lan_fail("%s: the catalog is not what is shared", what);
        lan_run(10 * MS);
    }
    lan_run(300 * MS); /* a row may say what its path was before, and still be on its way */
}

/* After any scenario, when the network is whole again and the dead are counted as such. Members of
 * the leader before are waited for 5 s. */
static void shares_at_end(void)
{
    if (!lan.shares || !someone_leads())
        return;
    lan_heal();
    lan_run(9 * SECOND); /* sleepers wake */
    if (lan_settle(allowed_us(20000), true) < 0)
        lan_miss("the dead stay in the ledger");
    united(6000, "at the end");
}

static struct {
    bool warm[HOSTS_MAX];
    uint64_t rows[HOSTS_MAX];
} before_fault;

static void note_warm(void)
{
    for (int i = 0; lan.shares && i < lan.hosts; i++) {
        before_fault.warm[i] = lan_warm(i);
        before_fault.rows[i] = lan_rows_in(i);
    }
}

/* One that stood by with a whole copy leads now: no row moved to it since, though everybody has
 * joined it. */
static void stays_warm(uint64_t takeovers)
{
    int leader = lan_leader();

    if (!lan.shares || leader < 0)
        return;
    united(0, "after a takeover");
    if (lan.takeovers == takeovers + 1 && before_fault.warm[leader] &&
        lan_rows_in(leader) != before_fault.rows[leader])
        lan_fail("G9: %llu rows moved after a warm takeover",
                 (unsigned long long)(lan_rows_in(leader) - before_fault.rows[leader]));
}

/* No more than so many rows have come to the leader, if it still is the same. */
static void moved(int leader, uint64_t before, uint64_t most, const char *what)
{
    if (lan_leader() == leader && lan_rows_in(leader) - before > most)
        lan_fail("%s: %llu rows moved, not %llu", what,
                 (unsigned long long)(lan_rows_in(leader) - before), (unsigned long long)most);
}

/* Gone and back: stopped, or killed, so that its numbers begin anew; changes: of its rows
 * meanwhile.
 */
static void absence(int leader, int who, bool killed, unsigned changes)
{
    uint64_t before;

    if (killed)
        lan_crash(who, false);
    else
        lan_leave(who);
    if (lan_settle(allowed_us(9000), true) < 0)
        lan_miss("one that is gone stays in the ledger");
    united(6000, "gone");
    for (unsigned n = 0; n < changes; n++)
        lan_catalog(who, lan.host[who].conf.number + 1);
    before = lan_rows_in(leader);
    lan_start(who);
    settle(1000, "back");
    united(500, "back");
    moved(leader, before, 2ull * changes, "back"); /* (two paths may share a bucket) */
}

static void shares(void)
{
    int leader = grow(), who;
    uint64_t before;

    if (!lan.shares)
        return;
    united(500, "grown");
    for (int k = 0; k < 8; k++) {
        who = (int)between(0, lan.hosts);
        for (int n = (int)between(1, 12); n; n--) {
            lan_catalog(who, lan.host[who].conf.number + 1);
            lan_run(between(0, 20 * MS));
        }
        settle(45, "changed");
        united(500, "changed");
    }
    leader = lan_leader();
    absence(leader, other_than(leader), false, 0);
    leader = lan_leader();
    absence(leader, other_than(leader), true, 0);
    leader = lan_leader();
    absence(leader, other_than(leader), chance(500), 1);

    leader = lan_leader();
    before = lan_rows_in(leader);
    for (int i = 0; i < lan.hosts; i++)
        lan_cut(i, chance(500));
    lan_run(between(SECOND, 20 * SECOND));
    lan_heal();
    settle(1500, "healed");
    united(6000, "healed");
    moved(leader, before, 0, "healed");
}
