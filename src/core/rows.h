/* Catalog rows: what a peer says of one thing that it has, and how rows travel (GET /v1/catalog).
 *
 * A peer numbers its changes 1, 2, 3 ... within a generation (a random number, drawn anew when the
 * shared folder or the database is another). A row carries the number of its last change; a path
 * that is gone stays as a ROW_GONE row. So "all rows with a number above N, in order" is all that
 * anyone needs to follow. Pure; borrowed memory; any thread. */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "base/rw.h"
#include "core/digest.h"

enum row_kind {
    ROW_FILE = 'f',
    ROW_EXEC = 'x', /* a file with an executable bit */
    ROW_DIR = 'd',  /* hash is the manifest's, size the sum below */
    ROW_PART = 'p', /* being fetched and served in part; path is its hash in hex */
    ROW_GONE = '-', /* the path left the shared folder; only number and path count */
};

struct row {
    enum row_kind kind;
    uint64_t number;  /* change number, rising within one answer */
    const char *path; /* relative to the shared folder; "" is the folder itself */
    size_t path_len;
    uint64_t size;    /* bytes */
    int64_t mtime_s;  /* seconds since 1970 */
    struct hash hash; /* CONTENT: file hash or manifest hash */
    struct hash root; /* root hash of the checkpoint list; zero for folders */
};

/* The root hash of a content without checkpoints (at most one piece). */
extern const struct hash rows_no_checkpoints;

/* Who answers, before the rows of one answer. */
struct rows_head {
    uint64_t generation;
    uint64_t number; /* the newest change there is */
    bool reset;      /* the receiver's generation is not ours, or too old: forget all rows first */
    bool more;       /* rows beyond these: ask again at once */
    bool same;   /* the receiver's rows are ours, by the digest that it told: only the numbers are
                    other ones */
    bool differ; /* they are not: no rows, but the digests of all buckets follow */
    uint64_t files, bytes; /* shared at this moment */
    bool has_digest;
    struct digest digest; /* of all rows that there are at number */
    const char *name; /* the peer's display name, at most PEER_NAME_MAX bytes, not safe to print */
    size_t name_len;
};

void rows_put_head(struct buf *b, const struct rows_head *h);
void rows_put(struct buf *b, const struct row *r);
void rows_put_buckets(struct buf *b, const struct digest of[DIGEST_BUCKETS]);

/* false: malformed or out of bounds (limits.h, path_check, kind; a part's path that is not its
 * hash); r->bad is set. Strings are borrowed from the input. What a later version adds to a record
 * is skipped. One row is read alone: that numbers do not fall within an answer is for the receiver
 * to see. */
bool rows_get_head(struct rd *r, struct rows_head *h);
bool rows_get(struct rd *r, struct row *row);
bool rows_get_buckets(struct rd *r, struct digest of[DIGEST_BUCKETS]);
