#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void *buf_room(struct buf *b, size_t len)
{
    size_t need = b->len + len + 1;

    if (need > b->cap) {
        size_t cap = b->cap ? b->cap : 64;

        while (cap < need)
            cap *= 2;
        b->data = mem_resize(b->data, cap, 1);
        b->cap = cap;
        b->data[b->len] = '\0';
    }
    return b->data + b->len;
}

void buf_add(struct buf *b, const void *p, size_t len)
{
    buf_room(b, len);
    if (len)
        memcpy(b->data + b->len, p, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_str(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n <= 0)
        return;
    buf_room(b, (size_t)n);
    va_start(ap, fmt);
    vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
}

void buf_u8(struct buf *b, uint8_t v)
{
    buf_add(b, &v, 1);
}

static void add_be(struct buf *b, uint64_t v, size_t len)
{
    uint8_t raw[8];

    for (size_t i = 0; i < len; i++)
        raw[i] = (uint8_t)(v >> 8 * (len - 1 - i));
    buf_add(b, raw, len);
}

void buf_u16(struct buf *b, uint16_t v)
{
    add_be(b, v, 2);
}

void buf_u32(struct buf *b, uint32_t v)
{
    add_be(b, v, 4);
}

void buf_u64(struct buf *b, uint64_t v)
{
    add_be(b, v, 8);
}

void buf_varint(struct buf *b, uint64_t v)
{
    while (v >= 0x80) {
        buf_u8(b, (uint8_t)(v | 0x80));
        v >>= 7;
    }
    buf_u8(b, (uint8_t)v);
}

const char *buf_cstr(const struct buf *b)
{
    return b->data ? b->data : "";
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

char *buf_take(struct buf *b, size_t *len)
{
    char *p;

    buf_room(b, 0);
    p = b->data;
    if (len)
        *len = b->len;
    *b = (struct buf){0};
    return p;
}

void buf_free(struct buf *b)
{
    mem_free(b->data);
    *b = (struct buf){0};
}
