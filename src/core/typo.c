#include "core/typo.h"

#include <string.h>

#define ASCII_END 0x80u
#define FOREIGN   255u /* a letter that the word does not have */

/* The next code point; words are valid UTF-8 of our own making. */
static uint32_t next_sym(const uint8_t **p, const uint8_t *end)
{
    uint32_t cp = *(*p)++;
    int more = cp < 0xc0 ? 0 : cp < 0xe0 ? 1 : cp < 0xf0 ? 2 : 3;

    if (more)
        cp &= 0x3fu >> more;
    for (; more && *p < end; more--)
        cp = cp << 6 | (*(*p)++ & 0x3f);
    return cp;
}

static size_t decode(uint32_t out[WORD_BYTES_MAX], const char *word, size_t len)
{
    const uint8_t *p = (const uint8_t *)word, *end = p + len;
    size_t n = 0;

    while (p < end && n < WORD_BYTES_MAX)
        out[n++] = next_sym(&p, end);
    return n;
}

uint32_t typo_sig(const char *word, size_t len)
{
    const uint8_t *p = (const uint8_t *)word, *end = p + len;
    uint32_t sig = 0;

    while (p < end) {
        uint32_t cp = next_sym(&p, end);
        uint32_t letter = cp >= 'a' && cp <= 'z' ? cp - 'a' : cp % 26;

        /* a second letter in the same place of the 26 counts as doubled: still one bit an edit */
        if (sig >> letter & 1)
            sig |= 1u << (26 + letter % 6);
        sig |= 1u << letter;
    }
    return sig;
}

/* Eight bytes at a time: those that continue a code point are 10xxxxxx. */
size_t typo_syms(const char *word, size_t len)
{
    const uint64_t ones = 0x0101010101010101u;
    size_t n = len;

    for (; len; word += 8) {
        uint64_t v = 0;

        memcpy(&v, word, len < 8 ? len : 8);
        len -= len < 8 ? len : 8;
        v = v >> 7 & ~(v >> 6) & ones;
        n -= (size_t)(v * ones >> 56);
    }
    return n;
}

static size_t symbol(const struct typo *t, uint32_t cp)
{
    if (cp < ASCII_END)
        return cp;
    for (size_t i = 0; i < t->others; i++)
        if (t->other[i] == cp)
            return ASCII_END + i;
    return FOREIGN;
}

void typo_init(struct typo *t, const char *word, size_t len)
{
    uint32_t cp[WORD_BYTES_MAX];

    memset(t, 0, sizeof *t);
    t->syms = decode(cp, word, len);
    for (size_t i = 0; i < t->syms; i++) {
        if (symbol(t, cp[i]) == FOREIGN)
            t->other[t->others++] = cp[i];
        t->mask[symbol(t, cp[i])] |= 1ull << i;
    }
}

/* Columns of the table are kept as differences in two words: vp where a cell is one more than the
 * cell above, vn where one less. The last row is the distance to each beginning of other. */
struct typo_found typo_compare(const struct typo *t, const char *other, size_t len)
{
    const uint8_t *p = (const uint8_t *)other, *end = p + len;
    uint64_t vp = ~0ull, vn = 0, d0 = 0, before = 0, top = 1ull << (t->syms - 1);
    int edits = (int)t->syms;
    struct typo_found found = {.begin = edits};

    while (p < end) {
        uint64_t m = t->mask[symbol(t, next_sym(&p, end))];
        uint64_t swapped = ((~d0 & m) << 1) & before, hp, hn;

        d0 = (((m & vp) + vp) ^ vp) | m | vn | swapped;
        hp = vn | ~(d0 | vp);
        hn = d0 & vp;
        edits += (hp & top) != 0;
        edits -= (hn & top) != 0;
        hp = hp << 1 | 1;
        hn <<= 1;
        vp = hn | ~(d0 | hp);
        vn = hp & d0;
        before = m;
        if (edits < found.begin)
            found.begin = edits;
    }
    found.edits = edits;
    return found;
}

/* Neighbours on a QWERTY keyboard; rows are shifted by about half a key. */
static bool near_keys(uint32_t a, uint32_t b)
{
    static const char *const rows[] = {"qwertyuiop", "asdfghjkl", "zxcvbnm"};
    int row[2] = {-1, -1}, x[2] = {0, 0};
    uint32_t key[2] = {a, b};

    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < 3 && row[k] < 0; i++) {
            const char *at = key[k] && key[k] < ASCII_END ? strchr(rows[i], (int)key[k]) : NULL;

            if (at) {
                row[k] = i;
                x[k] = 2 * (int)(at - rows[i]) + i; /* in half keys */
            }
        }
    }
    if (row[0] < 0 || row[1] < 0)
        return false;
    if (row[0] == row[1])
        return x[0] - x[1] == 2 || x[1] - x[0] == 2;
    return (row[0] - row[1] == 1 || row[1] - row[0] == 1) && (x[0] - x[1] == 1 || x[1] - x[0] == 1);
}

enum typo_edit typo_edit(const char *a, size_t a_len, const char *b, size_t b_len)
{
    uint32_t sa[WORD_BYTES_MAX], sb[WORD_BYTES_MAX], *longer;
    size_t na = decode(sa, a, a_len), nb = decode(sb, b, b_len), i = 0;

    while (i < na && i < nb && sa[i] == sb[i])
        i++;
    if (na == nb) {
        if (i + 1 < na && sa[i] == sb[i + 1] && sa[i + 1] == sb[i])
            return TYPO_SWAPPED;
        return i < na && near_keys(sa[i], sb[i]) ? TYPO_NEAR_KEY : TYPO_PLAIN;
    }
    longer = na > nb ? sa : sb;
    return i && longer[i] == longer[i - 1] ? TYPO_DOUBLED : TYPO_PLAIN;
}

static size_t next_digit(const char *s, size_t len, size_t i)
{
    while (i < len && (s[i] < '0' || s[i] > '9'))
        i++;
    return i;
}

bool typo_same_digits(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t i = next_digit(a, a_len, 0), k = next_digit(b, b_len, 0);

    while (i < a_len && k < b_len && a[i] == b[k]) {
        i = next_digit(a, a_len, i + 1);
        k = next_digit(b, b_len, k + 1);
    }
    return i == a_len && k == b_len;
}
