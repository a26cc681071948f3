/* Reading that may have to wait for the disk, away from the server's threads: those serve
 * everybody, and one cold file must not stall the rest. Threads are made when they are needed and
 * stay. */
#include "base/log.h"
#include "base/mem.h"
#include "svc/serve_priv.h"

#include <assert.h>
#include <utlist.h>

#define READS_MAX 4

struct reads {
    uv_mutex_t lock; /* everything here, and every job's state */
    uv_cond_t some;
    uv_thread_t thread[READS_MAX];
    unsigned threads, idle;
    struct read_job *queue;
    bool stop;
};

static void finish(struct read_job *j)
{
    j->state = READ_DONE;
    if (j->rq)
        http_wake(j->rq); /* under the lock: who is over has dropped the job before it dies */
}

static void reads_main(void *arg)
{
    struct reads *p = arg;
    struct read_job *j;

    uv_mutex_lock(&p->lock);
    while (!p->stop) {
        j = p->queue;
        if (!j) {
            p->idle++;
            uv_cond_wait(&p->some, &p->lock);
            p->idle--;
            continue;
        }
        DL_DELETE(p->queue, j);
        j->state = READ_RUNS;
        uv_mutex_unlock(&p->lock);
        j->run(j);
        uv_mutex_lock(&p->lock);
        if (j->dropped)
            j->free(j);
        else
            finish(j);
    }
    uv_mutex_unlock(&p->lock);
}

struct reads *reads_new(void)
{
    struct reads *p = mem_zero(1, sizeof *p);

    uv_mutex_init(&p->lock);
    uv_cond_init(&p->some);
    return p;
}

void reads_free(struct reads *p)
{
    uv_mutex_lock(&p->lock);
    assert(!p->queue && "the server's requests are over");
    p->stop = true;
    uv_cond_broadcast(&p->some);
    uv_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->threads; i++)
        uv_thread_join(&p->thread[i]);
    uv_cond_destroy(&p->some);
    uv_mutex_destroy(&p->lock);
    mem_free(p);
}

void reads_start(struct reads *p, struct read_job *j)
{
    unsigned queued = 0;
    struct read_job *o;

    uv_mutex_lock(&p->lock);
    j->state = READ_QUEUED;
    DL_APPEND(p->queue, j);
    DL_COUNT(p->queue, o, queued);
    if (queued > p->idle && p->threads < READS_MAX) {
        int bad = uv_thread_create(&p->thread[p->threads], reads_main, p);

        assert((!bad || p->threads) && "libuv cannot make a thread");
        p->threads += !bad;
    }
    uv_cond_signal(&p->some);
    uv_mutex_unlock(&p->lock);
}

bool reads_done(struct reads *p, const struct read_job *j)
{
    bool done;

    uv_mutex_lock(&p->lock);
    done = j->state == READ_DONE;
    uv_mutex_unlock(&p->lock);
    return done;
}

void reads_drop(struct reads *p, struct read_job *j)
{
    uv_mutex_lock(&p->lock);
    if (j->state == READ_QUEUED)
        DL_DELETE(p->queue, j);
    if (j->state == READ_RUNS) { /* its thread frees it */
        j->dropped = true;
        j = NULL;
    }
    uv_mutex_unlock(&p->lock);
    if (j)
        j->free(j);
}
