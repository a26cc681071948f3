#include "svc/errand.h"

#include "base/mem.h"

#include <stdlib.h>
#include <utlist.h>
#include <uv.h>

#define LONGEST_MS 60000

/* Two owners: the request, and the thread until it is done with it. */
struct errand {
    struct errand *prev, *next;
    struct errands *s;
    errand_run *run;
    json_t *body;
    /* under s->lock: */
    unsigned owners;
    struct http_request *rq; /* NULL: over */
    bool done;
    json_t *answer;
    struct err err;
};

struct errands {
    void *ctx;
    uv_mutex_t lock;
    uv_cond_t some;
    struct errand *waiting;
    uv_thread_t thread;
    bool started, stop;
};

static void drop(struct errand *r) /* locked */
{
    if (--r->owners)
        return;
    json_decref(r->body);
    json_decref(r->answer);
    mem_free(r);
}

static void errands_main(void *arg)
{
    struct errands *s = arg;
    struct errand *r;

    uv_mutex_lock(&s->lock);
    for (;;) {
        json_t *answer = NULL;
        struct err e = {0};

        while (!s->waiting && !s->stop)
            uv_cond_wait(&s->some, &s->lock);
        r = s->waiting;
        if (!r)
            break;
        DL_DELETE(s->waiting, r);
        if (s->stop) {
            err_set(&e, ERR_NO_SERVICE, "the service ends");
        } else {
            uv_mutex_unlock(&s->lock);
            if (r->run(s->ctx, r->body, &answer, &e))
                answer = NULL;
            uv_mutex_lock(&s->lock);
        }
        r->answer = answer;
        r->err = e;
        r->done = true;
        if (r->rq)
            http_wake(r->rq);
        drop(r);
    }
    uv_mutex_unlock(&s->lock);
}

static void request_over(void *ctx)
{
    struct errand *r = ctx;
    struct errands *s = r->s;

    uv_mutex_lock(&s->lock);
    r->rq = NULL;
    drop(r);
    uv_mutex_unlock(&s->lock);
}

static void start(struct errands *s, struct http_request *rq, errand_run *run)
{
    struct errand *r = mem_zero(1, sizeof *r);
    const char *text;
    size_t len;

    text = http_body(rq, &len);
    r->s = s;
    r->run = run;
    r->body = json_loadb(text, len, 0, NULL);
    r->owners = 2;
    r->rq = rq;
    http_set_ctx(rq, r, request_over);
    http_hold(rq, LONGEST_MS);
    uv_mutex_lock(&s->lock);
    DL_APPEND(s->waiting, r);
    if (!s->started) {
        if (uv_thread_create(&s->thread, errands_main, s))
            abort();
        s->started = true;
    }
    uv_cond_signal(&s->some);
    uv_mutex_unlock(&s->lock);
}

json_t *errand_answer(struct errands *s, struct http_request *rq, errand_run *run, struct err *e)
{
    struct errand *r = http_get_ctx(rq);
    bool done;

    e->code = 0;
    if (!r) {
        start(s, rq, run);
        return NULL;
    }
    uv_mutex_lock(&s->lock);
    done = r->done;
    uv_mutex_unlock(&s->lock);
    if (!done)
        err_set(e, ERR_TIMEOUT, "no answer in time");
    else if (!r->answer)
        *e = r->err;
    return done ? r->answer : NULL;
}

struct errands *errands_new(void *ctx)
{
    struct errands *s = mem_zero(1, sizeof *s);

    s->ctx = ctx;
    uv_mutex_init(&s->lock);
    uv_cond_init(&s->some);
    return s;
}

void errands_free(struct errands *s)
{
    if (!s)
        return;
    uv_mutex_lock(&s->lock);
    s->stop = true;
    uv_cond_signal(&s->some);
    uv_mutex_unlock(&s->lock);
    if (s->started)
        uv_thread_join(&s->thread);
    uv_cond_destroy(&s->some);
    uv_mutex_destroy(&s->lock);
    mem_free(s);
}
