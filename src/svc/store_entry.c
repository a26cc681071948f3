/* The rows of the index: what is known, and putting what is. */
#include "base/limits.h"
#include "base/mem.h"
#include "svc/store.h"
#include "svc/store_index.h"
#include "svc/store_priv.h"

#include <assert.h>
#include <string.h>

struct store_place store_place_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    return (struct store_place){path, name, slash ? (size_t)(slash - path) : 0, strlen(name)};
}

void store_bind_place(sqlite3_stmt *st, int at, const struct store_place *p)
{
    db_bind_text(st, at, p->folder, p->folder_len);
    db_bind_text(st, at + 1, p->name, p->name_len);
}

/* ---- reading what is known ---- */

/* The row at p, gone or not. */
static int get_row(struct store *s, const struct store_place *p, struct store_entry *out,
                   struct err *e)
{
    sqlite3_stmt *st = db_stmt(&s->db, SQL_GET);
    int code;

    if (st)
        store_bind_place(st, 1, p);
    code = db_step(&s->db, st);
    if (code == SQLITE_ROW)
        db_entry(st, out);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return store_fail(s, "read", e);
    sqlite3_reset(st);
    return code == SQLITE_ROW;
}

int store_get(struct store *s, const char *path, struct store_entry *out, struct err *e)
{
    struct store_place p = store_place_of(path);
    int got = get_row(s, &p, out, e);

    return got == 1 && (out->kind == ROW_GONE || out->kind == STORE_AWAY) ? 0 : got;
}

int store_get_away(struct store *s, const char *path, struct store_entry *out, struct err *e)
{
    struct store_place p = store_place_of(path);
    int got = get_row(s, &p, out, e);

    return got == 1 ? out->kind == STORE_AWAY : got;
}

int store_children(struct store *s, const char *folder, const char *after, int64_t limit,
                   store_child_fn *fn, void *ctx, struct err *e)
{
    sqlite3_stmt *st = db_stmt(&s->db, SQL_CHILDREN);
    int code;

    if (st) {
        db_bind_text(st, 1, folder, strlen(folder));
        db_bind_text(st, 2, after, strlen(after));
        sqlite3_bind_int64(st, 3, limit);
    }
    while ((code = db_step(&s->db, st)) == SQLITE_ROW) {
        struct store_entry entry;

        db_entry(st, &entry);
        fn(ctx, sqlite3_column_blob(st, COL_NAME), (size_t)sqlite3_column_bytes(st, COL_NAME),
           &entry);
    }
    if (code != SQLITE_DONE)
        return store_fail(s, "read", e);
    sqlite3_reset(st);
    return 0;
}

int store_find_inode(struct store *s, uint64_t ino, uint64_t size, int64_t mtime_ns,
                     int64_t ctime_ns, const char *origin, struct store_entry *out, char **path,
                     struct err *e)
{
    sqlite3_stmt *st = db_stmt(&s->db, SQL_INODE);
    struct store_place p = store_place_of(origin ? origin : ""); /* that is no file */
    int code;

    if (st) {
        sqlite3_bind_int64(st, 1, (int64_t)ino);
        sqlite3_bind_int64(st, 2, (int64_t)size);
        sqlite3_bind_int64(st, 3, mtime_ns);
        sqlite3_bind_int64(st, 4, ctime_ns);
        store_bind_place(st, 5, &p);
    }
    code = db_step(&s->db, st);
    if (code == SQLITE_ROW) {
        db_entry(st, out);
        *path = db_path(st);
    } else if (code != SQLITE_DONE) {
        return store_fail(s, "read", e);
    }
    sqlite3_reset(st);
    return code == SQLITE_ROW;
}

int store_links(struct store *s, uint64_t ino, char ***paths, size_t *count, struct err *e)
{
    sqlite3_stmt *st = db_stmt(&s->db, SQL_LINKS);
    size_t cap = 0;
    int code;

    *paths = NULL;
    *count = 0;
    if (st)
        sqlite3_bind_int64(st, 1, (int64_t)ino);
    while ((code = db_step(&s->db, st)) == SQLITE_ROW) {
        MEM_GROW(*paths, *count, cap);
        (*paths)[(*count)++] = db_path(st);
    }
    if (code == SQLITE_DONE) {
        sqlite3_reset(st);
        return 0;
    }
    while (*count)
        mem_free((*paths)[--*count]);
    mem_free(*paths);
    *paths = NULL;
    return store_fail(s, "read", e);
}

/* ---- writing ---- */

static bool is_file(char kind)
{
    return kind == ROW_FILE || kind == ROW_EXEC;
}

/* The digest that peers see. */
static void add_digest(struct store *s, const struct store_entry *entry, const char *path, bool in)
{
    struct row row = db_row(entry, path, 0);
    struct digest d;

    if (row.kind == ROW_GONE)
        return;
    d = digest_of(&row);
    if (in)
        digest_add(&s->meta.digest, &d);
    else
        digest_take(&s->meta.digest, &d);
}

void store_count(struct store *s, const char *path, const struct store_entry *was,
                 const struct store_entry *is)
{
    if (was)
        add_digest(s, was, path, false);
    if (is)
        add_digest(s, is, path, true);
    if (was && is_file(was->kind)) {
        s->meta.files--;
        s->meta.bytes -= was->size;
    }
    if (is && is_file(is->kind)) {
        s->meta.files++;
        s->meta.bytes += is->size;
    }
    if (was && was->kind == ROW_GONE)
        s->meta.gone--;
    if (is && is->kind == ROW_GONE)
        s->meta.gone++;
}

/* path: as peers have it; of a part, its hash. old: the row at p, gone or not, or NULL: there is
 * none. 0; 1 when there is one after all, and nothing was done; negative. */
static int put_row(struct store *s, const struct store_place *p, const char *path,
                   const struct store_entry *old, const struct store_entry *entry, struct err *e)
{
    static const struct hash none = {{0}};
    sqlite3_stmt *st = db_stmt(&s->db, old ? SQL_UPDATE : SQL_INSERT);

    if (st) {
        sqlite3_bind_int64(st, 1, (int64_t)(s->meta.number + 1));
        store_bind_place(st, 2, p);
        sqlite3_bind_int(st, 4, entry->kind);
        sqlite3_bind_int64(st, 5, (int64_t)entry->size);
        sqlite3_bind_int64(st, 6, entry->mtime_ns);
        sqlite3_bind_int64(st, 7, entry->ctime_ns);
        if (entry->ino)
            sqlite3_bind_int64(st, 8, (int64_t)entry->ino);
        else
            sqlite3_bind_null(st, 8);
        db_bind_hash(st, 9, &entry->hash);
        db_bind_hash(st, 10, hash_eq(&entry->root, &rows_no_checkpoints) ? &none : &entry->root);
    }
    if (db_run(&s->db, st)) {
        if (!old && (sqlite3_errcode(s->db.h) & 0xff) == SQLITE_CONSTRAINT)
            return 1;
        return store_fail(s, "write", e);
    }
    s->meta.number++;
    s->rows++;
    store_count(s, path, old, entry);
    return 0;
}

static int put_checkpoints(struct store *s, const struct hash *hash, const void *checkpoints,
                           size_t len, struct err *e)
{
    sqlite3_stmt *st;

    if (!len)
        return 1;
    st = db_stmt(&s->db, SQL_CHECKPOINTS_PUT);
    if (st) {
        db_bind_hash(st, 1, hash);
        db_bind_text(st, 2, checkpoints, len);
    }
    return db_run(&s->db, st) ? store_fail(s, "write", e) : 1;
}

/* Where one path was new the next is likely to be, as in a first scan: then it is put without
 * looking for it. */
static int put(struct store *s, const char *path, const struct store_entry *entry,
               const void *checkpoints, size_t len, bool unless_same, struct err *e)
{
    struct store_place p = store_place_of(path);
    struct store_entry old;
    int had = 1, bad;

    if (s->all_new) {
        if (store_begin(s, e) || (had = put_row(s, &p, path, NULL, entry, e)) < 0)
            return -ERR_IO;
        if (!had)
            return put_checkpoints(s, &entry->hash, checkpoints, len, e);
    }
    had = get_row(s, &p, &old, e);
    s->all_new = !had;
    if (had < 0)
        return had;
    if (unless_same && had && old.kind == entry->kind && old.mtime_ns == entry->mtime_ns &&
        hash_eq(&old.hash, &entry->hash))
        return store_touch(s, path, entry, e);
    if (store_begin(s, e))
        return -ERR_IO;
    bad = put_row(s, &p, path, had ? &old : NULL, entry, e);
    assert(bad <= 0);
    return bad ? bad : put_checkpoints(s, &entry->hash, checkpoints, len, e);
}

int store_put(struct store *s, const char *path, const struct store_entry *entry,
              const void *checkpoints, size_t len, struct err *e)
{
    int rc = put(s, path, entry, checkpoints, len, false, e);

    return rc < 0 ? rc : 0;
}

int store_put_changed(struct store *s, const char *path, const struct store_entry *entry,
                      const void *checkpoints, size_t len, struct err *e)
{
    return put(s, path, entry, checkpoints, len, true, e);
}

int store_touch(struct store *s, const char *path, const struct store_entry *entry, struct err *e)
{
    struct store_place p = store_place_of(path);
    sqlite3_stmt *st;

    if (store_begin(s, e))
        return -ERR_IO;
    st = db_stmt(&s->db, SQL_TOUCH);
    if (st) {
        store_bind_place(st, 1, &p);
        sqlite3_bind_int64(st, 3, entry->mtime_ns);
        sqlite3_bind_int64(st, 4, entry->ctime_ns);
        sqlite3_bind_int64(st, 5, (int64_t)entry->ino);
    }
    if (db_run(&s->db, st))
        return store_fail(s, "write", e);
    s->rows++;
    return 0;
}

int store_mark_stale(struct store *s, const char *folder, struct err *e)
{
    struct store_place p = store_place_of(folder);
    sqlite3_stmt *st;

    if (store_begin(s, e))
        return -ERR_IO;
    st = db_stmt(&s->db, SQL_STALE);
    if (st)
        store_bind_place(st, 1, &p);
    if (db_run(&s->db, st))
        return store_fail(s, "write", e);
    s->rows++;
    return 0;
}

int store_put_part(struct store *s, const struct hash *hash, const struct hash *root, uint64_t size,
                   bool have, struct err *e)
{
    struct store_entry old, entry = {.kind = ROW_PART, .size = size, .hash = *hash, .root = *root};
    char hex[HASH_HEX_LEN + 1];
    struct store_place p = {STORE_PARTS, hex, strlen(STORE_PARTS), HASH_HEX_LEN};
    int had;

    hash_hex(hash, hex);
    had = get_row(s, &p, &old, e);
    if (had < 0)
        return had;
    if (have ? had && old.kind == ROW_PART && hash_eq(&old.root, root) && old.size == size
             : !had || old.kind == ROW_GONE)
        return 0;
    if (!have)
        entry = (struct store_entry){.kind = ROW_GONE};
    return store_begin(s, e) ? -ERR_IO : put_row(s, &p, hex, had ? &old : NULL, &entry, e);
}
