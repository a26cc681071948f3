/* The order of work, and what is done when something fails. One turn is a few ms long; as long as a
 * turn finds work the next follows at once, else the thread sleeps until an event, a job or the
 * next moment that something is due. */
#include "svc/share_priv.h"

#include "base/log.h"
#include "base/str.h"
#include "core/path.h"

#include <stdio.h>
#include <string.h>

/* ---- failures ---- */

void share_drop_work(struct share *s)
{
    share_scan_drop(s);
    item_drop_all(s);
    share_skips_drop(s, "");
    mark_drop_all(s);
    folder_drop_all(s);
    s->scanning = s->virgin = s->sweeping = false;
    s->commit_ms = NEVER;
    s->sweep_ms = s->blind ? loop_now_ms() + SWEEP_MIN_MS : NEVER;
}

bool share_failed(struct share *s, int64_t bad, const struct err *e)
{
    if (!bad)
        return false;
    if (s->broken)
        return true;
    log_error("share", "%s", e->text);
    str_copy(s->trouble, sizeof s->trouble, e->text);
    s->broken = true;
    s->retry_ms = loop_now_ms() + (store_damaged(s->store) ? 0 : TROUBLE_MS);
    share_drop_work(
        s); /* what was done since the last commit is undone: all of it has to be found again */
    return true;
}

void share_say_aside(struct share *s, const char *aside)
{
    char name[300];

    snprintf(s->note, sizeof s->note,
             "the index was damaged: it is made anew, the old one is kept as %s",
             show_to(name, sizeof name, aside, strlen(aside)));
}

static bool open_store_again(struct share *s)
{
    char *aside = NULL;
    struct err e;

    store_close(s->store);
    s->store = store_open(s->db_path, &aside, &e);
    if (!s->store) {
        str_copy(s->trouble, sizeof s->trouble, e.text);
        s->retry_ms = loop_now_ms() + TROUBLE_MS;
    } else if (aside) {
        share_say_aside(s, aside);
    }
    mem_free(aside);
    return s->store;
}

void share_begin_anew(struct share *s)
{
    s->broken = false;
    places_say(s);
    places_begin(s);
    if (!s->broken)
        share_put_parts(s);
    if (place_any(s) && !s->broken)
        share_scan_all(s);
}

static void recover(struct share *s)
{
    if ((!s->store || store_damaged(s->store)) && !open_store_again(s))
        return;
    share_begin_anew(s);
}

/* ---- scans ---- */

void share_scan_begin(struct share *s)
{
    if (s->scanning)
        return;
    s->scanning = true;
    s->virgin = false;
}

void share_scan_all(struct share *s)
{
    s->scanning = true;
    s->virgin = !store_number(s->store);
    places_scan(s);
    share_wake(s);
}

static void scan_ended(struct share *s)
{
    s->scanning = s->virgin = false;
    s->untidy = true;
}

static void tidy(struct share *s)
{
    uint64_t files, bytes;
    struct err e;

    s->untidy = false;
    if (!places_away(s) && share_failed(s, store_away_ends(s->store, &e), &e))
        return;
    if (share_failed(s, store_tidy(s->store, &e), &e))
        return;
    mem_trim();
    store_counts(s->store, &files, &bytes);
    log_info("share", "indexed files=%llu bytes=%llu read=%llu", (unsigned long long)files,
             (unsigned long long)bytes, (unsigned long long)s->hashed);
}

/* ---- commits ---- */

static void commit(struct share *s, int64_t now, bool calm)
{
    size_t rows = store_uncommitted(s->store),
           most = s->virgin ? STORE_BULK_ROWS : STORE_BATCH_ROWS;
    struct err e;

    if (rows && s->commit_ms == NEVER)
        s->commit_ms = now + (s->virgin ? STORE_BULK_MS : STORE_BATCH_MS);
    if (rows && (calm || rows >= most || now >= s->commit_ms)) {
        if (share_failed(s, store_commit(s->store, &e), &e))
            return;
        s->commit_ms = NEVER;
    } else if (rows) {
        return;
    }
    if (store_generation(s->store) == s->said_generation &&
        store_number(s->store) == s->said_number)
        return;
    s->said_generation = store_generation(s->store);
    s->said_number = store_number(s->store);
    share_say_status(s); /* before: who is told may ask at once */
    if (s->changed)
        s->changed(s->ctx, s->said_generation, s->said_number);
}

/* ---- turns ---- */

/* *calm: there is nothing to be done about files; manifests may go on. */
static bool work(struct share *s, int64_t now, bool *calm)
{
    bool some = false;

    *calm = true;
    if (!s->places)
        return false;
    some |= share_dirty_turn(s, now);
    if (!s->broken)
        some |= share_scan_turn(s, now);
    if (!s->broken)
        some |= item_turn(s, now);
    *calm = !some && !s->broken && items_idle(s);
    if (!s->broken)
        some |= folder_turn(s, now);
    if (s->broken)
        return true;
    if (s->scanning && !s->scan && !s->listing)
        scan_ended(s);
    if (s->untidy && !s->scanning && !some && !s->needs && items_idle(s))
        tidy(s);
    return some;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_due(const struct share *s)
{
    int64_t due = s->alive_ms;

    if (s->broken)
        return earlier(due, s->retry_ms);
    if (!s->places)
        return NEVER;
    due = earlier(due, share_dirty_due(s));
    due = earlier(due, item_due(s));
    due = earlier(due, folder_due(s));
    due = earlier(due, s->commit_ms);
    due = earlier(due, s->sweep_ms);
    if (HASH_COUNT(s->items) < FILES_AHEAD) /* else a job that ends wakes us */
        due = earlier(due, share_scan_due(s));
    return due;
}

static void sleep_until(struct share *s, int64_t due)
{
    int64_t now = loop_now_ms();

    uv_idle_stop(&s->idle);
    if (due == NEVER) {
        uv_timer_stop(&s->timer);
        return;
    }
    uv_update_time(loop_uv(s->loop));
    uv_timer_start(&s->timer, share_on_timer, due > now ? (uint64_t)(due - now) : 1, 0);
}

static void finish(struct share *s)
{
    share_watch_stop(s);
    uv_close((uv_handle_t *)&s->idle, NULL);
    uv_close((uv_handle_t *)&s->timer, NULL);
    places_free(s);
    store_close(s->store);
    s->store = NULL;
    pool_free(s->pool);
    s->pool = NULL;
    loop_quit(s->loop);
}

static void turn(struct share *s)
{
    int64_t now = loop_now_ms();
    bool some = false, calm = false;

    if (s->stopping) {
        share_drop_work(s);
        uv_idle_stop(&s->idle); /* a job that ends wakes us */
        if (!s->running)
            finish(s);
        return;
    }
    if (s->broken && now >= s->retry_ms)
        recover(s);
    if (now >= s->alive_ms && !s->broken)
        places_check(s, now);
    if (!s->broken)
        sweep_turn(s, now);
    if (!s->broken)
        some = work(s, now, &calm);
    if (!s->broken)
        commit(s, now, calm);
    share_say_status(s);
    if (some && !s->broken)
        share_wake(s);
    else
        sleep_until(s, next_due(s));
}

void share_on_timer(uv_timer_t *t)
{
    turn(t->data);
}

void share_on_idle(uv_idle_t *i)
{
    turn(i->data);
}

void share_wake(struct share *s)
{
    uv_idle_start(&s->idle, share_on_idle); /* nothing when it is started already */
}
