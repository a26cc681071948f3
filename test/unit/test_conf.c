/* core/conf: settings from four sources, the file read strictly and edited gently. */
#include "base/limits.h"
#include "base/rng.h"
#include "base/str.h"
#include "core/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int set(struct conf *c, enum conf_key key, const char *text, enum conf_source source)
{
    struct err e = {0};
    int rc = conf_set(c, key, text, source, &e);

    if (rc) {
        assert_int_equal(rc, -ERR_USAGE);
        assert_non_null(strstr(e.text, conf_row(key)->name));
    }
    return rc;
}

static void assert_canon(enum conf_key key, const char *text, const char *want)
{
    struct conf c;

    conf_init(&c);
    if (want) {
        assert_int_equal(set(&c, key, text, CONF_FLAG), 0);
        assert_string_equal(conf_text(&c, key), want);
    } else {
        assert_int_not_equal(set(&c, key, text, CONF_FLAG), 0);
        assert_int_equal(c.source[key], CONF_DEFAULT);
    }
    conf_done(&c);
}

static void rows_are_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONF_COUNT; i++) {
        const struct conf_row *r = conf_row((enum conf_key)i);
        struct conf c;

        assert_int_equal(r->key, i);
        assert_ptr_equal(conf_by_name(r->section, r->name), r);
        assert_true(!strncmp(r->env, "IWANT_", 6));
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(r->flag, conf_row((enum conf_key)k)->flag);
            assert_string_not_equal(r->env, conf_row((enum conf_key)k)->env);
        }
        conf_init(&c);
        if (r->fallback) /* a default is a legal value in canonical form */
            assert_canon(r->key, r->fallback, r->fallback);
        else
            assert_null(conf_text(&c, r->key));
        conf_done(&c);
    }
    assert_null(conf_by_name("Paths", "port"));
    assert_null(conf_by_name("paths", "share"));
}

static void values_become_canonical(void **state)
{
    char longest[PATH_LEN_MAX + 2];

    (void)state;
    assert_canon(CONF_SHARE, "/home/eva/Public//", "/home/eva/Public");
    assert_canon(CONF_SHARE, "/", "/");
    assert_canon(CONF_SHARE, "~/Public", "~/Public");
    assert_canon(CONF_SHARE, "/a ; b # c", "/a ; b # c");
    assert_canon(CONF_SHARE, "Public", NULL);
    assert_canon(CONF_SHARE, "~eva/Public", NULL);
    assert_canon(CONF_SHARE, "", NULL);
    assert_canon(CONF_SHARE, "/a\nb", NULL);
    assert_canon(CONF_SHARE, "/a ", NULL);
    memset(longest, 'a', sizeof longest);
    longest[0] = '/';
    longest[PATH_LEN_MAX + 1] = '\0';
    assert_canon(CONF_SHARE, longest, NULL);
    longest[PATH_LEN_MAX] = '\0';
    assert_canon(CONF_SHARE, longest, longest);
    assert_canon(CONF_PORT, "01235", "1235");
    assert_canon(CONF_PORT, "0", NULL);
    assert_canon(CONF_PORT, "65536", NULL);
    assert_canon(CONF_PORT, "-1", NULL);
    assert_canon(CONF_LIMIT_UP, "10M", "10M");
    assert_canon(CONF_LIMIT_UP, "1048576", "1M");
    assert_canon(CONF_LIMIT_UP, "1.5G", "1536M");
    assert_canon(CONF_LIMIT_UP, "700", "700");
    assert_canon(CONF_LIMIT_UP, "fast", NULL);
    assert_canon(CONF_HIDDEN, "on", "yes");
    assert_canon(CONF_HIDDEN, "0", "no");
    assert_canon(CONF_HIDDEN, "Yes", NULL);
    assert_canon(CONF_LOG_LEVEL, "debug", "debug");
    assert_canon(CONF_LOG_LEVEL, "debu", NULL);
    assert_canon(CONF_LOG_LEVEL, "warn|info", NULL);
    assert_canon(CONF_INTERFACES, " eth0 ,,wlan0, ", "eth0, wlan0");
    assert_canon(CONF_INTERFACES, "", "");
    assert_canon(CONF_INTERFACES, "a\tb", NULL);
    assert_canon(CONF_NETWORK, "", NULL);
}

static void stronger_source_stays(void **state)
{
    struct conf c;

    (void)state;
    conf_init(&c);
    assert_int_equal(set(&c, CONF_PORT, "1", CONF_ENV), 0);
    assert_int_equal(set(&c, CONF_PORT, "2", CONF_FILE), 0);
    assert_int_equal(conf_number(&c, CONF_PORT), 1);
    assert_int_not_equal(set(&c, CONF_PORT, "x", CONF_FILE), 0); /* checked all the same */
    assert_int_equal(set(&c, CONF_PORT, "3", CONF_FLAG), 0);
    assert_int_equal(conf_number(&c, CONF_PORT), 3);
    assert_int_equal(c.source[CONF_PORT], CONF_FLAG);
    conf_done(&c);
}

static void items_are_read_back(void **state)
{
    struct conf c;
    char item[8];

    (void)state;
    conf_init(&c);
    assert_false(conf_item(&c, CONF_PEERS, 0, item, sizeof item));
    assert_int_equal(set(&c, CONF_PEERS, "a:1, long-host-name,b", CONF_FILE), 0);
    assert_true(conf_item(&c, CONF_PEERS, 0, item, sizeof item));
    assert_string_equal(item, "a:1");
    assert_true(conf_item(&c, CONF_PEERS, 1, item, sizeof item));
    assert_string_equal(item, "long-ho");
    assert_true(conf_item(&c, CONF_PEERS, 2, item, sizeof item));
    assert_string_equal(item, "b");
    assert_false(conf_item(&c, CONF_PEERS, 3, item, sizeof item));
    assert_int_equal(set(&c, CONF_LIMIT_DOWN, "10M", CONF_FILE), 0);
    assert_int_equal(conf_number(&c, CONF_LIMIT_DOWN), 10 << 20);
    conf_done(&c);
}

static void file_is_read(void **state)
{
    static const char text[] = "\xef\xbb\xbf# mine\r\n[Paths]\r\n  share = /srv/a ; b = c\r\n"
                               "download=~/x\r\n\r\n[ Network ]\n;port = 1\nport = 77";
    struct conf c;
    struct err e = {0};

    (void)state;
    conf_init(&c);
    assert_int_equal(conf_read(&c, text, sizeof text - 1, "f", &e), 0);
    assert_string_equal(conf_text(&c, CONF_SHARE), "/srv/a ; b = c");
    assert_string_equal(conf_text(&c, CONF_DOWNLOAD), "~/x");
    assert_int_equal(conf_number(&c, CONF_PORT), 77);
    assert_int_equal(c.source[CONF_PORT], CONF_FILE);
    conf_done(&c);
}

static void assert_refused(const char *text, size_t len, const char *line, const char *noun)
{
    struct conf c;
    struct err e = {0};

    conf_init(&c);
    assert_int_equal(conf_read(&c, text, len, "/h/.iwant.conf", &e), -ERR_USAGE);
    assert_non_null(strstr(e.text, "/h/.iwant.conf"));
    assert_non_null(strstr(e.text, line));
    assert_non_null(strstr(e.text, noun));
    conf_done(&c);
}

static void wrong_file_names_line(void **state)
{
    static char big[CONF_LINE_MAX + 40] = "[Paths]\nshare = /";

    (void)state;
    assert_refused("[Paths]\n\nshar = /x\n", 19, "line 3", "shar");
    assert_refused("[Nothing]\n", 10, "line 1", "Nothing");
    assert_refused("share = /x\n", 11, "line 1", "share");
    assert_refused("[Network]\nport = many\n", 22, "line 2", "many");
    assert_refused("[Network]\nport = 1\nport = 2\n", 28, "line 3", "twice");
    assert_refused("[Network]\nport\n", 15, "line 2", "port");
    assert_refused("[Network\n", 9, "line 1", "[Network");
    assert_refused("[Network]\nname = a\0b\n", 21, "line 2", "name");
    assert_refused("[Network]\n\x1b[2Jx = 1\n", 19, "line 2", "\\x1b[2Jx");
    memset(big + 17, 'a', sizeof big - 18);
    assert_refused(big, sizeof big - 1, "line 2", "share");
}

static void assert_edit(const char *text, enum conf_key key, const char *value, const char *want)
{
    struct buf out = {0};

    conf_edit(&out, text, strlen(text), key, value);
    assert_string_equal(buf_cstr(&out), want);
    buf_free(&out);
}

static void edit_changes_one_line(void **state)
{
    (void)state;
    assert_edit("", CONF_SHARE, "/x", "[Paths]\nshare = /x\n");
    assert_edit("# c\n[Network]\nport = 1", CONF_SHARE, "/x",
                "# c\n[Network]\nport = 1\n\n[Paths]\nshare = /x\n");
    assert_edit("[Paths]\n# here\nshare=/a\ndownload = /b\n", CONF_SHARE, "/x",
                "[Paths]\n# here\nshare = /x\ndownload = /b\n");
    assert_edit("[Paths]\ndownload = /b\n\n# net\n[Network]\nport = 1\n", CONF_SHARE, "/x",
                "[Paths]\ndownload = /b\nshare = /x\n\n# net\n[Network]\nport = 1\n");
    assert_edit("[Paths]", CONF_SHARE, "/x", "[Paths]\nshare = /x\n");
    assert_edit("[Network]\nshare = 1\n[Paths]\n\n[Log]\n", CONF_SHARE, "/x",
                "[Network]\nshare = 1\n[Paths]\nshare = /x\n\n[Log]\n");
    assert_edit("[Paths]\n#share = /old\n", CONF_SHARE, "/x",
                "[Paths]\nshare = /x\n#share = /old\n");
}

/* Whatever the file: reading never breaks, and what was edited in is read back unless the rest is
 * wrong. */
static void noise_is_survived(void **state)
{
    static const char *const bits[] = {"[Paths]",  "[Network]",   "share", "port", "=",  " /a", "1",
                                       "\n",       "\r\n",        "#",     ";",    "\0", "[",   "]",
                                       "download", "\xef\xbb\xbf"};
    struct rng rng;

    (void)state;
    rng_seed(&rng, 7);
    for (int round = 0; round < 20000; round++) {
        struct buf text = {0}, out = {0};
        struct err e = {0};
        struct conf c;

        for (uint64_t n = rng_below(&rng, 24); n; n--) {
            uint64_t k = rng_below(&rng, sizeof bits / sizeof *bits);

            buf_add(&text, bits[k], k == 11 ? 1 : strlen(bits[k]));
        }
        conf_edit(&out, buf_cstr(&text), text.len, CONF_SHARE, "/new");
        conf_init(&c);
        if (!conf_read(&c, buf_cstr(&out), out.len, "f", &e))
            assert_string_equal(conf_text(&c, CONF_SHARE), "/new");
        else
            assert_true(e.text[0]);
        conf_done(&c);
        buf_free(&text);
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_sound),        cmocka_unit_test(values_become_canonical),
        cmocka_unit_test(stronger_source_stays), cmocka_unit_test(items_are_read_back),
        cmocka_unit_test(file_is_read),          cmocka_unit_test(wrong_file_names_line),
        cmocka_unit_test(edit_changes_one_line), cmocka_unit_test(noise_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
