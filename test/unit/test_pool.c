/* io/pool: every job is worked on once, off the loop, and ends on the loop. */
#include "base/mem.h"
#include "io/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

#define JOBS 500u

struct task {
    struct pool_job job; /* the first member */
    bool worked;
};

struct rig {
    struct loop *loop;
    struct pool *pool;
    struct task task[JOBS];
    uv_thread_t loops;
    atomic_uint worked;
    unsigned done, again; /* the loop's */
    uv_sem_t all;
};

static struct rig *rig;

static bool on_loop(void)
{
    uv_thread_t self = uv_thread_self();

    return uv_thread_equal(&self, &rig->loops);
}

static void work(struct pool_job *j)
{
    struct task *t = (struct task *)j;

    assert_false(t->worked || on_loop());
    t->worked = true;
    atomic_fetch_add(&rig->worked, 1);
}

static void done(struct pool_job *j)
{
    struct task *t = (struct task *)j;

    assert_true(t->worked && on_loop());
    t->worked = false;
    if (++rig->done <= JOBS / 2) { /* a job may be added again from where it ended */
        rig->again++;
        pool_add(rig->pool, j);
    }
    if (rig->done == JOBS + rig->again)
        uv_sem_post(&rig->all);
}

static void add_all(void *arg)
{
    (void)arg;
    rig->loops = uv_thread_self();
    for (unsigned i = 0; i < JOBS; i++) {
        rig->task[i].job = (struct pool_job){.work = work, .done = done};
        pool_add(rig->pool, &rig->task[i].job);
    }
}

static void many_jobs(void **state)
{
    (void)state;
    rig = mem_zero(1, sizeof *rig);
    uv_sem_init(&rig->all, 0);
    rig->loop = loop_new("test");
    rig->pool = pool_new(rig->loop, 3);
    loop_start(rig->loop);
    loop_post(rig->loop, add_all, NULL);
    uv_sem_wait(&rig->all);
    assert_int_equal(atomic_load(&rig->worked), JOBS + JOBS / 2);
    pool_free(rig->pool);
    loop_quit(rig->loop);
    loop_free(rig->loop);
    uv_sem_destroy(&rig->all);
    mem_free(rig);
}

static void nothing_to_do(void **state)
{
    struct loop *loop = loop_new("test");

    (void)state;
    loop_start(loop);
    pool_free(pool_new(loop, 2)); /* no thread was started */
    pool_free(NULL);
    loop_quit(loop);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_jobs),
        cmocka_unit_test(nothing_to_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
