#include "svc/want.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/path.h"
#include "core/wish.h"
#include "io/clock.h"
#include "io/loop.h"
#include "io/save.h"
#include "svc/json_text.h"
#include "svc/query.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define POLL_MS  5000
#define ASK_MS   2000
#define SPARE    300 /* a round is followed by so many times its length without one */
#define FILE_MAX (64u << 20)

/* What the leader said when it was asked last. */
struct version {
    json_int_t term, version, rows;
};

struct wants {
    struct want_conf conf;
    char *path, *name;
    uv_mutex_t lock;
    uv_cond_t some;
    json_t *list; /* of wishes, as they are saved; under the lock, as is all that follows */
    json_int_t last_id;
    bool due;   /* some wish was never asked */
    bool dirty; /* to be saved */
    bool started, stop;
    uv_thread_t thread;
    /* the thread's own: */
    struct version known;
    bool again;       /* what came may not have been seen yet: ask once more */
    int64_t asked_ms; /* that the last round's answers took */
    int64_t rest_until_ms;
};

/* ---- the file ---- */

/* Under the lock. */
static int save(struct wants *w, struct err *e)
{
    json_t *all = json_pack("{sI sO}", "last", w->last_id, "wants", w->list);
    char *text = json_dumps(all, JSON_COMPACT);
    int rc = save_write(w->path, text, strlen(text), 0600, e);

    free(text);
    json_decref(all);
    w->dirty = rc != 0;
    return rc;
}

static bool is_wish(const json_t *wish)
{
    return json_is_integer(json_object_get(wish, "id")) &&
           json_is_string(json_object_get(wish, "search")) &&
           json_is_array(json_object_get(wish, "found"));
}

static void load(struct wants *w)
{
    struct buf text = {0}, aside = {0};
    json_t *all, *list, *wish;
    struct err e;
    size_t i;
    bool good;

    if (save_read(w->path, FILE_MAX, &text, &e) == -ERR_NOT_FOUND)
        return;
    all = json_loadb(buf_cstr(&text), text.len, 0, NULL);
    list = json_object_get(all, "wants");
    good = json_is_array(list);
    json_array_foreach (list, i, wish)
        good = good && is_wish(wish);
    if (good) {
        w->last_id = json_integer_value(json_object_get(all, "last"));
        json_array_extend(w->list, list);
        w->due = json_array_size(w->list) > 0;
    } else {
        buf_printf(&aside, "%s.damaged", w->path);
        (void)save_write(aside.data, buf_cstr(&text), text.len, 0600, &e);
        log_warn("want", "the file of wishes cannot be read: a copy is in wants.damaged");
    }
    json_decref(all);
    buf_free(&aside);
    buf_free(&text);
}

/* ---- asking; on its thread ---- */

static json_int_t number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static const char *text_in(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    return text ? text : "";
}

/* Does nobody have it but ourselves? */
static bool only_ours(const struct wants *w, const json_t *row)
{
    const json_t *holders = json_object_get(row, "holders");

    return json_array_size(holders) == 1 &&
           !strcmp(json_string_value(json_array_get(holders, 0)), w->name);
}

static bool is_found(const json_t *found, const char *hash)
{
    const json_t *row;
    size_t i;

    json_array_foreach (found, i, row)
        if (!strcmp(text_in(row, "hash"), hash))
            return true;
    return false;
}

/* What of an answer is new for the wish. */
static json_t *new_rows(const struct wants *w, const json_t *wish, const json_t *answer)
{
    const char *words = text_in(wish, "words"), *path;
    const json_t *rows = json_object_get(answer, "rows"), *row;
    const json_t *found = json_object_get(wish, "found");
    json_t *fresh = json_array();
    size_t i;

    json_array_foreach (rows, i, row) {
        path = text_in(row, "path");
        if (!wish_met(words, strlen(words), path, strlen(path),
                      !strcmp(text_in(row, "type"), "dir")) ||
            only_ours(w, row) || is_found(found, text_in(row, "hash")) ||
            json_array_size(found) + json_array_size(fresh) >= WISH_FOUND_MAX)
            continue;
        json_array_append_new(
            fresh,
            json_pack("{sO sO sO sO sI}", "hash", json_object_get(row, "hash"), "name",
                      json_object_get(row, "name"), "size", json_object_get(row, "size"), "type",
                      json_object_get(row, "type"), "time", (json_int_t)(clock_wall_ms() / 1000)));
    }
    return fresh;
}

static json_t *wish_of(const struct wants *w, json_int_t id) /* borrowed; under the lock */
{
    json_t *wish;
    size_t i;

    json_array_foreach (w->list, i, wish)
        if (number(wish, "id") == id)
            return wish;
    return NULL;
}

/* Note first and save, then tell: after a crash nothing is told twice. */
static void take(struct wants *w, json_int_t id, const json_t *answer)
{
    json_t *wish, *fresh, *told, *copy;
    struct err e;
    char shown[200];
    size_t count;

    uv_mutex_lock(&w->lock);
    wish = wish_of(w, id);
    fresh = wish ? new_rows(w, wish, answer) : json_array();
    count = json_array_size(fresh);
    if (count) {
        json_array_extend(json_object_get(wish, "found"), fresh);
        if (save(w, &e))
            log_warn("want", "not-saved reason=\"%s\"", e.text);
    }
    told = json_deep_copy(wish);
    copy = json_deep_copy(fresh); /* the list's own are others' to read from here on */
    json_decref(fresh);
    uv_mutex_unlock(&w->lock);
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(copy, i);

        log_info("want", "found id=%" JSON_INTEGER_FORMAT " hash=%.12s name=\"%s\"", id,
                 text_in(row, "hash"),
                 show_to(shown, sizeof shown, text_in(row, "name"), strlen(text_in(row, "name"))));
        w->conf.found(w->conf.ctx, told, row, !i, count - 1);
    }
    json_decref(copy);
    json_decref(told);
}

/* false: there is nobody to ask. */
static bool ask_one(struct wants *w, json_int_t id, const char *search)
{
    struct buf path = {0};
    int64_t begun = loop_now_ms();
    json_t *answer = NULL;
    unsigned status = 0;
    struct err e;
    int rc;

    buf_printf(&path, "%s%climit=%d", search, strchr(search, '?') ? '&' : '?', SEARCH_ROWS_MAX);
    rc = w->conf.ask(w->conf.ctx, path.data, ASK_MS, &status, &answer, &e);
    w->asked_ms += loop_now_ms() - begun;
    buf_free(&path);
    if (!rc && status == 200)
        take(w, id, answer);
    json_decref(answer);
    return !rc;
}

static bool stopping(struct wants *w)
{
    bool stop;

    uv_mutex_lock(&w->lock);
    stop = w->stop;
    uv_mutex_unlock(&w->lock);
    return stop;
}

/* All wishes. false: not all of them could be asked. */
static bool ask_all(struct wants *w)
{
    json_t *list, *wish;
    bool good = true;
    size_t i;

    uv_mutex_lock(&w->lock);
    list = json_deep_copy(w->list);
    w->due = false;
    uv_mutex_unlock(&w->lock);
    w->asked_ms = 0;
    json_array_foreach (list, i, wish) {
        if (json_array_size(json_object_get(wish, "found")) >= WISH_FOUND_MAX)
            continue;
        good = good && !stopping(w) && ask_one(w, number(wish, "id"), text_in(wish, "search"));
    }
    json_decref(list);
    w->rest_until_ms = loop_now_ms() + SPARE * w->asked_ms;
    return good;
}

/* false: nobody says. */
static bool ask_version(struct wants *w, struct version *v)
{
    json_t *answer = NULL;
    unsigned status = 0;
    struct err e;
    bool good =
        !w->conf.ask(w->conf.ctx, "/v1/version", ASK_MS, &status, &answer, &e) && status == 200;

    *v =
        (struct version){number(answer, "term"), number(answer, "version"), number(answer, "rows")};
    json_decref(answer);
    return good;
}

static void turn(struct wants *w, bool due)
{
    struct version now;
    bool changed;

    if (!due && loop_now_ms() < w->rest_until_ms)
        return;
    if (!ask_version(w, &now))
        return;
    changed =
        now.term != w->known.term || now.version != w->known.version || now.rows != w->known.rows;
    if (!due && !changed && !w->again)
        return;
    w->again = changed; /* what has come may be seen a moment later only */
    if (ask_all(w))
        w->known = now;
}

static void wants_main(void *arg)
{
    struct wants *w = arg;
    unsigned poll = w->conf.poll_ms;

    uv_mutex_lock(&w->lock);
    while (!w->stop) {
        bool any = json_array_size(w->list) > 0, due = w->due;
        struct err e;

        if (w->dirty)
            (void)save(w, &e);
        uv_mutex_unlock(&w->lock);
        if (any)
            turn(w, due);
        uv_mutex_lock(&w->lock);
        if (!w->stop && !json_array_size(w->list))
            uv_cond_wait(&w->some, &w->lock);
        else if (!w->stop && !(w->due && !due)) /* never in step with others */
            (void)uv_cond_timedwait(&w->some, &w->lock,
                                    (poll - poll / 5 + randombytes_uniform(poll * 2 / 5 + 1)) *
                                        1000000ull);
    }
    uv_mutex_unlock(&w->lock);
}

/* Under the lock. */
static void wake(struct wants *w)
{
    if (!w->started && !w->stop) {
        if (uv_thread_create(&w->thread, wants_main, w))
            abort();
        w->started = true;
    }
    uv_cond_signal(&w->some);
}

/* ---- from other threads ---- */

/* Is it a search, and which words has it? */
static int read_search(const char *search, struct query *q, struct err *e)
{
    const char *begin = "/v1/search";
    size_t len = strlen(begin);

    if (strncmp(search, begin, len) != 0 || (search[len] && search[len] != '?'))
        return err_set(e, ERR_USAGE, "a wish is a search");
    if (query_parse(q, search + len + (search[len] == '?'), e))
        return -e->code;
    if (!*q->text && !query_filters(q))
        return err_set(e, ERR_USAGE, "a wish needs words, or something to choose by");
    return 0;
}

int wants_add(struct wants *w, const char *search, const char *exec, bool fetch, json_int_t *id,
              struct err *e)
{
    struct buf path = {0};
    struct query *q = mem_zero(1, sizeof *q);
    json_t *wish;
    size_t i;
    int rc = read_search(search, q, e);

    if (rc) {
        mem_free(q);
        return rc;
    }
    q->offset = 0;
    q->limit = QUERY_LIMIT;
    query_path(q, &path);
    uv_mutex_lock(&w->lock);
    json_array_foreach (w->list, i, wish)
        if (!strcmp(text_in(wish, "search"), path.data))
            rc = err_set(e, ERR_EXISTS, "that is wish %" JSON_INTEGER_FORMAT " already",
                         number(wish, "id"));
    if (!rc && json_array_size(w->list) >= WISHES_MAX)
        rc = err_set(e, ERR_EXISTS, "there are %u wishes already", WISHES_MAX);
    if (!rc) {
        *id = ++w->last_id;
        json_array_append_new(w->list,
                              json_pack("{sI ss so sb so sI s[] si}", "id", *id, "search",
                                        path.data, "words", json_text(q->text), "fetch", fetch,
                                        "exec", exec ? json_text(exec) : json_null(), "created",
                                        (json_int_t)(clock_wall_ms() / 1000), "found", "seen", 0));
        rc = save(w, e);
        if (rc)
            json_array_remove(w->list, json_array_size(w->list) - 1);
        w->due = !rc || w->due;
        wake(w);
    }
    uv_mutex_unlock(&w->lock);
    buf_free(&path);
    mem_free(q);
    return rc;
}

int wants_remove(struct wants *w, json_int_t id, struct err *e)
{
    json_t *wish;
    size_t i;
    int rc = -ERR_NOT_FOUND;

    uv_mutex_lock(&w->lock);
    json_array_foreach (w->list, i, wish) {
        if (number(wish, "id") != id)
            continue;
        json_incref(wish);
        json_array_remove(w->list, i);
        rc = save(w, e);
        if (rc)
            json_array_insert(w->list, i, wish);
        json_decref(wish);
        break;
    }
    uv_mutex_unlock(&w->lock);
    return rc == -ERR_NOT_FOUND
               ? err_set(e, ERR_NOT_FOUND, "there is no wish %" JSON_INTEGER_FORMAT, id)
               : rc;
}

json_t *wants_list(struct wants *w)
{
    json_t *list, *wish;
    size_t i;

    uv_mutex_lock(&w->lock);
    list = json_deep_copy(w->list);
    json_array_foreach (list, i, wish)
        json_object_set_new(
            wish, "full",
            json_boolean(json_array_size(json_object_get(wish, "found")) >= WISH_FOUND_MAX));
    json_array_foreach (w->list, i, wish) {
        json_int_t found = (json_int_t)json_array_size(json_object_get(wish, "found"));

        w->dirty |= number(wish, "seen") != found;
        json_object_set_new(wish, "seen", json_integer(found));
    }
    uv_mutex_unlock(&w->lock);
    return list;
}

json_t *wants_status(struct wants *w)
{
    size_t found = 0, i;
    json_int_t seen = 0;
    json_t *wish, *answer;

    uv_mutex_lock(&w->lock);
    json_array_foreach (w->list, i, wish) {
        found += json_array_size(json_object_get(wish, "found"));
        seen += number(wish, "seen");
    }
    answer = json_pack("{sI sI sI}", "count", (json_int_t)json_array_size(w->list), "found",
                       (json_int_t)found, "unseen", (json_int_t)found - seen);
    uv_mutex_unlock(&w->lock);
    return answer;
}

struct wants *wants_new(const struct want_conf *conf)
{
    struct wants *w = mem_zero(1, sizeof *w);
    struct buf path = {0};

    w->conf = *conf;
    w->conf.home = w->conf.name = NULL; /* the caller's: only during wants_new */
    if (!w->conf.poll_ms)
        w->conf.poll_ms = POLL_MS;
    buf_printf(&path, "%s/" WANTS_FILE, conf->home);
    w->path = buf_take(&path, NULL);
    w->name = mem_str(conf->name);
    w->list = json_array();
    uv_mutex_init(&w->lock);
    uv_cond_init(&w->some);
    load(w);
    if (json_array_size(w->list))
        wake(w);
    return w;
}

void wants_stop(struct wants *w)
{
    struct err e;

    if (!w)
        return;
    uv_mutex_lock(&w->lock);
    w->stop = true;
    uv_cond_signal(&w->some);
    uv_mutex_unlock(&w->lock);
    if (w->started)
        uv_thread_join(&w->thread);
    w->started = false;
    if (w->dirty)
        (void)save(w, &e);
}

void wants_free(struct wants *w)
{
    if (!w)
        return;
    wants_stop(w);
    json_decref(w->list);
    uv_cond_destroy(&w->some);
    uv_mutex_destroy(&w->lock);
    mem_free(w->path);
    mem_free(w->name);
    mem_free(w);
}
