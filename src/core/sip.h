/* SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash for tables whose keys come from peers. Who
 * does not know the key cannot make keys collide. Pure; any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sip_key {
    uint64_t k[2];
};

/* A key from a seed that peers do not know. */
struct sip_key sip_key_from(uint64_t seed);
uint64_t sip(const struct sip_key *key, const void *data, size_t len);
