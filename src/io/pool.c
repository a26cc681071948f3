#include "io/pool.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOW_NICE 10

struct pool {
    struct loop *loop;
    uv_thread_t *thread;
    unsigned threads;
    bool started;

    uv_mutex_t lock; /* guards what follows */
    uv_cond_t some;
    struct pool_job *first, **last;
    bool end;
};

/* The thread itself. Where it is refused the work is done all the same. */
static void be_low(void)
{
#ifdef __linux__
    enum { WHO_PROCESS = 1, CLASS_SHIFT = 13, BEST_EFFORT = 2, LOWEST = 7 }; /* ioprio_set(2) */

    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), LOW_NICE);
    (void)syscall(SYS_ioprio_set, WHO_PROCESS, 0, BEST_EFFORT << CLASS_SHIFT | LOWEST);
#endif
}

static void on_done(void *arg)
{
    struct pool_job *j = arg;

    j->done(j);
}

static struct pool_job *take(struct pool *p)
{
    struct pool_job *j;

    uv_mutex_lock(&p->lock);
    while (!p->first && !p->end)
        uv_cond_wait(&p->some, &p->lock);
    j = p->first;
    if (j && !(p->first = j->next))
        p->last = &p->first;
    uv_mutex_unlock(&p->lock);
    return j;
}

static void run(void *arg)
{
    struct pool *p = arg;
    struct pool_job *j;

    be_low();
    while ((j = take(p))) {
        bool posted;

        j->work(j);
        posted = loop_post(p->loop, on_done, j);
        assert(posted && "the loop outlives its pool");
        (void)posted;
    }
}

struct pool *pool_new(struct loop *loop, unsigned threads)
{
    struct pool *p = mem_zero(1, sizeof *p);

    p->loop = loop;
    p->threads = threads;
    p->thread = mem_zero(threads, sizeof *p->thread);
    p->last = &p->first;
    uv_mutex_init(&p->lock);
    uv_cond_init(&p->some);
    return p;
}

void pool_add(struct pool *p, struct pool_job *j)
{
    if (!p->started)
        for (unsigned i = 0; i < p->threads; i++)
            if (uv_thread_create(&p->thread[i], run, p))
                abort(); /* no thread to be had: as with memory, nothing sensible can be done */
    p->started = true;
    j->next = NULL;
    uv_mutex_lock(&p->lock);
    *p->last = j;
    p->last = &j->next;
    uv_cond_signal(&p->some);
    uv_mutex_unlock(&p->lock);
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    assert(!p->first);
    uv_mutex_lock(&p->lock);
    p->end = true;
    uv_cond_broadcast(&p->some);
    uv_mutex_unlock(&p->lock);
    for (unsigned i = 0; p->started && i < p->threads; i++)
        uv_thread_join(&p->thread[i]);
    uv_cond_destroy(&p->some);
    uv_mutex_destroy(&p->lock);
    mem_free(p->thread);
    mem_free(p);
}
