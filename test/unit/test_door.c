/* svc/door: when it is open, for whom, and what it refuses. What it gives is serve's, here a fake.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "io/http_server.h"
#include "svc/door.h"
#include "svc/serve.h"
#include "svc/store.h"
#include "web_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

static const struct hash A = {{0xaa}}, B = {{0xbb}}, NOT_HERE = {{0xcc}};
static const struct nid EVA = {{1}}, TOM = {{2}};
static atomic_uint overs;

/* ---- what is behind the door ---- */

struct store_reader *store_reader_open(const char *path, struct err *e)
{
    (void)path;
    (void)e;
    return mem_alloc(1);
}

void store_reader_close(struct store_reader *r)
{
    mem_free(r);
}

int store_find(struct store_reader *r, const struct hash *hash, unsigned nth,
               struct store_content *out, struct err *e)
{
    (void)r;
    (void)nth;
    (void)e;
    if (hash_eq(hash, &NOT_HERE))
        return 0;
    *out = (struct store_content){.kind = hash_eq(hash, &B) ? 'd' : 'f', .path = mem_str("x/a b")};
    return 1;
}

void serve_link(struct serve *s, struct http_request *rq, const struct hash *h, bool folder,
                const char *rest)
{
    (void)s;
    http_reply_text(rq, 200, "%02x %s %s", h->b[0], folder ? "folder" : "file", rest);
}

void serve_link_over(struct serve *s)
{
    (void)s;
    overs++;
}

/* ---- the tests ---- */

static struct door *make(bool own, bool others)
{
    const struct door_conf conf = {.db_path = "", .own = own, .others = others};

    return door_new(&conf);
}

static struct door_link open_link(struct door *d, const struct hash *h, const struct nid *asker)
{
    struct door_link link;
    struct err e;

    if (door_open(d, h, asker, 3600, &link, &e))
        fail_msg("%s", e.text);
    return link;
}

static int status_at(const struct door_link *l, const char *method, const char *rest,
                     const char *extra)
{
    char path[200];

    snprintf(path, sizeof path, "/%s%s", l->token, rest);
    return web_status(l->port, method, path, extra);
}

static void gives_what_the_link_names(void **state)
{
    struct door *d = make(true, true);
    struct door_link file = open_link(d, &A, NULL), folder = open_link(d, &B, &EVA);
    struct buf b = {0};
    char path[100];

    (void)state;
    assert_int_equal(file.kind, 'f');
    assert_int_equal(folder.kind, 'd');
    snprintf(path, sizeof path, "/%s/sub/a%%20b", folder.token);
    assert_int_equal(web_answer(web_ask(folder.port, "GET", path, ""), &b), 200);
    assert_string_equal(web_body(&b), "bb folder sub/a b\n");
    assert_int_equal(status_at(&file, "GET", "/x", "Range: bytes=1-2\r\n"), 200);
    assert_int_equal(status_at(&file, "HEAD", "/x", ""), 200);
    buf_free(&b);
    door_free(d);
}

static void refuses_what_is_no_link(void **state)
{
    struct door *d = make(true, true);
    struct door_link l = open_link(d, &A, NULL);

    (void)state;
    assert_int_equal(web_status(l.port, "GET", "/", ""), 404);
    assert_int_equal(web_status(l.port, "GET", "/00000000000000000000000000000000/x", ""), 404);
    assert_int_equal(web_status(l.port, "GET", "/v1/catalog", ""), 404);
    assert_int_equal(status_at(&l, "GET", "", ""), 404);
    assert_int_equal(status_at(&l, "PUT", "/x", "Content-Length: 0\r\n"), 405);
    assert_int_equal(status_at(&l, "POST", "/x", "Content-Length: 0\r\n"), 405);
    assert_int_equal(status_at(&l, "DELETE", "/x", ""), 405);
    assert_int_equal(status_at(&l, "GET", "/x", "Host: evil.example\r\n"), 421);
    assert_int_equal(status_at(&l, "GET", "/x", "Host: 127.0.0.1\r\nHost: localhost\r\n"), 400);
    assert_int_equal(status_at(&l, "GET", "/x", "Host: localhost:80\r\n"), 200);
    door_free(d);
}

static void opens_for_whom_the_settings_say(void **state)
{
    struct door *all = make(true, true), *own = make(true, false), *none = make(false, false);
    struct door_link l;
    struct err e;

    (void)state;
    assert_int_equal(door_open(all, &NOT_HERE, NULL, 60, &l, &e), -ERR_NOT_FOUND);
    assert_int_equal(door_open(own, &A, &EVA, 60, &l, &e), -ERR_USAGE);
    assert_int_equal(door_open(own, &A, NULL, 60, &l, &e), 0);
    assert_int_equal(door_open(none, &A, NULL, 60, &l, &e), -ERR_USAGE);
    assert_int_equal(door_open(all, &A, &EVA, 1u << 30, &l, &e), 0);
    assert_int_equal(l.seconds, LINK_PEER_S);
    assert_int_equal(door_open(all, &A, NULL, 1u << 30, &l, &e), 0);
    assert_int_equal(l.seconds, LINK_MAX_S);
    assert_int_equal(door_open(all, &B, NULL, 1, &l, &e), 0);
    assert_int_equal(l.seconds, LINK_MIN_S);
    door_free(all);
    door_free(own);
    door_free(none);
}

static void each_asker_has_its_own(void **state)
{
    struct door *d = make(true, true);
    struct door_link owner = open_link(d, &A, NULL), eva = open_link(d, &A, &EVA),
                     tom = open_link(d, &A, &TOM), again = open_link(d, &A, &EVA);
    json_t *rows;

    (void)state;
    assert_string_equal(again.token, eva.token);
    assert_string_not_equal(eva.token, tom.token);
    assert_string_not_equal(eva.token, owner.token);
    rows = door_list(d);
    assert_int_equal(json_array_size(rows), 3);
    json_decref(rows);
    assert_int_equal(door_shut(d, &A, &EVA), 1);
    assert_int_equal(status_at(&eva, "GET", "/x", ""), 404);
    assert_int_equal(status_at(&tom, "GET", "/x", ""), 200);
    assert_int_equal(door_shut(d, &B, NULL), 0);
    assert_int_equal(door_shut(d, &A, NULL), 2);
    door_free(d);
}

static void links_are_bounded(void **state)
{
    struct door *d = make(true, true);
    struct hash h = {{0}};
    struct door_link l;
    struct err e;

    (void)state;
    for (unsigned i = 0; i < LINKS_PEER_MAX; i++) {
        h.b[1] = (uint8_t)i;
        (void)open_link(d, &h, &EVA);
    }
    h.b[2] = 1;
    assert_int_equal(door_open(d, &h, &EVA, 60, &l, &e), -ERR_EXISTS);
    assert_int_equal(door_open(d, &h, &TOM, 60, &l, &e), 0);
    assert_int_equal(door_open(d, &h, NULL, 60, &l, &e), 0);
    door_free(d);
}

/* Nobody listens when there is no link, before the first and after the last; it opens again. */
static void is_shut_without_links(void **state)
{
    struct door *d = make(true, true);
    unsigned before = overs;

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct door_link l = open_link(d, &A, NULL);

        assert_int_equal(status_at(&l, "GET", "/x", ""), 200);
        assert_int_equal(door_shut(d, NULL, NULL), 1);
        for (int tries = 0; overs == before; tries++) {
            assert_true(tries < 20000);
            usleep(1000);
        }
        before = overs;
        assert_int_equal(web_connect(l.port), -1);
    }
    (void)open_link(d, &A, NULL);
    door_free(d); /* with one open */
    assert_int_equal(overs, before + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_what_the_link_names),
        cmocka_unit_test(refuses_what_is_no_link),
        cmocka_unit_test(opens_for_whom_the_settings_say),
        cmocka_unit_test(each_asker_has_its_own),
        cmocka_unit_test(links_are_bounded),
        cmocka_unit_test(is_shut_without_links),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
