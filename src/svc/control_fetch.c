/* Routes of the download queue: queue and watch, list, pause, resume, cancel. */
#include "svc/control_priv.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "svc/control_lines.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define WANTS_MAX 1000u

/* One command that watches its downloads. */
struct watch {
    struct lines *lines;
    struct fetch *fetch;
    atomic_size_t open; /* downloads that have not ended */
    int64_t *listener;
    size_t listeners;
};

static bool is_end(const char *what)
{
    return !strcmp(what, "done") || !strcmp(what, "failed") || !strcmp(what, "skipped");
}

static void one_less(struct watch *w)
{
    if (atomic_fetch_sub(&w->open, 1) == 1)
        lines_end(w->lines);
}

static void on_event(void *ctx, json_t *event)
{
    struct watch *w = ctx;

    lines_event(w->lines, event);
    if (is_end(json_string_value(json_object_get(event, "event"))))
        one_less(w);
}

static int64_t read_watch(void *ctx, uint64_t pos, void *to, size_t max)
{
    struct watch *w = ctx;

    (void)pos;
    return lines_read(w->lines, to, max);
}

/* The command is gone, or has heard it all. After the last unlisten nobody knows w any more. */
static void end_watch(void *ctx)
{
    struct watch *w = ctx;

    for (size_t i = 0; i < w->listeners; i++)
        if (w->listener[i] >= 0)
            fetch_unlisten(w->fetch, w->listener[i]);
    mem_free(w->listener);
    lines_free(w->lines);
    mem_free(w);
}

static void start_watch(struct control *c, struct http_request *rq, const int64_t *id, size_t count)
{
    struct watch *w = mem_zero(1, sizeof *w);
    struct http_stream st = {.read = read_watch, .done = end_watch, .ctx = w};

    w->lines = lines_new(control_wake, rq);
    w->fetch = c->conf.fetch;
    w->open = count;
    w->listener = mem_zero(count, sizeof *w->listener);
    http_reply_stream(rq, 200, "application/x-ndjson", UINT64_MAX, &st);
    for (size_t i = 0; i < count; i++) {
        w->listener[w->listeners++] = fetch_listen(w->fetch, id[i], on_event, w);
        if (w->listener[i] < 0) /* it was cancelled in this very moment */
            one_less(w);
    }
}

/* ---- the request ---- */

static int read_want(const json_t *body, const json_t *row, struct fetch_want *want, struct err *e)
{
    const char *hex = json_string_value(json_object_get(row, "hash"));

    *want = (struct fetch_want){
        .name = json_string_value(json_object_get(row, "name")),
        .title = json_string_value(json_object_get(row, "title")),
        .exec = json_string_value(json_object_get(body, "exec")),
        .overwrite = json_is_true(json_object_get(body, "overwrite")),
        .rename = json_is_true(json_object_get(body, "rename")),
        .sequential = json_is_true(json_object_get(body, "sequential")),
        .limit_rate = (uint64_t)json_integer_value(json_object_get(body, "limit_rate")),
    };
    if (!hex || !hash_parse(&want->hash, hex, strlen(hex)))
        return err_set(e, ERR_USAGE, "a hash has 64 hex digits");
    return 0;
}

static void reply_queued(struct http_request *rq, const json_t *wants, const int64_t *id,
                         size_t count)
{
    struct buf out = {0};

    for (size_t i = 0; i < count; i++) {
        json_t *line = json_pack("{ss sI sO}", "event", "queued", "id", (json_int_t)id[i], "hash",
                                 json_object_get(json_array_get(wants, i), "hash"));

        char *text = json_dumps(line, JSON_COMPACT);

        buf_printf(&out, "%s\n", text);
        free(text);
        json_decref(line);
    }
    http_reply(rq, 200, "application/x-ndjson", out.data, out.len);
    buf_free(&out);
}

void control_download(struct control *c, struct http_request *rq, const char *rest)
{
    int64_t id[WANTS_MAX];
    const char *text;
    size_t len, count;
    struct err e = {0};
    json_t *body, *wants;
    int rc = 0;

    (void)rest;
    text = http_body(rq, &len);
    body = json_loadb(text, len, 0, NULL);
    wants = json_object_get(body, "wants");
    count = json_array_size(wants);
    if (!count || count > WANTS_MAX)
        rc = err_set(&e, ERR_USAGE, "one download takes 1 to %u hashes", WANTS_MAX);
    for (size_t i = 0; !rc && i < count; i++) {
        struct fetch_want want;

        rc = read_want(body, json_array_get(wants, i), &want, &e);
        if (!rc)
            rc = fetch_add(c->conf.fetch, &want, &id[i], &e);
    }
    if (rc)
        control_reply_err(rq, &e);
    else if (json_is_true(json_object_get(body, "detach")))
        reply_queued(rq, wants, id, count);
    else
        start_watch(c, rq, id, count);
    json_decref(body);
}

void control_downloads(struct control *c, struct http_request *rq, const char *rest)
{
    (void)rest;
    control_reply(rq, json_pack("{so}", "downloads", fetch_list(c->conf.fetch)));
}

/* The download whose hash begins with these digits; of several of one hash, fetch's choice. */
static int find(struct control *c, const char *digits, size_t len, int64_t *id, struct err *e)
{
    json_t *list = fetch_list(c->conf.fetch), *row;
    const char *found = NULL, *hex;
    bool several = false;
    struct hash hash;
    size_t i;

    json_array_foreach (list, i, row) {
        hex = json_string_value(json_object_get(row, "hash"));
        if (!hex || strncasecmp(hex, digits, len) != 0)
            continue;
        several = several || (found && strcmp(found, hex) != 0);
        found = hex;
    }
    *id = -1;
    if (found && !several && hash_parse(&hash, found, strlen(found)))
        *id = fetch_find(c->conf.fetch, &hash);
    json_decref(list);
    if (several)
        return err_set(e, ERR_USAGE, "more than one download begins with %.*s", (int)len, digits);
    if (*id < 0) {
        err_set(e, ERR_NOT_FOUND, "no download begins with %.*s", (int)len, digits);
        err_hint(e, "iwanto downloads lists them");
        return -ERR_NOT_FOUND;
    }
    return 0;
}

/* POST /v1/downloads/DIGITS/ACT */
void control_act(struct control *c, struct http_request *rq, const char *rest)
{
    static const struct {
        const char *name;
        int (*run)(struct fetch *f, int64_t id, struct err *e);
    } acts[] = {{"pause", fetch_pause},
                {"resume", fetch_resume},
                {"cancel", fetch_cancel},
                {"first", fetch_first},
                {"last", fetch_last}};
    size_t len = strcspn(rest, "/");
    struct err e = {0};
    int64_t id = -1;
    int rc = err_set(&e, ERR_USAGE, "a download can be paused, resumed, cancelled or moved");

    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (rest[len] != '/' || strcmp(rest + len + 1, acts[i].name) != 0)
            continue;
        if (!len || !str_is_hex(rest, len) || len > HASH_HEX_LEN)
            rc = err_set(&e, ERR_USAGE, "a hash has hex digits only");
        else
            rc = find(c, rest, len, &id, &e);
        if (!rc)
            rc = acts[i].run(c->conf.fetch, id, &e);
    }
    if (rc)
        control_reply_err(rq, &e);
    else
        control_reply(rq, json_pack("{sI}", "id", (json_int_t)id));
}
