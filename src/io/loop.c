#include "io/loop.h"

#include "base/mem.h"

#include <assert.h>

struct post {
    struct post *next;
    void (*fn)(void *arg);
    void *arg;
};

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_mutex_t lock; /* guards head, tail and ended */
    struct post *head, **tail;
    bool ended; /* nothing is taken any more */
    bool quit;  /* loop thread */
    bool threaded;
    uv_thread_t thread;
    const char *name;
};

static void run_posts(struct loop *l)
{
    for (;;) {
        struct post *p, *next;

        uv_mutex_lock(&l->lock);
        p = l->head;
        l->head = NULL;
        l->tail = &l->head;
        uv_mutex_unlock(&l->lock);
        if (!p)
            return;
        for (; p; p = next) {
            next = p->next;
            p->fn(p->arg);
            mem_free(p);
        }
    }
}

static void on_wake(uv_async_t *a)
{
    struct loop *l = a->data;

    run_posts(l);
    if (l->quit)
        uv_stop(&l->uv);
}

struct loop *loop_new(const char *name)
{
    struct loop *l = mem_zero(1, sizeof *l);
    bool bad;

    l->name = name;
    l->tail = &l->head;
    bad =
        uv_loop_init(&l->uv) || uv_async_init(&l->uv, &l->wake, on_wake) || uv_mutex_init(&l->lock);
    assert(!bad && "libuv cannot make a loop");
    (void)bad;
    l->wake.data = l;
    return l;
}

uv_loop_t *loop_uv(struct loop *l)
{
    return &l->uv;
}

void loop_run(struct loop *l)
{
    uv_run(&l->uv, UV_RUN_DEFAULT);
    run_posts(l);
    uv_mutex_lock(&l->lock);
    l->ended = true; /* from here on nobody touches the wake handle */
    uv_mutex_unlock(&l->lock);
    run_posts(l);
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT); /* closing callbacks; ends when no handle is left */
}

static void thread_main(void *arg)
{
    loop_run(arg);
}

void loop_start(struct loop *l)
{
    int bad = uv_thread_create(&l->thread, thread_main, l);

    assert(!bad && "libuv cannot make a thread");
    (void)bad;
    l->threaded = true;
}

bool loop_post(struct loop *l, void (*fn)(void *arg), void *arg)
{
    struct post *p = mem_alloc(sizeof *p);
    bool taken;

    *p = (struct post){.fn = fn, .arg = arg};
    uv_mutex_lock(&l->lock);
    taken = !l->ended;
    if (taken) {
        *l->tail = p;
        l->tail = &p->next;
        uv_async_send(&l->wake); /* under the lock: the handle is open while `ended` is not set */
    }
    uv_mutex_unlock(&l->lock);
    if (!taken)
        mem_free(p);
    return taken;
}

struct call {
    void (*fn)(void *arg);
    void *arg;
    uv_sem_t done;
};

static void run_call(void *arg)
{
    struct call *c = arg;

    c->fn(c->arg);
    uv_sem_post(&c->done);
}

bool loop_call(struct loop *l, void (*fn)(void *arg), void *arg)
{
    struct call c = {.fn = fn, .arg = arg};
    bool taken;

    uv_sem_init(&c.done, 0);
    taken = loop_post(l, run_call, &c);
    if (taken)
        uv_sem_wait(&c.done);
    uv_sem_destroy(&c.done);
    return taken;
}

static void set_quit(void *arg)
{
    struct loop *l = arg;

    l->quit = true;
}

void loop_quit(struct loop *l)
{
    loop_post(l, set_quit, l);
}

void loop_free(struct loop *l)
{
    int busy;

    if (!l)
        return;
    if (l->threaded)
        uv_thread_join(&l->thread);
    busy = uv_loop_close(&l->uv);
    assert(!busy && "a handle of this loop is still open");
    (void)busy;
    uv_mutex_destroy(&l->lock);
    mem_free(l);
}

int64_t loop_now_ms(void)
{
    return (int64_t)(uv_hrtime() / 1000000);
}
