#include "svc/control_priv.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "svc/errand.h"
#include "svc/guest.h"
#include "svc/json_text.h"
#include "svc/settings.h"
#include "svc/share.h"
#include "svc/web.h"

#include <stdlib.h>
#include <string.h>

#define THREADS 2 /* those who wait for an answer hold none of them */

void control_wake(void *request)
{
    http_wake(request);
}

void control_reply(struct http_request *rq, json_t *answer)
{
    char *text = json_dumps(answer, JSON_COMPACT);

    json_decref(answer);
    http_reply(rq, 200, "application/json", text, strlen(text));
    free(text);
}

static unsigned status_of(int code)
{
    switch (code) {
    case ERR_NOT_FOUND:
        return 404;
    case ERR_USAGE:
        return 400;
    case ERR_EXISTS:
        return 409;
    case ERR_NO_PEER:
        return 503;
    case ERR_TIMEOUT:
        return 504;
    }
    return 500;
}

void control_reply_err(struct http_request *rq, const struct err *e)
{
    json_t *answer = json_pack("{so so si}", "error", json_text(e->text), "hint",
                               json_text(e->hint), "exit", e->code);
    char *text = json_dumps(answer, JSON_COMPACT);

    json_decref(answer);
    http_reply(rq, status_of(e->code), "application/json", text, strlen(text));
    free(text);
}

/* ---- the service itself ---- */

static void ping(struct control *c, struct http_request *rq, const char *rest)
{
    (void)c;
    (void)rest;
    control_reply(rq, json_pack("{si ss}", "pid", (int)uv_os_getpid(), "version", IWANT_VERSION));
}

static void stop(struct control *c, struct http_request *rq, const char *rest)
{
    (void)rest;
    control_reply(rq, json_pack("{si}", "pid", (int)uv_os_getpid()));
    c->conf.quit(c->conf.ctx);
}

/* ---- settings ---- */

static void view(struct control *c, struct http_request *rq, const char *rest)
{
    json_t *rows;

    (void)rest;
    uv_mutex_lock(&c->lock);
    rows = settings_json(c->conf.conf);
    uv_mutex_unlock(&c->lock);
    control_reply(rq, json_pack("{so}", "settings", rows));
}

/* Put in force what conf has. */
static int share_these(struct control *c, const char *first, const char *also, struct err *e)
{
    const char *added[SHARE_FOLDERS_MAX];
    struct conf list = {.value[CONF_ALSO] = (char *)(uintptr_t)also};
    char *own[SHARE_FOLDERS_MAX];
    size_t count = 0;
    int rc;

    while (count < SHARE_FOLDERS_MAX && (own[count] = conf_path(&list, CONF_ALSO, count)))
        count++;
    for (size_t i = 0; i < count; i++)
        added[i] = own[i];
    rc = share_set_folders(c->conf.share, strcmp(first, CONF_NONE) ? first : NULL, added, count, e);
    while (count)
        mem_free(own[--count]);
    return rc;
}

/* Open it first, then put it in force, then save: whatever fails, the old ones stay. */
static int change_shared(struct control *c, enum settings_act act, const char *path, char **folder,
                         struct err *e)
{
    struct conf *conf = c->conf.conf;
    struct settings_shared is;
    struct err ignored;
    int rc = settings_share(conf, c->conf.ident->home, act, path, &is, e);

    if (!rc)
        rc = share_these(c, is.share, is.also, e);
    if (!rc) {
        rc = settings_save_shared(c->conf_path, &is, e);
        if (rc)
            (void)share_these(c, conf_text(conf, CONF_SHARE), conf_text(conf, CONF_ALSO), &ignored);
    }
    if (!rc) {
        settings_put(conf, CONF_SHARE, is.share);
        settings_put(conf, CONF_ALSO, is.also);
        *folder = mem_str(is.folder);
    }
    settings_shared_done(&is);
    return rc;
}

static int change_download(struct control *c, const char *path, char **canonical, struct err *e)
{
    struct conf *conf = c->conf.conf;
    struct err ignored;
    int rc = settings_check_download(conf, c->conf.ident->home, path, canonical, e);

    if (!rc)
        rc = fetch_set_folder(c->conf.fetch, *canonical, e);
    if (rc)
        return rc;
    rc = settings_save(c->conf_path, CONF_DOWNLOAD, *canonical, e);
    if (rc)
        (void)fetch_set_folder(c->conf.fetch, conf_text(conf, CONF_DOWNLOAD), &ignored);
    else
        settings_put(conf, CONF_DOWNLOAD, *canonical);
    return rc;
}

enum folder_act { ONLY = SETTINGS_ONLY, ADD = SETTINGS_ADD, REMOVE = SETTINGS_REMOVE, DOWNLOAD };

static void change_folder(struct control *c, struct http_request *rq, enum folder_act act)
{
    char *path, *canonical = NULL;
    const char *body;
    struct err e = {0};
    size_t len;
    int rc;

    body = http_body(rq, &len);
    if (memchr(body, '\0', len)) {
        err_set(&e, ERR_USAGE, "a path holds no NUL byte");
        control_reply_err(rq, &e);
        return;
    }
    path = mem_strn(body, len);
    uv_mutex_lock(&c->lock);
    rc = act == DOWNLOAD ? change_download(c, path, &canonical, &e)
                         : change_shared(c, (enum settings_act)act, path, &canonical, &e);
    uv_mutex_unlock(&c->lock);
    if (rc) {
        control_reply_err(rq, &e);
    } else {
        log_info("control", "%s changed", act == DOWNLOAD ? "download" : "share");
        control_reply(rq, json_pack("{so}", "folder", json_text(canonical)));
    }
    mem_free(canonical);
    mem_free(path);
}

static void share(struct control *c, struct http_request *rq, const char *rest)
{
    (void)rest;
    change_folder(c, rq, ONLY);
}

static void share_add(struct control *c, struct http_request *rq, const char *rest)
{
    (void)rest;
    change_folder(c, rq, ADD);
}

static void share_remove(struct control *c, struct http_request *rq, const char *rest)
{
    (void)rest;
    change_folder(c, rq, REMOVE);
}

static void shared(struct control *c, struct http_request *rq, const char *rest)
{
    struct share_folder *of = mem_zero(SHARE_FOLDERS_MAX, sizeof *of);
    size_t count = share_folders(c->conf.share, of, SHARE_FOLDERS_MAX);
    json_t *rows = json_array();

    (void)rest;
    for (size_t i = 0; i < count; i++)
        json_array_append_new(rows, json_pack("{so so sb}", "path", json_text(of[i].path), "name",
                                              json_text(of[i].name), "here", of[i].here));
    mem_free(of);
    control_reply(rq, json_pack("{so}", "folders", rows));
}

static void download_to(struct control *c, struct http_request *rq, const char *rest)
{
    (void)rest;
    change_folder(c, rq, DOWNLOAD);
}

/* ---- routes ---- */

static const struct {
    const char *method, *path; /* a path that ends with '/' has more behind it */
    control_route *run;
} ROUTES[] = {
    {"GET", "/v1/ping", ping},
    {"POST", "/v1/stop", stop},
    {"GET", "/v1/status", control_status},
    {"GET", "/v1/peers", control_peers},
    {"GET", "/v1/config", view},
    {"POST", "/v1/set", control_set},
    {"GET", "/v1/share", shared},
    {"POST", "/v1/share", share},
    {"POST", "/v1/share/add", share_add},
    {"POST", "/v1/share/remove", share_remove},
    {"POST", "/v1/download-to", download_to},
    {"GET", "/v1/search", control_search},
    {"GET", "/v1/resolve/", control_resolve},
    {"POST", "/v1/known", control_known},
    {"GET", "/v1/downloads", control_downloads},
    {"POST", "/v1/downloads", control_download},
    {"POST", "/v1/downloads/", control_act},
    {"GET", "/v1/wants", control_wants},
    {"POST", "/v1/wants", control_want},
    {"POST", "/v1/wants/", control_unwant},
    {"POST", "/v1/look", control_look},
    {"POST", "/v1/play", control_play},
    {"GET", "/v1/links", control_links},
    {"POST", "/v1/links", control_link},
    {"POST", "/v1/links/end", control_link_end},
    {"POST", "/v1/web", control_web},
    {"POST", "/v1/web/lan", control_web_lan},
    {"POST", "/v1/web/stop", control_web_stop},
};

static void handle(void *ctx, struct http_request *rq)
{
    const char *path = http_path(rq), *method = http_method(rq);
    struct err e;

    for (size_t i = 0; i < sizeof ROUTES / sizeof *ROUTES; i++) {
        size_t len = strlen(ROUTES[i].path);
        bool open = ROUTES[i].path[len - 1] == '/';

        if (strcmp(ROUTES[i].method, method) != 0 || strncmp(ROUTES[i].path, path, len) != 0 ||
            (open ? !path[len] : path[len] != '\0'))
            continue;
        ROUTES[i].run(ctx, rq, path + len);
        return;
    }
    err_set(&e, ERR_USAGE, "this service does not know that request");
    err_hint(&e, "it may be of another version than the command: iwanto stop, then start");
    control_reply_err(rq, &e);
}

static void handle_page(void *ctx, struct http_request *rq)
{
    struct err e;

    if (control_page_may(http_method(rq), http_path(rq))) {
        handle(ctx, rq);
        return;
    }
    err_set(&e, ERR_USAGE, "the page may not ask that");
    control_reply_err(rq, &e);
}

struct control *control_new(const struct control_conf *conf, struct err *e)
{
    struct control *c = mem_zero(1, sizeof *c);
    int rc = uv_mutex_init(&c->lock);

    if (rc) {
        err_set(e, ERR_IO, "cannot open the owner's socket: %s", uv_strerror(rc));
        mem_free(c);
        return NULL;
    }
    c->conf = *conf;
    c->conf.socket_path = NULL; /* the caller's: only during control_new */
    c->conf.conf_path = c->conf_path = mem_str(conf->conf_path);
    c->errands = errands_new(c);
    c->server = http_server_unix(conf->socket_path, THREADS, handle, c, e);
    if (!c->server) {
        errands_free(c->errands);
        uv_mutex_destroy(&c->lock);
        mem_free(c->conf_path);
        mem_free(c);
        return NULL;
    }
    web_api(conf->web, handle_page, c);
    guest_api(conf->guest, handle_page, c);
    return c;
}

void control_free(struct control *c)
{
    if (!c)
        return;
    http_server_free(c->server);
    errands_free(c->errands);
    uv_mutex_destroy(&c->lock);
    mem_free(c->conf_path);
    mem_free(c);
}
