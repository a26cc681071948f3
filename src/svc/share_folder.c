/* The folders in work, and their manifests.
 *
 * The table is closed upwards: with a folder its parent is in it. A folder is busy as long as
 * anything that its manifest would tell of is unfinished, be it in a folder below; when nothing
 * below is busy any more its manifest is made, which may make one necessary above. That a manifest
 * is out of date is marked in the store, in the transaction that made it so: a crash between the
 * two is made up for by the next scan. */
#include "svc/share_priv.h"

#include "base/log.h"
#include "core/path.h"

#include <string.h>

struct folder *folder_find(struct share *s, const char *path)
{
    struct folder *f;

    HASH_FIND_STR(s->folders, path, f);
    return f;
}

struct folder *folder_get(struct share *s, const char *path)
{
    struct folder *f = folder_find(s, path);
    const char *slash = strrchr(path, '/');
    size_t len = strlen(path);

    if (f)
        return f;
    f = mem_zero(1, sizeof *f + len + 1);
    memcpy(f->path, path, len + 1);
    f->len = len;
    if (len) {
        char *up = mem_strn(path, slash ? (size_t)(slash - path) : 0);

        f->up = folder_get(s, up);
        f->up->children++;
        f->depth = f->up->depth + 1;
        mem_free(up);
    }
    HASH_ADD_KEYPTR(hh, s->folders, f->path, len, f);
    return f;
}

static void free_names(struct folder *f)
{
    for (size_t i = 0; i < f->name_count; i++)
        mem_free(f->names[i]);
    mem_free(f->names);
    f->names = NULL;
    f->name_count = f->name_cap = 0;
}

void folder_update(struct share *s, struct folder *f)
{
    while (f) {
        struct folder *up = f->up;
        bool was = f->busy;

        f->busy = f->dirty || f->scan || f->need || f->waiting || f->unsettled;
        if (f->busy != was && up)
            up->unsettled += f->busy ? 1 : -1u;
        if (f->busy || f->items || f->children) {
            if (f->busy == was) /* nothing changes further up */
                return;
        } else {
            if (up)
                up->children--;
            HASH_DEL(s->folders, f);
            free_names(f);
            mem_free(f);
        }
        f = up;
    }
}

void folder_changed(struct share *s, struct folder *f, int64_t now)
{
    struct err e;

    f->change_ms = now;
    if (f->need)
        return;
    if (share_failed(s, store_mark_stale(s->store, f->path, &e), &e))
        return;
    f->need = true;
    DL_APPEND2(s->need, f, need_prev, need_next);
    folder_update(s, f);
}

/* ---- manifests ---- */

struct manifest {
    struct buf text;
    uint64_t size;
    bool cannot; /* too long, too big, or a folder in it has none */
};

static void add_child(void *ctx, const char *name, size_t len, const struct store_entry *entry)
{
    struct content_entry line = {
        .hash = entry->hash, .size = entry->size, .kind = entry->kind, .name_len = len};
    struct manifest *m = ctx;

    m->cannot |=
        entry->kind == STORE_UNSAID || len > NAME_LEN_MAX || m->text.len > MANIFEST_BYTES_MAX;
    if (m->cannot)
        return;
    memcpy(line.name, name, len);
    content_manifest_add(&m->text, &line);
    m->size +=
        entry->size; /* each at most 2^63 - 1: what is over is seen below, before it can wrap */
    m->cannot |= m->size > INT64_MAX;
}

/* Put the folder's row, if it is another than before. */
static void make_manifest(struct share *s, struct folder *f, int64_t now)
{
    struct store_entry is = {.kind = 'd', .ctime_ns = 1}, was;
    struct manifest m = {0};
    struct root_stat st;
    struct err e;
    int had;

    if (root_stat_at(s->held->root, f->path, &st, &e) || st.kind != 'd')
        return; /* gone: the folder above hears of it */
    if (share_failed(s, store_each_child(s->store, f->path, add_child, &m, &e), &e))
        goto out;
    had = store_get(s->store, f->path, &was, &e);
    if (share_failed(s, had < 0 ? had : 0, &e))
        goto out;
    m.cannot |= m.text.len > MANIFEST_BYTES_MAX;
    is.mtime_ns = st.mtime_ns;
    is.ino = st.ino;
    is.size = m.size;
    content_hash(&is.hash, m.text.data, m.text.len);
    if (m.cannot)
        is = (struct store_entry){.kind = STORE_UNSAID, .ino = st.ino};
    if (had && was.kind == is.kind && was.size == is.size && hash_eq(&was.hash, &is.hash)) {
        share_failed(s, store_touch(s->store, f->path, &is, &e), &e);
    } else if (!share_failed(s, store_put(s->store, f->path, &is, NULL, 0, &e), &e) && f->up) {
        folder_changed(s, f->up, f->up->need ? f->up->change_ms : now - SETTLE_MS);
    }
out:
    buf_free(&m.text);
}

static int64_t ready_at(const struct folder *f)
{
    return f->waiting || f->unsettled || f->dirty || f->scan ? NEVER : f->change_ms + SETTLE_MS;
}

int64_t folder_due(const struct share *s)
{
    const struct folder *f;
    int64_t due = NEVER;

    DL_FOREACH2(s->need, f, need_next)
    {
        int64_t at = ready_at(f);

        due = at < due ? at : due;
    }
    return due == NEVER || due > s->settle_ms ? due : s->settle_ms;
}

bool folder_turn(struct share *s, int64_t now)
{
    int64_t from = loop_now_ms(), before = from, after;
    struct folder *f, *next;
    bool some = false;

    if (now < s->settle_ms)
        return false;
    DL_FOREACH_SAFE2(s->need, f, next, need_next)
    { /* next is in the list, so it stays whatever is done to f */
        if (ready_at(f) > now)
            continue;
        f->need = false;
        DL_DELETE2(s->need, f, need_prev, need_next);
        make_manifest(s, f, now);
        if (s->broken)
            return true; /* everything is dropped already */
        folder_update(s, f);
        some = true;
        after = loop_now_ms();
        if (after - before >
            BIG_FOLDER_MS) /* of a folder with very many children, a fifth of the time */
            s->settle_ms = after + (after - before > 2500 ? 10000 : 4 * (after - before));
        if (after - from > WORK_MS)
            break;
        before = after;
    }
    return some;
}

void folder_drop_all(struct share *s)
{
    struct folder *f, *next;

    HASH_ITER (hh, s->folders, f, next) {
        HASH_DEL(s->folders, f);
        free_names(f);
        mem_free(f);
    }
    s->dirty = s->scan = s->need = NULL;
}
