/* A swarm: many fetchers of one content, each with its real plan, the real direction of a leader,
 * one or a few whole holders. Virtual time, bytes as a fluid through every host's two link
 * directions, everything from a seed.
 *
 *   sim_swarm [SEEDS]       that many seeds (default 12)
 *   sim_swarm --seed N      one of them, telling each event
 *   sim_swarm --figure HOSTS PIECES   one holder, so many fetchers at once, no trouble
 *
 * Asserted for each seed: everybody who lives ends; nobody waits for himself, over however many
 * parents; without trouble the last one is done near the fluid bound and the holders upload the
 * content about once; with hosts that die, freeze, leave or are slow, and leaders that change, no
 * more than a few times that. */
#include "base/bits.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/rng.h"
#include "core/direct.h"
#include "core/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_MS   5
#define LIMIT_MS  (20 * 60 * 1000)
#define HOSTS     60
#define RUNS      (HOSTS * FETCH_CONN_MAX)
#define PIECE     (1u << 20)
#define ASK_MS    5000
#define SOON_MS   300
#define ANSWER_MS 4
#define POLL_MS   300
#define BREAK_MS  40 /* until those connected to a dead host know */

enum fate { FINE, DIES, FREEZES, WAKES, LEAVES, FATES };

struct host {
    enum fate fate;
    int64_t fate_ms, wake_ms, begin_ms, done_ms;
    double up, down; /* bytes/ms */
    bool whole;      /* from the beginning */
    struct plan *plan;
    struct bits have;
    uint64_t place, sent;
    struct nid lost[DIRECT_LOST_MAX];
    size_t losts;
    unsigned asks;
    int64_t ask_ms, poll_ms;
    uint32_t probe;
    int64_t probe_ms;
};

struct run {
    uint32_t id, to, from, first, count, next;
    double got, want;
    int64_t begin_ms, broken_ms;
};

struct world {
    uint64_t seed;
    struct rng rng;
    struct plan_conf conf;
    struct host host[HOSTS];
    unsigned n, holders;
    struct run run[RUNS];
    unsigned runs; /* used of them */
    struct direct *direct;
    int64_t now, leader_ms, change_ms; /* no leader before; another one from then on */
    bool clean, tell, slow_host;
    double rate;
};

static struct nid nid_of(unsigned i)
{
    struct nid n = {{0}};

    n.b[0] = (uint8_t)(i * 37 + 11); /* not in order of their numbers */
    n.b[1] = (uint8_t)i;
    return n;
}

static unsigned host_of(const struct nid *n)
{
    return n->b[1];
}

static bool dead(const struct world *w, unsigned i)
{
    const struct host *h = &w->host[i];

    return (h->fate == DIES || h->fate == LEAVES) && w->now >= h->fate_ms;
}

static bool frozen(const struct world *w, unsigned i)
{
    const struct host *h = &w->host[i];

    return (h->fate == FREEZES || h->fate == WAKES) && w->now >= h->fate_ms &&
           !(h->fate == WAKES && w->now >= h->wake_ms);
}

static bool fetches(const struct world *w, unsigned i)
{
    const struct host *h = &w->host[i];

    return !h->whole && h->plan && !h->done_ms && !dead(w, i) && !frozen(w, i);
}

/* ---- a plan's step ---- */

static void apply(struct world *w, unsigned i, const struct plan_out *out);

static void step(struct world *w, unsigned i, struct plan_in in)
{
    struct plan_out *out = mem_zero(1, sizeof *out);
    struct host *h = &w->host[i];

    in.now_ms = w->now;
    if (w->tell && in.event != PLAN_BYTES && in.event != PLAN_TICK && in.event != PLAN_SOURCE)
        printf("[%7lld] %u %s source %u request %u\n", (long long)w->now, i,
               plan_event_name(in.event), in.source, in.request);
    plan_step(h->plan, &in, out);
    if (in.event != PLAN_BYTES || out->count)
        plan_check(h->plan);
    apply(w, i, out);
    mem_free(out);
}

static void lose(struct host *h, uint32_t source)
{
    struct nid n = nid_of(source);

    for (size_t k = 0; k < h->losts; k++) {
        if (nid_eq(&h->lost[k], &n))
            return;
    }
    if (h->losts == DIRECT_LOST_MAX)
        memmove(h->lost, h->lost + 1, --h->losts * sizeof *h->lost);
    h->lost[h->losts++] = n;
}

static void run_new(struct world *w, unsigned i, const struct plan_action *a)
{
    struct run *r = w->run;

    while (r->id)
        r++;
    if (r == w->run + w->runs)
        w->runs++;
    *r = (struct run){.id = a->request,
                      .to = i,
                      .from = a->source,
                      .first = a->first,
                      .count = a->count,
                      .next = a->first,
                      .begin_ms = w->now + 2 + (int64_t)rng_below(&w->rng, 4),
                      .broken_ms = INT64_MAX};
}

static void apply(struct world *w, unsigned i, const struct plan_out *out)
{
    struct host *h = &w->host[i];

    for (size_t k = 0; k < out->count; k++) {
        const struct plan_action *a = &out->action[k];

        if (w->tell)
            printf("[%7lld] %u    -> %s source %u request %u pieces %u+%u\n", (long long)w->now, i,
                   plan_act_name(a->act), a->source, a->request, a->first, a->count);
        switch (a->act) {
        case PLAN_REQUEST:
            run_new(w, i, a);
            break;
        case PLAN_CANCEL:
            for (struct run *r = w->run; r < w->run + w->runs; r++) {
                if (r->id == a->request && r->to == i)
                    r->id = 0;
            }
            break;
        case PLAN_ASK:
            lose(h, a->source);
            h->ask_ms = w->now;
            break;
        case PLAN_PROBE:
            h->probe = a->source;
            h->probe_ms = w->now + ANSWER_MS;
            break;
        case PLAN_DROP:
        case PLAN_WAITING:
            h->ask_ms = h->ask_ms < w->now + 1000 ? h->ask_ms : w->now + 1000;
            break;
        case PLAN_DONE:
            h->done_ms = w->now;
            break;
        case PLAN_FAILED:
            break;
        }
    }
}

/* ---- the leader ---- */

static void ask(struct world *w, unsigned i)
{
    struct host *h = &w->host[i];
    struct nid whole[HOSTS];
    uint32_t order[DIRECT_ORDER_MAX];
    struct direct_in in = {.now_ms = w->now,
                           .who = nid_of(i),
                           .place = h->place,
                           .lost = h->lost,
                           .losts = h->losts,
                           .whole = whole};
    struct direct_out out;

    for (unsigned k = 0; k < w->holders; k++) {
        if (!dead(w, k))
            whole[in.wholes++] = nid_of(k);
    }
    h->ask_ms = w->now + (h->asks++ ? ASK_MS : SOON_MS);
    direct_fetch(w->direct, &in, &out);
    direct_check(w->direct);
    h->place = out.place;
    for (unsigned k = 0; k < w->holders; k++) {
        if (!dead(w, k))
            step(w, i, (struct plan_in){.event = PLAN_SOURCE, .source = k});
    }
    if (out.keep)
        return;
    for (unsigned k = 0; k < out.count; k++)
        order[k] = host_of(&out.order[k]);
    step(w, i, (struct plan_in){.event = PLAN_ORDER, .order = order, .count = out.count});
}

/* Without an order: what have the others? */
static void poll(struct world *w, unsigned i)
{
    unsigned polled = 0;

    w->host[i].poll_ms = w->now + POLL_MS;
    for (unsigned k = w->holders; k < w->n && polled < FETCH_PEERS_MAX; k++) {
        unsigned o = w->holders + (k + i) % (w->n - w->holders);

        if (o == i || !w->host[o].plan || dead(w, o) || frozen(w, o) || !w->host[o].have.count)
            continue;
        polled++;
        step(w, i, (struct plan_in){.event = PLAN_SOURCE, .source = o, .has = &w->host[o].have});
    }
}

static void clocks(struct world *w, unsigned i)
{
    struct host *h = &w->host[i];
    struct plan_view v;

    if (h->ask_ms <= w->now && w->now >= w->leader_ms)
        ask(w, i);
    if (h->probe_ms && h->probe_ms <= w->now && !h->done_ms) {
        h->probe_ms = 0;
        if (!dead(w, h->probe) && !frozen(w, h->probe))
            step(w, i,
                 (struct plan_in){.event = PLAN_SOURCE,
                                  .source = h->probe,
                                  .has = h->probe < w->holders ? NULL : &w->host[h->probe].have});
    }
    plan_view(h->plan, &v);
    if (!h->done_ms && !v.ordered && h->poll_ms <= w->now)
        poll(w, i);
    if (!h->done_ms && plan_due_ms(h->plan) <= w->now)
        step(w, i, (struct plan_in){.event = PLAN_TICK});
}

/* ---- bytes ---- */

static bool flows(const struct world *w, const struct run *r)
{
    return r->id && r->begin_ms <= w->now && !dead(w, r->from) && !frozen(w, r->from) &&
           !frozen(w, r->to) && r->broken_ms == INT64_MAX &&
           (w->host[r->from].whole || bits_get(&w->host[r->from].have, r->next));
}

/* Each flow gets its fair share of the narrower of its two links; what it cannot use is shared
 * among the others, in a few rounds. */
static void share(struct world *w)
{
    static double up[HOSTS], down[HOSTS];
    static unsigned nu[HOSTS], nd[HOSTS];

    for (unsigned i = 0; i < w->n; i++) {
        up[i] = w->host[i].up;
        down[i] = w->host[i].down;
    }
    for (struct run *r = w->run; r < w->run + w->runs; r++)
        r->want = 0;
    for (unsigned round = 0; round < 4; round++) {
        memset(nu, 0, sizeof nu);
        memset(nd, 0, sizeof nd);
        for (struct run *r = w->run; r < w->run + w->runs; r++) {
            if (flows(w, r) && up[r->from] > 1 && down[r->to] > 1) {
                nu[r->from]++;
                nd[r->to]++;
            }
        }
        for (struct run *r = w->run; r < w->run + w->runs; r++) {
            double a, b;

            if (!flows(w, r) || !nu[r->from] || !nd[r->to])
                continue;
            a = up[r->from] / nu[r->from];
            b = down[r->to] / nd[r->to];
            r->want += a < b ? a : b;
        }
        for (unsigned i = 0; i < w->n; i++) {
            up[i] = w->host[i].up;
            down[i] = w->host[i].down;
        }
        for (struct run *r = w->run; r < w->run + w->runs; r++) {
            up[r->from] -= r->id ? r->want : 0;
            down[r->to] -= r->id ? r->want : 0;
        }
    }
}

static void end(struct world *w, struct run *r)
{
    struct plan_in in = {.event = PLAN_END, .request = r->id};
    unsigned to = r->to;

    r->id = 0;
    step(w, to, in);
}

static void flow(struct world *w, struct run *r)
{
    struct host *to = &w->host[r->to];
    double bytes = r->want * STEP_MS;
    uint32_t id = r->id, who = r->to;

    if (dead(w, r->to)) {
        r->id = 0;
        return;
    }
    if (dead(w, r->from) && r->broken_ms == INT64_MAX)
        r->broken_ms = w->now + (w->host[r->from].fate == LEAVES ? 0 : BREAK_MS);
    if (r->broken_ms <= w->now && !frozen(w, r->to)) {
        end(w, r);
        return;
    }
    if (bytes < 1 || !flows(w, r))
        return;
    w->host[r->from].sent += (uint64_t)bytes;
    r->got += bytes;
    step(w, r->to, (struct plan_in){.event = PLAN_BYTES, .request = id, .bytes = (uint64_t)bytes});
    while (r->id == id && r->to == who && r->got >= PIECE) {
        r->got -= PIECE;
        if (!bits_get(&to->have, r->next))
            bits_set(&to->have, r->next);
        r->next++;
        step(w, who, (struct plan_in){.event = PLAN_PIECE_OK, .request = id});
        if (r->id == id && r->to == who && r->next == r->first + r->count) {
            end(w, r);
            return;
        }
        if (r->id == id && !w->host[r->from].whole && !bits_get(&w->host[r->from].have, r->next)) {
            r->got = 0; /* it has no more to give yet */
            return;
        }
    }
}

/* ---- judging ---- */

static bool fail(const struct world *w, const char *what, unsigned who)
{
    printf("FAILED seed %llu at %lld ms: %s (host %u, pieces %u, hosts %u, holders %u%s)\n",
           (unsigned long long)w->seed, (long long)w->now, what, who, w->conf.pieces, w->n,
           w->holders, w->clean ? ", no trouble" : "");
    return false;
}

static bool cycles(const struct world *w)
{
    for (unsigned i = w->holders; i < w->n; i++) {
        unsigned at = i, hops = 0;

        while (!w->host[at].whole && w->host[at].plan && !w->host[at].done_ms && !dead(w, at)) {
            struct plan_view v;

            plan_view(w->host[at].plan, &v);
            if (!v.ordered)
                break;
            if (++hops > w->n)
                return true;
            at = v.parent;
        }
    }
    return false;
}

static bool judge(const struct world *w, double *ratio, double *sent)
{
    double bytes = (double)w->conf.pieces * PIECE, bound = bytes / w->rate, last = 0, up = 0;
    unsigned n = w->n - w->holders;

    for (unsigned i = w->holders; i < w->n; i++) {
        const struct host *h = &w->host[i];

        if (h->fate != FINE && h->fate != WAKES)
            continue;
        if (!h->done_ms)
            return fail(w, "did not end", i);
        if (!bits_full(&h->have))
            return fail(w, "said done with pieces missing", i);
        if (w->slow_host && i == w->holders)
            continue; /* bound by its own link */
        if ((double)(h->done_ms - h->begin_ms) > last)
            last = (double)(h->done_ms - h->begin_ms);
    }
    for (unsigned i = 0; i < w->holders; i++)
        up += (double)w->host[i].sent;
    *ratio = last / bound;
    *sent = up / bytes;
    if (w->clean && last > bound + 1.25 * (double)n / w->holders * PIECE / w->rate + 1200)
        return fail(w, "too slow", 0);
    if (w->clean && *sent > w->holders + 0.03 + 8.0 * w->holders / w->conf.pieces)
        return fail(w, "the holders uploaded too much", 0);
    if (!w->clean && last > 3 * bound + 40000)
        return fail(w, "too slow with trouble", 0);
    if (!w->clean && w->conf.pieces >= 100 && *sent > 0.5 * n + 3)
        return fail(w, "the holders uploaded too much with trouble", 0);
    return true;
}

static void make(struct world *w, uint64_t seed)
{
    static const uint32_t sizes[] = {60, 200, 400};

    *w = (struct world){.seed = seed, .direct = direct_new(), .change_ms = INT64_MAX};
    rng_seed(&w->rng, seed);
    w->conf = (struct plan_conf){.pieces = sizes[rng_below(&w->rng, 3)], .piece_bytes = PIECE};
    w->clean = rng_below(&w->rng, 2) == 0;
    w->holders = 1 + (rng_below(&w->rng, 4) == 0 ? (unsigned)rng_below(&w->rng, 3) : 0);
    w->n = w->holders + w->holders + 1 + (unsigned)rng_below(&w->rng, 50 - 2 * w->holders);
    w->rate = rng_below(&w->rng, 2) ? 12000 : 115000;
    w->slow_host = !w->clean && rng_below(&w->rng, 3) == 0;
    if (!w->clean && rng_below(&w->rng, 2))
        w->change_ms = (int64_t)rng_below(&w->rng, 20000);
    for (unsigned i = 0; i < w->n; i++) {
        struct host *h = &w->host[i];

        *h = (struct host){.up = w->rate, .down = w->rate, .whole = i < w->holders};
        bits_init(&h->have, w->conf.pieces);
        if (h->whole)
            continue;
        h->begin_ms = (int64_t)rng_below(&w->rng, w->clean ? 100 : 8000);
        if (!w->clean && i > w->holders && rng_below(&w->rng, 4) == 0) {
            h->fate = (enum fate)rng_below(&w->rng, FATES);
            h->fate_ms = (int64_t)rng_below(&w->rng, 30000);
            h->wake_ms = h->fate_ms + (int64_t)rng_below(&w->rng, 9000);
        }
    }
    if (w->slow_host) {
        w->host[w->holders].begin_ms = 0;
        w->host[w->holders].up = w->host[w->holders].down = w->rate / 12;
    }
}

/* --figure: so many fetchers of one holder, so many pieces, all at once. */
static unsigned fixed_hosts, fixed_pieces;

static void fix(struct world *w)
{
    w->holders = 1;
    w->n = 1 + fixed_hosts;
    w->conf.pieces = fixed_pieces;
    w->clean = true;
    w->slow_host = false;
    w->change_ms = INT64_MAX;
    w->rate = 12000;
    for (unsigned i = 0; i < w->n; i++) {
        bits_done(&w->host[i].have);
        w->host[i] = (struct host){.up = w->rate, .down = w->rate, .whole = i == 0};
        bits_init(&w->host[i].have, w->conf.pieces);
    }
}

static void begin(struct world *w)
{
    for (unsigned i = w->holders; i < w->n; i++) {
        struct host *h = &w->host[i];

        if (!h->plan && h->begin_ms <= w->now) {
            h->plan = plan_new(&w->conf, NULL, w->seed + i);
            h->ask_ms = w->now;
        }
    }
    if (w->now >= w->change_ms) { /* another leader, who knows nothing */
        direct_free(w->direct);
        w->direct = direct_new();
        w->leader_ms = w->now + 400;
        w->change_ms = INT64_MAX;
    }
}

static bool over(const struct world *w)
{
    for (unsigned i = w->holders; i < w->n; i++) {
        if (!w->host[i].done_ms && !dead(w, i) && w->host[i].fate != FREEZES)
            return false;
    }
    return true;
}

static bool run(uint64_t seed, bool tell, double *ratio, double *sent, bool *clean)
{
    static struct world w;
    bool ok = true;

    make(&w, seed);
    if (fixed_hosts)
        fix(&w);
    w.tell = tell;
    *clean = w.clean;
    while (ok && !over(&w) && w.now < LIMIT_MS) {
        begin(&w);
        share(&w);
        for (struct run *r = w.run; r < w.run + w.runs; r++) {
            if (r->id)
                flow(&w, r);
        }
        for (unsigned i = w.holders; i < w.n; i++) {
            if (fetches(&w, i))
                clocks(&w, i);
        }
        if (cycles(&w))
            ok = fail(&w, "somebody waits for himself", 0);
        w.now += STEP_MS;
    }
    ok = ok && judge(&w, ratio, sent);
    for (unsigned i = 0; i < w.n; i++) {
        plan_free(w.host[i].plan);
        bits_done(&w.host[i].have);
    }
    direct_free(w.direct);
    return ok;
}

int main(int argc, char **argv)
{
    unsigned long count = 12, passed = 0, cleans = 0;
    double ratio = 0, sent = 0, sum = 0, worst = 0, most = 0, slowest = 0;
    bool clean, ok;

    if (argc == 3 && !strcmp(argv[1], "--seed"))
        return run(strtoull(argv[2], NULL, 10), true, &ratio, &sent, &clean) ? 0 : 1;
    if (argc == 4 && !strcmp(argv[1], "--figure")) {
        fixed_hosts = (unsigned)strtoul(argv[2], NULL, 10) % HOSTS;
        fixed_pieces = (unsigned)strtoul(argv[3], NULL, 10);
        count = 1;
    } else if (argc == 2)
        count = strtoul(argv[1], NULL, 10);
    for (unsigned long i = 1; i <= count; i++) {
        ok = run(i, false, &ratio, &sent, &clean);
        passed += ok;
        if (!ok)
            continue;
        if (clean) {
            cleans++;
            sum += ratio;
            worst = ratio > worst ? ratio : worst;
            most = sent > most ? sent : most;
        } else {
            slowest = ratio > slowest ? ratio : slowest;
        }
    }
    printf("swarm: %lu seeds; without trouble %.3f of the bound, %.3f at worst, holders uploaded "
           "%.2f at most; with trouble %.1f at worst\n",
           count, cleans ? sum / (double)cleans : 0, worst, most, slowest);
    printf("%lu passed, %lu failed\n", passed, count - passed);
    return passed != count;
}
