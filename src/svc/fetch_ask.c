#include "svc/fetch_ask.h"

#include "base/mem.h"
#include "svc/fetch_priv.h"

#include <inttypes.h>
#include <utlist.h>

#define ASK_TIMEOUT_MS 5000

struct door {
    uv_mutex_t lock;
    struct fetch *f; /* NULL: closed */
    unsigned refs;
};

struct question {
    struct door *door;
    struct fetch *f;
    int64_t holders;
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

/* Those that asked may be gone, or have asked anew. */
static struct holders *find(struct fetch *f, int64_t number)
{
    struct job *j;
    struct xfer *x;

    DL_FOREACH (f->jobs, j) {
        if (j->from.number == number)
            return &j->from;
    }
    DL_FOREACH (f->xfers, x) {
        if (x->own_from.number == number && !x->closing)
            return &x->own_from;
    }
    return NULL;
}

static void on_loop(void *arg)
{
    struct question *q = arg;
    struct holders *h = q->f->stopping ? NULL : find(q->f, q->holders);

    if (h && h->asking)
        holders_answer(h, &q->reply);
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

/* "?fetch=..": the asker of a swarm (doc/PROTOCOL.md). The leader takes who from our key, when it
 * is not ourselves. */
static void add_fetch(const struct holders *h, struct buf *path)
{
    char hex[NID_HEX_LEN + 1];

    nid_hex(&h->f->conf.ident->nid, hex);
    buf_printf(path, "?fetch=%" PRIu64 "&who=%s", h->place, hex);
    for (size_t i = 0; i < h->losts; i++) {
        nid_hex(&h->lost[i], hex);
        buf_printf(path, "%s%s", i ? "," : "&lost=", hex);
    }
}

void fetch_ask(struct holders *h)
{
    struct question *q = mem_zero(1, sizeof *q);
    char hex[HASH_HEX_LEN + 1];
    struct buf path = {0};

    q->door = h->f->door;
    q->holders = h->number;
    uv_mutex_lock(&q->door->lock);
    q->door->refs++;
    uv_mutex_unlock(&q->door->lock);
    h->asking = true;
    hash_hex(&h->hash, hex);
    buf_printf(&path, "/v1/holders/%s", hex);
    if (h->fetches)
        add_fetch(h, &path);
    ask_start(h->f->conf.ask, buf_cstr(&path), ASK_TIMEOUT_MS, on_reply, q);
    buf_free(&path);
}
