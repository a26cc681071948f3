/* A growing run of bytes, always followed by a NUL that is not counted. Zero-initialise, buf_free
 * at the end. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data; /* NULL until something was added */
    size_t len, cap;
};

void buf_add(struct buf *b, const void *p, size_t len);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void *buf_room(struct buf *b,
               size_t len); /* room for len more bytes; add to b->len what was used */
void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v); /* big-endian, like everything on our wires */
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
void buf_varint(struct buf *b, uint64_t v); /* LEB128, as rd_varint reads it */
const char *buf_cstr(const struct buf *b);  /* "" when nothing was added */
void buf_reset(struct buf *b);              /* keeps the memory */
char *buf_take(struct buf *b,
               size_t *len); /* the caller owns it (mem_free); b is empty again; len may be NULL */
void buf_free(struct buf *b);
