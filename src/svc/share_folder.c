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

/* In s->need are those whose manifest can be made. */
static void queue(struct share *s, struct folder *f, bool settled)
{
    if (f->settled == settled)
        return;
    f->settled = settled;
    if (settled)
        DL_APPEND2(s->need, f, need_prev, need_next);
    else
        DL_DELETE2(s->need, f, need_prev, need_next);
}

void folder_update(struct share *s, struct folder *f)
{
    while (f) {
        struct folder *up = f->up;
        bool was = f->busy, unfinished = f->dirty || f->scan || f->waiting || f->unsettled;

        f->busy = unfinished || f->need;
        queue(s, f, f->need && !unfinished);
        if (f->busy != was && up)
            up->unsettled += f->busy ? 1 : -1u;
        if (f->busy || f->items || f->children) {
            if (f->busy == was) /* nothing changes further up */
                return;
        } else {
            if (up)
                up->children--;
            /* It is in the table. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
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
    s->needs++;
    folder_update(s, f);
}

/* ---- manifests ---- */

#define CHILDREN 1000 /* in one go */

/* The manifest that is being made, one at a time, a few children at a time: a folder may have a
 * million. */
struct manifest {
    struct folder *folder;
    int64_t change_ms, spent_ms;
    struct sha256_ctx sha;
    struct buf lines;
    uint64_t size; /* of what is in it */
    size_t len;    /* of the manifest so far */
    size_t got;    /* children in this go */
    char last[NAME_LEN_MAX + 1];
    bool cannot; /* too long, too big, or a folder in it has none */
};

static void end_manifest(struct share *s)
{
    if (s->manifest)
        buf_free(&s->manifest->lines);
    mem_free(s->manifest);
    s->manifest = NULL;
}

static void begin_manifest(struct share *s, struct folder *f)
{
    struct manifest *m = s->manifest = mem_zero(1, sizeof *m);

    m->folder = f;
    m->change_ms = f->change_ms;
    sha256_init(&m->sha);
}

static void add_child(void *ctx, const char *name, size_t len, const struct store_entry *entry)
{
    struct content_entry line = {
        .hash = entry->hash, .size = entry->size, .kind = entry->kind, .name_len = len};
    struct manifest *m = ctx;

    m->got++;
    m->cannot |= entry->kind == STORE_UNSAID || len > NAME_LEN_MAX;
    if (m->cannot)
        return;
    memcpy(line.name, name, len);
    memcpy(m->last, line.name, sizeof m->last); /* with its NUL */
    content_manifest_add(&m->lines, &line);
    /* Each is at most 2^63 - 1, and we stop when the sum is over that: it cannot wrap. */
    m->size += entry->size;
    m->cannot |= m->size > INT64_MAX;
}

/* Some more children. true: that was all of them, or all that is needed. */
static bool add_children(struct share *s, struct manifest *m)
{
    struct err e;

    m->got = 0;
    if (share_failed(
            s, store_children(s->store, m->folder->path, m->last, CHILDREN, add_child, m, &e), &e))
        return true;
    sha256_update(&m->sha, m->lines.len, (const uint8_t *)buf_cstr(&m->lines));
    m->len += m->lines.len;
    m->cannot |= m->len > MANIFEST_BYTES_MAX;
    buf_reset(&m->lines);
    return m->cannot || m->got < CHILDREN;
}

/* Put the folder's row, if it is another than before. */
static void publish(struct share *s, struct manifest *m, int64_t now)
{
    struct store_entry is = {.kind = 'd', .size = m->size, .ctime_ns = 1}, was;
    struct folder *f = m->folder;
    struct root_stat st;
    struct err e;
    int had;

    if (place_stat(s, f->path, &st, &e) || st.kind != 'd')
        return; /* gone: the folder above hears of it */
    had = store_get(s->store, f->path, &was, &e);
    if (share_failed(s, had < 0 ? had : 0, &e))
        return;
    if (had && was.ino != st.ino) /* another one than was listed: so will this one be, and soon */
        return;
    is.mtime_ns = st.mtime_ns;
    is.ino = st.ino;
    sha256_digest(&m->sha, sizeof is.hash.b, is.hash.b);
    if (m->cannot)
        is = (struct store_entry){.kind = STORE_UNSAID, .ino = st.ino};
    if (had && was.kind == is.kind && was.size == is.size && hash_eq(&was.hash, &is.hash)) {
        share_failed(s, store_touch(s->store, f->path, &is, &e), &e);
    } else if (!share_failed(s, store_put(s->store, f->path, &is, NULL, 0, &e), &e) && f->up) {
        folder_changed(s, f->up, f->up->need ? f->up->change_ms : now - SETTLE_MS);
    }
}

static int64_t ready_at(const struct folder *f)
{
    return f->settled ? f->change_ms + SETTLE_MS : NEVER;
}

int64_t folder_due(const struct share *s)
{
    const struct folder *f;
    int64_t due = NEVER;

    for (f = s->need; f; f = f->need_next) {
        int64_t at = ready_at(f);

        due = at < due ? at : due;
    }
    return due == NEVER || due > s->settle_ms ? due : s->settle_ms;
}

/* The next one whose time has come. */
static struct folder *next_folder(struct share *s, int64_t now)
{
    struct folder *f;

    for (f = s->need; f; f = f->need_next)
        if (ready_at(f) <= now)
            return f;
    return NULL;
}

static void made(struct share *s, struct manifest *m, int64_t now)
{
    struct folder *f = m->folder;

    s->manifests++;
    publish(s, m, now);
    if (s->broken) /* everything is dropped already */
        return;
    if (m->spent_ms > BIG_FOLDER_MS) /* not more than a fifth of the time */
        s->settle_ms = now + (m->spent_ms > 1250 ? 5000 : 4 * m->spent_ms);
    end_manifest(s);
    f->need = false;
    s->needs--;
    folder_update(s, f);
}

bool folder_turn(struct share *s, int64_t now)
{
    int64_t from = loop_now_ms(), before = from, after;
    bool some = false, all;

    do {
        struct manifest *m = s->manifest;
        struct folder *f;

        if (m && (m->change_ms != m->folder->change_ms || ready_at(m->folder) > now)) {
            end_manifest(s); /* it changed again */
            m = NULL;
        }
        if (!m) {
            if (now < s->settle_ms || !(f = next_folder(s, now)))
                return some;
            begin_manifest(s, f);
            m = s->manifest;
        }
        some = true;
        all = add_children(s, m);
        if (s->broken)
            return true;
        after = loop_now_ms();
        m->spent_ms += after - before;
        before = after;
        if (all)
            made(s, m, after);
    } while (!s->broken && after - from < WORK_MS);
    return some;
}

void folder_drop_all(struct share *s)
{
    struct folder *f, *next;

    end_manifest(s);
    HASH_ITER (hh, s->folders, f, next) {
        HASH_DEL(s->folders, f);
        free_names(f);
        mem_free(f);
    }
    s->dirty = s->scan = s->need = NULL;
    s->needs = 0;
}
