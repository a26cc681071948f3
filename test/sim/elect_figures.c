/* Part of sim_elect.c: the figures of doc/BENCHMARKS.md that are simulated. Delays are 0.1 to 0.7
 * ms, some of 20; losses independent for each receiver. */

#include <time.h>

#define FIGURES_MAX 40000

static double figure[FIGURES_MAX];
static size_t figures;

static void add_figure(int64_t us)
{
    if (figures < FIGURES_MAX)
        figure[figures++] = (double)us / 1000;
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double percentile(unsigned percent)
{
    qsort(figure, figures, sizeof *figure, by_size);
    return figures ? figure[(figures - 1) * percent / 100] : -1;
}

static void row(const char *goal, const char *what, int hosts, unsigned loss, const char *wanted)
{
    printf("| %s | %s | %d | %u %% | %.0f / %.0f ms | %s | %zu |\n", goal, what, hosts, loss,
           percentile(50), percentile(99), wanted, figures);
    figures = 0;
}

static void open_hosts(int hosts, uint64_t seed, unsigned loss)
{
    lan_open(hosts, seed, loss);
    lan.plain = true;
    if (setjmp(lan.failed)) {
        printf("FAILED: figures, %d hosts, seed %llu: %s\n", hosts, (unsigned long long)seed,
               lan.why);
        exit(1);
    }
}

static void grow_calmly(void)
{
    start_from(0, lan.hosts);
    if (lan_settle(60 * SECOND, true) < 0)
        lan_fail("no one leader after a minute");
    lan_run(5 * SECOND);
    if (!lan_led(true))
        lan_settle(30 * SECOND, true);
}

/* For each host: how long until it follows a leader that lives, or leads. */
static void add_search_times(int64_t from, int64_t most_us)
{
    static bool done[HOSTS_MAX];
    int left = 0;

    for (int i = 0; i < lan.hosts; i++) {
        done[i] = !awake(i);
        left += !done[i];
    }
    while (left && lan.now_us - from < most_us) {
        lan_run(MS);
        for (int i = 0; i < lan.hosts; i++) {
            const struct elect *e = lan.host[i].e;
            int l = done[i] || !ballot_is(&e->cur) ? -1 : index_of(&e->cur.leader);

            if (l < 0 || !awake(l) || lan.host[l].e->role != ELECT_LEAD ||
                lan.host[l].e->cur.session != e->cur.session)
                continue;
            add_figure(lan.now_us - from);
            done[i] = true;
            left--;
        }
    }
    while (left--)
        add_figure(most_us);
}

static void first_leader(int hosts, unsigned loss, unsigned runs)
{
    for (uint64_t seed = 1; seed <= runs; seed++) {
        int64_t from;

        open_hosts(hosts, seed, loss);
        from = lan.now_us;
        for (int i = 0; i < hosts; i++)
            lan_start(i);
        while (!someone_leads() && lan.now_us - from < 5 * SECOND)
            lan_run(MS);
        add_figure(lan.now_us - from);
        lan_close();
    }
    row("G1", "cold start: first leader", hosts, loss, "p99 <= 800");
}

static void joiner(int hosts, unsigned loss, unsigned runs)
{
    for (uint64_t seed = 1; seed <= runs; seed++) {
        int64_t from;

        open_hosts(hosts, seed, loss);
        lan.hosts--;
        grow_calmly();
        lan.hosts++;
        from = lan.now_us;
        lan_start(hosts - 1);
        while (lan.host[hosts - 1].e->role != ELECT_FOLLOW && lan.now_us - from < 5 * SECOND)
            lan_run(MS);
        add_figure(lan.now_us - from);
        lan_close();
    }
    row("G1", "one joins", hosts, loss, "p99 <= 400");
}

enum fault { KILL, POWER, POWER_2 };

static uint64_t changes_all, changes_most, faults;

static void lead_lost(const char *goal, enum fault fault, int hosts, unsigned loss, unsigned runs,
                      const char *wanted)
{
    static const char *const names[] = {"kill -9 of the leader: every host has a leader again",
                                        "power loss of the leader: the same",
                                        "power loss of leader and first stand-by: the same"};

    for (uint64_t seed = 1; seed <= runs; seed++) {
        int leader, backup;
        uint64_t before;
        int64_t from;

        open_hosts(hosts, seed, loss);
        grow_calmly();
        leader = lan_leader();
        backup = lan_backup(leader, 0);
        before = lan.takeovers;
        from = lan.now_us;
        lan_crash(leader, fault == KILL);
        if (fault == POWER_2)
            lan_crash(backup, false);
        add_search_times(from, 10 * SECOND);
        if (hosts < 100)
            lan_run(10 * SECOND);
        before = lan.takeovers - before;
        faults++;
        changes_all += before;
        changes_most = before > changes_most ? before : changes_most;
        lan_close();
    }
    row(goal, names[fault], hosts, loss, wanted);
}

/* Each seed is so many hours of a LAN without a fault: 2 to 10 hosts, losses of 0 to 20 %. */
static uint64_t calm_hours(uint64_t first, uint64_t seeds, unsigned hours)
{
    static const unsigned losses[] = {0, 5, 10, 20, 20};
    uint64_t changes = 0;

    for (uint64_t seed = first; seed < first + seeds; seed++) {
        unsigned loss = losses[seed % 5];
        int hosts = 2 + (int)(seed / 5 % 9);
        uint64_t before;

        open_hosts(hosts, seed, loss);
        grow_calmly();
        before = lan.takeovers;
        for (unsigned hour = 0; hour < hours; hour++) {
            lan_run(3600 * SECOND);
            if (lan.takeovers != before)
                printf("seed %llu, %d hosts, %u %% loss: %llu changes in hour %u\n",
                       (unsigned long long)seed, hosts, loss,
                       (unsigned long long)(lan.takeovers - before), hour + 1);
            changes += lan.takeovers - before;
            before = lan.takeovers;
        }
        lan_close();
    }
    printf("| G5 | changes of leader without a fault | 2 to 10 | 0 to 20 %% | %llu | 0 | %llu runs "
           "of %u h |\n",
           (unsigned long long)changes, (unsigned long long)seeds, hours);
    return changes;
}

static void healed(int hosts, unsigned loss, unsigned runs, const char *wanted)
{
    for (uint64_t seed = 1; seed <= runs; seed++) {
        int64_t took;

        open_hosts(hosts, seed, loss);
        grow_calmly();
        for (int i = 0; i < hosts; i++)
            lan_cut(i, i % 2);
        lan_run(20 * SECOND);
        lan_heal();
        took = lan_settle(60 * SECOND, false);
        add_figure(took < 0 ? 60 * SECOND : took);
        lan_close();
    }
    row("G7", "halves joined: one leader, all in its ledger", hosts, loss, wanted);
}

static void bytes(int hosts)
{
    uint64_t multicast, unicast;

    open_hosts(hosts, 1, 0);
    grow_calmly();
    if (hosts > 100)
        lan_run(20 * SECOND);
    lan.plain = false; /* lengths are those of sealed datagrams */
    multicast = lan.multicast_bytes;
    unicast = lan.unicast_bytes;
    lan_run(20 * SECOND);
    printf("| G8 | multicast / all unicast on the LAN | %d | 0 %% | %.0f / %.0f B/s | multicast <= "
           "1600 | 20 s "
           "|\n",
           hosts, (double)(lan.multicast_bytes - multicast) / 20,
           (double)(lan.unicast_bytes - unicast) / 20);
    lan_close();
}

static void dead_out(int hosts, unsigned loss, unsigned runs, bool reported, const char *wanted)
{
    for (uint64_t seed = 1; seed <= runs; seed++) {
        int leader, gone;
        int64_t from;

        open_hosts(hosts, seed, loss);
        grow_calmly();
        leader = lan_leader();
        gone = (leader + 1) % hosts;
        from = lan.now_us;
        lan_crash(gone, false);
        if (reported)
            lan_event((leader + 2) % hosts,
                      &(struct elect_in){.kind = ELECT_REPORT, .nid = lan.host[gone].nid});
        while (lan.host[leader].up[gone] && lan.now_us - from < 30 * SECOND)
            lan_run(MS);
        add_figure(lan.now_us - from);
        lan_close();
    }
    row("G10",
        reported ? "dead host out of the ledger, a download from it failed"
                 : "dead host out of the ledger",
        hosts, loss, wanted);
}

/* Seconds that sealing and opening one datagram takes, each, without the signature or with it. */
static double crypto_s(bool is_signed, bool opened)
{
    struct wire_msg m = {.type = is_signed ? WIRE_BEACON : WIRE_KA, .inc = 1, .seq = 1}, got;
    const struct host *h = &lan.host[0];
    uint8_t out[DGRAM_MAX], nonce[24] = {1};
    size_t len = 0;
    clock_t from;
    int times_done = 2000;

    m.nid = h->nid;
    memcpy(m.pub, h->conf.key.pub, sizeof m.pub);
    len = wire_seal(out, &m, &world.net, &h->conf.key, nonce);
    from = clock();
    for (int i = 0; i < times_done; i++) {
        if (!opened)
            len = wire_seal(out, &m, &world.net, &h->conf.key, nonce);
        else if (wire_open(&got, out, len, &world.net) != WIRE_OK)
            lan_fail("a sealed datagram does not open");
    }
    return (double)(clock() - from) / CLOCKS_PER_SEC / times_done;
}

/* G12: the steps of one host's election, and its datagrams sealed and opened, without the kernel's
 * part. */
static void cpu(int hosts)
{
    double seal[2], open[2];
    int who[2];

    open_hosts(hosts, 1, 0);
    for (int is_signed = 0; is_signed < 2; is_signed++) {
        seal[is_signed] = crypto_s(is_signed, false);
        open[is_signed] = crypto_s(is_signed, true);
    }
    grow_calmly();
    lan_run(20 * SECOND);
    who[0] = lan_leader();
    who[1] = (who[0] + hosts / 2) % hosts;
    for (int k = 0; k < 2; k++) {
        struct host *h = &lan.host[who[k]];
        double s;

        lan.timed = who[k];
        lan.timed_ns = 0;
        memset(lan.timed_msgs, 0, sizeof lan.timed_msgs);
        lan_run(20 * SECOND);
        s = (double)lan.timed_ns / 1e9;
        for (int is_signed = 0; is_signed < 2; is_signed++)
            s += lan.timed_msgs[0][is_signed] * seal[is_signed] +
                 lan.timed_msgs[1][is_signed] * open[is_signed];
        printf("| G12 | CPU of the election, seals and signatures: %s | %d | 0 %% | %.2f %% of a "
               "core | < %s %% | 20 s |\n",
               h->e->role == ELECT_LEAD ? "leader" : "follower", hosts, s / 20 * 100,
               k ? "0.2" : "2");
    }
    lan.timed = -1;
    lan_close();
}

/* runs: how many of each with few hosts; few: with 1,000. */
static void print_figures(unsigned runs, unsigned few)
{
    printf("| goal | what | hosts | loss | p50 / p99 | wanted | of "
           "|\n|---|---|---|---|---|---|---|\n");
    first_leader(8, 0, runs);
    first_leader(8, 5, runs);
    first_leader(1000, 0, few);
    joiner(8, 0, runs);
    joiner(8, 5, runs);
    lead_lost("G2", KILL, 8, 0, runs, "150 / 500");
    lead_lost("G2", KILL, 8, 5, runs, "150 / 500");
    lead_lost("G2", KILL, 64, 5, runs / 4, "150 / 500");
    lead_lost("G2", KILL, 1000, 5, few, "150 / 500");
    lead_lost("G3", POWER, 8, 0, runs, "p99 <= 500");
    lead_lost("G3", POWER, 8, 5, runs, "p99 <= 500");
    lead_lost("G3", POWER, 1000, 5, few, "p99 <= 500");
    lead_lost("G3", POWER_2, 8, 0, runs, "p99 <= 750");
    lead_lost("G3", POWER_2, 8, 5, runs, "p99 <= 750");
    lead_lost("G4", POWER, 8, 20, runs, "p99 <= 1000");
    printf("| G6 | changes of leader for each of the faults above, mean / most | | | %.3f / %llu | "
           "1 | %llu |\n",
           (double)changes_all / (double)faults, (unsigned long long)changes_most,
           (unsigned long long)faults);
    calm_hours(1, runs / 4, 1);
    healed(8, 0, runs, "p99 <= 800");
    healed(8, 5, runs, "p99 <= 800");
    healed(100, 5, few * 2, "p99 <= 800");
    healed(1000, 5, few, "p99 <= 3000");
    bytes(2);
    bytes(8);
    bytes(64);
    bytes(100);
    bytes(1000);
    dead_out(8, 5, runs / 2, false, "<= 9000");
    dead_out(1000, 0, few, false, "<= 19000");
    dead_out(8, 0, runs / 2, true, "<= 500");
    cpu(1000);
}
