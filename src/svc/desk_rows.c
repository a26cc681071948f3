#include "base/log.h"
#include "base/mem.h"
#include "core/path.h"
#include "svc/desk_priv.h"
#include "svc/json_text.h"

#include <inttypes.h>
#include <string.h>

#define LOCKED_ROWS 1000        /* put under one lock: about a millisecond's worth */
#define WAITING_MAX 200000      /* rows of a long list that are held back until it is whole */
#define ROUNDS_MAX  4           /* times that buckets are compared until all is here */
#define CUTS_TOLD   32          /* peers that are told to be cut, the noisiest */
#define RECORD_MAX  (16u << 10) /* more than any record that core/rows accepts */

void desk_stream_begin(struct member *m)
{
    buf_free(&m->stream.in);
    m->stream = (struct desk_stream){.generation = m->generation, .base = m->number};
    if (m->match == MATCH_BUCKETS) {
        m->stream.generation = m->match_generation;
        m->stream.base = m->match_at;
    }
}

/* Bytes of the record at p with its length in front; 0: not all here yet; SIZE_MAX: none that may
 * be. */
static size_t record_len(const uint8_t *p, size_t len)
{
    struct rd r = rd_over(p, len);
    uint64_t body = rd_varint(&r);

    if (r.bad)
        return len >= 10 ? SIZE_MAX : 0;
    if (body > RECORD_MAX)
        return SIZE_MAX;
    return rd_left(&r) < body ? 0 : len - rd_left(&r) + (size_t)body;
}

static bool fault(struct member *m, const char *what)
{
    m->stream.fault = what;
    return false;
}

static bool take_head(struct member *m, const uint8_t *p, size_t len)
{
    struct rd r = rd_over(p, len);
    struct rows_head *h = &m->stream.head;
    struct desk *d = m->desk;
    char *name;

    if (!rows_get_head(&r, h))
        return fault(m, "malformed head");
    if (!h->reset && !h->same && !h->differ && h->generation != m->stream.generation)
        return fault(m, "another generation without a reset");
    name = json_text_utf8(h->name, h->name_len);
    uv_rwlock_wrlock(&d->lock);
    mem_free(m->name);
    m->name = name;
    m->files = h->files < INT64_MAX ? h->files : INT64_MAX; /* as JSON can say it */
    m->bytes = h->bytes < INT64_MAX ? h->bytes : INT64_MAX;
    if (h->reset) {
        catalog_drop(d->catalog, &m->nid);
        m->generation = h->generation;
        m->number = m->stream.base = 0;
        m->partial = false;
        m->unlisted_told = m->cut_told = 0;
    }
    uv_rwlock_wrunlock(&d->lock);
    if (h->reset)
        desk_match_forget(m);
    h->name = NULL;
    m->stream.last = m->stream.base;
    m->stream.headed = true;
    return true;
}

/* Put rows from p on, at most LOCKED_ROWS, under one lock. Gives the bytes used. */
static size_t take_rows(struct member *m, const uint8_t *p, size_t len)
{
    struct desk *d = m->desk;
    struct desk_stream *s = &m->stream;
    size_t at = 0, n;

    uv_rwlock_wrlock(&d->lock);
    for (unsigned rows = 0; rows < LOCKED_ROWS && !s->fault; rows++, at += n) {
        struct row row;
        struct rd r;

        n = record_len(p + at, len - at);
        if (!n)
            break;
        if (n == SIZE_MAX) {
            s->fault = "record too long";
            break;
        }
        r = rd_over(p + at, n);
        if (!rows_get(&r, &row))
            s->fault = "malformed row";
        else if (row.number < s->last || row.number <= s->base || row.number > s->head.number)
            s->fault = "change numbers out of order";
        if (s->fault)
            break;
        if (!catalog_put(d->catalog, &m->nid, &row)) /* one over a cap is left out */
            m->partial = true;
        desk_match_row(m, &row);
        s->last = row.number;
        s->rows++;
    }
    uv_rwlock_wrunlock(&d->lock);
    return at;
}

unsigned desk_cut(const struct desk *d, const struct member *m, uint64_t *unlisted)
{
    struct catalog_cut cut[CUTS_TOLD];
    uint64_t files = 0, bytes;
    size_t n = catalog_cuts(d->catalog, cut, CUTS_TOLD), at = 0;

    *unlisted = 0;
    n = n < CUTS_TOLD ? n : CUTS_TOLD;
    while (at < n && !nid_eq(&cut[at].peer, &m->nid))
        at++;
    if (at == n || !m->known) /* what is still to come is not left out */
        return 0;
    (void)catalog_peer(d->catalog, &m->nid, &files, &bytes);
    if (cut[at].rows && m->files > files)
        *unlisted = m->files - files;
    return cut[at].why;
}

/* Told when it begins, and again when twice as many are left out. */
static void note_cut(struct member *m)
{
    uint64_t n;
    unsigned why = desk_cut(m->desk, m, &n);
    char hex[NID_HEX_LEN + 1], name[2 * PEER_NAME_MAX];

    if (!why || (why == m->cut_told && n < 2 * m->unlisted_told + 1))
        return;
    m->cut_told = why;
    m->unlisted_told = n;
    nid_hex(&m->nid, hex);
    show_to(name, sizeof name, m->name, strlen(m->name));
    log_warn("desk",
             "peer-cut peer=%s name=\"%s\" files=%" PRIu64 " unlisted=%" PRIu64 " why=\"%s\"", hex,
             name, m->files, n, catalog_cut_text(why));
}

/* The digests of the owner's buckets. Gives the bytes used. */
static size_t take_buckets(struct member *m, const uint8_t *p, size_t len)
{
    struct digest of[DIGEST_BUCKETS];
    size_t n = len ? record_len(p, len) : 0;
    struct rd r = rd_over(p, len);

    if (!n)
        return 0;
    if (n == SIZE_MAX || m->stream.matched || !rows_get_buckets(&r, of)) {
        m->stream.fault = "malformed buckets";
        return 0;
    }
    if (++m->rounds > ROUNDS_MAX) {
        m->stream.fault = "buckets again and again";
        desk_match_forget(m);
        m->match = MATCH_ALL; /* next time */
        m->rounds = 0;
        return 0;
    }
    m->stream.matched = true;
    desk_match_begin(m, of);
    return n;
}

bool desk_stream_add(struct member *m, const void *data, size_t len)
{
    struct desk_stream *s = &m->stream;
    const uint8_t *p;
    size_t at = 0, n;

    s->bytes += len;
    buf_add(&s->in, data, len);
    p = (const uint8_t *)s->in.data;
    if (!s->headed) {
        n = record_len(p, s->in.len);
        if (!n)
            return true;
        if (n == SIZE_MAX || !take_head(m, p, n))
            return fault(m, s->fault ? s->fault : "malformed head");
        at = n;
    }
    if (s->head.same && at < s->in.len)
        return fault(m, "rows behind the news that there are none");
    if (s->head.differ) {
        n = take_buckets(m, p + at, s->in.len - at);
        at += n;
    }
    while (!s->fault && !s->head.differ && (n = take_rows(m, p + at, s->in.len - at)) > 0)
        at += n;
    if (at && at < s->in.len)
        memmove(s->in.data, s->in.data + at, s->in.len - at);
    s->in.len -= at;
    return !s->fault;
}

/* What was put is built into the catalog's segments beside the readers; they wait only for the
 * exchange. We are the one thread that puts and drops. */
static void exchange(struct desk *d, struct catalog_work *w)
{
    uv_rwlock_wrlock(&d->lock);
    catalog_work_end(d->catalog, w);
    uv_rwlock_wrunlock(&d->lock);
    catalog_work_free(w);
}

void desk_settle(struct desk *d)
{
    struct catalog_work *w = catalog_work_begin(d->catalog);

    if (w)
        exchange(d, w);
}

/* A list is whole, and seen: what it left in several segments is merged. */
static void tidy(struct desk *d)
{
    struct catalog_work *w;

    while ((w = catalog_tidy_begin(d->catalog)))
        exchange(d, w);
}

/* What is wrong with an answer that ended well. */
static const char *fault_at_end(const struct desk_stream *s)
{
    if (!s->headed)
        return "empty answer";
    if (s->in.len || (s->head.differ && !s->matched))
        return "cut short";
    return s->head.more && !s->rows ? "more announced but nothing sent" : NULL;
}

/* All rows are said to be here: are they? */
static void compare(struct member *m)
{
    const struct rows_head *h = &m->stream.head;
    struct digest ours = catalog_digest(m->desk->catalog, &m->nid);
    char hex[NID_HEX_LEN + 1];

    m->match = MATCH_NONE;
    if (!h->has_digest || m->partial || digest_eq(&ours, &h->digest)) {
        m->mistakes = 0;
        return;
    }
    nid_hex(&m->nid, hex);
    log_warn("desk", "copy-differs peer=%s times=%u", hex, ++m->mistakes);
    if (m->mistakes > 2) {
        m->mistakes = 0; /* it is not for us to know why; what it sent is what it gets */
        return;
    }
    m->match = m->mistakes == 2 ? MATCH_ALL : MATCH_NONE;
    m->generation = m->number = 0; /* not to be continued: by digests, then all of it */
    m->known = false;
}

/* The answer was good: say in the member how far its rows are here. Under the lock. */
static void take_end(struct member *m)
{
    struct desk_stream *s = &m->stream;

    if (s->head.differ)
        return; /* desk_match_begin said it all */
    if (m->match == MATCH_BUCKETS && !s->head.reset) {
        m->match_at = s->last;
        if (s->head.more)
            return;
        m->generation = m->match_generation;
        m->number = m->match_number;
        m->known = false; /* what changed since then is still to come */
        return;
    }
    m->generation = s->head.generation;
    m->number = s->head.more ? s->last : s->head.number;
    m->known = !s->head.more;
    if (m->known) {
        m->rounds = 0;
        compare(m);
    }
}

bool desk_stream_end(struct member *m, bool whole)
{
    struct desk_stream *s = &m->stream;
    struct desk *d = m->desk;
    bool good = false, in_buckets = m->match == MATCH_BUCKETS && !s->head.reset && !s->head.differ;

    if (!s->fault && whole)
        s->fault = fault_at_end(s);
    uv_rwlock_wrlock(&d->lock);
    if (whole && !s->fault) {
        take_end(m);
        good = true;
    } else if (s->rows && !in_buckets) {
        m->number = s->last - 1; /* there may be more rows of that same number */
    }
    if (!m->self) {
        d->pulls_done++;
        d->pulled_rows += s->rows;
        d->pulled_bytes += s->bytes;
    }
    desk_note_behind(m);
    uv_rwlock_wrunlock(&d->lock);
    if (good && in_buckets && !s->head.more)
        desk_match_end(m);
    if (good)
        note_cut(m);
    buf_free(&s->in);
    if (!good || !s->head.more || catalog_waiting(d->catalog) > WAITING_MAX)
        desk_settle(d);
    if (good && !s->head.more)
        tidy(d);
    return good;
}
