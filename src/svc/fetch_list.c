/* What a transfer must know before and beside the pieces: the checkpoint list, and which pieces a
 * source with a part has.
 *
 * A list is accepted from any holder when its SHA-256 is the root hash. One is asked; when it stays
 * silent for LIST_NEXT_MS the next one is asked beside it, LIST_ASKS at most, and the first good
 * answer ends the others: a host that stands still costs a second, not the whole time that a call
 * may stall. Holders that disagree about
 * the root hash of one content are separate groups, the largest first. A list can be forged so that
 * its hash fits (the group lies together, or a folder's file comes without a root hash): then some
 * piece fails from everybody. The whole group is put aside, another list is taken, and the pieces
 * between checkpoints that both lists agree about are kept. */
#include "base/log.h"
#include "base/mem.h"
#include "svc/fetch_priv.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

#define LIST_ASKS      4
#define LIST_NEXT_MS   1000
#define RETRY_MS       1000
#define POLL_TRIES     5
#define PROBE_TOTAL_MS 2000

/* One holder is being asked for the list. */
struct list_ask {
    struct list_ask *prev, *next;
    struct xfer *x;
    struct source *source;
    struct http_call *call;
    struct buf body;
    int64_t heard_ms; /* begun, or last byte */
};

static bool is_bad_root(const struct xfer *x, const struct hash *root)
{
    for (size_t i = 0; i < x->bad_roots; i++) {
        if (hash_eq(&x->bad_root[i], root))
            return true;
    }
    return false;
}

bool list_fits(const struct xfer *x, const struct source *s)
{
    if (x->any_root &&
        (!x->has_list || hash_is_zero(&s->root) || !content_checkpoints_len(x->size)))
        return true;
    return hash_eq(&s->root, &x->root);
}

/* ---- which list ---- */

static void add_bad_root(struct xfer *x, const struct hash *root)
{
    if (is_bad_root(x, root))
        return;
    MEM_GROW(x->bad_root, x->bad_roots, x->bad_roots_cap);
    x->bad_root[x->bad_roots++] = *root;
}

static void log_group(const struct xfer *x)
{
    struct buf names = {0};

    for (size_t i = 0; i < x->from->sources; i++) {
        const struct source *s = x->from->source[i];

        if (list_fits(x, s))
            buf_printf(&names, "%s%s", names.len ? ", " : "", s->name);
    }
    log_warn("fetch", "list-refused id=%lld peers=\"%s\"", (long long)x->job->id, buf_cstr(&names));
    buf_free(&names);
}

/* This group's list is no good. false: there is no other, and x has ended. */
static bool next_group(struct xfer *x)
{
    struct err e;

    log_group(x);
    if (!x->any_root) {
        add_bad_root(x, &x->root);
        for (size_t i = 0; i < x->from->sources; i++) {
            const struct source *s = x->from->source[i];

            if (s->listed && !is_bad_root(x, &s->root)) {
                x->root = s->root;
                return true;
            }
        }
    }
    err_set(&e, ERR_BAD_CONTENT, "the content failed verification from every holder");
    xfer_fail(x, &e);
    return false;
}

/* ---- asking for it ---- */

static void take_list(struct xfer *x, const struct buf *body)
{
    uint32_t k = x->have.len;
    const char *old = x->old_list.data, *list;

    buf_reset(&x->checkpoints);
    buf_add(&x->checkpoints, buf_cstr(body), body->len);
    content_root(&x->root, buf_cstr(&x->checkpoints), x->checkpoints.len);
    list = x->checkpoints.data;
    for (uint32_t i = 0; old && i < k; i++) {
        bool same = (i == 0 || !memcmp(old + 32 * (i - 1), list + 32 * (i - 1), 32)) &&
                    (i == k - 1 || !memcmp(old + 32 * i, list + 32 * i, 32));

        if (!same) {
            bits_clear(&x->have, i);
            part_bad(x, i);
        }
    }
    buf_free(&x->old_list);
    xfer_listed(x);
}

static bool list_ok(const struct xfer *x, const struct buf *body)
{
    struct hash root;

    content_root(&root, buf_cstr(body), body->len);
    return content_checkpoints_ok(x->size, x->any_root ? &root : &x->root, buf_cstr(body),
                                  body->len) &&
           !is_bad_root(x, &root);
}

static void list_ask_free(struct list_ask *q)
{
    DL_DELETE(q->x->list_asks, q);
    q->x->list_running--;
    if (q->call)
        http_cancel(q->call);
    buf_free(&q->body);
    mem_free(q);
}

static void end_list_asks(struct xfer *x)
{
    struct list_ask *q, *next;

    DL_FOREACH_SAFE(x->list_asks, q, next)
    list_ask_free(q);
}

static bool on_list_data(void *ctx, const void *p, size_t len)
{
    struct list_ask *q = ctx;

    q->heard_ms = loop_now_ms();
    buf_add(&q->body, p, len); /* the call sees to the size */
    return true;
}

static void on_list(void *ctx, const struct http_answer *a, const struct buf *text)
{
    struct list_ask *q = ctx;
    struct xfer *x = q->x;
    struct source *s = q->source;
    struct buf body = q->body;

    (void)text;
    q->call = NULL;
    q->body = (struct buf){0};
    list_ask_free(q);
    x->list_ms = 0; /* the next at once */
    xfer_pin(x);
    if (a->status == 200 && !a->err.code && list_ok(x, &body)) {
        end_list_asks(x);
        job_moves(x->job);
        take_list(x, &body);
    } else if (a->status == 200 && !a->err.code) {
        x->list_wrong++;
        s->bad++;
        log_warn("fetch", "list-wrong id=%lld peer=\"%s\"", (long long)x->job->id, s->name);
    } else {
        holders_failed(x->from, s, a);
    }
    xfer_unpin(x);
    buf_free(&body);
}

static struct source *next_of_group(struct xfer *x)
{
    while (x->list_at < x->from->sources) {
        struct source *s = x->from->source[x->list_at++];

        if (s->listed && !s->out && list_fits(x, s))
            return s;
    }
    return NULL;
}

static void round_over(struct xfer *x, int64_t now)
{
    bool all_wrong = x->list_wrong && x->list_wrong == x->list_asked;

    x->list_ms = now + (all_wrong ? 0 : RETRY_MS);
    x->list_at = x->list_asked = x->list_wrong = 0;
    if (all_wrong)
        (void)next_group(x);
    else
        job_wait(x->job, ERR_UNFINISHED, "no holder answers");
}

static void list_ask(struct xfer *x, struct source *s, int64_t now)
{
    struct list_ask *q = mem_zero(1, sizeof *q);
    char hex[HASH_HEX_LEN + 1], path[32 + HASH_HEX_LEN];
    struct http_ask ask = {.path = path, .data = on_list_data, .done = on_list, .ctx = q};

    q->x = x;
    q->source = s;
    q->heard_ms = now;
    DL_APPEND(x->list_asks, q);
    x->list_running++;
    x->list_asked++;
    x->list_ms = now + LIST_NEXT_MS;
    hash_hex(&x->hash, hex);
    snprintf(path, sizeof path, "/v1/files/%s/checkpoints", hex);
    ask.addr = s->addr;
    memcpy(ask.pin, s->pub, sizeof ask.pin);
    ask.max = content_checkpoints_len(x->size);
    q->call = http_start(x->f->client, &ask);
}

/* Somebody sends it right now: a long list on a slow line, not a host that stands still. */
static bool list_comes(const struct xfer *x, int64_t now)
{
    const struct list_ask *q;

    DL_FOREACH (x->list_asks, q) {
        if (q->body.len && now - q->heard_ms < LIST_NEXT_MS)
            return true;
    }
    return false;
}

void list_begin(struct xfer *x)
{
    x->list_at = x->list_asked = x->list_wrong = 0;
    x->list_ms = 0;
    if (!content_checkpoints_len(x->size)) {
        content_root(&x->root, "", 0);
        x->any_root = true; /* whatever was announced: there is nothing to disagree about */
        xfer_listed(x);
        return;
    }
    list_tick(x, loop_now_ms());
}

void list_tick(struct xfer *x, int64_t now)
{
    struct source *s;

    if (x->has_list || !x->path || x->fd < 0 || x->list_ms > now || x->list_running == LIST_ASKS ||
        list_comes(x, now))
        return;
    s = next_of_group(x);
    if (s)
        list_ask(x, s, now);
    else if (!x->list_running)
        round_over(x, now);
}

void list_end(struct xfer *x)
{
    end_list_asks(x);
    buf_free(&x->old_list);
}

void list_forged(struct xfer *x)
{
    struct hash root = x->root;

    x->forged = true;
    if (x->checking) /* the pool reads the list: it comes back here */
        return;
    x->forged = false;
    xfer_unplan(x);
    poll_end_all(x);
    part_share(x, false);
    x->has_list = false;
    add_bad_root(x, &root);
    if (!content_checkpoints_len(x->size) || !x->any_root) {
        if (!content_checkpoints_len(x->size))
            x->any_root = true;
        if (!next_group(x))
            return;
    }
    buf_free(&x->old_list);
    x->old_list = x->checkpoints;
    x->checkpoints = (struct buf){0};
    list_begin(x);
}

/* ---- which pieces a source with a part has ---- */

struct poll {
    struct poll *prev, *next;
    struct xfer *x;
    uint32_t source;
    struct http_call *call;
    int64_t due_ms;
    uint32_t count; /* bits when last heard; UINT32_MAX: not heard yet */
    bool once;      /* is it there, and what has it? */
    unsigned fails;
};

static void poll_free(struct poll *p)
{
    DL_DELETE(p->x->polls, p);
    if (p->call)
        http_cancel(p->call);
    mem_free(p);
}

static void on_bits(void *ctx, const struct http_answer *a, const struct buf *body)
{
    struct poll *p = ctx;
    struct xfer *x = p->x;
    struct plan_in in = {.event = PLAN_SOURCE, .source = p->source};
    struct bits has = {0};

    p->call = NULL;
    p->due_ms = loop_now_ms() + FETCH_POLL_MS;
    if (p->once && (a->status != 200 || a->err.code)) {
        poll_free(p);
        return;
    }
    if (a->status == 200 && !a->err.code &&
        bits_load(&has, x->have.len, buf_cstr(body), body->len)) {
        p->count = has.count;
        p->fails = 0;
        in.has = &has;
        if (p->once)
            poll_free(p);
    } else {
        bool gone = a->status == 404 || a->status == 410 || ++p->fails >= POLL_TRIES;

        holders_failed(x->from, x->from->source[p->source], a);
        p->due_ms += RETRY_MS;
        in.event = gone ? PLAN_GONE : PLAN_TICK;
        if (gone) {
            x->from->source[p->source]->listed = false; /* until the leader names it again */
            poll_free(p);
        }
    }
    xfer_step(x, in);
    bits_done(&has);
}

static void poll_ask(struct poll *p)
{
    struct xfer *x = p->x;
    const struct source *s = x->from->source[p->source];
    char hex[HASH_HEX_LEN + 1], path[64 + HASH_HEX_LEN];
    struct http_ask ask = {.addr = s->addr, .path = path, .done = on_bits, .ctx = p};

    hash_hex(&x->hash, hex);
    if (p->count == UINT32_MAX)
        snprintf(path, sizeof path, "/v1/files/%s/have", hex);
    else
        snprintf(path, sizeof path, "/v1/files/%s/have?have=%u", hex, p->count);
    memcpy(ask.pin, s->pub, sizeof ask.pin);
    ask.max = bits_bytes(&x->have);
    ask.stall_ms = FETCH_STALL_MS;
    ask.total_ms = p->once ? PROBE_TOTAL_MS : 0;
    p->call = http_start(x->f->client, &ask);
}

void poll_begin(struct xfer *x, uint32_t source)
{
    struct poll *p;
    unsigned n = 0;

    DL_FOREACH (x->polls, p) {
        if (p->source == source && !p->once)
            return;
        n += !p->once;
    }
    if (n >= FETCH_PEERS_MAX)
        return;
    p = mem_zero(1, sizeof *p);
    p->x = x;
    p->source = source;
    p->count = UINT32_MAX;
    DL_APPEND(x->polls, p);
}

void poll_probe(struct xfer *x, uint32_t source)
{
    struct poll *p;

    DL_FOREACH (x->polls, p) {
        if (p->source == source && p->once)
            return;
    }
    p = mem_zero(1, sizeof *p);
    p->x = x;
    p->source = source;
    p->count = UINT32_MAX;
    p->once = true;
    DL_APPEND(x->polls, p);
    poll_ask(p);
}

void have_poll_tick(struct xfer *x, int64_t now)
{
    struct poll *p;

    DL_FOREACH (x->polls, p) {
        if (!p->call && !p->once && p->due_ms <= now)
            poll_ask(p);
    }
}

void poll_end_all(struct xfer *x)
{
    struct poll *p, *next;

    DL_FOREACH_SAFE(x->polls, p, next)
    poll_free(p);
}
