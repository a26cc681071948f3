#include "core/sip.h"

#include "base/rng.h"

#include <string.h>

static uint64_t rotl(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static void rounds(uint64_t v[4], int n)
{
    while (n--) {
        v[0] += v[1];
        v[1] = rotl(v[1], 13) ^ v[0];
        v[0] = rotl(v[0], 32);
        v[2] += v[3];
        v[3] = rotl(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotl(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotl(v[1], 17) ^ v[2];
        v[2] = rotl(v[2], 32);
    }
}

/* Eight bytes, the first is the lowest. */
static uint64_t le64(const uint8_t *p)
{
    uint64_t v = 0;

    for (int i = 7; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

struct sip_key sip_key_from(uint64_t seed)
{
    struct rng r;
    struct sip_key key;

    rng_seed(&r, seed);
    key.k[0] = rng_next(&r);
    key.k[1] = rng_next(&r);
    return key;
}

uint64_t sip(const struct sip_key *key, const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t v[4] = {key->k[0] ^ 0x736f6d6570736575u, key->k[1] ^ 0x646f72616e646f6du,
                     key->k[0] ^ 0x6c7967656e657261u, key->k[1] ^ 0x7465646279746573u};
    uint8_t last[8] = {0};
    size_t left = len;
    uint64_t m;

    for (; left >= 8; left -= 8, p += 8) {
        m = le64(p);
        v[3] ^= m;
        rounds(v, 2);
        v[0] ^= m;
    }
    if (left)
        memcpy(last, p, left);
    last[7] = (uint8_t)len;
    m = le64(last);
    v[3] ^= m;
    rounds(v, 2);
    v[0] ^= m;
    v[2] ^= 0xff;
    rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
