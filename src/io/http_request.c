/* What came: the checks before a handler sees a request, its parts, and the road through MHD's
 * callbacks. */
#include "io/http_priv.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/http_range.h"

#include <assert.h>
#include <string.h>

/* ---- the rules every request meets first ---- */

struct head {
    unsigned hosts, lengths, encodings;
    const char *length;
};

static enum MHD_Result look_at_header(void *ctx, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    struct head *h = ctx;

    (void)kind;
    if (!strcasecmp(name, MHD_HTTP_HEADER_HOST)) {
        h->hosts++;
    } else if (!strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH)) {
        h->lengths++;
        h->length = value;
    } else if (!strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
        h->encodings++;
    }
    return MHD_YES;
}

static bool is_method(const char *method)
{
    static const char *const known[] = {"GET", "HEAD", "POST", "PUT", "DELETE"};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(method, known[i]))
            return true;
    return false;
}

static bool takes_body(const char *method)
{
    return !strcmp(method, "POST") || !strcmp(method, "PUT");
}

/* 0, or the status to refuse it with. *why says it in words. Two readings of one request (two
 * hosts, two lengths, a length and chunks) are how requests are smuggled; libmicrohttpd 0.9.75 lets
 * several of them through. */
static unsigned check_head(const struct http_conn *c, const char *method, const char *version,
                           uint64_t *body, const char **why)
{
    struct head h = {0};
    size_t size =
        MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;

    *body = 0;
    MHD_get_connection_values(c->mhd, MHD_HEADER_KIND, look_at_header, &h);
    if (c->foreign) {
        *why = "this socket belongs to another user";
        return 403;
    }
    if (strcmp(version, MHD_HTTP_VERSION_1_1) != 0) {
        *why = "HTTP/1.1 is spoken here";
        return 505;
    }
    if (size > HTTP_HEAD_MAX) {
        *why = "the head is too long";
        return 431;
    }
    if (!is_method(method)) {
        *why = "no such method here";
        return 501;
    }
    if (c->bad_uri || h.hosts != 1 || h.encodings || h.lengths > 1 ||
        (h.length && !str_parse_u64(h.length, 0, UINT64_MAX, body)) ||
        (*body && !takes_body(method))) {
        *why = "the request is not well formed";
        return 400;
    }
    if (*body > HTTP_BODY_MAX) {
        *why = "the body is too long";
        return 413;
    }
    return 0;
}

/* ---- the road of a request ---- */

void *http_on_uri(void *server, const char *uri, struct MHD_Connection *mhd)
{
    struct http_conn *c = http_conn_of(mhd);

    (void)server;
    c->bad_uri = uri[0] != '/' || strchr(uri, ' ') || strstr(uri, "%00");
    http_conn_phase(c, HTTP_HEAD);
    return NULL; /* the request is made when its head is there */
}

static enum MHD_Result begin(struct http_conn *c, const char *url, const char *method,
                             const char *version, void **slot)
{
    struct http_request *rq = mem_zero(1, sizeof *rq);
    const char *why = NULL;
    uint64_t body;
    unsigned status;

    rq->c = c;
    rq->method = method;
    rq->path = url;
    *slot = rq;
    uv_mutex_lock(&c->s->lock);
    c->rq = rq;
    uv_mutex_unlock(&c->s->lock);
    status = check_head(c, method, version, &body, &why);
    if (status) {
        http_count(&c->s->refused, c->s);
        http_reply_text(rq, status, "%s", why);
        return http_reply_queue(rq); /* queued before the body: MHD closes after it */
    }
    http_conn_phase(c, body ? HTTP_MOVING : HTTP_BUSY);
    return MHD_YES;
}

static enum MHD_Result run_handler(struct http_request *rq)
{
    struct http_server *s = rq->c->s;

    for (;;) {
        rq->holding = false;
        http_conn_phase(rq->c, HTTP_BUSY);
        s->handler(s->ctx, rq);
        if (rq->reply)
            return http_reply_queue(rq);
        assert(rq->holding && "a handler replies or holds");
        if (rq->last)
            return MHD_NO;
        switch (http_pause(rq)) {
        case HTTP_PAUSED:
            return MHD_YES;
        case HTTP_WOKEN:
            rq->held = 1;
            break;
        case HTTP_ENDS:
            rq->held = 2;
            rq->last = true;
            break;
        }
    }
}

/* MHD calls once with the head, then with each part of the body, then once more; after a hold again
 * like the last time. */
enum MHD_Result http_on_request(void *server, struct MHD_Connection *mhd, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_len, void **slot)
{
    struct http_request *rq = *slot;

    (void)server;
    if (!rq)
        return begin(http_conn_of(mhd), url, method, version, slot);
    if (!*upload_len)
        return run_handler(rq);
    if (*upload_len > HTTP_BODY_MAX - rq->body.len)
        return MHD_NO; /* more than its Content-Length: cannot be, is not taken */
    buf_add(&rq->body, upload, *upload_len);
    *upload_len = 0;
    return MHD_YES;
}

void http_on_completed(void *server, struct MHD_Connection *mhd, void **slot,
                       enum MHD_RequestTerminationCode how)
{
    struct http_server *s = server;
    struct http_conn *c = http_conn_of(mhd);
    struct http_request *rq = *slot;

    if (!rq)
        return;
    *slot = NULL;
    uv_mutex_lock(&s->lock);
    c->rq = NULL;
    s->answered += how == MHD_REQUEST_TERMINATED_COMPLETED_OK;
    http_conn_phase_locked(c, HTTP_IDLE);
    uv_mutex_unlock(&s->lock);
    if (rq->streaming && rq->stream.done)
        rq->stream.done(rq->stream.ctx);
    if (rq->ctx_done)
        rq->ctx_done(rq->ctx);
    if (rq->reply)
        MHD_destroy_response(rq->reply);
    while (rq->headers) {
        struct http_header *h = rq->headers;

        rq->headers = h->next;
        mem_free(h->name);
        mem_free(h->value);
        mem_free(h);
    }
    buf_free(&rq->body);
    mem_free(rq);
}

/* ---- its parts ---- */

const char *http_method(const struct http_request *rq)
{
    return rq->method;
}

const char *http_path(const struct http_request *rq)
{
    return rq->path;
}

const char *http_arg(const struct http_request *rq, const char *name)
{
    return MHD_lookup_connection_value(rq->c->mhd, MHD_GET_ARGUMENT_KIND, name);
}

struct args {
    const char *name, **out;
    size_t len, max;
};

static enum MHD_Result take_arg(void *ctx, enum MHD_ValueKind kind, const char *name,
                                const char *value)
{
    struct args *a = ctx;

    (void)kind;
    if (!strcmp(name, a->name) && value) {
        if (a->len == a->max)
            return MHD_NO;
        a->out[a->len++] = value;
    }
    return MHD_YES;
}

size_t http_args(const struct http_request *rq, const char *name, const char **out, size_t max)
{
    struct args a = {.name = name, .out = out, .max = max};

    MHD_get_connection_values(rq->c->mhd, MHD_GET_ARGUMENT_KIND, take_arg, &a);
    return a.len;
}

const char *http_header(const struct http_request *rq, const char *name)
{
    return MHD_lookup_connection_value(rq->c->mhd, MHD_HEADER_KIND, name);
}

const void *http_body(const struct http_request *rq, size_t *len)
{
    *len = rq->body.len;
    return buf_cstr(&rq->body);
}

const struct addr *http_from(const struct http_request *rq)
{
    return &rq->c->from;
}

bool http_peer_key(const struct http_request *rq, uint8_t pub[32])
{
    if (rq->c->proven)
        memcpy(pub, rq->c->pub, 32);
    return rq->c->proven;
}

int http_range(const struct http_request *rq, uint64_t size, uint64_t *first, uint64_t *len)
{
    const char *text = http_header(rq, MHD_HTTP_HEADER_RANGE);

    return http_range_parse(text ? text : "", size, first, len);
}
