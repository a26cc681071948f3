#include "svc/guest_priv.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/loop.h"
#include "svc/ident.h"
#include "svc/json_text.h"
#include "svc/links.h"
#include "svc/serve.h"
#include "svc/web_page.h"

#include <stdlib.h>
#include <string.h>

#define THREADS  2
#define ADDR_MAX 8 /* URLs told */

/* ---- requests ---- */

/* "/get/TOKEN/HASH/NAME": what, and the rest behind the word. */
static bool is_content(const char *path, enum guest_what *what, const char **rest)
{
    static const struct {
        const char *word;
        enum guest_what what;
    } words[] = {
        {"/get/", GUEST_GET}, {"/view/", GUEST_VIEW}, {"/zip/", GUEST_ZIP}, {"/tar/", GUEST_TAR}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t len = strlen(words[i].word);

        if (strncmp(path, words[i].word, len) != 0)
            continue;
        *what = words[i].what;
        *rest = path + len - 1;
        return true;
    }
    return false;
}

static bool is_token(struct guest *g, const char *token)
{
    bool same;

    uv_mutex_lock(&g->lock);
    same = g->token[0] && weblink_token_eq(g->token, token);
    uv_mutex_unlock(&g->lock);
    return same;
}

/* The hash that a path ends with, or that a slash follows. */
static bool take_hash(const char *text, struct hash *h)
{
    size_t len = strcspn(text, "/");

    return hash_parse(h, text, len);
}

/* So many searches a second for one address, and some at once. */
static bool may_search(struct guest *g, const struct addr *from)
{
    int64_t now = loop_now_ms();
    struct guest_visitor *v = NULL, *oldest = &g->visitor[0];
    bool may;

    uv_mutex_lock(&g->lock);
    for (size_t i = 0; i < GUEST_VISITORS_MAX; i++) {
        if (addr_same_host(&g->visitor[i].from, from))
            v = &g->visitor[i];
        if (g->visitor[i].at_ms < oldest->at_ms)
            oldest = &g->visitor[i];
    }
    if (!v) {
        v = oldest;
        *v = (struct guest_visitor){
            .from = *from, .milli = GUEST_SEARCHES_BURST * 1000, .at_ms = now};
    }
    v->milli += (now - v->at_ms) * GUEST_SEARCHES_S;
    if (v->milli > GUEST_SEARCHES_BURST * 1000)
        v->milli = GUEST_SEARCHES_BURST * 1000;
    v->at_ms = now;
    may = v->milli >= 1000;
    if (may)
        v->milli -= 1000;
    uv_mutex_unlock(&g->lock);
    return may;
}

static void say_hello(struct guest *g, struct http_request *rq)
{
    json_t *o = json_pack("{so}", "name", json_text(g->conf.ident->name));
    char *text = json_dumps(o, JSON_COMPACT);

    http_reply(rq, 200, "application/json", text, strlen(text));
    free(text);
    json_decref(o);
}

static void refuse(struct http_request *rq, unsigned status, const char *why)
{
    web_page_headers(rq);
    http_reply_text(rq, status, "%s", why);
}

/* /v1/...: with the token in a header. */
static void ask(struct guest *g, struct http_request *rq, const char *path)
{
    static const char inside[] = "/v1/look/";
    char token[WEBLINK_TOKEN_LEN + 1];
    struct hash h;

    if (!web_page_bearer(rq, token) || !is_token(g, token)) {
        refuse(rq, 401, "this page has ended");
    } else if (!strcmp(path, "/v1/guest")) {
        web_page_headers(rq);
        say_hello(g, rq);
    } else if (!strcmp(path, "/v1/search")) {
        if (!http_get_ctx(rq) && !may_search(g, http_from(rq))) {
            refuse(rq, 429, "too many searches at once");
            return;
        }
        g->api(g->api_ctx, rq);
    } else if (!strncmp(path, inside, sizeof inside - 1) &&
               take_hash(path + sizeof inside - 1, &h)) {
        guest_job_run(g, rq, GUEST_LOOK, &h);
    } else {
        refuse(rq, 404, "nothing here");
    }
}

static void handle(void *ctx, struct http_request *rq)
{
    const char *path = http_path(rq), *method = http_method(rq), *host = http_header(rq, "Host");
    char token[WEBLINK_TOKEN_LEN + 1];
    struct guest *g = ctx;
    enum guest_what what;
    const char *rest;
    struct hash h;

    if (!host || !weblink_host_ok(host, g->own_name)) {
        refuse(rq, 421, "not under this name");
    } else if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        http_reply_header(rq, "Allow", "GET, HEAD");
        refuse(rq, 405, "guests can only read");
    } else if (is_content(path, &what, &rest)) {
        if (!web_page_same_origin(rq))
            refuse(rq, 403, "not from another page");
        else if (!weblink_split(rest, token, &rest) || !is_token(g, token) || !take_hash(rest, &h))
            refuse(rq, 404, "nothing here");
        else
            guest_job_run(g, rq, what, &h);
    } else if (!strncmp(path, "/v1/", 4)) {
        if (web_page_same_origin(rq))
            ask(g, rq, path);
        else
            refuse(rq, 403, "not from another page");
    } else {
        web_page_headers(rq);
        web_page_file(rq, strcmp(path, "/") != 0 ? path : "/guest");
    }
}

/* ---- opening and shutting ---- */

static json_t *urls(struct guest *g, uint16_t port)
{
    struct addr at[ADDR_MAX];
    size_t n = links_own_addrs(at, ADDR_MAX);
    json_t *list = json_array();
    char text[ADDR_TEXT_MAX];

    for (size_t i = 0; i < n; i++) {
        struct buf url = {0};

        at[i].port = port;
        buf_printf(&url, "http://%s/guest#%s", addr_text(&at[i], text), g->token);
        json_array_append_new(list, json_string(url.data));
        buf_free(&url);
    }
    return list;
}

/* Under g->open. */
static int open_page(struct guest *g, json_t **answer, struct err *e)
{
    struct http_server *server;
    uint16_t port;

    if (g->stopped)
        return err_set(e, ERR_NO_SERVICE, "the service ends");
    if (g->server) {
        err_set(e, ERR_EXISTS, "the page for guests is open already");
        err_hint(e, "iwanto web --stop ends it");
        return -ERR_EXISTS;
    }
    server = http_server_plain(HTTP_ANYWHERE, g->conf.port, &port, THREADS, handle, g, e);
    if (!server)
        return -e->code;
    g->server = server;
    uv_mutex_lock(&g->lock);
    plain_token(g->token);
    *answer = json_pack("{ss so so sb}", "event", "guest", "urls", urls(g, port), "network",
                        json_text(g->conf.ident->network), "open", g->conf.ident->open);
    uv_mutex_unlock(&g->lock);
    log_info("guest", "open port=%u", port);
    return 0;
}

int guest_open(struct guest *g, void (*ended)(void *ctx), void *ctx, json_t **answer, struct err *e)
{
    int bad;

    uv_mutex_lock(&g->open);
    bad = open_page(g, answer, e);
    if (!bad) {
        uv_mutex_lock(&g->lock);
        g->ended = ended;
        g->ended_ctx = ctx;
        uv_mutex_unlock(&g->lock);
    }
    uv_mutex_unlock(&g->open);
    return bad;
}

/* Under g->open. */
static bool shut(struct guest *g, const void *mine)
{
    struct http_server *server;
    bool is_mine;

    uv_mutex_lock(&g->lock);
    is_mine = !mine || g->ended_ctx == mine;
    if (is_mine && !mine && g->ended)
        g->ended(g->ended_ctx);
    if (is_mine) {
        g->ended = NULL;
        g->ended_ctx = NULL;
        g->token[0] = '\0';
    }
    uv_mutex_unlock(&g->lock);
    if (!is_mine || !g->server)
        return false;
    server = g->server;
    http_server_free(server);
    guest_jobs_join(g);
    g->server = NULL;
    log_info("guest", "shut");
    return true;
}

bool guest_shut(struct guest *g, const void *mine)
{
    bool was;

    uv_mutex_lock(&g->open);
    was = shut(g, mine);
    uv_mutex_unlock(&g->open);
    return was;
}

void guest_stop(struct guest *g)
{
    uv_mutex_lock(&g->open);
    g->stopped = true;
    (void)shut(g, NULL);
    uv_mutex_unlock(&g->open);
}

void guest_api(struct guest *g, http_handler *api, void *ctx)
{
    g->api = api;
    g->api_ctx = ctx;
}

struct guest *guest_new(const struct guest_conf *conf)
{
    struct guest *g = mem_zero(1, sizeof *g);

    g->conf = *conf;
    g->conf.db_path = g->db_path = mem_str(conf->db_path);
    plain_own_name(g->own_name);
    uv_mutex_init(&g->open);
    uv_mutex_init(&g->lock);
    return g;
}

void guest_free(struct guest *g)
{
    if (!g)
        return;
    guest_stop(g);
    uv_mutex_destroy(&g->lock);
    uv_mutex_destroy(&g->open);
    mem_free(g->db_path);
    mem_free(g);
}
