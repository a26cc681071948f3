#include "svc/gather.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>
#include <uv.h>

#define LOOK_NS 100000000u

struct gatherer {
    struct loop *loop;
    struct http_client *client;
    const struct http_identity *id;
    /* its loop's thread */
    struct call *calls;
    size_t count, next, left, running;
    unsigned ms;
    bool ended; /* no further ones */
    /* both threads */
    uv_mutex_t lock;
    uv_cond_t change;
    bool over;
};

struct call {
    struct gatherer *g;
    struct gather *ask;
    struct http_call *http; /* while it runs */
};

static void start_more(struct gatherer *g);

static void say_over(struct gatherer *g)
{
    uv_mutex_lock(&g->lock);
    g->over = true;
    uv_cond_signal(&g->change);
    uv_mutex_unlock(&g->lock);
}

static void on_done(void *ctx, const struct http_answer *a, const struct buf *body)
{
    struct call *c = ctx;
    struct gatherer *g = c->g;

    c->http = NULL;
    c->ask->status = a->err.code ? 0 : a->status;
    c->ask->refused = a->refused;
    buf_reset(&c->ask->body);
    if (body)
        buf_add(&c->ask->body, buf_cstr(body), body->len);
    str_copy(c->ask->why, sizeof c->ask->why, a->err.code ? a->err.text : "");
    g->running--;
    g->left--;
    start_more(g);
    if (!g->left)
        say_over(g);
}

static void start_more(struct gatherer *g)
{
    while (!g->ended && g->next < g->count && g->running < GATHER_MAX) {
        struct call *c = &g->calls[g->next++];
        struct http_ask ask = {.method = c->ask->method,
                               .addr = c->ask->addr,
                               .path = c->ask->path,
                               .max = c->ask->max,
                               .range = c->ask->len > 0,
                               .first = c->ask->first,
                               .len = c->ask->len,
                               .total_ms = g->ms,
                               .done = on_done,
                               .ctx = c};

        memcpy(ask.pin, c->ask->pin, sizeof ask.pin);
        g->running++;
        c->http = http_start(g->client, &ask);
    }
}

static void begin(void *arg)
{
    struct gatherer *g = arg;

    g->client = http_client_new(g->loop, g->id);
}

static void start(void *arg)
{
    start_more(arg);
}

static void stop_all(void *arg)
{
    struct gatherer *g = arg;

    g->ended = true;
    for (size_t i = 0; i < g->count; i++) {
        if (!g->calls[i].http)
            continue;
        http_cancel(g->calls[i].http);
        str_copy(g->calls[i].ask->why, sizeof g->calls[i].ask->why, "no answer in time");
    }
}

void gather_all(struct gatherer *g, struct gather *ask, size_t count, unsigned ms,
                const atomic_bool *stop)
{
    int64_t end = loop_now_ms() + ms;
    bool over;

    if (!count)
        return;
    g->calls = mem_zero(count, sizeof *g->calls);
    for (size_t i = 0; i < count; i++)
        g->calls[i] = (struct call){.g = g, .ask = &ask[i]};
    g->count = g->left = count;
    g->next = g->running = 0;
    g->ms = ms;
    g->over = g->ended = false;
    loop_post(g->loop, start, g);
    uv_mutex_lock(&g->lock);
    while (!g->over && !*stop && loop_now_ms() < end)
        (void)uv_cond_timedwait(&g->change, &g->lock, LOOK_NS);
    over = g->over;
    uv_mutex_unlock(&g->lock);
    if (!over)
        loop_call(g->loop, stop_all, g);
    mem_free(g->calls);
    g->calls = NULL;
    g->count = 0;
}

struct gatherer *gatherer_new(const struct http_identity *id)
{
    struct gatherer *g = mem_zero(1, sizeof *g);

    g->id = id;
    uv_mutex_init(&g->lock);
    uv_cond_init(&g->change);
    g->loop = loop_new("gather");
    loop_start(g->loop);
    loop_call(g->loop, begin, g);
    return g;
}

static void end(void *arg)
{
    struct gatherer *g = arg;

    http_client_free(g->client);
    loop_quit(g->loop);
}

void gatherer_free(struct gatherer *g)
{
    if (!g)
        return;
    loop_call(g->loop, end, g);
    loop_free(g->loop);
    uv_cond_destroy(&g->change);
    uv_mutex_destroy(&g->lock);
    mem_free(g);
}
