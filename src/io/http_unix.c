/* The commands' way to the running service: one request over its Unix socket, by this thread. */
#include "io/http_client.h"

#include "base/str.h"
#include "io/loop.h"

#include <assert.h>
#include <curl/curl.h>
#include <string.h>

#define LOOK_MS     100
#define TEXT_MAX    (64u << 10)
#define COLLECT_MAX (64u << 20) /* the service is our own, but not above making mistakes */

static bool (*stop_hook)(void);

struct exchange {
    CURL *easy;
    bool (*data)(void *ctx, const void *p, size_t len);
    void *ctx;
    struct buf *body;
    bool enough; /* data said so */
};

void http_unix_set_stop(bool (*stop)(void))
{
    stop_hook = stop;
}

void http_url_escape(struct buf *to, const char *text, size_t len)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (size_t i = 0; i < len; i++)
        if (text[i] && strchr(plain, text[i]))
            buf_char(to, text[i]);
        else
            buf_printf(to, "%%%02X", (unsigned)(unsigned char)text[i]);
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
    struct exchange *x = ctx;
    size_t len = size * n;
    long status = 0;

    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    if (x->data && status >= 200 && status <= 299) {
        x->enough = !x->data(x->ctx, p, len);
        return x->enough ? 0 : len;
    }
    if (x->body) {
        if (len > (x->data ? TEXT_MAX : COLLECT_MAX) - x->body->len)
            return 0;
        buf_add(x->body, p, len);
    }
    return len;
}

static struct curl_slist *set_up(struct exchange *x, const char *socket_path, const char *method,
                                 const char *path, const void *body, size_t body_len)
{
    const char *verb = method ? method : "GET";
    bool post = body || !strcmp(verb, "POST") || !strcmp(verb, "PUT");
    struct curl_slist *headers = NULL;
    struct buf url = {0};

    buf_printf(&url, "http://localhost%s", path);
    curl_easy_setopt(x->easy, CURLOPT_URL, url.data);
    buf_free(&url);
    curl_easy_setopt(x->easy, CURLOPT_UNIX_SOCKET_PATH, socket_path);
    curl_easy_setopt(x->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(x->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(x->easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(x->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
    if (post) {
        headers = curl_slist_append(headers, "Content-Type: application/json");
        headers = curl_slist_append(headers, "Expect:");
        curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_len);
        curl_easy_setopt(x->easy, CURLOPT_COPYPOSTFIELDS, body_len ? body : "");
    }
    if (!strcmp(verb, "HEAD"))
        curl_easy_setopt(x->easy, CURLOPT_NOBODY, 1L);
    else if (strcmp(verb, post ? "POST" : "GET") != 0)
        curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, verb);
    return headers;
}

static int explain(const struct exchange *x, CURLcode rc, const char *socket_path, struct err *e)
{
    switch (rc) {
    case CURLE_OK:
        return 0;
    case CURLE_WRITE_ERROR:
        return x->enough ? 0 : err_set(e, ERR_IO, "the service answered with too much");
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        err_set(e, ERR_NO_SERVICE, "the service does not run (nobody answers at %s)", socket_path);
        err_hint(e, "start it: iwanto start");
        return -ERR_NO_SERVICE;
    default:
        return err_set(e, ERR_NO_SERVICE, "the service went away: %s", curl_easy_strerror(rc));
    }
}

/* Until the transfer is over, the time is up or the hook says stop. */
static int run(CURLM *multi, unsigned timeout_ms, CURLcode *rc, struct err *e)
{
    int64_t due = timeout_ms ? loop_now_ms() + timeout_ms : INT64_MAX;
    int running = 1, left;
    CURLMsg *msg;

    for (;;) {
        curl_multi_perform(multi, &running);
        msg = curl_multi_info_read(multi, &left);
        if (msg) {
            *rc = msg->data.result;
            return 0;
        }
        if (stop_hook && stop_hook())
            return err_set(e, ERR_INTERRUPTED, "interrupted");
        if (loop_now_ms() >= due)
            return err_set(e, ERR_TIMEOUT, "the service did not answer within %u ms", timeout_ms);
        curl_multi_poll(multi, NULL, 0, LOOK_MS, NULL);
    }
}

int http_unix_call(const char *socket_path, const char *method, const char *path,
                   const void *body_out, size_t body_len, unsigned timeout_ms,
                   bool (*data)(void *ctx, const void *p, size_t len), void *ctx, struct buf *body,
                   long *status, struct err *e)
{
    struct exchange x = {.easy = curl_easy_init(), .data = data, .ctx = ctx, .body = body};
    CURLM *multi = curl_multi_init();
    struct curl_slist *headers;
    CURLcode rc = CURLE_OK;
    int bad;

    assert(x.easy && multi && "libcurl has no memory");
    *status = 0;
    headers = set_up(&x, socket_path, method, path, body_out, body_len);
    curl_multi_add_handle(multi, x.easy);
    bad = run(multi, timeout_ms, &rc, e);
    if (!bad) {
        curl_easy_getinfo(x.easy, CURLINFO_RESPONSE_CODE, status);
        bad = explain(&x, rc, socket_path, e);
    }
    curl_multi_remove_handle(multi, x.easy);
    curl_easy_cleanup(x.easy);
    curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
    return bad;
}
