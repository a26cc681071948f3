/* svc/query, svc/url: what is asked survives the way through a URL; what is wrong is said. */
#include "svc/query.h"
#include "svc/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct query parsed(const char *args)
{
    struct query q;
    struct err e = {0};

    if (query_parse(&q, args, &e))
        fail_msg("%s: %s", args, e.text);
    return q;
}

static void everything_is_read(void **state)
{
    struct query q = parsed("q=big+buck%20bunny&type=video&ext=.mkv&larger=1G&smaller=1.5G&newer=7d"
                            "&peer=Eva%27s&in=Films&offset=20&limit=10");
    struct search_query s;

    (void)state;
    assert_string_equal(q.text, "big buck bunny");
    assert_string_equal(q.type, "video");
    assert_string_equal(q.ext, "mkv");
    assert_int_equal(q.larger, 1ull << 30);
    assert_int_equal(q.smaller, 3ull << 29);
    assert_int_equal(q.newer_s, 7 * 86400);
    assert_string_equal(q.peer, "Eva's");
    assert_string_equal(q.in, "Films");
    assert_int_equal(q.offset, 20);
    assert_int_equal(q.limit, 10);
    query_search(&q, 1000000000, &s);
    assert_int_equal(s.newer_s, 1000000000 - 7 * 86400);
    assert_int_equal(s.len, 14);
    assert_null(s.peer);
    q = parsed("newer=7d&newer=@1234567890");
    query_search(&q, 2000000000, &s);
    assert_int_equal(s.newer_s, 1234567890);
    q = parsed("newer=@1234567890&newer=7d");
    query_search(&q, 2000000000, &s);
    assert_int_equal(s.newer_s, 2000000000 - 7 * 86400);
}

static void nothing_is_the_default(void **state)
{
    struct query q = parsed("&&q=&type=&larger=&limit=");
    struct search_query s;

    (void)state;
    query_search(&q, 5, &s);
    assert_int_equal(s.len, 0);
    assert_null(s.type);
    assert_null(s.ext);
    assert_null(s.in);
    assert_int_equal(s.larger, 0);
    assert_true(s.smaller == UINT64_MAX);
    assert_true(s.newer_s == INT64_MIN);
    assert_int_equal(s.limit, QUERY_LIMIT);
}

static void it_comes_back_from_a_url(void **state)
{
    static const char *const args[] = {
        "",
        "q=a",
        "q=%22a+b%22+-c%26d%3De%25+%2B",
        "q=%c3%a9&in=%ff%fe",
        "limit=200&offset=1000000",
        "q=x&newer=@0",
        "newer=@1767225600&limit=7",
        "q=x&type=dir&ext=tar.gz&larger=1&smaller=2&newer=1s&peer=p&in=i&offset=3&limit=4",
    };

    (void)state;
    for (size_t n = 0; n < sizeof args / sizeof *args; n++) {
        struct query q = parsed(args[n]), again;
        struct buf path = {0};

        query_path(&q, &path);
        assert_memory_equal(path.data, "/v1/search", 10);
        assert_true(path.data[10] == '?' || path.len == 10);
        again = parsed(path.data + 10 + (path.len > 10));
        assert_memory_equal(&q, &again, sizeof q);
        buf_free(&path);
    }
}

static void what_is_wrong_is_said(void **state)
{
    static const char *const bad[][2] = {
        {"larger=big", "larger"},
        {"smaller=-1", "smaller"},
        {"newer=yesterday", "newer"},
        {"newer=0", "newer"},
        {"newer=@", "'@'"},
        {"newer=@-5", "'@-5'"},
        {"newer=@99999999999999999999", "newer"},
        {"larger=%1b[2J", "\\x1b[2J"},
        {"type=movie", "type"},
        {"limit=0", "limit"},
        {"limit=201", "200"},
        {"offset=-1", "offset"},
        {"q=%4", "encoded"},
        {"q=%zz", "encoded"},
        {"q=a%00b", "encoded"},
        {"colour=red", "colour"},
        {"q=a&limit=ten", "limit"},
        {"=x", "parameter"},
        {"%1b[31m=1", "\\x1b"},
    };
    char long_name[400] = "peer=";
    struct query q;
    struct err e;

    (void)state;
    for (size_t n = 0; n < sizeof bad / sizeof *bad; n++) {
        e = (struct err){0};
        if (query_parse(&q, bad[n][0], &e) != -ERR_USAGE)
            fail_msg("accepted: %s", bad[n][0]);
        if (!strstr(e.text, bad[n][1]))
            fail_msg("%s: %s", bad[n][0], e.text);
    }
    memset(long_name + 5, 'x', PEER_NAME_MAX);
    assert_int_equal(query_parse(&q, long_name, &e), 0);
    long_name[5 + PEER_NAME_MAX] = 'x';
    assert_int_equal(query_parse(&q, long_name, &e), -ERR_USAGE);
}

static void a_long_question_is_cut(void **state)
{
    char text[2 * QUERY_LEN_MAX + 1];
    struct query q;
    struct err e;

    (void)state;
    memset(text, 'w', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    query_init(&q);
    assert_int_equal(query_set(&q, "q", text, &e), 0);
    assert_int_equal(strlen(q.text), QUERY_LEN_MAX);
}

static void what_chooses_is_known(void **state)
{
    static const char *const filters[] = {"type=dir", "ext=a",    "larger=1", "smaller=1",
                                          "newer=1d", "newer=@0", "peer=p",   "in=i"};
    struct query q = parsed("q=x&limit=3&offset=9");

    (void)state;
    assert_false(query_filters(&q));
    for (size_t n = 0; n < sizeof filters / sizeof *filters; n++) {
        q = parsed(filters[n]);
        assert_true(query_filters(&q));
    }
}

static void names_are_listed(void **state)
{
    struct query q;
    struct err e;
    size_t n = 0;

    (void)state;
    for (query_init(&q); query_name(n); n++)
        assert_int_equal(query_set(&q, query_name(n), "", &e), 0);
    assert_int_equal(n, 10);
}

static void pairs_of_a_url(void **state)
{
    struct buf name = {0}, value = {0};
    const char *at = "a=1&&b&=c&d=%3d=&e=";

    (void)state;
    assert_int_equal(url_next(&at, &name, &value), 1);
    assert_string_equal(buf_cstr(&name), "a");
    assert_string_equal(buf_cstr(&value), "1");
    assert_int_equal(url_next(&at, &name, &value), 1);
    assert_string_equal(buf_cstr(&name), "b");
    assert_string_equal(buf_cstr(&value), "");
    assert_int_equal(url_next(&at, &name, &value), 1);
    assert_string_equal(buf_cstr(&name), "");
    assert_string_equal(buf_cstr(&value), "c");
    assert_int_equal(url_next(&at, &name, &value), 1);
    assert_string_equal(buf_cstr(&value), "==");
    assert_int_equal(url_next(&at, &name, &value), 1);
    assert_string_equal(buf_cstr(&value), "");
    assert_int_equal(url_next(&at, &name, &value), 0);
    buf_free(&name);
    buf_free(&value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_read),       cmocka_unit_test(nothing_is_the_default),
        cmocka_unit_test(it_comes_back_from_a_url), cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(a_long_question_is_cut),   cmocka_unit_test(what_chooses_is_known),
        cmocka_unit_test(names_are_listed),         cmocka_unit_test(pairs_of_a_url),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
