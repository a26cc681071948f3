#include "svc/fetch_ask.h"

#include "base/mem.h"
#include "svc/fetch_priv.h"

#include <stdio.h>

#define ASK_TIMEOUT_MS 5000

struct door {
    uv_mutex_t lock;
    struct fetch *f; /* NULL: closed */
    unsigned refs;
};

struct question {
    struct door *door;
    struct fetch *f;
    int64_t job;
    struct ask_reply reply; /* its json is ours */
};

struct door *fetch_door_new(struct fetch *f)
{
    struct door *d = mem_zero(1, sizeof *d);

    uv_mutex_init(&d->lock);
    d->f = f;
    d->refs = 1;
    return d;
}

static void drop(struct door *d)
{
    unsigned left;

    uv_mutex_lock(&d->lock);
    left = --d->refs;
    uv_mutex_unlock(&d->lock);
    if (left)
        return;
    uv_mutex_destroy(&d->lock);
    mem_free(d);
}

void fetch_door_close(struct door *d)
{
    uv_mutex_lock(&d->lock);
    d->f = NULL;
    uv_mutex_unlock(&d->lock);
    drop(d);
}

static void question_free(struct question *q)
{
    json_decref(q->reply.json);
    drop(q->door);
    mem_free(q);
}

static void on_loop(void *arg)
{
    struct question *q = arg;
    struct job *j = fetch_job(q->f, q->job);

    if (j && j->asking && !q->f->stopping)
        job_answer(j, &q->reply);
    question_free(q);
}

/* On the asking room's thread. */
static void on_reply(void *ctx, const struct ask_reply *r)
{
    struct question *q = ctx;
    bool posted = false;

    q->reply = *r;
    q->reply.json = r->json ? json_deep_copy(r->json) : NULL;
    uv_mutex_lock(&q->door->lock);
    q->f = q->door->f;
    if (q->f)
        posted = loop_post(q->f->loop, on_loop, q);
    uv_mutex_unlock(&q->door->lock);
    if (!posted)
        question_free(q);
}

void fetch_ask(struct job *j)
{
    struct question *q = mem_zero(1, sizeof *q);
    char hex[HASH_HEX_LEN + 1], path[32 + HASH_HEX_LEN];

    q->door = j->f->door;
    q->job = j->id;
    uv_mutex_lock(&q->door->lock);
    q->door->refs++;
    uv_mutex_unlock(&q->door->lock);
    j->asking = true;
    hash_hex(&j->hash, hex);
    snprintf(path, sizeof path, "/v1/holders/%s", hex);
    ask_start(j->f->conf.ask, path, ASK_TIMEOUT_MS, on_reply, q);
}
