/* The catalog: who shares what now. Rows by peer, contents by hash, words by vocabulary; the ground of search.
 *
 * Pure. Not thread-safe: its owner (svc/desk) holds a lock, shared for the const functions, exclusive for the others.
 * All memory of one peer dies with catalog_drop. Caps per peer and in all come from limits.h; a row over them is refused
 * and counted. */
#pragma once

#include "base/id.h"
#include "core/rows.h"

#include <stdbool.h>

struct catalog;

struct catalog *catalog_new(uint64_t seed); /* seed: keys the hash tables, from a random source */
void catalog_free(struct catalog *c);       /* NULL is fine */

/* Add, replace (same peer and path) or, for ROW_GONE, remove a row. Copies. false: over a cap. */
bool catalog_put(struct catalog *c, const struct nid *peer, const struct row *row);
/* Forget every row of a peer. */
void catalog_drop(struct catalog *c, const struct nid *peer);

struct catalog_stats {
    size_t peers, files, folders, parts, words, bytes; /* bytes: of memory */
    uint64_t refused;                                  /* rows over a cap */
};
void catalog_stats(const struct catalog *c, struct catalog_stats *out);
/* Files and bytes of one peer; false when it has no rows. */
bool catalog_peer(const struct catalog *c, const struct nid *peer, uint64_t *files, uint64_t *bytes);

/* What has this hash. One entry a holder and kind of holding; at most max. Gives how many there are in all. */
struct catalog_holder {
    struct nid peer;
    struct hash root;
    uint64_t size;
    enum row_kind kind; /* ROW_PART: has only some pieces */
    const char *path;   /* borrowed until the next non-const call */
    size_t path_len;
    int64_t mtime_s;
};
size_t catalog_holders(const struct catalog *c, const struct hash *hash, struct catalog_holder *out, size_t max);

/* The content whose hash begins with these hex digits. 1: unique, *hash is set; 0: none; 2: more than one. */
int catalog_resolve(const struct catalog *c, const char *hex, size_t len, struct hash *hash);

/* Assert every invariant (tests). */
void catalog_check(const struct catalog *c);
