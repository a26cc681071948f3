/* Digests of catalog rows: a 128-bit sum that says whether two sides hold the same rows of a peer.
 * Adding or taking away a row is one hash and one addition, whatever the order; so both sides keep
 * theirs up to date with every change, and equal digests mean that nothing has to travel. Where
 * they differ, the rows of each of 256 buckets (by path) are compared by digests of their own, and
 * only the buckets that differ travel.
 *
 * A hash covers what a row says of a content: kind, path, size, hash and root; not the change
 * number and not the modification time (which may change without a new number). It is SipHash with
 * 128 bits under a key that all know, and a sum of hashes: good against accidents, not against a
 * peer that makes up rows for a wanted sum. Whoever could gain by that is asked for its own rows
 * only. Pure; any thread. */
#pragma once

#include "base/buf.h"
#include "base/rw.h"

#define DIGEST_BYTES   16u
#define DIGEST_BUCKETS 256u

struct row;

struct digest {
    uint64_t high, low; /* all zero: no rows */
};

/* row->kind is not ROW_GONE. */
struct digest digest_of(const struct row *row);
void digest_add(struct digest *to, const struct digest *d);
void digest_take(struct digest *from, const struct digest *d);
bool digest_eq(const struct digest *a, const struct digest *b);

/* 0 to 255. */
unsigned digest_bucket(const char *path, size_t path_len);

/* 16 bytes, big-endian; and as 32 hex digits. */
void digest_put(struct buf *b, const struct digest *d);
bool digest_get(struct rd *r, struct digest *d);
void digest_hex(const struct digest *d, char out[2 * DIGEST_BYTES + 1]);
bool digest_parse(struct digest *d, const char *hex, size_t len);

/* Which buckets: bit n of byte n / 8, the lowest first. */
struct digest_mask {
    uint8_t bit[DIGEST_BUCKETS / 8];
};
bool digest_in(const struct digest_mask *m, unsigned bucket);
/* The buckets in which a and b differ; gives how many. */
unsigned digest_differ(struct digest_mask *out, const struct digest a[DIGEST_BUCKETS],
                       const struct digest b[DIGEST_BUCKETS]);
void digest_mask_hex(const struct digest_mask *m, char out[DIGEST_BUCKETS / 4 + 1]);
bool digest_mask_parse(struct digest_mask *m, const char *hex, size_t len);
