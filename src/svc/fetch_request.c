/* What runs: the plan's requests as stretches on the lanes, and their news as the plan's events. */
#include "base/log.h"
#include "base/mem.h"
#include "core/path.h"
#include "svc/fetch_priv.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

struct request {
    struct request *prev, *next;
    struct xfer *x; /* not to be touched once dead */
    struct stretch *stretch;
    uint32_t id, source;
    bool busy; /* inside on_news */
    bool dead; /* cancelled meanwhile */
};

static void request_cancel(struct xfer *x, struct request *r)
{
    DL_DELETE(x->requests, r);
    r->dead = true;
    stretch_cancel(r->stretch);
    if (!r->busy) /* else on_news frees */
        mem_free(r);
}

void xfer_cancel_all(struct xfer *x)
{
    struct request *r, *next;

    DL_FOREACH_SAFE(x->requests, r, next)
    request_cancel(x, r);
}

void xfer_ask_anew(struct xfer *x)
{
    uint32_t id[FETCH_CONN_MAX];
    struct request *r, *next;
    size_t n = 0;

    DL_FOREACH_SAFE(x->requests, r, next)
    {
        if (n < FETCH_CONN_MAX)
            id[n++] = r->id;
        request_cancel(x, r);
    }
    for (size_t i = 0; i < n; i++)
        xfer_step(x, (struct plan_in){.event = PLAN_END, .request = id[i]});
}

/* ---- news ---- */

static void piece_bad(struct xfer *x, const struct request *r, uint32_t piece)
{
    struct source *s = x->from->source[r->source];

    log_warn("fetch", "piece-bad id=%lld piece=%u peer=\"%s\"", (long long)x->job->id, piece,
             s->name);
    s->bad++;
    event_tell_source(x->job, "piece-bad", s);
    xfer_step(x, (struct plan_in){.event = PLAN_PIECE_BAD, .request = r->id});
}

static void piece_good(struct xfer *x, uint32_t piece)
{
    if (bits_get(&x->have, piece))
        return; /* twice */
    bits_set(&x->have, piece);
    part_good(x, piece);
    x->unsynced += content_piece_len(x->size, piece);
}

/* r may be dead after it, and x gone. */
static void piece_end(struct request *r, uint32_t piece, enum verdict verdict)
{
    struct xfer *x = r->x;

    if (verdict == PIECE_BAD) {
        piece_bad(x, r, piece);
        return;
    }
    if (verdict == PIECE_GOOD)
        piece_good(x, piece);
    job_moves(x->job);
    xfer_step(x, (struct plan_in){.event = PLAN_PIECE_OK, .request = r->id});
    if (verdict == PIECE_SPOILT && !r->dead)
        xfer_step(x, (struct plan_in){.event = PLAN_AGAIN, .piece = piece});
}

static void write_failed(struct xfer *x, int sys)
{
    char shown[256];
    struct err e;

    err_sys(&e, ERR_IO, sys, "cannot write %s",
            show_to(shown, sizeof shown, x->path, strlen(x->path)));
    xfer_fail(x, &e);
}

static void request_over(struct request *r, const struct http_answer *a)
{
    struct xfer *x = r->x;
    uint32_t id = r->id, source = r->source;

    DL_DELETE(x->requests, r);
    r->dead = true;
    if (a->status != 206)
        holders_failed(x->from, x->from->source[source], a);
    xfer_step(x, (struct plan_in){.event = PLAN_END, .request = id});
    if ((a->status == 404 || a->status == 410) && !swarm_is_starting(x, source))
        xfer_step(x, (struct plan_in){.event = PLAN_GONE, .source = source});
}

static void on_news(void *ctx, const struct stretch_news *n)
{
    struct request *r = ctx;
    struct xfer *x = r->x;

    r->busy = true;
    xfer_pin(x);
    x->job->fetched += n->bytes;
    meter_add(&x->job->meter, loop_now_ms(), n->bytes);
    xfer_step(x, (struct plan_in){.event = PLAN_BYTES, .request = r->id, .bytes = n->bytes});
    for (unsigned i = 0; i < n->count && !r->dead; i++)
        piece_end(r, n->first + i, n->verdict[i]);
    if (n->write_errno && !r->dead)
        write_failed(x, n->write_errno);
    if (n->answer && !r->dead)
        request_over(r, n->answer);
    r->busy = false;
    if (r->dead)
        mem_free(r);
    xfer_unpin(x);
}

static void request_start(struct xfer *x, const struct plan_action *a)
{
    const struct source *s = x->from->source[a->source];
    struct request *r = mem_zero(1, sizeof *r);
    char hex[HASH_HEX_LEN + 1], path[64 + HASH_HEX_LEN];
    struct stretch_ask ask = {.addr = s->addr,
                              .path = path,
                              .first = a->first,
                              .count = a->count,
                              .stall_ms = FETCH_STALL_MS,
                              .max_rate = x->limit,
                              .news = on_news,
                              .ctx = r};

    *r = (struct request){.x = x, .id = a->request, .source = a->source};
    hash_hex(&x->hash, hex);
    snprintf(path, sizeof path, "/v1/files/%s", hex);
    if (x->limit) /* evenly on the wire, too: the socket's buffer swallows whole pieces */
        snprintf(path + strlen(path), sizeof path - strlen(path), "?rate=%llu",
                 (unsigned long long)x->limit);
    memcpy(ask.pin, s->pub, sizeof ask.pin);
    DL_APPEND(x->requests, r);
    r->stretch = stretch_start(x->f->lanes, x->fill, &ask);
}

/* ---- the plan's word ---- */

static void on_drop(struct xfer *x, const struct plan_action *a)
{
    struct source *s = x->from->source[a->source];

    log_info("fetch", "source-out id=%lld peer=\"%s\" reason=%s", (long long)x->job->id, s->name,
             a->lied ? "sent-wrong-data" : "lost");
    event_tell_source(x->job, "source-lost", s);
    if (!a->lied)
        s->listed = false; /* until the leader names it again */
    holders_ask(x->from, loop_now_ms() + FETCH_ASK_SOON_MS);
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
        case PLAN_ASK:
            swarm_parent_left(x, a->source);
            break;
        case PLAN_PROBE:
            poll_probe(x, a->source);
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

void xfer_point(struct xfer *x)
{
    if (x->pointed)
        xfer_step(x,
                  (struct plan_in){.event = PLAN_POINT, .piece = x->point, .count = FETCH_AHEAD});
}
