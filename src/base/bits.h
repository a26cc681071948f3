/* A set of small numbers as bits: which pieces are there. Not shared between threads. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bits {
    uint32_t len;   /* bits */
    uint32_t count; /* bits that are set */
    uint8_t *byte;  /* bit i is byte[i / 8] >> (7 - i % 8), as BitTorrent writes bitfields; spare
                       bits are 0 */
};

void bits_init(struct bits *b, uint32_t len);
/* From len bits in bytes; false (and b empty) when the byte count or a spare bit is wrong. */
bool bits_load(struct bits *b, uint32_t len, const void *bytes, size_t size);
size_t bits_bytes(const struct bits *b);
bool bits_get(const struct bits *b, uint32_t i);
void bits_set(struct bits *b, uint32_t i);
void bits_clear(struct bits *b, uint32_t i);
bool bits_full(const struct bits *b);
void bits_copy(struct bits *to, const struct bits *from); /* to is initialised by this */
void bits_done(struct bits *b);
