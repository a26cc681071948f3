#include "base/bits.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

void bits_init(struct bits *b, uint32_t len)
{
    *b = (struct bits){.len = len, .byte = mem_zero((size_t)len / 8 + 1, 1)};
}

bool bits_load(struct bits *b, uint32_t len, const void *bytes, size_t size)
{
    bits_init(b, len);
    if (size != bits_bytes(b))
        goto wrong;
    if (size)
        memcpy(b->byte, bytes, size);
    if (len % 8 && (b->byte[size - 1] & (0xff >> len % 8)))
        goto wrong;
    for (size_t i = 0; i < size; i++)
        b->count += (uint32_t)__builtin_popcount(b->byte[i]);
    return true;
wrong:
    bits_done(b);
    bits_init(b, len);
    return false;
}

size_t bits_bytes(const struct bits *b)
{
    return ((size_t)b->len + 7) / 8;
}

bool bits_get(const struct bits *b, uint32_t i)
{
    assert(i < b->len);
    return b->byte[i / 8] >> (7 - i % 8) & 1;
}

void bits_set(struct bits *b, uint32_t i)
{
    if (bits_get(b, i))
        return;
    b->byte[i / 8] |= (uint8_t)(1u << (7 - i % 8));
    b->count++;
}

void bits_clear(struct bits *b, uint32_t i)
{
    if (!bits_get(b, i))
        return;
    b->byte[i / 8] &= (uint8_t) ~(1u << (7 - i % 8));
    b->count--;
}

bool bits_full(const struct bits *b)
{
    return b->count == b->len;
}

void bits_copy(struct bits *to, const struct bits *from)
{
    *to = *from;
    to->byte = mem_copy(from->byte, (size_t)from->len / 8 + 1);
}

void bits_done(struct bits *b)
{
    mem_free(b->byte);
    *b = (struct bits){0};
}
