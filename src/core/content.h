/* Content: what a hash is, and how each piece is verified on its own (doc/PROTOCOL.md, "Content").
 *
 * A file's hash is its SHA-256. Checkpoint i is SHA-256's state after i pieces, so piece i is good
 * when the compression, started from checkpoint i and run over it, gives checkpoint i+1 - or, for
 * the last one, finished with the padding, the file's hash. The root hash is the SHA-256 of the
 * checkpoint list. Pure; any thread. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/limits.h"

#include <nettle/sha2.h>
#include <stdbool.h>

#define CHECKPOINT_LEN 32

/* Sizes of files are at most FILE_SIZE_MAX; whoever has one from a peer checks that before. */
uint64_t content_piece_size(uint64_t size);  /* bytes; a function of the file's size alone */
uint32_t content_piece_count(uint64_t size); /* 0 for an empty file */
uint64_t content_piece_len(uint64_t size, uint32_t i); /* the last one may be short */
size_t content_checkpoints_len(
    uint64_t size); /* bytes of the list: (pieces - 1) * 32, 0 for an empty file */

/* Hash a file from front to back. The size must be known before; a file that turns out otherwise is
 * refused by _done. */
struct content_hasher {
    struct sha256_ctx sha;
    uint64_t size, at, piece;
    struct buf checkpoints;
};
void content_hasher_init(struct content_hasher *h, uint64_t size);
void content_hasher_add(struct content_hasher *h, const void *data, size_t len);
/* false: not exactly size bytes came. Otherwise hash and root are set; the checkpoints stay in h
 * until _free. */
bool content_hasher_done(struct content_hasher *h, struct hash *hash, struct hash *root);
void content_hasher_free(struct content_hasher *h);

void content_root(struct hash *root, const void *checkpoints, size_t len);

/* A checkpoint list as a peer sent it: right length for the size, and its SHA-256 is the root hash.
 */
bool content_checkpoints_ok(uint64_t size, const struct hash *root, const void *checkpoints,
                            size_t len);

/* Verify one piece as its bytes arrive. checkpoints: the whole list, already checked, borrowed. */
struct content_verify {
    struct sha256_ctx sha;
    struct hash want; /* the next checkpoint, or the file's hash */
    uint64_t left;    /* bytes of the piece still to come */
    bool last;
};
void content_verify_init(struct content_verify *v, uint64_t size, const struct hash *hash,
                         const uint8_t *checkpoints, uint32_t piece);
void content_verify_add(struct content_verify *v, const void *data, size_t len); /* len <= left */
bool content_verify_done(struct content_verify *v); /* all bytes came and the piece is good */

/* One child in a folder's manifest: "<hash> <size> <kind> <name>\n" in byte order of the name. */
struct content_entry {
    struct hash hash;
    uint64_t size;
    char kind;                   /* 'f', 'x' executable, 'd' */
    char name[NAME_LEN_MAX + 1]; /* the file system's bytes, unescaped */
    size_t name_len;
};
void content_manifest_add(struct buf *b, const struct content_entry *entry);
void content_hash(struct hash *out, const void *data, size_t len); /* plain SHA-256 */

/* Parse a manifest whose SHA-256 has been compared with the asked hash. Strict (hash, size, sums,
 * kind, name, order, no duplicates, canonical escapes). Calls fn for each entry; fn may refuse by
 * giving false with e set. 0 or -ERR_BAD_CONTENT with the line's number and the reason; nothing is
 * promised about entries already given. *total: sum of sizes, may be NULL. */
int content_manifest_parse(const void *text, size_t len,
                           bool (*fn)(void *ctx, const struct content_entry *entry, struct err *e),
                           void *ctx, uint64_t *total, struct err *e);
