/* io/http_range: what is a range, what is none, what cannot be had. */
#include "io/http_range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_range(void **state)
{
    static const struct {
        const char *text;
        uint64_t size;
        int is;
        uint64_t first, len;
    } cases[] = {
        {"bytes=0-0", 10, 1, 0, 1},
        {"bytes=0-9", 10, 1, 0, 10},
        {"bytes=0-", 10, 1, 0, 10},
        {"bytes=9-", 10, 1, 9, 1},
        {"bytes=3-100", 10, 1, 3, 7},
        {"bytes=-3", 10, 1, 7, 3},
        {"bytes=-30", 10, 1, 0, 10},
        {"bytes=0-9223372036854775807", 10, 1, 0, 10},
        {"bytes=10-", 10, -1, 0, 0},
        {"bytes=10-20", 10, -1, 0, 0},
        {"bytes=-0", 10, -1, 0, 0},
        {"bytes=0-", 0, -1, 0, 0},
        {"bytes=-1", 0, -1, 0, 0},
        {"", 10, 0, 0, 10},
        {"bytes=", 10, 0, 0, 10},
        {"bytes=-", 10, 0, 0, 10},
        {"bytes=5", 10, 0, 0, 10},
        {"bytes=5-3", 10, 0, 0, 10},
        {"bytes=0-1,3-4", 10, 0, 0, 10},
        {"bytes=0-1, -1", 10, 0, 0, 10},
        {"bytes= 0-1", 10, 0, 0, 10},
        {"bytes=0-1 ", 10, 0, 0, 10},
        {"bytes=+0-1", 10, 0, 0, 10},
        {"bytes=--1", 10, 0, 0, 10},
        {"bytes=0x1-2", 10, 0, 0, 10},
        {"bytes=99999999999999999999-", 10, 0, 0, 10},
        {"bytes=0-18446744073709551616", 10, 0, 0, 10},
        {"lines=0-1", 10, 0, 0, 10},
        {"bytes=00000000000000000000000000000000000000000000000000000000000000000000000000000000-1",
         10, 0, 0, 10},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t first = 77, len = 77;
        int is = http_range_parse(cases[i].text, cases[i].size, &first, &len);

        if (is != cases[i].is || (is >= 0 && (first != cases[i].first || len != cases[i].len)))
            fail_msg("%s: %d %llu+%llu", cases[i].text, is, (unsigned long long)first,
                     (unsigned long long)len);
    }
}

static void test_content_range(void **state)
{
    static const char *const bad[] = {
        "",
        "bytes",
        "bytes ",
        "0-9/10",
        "bytes 0-9",
        "bytes 0/10",
        "bytes 9-0/10",
        "bytes 0-10/10",
        "bytes 0-9/*",
        "bytes */10",
        "bytes 0-9/10/10",
        "bytes 0-9/-10",
        "bytes  0-9/10",
        "bytes 0 -9/10",
        "bytes=0-9/10",
        "Bytes 0-9/10",
        "bytes 0-9/99999999999999999999",
        "bytes -0-9/10",
        "bytes 0-9/10; bytes 1-2/3",
        "bytes 000000000000000000000000000000000000000000000000000000000000000000000000000000-9/10",
    };
    static const char *const good[] = {"bytes 3-9/10", "  bytes 3-9/10", "\tbytes 3-9/10 \r\n"};
    uint64_t first, last, size;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (http_content_range_parse(bad[i], strlen(bad[i]), &first, &last, &size))
            fail_msg("taken: %s", bad[i]);
    assert_false(http_content_range_parse("bytes 3-9/10\0", 13, &first, &last, &size));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        first = last = size = 0;
        assert_true(http_content_range_parse(good[i], strlen(good[i]), &first, &last, &size));
        assert_int_equal(first, 3);
        assert_int_equal(last, 9);
        assert_int_equal(size, 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_content_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
