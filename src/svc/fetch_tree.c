/* A folder's download: which stage, which file next, what to do when sources fail. */
#include "svc/fetch_tree.h"

#include "base/log.h"
#include "base/mem.h"
#include "svc/fetch_near.h"
#include "svc/json_text.h"

#include <assert.h>
#include <string.h>
#include <utlist.h>

/* How long a source that was asked may say nothing until another one is asked as well: so many
 * times what answers take, within these bounds. */
#define PATIENCE       8
#define SILENT_MIN_MS  250
#define SILENT_MAX_MS  1000
#define SILENT_REST_MS 3000

/* ---- life ---- */

void line_add(struct line *l, uint32_t entry)
{
    if (l->at && l->len == l->cap) {
        memmove(l->entry, l->entry + l->at, (l->len - l->at) * sizeof *l->entry);
        l->len -= l->at;
        l->at = 0;
    }
    MEM_GROW(l->entry, l->len, l->cap);
    l->entry[l->len++] = entry;
}

bool line_take(struct line *l, uint32_t *entry)
{
    if (l->at == l->len) {
        l->at = l->len = 0;
        return false;
    }
    *entry = l->entry[l->at++];
    return true;
}

struct tree *tree_start(struct job *j)
{
    struct tree *t = mem_zero(1, sizeof *t);

    t->f = j->f;
    t->job = j;
    t->folder = j->folder;
    t->folder->refs++;
    t->names = arena_new();
    t->local = j->from.own;
    for (size_t i = 0; i < j->from.sources; i++)
        t->local &= !j->from.source[i]->listed;
    walk_begin(t);
    return t; /* the first tick begins */
}

static void tree_free(struct tree *t)
{
    fetch_folder_drop(t->folder);
    arena_free(t->names);
    mem_free(t->entry);
    mem_free(t->again.entry);
    mem_free(t->later.entry);
    mem_free(t->twins.entry);
    mem_free(t->locals.entry);
    near_free(t->near);
    mem_free(t->base);
    mem_free(t);
}

void tree_pin(struct tree *t)
{
    t->works++;
}

void tree_unpin(struct tree *t)
{
    assert(t->works);
    if (!--t->works && t->closing)
        tree_free(t);
}

void tree_stop(struct tree *t, bool remove)
{
    tree_pin(t);
    t->closing = true;
    walk_end(t);
    batch_end_all(t);
    for (unsigned i = 0; i < TREE_XFERS; i++) {
        if (t->xfer[i])
            xfer_stop(t->xfer[i], remove);
        t->xfer[i] = NULL;
    }
    tree_unpin(t);
}

void tree_fail(struct tree *t, const struct err *e)
{
    if (!t->closing)
        job_end(t->job, PHASE_FAILED, e); /* stops t */
}

/* ---- what it is made of ---- */

char *tree_path(const struct tree *t, const char *base, uint32_t entry)
{
    size_t below = t->entry[entry].path_len, base_len = strlen(base);
    size_t len = base_len + (below > 0) + below;
    char *path = mem_alloc(len + 1), *end = path + len;

    memcpy(path, base, base_len);
    *end = '\0';
    while (entry != TREE_ROOT) {
        size_t n = strlen(t->entry[entry].name);

        end -= n;
        memcpy(end, t->entry[entry].name, n);
        *--end = '/';
        entry = t->entry[entry].parent;
    }
    assert(end == path + base_len);
    return path;
}

bool tree_is_small(const struct tree *t, const struct entry *e)
{
    return e->size <= BATCH_FILE_MAX && !t->local;
}

void tree_file_done(struct tree *t, uint32_t entry)
{
    t->entry[entry].state = ENTRY_DONE;
    t->files_done++;
    t->done += t->entry[entry].size;
    if (t->entry[entry].twin)
        line_add(&t->twins, entry);
}

uint64_t tree_done(const struct tree *t)
{
    uint64_t sum = t->done + t->copying;

    for (unsigned i = 0; i < TREE_XFERS; i++)
        sum += t->xfer[i] ? xfer_done(t->xfer[i]) : 0;
    return sum;
}

uint64_t tree_copying(const struct tree *t)
{
    return t->copying;
}

json_t *tree_now(const struct tree *t)
{
    json_t *now = json_array();

    for (unsigned i = 0; i < TREE_XFERS; i++) {
        char *path;

        if (!t->xfer[i])
            continue;
        path = tree_path(t, "", t->xfer_entry[i]);
        json_array_append_new(now, json_pack("{s:o, s:I, s:I}", "name", json_text(path + 1), "size",
                                             (json_int_t)t->xfer[i]->size, "bytes",
                                             (json_int_t)xfer_done(t->xfer[i])));
        mem_free(path);
    }
    return now;
}

void tree_files(const struct tree *t, uint32_t *files, uint32_t *done)
{
    *files = t->files;
    *done = t->files_done;
}

/* ---- sources ---- */

static void wait_or_fail(struct tree *t)
{
    const struct job *j = t->job;
    bool lied = false, others = false;
    struct err e;

    for (size_t i = 0; i < j->from.sources; i++) {
        lied |= j->from.source[i]->out;
        others |= !j->from.source[i]->out;
    }
    if (lied && !others) {
        err_set(&e, ERR_BAD_CONTENT, "the content failed verification from every holder");
        tree_fail(t, &e);
    } else if (!t->asking && !t->batching && !t->local_works) {
        job_wait(t->job, ERR_UNFINISHED, "no holder answers");
    }
}

/* The one with the least to do. *resting: some may be asked again later. */
static struct source *idlest(struct tree *t, const struct source *but, bool *resting)
{
    struct job *j = t->job;
    int64_t now = loop_now_ms();
    struct source *best = NULL;

    for (size_t i = 0; i < j->from.sources; i++) {
        struct source *s = j->from.source[(t->source_at + i) % j->from.sources];

        if (!s->listed || s->out || s->partial || (but && s == but))
            continue;
        if (s->retry_ms > now)
            *resting = true;
        else if (!best || s->running < best->running)
            best = s;
    }
    t->source_at++;
    return best;
}

struct source *tree_source(struct tree *t)
{
    bool resting = false;
    struct source *best = idlest(t, NULL, &resting);

    if (!best && !resting)
        wait_or_fail(t);
    return best;
}

struct source *tree_other_source(struct tree *t, const struct source *but)
{
    bool resting;

    return idlest(t, but, &resting);
}

void tree_heard(struct tree *t, int64_t took_ms)
{
    t->answer_ms = t->answer_ms ? (7 * t->answer_ms + took_ms) / 8 : took_ms + 1;
}

bool tree_is_silent(const struct tree *t, int64_t since_ms)
{
    int64_t patience = t->answer_ms ? PATIENCE * t->answer_ms : SILENT_MAX_MS;

    patience = patience < SILENT_MIN_MS ? SILENT_MIN_MS : patience;
    patience = patience > SILENT_MAX_MS ? SILENT_MAX_MS : patience;
    return loop_now_ms() - since_ms >= patience;
}

void tree_source_silent(struct source *s)
{
    s->retry_ms = loop_now_ms() + SILENT_REST_MS;
}

void tree_source_lied(struct tree *t, struct source *s, const char *what)
{
    log_warn("fetch", "wrong-data id=%lld peer=\"%s\" what=\"%s\"", (long long)t->job->id, s->name,
             what);
    event_tell_source(t->job, "piece-bad", s);
    if (++s->bad < FETCH_BAD_MAX || s->out)
        return;
    s->out = true;
    event_tell_source(t->job, "source-lost", s);
    job_ask(t->job, loop_now_ms() + FETCH_ASK_SOON_MS);
}

void tree_source_failed(struct tree *t, struct source *s, const struct http_answer *a)
{
    int64_t now = loop_now_ms();

    holders_failed(&t->job->from, s, a);
    if (s->retry_ms > now)
        return; /* its other connection: once is enough */
    s->retry_ms = now + ((int64_t)PLAN_PAUSE_MS << (s->fails < TREE_TRIES ? s->fails : TREE_TRIES));
    if (++s->fails < TREE_TRIES)
        return;
    s->listed = false;
    s->fails = 0;
    event_tell_source(t->job, "source-lost", s);
}

void tree_sources(struct tree *t)
{
    for (unsigned i = 0; i < TREE_XFERS; i++) {
        struct xfer *x = t->xfer[i];

        if (x && x->from == &x->own_from)
            holders_borrow(x->from, &t->job->from);
        if (x)
            xfer_sources(x);
    }
}

/* ---- larger files ---- */

static void on_file(struct xfer *x, const struct err *e)
{
    struct tree *t = x->ended_ctx;

    for (unsigned i = 0; i < TREE_XFERS; i++) {
        if (t->xfer[i] != x)
            continue;
        t->xfer[i] = NULL;
        if (e)
            tree_fail(t, e);
        else
            tree_file_done(t, t->xfer_entry[i]);
        return;
    }
}

/* late: it was put aside before, and may be on this computer since. */
static bool next_large(struct tree *t, uint32_t *entry, bool *late)
{
    *late = false;
    while (t->large_at < t->entries) {
        const struct entry *e = &t->entry[t->large_at];

        *entry = t->large_at++;
        if (e->kind != 'd' && e->state == ENTRY_TODO && !tree_is_small(t, e))
            return true;
    }
    *late = true;
    return line_take(&t->later, entry);
}

/* Two are always under way, so that one begins while the other ends; more while what is left of
 * them would not occupy the connections, each file having its own, and the other downloads theirs.
 */
static bool one_more(const struct tree *t)
{
    unsigned files = 0, jobs = 0, most;
    uint64_t left = 0;
    const struct job *j;

    DL_FOREACH (t->f->jobs, j)
        jobs += j->xfer || j->tree;
    most = FETCH_CONN_MAX / FETCH_CONN_MIN / (jobs ? jobs : 1);
    for (unsigned i = 0; i < TREE_XFERS; i++) {
        if (!t->xfer[i])
            continue;
        files++;
        left += t->xfer[i]->size - xfer_done(t->xfer[i]);
    }
    return files < TREE_XFERS_MIN || (files < most && left < TREE_AHEAD);
}

static void start_files(struct tree *t)
{
    uint32_t entry;

    for (unsigned i = 0; i < TREE_XFERS && one_more(t); i++) {
        struct xfer_spec spec = {0};
        struct entry *e;
        char *path;
        bool late;

        if (t->xfer[i] || !next_large(t, &entry, &late))
            continue;
        e = &t->entry[entry];
        if (xfer_is_known(t->f, &e->hash)) { /* the same content twice: one after the other */
            line_add(&t->later, entry);
            continue;
        }
        e->state = ENTRY_BUSY;
        path = tree_path(t, t->base, entry);
        spec = (struct xfer_spec){.hash = e->hash,
                                  .size = e->size,
                                  .kind = (char)e->kind,
                                  .mtime_s = e->mtime_s,
                                  .target = path,
                                  .near = late};
        t->xfer_entry[i] = entry;
        t->xfer[i] = xfer_start(t->job, &spec, on_file, t);
        mem_free(path);
    }
}

/* ---- stages ---- */

void tree_made(struct tree *t, bool skipped, const struct err *e)
{
    struct job *j = t->job;

    if (e) {
        tree_fail(t, e);
        return;
    }
    mem_free(j->target);
    j->target = mem_str(t->base);
    if (skipped) {
        t->files_done = t->files;
        j->done = j->size;
        job_end(j, PHASE_SKIPPED, NULL);
        return;
    }
    t->stage = TREE_RUN;
    job_save(j);
    event_tell(j, "start");
    tree_soon(t);
}

void tree_finished(struct tree *t, const struct err *e)
{
    if (e) {
        tree_fail(t, e);
        return;
    }
    t->job->done = t->job->size;
    job_end(t->job, PHASE_DONE, NULL);
}

static void run_tick(struct tree *t, int64_t now)
{
    local_tick(t);
    batch_tick(t);
    if (t->closing)
        return;
    start_files(t);
    for (unsigned i = 0; i < TREE_XFERS && !t->closing; i++) {
        if (t->xfer[i])
            xfer_tick(t->xfer[i], now);
    }
    if (!t->closing && t->files_done == t->files)
        make_finish(t);
}

void tree_soon(struct tree *t)
{
    fetch_soon(t->f);
}

void tree_tick(struct tree *t, int64_t now)
{
    tree_pin(t);
    if (t->stage == TREE_WALK)
        walk_tick(t);
    else if (t->stage == TREE_RUN)
        run_tick(t, now);
    tree_unpin(t);
}
