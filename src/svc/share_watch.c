/* From what the system tells to what is true. An event only says which name to look at: by the time
 * it is looked at, all its events are one question, whose answer is what lies there now. So no
 * order of events matters. */
#include "svc/share_priv.h"

#include "base/log.h"
#include "core/diff.h"
#include "core/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *share_join(const struct folder *f, const char *name, size_t len)
{
    struct buf b = {0};

    buf_add(&b, f->path, f->len);
    if (f->len)
        buf_char(&b, '/');
    buf_add(&b, name, len);
    return buf_take(&b, NULL);
}

/* ---- events ---- */

void share_look_at(struct share *s, const char *folder, const char *name)
{
    struct folder *f = folder_get(s, folder);
    int64_t now = loop_now_ms();

    f->last_ms = now;
    if (!f->dirty) {
        f->dirty = true;
        f->first_ms = now;
        DL_APPEND2(s->dirty, f, dirty_prev, dirty_next);
        folder_update(s, f);
    }
    if (f->name_count && !strcmp(f->names[f->name_count - 1], name))
        return;
    if (f->name_count >= NAMES_MAX) {
        share_list(s, folder, false, now);
        return;
    }
    MEM_GROW(f->names, f->name_count, f->name_cap);
    f->names[f->name_count++] = mem_str(name);
}

void share_look_at_path(struct share *s, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = mem_strn(path, slash ? (size_t)(slash - path) : 0);

    share_look_at(s, folder, slash ? slash + 1 : path);
    mem_free(folder);
}

void share_look_at_links(struct share *s, uint64_t ino, const char *path)
{
    char **paths;
    size_t count;
    struct err e;

    if (share_failed(s, store_links(s->store, ino, &paths, &count, &e), &e))
        return;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(paths[i], path) != 0)
            share_look_at_path(s, paths[i]);
        mem_free(paths[i]);
    }
    mem_free(paths);
}

static void note_name(struct share *s, enum watch_what what, const char *folder, const char *name,
                      uint32_t cookie)
{
    const struct folder *f = folder_find(s, folder);
    char *path = f ? share_join(f, name, strlen(name)) : NULL;

    if (path && what == WATCH_WRITTEN)
        mark_unsure(s, path);
    else if (path && what == WATCH_FROM)
        mark_from(s, path, cookie);
    else if (path && what == WATCH_TO)
        mark_to(s, path, cookie);
    mem_free(path);
}

static void on_event(void *ctx, enum watch_what what, const char *folder, const char *name,
                     uint32_t cookie)
{
    struct share *s = ctx;

    if (s->broken || !place_any(s))
        return;
    switch (what) {
    case WATCH_NAME:
    case WATCH_WRITTEN:
    case WATCH_FROM:
    case WATCH_TO:
        if (path_check_name(name, strlen(name)) != PATH_OK ||
            (*folder && path_check(folder, strlen(folder)) != PATH_OK))
            return;
        share_look_at(s, folder, name);
        note_name(s, what, folder, name, cookie);
        return;
    case WATCH_FOLDER:
        if (*folder && !place_is_label(s, folder))
            share_look_at_path(s, folder);
        else
            s->alive_ms = 0; /* is it still there? */
        return;
    case WATCH_LOST:
        log_warn("share", "events lost, looking through everything");
        mark_drop_all(s);
        share_scan_all(s);
        return;
    }
}

void share_on_poll(uv_poll_t *p, int status, int events)
{
    struct share *s = p->data;

    (void)status;
    (void)events;
    watch_read(s->watch, on_event, s);
    share_wake(s);
}

void share_watch_start(struct share *s)
{
    struct err e;

    s->watch = watch_new(&e);
    if (!s->watch) {
        log_warn("share", "%s; looking through the folders all the time", e.text);
        return;
    }
    s->poll = mem_zero(1, sizeof *s->poll);
    s->poll->data = s;
    uv_poll_init(loop_uv(s->loop), s->poll, watch_fd(s->watch));
    uv_poll_start(s->poll, UV_READABLE, share_on_poll);
}

static void free_poll(uv_handle_t *h)
{
    mem_free(h);
}

void share_watch_stop(struct share *s)
{
    if (s->poll)
        uv_close((uv_handle_t *)s->poll,
                 free_poll); /* stops at once, so the descriptor may be closed */
    s->poll = NULL;
    watch_free(s->watch);
    s->watch = NULL;
}

/* ---- looking ---- */

static void drop_ignore(struct share *s, const char *path)
{
    const char *below;
    struct place *p = place_of(s, path, &below);

    if (p && *below)
        ignore_drop(p->rules.ignore, below);
}

void share_gone(struct share *s, struct folder *f, const char *path, bool tree)
{
    struct err e;
    int64_t rows = store_gone(s->store, path, &e);

    if (share_failed(s, rows < 0 ? rows : 0, &e))
        return;
    item_forget(s, path, tree);
    if (tree) {
        share_skips_drop(s, path);
        sweep_drop(s, path);
        drop_ignore(s, path);
        if (s->watch)
            watch_drop(s->watch, path);
    }
    if (rows)
        folder_changed(s, f, loop_now_ms());
}

/* Both lie on one disk, so that an inode's number means the same. While that of from is away nobody
 * knows, unless it is the folder that came back. */
static bool same_disk(const struct share *s, const char *path, const char *from)
{
    const char *below;
    const struct place *a = place_of(s, path, &below), *b = place_of(s, from, &below);

    return a == b || (a && b && a->held && b->held && a->rules.top.dev == b->rules.top.dev);
}

/* Its content is known: the same inode with the same size and times, whatever its name; or it was
 * renamed, which changes its ctime, and nothing was told of its content: the events until now are
 * read for that. */
static bool known_content(struct share *s, struct folder *f, const char *path,
                          const struct diff_child *is)
{
    /* Of a file with more names its content may have been changed under another one. */
    const char *origin = is->links == 1 ? mark_origin(s, path) : NULL;
    struct store_entry was;
    char *from = NULL;
    struct err e;
    bool same;
    int got;

    if (origin) {
        watch_read(s->watch, on_event, s);
        origin = mark_origin(s, path);
    }
    got = store_find_inode(s->store, is->ino, is->size, is->mtime_ns, is->ctime_ns, origin, &was,
                           &from, &e);
    if (share_failed(s, got < 0 ? got : 0, &e) || !got)
        return false;
    same = same_disk(s, path, from);
    mem_free(from);
    if (!same)
        return false;
    was.kind = is->kind;
    was.ctime_ns = is->ctime_ns;
    share_announce(s, f, path, &was, NULL, 0);
    return true;
}

static void found_file(struct share *s, struct folder *f, const char *path,
                       const struct diff_child *is, const struct diff_child *was)
{
    if (!s->virgin && !item_exists(s, path) && known_content(s, f, path, is))
        return;
    if (was)
        mark_unsure(s, path);
    if (!s->broken)
        item_add(s, f, path, is->size, !s->scanning || f->dirty);
}

static void found_folder(struct share *s, struct folder *f, const char *path,
                         const struct diff_child *is, const struct diff_child *was, bool deep)
{
    bool watched = (s->watch && watch_has(s->watch, path)) || sweep_has(s, path);
    struct store_entry unsaid = {.kind = STORE_UNSAID, .ino = is->ino};
    struct err e;

    if (!was && !share_failed(s, store_put(s->store, path, &unsaid, NULL, 0, &e), &e))
        folder_changed(s, f, loop_now_ms());
    if (!s->broken && (!was || was->ino != is->ino || deep || !watched))
        share_list(s, path, true, 0);
}

struct diff_child share_known(const char *name, size_t len, const struct store_entry *known)
{
    return (struct diff_child){
        .name = name,
        .len = len,
        .kind = known->kind == STORE_UNSAID ? 'd' : known->kind,
        .size = known->size,
        .mtime_ns = known->mtime_ns,
        .ctime_ns = known->ctime_ns,
        .ino = known->ino,
    };
}

struct diff_child share_seen(const char *name, size_t len, const struct root_stat *st)
{
    return (struct diff_child){
        .name = name,
        .len = len,
        .kind = st->kind,
        .size = st->size,
        .mtime_ns = st->mtime_ns,
        .ctime_ns = st->ctime_ns,
        .ino = st->ino,
        .btime_ns = st->btime_ns,
        .links = st->links,
    };
}

void share_found(struct share *s, struct folder *f, const struct diff_child *is,
                 const struct diff_child *was, bool deep)
{
    char *path = share_join(f, is->name, is->len);

    if (was && (was->kind == 'd') != (is->kind == 'd')) { /* another thing altogether */
        share_gone(s, f, path, was->kind == 'd');
        was = NULL;
    }
    if (s->broken)
        goto out;
    if (is->kind == 'd')
        found_folder(s, f, path, is, was, deep);
    else if (diff_one(was, is) != DIFF_SAME)
        found_file(s, f, path, is, was);
out:
    mem_free(path);
}

/* What lies at f/name now? */
static void look(struct share *s, struct folder *f, const char *name)
{
    size_t len = strlen(name);
    char *path = share_join(f, name, len);
    enum share_skip skip = SKIP_SPECIAL;
    uint64_t seq = s->mark_seq;
    struct store_entry known;
    struct diff_child is, was;
    struct root_stat st;
    const char *below;
    struct place *p = place_of(s, f->path, &below);
    struct err e;
    bool there;
    int had = 0;

    if (path_check(path, strlen(path)) != PATH_OK || !p || !p->held)
        goto out;
    if (!f->len && place_is_label(s, name)) { /* that name is an added folder's: it is counted */
        share_list(s, "", false, loop_now_ms() + RELIST_MS);
        goto out;
    }
    if (!strcmp(name, SHARE_IGNORE_FILE) && share_read_ignore(&p->rules, p->held->root, below))
        share_list(s, f->path, true, 0);
    had = store_get(s->store, path, &known, &e);
    if (share_failed(s, had < 0 ? had : 0, &e))
        goto out;
    there = !place_stat(s, path, &st, &e);
    if (there)
        skip = share_rule(&p->rules, below, name, &st);
    if (had)
        was = share_known(name, len, &known);
    if (skip == SKIP_NOT) {
        if (st.kind != 'd' && st.links > 1 && !sweep_has(s, f->path))
            sweep_note(s, f->path, true, false);
        is = share_seen(name, len, &st);
        share_found(s, f, &is, had ? &was : NULL, false);
        /* What was here before may have been changed, and have other names. */
        if (had && was.kind != 'd' && was.ino != is.ino && !s->broken)
            share_look_at_links(s, known.ino, path);
        goto out;
    }
    if (had || item_exists(s, path))
        share_gone(s, f, path, had && was.kind == 'd');
    if (had && was.kind != 'd' && !s->broken)
        share_look_at_links(s, known.ino, path);
    if (there && st.kind != 'd' && st.links > 1 && !s->broken) /* ... under a name not shared */
        share_look_at_links(s, st.ino, path);
    if (!s->broken && (there || share_skips_in(s, f->path))) /* the counts of what is skipped */
        share_list(s, f->path, false, loop_now_ms() + RELIST_MS);
out:
    if (!item_exists(s, path))
        mark_done(s, path, seq);
    mem_free(path);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int64_t ready_at(const struct folder *f)
{
    int64_t calm = f->last_ms + CALM_MS, late = f->first_ms + CALM_MAX_MS;

    return calm < late ? calm : late;
}

int64_t share_dirty_due(const struct share *s)
{
    const struct folder *f;
    int64_t due = NEVER;

    for (f = s->dirty; f; f = f->dirty_next)
        due = ready_at(f) < due ? ready_at(f) : due;
    return due;
}

/* All names of one folder. */
static void look_at_names(struct share *s, struct folder *f)
{
    size_t count = f->name_count;
    char **names = f->names;

    f->names = NULL;
    f->name_count = f->name_cap = 0;
    qsort(names, count, sizeof *names, by_bytes);
    for (size_t i = 0; i < count; i++) {
        if (!s->broken && (!i || strcmp(names[i], names[i - 1])))
            look(s, f, names[i]);
        if (i)
            mem_free(names[i - 1]);
    }
    if (count)
        mem_free(names[count - 1]);
    mem_free(names);
}

bool share_dirty_turn(struct share *s, int64_t now)
{
    int64_t until = loop_now_ms() + WORK_MS;
    struct folder *f, *next;
    bool some = false;

    for (f = s->dirty; f; f = next) {
        next = f->dirty_next; /* is dirty, so it stays */
        if (ready_at(f) > now)
            continue;
        look_at_names(s, f);
        some = true;
        if (s->broken) /* f is gone */
            break;
        if (f->name_count) { /* added while we looked */
            f->first_ms = f->last_ms;
        } else {
            DL_DELETE2(s->dirty, f, dirty_prev, dirty_next);
            f->dirty = false;
            folder_update(s, f);
        }
        if (loop_now_ms() > until)
            break;
    }
    return some;
}
