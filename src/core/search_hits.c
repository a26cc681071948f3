/* Lists thrown together and sorted. */
#include "core/search_priv.h"

#include <math.h>

void hits_add(struct hits *h, const uint8_t *list, uint32_t count, unsigned slot, float weight)
{
    unsigned low = slot << 8 | (unsigned)lroundf(weight * WEIGHT_ONE);
    uint32_t at = 0;

    if (h->count + count > h->cap) {
        h->cap = (h->count + count) * 2;
        h->of = mem_resize(h->of, h->cap, sizeof *h->of);
    }
    for (uint32_t i = 0; i < count; i++) {
        at += segment_varint(&list);
        h->of[h->count++] = (hit)at << 16 | low;
    }
}

/* Eleven bits at a time. */
void hits_sort(struct hits *h, uint32_t below)
{
    hit *from = h->of, *to = mem_alloc((h->count + 1) * sizeof *to);

    for (unsigned shift = 16; below; shift += 11, below >>= 11) {
        uint32_t at[2049] = {0};
        hit *swap = from;

        for (size_t i = 0; i < h->count; i++)
            at[(from[i] >> shift & 2047) + 1]++;
        for (unsigned i = 0; i < 2048; i++)
            at[i + 1] += at[i];
        for (size_t i = 0; i < h->count; i++)
            to[at[from[i] >> shift & 2047]++] = from[i];
        from = to;
        to = swap;
    }
    h->of = from;
    h->cap = h->count;
    mem_free(to);
}
