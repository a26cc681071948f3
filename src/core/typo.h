/* How far two words are apart: edits as people make them. One edit is a letter missing, too many,
 * wrong, or two neighbours swapped (optimal string alignment). Words are folded UTF-8 of at most
 * WORD_BYTES_MAX bytes; a letter is a code point. Pure; any thread. */
#pragma once

#include "core/words.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which letters a word has, in 32 bits: 26 for letters, 6 for letters that stand in it twice. One
 * edit takes away at most one bit and adds at most one, so two signatures tell cheaply that two
 * words are too far apart. */
uint32_t typo_sig(const char *word, size_t len);
/* Code points. */
size_t typo_syms(const char *word, size_t len);

/* At most n bits set? */
static inline bool typo_few_bits(uint32_t bits, int n)
{
    while (n-- > 0)
        bits &= bits - 1;
    return !bits;
}

#define TYPO_SCAN_MAX 1024 /* signatures in one go */
#define TYPO_ANY      32   /* any number of bits */

/* Of count signatures (at most TYPO_SCAN_MAX) those that may belong to a word that lacks at most so
 * many letters of this one's and has at most so many more (TYPO_ANY: any): their places go to out,
 * rising; gives how many. Made to be quick for 0 and any, 1 and any, 1 and 1, 2 and 2. */
size_t typo_scan(const uint32_t *sig, size_t count, uint32_t word, int missing_max, int extra_max,
                 uint32_t out[TYPO_SCAN_MAX]);

/* One word, made ready to be compared with many (Hyyro 2003, bit-parallel). */
struct typo {
    uint64_t mask[256];             /* by symbol: where it stands in the word */
    uint32_t other[WORD_BYTES_MAX]; /* code points beyond ASCII are symbols 128 + place here */
    size_t others, syms;
};

void typo_init(struct typo *t, const char *word, size_t len);

struct typo_found {
    int edits; /* between the words */
    int begin; /* between the word and the beginning of the other that is nearest */
};
struct typo_found typo_compare(const struct typo *t, const char *other, size_t len);

enum typo_edit { TYPO_PLAIN, TYPO_SWAPPED, TYPO_DOUBLED, TYPO_NEAR_KEY };
/* What the one edit between two words is. */
enum typo_edit typo_edit(const char *a, size_t a_len, const char *b, size_t b_len);
/* Do both have the same digits in the same order? */
bool typo_same_digits(const char *a, size_t a_len, const char *b, size_t b_len);
