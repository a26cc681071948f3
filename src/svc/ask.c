#include "svc/ask.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/http_client.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#define ANSWER_MAX (4u << 20) /* bytes of JSON */
#define AGAIN_MS   100        /* after a failure, or while the one that we ask does not lead yet */
#define CONNECT_MS 300        /* of the first try; doubled with each, up to 8 times */
#define TRY_MS     600        /* likewise */

struct question {
    struct ask *ask;
    char *path;
    int64_t deadline_ms, again_ms; /* again INT64_MAX: when a leader appears, or the answer comes */
    struct http_call *call;
    unsigned tries;
    bool timed_out;    /* the last try was heard, but not answered in time */
    char trouble[256]; /* why the last try failed, or "" */
    void (*done)(void *ctx, const struct ask_reply *r);
    void *ctx;
    struct wait *wait; /* or this: who waits gets the reply, JSON and all */
    struct question *prev, *next;
};

struct wait {
    uv_sem_t over;
    struct ask_reply r;
};

struct ask {
    const struct ident *ident;
    struct desk *desk;
    struct loop *loop; /* desk's; all below is its thread's, but for the line with a lock */
    struct http_client *http;
    uv_timer_t timer;
    struct question *questions;
    bool has_leader, self;
    struct elect_peer leader;

    uv_mutex_t lock;
    bool self_now; /* as self, for ask_wait */
};

/* ---- the end of a question ---- */

static void end(struct question *q, struct ask_reply *r)
{
    struct ask *a = q->ask;

    if (q->call)
        http_cancel(q->call);
    DL_DELETE(a->questions, q);
    r->self = a->self && r->status;
    if (r->status && a->has_leader)
        r->from = a->leader;
    if (q->wait) {
        q->wait->r = *r;
        uv_sem_post(&q->wait->over); /* from here on it may be gone */
    } else {
        q->done(q->ctx, r);
        json_decref(r->json);
    }
    mem_free(q->path);
    mem_free(q);
}

static void end_failed(struct question *q, enum err_code code, const char *why)
{
    struct ask_reply r = {0};

    if (*q->trouble)
        err_set(&r.err, code, "%s: %s", why, q->trouble);
    else
        err_set(&r.err, code, "%s", why);
    end(q, &r);
}

static void give_up(struct question *q)
{
    if (q->timed_out)
        end_failed(q, ERR_TIMEOUT, "the leader does not answer in time");
    else if (q->ask->has_leader)
        end_failed(q, ERR_NO_PEER, "the leader does not answer");
    else
        end_failed(q, ERR_NO_PEER, "there is no leader on this network yet");
}

json_t *ask_take(const struct ask_reply *r)
{
    struct ask_reply *own = (struct ask_reply *)(uintptr_t)r; /* end()'s, which is not const */
    json_t *json = own->json;

    own->json = NULL;
    return json;
}

/* ---- asking ---- */

static void again(struct question *q)
{
    q->again_ms = loop_now_ms() + AGAIN_MS;
}

/* Is this what a leader says about the question, and not about itself? */
static bool is_final(long status)
{
    return status == 200 || status == 400 || status == 404 || status == 409;
}

static void take_answer(struct question *q, const struct http_answer *a, const struct buf *body)
{
    struct ask_reply r = {.status = (unsigned)a->status};
    json_error_t why;

    q->timed_out = a->timed_out;
    if (is_final(a->status) && !a->err.code) {
        r.json = json_loadb(buf_cstr(body), body->len, JSON_REJECT_DUPLICATES, &why);
        if (json_is_object(r.json)) {
            end(q, &r);
            return;
        }
        json_decref(r.json);
        str_copy(q->trouble, sizeof q->trouble, "its answer is no JSON object");
    } else if (a->err.code) {
        str_copy(q->trouble, sizeof q->trouble, a->err.text);
    } else {
        snprintf(q->trouble, sizeof q->trouble, "status %ld", a->status);
    }
    again(q);
}

static void schedule(struct ask *a);

static void on_answer(void *ctx, const struct http_answer *answer, const struct buf *body)
{
    struct question *q = ctx;
    struct ask *a = q->ask;

    q->call = NULL;
    take_answer(q, answer, body);
    schedule(a);
}

static void ask_other(struct question *q)
{
    struct ask *a = q->ask;
    int64_t left = q->deadline_ms - loop_now_ms();
    unsigned grown = q->tries < 3 ? q->tries : 3;
    struct http_ask h = {.addr = a->leader.addr,
                         .path = q->path,
                         .max = ANSWER_MAX,
                         .connect_ms = CONNECT_MS << grown,
                         .total_ms = TRY_MS << grown,
                         .done = on_answer,
                         .ctx = q};

    if (left < (int64_t)h.total_ms)
        h.total_ms = left > 1 ? (unsigned)left : 1;
    memcpy(h.pin, a->leader.pub, sizeof h.pin);
    q->tries++;
    q->again_ms = INT64_MAX;
    q->call = http_start(a->http, &h);
}

static void ask_own(struct question *q)
{
    struct ask_reply r = {0};

    r.json = desk_answer(q->ask->desk, q->path, &r.status);
    if (r.status != 503) {
        end(q, &r);
        return;
    }
    json_decref(r.json); /* the desk has not heard yet that we lead */
    again(q);
}

/* Now, if there is someone to ask. May end the question. */
static void ask_now(struct question *q)
{
    struct ask *a = q->ask;

    q->again_ms = INT64_MAX;
    if (!a->has_leader)
        return;
    if (a->self)
        ask_own(q);
    else if (a->leader.addr.family)
        ask_other(q);
}

static void on_timer(uv_timer_t *t)
{
    struct ask *a = t->data;
    struct question *q, *next;
    int64_t now = loop_now_ms();

    for (q = a->questions; q; q = next) {
        next = q->next;
        if (q->deadline_ms <= now)
            give_up(q);
        else if (q->again_ms <= now)
            ask_now(q);
    }
    schedule(a);
}

static void schedule(struct ask *a)
{
    int64_t due = INT64_MAX, now = loop_now_ms();

    for (const struct question *q = a->questions; q; q = q->next) {
        due = q->deadline_ms < due ? q->deadline_ms : due;
        due = q->again_ms < due ? q->again_ms : due;
    }
    if (due == INT64_MAX)
        uv_timer_stop(&a->timer);
    else
        uv_timer_start(&a->timer, on_timer, due > now ? (uint64_t)(due - now) : 0, 0);
}

/* ---- from other threads ---- */

static void begin(void *arg)
{
    struct question *q = arg;
    struct ask *a = q->ask;

    DL_APPEND(a->questions, q);
    ask_now(q);
    schedule(a);
}

static void start(struct ask *a, const char *path_and_query, unsigned timeout_ms,
                  struct question how)
{
    struct question *q = mem_zero(1, sizeof *q);
    bool taken;

    *q = how;
    q->ask = a;
    q->path = mem_str(path_and_query);
    q->deadline_ms = loop_now_ms() + timeout_ms;
    q->again_ms = INT64_MAX;
    taken = loop_post(a->loop, begin, q);
    assert(taken && "asked after the desk has ended");
    (void)taken;
}

void ask_start(struct ask *a, const char *path_and_query, unsigned timeout_ms,
               void (*done)(void *ctx, const struct ask_reply *r), void *ctx)
{
    start(a, path_and_query, timeout_ms, (struct question){.done = done, .ctx = ctx});
}

struct new_leader {
    struct ask *ask;
    bool has, self;
    struct elect_peer peer;
};

static void change_leader(void *arg)
{
    struct new_leader *n = arg;
    struct ask *a = n->ask;
    bool same = a->has_leader && n->has && a->self == n->self &&
                nid_eq(&a->leader.nid, &n->peer.nid) && addr_eq(&a->leader.addr, &n->peer.addr);
    struct question *q, *next;

    a->has_leader = n->has;
    a->self = n->self;
    a->leader = n->peer;
    mem_free(n);
    for (q = a->questions; q; q = next) {
        next = q->next;
        if (same && q->call)
            continue;
        if (q->call)
            http_cancel(q->call);
        q->call = NULL;
        q->tries = 0;
        ask_now(q);
    }
    schedule(a);
}

void ask_leader(struct ask *a, const struct elect_peer *leader, bool self)
{
    struct new_leader *n = mem_zero(1, sizeof *n);

    n->ask = a;
    n->has = leader != NULL;
    n->self = leader && self;
    if (leader)
        n->peer = *leader;
    uv_mutex_lock(&a->lock);
    a->self_now = n->self;
    uv_mutex_unlock(&a->lock);
    if (!loop_post(a->loop, change_leader, n))
        mem_free(n);
}

int ask_wait(struct ask *a, const char *path_and_query, unsigned timeout_ms, unsigned *status,
             json_t **json, struct err *e)
{
    struct wait w = {0};
    bool self;

    uv_mutex_lock(&a->lock);
    self = a->self_now;
    uv_mutex_unlock(&a->lock);
    if (self) {
        *json = desk_answer(a->desk, path_and_query, status);
        if (*status != 503)
            return 0;
        json_decref(*json);
    }
    *json = NULL;
    *status = 0;
    uv_sem_init(&w.over, 0);
    start(a, path_and_query, timeout_ms, (struct question){.wait = &w});
    uv_sem_wait(&w.over);
    uv_sem_destroy(&w.over);
    if (!w.r.status) {
        *e = w.r.err;
        return -e->code;
    }
    *status = w.r.status;
    *json = w.r.json;
    return 0;
}

/* ---- begin and end ---- */

static void open_on_loop(void *arg)
{
    struct ask *a = arg;

    uv_timer_init(loop_uv(a->loop), &a->timer);
    a->timer.data = a;
    a->http = http_client_new(a->loop, &a->ident->tls);
}

struct ask *ask_new(const struct ident *ident, struct desk *desk)
{
    struct ask *a = mem_zero(1, sizeof *a);

    a->ident = ident;
    a->desk = desk;
    a->loop = desk_loop(desk);
    uv_mutex_init(&a->lock);
    loop_call(a->loop, open_on_loop, a);
    return a;
}

static void on_closed(uv_handle_t *h)
{
    struct ask *a = h->data;

    uv_mutex_destroy(&a->lock);
    mem_free(a);
}

static void close_on_loop(void *arg)
{
    struct ask *a = arg;

    while (a->questions)
        end_failed(a->questions, ERR_NO_PEER, "the service is stopping");
    http_client_free(a->http);
    uv_close((uv_handle_t *)&a->timer, on_closed);
}

void ask_free(struct ask *a)
{
    if (a)
        loop_call(a->loop, close_on_loop, a);
}
