/* core/digest: sums of rows that do not hang on the order, and buckets. */
#include "core/content.h"
#include "core/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct row row_of(char *path, char content)
{
    struct row r = {.kind = ROW_FILE, .path = path, .path_len = strlen(path), .size = 7};

    content_hash(&r.hash, &content, 1);
    r.root = rows_no_checkpoints;
    return r;
}

static void any_order_gives_the_same_sum(void **state)
{
    struct digest a = {0}, b = {0}, d[40];
    char path[40];

    (void)state;
    for (int n = 0; n < 40; n++) {
        struct row r;

        snprintf(path, sizeof path, "folder/file %d", n);
        r = row_of(path, (char)n);
        d[n] = digest_of(&r);
        digest_add(&a, &d[n]);
    }
    for (int n = 39; n >= 0; n--)
        digest_add(&b, &d[n]);
    assert_true(digest_eq(&a, &b));
    digest_take(&a, &d[7]);
    assert_false(digest_eq(&a, &b));
    digest_add(&a, &d[7]);
    assert_true(digest_eq(&a, &b));
    for (int n = 0; n < 40; n++)
        digest_take(&a, &d[n * 7 % 40]);
    assert_int_equal(a.high | a.low, 0);
}

static void carries_go_over(void **state)
{
    struct digest a = {0, UINT64_MAX}, one = {0, 1};

    (void)state;
    digest_add(&a, &one);
    assert_true(a.high == 1 && a.low == 0);
    digest_take(&a, &one);
    assert_true(a.high == 0 && a.low == UINT64_MAX);
    a.high = UINT64_MAX;
    digest_add(&a, &one);
    assert_true(a.high == 0 && a.low == 0);
}

static void what_a_row_says_counts(void **state)
{
    char path[] = "a", other[] = "b";
    struct row was = row_of(path, 'x'), is = was;
    struct digest d = digest_of(&was), e;

    (void)state;
    is.number = 9;
    is.mtime_s = 77;
    e = digest_of(&is);
    assert_true(digest_eq(&d, &e));
    is = was, is.kind = ROW_EXEC, e = digest_of(&is);
    assert_false(digest_eq(&d, &e));
    is = was, is.size = 8, e = digest_of(&is);
    assert_false(digest_eq(&d, &e));
    is = was, is.path = other, e = digest_of(&is);
    assert_false(digest_eq(&d, &e));
    is = was, is.hash.b[31] ^= 1, e = digest_of(&is);
    assert_false(digest_eq(&d, &e));
    is = was, is.root.b[0] ^= 1, e = digest_of(&is);
    assert_false(digest_eq(&d, &e));
}

static void buckets_spread_and_are_told_apart(void **state)
{
    struct digest a[DIGEST_BUCKETS] = {{0}}, b[DIGEST_BUCKETS] = {{0}};
    unsigned used[DIGEST_BUCKETS] = {0};
    struct digest_mask m, again;
    char path[40], hex[DIGEST_BUCKETS / 4 + 1];

    (void)state;
    for (int n = 0; n < 25600; n++) {
        snprintf(path, sizeof path, "%d", n);
        used[digest_bucket(path, strlen(path))]++;
    }
    for (unsigned n = 0; n < DIGEST_BUCKETS; n++)
        assert_true(used[n] > 40 && used[n] < 200);
    assert_int_equal(digest_differ(&m, a, b), 0);
    a[3].low = b[255].high = 1;
    assert_int_equal(digest_differ(&m, a, b), 2);
    digest_mask_hex(&m, hex);
    assert_true(digest_mask_parse(&again, hex, strlen(hex)));
    for (unsigned n = 0; n < DIGEST_BUCKETS; n++)
        assert_int_equal(digest_in(&again, n), n == 3 || n == 255);
    assert_false(digest_mask_parse(&again, hex, strlen(hex) - 1));
    hex[5] = 'x';
    assert_false(digest_mask_parse(&again, hex, strlen(hex)));
}

static void digests_travel(void **state)
{
    struct digest d = {0x0123456789abcdef, 0xfedcba9876543210}, again;
    struct buf b = {0};
    struct rd r;
    char hex[2 * DIGEST_BYTES + 1];

    (void)state;
    digest_put(&b, &d);
    r = rd_over(b.data, b.len);
    assert_true(digest_get(&r, &again) && rd_done(&r) && digest_eq(&d, &again));
    assert_false(digest_get(&r, &again));
    digest_hex(&d, hex);
    assert_string_equal(hex, "0123456789abcdeffedcba9876543210");
    assert_true(digest_parse(&again, hex, 32) && digest_eq(&d, &again));
    assert_false(digest_parse(&again, hex, 31));
    buf_free(&b);
}

/* Both ends of a network have to give the same, whatever their version. */
static void known_values(void **state)
{
    char path[] = "Films/one.mkv", hex[2 * DIGEST_BYTES + 1];
    struct row r = row_of(path, 'a');
    struct digest d = digest_of(&r);

    (void)state;
    digest_hex(&d, hex);
    assert_string_equal(hex, "5c647d9214370f9869a0dd8ad10a7b87");
    assert_int_equal(digest_bucket(path, strlen(path)), 0x34);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_gives_the_same_sum),
        cmocka_unit_test(carries_go_over),
        cmocka_unit_test(what_a_row_says_counts),
        cmocka_unit_test(buckets_spread_and_are_told_apart),
        cmocka_unit_test(digests_travel),
        cmocka_unit_test(known_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
