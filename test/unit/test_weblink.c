/* core/weblink, core/metalink: what a stranger's request may name, and what we write. */
#include "core/metalink.h"
#include "core/weblink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOKEN "00112233445566778899aabbccddeeff"

static void a_path_has_a_token(void **state)
{
    char token[WEBLINK_TOKEN_LEN + 1];
    const char *rest;

    (void)state;
    assert_true(weblink_split("/" TOKEN "/a b.mkv", token, &rest));
    assert_string_equal(token, TOKEN);
    assert_string_equal(rest, "a b.mkv");
    assert_true(weblink_split("/00112233445566778899AABBCCDDEEFF/", token, &rest));
    assert_string_equal(token, TOKEN);
    assert_string_equal(rest, "");
    assert_false(weblink_split("", token, &rest));
    assert_false(weblink_split("/", token, &rest));
    assert_false(weblink_split("/" TOKEN, token, &rest));
    assert_false(weblink_split("/" TOKEN "0/a", token, &rest));
    assert_false(weblink_split("/../" TOKEN "/a", token, &rest));
    assert_false(weblink_split("//" TOKEN "/a", token, &rest));
    assert_false(weblink_split("/0011223344556677889 aabbccddeeff/a", token, &rest));
}

static void tokens_compare(void **state)
{
    (void)state;
    assert_true(weblink_token_eq(TOKEN, TOKEN));
    assert_false(weblink_token_eq(TOKEN, "10112233445566778899aabbccddeeff"));
    assert_false(weblink_token_eq(TOKEN, "00112233445566778899aabbccddeefe"));
}

/* The components with '|' between, or "bad". */
static const char *parts(const char *path, char out[256])
{
    unsigned depth = 0;
    const char *part;
    size_t len;
    int more;

    *out = '\0';
    while ((more = weblink_part(&path, &depth, &part, &len)) > 0) {
        strncat(out, part, len);
        strcat(out, "|");
    }
    return more ? "bad" : out;
}

static void parts_stay_inside(void **state)
{
    char out[256], deep[200] = "";

    (void)state;
    assert_string_equal(parts("", out), "");
    assert_string_equal(parts("a", out), "a|");
    assert_string_equal(parts("a/b.c/...", out), "a|b.c|...|");
    assert_string_equal(parts("/a", out), "bad");
    assert_string_equal(parts("a//b", out), "bad");
    assert_string_equal(parts("a/", out), "bad");
    assert_string_equal(parts("..", out), "bad");
    assert_string_equal(parts(".", out), "bad");
    assert_string_equal(parts("a/../b", out), "bad");
    assert_string_equal(parts("a/./b", out), "bad");
    for (int i = 0; i < 64; i++)
        strcat(deep, "a/");
    strcat(deep, "a");
    assert_string_equal(parts(deep, out), "bad");
    assert_string_equal(parts(deep + 2, out) + 126, "a|");
}

static void hosts_are_ours(void **state)
{
    (void)state;
    assert_true(weblink_host_ok("127.0.0.1:4000", "anna"));
    assert_true(weblink_host_ok("10.0.0.7", "anna"));
    assert_true(weblink_host_ok("[fe80::1]:4000", "anna"));
    assert_true(weblink_host_ok("localhost", "anna"));
    assert_true(weblink_host_ok("LocalHost:80", "anna"));
    assert_true(weblink_host_ok("Anna:4000", "anna"));
    assert_true(weblink_host_ok("anna.local", "anna"));
    assert_false(weblink_host_ok("", "anna"));
    assert_false(weblink_host_ok(":80", ""));
    assert_false(weblink_host_ok(":80", NULL));
    assert_false(weblink_host_ok("evil.example:4000", "anna"));
    assert_false(weblink_host_ok("anna.evil.example", "anna"));
    assert_false(weblink_host_ok("anna.local.evil", "anna"));
    assert_false(weblink_host_ok("127.0.0.1.evil.example", "anna"));
    assert_false(weblink_host_ok("localhost:0", "anna"));
    assert_false(weblink_host_ok("localhost:80@evil", "anna"));
}

static void urls_are_encoded(void **state)
{
    struct addr four = {.family = 4, .ip = {10, 0, 0, 7}, .port = 1236};
    struct addr six = {.family = 6, .ip = {0x20, 1, 0xd, 0xb8, [15] = 1}, .port = 80};
    struct buf b = {0};

    (void)state;
    weblink_url(&b, &four, TOKEN, "a/b c?#%\"\xc3\xa4.mkv", strlen("a/b c?#%\"\xc3\xa4.mkv"));
    assert_string_equal(b.data, "http://10.0.0.7:1236/" TOKEN "/a/b%20c%3F%23%25%22%C3%A4.mkv");
    buf_reset(&b);
    weblink_url(&b, &six, TOKEN, "x", 1);
    assert_string_equal(b.data, "http://[2001:db8::1]:80/" TOKEN "/x");
    buf_free(&b);
}

static const char *type(const char *name)
{
    return weblink_type(name, strlen(name));
}

static void types_are_safe(void **state)
{
    (void)state;
    assert_string_equal(type("a.mkv"), "video/x-matroska");
    assert_string_equal(type("d.x/A.MP4"), "video/mp4");
    assert_string_equal(type("a.tar.mp3"), "audio/mpeg");
    assert_string_equal(type("a.html"), "application/octet-stream");
    assert_string_equal(type("a.svg"), "application/octet-stream");
    assert_string_equal(type("mkv"), "application/octet-stream");
    assert_string_equal(type("a."), "application/octet-stream");
    assert_string_equal(type(""), "application/octet-stream");
}

static void a_document_is_written(void **state)
{
    static const char name[] = "A & <B>/\"c\"\n\xff.mkv";
    struct hash h = {{0xab}};
    struct buf b = {0};

    (void)state;
    metalink_begin(&b);
    metalink_file(&b, name, strlen(name), 12, &h);
    metalink_url(&b, "http://10.0.0.7:1/t/a?b&c");
    metalink_file_end(&b);
    metalink_end(&b);
    assert_non_null(
        strstr(b.data, "<file name=\"A &amp; &lt;B&gt;/&quot;c&quot;\\x0a\\xff.mkv\">"));
    assert_non_null(strstr(b.data, "<size>12</size>"));
    assert_non_null(strstr(b.data, "<hash type=\"sha-256\">ab00"));
    assert_non_null(strstr(b.data, ">http://10.0.0.7:1/t/a?b&amp;c</url>"));
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_has_a_token),    cmocka_unit_test(tokens_compare),
        cmocka_unit_test(parts_stay_inside),     cmocka_unit_test(hosts_are_ours),
        cmocka_unit_test(urls_are_encoded),      cmocka_unit_test(types_are_safe),
        cmocka_unit_test(a_document_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
