/* The election under faults, many seeds. `sim_elect [--seeds N] [--seed S] [--scenario NAME]
 * [--trace] [--wire] [--times]`
 *
 * Each seed takes one scenario, a number of hosts and a loss. Checked after each event: the
 * invariants of doc/ELECTION.md (S1, S2, S5, S6, S8, and that news and ledger agree); at the end of
 * each fault: how long it took and who was deposed. Then the mutants, rules switched off, each of
 * which the checker has to catch. */
#include "elect_lan.c"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <sodium.h>

static char run_now[100]; /* for the signal handler */
static bool times;

#include "elect_scenarios.c"

/* ---- running them ---- */

static const struct scenario *find(const char *name)
{
    for (size_t i = 0; i < SCENARIOS; i++)
        if (!strcmp(scenarios[i].name, name))
            return &scenarios[i];
    return NULL;
}

static bool run(const struct scenario *s, uint64_t seed, unsigned mutants)
{
    static const unsigned losses[] = {0, 0, 5, 10, 20};
    struct rng r;
    int hosts;
    volatile bool good = false;

    snprintf(run_now, sizeof run_now, "sim_elect: aborted in --scenario %s --seed %llu\n", s->name,
             (unsigned long long)seed);
    rng_seed(&r, seed);
    hosts = s->hosts_min + (int)rng_below(&r, (uint64_t)(11 - s->hosts_min));
    lan_open(hosts, seed, losses[rng_below(&r, 5)], mutants);
    if (lan.trace || times)
        printf("-- %s, seed %llu: %d hosts, %u %% loss\n", s->name, (unsigned long long)seed, hosts,
               lan.loss_pct);
    if (!setjmp(lan.failed)) {
        s->run();
        good = true;
    }
    lan_close();
    return good;
}

/* Which rule is off, and the scenario in which its loss must show. */
static const struct {
    const char *name;
    enum elect_mutant mutant;
    const char *scenario;
} mutants[] = {
    {"no poll before takeover", MUTANT_NO_POLL, "bad-follower"},
    {"no size class", MUTANT_NO_CLASS, "visitor"},
    {"accept lower term", MUTANT_LOWER_TERM, "high-term"},
};

static bool mutant_caught(size_t i)
{
    for (uint64_t seed = 1; seed <= 40; seed++)
        if (!run(find(mutants[i].scenario), seed, mutants[i].mutant)) {
            printf("mutant \"%s\" is caught at seed %llu: %s\n", mutants[i].name,
                   (unsigned long long)seed, lan.why);
            return true;
        }
    printf("FAILED: mutant \"%s\" is not caught\n", mutants[i].name);
    return false;
}

/* An assertion in the core: say which run it was. */
static void on_abort(int sig)
{
    (void)sig;
    if (write(STDERR_FILENO, run_now, strlen(run_now)) < 0)
        _exit(2);
    _exit(1);
}

static int usage(void)
{
    fprintf(stderr, "usage: sim_elect [--seeds N] [--seed S] [--scenario NAME] [--trace] [--wire] "
                    "[--times]\n");
    return 2;
}

int main(int argc, char **argv)
{
    uint64_t seeds = 200, first = 1, passed = 0, failed = 0;
    const struct scenario *only = NULL;
    bool one = false;

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--trace")) {
            lan.trace = true;
        } else if (!strcmp(argv[i], "--wire")) {
            lan.trace_wire = true;
        } else if (!strcmp(argv[i], "--times")) {
            times = true;
        } else if (i + 1 == argc) {
            return usage();
        } else if (!strcmp(argv[i], "--seeds")) {
            seeds = strtoull(argv[++i], NULL, 10);
        } else if (!strcmp(argv[i], "--seed")) {
            first = strtoull(argv[++i], NULL, 10);
            seeds = 1;
            one = true;
        } else if (!strcmp(argv[i], "--scenario")) {
            only = find(argv[++i]);
            if (!only)
                return usage();
        } else {
            return usage();
        }
    }
    if (sodium_init() < 0)
        return 1;
    setvbuf(stdout, NULL, _IOLBF, 0); /* a run that is stopped has told what it found */
    signal(SIGABRT, on_abort);
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        const struct scenario *s = only ? only : &scenarios[seed % SCENARIOS];

        if (run(s, seed, 0)) {
            passed++;
        } else {
            failed++;
            printf("FAILED: --scenario %s --seed %llu: %s\n", s->name, (unsigned long long)seed,
                   lan.why);
        }
    }
    for (size_t i = 0; !one && i < sizeof mutants / sizeof *mutants; i++)
        *(mutant_caught(i) ? &passed : &failed) += 1;
    printf("%llu passed, %llu failed\n", (unsigned long long)passed, (unsigned long long)failed);
    return failed ? 1 : 0;
}
