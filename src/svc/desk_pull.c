#include "base/log.h"
#include "base/mem.h"
#include "svc/desk_priv.h"

#include <inttypes.h>
#include <stdio.h>

#define PULL_TOTAL_MS 60000        /* for one answer, so that nobody keeps a place for ever */
#define HEAD_ROOM     (64u << 10)  /* an answer may end a row after CATALOG_ANSWER_MAX */
#define OWN_CHUNK     (256u << 10) /* bytes of our own rows in one turn of the loop */
#define BEHIND_MS     200          /* the announcement was ahead of the answer: ask again then */

bool desk_behind(const struct member *m)
{
    if (m->self)
        return m->desk->own && !m->known;
    return !m->known || m->generation != m->peer.generation || m->number < m->peer.number;
}

void desk_note_behind(struct member *m)
{
    if (!desk_behind(m))
        m->behind_ms = 0;
    else if (!m->behind_ms)
        m->behind_ms = loop_now_ms();
}

void desk_cancel(struct member *m)
{
    if (!m->call)
        return;
    http_cancel(m->call);
    m->call = NULL;
    m->desk->pulls--;
    desk_stream_end(m, false);
}

/* ---- pulling others' rows ---- */

static void failed(struct member *m, const char *why)
{
    static const int64_t wait_ms[] = {200, 1000, 3000, 10000};
    size_t last = sizeof wait_ms / sizeof *wait_ms - 1;
    char hex[NID_HEX_LEN + 1], at[ADDR_TEXT_MAX];

    nid_hex(&m->nid, hex);
    /* Its first failures are news; what a peer repeats does not fill the log. */
    log_line(m->fails < 2 ? LOG_WARN : LOG_DEBUG, "desk",
             "pull-failed peer=%s addr=%s reason=\"%s\"", hex, addr_text(&m->peer.addr, at), why);
    if (m->stream.fault)
        m->fails = (unsigned)last; /* it would send the same again */
    m->retry_ms = loop_now_ms() + wait_ms[m->fails < last ? m->fails : last];
    m->fails++;
}

static bool on_data(void *ctx, const void *p, size_t len)
{
    return desk_stream_add(ctx, p, len);
}

static void on_done(void *ctx, const struct http_answer *a, const struct buf *body)
{
    struct member *m = ctx;
    struct desk *d = m->desk;
    bool more, good, again;
    char why[64];

    (void)body;
    m->call = NULL;
    d->pulls--;
    more = m->stream.head.more;
    good = desk_stream_end(m, a->status == 200 && !a->err.code);
    if (good) {
        m->fails = 0;
        again = more || m->match != MATCH_NONE || m->mistakes;
        m->retry_ms = desk_behind(m) && !again ? loop_now_ms() + BEHIND_MS : 0;
        log_debug("desk", "pulled number=%" PRIu64 " rows=%zu%s", m->number, m->stream.rows,
                  more ? " more" : "");
    } else if (m->stream.fault) {
        failed(m, m->stream.fault);
    } else {
        snprintf(why, sizeof why, "status %ld", a->status);
        failed(m, a->err.code ? a->err.text : why);
    }
    desk_pull_all(d);
    desk_follow_check(d);
}

/* What to ask of it. */
static void pull_path(struct member *m, char path[256])
{
    char hex[DIGEST_BUCKETS / 4 + 1];
    struct digest have = catalog_digest(m->desk->catalog, &m->nid);
    size_t rows = catalog_rows(m->desk->catalog, &m->nid);

    if (m->match == MATCH_BUCKETS) {
        digest_mask_hex(&m->differ, hex);
        snprintf(path, 256, "/v1/catalog?since=%" PRIu64 ".%" PRIu64 "&buckets=%s",
                 m->match_generation, m->match_at, hex);
    } else if (m->match == MATCH_ALL) {
        snprintf(path, 256, "/v1/catalog");
    } else if (!rows || m->partial) {
        snprintf(path, 256, "/v1/catalog?since=%" PRIu64 ".%" PRIu64, m->generation, m->number);
    } else {
        digest_hex(&have, hex);
        snprintf(path, 256, "/v1/catalog?since=%" PRIu64 ".%" PRIu64 "&digest=%s", m->generation,
                 m->number, hex);
    }
}

static void pull(struct desk *d, struct member *m)
{
    char path[256];
    struct http_ask ask = {.addr = m->peer.addr,
                           .path = path,
                           .total_ms = PULL_TOTAL_MS,
                           .max = CATALOG_ANSWER_MAX + HEAD_ROOM,
                           .data = on_data,
                           .done = on_done,
                           .ctx = m};

    pull_path(m, path);
    memcpy(ask.pin, m->peer.pub, sizeof ask.pin);
    desk_stream_begin(m);
    m->turn = ++d->turns;
    d->pulls++;
    m->call = http_start(d->http, &ask);
}

static void on_retry(uv_timer_t *t)
{
    desk_pull_all(t->data);
}

void desk_pull_all(struct desk *d)
{
    int64_t now = loop_now_ms(), next = INT64_MAX;
    struct member *m, *first;

    do {
        first = NULL;
        for (m = d->members; m; m = m->hh.next) {
            if (m->self || m->call || !m->peer.addr.family || !desk_behind(m))
                continue;
            if (m->retry_ms > now)
                next = m->retry_ms < next ? m->retry_ms : next;
            else if (!first || m->turn < first->turn)
                first = m;
        }
        if (first && d->pulls < DESK_PULLS_MAX)
            pull(d, first);
    } while (first && d->pulls < DESK_PULLS_MAX);
    if (next == INT64_MAX)
        uv_timer_stop(&d->retry);
    else
        uv_timer_start(&d->retry, on_retry, (uint64_t)(next - now) + 1, 0);
}

/* ---- our own rows ---- */

void desk_own_pull(void *arg)
{
    struct desk *d = arg;
    struct member *m = desk_find(d, &d->conf.ident->nid);
    struct buf rows = {0};
    struct err e;
    bool more = false;
    int rc;

    d->own_posted = false;
    if (!m)
        return;
    desk_stream_begin(m);
    rc = store_rows_since(d->own, m->generation, m->number, d->conf.ident->name, OWN_CHUNK, &rows,
                          &e);
    if (!rc && desk_stream_add(m, rows.data, rows.len))
        more = m->stream.head.more;
    if (desk_stream_end(m, !rc)) {
        m->fails = 0;
    } else {
        more = false;
        if (!m->fails++) /* the next change of ours tries again */
            log_warn("desk", "own-rows-failed reason=\"%s\"", rc ? e.text : m->stream.fault);
    }
    buf_free(&rows);
    uv_rwlock_wrlock(&d->lock);
    desk_roster_note(d, m);
    uv_rwlock_wrunlock(&d->lock);
    desk_roster_wake(d);
    desk_follow_check(d);
    if (more)
        d->own_posted = loop_post(d->loop, desk_own_pull, d);
}
