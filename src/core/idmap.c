#include "core/idmap.h"

#include "base/mem.h"

#include <assert.h>

#define CAP_MIN 64u

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

uint32_t idmap_next(const struct idmap *m, uint64_t hash, uint32_t *at)
{
    uint32_t mask = m->cap - 1, tag = tag_of(hash);

    if (!m->cap)
        return 0;
    for (uint32_t i = *at == IDMAP_START ? tag & mask : (*at + 1) & mask; m->slot[i].id;
         i = (i + 1) & mask) {
        if (m->slot[i].tag == tag) {
            *at = i;
            return m->slot[i].id;
        }
    }
    return 0;
}

static void insert(struct idmap *m, struct idmap_slot s)
{
    uint32_t mask = m->cap - 1, i = s.tag & mask;

    while (m->slot[i].id)
        i = (i + 1) & mask;
    m->slot[i] = s;
    m->used++;
}

/* To cap places. A tag of 32 bits finds its place in any table up to 2^32. */
static void resize(struct idmap *m, uint32_t cap)
{
    struct idmap old = *m;

    *m = (struct idmap){.slot = mem_zero(cap, sizeof *m->slot), .cap = cap};
    for (uint32_t i = 0; i < old.cap; i++)
        if (old.slot[i].id)
            insert(m, old.slot[i]);
    mem_free(old.slot);
}

void idmap_put(struct idmap *m, uint64_t hash, uint32_t id)
{
    assert(id);
    if (m->used >= m->cap / 4 * 3)
        resize(m, m->cap ? m->cap * 2 : CAP_MIN);
    insert(m, (struct idmap_slot){.tag = tag_of(hash), .id = id});
}

void idmap_remove_at(struct idmap *m, uint32_t at)
{
    uint32_t mask = m->cap - 1, hole = at;

    assert(m->slot[at].id);
    m->used--;
    /* Move back whoever would not be found with a hole before it. */
    for (uint32_t i = (at + 1) & mask; m->slot[i].id; i = (i + 1) & mask) {
        uint32_t home = m->slot[i].tag & mask;

        if (((i - home) & mask) >= ((i - hole) & mask)) {
            m->slot[hole] = m->slot[i];
            hole = i;
        }
    }
    m->slot[hole].id = 0;
    if (m->cap > CAP_MIN && m->used < m->cap / 8)
        resize(m, m->cap / 2);
}

void idmap_renumber(struct idmap *m, const uint32_t *to)
{
    for (uint32_t i = 0; i < m->cap; i++)
        if (m->slot[i].id)
            m->slot[i].id = to[m->slot[i].id];
}

size_t idmap_bytes(const struct idmap *m)
{
    return m->cap * sizeof *m->slot;
}

void idmap_done(struct idmap *m)
{
    mem_free(m->slot);
    *m = (struct idmap){0};
}
