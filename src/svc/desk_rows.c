#include "base/log.h"
#include "base/mem.h"
#include "svc/desk_priv.h"
#include "svc/json_text.h"

#include <string.h>

#define LOCKED_ROWS 1000        /* put under one lock: about a millisecond's worth */
#define WAITING_MAX 200000      /* rows of a long list that are held back until it is whole */
#define RECORD_MAX  (16u << 10) /* more than any record that core/rows accepts */

void desk_stream_begin(struct member *m)
{
    buf_free(&m->stream.in);
    m->stream = (struct desk_stream){0};
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
    if (!h->reset && h->generation != m->generation)
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
        m->number = 0;
    }
    uv_rwlock_wrunlock(&d->lock);
    h->name = NULL;
    m->stream.last = m->number;
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
        else if (row.number < s->last || row.number <= m->number || row.number > s->head.number)
            s->fault = "change numbers out of order";
        if (s->fault)
            break;
        catalog_put(d->catalog, &m->nid, &row); /* one over a cap is counted there and left out */
        s->last = row.number;
        s->rows++;
    }
    uv_rwlock_wrunlock(&d->lock);
    return at;
}

bool desk_stream_add(struct member *m, const void *data, size_t len)
{
    struct desk_stream *s = &m->stream;
    const uint8_t *p;
    size_t at = 0, n;

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
    while (!s->fault && (n = take_rows(m, p + at, s->in.len - at)) > 0)
        at += n;
    if (at && at < s->in.len)
        memmove(s->in.data, s->in.data + at, s->in.len - at);
    s->in.len -= at;
    return !s->fault;
}

/* What was put is built into the catalog's segments beside the readers; they wait only for the
 * exchange. We are the one thread that puts and drops. */
void desk_settle(struct desk *d)
{
    struct catalog_work *w = catalog_work_begin(d->catalog);

    if (!w)
        return;
    uv_rwlock_wrlock(&d->lock);
    catalog_work_end(d->catalog, w);
    uv_rwlock_wrunlock(&d->lock);
    catalog_work_free(w);
}

bool desk_stream_end(struct member *m, bool whole)
{
    struct desk_stream *s = &m->stream;
    struct desk *d = m->desk;
    bool good = false;

    if (!s->fault && whole && !s->headed)
        s->fault = "empty answer";
    else if (!s->fault && whole && s->in.len)
        s->fault = "cut short";
    else if (!s->fault && whole && s->head.more && !s->rows)
        s->fault = "more announced but nothing sent";
    uv_rwlock_wrlock(&d->lock);
    if (whole && !s->fault) {
        m->number = s->head.more ? s->last : s->head.number;
        m->known = !s->head.more;
        good = true;
    } else if (s->rows) {
        m->number = s->last - 1; /* there may be more rows of that same number */
    }
    uv_rwlock_wrunlock(&d->lock);
    buf_free(&s->in);
    if (!good || !s->head.more || catalog_waiting(d->catalog) > WAITING_MAX)
        desk_settle(d);
    return good;
}
