/* The index's writer: opening, damage, transactions. Counts and numbers live in memory while a
 * transaction is open and go to the meta row with its commit; when it is lost they are read again.
 * The rows themselves are store_entry.c's. */
#include "svc/store_index.h"

#include "base/log.h"
#include "base/mem.h"
#include "svc/store.h"
#include "svc/store_priv.h"

#include <string.h>

#define GONE_MIN 10000 /* gone rows that are always kept */

/* ---- transactions ---- */

int store_fail(struct store *s, const char *verb, struct err *e)
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

int store_begin(struct store *s, struct err *e)
{
    if (s->open)
        return 0;
    if (db_do(&s->db, SQL_BEGIN))
        return store_fail(s, "write", e);
    s->open = true;
    return 0;
}

static int put_meta(struct store *s)
{
    sqlite3_stmt *st = db_stmt(&s->db, SQL_META_PUT);
    const struct db_meta *m = &s->meta;
    struct buf digest = {0};
    int rc;

    if (!st)
        return -1;
    sqlite3_bind_int64(st, 1, (int64_t)m->generation);
    sqlite3_bind_int64(st, 2, (int64_t)m->number);
    sqlite3_bind_int64(st, 3, (int64_t)m->floor);
    sqlite3_bind_int64(st, 4, (int64_t)m->files);
    sqlite3_bind_int64(st, 5, (int64_t)m->bytes);
    sqlite3_bind_int64(st, 6, (int64_t)m->gone);
    sqlite3_bind_int(st, 7, m->clean);
    db_bind_text(st, 8, m->folder, strlen(m->folder));
    digest_put(&digest, &m->digest);
    db_bind_text(st, 9, digest.data, digest.len);
    rc = db_run(&s->db, st);
    buf_free(&digest);
    return rc;
}

int store_commit(struct store *s, struct err *e)
{
    if (!s->open)
        return 0;
    if (put_meta(s) || db_do(&s->db, SQL_COMMIT))
        return store_fail(s, "write", e);
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

/* The digest of everything that is announced, read from the rows. */
static int make_digest(struct store *s)
{
    sqlite3_stmt *st = db_stmt(&s->db, SQL_SINCE);
    int code;

    s->meta.digest = (struct digest){0};
    if (st)
        sqlite3_bind_int64(st, 1, 0);
    while ((code = db_step(&s->db, st)) == SQLITE_ROW) {
        struct store_entry entry;
        char *path = db_path(st);
        struct row row;

        db_entry(st, &entry);
        row = db_row(&entry, path, 0);
        if (row.kind != ROW_GONE) {
            struct digest d = digest_of(&row);

            digest_add(&s->meta.digest, &d);
        }
        mem_free(path);
    }
    if (st)
        sqlite3_reset(st);
    s->meta.has_digest = code == SQLITE_DONE;
    return s->meta.has_digest ? 0 : -1;
}

/* From here until store_close the database says that it is in use: if that is what the next start
 * finds, we were killed, the last commits may be lost, and numbers that peers have seen would be
 * given out again. So the generation is new then, and the file is looked through. The rows' digest
 * is compared at every start: a hash that is another on the disk than it was would be told on. */
static int take_over(struct store *s, struct err *e)
{
    struct digest said = s->meta.digest;
    bool sure = s->meta.clean && s->meta.has_digest;

    if (make_digest(s))
        return db_fail(&s->db, "read", e);
    if (sure &&
        !digest_eq(&said, &s->meta.digest)) { /* SQLite knows its pages, not what is in them */
        s->db.damaged = true;
        return err_set(e, ERR_IO, "cannot read the index %s: it is damaged", s->db.path);
    }
    if (!s->meta.clean)
        new_generation(s);
    s->meta.clean = false;
    if (db_exec(&s->db, "PRAGMA synchronous = FULL") || store_begin(s, e) || store_commit(s, e) ||
        db_exec(&s->db, "PRAGMA synchronous = NORMAL"))
        return db_fail(&s->db, "write", e);
    return 0;
}

/* The cache and the log are large for the first scan of a big folder, whose hashes go all over
 * their index; store_tidy gives them back. 0; -ERR_IO with s->db.damaged set when the file is to be
 * set aside. */
static int open_once(struct store *s, const char *path, struct err *e)
{
    int bad = db_open(&s->db, path,
                      "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 16000;"
                      "PRAGMA cache_size = -32000",
                      e);

    if (bad)
        return bad;
    if (db_stmts(&s->db) || db_meta_get(&s->db, &s->meta))
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
    if (!s->db.damaged && !store_begin(s, &e)) {
        s->meta.clean = true;
        if (store_commit(s, &e))
            log_warn("store", "%s", e.text);
    }
    db_close(&s->db);
    mem_free(s->meta.folder);
    mem_free(s);
}

int store_set_folder(struct store *s, const char *folder, struct err *e)
{
    if (store_begin(s, e))
        return -ERR_IO;
    if (!strcmp(s->meta.folder, folder))
        return store_commit(s, e);
    if (db_exec(&s->db, "DELETE FROM entry; DELETE FROM content; DELETE FROM added"))
        return store_fail(s, "write", e);
    mem_free(s->meta.folder);
    s->meta.folder = mem_str(folder);
    s->meta.number = s->meta.floor = s->meta.files = s->meta.bytes = s->meta.gone = 0;
    s->meta.digest = (struct digest){0};
    new_generation(s);
    return store_commit(s, e);
}

int store_leave_folder(struct store *s, struct err *e)
{
    if (store_forget_gone(s, e))
        return -ERR_IO;
    mem_free(s->meta.folder);
    s->meta.folder = mem_str("");
    return store_commit(s, e);
}

int store_added(struct store *s, store_added_fn *fn, void *ctx, struct err *e)
{
    sqlite3_stmt *st = db_stmt(&s->db, SQL_ADDED);
    int code;

    while ((code = db_step(&s->db, st)) == SQLITE_ROW) {
        char *label = mem_strn(sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0));
        char *path = mem_strn(sqlite3_column_blob(st, 1), (size_t)sqlite3_column_bytes(st, 1));

        fn(ctx, label, path);
        mem_free(label);
        mem_free(path);
    }
    if (code != SQLITE_DONE)
        return store_fail(s, "read", e);
    sqlite3_reset(st);
    return 0;
}

int store_add(struct store *s, const char *label, const char *path, struct err *e)
{
    sqlite3_stmt *st;

    if (store_begin(s, e))
        return -ERR_IO;
    st = db_stmt(&s->db, SQL_ADDED_PUT);
    if (st) {
        db_bind_text(st, 1, label, strlen(label));
        db_bind_text(st, 2, path, strlen(path));
    }
    return db_run(&s->db, st) ? store_fail(s, "write", e) : 0;
}

int store_drop(struct store *s, const char *label, struct err *e)
{
    sqlite3_stmt *st;

    if (store_forget(s, label, e) < 0 || store_forget_gone(s, e))
        return -ERR_IO;
    st = db_stmt(&s->db, SQL_ADDED_DROP);
    if (st)
        db_bind_text(st, 1, label, strlen(label));
    return db_run(&s->db, st) ? store_fail(s, "write", e) : 0;
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

int store_tidy(struct store *s, struct err *e)
{
    struct db_meta *m = &s->meta;
    sqlite3_stmt *st;

    if (store_begin(s, e))
        return -ERR_IO;
    if (db_do(&s->db, SQL_CHECKPOINTS_TIDY))
        return store_fail(s, "write", e);
    if (m->gone > GONE_MIN && m->gone > m->files) {
        st = db_stmt(&s->db, SQL_GONE_MIDDLE);
        if (st)
            sqlite3_bind_int64(st, 1, (int64_t)(m->gone / 2));
        if (db_step(&s->db, st) != SQLITE_ROW)
            return store_fail(s, "read", e);
        m->floor = (uint64_t)sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
        st = db_stmt(&s->db, SQL_GONE_PRUNE);
        if (st)
            sqlite3_bind_int64(st, 1, (int64_t)m->floor);
        if (db_run(&s->db, st))
            return store_fail(s, "write", e);
        m->gone -= (uint64_t)sqlite3_changes(s->db.h);
    }
    if (store_commit(s, e))
        return -ERR_IO;
    sqlite3_db_release_memory(s->db.h);
    sqlite3_wal_autocheckpoint(s->db.h, 4000);
    return 0;
}
