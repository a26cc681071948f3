#include "core/plan.h"

#include "base/mem.h"
#include "core/plan_priv.h"

#include <assert.h>
#include <string.h>

struct plan *plan_new(const struct plan_conf *conf, const struct bits *have, uint64_t seed)
{
    struct plan *p = mem_zero(1, sizeof *p);

    assert(conf->pieces && conf->piece_bytes && (!have || have->len == conf->pieces));
    p->conf = *conf;
    rng_seed(&p->rng, seed);
    p->piece = mem_zero(conf->pieces, 1);
    for (uint32_t i = 0; have && i < conf->pieces; i++) {
        if (bits_get(have, i))
            p->piece[i] = PIECE_DONE;
    }
    p->done = have ? have->count : 0;
    p->free = conf->pieces - p->done;
    p->room = FETCH_CONN_MAX;
    return p;
}

void plan_free(struct plan *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->sources; i++) {
        bits_done(&p->source[i]->has);
        mem_free(p->source[i]);
    }
    mem_free(p->source);
    mem_free(p->holders);
    mem_free(p->piece);
    mem_free(p);
}

struct plan_action *plan_act(struct plan_out *out, enum plan_act what)
{
    struct plan_action *a;

    assert(out->count < PLAN_OUT_MAX);
    a = &out->action[out->count++];
    *a = (struct plan_action){.act = what};
    return a;
}

/* ---- dispatch ---- */

static size_t ranked(const struct plan *p, struct plan_source **to, size_t max)
{
    size_t n = 0;

    /* insertion into the best `max` by expected rate: few sources, short list */
    for (size_t i = 0; i < p->sources; i++) {
        struct plan_source *s = p->source[i];
        double rate;
        size_t at;

        if (s->state != SOURCE_USE || s->running >= FETCH_CONN_PER_PEER)
            continue;
        rate = plan_guess(p, s);
        for (at = n; at > 0 && plan_guess(p, to[at - 1]) < rate; at--) {
            if (at < max)
                to[at] = to[at - 1];
        }
        if (at < max) {
            to[at] = s;
            n += n < max;
        }
    }
    return n;
}

static unsigned busy_sources(const struct plan *p)
{
    unsigned n = 0;

    for (size_t i = 0; i < p->sources; i++)
        n += p->source[i]->running > 0;
    return n;
}

/* One request more for s. false: it has nothing to bring, or the limit says wait. */
static bool give_work(struct plan *p, struct plan_source *s, bool probe, struct plan_out *out)
{
    uint32_t first, count = 1;

    if (p->limit > 0 && p->tokens <= 0)
        return false;
    if (p->alone && p->piece[p->point] == PIECE_DONE)
        p->alone = false;
    if (p->alone && s->running)
        return false;
    if (p->window && plan_pick_urgent(p, s, &first)) {
        if (!probe)
            plan_request_start(p, s, first, 1, out);
        return true;
    }
    if (!plan_pick(p, s, &first, &count) && !plan_pick_twice(p, s, &first))
        return false;
    if (!probe)
        plan_request_start(p, s, first, count, out);
    return true;
}

/* The quickest first; a first connection for each before a second one. A source that would do
 * better than those at work, but finds no room, keeps slower ones from new work until there is. */
static void dispatch(struct plan *p, struct plan_out *out)
{
    if (plan_has_parent(p) && !p->window) {
        plan_order_dispatch(p, out);
        return;
    }
    for (unsigned round = 0; round < FETCH_CONN_PER_PEER; round++) {
        struct plan_source *s[HOLDERS_MAX];
        size_t n = ranked(p, s, HOLDERS_MAX);

        for (size_t i = 0; i < n && p->running < p->room; i++) {
            bool room = s[i]->running || busy_sources(p) < FETCH_PEERS_MAX;

            if (s[i]->running > round)
                continue;
            if (give_work(p, s[i], !room, out) && !room)
                break;
        }
    }
}

/* Nothing runs, nothing can be asked, and nobody comes back by himself. */
static bool is_stuck(const struct plan *p)
{
    bool limited = p->limit > 0 && p->tokens <= 0;

    for (size_t i = 0; i < p->sources; i++) {
        enum plan_state state = p->source[i]->state;

        if (state == SOURCE_PAUSE || (limited && state == SOURCE_USE))
            return false;
    }
    return !p->running && p->sources > 0;
}

static void tell_waiting(struct plan *p, struct plan_out *out)
{
    bool was = p->waiting, liars = false, others = false;

    p->waiting = is_stuck(p);
    if (!p->waiting || was)
        return;
    for (size_t i = 0; i < p->sources; i++) {
        liars |= p->source[i]->state == SOURCE_LIAR;
        others |= p->source[i]->state == SOURCE_USE || p->source[i]->state == SOURCE_LOST;
    }
    plan_act(out, liars && !others ? PLAN_FAILED : PLAN_WAITING);
}

static void finish(struct plan *p, struct plan_out *out)
{
    if (p->told_done)
        return;
    p->told_done = true;
    plan_cancel_needless(p, out);
    plan_act(out, PLAN_DONE);
}

/* ---- events ---- */

static void on_source(struct plan *p, const struct plan_in *in)
{
    struct plan_source *s = plan_source_by_id(p, in->source);

    if (s && s->state == SOURCE_LIAR)
        return;
    if (in->has && in->has->len != p->conf.pieces) {
        p->stale++;
        return;
    }
    plan_source_is(p, s ? s : plan_source_new(p, in->source), in->has);
}

static void on_piece_ok(struct plan *p, struct plan_request *r, struct plan_out *out)
{
    uint32_t i = r->next;
    bool twice = p->piece[i] == 2;

    r->next++;
    r->got = 0;
    r->heard_ms = p->now_ms;
    r->src->fails = 0;
    if (p->piece[i] == PIECE_DONE) {
        p->twice++;
    } else {
        p->piece[i] = PIECE_DONE;
        p->done++;
        if (twice)
            plan_cancel_needless(p, out);
    }
    if (r->id)
        plan_order_trial(p, r, true, out);
}

static void on_piece_bad(struct plan *p, struct plan_request *r, struct plan_out *out)
{
    struct plan_source *s = r->src;
    uint32_t i = r->next;

    r->next++;
    r->got = 0;
    r->heard_ms = p->now_ms;
    plan_piece_release(p, i);
    if (s->bad < FETCH_BAD_MAX)
        s->bad_piece[s->bad] = i;
    plan_order_trial(p, r, false, out);
    if (++s->bad >= FETCH_BAD_MAX)
        plan_source_out(p, s, SOURCE_LIAR, out);
    else
        plan_order_leave(p, s, out);
}

static void on_end(struct plan *p, struct plan_request *r, struct plan_out *out)
{
    struct plan_source *s = r->src;
    bool whole = r->next == r->first + r->count;

    plan_request_end(p, r);
    if (!whole)
        plan_order_broke(p, s, out);
}

static void on_tick(struct plan *p, struct plan_out *out)
{
    for (unsigned i = 0; i < FETCH_CONN_MAX; i++) {
        struct plan_request *r = &p->request[i];
        struct plan_source *s = r->src;

        if (!r->id || p->now_ms - r->heard_ms < PLAN_SILENT_MS)
            continue;
        plan_request_cancel(p, r, out);
        plan_order_broke(p, s, out);
    }
    plan_order_tick(p, out);
    for (size_t i = 0; i < p->sources; i++) {
        if (p->source[i]->running)
            plan_measure(p->source[i], p->now_ms);
    }
}

static void on_again(struct plan *p, uint32_t piece)
{
    if (piece >= p->conf.pieces || p->piece[piece] != PIECE_DONE) {
        p->stale++;
        return;
    }
    p->done--;
    plan_piece_free(p, piece);
    /* requests that still cover it bring it: count them, as request_end will */
    for (unsigned i = 0; i < FETCH_CONN_MAX; i++) {
        struct plan_request *r = &p->request[i];

        if (r->id && piece >= r->next && piece < r->first + r->count) {
            if (p->piece[piece]++ == PIECE_FREE)
                p->free--;
        }
    }
    p->told_done = false;
}

static void on_bytes(struct plan *p, struct plan_request *r, uint64_t bytes)
{
    r->got += bytes;
    r->heard_ms = p->now_ms;
    r->src->window_bytes += bytes;
    r->src->gave += bytes;
    plan_measure(r->src, p->now_ms);
}

/* After a jump: what brings nothing of the window would only hold it up. Not the last piece,
 * without which nothing can be believed. */
static void cancel_aside(struct plan *p, struct plan_out *out)
{
    for (unsigned i = 0; i < FETCH_CONN_MAX; i++) {
        struct plan_request *r = &p->request[i];
        uint32_t end = r->first + r->count;

        if (r->id && end < p->conf.pieces &&
            (end <= p->point || r->next - p->point >= p->window || r->next < p->point))
            plan_request_cancel(p, r, out);
    }
}

static void on_point(struct plan *p, const struct plan_in *in, struct plan_out *out)
{
    if (in->piece >= p->conf.pieces) {
        p->stale++;
        return;
    }
    p->conf.sequential = true;
    p->point = in->piece;
    p->window = in->count;
    p->alone = p->window && p->piece[p->point] == PIECE_FREE;
    if (p->alone)
        cancel_aside(p, out);
}

/* The clock moved: pauses end, the limit's purse fills. */
static void on_time(struct plan *p, int64_t now_ms)
{
    double purse =
        p->limit / 2 > (double)p->conf.piece_bytes ? p->limit / 2 : (double)p->conf.piece_bytes;

    if (now_ms > p->now_ms) {
        p->tokens += p->limit * (double)(now_ms - p->now_ms) / 1000;
        p->now_ms = now_ms;
    }
    if (p->tokens > purse)
        p->tokens = purse;
    for (size_t i = 0; i < p->sources; i++) {
        if (p->source[i]->state == SOURCE_PAUSE && p->source[i]->retry_ms <= p->now_ms)
            p->source[i]->state = SOURCE_USE;
    }
}

void plan_step(struct plan *p, const struct plan_in *in, struct plan_out *out)
{
    struct plan_request *r = plan_request_by_id(p, in->request);
    struct plan_source *s = NULL;
    bool of_request = in->event >= PLAN_BYTES && in->event <= PLAN_END;

    out->count = 0;
    on_time(p, in->now_ms);
    if (of_request && (!r || (in->event != PLAN_END && r->next == r->first + r->count))) {
        p->stale++;
        return;
    }
    switch (in->event) {
    case PLAN_SOURCE:
        on_source(p, in);
        break;
    case PLAN_GONE:
        s = plan_source_by_id(p, in->source);
        if (s && s->state != SOURCE_LIAR)
            plan_source_out(p, s, SOURCE_GONE, out);
        break;
    case PLAN_BYTES:
        on_bytes(p, r, in->bytes);
        if (!plan_order_wants(p))
            return;
        break;
    case PLAN_PIECE_OK:
        on_piece_ok(p, r, out);
        break;
    case PLAN_PIECE_BAD:
        on_piece_bad(p, r, out);
        break;
    case PLAN_END:
        on_end(p, r, out);
        break;
    case PLAN_AGAIN:
        on_again(p, in->piece);
        break;
    case PLAN_LIMIT:
        p->limit = (double)in->bytes;
        p->tokens = 0;
        break;
    case PLAN_ROOM:
        p->room = in->count < 1 ? 1 : in->count < FETCH_CONN_MAX ? in->count : FETCH_CONN_MAX;
        break;
    case PLAN_POINT:
        on_point(p, in, out);
        break;
    case PLAN_ORDER:
        plan_order_set(p, in, out);
        break;
    case PLAN_TICK:
        on_tick(p, out);
        break;
    }
    if (p->done == p->conf.pieces) {
        finish(p, out);
        return;
    }
    dispatch(p, out);
    tell_waiting(p, out);
}

static bool has_idle_source(const struct plan *p)
{
    for (size_t i = 0; i < p->sources; i++) {
        if (p->source[i]->state == SOURCE_USE && p->source[i]->running < FETCH_CONN_PER_PEER)
            return true;
    }
    return false;
}

int64_t plan_due_ms(const struct plan *p)
{
    int64_t due = INT64_MAX;

    if (p->done == p->conf.pieces)
        return due;
    for (size_t i = 0; i < p->sources; i++) {
        if (p->source[i]->state == SOURCE_PAUSE && p->source[i]->retry_ms < due)
            due = p->source[i]->retry_ms;
    }
    for (unsigned i = 0; i < FETCH_CONN_MAX; i++) {
        if (p->request[i].id && p->request[i].heard_ms + PLAN_SILENT_MS < due)
            due = p->request[i].heard_ms + PLAN_SILENT_MS;
    }
    if (plan_order_due_ms(p) < due)
        due = plan_order_due_ms(p);
    if (has_idle_source(p) && (p->running || (p->limit > 0 && p->tokens <= 0)) &&
        p->now_ms + PLAN_TICK_MS < due)
        due = p->now_ms + PLAN_TICK_MS;
    return due;
}

void plan_view(const struct plan *p, struct plan_view *out)
{
    *out = (struct plan_view){.done = p->done,
                              .requests = p->running,
                              .stale = p->stale,
                              .twice = p->twice,
                              .late = p->late,
                              .ordered = plan_has_parent(p)};
    if (out->ordered)
        out->parent = p->order.src[0]->id;
    for (size_t i = 0; i < p->sources; i++)
        out->sources += p->source[i]->state <= SOURCE_PAUSE;
}

uint64_t plan_rate(const struct plan *p, uint32_t source)
{
    const struct plan_source *s = plan_source_by_id(p, source);

    return s && s->measured ? (uint64_t)s->rate : 0;
}
