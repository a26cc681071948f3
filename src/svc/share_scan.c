/* Folders listed whole: at the start, when one is new, when events were lost. Each is watched first
 * and listed then, so what happens in between is told; it is read in slices, and what was found is
 * compared with what is known at the end. */
#include "svc/share_priv.h"

#include "base/log.h"
#include "core/diff.h"
#include "core/path.h"

#include <errno.h>
#include <string.h>

#define SLICE_NAMES 256

/* The folder that is being listed. */
struct listing {
    struct folder *folder;
    struct place *place; /* that it lies in ... */
    const char *below;   /* ... and where there */
    struct root_dir *dir;
    bool deep;
    bool blind, limit; /* as sweep_note() has it */
    uint64_t ino, seq; /* of the marks, at its beginning */
    uint32_t skipped[SKIP_COUNT];
    struct arena *names;
    struct diff_child *found, *known;
    size_t found_count, found_cap, known_count, known_cap;
    struct share *share; /* for what the diff calls */
};

/* ---- what is skipped ---- */

static struct skips *skips_of(const struct share *s, const char *folder)
{
    struct skips *k;

    HASH_FIND_STR(s->skips, folder, k);
    return k;
}

bool share_skips_in(const struct share *s, const char *folder)
{
    return skips_of(s, folder);
}

bool share_skip(struct share *s, const char *folder, enum share_skip why, uint32_t add)
{
    struct skips *k = skips_of(s, folder);

    if (!k) {
        k = mem_zero(1, sizeof *k + strlen(folder) + 1);
        memcpy(k->path, folder, strlen(folder) + 1);
        HASH_ADD_KEYPTR(hh, s->skips, k->path, strlen(folder), k);
    }
    k->count[why] += add;
    s->skipped[why] += add;
    return k->count[why] == add;
}

static void forget_skips(struct share *s, struct skips *k)
{
    for (size_t i = 0; i < SKIP_COUNT; i++)
        s->skipped[i] -= k->count[i];
    HASH_DEL(s->skips, k);
    mem_free(k);
}

void share_skips_drop(struct share *s, const char *folder)
{
    size_t len = strlen(folder);
    struct skips *k, *next;

    HASH_ITER (hh, s->skips, k, next)
        if (!len || (!strncmp(k->path, folder, len) && (k->path[len] == '/' || !k->path[len])))
            forget_skips(s, k);
}

void share_skips_drop_if(struct share *s, path_fn *fn, void *ctx)
{
    struct skips *k, *next;

    HASH_ITER (hh, s->skips, k, next)
        if (fn(ctx, k->path))
            forget_skips(s, k);
}

/* ---- which folder next ---- */

void share_list(struct share *s, const char *path, bool deep, int64_t not_before)
{
    struct folder *f = folder_get(s, path);

    f->deep |= deep;
    if (f->scan) {
        bool anew = f->listing && !f->again;

        if (anew || not_before < f->scan_ms)
            f->scan_ms = not_before;
        f->again |= anew;
        return;
    }
    f->scan = true;
    f->scan_ms = not_before;
    /* The newest first: depth first, so few are in work at a time. */
    DL_PREPEND2(s->scan, f, scan_prev, scan_next);
    folder_update(s, f);
}

int64_t share_scan_due(const struct share *s)
{
    const struct folder *f;
    int64_t due = NEVER;

    if (s->listing)
        return 0;
    for (f = s->scan; f; f = f->scan_next)
        due = f->scan_ms < due ? f->scan_ms : due;
    return due;
}

static void end_listing(struct share *s)
{
    struct listing *l = s->listing;

    if (!l)
        return;
    root_list_end(l->dir);
    arena_free(l->names);
    mem_free(l->found);
    mem_free(l->known);
    mem_free(l);
    s->listing = NULL;
}

void share_scan_drop(struct share *s)
{
    end_listing(s);
}

/* Unless it was asked for again: what has been listed may be older than that. */
static void listed(struct share *s, struct folder *f)
{
    bool again = f->again;

    f->listing = f->again = false;
    if (again)
        return;
    f->scan = f->deep = false;
    DL_DELETE2(s->scan, f, scan_prev, scan_next);
    folder_update(s, f);
}

void share_scan_leave(struct share *s, path_fn *fn, void *ctx)
{
    struct folder *f = s->listing ? s->listing->folder : NULL;

    if (!f || !fn(ctx, f->path))
        return;
    end_listing(s);
    f->again = false;
    listed(s, f);
}

static void watch_folder(struct share *s, struct listing *l)
{
    struct err e;

    l->limit = !s->watch || watch_add(s->watch, root_list_fd(l->dir), l->folder->path, &e);
    l->blind = l->limit || l->place->sweep;
}

/* A folder that cannot be listed is not shared; one that is not there is told of by the one above.
 */
static void cannot_list(struct share *s, struct folder *f, const struct err *e)
{
    if (!f->up || place_is_label(s, f->path)) {
        s->alive_ms = 0;
    } else if (e->sys == EACCES || e->sys == EPERM || e->sys == EIO) {
        share_gone(s, f->up, f->path, true);
        if (s->broken)
            return;
        if (share_skip(s, f->up->path, SKIP_UNREADABLE, 1)) /* one line a folder */
            log_warn("share", "unreadable reason=%s", e->text);
    }
    listed(s, f);
}

static bool begin_listing(struct share *s, struct folder *f)
{
    struct listing *l;
    struct err e = {.sys = ENOENT};
    const char *below;
    struct place *p = place_of(s, f->path, &below);
    struct root_dir *dir = p && p->held ? root_list(p->held->root, below, &e) : NULL;
    struct root_stat st = {0};

    if (!dir) {
        cannot_list(s, f, &e);
        return false;
    }
    root_stat_fd(root_list_fd(dir), &st);
    l = s->listing = mem_zero(1, sizeof *l);
    l->folder = f;
    l->place = p;
    l->below = below;
    l->dir = dir;
    watch_folder(s, l);
    if (share_read_ignore(&p->rules, p->held->root, below))
        f->deep = true; /* the patterns are for all below */
    l->deep = f->deep;
    f->listing = true;
    f->deep = false;
    l->ino = st.ino;
    l->seq = s->mark_seq;
    l->names = arena_new();
    l->share = s;
    return true;
}

/* ---- comparing ---- */

static void add_known(void *ctx, const char *name, size_t len, const struct store_entry *entry)
{
    struct listing *l = ctx;
    const char *copy = arena_strn(l->names, name, len);

    if (!l->folder->len && place_is_label(l->share, copy)) /* another shared folder */
        return;
    MEM_GROW(l->known, l->known_count, l->known_cap);
    l->known[l->known_count++] = share_known(copy, len, entry);
}

/* It is gone; or it was made, and its row too, after the list had passed its name. */
static void not_found(struct share *s, struct folder *f, const struct diff_child *known)
{
    char *path = share_join(f, known->name, known->len);
    struct root_stat st;
    struct err e;

    if (place_stat(s, path, &st, &e))
        share_gone(s, f, path, known->kind == 'd');
    else
        share_look_at(s, f->path, known->name);
    mem_free(path);
}

static void on_diff(void *ctx, enum diff_what what, const struct diff_child *known,
                    const struct diff_child *found)
{
    struct listing *l = ctx;
    struct share *s = l->share;
    bool deep = l->deep && found && found->kind == 'd';

    if (s->broken)
        return;
    if (what == DIFF_SAME && s->marks) {
        char *path = share_join(l->folder, known->name, known->len);

        if (!item_exists(s, path))
            mark_done(s, path, l->seq);
        mem_free(path);
    }
    if (what == DIFF_GONE)
        not_found(s, l->folder, known);
    else if (what != DIFF_SAME || deep)
        share_found(s, l->folder, found, known, deep);
}

/* The folder's own row: is its manifest as it should be? And it tells from now on which folder it
 * was that was listed: should another one have taken its name by now, that shows when its name is
 * looked at. */
static void check_own(struct share *s, struct folder *f, uint64_t ino)
{
    struct store_entry own;
    struct err e;
    int had = store_get(s->store, f->path, &own, &e);

    if (share_failed(s, had < 0 ? had : 0, &e))
        return;
    if (had && own.ino != ino) {
        own.ino = ino;
        if (share_failed(s, store_touch(s->store, f->path, &own, &e), &e))
            return;
    }
    if (!had || own.kind != 'd' || !own.ctime_ns)
        folder_changed(s, f, loop_now_ms());
}

static void compare(struct share *s)
{
    struct listing *l = s->listing;
    struct folder *f = l->folder;
    struct skips *old = skips_of(s, f->path);
    struct root_stat now;
    struct err e;
    uint64_t ino;

    /* It went from here while it was listed, and that may be known by now. It is still to be
     * listed: what has its name now, or nothing. */
    if (place_stat(s, f->path, &now, &e) || now.ino != l->ino) {
        f->deep |= l->deep;
        f->listing = f->again = false;
        end_listing(s);
        return;
    }
    sweep_note(s, f->path, l->blind, l->limit);
    if (old)
        forget_skips(s, old);
    for (size_t i = 0; i < SKIP_COUNT; i++)
        if (l->skipped[i])
            share_skip(s, f->path, (enum share_skip)i, l->skipped[i]);
    if (share_failed(s, store_children(s->store, f->path, "", -1, add_known, l, &e), &e))
        return;        /* the listing is dropped already */
    s->listing = NULL; /* ours alone now: should the store fail, it is not dropped under our feet */
    diff_children(l->known, l->known_count, l->found, l->found_count, on_diff, l);
    s->listing = l;
    ino = l->ino;
    end_listing(s);
    if (!s->broken)
        check_own(s, f, ino);
    if (!s->broken)
        listed(s, f);
}

/* ---- reading ---- */

static void take_child(struct share *s, struct listing *l, const char *name,
                       const struct root_stat *st)
{
    enum share_skip skip = share_rule(&l->place->rules, l->below, name, st);
    size_t len = strlen(name);

    if (skip == SKIP_NOT && !l->folder->len && place_is_label(s, name))
        skip = SKIP_TAKEN;
    if (skip == SKIP_NOT &&
        (l->folder->len + len + 1 > PATH_LEN_MAX || l->folder->depth >= PATH_DEPTH_MAX))
        skip = SKIP_SPECIAL;
    if (skip != SKIP_NOT) {
        l->skipped[skip]++;
        return;
    }
    l->blind |= st->kind != 'd' && st->links > 1; /* written to under another name, elsewhere? */
    MEM_GROW(l->found, l->found_count, l->found_cap);
    l->found[l->found_count++] = share_seen(arena_strn(l->names, name, len), len, st);
}

static void read_slice(struct share *s)
{
    struct listing *l = s->listing;
    struct root_stat st;
    const char *name;
    struct err e;
    int got = 1;

    for (unsigned i = 0; i < SLICE_NAMES && got == 1; i++) {
        got = root_list_next(l->dir, &name, &st, &e);
        if (got == 1)
            take_child(s, l, name, &st);
    }
    if (got == 0)
        compare(s);
    if (got < 0) {
        struct folder *f = l->folder;

        end_listing(s);
        cannot_list(s, f, &e);
    }
}

bool share_scan_turn(struct share *s, int64_t now)
{
    int64_t until = loop_now_ms() + WORK_MS;
    bool some = false;

    while (!s->broken && HASH_COUNT(s->items) < FILES_AHEAD) {
        if (!s->listing) {
            struct folder *f = s->scan;

            while (f && f->scan_ms > now)
                f = f->scan_next;
            if (!f)
                return some;
            some = true;
            if (!begin_listing(s, f))
                continue;
        }
        read_slice(s);
        some = true;
        if (loop_now_ms() >= until)
            break;
    }
    return some;
}
