/* A segment's entries in the order of their content hashes. */
#include "base/mem.h"
#include "core/segment_write.h"

#include <stdlib.h>
#include <string.h>

#define SMALL_SORT 64u

/* --- making the order --- */

struct hash_key {
    const struct hash *hash;
    uint64_t first; /* its first bytes, to compare quickly */
    uint32_t entry;
};

static uint64_t first_bytes(const struct hash *hash)
{
    uint64_t first = 0;

    for (int i = 0; i < 8; i++)
        first = first << 8 | hash->b[i];
    return first;
}

static int key_cmp(const struct hash_key *a, const struct hash_key *b)
{
    int d;

    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    d = hash_cmp(a->hash, b->hash);
    return d ? d : a->entry < b->entry ? -1 : a->entry > b->entry;
}

static int by_key(const void *a, const void *b)
{
    return key_cmp(a, b);
}

/* Hashes are spread evenly, so what has the same first bytes is little, unless somebody wants it
 * otherwise. */
static void sort_keys(struct hash_key *key, uint32_t count)
{
    if (count > SMALL_SORT) {
        qsort(key, count, sizeof *key, by_key);
        return;
    }
    for (uint32_t i = 1; i < count; i++) {
        struct hash_key k = key[i];
        uint32_t at = i;

        for (; at && key_cmp(&k, &key[at - 1]) < 0; at--)
            key[at] = key[at - 1];
        key[at] = k;
    }
}

static void sort_bucket(const struct segment *s, uint32_t *entry, uint32_t count,
                        struct hash_key *key)
{
    for (uint32_t i = 0; i < count; i++)
        key[i] = (struct hash_key){&s->hash[entry[i]], first_bytes(&s->hash[entry[i]]), entry[i]};
    sort_keys(key, count);
    for (uint32_t i = 0; i < count; i++)
        entry[i] = key[i].entry;
}

static unsigned bucket_of(const struct hash *hash, unsigned bits)
{
    return ((unsigned)hash->b[0] << 8 | hash->b[1]) >> (16 - bits);
}

void segment_hash_index(struct segment *s)
{
    unsigned bits = 0;
    uint32_t *start, most = 0;
    struct hash_key *key;

    while (bits < 16 && s->entries >> bits > 16)
        bits++;
    start = mem_zero(((size_t)1 << bits) + 1, sizeof *start);
    s->by_hash = mem_alloc((s->entries + (size_t)1) * sizeof *s->by_hash);
    for (uint32_t e = 0; e < s->entries; e++)
        start[bucket_of(&s->hash[e], bits) + 1]++;
    for (uint32_t b = 0; b < 1u << bits; b++) {
        most = start[b + 1] > most ? start[b + 1] : most;
        start[b + 1] += start[b];
    }
    for (uint32_t e = s->entries; e--;) /* from behind: each start moves to its bucket's */
        s->by_hash[--start[bucket_of(&s->hash[e], bits) + 1]] = e;
    key = mem_alloc((most + (size_t)1) * sizeof *key);
    for (uint32_t b = 0; b < 1u << bits; b++) {
        uint32_t from = start[b + 1], end = b + 1 < 1u << bits ? start[b + 2] : s->entries;

        sort_bucket(s, s->by_hash + from, end - from, key);
    }
    for (uint32_t i = 0; i < s->entries; i++)
        s->contents += !i || !hash_eq(&s->hash[s->by_hash[i]], &s->hash[s->by_hash[i - 1]]);
    mem_free(key);
    mem_free(start);
}

/* --- finding --- */

/* Is the entry in this place of by_hash before hash? */
static bool hash_before(const struct segment *s, uint32_t place, const struct hash *hash)
{
    return hash_cmp(&s->hash[s->by_hash[place]], hash) < 0;
}

/* Hashes are spread evenly, so the place is guessed from the first bytes; then outwards in doubling
 * steps and bisection, which stays logarithmic when somebody has made them uneven. */
uint32_t segment_hash_at(const struct segment *s, const struct hash *hash)
{
    uint32_t first = (uint32_t)hash->b[0] << 24 | (uint32_t)hash->b[1] << 16 |
                     (uint32_t)hash->b[2] << 8 | hash->b[3];
    uint32_t lo = (uint32_t)((uint64_t)first * s->entries >> 32), hi = lo;

    for (uint32_t step = 16; lo && !hash_before(s, lo - 1, hash); step *= 2) {
        hi = lo;
        lo = lo > step ? lo - step : 0;
    }
    for (uint32_t step = 16; hi < s->entries && hash_before(s, hi, hash); step *= 2) {
        lo = hi + 1;
        hi = s->entries - hi > step ? hi + step : s->entries;
    }
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (hash_before(s, mid, hash))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}
