/* Streams that find the purse empty wait here; a thread wakes them. It sleeps while none waits. */
#include "base/mem.h"
#include "io/loop.h"
#include "svc/serve_priv.h"

#define TURN_MS   50
#define SLICE_MIN (16u << 10) /* bytes; smaller blocks cost more than they are worth */

struct pace {
    uv_mutex_t lock;
    uv_cond_t some;
    uv_thread_t thread;
    double limit, purse; /* bytes/s, bytes */
    int64_t filled_ms;
    struct http_request **waiting;
    size_t waiters, cap;
    bool stop;
};

static void wake_all(struct pace *p)
{
    /* under the lock: who is over has left the list before it dies (pace_forget) */
    for (size_t i = 0; i < p->waiters; i++)
        http_wake(p->waiting[i]);
    p->waiters = 0;
}

static void pace_main(void *arg)
{
    struct pace *p = arg;

    uv_mutex_lock(&p->lock);
    while (!p->stop) {
        if (!p->waiters) {
            uv_cond_wait(&p->some, &p->lock);
            continue;
        }
        uv_mutex_unlock(&p->lock);
        uv_sleep(TURN_MS);
        uv_mutex_lock(&p->lock);
        wake_all(p);
    }
    uv_mutex_unlock(&p->lock);
}

struct pace *pace_new(uint64_t limit)
{
    struct pace *p = mem_zero(1, sizeof *p);

    p->limit = (double)limit;
    p->filled_ms = loop_now_ms();
    uv_mutex_init(&p->lock);
    uv_cond_init(&p->some);
    if (uv_thread_create(&p->thread, pace_main, p) == 0)
        return p;
    uv_cond_destroy(&p->some);
    uv_mutex_destroy(&p->lock);
    mem_free(p);
    return NULL;
}

void pace_free(struct pace *p)
{
    if (!p)
        return;
    uv_mutex_lock(&p->lock);
    p->stop = true;
    uv_cond_signal(&p->some);
    uv_mutex_unlock(&p->lock);
    uv_thread_join(&p->thread);
    uv_cond_destroy(&p->some);
    uv_mutex_destroy(&p->lock);
    mem_free(p->waiting);
    mem_free(p);
}

size_t pace_take(struct pace *p, struct http_request *rq, size_t want)
{
    double most;
    int64_t now = loop_now_ms();
    size_t got;

    if (!p)
        return want;
    uv_mutex_lock(&p->lock);
    most = p->limit / 5 > SLICE_MIN ? p->limit / 5 : SLICE_MIN;
    p->purse += p->limit * (double)(now - p->filled_ms) / 1000;
    p->filled_ms = now;
    if (p->purse > most)
        p->purse = most;
    got = p->purse >= (double)want ? want : (size_t)p->purse;
    if (got < want && got < SLICE_MIN) {
        MEM_GROW(p->waiting, p->waiters, p->cap);
        p->waiting[p->waiters++] = rq;
        uv_cond_signal(&p->some);
        got = 0;
    }
    p->purse -= (double)got;
    uv_mutex_unlock(&p->lock);
    return got;
}

void pace_forget(struct pace *p, struct http_request *rq)
{
    size_t n = 0;

    if (!p)
        return;
    uv_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->waiters; i++) {
        if (p->waiting[i] != rq)
            p->waiting[n++] = p->waiting[i];
    }
    p->waiters = n;
    uv_mutex_unlock(&p->lock);
}
