/* What goes: replies, streams, and the waiting that both streams and held requests do.
 *
 * Suspend and wake are two threads' business. Both happen under the server's lock: a wake that
 * comes first is kept in `woken`, a wake that comes after the suspend resumes. A request lives
 * until MHD says that it is over, which it never says of a suspended one. */
#include "io/http_priv.h"

#include "base/mem.h"
#include "io/loop.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BLOCK                                                                                      \
    (64u << 10) /* measured: 4 KiB records cost a third more on both ends, over 256 KiB is dearer  \
                   again */
#define LOOK_FIRST_MS 1000

void http_reply_header(struct http_request *rq, const char *name, const char *value)
{
    struct http_header *h = mem_alloc(sizeof *h);

    assert(!strpbrk(value, "\r\n") && "a header is one line");
    *h = (struct http_header){.next = rq->headers, .name = mem_str(name), .value = mem_str(value)};
    rq->headers = h;
}

static void set_reply(struct http_request *rq, unsigned status, const char *type,
                      struct MHD_Response *reply)
{
    assert(reply && "libmicrohttpd has no memory");
    assert(!rq->reply && !rq->holding && "one reply for a request");
    rq->reply = reply;
    rq->status = status;
    if (type)
        http_reply_header(rq, MHD_HTTP_HEADER_CONTENT_TYPE, type);
}

void http_reply(struct http_request *rq, unsigned status, const char *type, const void *data,
                size_t len)
{
    void *copy = mem_alloc(len ? len : 1);

    if (len)
        memcpy(copy, data, len);
    set_reply(rq, status, type,
              MHD_create_response_from_buffer_with_free_callback(len, copy, mem_free));
}

void http_reply_text(struct http_request *rq, unsigned status, const char *fmt, ...)
{
    char line[1024];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof line - 1, fmt, ap);
    va_end(ap);
    if (n < 0)
        n = 0;
    if ((size_t)n > sizeof line - 2)
        n = (int)sizeof line - 2;
    line[n++] = '\n';
    http_reply(rq, status, "text/plain; charset=utf-8", line, (size_t)n);
}

enum MHD_Result http_reply_queue(struct http_request *rq)
{
    struct MHD_Response *reply = rq->reply;
    enum MHD_Result ok;

    for (const struct http_header *h = rq->headers; h; h = h->next)
        if (MHD_add_response_header(reply, h->name, h->value) != MHD_YES)
            assert(false && "a header that HTTP does not know");
    http_conn_phase(rq->c, HTTP_MOVING);
    rq->reply = NULL;
    ok = MHD_queue_response(rq->c->mhd, rq->status, reply);
    MHD_destroy_response(reply); /* MHD keeps its own reference while it needs it */
    return ok;
}

/* ---- streams ---- */

static ssize_t on_read(void *ctx, uint64_t pos, char *to, size_t max)
{
    struct http_request *rq = ctx;

    for (;;) {
        int64_t n = rq->stream.read(rq->stream.ctx, pos, to, max);

        if (n > 0)
            return (ssize_t)n;
        if (n < 0)
            return n == -1 ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
        switch (http_pause(rq)) {
        case HTTP_PAUSED:
            return 0;
        case HTTP_WOKEN:
            break;
        case HTTP_ENDS:
            return MHD_CONTENT_READER_END_WITH_ERROR;
        }
    }
}

void http_reply_stream(struct http_request *rq, unsigned status, const char *type, uint64_t len,
                       const struct http_stream *st)
{
    rq->streaming = true;
    rq->stream = *st;
    set_reply(rq, status, type,
              MHD_create_response_from_callback(len == UINT64_MAX ? MHD_SIZE_UNKNOWN : len, BLOCK,
                                                on_read, rq, NULL));
}

/* ---- waiting ---- */

enum http_pause http_pause(struct http_request *rq)
{
    struct http_conn *c = rq->c;
    struct http_server *s = c->s;
    enum http_pause did = HTTP_PAUSED;

    uv_mutex_lock(&s->lock);
    if (s->stopping || c->gone) {
        did = HTTP_ENDS;
    } else if (rq->woken) {
        rq->woken = false;
        did = HTTP_WOKEN;
    } else {
        rq->suspended = true;
        c->look_ms = loop_now_ms() + LOOK_FIRST_MS;
        http_conn_phase_locked(c, HTTP_BUSY);
        http_watch_by_locked(s, rq->holding && rq->hold_due_ms < c->look_ms ? rq->hold_due_ms
                                                                            : c->look_ms);
        MHD_suspend_connection(c->mhd);
    }
    uv_mutex_unlock(&s->lock);
    return did;
}

void http_resume_locked(struct http_request *rq, int held)
{
    rq->suspended = false;
    if (rq->holding)
        rq->held = held;
    else
        http_conn_phase_locked(rq->c, HTTP_MOVING);
    MHD_resume_connection(rq->c->mhd);
}

void http_wake(struct http_request *rq)
{
    struct http_server *s = rq->c->s;

    uv_mutex_lock(&s->lock);
    if (rq->suspended)
        http_resume_locked(rq, 1);
    else
        rq->woken = true;
    uv_mutex_unlock(&s->lock);
}

void http_hold(struct http_request *rq, unsigned ms)
{
    assert(!rq->reply && "a request is held or answered");
    rq->holding = true;
    rq->hold_due_ms = loop_now_ms() + ms;
}

int http_held(const struct http_request *rq)
{
    return rq->held;
}

void http_set_ctx(struct http_request *rq, void *ctx, void (*done)(void *ctx))
{
    rq->ctx = ctx;
    rq->ctx_done = done;
}

void *http_get_ctx(const struct http_request *rq)
{
    return rq->ctx;
}
