/* Watching a download from a test. */
#pragma once

#include "peer_rig.h"

#define MIB (1u << 20)

struct watch {
    uv_mutex_t lock;
    uv_cond_t news;
    struct fetch *f;
    int64_t id, listener;
    unsigned started, waiting, bad, lost;
    bool ended;
    char event[16], path[512], error[512], from[512];
    int exit;
    uint64_t bytes, size, fetched, copied, files, files_done;
    uint64_t now_most; /* larger files of a folder at once */
};

static uint64_t number(const json_t *o, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(o, key));
}

static void on_event(void *ctx, json_t *o)
{
    struct watch *w = ctx;
    const char *e = json_string_value(json_object_get(o, "event"));
    const char *path = json_string_value(json_object_get(o, "path"));
    const char *error = json_string_value(json_object_get(o, "error"));
    const char *from = json_string_value(json_object_get(o, "from"));

    uv_mutex_lock(&w->lock);
    w->started += !strcmp(e, "start");
    w->waiting += !strcmp(e, "waiting");
    w->bad += !strcmp(e, "piece-bad");
    w->lost += !strcmp(e, "source-lost");
    w->ended |= !strcmp(e, "done") || !strcmp(e, "failed") || !strcmp(e, "skipped");
    str_copy(w->event, sizeof w->event, e);
    str_copy(w->path, sizeof w->path, path ? path : "");
    str_copy(w->error, sizeof w->error, error ? error : "");
    w->exit = (int)number(o, "exit");
    w->bytes = number(o, "bytes");
    w->size = number(o, "size");
    w->fetched = number(o, "fetched");
    w->copied = number(o, "copied");
    str_copy(w->from, sizeof w->from, from ? from : "");
    if (json_array_size(json_object_get(o, "now")) > w->now_most)
        w->now_most = json_array_size(json_object_get(o, "now"));
    w->files = number(o, "files");
    w->files_done = number(o, "files_done");
    uv_cond_broadcast(&w->news);
    uv_mutex_unlock(&w->lock);
}

static inline void watch(struct watch *w, struct fetch *f, const struct fetch_want *want)
{
    struct err e = {0};

    *w = (struct watch){.f = f};
    uv_mutex_init(&w->lock);
    uv_cond_init(&w->news);
    if (fetch_add(f, want, &w->id, &e))
        fail_msg("%s", e.text);
    w->listener = fetch_listen(f, w->id, on_event, w);
    assert_true(w->listener > 0);
}

/* Until it ended, or (bytes given) so many are there, or it waits. */
static inline void until(struct watch *w, uint64_t bytes, bool waits)
{
    uint64_t end = uv_hrtime() + WAIT_S * 1000000000ull;

    uv_mutex_lock(&w->lock);
    while (!w->ended && !(bytes && w->bytes >= bytes) && !(waits && w->waiting)) {
        if (uv_hrtime() > end)
            fail_msg("nothing after %d s: %s, %llu of %llu bytes, \"%s\"", WAIT_S, w->event,
                     (unsigned long long)w->bytes, (unsigned long long)w->size, w->error);
        uv_cond_timedwait(&w->news, &w->lock, 1000000000);
    }
    uv_mutex_unlock(&w->lock);
}

/* As it is now, while events may still come. */
static inline struct watch seen(struct watch *w)
{
    struct watch now;

    uv_mutex_lock(&w->lock);
    now = *w;
    uv_mutex_unlock(&w->lock);
    return now;
}

static inline void unwatch(struct watch *w)
{
    fetch_unlisten(w->f, w->listener);
    uv_cond_destroy(&w->news);
    uv_mutex_destroy(&w->lock);
}

/* Fetch and watch to the end. */
static inline struct watch fetched(struct fetch *f, const struct fetch_want *want)
{
    struct watch w;

    watch(&w, f, want);
    until(&w, 0, false);
    unwatch(&w);
    return w;
}

#define assert_done(w)                                                                             \
    do {                                                                                           \
        if (strcmp((w).event, "done"))                                                             \
            fail_msg("%s: %s", (w).event, (w).error);                                              \
    } while (0)
