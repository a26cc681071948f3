/* core/typo: distances are those of the textbook's table, and signatures never hide a near word. */
#include "base/rng.h"
#include "core/typo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Optimal string alignment, by the table; the last row's least is the distance to a beginning of b.
 */
static struct typo_found by_table(const char *a, size_t n, const char *b, size_t m)
{
    int d[WORD_BYTES_MAX + 1][WORD_BYTES_MAX + 1];
    struct typo_found f = {.begin = (int)n};

    for (size_t i = 0; i <= n; i++) {
        for (size_t k = 0; k <= m; k++) {
            if (!i || !k) {
                d[i][k] = (int)(i + k);
                continue;
            }
            d[i][k] = least(least(d[i - 1][k], d[i][k - 1]) + 1,
                            d[i - 1][k - 1] + (a[i - 1] != b[k - 1]));
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                d[i][k] = least(d[i][k], d[i - 2][k - 2] + 1);
        }
    }
    for (size_t k = 0; k <= m; k++)
        f.begin = least(f.begin, d[n][k]);
    f.edits = d[n][m];
    return f;
}

static size_t random_word(struct rng *r, char w[WORD_BYTES_MAX], size_t max, unsigned letters)
{
    size_t len = 1 + rng_below(r, max);

    for (size_t i = 0; i < len; i++)
        w[i] = (char)('a' + rng_below(r, letters));
    return len;
}

/* Change a word a little. */
static size_t edit(struct rng *r, char w[WORD_BYTES_MAX], size_t len)
{
    size_t i = rng_below(r, len);

    switch (rng_below(r, 3)) {
    case 0:
        w[i] = (char)('a' + rng_below(r, 26));
        return len;
    case 1:
        memmove(w + i, w + i + 1, len - i - 1);
        return len > 1 ? len - 1 : 1;
    default:
        if (len == WORD_BYTES_MAX)
            return len;
        memmove(w + i + 1, w + i, len - i);
        return len + 1;
    }
}

static void distances_are_the_tables(void **state)
{
    struct rng rng;

    (void)state;
    rng_seed(&rng, 1);
    for (int round = 0; round < 20000; round++) {
        char a[WORD_BYTES_MAX], b[WORD_BYTES_MAX];
        size_t max = round % 10 ? 10 : WORD_BYTES_MAX, n = random_word(&rng, a, max, 4), m;
        struct typo_found want, got;
        struct typo t;

        if (round % 3) {
            memcpy(b, a, n);
            m = edit(&rng, b, edit(&rng, b, n));
        } else {
            m = random_word(&rng, b, max, 4);
        }
        typo_init(&t, a, n);
        got = typo_compare(&t, b, m);
        want = by_table(a, n, b, m);
        assert_int_equal(got.edits, want.edits);
        assert_int_equal(got.begin, want.begin);
    }
}

static void letters_are_code_points(void **state)
{
    static const char mir[] = "\xd0\xbc\xd0\xb8\xd1\x80", mar[] = "\xd0\xbc\xd0\xb0\xd1\x80",
                      imr[] = "\xd0\xb8\xd0\xbc\xd1\x80";
    struct typo t;

    (void)state;
    typo_init(&t, mir, 6);
    assert_int_equal(t.syms, 3);
    assert_int_equal(typo_syms(mir, 6), 3);
    assert_int_equal(typo_compare(&t, mir, 6).edits, 0);
    assert_int_equal(typo_compare(&t, mar, 6).edits, 1);
    assert_int_equal(typo_compare(&t, imr, 6).edits, 1);
    assert_int_equal(typo_compare(&t, "m", 1).edits, 3);
    assert_int_equal(typo_edit(mir, 6, imr, 6), TYPO_SWAPPED);
}

/* One edit moves a signature by at most one bit each way: no near word is missed. */
static void signatures_hide_nothing(void **state)
{
    struct rng rng;

    (void)state;
    rng_seed(&rng, 2);
    for (int round = 0; round < 50000; round++) {
        char a[WORD_BYTES_MAX], b[WORD_BYTES_MAX];
        size_t n = random_word(&rng, a, 12, round % 2 ? 26 : 3), m = n;
        int edits = 1 + round % 2;

        memcpy(b, a, n);
        for (int i = 0; i < edits; i++)
            m = edit(&rng, b, m);
        assert_true(typo_few_bits(typo_sig(a, n) & ~typo_sig(b, m), edits));
        assert_true(typo_few_bits(typo_sig(b, m) & ~typo_sig(a, n), edits));
    }
    assert_false(typo_few_bits(typo_sig("abc", 3) & ~typo_sig("xyz", 3), 2));
}

/* Many at a time as one by one. */
static void a_scan_is_the_test_of_each(void **state)
{
    static const int most[][2] = {{0, TYPO_ANY}, {1, TYPO_ANY}, {1, 1}, {2, 2}, {0, 0}, {3, 4}};
    uint32_t sig[TYPO_SCAN_MAX], place[TYPO_SCAN_MAX];
    struct rng rng;

    (void)state;
    rng_seed(&rng, 3);
    for (int round = 0; round < 600; round++) {
        const int *max = most[round % 6];
        size_t count = round < 6 ? TYPO_SCAN_MAX : rng_below(&rng, TYPO_SCAN_MAX + 1), n = 0;
        uint32_t mine = (uint32_t)rng_next(&rng) & (uint32_t)rng_next(&rng);

        for (size_t i = 0; i < count; i++) { /* near ones; at first all pass */
            sig[i] = mine;
            for (uint64_t k = round < 6 ? 0 : rng_below(&rng, 6); k; k--)
                sig[i] ^= 1u << rng_below(&rng, 32);
        }
        n = typo_scan(sig, count, mine, max[0], max[1], place);
        for (size_t i = 0, k = 0; i < count; i++) {
            bool pass =
                typo_few_bits(mine & ~sig[i], max[0]) && typo_few_bits(sig[i] & ~mine, max[1]);

            if (pass)
                assert_true(k < n && place[k] == i);
            k += pass;
            assert_true(i + 1 < count || k == n);
        }
    }
}

static enum typo_edit kind(const char *a, const char *b)
{
    return typo_edit(a, strlen(a), b, strlen(b));
}

static void edits_have_kinds(void **state)
{
    (void)state;
    assert_int_equal(kind("valley", "vlaley"), TYPO_SWAPPED);
    assert_int_equal(kind("valey", "valley"), TYPO_DOUBLED);
    assert_int_equal(kind("sillicon", "silicon"), TYPO_DOUBLED);
    assert_int_equal(kind("silicon", "silzcon"), TYPO_PLAIN);
    assert_int_equal(kind("silicon", "silixon"), TYPO_NEAR_KEY);
    assert_int_equal(kind("silicon", "slicon"), TYPO_PLAIN);
}

static bool same(const char *a, const char *b)
{
    return typo_same_digits(a, strlen(a), b, strlen(b));
}

static void digits_are_compared(void **state)
{
    (void)state;
    assert_true(same("x264", "y264"));
    assert_true(same("abc", "def"));
    assert_true(same("a1b2", "1c2"));
    assert_false(same("x264", "x265"));
    assert_false(same("x264", "x26"));
    assert_false(same("x", "x2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_the_tables), cmocka_unit_test(letters_are_code_points),
        cmocka_unit_test(signatures_hide_nothing),  cmocka_unit_test(edits_have_kinds),
        cmocka_unit_test(digits_are_compared),      cmocka_unit_test(a_scan_is_the_test_of_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
