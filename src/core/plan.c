#include "core/plan.h"

#include "base/mem.h"
#include "core/plan_priv.h"

#include <assert.h>
#include <string.h>

#define WINDOW_MS 100 /* a rate is measured over at least this */

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

static struct plan_action *act(struct plan_out *out, enum plan_act what)
{
    struct plan_action *a;

    assert(out->count < PLAN_OUT_MAX);
    a = &out->action[out->count++];
    *a = (struct plan_action){.act = what};
    return a;
}

static struct plan_source *source_by_id(const struct plan *p, uint32_t id)
{
    for (size_t i = 0; i < p->sources; i++) {
        if (p->source[i]->id == id)
            return p->source[i];
    }
    return NULL;
}

static struct plan_request *request_by_id(struct plan *p, uint32_t id)
{
    for (unsigned i = 0; id && i < FETCH_CONN_MAX; i++) {
        if (p->request[i].id == id)
            return &p->request[i];
    }
    return NULL;
}

/* ---- rates ---- */

static void measure(struct plan_source *s, int64_t now_ms)
{
    double dt = (double)(now_ms - s->window_ms), now;

    if (dt < WINDOW_MS)
        return;
    now = (double)s->window_bytes * 1000 / dt;
    if (!s->measured && !s->window_bytes)
        return; /* connecting */
    s->rate = s->measured ? s->rate + (now - s->rate) * dt / (dt + 1000) : now;
    s->measured = true;
    s->window_bytes = 0;
    s->window_ms = now_ms;
}

/* ---- requests ---- */

static void request_start(struct plan *p, struct plan_source *s, uint32_t first, uint32_t count,
                          struct plan_out *out)
{
    struct plan_request *r = p->request;
    struct plan_action *a;

    while (r->id)
        r++;
    if (!++p->last_id)
        p->last_id = 1;
    *r = (struct plan_request){.id = p->last_id,
                               .src = s,
                               .first = first,
                               .count = count,
                               .next = first,
                               .heard_ms = p->now_ms};
    for (uint32_t i = first; i < first + count; i++) {
        if (p->piece[i]++ == PIECE_FREE)
            p->free--;
    }
    while (p->low < p->conf.pieces && p->piece[p->low] != PIECE_FREE)
        p->low++;
    if (!s->running && p->now_ms - s->idle_ms > 20) {
        s->window_ms = p->now_ms;
        s->window_bytes = 0;
    }
    s->running++;
    s->cursor = first + count;
    p->running++;
    p->tokens -= p->limit > 0 ? (double)count * (double)p->conf.piece_bytes : 0;
    a = act(out, PLAN_REQUEST);
    a->request = r->id;
    a->source = s->id;
    a->first = first;
    a->count = count;
}

static void piece_free(struct plan *p, uint32_t i)
{
    p->piece[i] = PIECE_FREE;
    p->free++;
    if (i < p->low)
        p->low = i;
}

/* One request less brings piece i. */
static void piece_release(struct plan *p, uint32_t i)
{
    if (p->piece[i] == PIECE_DONE)
        return;
    assert(p->piece[i] == 1 || p->piece[i] == 2);
    if (--p->piece[i] == 0)
        piece_free(p, i);
}

/* Take the request out of the table; what it did not bring is free again. */
static void request_end(struct plan *p, struct plan_request *r)
{
    for (uint32_t i = r->next; i < r->first + r->count; i++)
        piece_release(p, i);
    measure(r->src, p->now_ms);
    r->src->running--;
    r->src->idle_ms = p->now_ms;
    p->running--;
    r->id = 0;
}

static void request_cancel(struct plan *p, struct plan_request *r, struct plan_out *out)
{
    act(out, PLAN_CANCEL)->request = r->id;
    request_end(p, r);
}

/* End requests that bring nothing new. */
static void cancel_needless(struct plan *p, struct plan_out *out)
{
    for (unsigned i = 0; i < FETCH_CONN_MAX; i++) {
        struct plan_request *r = &p->request[i];
        uint32_t at;

        if (!r->id || r->next == r->first + r->count)
            continue;
        for (at = r->next; at < r->first + r->count && p->piece[at] == PIECE_DONE; at++)
            ;
        if (at == r->first + r->count)
            request_cancel(p, r, out);
    }
}

/* ---- sources ---- */

/* Count what the source has into the pieces' holders (by is 1 or -1). */
static void count_part(struct plan *p, const struct bits *has, int by)
{
    if (!p->holders)
        p->holders = mem_zero(p->conf.pieces, sizeof *p->holders);
    for (uint32_t i = 0; i < has->len; i++) {
        if (i % 8 == 0 && !has->byte[i / 8])
            i += 7;
        else if (bits_get(has, i))
            p->holders[i] = (uint16_t)(p->holders[i] + by);
    }
}

static void forget_has(struct plan *p, struct plan_source *s)
{
    if (s->whole || !s->has.byte)
        return;
    count_part(p, &s->has, -1);
    bits_done(&s->has);
    p->parts--;
}

static void source_out(struct plan *p, struct plan_source *s, enum plan_state state,
                       struct plan_out *out)
{
    for (unsigned i = 0; i < FETCH_CONN_MAX; i++) {
        if (p->request[i].id && p->request[i].src == s)
            request_cancel(p, &p->request[i], out);
    }
    forget_has(p, s);
    s->whole = true; /* says nothing from now on; no bits are kept */
    s->state = state;
    if (state != SOURCE_GONE) {
        struct plan_action *a = act(out, PLAN_DROP);

        a->source = s->id;
        a->lied = state == SOURCE_LIAR;
    }
}

static void on_source(struct plan *p, const struct plan_in *in)
{
    struct plan_source *s = source_by_id(p, in->source);

    if (s && s->state == SOURCE_LIAR)
        return;
    if (in->has && in->has->len != p->conf.pieces) {
        p->stale++;
        return;
    }
    if (!s) {
        MEM_GROW(p->source, p->sources, p->sources_cap);
        s = p->source[p->sources++] = mem_zero(1, sizeof *s);
        s->id = in->source;
        s->cursor = UINT32_MAX;
        s->whole = true;
    }
    forget_has(p, s);
    s->whole = !in->has;
    if (in->has) {
        bits_copy(&s->has, in->has);
        count_part(p, &s->has, 1);
        p->parts++;
    }
    if (s->state == SOURCE_LOST || s->state == SOURCE_GONE) {
        s->state = SOURCE_USE;
        s->fails = 0;
    }
}

static void on_broken(struct plan *p, struct plan_source *s, struct plan_out *out)
{
    if (s->state != SOURCE_USE)
        return; /* both its connections broke: once is enough */
    if (++s->fails >= PLAN_TRIES) {
        source_out(p, s, SOURCE_LOST, out);
        return;
    }
    s->state = SOURCE_PAUSE;
    s->retry_ms = p->now_ms + ((int64_t)PLAN_PAUSE_MS << (s->fails - 1));
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
    if (!plan_pick(p, s, &first, &count) && !plan_pick_twice(p, s, &first))
        return false;
    if (!probe)
        request_start(p, s, first, count, out);
    return true;
}

/* The quickest first; a first connection for each before a second one. A source that would do
 * better than those at work, but finds no room, keeps slower ones from new work until there is. */
static void dispatch(struct plan *p, struct plan_out *out)
{
    for (unsigned round = 0; round < FETCH_CONN_PER_PEER; round++) {
        struct plan_source *s[HOLDERS_MAX];
        size_t n = ranked(p, s, HOLDERS_MAX);

        for (size_t i = 0; i < n && p->running < FETCH_CONN_MAX; i++) {
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
    act(out, liars && !others ? PLAN_FAILED : PLAN_WAITING);
}

static void finish(struct plan *p, struct plan_out *out)
{
    if (p->told_done)
        return;
    p->told_done = true;
    cancel_needless(p, out);
    act(out, PLAN_DONE);
}

/* ---- events ---- */

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
        return;
    }
    p->piece[i] = PIECE_DONE;
    p->done++;
    if (twice)
        cancel_needless(p, out);
}

static void on_piece_bad(struct plan *p, struct plan_request *r, struct plan_out *out)
{
    struct plan_source *s = r->src;
    uint32_t i = r->next;

    r->next++;
    r->got = 0;
    r->heard_ms = p->now_ms;
    piece_release(p, i);
    if (s->bad < FETCH_BAD_MAX)
        s->bad_piece[s->bad] = i;
    if (++s->bad >= FETCH_BAD_MAX)
        source_out(p, s, SOURCE_LIAR, out);
}

static void on_end(struct plan *p, struct plan_request *r, struct plan_out *out)
{
    struct plan_source *s = r->src;
    bool whole = r->next == r->first + r->count;

    request_end(p, r);
    if (!whole)
        on_broken(p, s, out);
}

static void on_tick(struct plan *p, struct plan_out *out)
{
    for (unsigned i = 0; i < FETCH_CONN_MAX; i++) {
        struct plan_request *r = &p->request[i];
        struct plan_source *s = r->src;

        if (!r->id || p->now_ms - r->heard_ms < PLAN_SILENT_MS)
            continue;
        request_cancel(p, r, out);
        on_broken(p, s, out);
    }
    for (size_t i = 0; i < p->sources; i++) {
        if (p->source[i]->running)
            measure(p->source[i], p->now_ms);
    }
}

static void on_again(struct plan *p, uint32_t piece)
{
    if (piece >= p->conf.pieces || p->piece[piece] != PIECE_DONE) {
        p->stale++;
        return;
    }
    p->done--;
    piece_free(p, piece);
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
    measure(r->src, p->now_ms);
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
    struct plan_request *r = request_by_id(p, in->request);
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
        s = source_by_id(p, in->source);
        if (s && s->state != SOURCE_LIAR)
            source_out(p, s, SOURCE_GONE, out);
        break;
    case PLAN_BYTES:
        on_bytes(p, r, in->bytes);
        return;
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
    if (has_idle_source(p) && (p->running || (p->limit > 0 && p->tokens <= 0)) &&
        p->now_ms + PLAN_TICK_MS < due)
        due = p->now_ms + PLAN_TICK_MS;
    return due;
}

void plan_view(const struct plan *p, struct plan_view *out)
{
    *out = (struct plan_view){
        .done = p->done, .requests = p->running, .stale = p->stale, .twice = p->twice};
    for (size_t i = 0; i < p->sources; i++)
        out->sources += p->source[i]->state <= SOURCE_PAUSE;
}

uint64_t plan_rate(const struct plan *p, uint32_t source)
{
    const struct plan_source *s = source_by_id(p, source);

    return s && s->measured ? (uint64_t)s->rate : 0;
}
