/* One download, from the question for holders to its end. */
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/path.h"
#include "io/clock.h"
#include "svc/fetch_priv.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define NOBODY_MAX    2 /* answers that knew no holder, until that is believed */
#define NOBODY_ASK_MS 700
#define NO_LEADER_MS  2000

static void on_answer(void *ctx, const struct ask_reply *r)
{
    job_answer(ctx, r);
}

struct job *job_new(struct fetch *f, const struct hash *hash)
{
    struct job *j = mem_zero(1, sizeof *j);

    j->f = f;
    j->mtime_s = INT64_MIN;
    j->hash = *hash;
    holders_init(&j->from, f, hash, on_answer, j);
    j->added_s = clock_wall_ms() / 1000;
    return j;
}

void job_free(struct job *j)
{
    assert(!j->works && !j->xfer && !j->tree);
    holders_done(&j->from);
    fetch_folder_drop(j->folder);
    mem_free(j->name);
    mem_free(j->target);
    mem_free(j->want);
    mem_free(j->exec);
    mem_free(j->folder_path);
    mem_free(j->copied_from);
    mem_free(j);
}

bool job_ended(const struct job *j)
{
    return j->phase >= PHASE_DONE;
}

bool job_active(const struct job *j)
{
    return j->phase == PHASE_FIND || j->phase == PHASE_PLACE || j->phase == PHASE_RUN;
}

/* ---- what is stored of it ---- */

static char *options_text(const struct job *j)
{
    json_t *o = json_pack("{s:s, s:b, s:b, s:b, s:I, s:I}", "folder", j->folder_path, "overwrite",
                          j->overwrite, "rename", j->rename, "sequential", j->sequential,
                          "limit_rate", (json_int_t)j->limit, "rank", (json_int_t)j->rank);
    char *text;

    if (!o) /* a folder whose name is not UTF-8: downloads into it do not outlive the service */
        o = json_object();
    if (j->want)
        json_object_set_new(o, "want", json_string(j->want));
    if (j->exec)
        json_object_set_new(o, "exec", json_string(j->exec));
    if (j->name)
        json_object_set_new(o, "name", json_string(j->name));
    text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return text;
}

void job_save(struct job *j)
{
    char *options = options_text(j);
    struct store_job row = {.id = j->id,
                            .hash = j->hash,
                            .kind = j->kind,
                            .target = j->target,
                            .options = options,
                            .state = j->phase == PHASE_PAUSED   ? JOB_PAUSED
                                     : j->phase == PHASE_FAILED ? JOB_FAILED
                                     : job_ended(j)             ? JOB_DONE
                                                                : JOB_ACTIVE,
                            .size = j->size,
                            .done = j->done,
                            .error = j->err.code ? j->err.text : NULL,
                            .added_s = j->added_s};
    struct err e;
    int bad = j->id ? store_job_save(j->f->queue, &row, &e) : store_job_add(j->f->queue, &row, &e);

    if (bad)
        log_warn("fetch", "queue-not-saved reason=\"%s\"", e.text);
    j->id = row.id;
    free(options);
}

/* ---- holders ---- */

void job_ask(struct job *j, int64_t when_ms)
{
    holders_ask(&j->from, when_ms);
}

/* What is asked for: kind, size, name. false: the answer cannot be. */
static bool take_content(struct job *j, const json_t *o)
{
    const char *kind = json_string_value(json_object_get(o, "kind"));
    const char *name = json_string_value(json_object_get(o, "name"));
    const json_t *modified = json_object_get(o, "modified");
    uint64_t size = holders_number(o, "size");

    if (!kind || !strchr("fxd", *kind) || !*kind || kind[1] ||
        (*kind != 'd' && size > FILE_SIZE_MAX))
        return false;
    if (j->kind && (j->kind == 'd') != (*kind == 'd'))
        return false;
    if (!j->kind) {
        j->kind = *kind;
        j->size = size;
    }
    if (!j->name)
        j->name = fetch_safe_name(name, &j->hash);
    if (json_is_integer(modified))
        j->mtime_s = json_integer_value(modified);
    return true;
}

static bool has_source(const struct job *j)
{
    for (size_t i = 0; i < j->from.sources; i++) {
        if (j->from.source[i]->listed && !j->from.source[i]->out)
            return true;
    }
    return j->from.own;
}

/* An earlier run left a partial file of it. */
static bool has_part(const struct job *j)
{
    struct store_part part;
    struct err e;
    bool yes = store_part_find(j->f->queue, &j->hash, &part, &e) == 1;

    if (yes)
        store_part_free(&part);
    return yes;
}

static void found(struct job *j)
{
    j->waiting = false;
    j->err.code = 0;
    if (j->kind == 'd') {
        j->phase = PHASE_RUN;
        j->tree = tree_start(j);
        fetch_soon(j->f);
    } else if (j->target && has_part(j)) { /* goes on from an earlier run */
        job_placed(j, mem_str(j->target), j->overwrite, false, NULL);
    } else {
        j->phase = PHASE_PLACE;
        fetch_place_file(j);
    }
}

static void on_nobody(struct job *j)
{
    char hex[HASH_HEX_LEN + 1];
    struct err e;

    for (size_t i = 0; i < j->from.sources; i++)
        j->from.source[i]->listed = false;
    if (j->phase != PHASE_FIND)
        return;
    if (j->kind) { /* it was here before: a holder may come back */
        job_wait(j, ERR_UNFINISHED, "nobody has it now");
    } else if (++j->nobody >= NOBODY_MAX) {
        hash_hex(&j->hash, hex);
        err_set(&e, ERR_NOT_FOUND, "cannot download %.12s: nobody has it", hex);
        job_end(j, PHASE_FAILED, &e);
    } else {
        j->from.ask_ms = loop_now_ms() + NOBODY_ASK_MS;
    }
}

void job_answer(struct job *j, const struct ask_reply *r)
{
    if (!job_active(j))
        return;
    if (r->status == 404) {
        on_nobody(j);
        return;
    }
    if (r->status != 200 || !take_content(j, r->json)) {
        j->from.ask_ms = loop_now_ms() + NO_LEADER_MS;
        if (j->phase == PHASE_FIND)
            job_wait(j, ERR_NO_PEER, r->status ? "the leader has no answer" : r->err.text);
        return;
    }
    holders_take(&j->from, j->kind, j->size, r);
    if (j->phase == PHASE_FIND && has_source(j))
        found(j);
    else if (j->phase == PHASE_FIND)
        job_wait(j, ERR_UNFINISHED, "no holder can be reached");
    else if (j->xfer)
        xfer_sources(j->xfer);
    else if (j->tree)
        tree_sources(j->tree);
}

/* ---- running ---- */

void job_start(struct job *j)
{
    struct err e;

    j->phase = PHASE_FIND;
    j->from.ask_ms = 0;
    j->nobody = 0;
    for (size_t i = 0; i < j->from.sources; i++) { /* a new beginning for everybody */
        j->from.source[i]->out = false;
        j->from.source[i]->bad = j->from.source[i]->fails = 0;
        j->from.source[i]->retry_ms = 0;
    }
    if (!j->folder)
        j->folder = fetch_folder_of(j->f, j->folder_path, &e);
    if (!j->folder) {
        job_end(j, PHASE_FAILED, &e);
        return;
    }
    log_info("fetch", "start id=%lld", (long long)j->id);
    if (j->recalled) { /* maybe nobody need be asked at all */
        j->phase = PHASE_PLACE;
        fetch_place_file(j);
    }
    fetch_wake(j->f);
}

void job_recall(struct job *j, const struct job *done)
{
    if (done->kind == 'd' || !done->target || j->want || j->rename || j->overwrite ||
        strcmp(j->folder_path, done->folder_path) != 0)
        return;
    j->recalled = true;
    j->kind = done->kind;
    j->size = done->size;
    j->target = mem_str(done->target);
    if (!j->name)
        j->name = mem_str(done->name);
}

void job_not_there(struct job *j)
{
    j->recalled = false;
    j->kind = 0;
    j->size = 0;
    mem_free(j->target);
    j->target = NULL;
    j->phase = PHASE_FIND;
    fetch_wake(j->f);
}

static void on_file(struct xfer *x, const struct err *e)
{
    struct job *j = x->ended_ctx;

    j->xfer = NULL;
    if (e) {
        j->done = xfer_done(x);
        job_end(j, PHASE_FAILED, e);
        return;
    }
    mem_free(j->target);
    j->target = mem_str(x->target);
    j->done = j->size;
    job_end(j, PHASE_DONE, NULL);
}

static void make_empty(struct job *j, bool replace)
{
    const struct root *r = j->folder->root;
    const char *slash = strrchr(j->target, '/');
    char *dir = slash ? mem_strn(j->target, (size_t)(slash - j->target)) : NULL;
    struct err e;
    int fd = dir ? root_make_dirs(r, dir, &e) : 0;

    mem_free(dir);
    if (!fd && replace)
        fd = root_remove(r, j->target, &e);
    if (!fd)
        fd = root_create_fd(r, j->target, &e);
    if (fd < 0) {
        job_end(j, PHASE_FAILED, &e);
        return;
    }
    if (j->kind == 'x')
        (void)root_set_exec(fd);
    close(fd);
    job_end(j, PHASE_DONE, NULL);
}

/* The root hash that most whole holders agree about: the leader names that group first. */
static struct hash first_root(const struct job *j)
{
    for (size_t i = 0; i < j->from.sources; i++) {
        if (j->from.source[i]->listed)
            return j->from.source[i]->root;
    }
    return (struct hash){{0}};
}

void job_placed(struct job *j, char *target, bool replace, bool skipped, const struct err *e)
{
    struct xfer_spec spec = {.hash = j->hash,
                             .root = first_root(j),
                             .size = j->size,
                             .kind = j->kind,
                             .mtime_s = j->mtime_s,
                             .replace = replace,
                             .near = true};

    if (e) {
        mem_free(target);
        job_end(j, PHASE_FAILED, e);
        return;
    }
    mem_free(j->target);
    j->target = target;
    if (skipped) {
        j->done = j->size;
        job_end(j, PHASE_SKIPPED, NULL);
        return;
    }
    if (xfer_is_known(j->f, &j->hash)) { /* part of a folder that is on its way: wait for it */
        mem_free(j->target);
        j->target = NULL;
        j->phase = PHASE_FIND;
        j->from.ask_ms = loop_now_ms() + FETCH_ASK_SOON_MS;
        return;
    }
    j->phase = PHASE_RUN;
    job_save(j);
    event_tell(j, "start");
    if (!j->size && !fetch_is_empty(&j->hash)) {
        struct err bad;

        err_set(&bad, ERR_BAD_CONTENT, "its holders say that it is empty, which it is not");
        job_end(j, PHASE_FAILED, &bad);
        return;
    }
    if (!j->size) {
        make_empty(j, replace);
        return;
    }
    spec.target = j->target;
    j->xfer = xfer_start(j, &spec, on_file, j);
}

void job_wait(struct job *j, int code, const char *why)
{
    if (j->waiting)
        return;
    j->waiting = true;
    err_set(&j->err, (enum err_code)code, "%s", why);
    log_info("fetch", "waiting id=%lld reason=\"%s\"", (long long)j->id, why);
    event_tell(j, "waiting");
    job_ask(j, loop_now_ms() + FETCH_ASK_SOON_MS);
}

void job_copied(struct job *j, uint64_t bytes, char *from)
{
    j->copied += bytes;
    if (from) {
        mem_free(j->copied_from);
        j->copied_from = from;
    }
}

uint64_t job_copied_now(const struct job *j)
{
    return j->copied + (j->xfer ? j->xfer->copying : 0) + (j->tree ? tree_copying(j->tree) : 0);
}

void job_moves(struct job *j)
{
    if (!j->waiting)
        return;
    j->waiting = false;
    j->err.code = 0;
    event_tell(j, "progress");
}

/* A rate is what comes, from wherever. */
static void meter_copies(struct job *j, int64_t now)
{
    uint64_t copied = job_copied_now(j);

    if (copied > j->metered)
        meter_add(&j->meter, now, copied - j->metered);
    j->metered = copied;
}

void job_tick(struct job *j, int64_t now)
{
    if (!job_active(j))
        return;
    holders_tick(&j->from, now);
    if (j->xfer)
        xfer_tick(j->xfer, now);
    if (j->tree)
        tree_tick(j->tree, now);
    if (j->xfer)
        j->done = xfer_done(j->xfer);
    if (j->tree)
        j->done = tree_done(j->tree);
    meter_copies(j, now);
    if (j->phase == PHASE_RUN && !j->waiting && now - j->told_ms >= FETCH_EVENT_MS) {
        j->told_ms = now;
        event_tell(j, "progress");
    }
}

/* ---- the end ---- */

static void stop(struct job *j, bool remove)
{
    struct xfer *x = j->xfer;
    struct tree *t = j->tree;

    j->xfer = NULL;
    j->tree = NULL;
    if (x)
        xfer_stop(x, remove);
    if (t)
        tree_stop(t, remove);
    j->waiting = false;
    j->from.asking = false;
}

void job_pause(struct job *j)
{
    if (j->xfer)
        j->done = xfer_done(j->xfer);
    stop(j, false);
    j->err.code = 0;
    j->phase = PHASE_PAUSED;
}

void job_cancel(struct job *j)
{
    stop(j, true);
    j->phase = PHASE_FAILED;
    err_set(&j->err, ERR_INTERRUPTED, "cancelled");
}

/* What a user can do about it. */
static void explain(struct job *j)
{
    if (j->folder && !root_alive(j->folder->root))
        fetch_folder_gone(j->folder_path, &j->err);
    else if (j->err.code == ERR_IO && j->done && !j->err.hint[0])
        err_hint(&j->err, "what is there is kept; the same command goes on with it");
}

void job_end(struct job *j, enum phase phase, const struct err *e)
{
    const char *what;

    j->phase = phase;
    j->err.code = 0;
    if (e) {
        j->err = *e;
        explain(j);
        e = &j->err;
    }
    what = event_state(j);
    log_line(e ? LOG_WARN : LOG_INFO, "fetch", "%s id=%lld bytes=%llu fetched=%llu%s%s%s", what,
             (long long)j->id, (unsigned long long)j->done, (unsigned long long)j->fetched,
             e ? " reason=\"" : "", e ? e->text : "", e ? "\"" : "");
    event_tell(j, what); /* with what its tree counted */
    event_ended(j);
    stop(j, false);
    job_save(j);
    fetch_folder_drop(j->folder);
    j->folder = NULL;
    fetch_wake(j->f);
}
