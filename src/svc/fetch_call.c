/* The calls from outside. Each runs on fetch's thread while the caller waits. */
#include "base/mem.h"
#include "svc/fetch_priv.h"

#include <string.h>
#include <utlist.h>

/* Run fn on fetch's thread and wait; at once when this is it (a listener that calls back). */
static void on_loop(struct fetch *f, void (*fn)(void *arg), void *arg)
{
    uv_thread_t self = uv_thread_self();

    if (uv_thread_equal(&self, &f->thread))
        fn(arg);
    else
        (void)loop_call(f->loop, fn, arg);
}

struct call {
    struct fetch *f;
    const struct fetch_want *want;
    const struct hash *hash;
    const char *folder;
    struct folder *opened;
    int64_t id;
    void (*fn)(void *ctx, json_t *event);
    void *ctx;
    json_t *json;
    uint64_t rate;
    unsigned count;
    int64_t got;
    struct err *e;
};

static int64_t no_such(struct err *e)
{
    return err_set(e, ERR_NOT_FOUND, "there is no such download");
}

static struct job *job_of(struct fetch *f, const struct hash *hash)
{
    struct job *j, *found = NULL;

    DL_FOREACH (f->jobs, j) {
        if (hash_eq(&j->hash, hash) && (!found || !job_ended(j)))
            found = j;
    }
    return found;
}

/* A wish that has no target yet, or is wished anew after it failed. */
static void take_want(struct job *j, const struct fetch_want *w)
{
    mem_free(j->want);
    j->want = mem_str(w->name);
    mem_free(j->exec);
    j->exec = mem_str(w->exec);
    j->overwrite = w->overwrite;
    j->rename = w->rename;
    j->sequential = w->sequential;
    j->limit = w->limit_rate;
}

static int64_t last_rank(const struct fetch *f)
{
    return f->jobs ? f->jobs->prev->rank : 0; /* the list's head knows its end */
}

static void add(void *arg)
{
    struct call *c = arg;
    struct job *j = job_of(c->f, &c->want->hash), *done = NULL;
    struct err e;

    if (j && (j->phase == PHASE_DONE || j->phase == PHASE_SKIPPED)) {
        done = j;
        j = NULL;
    }
    if (!j) {
        j = job_new(c->f, &c->want->hash);
        j->folder_path = mem_str(root_path(c->f->folder->root));
        if (c->want->title)
            j->name = fetch_safe_name(c->want->title, &j->hash);
        take_want(j, c->want);
        j->rank = last_rank(c->f) + 1;
        if (done) {
            job_recall(j, done);
            store_job_remove(c->f->queue, done->id, &e);
            fetch_forget(done);
        }
        DL_APPEND(c->f->jobs, j);
    } else if (j->phase == PHASE_FAILED) {
        take_want(j, c->want);
        j->err.code = 0;
        j->phase = PHASE_QUEUED;
    } else if (j->phase == PHASE_PAUSED) {
        j->phase = PHASE_QUEUED;
    }
    if (c->want->exec && !j->exec)
        j->exec = mem_str(c->want->exec);
    j->now |= c->want->now;
    job_save(j);
    c->got = j->id;
    fetch_wake(c->f);
}

int fetch_add(struct fetch *f, const struct fetch_want *want, int64_t *id, struct err *e)
{
    struct call c = {.f = f, .want = want, .e = e};

    if (want->name && *want->name && fetch_check_want(want->name, e))
        return -ERR_USAGE;
    on_loop(f, add, &c);
    *id = c.got;
    return *id > 0 ? 0 : err_set(e, ERR_IO, "cannot save the download queue");
}

static void listen_to(void *arg)
{
    struct call *c = arg;
    struct job *j = fetch_job(c->f, c->id);
    struct listener *l;
    json_t *o;

    if (!j) {
        c->got = -ERR_NOT_FOUND;
        return;
    }
    l = mem_zero(1, sizeof *l);
    *l = (struct listener){
        .number = ++c->f->last_listener, .job = c->id, .fn = c->fn, .ctx = c->ctx};
    DL_APPEND(c->f->listeners, l);
    c->got = l->number;
    o = event_of(j, event_state(j));
    c->fn(c->ctx, o);
    json_decref(o);
}

int64_t fetch_listen(struct fetch *f, int64_t id, void (*fn)(void *ctx, json_t *event), void *ctx)
{
    struct call c = {.f = f, .id = id, .fn = fn, .ctx = ctx};

    on_loop(f, listen_to, &c);
    return c.got;
}

static void unlisten(void *arg)
{
    struct call *c = arg;
    struct listener *l, *next;

    DL_FOREACH_SAFE(c->f->listeners, l, next)
    {
        if (l->number != c->id)
            continue;
        l->dead = true;
        if (!c->f->telling) {
            DL_DELETE(c->f->listeners, l);
            mem_free(l);
        }
    }
}

void fetch_unlisten(struct fetch *f, int64_t listener)
{
    struct call c = {.f = f, .id = listener};

    on_loop(f, unlisten, &c);
}

static void list(void *arg)
{
    struct call *c = arg;
    struct job *j;

    c->json = json_array();
    DL_FOREACH (c->f->jobs, j)
        json_array_append_new(c->json, event_of(j, event_state(j)));
}

json_t *fetch_list(struct fetch *f)
{
    struct call c = {.f = f};

    on_loop(f, list, &c);
    return c.json ? c.json : json_array();
}

static void do_pause(void *arg)
{
    struct call *c = arg;
    struct job *j = fetch_job(c->f, c->id);

    if (!j) {
        c->got = no_such(c->e);
    } else if (job_ended(j)) {
        c->got = err_set(c->e, ERR_USAGE, "this download has ended already");
    } else if (j->phase != PHASE_PAUSED) {
        job_pause(j);
        job_save(j);
        event_tell(j, "paused");
    }
}

int fetch_pause(struct fetch *f, int64_t id, struct err *e)
{
    struct call c = {.f = f, .id = id, .e = e};

    on_loop(f, do_pause, &c);
    return (int)c.got;
}

static void do_resume(void *arg)
{
    struct call *c = arg;
    struct job *j = fetch_job(c->f, c->id);

    if (!j) {
        c->got = no_such(c->e);
    } else if (j->phase == PHASE_DONE || j->phase == PHASE_SKIPPED) {
        c->got = err_set(c->e, ERR_USAGE, "this download is done already");
    } else if (j->phase == PHASE_PAUSED || j->phase == PHASE_FAILED) {
        j->phase = PHASE_QUEUED;
        j->err.code = 0;
        job_save(j);
        fetch_wake(c->f);
    }
}

int fetch_resume(struct fetch *f, int64_t id, struct err *e)
{
    struct call c = {.f = f, .id = id, .e = e};

    on_loop(f, do_resume, &c);
    return (int)c.got;
}

static void do_cancel(void *arg)
{
    struct call *c = arg;
    struct job *j = fetch_job(c->f, c->id);
    bool ended;
    struct err e;

    if (!j) {
        c->got = no_such(c->e);
        return;
    }
    ended = j->phase == PHASE_DONE || j->phase == PHASE_SKIPPED;
    if (!ended) {
        job_cancel(j);
        event_tell(j, "failed");
        fetch_clean(j);
    }
    store_job_remove(c->f->queue, j->id, &e);
    fetch_forget(j);
    fetch_wake(c->f);
}

int fetch_cancel(struct fetch *f, int64_t id, struct err *e)
{
    struct call c = {.f = f, .id = id, .e = e};

    on_loop(f, do_cancel, &c);
    return (int)c.got;
}

/* ---- order, and how much at once ---- */

static void move(struct call *c, bool first)
{
    struct job *j = fetch_job(c->f, c->id), *o;

    if (!j) {
        c->got = no_such(c->e);
        return;
    }
    DL_FOREACH (c->f->jobs, o) {
        if (first && o->rank <= j->rank && o != j)
            j->rank = o->rank - 1;
        if (!first && o->rank >= j->rank && o != j)
            j->rank = o->rank + 1;
    }
    job_save(j);
    fetch_sort(c->f);
}

static void to_front(void *arg)
{
    move(arg, true);
}

static void to_back(void *arg)
{
    move(arg, false);
}

int fetch_first(struct fetch *f, int64_t id, struct err *e)
{
    struct call c = {.f = f, .id = id, .e = e};

    on_loop(f, to_front, &c);
    return (int)c.got;
}

int fetch_last(struct fetch *f, int64_t id, struct err *e)
{
    struct call c = {.f = f, .id = id, .e = e};

    on_loop(f, to_back, &c);
    return (int)c.got;
}

static void set_limits(void *arg)
{
    struct call *c = arg;

    c->f->conf.limit_down = c->rate;
    c->f->conf.at_once = c->count ? c->count : FETCH_ACTIVE;
    c->f->reorder = true;
    fetch_wake(c->f);
}

void fetch_set_limits(struct fetch *f, uint64_t limit_down, unsigned at_once)
{
    struct call c = {.f = f, .rate = limit_down, .count = at_once};

    on_loop(f, set_limits, &c);
}

static void find(void *arg)
{
    struct call *c = arg;
    struct job *j = job_of(c->f, c->hash);

    c->got = j ? j->id : -ERR_NOT_FOUND;
}

int64_t fetch_find(struct fetch *f, const struct hash *hash)
{
    struct call c = {.f = f, .hash = hash};

    on_loop(f, find, &c);
    return c.got;
}

static void swap_folder(void *arg)
{
    struct call *c = arg;

    fetch_folder_drop(c->f->folder);
    c->f->folder = c->opened;
}

int fetch_set_folder(struct fetch *f, const char *folder, struct err *e)
{
    struct call c = {.f = f, .opened = fetch_folder_open(folder, e)};

    if (!c.opened)
        return -e->code;
    on_loop(f, swap_folder, &c);
    return 0;
}

static void rates(void *arg)
{
    struct call *c = arg;
    struct job *j;

    DL_FOREACH (c->f->jobs, j) {
        if (!job_active(j))
            continue;
        c->rate += meter_rate(&j->meter, loop_now_ms());
        c->count++;
    }
}

void fetch_rates(struct fetch *f, uint64_t *down_rate, unsigned *active_count)
{
    struct call c = {.f = f};

    on_loop(f, rates, &c);
    *down_rate = c.rate;
    *active_count = c.count;
}
