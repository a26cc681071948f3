#include "io/http_client_priv.h"
#include "io/link.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/http_range.h"
#include "io/loop.h"

#include <assert.h>
#include <ctype.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX     (16u << 10) /* of an answer that is not 2xx */
#define CONNECT_MS   3000
#define STALL_MS     10000
#define BUFFER_BYTES (64L << 10) /* TLS brings at most 16 KiB at a time: more gained nothing */
#define BUFFER_MIN   1024L       /* the least that libcurl takes */
#define SLICES       20          /* a second, of an answer with a limit */
#define KEEP_S                                                                                     \
    50L /* less than the server's HTTP_IDLE_S, so that we seldom take one that is about to be      \
           closed */
#define PIN_MAX 64

/* ---- what is taken ---- */

static size_t break_off(struct http_call *call, enum err_code code, const char *what)
{
    char peer[ADDR_TEXT_MAX];

    err_set(&call->broke, code, "%s %s", addr_text(&call->addr, peer), what);
    return 0; /* fewer than given: libcurl ends the transfer */
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
    static const char name[] = "content-range:";
    struct http_call *call = ctx;
    size_t len = size * n;

    if (call->stage == CALL_DEAD)
        return 0;
    call->last_ms = loop_now_ms();
    call->head_bytes += len;
    if (call->head_bytes > HTTP_HEAD_MAX)
        return break_off(call, ERR_BAD_CONTENT, "answered with a head that is too long");
    if (len >= 5 && !strncmp(p, "HTTP/", 5)) {
        call->ranges = 0; /* an interim answer came before */
    } else if (len >= sizeof name - 1 && !strncasecmp(p, name, sizeof name - 1)) {
        /* one good one is an answer; a bad one, or two, is none */
        call->ranges +=
            http_content_range_parse(p + sizeof name - 1, len - (sizeof name - 1),
                                     &call->range_first, &call->range_last, &call->range_size)
                ? 1
                : 2;
    }
    return len;
}

static bool range_is_right(const struct http_call *call)
{
    return call->ranges == 1 && call->range_first == call->first &&
           call->range_last - call->range_first + 1 == call->len;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
    struct http_call *call = ctx;
    size_t len = size * n;
    long status = 0;

    if (call->stage == CALL_DEAD)
        return 0;
    call->last_ms = loop_now_ms();
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 299) {
        if (len > TEXT_MAX - call->body.len)
            return break_off(call, ERR_BAD_CONTENT, "answered with too much text");
        buf_add(&call->body, p, len);
        return len;
    }
    if (call->range && (status != 206 || !range_is_right(call)))
        return break_off(call, ERR_BAD_CONTENT, "did not answer with the range that was asked for");
    if (len > call->max - call->taken)
        return break_off(call, ERR_BAD_CONTENT, "answered with more than was asked for");
    call->taken += len;
    if (!call->data) {
        buf_add(&call->body, p, len);
        return len;
    }
    if (call->data(call->ctx, p, len))
        return len;
    return break_off(call, ERR_INTERRUPTED, "was not listened to any longer");
}

/* ---- what is asked for ---- */

static void set_peer(struct http_call *call, const struct http_ask *ask)
{
    /* SubjectPublicKeyInfo of an Ed25519 key (RFC 8410, 4) */
    uint8_t spki[44] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    const struct http_client *c = call->client;
    gnutls_datum_t sum = {.size = 32}, base64 = {0};
    uint8_t raw[32];
    char pin[PIN_MAX], to[ADDR_TEXT_MAX + 4], text[ADDR_TEXT_MAX];
    struct addr plain = ask->addr;
    uint32_t scope = plain.scope;

    memcpy(spki + 12, ask->pin, 32);
    sum.data = raw;
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, spki, sizeof spki, raw) < 0 ||
        gnutls_base64_encode2(&sum, &base64) < 0)
        assert(false && "GnuTLS cannot hash");
    snprintf(pin, sizeof pin, "sha256//%.*s", (int)base64.size, (const char *)base64.data);
    gnutls_free(base64.data);
    if (!scope && addr_is_link_local6(&plain))
        scope = link_any_scope();
    plain.scope = 0; /* goes another way, which needs no resolver */
    snprintf(to, sizeof to, "::%s", addr_text(&plain, text));
    call->connect_to = curl_slist_append(NULL, to);
    curl_easy_setopt(call->easy, CURLOPT_CONNECT_TO, call->connect_to);
    curl_easy_setopt(call->easy, CURLOPT_ADDRESS_SCOPE, (long)scope);
    curl_easy_setopt(call->easy, CURLOPT_PINNEDPUBLICKEY, pin);
    curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(call->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
    curl_easy_setopt(call->easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
    curl_easy_setopt(call->easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(call->easy, CURLOPT_CAINFO, c->ca_file);
    curl_easy_setopt(call->easy, CURLOPT_CAPATH,
                     NULL); /* the default one is parsed at each connection: 58 ms */
    curl_easy_setopt(call->easy, CURLOPT_SSLCERT, c->cert_file);
    curl_easy_setopt(call->easy, CURLOPT_SSLKEY, c->key_file);
}

static void set_method(struct http_call *call, const struct http_ask *ask)
{
    const char *method = ask->method ? ask->method : "GET";
    bool body = ask->body || !strcmp(method, "POST") || !strcmp(method, "PUT");

    call->head_only = !strcmp(method, "HEAD");
    if (body) {
        call->headers = curl_slist_append(call->headers, "Content-Type: application/octet-stream");
        call->headers = curl_slist_append(call->headers, "Expect:");
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body_len);
        curl_easy_setopt(call->easy, CURLOPT_COPYPOSTFIELDS, ask->body_len ? ask->body : "");
    }
    if (call->head_only)
        curl_easy_setopt(call->easy, CURLOPT_NOBODY, 1L);
    else if (strcmp(method, body ? "POST" : "GET") != 0)
        curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void set_range(struct http_call *call)
{
    char text[48];

    assert(call->len && "a range has bytes");
    snprintf(text, sizeof text, "%llu-%llu", (unsigned long long)call->first,
             (unsigned long long)(call->first + call->len - 1));
    curl_easy_setopt(call->easy, CURLOPT_RANGE, text);
}

/* libcurl takes a buffer at a time and rests so long as that takes: a small one goes evenly. */
static long buffer_bytes(uint64_t max_rate)
{
    uint64_t slice = max_rate / SLICES;

    if (!max_rate || slice > BUFFER_BYTES)
        return BUFFER_BYTES;
    return slice < BUFFER_MIN ? BUFFER_MIN : (long)slice;
}

void http_call_setup(struct http_call *call, const struct http_ask *ask)
{
    CURL *easy = call->easy;
    struct buf url = {0};

    buf_printf(&url, "https://%s%s", call->client->server_name, ask->path);
    curl_easy_setopt(easy, CURLOPT_URL, url.data);
    buf_free(&url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, buffer_bytes(ask->max_rate));
    curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)ask->max_rate);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, KEEP_S);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(ask->connect_ms ? ask->connect_ms : CONNECT_MS));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)ask->total_ms);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    call->addr = ask->addr;
    call->range = ask->range;
    call->first = ask->first;
    call->len = ask->len;
    call->max = ask->range && (!ask->max || ask->max > ask->len) ? ask->len : ask->max;
    call->stall_ms = ask->stall_ms ? ask->stall_ms : STALL_MS;
    call->data = ask->data;
    call->done = ask->done;
    call->ctx = ask->ctx;
    call->last_ms = loop_now_ms();
    set_peer(call, ask);
    set_method(call, ask);
    if (ask->range)
        set_range(call);
}

/* ---- what it came to ---- */

/* A server refuses a stranger without an alert: the connection just ends, before or right after the
 * client thinks that the handshake is over. */
static bool is_refusal(CURL *easy, CURLcode rc)
{
    long fresh = 0;

    switch (rc) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_ISSUER_ERROR:
        return true;
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &fresh);
        return fresh > 0;
    default:
        return false;
    }
}

/* Was there a connection, new or kept, that a request could go out on? (The number of connections
 * is 0 for a kept one, but also where connecting took too long.) */
static bool is_connected(CURL *easy)
{
    curl_off_t ready = 0;

    curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
    return ready > 0;
}

/* libcurl's words, without anything that a peer could have put there to move a cursor. */
static void words_of(const struct http_call *call, CURLcode rc, char *out, size_t cap)
{
    str_copy(out, cap, call->error[0] ? call->error : curl_easy_strerror(rc));
    for (char *p = out; *p; p++)
        if (!isprint((unsigned char)*p))
            *p = '?';
}

static void explain(const struct http_call *call, CURLcode rc, struct http_answer *a)
{
    char peer[ADDR_TEXT_MAX], words[160];

    addr_text(&call->addr, peer);
    words_of(call, rc, words, sizeof words);
    if (a->refused)
        err_set(&a->err, ERR_NO_PEER, "%s does not accept us, or is not who it was (%s)", peer,
                words);
    else if (a->unreachable)
        err_set(&a->err, ERR_NO_PEER, "cannot reach %s: %s", peer, words);
    else if (a->timed_out)
        err_set(&a->err, ERR_TIMEOUT, "%s does not go on answering", peer);
    else
        err_set(&a->err, ERR_UNFINISHED, "the connection to %s broke off: %s", peer, words);
    if (a->refused)
        err_hint(&a->err, "another network or passphrase?");
}

void http_call_result(struct http_call *call, CURLcode rc, bool stalled, struct http_answer *a)
{
    *a = (struct http_answer){0};
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &a->status);
    if (call->ranges == 1 && a->status == 206) {
        a->range_first = call->range_first;
        a->range_len = call->range_last - call->range_first + 1;
        a->range_size = call->range_size;
    }
    if (rc == CURLE_OK && !stalled) {
        if (call->range && a->status >= 200 && a->status < 300 &&
            (a->status != 206 || !range_is_right(call) ||
             (!call->head_only && call->taken != call->len)))
            break_off(call, ERR_BAD_CONTENT, "did not answer with the range that was asked for");
        a->err = call->broke;
        return;
    }
    if (call->broke.code) {
        a->err = call->broke;
        return;
    }
    a->timed_out = stalled || rc == CURLE_OPERATION_TIMEDOUT;
    a->refused = !a->status && !stalled && is_refusal(call->easy, rc);
    a->unreachable =
        !a->status && !a->refused && (rc == CURLE_COULDNT_CONNECT || !is_connected(call->easy));
    explain(call, rc, a);
}
