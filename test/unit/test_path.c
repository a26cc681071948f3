/* core/path: what is refused, what is shown, one name has one escaped form. */
#include "base/limits.h"
#include "core/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define STR(s) s, sizeof(s) - 1

static void paths_are_judged(void **state)
{
    static const struct {
        const char *path;
        size_t len;
        enum path_fault fault;
    } row[] = {
        {STR("a"), PATH_OK},
        {STR("a/b/c.txt"), PATH_OK},
        {STR("..."), PATH_OK},
        {STR(".hidden/..x"), PATH_OK},
        {STR(" / "), PATH_OK},
        {STR("a\\..\\b"), PATH_OK}, /* a backslash is a byte like any other */
        {STR("\xff\x01\n"), PATH_OK},
        {STR(""), PATH_EMPTY},
        {STR("a//b"), PATH_EMPTY},
        {STR("a/"), PATH_EMPTY},
        {STR("/"), PATH_ABSOLUTE},
        {STR("/etc/passwd"), PATH_ABSOLUTE},
        {STR("//a"), PATH_ABSOLUTE},
        {STR("."), PATH_DOTS},
        {STR(".."), PATH_DOTS},
        {STR("../x"), PATH_DOTS},
        {STR("a/../b"), PATH_DOTS},
        {STR("a/./b"), PATH_DOTS},
        {STR("a/.."), PATH_DOTS},
        {STR("a\0b"), PATH_NUL},
        {STR("a/..\0"), PATH_NUL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (path_check(row[i].path, row[i].len) != row[i].fault)
            fail_msg("row %zu: %s", i, path_fault_text(path_check(row[i].path, row[i].len)));
}

static void bounds_are_exact(void **state)
{
    char path[PATH_LEN_MAX + 2];

    (void)state;
    memset(path, 'a', sizeof path);
    assert_int_equal(path_check_name(path, NAME_LEN_MAX), PATH_OK);
    assert_int_equal(path_check_name(path, NAME_LEN_MAX + 1), PATH_LONG);
    assert_int_equal(path_check(path, NAME_LEN_MAX), PATH_OK);
    assert_int_equal(path_check(path, NAME_LEN_MAX + 1), PATH_LONG);
    for (size_t i = 200; i < sizeof path; i += 200)
        path[i] = '/';
    assert_int_equal(path_check(path, PATH_LEN_MAX), PATH_OK);
    assert_int_equal(path_check(path, PATH_LEN_MAX + 1), PATH_LONG);
    for (size_t i = 1; i < sizeof path; i += 2)
        path[i] = '/';
    assert_int_equal(path_check(path, 2 * PATH_DEPTH_MAX - 1), PATH_OK);
    assert_int_equal(path_check(path, 2 * PATH_DEPTH_MAX + 1), PATH_DEEP);
}

static void a_name_is_one_component(void **state)
{
    (void)state;
    assert_int_equal(path_check_name(STR("a b")), PATH_OK);
    assert_int_equal(path_check_name(STR("")), PATH_EMPTY);
    assert_int_equal(path_check_name(STR("a/b")), PATH_SLASH);
    assert_int_equal(path_check_name(STR("/")), PATH_SLASH);
    assert_int_equal(path_check_name(STR("..")), PATH_DOTS);
    assert_int_equal(path_check_name(STR("a\0")), PATH_NUL);
}

static void every_fault_has_a_text(void **state)
{
    (void)state;
    for (int f = PATH_OK; f <= PATH_SLASH; f++)
        assert_string_not_equal(path_fault_text((enum path_fault)f), "unknown fault");
    assert_string_equal(path_fault_text(PATH_DOTS), "a component is '.' or '..'");
}

static void assert_shown(const char *text, size_t len, const char *want)
{
    struct buf b = {0};
    char fixed[4096];

    buf_str(&b, "before");
    assert_string_equal(show(&b, text, len), want);
    assert_int_equal(b.len, 6 + strlen(want));
    assert_string_equal(show_to(fixed, sizeof fixed, text, len), want);
    buf_free(&b);
}

static void foreign_text_is_made_safe(void **state)
{
    (void)state;
    assert_shown(STR(""), "");
    assert_shown(STR("Käse & <b>.txt"), "Käse & <b>.txt");
    assert_shown(STR("日本 🎬"), "日本 🎬");
    assert_shown(STR("a\x1b[31mred"), "a\\x1b[31mred");
    assert_shown(STR("a\nb\tc\rd\x7f"), "a\\x0ab\\x09c\\x0dd\\x7f");
    assert_shown(STR("nul\0end"), "nul\\x00end");
    assert_shown(STR("\xc2\x9b"
                     "31m"),
                 "\\xc2\\x9b31m"); /* C1: CSI */
    assert_shown(STR("a\xe2\x80\xa8z"), "a\\xe2\\x80\\xa8z");
    assert_shown(STR("cod\xe2\x80\xae"
                     "gpj.exe"),
                 "cod\\u{202e}gpj.exe");
    assert_shown(STR("a\xe2\x80\x8b"
                     "b"),
                 "a\\u{200b}b");
    assert_shown(STR("\xef\xbb\xbfx"), "\\u{feff}x");
    assert_shown(STR("\xc2\xadx"), "\\u{ad}x");
    assert_shown(STR("\xf3\xa0\x81\x81"), "\\u{e0041}"); /* a tag letter */
    assert_shown(STR("\xf0\x93\x90\xb0"), "\\u{13430}"); /* a format character outside the table */
    assert_shown(STR("\xcd\xb8"), "\\u{378}");           /* unassigned: of unknown width */
    assert_shown(STR("\xff\xc0\xaf\xed\xa0\x80"), "\\xff\\xc0\\xaf\\xed\\xa0\\x80");
    assert_shown(STR("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"); /* over U+10FFFF */
    assert_shown(STR("\xe2\x82"), "\\xe2\\x82");                   /* cut short */
}

static void marks_do_not_pile_up(void **state)
{
    (void)state;
#define ACUTE "\xcc\x81"
    assert_shown(STR("e" ACUTE), "e" ACUTE);
    assert_shown(STR("e" ACUTE ACUTE ACUTE ACUTE "x"), "e" ACUTE ACUTE ACUTE ACUTE "x");
    assert_shown(STR("e" ACUTE ACUTE ACUTE ACUTE ACUTE ACUTE "x"), "e" ACUTE ACUTE ACUTE ACUTE "x");
    assert_shown(STR(ACUTE "x"), "\\u{301}x"); /* would sit on what stands before the name */
}

static void long_text_is_cut(void **state)
{
    char text[SHOW_COLUMNS_MAX + 2], want[SHOW_COLUMNS_MAX + 1], wide[3 * SHOW_COLUMNS_MAX];
    struct buf b = {0};
    size_t len;

    (void)state;
    memset(text, 'a', sizeof text);
    memset(want, 'a', sizeof want);
    want[SHOW_COLUMNS_MAX] = '\0';
    assert_shown(text, SHOW_COLUMNS_MAX, want);
    memcpy(want + SHOW_COLUMNS_MAX - 3, "...", 3);
    assert_shown(text, SHOW_COLUMNS_MAX + 1, want);

    for (size_t i = 0; i < sizeof wide; i += 3)
        memcpy(wide + i, "\xe6\x97\xa5", 3); /* two columns each */
    show(&b, wide, sizeof wide);
    assert_int_equal(path_columns(b.data, b.len), SHOW_COLUMNS_MAX - 1);
    assert_string_equal(b.data + b.len - 3, "...");

    buf_reset(&b);
    memset(wide, 0xff, sizeof wide);
    show(&b, wide, sizeof wide);
    len = (SHOW_COLUMNS_MAX - 3) / 4 * 4; /* no half escape */
    assert_int_equal(b.len, len + 3);
    buf_free(&b);
}

static void a_small_buffer_cuts_between_characters(void **state)
{
    char out[8];

    (void)state;
    assert_string_equal(show_to(out, 8, STR("abcdefg")), "abcdefg");
    assert_string_equal(show_to(out, 8, STR("abcdefgh")), "abcd...");
    assert_string_equal(show_to(out, 8, STR("abc\xc3\xa4\xc3\xa4")), "abc\xc3\xa4\xc3\xa4");
    assert_string_equal(show_to(out, 8, STR("abc\xc3\xa4\xc3\xa4z")), "abc...");
    assert_string_equal(show_to(out, 8, STR("ab\nd\n")), "ab...");
    assert_string_equal(show_to(out, 3, STR("abc")), "");
    assert_string_equal(show_to(out, 1, STR("abc")), "");
    assert_string_equal(show_to(out, 0, STR("abc")), "");
}

static void assert_escaped(const char *name, size_t len, const char *want)
{
    struct buf b = {0};
    char back[64];
    size_t back_len;

    path_escape(&b, name, len);
    assert_string_equal(b.data, want);
    assert_true(path_unescape(back, sizeof back, &back_len, b.data, b.len));
    assert_int_equal(back_len, len);
    assert_memory_equal(back, name, len);
    buf_free(&b);
}

static void names_survive_the_manifest(void **state)
{
    (void)state;
    assert_escaped(STR("plain name.txt"), "plain name.txt");
    assert_escaped(STR("Käse"), "Käse");
    assert_escaped(STR("a\\b"), "a\\x5cb");
    assert_escaped(STR("a\nb\rc\x1b\x7f"), "a\\x0ab\\x0dc\\x1b\\x7f");
    assert_escaped(STR("nul\0"), "nul\\x00");
    assert_escaped(STR("\xff\xc3(\xe2\x82"), "\\xff\\xc3(\\xe2\\x82");
    assert_escaped(STR("\xc2\x85"),
                   "\xc2\x85"); /* valid UTF-8: kept, whatever it does on a terminal */
    assert_escaped(STR(""), "");
}

static void only_one_form_is_taken(void **state)
{
    static const char *const bad[] = {
        "\\",    "a\\x", "\\x4",  "\\xg0",      "\\x0A",
        "\\X0a", "\\n",  "\\x61", "\\xc3\\xa4", /* are plain when written so */
        "a\nb",  "\x7f", "\xff",  "\xc3",       "\\x5c\\x5",
    };
    char out[64];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (path_unescape(out, sizeof out, &len, bad[i], strlen(bad[i])))
            fail_msg("taken: row %zu", i);
    assert_true(path_unescape(out, 3, &len, STR("ab\\x0a")));
    assert_int_equal(len, 3);
    assert_false(path_unescape(out, 2, &len, STR("ab\\x0a")));
}

static void unshared_names_are_known(void **state)
{
    (void)state;
    assert_true(path_is_hidden(STR(".a")));
    assert_false(path_is_hidden(STR("a.")));
    assert_false(path_is_hidden(STR("")));
    assert_true(path_is_partial(STR("film.mkv.part")));
    assert_true(path_is_partial(STR("x.CRDOWNLOAD")));
    assert_true(path_is_partial(STR("notes.txt~")));
    assert_true(path_is_partial(STR(".~lock.a.odt#")));
    assert_true(path_is_partial(STR(".film.mkv.iwant-part")));
    assert_false(path_is_partial(STR("film.iwant-part")));
    assert_false(path_is_partial(STR("part")));
    assert_false(path_is_partial(STR("a.part2")));
    assert_false(path_is_partial(STR("")));
    assert_true(path_looks_secret(STR("id_rsa")));
    assert_true(path_looks_secret(STR("id_ed25519.bak")));
    assert_true(path_looks_secret(STR("Server.PEM")));
    assert_true(path_looks_secret(STR("x.key")));
    assert_true(path_looks_secret(STR("pass.kdbx")));
    assert_true(path_looks_secret(STR("wallet.dat")));
    assert_false(path_looks_secret(STR("id_rsa.pub")));
    assert_false(path_looks_secret(STR("monkey")));
    assert_false(path_looks_secret(STR("key.txt")));
    assert_false(path_looks_secret(STR("wallet.dat.txt")));
    assert_false(path_looks_secret(STR("")));
}

static void columns_are_counted(void **state)
{
    (void)state;
    assert_int_equal(path_columns(STR("")), 0);
    assert_int_equal(path_columns(STR("abc")), 3);
    assert_int_equal(path_columns(STR("日本")), 4);
    assert_int_equal(path_columns(STR("e" ACUTE)), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_judged),
        cmocka_unit_test(bounds_are_exact),
        cmocka_unit_test(a_name_is_one_component),
        cmocka_unit_test(every_fault_has_a_text),
        cmocka_unit_test(foreign_text_is_made_safe),
        cmocka_unit_test(marks_do_not_pile_up),
        cmocka_unit_test(long_text_is_cut),
        cmocka_unit_test(a_small_buffer_cuts_between_characters),
        cmocka_unit_test(names_survive_the_manifest),
        cmocka_unit_test(only_one_form_is_taken),
        cmocka_unit_test(unshared_names_are_known),
        cmocka_unit_test(columns_are_counted),
    };

    return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
