#include "svc/fetch.h"

#include "base/log.h"
#include "base/mem.h"
#include "core/path.h"
#include "svc/fetch_ask.h"
#include "svc/fetch_priv.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>
#include <utlist.h>

#define LIMIT_MIN 1024 /* bytes/s: less would look like a stall */

/* ---- small things ---- */

struct job *fetch_job(struct fetch *f, int64_t id)
{
    struct job *j;

    DL_FOREACH (f->jobs, j) {
        if (j->id == id)
            return j;
    }
    return NULL;
}

struct folder *fetch_folder_open(const char *path, struct err *e)
{
    struct root *root = root_open(path, e);
    struct folder *d;

    if (!root)
        return NULL;
    d = mem_zero(1, sizeof *d);
    *d = (struct folder){.root = root, .refs = 1};
    return d;
}

void fetch_folder_drop(struct folder *d)
{
    if (!d || --d->refs)
        return;
    root_close(d->root);
    mem_free(d);
}

int fetch_folder_gone(const char *path, struct err *e)
{
    char shown[512];

    err_set(e, ERR_IO, "the download folder %s is gone",
            show_to(shown, sizeof shown, path, strlen(path)));
    err_hint(e, "bring it back, or take another one: iwanto download to PATH");
    return -ERR_IO;
}

struct folder *fetch_folder_of(struct fetch *f, const char *path, struct err *e)
{
    struct folder *d = f->folder;
    bool own = !strcmp(root_path(d->root), path);

    if (own && root_alive(d->root)) {
        d->refs++;
        return d;
    }
    d = fetch_folder_open(path, e);
    if (!d) {
        fetch_folder_gone(path, e);
    } else if (own) { /* for those that come, too */
        fetch_folder_drop(f->folder);
        f->folder = d;
        d->refs++;
    }
    return d;
}

static unsigned active(const struct fetch *f)
{
    const struct job *j;
    unsigned n = 0;

    DL_FOREACH (f->jobs, j)
        n += job_active(j);
    return n;
}

uint64_t fetch_share_of_limit(const struct fetch *f, const struct job *j)
{
    uint64_t limit = j->limit, all = f->conf.limit_down;
    const struct xfer *x;
    unsigned n = 0;

    if (all) {
        unsigned jobs = active(f);

        all /= jobs ? jobs : 1;
        if (!limit || all < limit)
            limit = all;
    }
    DL_FOREACH (f->xfers, x)
        n += x->job == j && !x->closing;
    if (n > 1)
        limit /= n;
    return limit && limit < LIMIT_MIN ? LIMIT_MIN : limit;
}

/* ---- the clock ---- */

/* Those that wait for a holder keep nobody from beginning. */
static unsigned busy(const struct fetch *f)
{
    const struct job *j;
    unsigned n = 0;

    DL_FOREACH (f->jobs, j)
        n += job_active(j) && !j->waiting;
    return n;
}

static int by_rank(const struct job *a, const struct job *b)
{
    return a->rank < b->rank ? -1 : a->rank > b->rank;
}

void fetch_sort(struct fetch *f)
{
    DL_SORT(f->jobs, by_rank);
    f->reorder = true;
    fetch_wake(f);
}

/* It stops, and goes on when its turn comes. */
static void put_back(struct job *j)
{
    job_pause(j);
    j->phase = PHASE_QUEUED;
    job_save(j);
    event_tell(j, "queued");
}

/* The queue's order or the number at once was changed. */
static void put_back_the_others(struct fetch *f)
{
    struct job *j;
    unsigned n = 0;

    f->reorder = false;
    DL_FOREACH (f->jobs, j) {
        if (j->phase != PHASE_QUEUED && (!job_active(j) || j->waiting || j->now))
            continue;
        if (n++ >= f->conf.at_once && j->phase != PHASE_QUEUED)
            put_back(j);
    }
}

static void start_queued(struct fetch *f)
{
    struct job *j;

    if (f->reorder)
        put_back_the_others(f);
    DL_FOREACH (f->jobs, j) {
        if (j->phase == PHASE_QUEUED && (j->now || busy(f) < f->conf.at_once))
            job_start(j);
    }
}

void fetch_forget(struct job *j)
{
    DL_DELETE(j->f->jobs, j);
    j->gone = true;
    if (!j->works)
        job_free(j);
}

/* Keep the newest FETCH_KEPT ended ones. */
static void forget_old(struct fetch *f)
{
    struct job *j, *next;
    unsigned ended = 0;
    struct err e;

    DL_FOREACH (f->jobs, j)
        ended += job_ended(j);
    DL_FOREACH_SAFE(f->jobs, j, next)
    {
        if (ended <= FETCH_KEPT)
            return;
        if (!job_ended(j))
            continue;
        store_job_remove(f->queue, j->id, &e);
        fetch_forget(j);
        ended--;
    }
}

static void finish_stopping(struct fetch *f);

static void on_timer(uv_timer_t *t)
{
    struct fetch *f = t->data;
    int64_t now = loop_now_ms();
    struct job *j;

    if (f->stopping) {
        finish_stopping(f);
        return;
    }
    start_queued(f);
    forget_old(f);
    part_tick(f, now);
    DL_FOREACH (f->jobs, j)
        job_tick(j, now);
    if (!active(f))
        uv_timer_stop(f->timer);
}

void fetch_wake(struct fetch *f)
{
    if (f->timer && !uv_is_active((uv_handle_t *)f->timer))
        uv_timer_start(f->timer, on_timer, 0, FETCH_TICK_MS);
}

void fetch_soon(struct fetch *f)
{
    if (f->timer)
        uv_timer_start(f->timer, on_timer, 0, FETCH_TICK_MS);
}

/* ---- life ---- */

static char *text_in(const json_t *o, const char *key)
{
    return mem_str(json_string_value(json_object_get(o, key)));
}

static void restore(struct fetch *f, const struct store_job *row)
{
    struct job *j = job_new(f, &row->hash);
    json_t *o = row->options ? json_loads(row->options, 0, NULL) : NULL;
    json_int_t limit = json_integer_value(json_object_get(o, "limit_rate"));

    j->id = row->id;
    j->added_s = row->added_s;
    j->kind = row->kind;
    j->size = row->size;
    j->done = row->done;
    j->name = text_in(o, "name");
    j->want = text_in(o, "want");
    j->exec = text_in(o, "exec");
    j->folder_path = text_in(o, "folder");
    if (!j->folder_path)
        j->folder_path = mem_str(root_path(f->folder->root));
    if (row->target && path_check(row->target, strlen(row->target)) == PATH_OK)
        j->target = mem_str(row->target);
    if (j->name && path_check_name(j->name, strlen(j->name)) != PATH_OK) {
        mem_free(j->name);
        j->name = NULL;
    }
    j->overwrite = json_is_true(json_object_get(o, "overwrite"));
    j->rename = json_is_true(json_object_get(o, "rename"));
    j->rank = json_is_integer(json_object_get(o, "rank"))
                  ? json_integer_value(json_object_get(o, "rank"))
                  : j->id;
    j->sequential = json_is_true(json_object_get(o, "sequential"));
    j->limit = limit > 0 ? (uint64_t)limit : 0;
    j->phase = row->state == JOB_ACTIVE   ? PHASE_QUEUED
               : row->state == JOB_PAUSED ? PHASE_PAUSED
               : row->state == JOB_DONE   ? PHASE_DONE
                                          : PHASE_FAILED;
    if (row->error && j->phase == PHASE_FAILED)
        err_set(&j->err, ERR_UNFINISHED, "%s", row->error);
    json_decref(o);
    DL_APPEND(f->jobs, j);
}

static int restore_all(struct fetch *f, struct err *e)
{
    struct store_job *rows;
    size_t count;
    int bad = store_jobs(f->queue, &rows, &count, e);

    for (size_t i = 0; !bad && i < count; i++) {
        restore(f, &rows[i]);
        store_job_free(&rows[i]);
    }
    if (!bad)
        mem_free(rows);
    DL_SORT(f->jobs, by_rank);
    return bad;
}

static void begin(void *arg)
{
    struct fetch *f = arg;

    f->thread = uv_thread_self();
    f->client = http_client_new(f->loop, &f->conf.ident->tls);
    f->lanes = lanes_new(f->loop, &f->conf.ident->tls);
    f->timer = mem_zero(1, sizeof *f->timer);
    uv_timer_init(loop_uv(f->loop), f->timer);
    f->timer->data = f;
    fetch_wake(f);
}

struct fetch *fetch_new(const struct fetch_conf *conf, struct err *e)
{
    struct fetch *f = mem_zero(1, sizeof *f);
    uint64_t seed;

    f->conf = *conf;
    f->conf.at_once = conf->at_once ? conf->at_once : FETCH_ACTIVE;
    randombytes_buf(&seed, sizeof seed);
    rng_seed(&f->rng, seed);
    uv_mutex_init(&f->part_lock);
    f->folder = fetch_folder_open(conf->folder, e);
    if (!f->folder)
        goto err_folder;
    f->queue = store_queue_open(conf->db_path, e);
    if (!f->queue)
        goto err_queue;
    f->reader = store_reader_open(conf->db_path, e);
    if (!f->reader)
        goto err_reader;
    if (restore_all(f, e))
        goto err_restore;
    f->door = fetch_door_new(f);
    f->loop = loop_new("fetch");
    loop_start(f->loop);
    loop_call(f->loop, begin, f);
    return f;
err_restore:
    store_reader_close(f->reader);
err_reader:
    store_queue_close(f->queue);
err_queue:
    fetch_folder_drop(f->folder);
err_folder:
    uv_mutex_destroy(&f->part_lock);
    mem_free(f);
    return NULL;
}

static void free_handle(uv_handle_t *h)
{
    mem_free(h);
}

/* Once the pool and the lanes are done with everything of ours. */
static void finish_stopping(struct fetch *f)
{
    if (f->works || lanes_busy(f->lanes))
        return;
    assert(!f->xfers);
    part_done(f);
    lanes_free(f->lanes);
    http_client_free(f->client);
    uv_timer_stop(f->timer);
    uv_close((uv_handle_t *)f->timer, free_handle);
    f->timer = NULL;
    loop_quit(f->loop);
}

static void stop(void *arg)
{
    struct fetch *f = arg;
    struct job *j;

    f->stopping = true;
    DL_FOREACH (f->jobs, j) {
        if (!job_active(j))
            continue;
        job_pause(j);
        j->phase = PHASE_QUEUED; /* goes on at the next start */
        job_save(j);
    }
    fetch_wake(f);
}

void fetch_free(struct fetch *f)
{
    struct job *j, *next_job;
    struct listener *l, *next;
    struct part_wait *w, *next_wait;

    if (!f)
        return;
    fetch_door_close(f->door);
    loop_call(f->loop, stop, f);
    loop_free(f->loop);
    DL_FOREACH_SAFE(f->jobs, j, next_job)
    {
        DL_DELETE(f->jobs, j);
        job_free(j);
    }
    DL_FOREACH_SAFE(f->listeners, l, next)
    mem_free(l);
    DL_FOREACH_SAFE(f->part_waits, w, next_wait)
    mem_free(w);
    store_reader_close(f->reader);
    store_queue_close(f->queue);
    fetch_folder_drop(f->folder);
    uv_mutex_destroy(&f->part_lock);
    mem_free(f);
}
