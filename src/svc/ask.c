#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "svc/ask_priv.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#define AGAIN_MS    100 /* after a failure, or while the one that we ask does not lead yet */
#define CONNECT_MS  300 /* of the first try; doubled with each, up to 8 times */
#define TRY_MS      600 /* likewise */
#define KNOWN       "/v1/known?"
#define HEDGE_MIN   60   /* ms without an answer until a stand-by is asked ... */
#define HEDGE_MAX   100  /* ... or twice what nearly all answers take, but no longer than this */
#define HEDGE_ORDER 1000 /* who fetches wants the leader's word: only it directs a swarm */

struct wait {
    uv_sem_t over;
    struct ask_reply r;
};

/* ---- the end of a question ---- */

static void drop_calls(struct question *q)
{
    for (size_t i = 0; i < ASK_LANES; i++) {
        if (q->lane[i].call)
            http_cancel(q->lane[i].call);
        q->lane[i].call = NULL;
    }
}

static bool has_call(const struct question *q)
{
    for (size_t i = 0; i < ASK_LANES; i++)
        if (q->lane[i].call)
            return true;
    return false;
}

/* r says who answered. */
static void end(struct question *q, struct ask_reply *r)
{
    struct ask *a = q->ask;

    drop_calls(q);
    DL_DELETE2(a->questions, q, prev, next_q);
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

/* Twice what all but the slowest of the leader's last answers took. */
static int64_t hedge_ms(const struct question *q)
{
    const struct ask *a = q->ask;
    size_t count = a->took < ASK_TIMES ? a->took : ASK_TIMES;
    unsigned most = 0, second = 0;

    if (strstr(q->path, "?fetch="))
        return HEDGE_ORDER;
    for (size_t i = 0; i < count; i++) {
        if (a->took_ms[i] >= most) {
            second = most;
            most = a->took_ms[i];
        } else if (a->took_ms[i] > second) {
            second = a->took_ms[i];
        }
    }
    if (2 * second < HEDGE_MIN)
        return HEDGE_MIN;
    return 2 * second < HEDGE_MAX ? 2 * second : HEDGE_MAX;
}

/* What stands behind its '?' may be long, and travels as the body. */
static bool is_known(const char *path)
{
    return !strncmp(path, KNOWN, strlen(KNOWN));
}

/* Those who stand by have no answer to other ones. */
static bool may_hedge(const struct question *q)
{
    return !strncmp(q->path, "/v1/search", 10) || is_known(q->path) ||
           !strncmp(q->path, "/v1/holders/", 12) || !strncmp(q->path, "/v1/resolve/", 12);
}

/* true: the question is over. */
static bool take_answer(struct question *q, const struct ask_lane *lane,
                        const struct http_answer *a, const struct buf *body)
{
    struct ask_reply r = {.status = (unsigned)a->status, .from = lane->to};
    bool leader = lane == q->lane;
    json_error_t why;

    if (is_final(a->status) && !a->err.code) {
        r.json = json_loadb(buf_cstr(body), body->len, JSON_REJECT_DUPLICATES, &why);
        if (json_is_object(r.json)) {
            if (leader)
                q->ask->took_ms[q->ask->took++ % ASK_TIMES] =
                    (unsigned)(loop_now_ms() - lane->begun_ms);
            end(q, &r);
            return true;
        }
        json_decref(r.json);
    }
    if (!leader)
        return false; /* what is told of a failure is the leader's */
    q->timed_out = a->timed_out;
    if (a->err.code)
        str_copy(q->trouble, sizeof q->trouble, a->err.text);
    else if (is_final(a->status))
        str_copy(q->trouble, sizeof q->trouble, "its answer is no JSON object");
    else
        snprintf(q->trouble, sizeof q->trouble, "status %ld", a->status);
    again(q);
    return false;
}

static void schedule(struct ask *a);

static void on_answer(void *ctx, const struct http_answer *answer, const struct buf *body)
{
    struct ask_lane *lane = ctx;
    struct question *q = lane->q;
    struct ask *a = q->ask;

    lane->call = NULL;
    if (!take_answer(q, lane, answer, body) && q->hedge_ms != INT64_MAX)
        q->hedge_ms = loop_now_ms(); /* the next one need not wait */
    schedule(a);
}

static void ask_other(struct question *q, struct ask_lane *lane, const struct elect_peer *to)
{
    struct ask *a = q->ask;
    int64_t now = loop_now_ms(), left = q->deadline_ms - now;
    unsigned grown = q->tries < 3 ? q->tries : 3;
    struct http_ask h = {.addr = to->addr,
                         .path = q->path,
                         .max = ASK_ANSWER_MAX,
                         .connect_ms = CONNECT_MS << grown,
                         .total_ms = TRY_MS << grown,
                         .done = on_answer,
                         .ctx = lane};

    if (left < (int64_t)h.total_ms)
        h.total_ms = left > 1 ? (unsigned)left : 1;
    if (is_known(q->path)) {
        h.method = "POST";
        h.path = "/v1/known";
        h.body = q->path + strlen(KNOWN);
        h.body_len = strlen(h.body);
    }
    memcpy(h.pin, to->pub, sizeof h.pin);
    lane->q = q;
    lane->to = *to;
    lane->begun_ms = now;
    lane->call = http_start(a->http, &h);
}

/* true: the own desk had the answer, and the question is over. */
static bool ask_own(struct question *q)
{
    struct ask_reply r = {.self = true};

    r.json = desk_answer(q->ask->desk, q->path, &r.status);
    if (r.status != 503) {
        r.from.nid = q->ask->ident->nid;
        memcpy(r.from.pub, q->ask->ident->key.pub, sizeof r.from.pub);
        end(q, &r);
        return true;
    }
    json_decref(r.json);
    return false;
}

/* The next one who stands by, and when the one after it. true: the question is over. */
static bool ask_standby(struct question *q)
{
    struct ask *a = q->ask;
    unsigned n = q->next++;
    struct ask_standby *s;

    q->hedge_ms = q->next < ASK_LANES ? loop_now_ms() + hedge_ms(q) : INT64_MAX;
    if (!n || n >= ASK_LANES || a->self)
        return false;
    s = &a->standby[n - 1];
    if (s->self)
        return ask_own(q);
    if (s->known && s->peer.addr.family && !q->lane[n].call &&
        !(a->has_leader && nid_eq(&s->peer.nid, &a->leader.nid)))
        ask_other(q, &q->lane[n], &s->peer);
    else if (q->next < ASK_LANES)
        q->hedge_ms = loop_now_ms(); /* nobody there: the next one */
    return false;
}

/* Now, if there is someone to ask. May end the question. */
static void ask_now(struct question *q)
{
    struct ask *a = q->ask;

    q->again_ms = INT64_MAX;
    if (may_hedge(q) && !a->self && q->hedge_ms == INT64_MAX) {
        q->next = 1;
        q->hedge_ms = loop_now_ms() + (a->has_leader ? hedge_ms(q) : 0);
    }
    if (!a->has_leader) {
        if (q->hedge_ms != INT64_MAX)
            again(q); /* those who stand by may have no copy yet, or none any more */
        return;
    }
    if (!a->self && a->leader.addr.family) {
        if (!q->lane[0].call)
            ask_other(q, &q->lane[0], &a->leader);
        q->tries++;
    } else if (a->self && !ask_own(q)) {
        again(q); /* the desk has not heard yet that we lead */
    }
}

static void on_timer(uv_timer_t *t)
{
    struct ask *a = t->data;
    struct question *q, *next;
    int64_t now = loop_now_ms();

    for (q = a->questions; q; q = next) {
        next = q->next_q;
        if (q->deadline_ms <= now)
            give_up(q);
        else if (q->hedge_ms > now || !ask_standby(q))
            if (q->again_ms <= now)
                ask_now(q);
    }
    schedule(a);
}

static void schedule(struct ask *a)
{
    int64_t due = INT64_MAX, now = loop_now_ms();

    for (const struct question *q = a->questions; q; q = q->next_q) {
        due = q->deadline_ms < due ? q->deadline_ms : due;
        due = q->hedge_ms < due ? q->hedge_ms : due;
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

    DL_APPEND2(a->questions, q, prev, next_q);
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
    q->again_ms = q->hedge_ms = INT64_MAX;
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
    if (!same) {
        a->took = 0;
        a->learn_tries = 0;
        ask_learn_end(a);
        ask_learn_begin(a);
    }
    for (q = a->questions; q; q = next) {
        next = q->next_q;
        if (same && has_call(q))
            continue;
        if (q->lane[0].call)
            http_cancel(q->lane[0].call);
        q->lane[0].call = NULL;
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

bool ask_own_desk(struct ask *a, const char *path_and_query, struct ask_reply *r)
{
    bool self;

    *r = (struct ask_reply){0};
    uv_mutex_lock(&a->lock);
    self = a->self_now;
    uv_mutex_unlock(&a->lock);
    if (!self)
        return false;
    r->json = desk_answer(a->desk, path_and_query, &r->status);
    r->self = true;
    if (r->status != 503)
        return true;
    json_decref(r->json); /* the desk has not heard yet that we lead */
    r->json = NULL;
    return false;
}

int ask_wait(struct ask *a, const char *path_and_query, unsigned timeout_ms, unsigned *status,
             json_t **json, struct err *e)
{
    struct wait w = {0};
    struct ask_reply own;

    if (ask_own_desk(a, path_and_query, &own)) {
        *json = own.json;
        *status = own.status;
        return 0;
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
    uv_timer_init(loop_uv(a->loop), &a->learn);
    a->learn.data = a;
    a->open_handles = 2;
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

    if (--a->open_handles)
        return;
    uv_mutex_destroy(&a->lock);
    mem_free(a);
}

static void close_on_loop(void *arg)
{
    struct ask *a = arg;

    while (a->questions)
        end_failed(a->questions, ERR_NO_PEER, "the service is stopping");
    ask_learn_end(a);
    http_client_free(a->http);
    uv_close((uv_handle_t *)&a->timer, on_closed);
    uv_close((uv_handle_t *)&a->learn, on_closed);
}

void ask_free(struct ask *a)
{
    if (a)
        loop_call(a->loop, close_on_loop, a);
}
