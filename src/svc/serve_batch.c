/* POST /v1/batch: many small files in one answer. It is put together in memory, at most
 * BATCH_BYTES_MAX, by one of the reading threads while the request is held. */
#include "base/limits.h"
#include "base/mem.h"
#include "svc/serve_priv.h"

#include <string.h>
#include <unistd.h>

#define NOT_HERE UINT64_MAX

/* One file in the answer. */
struct batched {
    size_t file; /* which of them */
    uint64_t size;
    char *path;
};

struct batch {
    struct read_job job;
    struct serve *s;
    struct http_request *rq;
    struct hash hash[BATCH_FILES_MAX];
    size_t count;
    struct purse purse;
    bool failed; /* the index cannot be read */
    struct buf body;
    struct batched *in;
    size_t ins;
    uint64_t sent; /* bytes of body that went */
};

/* ---- on a reading thread ---- */

/* Where each lies; kind 0: not known. One look at the database for all of them. */
static bool find_all(struct store_reader *r, const struct batch *b, struct store_content *at)
{
    struct err e;

    if (!r || store_reader_hold(r, &e))
        return false;
    for (size_t i = 0; i < b->count; i++) {
        if (store_find(r, &b->hash[i], 0, &at[i], &e) != 1)
            at[i] = (struct store_content){0};
    }
    store_reader_release(r);
    return true;
}

/* false: not here, changed meanwhile, or too much. */
static bool add_file(struct batch *b, struct store_reader *r, size_t i,
                     const struct store_content *at, size_t room)
{
    struct buf *to = &b->body;
    struct root_stat st, after;
    size_t got = 0, begin = to->len;
    char *path = NULL;
    int fd;

    if (!at->kind)
        return false;
    if (!serve_open_at(b->s, at, &fd, &st) &&
        serve_open(b->s, r, &b->hash[i], &fd, &st, &path) != 1)
        return false;
    if (st.size <= BATCH_FILE_MAX && st.size <= room) {
        buf_u64(to, st.size);
        buf_room(to, st.size);
        while (got < st.size) {
            ssize_t n = pread(fd, to->data + to->len, st.size - got, (off_t)got);

            if (n <= 0)
                break;
            got += (size_t)n;
            to->len += (size_t)n;
        }
        if (got < st.size || root_stat_fd(fd, &after) || !root_stat_same(&st, &after))
            to->len = begin;
    }
    close(fd);
    mem_free(path);
    return to->len > begin;
}

static void gather(struct read_job *j)
{
    struct batch *b = (struct batch *)j;
    struct store_reader *r = serve_store(b->s);
    struct store_content *at = mem_zero(b->count, sizeof *at);
    size_t sum = 0;

    b->in = mem_zero(b->count, sizeof *b->in);
    b->failed = !find_all(r, b, at);
    for (size_t i = 0; i < b->count && !b->failed; i++) {
        size_t before = b->body.len;

        if (add_file(b, r, i, &at[i], BATCH_BYTES_MAX - sum)) {
            uint64_t size = b->body.len - before - 8;

            sum += size;
            b->in[b->ins++] = (struct batched){i, size, at[i].path};
            at[i].path = NULL;
        } else {
            buf_u64(&b->body, NOT_HERE);
        }
    }
    for (size_t i = 0; i < b->count; i++)
        mem_free(at[i].path);
    mem_free(at);
}

static void batch_free(struct read_job *j)
{
    struct batch *b = (struct batch *)j;

    for (size_t i = 0; i < b->ins; i++)
        mem_free(b->in[i].path);
    mem_free(b->in);
    buf_free(&b->body);
    mem_free(b);
}

/* ---- the request ---- */

static int64_t batch_read(void *ctx, uint64_t pos, void *to, size_t max)
{
    struct batch *b = ctx;

    if (pos >= b->body.len)
        return -1;
    if (!pace_enter(b->s->pace, b->rq))
        return 0;
    if (max > b->body.len - pos)
        max = b->body.len - (size_t)pos;
    max = pace_take(b->s->pace, b->rq, &b->purse, max);
    if (max)
        memcpy(to, b->body.data + pos, max);
    serve_sent(b->s, max);
    b->sent = pos + max;
    return (int64_t)max;
}

static void request_over(void *ctx)
{
    struct batch *b = ctx;

    pace_forget(b->s->pace, b->rq);
    for (size_t i = 0; b->sent && i < b->ins && b->sent == b->body.len; i++)
        serve_note(b->s, b->rq, &b->hash[b->in[i].file], b->in[i].path, b->in[i].size,
                   b->in[i].size, true);
    reads_drop(b->s->batches, &b->job);
}

static void answer(struct batch *b)
{
    if (b->failed)
        http_reply_text(b->rq, 503, "the index cannot be read");
    else
        http_reply_stream(b->rq, 200, "application/octet-stream", b->body.len,
                          &(struct http_stream){.read = batch_read, .ctx = b});
}

void serve_batch(struct serve *s, struct http_request *rq)
{
    struct batch *b = http_get_ctx(rq);
    const uint8_t *hashes;
    size_t len;

    if (b && reads_done(s->batches, &b->job)) {
        answer(b);
        return;
    }
    if (!b) {
        hashes = http_body(rq, &len);
        if (!len || len % sizeof(struct hash) || len / sizeof(struct hash) > BATCH_FILES_MAX) {
            http_reply_text(rq, 400, "a batch is 1 to %d hashes of 32 bytes", BATCH_FILES_MAX);
            return;
        }
        b = mem_zero(1, sizeof *b);
        b->job = (struct read_job){.run = gather, .free = batch_free, .rq = rq};
        b->s = s;
        b->rq = rq;
        b->purse = serve_wished_rate(rq);
        b->count = len / sizeof(struct hash);
        memcpy(b->hash, hashes, len);
        http_set_ctx(rq, b, request_over);
        reads_start(s->batches, &b->job);
    }
    http_hold(rq, HOLD_MS);
}
