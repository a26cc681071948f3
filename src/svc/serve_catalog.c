/* GET /v1/catalog: what we share, for the leader and those who stand by for it. */
#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "svc/serve_priv.h"
#include "svc/store.h"

#include <string.h>

/* "GENERATION.NUMBER" */
static bool parse_since(const char *text, struct store_ask *ask)
{
    const char *dot = strchr(text, '.');
    char generation[24];

    if (!dot || (size_t)(dot - text) >= sizeof generation)
        return false;
    memcpy(generation, text, (size_t)(dot - text));
    generation[dot - text] = '\0';
    return str_parse_u64(generation, 0, UINT64_MAX, &ask->generation) &&
           str_parse_u64(dot + 1, 0, UINT64_MAX, &ask->number);
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
    if (since && !parse_since(since, &ask)) {
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
