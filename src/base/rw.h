/* Bounded reader and writer over bytes that are not ours to trust: all parsing goes through here.
 *
 * A read past the end sets `bad`, gives zeros from then on, and never moves outside; so a parser
 * reads a whole record and asks once (after imsg-buffer.c of OpenBSD). Numbers are big-endian. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rd {
    const uint8_t *p, *end;
    bool bad;
};

struct rd rd_over(const void *data, size_t len);
size_t rd_left(const struct rd *r);
bool rd_done(const struct rd *r); /* all read and nothing bad */
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
uint64_t rd_varint(struct rd *r); /* LEB128, at most 10 bytes; overlong or over 64 bits is bad */
const void *rd_bytes(struct rd *r, size_t len);   /* borrowed from the input; NULL when bad */
void rd_copy(struct rd *r, void *to, size_t len); /* zeros when bad */
struct rd rd_sub(struct rd *r,
                 size_t len); /* a reader over the next len bytes; bad if they are not there */

struct wr {
    uint8_t *p, *end;
    bool full; /* something did not fit; nothing after it was written */
};

struct wr wr_over(void *data, size_t cap);
void wr_u8(struct wr *w, uint8_t v);
void wr_u16(struct wr *w, uint16_t v);
void wr_u32(struct wr *w, uint32_t v);
void wr_u64(struct wr *w, uint64_t v);
void wr_bytes(struct wr *w, const void *p, size_t len);
