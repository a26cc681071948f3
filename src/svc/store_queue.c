/* The download queue. Every call is one durable transaction. */
#include "base/mem.h"
#include "core/content.h"
#include "svc/store.h"
#include "svc/store_priv.h"

#include <string.h>

struct store_queue {
    struct db db;
};

struct store_queue *store_queue_open(const char *path, struct err *e)
{
    struct store_queue *q = mem_zero(1, sizeof *q);

    if (!db_open(&q->db, path, "PRAGMA synchronous = FULL; PRAGMA cache_size = -512", e))
        return q;
    mem_free(q);
    return NULL;
}

void store_queue_close(struct store_queue *q)
{
    if (!q)
        return;
    db_close(&q->db);
    mem_free(q);
}

static int done(struct store_queue *q, sqlite3_stmt *st, struct err *e)
{
    return db_run(&q->db, st) ? db_fail(&q->db, "write", e) : 0;
}

/* ---- jobs ---- */

static void bind_string(sqlite3_stmt *st, int at, const char *s)
{
    if (s)
        db_bind_text(st, at, s, strlen(s));
    else
        sqlite3_bind_null(st, at);
}

static int write_job(struct store_queue *q, enum db_sql sql, const struct store_job *job,
                     struct err *e)
{
    sqlite3_stmt *st;

    if (db_follow(&q->db, e))
        return -ERR_IO;
    st = db_stmt(&q->db, sql);
    if (st) {
        if (sql == SQL_JOB_SAVE)
            sqlite3_bind_int64(st, 1, job->id);
        sqlite3_bind_blob(st, 2, job->hash.b, sizeof job->hash.b, SQLITE_STATIC);
        sqlite3_bind_int(st, 3, job->kind);
        bind_string(st, 4, job->target);
        bind_string(st, 5, job->options);
        sqlite3_bind_int(st, 6, job->state);
        sqlite3_bind_int64(st, 7, (int64_t)job->size);
        sqlite3_bind_int64(st, 8, (int64_t)job->done);
        bind_string(st, 9, job->error);
        sqlite3_bind_int64(st, 10, job->added_s);
    }
    return done(q, st, e);
}

int store_job_add(struct store_queue *q, struct store_job *job, struct err *e)
{
    int bad = write_job(q, SQL_JOB_ADD, job, e);

    if (!bad)
        job->id = sqlite3_last_insert_rowid(q->db.h);
    return bad;
}

int store_job_save(struct store_queue *q, const struct store_job *job, struct err *e)
{
    return write_job(q, SQL_JOB_SAVE, job, e);
}

static int run_with_id(struct store_queue *q, enum db_sql sql, int64_t id)
{
    sqlite3_stmt *st = db_stmt(&q->db, sql);

    if (st)
        sqlite3_bind_int64(st, 1, id);
    return db_run(&q->db, st);
}

int store_job_remove(struct store_queue *q, int64_t id, struct err *e)
{
    if (db_follow(&q->db, e))
        return -ERR_IO;
    if (!db_do(&q->db, SQL_BEGIN) && !run_with_id(q, SQL_JOB_PARTS_REMOVE, id) &&
        !run_with_id(q, SQL_JOB_REMOVE, id) && !db_do(&q->db, SQL_COMMIT))
        return 0;
    db_fail(&q->db, "write", e);
    if (!sqlite3_get_autocommit(q->db.h))
        db_do(&q->db, SQL_ROLLBACK);
    return -ERR_IO;
}

static char *string_at(sqlite3_stmt *st, int col)
{
    if (sqlite3_column_type(st, col) == SQLITE_NULL)
        return NULL;
    return mem_strn(sqlite3_column_bytes(st, col) ? sqlite3_column_blob(st, col) : "",
                    (size_t)sqlite3_column_bytes(st, col));
}

int store_jobs(struct store_queue *q, struct store_job **out, size_t *count, struct err *e)
{
    size_t cap = 0;
    sqlite3_stmt *st;
    int code;

    *out = NULL;
    *count = 0;
    if (db_follow(&q->db, e))
        return -ERR_IO;
    st = db_stmt(&q->db, SQL_JOBS);
    while ((code = db_step(&q->db, st)) == SQLITE_ROW) {
        MEM_GROW(*out, *count, cap);
        (*out)[*count] = (struct store_job){
            .id = sqlite3_column_int64(st, 0),
            .kind = (char)sqlite3_column_int(st, 2),
            .target = string_at(st, 3),
            .options = string_at(st, 4),
            .state = (enum store_job_state)sqlite3_column_int(st, 5),
            .size = (uint64_t)sqlite3_column_int64(st, 6),
            .done = (uint64_t)sqlite3_column_int64(st, 7),
            .error = string_at(st, 8),
            .added_s = sqlite3_column_int64(st, 9),
        };
        db_hash(st, 1, &(*out)[(*count)++].hash);
    }
    if (st)
        sqlite3_reset(st);
    if (code == SQLITE_DONE)
        return 0;
    db_fail(&q->db, "read", e);
    while (*count)
        store_job_free(&(*out)[--*count]);
    mem_free(*out);
    *out = NULL;
    return -ERR_IO;
}

void store_job_free(struct store_job *job)
{
    mem_free(job->target);
    mem_free(job->options);
    mem_free(job->error);
    job->target = job->options = job->error = NULL;
}

/* ---- parts ---- */

int store_part_save(struct store_queue *q, const struct store_part *part, struct err *e)
{
    sqlite3_stmt *st;

    if (db_follow(&q->db, e))
        return -ERR_IO;
    st = db_stmt(&q->db, SQL_PART_SAVE);
    if (st) {
        sqlite3_bind_blob(st, 1, part->hash.b, sizeof part->hash.b, SQLITE_STATIC);
        sqlite3_bind_blob(st, 2, part->root.b, sizeof part->root.b, SQLITE_STATIC);
        sqlite3_bind_int64(st, 3, (int64_t)part->size);
        bind_string(st, 4, part->path);
        db_bind_text(st, 5, part->have.byte, bits_bytes(&part->have));
        db_bind_text(st, 6, part->checkpoints.data, part->checkpoints.len);
    }
    return done(q, st, e);
}

int store_part_have(struct store_queue *q, const struct hash *hash, const struct bits *have,
                    struct err *e)
{
    sqlite3_stmt *st;

    if (db_follow(&q->db, e))
        return -ERR_IO;
    st = db_stmt(&q->db, SQL_PART_HAVE);
    if (st) {
        sqlite3_bind_blob(st, 1, hash->b, sizeof hash->b, SQLITE_STATIC);
        db_bind_text(st, 2, have->byte, bits_bytes(have));
    }
    return done(q, st, e);
}

int store_part_find(struct store_queue *q, const struct hash *hash, struct store_part *out,
                    struct err *e)
{
    sqlite3_stmt *st;
    int code;

    *out = (struct store_part){.hash = *hash};
    if (db_follow(&q->db, e))
        return -ERR_IO;
    st = db_stmt(&q->db, SQL_PART_FIND);
    if (st)
        sqlite3_bind_blob(st, 1, hash->b, sizeof hash->b, SQLITE_STATIC);
    code = db_step(&q->db, st);
    if (code == SQLITE_ROW) {
        uint32_t pieces;

        db_hash(st, 0, &out->root);
        out->size = (uint64_t)sqlite3_column_int64(st, 1);
        out->path = string_at(st, 2);
        pieces = content_piece_count(out->size);
        /* Bits that do not fit the size say nothing: no piece counts. */
        (void)bits_load(&out->have, pieces, sqlite3_column_blob(st, 3),
                        (size_t)sqlite3_column_bytes(st, 3));
        buf_add(&out->checkpoints, sqlite3_column_blob(st, 4), (size_t)sqlite3_column_bytes(st, 4));
    } else if (code != SQLITE_DONE) {
        db_fail(&q->db, "read", e);
    }
    if (st)
        sqlite3_reset(st);
    return code == SQLITE_ROW ? 1 : code == SQLITE_DONE ? 0 : -ERR_IO;
}

int store_part_remove(struct store_queue *q, const struct hash *hash, struct err *e)
{
    sqlite3_stmt *st;

    if (db_follow(&q->db, e))
        return -ERR_IO;
    st = db_stmt(&q->db, SQL_PART_REMOVE);
    if (st)
        sqlite3_bind_blob(st, 1, hash->b, sizeof hash->b, SQLITE_STATIC);
    return done(q, st, e);
}

void store_part_free(struct store_part *part)
{
    mem_free(part->path);
    bits_done(&part->have);
    buf_free(&part->checkpoints);
    part->path = NULL;
}
