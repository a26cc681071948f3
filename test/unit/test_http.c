/* io/http_server and io/http_client together, over mutual TLS on the loopback: who gets through,
 * ranges, streams, holds. */
#include "http_rig.h"

#include "base/limits.h"
#include "base/str.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define FILE_BYTES ((uint64_t)3 << 20)

static struct http_server *server;
static uint16_t port;
static struct http_client *member;

static uint8_t byte_at(uint64_t pos)
{
    return (uint8_t)(pos * 31 + (pos >> 11));
}

/* ---- the server's routes ---- */

static int64_t file_read(void *ctx, uint64_t pos, void *to, size_t max)
{
    uint64_t *first = ctx;

    for (size_t i = 0; i < max; i++)
        ((uint8_t *)to)[i] = byte_at(*first + pos + i);
    return (int64_t)max;
}

static void serve_file(struct http_request *rq)
{
    uint64_t *first = mem_alloc(sizeof *first), len;
    struct http_stream st = {file_read, mem_free, first};
    int ranged = http_range(rq, FILE_BYTES, first, &len);
    char text[80];

    if (ranged < 0) {
        mem_free(first);
        http_reply_text(rq, 416, "no such range");
        return;
    }
    if (ranged) {
        snprintf(text, sizeof text, "bytes %llu-%llu/%llu", (unsigned long long)*first,
                 (unsigned long long)(*first + len - 1), (unsigned long long)FILE_BYTES);
        http_reply_header(rq, "Content-Range", text);
    }
    http_reply_stream(rq, ranged ? 206 : 200, "application/octet-stream", len, &st);
}

/* A stream that a second thread feeds: it waits for each of its drops. */
struct drip {
    struct http_request *rq;
    uv_thread_t thread;
    uv_mutex_t lock;
    unsigned have, given, drops;
    bool over, joined;
};

static atomic_uint drips_done;

static void drip_main(void *arg)
{
    struct drip *d = arg;

    for (unsigned i = 0; i < d->drops; i++) {
        if (i % 7 == 0)
            usleep(1000); /* so that both orders of wake and suspend are met */
        uv_mutex_lock(&d->lock);
        d->have++;
        if (!d->over)
            http_wake(d->rq);
        uv_mutex_unlock(&d->lock);
    }
}

static int64_t drip_read(void *ctx, uint64_t pos, void *to, size_t max)
{
    struct drip *d = ctx;
    int64_t n = 0;

    (void)pos;
    uv_mutex_lock(&d->lock);
    if (d->given == d->drops)
        n = -1;
    else if (d->given < d->have && max) {
        *(char *)to = 'd';
        d->given++;
        n = 1;
    }
    uv_mutex_unlock(&d->lock);
    return n;
}

static void drip_done(void *ctx)
{
    struct drip *d = ctx;

    uv_mutex_lock(&d->lock);
    d->over = true;
    uv_mutex_unlock(&d->lock);
    uv_thread_join(&d->thread);
    uv_mutex_destroy(&d->lock);
    mem_free(d);
    drips_done++;
}

static void serve_drip(struct http_request *rq, uint64_t len, unsigned drops)
{
    struct drip *d = mem_zero(1, sizeof *d);
    struct http_stream st = {drip_read, drip_done, d};

    d->rq = rq;
    d->drops = drops;
    uv_mutex_init(&d->lock);
    http_reply_stream(rq, 200, "text/plain", len, &st);
    uv_thread_create(&d->thread, drip_main, d);
}

static int64_t silent_read(void *ctx, uint64_t pos, void *to, size_t max)
{
    (void)ctx;
    (void)pos;
    (void)to;
    (void)max;
    return 0; /* nothing, for ever */
}

static void count_done(void *ctx)
{
    (void)ctx;
    drips_done++;
}

/* Held requests, woken by a thread. */
static struct {
    uv_mutex_t lock;
    struct http_request *rq;
} kept;

static void forget(void *rq)
{
    uv_mutex_lock(&kept.lock);
    if (kept.rq == rq)
        kept.rq = NULL;
    uv_mutex_unlock(&kept.lock);
}

static bool is_kept(void)
{
    bool there;

    uv_mutex_lock(&kept.lock);
    there = kept.rq;
    uv_mutex_unlock(&kept.lock);
    return there;
}

static void wait_until_kept(bool there)
{
    while (is_kept() != there)
        usleep(1000);
}

static bool wake_kept(void)
{
    bool there;

    uv_mutex_lock(&kept.lock);
    there = kept.rq;
    if (there)
        http_wake(kept.rq);
    uv_mutex_unlock(&kept.lock);
    return there;
}

static void serve_hold(struct http_request *rq)
{
    uint64_t ms = 0;

    if (http_held(rq)) {
        http_reply_text(rq, 200, "held %d %s", http_held(rq),
                        http_get_ctx(rq) == rq ? "mine" : "not mine");
        return;
    }
    str_parse_u64(http_arg(rq, "ms"), 0, 60000, &ms);
    uv_mutex_lock(&kept.lock);
    kept.rq = rq;
    uv_mutex_unlock(&kept.lock);
    http_set_ctx(rq, rq, forget);
    http_hold(rq, (unsigned)ms);
    if (http_arg(rq, "now"))
        http_wake(rq); /* before the suspend */
}

static void serve_args(struct http_request *rq)
{
    const char *all[3] = {0};
    size_t n = http_args(rq, "w", all, 3);

    http_reply_text(rq, 200, "%s %zu %s %s %s %s", http_method(rq), n, all[0], all[n - 1],
                    http_arg(rq, "none") ? "some" : "none", http_path(rq));
}

static void route(void *ctx, struct http_request *rq)
{
    const char *path = http_path(rq);
    char hex[65];
    uint8_t pub[32];
    const void *body;
    size_t len;

    (void)ctx;
    handled++;
    if (!strcmp(path, "/file")) {
        serve_file(rq);
    } else if (!strcmp(path, "/key")) {
        assert_true(http_peer_key(rq, pub));
        str_hex(hex, pub, 32);
        assert_int_equal(http_from(rq)->family, 4);
        http_reply(rq, 200, "text/plain", hex, 64);
    } else if (!strcmp(path, "/echo")) {
        body = http_body(rq, &len);
        http_reply(rq, 200, "application/octet-stream", body, len);
    } else if (!strcmp(path, "/lie")) { /* another range than the one asked for */
        if (http_arg(rq, "range"))
            http_reply_header(rq, "Content-Range", http_arg(rq, "range"));
        http_reply(rq, 206, NULL, "0123456789", 10);
    } else if (!strcmp(path, "/whole")) {
        http_reply(rq, 200, NULL, "0123456789", 10);
    } else if (!strcmp(path, "/drip")) {
        serve_drip(rq, UINT64_MAX, 300);
    } else if (!strcmp(path, "/drip-known")) {
        serve_drip(rq, 300, 300);
    } else if (!strcmp(path, "/drip-short")) { /* says 400, gives 300 */
        serve_drip(rq, 400, 300);
    } else if (!strcmp(path, "/silent")) {
        http_reply_stream(rq, 200, NULL, 10, &(struct http_stream){silent_read, count_done, NULL});
    } else if (!strcmp(path, "/hold")) {
        serve_hold(rq);
    } else if (!strcmp(path, "/args/x y")) {
        serve_args(rq);
    } else {
        http_reply_text(rq, 404, "no %s here", path);
    }
}

static const struct http_limits roomy = {
    .handshake_ms = 60000,
    .head_ms = 60000,
    .idle_ms = 60000,
    .window_ms = 60000,
    .window_bytes = 1024,
    .conn_max = 512,
    .conn_addr_max = 400,
    .conn_addr_rate = 10000,
    .conn_addr_burst = 10000,
};

static struct http_server *serve(const struct http_limits *lim, uint16_t *bound)
{
    struct err e = {0};
    struct http_server *s =
        http_server_tls_limits(&server_who.id, 0, bound, 2, route, NULL, lim, &e);

    if (!s)
        fail_msg("%s", e.text);
    return s;
}

static int up(void **state)
{
    if (rig_up(state))
        return -1;
    uv_mutex_init(&kept.lock);
    server = serve(&roomy, &port);
    member = client_of(&member_who);
    return 0;
}

static int down(void **state)
{
    client_free(member);
    http_server_free(server);
    uv_mutex_destroy(&kept.lock);
    return rig_down(state);
}

/* ---- tests ---- */

static void test_get(void **state)
{
    struct got g = {0};
    char hex[65];

    (void)state;
    get(&g, member, port, "/key");
    assert_int_equal(g.answer.err.code, 0);
    assert_int_equal(g.answer.status, 200);
    str_hex(hex, member_who.key.pub, 32);
    assert_string_equal(buf_cstr(&g.body), hex);
    got_free(&g);

    g = (struct got){0};
    get(&g, member, port, "/nothing");
    assert_int_equal(g.answer.status, 404);
    assert_int_equal(g.answer.err.code, 0);
    assert_string_equal(buf_cstr(&g.body), "no /nothing here\n");
    got_free(&g);

    g = (struct got){.ask.data = on_data};
    get(&g, member, port, "/nothing"); /* the text of an error is not content */
    assert_int_equal(g.data.len, 0);
    assert_string_equal(buf_cstr(&g.body), "no /nothing here\n");
    got_free(&g);
}

static void test_ipv6(void **state)
{
    struct got g = {0};

    (void)state;
    g.ask.addr = (struct addr){.family = 6, .port = port};
    g.ask.addr.ip[15] = 1;
    g.ask.path = "/whole";
    g.ask.max = 10;
    memcpy(g.ask.pin, server_who.key.pub, 32);
    got_start(&g, member);
    got_wait(&g);
    if (g.answer.unreachable)
        skip();
    assert_int_equal(g.answer.status, 200);
    assert_int_equal(g.body.len, 10);
    got_free(&g);
}

static void test_args(void **state)
{
    struct got g = {0};
    struct buf path = {0};

    (void)state;
    buf_str(&path, "/args/");
    http_url_escape(&path, "x y", 3);
    buf_str(&path, "?w=a&w=");
    http_url_escape(&path, "\xc3\xa9&=", 4);
    assert_string_equal(path.data, "/args/x%20y?w=a&w=%C3%A9%26%3D");
    get(&g, member, port, path.data);
    assert_string_equal(buf_cstr(&g.body), "GET 2 a \xc3\xa9&= none /args/x y\n");
    got_free(&g);
    buf_free(&path);
}

static void test_post(void **state)
{
    struct buf big = {0};
    struct got g;

    (void)state;
    for (unsigned i = 0; i < HTTP_BODY_MAX; i++)
        buf_u8(&big, byte_at(i));
    g = (struct got){.ask = {.method = "POST", .body = big.data, .body_len = big.len}};
    get(&g, member, port, "/echo");
    assert_int_equal(g.answer.status, 200);
    assert_int_equal(g.body.len, big.len);
    assert_memory_equal(g.body.data, big.data, big.len);
    got_free(&g);

    g = (struct got){.ask = {.method = "POST"}};
    get(&g, member, port, "/echo");
    assert_int_equal(g.answer.status, 200);
    assert_int_equal(g.body.len, 0);
    got_free(&g);

    buf_u8(&big, 1); /* one too many */
    g = (struct got){.ask = {.method = "POST", .body = big.data, .body_len = big.len}};
    get(&g, member, port, "/echo");
    assert_true(g.answer.status == 413 || g.answer.err.code); /* closed while we write, perhaps */
    assert_true(g.answer.status == 413 || g.answer.status == 0);
    got_free(&g);
    buf_free(&big);
}

static void test_range(void **state)
{
    static const uint64_t cases[][2] = {
        {0, 1}, {0, FILE_BYTES}, {FILE_BYTES - 1, 1}, {1 << 20, 1 << 20}, {12345, 70000}};
    struct got g;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        g = (struct got){.ask = {.range = true, .first = cases[i][0], .len = cases[i][1]}};
        g.ask.data = i % 2 ? on_data : NULL;
        get(&g, member, port, "/file");
        assert_int_equal(g.answer.err.code, 0);
        assert_int_equal(g.answer.status, 206);
        assert_int_equal(g.answer.range_first, cases[i][0]);
        assert_int_equal(g.answer.range_len, cases[i][1]);
        assert_int_equal(g.answer.range_size, FILE_BYTES);
        const struct buf *b = i % 2 ? &g.data : &g.body;
        assert_int_equal(b->len, cases[i][1]);
        for (uint64_t k = 0; k < b->len; k++)
            if ((uint8_t)b->data[k] != byte_at(cases[i][0] + k))
                fail_msg("byte %llu is wrong", (unsigned long long)k);
        got_free(&g);
    }
    g = (struct got){.ask = {.range = true, .first = FILE_BYTES, .len = 5, .data = on_data}};
    get(&g, member, port, "/file");
    assert_int_equal(g.answer.status, 416);
    assert_int_equal(g.data.len, 0);
    got_free(&g);
    /* past the end: the server cuts, which is not what was asked for */
    g = (struct got){.ask = {.range = true, .first = FILE_BYTES - 2, .len = 5, .data = on_data}};
    get(&g, member, port, "/file");
    assert_int_not_equal(g.answer.err.code, 0);
    assert_int_equal(g.data.len, 0);
    got_free(&g);
    g = (struct got){.ask = {.max = FILE_BYTES}};
    get(&g, member, port, "/file");
    assert_int_equal(g.answer.status, 200);
    assert_int_equal(g.body.len, FILE_BYTES);
    got_free(&g);
}

static void test_wrong_range(void **state)
{
    static const char *const lies[] = {
        "/whole",
        "/lie?range=bytes%201-10/100",
        "/lie?range=bytes%200-8/100",
        "/lie?range=bytes%200-10/100",
        "/lie?range=bytes%200-9/9",
        "/lie?range=bytes%200-9/*",
        "/lie?range=bytes%209-0/100",
        "/lie?range=bytes%20*/100",
        "/lie?range=0-9/100",
        "/lie?range=bytes%200-9/99999999999999999999",
        "/lie",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct got g = {.ask = {.range = true, .first = 0, .len = 10, .data = on_data}};

        get(&g, member, port, lies[i]);
        if (!g.answer.err.code || g.data.len)
            fail_msg("%s was taken", lies[i]);
        got_free(&g);
    }
    struct got g = {.ask = {.range = true, .first = 0, .len = 10, .data = on_data}};

    get(&g, member, port, "/lie?range=bytes%200-9/100"); /* the lie that is none */
    assert_int_equal(g.answer.err.code, 0);
    assert_int_equal(g.data.len, 10);
    got_free(&g);
}

static void test_limits_of_answer(void **state)
{
    struct got g = {.ask = {.max = 9}};

    (void)state;
    get(&g, member, port, "/whole"); /* 10 bytes */
    assert_int_equal(g.answer.err.code, ERR_BAD_CONTENT);
    got_free(&g);
    g = (struct got){.ask = {.data = on_data}, .stop_after = 1};
    get(&g, member, port, "/file");
    assert_int_not_equal(g.answer.err.code, 0);
    assert_true(g.data.len > 0 && g.data.len < FILE_BYTES);
    got_free(&g);
}

static void test_streams(void **state)
{
    unsigned before = drips_done;
    struct got g = {0};

    (void)state;
    get(&g, member, port, "/drip");
    assert_int_equal(g.answer.err.code, 0);
    assert_int_equal(g.body.len, 300);
    got_free(&g);
    g = (struct got){0};
    get(&g, member, port, "/drip-known");
    assert_int_equal(g.answer.err.code, 0);
    assert_int_equal(g.body.len, 300);
    got_free(&g);
    g = (struct got){0};
    get(&g, member, port, "/drip-short");
    assert_int_equal(g.answer.err.code, ERR_UNFINISHED);
    assert_int_equal(g.answer.status, 200);
    got_free(&g);
    for (int i = 0; i < 500 && drips_done < before + 3; i++)
        usleep(10000);
    assert_int_equal(drips_done, before + 3);
}

static void test_stall_and_gone(void **state)
{
    unsigned before = drips_done;
    struct got g = {.ask = {.stall_ms = 200}};

    (void)state;
    get(&g, member, port, "/silent");
    assert_true(g.answer.timed_out);
    assert_int_equal(g.answer.err.code, ERR_TIMEOUT);
    got_free(&g);
    g = (struct got){.ask = {.total_ms = 200}};
    get(&g, member, port, "/silent");
    assert_true(g.answer.timed_out);
    assert_false(g.answer.unreachable);
    got_free(&g);
    /* the server notices that both have left, although their streams are suspended */
    for (int i = 0; i < 1000 && drips_done < before + 2; i++)
        usleep(10000);
    assert_int_equal(drips_done, before + 2);
}

static void test_hold(void **state)
{
    struct got g = {0};

    (void)state;
    get(&g, member, port, "/hold?ms=50");
    assert_string_equal(buf_cstr(&g.body), "held 2 mine\n");
    got_free(&g);
    g = (struct got){0};
    get(&g, member, port, "/hold?ms=60000&now=1");
    assert_string_equal(buf_cstr(&g.body), "held 1 mine\n");
    got_free(&g);
    g = (struct got){.ask = {.addr = {.family = 4, .ip = {127, 0, 0, 1}, .port = port},
                             .path = "/hold?ms=60000",
                             .max = 100}};
    memcpy(g.ask.pin, server_who.key.pub, 32);
    wait_until_kept(false); /* the one before */
    got_start(&g, member);
    while (!wake_kept())
        usleep(1000);
    got_wait(&g);
    assert_string_equal(buf_cstr(&g.body), "held 1 mine\n");
    got_free(&g);
}

static void cancel_call(void *arg)
{
    struct got *g = arg;

    http_cancel(g->call);
}

static void test_cancel(void **state)
{
    struct got g = {.ask = {.addr = {.family = 4, .ip = {127, 0, 0, 1}, .port = port},
                            .path = "/hold?ms=60000",
                            .max = 100}};

    (void)state;
    memcpy(g.ask.pin, server_who.key.pub, 32);
    wait_until_kept(false);
    got_start(&g, member);
    wait_until_kept(true);
    loop_call(client_loop, cancel_call, &g);
    assert_int_not_equal(uv_sem_trywait(&g.done), 0);
    uv_sem_destroy(&g.done);
    wait_until_kept(false); /* the server notices, and says that it is over */
}

/* ---- who gets through ---- */

static void expect_refused(struct got *g)
{
    assert_int_equal(g->answer.status, 0);
    assert_true(g->answer.refused);
    assert_false(g->answer.unreachable);
    assert_int_equal(g->answer.err.code, ERR_NO_PEER);
    assert_int_equal(g->body.len, 0);
    got_free(g);
}

static void test_strangers(void **state)
{
    struct who odd;
    struct http_client *c;
    struct got g = {0};
    unsigned before = handled;

    (void)state;
    c = client_of(&stranger_who); /* another group: both refuse */
    get(&g, c, port, "/whole");
    expect_refused(&g);
    client_free(c);

    /* a stranger who trusts our CA, but has a certificate of another */
    odd = stranger_who;
    odd.id.ca_file = member_who.files.ca;
    c = client_of(&odd);
    g = (struct got){0};
    get(&g, c, port, "/whole");
    expect_refused(&g);
    client_free(c);

    /* a member's certificate with another key */
    odd = member_who;
    odd.id.key_file = stranger_who.files.key;
    c = client_of(&odd);
    g = (struct got){0};
    get(&g, c, port, "/whole");
    expect_refused(&g);
    client_free(c);

    /* the right group under another server name */
    make_who(&odd, "odd", 1, 14, "ffffffffffffffffffffffffffffffff.iwant");
    c = client_of(&odd);
    g = (struct got){0};
    get(&g, c, port, "/whole");
    expect_refused(&g);
    client_free(c);
    cert_files_done(&odd.files);

    /* a group's own key is nobody's, although every member has it */
    make_who(&odd, "group", 1, 1, NAME);
    odd.id.cert_file = odd.files.ca;
    c = client_of(&odd);
    g = (struct got){0};
    get(&g, c, port, "/whole");
    expect_refused(&g);
    client_free(c);
    cert_files_done(&odd.files);
    assert_int_equal(handled, before);
}

static void test_pin(void **state)
{
    struct got g = {.ask = {.addr = {.family = 4, .ip = {127, 0, 0, 1}, .port = port},
                            .path = "/whole",
                            .max = 100}};
    unsigned before;

    (void)state;
    /* a kept connection to the right key must not serve the wrong one */
    struct got right = {0};
    get(&right, member, port, "/whole");
    assert_int_equal(right.answer.status, 200);
    got_free(&right);
    before = handled;
    memcpy(g.ask.pin, member_who.key.pub, 32); /* a member, but not this one */
    got_start(&g, member);
    got_wait(&g);
    expect_refused(&g);
    assert_int_equal(handled, before);
}

static void test_nobody(void **state)
{
    struct got g = {0};
    uint16_t dead;
    struct http_server *s = serve(&roomy, &dead);

    (void)state;
    http_server_free(s);
    get(&g, member, dead, "/whole");
    assert_int_equal(g.answer.status, 0);
    assert_true(g.answer.unreachable);
    assert_false(g.answer.refused);
    got_free(&g);
}

/* Nobody takes the connection, and nobody refuses it: as from a machine that is off. */
static void test_no_answer(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct got g = {.ask = {.connect_ms = 200}};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0), full[3];

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 0), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    for (int n = 0; n < 3; n++) {
        full[n] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(full[n], (struct sockaddr *)&at, sizeof at);
    }
    get(&g, member, ntohs(at.sin_port), "/whole");
    assert_int_equal(g.answer.status, 0);
    assert_true(g.answer.unreachable);
    assert_false(g.answer.refused);
    got_free(&g);
    for (int n = 0; n < 3; n++)
        close(full[n]);
    close(fd);
}

/* Somebody takes the connection and says nothing. */
static void test_mute(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct got g = {.ask = {.connect_ms = 200}};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    get(&g, member, ntohs(at.sin_port), "/whole");
    assert_int_equal(g.answer.status, 0);
    assert_true(g.answer.unreachable);
    assert_true(g.answer.timed_out);
    assert_false(g.answer.refused);
    got_free(&g);
    close(fd);
}

static void test_port_taken(void **state)
{
    struct err e = {0};
    uint16_t other = 0;
    struct http_server *s = http_server_tls(&server_who.id, port, &other, 1, route, NULL, &e);

    (void)state;
    assert_non_null(s);
    assert_int_not_equal(other, port);
    assert_int_not_equal(other, 0);
    http_server_free(s);
    http_server_free(NULL);
}

/* The server closes kept connections; the client's next request goes through on a fresh one. */
static void test_reuse(void **state)
{
    struct http_limits hasty = roomy;
    uint64_t open, answered, refused;
    struct http_server *s;
    uint16_t at;

    (void)state;
    hasty.idle_ms = 60;
    s = serve(&hasty, &at);
    for (int i = 0; i < 20; i++) {
        struct got g = {0};

        get(&g, member, at, "/whole");
        assert_int_equal(g.answer.err.code, 0);
        assert_int_equal(g.answer.status, 200);
        got_free(&g);
        usleep(i % 4 * 25000);
    }
    http_server_counts(s, &open, &answered, &refused);
    assert_int_equal(answered, 20);
    assert_int_equal(refused, 0);
    http_server_free(s);
}

#define MANY 200

static void test_many(void **state)
{
    struct got *g = mem_zero(MANY, sizeof *g);
    struct http_client *c = client_of(&member_who);

    (void)state;
    for (int i = 0; i < MANY; i++) {
        g[i].ask = (struct http_ask){.addr = {.family = 4, .ip = {127, 0, 0, 1}, .port = port},
                                     .path = i % 2 ? "/hold?ms=300" : "/file",
                                     .range = i % 2 == 0,
                                     .first = (uint64_t)i * 1000,
                                     .len = 100000,
                                     .connect_ms = 60000, /* a slow machine, all at once */
                                     .stall_ms = 60000,
                                     .max = 100000};
        memcpy(g[i].ask.pin, server_who.key.pub, 32);
        got_start(&g[i], c);
    }
    for (int i = 0; i < MANY; i++) {
        got_wait(&g[i]);
        if (g[i].answer.err.code)
            fail_msg("call %d: %s", i, g[i].answer.err.text);
        assert_int_equal(g[i].answer.status, i % 2 ? 200 : 206);
        got_free(&g[i]);
    }
    client_free(c);
    mem_free(g);
}

/* Freed with everything under way: no callback, nothing left. */
static void test_free_busy(void **state)
{
    static const char *const paths[] = {"/hold?ms=60000", "/silent", "/file", "/drip"};
    struct http_client *c = client_of(&member_who);
    uint16_t at;
    struct http_server *s = serve(&roomy, &at);
    struct got g[12];

    (void)state;
    wait_until_kept(false);
    memset(g, 0, sizeof g);
    for (int i = 0; i < 12; i++) {
        g[i].ask = (struct http_ask){.addr = {.family = 4, .ip = {127, 0, 0, 1}, .port = at},
                                     .path = paths[i % 4],
                                     .max = 8 << 20};
        memcpy(g[i].ask.pin, server_who.key.pub, 32);
        got_start(&g[i], c);
    }
    while (!wake_kept())
        usleep(1000);
    http_server_free(s);
    client_free(c);
    for (int i = 0; i < 12; i++) {
        uv_sem_destroy(&g[i].done);
        got_free(&g[i]);
    }
}

/* data() starts another call and cancels a third. */
static struct got *nest_other, *nest_new;

static bool nest_data(void *ctx, const void *p, size_t len)
{
    (void)ctx;
    (void)p;
    (void)len;
    if (nest_other) {
        http_cancel(nest_other->call);
        nest_other = NULL;
        nest_new->call = http_start(nest_new->client, &nest_new->ask);
    }
    return true;
}

static void test_nested(void **state)
{
    struct http_ask plain = {.addr = {.family = 4, .ip = {127, 0, 0, 1}, .port = port},
                             .max = 8 << 20};
    struct got held = {0}, first = {0}, second = {0};

    (void)state;
    memcpy(plain.pin, server_who.key.pub, 32);
    held.ask = plain;
    held.ask.path = "/silent";
    got_start(&held, member);
    second.ask = plain;
    second.ask.path = "/whole";
    second.ask.done = on_done;
    second.ask.ctx = &second;
    second.client = member;
    uv_sem_init(&second.done, 0);
    nest_other = &held;
    nest_new = &second;
    first.ask = plain;
    first.ask.path = "/file";
    first.ask.data = nest_data;
    got_start(&first, member);
    got_wait(&first);
    got_wait(&second);
    assert_int_equal(first.answer.err.code, 0);
    assert_int_equal(second.answer.status, 200);
    assert_int_not_equal(uv_sem_trywait(&held.done), 0);
    uv_sem_destroy(&held.done);
    got_free(&first);
    got_free(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_args),
        cmocka_unit_test(test_post),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_wrong_range),
        cmocka_unit_test(test_limits_of_answer),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_stall_and_gone),
        cmocka_unit_test(test_hold),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_pin),
        cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_mute),
        cmocka_unit_test(test_port_taken),
        cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_free_busy),
        cmocka_unit_test(test_nested),
    };

    return cmocka_run_group_tests(tests, up, down);
}
