/* The store: what was hashed, what is numbered, what is being downloaded; on disk in iwant.db
 * (SQLite, WAL). The only room that knows SQL.
 *
 * struct store is the index's writer and belongs to share's thread. Everybody else opens a
 * store_reader, one for each thread that asks. fetch has a writer of its own for the queue (struct
 * store_queue). Busy waits are bounded (5 s). The database is a cache of the folder plus the queue:
 * one that is damaged is set aside (iwant.db.damaged-N), made anew and said. */
#pragma once

#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "core/rows.h"

#include <stdbool.h>

struct store;
struct store_reader;
struct store_queue;

/* Open or make path. *set_aside (may be NULL): name of the damaged file when there was one
 * (mem_free), else NULL. */
struct store *store_open(const char *path, char **set_aside, struct err *e);
void store_close(struct store *s);

struct store_reader *store_reader_open(const char *path, struct err *e);
void store_reader_close(struct store_reader *r);

/* All that is asked between the two calls is of one moment, and costs less each. Not for long: the
 * database's log grows meanwhile. */
int store_reader_hold(struct store_reader *r, struct err *e);
void store_reader_release(struct store_reader *r);

/* The newest generation and number, files and bytes: head->name is not touched. */
int store_head(struct store_reader *r, struct rows_head *head, struct err *e);
/* What a peer asks: everything above a change number. */
struct store_ask {
    uint64_t generation, number;
    const struct digest *have; /* NULL, or of the rows that it has: instead of all rows from the
                                  start it gets the news that they are the same, or the digests
                                  of our buckets */
    const struct digest_mask *only; /* NULL, or rows of these buckets, the gone ones left out */
    size_t max;                     /* bytes of rows, about */
};
/* The answer, appended to b: a head with name (this peer's display name), and rows; or buckets. All
 * rows from the start (head->reset) when generation is not ours or number can't be continued. */
int store_rows(struct store_reader *r, const struct store_ask *ask, const char *name, struct buf *b,
               struct err *e);
/* The same, for who has no digests. */
int store_rows_since(struct store_reader *r, uint64_t generation, uint64_t since, const char *name,
                     size_t max, struct buf *b, struct err *e);

/* Where a content lies in the shared folder. */
struct store_content {
    char kind;  /* 'f' 'x' 'd' */
    char *path; /* relative to the shared folder; mem_free */
    uint64_t size;
    int64_t mtime_ns, ctime_ns;
    uint64_t ino;
    struct hash root;
};
/* nth path (0, 1 ...) of this hash. 1 found, 0 not, negative. */
int store_find(struct store_reader *r, const struct hash *hash, unsigned nth,
               struct store_content *out, struct err *e);
/* Every file and folder that is announced, by folder and name, all of one moment; content is
 * borrowed. fn gives false when it has enough. */
typedef bool store_each_fn(void *ctx, const struct store_content *content, const struct hash *hash);
int store_each(struct store_reader *r, store_each_fn *fn, void *ctx, struct err *e);
/* The checkpoint list, appended. 1, 0, negative. */
int store_checkpoints(struct store_reader *r, const struct hash *hash, struct buf *b,
                      struct err *e);
/* A folder's manifest, appended to text; and for each line the child's mtime in seconds, as i64
 * big-endian, to times. */
int store_manifest(struct store_reader *r, const struct hash *hash, struct buf *text,
                   struct buf *times, struct err *e);

/* ---- the download queue: durable (synchronous FULL); fetch's thread ---- */
struct store_queue *store_queue_open(const char *path, struct err *e);
void store_queue_close(struct store_queue *q);

enum store_job_state { JOB_ACTIVE = 0, JOB_PAUSED = 1, JOB_DONE = 2, JOB_FAILED = 3 };
struct store_job { /* one `download`: a file or a folder, as asked for */
    int64_t id;
    struct hash hash;
    char kind;     /* 'f' 'x' 'd', or 0: not known yet */
    char *target;  /* path below the download folder, or NULL: not chosen yet; mem_free */
    char *options; /* JSON, fetch's own; mem_free */
    enum store_job_state state;
    uint64_t size, done; /* bytes */
    char *error;         /* last error or NULL; mem_free */
    int64_t added_s;     /* since 1970 */
};
int store_job_add(struct store_queue *q, struct store_job *job, struct err *e); /* sets id */
int store_job_save(struct store_queue *q, const struct store_job *job, struct err *e);
int store_job_remove(struct store_queue *q, int64_t id,
                     struct err *e); /* and its parts that nobody else wants */
int store_jobs(struct store_queue *q, struct store_job **out, size_t *count,
               struct err *e);              /* by id; free each, then the array */
void store_job_free(struct store_job *job); /* its strings */

struct store_part { /* a partial file: which pieces are verified and synced */
    struct hash hash, root;
    uint64_t size;
    char *path; /* of the partial file below the download folder; mem_free */
    struct bits have;
    struct buf checkpoints;
};
int store_part_save(struct store_queue *q, const struct store_part *part,
                    struct err *e); /* insert or replace */
int store_part_have(struct store_queue *q, const struct hash *hash, const struct bits *have,
                    struct err *e);
int store_part_find(struct store_queue *q, const struct hash *hash, struct store_part *out,
                    struct err *e); /* 1, 0, negative */
int store_part_remove(struct store_queue *q, const struct hash *hash, struct err *e);
void store_part_free(struct store_part *part);
