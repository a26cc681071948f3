/* A folder's small files: many in one request, each verified by its hash, written on the pool under
 * a name of its own and then renamed. Nothing is synced here: make_finish does it for all.
 *
 * A batch whose source says nothing for longer than others take is asked of another one as well,
 * and so is what is still on its way when nothing else is left to ask for; whichever comes first is
 * written, the other call ends. */
#include "base/log.h"
#include "base/mem.h"
#include "base/rw.h"
#include "svc/fetch_tree.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

#define NOT_HERE    UINT64_MAX
#define NOT_HERE_MS 500 /* a source that lacks something rests so long */
#define PER_SOURCE  2   /* batches of one source at once */
#define LATE_MS     500 /* the last ones are asked of others, too, when they take so long */

enum result { ITEM_MISSING, ITEM_WRONG, ITEM_FAILED, ITEM_DONE };

struct item {
    uint32_t entry;
    enum result result;
};

struct batch {
    struct work work;
    struct batch *prev, *next;
    struct tree *t;
    struct source *source;
    struct http_call *call;
    struct batch *other; /* the same of another source; NULL: none, or not any more */
    int64_t asked_ms, heard_ms;
    bool doubled; /* once is enough */
    struct item item[BATCH_FILES_MAX];
    size_t items;
    uint64_t bytes;
    struct buf body;
    struct err err;
};

static void batch_free(struct batch *b)
{
    buf_free(&b->body);
    mem_free(b);
}

static void batch_again(struct batch *b)
{
    for (size_t i = 0; i < b->items; i++)
        line_add(&b->t->again, b->item[i].entry);
}

/* ---- writing, on the pool ---- */

static enum result take_item(struct batch *b, struct item *it, struct rd *r, struct hold *h)
{
    const struct entry *e = &b->t->entry[it->entry];
    uint64_t len = rd_u64(r);
    const void *data;
    struct hash hash;

    if (r->bad)
        return ITEM_WRONG;
    if (len == NOT_HERE)
        return ITEM_MISSING;
    data = len == e->size ? rd_bytes(r, (size_t)len) : NULL;
    if (!data) {
        r->bad = true; /* nothing behind it can be told apart */
        return ITEM_WRONG;
    }
    content_hash(&hash, data, (size_t)len);
    if (!hash_eq(&hash, &e->hash))
        return ITEM_WRONG;
    return make_file(h, b->t, b->t->base, it->entry, data, &b->err) ? ITEM_FAILED : ITEM_DONE;
}

static void write_run(struct work *w)
{
    struct batch *b = (struct batch *)w;
    struct rd r = rd_over(buf_cstr(&b->body), b->body.len);
    struct hold h = {0};

    for (size_t i = 0; i < b->items && !b->t->closing; i++) {
        b->item[i].result = take_item(b, &b->item[i], &r, &h);
        if (b->item[i].result == ITEM_FAILED)
            break;
    }
    hold_end(&h);
}

static void write_done(struct work *w)
{
    struct batch *b = (struct batch *)w;
    struct tree *t = b->t;
    struct source *s = b->source;
    unsigned n[ITEM_DONE + 1] = {0};
    struct err e = b->err;

    t->batching--;
    for (size_t i = 0; i < b->items && !t->closing; i++) {
        n[b->item[i].result]++;
        if (b->item[i].result == ITEM_DONE)
            tree_file_done(t, b->item[i].entry);
        else
            line_add(&t->again, b->item[i].entry);
    }
    batch_free(b);
    if (t->closing) {
        tree_unpin(t);
        return;
    }
    if (n[ITEM_DONE]) {
        s->fails = 0;
        job_moves(t->job);
    }
    if (n[ITEM_MISSING])
        s->retry_ms = loop_now_ms() + NOT_HERE_MS;
    if (n[ITEM_FAILED])
        tree_fail(t, &e);
    else if (n[ITEM_WRONG])
        tree_source_lied(t, s, "a small file");
    if (!t->closing)
        tree_soon(t);
    tree_unpin(t);
}

/* ---- asking ---- */

/* Its call is over, or is to be. */
static void batch_over(struct batch *b)
{
    DL_DELETE(b->t->batches, b);
    b->source->running--;
    if (b->call)
        http_cancel(b->call);
    b->call = NULL;
    if (b->other)
        b->other->other = NULL;
}

static void drop_other(struct batch *b)
{
    struct batch *o = b->other;

    if (!o)
        return;
    batch_over(o); /* b->other is NULL then */
    o->t->batching--;
    batch_free(o);
}

static bool on_batch_data(void *ctx, const void *p, size_t len)
{
    struct batch *b = ctx;
    struct tree *t = b->t;
    int64_t now = loop_now_ms();

    if (!b->body.len)
        tree_heard(t, now - b->asked_ms);
    b->heard_ms = now;
    t->job->fetched += len;
    meter_add(&t->job->meter, now, len);
    buf_add(&b->body, p, len); /* the call sees to the size */
    return true;
}

static void on_batch(void *ctx, const struct http_answer *a, const struct buf *unused)
{
    struct batch *b = ctx;
    struct tree *t = b->t;
    bool alone;

    (void)unused;
    b->call = NULL;
    tree_pin(t);
    if (a->status == 200 && !a->err.code) {
        drop_other(b);
        batch_over(b);
        fetch_work(t->f, &b->work, write_run, write_done); /* unpins */
        batch_tick(t);
        return;
    }
    alone = !b->other;
    batch_over(b);
    t->batching--;
    if (alone)
        batch_again(b);
    tree_source_failed(t, b->source, a);
    batch_free(b);
    tree_unpin(t);
}

/* Is there a small file to ask for? small_at then stands on it, or it is in the line of those that
 * failed. */
static bool more(struct tree *t)
{
    while (t->small_at < t->entries) {
        const struct entry *e = &t->entry[t->small_at];

        if (e->kind != 'd' && e->state == ENTRY_TODO && tree_is_small(t, e))
            return true;
        t->small_at++;
    }
    return t->again.at < t->again.len;
}

static bool next_small(struct tree *t, uint32_t *entry)
{
    if (!more(t))
        return false;
    if (t->small_at == t->entries)
        return line_take(&t->again, entry);
    *entry = t->small_at++;
    return true;
}

static struct batch *fill(struct tree *t)
{
    struct batch *b = mem_zero(1, sizeof *b);
    uint32_t entry;

    b->t = t;
    while (b->items < BATCH_FILES_MAX && next_small(t, &entry)) {
        struct entry *e = &t->entry[entry];

        if (b->items && b->bytes + e->size > BATCH_BYTES_MAX) {
            line_add(&t->again, entry);
            break;
        }
        e->state = ENTRY_BUSY;
        b->bytes += e->size;
        b->item[b->items++] = (struct item){.entry = entry};
    }
    if (b->items)
        return b;
    batch_free(b);
    return NULL;
}

static void ask_batch(struct tree *t, struct batch *b, struct source *s)
{
    uint64_t limit = fetch_share_of_limit(t->f, t->job);
    char path[48] = "/v1/batch";
    struct http_ask ask = {.method = "POST",
                           .addr = s->addr,
                           .path = path,
                           .max = 8 * b->items + b->bytes,
                           .stall_ms = FETCH_STALL_MS,
                           .max_rate = limit,
                           .data = on_batch_data,
                           .done = on_batch,
                           .ctx = b};
    struct buf hashes = {0};

    if (limit)
        snprintf(path, sizeof path, "/v1/batch?rate=%llu", (unsigned long long)limit);
    for (size_t i = 0; i < b->items; i++)
        buf_add(&hashes, t->entry[b->item[i].entry].hash.b, sizeof(struct hash));
    memcpy(ask.pin, s->pub, sizeof ask.pin);
    ask.body = hashes.data;
    ask.body_len = hashes.len;
    b->source = s;
    b->asked_ms = b->heard_ms = loop_now_ms();
    s->running++;
    t->batching++;
    DL_APPEND(t->batches, b);
    b->call = http_start(t->f->client, &ask);
    buf_free(&hashes);
}

/* With a limit a batch pays with the time that it takes at that rate. */
static bool may_pay(struct tree *t, const struct batch *b)
{
    uint64_t limit = fetch_share_of_limit(t->f, t->job);
    int64_t now = loop_now_ms();

    if (!limit)
        return true;
    if (t->purse_ms > now)
        return false;
    t->purse_ms = now + (int64_t)(b->bytes * 1000 / limit);
    return true;
}

static void ask_another(struct batch *b, struct source *s)
{
    struct batch *o = mem_zero(1, sizeof *o);

    o->t = b->t;
    memcpy(o->item, b->item, b->items * sizeof *b->item);
    o->items = b->items;
    o->bytes = b->bytes;
    o->other = b;
    b->other = o;
    b->doubled = o->doubled = true;
    ask_batch(b->t, o, s);
}

/* Silent ones, and at the end what is late. */
static void ask_others_too(struct tree *t)
{
    bool last = t->batches && !more(t);
    struct batch *b;
    struct source *s;

    DL_FOREACH (t->batches, b) {
        bool silent = tree_is_silent(t, b->heard_ms);
        bool late = last && loop_now_ms() - b->asked_ms >= LATE_MS;

        if (b->doubled || !(silent || late))
            continue;
        s = tree_other_source(t, b->source);
        if (!s || s->running > PER_SOURCE)
            continue;
        if (silent) {
            log_info("fetch", "silent id=%lld peer=\"%s\"", (long long)t->job->id, b->source->name);
            tree_source_silent(b->source);
        }
        ask_another(b, s);
    }
}

void batch_tick(struct tree *t)
{
    ask_others_too(t);
    while (!t->closing && t->stage == TREE_RUN && t->batching < TREE_BATCHES && more(t)) {
        struct source *s = tree_source(t);
        struct batch *b;

        if (!s || s->running >= PER_SOURCE)
            return;
        b = fill(t);
        if (!b)
            return;
        if (!may_pay(t, b)) {
            batch_again(b);
            batch_free(b);
            return;
        }
        ask_batch(t, b, s);
    }
}

void batch_end_all(struct tree *t)
{
    struct batch *b, *next;

    DL_FOREACH_SAFE(t->batches, b, next)
    {
        batch_over(b);
        batch_free(b);
    }
}
