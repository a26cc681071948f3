/* Random numbers for decisions that must be replayable from a seed: xoshiro256**, by Blackman and
 * Vigna, seeded by splitmix64. Not for keys, nonces or ids: those come from libsodium. One owner
 * each. */
#pragma once

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* 0 .. n-1, without bias; n > 0 */
