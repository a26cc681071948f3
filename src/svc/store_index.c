/* The index's writer. Counts and numbers live in memory while a transaction is open and go to the
 * meta row with its commit; when it is lost they are read again. */
#include "svc/store_index.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "svc/store.h"
#include "svc/store_priv.h"

#include <string.h>

#define GONE_MIN 10000 /* gone rows that are always kept */

struct store {
    struct db db;
    struct db_meta meta;
    size_t rows; /* since the last commit */
    bool open;   /* a transaction is */
};

/* A path as the table has it. */
struct place {
    const char *folder, *name;
    size_t folder_len, name_len;
};

static struct place place_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    return (struct place){path, name, slash ? (size_t)(slash - path) : 0, strlen(name)};
}

static void bind_place(sqlite3_stmt *st, int at, const struct place *p)
{
    db_bind_text(st, at, p->folder, p->folder_len);
    db_bind_text(st, at + 1, p->name, p->name_len);
}

/* ---- transactions ---- */

/* The transaction is lost; what memory says goes back to what the disk says. */
static int fail(struct store *s, const char *verb, struct err *e)
{
    db_fail(&s->db, verb, e);
    for (size_t i = 0; i < SQL_COUNT; i++)
        if (s->db.stmt[i])
            sqlite3_reset(s->db.stmt[i]);
    if (!sqlite3_get_autocommit(s->db.h))
        db_do(&s->db, SQL_ROLLBACK);
    s->open = false;
    s->rows = 0;
    if (db_meta_get(&s->db, &s->meta) && !s->meta.folder)
        s->meta.folder = mem_str("");
    return -ERR_IO;
}

static int begin(struct store *s, struct err *e)
{
    if (s->open)
        return 0;
    if (db_do(&s->db, SQL_BEGIN))
        return fail(s, "write", e);
    s->open = true;
    return 0;
}

static int put_meta(struct store *s)
{
    sqlite3_stmt *st = db_stmt(&s->db, SQL_META_PUT);
    const struct db_meta *m = &s->meta;

    if (!st)
        return -1;
    sqlite3_bind_int64(st, 1, (int64_t)m->generation);
    sqlite3_bind_int64(st, 2, (int64_t)m->number);
    sqlite3_bind_int64(st, 3, (int64_t)m->floor);
    sqlite3_bind_int64(st, 4, (int64_t)m->dev);
    sqlite3_bind_int64(st, 5, (int64_t)m->files);
    sqlite3_bind_int64(st, 6, (int64_t)m->bytes);
    sqlite3_bind_int64(st, 7, (int64_t)m->gone);
    sqlite3_bind_int(st, 8, m->clean);
    db_bind_text(st, 9, m->folder, strlen(m->folder));
    return db_run(&s->db, st);
}

int store_commit(struct store *s, struct err *e)
{
    if (!s->open)
        return 0;
    if (put_meta(s) || db_do(&s->db, SQL_COMMIT))
        return fail(s, "write", e);
    s->open = false;
    s->rows = 0;
    return 0;
}

size_t store_uncommitted(const struct store *s)
{
    return s->rows;
}

bool store_damaged(const struct store *s)
{
    return s->db.damaged;
}

/* ---- opening ---- */

static void new_generation(struct store *s)
{
    sqlite3_randomness((int)sizeof s->meta.generation, &s->meta.generation);
}

/* From here until store_close the database says that it is in use: if that is what the next start
 * finds, we were killed, the last commits may be lost, and numbers that peers have seen would be
 * given out again. So the generation is new then, and the file is looked through. */
static int take_over(struct store *s, struct err *e)
{
    if (!s->meta.clean)
        new_generation(s);
    s->meta.clean = false;
    if (db_exec(&s->db, "PRAGMA synchronous = FULL") || begin(s, e) || store_commit(s, e) ||
        db_exec(&s->db, "PRAGMA synchronous = NORMAL"))
        return db_fail(&s->db, "write", e);
    return 0;
}

/* The cache is large for the first scan of a big folder, whose hashes go all over their index;
 * store_tidy gives it back. 0; -ERR_IO with s->db.damaged set when the file is to be set aside. */
static int open_once(struct store *s, const char *path, struct err *e)
{
    int bad = db_open(&s->db, path,
                      "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000;"
                      "PRAGMA cache_size = -16000",
                      e);

    if (bad)
        return bad;
    if (db_meta_get(&s->db, &s->meta))
        bad = db_fail(&s->db, "read", e);
    else if (!s->meta.clean && !db_sound(&s->db)) {
        s->db.damaged = true;
        bad = err_set(e, ERR_IO, "cannot read the index %s: it is damaged", path);
    }
    if (!bad)
        bad = take_over(s, e);
    if (bad) {
        bool damaged = s->db.damaged;

        db_close(&s->db);
        s->db.damaged = damaged;
    }
    return bad;
}

/* The index is found again by a scan; the queue is not, so what can be read of it is taken along.
 */
static void rescue_queue(struct store *s, const char *damaged)
{
    sqlite3_stmt *st = NULL;
    int bad;

    if (sqlite3_prepare_v2(s->db.h, "ATTACH ?1 AS old", -1, &st, NULL))
        return;
    sqlite3_bind_text(st, 1, damaged, -1, SQLITE_STATIC);
    bad = sqlite3_step(st) != SQLITE_DONE;
    sqlite3_finalize(st);
    if (bad)
        return;
    bad = sqlite3_exec(s->db.h, "INSERT OR IGNORE INTO main.job SELECT * FROM old.job", NULL, NULL,
                       NULL);
    bad |= sqlite3_exec(s->db.h, "INSERT OR IGNORE INTO main.part SELECT * FROM old.part", NULL,
                        NULL, NULL);
    sqlite3_exec(s->db.h, "DETACH old", NULL, NULL, NULL);
    log_info("store", "queue_rescued=%s", bad ? "no" : "yes");
}

struct store *store_open(const char *path, char **set_aside, struct err *e)
{
    struct store *s = mem_zero(1, sizeof *s);
    char *aside = NULL;
    int bad = open_once(s, path, e);

    if (bad && s->db.damaged) {
        aside = db_set_aside(path, e);
        s->db.damaged = false;
        if (aside)
            bad = open_once(s, path, e);
        if (!bad)
            rescue_queue(s, aside);
    }
    if (set_aside)
        *set_aside = aside;
    else
        mem_free(aside);
    if (!bad)
        return s;
    mem_free(s->meta.folder);
    mem_free(s);
    return NULL;
}

void store_close(struct store *s)
{
    struct err e;

    if (!s)
        return;
    if (!s->db.damaged && !begin(s, &e)) {
        s->meta.clean = true;
        if (store_commit(s, &e))
            log_warn("store", "%s", e.text);
    }
    db_close(&s->db);
    mem_free(s->meta.folder);
    mem_free(s);
}

int store_set_folder(struct store *s, const char *folder, uint64_t dev, struct err *e)
{
    if (begin(s, e))
        return -ERR_IO;
    s->meta.dev = dev;
    if (!strcmp(s->meta.folder, folder))
        return store_commit(s, e);
    if (db_exec(&s->db, "DELETE FROM entry; DELETE FROM content"))
        return fail(s, "write", e);
    mem_free(s->meta.folder);
    s->meta.folder = mem_str(folder);
    s->meta.number = s->meta.floor = s->meta.files = s->meta.bytes = s->meta.gone = 0;
    new_generation(s);
    return store_commit(s, e);
}

uint64_t store_generation(const struct store *s)
{
    return s->meta.generation;
}

uint64_t store_number(const struct store *s)
{
    return s->meta.number;
}

void store_counts(const struct store *s, uint64_t *files, uint64_t *bytes)
{
    *files = s->meta.files;
    *bytes = s->meta.bytes;
}

/* ---- reading what is known ---- */

/* The row at p, gone or not. */
static int get_row(struct store *s, const struct place *p, struct store_entry *out, struct err *e)
{
    sqlite3_stmt *st = db_stmt(&s->db, SQL_GET);
    int code;

    if (st)
        bind_place(st, 1, p);
    code = db_step(&s->db, st);
    if (code == SQLITE_ROW)
        db_entry(st, out);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return fail(s, "read", e);
    sqlite3_reset(st);
    return code == SQLITE_ROW;
}

int store_get(struct store *s, const char *path, struct store_entry *out, struct err *e)
{
    struct place p = place_of(path);
    int got = get_row(s, &p, out, e);

    return got == 1 && out->kind == ROW_GONE ? 0 : got;
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
        return fail(s, "read", e);
    sqlite3_reset(st);
    return 0;
}

int store_find_inode(struct store *s, uint64_t ino, uint64_t size, int64_t mtime_ns,
                     int64_t ctime_ns, struct store_entry *out, char **path, bool *gone,
                     struct err *e)
{
    sqlite3_stmt *st = db_stmt(&s->db, SQL_INODE);
    int code;

    if (st) {
        sqlite3_bind_int64(st, 1, (int64_t)ino);
        sqlite3_bind_int64(st, 2, (int64_t)size);
        sqlite3_bind_int64(st, 3, mtime_ns);
        sqlite3_bind_int64(st, 4, ctime_ns);
    }
    code = db_step(&s->db, st);
    if (code == SQLITE_ROW) {
        db_entry(st, out);
        *path = db_path(st);
        *gone = out->kind == ROW_GONE;
    } else if (code != SQLITE_DONE) {
        return fail(s, "read", e);
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
    return fail(s, "read", e);
}

/* ---- writing ---- */

static bool is_file(char kind)
{
    return kind == ROW_FILE || kind == ROW_EXEC;
}

/* The counts, when a row becomes another; NULL: there is none. */
static void count(struct store *s, const struct store_entry *was, const struct store_entry *is)
{
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

static int put_row(struct store *s, const struct place *p, const struct store_entry *entry,
                   struct err *e)
{
    static const struct hash none = {{0}};
    struct store_entry old;
    sqlite3_stmt *st;
    int had = get_row(s, p, &old, e);

    if (had < 0)
        return had;
    st = db_stmt(&s->db, had ? SQL_UPDATE : SQL_INSERT);
    if (st) {
        sqlite3_bind_int64(st, 1, (int64_t)(s->meta.number + 1));
        bind_place(st, 2, p);
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
    if (db_run(&s->db, st))
        return fail(s, "write", e);
    s->meta.number++;
    s->rows++;
    count(s, had ? &old : NULL, entry);
    return 0;
}

int store_put(struct store *s, const char *path, const struct store_entry *entry,
              const void *checkpoints, size_t len, struct err *e)
{
    struct place p = place_of(path);
    sqlite3_stmt *st;

    if (begin(s, e) || put_row(s, &p, entry, e))
        return -ERR_IO;
    if (!len)
        return 0;
    st = db_stmt(&s->db, SQL_CHECKPOINTS_PUT);
    if (st) {
        db_bind_hash(st, 1, &entry->hash);
        db_bind_text(st, 2, checkpoints, len);
    }
    return db_run(&s->db, st) ? fail(s, "write", e) : 0;
}

int store_touch(struct store *s, const char *path, const struct store_entry *entry, struct err *e)
{
    struct place p = place_of(path);
    sqlite3_stmt *st;

    if (begin(s, e))
        return -ERR_IO;
    st = db_stmt(&s->db, SQL_TOUCH);
    if (st) {
        bind_place(st, 1, &p);
        sqlite3_bind_int64(st, 3, entry->mtime_ns);
        sqlite3_bind_int64(st, 4, entry->ctime_ns);
        sqlite3_bind_int64(st, 5, (int64_t)entry->ino);
    }
    if (db_run(&s->db, st))
        return fail(s, "write", e);
    s->rows++;
    return 0;
}

int store_mark_stale(struct store *s, const char *folder, struct err *e)
{
    struct place p = place_of(folder);
    sqlite3_stmt *st;

    if (begin(s, e))
        return -ERR_IO;
    st = db_stmt(&s->db, SQL_STALE);
    if (st)
        bind_place(st, 1, &p);
    if (db_run(&s->db, st))
        return fail(s, "write", e);
    s->rows++;
    return 0;
}

/* A row becomes a gone one. Of a folder that was never announced nobody need hear. */
static int gone_row(struct store *s, uint64_t number, const struct store_entry *was, struct err *e)
{
    static const struct store_entry is = {.kind = ROW_GONE};
    bool quiet = was->kind == STORE_UNSAID;
    sqlite3_stmt *st = db_stmt(&s->db, quiet ? SQL_GONE_QUIET : SQL_GONE);

    if (st) {
        sqlite3_bind_int64(st, 1, (int64_t)number);
        if (!quiet)
            sqlite3_bind_int64(st, 2, (int64_t)(s->meta.number + 1));
    }
    if (db_run(&s->db, st))
        return fail(s, "write", e);
    s->meta.number += !quiet;
    s->rows++;
    count(s, was, &is);
    return 0;
}

struct numbered {
    uint64_t number;
    struct store_entry entry;
};

/* The rows that st gives, to be changed afterwards: a table is not to be changed while it is
 * walked. */
static int collect(struct store *s, sqlite3_stmt *st, struct numbered **out, size_t *len,
                   size_t *cap)
{
    int code;

    while ((code = db_step(&s->db, st)) == SQLITE_ROW) {
        MEM_GROW(*out, *len, *cap);
        (*out)[*len].number = (uint64_t)sqlite3_column_int64(st, COL_NUMBER);
        db_entry(st, &(*out)[*len].entry);
        if ((*out)[*len].entry.kind != ROW_GONE)
            ++*len;
    }
    if (st)
        sqlite3_reset(st);
    return code == SQLITE_DONE ? 0 : -1;
}

int64_t store_gone(struct store *s, const char *path, struct err *e)
{
    struct place p = place_of(path);
    struct numbered *rows = NULL;
    size_t len = 0, cap = 0;
    struct buf from = {0}, to = {0};
    sqlite3_stmt *st;
    int bad;

    st = db_stmt(&s->db, SQL_GET);
    if (st)
        bind_place(st, 1, &p);
    bad = collect(s, st, &rows, &len, &cap);
    st = db_stmt(&s->db, SQL_BELOW);
    if (st && !bad) {
        buf_str(&from, path);
        buf_str(&to, path);
        if (*path) {
            buf_char(&from, '/');
            buf_char(&to, '/' + 1);
        } else { /* behind every name */
            memset(buf_room(&to, NAME_LEN_MAX + 1), 0xff, NAME_LEN_MAX + 1);
            to.len = NAME_LEN_MAX + 1;
        }
        db_bind_text(st, 1, path, strlen(path));
        db_bind_text(st, 2, from.data, from.len);
        db_bind_text(st, 3, to.data, to.len);
    }
    bad = bad || collect(s, st, &rows, &len, &cap) ? fail(s, "read", e) : 0;
    if (len && !bad)
        bad = begin(s, e);
    for (size_t i = 0; i < len && !bad; i++)
        bad = gone_row(s, rows[i].number, &rows[i].entry, e);
    mem_free(rows);
    buf_free(&from);
    buf_free(&to);
    return bad ? bad : (int64_t)len;
}

int store_put_part(struct store *s, const struct hash *hash, const struct hash *root, uint64_t size,
                   bool have, struct err *e)
{
    struct store_entry old, entry = {.kind = ROW_PART, .size = size, .hash = *hash, .root = *root};
    char hex[HASH_HEX_LEN + 1];
    struct place p = {STORE_PARTS, hex, strlen(STORE_PARTS), HASH_HEX_LEN};
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
    return begin(s, e) ? -ERR_IO : put_row(s, &p, &entry, e);
}

int store_tidy(struct store *s, struct err *e)
{
    struct db_meta *m = &s->meta;
    sqlite3_stmt *st;

    if (begin(s, e))
        return -ERR_IO;
    if (db_do(&s->db, SQL_CHECKPOINTS_TIDY))
        return fail(s, "write", e);
    if (m->gone > GONE_MIN && m->gone > m->files) {
        st = db_stmt(&s->db, SQL_GONE_MIDDLE);
        if (st)
            sqlite3_bind_int64(st, 1, (int64_t)(m->gone / 2));
        if (db_step(&s->db, st) != SQLITE_ROW)
            return fail(s, "read", e);
        m->floor = (uint64_t)sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
        st = db_stmt(&s->db, SQL_GONE_PRUNE);
        if (st)
            sqlite3_bind_int64(st, 1, (int64_t)m->floor);
        if (db_run(&s->db, st))
            return fail(s, "write", e);
        m->gone -= (uint64_t)sqlite3_changes(s->db.h);
    }
    if (store_commit(s, e))
        return -ERR_IO;
    sqlite3_db_release_memory(s->db.h);
    return 0;
}
