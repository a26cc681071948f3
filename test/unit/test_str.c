/* base/str: sizes, times and hex as people write them, and nothing else. */
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void hex_comes_back(void **state)
{
    char out[9];
    uint8_t bytes[4];

    (void)state;
    str_hex(out, "\x00\x7f\xab\xff", 4);
    assert_string_equal(out, "007fabff");
    assert_true(str_unhex(bytes, 4, "007FabFF", 8));
    assert_memory_equal(bytes, "\x00\x7f\xab\xff", 4);
    assert_false(str_unhex(bytes, 4, "007fabf", 7));
    assert_false(str_unhex(bytes, 4, "007fabff0", 9));
    assert_false(str_unhex(bytes, 4, "007fabfg", 8));
    assert_true(str_is_hex("", 0));
    assert_false(str_is_hex("a b", 3));
}

static void sizes_are_shown_in_binary_units(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } row[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1.0 KiB"},
        {1536, "1.5 KiB"},
        {1048575, "1.0 MiB"}, /* never "1024.0 KiB" */
        {2147483648, "2.0 GiB"},
        {UINT64_MAX, "16.0 EiB"},
    };
    char out[STR_SIZE_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        assert_string_equal(str_size(row[i].bytes, out), row[i].text);
}

static void sizes_are_read(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } row[] = {
        {"0", 0},           {"700", 700},         {"700B", 700},
        {"10M", 10485760},  {"1.5G", 1610612736}, {"2KiB", 2048},
        {"2kiB", 2048},     {"1GB", 1000000000},  {"3kB", 3000},
        {"1T", 1ull << 40}, {"1P", 1ull << 50},
    };
    static const char *const bad[] = {
        "",
        " 1",
        "-1",
        "+1",
        "1 M",
        "M",
        "1X",
        "1MiBs",
        "1KBB",
        "0x10",
        "1e3",
        "inf",
        "nan",
        "1KiBB",
        "1.2.3",
        "9000P",
        "99999999999999999999999",
    };
    uint64_t bytes;

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        if (!str_parse_size(row[i].text, &bytes))
            fail_msg("refused: %s", row[i].text);
        assert_int_equal(bytes, row[i].bytes);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (str_parse_size(bad[i], &bytes))
            fail_msg("taken: '%s' as %llu", bad[i], (unsigned long long)bytes);
}

static void durations_are_read(void **state)
{
    static const struct {
        const char *text;
        uint64_t seconds;
    } row[] = {
        {"0", 0},        {"45", 45},     {"30s", 30},     {"90m", 5400},
        {"36h", 129600}, {"7d", 604800}, {"2w", 1209600},
    };
    static const char *const bad[] = {
        "",    "s",  "-1",    "1.5h",        "1 h",
        "1hh", "1y", "1h30m", "99999999999", "99999999999999999999999s",
    };
    uint64_t seconds;

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        if (!str_parse_duration(row[i].text, &seconds))
            fail_msg("refused: %s", row[i].text);
        assert_int_equal(seconds, row[i].seconds);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (str_parse_duration(bad[i], &seconds))
            fail_msg("taken: '%s'", bad[i]);
}

static void numbers_keep_their_bounds(void **state)
{
    uint64_t v = 7;

    (void)state;
    assert_true(str_parse_u64("1", 1, 65535, &v));
    assert_int_equal(v, 1);
    assert_true(str_parse_u64("65535", 1, 65535, &v));
    assert_int_equal(v, 65535);
    assert_false(str_parse_u64("0", 1, 65535, &v));
    assert_false(str_parse_u64("65536", 1, 65535, &v));
    assert_false(str_parse_u64("", 0, 9, &v));
    assert_false(str_parse_u64("1 ", 0, 9, &v));
    assert_false(str_parse_u64("-1", 0, UINT64_MAX, &v));
    assert_false(str_parse_u64("18446744073709551617", 0, UINT64_MAX, &v)); /* would wrap to 1 */
    assert_int_equal(v, 65535);
    assert_true(str_parse_u64("18446744073709551615", 0, UINT64_MAX, &v));
    assert_true(v == UINT64_MAX);
}

static void durations_are_shown(void **state)
{
    char out[STR_SIZE_MAX];

    (void)state;
    assert_string_equal(str_duration(0, out), "0:00");
    assert_string_equal(str_duration(7, out), "0:07");
    assert_string_equal(str_duration(3599, out), "59:59");
    assert_string_equal(str_duration(5025, out), "1:23:45");
    assert_string_equal(str_duration(UINT64_MAX, out), "-");
    assert_true(strlen(str_duration(UINT64_MAX - 1, out)) < STR_SIZE_MAX);
}

static void a_copy_fits_and_ends(void **state)
{
    char out[4] = "zzz";

    (void)state;
    assert_int_equal(str_copy(out, sizeof out, "abcdef"), 6);
    assert_string_equal(out, "abc");
    assert_int_equal(str_copy(out, sizeof out, "xy"), 2);
    assert_string_equal(out, "xy");
    assert_int_equal(str_copy(out, 0, "long"), 4);
    assert_string_equal(out, "xy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_comes_back),
        cmocka_unit_test(sizes_are_shown_in_binary_units),
        cmocka_unit_test(sizes_are_read),
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(numbers_keep_their_bounds),
        cmocka_unit_test(durations_are_shown),
        cmocka_unit_test(a_copy_fits_and_ends),
    };

    return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
