/* The bytes; u64, u32 and u16 are big-endian, other numbers varint:
 *
 *   answer = head entry*
 *   head   = LENGTH  epoch:u64  version  flags:u8           flags: 1 reset
 *   entry  = LENGTH  flags:u8  nid:16  [ pub:32  inc:u32  generation:u64  number  family:u8  ip
 * port:u16 ] flags: 1 gone (nothing in [ ]), 2 leader; family 4 or 6 with 4 or 16 bytes of ip, or
 *              0 with neither ip nor port
 *
 * LENGTH counts the bytes behind it. What a record has beyond these fields is skipped. */
#include "core/roster.h"

#include "core/seal.h"

#include <string.h>

#define RECORD_MAX 1024u

#define HEAD_RESET   1u
#define ENTRY_GONE   1u
#define ENTRY_LEADER 2u

static void put_record(struct buf *b, struct buf *body)
{
    buf_varint(b, body->len);
    buf_add(b, body->data, body->len);
    buf_free(body);
}

void roster_put_head(struct buf *b, const struct roster_head *h)
{
    struct buf body = {0};

    buf_u64(&body, h->epoch);
    buf_varint(&body, h->version);
    buf_u8(&body, h->reset ? HEAD_RESET : 0);
    put_record(b, &body);
}

static size_t ip_len(unsigned family)
{
    return family == 4 ? 4 : family == 6 ? 16 : 0;
}

void roster_put(struct buf *b, const struct roster_entry *e)
{
    struct buf body = {0};

    buf_u8(&body, (uint8_t)((e->gone ? ENTRY_GONE : 0) | (e->leader ? ENTRY_LEADER : 0)));
    buf_add(&body, e->nid.b, sizeof e->nid.b);
    if (!e->gone) {
        buf_add(&body, e->pub, sizeof e->pub);
        buf_u32(&body, e->inc);
        buf_u64(&body, e->generation);
        buf_varint(&body, e->number);
        buf_u8(&body, e->addr.family);
        buf_add(&body, e->addr.ip, ip_len(e->addr.family));
        if (e->addr.family)
            buf_u16(&body, e->addr.port);
    }
    put_record(b, &body);
}

static struct rd record(struct rd *r)
{
    uint64_t len = rd_varint(r);

    if (len > RECORD_MAX)
        r->bad = true;
    return rd_sub(r, r->bad ? 0 : (size_t)len);
}

bool roster_get_head(struct rd *r, struct roster_head *h)
{
    struct rd f = record(r);

    *h = (struct roster_head){0};
    h->epoch = rd_u64(&f);
    h->version = rd_varint(&f);
    h->reset = rd_u8(&f) & HEAD_RESET;
    r->bad |= f.bad;
    return !r->bad;
}

bool roster_get(struct rd *r, struct roster_entry *e)
{
    struct rd f = record(r);
    uint8_t flags = rd_u8(&f);
    struct nid of_key;

    *e = (struct roster_entry){.gone = flags & ENTRY_GONE, .leader = flags & ENTRY_LEADER};
    rd_copy(&f, e->nid.b, sizeof e->nid.b);
    if (!e->gone) {
        rd_copy(&f, e->pub, sizeof e->pub);
        e->inc = rd_u32(&f);
        e->generation = rd_u64(&f);
        e->number = rd_varint(&f);
        e->addr.family = rd_u8(&f);
        rd_copy(&f, e->addr.ip, ip_len(e->addr.family));
        if (e->addr.family)
            e->addr.port = rd_u16(&f);
        seal_nid(&of_key, e->pub);
        if ((e->addr.family && !ip_len(e->addr.family)) || !nid_eq(&of_key, &e->nid))
            f.bad = true;
    }
    r->bad |= f.bad;
    return !r->bad;
}
