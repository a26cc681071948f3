#include "peer_rig.h"

#include "base/rw.h"
#include "core/rows.h"

static struct peer p;
static struct store_entry big, small, sub;

static int up(void **state)
{
    char dir[128];

    rig_up(state);
    peer_up(&p, "anna", 0);
    put_file(p.share, "big.bin", (3 << 20) + 777, 1);
    put_file(p.share, "empty", 0, 0);
    snprintf(dir, sizeof dir, "%s/sub", p.share);
    mkdir(dir, 0755);
    put_file(dir, "small.txt", 1000, 2);
    put_file(dir, "other.txt", 2000, 3);
    index_all(&p);
    index_of(&p, "big.bin", &big);
    index_of(&p, "sub", &sub);
    index_of(&p, "sub/small.txt", &small);
    return 0;
}

static int down(void **state)
{
    peer_down(&p);
    return rig_down(state);
}

static char *path_of(const char *before, const struct hash *h, const char *after)
{
    static char path[160];
    char hex[65];

    hash_hex(h, hex);
    snprintf(path, sizeof path, "%s%s%s", before, hex, after);
    return path;
}

static long status_of(const char *method, const char *path)
{
    struct reply r = ask_peer(&p, (struct http_ask){.method = method, .path = path});

    buf_free(&r.body);
    return r.a.status;
}

static void test_whole_file(void **state)
{
    struct reply r = ask_peer(&p, (struct http_ask){.path = path_of("/v1/files/", &big.hash, "")});
    struct hash h;

    (void)state;
    assert_int_equal(r.a.status, 200);
    content_hash(&h, r.body.data, r.body.len);
    assert_true(hash_eq(&h, &big.hash));
    buf_free(&r.body);
}

static void test_ranges(void **state)
{
    static const struct {
        uint64_t first, len;
    } ranges[] = {{0, 1}, {0, 100}, {1 << 20, 1 << 20}, {(3 << 20) + 776, 1}, {0, (3 << 20) + 777}};
    char *all = mem_alloc((3 << 20) + 777);

    (void)state;
    make_bytes(all, (3 << 20) + 777, 1);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        struct reply r =
            ask_peer(&p, (struct http_ask){.path = path_of("/v1/files/", &big.hash, ""),
                                           .range = true,
                                           .first = ranges[i].first,
                                           .len = ranges[i].len});

        assert_int_equal(r.a.status, 206);
        assert_int_equal(r.a.err.code, 0);
        assert_int_equal(r.a.range_size, (3 << 20) + 777);
        assert_int_equal(r.body.len, ranges[i].len);
        assert_memory_equal(r.body.data, all + ranges[i].first, r.body.len);
        buf_free(&r.body);
    }
    mem_free(all);
}

static void test_range_outside(void **state)
{
    struct reply r = ask_peer(&p, (struct http_ask){.path = path_of("/v1/files/", &big.hash, ""),
                                                    .range = true,
                                                    .first = 1u << 30,
                                                    .len = 10});

    (void)state;
    assert_int_equal(r.a.status, 416);
    buf_free(&r.body);
}

static void test_empty_and_head(void **state)
{
    struct store_entry empty;
    struct reply r;

    (void)state;
    index_of(&p, "empty", &empty);
    r = ask_peer(&p, (struct http_ask){.path = path_of("/v1/files/", &empty.hash, "")});
    assert_int_equal(r.a.status, 200);
    assert_int_equal(r.body.len, 0);
    buf_free(&r.body);
    assert_int_equal(status_of("HEAD", path_of("/v1/files/", &big.hash, "")), 200);
}

static void test_refusals(void **state)
{
    struct hash none = {{7}};
    static const char *const bad[] = {"/v1/files/xyz",       "/v1/files/..%2f..%2fetc%2fpasswd",
                                      "/v1/files/",          "/v1/folders/12",
                                      "/v1/holders/12",      "/v1/resolve/xyz",
                                      "/v1/catalog?since=1", "/v1/catalog?since=a.b",
                                      "/v1/search?limit=-4"};
    static const char *const gone[] = {"/",
                                       "/v1",
                                       "/v1/nothing",
                                       "/v2/catalog",
                                       "/v1/catalog/x",
                                       "/etc/passwd",
                                       "/v1/files/a/b/c/d"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        long got = status_of("GET", bad[i]);

        if (got != 400 && got != 404)
            fail_msg("%s: %ld", bad[i], got);
    }
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        assert_int_equal(status_of("GET", gone[i]), 404);
    assert_int_equal(status_of("GET", "/v1/files/xyz"), 400);
    assert_int_equal(status_of("GET", path_of("/v1/files/", &none, "")), 404);
    assert_int_equal(status_of("GET", path_of("/v1/files/", &none, "/have")), 404);
    assert_int_equal(status_of("GET", path_of("/v1/files/", &none, "/checkpoints")), 404);
    assert_int_equal(status_of("GET", path_of("/v1/folders/", &none, "")), 404);
    assert_int_equal(status_of("GET", path_of("/v1/folders/", &big.hash, "")), 404);
    assert_int_equal(status_of("GET", path_of("/v1/files/", &sub.hash, "")), 404);
    assert_int_equal(status_of("POST", path_of("/v1/files/", &big.hash, "")), 405);
    assert_int_equal(status_of("DELETE", path_of("/v1/files/", &big.hash, "")), 405);
    assert_int_equal(status_of("GET", "/v1/batch"), 405);
}

static void test_a_changed_file_is_not_sent(void **state)
{
    (void)state;
    put_file(p.share, "big.bin", (3 << 20) + 777, 99);
    assert_int_equal(status_of("GET", path_of("/v1/files/", &big.hash, "")), 410);
    assert_true(p.suspects > 0);
}

static void test_a_link_is_not_followed(void **state)
{
    char path[160];

    (void)state;
    snprintf(path, sizeof path, "%s/big.bin", p.share);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(status_of("GET", path_of("/v1/files/", &big.hash, "")), 410);
}

static void test_another_path_of_the_same_content(void **state)
{
    char from[160];

    (void)state;
    put_file(p.share, "twin.bin", (3 << 20) + 777, 1);
    index_all(&p);
    snprintf(from, sizeof from, "%s/big.bin", p.share);
    assert_int_equal(unlink(from), 0);
    assert_int_equal(status_of("GET", path_of("/v1/files/", &big.hash, "")), 200);
}

static void test_checkpoints_and_bits(void **state)
{
    struct reply r =
        ask_peer(&p, (struct http_ask){.path = path_of("/v1/files/", &big.hash, "/checkpoints")});

    (void)state;
    assert_int_equal(r.a.status, 200);
    assert_true(content_checkpoints_ok(big.size, &big.root, r.body.data, r.body.len));
    buf_free(&r.body);
    r = ask_peer(&p, (struct http_ask){.path = path_of("/v1/files/", &big.hash, "/have?have=1")});
    assert_int_equal(r.a.status, 200);
    assert_int_equal(r.body.len, 1);
    assert_int_equal((uint8_t)r.body.data[0], 0xf0);
    buf_free(&r.body);
}

static void test_folder(void **state)
{
    struct reply r =
        ask_peer(&p, (struct http_ask){.path = path_of("/v1/folders/", &sub.hash, "")});
    struct rd in = rd_over(buf_cstr(&r.body), r.body.len);
    uint32_t len = rd_u32(&in);
    const void *text = rd_bytes(&in, len);
    struct hash h;

    (void)state;
    assert_int_equal(r.a.status, 200);
    assert_non_null(text);
    content_hash(&h, text, len);
    assert_true(hash_eq(&h, &sub.hash));
    assert_int_equal(rd_left(&in), 16);
    assert_true(rd_u64(&in) > 1500000000);
    buf_free(&r.body);
}

static void test_batch(void **state)
{
    struct hash ask[3] = {small.hash, {{9}}, big.hash}; /* here; unknown; too large */
    struct reply r = ask_peer(
        &p, (struct http_ask){
                .method = "POST", .path = "/v1/batch", .body = ask, .body_len = sizeof ask});
    struct rd in = rd_over(buf_cstr(&r.body), r.body.len);
    char want[1000];

    (void)state;
    make_bytes(want, sizeof want, 2);
    assert_int_equal(r.a.status, 200);
    assert_int_equal(rd_u64(&in), 1000);
    assert_memory_equal(rd_bytes(&in, 1000), want, 1000);
    assert_true(rd_u64(&in) == UINT64_MAX);
    assert_true(rd_u64(&in) == UINT64_MAX);
    assert_true(rd_done(&in));
    buf_free(&r.body);
}

static void test_batch_refusals(void **state)
{
    char *body = mem_zero(1, 257 * 32);
    static const size_t bad[] = {0, 31, 33, 257 * 32};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct reply r = ask_peer(
            &p, (struct http_ask){
                    .method = "POST", .path = "/v1/batch", .body = body, .body_len = bad[i]});

        assert_int_equal(r.a.status, 400);
        buf_free(&r.body);
    }
    mem_free(body);
}

static void test_catalog(void **state)
{
    struct reply r = ask_peer(&p, (struct http_ask){.path = "/v1/catalog"});
    struct rd in = rd_over(buf_cstr(&r.body), r.body.len);
    struct rows_head head;
    struct row row;
    unsigned rows = 0;
    char path[96];

    (void)state;
    assert_true(rows_get_head(&in, &head));
    assert_true(head.reset);
    assert_int_equal(head.files, 4);
    assert_memory_equal(head.name, "anna", 4);
    while (rd_left(&in) && rows_get(&in, &row))
        rows++;
    assert_true(rd_done(&in));
    assert_int_equal(rows, 6);
    snprintf(path, sizeof path, "/v1/catalog?since=%llu.%llu", (unsigned long long)head.generation,
             (unsigned long long)head.number);
    buf_free(&r.body);
    r = ask_peer(&p, (struct http_ask){.path = path});
    in = rd_over(buf_cstr(&r.body), r.body.len);
    assert_true(rows_get_head(&in, &head));
    assert_false(head.reset);
    assert_true(rd_done(&in)); /* nothing new */
    buf_free(&r.body);
    strcpy(path, "/v1/catalog?since=1.1&digest=");
    digest_hex(&head.digest, path + strlen(path));
    r = ask_peer(&p, (struct http_ask){.path = path});
    in = rd_over(buf_cstr(&r.body), r.body.len);
    assert_true(rows_get_head(&in, &head) && head.same && rd_done(&in));
    buf_free(&r.body);
    assert_int_equal(status_of("GET", "/v1/catalog?digest=12"), 400);
    assert_int_equal(status_of("GET", "/v1/catalog?buckets=xx"), 400);
}

static void test_questions_reach_the_desk(void **state)
{
    struct reply r = ask_peer(&p, (struct http_ask){.path = "/v1/search?q=a%26b&limit=5&evil=1"});

    (void)state;
    assert_int_equal(r.a.status, 200);
    assert_non_null(strstr(buf_cstr(&r.body), "/v1/search?q=a%26b"));
    assert_null(strstr(buf_cstr(&r.body), "evil"));
    buf_free(&r.body);
    assert_int_equal(status_of("GET", "/v1/resolve/abcdef"), 200);
    assert_int_equal(status_of("GET", "/v1/known"), 405);
    assert_int_equal(status_of("POST", "/v1/known"), 400);
    r = ask_peer(&p, (struct http_ask){
                         .path = "/v1/known", .method = "POST", .body = "0a&b", .body_len = 4});
    assert_int_equal(r.a.status, 400);
    buf_free(&r.body);
    r = ask_peer(&p, (struct http_ask){
                         .path = "/v1/known", .method = "POST", .body = "0aB9", .body_len = 4});
    assert_int_equal(r.a.status, 200);
    assert_non_null(strstr(buf_cstr(&r.body), "/v1/known?0aB9"));
    buf_free(&r.body);
    assert_int_equal(status_of("GET", "/v1/peers"), 200);
    assert_int_equal(status_of("GET", path_of("/v1/holders/", &big.hash, "")), 200);
}

static void test_counts(void **state)
{
    struct serve_status s;

    (void)state;
    (void)status_of("GET", path_of("/v1/files/", &big.hash, ""));
    serve_status(p.serve, &s);
    assert_int_equal(s.requests, 1);
    assert_int_equal(s.sent_bytes, (3 << 20) + 777);
}

/* A cold or a slow answer stalls nobody; the limit changes while bytes go. */
static void test_limits_change(void **state)
{
    struct reply r;

    (void)state;
    serve_set_limits(p.serve, 1024, 1);
    serve_set_limits(p.serve, 0, 1);
    for (int i = 0; i < 4; i++) { /* each gives its slot back */
        r = ask_peer(&p, (struct http_ask){.path = path_of("/v1/files/", &big.hash, "")});
        assert_int_equal(r.a.status, 200);
        assert_int_equal(r.body.len, (3 << 20) + 777);
        buf_free(&r.body);
    }
    r = ask_peer(&p, (struct http_ask){.path = path_of("/v1/files/", &small.hash, "?rate=4096")});
    assert_int_equal(r.body.len, 1000);
    buf_free(&r.body);
}

static void test_wished_rate(void **state)
{
    int64_t begin = loop_now_ms();
    struct reply r =
        ask_peer(&p, (struct http_ask){.path = path_of("/v1/files/", &big.hash, "?rate=4000000")});

    (void)state;
    assert_int_equal(r.body.len, (3 << 20) + 777);
    assert_true(loop_now_ms() - begin >= 500); /* a lower bound: never faster than wished */
    buf_free(&r.body);
}

static void test_limit(void **state)
{
    struct peer slow;
    struct store_entry en;
    struct reply r;
    int64_t begin;

    (void)state;
    peer_up(&slow, "slow", 4 << 20);
    put_file(slow.share, "f", 4 << 20, 4);
    index_all(&slow);
    index_of(&slow, "f", &en);
    begin = loop_now_ms();
    r = ask_peer(&slow, (struct http_ask){.path = path_of("/v1/files/", &en.hash, "")});
    assert_int_equal(r.a.status, 200);
    assert_int_equal(r.body.len, 4 << 20);
    assert_true(loop_now_ms() - begin >= 500); /* a lower bound: never faster than allowed */
    buf_free(&r.body);
    peer_down(&slow);
}

/* A connection back to the asker's own address, to the port that it names. */
static void test_reach(void **state)
{
    char path[32];
    struct reply r;

    (void)state;
    snprintf(path, sizeof path, "/v1/reach/%u", p.port); /* somebody listens there */
    r = ask_peer(&p, (struct http_ask){.method = "POST", .path = path});
    assert_int_equal(r.a.status, 200);
    assert_string_equal(buf_cstr(&r.body), "{\"reached\":\"open\"}");
    buf_free(&r.body);
    r = ask_peer(&p, (struct http_ask){.method = "POST", .path = "/v1/reach/1"});
    assert_string_equal(buf_cstr(&r.body), "{\"reached\":\"refused\"}");
    buf_free(&r.body);
    assert_int_equal(status_of("POST", "/v1/reach/0"), 400);
    assert_int_equal(status_of("POST", "/v1/reach/70000"), 400);
    assert_int_equal(status_of("POST", "/v1/reach/10.0.0.1"), 400);
    assert_int_equal(status_of("GET", "/v1/reach/1235"), 405);
    for (int i = 0; i < 20; i++) /* each gives its place back */
        assert_int_equal(status_of("POST", "/v1/reach/1"), 200);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, up, down)
    const struct CMUnitTest tests[] = {
        CASE(test_whole_file),
        CASE(test_ranges),
        CASE(test_range_outside),
        CASE(test_empty_and_head),
        CASE(test_refusals),
        CASE(test_a_changed_file_is_not_sent),
        CASE(test_a_link_is_not_followed),
        CASE(test_another_path_of_the_same_content),
        CASE(test_checkpoints_and_bits),
        CASE(test_folder),
        CASE(test_batch),
        CASE(test_batch_refusals),
        CASE(test_catalog),
        CASE(test_questions_reach_the_desk),
        CASE(test_reach),
        CASE(test_counts),
        CASE(test_limits_change),
        CASE(test_wished_rate),
        CASE(test_limit),
    };

    http_client_setup();
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
