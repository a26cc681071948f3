/* src/iwanto/options: options and words in any order. */
#include "iwanto/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct opt OWN[] = {
    {'o', "output", "NAME", "", true},
    {'d', "daemon", NULL, "", true},
    {10, "detach", NULL, "", false},
    {0, NULL, NULL, NULL, false},
};

#define MAX 12

static bool dash_words;

/* Everything that one line gives, as "id=value " in a row; the error's text after "!". */
static const char *scan(struct common *common, bool settings, const char *const *words)
{
    static char seen[1200];
    char copy[MAX][40], *argv[MAX];
    struct opt_scan s = {
        .argv = argv, .own = OWN, .settings = settings, .common = common, .dash_words = dash_words};
    const char *value;
    struct err e = {0};
    int id;

    seen[0] = '\0';
    for (; words[s.argc]; s.argc++) {
        snprintf(copy[s.argc], sizeof copy[0], "%s", words[s.argc]);
        argv[s.argc] = copy[s.argc];
    }
    while ((id = opt_next(&s, &value, &e)) > 0)
        snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%d=%s ", id, value ? value : "");
    if (id < 0) {
        assert_int_equal(id, -ERR_USAGE);
        snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "!%.300s", e.text);
    }
    return seen;
}

#define SCAN(settings, ...)                                                                        \
    (memset(&common, 0, sizeof common),                                                            \
     scan(&common, settings, (const char *const[]){__VA_ARGS__, NULL}))

static void any_order(void **state)
{
    struct common common;

    (void)state;
    assert_string_equal(SCAN(false, "a", "--output", "x", "b", "-d"), "1=a 111=x 1=b 100= ");
    assert_string_equal(SCAN(false, "--output=x=y", "-oz", "-do", "-"),
                        "111=x=y 111=z 100= 111=- ");
    assert_string_equal(SCAN(false, "-", "--", "-d", "--"), "1=- 1=-d 1=-- ");
    assert_string_equal(SCAN(false, "-o", "-d"), "111=-d ");
    assert_string_equal(SCAN(false, "", "--output="), "1= 111= ");
}

/* search -not: letters stand alone there. */
static void dashes_may_begin_words(void **state)
{
    struct common common;

    (void)state;
    dash_words = true;
    assert_string_equal(SCAN(false, "a", "-not", "-d", "-dq", "-7", "-x", "-q", "-o", "-y", "-"),
                        "1=a 1=-not 100= 1=-dq 1=-7 1=-x 111=-y 1=- ");
    assert_true(common.quiet);
    dash_words = false;
}

static void common_ones_are_taken(void **state)
{
    struct common common;

    (void)state;
    assert_string_equal(
        SCAN(false, "--json", "a", "-qv0d", "--color=never", "--limit", "7", "--timeout", "9"),
        "1=a 100= ");
    assert_true(common.json && common.quiet && common.verbose && common.nul);
    assert_int_equal(common.color, COLOR_NEVER);
    assert_int_equal(common.limit, 7);
    assert_int_equal(common.timeout_s, 9);
}

static void settings_have_flags(void **state)
{
    struct common common;
    char want[64];

    (void)state;
    snprintf(want, sizeof want, "%d=77 %d= ", OPT_CONF + CONF_PORT, OPT_CONF + CONF_HIDDEN);
    assert_string_equal(SCAN(true, "--port", "77", "--hidden"), want);
    assert_string_equal(SCAN(false, "--port"), "!unknown option --port");
}

static void wrong_ones_are_refused(void **state)
{
    struct common common;

    (void)state;
    assert_string_equal(SCAN(false, "a", "--nope"), "1=a !unknown option --nope");
    assert_string_equal(SCAN(false, "-dx"), "100= !unknown option -x");
    assert_string_equal(SCAN(false, "--o"), "!unknown option --o");
    assert_string_equal(SCAN(false, "--=x"), "!unknown option --");
    assert_string_equal(SCAN(false, "---"), "!unknown option ---");
    assert_string_equal(SCAN(false, "--\x1b[2J=x"), "!unknown option --\\x1b[2J");
    assert_string_equal(SCAN(false, "-o"), "!--output needs a value");
    assert_string_equal(SCAN(false, "--detach=1"), "!--detach takes no value");
    assert_string_equal(SCAN(false, "--limit", "0"),
                        "!--limit takes a number from 1 to 1000000, not '0'");
    assert_string_equal(SCAN(false, "--color", "red"),
                        "!--color takes auto, always or never, not 'red'");
}

static void distance_counts_slips(void **state)
{
    (void)state;
    assert_int_equal(opt_distance("search", "search"), 0);
    assert_int_equal(opt_distance("serch", "search"), 1);
    assert_int_equal(opt_distance("saerch", "search"), 1);
    assert_int_equal(opt_distance("stat", "status"), 2);
    assert_int_equal(opt_distance("", "abc"), 3);
    assert_int_equal(opt_distance("a word that is longer than any", "x"), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order),
        cmocka_unit_test(dashes_may_begin_words),
        cmocka_unit_test(common_ones_are_taken),
        cmocka_unit_test(settings_have_flags),
        cmocka_unit_test(wrong_ones_are_refused),
        cmocka_unit_test(distance_counts_slips),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
