/* io/http_server against those who do not play by the rules: strangers, raw requests that can be
 * read in two ways, drips, floods; and the owner's socket. */
#include "http_rig.h"

#include "base/limits.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define GIVE_UP_MS 20000

static const struct http_limits roomy = {
    .handshake_ms = 20000,
    .head_ms = 20000,
    .idle_ms = 20000,
    .window_ms = 20000,
    .window_bytes = 1024,
    .conn_max = 64,
    .conn_addr_max = 64,
    .conn_addr_rate = 10000,
    .conn_addr_burst = 10000,
};

static int64_t zeros(void *ctx, uint64_t pos, void *to, size_t max)
{
    (void)ctx;
    (void)pos;
    memset(to, 0, max);
    return (int64_t)max;
}

static void route(void *ctx, struct http_request *rq)
{
    const struct http_stream endless = {.read = zeros};
    const void *body;
    size_t len;

    (void)ctx;
    handled++;
    if (!strcmp(http_path(rq), "/endless")) {
        http_reply_stream(rq, 200, NULL, (uint64_t)1 << 40, &endless);
    } else if (!strcmp(http_path(rq), "/hold")) {
        if (http_held(rq))
            http_reply_text(rq, 200, "held %d", http_held(rq));
        else
            http_hold(rq, 1200);
    } else if (!strcmp(http_path(rq), "/never")) {
        http_hold(rq, 3600000);
    } else {
        body = http_body(rq, &len);
        http_reply(rq, 200, "text/plain", body, len);
    }
}

static struct http_server *serve_tls(const struct http_limits *lim, uint16_t *port)
{
    struct err e = {0};
    struct http_server *s =
        http_server_tls_limits(&server_who.id, 0, port, 2, route, NULL, lim, &e);

    if (!s)
        fail_msg("%s", e.text);
    return s;
}

static struct http_server *serve_unix(const char *path, const struct http_limits *lim)
{
    struct err e = {0};
    struct http_server *s = http_server_unix_limits(path, 1, route, NULL, lim, &e);

    if (!s)
        fail_msg("%s", e.text);
    return s;
}

/* ---- a client that says what it is told to ---- */

struct raw {
    int fd;
    gnutls_session_t tls; /* NULL: plain */
    gnutls_certificate_credentials_t cred;
};

static int dial(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static int dial_unix(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(to.sun_path, path);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* A TLS session that is not yet begun; who NULL: without a certificate. */
static void tls_prepare(struct raw *r, const struct who *who, const char *sni, const char *versions)
{
    gnutls_certificate_allocate_credentials(&r->cred);
    if (who)
        assert_int_equal(gnutls_certificate_set_x509_key_file(r->cred, who->files.cert,
                                                              who->files.key, GNUTLS_X509_FMT_PEM),
                         0);
    gnutls_init(&r->tls, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
    assert_int_equal(gnutls_priority_set_direct(r->tls, versions, NULL), 0);
    gnutls_credentials_set(r->tls, GNUTLS_CRD_CERTIFICATE, r->cred);
    if (sni)
        gnutls_server_name_set(r->tls, GNUTLS_NAME_DNS, sni, strlen(sni));
    gnutls_transport_set_int(r->tls, r->fd);
}

static int tls_shake(struct raw *r)
{
    int rc;

    do
        rc = gnutls_handshake(r->tls);
    while (rc < 0 && !gnutls_error_is_fatal(rc));
    return rc;
}

#define TLS13 "NORMAL:-VERS-ALL:+VERS-TLS1.3"

static struct raw raw_member(uint16_t port)
{
    struct raw r = {.fd = dial(port)};

    tls_prepare(&r, &member_who, NAME, TLS13);
    assert_int_equal(tls_shake(&r), 0);
    return r;
}

static bool raw_send(struct raw *r, const void *p, size_t len)
{
    const char *at = p;

    while (len) {
        ssize_t n =
            r->tls ? gnutls_record_send(r->tls, at, len) : send(r->fd, at, len, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* Bytes that came, 0 or less at the end; GNUTLS_E_TIMEDOUT when nothing came for long. */
static ssize_t raw_recv(struct raw *r, void *to, size_t max)
{
    for (;;) {
        struct pollfd p = {.fd = r->fd, .events = POLLIN};
        ssize_t n;

        if (!(r->tls && gnutls_record_check_pending(r->tls)) && poll(&p, 1, GIVE_UP_MS) <= 0)
            return GNUTLS_E_TIMEDOUT;
        n = r->tls ? gnutls_record_recv(r->tls, to, max) : recv(r->fd, to, max, 0);
        if (!r->tls || n >= 0 || gnutls_error_is_fatal((int)n))
            return n; /* not fatal: a session ticket, for example */
    }
}

/* All that comes until the server closes; false when it does not. */
static bool raw_drain(struct raw *r, struct buf *b)
{
    char chunk[4096];
    ssize_t n;

    while ((n = raw_recv(r, chunk, sizeof chunk)) > 0 && b->len < 1 << 20)
        buf_add(b, chunk, (size_t)n);
    return n != GNUTLS_E_TIMEDOUT && b->len < 1 << 20;
}

static void raw_close(struct raw *r)
{
    close(r->fd);
    if (r->tls)
        gnutls_deinit(r->tls);
    if (r->cred)
        gnutls_certificate_free_credentials(r->cred);
}

static unsigned count_of(const struct buf *b, const char *what)
{
    unsigned n = 0;

    for (const char *p = buf_cstr(b); (p = strstr(p, what)); p++)
        n++;
    return n;
}

/* ---- requests ---- */

struct bad {
    const char *request;
    int status; /* 0: any refusal, or just the end */
};

#define H "Host: x\r\n"
static const struct bad bad[] = {
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "Host: y\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H H "\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello", 400},
    {"HEAD / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello", 400},
    {"DELETE / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello", 400},
    {"GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
     "0\r\n\r\nGET /hidden HTTP/1.1\r\n" H "\r\n",
     400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
     "0\r\n\r\nGET /hidden HTTP/1.1\r\n" H "\r\n",
     400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n", 0},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 0},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding:\x0b"
     "chunked\r\n\r\n0\r\n\r\n",
     0},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400},
    {"POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\nhello", 0},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5x\r\n\r\nhello", 0},
    {"POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n", 0},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\nhello", 0},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999\r\n\r\nhello", 0},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 1048577\r\n\r\nhello", 413},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551614\r\n\r\nhello", 0},
    {"GET / HTTP/1.0\r\n" H "\r\n", 505},
    {"GET / HTTP/2.0\r\n" H "\r\n", 0},
    {"GET / HTTP/1.1x\r\n" H "\r\n", 0},
    {"GET /\r\n\r\n", 0},
    {"GET http://x/ HTTP/1.1\r\n" H "\r\n", 400},
    {"GET x HTTP/1.1\r\n" H "\r\n", 400},
    {"GET * HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /a%00b HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /a?b=%00 HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /a b HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /a HTTP/1.1 HTTP/1.1\r\n" H "\r\n", 400},
    {"FOO / HTTP/1.1\r\n" H "\r\n", 501},
    {"get / HTTP/1.1\r\n" H "\r\n", 501},
    {"CONNECT x:1 HTTP/1.1\r\n" H "\r\n", 0},
    {"TRACE / HTTP/1.1\r\n" H "\r\n", 501},
    {"OPTIONS * HTTP/1.1\r\n" H "\r\n", 501},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0},
    {"GET / HTTP/1.1\r\n" H "no colon here\r\n\r\n", 0},
    {" / HTTP/1.1\r\n" H "\r\n", 0},
};

/* Sends one, says that no more will come, and looks at what it is told. */
static void try_bad(struct raw *r, const struct bad *b)
{
    struct buf got = {0};
    char want[32];
    unsigned before = handled;

    raw_send(r, b->request, strlen(b->request));
    shutdown(r->fd, SHUT_WR);
    if (!raw_drain(r, &got))
        fail_msg("still open: %s", b->request);
    if (handled != before)
        fail_msg("reached the handler: %s", b->request);
    snprintf(want, sizeof want, "HTTP/1.1 %d ", b->status);
    /* libmicrohttpd 0.9.75 sends the head of its own refusals twice, then closes: ours come once */
    if (strstr(buf_cstr(&got), "HTTP/1.1 2") ||
        (b->status && (strncmp(buf_cstr(&got), want, strlen(want)) != 0 ||
                       count_of(&got, "Content-Length:") != 1)))
        fail_msg("%s\nwas answered with\n%s", b->request, buf_cstr(&got));
    buf_free(&got);
}

static void test_bad_requests(void **state)
{
    uint16_t port;
    struct http_server *s = serve_tls(&roomy, &port), *u;
    uint64_t open, answered, refused;
    char path[96];

    (void)state;
    snprintf(path, sizeof path, "%s/bad", top);
    u = serve_unix(path, &roomy);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct raw r = raw_member(port);

        try_bad(&r, &bad[i]);
        raw_close(&r);
        r = (struct raw){.fd = dial_unix(path)};
        try_bad(&r, &bad[i]);
        raw_close(&r);
    }
    http_server_counts(s, &open, &answered, &refused);
    assert_true(refused >= 20);
    http_server_free(s);
    http_server_free(u);
}

static void test_long_head(void **state)
{
    char path[96];
    struct http_server *u;

    (void)state;
    snprintf(path, sizeof path, "%s/long", top);
    u = serve_unix(path, &roomy);
    for (size_t bytes = HTTP_HEAD_MAX - 4096; bytes < 200000; bytes += 20000) {
        struct raw r = {.fd = dial_unix(path)};
        struct buf rq = {0}, got = {0};
        unsigned before = handled;

        buf_str(&rq, "GET / HTTP/1.1\r\n" H "X: ");
        while (rq.len < bytes)
            buf_char(&rq, 'x');
        buf_str(&rq, "\r\n\r\n");
        raw_send(&r, rq.data, rq.len);
        shutdown(r.fd, SHUT_WR);
        assert_true(raw_drain(&r, &got));
        assert_int_equal(handled - before, bytes < HTTP_HEAD_MAX);
        assert_int_equal(!!strstr(buf_cstr(&got), " 200 "), bytes < HTTP_HEAD_MAX);
        raw_close(&r);
        buf_free(&rq);
        buf_free(&got);
    }
    http_server_free(u);
}

static void test_pipelined(void **state)
{
    static const char two[] = "GET /1 HTTP/1.1\r\n" H "\r\n"
                              "POST /2 HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"
                              "GET /3 HTTP/1.1\r\n" H "Connection: close\r\n\r\n";
    uint16_t port;
    struct http_server *s = serve_tls(&roomy, &port);
    struct raw r = raw_member(port);
    struct buf got = {0};
    unsigned before = handled;

    (void)state;
    assert_true(raw_send(&r, two, sizeof two - 1));
    assert_true(raw_drain(&r, &got));
    assert_int_equal(handled - before, 3);
    assert_int_equal(count_of(&got, "HTTP/1.1 200"), 3);
    assert_non_null(strstr(buf_cstr(&got), "hello"));
    raw_close(&r);
    buf_free(&got);
    http_server_free(s);
}

/* ---- strangers ---- */

static void test_not_tls(void **state)
{
    static const char *const first[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n",
                                        "\x16\x03\x01\xff\xff", "\x80\x2e\x01"};
    uint16_t port;
    struct http_server *s = serve_tls(&roomy, &port);
    unsigned before = handled;

    (void)state;
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        struct raw r = {.fd = dial(port)};
        struct buf got = {0};

        raw_send(&r, first[i], strlen(first[i]));
        shutdown(r.fd, SHUT_WR);
        assert_true(raw_drain(&r, &got));
        assert_int_equal(got.len, 0); /* nothing at all */
        raw_close(&r);
        buf_free(&got);
    }
    assert_int_equal(handled, before);
    http_server_free(s);
}

/* Ends as it should for a stranger: no certificate shown (where he does not know the name), nothing
 * answered. */
static void expect_nothing(uint16_t port, const struct who *who, const char *sni,
                           const char *versions, bool sees_certificate)
{
    static const char ask[] = "GET / HTTP/1.1\r\n" H "\r\n";
    struct raw r = {.fd = dial(port)};
    struct buf got = {0};
    unsigned n = 0, before = handled;

    tls_prepare(&r, who, sni, versions);
    if (tls_shake(&r) == 0) { /* from his side it may look as if it went well */
        raw_send(&r, ask, sizeof ask - 1);
        raw_drain(&r, &got);
    }
    assert_int_equal(got.len, 0);
    assert_int_equal(handled, before);
    if (!sees_certificate)
        assert_null(gnutls_certificate_get_peers(r.tls, &n));
    raw_close(&r);
    buf_free(&got);
}

static void test_handshakes(void **state)
{
    uint16_t port;
    struct http_server *s = serve_tls(&roomy, &port);
    struct raw r;

    (void)state;
    expect_nothing(port, NULL, NULL, TLS13, false);
    expect_nothing(port, NULL, "", TLS13, false);
    expect_nothing(port, NULL, "localhost", TLS13, false);
    expect_nothing(port, NULL, "00112233445566778899aabbccddeefg.iwant", TLS13, false);
    expect_nothing(port, NULL, NAME "x", TLS13, false);
    expect_nothing(port, &member_who, "other.iwant", TLS13, false); /* members too */
    expect_nothing(port, &member_who, NULL, TLS13, false);
    expect_nothing(port, NULL, NAME, TLS13, true);
    expect_nothing(port, &stranger_who, NAME, TLS13, true);
    expect_nothing(port, &member_who, NAME, "NORMAL:-VERS-ALL:+VERS-TLS1.2", false);
    expect_nothing(port, &member_who, NAME, TLS13 ":-CIPHER-ALL:+AES-256-GCM", false);
    r = raw_member(port); /* and this is how it is done */
    raw_close(&r);
    http_server_free(s);
}

/* ---- deadlines ---- */

/* Byte by byte, until the server has had enough. false: it took them all. */
static bool drip(struct raw *r, const char *bytes, size_t len, unsigned each_ms)
{
    for (size_t i = 0; i < len; i++) {
        struct pollfd p = {.fd = r->fd, .events = POLLRDHUP};

        if (!raw_send(r, bytes + i, 1) || (poll(&p, 1, (int)each_ms) > 0 && p.revents))
            return true;
    }
    return false;
}

static void test_deadlines(void **state)
{
    struct http_limits hasty = roomy;
    static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    struct buf got = {0}, head = {0};
    unsigned before = handled;
    struct http_server *s;
    uint16_t port;
    struct raw r;

    (void)state;
    hasty.handshake_ms = hasty.head_ms = 250;
    s = serve_tls(&hasty, &port);
    r.fd = dial(port); /* says nothing */
    r = (struct raw){.fd = r.fd};
    assert_true(raw_drain(&r, &got));
    assert_int_equal(got.len, 0);
    raw_close(&r);

    r = (struct raw){.fd = dial(port)}; /* drips its hello */
    for (unsigned i = 0; i < 100; i++)
        buf_add(&head, hello, sizeof hello - 1);
    assert_true(drip(&r, head.data, head.len, 50));
    raw_close(&r);

    r = raw_member(port); /* a member who says nothing */
    assert_true(raw_drain(&r, &got));
    assert_int_equal(got.len, 0);
    raw_close(&r);

    buf_reset(&head);
    buf_str(&head, "GET / HTTP/1.1\r\n" H "X: ");
    for (unsigned i = 0; i < 1000; i++)
        buf_char(&head, 'x');
    r = raw_member(port); /* drips its head */
    assert_true(drip(&r, head.data, head.len, 50));
    raw_close(&r);
    assert_int_equal(handled, before);
    http_server_free(s);
    buf_free(&got);
    buf_free(&head);
}

static void test_rate(void **state)
{
    static const char ask[] = "GET /endless HTTP/1.1\r\n" H "\r\n";
    static const char hold[] = "GET /hold HTTP/1.1\r\n" H "\r\n";
    static const char post[] = "POST / HTTP/1.1\r\n" H "Content-Length: 100000\r\n\r\n";
    struct http_limits strict = roomy;
    struct buf got = {0};
    struct http_server *s;
    char chunk[16384];
    uint16_t port;
    struct raw r;
    ssize_t n;

    (void)state;
    strict.window_ms = 400;
    strict.window_bytes = 1ull << 40; /* nobody is as fast */
    s = serve_tls(&strict, &port);
    r = raw_member(port);
    assert_true(raw_send(&r, ask, sizeof ask - 1));
    while ((n = raw_recv(&r, chunk, sizeof chunk)) > 0)
        usleep(100);
    assert_int_not_equal(n, GNUTLS_E_TIMEDOUT); /* cut */
    raw_close(&r);

    r = raw_member(port); /* a body that drips */
    assert_true(raw_send(&r, post, sizeof post - 1));
    memset(chunk, 'x', sizeof chunk);
    assert_true(drip(&r, chunk, 4096, 50));
    raw_close(&r);

    r = raw_member(port); /* but a held request may wait longer than all windows */
    assert_true(raw_send(&r, hold, sizeof hold - 1));
    n = raw_recv(&r, chunk, sizeof chunk - 1);
    assert_true(n > 0);
    chunk[n] = '\0';
    assert_non_null(strstr(chunk, "200 OK"));
    raw_close(&r);
    http_server_free(s);

    strict.window_bytes = 1000;
    s = serve_tls(&strict, &port);
    r = raw_member(port); /* and who is fast enough is not cut: over some windows, and more than all
                             buffers hold */
    assert_true(raw_send(&r, ask, sizeof ask - 1));
    for (int64_t end = loop_now_ms() + 1500, sum = 0; loop_now_ms() < end || sum < 32 << 20;) {
        n = raw_recv(&r, chunk, sizeof chunk);
        assert_true(n > 0);
        sum += n;
    }
    raw_close(&r);
    http_server_free(s);
    buf_free(&got);
}

static void test_flood(void **state)
{
    struct http_limits few = roomy;
    struct http_server *s;
    struct pollfd p = {.events = POLLRDHUP};
    uint64_t open, answered, refused;
    struct raw r[6];
    uint16_t port;

    (void)state;
    few.conn_addr_max = 3;
    s = serve_tls(&few, &port);
    for (int i = 0; i < 6; i++) {
        struct buf got = {0};

        r[i] = (struct raw){.fd = dial(port)};
        if (i < 3) {
            do /* until it was accepted */
                http_server_counts(s, &open, &answered, &refused);
            while (open < (uint64_t)i + 1);
        } else {
            assert_true(raw_drain(&r[i], &got));
            assert_int_equal(got.len, 0);
        }
    }
    http_server_counts(s, &open, &answered, &refused);
    assert_int_equal(refused, 3);
    p.fd = r[0].fd;
    assert_int_equal(poll(&p, 1, 0), 0); /* the first are still there */
    for (int i = 0; i < 6; i++)
        raw_close(&r[i]);
    http_server_free(s);

    few = roomy;
    few.handshake_ms = 10 * GIVE_UP_MS; /* not the reason here */
    few.conn_addr_burst = 2;
    few.conn_addr_rate = 0;
    s = serve_tls(&few, &port);
    for (int i = 0; i < 4; i++) {
        struct buf got = {0};

        r[i] = (struct raw){.fd = dial(port)};
        if (i < 2) {
            do
                http_server_counts(s, &open, &answered, &refused);
            while (open < (uint64_t)i + 1);
        } else {
            assert_true(raw_drain(&r[i], &got));
            assert_int_equal(got.len, 0);
        }
    }
    http_server_counts(s, &open, &answered, &refused);
    assert_int_equal(refused, 2);
    for (int i = 0; i < 4; i++)
        raw_close(&r[i]);
    http_server_free(s);
}

/* ---- the owner's socket ---- */

static bool take_one(void *ctx, const void *p, size_t len)
{
    size_t *sum = ctx;

    (void)p;
    *sum += len;
    return false;
}

static bool stop_now(void)
{
    return true;
}

static void test_unix_call(void **state)
{
    struct buf body = {0};
    struct err e = {0};
    struct http_server *u;
    char path[96];
    size_t sum = 0;
    long status;

    (void)state;
    snprintf(path, sizeof path, "%s/call", top);
    assert_int_equal(http_unix_call(path, NULL, "/", NULL, 0, 5000, NULL, NULL, &body, &status, &e),
                     -ERR_NO_SERVICE);
    u = serve_unix(path, &roomy);
    assert_int_equal(
        http_unix_call(path, "POST", "/", "{\"a\":1}", 7, 0, NULL, NULL, &body, &status, &e), 0);
    assert_int_equal(status, 200);
    assert_string_equal(body.data, "{\"a\":1}");
    buf_reset(&body);
    assert_int_equal(
        http_unix_call(path, "TRACE", "/", NULL, 0, 0, take_one, &sum, &body, &status, &e), 0);
    assert_int_equal(status, 501);
    assert_int_equal(sum, 0); /* not content */
    assert_true(body.len > 0);
    assert_int_equal(
        http_unix_call(path, NULL, "/never", NULL, 0, 200, NULL, NULL, &body, &status, &e),
        -ERR_TIMEOUT);
    assert_int_equal(
        http_unix_call(path, NULL, "/endless", NULL, 0, 0, take_one, &sum, &body, &status, &e), 0);
    assert_int_equal(status, 200);
    assert_true(sum > 0);
    http_unix_set_stop(stop_now);
    assert_int_equal(
        http_unix_call(path, NULL, "/never", NULL, 0, 0, NULL, NULL, &body, &status, &e),
        -ERR_INTERRUPTED);
    http_unix_set_stop(NULL);
    http_server_free(u);
    assert_int_equal(access(path, F_OK), -1); /* it cleans up */
    buf_free(&body);
}

static void test_unix_path(void **state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct http_server *u, *v;
    struct err e = {0};
    struct stat st;
    char path[96];
    mode_t old;
    int fd;

    (void)state;
    snprintf(path, sizeof path, "%s/sock", top);
    strcpy(at.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM, 0); /* left behind by a crash */
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    close(fd);
    old = umask(0);
    u = serve_unix(path, &roomy);
    umask(old);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    v = http_server_unix(path, 1, route, NULL, &e); /* somebody answers there */
    assert_null(v);
    assert_int_equal(e.code, ERR_EXISTS);
    http_server_free(u);

    fd = creat(path, 0600);
    close(fd);
    v = http_server_unix(path, 1, route, NULL, &e);
    assert_null(v);
    assert_int_equal(e.code, ERR_EXISTS);
    assert_int_equal(stat(path, &st), 0); /* a file that is no socket is not removed */
    v = http_server_unix("/tmp/a-path-that-is-much-too-long-for-a-socket-address/"
                         "since-it-has-more-than-one-hundred-and-eight-bytes/as-you-can-see-here",
                         1, route, NULL, &e);
    assert_null(v);
    assert_int_equal(e.code, ERR_USAGE);
}

static void test_other_user(void **state)
{
    static const char ask[] = "GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n";
    unsigned before = handled;
    struct http_server *u;
    char path[96];
    int status = -1;
    pid_t child;

    (void)state;
    if (geteuid() != 0)
        skip();
    snprintf(path, sizeof path, "%s/mine", top);
    u = serve_unix(path, &roomy);
    assert_int_equal(chmod(top, 0755), 0); /* as if folder and socket were open to all */
    assert_int_equal(chmod(path, 0666), 0);
    child = fork();
    if (child == 0) {
        struct sockaddr_un to = {.sun_family = AF_UNIX};
        char got[512] = "";
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        strcpy(to.sun_path, path);
        if (setgid(65534) || setuid(65534) || connect(fd, (struct sockaddr *)&to, sizeof to) ||
            write(fd, ask, sizeof ask - 1) < 0 || read(fd, got, sizeof got - 1) <= 0)
            _exit(2);
        _exit(strncmp(got, "HTTP/1.1 403 ", 13) ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(handled, before);
    assert_int_equal(chmod(top, 0700), 0);
    http_server_free(u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_requests), cmocka_unit_test(test_long_head),
        cmocka_unit_test(test_pipelined),    cmocka_unit_test(test_not_tls),
        cmocka_unit_test(test_handshakes),   cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_rate),         cmocka_unit_test(test_flood),
        cmocka_unit_test(test_unix_call),    cmocka_unit_test(test_unix_path),
        cmocka_unit_test(test_other_user),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, rig_up, rig_down);
}
