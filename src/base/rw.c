#include "base/rw.h"

#include <string.h>

struct rd rd_over(const void *data, size_t len)
{
    const uint8_t *p = data;

    return (struct rd){.p = p, .end = p ? p + len : p};
}

size_t rd_left(const struct rd *r)
{
    return r->bad ? 0 : (size_t)(r->end - r->p);
}

bool rd_done(const struct rd *r)
{
    return !r->bad && r->p == r->end;
}

const void *rd_bytes(struct rd *r, size_t len)
{
    const uint8_t *p = r->p;

    if (rd_left(r) < len) {
        r->bad = true;
        return NULL;
    }
    if (len)
        r->p += len;
    return p;
}

void rd_copy(struct rd *r, void *to, size_t len)
{
    const void *p = rd_bytes(r, len);

    if (!len)
        return;
    if (p)
        memcpy(to, p, len);
    else
        memset(to, 0, len);
}

static uint64_t be(struct rd *r, size_t len)
{
    uint8_t raw[8] = {0};
    uint64_t v = 0;

    rd_copy(r, raw, len);
    for (size_t i = 0; i < len; i++)
        v = v << 8 | raw[i];
    return v;
}

uint8_t rd_u8(struct rd *r)
{
    return (uint8_t)be(r, 1);
}

uint16_t rd_u16(struct rd *r)
{
    return (uint16_t)be(r, 2);
}

uint32_t rd_u32(struct rd *r)
{
    return (uint32_t)be(r, 4);
}

uint64_t rd_u64(struct rd *r)
{
    return be(r, 8);
}

uint64_t rd_varint(struct rd *r)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t c = rd_u8(r);

        if (r->bad)
            return 0;
        if (shift == 63 && c > 1)
            break; /* over 64 bits */
        v |= (uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80)) {
            if (!c && shift)
                break; /* overlong: one number has one form */
            return v;
        }
    }
    r->bad = true;
    return 0;
}

struct rd rd_sub(struct rd *r, size_t len)
{
    const void *p = rd_bytes(r, len);
    struct rd sub = rd_over(p, p ? len : 0);

    sub.bad = r->bad;
    return sub;
}

struct wr wr_over(void *data, size_t cap)
{
    uint8_t *p = data;

    return (struct wr){.p = p, .end = p + cap};
}

void wr_bytes(struct wr *w, const void *p, size_t len)
{
    if (w->full || (size_t)(w->end - w->p) < len) {
        w->full = true;
        return;
    }
    if (len)
        memcpy(w->p, p, len);
    w->p += len;
}

static void put_be(struct wr *w, uint64_t v, size_t len)
{
    uint8_t raw[8];

    for (size_t i = 0; i < len; i++)
        raw[i] = (uint8_t)(v >> 8 * (len - 1 - i));
    wr_bytes(w, raw, len);
}

void wr_u8(struct wr *w, uint8_t v)
{
    put_be(w, v, 1);
}

void wr_u16(struct wr *w, uint16_t v)
{
    put_be(w, v, 2);
}

void wr_u32(struct wr *w, uint32_t v)
{
    put_be(w, v, 4);
}

void wr_u64(struct wr *w, uint64_t v)
{
    put_be(w, v, 8);
}
