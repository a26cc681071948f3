#include "iwanto/after.h"

#include "base/buf.h"
#include "base/log.h"
#include "svc/ask.h"
#include "svc/fetch.h"
#include "svc/hook.h"
#include "svc/journal.h"

#include <string.h>

#define NAMES_MS 1500 /* for the question who is called how */

json_t *after_peers(void *ctx)
{
    struct after *a = ctx;
    json_t *answer = NULL;
    unsigned status;
    struct err e;

    if (!ask_wait(a->ask, "/v1/peers", NAMES_MS, &status, &answer, &e) && status == 200)
        return answer;
    json_decref(answer);
    return NULL;
}

int after_ask(void *ctx, const char *path, unsigned ms, unsigned *status, json_t **answer,
              struct err *e)
{
    struct after *a = ctx;

    return ask_wait(a->ask, path, ms, status, answer, e);
}

static void fetch_wished(struct after *a, const json_t *wish, const json_t *row)
{
    const char *hex = json_string_value(json_object_get(row, "hash"));
    struct fetch_want want = {.title = json_string_value(json_object_get(row, "name")),
                              .exec = json_string_value(json_object_get(wish, "exec"))};
    struct err e;
    int64_t id;

    if (!hex || !hash_parse(&want.hash, hex, strlen(hex)))
        return;
    if (fetch_add(a->fetch, &want, &id, &e))
        log_warn("want", "not-fetched hash=%.12s reason=\"%s\"", hex, e.text);
}

void after_found(void *ctx, const json_t *wish, const json_t *row, bool first, size_t more)
{
    const char *exec = json_string_value(json_object_get(wish, "exec"));
    const char *name = json_string_value(json_object_get(row, "name"));
    const char *hash = json_string_value(json_object_get(row, "hash"));
    bool fetch = json_is_true(json_object_get(wish, "fetch"));
    struct after *a = ctx;
    struct buf title = {0}, text = {0};

    if (fetch)
        fetch_wished(a, wish, row);
    else if (exec)
        (void)hooks_content(a->hooks, "want", exec, row);
    if (!first)
        return;
    buf_printf(&title, "found: %s", name ? name : "");
    if (more)
        buf_printf(&title, " and %zu more", more);
    buf_printf(&text, fetch ? "It is being fetched." : "iwanto download %.10s", hash ? hash : "");
    hooks_notify(a->hooks, title.data, text.data);
    buf_free(&title);
    buf_free(&text);
}

void after_download(struct after *a, const json_t *event)
{
    if (strcmp(json_string_value(json_object_get(event, "event")), "skipped") != 0)
        journal_fetched(a->journal, event);
    hooks_download(a->hooks, event);
}
