/* Reading the index, from any number of threads, each with its own connection. */
#include "svc/store.h"

#include "base/limits.h"
#include "base/mem.h"
#include "core/content.h"
#include "svc/store_priv.h"

#include <string.h>

struct store_reader {
    struct db db;
    struct db_meta meta; /* as of the last look */
    bool held;           /* store_reader_hold */
};

struct store_reader *store_reader_open(const char *path, struct err *e)
{
    struct store_reader *r = mem_zero(1, sizeof *r);

    if (!db_open(&r->db, path, "PRAGMA query_only = 1; PRAGMA cache_size = -512", e))
        return r;
    mem_free(r);
    return NULL;
}

void store_reader_close(struct store_reader *r)
{
    if (!r)
        return;
    db_close(&r->db);
    mem_free(r->meta.folder);
    mem_free(r);
}

/* Everything that is asked between start and end is of one moment. */
static int start(struct store_reader *r, struct err *e)
{
    if (r->held)
        return 0;
    if (db_follow(&r->db, e))
        return -ERR_IO;
    if (db_do(&r->db, SQL_BEGIN_READ) || db_meta_get(&r->db, &r->meta)) {
        db_fail(&r->db, "read", e);
        db_do(&r->db, SQL_ROLLBACK);
        return -ERR_IO;
    }
    return 0;
}

/* The statement st, which may be NULL, ended with code. */
static int end(struct store_reader *r, sqlite3_stmt *st, int code, struct err *e)
{
    bool bad = code != SQLITE_ROW && code != SQLITE_DONE;

    if (bad)
        db_fail(&r->db, "read", e);
    if (st)
        sqlite3_reset(st);
    if (!r->held)
        db_do(&r->db, SQL_ROLLBACK);
    return bad ? -ERR_IO : 0;
}

int store_reader_hold(struct store_reader *r, struct err *e)
{
    if (start(r, e))
        return -ERR_IO;
    r->held = true;
    return 0;
}

void store_reader_release(struct store_reader *r)
{
    r->held = false;
    db_do(&r->db, SQL_ROLLBACK);
}

static void fill_head(const struct store_reader *r, struct rows_head *head)
{
    head->generation = r->meta.generation;
    head->number = r->meta.number;
    head->files = r->meta.files;
    head->bytes = r->meta.bytes;
}

int store_head(struct store_reader *r, struct rows_head *head, struct err *e)
{
    if (start(r, e))
        return -ERR_IO;
    fill_head(r, head);
    head->reset = head->more = false;
    return end(r, NULL, SQLITE_DONE, e);
}

/* What one answer is made of. */
struct answer {
    const struct store_ask *ask;
    struct rows_head head;
    struct buf rows;
    struct digest *bucket; /* of all rows, when these are to be compared */
};

/* Take one row in. false: there is no more room. */
static bool take_row(struct answer *a, sqlite3_stmt *st)
{
    struct store_entry entry;
    char *path;
    struct row row;
    bool room = true, all;

    db_entry(st, &entry);
    path = db_path(st);
    row = db_row(&entry, path, (uint64_t)sqlite3_column_int64(st, COL_NUMBER));
    all = a->head.reset || a->ask->only || a->bucket;
    if (all && row.kind == ROW_GONE) {
        /* who begins anew has nothing that could go */
    } else if (a->bucket) {
        struct digest d = digest_of(&row);

        digest_add(&a->bucket[digest_bucket(row.path, row.path_len)], &d);
    } else if (!a->head.reset && a->ask->only &&
               !digest_in(a->ask->only, digest_bucket(row.path, row.path_len))) {
        /* not asked for */
    } else if (a->rows.len && a->rows.len >= a->ask->max) {
        a->head.more = true;
        room = false;
    } else {
        rows_put(&a->rows, &row);
    }
    mem_free(path);
    return room;
}

/* What kind of answer this is, and from which number its rows are. */
static uint64_t begin_answer(struct answer *a, const struct db_meta *meta)
{
    const struct store_ask *ask = a->ask;
    bool lost;

    /* Beyond our number: rows that a crash took from us, but not from who asks. */
    lost = ask->generation != meta->generation || ask->number > meta->number ||
           (ask->number && !ask->only && ask->number < meta->floor);
    a->head.has_digest = meta->has_digest;
    a->head.digest = meta->digest;
    if (lost && ask->have && meta->has_digest) {
        a->head.same = digest_eq(ask->have, &meta->digest);
        a->head.differ = !a->head.same;
    } else {
        a->head.reset = lost;
    }
    if (a->head.differ)
        a->bucket = mem_zero(DIGEST_BUCKETS, sizeof *a->bucket);
    return a->head.reset || a->head.differ ? 0 : a->head.same ? INT64_MAX : ask->number;
}

int store_rows(struct store_reader *r, const struct store_ask *ask, const char *name, struct buf *b,
               struct err *e)
{
    struct answer a = {.ask = ask};
    uint64_t from;
    sqlite3_stmt *st;
    int code, bad;

    if (start(r, e))
        return -ERR_IO;
    a.head.name = name;
    a.head.name_len = strnlen(name, PEER_NAME_MAX);
    fill_head(r, &a.head);
    from = begin_answer(&a, &r->meta);
    st = db_stmt(&r->db, SQL_SINCE);
    if (st)
        sqlite3_bind_int64(st, 1, (int64_t)from);
    while ((code = db_step(&r->db, st)) == SQLITE_ROW)
        if (!take_row(&a, st))
            break;
    bad = end(r, st, code, e);
    if (!bad) {
        rows_put_head(b, &a.head);
        if (a.bucket)
            rows_put_buckets(b, a.bucket);
        buf_add(b, a.rows.data, a.rows.len);
    }
    buf_free(&a.rows);
    mem_free(a.bucket);
    return bad;
}

int store_rows_since(struct store_reader *r, uint64_t generation, uint64_t since, const char *name,
                     size_t max, struct buf *b, struct err *e)
{
    struct store_ask ask = {.generation = generation, .number = since, .max = max};

    return store_rows(r, &ask, name, b, e);
}

static void take_content(sqlite3_stmt *st, struct store_content *out)
{
    struct store_entry entry;

    db_entry(st, &entry);
    *out = (struct store_content){
        .kind = entry.kind,
        .path = db_path(st),
        .size = entry.size,
        .mtime_ns = entry.mtime_ns,
        .ctime_ns = entry.ctime_ns,
        .ino = entry.ino,
        .root = entry.root,
    };
}

int store_find(struct store_reader *r, const struct hash *hash, unsigned nth,
               struct store_content *out, struct err *e)
{
    sqlite3_stmt *st;
    int code, bad;

    *out = (struct store_content){0};
    if (start(r, e))
        return -ERR_IO;
    st = db_stmt(&r->db, SQL_FIND);
    if (st) {
        db_bind_hash(st, 1, hash);
        sqlite3_bind_int64(st, 2, nth);
    }
    code = db_step(&r->db, st);
    if (code == SQLITE_ROW)
        take_content(st, out);
    bad = end(r, st, code, e);
    return bad ? bad : code == SQLITE_ROW;
}

int store_each(struct store_reader *r, store_each_fn *fn, void *ctx, struct err *e)
{
    sqlite3_stmt *st;
    bool more = true;
    int code = SQLITE_DONE;

    if (start(r, e))
        return -ERR_IO;
    st = db_stmt(&r->db, SQL_EACH);
    while (more && (code = db_step(&r->db, st)) == SQLITE_ROW) {
        struct store_content content;
        struct hash hash;

        take_content(st, &content);
        db_hash(st, COL_HASH, &hash);
        more = fn(ctx, &content, &hash);
        mem_free(content.path);
    }
    return end(r, st, code, e);
}

int store_checkpoints(struct store_reader *r, const struct hash *hash, struct buf *b, struct err *e)
{
    sqlite3_stmt *st;
    int code, bad;

    if (start(r, e))
        return -ERR_IO;
    st = db_stmt(&r->db, SQL_CHECKPOINTS_GET);
    if (st)
        db_bind_hash(st, 1, hash);
    code = db_step(&r->db, st);
    if (code == SQLITE_ROW)
        buf_add(b, sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0));
    bad = end(r, st, code, e);
    return bad ? bad : code == SQLITE_ROW;
}

/* The lines of the folder at path, of what is announced in it. */
static int manifest_lines(struct store_reader *r, const char *path, struct buf *text,
                          struct buf *times)
{
    sqlite3_stmt *st = db_stmt(&r->db, SQL_CHILDREN);
    int code;

    if (st) {
        db_bind_text(st, 1, path, strlen(path));
        db_bind_text(st, 2, "", 0);
        sqlite3_bind_int64(st, 3, -1);
    }
    while ((code = db_step(&r->db, st)) == SQLITE_ROW) {
        struct content_entry line = {0};
        struct store_entry entry;
        size_t len = (size_t)sqlite3_column_bytes(st, COL_NAME);

        db_entry(st, &entry);
        if (entry.kind == STORE_UNSAID || len > NAME_LEN_MAX)
            continue;
        line.hash = entry.hash;
        line.size = entry.size;
        line.kind = entry.kind;
        line.name_len = len;
        memcpy(line.name, sqlite3_column_blob(st, COL_NAME), len);
        content_manifest_add(text, &line);
        buf_u64(times, (uint64_t)db_row(&entry, "", 0).mtime_s);
    }
    if (st)
        sqlite3_reset(st);
    return code == SQLITE_DONE ? 0 : -1;
}

int store_manifest(struct store_reader *r, const struct hash *hash, struct buf *text,
                   struct buf *times, struct err *e)
{
    struct buf lines = {0}, stamps = {0};
    sqlite3_stmt *st;
    int code, bad = 0, found = 0;

    if (start(r, e))
        return -ERR_IO;
    st = db_stmt(&r->db, SQL_FIND);
    if (st) {
        db_bind_hash(st, 1, hash);
        sqlite3_bind_int64(st, 2, 0);
    }
    /* A folder whose children changed keeps its old hash until the new one is made: then its lines
     * do not give it. */
    for (unsigned nth = 0; !found; nth++) {
        struct hash made;
        char *path;

        if (st)
            sqlite3_bind_int64(st, 2, nth);
        code = db_step(&r->db, st);
        if (code != SQLITE_ROW)
            break;
        path = db_path(st);
        bad =
            sqlite3_column_int(st, COL_KIND) == ROW_DIR && manifest_lines(r, path, &lines, &stamps);
        sqlite3_reset(st);
        content_hash(&made, lines.data, lines.len);
        found = hash_eq(&made, hash);
        mem_free(path);
        if (bad)
            break;
        if (!found) {
            buf_reset(&lines);
            buf_reset(&stamps);
        }
    }
    bad = end(r, st, bad ? SQLITE_ERROR : SQLITE_DONE, e);
    if (!bad && found) {
        buf_add(text, lines.data, lines.len);
        buf_add(times, stamps.data, stamps.len);
    }
    buf_free(&lines);
    buf_free(&stamps);
    return bad ? bad : found;
}
