/* libcurl's multi handle on a libuv loop: libcurl says which sockets and which timer to watch, the
 * loop says when they are due. libcurl must not be entered from its own callbacks, so what data()
 * starts or cancels is done when it has returned. */
#include "io/http_client_priv.h"

#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <string.h>

#define CONNECTIONS_KEPT 128L

struct watch { /* one socket */
    uv_poll_t poll;
    struct http_client *client;
    curl_socket_t fd;
};

static void check_finished(struct http_client *c);
static void settle(struct http_client *c);

void http_client_setup(void)
{
    CURLcode rc = curl_global_init(CURL_GLOBAL_ALL);

    assert(rc == CURLE_OK && "libcurl cannot start");
    (void)rc;
}

/* ---- sockets and timers ---- */

static void after_curl(struct http_client *c)
{
    settle(c);
    check_finished(c);
    settle(c);
}

static void act(struct http_client *c, curl_socket_t fd, int flags)
{
    int running;

    c->inside = true;
    curl_multi_socket_action(c->multi, fd, flags, &running);
    c->inside = false;
    after_curl(c);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *w = poll->data;
    int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
                (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0) | (status ? CURL_CSELECT_ERR : 0);

    act(w->client, w->fd, flags);
}

static void free_handle(uv_handle_t *h)
{
    mem_free(h->data);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct http_client *c = ctx;
    struct watch *w = socket_ctx;
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w) {
            uv_poll_stop(&w->poll);
            uv_close((uv_handle_t *)&w->poll, free_handle);
            curl_multi_assign(c->multi, fd, NULL);
        }
        return 0;
    }
    if (!w) {
        w = mem_zero(1, sizeof *w);
        w->client = c;
        w->fd = fd;
        if (uv_poll_init_socket(c->uv, &w->poll, fd)) {
            log_error("http", "cannot watch a socket");
            mem_free(w);
            return -1;
        }
        w->poll.data = w;
        curl_multi_assign(c->multi, fd, w);
    }
    return uv_poll_start(&w->poll, events, on_poll) ? -1 : 0;
}

static void on_curl_timer(uv_timer_t *t)
{
    act(t->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer_wish(CURLM *multi, long ms, void *ctx)
{
    struct http_client *c = ctx;

    (void)multi;
    if (ms < 0) {
        uv_timer_stop(c->curl_timer);
        return 0;
    }
    /* Never early: libcurl would find nothing due, and not ask for a timer again. */
    uv_update_time(c->uv);
    uv_timer_start(c->curl_timer, on_curl_timer, ms ? (uint64_t)ms + 1 : 0, 0);
    return 0;
}

/* ---- the life of a call ---- */

static CURL *take_easy(struct http_client *c)
{
    CURL *easy = c->pooled ? c->pool[--c->pooled] : curl_easy_init();

    assert(easy && "libcurl has no memory");
    return easy;
}

static void free_call(struct http_call *call)
{
    struct http_client *c = call->client;

    if (call->prev)
        call->prev->next = call->next;
    else
        c->calls = call->next;
    if (call->next)
        call->next->prev = call->prev;
    curl_easy_reset(call->easy);
    if (c->pooled < HTTP_POOL_MAX)
        c->pool[c->pooled++] = call->easy;
    else
        curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    curl_slist_free_all(call->connect_to);
    buf_free(&call->body);
    mem_free(call);
}

static void finish(struct http_call *call, CURLcode rc, bool stalled)
{
    struct http_client *c = call->client;
    struct http_answer a;

    http_call_result(call, rc, stalled, &a);
    c->inside = true;
    curl_multi_remove_handle(c->multi, call->easy);
    c->inside = false;
    call->stage = CALL_DEAD; /* from now on nobody else ends it */
    c->telling++;
    if (call->done)
        call->done(call->ctx, &a, &call->body);
    c->telling--;
    free_call(call);
}

static void check_finished(struct http_client *c)
{
    CURLMsg *msg;
    int left;

    while ((msg = curl_multi_info_read(c->multi, &left))) {
        struct http_call *call = NULL;

        if (msg->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &call);
        finish(call, msg->data.result, false);
    }
}

static void on_stall_timer(uv_timer_t *t);

static void arm_stall_timer(struct http_client *c, int64_t due_ms)
{
    int64_t now = loop_now_ms();

    if (due_ms >= c->stall_due_ms)
        return;
    c->stall_due_ms = due_ms;
    uv_update_time(c->uv);
    uv_timer_start(c->stall_timer, on_stall_timer, due_ms > now ? (uint64_t)(due_ms - now) : 1, 0);
}

/* End the first call that stalled; its done() may change the list, so begin again after it. */
static bool end_one_stalled(struct http_client *c, int64_t now)
{
    for (struct http_call *call = c->calls; call; call = call->next)
        if (call->stage == CALL_RUNNING && call->last_ms + call->stall_ms <= now) {
            finish(call, CURLE_OPERATION_TIMEDOUT, true);
            return true;
        }
    return false;
}

static void on_stall_timer(uv_timer_t *t)
{
    struct http_client *c = t->data;
    int64_t now = loop_now_ms();

    c->stall_due_ms = INT64_MAX;
    while (end_one_stalled(c, now))
        ;
    settle(c);
    for (struct http_call *call = c->calls; call; call = call->next)
        arm_stall_timer(c, call->last_ms + call->stall_ms);
}

static void run_call(struct http_call *call)
{
    struct http_client *c = call->client;

    call->stage = CALL_RUNNING;
    call->last_ms = loop_now_ms();
    c->inside = true;
    curl_multi_add_handle(c->multi, call->easy); /* asks for a timer; begins when that fires */
    c->inside = false;
    arm_stall_timer(c, call->last_ms + call->stall_ms);
}

static void drop_call(struct http_call *call)
{
    struct http_client *c = call->client;

    c->inside = true;
    curl_multi_remove_handle(c->multi, call->easy); /* harmless when it was never added */
    c->inside = false;
    free_call(call);
}

/* What was put off while libcurl was on the stack. */
static void settle(struct http_client *c)
{
    struct http_call *call, *next;

    if (c->inside || !c->later)
        return;
    c->later = false;
    for (call = c->calls; call; call = next) {
        next = call->next;
        if (call->stage == CALL_DEAD)
            drop_call(call);
        else if (call->stage == CALL_NEW)
            run_call(call);
    }
}

struct http_call *http_start(struct http_client *c, const struct http_ask *ask)
{
    struct http_call *call = mem_zero(1, sizeof *call);

    call->client = c;
    call->easy = take_easy(c);
    http_call_setup(call, ask);
    call->next = c->calls;
    if (call->next)
        call->next->prev = call;
    c->calls = call;
    if (c->inside)
        c->later = true;
    else
        run_call(call);
    return call;
}

void http_cancel(struct http_call *call)
{
    if (!call->client->inside) {
        drop_call(call);
        return;
    }
    call->stage = CALL_DEAD;
    call->client->later = true;
}

/* ---- the client ---- */

static uv_timer_t *new_timer(struct http_client *c)
{
    uv_timer_t *t = mem_zero(1, sizeof *t);

    uv_timer_init(c->uv, t);
    t->data = c;
    return t;
}

static void free_timer(uv_timer_t *t)
{
    uv_timer_stop(t);
    t->data = t;
    uv_close((uv_handle_t *)t, free_handle);
}

struct http_client *http_client_new(struct loop *l, const struct http_identity *id)
{
    struct http_client *c = mem_zero(1, sizeof *c);

    c->uv = loop_uv(l);
    c->ca_file = mem_str(id->ca_file);
    c->cert_file = mem_str(id->cert_file);
    c->key_file = mem_str(id->key_file);
    c->server_name = mem_str(id->server_name);
    c->curl_timer = new_timer(c);
    c->stall_timer = new_timer(c);
    c->stall_due_ms = INT64_MAX;
    c->multi = curl_multi_init();
    assert(c->multi && "libcurl has no memory");
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer_wish);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
    return c;
}

void http_client_free(struct http_client *c)
{
    if (!c)
        return;
    assert(!c->inside && !c->telling && "not from data() or done()");
    while (c->calls)
        drop_call(c->calls);
    while (c->pooled)
        curl_easy_cleanup(c->pool[--c->pooled]);
    curl_multi_cleanup(c->multi);
    free_timer(c->curl_timer);
    free_timer(c->stall_timer);
    mem_free(c->ca_file);
    mem_free(c->cert_file);
    mem_free(c->key_file);
    mem_free(c->server_name);
    mem_free(c);
}
