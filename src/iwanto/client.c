#include "iwanto/client.h"

#include "base/id.h"
#include "base/mem.h"
#include "io/dirs.h"
#include "io/http_client.h"
#include "iwanto/last_search.h"
#include "svc/settings.h"

#include <string.h>

#define RUNNING_MS 2000
#define RESOLVE_MS 5000
#define MARGIN_MS  3000 /* the service answers before */

static int service_err(const json_t *answer, struct err *e)
{
    int exit = (int)out_num(answer, "exit");

    if (strcmp(err_name(exit), "unknown") == 0 || !exit)
        exit = ERR_IO;
    err_set(e, (enum err_code)exit, "%s", out_str(answer, "error"));
    err_hint(e, "%s", out_str(answer, "hint"));
    return -exit;
}

static bool is_error(const json_t *answer)
{
    return json_is_string(json_object_get(answer, "error")) && json_object_get(answer, "exit") &&
           !json_object_get(answer, "event");
}

/* The transport's own failure in this command's words. */
static int explain(const char *socket, int rc, struct err *e)
{
    if (rc != -ERR_NO_SERVICE)
        return rc;
    if (dirs_is_foreign(socket)) {
        err_set(e, ERR_NO_SERVICE, "cannot talk to the service of another user");
        return rc;
    }
    err_set(e, ERR_NO_SERVICE, "cannot reach the service: it does not run");
    err_hint(e, "start it with: iwanto start -d");
    return rc;
}

static int bad_status(long status, struct err *e)
{
    if (status == 403)
        return err_set(e, ERR_NO_SERVICE, "cannot talk to the service of another user");
    return err_set(e, ERR_IO, "cannot understand the service: it answered with status %ld", status);
}

int client_ask(const struct cli *c, const char *method, const char *path, const void *body,
               size_t len, unsigned timeout_ms, json_t **answer, struct err *e)
{
    char *socket = settings_path(c->home, SETTINGS_SOCKET);
    struct buf text = {0};
    long status = 0;
    int rc;

    *answer = NULL;
    rc = http_unix_call(socket, method, path, body, len, timeout_ms, NULL, NULL, &text, &status, e);
    if (rc) {
        rc = explain(socket, rc, e);
    } else {
        *answer = json_loadb(buf_cstr(&text), text.len, JSON_ALLOW_NUL, NULL);
        if (is_error(*answer))
            rc = service_err(*answer, e);
        else if (status != 200 || !*answer)
            rc = bad_status(status, e);
        if (rc) {
            json_decref(*answer);
            *answer = NULL;
        }
    }
    buf_free(&text);
    mem_free(socket);
    return rc;
}

/* Lines of an answer as they come in. */
struct lines {
    struct buf part;
    bool (*line)(void *ctx, const json_t *object);
    void *ctx;
    struct err err; /* the service's; code 0: none */
    bool stopped;   /* by line() */
};

static bool take_line(struct lines *l, const char *text, size_t len)
{
    json_t *object = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
    bool go_on = true;

    if (is_error(object))
        service_err(object, &l->err);
    else if (object)
        go_on = l->line(l->ctx, object);
    json_decref(object);
    return go_on;
}

static bool take_bytes(void *ctx, const void *p, size_t len)
{
    struct lines *l = ctx;
    size_t at = 0;
    char *nl;

    buf_add(&l->part, p, len);
    while (!l->stopped && (nl = memchr(l->part.data + at, '\n', l->part.len - at))) {
        size_t end = (size_t)(nl - l->part.data);

        l->stopped = !take_line(l, l->part.data + at, end - at);
        at = end + 1;
    }
    if (at) {
        memmove(l->part.data, l->part.data + at, l->part.len - at + 1);
        l->part.len -= at;
    }
    return !l->stopped;
}

int client_stream(const struct cli *c, const char *path, const json_t *body, unsigned timeout_ms,
                  bool (*line)(void *ctx, const json_t *object), void *ctx, struct err *e)
{
    char *socket = settings_path(c->home, SETTINGS_SOCKET);
    char *text = json_dumps(body, JSON_COMPACT);
    struct lines l = {.line = line, .ctx = ctx};
    long status = 0;
    struct buf refusal = {0};
    int rc = http_unix_call(socket, "POST", path, text, strlen(text), timeout_ms, take_bytes, &l,
                            &refusal, &status, e);

    if (refusal.len)
        (void)take_line(&l, refusal.data, refusal.len);
    if (l.part.len && !l.stopped)
        (void)take_line(&l, l.part.data, l.part.len);
    if (l.err.code) {
        *e = l.err;
        rc = -e->code;
    } else if (l.stopped) {
        rc = 0;
    } else if (rc) {
        rc = explain(socket, rc, e);
    } else if (status != 200) {
        rc = bad_status(status, e);
    }
    buf_free(&l.part);
    buf_free(&refusal);
    free(text);
    mem_free(socket);
    return rc;
}

bool client_running(const struct cli *c, int *pid)
{
    json_t *answer;
    struct err e;

    if (client_ask(c, "GET", "/v1/ping", NULL, 0, RUNNING_MS, &answer, &e))
        return !client_is_down(&e) && e.code != ERR_TIMEOUT;
    if (pid)
        *pid = (int)out_num(answer, "pid");
    json_decref(answer);
    return true;
}

bool client_is_down(const struct err *e)
{
    return e->code == ERR_NO_SERVICE;
}

/* The one download whose hash begins so; NULL: none, or several. */
static json_t *in_queue(const struct cli *c, const char *digits)
{
    json_t *answer, *found = NULL, *hash, *row;
    const json_t *rows;
    struct err ignored;
    bool several = false;
    size_t i;

    if (client_ask(c, "GET", "/v1/downloads", NULL, 0, RESOLVE_MS, &answer, &ignored))
        return NULL;
    rows = json_object_get(answer, "downloads");
    json_array_foreach (rows, i, row) {
        hash = json_object_get(row, "hash");
        if (strncmp(out_str(row, "hash"), digits, strlen(digits)))
            continue;
        several |= found && !json_equal(found, hash);
        found = hash;
    }
    found = several ? NULL : json_incref(found);
    json_decref(answer);
    return found;
}

int client_resolve(const struct cli *c, const char *digits, unsigned ms, json_t **hash,
                   struct err *e)
{
    struct buf path = {0};
    json_t *answer;
    int rc;

    if (strlen(digits) == HASH_HEX_LEN) {
        *hash = json_string(digits);
        return 0;
    }
    *hash = in_queue(c, digits);
    if (*hash)
        return 0;
    buf_printf(&path, "/v1/resolve/%s?timeout_ms=%u", digits, ms);
    rc = client_ask(c, "GET", path.data, NULL, 0, ms + MARGIN_MS, &answer, e);
    buf_free(&path);
    if (rc)
        return rc;
    *hash = json_incref(json_object_get(answer, "hash"));
    json_decref(answer);
    return 0;
}

int client_word(const struct cli *c, const char *word, json_t **hash, char **title, struct err *e)
{
    unsigned ms = c->common.timeout_s ? (unsigned)c->common.timeout_s * 1000u : RESOLVE_MS;
    struct buf digits = {0};
    int rc = last_search_word(c, word, &digits, title, e);

    if (!rc)
        rc = client_resolve(c, digits.data, ms, hash, e);
    if (rc && title) {
        mem_free(*title);
        *title = NULL;
    }
    buf_free(&digits);
    return rc;
}
