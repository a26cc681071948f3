/* The pass over many signatures. The loop is written once, in vectors of eight; where the processor
 * has registers of that size it is compiled for them, too, and chosen at run time. */
#include "core/typo.h"

#include <string.h>

#define LANES 8

typedef uint32_t lanes __attribute__((vector_size(4 * LANES)));
typedef uint64_t wide __attribute__((vector_size(4 * LANES)));

/* At most n bits set, in each lane: all bits of the lane, or none. A macro, because how vectors are
 * passed to functions depends on the registers that there are. */
#define FEW(v, n) few_##n(v)
#define few_0(v)  ((v) == 0)
#define few_1(v)  (((v) & ((v)-1)) == 0)
#define few_2(v)  few_1((v) & ((v)-1))

/* Two vectors at a time; the bits that pass are looked at one by one only where there are some. */
#define SCAN(test)                                                                                 \
    do {                                                                                           \
        for (; i + 2 * LANES <= count; i += 2 * LANES) {                                           \
            lanes v[2], pass[2];                                                                   \
            wide any;                                                                              \
                                                                                                   \
            memcpy(v, sig + i, sizeof v);                                                          \
            for (int k = 0; k < 2; k++) {                                                          \
                lanes missing = mine & ~v[k], extra = v[k] & ~mine;                                \
                                                                                                   \
                (void)extra;                                                                       \
                pass[k] = (lanes)(test);                                                           \
            }                                                                                      \
            pass[0] &= 1;                                                                          \
            pass[1] &= 1;                                                                          \
            any = (wide)(pass[0] | pass[1]);                                                       \
            if (!(any[0] | any[1] | any[2] | any[3]))                                              \
                continue;                                                                          \
            for (uint32_t k = 0; k < 2 * LANES; k++) {                                             \
                out[n] = (uint32_t)i + k;                                                          \
                n += pass[k / LANES][k % LANES];                                                   \
            }                                                                                      \
        }                                                                                          \
    } while (0)

static inline __attribute__((always_inline)) size_t scan(const uint32_t *sig, size_t count,
                                                         uint32_t word, int missing_max,
                                                         int extra_max, uint32_t out[TYPO_SCAN_MAX])
{
    lanes mine = {word, word, word, word, word, word, word, word};
    size_t n = 0, i = 0;

    if (!missing_max && extra_max == TYPO_ANY)
        SCAN(FEW(missing, 0));
    else if (missing_max == 1 && extra_max == TYPO_ANY)
        SCAN(FEW(missing, 1));
    else if (missing_max == 1 && extra_max == 1)
        SCAN(FEW(missing, 1) & FEW(extra, 1));
    else if (missing_max == 2 && extra_max == 2)
        SCAN(FEW(missing, 2) & FEW(extra, 2));
    for (; i < count; i++) {
        out[n] = (uint32_t)i;
        n += typo_few_bits(word & ~sig[i], missing_max) &&
             (extra_max == TYPO_ANY || typo_few_bits(sig[i] & ~word, extra_max));
    }
    return n;
}

#if defined(__x86_64__) && defined(__GNUC__)
static __attribute__((target("avx2"), noinline)) size_t scan_avx2(const uint32_t *sig, size_t count,
                                                                  uint32_t word, int missing_max,
                                                                  int extra_max,
                                                                  uint32_t out[TYPO_SCAN_MAX])
{
    return scan(sig, count, word, missing_max, extra_max, out);
}
#define HAS_AVX2 __builtin_cpu_supports("avx2")
#else
#define scan_avx2 scan
#define HAS_AVX2  false
#endif

size_t typo_scan(const uint32_t *sig, size_t count, uint32_t word, int missing_max, int extra_max,
                 uint32_t out[TYPO_SCAN_MAX])
{
    if (HAS_AVX2)
        return scan_avx2(sig, count, word, missing_max, extra_max, out);
    return scan(sig, count, word, missing_max, extra_max, out);
}
