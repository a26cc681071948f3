/* What runs: the plan's requests as HTTP calls, their bytes verified and written as they come.
 *
 * A piece is written before it is known to be good; it counts only after. Where two requests bring
 * the same piece at the same time one could spoil what the other wrote, so such a piece is read
 * back before it counts; and a piece that counts is never written again. */
#include "base/log.h"
#include "base/mem.h"
#include "core/path.h"
#include "svc/fetch_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

struct request {
    struct request *prev, *next;
    struct xfer *x; /* not to be touched once dead */
    struct http_call *call;
    uint32_t id, source;
    uint32_t piece, end; /* the piece that comes now; one after the last */
    uint64_t at;         /* bytes of it that came */
    bool mixed;          /* another request wrote into it as well */
    bool busy;           /* inside its data() */
    bool dead;           /* cancelled meanwhile */
    struct content_verify verify;
};

static void request_cancel(struct xfer *x, struct request *r)
{
    DL_DELETE(x->requests, r);
    r->dead = true;
    if (r->busy)
        return; /* data() gives up, done() frees */
    http_cancel(r->call);
    mem_free(r);
}

void xfer_cancel_all(struct xfer *x)
{
    struct request *r, *next;

    DL_FOREACH_SAFE(x->requests, r, next)
    request_cancel(x, r);
}

/* ---- bytes ---- */

static void piece_begin(struct request *r)
{
    struct xfer *x = r->x;

    r->at = 0;
    r->mixed = false;
    if (r->piece < r->end)
        content_verify_init(&r->verify, x->size, &x->hash, (const uint8_t *)x->checkpoints.data,
                            r->piece);
}

/* Somebody else writes into the same piece: neither can be sure of it. */
static void note_mixed(struct request *r)
{
    struct request *o;

    DL_FOREACH (r->x->requests, o) {
        if (o != r && o->piece == r->piece && o->at)
            o->mixed = r->mixed = true;
    }
}

static bool write_at(struct request *r, const char *p, size_t len)
{
    struct xfer *x = r->x;
    uint64_t at = r->piece * content_piece_size(x->size) + r->at;
    struct err e;

    if (bits_get(&x->have, r->piece))
        return true; /* it came from elsewhere meanwhile */
    note_mixed(r);
    while (len) {
        ssize_t n = pwrite(x->fd, p, len, (off_t)at);

        if (n <= 0) {
            char shown[256];

            err_sys(&e, ERR_IO, n < 0 ? errno : EIO, "cannot write %s",
                    show_to(shown, sizeof shown, x->path, strlen(x->path)));
            xfer_fail(x, &e);
            return false;
        }
        p += n;
        len -= (size_t)n;
        at += (uint64_t)n;
    }
    return true;
}

static bool read_back(struct xfer *x, uint32_t piece)
{
    uint64_t at = piece * content_piece_size(x->size);
    struct content_verify v;
    char *block = mem_alloc(64 << 10);

    content_verify_init(&v, x->size, &x->hash, (const uint8_t *)x->checkpoints.data, piece);
    while (v.left) {
        size_t want = v.left < 64 << 10 ? (size_t)v.left : 64 << 10;
        ssize_t n = pread(x->fd, block, want, (off_t)at);

        if (n <= 0)
            break;
        content_verify_add(&v, block, (size_t)n);
        at += (uint64_t)n;
    }
    mem_free(block);
    return !v.left && content_verify_done(&v);
}

static void piece_bad(struct xfer *x, const struct request *r, uint32_t piece)
{
    struct source *s = x->job->source[r->source];

    log_warn("fetch", "piece-bad id=%lld piece=%u peer=\"%s\"", (long long)x->job->id, piece,
             s->name);
    s->bad++;
    event_tell_source(x->job, "piece-bad", s);
    xfer_step(x, (struct plan_in){.event = PLAN_PIECE_BAD, .request = r->id});
}

/* All bytes of r's piece are here. r may be dead after it, and x gone. */
static void piece_end(struct request *r)
{
    struct xfer *x = r->x;
    uint32_t piece = r->piece;
    bool good = content_verify_done(&r->verify), again = false;

    if (good && !bits_get(&x->have, piece)) {
        again = r->mixed && !read_back(x, piece);
        if (!again) {
            bits_set(&x->have, piece);
            part_good(x, piece);
            x->unsynced += content_piece_len(x->size, piece);
        }
    }
    r->piece++;
    piece_begin(r);
    if (!good) {
        piece_bad(x, r, piece);
        return;
    }
    job_moves(x->job);
    xfer_step(x, (struct plan_in){.event = PLAN_PIECE_OK, .request = r->id});
    if (again && !r->dead)
        xfer_step(x, (struct plan_in){.event = PLAN_AGAIN, .piece = piece});
}

static bool on_data(void *ctx, const void *data, size_t len)
{
    struct request *r = ctx;
    struct xfer *x = r->x;
    const char *p = data;

    r->busy = true;
    x->job->fetched += len;
    meter_add(&x->job->meter, loop_now_ms(), len);
    xfer_step(x, (struct plan_in){.event = PLAN_BYTES, .request = r->id, .bytes = len});
    while (len && !r->dead) {
        size_t n = len < r->verify.left ? len : (size_t)r->verify.left;

        if (r->piece == r->end)
            break; /* the client takes no more than was asked: not reached */
        content_verify_add(&r->verify, p, n);
        if (!write_at(r, p, n))
            break;
        r->at += n;
        p += n;
        len -= n;
        if (!r->verify.left)
            piece_end(r);
    }
    r->busy = false;
    return !r->dead && !len;
}

static void on_done(void *ctx, const struct http_answer *a, const struct buf *body)
{
    struct request *r = ctx;
    struct xfer *x = r->x;
    uint32_t id = r->id, source = r->source;

    (void)body;
    if (r->dead) {
        mem_free(r);
        return;
    }
    DL_DELETE(x->requests, r);
    mem_free(r);
    xfer_pin(x);
    if (a->status != 206)
        job_source_failed(x->job, x->job->source[source], a);
    xfer_step(x, (struct plan_in){.event = PLAN_END, .request = id});
    if (a->status == 404 || a->status == 410)
        xfer_step(x, (struct plan_in){.event = PLAN_GONE, .source = source});
    xfer_unpin(x);
}

static void request_start(struct xfer *x, const struct plan_action *a)
{
    const struct source *s = x->job->source[a->source];
    struct request *r = mem_zero(1, sizeof *r);
    char hex[HASH_HEX_LEN + 1], path[32 + HASH_HEX_LEN];
    uint64_t piece = content_piece_size(x->size), first = a->first * piece;
    uint64_t end = (a->first + a->count) * piece;
    struct http_ask ask = {.addr = s->addr, .path = path, .range = true, .first = first};

    *r = (struct request){.x = x,
                          .id = a->request,
                          .source = a->source,
                          .piece = a->first,
                          .end = a->first + a->count};
    piece_begin(r);
    hash_hex(&x->hash, hex);
    snprintf(path, sizeof path, "/v1/files/%s", hex);
    memcpy(ask.pin, s->pub, sizeof ask.pin);
    ask.len = ask.max = (end < x->size ? end : x->size) - first;
    ask.stall_ms = FETCH_STALL_MS;
    ask.data = on_data;
    ask.done = on_done;
    ask.ctx = r;
    DL_APPEND(x->requests, r);
    r->call = http_start(x->f->client, &ask);
}

/* ---- the plan's word ---- */

static void on_drop(struct xfer *x, const struct plan_action *a)
{
    struct source *s = x->job->source[a->source];

    log_info("fetch", "source-out id=%lld peer=\"%s\" reason=%s", (long long)x->job->id, s->name,
             a->lied ? "sent-wrong-data" : "lost");
    event_tell_source(x->job, "source-lost", s);
    if (!a->lied)
        s->listed = false; /* until the leader names it again */
    job_ask(x->job, loop_now_ms() + FETCH_ASK_SOON_MS);
}

static void on_cancel(struct xfer *x, uint32_t id)
{
    struct request *r;

    DL_FOREACH (x->requests, r) {
        if (r->id == id) {
            request_cancel(x, r);
            return;
        }
    }
}

void xfer_step(struct xfer *x, struct plan_in in)
{
    struct plan_out out;
    bool done = false, waiting = false, failed = false;

    if (!x->plan || x->closing)
        return;
    in.now_ms = loop_now_ms();
    plan_step(x->plan, &in, &out);
    for (size_t i = 0; i < out.count; i++) {
        const struct plan_action *a = &out.action[i];

        switch (a->act) {
        case PLAN_REQUEST:
            request_start(x, a);
            break;
        case PLAN_CANCEL:
            on_cancel(x, a->request);
            break;
        case PLAN_DROP:
            on_drop(x, a);
            break;
        case PLAN_DONE:
            done = true;
            break;
        case PLAN_WAITING:
            waiting = true;
            break;
        case PLAN_FAILED:
            failed = true;
            break;
        }
    }
    if (done) {
        xfer_complete(x);
    } else if (failed) {
        list_forged(x);
    } else if (waiting) {
        job_wait(x->job, ERR_UNFINISHED, "no holder answers");
    }
}
