/* Part of sim_elect.c: the words that scenarios are told in, and how long each thing may take. */

/* base_ms holds on a LAN without loss. Lost datagrams add their retry time, twice as bad at each
 * step: at 30 % this asks that all comes to rest, not that nobody notices. What holds at any loss
 * are the invariants that are checked after each event. */
static int64_t allowed_us(int64_t base_ms)
{
    int64_t extra_ms = !lan.loss_pct        ? 0
                       : lan.loss_pct <= 5  ? 1500
                       : lan.loss_pct <= 10 ? 3000
                       : lan.loss_pct <= 20 ? 6000
                                            : 12000;

    if (lan.bursts)
        extra_ms *= 2;
    if (lan.shuffles)
        extra_ms += 150;
    if (lan.replays) /* what is played back from elsewhere may come first, and be answered there */
        extra_ms += T_PATH;
    return (base_ms + extra_ms) * MS;
}

static void settle(int64_t base_ms, const char *what)
{
    int64_t took = lan_settle(allowed_us(base_ms), false);

    if (times)
        printf("%-10s %2u %% %2d hosts %7.0f ms\n", what, lan.loss_pct, lan.hosts,
               (double)took / 1000);
    if (took < 0)
        lan_miss("%s: no one leader after %lld ms", what, (long long)allowed_us(base_ms) / MS);
    if (lan.loss_pct <=
        20) /* at 30 % an older one's vote is lost too often for the order to hold */
        lan_oldest();
}

/* Losses that can swallow all signs of life and all answers at once: then the lead may move. */
static bool rough(void)
{
    return lan.loss_pct > 10 || (lan.bursts && (lan.loss_pct > 5 || lan.hosts < 4));
}

static bool someone_leads(void)
{
    return lan_leader() >= 0;
}

static int lan_up(void)
{
    int up = 0;

    for (int i = 0; i < lan.hosts; i++)
        up += lan.host[i].e != NULL;
    return up;
}

static void start_from(int first, int end)
{
    for (int i = first; i < end; i++) {
        lan_start(i);
        lan_run(between(0, 200 * MS / lan.hosts));
    }
}

/* All hosts up within 200 ms, then a few seconds of peace. */
static int grow(void)
{
    start_from(0, lan.hosts);
    settle(1000, "cold");
    lan_run(between(3 * SECOND, 6 * SECOND));
    if (!lan_led(true))
        lan_settle(3 * SECOND, true);
    return lan_leader();
}

/* No change of leadership while this runs, at up to 30 % of loss. Only where losses come in rows,
 * four as a mean, and are 10 % or more, a vote and a beacon can be missed for so long that it does
 * move. */
static void calm(int64_t us, const char *what)
{
    uint64_t before = lan.takeovers;

    lan_run(us);
    if (lan.takeovers > before + (lan.bursts && rough() ? 3 : 0))
        lan_miss("%s: the lead changed without a cause", what);
}

static void still_leads(int i, const char *what)
{
    if (!lan.host[i].e || lan.host[i].e->role != ELECT_LEAD)
        lan_miss("%s: it deposed the leader", what);
}

/* One fault, one change: two where loss hides the first successor. */
static void changed_once(uint64_t before, const char *what)
{
    uint64_t changes = lan.takeovers - before;

    if (changes < 1 || changes > (lan.loss_pct ? 3 : 1))
        lan_miss("%s: %llu changes of leader", what, (unsigned long long)changes);
}

/* A merge makes no new leader: one of the two goes on, and never do both yield. */
static void merged(uint64_t before)
{
    if (lan.takeovers != before && lan.loss_pct <= 5)
        lan_miss("a merge made %llu new leaders", (unsigned long long)(lan.takeovers - before));
}

static int other_than(int leader)
{
    return (leader + 1 + (int)between(0, lan.hosts - 1)) % lan.hosts;
}
