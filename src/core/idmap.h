/* A hash table from keys that live elsewhere to numbers: it keeps (32 bits of the key's hash,
 * number), open addressing, linear probing. The caller compares keys. The hash must be keyed
 * (core/sip) where keys come from peers. One owner. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct idmap_slot {
    uint32_t tag; /* upper half of the hash; also the place to begin at */
    uint32_t id;  /* 0: free */
};

struct idmap {
    struct idmap_slot *slot; /* NULL while empty; zero-initialise */
    uint32_t cap, used;      /* cap is a power of two */
};

/* The numbers put under hash (and, rarely, others): for (at = IDMAP_START; (id = idmap_next(m,
 * hash, &at));) compare. 0: no more. */
#define IDMAP_START UINT32_MAX
uint32_t idmap_next(const struct idmap *m, uint64_t hash, uint32_t *at);
/* Have what idmap_next will look at fetched from memory: it is called soon. */
static inline void idmap_ask(const struct idmap *m, uint64_t hash)
{
    if (m->cap)
        __builtin_prefetch(&m->slot[(uint32_t)(hash >> 32) & (m->cap - 1)]);
}
/* Put id (not 0). The same id twice is the caller's mistake. */
void idmap_put(struct idmap *m, uint64_t hash, uint32_t id);
/* Take out the entry that idmap_next has just given. */
void idmap_remove_at(struct idmap *m, uint32_t at);
/* Every id becomes to[id]. */
void idmap_renumber(struct idmap *m, const uint32_t *to);
size_t idmap_bytes(const struct idmap *m);
void idmap_done(struct idmap *m);
