/* base/err: codes, texts that are cut and never overrun, the list's names. */
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

static void an_error_has_code_and_text(void **state)
{
    struct err e = {.sys = 5, .hint = "old"};

    (void)state;
    assert_int_equal(err_set(&e, ERR_USAGE, "unknown option %s", "--x"), -ERR_USAGE);
    assert_int_equal(e.code, ERR_USAGE);
    assert_int_equal(e.sys, 0);
    assert_string_equal(e.text, "unknown option --x");
    assert_string_equal(e.hint, "");
    err_hint(&e, "try %d", 1);
    assert_string_equal(e.hint, "try 1");
}

static void the_systems_reason_follows(void **state)
{
    struct err e;
    char want[128];

    (void)state;
    assert_int_equal(err_sys(&e, ERR_USAGE, EACCES, "cannot open %s", "x"), -ERR_USAGE);
    assert_int_equal(e.sys, EACCES);
    snprintf(want, sizeof want, "cannot open x: %s", strerror(EACCES));
    assert_string_equal(e.text, want);
    assert_int_equal(err_sys(&e, ERR_USAGE, ENOSPC, "x"),
                     -ERR_IO); /* a full disk is never a usage error */
    assert_int_equal(err_sys(&e, ERR_NO_PEER, EDQUOT, "x"), -ERR_IO);
    assert_int_equal(e.code, ERR_IO);
}

static void long_texts_are_cut(void **state)
{
    char longer[2000];
    struct err e;

    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    err_set(&e, ERR_IO, "%s", longer);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    err_sys(&e, ERR_IO, EIO, "%s", longer);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    err_hint(&e, "%s", longer);
    assert_int_equal(strlen(e.hint), sizeof e.hint - 1);
}

static void every_code_has_name_and_meaning(void **state)
{
    (void)state;
    assert_string_equal(err_name(ERR_NOT_FOUND), "ERR_NOT_FOUND");
    assert_string_equal(err_name(ERR_INTERRUPTED), "ERR_INTERRUPTED");
    assert_string_equal(err_name(0), "ERR_NONE");
    assert_string_equal(err_name(77), "unknown");
    assert_string_equal(err_meaning(ERR_IO), "disk full or I/O error");
    assert_string_equal(err_meaning(-1), "unknown");
    assert_int_equal(ERR_INTERRUPTED, 130); /* codes are exit statuses */
    assert_int_equal(ERR_TIMEOUT, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_has_code_and_text),
        cmocka_unit_test(the_systems_reason_follows),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(every_code_has_name_and_meaning),
    };

    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
