#include "svc/fetch_lane.h"

#include "base/mem.h"
#include "svc/fetch_lane_priv.h"

#include <assert.h>
#include <string.h>

#define LOOK_MS 100  /* how often the lanes' load is looked at */
#define FULL    0.85 /* share of time: all lanes busier than this, and there is one more */
#define ENOUGH  0.60 /* one fewer would not be busier than this */
#define NEWS_MS 40   /* bytes are told after so long ... */

/* ---- the threads ---- */

static void lane_open(void *arg)
{
    struct lane *l = arg;

    l->client = http_client_new(l->loop, l->id);
}

static void lane_close(void *arg)
{
    struct lane *l = arg;

    http_client_free(l->client);
    loop_quit(l->loop);
}

static struct lane *lane_new(const struct http_identity *id)
{
    struct lane *l = mem_zero(1, sizeof *l);

    l->id = id;
    l->loop = loop_new("lane");
    (void)uv_loop_configure(loop_uv(l->loop), UV_METRICS_IDLE_TIME);
    l->looked_ns = uv_hrtime();
    loop_start(l->loop);
    loop_post(l->loop, lane_open, l);
    return l;
}

struct lanes *lanes_new(struct loop *loop, const struct http_identity *id)
{
    struct lanes *l = mem_zero(1, sizeof *l);
    unsigned cores = uv_available_parallelism();

    l->loop = loop;
    l->id = id;
    l->most = cores < 1 ? 1 : cores > LANES_MAX ? LANES_MAX : cores;
    l->use = 1;
    return l;
}

unsigned lanes_busy(const struct lanes *l)
{
    return l->stretches;
}

unsigned lanes_running(const struct lanes *l)
{
    return l->count;
}

void lanes_free(struct lanes *l)
{
    if (!l)
        return;
    assert(!l->stretches);
    for (unsigned i = 0; i < l->count; i++) {
        loop_post(l->lane[i]->loop, lane_close, l->lane[i]);
        loop_free(l->lane[i]->loop);
        mem_free(l->lane[i]);
    }
    mem_free(l);
}

/* ---- which lane ---- */

/* The share of the time since the last look in which the lane did something. */
static double load_of(struct lane *l)
{
    uint64_t now = uv_hrtime(), idle = uv_metrics_idle_time(loop_uv(l->loop));
    double span = (double)(now - l->looked_ns), rest = (double)(idle - l->idle_ns);

    l->looked_ns = now;
    l->idle_ns = idle;
    return rest < span ? 1 - rest / span : 0;
}

static void look(struct lanes *l)
{
    double sum = 0, least = 1;

    l->looked_ms = loop_now_ms();
    for (unsigned i = 0; i < l->count; i++) {
        double load = load_of(l->lane[i]);

        if (i >= l->use)
            continue;
        sum += load;
        least = load < least ? load : least;
    }
    if (least > FULL && l->use < l->most)
        l->use++;
    else if (l->use > 1 && sum < ENOUGH * (l->use - 1))
        l->use--;
}

static struct lane *pick(struct lanes *l)
{
    struct lane *best;

    if (l->count && loop_now_ms() - l->looked_ms >= LOOK_MS)
        look(l);
    while (l->count < l->use)
        l->lane[l->count++] = lane_new(l->id);
    best = l->lane[0];
    for (unsigned i = 1; i < l->use; i++) {
        if (l->lane[i]->running < best->running)
            best = l->lane[i];
    }
    return best;
}

/* ---- news ---- */

static void unref(struct stretch *s)
{
    struct fill *f = s->fill;
    bool last, empty;

    uv_mutex_lock(&f->lock);
    last = !--s->refs;
    empty = last && !--f->refs;
    uv_mutex_unlock(&f->lock);
    if (last)
        mem_free(s);
    if (empty)
        fill_free(f);
}

/* Fetch's thread. */
static void take_news(void *arg)
{
    struct stretch *s = arg;
    struct stretch_news n;
    bool over;

    uv_mutex_lock(&s->fill->lock);
    n = s->news;
    over = s->over;
    s->news.first += s->news.count;
    s->news.count = 0;
    s->news.bytes = 0;
    s->posted = false;
    uv_mutex_unlock(&s->fill->lock);
    if (over) {
        s->lanes->stretches--;
        s->lane->running--;
        n.answer = &s->answer;
    }
    if (!s->cancelled && (over || n.bytes || n.count)) {
        s->cancelled = over; /* it is not to be cancelled any more */
        s->tell(s->ctx, &n);
    }
    unref(s);
    if (over)
        unref(s); /* the lane's */
}

/* Under the fill's lock, on the lane. */
static void post_news(struct stretch *s)
{
    s->told_ms = loop_now_ms();
    if (s->posted)
        return;
    s->posted = loop_post(s->lanes->loop, take_news, s);
    assert(s->posted && "fetch's loop outlives its lanes");
    s->refs++;
}

void stretch_tell(struct stretch *s, bool at_once)
{
    if (at_once || loop_now_ms() - s->told_ms >= NEWS_MS)
        post_news(s);
}

/* ---- one stretch, on the lane ---- */

static void let_go(struct stretch *s)
{
    struct fill *f = s->fill;

    uv_mutex_lock(&f->lock);
    fill_remove(f, s);
    s->over = true;
    post_news(s);
    uv_mutex_unlock(&f->lock);
}

static void on_done(void *ctx, const struct http_answer *a, const struct buf *body)
{
    struct stretch *s = ctx;

    (void)body;
    s->call = NULL;
    s->answer = *a;
    let_go(s);
}

static bool on_data(void *ctx, const void *data, size_t len)
{
    return fill_take(ctx, data, len);
}

static void lane_start(void *arg)
{
    struct stretch *s = arg;
    struct fill *f = s->fill;
    uint64_t piece = content_piece_size(f->size), end = (uint64_t)s->end * piece;
    struct http_ask ask = {.addr = s->addr,
                           .path = s->path,
                           .range = true,
                           .first = s->piece * piece,
                           .stall_ms = s->stall_ms,
                           .max_rate = s->max_rate,
                           .data = on_data,
                           .done = on_done,
                           .ctx = s};

    if (!fill_begin_piece(s)) { /* cancelled already */
        let_go(s);
        return;
    }
    memcpy(ask.pin, s->pin, sizeof ask.pin);
    ask.len = ask.max = (end < f->size ? end : f->size) - ask.first;
    s->call = http_start(s->lane->client, &ask);
}

static void lane_cancel(void *arg)
{
    struct stretch *s = arg;

    if (s->call) {
        http_cancel(s->call);
        s->call = NULL;
        let_go(s);
    }
    unref(s);
}

/* ---- from fetch ---- */

struct stretch *stretch_start(struct lanes *l, struct fill *f, const struct stretch_ask *ask)
{
    struct stretch *s = mem_zero(1, sizeof *s);

    assert(ask->count && ask->count <= FETCH_REQUEST_PIECES);
    assert(strlen(ask->path) < sizeof s->path);
    s->lanes = l;
    s->lane = pick(l);
    s->fill = f;
    s->addr = ask->addr;
    memcpy(s->pin, ask->pin, sizeof s->pin);
    memcpy(s->path, ask->path, strlen(ask->path));
    s->piece = s->news.first = ask->first;
    s->end = ask->first + ask->count;
    s->stall_ms = ask->stall_ms;
    s->max_rate = ask->max_rate;
    s->tell = ask->news;
    s->ctx = ask->ctx;
    s->told_ms = loop_now_ms();
    s->refs = 1; /* the lane's, which take_news gives back */
    s->lane->running++;
    l->stretches++;
    fill_add(f, s);
    loop_post(s->lane->loop, lane_start, s);
    return s;
}

void stretch_cancel(struct stretch *s)
{
    if (s->cancelled)
        return; /* within its last news */
    s->cancelled = true;
    uv_mutex_lock(&s->fill->lock);
    s->dead = true;
    s->refs++; /* lane_cancel's */
    uv_mutex_unlock(&s->fill->lock);
    loop_post(s->lane->loop, lane_cancel, s);
}
