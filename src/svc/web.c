#include "svc/web.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/weblink.h"
#include "io/loop.h"
#include "svc/plain.h"
#include "svc/play.h"
#include "svc/web_page.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#define THREADS 2

struct ticket {
    char token[WEBLINK_TOKEN_LEN + 1];
    int64_t end_ms;
};

struct web {
    struct web_conf conf;
    http_handler *api;
    void *api_ctx;
    uv_mutex_t open; /* opening and shutting, one at a time; taken before lock */
    struct http_server *server;
    bool stopped;
    uv_mutex_t lock; /* everything below */
    uint16_t port;
    struct ticket ticket[WEB_TICKETS_MAX];
    char session[WEB_SESSIONS_MAX][WEBLINK_TOKEN_LEN + 1]; /* the newest first; "": none */
};

/* ---- tickets and sessions ---- */

/* A ticket is good once. */
static bool use_ticket(struct web *w, const char *token)
{
    int64_t now = loop_now_ms();
    bool good = false;

    uv_mutex_lock(&w->lock);
    for (size_t i = 0; i < WEB_TICKETS_MAX; i++) {
        struct ticket *t = &w->ticket[i];

        if (t->end_ms > now && weblink_token_eq(t->token, token)) {
            good = true;
            t->end_ms = 0;
        }
    }
    uv_mutex_unlock(&w->lock);
    return good;
}

/* Over that which ends first. Locked. */
static void put_ticket(struct web *w, char token[WEBLINK_TOKEN_LEN + 1])
{
    struct ticket *to = &w->ticket[0];

    for (size_t i = 1; i < WEB_TICKETS_MAX; i++)
        if (w->ticket[i].end_ms < to->end_ms)
            to = &w->ticket[i];
    plain_token(token);
    memcpy(to->token, token, sizeof to->token);
    to->end_ms = loop_now_ms() + WEB_TICKET_S * 1000;
}

/* The oldest gives way. */
static void new_session(struct web *w, char token[WEBLINK_TOKEN_LEN + 1])
{
    plain_token(token);
    uv_mutex_lock(&w->lock);
    memmove(w->session[1], w->session[0], sizeof w->session - sizeof w->session[0]);
    memcpy(w->session[0], token, sizeof w->session[0]);
    uv_mutex_unlock(&w->lock);
}

static bool has_session(struct web *w, const struct http_request *rq)
{
    char token[WEBLINK_TOKEN_LEN + 1];
    bool good = false;

    if (!web_page_bearer(rq, token))
        return false;
    uv_mutex_lock(&w->lock);
    for (size_t i = 0; i < WEB_SESSIONS_MAX; i++)
        good |= w->session[i][0] && weblink_token_eq(w->session[i], token);
    uv_mutex_unlock(&w->lock);
    return good;
}

/* ---- requests ---- */

/* POST /session with the ticket as body: a token of the session. */
static void begin_session(struct web *w, struct http_request *rq)
{
    char path[WEBLINK_TOKEN_LEN + 3], token[WEBLINK_TOKEN_LEN + 1], answer[64];
    const char *body, *rest;
    size_t len;

    body = http_body(rq, &len);
    snprintf(path, sizeof path, "/%.*s/", WEBLINK_TOKEN_LEN, len == WEBLINK_TOKEN_LEN ? body : "");
    if (!weblink_split(path, token, &rest) || !use_ticket(w, token)) {
        http_reply_text(rq, 403, "this link was used before, or is too old");
        return;
    }
    new_session(w, token);
    snprintf(answer, sizeof answer, "{\"token\":\"%s\"}", token);
    http_reply(rq, 200, "application/json", answer, strlen(answer));
}

/* Only under an address that no other site can be given, and with the port of ours. */
static bool is_our_host(struct web *w, const char *host)
{
    char own[32];
    uint16_t port;

    if (!host)
        return false;
    uv_mutex_lock(&w->lock);
    port = w->port;
    uv_mutex_unlock(&w->lock);
    snprintf(own, sizeof own, "127.0.0.1:%u", (unsigned)port);
    if (!strcasecmp(host, own))
        return true;
    snprintf(own, sizeof own, "localhost:%u", (unsigned)port);
    return !strcasecmp(host, own);
}

static void handle(void *ctx, struct http_request *rq)
{
    const char *path = http_path(rq), *method = http_method(rq), *rest;
    char token[WEBLINK_TOKEN_LEN + 1];
    bool post = !strcmp(method, "POST"), content = !post && weblink_split(path, token, &rest);
    struct web *w = ctx;

    if (!content) /* which has its own, stricter ones */
        web_page_headers(rq);
    if (!is_our_host(w, http_header(rq, "Host"))) {
        http_reply_text(rq, 421, "not under this name");
        return;
    }
    if (!post && strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        http_reply_header(rq, "Allow", "GET, HEAD, POST");
        http_reply_text(rq, 405, "no such method here");
        return;
    }
    if ((post || content || !strncmp(path, "/v1/", 4)) && !web_page_same_origin(rq)) {
        http_reply_text(rq, 403, "not from another page");
        return;
    }
    if (!content && !strncmp(path, "/v1/", 4)) {
        if (has_session(w, rq))
            w->api(w->api_ctx, rq);
        else
            http_reply_text(rq, 401, "this page has ended: iwanto web opens a new one");
    } else if (post) {
        if (!strcmp(path, "/session"))
            begin_session(w, rq);
        else
            http_reply_text(rq, 404, "nothing here");
    } else if (content) {
        play_request(w->conf.play, rq);
    } else {
        web_page_file(rq, path);
    }
}

/* ---- its life ---- */

/* Under w->open. */
static int listen_here(struct web *w, struct err *e)
{
    struct http_server *server;
    uint16_t port;

    if (w->server)
        return 0;
    if (w->stopped)
        return err_set(e, ERR_NO_SERVICE, "the service ends");
    uv_mutex_lock(&w->lock); /* the first request waits for the port */
    server = http_server_plain(HTTP_HERE, w->conf.port, &port, THREADS, handle, w, e);
    w->port = port;
    uv_mutex_unlock(&w->lock);
    if (!server)
        return -e->code;
    w->server = server;
    log_info("web", "open port=%u", port);
    return 0;
}

int web_open(struct web *w, struct buf *url, struct err *e)
{
    char token[WEBLINK_TOKEN_LEN + 1];
    int bad;

    uv_mutex_lock(&w->open);
    bad = listen_here(w, e);
    if (!bad) {
        uv_mutex_lock(&w->lock);
        put_ticket(w, token);
        buf_printf(url, "http://127.0.0.1:%u/#%s", (unsigned)w->port, token);
        uv_mutex_unlock(&w->lock);
    }
    uv_mutex_unlock(&w->open);
    return bad;
}

/* Under w->open. */
static unsigned shut(struct web *w)
{
    struct http_server *server = w->server;
    unsigned n = 0;

    uv_mutex_lock(&w->lock);
    for (size_t i = 0; i < WEB_SESSIONS_MAX; i++)
        n += w->session[i][0] != '\0';
    memset(w->session, 0, sizeof w->session);
    memset(w->ticket, 0, sizeof w->ticket);
    uv_mutex_unlock(&w->lock);
    w->server = NULL;
    http_server_free(server); /* not under the lock: its handlers take it */
    if (server)
        log_info("web", "shut");
    return n;
}

unsigned web_shut(struct web *w)
{
    unsigned n;

    uv_mutex_lock(&w->open);
    n = shut(w);
    uv_mutex_unlock(&w->open);
    return n;
}

void web_stop(struct web *w)
{
    uv_mutex_lock(&w->open);
    w->stopped = true;
    (void)shut(w);
    uv_mutex_unlock(&w->open);
}

void web_api(struct web *w, http_handler *api, void *ctx)
{
    w->api = api;
    w->api_ctx = ctx;
}

struct web *web_new(const struct web_conf *conf)
{
    struct web *w = mem_zero(1, sizeof *w);

    w->conf = *conf;
    uv_mutex_init(&w->open);
    uv_mutex_init(&w->lock);
    return w;
}

void web_free(struct web *w)
{
    if (!w)
        return;
    web_stop(w);
    uv_mutex_destroy(&w->lock);
    uv_mutex_destroy(&w->open);
    mem_free(w);
}
