/* The catalog: who shares what now. Rows by peer, contents by hash, words in segments; the ground
 * of search.
 *
 * Pure. Not thread-safe: its owner (svc/desk) holds a lock, shared for the const functions,
 * exclusive for the others. What is put waits until it is settled: removals hold at once, but only
 * then do figures, search, holders and resolve show a new row. Settling much takes time;
 * catalog_work does it beside readers. Caps per peer and in all come from limits.h; catalog_cuts
 * tells whom they met. */
#pragma once

#include "base/id.h"
#include "core/digest.h"
#include "core/rows.h"

#include <stdbool.h>

struct catalog;

struct catalog *catalog_new(uint64_t seed); /* seed: keys the hash tables, from a random source */
void catalog_free(struct catalog *c);       /* NULL is fine */

/* Add, replace (same peer and path) or, for ROW_GONE, remove a row. Copies. false: over a cap. */
bool catalog_put(struct catalog *c, const struct nid *peer, const struct row *row);
/* Forget every row of a peer. */
void catalog_drop(struct catalog *c, const struct nid *peer);

/* Its rows stay, and count against the caps, but no answer and no figure shows them until they are
 * shown again. A peer without rows is not remembered. */
void catalog_hide(struct catalog *c, const struct nid *peer, bool hidden);
/* Of all rows of a peer, seen or not yet. */
struct digest catalog_digest(const struct catalog *c, const struct nid *peer);
size_t catalog_rows(const struct catalog *c, const struct nid *peer);
/* Call fn for each row of a peer; number and mtime_s are 0. The row's path is fn's only until it
 * returns. */
typedef void catalog_row_fn(void *ctx, const struct row *row);
void catalog_each(const struct catalog *c, const struct nid *peer, catalog_row_fn *fn, void *ctx);

/* Let all that was put be seen. */
void catalog_settle(struct catalog *c);
/* The same in three steps, for an owner with readers: begin reads only, so it needs no lock from
 * the one thread that puts and drops; end, at once and under the exclusive lock, before anything
 * else is put or dropped, takes microseconds; free, without a lock, gives back what was replaced.
 * NULL: there is nothing to do. */
struct catalog_work;
struct catalog_work *catalog_work_begin(const struct catalog *c);
void catalog_work_end(struct catalog *c, struct catalog_work *w);
void catalog_work_free(struct catalog_work *w); /* NULL is fine */
/* Long lists leave segments of one size, which cost each search a little. Merge some: for when no
 * more rows are expected soon, until there is nothing to do. Ends and is freed like the above. */
void catalog_tidy(struct catalog *c);
struct catalog_work *catalog_tidy_begin(const struct catalog *c);
/* Rows that wait. catalog_put settles by itself when they are CATALOG_WAITING_MAX. */
size_t catalog_waiting(const struct catalog *c);

struct catalog_stats {
    size_t peers, files, folders, parts, words,
        bytes;         /* files, folders: settled; bytes: of memory */
    size_t hash_bytes; /* of them, for content hashes and their order */
    size_t segments;
    uint64_t refused; /* rows over a cap */
};
void catalog_stats(const struct catalog *c, struct catalog_stats *out);
/* Files and bytes of one peer; false when it has no rows. */
bool catalog_peer(const struct catalog *c, const struct nid *peer, uint64_t *files,
                  uint64_t *bytes);

/* What of a peer is left out, since its first row. No peer can take all of a leader's memory: over
 * its rows and bytes, rows are refused; words that nobody else has are no more looked for beyond
 * CATALOG_PEER_WORDS_MAX (their rows stay, and are found by other words, folders and hash). The
 * last eighth of all rows is kept for peers that have less than an equal share. */
enum catalog_cut_why { CUT_ROWS = 1, CUT_BYTES = 2, CUT_WORDS = 4, CUT_FULL = 8 };
struct catalog_cut {
    struct nid peer;
    unsigned why;         /* enum catalog_cut_why, together */
    uint64_t rows, words; /* refused; how often a word was left out */
};
/* At most max peers that are cut, the noisiest first; gives how many there are in all. */
size_t catalog_cuts(const struct catalog *c, struct catalog_cut *out, size_t max);
/* The foremost reason in words, for "this peer is cut: ..."; any of why. */
const char *catalog_cut_text(unsigned why);

/* What has this hash. One entry a holder and kind of holding; at most max. Gives how many there are
 * in all. */
struct catalog_holder {
    struct nid peer;
    struct hash root;
    uint64_t size;
    enum row_kind kind; /* ROW_PART: has only some pieces */
    char *path;         /* catalog_holders_done frees it */
    size_t path_len;
    int64_t mtime_s;
};
size_t catalog_holders(const struct catalog *c, const struct hash *hash, struct catalog_holder *out,
                       size_t max);
void catalog_holders_done(struct catalog_holder *of, size_t count);

/* The content whose hash begins with these hex digits. 1: unique, *hash is set; 0: none; 2: more
 * than one. */
int catalog_resolve(const struct catalog *c, const char *hex, size_t len, struct hash *hash);

/* Assert every invariant (tests). */
void catalog_check(const struct catalog *c);
