/* The folder on disk: its name, its folders, what an earlier run left in it, and the end. On the
 * thread pool; the table of entries is the pool's alone while this runs. */
#include "base/log.h"
#include "base/mem.h"
#include "core/path.h"
#include "svc/fetch_tree.h"

#include <string.h>

#define NAMES_MAX 999

/* ---- one file whose bytes are at hand ---- */

static const struct root_hold *hold_folder(struct hold *h, const struct tree *t, const char *base,
                                           uint32_t folder, struct err *e)
{
    char *path;

    if (h->folder && h->entry == folder)
        return h->folder;
    hold_end(h);
    path = tree_path(t, base, folder);
    h->folder = root_hold(t->folder->root, path, e);
    h->entry = folder;
    mem_free(path);
    return h->folder;
}

void hold_end(struct hold *h)
{
    root_hold_end(h->folder);
    h->folder = NULL;
}

/* Where the name is taken "NAME (2)": what is there already is not ours to touch. */
int make_file(struct hold *h, const struct tree *t, const char *base, uint32_t entry,
              const void *data, struct err *err)
{
    const struct entry *e = &t->entry[entry];
    const struct root_hold *d = hold_folder(h, t, base, e->parent, err);
    struct root_file file = {
        .data = data, .len = (size_t)e->size, .exec = e->kind == 'x', .mtime_s = e->mtime_s};
    char *part, shown[256];
    int bad;

    if (!d)
        return -err->code;
    part = fetch_part_name(e->name, &e->hash, false);
    bad = root_hold_make(d, part, e->name, &file, err);
    for (unsigned n = 2; bad == -ERR_EXISTS && n <= NAMES_MAX; n++) {
        char *other = fetch_numbered(e->name, n, false);

        bad = root_hold_make(d, part, other, &file, err);
        if (!bad)
            log_warn("fetch", "renamed to=\"%s\"",
                     show_to(shown, sizeof shown, other, strlen(other)));
        mem_free(other);
    }
    mem_free(part);
    return bad;
}

/* ---- making the tree ---- */

struct make {
    struct work work;
    struct tree *t;
    char *target; /* chosen before: ours; else NULL */
    char *wish;
    char *base;
    bool rename; /* a new folder, also beside an equal one */
    bool skipped;
    struct err err;
};

enum trust { BY_SIZE, BY_TIME, BY_HASH };

static bool is_there(const struct make *m, const char *base, uint32_t i, enum trust trust)
{
    const struct entry *e = &m->t->entry[i];
    const struct root *r = m->t->folder->root;
    char *path = tree_path(m->t, base, i);
    struct root_stat st;
    struct err ignored;
    bool there = !root_stat_at(r, path, &st, &ignored);

    if (e->kind == 'd')
        there = there && st.kind == 'd';
    else
        there = there && (st.kind == 'f' || st.kind == 'x') && st.size == e->size;
    /* larger files have their name and time only since they were whole and on disk */
    if (trust == BY_TIME && (e->size <= BATCH_FILE_MAX || e->mtime_s == INT64_MIN || !there ||
                             st.mtime_ns / 1000000000 != e->mtime_s))
        trust = BY_HASH;
    if (there && e->kind != 'd' && trust == BY_HASH)
        there = fetch_equal_file(r, path, e->size, &e->hash, &m->t->closing);
    mem_free(path);
    return there;
}

/* The folder at base has all of it already. */
static bool all_there(const struct make *m, const char *base)
{
    for (enum trust trust = BY_SIZE; trust <= BY_HASH; trust += BY_HASH) {
        for (uint32_t i = 1; i < m->t->entries; i++) {
            if (m->t->closing || !is_there(m, base, i, trust))
                return false;
        }
    }
    return true;
}

static int make_parents(const struct root *r, const char *path, struct err *e)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash ? mem_strn(path, (size_t)(slash - path)) : NULL;
    int bad = dir ? root_make_dirs(r, dir, e) : 0;

    mem_free(dir);
    return bad;
}

/* A new folder, or one that has it all. */
static int choose(struct make *m)
{
    const struct root *r = m->t->folder->root;
    int bad = make_parents(r, m->wish, &m->err);

    for (unsigned n = 1; !bad && n <= NAMES_MAX; n++) {
        char *path = fetch_numbered(m->wish, n, true);
        struct root_stat st;

        bad = root_make_dir(r, path, &m->err);
        if (!bad) {
            m->base = path;
            return 0;
        }
        if (bad == -ERR_EXISTS) {
            bad = 0;
            if (!root_stat_at(r, path, &st, &m->err) && st.kind == 'd' && !m->rename &&
                all_there(m, path)) {
                m->base = path;
                m->skipped = true;
                return 0;
            }
        }
        mem_free(path);
    }
    return bad ? bad : err_set(&m->err, ERR_EXISTS, "no name is free for the folder");
}

static int make_folders(struct make *m)
{
    struct tree *t = m->t;
    int bad = 0;

    for (uint32_t i = 1; i < t->entries && !bad && !t->closing; i++) { /* parents come first */
        char *path;

        if (t->entry[i].kind != 'd')
            continue;
        path = tree_path(t, m->base, i);
        bad = root_make_dirs(t->folder->root, path, &m->err);
        mem_free(path);
    }
    return bad;
}

static int make_files(struct make *m, bool resumed)
{
    struct tree *t = m->t;
    struct hold h = {0};
    int bad = 0;

    for (uint32_t i = 1; i < t->entries && !t->closing && !bad; i++) {
        struct entry *e = &t->entry[i];

        if (e->kind == 'd')
            continue;
        if (resumed && is_there(m, m->base, i, BY_TIME)) {
            e->state = ENTRY_DONE;
            continue;
        }
        if (e->size)
            continue;
        bad = make_file(&h, t, m->base, i, "", &m->err);
        if (!bad)
            e->state = ENTRY_DONE;
    }
    hold_end(&h);
    return bad;
}

static void make_run(struct work *w)
{
    struct make *m = (struct make *)w;
    bool resumed = m->target != NULL;

    m->err.code = 0;
    if (resumed) {
        m->base = mem_str(m->target);
        if (root_make_dirs(m->t->folder->root, m->base, &m->err))
            return;
    } else if (choose(m) || m->skipped) {
        if (m->skipped)
            m->err.code = 0;
        return;
    }
    if (make_folders(m) || make_files(m, resumed))
        return;
    m->err.code = 0;
    local_plan(m->t, m->base);
}

static void make_done(struct work *w)
{
    struct make *m = (struct make *)w;
    struct tree *t = m->t;
    struct err e = m->err;

    mem_free(t->base);
    t->base = m->base;
    for (uint32_t i = 1; i < t->entries; i++) {
        if (t->entry[i].kind != 'd' && t->entry[i].state == ENTRY_DONE) {
            t->files_done++;
            t->done += t->entry[i].size;
        }
    }
    if (!t->closing)
        tree_made(t, m->skipped, e.code ? &e : NULL);
    mem_free(m->target);
    mem_free(m->wish);
    mem_free(m);
    tree_unpin(t);
}

void make_begin(struct tree *t)
{
    struct make *m;
    uint64_t size = t->entry[TREE_ROOT].size, done = t->job->target ? t->job->done : 0;
    struct err e;

    if (fetch_check_space(t->folder->root, size > done ? size - done : 0, "nothing was started",
                          &e)) {
        tree_fail(t, &e);
        return;
    }
    t->stage = TREE_MAKE;
    m = mem_zero(1, sizeof *m);
    m->t = t;
    m->target = mem_str(t->job->target);
    m->wish = fetch_target(t->job);
    m->rename = t->job->rename;
    tree_pin(t);
    fetch_work(t->f, &m->work, make_run, make_done);
}

/* ---- the end ---- */

static void finish_run(struct work *w)
{
    struct make *m = (struct make *)w;
    struct tree *t = m->t;
    struct err ignored;

    for (uint32_t i = t->entries;
         i-- > 1;) { /* from below: a child made later would change its folder's time */
        const struct entry *e = &t->entry[i];
        char *path;

        if (e->kind != 'd' || e->mtime_s == INT64_MIN)
            continue;
        path = tree_path(t, t->base, i);
        (void)root_set_times(t->folder->root, path, e->mtime_s, &ignored);
        mem_free(path);
    }
    m->err.code = 0;
    root_sync_all(t->folder->root, &m->err);
}

static void finish_done(struct work *w)
{
    struct make *m = (struct make *)w;
    struct tree *t = m->t;
    struct err e = m->err;

    mem_free(m);
    if (!t->closing)
        tree_finished(t, e.code ? &e : NULL);
    tree_unpin(t);
}

void make_finish(struct tree *t)
{
    struct make *m = mem_zero(1, sizeof *m);

    t->stage = TREE_FINISH;
    m->t = t;
    tree_pin(t);
    fetch_work(t->f, &m->work, finish_run, finish_done);
}
