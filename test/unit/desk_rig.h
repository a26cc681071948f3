/* Members that answer GET /v1/catalog from canned rows over real TLS.
 */
#pragma once

#include "own_rig.h"

#include "base/limits.h"
#include "core/content.h"
#include "core/rows.h"

struct fake_row {
    enum row_kind kind;
    char path[80];
    char content; /* its hash follows from this */
    char root;    /* and its root hash from this; 0: none */
    uint64_t size;
};

/* A member; the lock guards what its server's threads read. */
struct fake {
    struct http_server *server;
    struct elect_peer peer;
    uv_mutex_t lock;
    uint64_t generation;
    struct fake_row *row; /* change numbers 1, 2, 3 ... */
    size_t rows, row_cap;
    size_t page;       /* rows in one answer; 0: all */
    size_t garbage_at; /* after so many rows the answer is nonsense; 0: not */
    unsigned status;   /* 0: 200 */
    bool digests;      /* it tells them, and compares */
    bool other_digest; /* but lies */
    bool only_buckets; /* whatever it is asked, it tells other ones */
    size_t sent;       /* rows, so far */
    struct buf roster; /* of a leader: what it answers to GET /v1/desk, once */
    atomic_uint held;  /* requests for more of it */
    unsigned asked;    /* requests so far */
    uint64_t since;    /* of the last one */
    const char *name;
};

static struct hash hash_named(char c)
{
    struct hash h;

    content_hash(&h, &c, 1);
    return h;
}

static void put_fake_row(struct buf *b, const struct fake_row *f, uint64_t number)
{
    char hex[HASH_HEX_LEN + 1];
    struct row r = {.kind = f->kind,
                    .number = number,
                    .path = f->path,
                    .path_len = strlen(f->path),
                    .size = f->size,
                    .mtime_s = 1700000000,
                    .hash = hash_named(f->content)};

    if (f->kind == ROW_PART) {
        hash_hex(&r.hash, hex);
        r.path = hex;
        r.path_len = HASH_HEX_LEN;
    }
    if (f->root)
        r.root = hash_named(f->root);
    else if (f->kind != ROW_DIR)
        content_root(&r.root, NULL, 0);
    rows_put(b, &r);
}

/* What is known of a row, as the last of those with its path says it; false: a later one does. */
static bool last_of(const struct fake *f, size_t n)
{
    for (size_t k = n + 1; k < f->rows; k++)
        if (!strcmp(f->row[k].path, f->row[n].path))
            return false;
    return f->row[n].kind != ROW_GONE;
}

static struct digest fake_digest(const struct fake *f, struct digest *of)
{
    struct digest all = {0};

    for (size_t n = 0; n < f->rows; n++) {
        struct buf b = {0};
        struct digest d;
        struct row row;
        struct rd r;

        if (!last_of(f, n))
            continue;
        put_fake_row(&b, &f->row[n], n + 1);
        r = rd_over(b.data, b.len);
        assert_true(rows_get(&r, &row));
        d = digest_of(&row);
        digest_add(&all, &d);
        if (of)
            digest_add(&of[digest_bucket(row.path, row.path_len)], &d);
        buf_free(&b);
    }
    all.low ^= f->other_digest;
    return all;
}

/* One question of GET /v1/catalog. */
struct fake_ask {
    unsigned long long generation, since;
    bool has_digest, has_mask;
    struct digest digest;
    struct digest_mask mask;
};

static bool is_asked(const struct fake *f, const struct fake_ask *q, bool reset, size_t n)
{
    const char *path = f->row[n].path;

    if (!q->has_mask || reset)
        return true;
    return last_of(f, n) && digest_in(&q->mask, digest_bucket(path, strlen(path)));
}

static void fake_answer(struct fake *f, const struct fake_ask *q, struct buf *b)
{
    struct rows_head h = {.generation = f->generation,
                          .number = f->rows,
                          .files = f->rows,
                          .bytes = 1000,
                          .name = f->name,
                          .name_len = strlen(f->name),
                          .has_digest = f->digests};
    struct digest of[DIGEST_BUCKETS] = {{0}};
    size_t first, last;

    h.digest = fake_digest(f, of);
    h.reset = q->generation != f->generation;
    if ((h.reset && f->digests && q->has_digest) || f->only_buckets) {
        h.reset = false;
        h.same = digest_eq(&h.digest, &q->digest) && !f->only_buckets;
        h.differ = !h.same;
        rows_put_head(b, &h);
        of[0].low += f->only_buckets;
        if (h.differ)
            rows_put_buckets(b, of);
        return;
    }
    first = h.reset ? 0 : (size_t)q->since;
    last = f->page && f->rows - first > f->page ? first + f->page : f->rows;
    while (last < f->rows && !is_asked(f, q, h.reset, last - 1))
        last++; /* an answer with more to come has rows */
    h.more = last < f->rows;
    rows_put_head(b, &h);
    for (size_t n = first; n < last; n++) {
        if (f->garbage_at && n == f->garbage_at) {
            buf_str(b, "\x05"
                       "what?");
            break;
        }
        if (!is_asked(f, q, h.reset, n))
            continue;
        put_fake_row(b, &f->row[n], n + 1);
        f->sent++;
    }
}

/* Its roster, once; then it is held. true: answered or held. */
static bool fake_roster(struct fake *f, struct http_request *rq)
{
    if (strcmp(http_path(rq), "/v1/desk"))
        return false;
    if (f->roster.len) {
        http_reply(rq, 200, "application/octet-stream", f->roster.data, f->roster.len);
        buf_reset(&f->roster);
    } else if (http_held(rq)) {
        http_reply_text(rq, 503, "no more");
    } else {
        f->held++;
        http_hold(rq, 100);
    }
    return true;
}

static void fake_handler(void *ctx, struct http_request *rq)
{
    struct fake *f = ctx;
    struct fake_ask q = {.generation = 0};
    const char *arg = http_arg(rq, "since"), *digest = http_arg(rq, "digest"),
               *mask = http_arg(rq, "buckets");
    bool done;
    struct buf b = {0};
    unsigned status;

    handled++;
    uv_mutex_lock(&f->lock);
    done = fake_roster(f, rq);
    f->asked += !done;
    status = f->status;
    q.has_digest = digest && digest_parse(&q.digest, digest, strlen(digest));
    q.has_mask = mask && digest_mask_parse(&q.mask, mask, strlen(mask));
    if (!done && !status && (!arg || sscanf(arg, "%llu.%llu", &q.generation, &q.since) == 2)) {
        f->since = q.since;
        fake_answer(f, &q, &b);
    }
    uv_mutex_unlock(&f->lock);
    if (done)
        return;
    if (status || !b.len)
        http_reply_text(rq, status ? status : 400, "no");
    else
        http_reply(rq, 200, "application/octet-stream", b.data, b.len);
    buf_free(&b);
}

static void fake_open(struct fake *f, uint8_t id, const char *name)
{
    uint16_t port = 0;
    struct err e;

    memset(f, 0, sizeof *f);
    f->name = name;
    f->generation = 100 + id;
    uv_mutex_init(&f->lock);
    f->server = http_server_tls(&server_who.id, 0, &port, 1, fake_handler, f, &e);
    assert_non_null(f->server);
    f->peer = (struct elect_peer){.nid = {{id}}, .inc = 1, .generation = f->generation};
    memcpy(f->peer.pub, server_who.key.pub, 32);
    f->peer.addr = (struct addr){.family = 4, .ip = {127, 0, 0, 1}, .port = port};
}

static void fake_close(struct fake *f)
{
    http_server_free(f->server);
    uv_mutex_destroy(&f->lock);
    mem_free(f->row);
    buf_free(&f->roster);
}

/* One more change; what is announced rises with it. */
static void fake_add(struct fake *f, enum row_kind kind, const char *path, char content, char root,
                     uint64_t size)
{
    struct fake_row *r;

    uv_mutex_lock(&f->lock);
    MEM_GROW(f->row, f->rows, f->row_cap);
    r = &f->row[f->rows++];
    *r = (struct fake_row){.kind = kind, .content = content, .root = root, .size = size};
    snprintf(r->path, sizeof r->path, "%s", path);
    f->peer.number = f->rows;
    uv_mutex_unlock(&f->lock);
}

static unsigned fake_asked(struct fake *f)
{
    unsigned n;

    uv_mutex_lock(&f->lock);
    n = f->asked;
    uv_mutex_unlock(&f->lock);
    return n;
}

static void set_status(struct fake *f, unsigned status)
{
    uv_mutex_lock(&f->lock);
    f->status = status;
    uv_mutex_unlock(&f->lock);
}

static void news(struct desk *d, enum elect_news_kind kind, const struct elect_peer *p)
{
    struct elect_news n = {.kind = kind, .peer = *p};

    desk_news(d, &n);
}
