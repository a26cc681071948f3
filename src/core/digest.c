#include "core/digest.h"

#include "base/limits.h"
#include "base/str.h"
#include "core/rows.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

/* What every holder of a row can keep of a folder's size (core/segment); sizes above it are the
 * same to a digest. */
#define SIZE_KNOWN_MAX ((1ull << 48) - 1)

#define FIXED_BYTES (1 + 8 + 8 + 2 * sizeof(struct hash)) /* of a row, before its path */

static const uint8_t ROW_KEY[crypto_shorthash_siphashx24_KEYBYTES] = "iwant rows 1";
static const uint8_t BUCKET_KEY[crypto_shorthash_KEYBYTES] = "iwant bucket 1";

static uint64_t big_endian(const uint8_t *p)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

static void put_u64(uint8_t *p, uint64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        p[i] = (uint8_t)v;
}

struct digest digest_of(const struct row *row)
{
    size_t path_len = row->kind == ROW_PART ? 0 : row->path_len; /* it is the hash, in hex */
    uint64_t size = row->size < SIZE_KNOWN_MAX ? row->size : SIZE_KNOWN_MAX;
    uint8_t text[FIXED_BYTES + PATH_LEN_MAX], sum[DIGEST_BYTES], *p = text;

    assert(path_len <= PATH_LEN_MAX);
    *p++ = (uint8_t)row->kind;
    put_u64(p, size);
    put_u64(p + 8, path_len);
    memcpy(p + 16, row->hash.b, sizeof row->hash.b);
    memcpy(p + 16 + sizeof row->hash.b, row->root.b, sizeof row->root.b);
    if (path_len)
        memcpy(text + FIXED_BYTES, row->path, path_len);
    crypto_shorthash_siphashx24(sum, text, FIXED_BYTES + path_len, ROW_KEY);
    return (struct digest){big_endian(sum), big_endian(sum + 8)};
}

void digest_add(struct digest *to, const struct digest *d)
{
    uint64_t low = to->low + d->low;

    to->high += d->high + (low < to->low);
    to->low = low;
}

void digest_take(struct digest *from, const struct digest *d)
{
    from->high -= d->high + (from->low < d->low);
    from->low -= d->low;
}

bool digest_eq(const struct digest *a, const struct digest *b)
{
    return a->high == b->high && a->low == b->low;
}

unsigned digest_bucket(const char *path, size_t path_len)
{
    uint8_t sum[crypto_shorthash_BYTES];

    crypto_shorthash(sum, (const uint8_t *)(path_len ? path : ""), path_len, BUCKET_KEY);
    return sum[0];
}

void digest_put(struct buf *b, const struct digest *d)
{
    buf_u64(b, d->high);
    buf_u64(b, d->low);
}

bool digest_get(struct rd *r, struct digest *d)
{
    d->high = rd_u64(r);
    d->low = rd_u64(r);
    return !r->bad;
}

void digest_hex(const struct digest *d, char out[2 * DIGEST_BYTES + 1])
{
    uint8_t raw[DIGEST_BYTES];

    put_u64(raw, d->high);
    put_u64(raw + 8, d->low);
    str_hex(out, raw, sizeof raw);
}

bool digest_parse(struct digest *d, const char *hex, size_t len)
{
    uint8_t raw[DIGEST_BYTES];

    if (len != 2 * sizeof raw || !str_unhex(raw, sizeof raw, hex, len))
        return false;
    *d = (struct digest){big_endian(raw), big_endian(raw + 8)};
    return true;
}

bool digest_in(const struct digest_mask *m, unsigned bucket)
{
    return m->bit[bucket / 8] >> bucket % 8 & 1;
}

unsigned digest_differ(struct digest_mask *out, const struct digest a[DIGEST_BUCKETS],
                       const struct digest b[DIGEST_BUCKETS])
{
    unsigned count = 0;

    *out = (struct digest_mask){{0}};
    for (unsigned n = 0; n < DIGEST_BUCKETS; n++) {
        if (digest_eq(&a[n], &b[n]))
            continue;
        out->bit[n / 8] |= (uint8_t)(1u << n % 8);
        count++;
    }
    return count;
}

void digest_mask_hex(const struct digest_mask *m, char out[DIGEST_BUCKETS / 4 + 1])
{
    str_hex(out, m->bit, sizeof m->bit);
}

bool digest_mask_parse(struct digest_mask *m, const char *hex, size_t len)
{
    return len == 2 * sizeof m->bit && str_unhex(m->bit, sizeof m->bit, hex, len);
}
