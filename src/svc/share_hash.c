/* The files in work. Each is opened, looked at, hashed and looked at again on one of the
 * pool's threads; only what was the same all the time is published.
 *
 * Small files go several to a job, big ones in slices; the two take turns, so neither waits for the
 * other. A file that changed a moment ago is left for a moment (its times might not show a further
 * change), one that somebody has open for writing until it is closed. */
#include "svc/share_priv.h"

#include "base/log.h"
#include "base/str.h"
#include "core/path.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <time.h>

/* ---- on a thread of the pool: one item ---- */

/* Times on disk have steps of up to 10 ms. The bigger the file, the longer we wait for the last
 * change. */
static bool is_young(const struct root_stat *st)
{
    struct timespec now;
    int64_t age_ns;

    timespec_get(&now, TIME_UTC);
    age_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - st->ctime_ns;
    return age_ns >= 0 && age_ns < CALM_MS * 1000000ll + (int64_t)(st->size >> 22) * 1000000;
}

static enum item_end why_not(struct item *it, const struct err *e)
{
    struct root_stat st;
    struct err ignored;

    switch (e->sys) {
    case ENOENT:
    case ENOTDIR:
        return END_GONE;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return END_YOUNG; /* not its fault */
    case 0:               /* no plain file, or not any more */
        if (root_stat_at(it->root, it->below, &st, &ignored) || (st.kind != 'f' && st.kind != 'x'))
            return END_GONE;
        str_copy(it->hashing->text, sizeof it->hashing->text, "it cannot be opened");
        return END_UNREADABLE;
    default:
        str_copy(it->hashing->text, sizeof it->hashing->text, strerror(e->sys));
        return END_UNREADABLE;
    }
}

static enum item_end hash_item(struct job *j, struct item *it)
{
    struct hashing *h = it->hashing;
    struct err e;

    if (atomic_load_explicit(&j->share->stop, memory_order_relaxed))
        return END_STOPPED;
    if (!it->root)
        return END_GONE;
    if (h->file.fd < 0) {
        if (hash_file_open(&h->file, it->root, it->below, &e))
            return why_not(it, &e);
        if (is_young(&h->file.st))
            return END_YOUNG;
        if (root_being_written(h->file.fd))
            return END_WRITING;
    }
    switch (hash_file_read(&h->file, j->buffer, READ_BYTES, SLICE_BYTES, &h->hash, &h->root, &e)) {
    case HASH_MORE:
        return END_MORE;
    case HASH_DONE:
        return END_DONE;
    case HASH_CHANGED:
        return END_WRITING;
    case HASH_FAILED:
        break;
    }
    return why_not(it, &e);
}

static void run_job(struct pool_job *pool)
{
    struct job *j = (struct job *)pool;

    for (size_t i = 0; i < j->count; i++) {
        struct item *it = j->items[i];

        it->end = hash_item(j, it);
        if (it->end != END_MORE && it->end != END_DONE) /* of these the checkpoints are needed */
            hash_file_close(&it->hashing->file);
    }
}

/* ---- the lists ---- */

static struct item *find(struct share *s, const char *path)
{
    struct item *it;

    HASH_FIND_STR(s->items, path, it);
    return it;
}

bool item_exists(struct share *s, const char *path)
{
    return find(s, path);
}

static void to_list(struct share *s, struct item *it, bool first)
{
    bool small = it->size <= SMALL_BYTES;
    struct item **list = small ? &s->small : &s->big;

    it->state = small ? ITEM_SMALL : ITEM_BIG;
    s->small_count += small;
    if (first)
        DL_PREPEND(*list, it);
    else
        DL_APPEND(*list, it);
}

static void from_list(struct share *s, struct item *it)
{
    switch (it->state) {
    case ITEM_SMALL:
        DL_DELETE(s->small, it);
        s->small_count--;
        return;
    case ITEM_BIG:
        DL_DELETE(s->big, it);
        return;
    case ITEM_LATE:
        DL_DELETE(s->late, it);
        return;
    case ITEM_RUNNING:
        return;
    }
}

void item_add(struct share *s, struct folder *f, const char *path, uint64_t size, bool first)
{
    struct item *it = find(s, path);
    size_t len = strlen(path);

    if (it && it->state == ITEM_RUNNING)
        it->again = true;
    else if (it && it->state == ITEM_LATE)
        it->due_ms = loop_now_ms();
    if (it)
        return;
    it = mem_zero(1, sizeof *it + len + 1);
    memcpy(it->path, path, len + 1);
    it->folder = f;
    it->size = size;
    it->waited_for = true;
    it->first_ms = loop_now_ms();
    f->items++;
    f->waiting++;
    s->items_bytes += size;
    HASH_ADD_KEYPTR(hh, s->items, it->path, len, it);
    to_list(s, it, first);
    folder_update(s, f);
}

/* The folder need not wait for it any more. */
static void let_go(struct share *s, struct item *it)
{
    if (!it->waited_for)
        return;
    it->waited_for = false;
    it->folder->waiting--;
    folder_update(s, it->folder);
}

/* Out of the books; the item itself stays. */
static void strike(struct share *s, struct item *it)
{
    struct folder *f = it->folder;

    HASH_DEL(s->items, it);
    s->items_bytes -= it->size;
    from_list(s, it);
    f->items--;
    if (it->waited_for)
        f->waiting--;
    folder_update(s, f);
    it->folder = NULL;
}

static void drop_hashing(struct item *it)
{
    if (it->hashing)
        hash_file_close(&it->hashing->file);
    mem_free(it->hashing);
    it->hashing = NULL;
}

static void free_item(struct item *it)
{
    drop_hashing(it);
    mem_free(it);
}

static void forget(struct share *s, struct item *it)
{
    bool running = it->state == ITEM_RUNNING;

    strike(s, it);
    it->dead = true;
    if (!running)
        free_item(it);
}

void item_forget(struct share *s, const char *path, bool tree)
{
    struct item *it = find(s, path), *next;
    size_t len = strlen(path);

    if (it)
        forget(s, it);
    if (!tree)
        return;
    HASH_ITER (hh, s->items, it, next)
        if (!len || (!strncmp(it->path, path, len) && it->path[len] == '/'))
            forget(s, it);
}

void item_forget_if(struct share *s, path_fn *fn, void *ctx)
{
    struct item *it, *next;

    HASH_ITER (hh, s->items, it, next)
        if (fn(ctx, it->path))
            forget(s, it);
}

void item_drop_all(struct share *s)
{
    item_forget(s, "", true);
}

/* ---- back on share's thread: what came of it ---- */

void share_announce(struct share *s, struct folder *f, const char *path,
                    const struct store_entry *is, const void *list, size_t len)
{
    struct err e;
    int put = store_put_changed(s->store, path, is, list, len, &e);

    if (!share_failed(s, put < 0 ? put : 0, &e) && put)
        folder_changed(s, f, loop_now_ms());
}

static void publish(struct share *s, struct item *it)
{
    const struct hashing *h = it->hashing;
    const struct root_stat *st = &h->file.st;
    struct store_entry is = {.kind = st->kind,
                             .size = st->size,
                             .mtime_ns = st->mtime_ns,
                             .ctime_ns = st->ctime_ns,
                             .ino = st->ino,
                             .hash = h->hash,
                             .root = h->root};

    s->hashed++;
    share_announce(s, it->folder, it->path, &is, h->file.sha.checkpoints.data,
                   h->file.sha.checkpoints.len);
    if (st->links > 1 && !s->broken)
        share_look_at_links(s, st->ino, ""); /* it may have changed under one of them meanwhile */
}

/* What was announced of it is not there any more, nor does it tell what the file is elsewhere. */
static void withdraw(struct share *s, struct item *it)
{
    struct store_entry was;
    struct err e;
    int64_t had = store_get(s->store, it->path, &was, &e);

    if (had == 1)
        had = store_forget(s->store, it->path, &e);
    if (!share_failed(s, had < 0 ? had : 0, &e) && had)
        folder_changed(s, it->folder, loop_now_ms());
}

static void be_late(struct share *s, struct item *it, int64_t delay_ms)
{
    int64_t now = loop_now_ms();

    delay_ms <<= it->tries < 16 ? it->tries : 16;
    it->tries++;
    it->due_ms = now + (it->again ? 0 : delay_ms < LATE_MAX_MS ? delay_ms : LATE_MAX_MS);
    it->again = false;
    drop_hashing(it);
    it->state = ITEM_LATE;
    DL_APPEND(s->late, it);
    if (now - it->first_ms > HOLD_LATE_MS)
        let_go(s, it);
}

static void unreadable(struct share *s, struct item *it)
{
    char name[300];

    if (share_skip(s, it->folder->path, SKIP_UNREADABLE, 1)) /* one line a folder */
        log_warn("share", "unreadable path=%s reason=%s",
                 show_to(name, sizeof name, it->path, strlen(it->path)), it->hashing->text);
}

/* It may have been ignored since it was found. */
static bool is_wanted(const struct share *s, const struct item *it)
{
    const char *name = it->path + it->folder->len + (it->folder->len > 0), *below;
    const struct place *p = place_of(s, it->folder->path, &below);

    return p && share_rule(&p->rules, below, name, &it->hashing->file.st) == SKIP_NOT;
}

/* true: it stays in work. When the store fails all work is dropped, this item too: it is dead then.
 */
static bool item_back(struct share *s, struct item *it)
{
    bool look = it->again;

    switch (it->end) {
    case END_MORE:
        if (it->hashing->file.sha.at <=
            SLICE_BYTES + READ_BYTES) /* the first slice: the rest will take a while */
            withdraw(s, it);
        if (!it->dead)
            to_list(s, it, true);
        return true;
    case END_YOUNG:
        be_late(s, it, CALM_MS + 5);
        return true;
    case END_WRITING:
        withdraw(s, it);
        if (!it->dead)
            be_late(s, it, 5 * CALM_MS);
        return true;
    case END_DONE:
        if (is_wanted(s, it))
            publish(s, it);
        else
            withdraw(s, it);
        mark_done(s, it->path, it->seq);
        break;
    case END_UNREADABLE:
        unreadable(s, it);
        withdraw(s, it);
        mark_done(s, it->path, it->seq);
        break;
    case END_GONE:
        look = true;
        break;
    case END_STOPPED:
        break;
    }
    if (look && !it->dead)
        share_look_at_path(s, it->path);
    return false;
}

static void on_job_done(struct pool_job *pool)
{
    struct job *j = (struct job *)pool;
    struct share *s = j->share;

    s->running--;
    j->busy = false;
    for (size_t i = 0; i < j->count; i++) {
        struct item *it = j->items[i];

        if (it->root)
            share_root_put(s, it->root);
        it->root = NULL;
        if (!it->dead && item_back(s, it) && !it->dead)
            continue;
        if (!it->dead)
            strike(s, it);
        free_item(it);
    }
    share_wake(s);
}

/* ---- starting jobs ---- */

static struct job *idle_job(struct share *s)
{
    for (unsigned i = 0; i < s->job_count; i++)
        if (!s->jobs[i].busy)
            return &s->jobs[i];
    return NULL;
}

static void take(struct share *s, struct job *j, struct item *it)
{
    from_list(s, it);
    it->state = ITEM_RUNNING;
    it->again = false;
    it->root = share_root_get(s, it->path, &it->below);
    if (!it->hashing) {
        it->hashing = mem_zero(1, sizeof *it->hashing);
        it->hashing->file.fd = -1;
        it->seq = s->mark_seq;
    }
    j->items[j->count++] = it;
}

/* A big file, or as many small ones as make a job, but not more than leave some for the other
 * threads. */
static void fill(struct share *s, struct job *j)
{
    size_t share_of = s->small_count / s->job_count + 1;
    uint64_t bytes = 0;

    j->count = 0;
    s->big_turn = !s->big_turn;
    if (s->big && (s->big_turn || !s->small)) {
        take(s, j, s->big);
        return;
    }
    while (s->small && j->count < JOB_FILES && j->count < share_of && bytes < JOB_BYTES) {
        bytes += s->small->size;
        take(s, j, s->small);
    }
}

static void wake_late(struct share *s, int64_t now)
{
    struct item *it, *next;

    for (it = s->late; it; it = next) {
        next = it->next;
        if (it->due_ms <= now) {
            DL_DELETE(s->late, it);
            to_list(s, it, true);
        }
    }
}

bool item_turn(struct share *s, int64_t now)
{
    bool some = false;
    struct job *j;

    wake_late(s, now);
    while ((s->small || s->big) && (j = idle_job(s))) {
        fill(s, j);
        j->busy = true;
        j->share = s;
        j->pool = (struct pool_job){.work = run_job, .done = on_job_done};
        if (!j->buffer)
            j->buffer = mem_alloc(READ_BYTES);
        s->running++;
        pool_add(s->pool, &j->pool);
        some = true;
    }
    if (!s->running && !s->items)
        for (unsigned i = 0; i < s->job_count; i++) {
            mem_free(s->jobs[i].buffer);
            s->jobs[i].buffer = NULL;
        }
    return some;
}

bool items_idle(const struct share *s)
{
    return !s->small && !s->big && !s->running;
}

int64_t item_due(const struct share *s)
{
    const struct item *it;
    int64_t due = NEVER;

    for (it = s->late; it; it = it->next)
        due = it->due_ms < due ? it->due_ms : due;
    return due;
}
