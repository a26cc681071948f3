/* The download scheduler against made-up sources: virtual time, bytes as a fluid, everything from a
 * seed.
 *
 *   sim_plan [SEEDS]        that many seeds (default 60)
 *   sim_plan --seed N       one of them, telling each event
 *
 * Asserted for each seed: the download ends; every liar that was asked twice is out and nobody else
 * is called a liar; few pieces come twice; the time is near the fluid bound, that is what the
 * honest sources at their rates and our own link allow. */
#include "base/bits.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/rng.h"
#include "core/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_MS  10
#define LIMIT_MS (40 * 60 * 1000)
#define SOURCES  300
#define PIECE    (1u << 20)

enum character { HONEST, LIAR, STALLS, DIES, RETURNS, FLAPS, SLOW_START, SLOW_END, PART, KINDS };

struct src {
    enum character kind;
    double rate;      /* bytes/ms over all its connections */
    int64_t from, to; /* of its trouble, ms */
    bool whole;
    struct bits has;
    unsigned grow_ms; /* PART: a further piece each */
    bool out;         /* dropped as lost: announced again later */
    int64_t again_ms;
    unsigned lies;
    bool caught;
};

struct run {
    uint32_t id, src, first, count, next;
    double got;
    int64_t begin, cut; /* first byte; broken off at */
};

struct world {
    uint64_t seed;
    struct rng rng;
    struct plan *plan;
    struct plan_conf conf;
    struct src src[SOURCES];
    unsigned n, latency;
    double link; /* bytes/ms that our own link takes */
    struct run run[FETCH_CONN_MAX];
    int64_t now;
    bool done, failed, waiting, tell;
    bool clean; /* no trouble in this world: the bound is tight */
    uint64_t asked;
    struct bits have;
    double bound_bytes;
    int64_t bound_ms;
};

static void apply(struct world *w, const struct plan_out *out);

static void step(struct world *w, const struct plan_in *in)
{
    static struct plan_out out; /* one thread; too large for each stack frame of a recursion */

    if (w->tell && in->event != PLAN_BYTES && in->event != PLAN_TICK)
        printf("[%7lld] %s source %u request %u\n", (long long)w->now, plan_event_name(in->event),
               in->source, in->request);
    plan_step(w->plan, in, &out);
    if (in->event != PLAN_BYTES)
        plan_check(w->plan);
    apply(w, &out);
}

static struct plan_in event(const struct world *w, enum plan_event e)
{
    return (struct plan_in){.event = e, .now_ms = w->now};
}

static void apply(struct world *w, const struct plan_out *out)
{
    for (size_t i = 0; i < out->count; i++) {
        const struct plan_action *a = &out->action[i];
        struct run *r = w->run;

        if (w->tell)
            printf("[%7lld]    -> %s source %u request %u pieces %u+%u\n", (long long)w->now,
                   plan_act_name(a->act), a->source, a->request, a->first, a->count);
        switch (a->act) {
        case PLAN_REQUEST:
            while (r->id)
                r++;
            *r = (struct run){.id = a->request,
                              .src = a->source,
                              .first = a->first,
                              .count = a->count,
                              .next = a->first,
                              .begin = w->now + w->latency,
                              .cut = INT64_MAX};
            w->asked += a->count;
            w->waiting = false;
            break;
        case PLAN_CANCEL:
            while (r->id != a->request)
                r++;
            r->id = 0;
            break;
        case PLAN_ASK: /* under an order: sim_swarm */
        case PLAN_PROBE:
            break;
        case PLAN_DROP:
            w->src[a->source].caught |= a->lied;
            w->src[a->source].out = !a->lied;
            w->src[a->source].again_ms = w->now + 1000;
            break;
        case PLAN_DONE:
            w->done = true;
            break;
        case PLAN_WAITING:
            w->waiting = true;
            break;
        case PLAN_FAILED:
            w->failed = true;
            break;
        }
    }
}

static void announce(struct world *w, unsigned i)
{
    struct plan_in in = event(w, PLAN_SOURCE);

    in.source = i;
    in.has = w->src[i].whole ? NULL : &w->src[i].has;
    step(w, &in);
}

/* Bytes/ms that source i gives now; -1: it is dead. */
static double rate_now(const struct world *w, unsigned i)
{
    const struct src *s = &w->src[i];
    bool in = w->now >= s->from && w->now < s->to;

    switch (s->kind) {
    case STALLS:
        return in ? 0 : s->rate;
    case DIES:
        return w->now >= s->from ? -1 : s->rate;
    case RETURNS:
        return in ? -1 : s->rate;
    case FLAPS:
        return w->now / 700 % 3 == 0 ? -1 : s->rate;
    case SLOW_START:
        return w->now < s->to ? s->rate / 20 : s->rate;
    case SLOW_END:
        return w->now >= s->from ? s->rate / 20 : s->rate;
    default:
        return s->rate;
    }
}

static void make(struct world *w, uint64_t seed)
{
    static const uint32_t sizes[] = {1, 2, 7, 40, 300, 1500};
    uint64_t liars = 0;

    *w = (struct world){.seed = seed};
    rng_seed(&w->rng, seed);
    w->conf = (struct plan_conf){.pieces = sizes[rng_below(&w->rng, 6)],
                                 .piece_bytes = PIECE,
                                 .sequential = rng_below(&w->rng, 6) == 0};
    w->n = 1 + (unsigned)rng_below(&w->rng, rng_below(&w->rng, 4) ? 12 : SOURCES);
    w->latency = (unsigned)rng_below(&w->rng, 30);
    w->link = 1000 + (double)rng_below(&w->rng, 120000);
    w->clean = rng_below(&w->rng, 3) == 0;
    bits_init(&w->have, w->conf.pieces);
    for (unsigned i = 0; i < w->n; i++) {
        struct src *s = &w->src[i];

        s->kind = w->clean || i == 0 ? HONEST : (enum character)rng_below(&w->rng, KINDS);
        s->rate = 500 + (double)rng_below(&w->rng, rng_below(&w->rng, 3) ? 12000 : 110000);
        s->from = (int64_t)rng_below(&w->rng, 20000);
        s->to = s->from + 500 + (int64_t)rng_below(&w->rng, 30000);
        s->whole = s->kind != PART;
        s->grow_ms = 20 + (unsigned)rng_below(&w->rng, 500);
        liars += s->kind == LIAR;
        if (s->kind == PART)
            bits_init(&s->has, w->conf.pieces);
    }
    w->plan = plan_new(&w->conf, NULL, seed);
}

/* What the honest and untroubled could bring in this step, were everything perfect: the best
 * FETCH_PEERS_MAX of them. */
static double fluid(const struct world *w)
{
    double best[FETCH_PEERS_MAX] = {0}, sum = 0;

    for (unsigned i = 0; i < w->n; i++) {
        double r = rate_now(w, i);

        if (w->src[i].kind != HONEST && w->src[i].kind != SLOW_START && w->src[i].kind != SLOW_END)
            continue;
        for (unsigned j = 0; j < FETCH_PEERS_MAX; j++) {
            if (r > best[j]) {
                double t = best[j];

                best[j] = r;
                r = t;
            }
        }
    }
    for (unsigned j = 0; j < FETCH_PEERS_MAX; j++)
        sum += best[j];
    return sum < w->link ? sum : w->link;
}

static void end(struct world *w, struct run *r)
{
    struct plan_in in = event(w, PLAN_END);

    in.request = r->id;
    r->id = 0;
    step(w, &in);
}

static void piece(struct world *w, struct run *r)
{
    struct src *s = &w->src[r->src];
    uint32_t id = r->id;
    bool bad = s->kind == LIAR && (r->next % 3 == r->src % 3 || w->conf.pieces < 9);
    struct plan_in in = event(w, bad ? PLAN_PIECE_BAD : PLAN_PIECE_OK);

    in.request = id;
    s->lies += bad;
    if (!bad)
        bits_set(&w->have, r->next);
    r->next++;
    step(w, &in);
    if (r->id == id && r->next == r->first + r->count)
        end(w, r);
}

/* Let bytes flow into every running request for one step. */
static void flow(struct world *w)
{
    unsigned share[SOURCES] = {0};
    double want[FETCH_CONN_MAX] = {0}, sum = 0;

    for (unsigned i = 0; i < FETCH_CONN_MAX; i++) {
        if (w->run[i].id && w->run[i].begin <= w->now)
            share[w->run[i].src]++;
    }
    for (unsigned i = 0; i < FETCH_CONN_MAX; i++) {
        struct run *r = &w->run[i];
        double rate = r->id && r->begin <= w->now ? rate_now(w, r->src) : 0;

        if (r->id && rate_now(w, r->src) < 0 && r->cut == INT64_MAX)
            r->cut = w->now + (int64_t)rng_below(&w->rng, 2000);
        want[i] = rate > 0 ? rate / share[r->src] : 0;
        sum += want[i];
    }
    for (unsigned i = 0; i < FETCH_CONN_MAX; i++) {
        struct run *r = &w->run[i];
        uint32_t id = r->id;
        double bytes = sum > w->link ? want[i] * w->link / sum : want[i];

        if (!id)
            continue;
        if (r->cut <= w->now) {
            end(w, r);
            continue;
        }
        bytes *= STEP_MS;
        if (bytes > 0) {
            struct plan_in in = event(w, PLAN_BYTES);

            in.request = id;
            in.bytes = (uint64_t)bytes;
            step(w, &in);
            r->got += bytes;
        }
        while (r->id == id && r->got >= PIECE) {
            r->got -= PIECE;
            piece(w, r);
        }
    }
}

static void news(struct world *w)
{
    for (unsigned i = 0; i < w->n; i++) {
        struct src *s = &w->src[i];

        if (s->kind == PART && w->now % (STEP_MS * (s->grow_ms / STEP_MS)) == 0) {
            /* it fetches from the same others: anything, from a random place on */
            bits_set(&s->has, (uint32_t)rng_below(&w->rng, w->conf.pieces));
            announce(w, i);
        }
        if (s->out && s->again_ms <= w->now && rate_now(w, i) >= 0) {
            s->out = false;
            announce(w, i);
        }
    }
}

static bool fail(const struct world *w, const char *what)
{
    printf("FAILED seed %llu at %lld ms: %s (pieces %u, sources %u, link %.0f kB/s, asked %llu, "
           "bound %lld ms)\n",
           (unsigned long long)w->seed, (long long)w->now, what, w->conf.pieces, w->n, w->link,
           (unsigned long long)w->asked, (long long)w->bound_ms);
    return false;
}

static bool judge(const struct world *w)
{
    double factor = w->clean ? 1.12 : 1.5;
    int64_t extra = w->clean ? 1000 : 4000; /* the first source may be the slowest */
    struct plan_view v;

    plan_view(w->plan, &v);
    if (!w->done)
        return fail(w, w->failed ? "gave up" : "did not end");
    if (!bits_full(&w->have))
        return fail(w, "said done with pieces missing");
    for (unsigned i = 0; i < w->n; i++) {
        if (w->src[i].caught && w->src[i].kind != LIAR)
            return fail(w, "called an honest source a liar");
        if (w->src[i].lies > FETCH_BAD_MAX)
            return fail(w, "asked a liar too often");
        if (w->src[i].lies == FETCH_BAD_MAX && !w->src[i].caught)
            return fail(w, "kept a liar");
    }
    if (v.twice > 3 * FETCH_CONN_MAX + w->n)
        return fail(w, "too many pieces came twice");
    if ((double)w->now > factor * (double)w->bound_ms + (double)extra + 8.0 * w->latency)
        return fail(w, "too slow");
    return true;
}

static bool run(uint64_t seed, bool tell, double *ratio)
{
    static struct world w;
    bool ok;

    make(&w, seed);
    w.tell = tell;
    for (unsigned i = 0; i < w.n; i++)
        announce(&w, i);
    while (!w.done && !w.failed && w.now < LIMIT_MS) {
        double need = (double)PIECE * w.conf.pieces;

        if (w.bound_bytes < need) {
            w.bound_bytes += fluid(&w) * STEP_MS;
            w.bound_ms = w.now + STEP_MS;
        }
        w.now += STEP_MS;
        flow(&w);
        news(&w);
        if (!w.done && plan_due_ms(w.plan) <= w.now) {
            struct plan_in in = event(&w, PLAN_TICK);

            step(&w, &in);
        }
    }
    ok = judge(&w);
    *ratio = w.clean && w.conf.pieces >= 300 ? (double)w.now / (double)w.bound_ms : 0;
    for (unsigned i = 0; i < w.n; i++)
        bits_done(&w.src[i].has);
    bits_done(&w.have);
    plan_free(w.plan);
    return ok;
}

int main(int argc, char **argv)
{
    unsigned long count = 60, passed = 0, clean = 0;
    double ratio, sum = 0, worst = 0;

    if (argc == 3 && !strcmp(argv[1], "--seed"))
        return run(strtoull(argv[2], NULL, 10), true, &ratio) ? 0 : 1;
    if (argc == 2)
        count = strtoul(argv[1], NULL, 10);
    for (unsigned long i = 1; i <= count; i++) {
        passed += run(i, false, &ratio);
        clean += ratio > 0;
        sum += ratio;
        worst = ratio > worst ? ratio : worst;
    }
    printf("plan: %lu seeds; without trouble %.3f of the fluid bound, %.3f at worst\n", count,
           clean ? sum / (double)clean : 0, worst);
    printf("%lu passed, %lu failed\n", passed, count - passed);
    return passed != count;
}
