/* GET /v1/catalog: what we share, for the leader and those who stand by for it. GET /v1/desk: who
 * is there, for those who stand by while we lead. */
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/seal.h"
#include "svc/desk.h"
#include "svc/serve_priv.h"
#include "svc/store.h"

#include <string.h>

/* "GENERATION.NUMBER" */
static bool parse_since(const char *text, uint64_t *generation_out, uint64_t *number)
{
    const char *dot = strchr(text, '.');
    char generation[24];

    if (!dot || (size_t)(dot - text) >= sizeof generation)
        return false;
    memcpy(generation, text, (size_t)(dot - text));
    generation[dot - text] = '\0';
    return str_parse_u64(generation, 0, UINT64_MAX, generation_out) &&
           str_parse_u64(dot + 1, 0, UINT64_MAX, number);
}

void serve_catalog(struct serve *s, struct http_request *rq)
{
    struct store_reader *r = serve_reader(s, rq);
    const char *since = http_arg(rq, "since"), *have = http_arg(rq, "digest"),
               *only = http_arg(rq, "buckets");
    struct store_ask ask = {.max = CATALOG_ANSWER_MAX};
    struct digest digest;
    struct digest_mask mask;
    struct buf b = {0};
    struct err e;

    if (!r)
        return;
    if (since && !parse_since(since, &ask.generation, &ask.number)) {
        http_reply_text(rq, 400, "since is GENERATION.NUMBER");
        return;
    }
    if ((have && !digest_parse(&digest, have, strlen(have))) ||
        (only && !digest_mask_parse(&mask, only, strlen(only)))) {
        http_reply_text(rq, 400, "a digest is 32 hex digits, buckets are 64");
        return;
    }
    ask.have = have ? &digest : NULL;
    ask.only = only ? &mask : NULL;
    if (store_rows(r, &ask, s->conf.ident->name, &b, &e)) {
        log_warn("serve", "rows-failed reason=\"%s\"", e.text);
        http_reply_text(rq, 503, "the index cannot be read");
    } else {
        serve_reply(s, rq, &b);
    }
    buf_free(&b);
}

/* ---- /v1/desk ---- */

struct held {
    struct desk *desk;
    struct desk_waiter waiter;
};

static void wake(void *ctx)
{
    http_wake(ctx);
}

static void let_go(void *ctx)
{
    struct held *h = ctx;

    desk_unwait(h->desk, &h->waiter);
    mem_free(h);
}

static struct desk_waiter *waiter_of(struct serve *s, struct http_request *rq)
{
    struct held *h = http_get_ctx(rq);

    if (!h) {
        h = mem_zero(1, sizeof *h);
        h->desk = s->conf.desk;
        h->waiter.wake = wake;
        h->waiter.ctx = rq;
        http_set_ctx(rq, h, let_go);
    }
    return &h->waiter;
}

void serve_desk(struct serve *s, struct http_request *rq)
{
    const char *since = http_arg(rq, "since");
    uint64_t epoch = 0, version = 0;
    struct buf b = {0};
    struct nid who;
    uint8_t pub[32];
    int rc;

    if (since && !parse_since(since, &epoch, &version)) {
        http_reply_text(rq, 400, "since is EPOCH.VERSION");
        return;
    }
    if (!s->conf.desk || !http_peer_key(rq, pub)) {
        http_reply_text(rq, 503, "this peer does not lead");
        return;
    }
    seal_nid(&who, pub);
    rc = desk_roster(s->conf.desk, &who, epoch, version, &b,
                     http_held(rq) == 2 ? NULL : waiter_of(s, rq));
    if (rc == 1)
        http_hold(rq, HOLD_MS);
    else if (rc == 403)
        http_reply_text(rq, 403, "only for those who stand by");
    else if (rc)
        http_reply_text(rq, 503, "this peer does not lead");
    else
        serve_reply(s, rq, &b);
    buf_free(&b);
}
