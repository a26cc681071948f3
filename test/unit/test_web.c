/* svc/web: who gets at the page and at the owner's routes. What plays, and the routes, are fakes.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "io/loop.h"
#include "svc/play.h"
#include "svc/web.h"
#include "svc/web_files.h"
#include "web_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct {
    struct web *web;
    uint16_t port;
    atomic_int asked, played;
} t;

void play_request(struct play *p, struct http_request *rq)
{
    (void)p;
    t.played++;
    http_reply_text(rq, 200, "bytes");
}

static void api(void *ctx, struct http_request *rq)
{
    (void)ctx;
    t.asked++;
    http_reply_text(rq, 200, "{}");
}

static int setup(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    t.web = web_new(&(struct web_conf){0});
    web_api(t.web, api, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    web_free(t.web);
    return 0;
}

/* The ticket of a new URL; the port is kept. */
static const char *ticket(void)
{
    static char text[64];
    struct buf url = {0};
    struct err e;
    unsigned port;

    assert_int_equal(web_open(t.web, &url, &e), 0);
    assert_int_equal(sscanf(url.data, "http://127.0.0.1:%u/#%32[0-9a-f]", &port, text), 2);
    t.port = (uint16_t)port;
    buf_free(&url);
    return text;
}

/* Status of a request under our own name and origin; its body in *body unless NULL. */
static int ask(const char *method, const char *path, const char *extra, const char *sent,
               struct buf *body)
{
    struct buf head = {0}, answer = {0};
    int status, fd;

    buf_printf(&head, "Host: 127.0.0.1:%u\r\n%s", t.port, extra);
    if (sent)
        buf_printf(&head, "Origin: http://127.0.0.1:%u\r\nContent-Length: %zu\r\n", t.port,
                   strlen(sent));
    fd = web_connect(t.port);
    if (fd >= 0) {
        struct buf b = {0};

        buf_printf(&b, "%s %s HTTP/1.1\r\n%sConnection: close\r\n\r\n%s", method, path, head.data,
                   sent ? sent : "");
        assert_int_equal(write(fd, b.data, b.len), b.len);
        buf_free(&b);
    }
    status = fd < 0 ? -1 : web_answer(fd, &answer);
    if (body)
        buf_str(body, buf_cstr(&answer));
    buf_free(&head);
    buf_free(&answer);
    return status;
}

/* "Authorization: ..." of a new session. */
static char *session(void)
{
    static char header[96];
    struct buf b = {0};
    const char *at;

    assert_int_equal(ask("POST", "/session", "", ticket(), &b), 200);
    at = strstr(b.data, "{\"token\":\"");
    assert_non_null(at);
    snprintf(header, sizeof header, "Authorization: Bearer %.32s\r\n",
             at + strlen("{\"token\":\""));
    buf_free(&b);
    return header;
}

static void test_files(void **state)
{
    static const char *const paths[] = {"/", "/page.css", "/page.js", "/icon.svg"};
    struct web_file f;
    struct buf b = {0};

    (void)state;
    (void)ticket();
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        buf_reset(&b);
        assert_int_equal(ask("GET", paths[i], "", NULL, &b), 200);
        assert_true(web_file(paths[i], &f));
        assert_true(f.len > 100);
        assert_memory_equal(web_body(&b), f.data, f.len);
        assert_non_null(strstr(b.data, "default-src 'none'; script-src 'self'"));
        assert_non_null(strstr(b.data, "frame-ancestors 'none'"));
        assert_non_null(strstr(b.data, "X-Content-Type-Options: nosniff"));
        assert_null(strstr(b.data, "unsafe"));
    }
    assert_int_equal(ask("GET", "/other", "", NULL, NULL), 404);
    assert_int_equal(ask("GET", "/../page.js", "", NULL, NULL), 404);
    assert_int_equal(ask("PUT", "/", "", "x", NULL), 405);
    assert_int_equal(ask("DELETE", "/", "", NULL, NULL), 405);
    buf_free(&b);
}

static void test_ticket(void **state)
{
    char one[64];

    (void)state;
    snprintf(one, sizeof one, "%s", ticket());
    assert_int_equal(ask("POST", "/session", "", "", NULL), 403);
    assert_int_equal(ask("POST", "/session", "", "00000000000000000000000000000000", NULL), 403);
    assert_int_equal(ask("POST", "/session", "", "zz", NULL), 403);
    one[0] = (char)(one[0] == '0' ? '1' : '0');
    assert_int_equal(ask("POST", "/session", "", one, NULL), 403);
    snprintf(one, sizeof one, "%s", ticket());
    assert_int_equal(ask("POST", "/session", "", one, NULL), 200);
    assert_int_equal(ask("POST", "/session", "", one, NULL), 403); /* once */
    for (unsigned i = 0; i < WEB_TICKETS_MAX; i++)                 /* older ones give way */
        snprintf(one, sizeof one, "%s", ticket());
    assert_int_equal(ask("POST", "/session", "", one, NULL), 200);
}

static void test_session(void **state)
{
    char first[96], *s;

    (void)state;
    snprintf(first, sizeof first, "%s", session());
    assert_int_equal(ask("GET", "/v1/status", "", NULL, NULL), 401);
    assert_int_equal(ask("GET", "/v1/status", "Authorization: Bearer x\r\n", NULL, NULL), 401);
    assert_int_equal(ask("GET", "/v1/status",
                         "Authorization: Bearer 00000000000000000000000000000000\r\n", NULL, NULL),
                     401);
    assert_int_equal(t.asked, 0);
    assert_int_equal(ask("GET", "/v1/status", first, NULL, NULL), 200);
    assert_int_equal(ask("POST", "/v1/downloads", first, "{}", NULL), 200);
    assert_int_equal(t.asked, 2);
    for (unsigned i = 0; i < WEB_SESSIONS_MAX; i++)
        s = session();
    assert_int_equal(ask("GET", "/v1/status", s, NULL, NULL), 200);
    assert_int_equal(ask("GET", "/v1/status", first, NULL, NULL), 401); /* the oldest gave way */
    snprintf(first, sizeof first, "%s", s);
    assert_int_equal(web_shut(t.web), WEB_SESSIONS_MAX);
    assert_int_equal(ask("GET", "/", "", NULL, NULL), -1);
    (void)ticket();
    assert_int_equal(ask("GET", "/v1/status", first, NULL, NULL), 401);
}

/* Another name that leads here (DNS rebinding), another page (CSRF). */
static void test_strangers(void **state)
{
    char extra[300];
    const char *s;
    static const char *const hosts[] = {"evil.example", "127.0.0.1", "127.0.0.1:1",
                                        "localhost.evil.example", "[::1]:80"};

    (void)state;
    s = session();
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        snprintf(extra, sizeof extra, "Host: %s\r\n%s", hosts[i], s);
        assert_int_equal(web_status(t.port, "GET", "/v1/status", extra), 421);
        assert_int_equal(web_status(t.port, "GET", "/", extra), 421);
    }
    snprintf(extra, sizeof extra, "Host: LOCALHOST:%u\r\n%s", t.port, s);
    assert_int_equal(web_status(t.port, "GET", "/v1/status", extra), 200);
    snprintf(extra, sizeof extra, "%sOrigin: http://evil.example\r\n", s);
    assert_int_equal(ask("GET", "/v1/status", extra, NULL, NULL), 403);
    snprintf(extra, sizeof extra, "%sOrigin: null\r\n", s);
    assert_int_equal(ask("GET", "/v1/status", extra, NULL, NULL), 403);
    snprintf(extra, sizeof extra, "%sSec-Fetch-Site: cross-site\r\n", s);
    assert_int_equal(ask("GET", "/v1/status", extra, NULL, NULL), 403);
    snprintf(extra, sizeof extra, "%sSec-Fetch-Site: same-site\r\n", s); /* another port */
    assert_int_equal(ask("POST", "/v1/downloads", extra, "{}", NULL), 403);
    snprintf(extra, sizeof extra, "Host: 127.0.0.1:%u\r\n%sContent-Length: 0\r\n", t.port, s);
    assert_int_equal(web_status(t.port, "POST", "/v1/downloads", extra), 403); /* no Origin */
    assert_int_equal(t.asked, 1);
}

static void test_play(void **state)
{
    (void)state;
    (void)ticket();
    assert_int_equal(ask("GET", "/00112233445566778899aabbccddeeff/film.mkv", "", NULL, NULL), 200);
    assert_int_equal(t.played, 1);
    assert_int_equal(ask("POST", "/00112233445566778899aabbccddeeff/film.mkv", "", "", NULL), 404);
    assert_int_equal(ask("GET", "/00112233445566778899aabbccddeeff/film.mkv",
                         "Sec-Fetch-Site: cross-site\r\n", NULL, NULL),
                     403);
    assert_int_equal(t.played, 1);
}

static void test_stop(void **state)
{
    struct buf url = {0};
    struct err e;

    (void)state;
    (void)ticket();
    web_stop(t.web);
    assert_int_equal(ask("GET", "/", "", NULL, NULL), -1);
    assert_int_equal(web_open(t.web, &url, &e), -ERR_NO_SERVICE);
    buf_free(&url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ticket, setup, teardown),
        cmocka_unit_test_setup_teardown(test_session, setup, teardown),
        cmocka_unit_test_setup_teardown(test_strangers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_play, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
