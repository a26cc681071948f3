/* The shared folders. The first is told to others by the paths in it; what lies in one that was
 * added by the paths in that one behind its label, as if it lay in the first. So nothing is
 * numbered anew when one is added or removed.
 *
 * One whose disk went is away: its rows are withdrawn, but the store remembers them until it is
 * back. */
#include "svc/share_priv.h"

#include "base/log.h"
#include "base/str.h"
#include "core/path.h"

#include <stdio.h>
#include <string.h>

/* ---- which is where: share's thread ---- */

struct place *place_of(const struct share *s, const char *path, const char **below)
{
    struct place *found = NULL;

    for (struct place *p = s->places; p; p = p->next)
        if (p->label && place_behind(p->label, path) && (!found || *p->label))
            found = p;
    if (found)
        *below = place_behind(found->label, path);
    return found;
}

const struct root *place_root(const struct share *s, const char *path, const char **below)
{
    const struct place *p = place_of(s, path, below);

    return p && p->held ? p->held->root : NULL;
}

int place_stat(const struct share *s, const char *path, struct root_stat *st, struct err *e)
{
    const char *below;
    const struct root *r = place_root(s, path, &below);

    return r ? root_stat_at(r, below, st, e) : err_set(e, ERR_NOT_FOUND, "it is not there now");
}

bool place_is_label(const struct share *s, const char *path)
{
    for (const struct place *p = s->places; p; p = p->next)
        if (p->label && *p->label && !strcmp(p->label, path))
            return true;
    return false;
}

bool place_any(const struct share *s)
{
    for (const struct place *p = s->places; p; p = p->next)
        if (p->held)
            return true;
    return false;
}

bool places_away(const struct share *s)
{
    for (const struct place *p = s->places; p; p = p->next)
        if (!p->held)
            return true;
    return false;
}

static struct place *with_path(const struct share *s, const char *path)
{
    for (struct place *p = s->places; p; p = p->next)
        if (!strcmp(p->path, path))
            return p;
    return NULL;
}

/* ---- labels ---- */

static bool is_taken(const struct share *s, const char *label)
{
    const struct place *first = s->places;
    const struct root *root = first && first->held ? first->held->root : NULL;
    struct root_stat st;
    struct err e;

    return place_is_label(s, label) ||
           (root && !*first->label && !root_stat_at(root, label, &st, &e));
}

/* The folder's own name, unless there is one already in the first folder, or the same label. */
static char *choose_label(const struct share *s, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char label[NAME_LEN_MAX + 1];
    size_t len = strnlen(name, NAME_LEN_MAX - 8);

    snprintf(label, sizeof label, "%.*s", (int)len, name);
    if (path_is_hidden(name, len))
        label[0] = '_';
    for (unsigned n = 2; is_taken(s, label); n++) {
        len = strnlen(name, NAME_LEN_MAX - 8);
        snprintf(label, sizeof label, "%.*s (%u)", (int)len, name, n);
        if (path_is_hidden(name, len))
            label[0] = '_';
    }
    return mem_str(label);
}

struct known_added {
    struct share *share;
    char **stale; /* labels of folders that are not shared any more */
    size_t count, cap;
};

static void take_label(void *ctx, const char *label, const char *path)
{
    struct known_added *k = ctx;
    struct place *p = with_path(k->share, path);

    if (p && !p->label) {
        uv_mutex_lock(&k->share->lock);
        p->label = mem_str(label);
        uv_mutex_unlock(&k->share->lock);
    } else if (!p || strcmp(p->label, label) != 0) {
        MEM_GROW(k->stale, k->count, k->cap);
        k->stale[k->count++] = mem_str(label);
    }
}

static bool is_empty(const struct root *r)
{
    struct err e;
    struct root_dir *d = root_list(r, "", &e);
    struct root_stat st;
    const char *name;
    bool empty = d && root_list_next(d, &name, &st, &e) == 0;

    root_list_end(d);
    return empty;
}

/* Where a disk is taken out, what it was mounted on is left: another folder, and empty. */
static bool is_bare(struct share *s, const struct place *p, const struct root *r)
{
    struct store_entry known = {0};
    struct root_stat st;
    struct err e;
    int had;

    if (!is_empty(r) || root_stat_at(r, "", &st, &e))
        return false;
    if (p->rules.top.ino)
        return st.ino != p->rules.top.ino || st.dev != p->rules.top.dev;
    had = store_get(s->store, p->label, &known, &e);
    if (!had)
        had = store_get_away(s->store, p->label, &known, &e);
    if (share_failed(s, had < 0 ? had : 0, &e))
        return true;
    return had && known.ino && known.ino != st.ino;
}

/* The store and the places know of the same folders, and each has its label. */
static void settle_labels(struct share *s)
{
    struct known_added k = {.share = s};
    struct err e;

    if (!share_failed(s, store_added(s->store, take_label, &k, &e), &e))
        for (size_t i = 0; i < k.count && !s->broken; i++)
            share_failed(s, store_drop(s->store, k.stale[i], &e), &e);
    for (size_t i = 0; i < k.count; i++)
        mem_free(k.stale[i]);
    mem_free(k.stale);
    for (struct place *p = s->places; p && !s->broken; p = p->next) {
        if (!p->label) {
            char *label = choose_label(s, p->path);

            uv_mutex_lock(&s->lock);
            p->label = label;
            uv_mutex_unlock(&s->lock);
        }
        if (*p->label)
            share_failed(s, store_add(s->store, p->label, p->path, &e), &e);
        if (p->fresh && !s->broken) {
            if (is_bare(s, p, p->fresh))
                root_close(p->fresh);
            else
                place_hold(s, p, p->fresh);
            p->fresh = NULL;
        }
    }
}

/* ---- work and rows of one folder ---- */

static bool lies_in(const struct share *s, const struct place *p, const char *path)
{
    const char *below;

    return place_of(s, path, &below) == p;
}

struct scope {
    const struct share *share;
    const struct place *place;
};

static bool in_scope(void *ctx, const char *path)
{
    const struct scope *k = ctx;

    return lies_in(k->share, k->place, path);
}

/* Nothing more is done about what lies in p. Folders in work dissolve by themselves: nothing is
 * found there. */
static void drop_work(struct share *s, struct place *p)
{
    struct scope k = {s, p};

    share_scan_leave(s, in_scope, &k);
    item_forget_if(s, in_scope, &k);
    share_skips_drop_if(s, in_scope, &k);
    sweep_drop_if(s, in_scope, &k);
    if (s->watch)
        watch_drop_if(s->watch, in_scope, &k);
}

struct names {
    struct share *share;
    char *name[512];
    size_t count;
    char last[NAME_LEN_MAX + 1];
    size_t seen;
};

static void note_name(void *ctx, const char *name, size_t len, const struct store_entry *entry)
{
    struct names *n = ctx;
    char *copy = mem_strn(name, len);

    (void)entry;
    n->seen++;
    str_copy(n->last, sizeof n->last, copy);
    if (place_is_label(n->share, copy))
        mem_free(copy);
    else
        n->name[n->count++] = copy;
}

typedef int64_t rows_fn(struct store *s, const char *path, struct err *e);

/* All rows of the first folder but those of the others in it; it itself is not announced. */
static void first_rows(struct share *s, rows_fn *fn, uint64_t ino)
{
    struct store_entry unsaid = {.kind = STORE_UNSAID, .ino = ino};
    struct names *n = mem_zero(1, sizeof *n);
    struct err e;
    int64_t bad = 0;

    n->share = s;
    do {
        n->count = n->seen = 0;
        bad = store_children(s->store, "", n->last, sizeof n->name / sizeof *n->name, note_name, n,
                             &e);
        for (size_t i = 0; i < n->count; i++) {
            if (bad >= 0)
                bad = fn(s->store, n->name[i], &e);
            mem_free(n->name[i]);
        }
    } while (bad >= 0 && n->seen == sizeof n->name / sizeof *n->name);
    if (bad >= 0)
        bad = store_put(s->store, "", &unsaid, NULL, 0, &e);
    share_failed(s, bad < 0 ? bad : 0, &e);
    mem_free(n);
}

static void withdraw_rows(struct share *s, struct place *p)
{
    struct err e;
    int64_t rows;

    s->untidy = true;
    if (!*p->label) {
        struct store_entry known = {.ino = p->rules.top.ino};

        if (!known.ino) /* away since the start: as it was before */
            (void)store_get(s->store, "", &known, &e);
        first_rows(s, store_away, known.ino);
        return;
    }
    rows = store_away(s->store, p->label, &e);
    if (!share_failed(s, rows < 0 ? rows : 0, &e) && rows)
        folder_changed(s, folder_get(s, ""), loop_now_ms());
}

/* The disk is there: look through the folder. */
static void begin(struct share *s, struct place *p)
{
    struct store_entry known, unsaid = {.kind = STORE_UNSAID, .ino = p->rules.top.ino};
    struct err e;
    int had = store_get(s->store, p->label, &known, &e);

    if (share_failed(s, had < 0 ? had : 0, &e))
        return;
    if (!had && *p->label) {
        if (share_failed(s, store_put(s->store, p->label, &unsaid, NULL, 0, &e), &e))
            return;
        folder_changed(s, folder_get(s, ""), loop_now_ms());
    }
    if (!s->broken)
        share_list(s, p->label, true, 0);
}

void places_scan(struct share *s)
{
    for (struct place *p = s->places; p && !s->broken; p = p->next)
        if (p->held)
            begin(s, p);
}

/* ---- gone and back ---- */

void places_say(struct share *s)
{
    char name[300];
    unsigned away = 0;

    s->trouble[0] = '\0';
    for (const struct place *p = s->places; p; p = p->next)
        if (!p->held && !away++)
            snprintf(s->trouble, sizeof s->trouble,
                     "the shared folder %s is gone: %s is shared until it is back",
                     show_to(name, sizeof name, p->path, strlen(p->path)),
                     s->places->next ? "nothing in it" : "nothing");
    if (away > 1)
        snprintf(s->trouble, sizeof s->trouble,
                 "%u shared folders are gone: nothing in them is shared until they are back", away);
}

static void lost(struct share *s, struct place *p)
{
    char name[300];

    log_warn("share", "folder_gone path=%s", show_to(name, sizeof name, p->path, strlen(p->path)));
    drop_work(s, p);
    place_hold(s, p, NULL);
    places_say(s);
    withdraw_rows(s, p);
}

static void back(struct share *s, struct place *p, struct root *root)
{
    log_info("share", "folder_back");
    place_hold(s, p, root);
    places_say(s);
    share_scan_begin(s);
    begin(s, p);
    share_wake(s);
}

void places_check(struct share *s, int64_t now)
{
    s->alive_ms = s->places ? now + ALIVE_MS : NEVER;
    for (struct place *p = s->places; p && !s->broken; p = p->next) {
        struct root *root;
        struct err e;

        if (p->held && !root_alive(p->held->root))
            lost(s, p);
        if (p->held || s->broken)
            continue;
        root = share_open_folder(s, p->path, &e);
        if (root && !strcmp(root_path(root), p->path) && !is_bare(s, p, root))
            back(s, p, root);
        else
            root_close(root);
    }
}

/* ---- others ---- */

static void free_place(struct share *s, struct place *p)
{
    place_hold(s, p, NULL);
    root_close(p->fresh);
    ignore_free(p->rules.ignore);
    mem_free(p->label);
    mem_free(p->path);
    mem_free(p);
}

void places_free(struct share *s)
{
    while (s->places) {
        struct place *p = s->places;

        uv_mutex_lock(&s->lock);
        s->places = p->next;
        uv_mutex_unlock(&s->lock);
        free_place(s, p);
    }
}

static void add_place(struct share *s, const char *label, struct share_new_folder *n)
{
    struct place *p = mem_zero(1, sizeof *p);

    p->path = mem_str(n->path);
    p->label = label ? mem_str(label) : NULL;
    p->fresh = n->root;
    p->rules.hidden = s->hidden;
    p->rules.ignore = ignore_new();
    n->root = NULL;
    uv_mutex_lock(&s->lock);
    LL_APPEND(s->places, p);
    uv_mutex_unlock(&s->lock);
}

static bool in_list(const struct share_new_folders *n, const struct place *p)
{
    if (!*p->label)
        return n->first.path && !strcmp(n->first.path, p->path);
    for (size_t i = 0; i < n->count; i++)
        if (!strcmp(n->added[i].path, p->path))
            return true;
    return false;
}

/* It is not shared any more. */
static void remove_place(struct share *s, struct place *p)
{
    struct err e;

    drop_work(s, p);
    if (*p->label) {
        if (!share_failed(s, store_drop(s->store, p->label, &e), &e))
            folder_changed(s, folder_get(s, ""), loop_now_ms());
    } else {
        first_rows(s, store_forget, 0);
        if (!s->broken)
            share_failed(s, store_leave_folder(s->store, &e), &e);
        mem_free(s->folder);
        s->folder = mem_str("");
    }
    uv_mutex_lock(&s->lock);
    LL_DELETE(s->places, p);
    uv_mutex_unlock(&s->lock);
    free_place(s, p);
}

/* Others than before, while the first stays or goes: only these are looked through. */
static void change(struct share *s, struct share_new_folders *n)
{
    struct place *p, *next;
    bool other = false;

    for (p = s->places; p && !s->broken; p = next) {
        next = p->next;
        if (in_list(n, p))
            continue;
        remove_place(s, p);
        other = true;
    }
    for (size_t i = 0; i < n->count; i++)
        if (!with_path(s, n->added[i].path))
            add_place(s, NULL, &n->added[i]);
    for (p = s->places; p; p = p->next)
        other |= p->begin = !p->label;
    if (s->broken) /* begun anew soon, with these */
        return;
    if (!other) { /* asked for all the same: look again */
        share_scan_all(s);
        return;
    }
    settle_labels(s);
    for (p = s->places; p && !s->broken; p = p->next) {
        if (p->begin && p->held) {
            share_scan_begin(s);
            begin(s, p);
        } else if (p->begin) {
            withdraw_rows(s, p);
        }
        p->begin = false;
    }
}

void places_begin(struct share *s)
{
    struct err e;

    if (share_failed(s, store_set_folder(s->store, s->folder, &e), &e))
        return;
    settle_labels(s);
    for (struct place *p = s->places; p && !s->broken; p = p->next)
        if (!p->held)
            withdraw_rows(s, p);
    s->untidy = true;
}

void places_set(struct share *s, struct share_new_folders *n)
{
    const char *first = n->first.path ? n->first.path : "";
    bool stays = !*first || !strcmp(first, s->folder);

    if (stays && s->places && s->store && !s->broken) {
        change(s, n);
    } else {
        share_drop_work(s);
        share_watch_stop(s);
        sweep_drop(s, "");
        places_free(s);
        mem_free(s->folder);
        s->folder = mem_str(first);
        if (*first)
            add_place(s, "", &n->first);
        for (size_t i = 0; i < n->count; i++)
            add_place(s, NULL, &n->added[i]);
        if (s->places)
            share_watch_start(s);
        if (s->store)
            share_begin_anew(s);
    }
    places_say(s);
    s->alive_ms = s->places ? loop_now_ms() + ALIVE_MS : NEVER;
    share_wake(s);
}
