/* A folder's files that need no network: contents that this computer has already (fetch_near.h),
 * and contents that the folder has more than once, of which the first is fetched and the others are
 * copied from it. Copied on the pool, one run at a time, beside what is fetched. What turns out not
 * to be here after all is fetched like everything else. */
#include "base/mem.h"
#include "svc/fetch_near.h"
#include "svc/fetch_tree.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUN_FILES 256         /* of one run ... */
#define RUN_BYTES (32u << 20) /* ... or so much, but one file at least */
#define NAMES_MAX 999

enum result { LOCAL_MISSING, LOCAL_FAILED, LOCAL_DONE };

struct item {
    uint32_t entry, first; /* first: the one with the same content, TREE_ROOT: look for it */
    enum result result;
};

struct local {
    struct work work;
    struct tree *t;
    struct item item[RUN_FILES];
    size_t items;
    uint64_t bytes;
    char *from;
    struct err err;
};

/* ---- which, on the pool ---- */

static int by_content(const void *x, const void *y, void *ctx)
{
    const struct tree *t = ctx;
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    int order = memcmp(t->entry[a].hash.b, t->entry[b].hash.b, sizeof t->entry[a].hash.b);

    if (order)
        return order;
    if (t->entry[a].state != t->entry[b].state) /* one that is there already is the first */
        return t->entry[a].state == ENTRY_DONE ? -1 : t->entry[b].state == ENTRY_DONE ? 1 : 0;
    return a < b ? -1 : a > b;
}

static uint32_t *files_by_content(struct tree *t, size_t *count)
{
    uint32_t *file = mem_alloc((size_t)t->entries * sizeof *file);

    *count = 0;
    for (uint32_t i = 1; i < t->entries; i++) {
        if (t->entry[i].kind != 'd' && t->entry[i].size)
            file[(*count)++] = i;
    }
    if (*count)
        qsort_r(file, *count, sizeof *file, by_content, t);
    return file;
}

/* Chain the others of each content to the first one. */
static void find_twins(struct tree *t)
{
    size_t count;
    uint32_t *file = files_by_content(t, &count);

    for (size_t i = 0, next; i < count; i = next) {
        struct entry *first = &t->entry[file[i]];

        for (next = i + 1; next < count; next++) {
            struct entry *e = &t->entry[file[next]];

            if (!hash_eq(&e->hash, &first->hash))
                break;
            if (e->state != ENTRY_TODO || e->size != first->size)
                continue;
            e->state = ENTRY_LOCAL;
            e->twin = first->twin;
            first->twin = file[next];
        }
        if (first->twin && first->state == ENTRY_DONE)
            line_add(&t->twins, file[i]);
    }
    mem_free(file);
}

/* Look what lies around on this computer, for what is still to be fetched. */
static void find_near(struct tree *t, const char *base)
{
    struct near_place place = {
        .down = t->folder->root, .but = base, .stop = &t->closing, .written = &t->copying};
    uint64_t *size = mem_alloc((size_t)t->entries * sizeof *size);
    size_t count = 0;

    for (uint32_t i = 1; i < t->entries; i++) {
        if (t->entry[i].kind != 'd' && t->entry[i].state == ENTRY_TODO)
            size[count++] = t->entry[i].size;
    }
    t->near = near_new(t->f, &place, size, count);
    mem_free(size);
    if (near_empty(t->near))
        return;
    near_hold(t->near, true);
    for (uint32_t i = 1; i < t->entries && !t->closing; i++) {
        struct entry *e = &t->entry[i];
        struct near_want want = {.hash = e->hash, .size = e->size};

        if (e->kind == 'd' || e->state != ENTRY_TODO || !near_maybe(t->near, &want))
            continue;
        e->state = ENTRY_LOCAL;
        line_add(&t->locals, i);
    }
    near_hold(t->near, false);
}

void local_plan(struct tree *t, const char *base)
{
    find_twins(t);
    find_near(t, base);
}

/* ---- copying, on the pool ---- */

/* Give it its name; where that is taken "NAME (2)". */
static int publish(const struct root *r, const char *part, const char *path, struct err *e)
{
    int bad = -ERR_EXISTS;

    for (unsigned n = 1; n <= NAMES_MAX && bad == -ERR_EXISTS; n++) {
        char *name = fetch_numbered(path, n, false);

        bad = root_place(r, part, name, e);
        mem_free(name);
    }
    return bad;
}

static enum result fill(struct local *l, const struct item *it, int fd)
{
    struct tree *t = l->t;
    const struct entry *e = &t->entry[it->entry];
    struct near_want want = {.hash = e->hash, .size = e->size, .name = e->name};
    char *from = NULL;
    int done;

    if (it->first != TREE_ROOT) {
        char *path = tree_path(t, t->base, it->first);

        done = near_copy_file(t->near, path, &want, fd, &l->err);
        mem_free(path);
    } else {
        done = near_copy(t->near, &want, fd, &from, &l->err);
    }
    if (from) {
        mem_free(l->from);
        l->from = from;
    }
    return done == 1 ? LOCAL_DONE : done ? LOCAL_FAILED : LOCAL_MISSING;
}

/* Larger files have their name only when they are on disk (fetch_tree.h). */
static enum result finish(struct local *l, const struct item *it, int fd, const char *part,
                          const char *path)
{
    const struct root *r = l->t->folder->root;
    const struct entry *e = &l->t->entry[it->entry];
    struct err ignored;

    if (e->kind == 'x')
        (void)root_set_exec(fd);
    if (e->mtime_s != INT64_MIN)
        (void)root_set_times(r, part, e->mtime_s, &ignored);
    if (e->size > BATCH_FILE_MAX && root_sync_fd(fd, &l->err))
        return LOCAL_FAILED;
    return publish(r, part, path, &l->err) ? LOCAL_FAILED : LOCAL_DONE;
}

static enum result copy_one(struct local *l, const struct item *it)
{
    struct tree *t = l->t;
    const struct root *r = t->folder->root;
    const struct entry *e = &t->entry[it->entry];
    char *path = tree_path(t, t->base, it->entry);
    char *part = fetch_part_name(path, &e->hash, false);
    enum result result = LOCAL_FAILED;
    struct err ignored;
    int fd = root_create_fd(r, part, &l->err);

    if (fd == -ERR_EXISTS && !root_remove(r, part, &l->err)) /* of a run that was killed */
        fd = root_create_fd(r, part, &l->err);
    if (fd >= 0) {
        result = fill(l, it, fd);
        if (result == LOCAL_DONE)
            result = finish(l, it, fd, part, path);
        close(fd);
        if (result != LOCAL_DONE)
            root_remove(r, part, &ignored);
    }
    mem_free(part);
    mem_free(path);
    return result;
}

static void local_run(struct work *w)
{
    struct local *l = (struct local *)w;

    for (size_t i = 0; i < l->items && !l->t->closing; i++) {
        l->item[i].result = copy_one(l, &l->item[i]);
        if (l->item[i].result == LOCAL_FAILED)
            break;
    }
}

/* ---- and back ---- */

/* It is not on this computer after all. */
static void fetch_it(struct tree *t, uint32_t entry)
{
    t->entry[entry].state = ENTRY_TODO;
    line_add(tree_is_small(t, &t->entry[entry]) ? &t->again : &t->later, entry);
}

static void local_done(struct work *w)
{
    struct local *l = (struct local *)w;
    struct tree *t = l->t;
    struct err e = l->err;
    uint64_t copied = 0;
    bool failed = false;

    t->local_works--;
    t->copying = 0;
    for (size_t i = 0; i < l->items && !t->closing; i++) {
        uint32_t entry = l->item[i].entry;

        failed |= l->item[i].result == LOCAL_FAILED;
        if (l->item[i].result == LOCAL_DONE) {
            copied += t->entry[entry].size;
            tree_file_done(t, entry);
        } else {
            fetch_it(t, entry);
        }
    }
    if (!t->closing && copied) {
        job_copied(t->job, copied, l->from);
        l->from = NULL;
        job_moves(t->job);
    }
    if (!t->closing && failed)
        tree_fail(t, &e);
    if (!t->closing)
        tree_soon(t);
    mem_free(l->from);
    mem_free(l);
    tree_unpin(t);
}

/* ---- the next run ---- */

static bool has_room(const struct local *l, uint64_t size)
{
    return !l->items || (l->items < RUN_FILES && l->bytes + size <= RUN_BYTES);
}

static void add(struct local *l, uint32_t entry, uint32_t first)
{
    l->bytes += l->t->entry[entry].size;
    l->item[l->items++] = (struct item){.entry = entry, .first = first};
}

static void take_twins(struct local *l)
{
    struct tree *t = l->t;
    uint32_t first;

    while (l->items < RUN_FILES && line_take(&t->twins, &first)) {
        struct entry *f = &t->entry[first];

        while (f->twin && has_room(l, f->size)) {
            uint32_t next = f->twin;

            f->twin = t->entry[next].twin;
            t->entry[next].twin = 0;
            add(l, next, first);
        }
        if (f->twin) { /* the others in the next run */
            line_add(&t->twins, first);
            return;
        }
    }
}

static void take_near(struct local *l)
{
    struct tree *t = l->t;
    uint32_t entry;

    while (l->items < RUN_FILES && line_take(&t->locals, &entry)) {
        if (!has_room(l, t->entry[entry].size)) {
            line_add(&t->locals, entry);
            return;
        }
        add(l, entry, TREE_ROOT);
    }
}

void local_tick(struct tree *t)
{
    struct local *l;

    if (t->local_works)
        return;
    l = mem_zero(1, sizeof *l);
    l->t = t;
    take_twins(l);
    take_near(l);
    if (!l->items) {
        mem_free(l);
        return;
    }
    t->local_works++;
    tree_pin(t);
    fetch_work(t->f, &l->work, local_run, local_done);
}
