/* POST /v1/batch: many small files in one answer. It is put together in memory, at most
 * BATCH_BYTES_MAX. */
#include "base/limits.h"
#include "base/mem.h"
#include "svc/serve_priv.h"

#include <string.h>
#include <unistd.h>

#define NOT_HERE UINT64_MAX

/* false: not here, changed meanwhile, or too much. */
static bool add_file(struct serve *s, struct store_reader *r, const struct hash *h, size_t room,
                     struct buf *to)
{
    struct root_stat st, after;
    char *path;
    size_t got = 0, begin = to->len;
    int fd;

    if (serve_open(s, r, h, &fd, &st, &path) != 1)
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

struct batch {
    struct serve *s;
    struct http_request *rq;
    struct buf body;
};

static int64_t batch_read(void *ctx, uint64_t pos, void *to, size_t max)
{
    struct batch *b = ctx;

    if (pos >= b->body.len)
        return -1;
    if (max > b->body.len - pos)
        max = b->body.len - (size_t)pos;
    max = pace_take(b->s->pace, b->rq, max);
    if (max)
        memcpy(to, b->body.data + pos, max);
    serve_sent(b->s, max);
    return (int64_t)max;
}

static void batch_done(void *ctx)
{
    struct batch *b = ctx;

    pace_forget(b->s->pace, b->rq);
    buf_free(&b->body);
    mem_free(b);
}

void serve_batch(struct serve *s, struct http_request *rq)
{
    struct store_reader *r = serve_reader(s, rq);
    size_t len, sum = 0;
    const uint8_t *hashes = http_body(rq, &len);
    struct batch *b;

    if (!r)
        return;
    if (!len || len % sizeof(struct hash) || len / sizeof(struct hash) > BATCH_FILES_MAX) {
        http_reply_text(rq, 400, "a batch is 1 to %d hashes of 32 bytes", BATCH_FILES_MAX);
        return;
    }
    b = mem_zero(1, sizeof *b);
    *b = (struct batch){.s = s, .rq = rq};
    for (size_t i = 0; i < len; i += sizeof(struct hash)) {
        struct hash h;
        size_t before = b->body.len;

        memcpy(&h, hashes + i, sizeof h);
        if (add_file(s, r, &h, BATCH_BYTES_MAX - sum, &b->body))
            sum += b->body.len - before - 8;
        else
            buf_u64(&b->body, NOT_HERE);
    }
    http_reply_stream(rq, 200, "application/octet-stream", b->body.len,
                      &(struct http_stream){.read = batch_read, .done = batch_done, .ctx = b});
}
