/* The connection: schema, statements, errors, and what is done with a damaged file. */
#include "svc/store_priv.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "svc/store.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STRING2(x) #x
#define STRING(x)  STRING2(x)
#define SCHEMA     5

/* Eight bytes of a hash find it as well as all 32, in a third of the room. */
#define HASH8      "substr(hash, 1, 8)"
#define HASH_INDEX "CREATE INDEX entry_hash8 ON entry(" HASH8 ") WHERE hash IS NOT NULL;"
#define ADDED      "CREATE TABLE added(label BLOB PRIMARY KEY, path BLOB NOT NULL);"
#define AWAY       "CREATE INDEX entry_away ON entry(kind) WHERE kind = 119;"

/* number is the change number: a change moves its row to the end of the table, so "everything after
 * N" is one stretch of it. Names are blobs: they are the file system's bytes. kind is a character's
 * code. hash and root are NULL where there is none, root also where it is that of no checkpoints.
 */
static const char TABLES[] =
    "CREATE TABLE meta(id INTEGER PRIMARY KEY CHECK(id = 1), generation INTEGER, number INTEGER,"
    "  floor INTEGER, files INTEGER, bytes INTEGER, gone INTEGER, clean INTEGER, "
    "folder BLOB, digest BLOB);"
    "INSERT INTO meta VALUES(1, random(), 0, 0, 0, 0, 0, 1, x'', zeroblob(16));"
    "CREATE TABLE entry(number INTEGER PRIMARY KEY, folder BLOB NOT NULL, name BLOB NOT NULL,"
    "  kind INTEGER NOT NULL, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, ino INTEGER, hash "
    "BLOB, root BLOB);"
    "CREATE UNIQUE INDEX entry_path ON entry(folder, name);" HASH_INDEX
    "CREATE INDEX entry_ino ON entry(ino) WHERE ino IS NOT NULL;"
    "CREATE TABLE content(id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, checkpoints BLOB NOT "
    "NULL);"
    "CREATE TABLE job(id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL, kind INTEGER, "
    "target BLOB,"
    "  options TEXT, state INTEGER, size INTEGER, done INTEGER, error TEXT, added INTEGER);"
    "CREATE TABLE part(hash BLOB PRIMARY KEY, root BLOB NOT NULL, size INTEGER, path BLOB, have "
    "BLOB,"
    "  checkpoints BLOB);" ADDED AWAY "PRAGMA user_version = " STRING(SCHEMA) ";";

/* From each older version to the next. */
static const char *const NEXT[SCHEMA] = {
    [1] = "ALTER TABLE meta ADD COLUMN digest BLOB;", /* made at the next start of the writer */
    [2] = ADDED,                                      /* one shared folder only */
    [3] = "DROP INDEX entry_hash;" HASH_INDEX,
    [4] = "ALTER TABLE meta DROP COLUMN dev;" AWAY, /* the system tells it */
};

#define ENTRY "number, folder, name, kind, size, mtime_ns, ctime_ns, ino, hash, root"
#define LIVE  "kind NOT IN (45, 119)" /* '-', 'w' */
/* A part's path lies at or below a job's target. */
#define COVERS(target)                                                                             \
    "substr(part.path, 1, length(" target ") + 1) = CAST(" target " || '/' AS BLOB)"

static const char *const SQL[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_BEGIN_READ] = "BEGIN",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_META_GET] = "SELECT generation, number, floor, files, bytes, gone, clean, folder, "
                     "digest FROM meta",
    [SQL_META_PUT] = "UPDATE meta SET generation = ?1, number = ?2, floor = ?3, files = ?4,"
                     " bytes = ?5, gone = ?6, clean = ?7, folder = ?8, digest = ?9",
    [SQL_GET] = "SELECT " ENTRY " FROM entry WHERE folder = ?1 AND name = ?2",
    [SQL_CHILDREN] = "SELECT " ENTRY " FROM entry WHERE folder = ?1 AND name > ?2 AND " LIVE
                     " ORDER BY name LIMIT ?3",
    [SQL_INODE] =
        "SELECT " ENTRY " FROM entry WHERE ino = ?1 AND size = ?2 AND mtime_ns = ?3"
        " AND (ctime_ns = ?4 OR folder = ?5 AND name = ?6) AND hash IS NOT NULL AND kind != 100"
        " ORDER BY ctime_ns = ?4 DESC LIMIT 1",
    [SQL_LINKS] = "SELECT " ENTRY " FROM entry WHERE ino = ?1 AND kind IN (102, 120)",
    [SQL_INSERT] = "INSERT INTO entry(" ENTRY ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [SQL_UPDATE] =
        "UPDATE entry SET number = ?1, kind = ?4, size = ?5, mtime_ns = ?6, ctime_ns = ?7,"
        " ino = ?8, hash = ?9, root = ?10 WHERE folder = ?2 AND name = ?3",
    [SQL_TOUCH] =
        "UPDATE entry SET mtime_ns = ?3, ctime_ns = ?4, ino = ?5 WHERE folder = ?1 AND name = ?2",
    [SQL_STALE] = "UPDATE entry SET ctime_ns = 0 WHERE folder = ?1 AND name = ?2 AND kind = 100",
    [SQL_BELOW] = "SELECT " ENTRY " FROM entry WHERE (folder, name) > (?1, ?2) AND folder < ?3"
                  " AND folder != x'2f' AND " LIVE " ORDER BY folder, name LIMIT ?4",
    [SQL_GONE] = "UPDATE entry SET number = ?2, kind = 45,"
                 " ino = CASE WHEN kind IN (102, 120) THEN ino END,"
                 " hash = CASE WHEN kind IN (102, 120) THEN hash END WHERE number = ?1",
    [SQL_FORGET] = "UPDATE entry SET number = ?2, kind = 45, ino = NULL, hash = NULL"
                   " WHERE number = ?1",
    [SQL_AWAY] = "UPDATE entry SET number = ?2, kind = 119,"
                 " hash = CASE WHEN kind IN (102, 120) THEN hash END WHERE number = ?1",
    [SQL_AWAY_ENDS] = "UPDATE entry SET kind = 45 WHERE kind = 119",
    [SQL_FORGET_GONE] = "UPDATE entry SET ino = NULL, hash = NULL WHERE kind = 45 AND hash IS NOT "
                        "NULL",
    [SQL_ADDED] = "SELECT label, path FROM added ORDER BY rowid",
    [SQL_ADDED_PUT] = "INSERT OR REPLACE INTO added(label, path) VALUES(?1, ?2)",
    [SQL_ADDED_DROP] = "DELETE FROM added WHERE label = ?1",
    [SQL_GONE_QUIET] = "UPDATE entry SET kind = 45, ino = NULL, hash = NULL WHERE number = ?1",
    [SQL_CHECKPOINTS_PUT] = "INSERT OR IGNORE INTO content(hash, checkpoints) VALUES(?1, ?2)",
    [SQL_CHECKPOINTS_GET] = "SELECT checkpoints FROM content WHERE hash = ?1",
    [SQL_CHECKPOINTS_TIDY] = "DELETE FROM content WHERE NOT EXISTS(SELECT 1 FROM entry"
                             " WHERE substr(entry.hash, 1, 8) = substr(content.hash, 1, 8) AND "
                             "entry.hash = content.hash)",
    [SQL_GONE_MIDDLE] =
        "SELECT number FROM entry WHERE kind = 45 ORDER BY number LIMIT 1 OFFSET ?1",
    [SQL_GONE_PRUNE] = "DELETE FROM entry WHERE kind = 45 AND number <= ?1",
    [SQL_SINCE] = "SELECT " ENTRY " FROM entry WHERE number > ?1 ORDER BY number",
    [SQL_FIND] = "SELECT " ENTRY " FROM entry WHERE " HASH8
                 " = substr(?1, 1, 8) AND hash = ?1 AND kind IN (100, 102, 120) LIMIT 1 OFFSET ?2",
    [SQL_EACH] = "SELECT " ENTRY " FROM entry WHERE kind IN (100, 102, 120) ORDER BY folder, name",
    [SQL_JOB_ADD] = "INSERT INTO job(hash, kind, target, options, state, size, done, error, added)"
                    " VALUES(?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [SQL_JOB_SAVE] =
        "UPDATE job SET hash = ?2, kind = ?3, target = ?4, options = ?5, state = ?6, size = ?7,"
        " done = ?8, error = ?9, added = ?10 WHERE id = ?1",
    [SQL_JOB_REMOVE] = "DELETE FROM job WHERE id = ?1",
    [SQL_JOB_PARTS_REMOVE] =
        "DELETE FROM part WHERE EXISTS(SELECT 1 FROM job WHERE job.id = ?1"
        "   AND (job.hash = part.hash OR " COVERS(
            "job.target") "))"
                          " AND NOT EXISTS(SELECT 1 FROM job WHERE job.id != ?1 AND job.state != 2"
                          "   AND (job.hash = part.hash OR " COVERS("job.target") "))",
    [SQL_JOBS] = "SELECT id, hash, kind, target, options, state, size, done, error, added FROM job "
                 "ORDER BY id",
    [SQL_PART_SAVE] = "INSERT OR REPLACE INTO part(hash, root, size, path, have, checkpoints)"
                      " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [SQL_PART_HAVE] = "UPDATE part SET have = ?2 WHERE hash = ?1",
    [SQL_PART_FIND] = "SELECT root, size, path, have, checkpoints FROM part WHERE hash = ?1",
    [SQL_PART_REMOVE] = "DELETE FROM part WHERE hash = ?1",
};

/* ---- statements ---- */

static void note_damage(struct db *db, int code)
{
    db->damaged |= (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

/* Every statement fits the tables of SCHEMA: one that does not compile has met other tables. */
sqlite3_stmt *db_stmt(struct db *db, enum db_sql sql)
{
    sqlite3_stmt **st = &db->stmt[sql];

    if (!*st) {
        int code = sqlite3_prepare_v3(db->h, SQL[sql], -1, SQLITE_PREPARE_PERSISTENT, st, NULL);

        note_damage(db, code);
        db->damaged |= (code & 0xff) == SQLITE_ERROR;
    }
    return *st;
}

int db_stmts(struct db *db)
{
    for (int i = 0; i < SQL_COUNT; i++)
        if (!db_stmt(db, (enum db_sql)i))
            return -1;
    return 0;
}

int db_step(struct db *db, sqlite3_stmt *st)
{
    int code = st ? sqlite3_step(st) : sqlite3_errcode(db->h);

    note_damage(db, code);
    return code;
}

int db_run(struct db *db, sqlite3_stmt *st)
{
    int code;

    do
        code = db_step(db, st);
    while (code == SQLITE_ROW && st);
    if (st)
        sqlite3_reset(st);
    return code == SQLITE_DONE ? 0 : -1;
}

int db_do(struct db *db, enum db_sql sql)
{
    return db_run(db, db_stmt(db, sql));
}

int db_exec(struct db *db, const char *sql)
{
    int code = sqlite3_exec(db->h, sql, NULL, NULL, NULL);

    note_damage(db, code);
    return code ? -1 : 0;
}

int db_fail(struct db *db, const char *verb, struct err *e)
{
    const char *why = db->h ? sqlite3_errmsg(db->h) : "out of memory";

    return err_set(e, ERR_IO, "cannot %s the index %s: %s", verb, db->path, why);
}

/* ---- values ---- */

void db_bind_hash(sqlite3_stmt *st, int at, const struct hash *h)
{
    if (hash_is_zero(h))
        sqlite3_bind_null(st, at);
    else
        sqlite3_bind_blob(st, at, h->b, sizeof h->b, SQLITE_STATIC);
}

void db_bind_text(sqlite3_stmt *st, int at, const void *text, size_t len)
{
    sqlite3_bind_blob64(st, at, len ? text : "", len, SQLITE_STATIC);
}

void db_hash(sqlite3_stmt *st, int col, struct hash *h)
{
    *h = (struct hash){0};
    if (sqlite3_column_bytes(st, col) == (int)sizeof h->b)
        memcpy(h->b, sqlite3_column_blob(st, col), sizeof h->b);
}

void db_entry(sqlite3_stmt *st, struct store_entry *out)
{
    *out = (struct store_entry){
        .kind = (char)sqlite3_column_int(st, COL_KIND),
        .size = (uint64_t)sqlite3_column_int64(st, COL_SIZE),
        .mtime_ns = sqlite3_column_int64(st, COL_MTIME),
        .ctime_ns = sqlite3_column_int64(st, COL_CTIME),
        .ino = (uint64_t)sqlite3_column_int64(st, COL_INO),
    };
    db_hash(st, COL_HASH, &out->hash);
    db_hash(st, COL_ROOT, &out->root);
    if (hash_is_zero(&out->root) && out->kind != 'd' && out->kind != STORE_UNSAID)
        out->root = rows_no_checkpoints;
}

char *db_path(sqlite3_stmt *st)
{
    size_t folder = (size_t)sqlite3_column_bytes(st, COL_FOLDER);
    size_t name = (size_t)sqlite3_column_bytes(st, COL_NAME);
    const char *text = sqlite3_column_blob(st, COL_FOLDER);
    struct buf b = {0};

    if (folder == 1 && text[0] == '/') /* STORE_PARTS */
        folder = 0;
    buf_add(&b, text, folder);
    if (folder)
        buf_char(&b, '/');
    buf_add(&b, sqlite3_column_blob(st, COL_NAME), name);
    return buf_take(&b, NULL);
}

static int64_t whole_seconds(int64_t ns)
{
    return ns / 1000000000 - (ns % 1000000000 < 0);
}

struct row db_row(const struct store_entry *entry, const char *path, uint64_t number)
{
    return (struct row){
        .kind = entry->kind == STORE_UNSAID || entry->kind == STORE_AWAY
                    ? ROW_GONE
                    : (enum row_kind)entry->kind,
        .number = number,
        .path = path,
        .path_len = strlen(path),
        .size = entry->size,
        .mtime_s = whole_seconds(entry->mtime_ns),
        .hash = entry->hash,
        .root = entry->root,
    };
}

int db_meta_get(struct db *db, struct db_meta *m)
{
    sqlite3_stmt *st = db_stmt(db, SQL_META_GET);
    int bad = db_step(db, st) == SQLITE_ROW ? 0 : -1;

    mem_free(m->folder);
    *m = (struct db_meta){0};
    if (!bad)
        *m = (struct db_meta){
            .generation = (uint64_t)sqlite3_column_int64(st, 0),
            .number = (uint64_t)sqlite3_column_int64(st, 1),
            .floor = (uint64_t)sqlite3_column_int64(st, 2),
            .files = (uint64_t)sqlite3_column_int64(st, 3),
            .bytes = (uint64_t)sqlite3_column_int64(st, 4),
            .gone = (uint64_t)sqlite3_column_int64(st, 5),
            .clean = sqlite3_column_int(st, 6),
            .folder = mem_strn(sqlite3_column_bytes(st, 7) ? sqlite3_column_blob(st, 7) : "",
                               (size_t)sqlite3_column_bytes(st, 7)),
        };
    if (!bad && sqlite3_column_bytes(st, 8) == DIGEST_BYTES) {
        struct rd r = rd_over(sqlite3_column_blob(st, 8), DIGEST_BYTES);

        m->has_digest = digest_get(&r, &m->digest);
    }
    if (st)
        sqlite3_reset(st);
    return bad;
}

/* ---- opening ---- */

static int schema_version(struct db *db)
{
    sqlite3_stmt *st = NULL;
    int version = -1;

    if (!sqlite3_prepare_v2(db->h, "PRAGMA user_version", -1, &st, NULL) &&
        sqlite3_step(st) == SQLITE_ROW)
        version = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    return version;
}

/* SQLite takes a damaged format number in its header for
 * a newer format, which it may not read (SQLITE_ERROR) or not write. */
static bool is_unknown_format(const struct db *db)
{
    int code = sqlite3_exec(db->h, "SELECT 1 FROM sqlite_schema", NULL, NULL, NULL) & 0xff;

    return code == SQLITE_ERROR || code == SQLITE_CORRUPT || code == SQLITE_NOTADB ||
           (sqlite3_db_readonly(db->h, "main") == 1 && !access(db->path, W_OK));
}

/* Two connections may come first at the same time: the version is looked at under the write lock.
 */
static int make_tables(struct db *db)
{
    int version, bad;

    if (db_exec(db, "BEGIN IMMEDIATE"))
        return -1;
    version = schema_version(db);
    bad = version == 0 ? db_exec(db, TABLES) : 0;
    for (int v = version; v > 0 && v < SCHEMA && !bad; v++)
        bad = db_exec(db, NEXT[v]);
    if (!bad && version > 0 && version < SCHEMA)
        bad = db_exec(db, "PRAGMA user_version = " STRING(SCHEMA));
    db->damaged |= bad && sqlite3_errcode(db->h) == SQLITE_ERROR; /* not that version's tables */
    if (!bad && !db_exec(db, "COMMIT"))
        return 0;
    db_exec(db, "ROLLBACK");
    return -1;
}

int db_open(struct db *db, const char *path, const char *pragmas, struct err *e)
{
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int version = 0;

    /* Counting its memory is a lock at every allocation. Refused once it runs, which is fine. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    *db = (struct db){.path = mem_str(path), .pragmas = pragmas};
    if (sqlite3_open_v2(path, &db->h, flags, NULL))
        goto fail;
    sqlite3_busy_timeout(db->h, 5000);
    if (db_exec(db, "PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 16777216"))
        goto fail;
    version = schema_version(db);
    if (version >= 0 && version < SCHEMA && make_tables(db))
        goto fail;
    if (db_exec(db, pragmas)) /* a reader may write no more from here on */
        goto fail;
    if (version > SCHEMA) {
        err_set(e, ERR_IO, "cannot open the index %s: a newer iwanto made it", path);
        err_hint(e, "start that one; or move iwant.db away: the folder is read anew, and downloads "
                    "under way begin anew");
        db_close(db);
        return -ERR_IO;
    }
    if (version >= 0 && !is_unknown_format(db))
        return 0;
fail:
    db_fail(db, "open", e);
    if (db->h)
        db->damaged |= version < 0 || is_unknown_format(db);
    version = db->damaged;
    db_close(db);
    db->damaged = version;
    return -ERR_IO;
}

void db_close(struct db *db)
{
    for (size_t i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(db->stmt[i]);
    sqlite3_close(db->h);
    mem_free(db->path);
    *db = (struct db){0};
}

int db_follow(struct db *db, struct err *e)
{
    const char *pragmas = db->pragmas;
    int moved = 0, bad;
    char *path;

    if (db->h && (sqlite3_file_control(db->h, "main", SQLITE_FCNTL_HAS_MOVED, &moved) || !moved))
        return 0;
    path = mem_str(db->path);
    db_close(db);
    bad = db_open(db, path, pragmas, e);
    if (bad) /* so that the next call tries again */
        *db = (struct db){.path = path, .pragmas = pragmas};
    else
        mem_free(path);
    return bad;
}

bool db_sound(struct db *db)
{
    sqlite3_stmt *st = NULL;
    bool ok = false;

    if (!sqlite3_prepare_v2(db->h, "PRAGMA quick_check(1)", -1, &st, NULL) &&
        db_step(db, st) == SQLITE_ROW)
        ok = !strcmp((const char *)sqlite3_column_text(st, 0), "ok");
    sqlite3_finalize(st);
    return ok;
}

char *db_set_aside(const char *path, struct err *e)
{
    char from[4200], to[4200];

    for (unsigned n = 1; n < 1000; n++) {
        snprintf(to, sizeof to, "%s.damaged-%u", path, n);
        if (!access(to, F_OK))
            continue;
        if (rename(path, to)) {
            err_set(e, ERR_IO, "cannot set the damaged index %s aside", path);
            return NULL;
        }
        /* The log belongs to the file; the shared memory beside it is made anew. */
        snprintf(from, sizeof from, "%s-wal", path);
        snprintf(to, sizeof to, "%s.damaged-%u-wal", path, n);
        (void)rename(from, to);
        snprintf(from, sizeof from, "%s-shm", path);
        (void)remove(from);
        snprintf(to, sizeof to, "%s.damaged-%u", path, n);
        log_error("store", "damaged path=%s set_aside=%s", path, to);
        return mem_str(to);
    }
    err_set(e, ERR_IO, "cannot set the damaged index %s aside: too many already", path);
    return NULL;
}
