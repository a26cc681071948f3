/* Contents by hash: whole ones from the shared folder, parts from what is being fetched. */
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/content.h"
#include "io/loop.h"
#include "svc/fetch.h"
#include "svc/serve_priv.h"
#include "svc/share.h"
#include "svc/shared_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define BYTES      "application/octet-stream"
#define WARM_BYTES (1u << 20) /* brought into memory in one go */
#define WARM_BLOCK (64u << 10)
#define CHECK_EACH (1u << 20) /* sent, before it is looked at whether the file has changed */

/* ---- the shared folder ---- */

bool serve_open_at(struct serve *s, const struct store_content *c, int *fd, struct root_stat *st)
{
    return shared_open_at(s->conf.share, c, fd, st);
}

int serve_open(struct serve *s, struct store_reader *r, const struct hash *h, int *fd,
               struct root_stat *st, char **path)
{
    return shared_open(s->conf.share, r, h, fd, st, path);
}

/* ---- streams ---- */

struct stream {
    struct serve *s;
    struct http_request *rq;
    int fd;
    uint64_t first, len;
    bool part; /* of what is fetched here: ours alone, it does not change */
    struct hash hash;
    uint64_t size, sent; /* of the whole; bytes that went */
    uint64_t ready;      /* bytes of its range that are verified */
    int64_t moved_ms;    /* when some of them were sent last */
    struct root_stat st; /* not a part: as announced */
    char *path;
    struct purse purse;
    struct warm *warm; /* what a reading thread is at, or NULL */
    uint64_t warm_to;  /* of the file: before it all is in memory, or was just now */
    uint64_t checked;  /* of the range: so far it was seen to be as announced */
};

/* Bring a stretch of the file into memory, where a server's thread may read it. */
struct warm {
    struct read_job job;
    int fd;
    uint64_t at, end;
};

static void warm_run(struct read_job *j)
{
    struct warm *w = (struct warm *)j;
    char *block = mem_alloc(WARM_BLOCK);

    for (uint64_t at = w->at; at < w->end;) {
        ssize_t n = pread(w->fd, block, WARM_BLOCK, (off_t)at);

        if (n <= 0)
            break; /* who sends it finds out */
        at += (uint64_t)n;
    }
    mem_free(block);
}

static void warm_free(struct read_job *j)
{
    struct warm *w = (struct warm *)j;

    close(w->fd);
    mem_free(w);
}

static void warm_start(struct stream *f, uint64_t at)
{
    uint64_t end = f->first + f->len;
    struct warm *w = mem_zero(1, sizeof *w);

    w->job = (struct read_job){.run = warm_run, .free = warm_free, .rq = f->rq};
    w->fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
    w->at = at;
    w->end = end - at < WARM_BYTES ? end : at + WARM_BYTES;
    f->warm = w;
    f->warm_to = w->end;
    reads_start(f->s->reads, &w->job);
}

/* Like pread, but never waits for the disk: -EAGAIN, and a reading thread is at it. */
static ssize_t read_warm(struct stream *f, void *to, size_t max, uint64_t at)
{
    ssize_t n;

    if (f->warm && !reads_done(f->s->reads, &f->warm->job))
        return -EAGAIN;
    if (f->warm) {
        reads_drop(f->s->reads, &f->warm->job);
        f->warm = NULL;
    }
    if (at < f->warm_to)
        return pread(f->fd, to, max < f->warm_to - at ? max : (size_t)(f->warm_to - at), (off_t)at);
    n = root_read_now(f->fd, to, max, at);
    if (n == -EAGAIN)
        warm_start(f, at);
    return n;
}

static void held_wake(void *ctx)
{
    http_wake(ctx);
}

/* How much of at most max bytes of a part may go; 0: none yet, rq is woken at the next piece. -2:
 * it waited too long, or is not here any more. */
static int64_t part_ready(struct stream *f, uint64_t pos, size_t max)
{
    struct fetch *fetch = serve_get_fetch(f->s);
    uint64_t until = PART_NOT_HERE;

    if (pos >= f->ready && fetch) {
        fetch_part_unwait(fetch, held_wake, f->rq);
        (void)fetch_part_wait(fetch, &f->hash, held_wake, f->rq); /* before it is looked at */
        until = fetch_part_until(fetch, &f->hash, f->first + pos);
        f->ready = until == PART_NOT_HERE ? 0 : until - f->first;
    }
    if (pos < f->ready) {
        f->moved_ms = loop_now_ms();
        return (int64_t)(max < f->ready - pos ? max : f->ready - pos);
    }
    return until == PART_NOT_HERE || loop_now_ms() - f->moved_ms >= HOLD_MS ? -2 : 0;
}

/* Whoever fetches verifies each piece anyway: so much may go before we notice, and no end. */
static bool has_changed(struct stream *f, uint64_t pos)
{
    struct root_stat now;

    if (f->part || (pos < f->len && pos - f->checked < CHECK_EACH))
        return false;
    f->checked = pos;
    return root_stat_fd(f->fd, &now) || !root_stat_same(&now, &f->st);
}

static int64_t stream_read(void *ctx, uint64_t pos, void *to, size_t max)
{
    struct stream *f = ctx;
    ssize_t n;

    if (pos >= f->len)
        return -1;
    if (max > f->len - pos)
        max = (size_t)(f->len - pos);
    if (f->part) {
        int64_t ready = part_ready(f, pos, max);

        if (ready <= 0)
            return ready;
        max = (size_t)ready;
    }
    if (!pace_enter(f->s->pace, f->rq))
        return 0;
    max = pace_take(f->s->pace, f->rq, &f->purse, max);
    if (!max)
        return 0;
    n = read_warm(f, to, max, f->first + pos);
    if (n < (ssize_t)max)
        pace_back(f->s->pace, &f->purse, max - (n > 0 ? (size_t)n : 0));
    if (n == -EAGAIN)
        return 0;
    if (n > 0 && has_changed(f, pos + (uint64_t)n)) {
        share_suspect(f->s->conf.share, f->path);
        return -2;
    }
    if (n <= 0)
        return -2;
    serve_sent(f->s, (uint64_t)n);
    f->sent += (uint64_t)n;
    return n;
}

static void stream_done(void *ctx)
{
    struct stream *f = ctx;

    pace_forget(f->s->pace, f->rq);
    serve_note(f->s, f->rq, &f->hash, f->path, f->size, f->sent, false);
    if (f->warm)
        reads_drop(f->s->reads, &f->warm->job);
    close(f->fd);
    mem_free(f->path);
    mem_free(f);
}

/* Answer with the range that is asked of a file of this size. Takes f. */
static void reply_file(struct http_request *rq, struct stream *f, uint64_t size)
{
    char text[96];
    struct http_stream st = {.read = stream_read, .done = stream_done, .ctx = f};
    int ranged = http_range(rq, size, &f->first, &f->len);

    f->warm_to = root_in_memory(f->fd) ? UINT64_MAX : 0;
    f->purse = serve_wished_rate(rq);
    f->size = size;
    http_reply_header(rq, "Accept-Ranges", "bytes");
    if (ranged < 0) {
        snprintf(text, sizeof text, "bytes */%" PRIu64, size);
        http_reply_header(rq, "Content-Range", text);
        http_reply_text(rq, 416, "the range lies outside the file");
        stream_done(f);
        return;
    }
    if (ranged) {
        snprintf(text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, f->first,
                 f->first + f->len - 1, size);
        http_reply_header(rq, "Content-Range", text);
    }
    http_reply_stream(rq, ranged ? 206 : 200, BYTES, f->len, &st);
}

/* ---- requests that wait for a piece ---- */

struct held {
    struct serve *s;
    struct http_request *rq;
    int64_t since_ms;
};

static void held_done(void *ctx)
{
    struct held *h = ctx;
    struct fetch *f = serve_get_fetch(h->s);

    if (f)
        fetch_part_unwait(f, held_wake, h->rq);
    mem_free(h);
}

/* Be woken at the next piece of this content: to be called before its bits are looked at, or one
 * could be missed. */
static void listen_for(struct serve *s, struct http_request *rq, struct fetch *f,
                       const struct hash *hash)
{
    struct held *h = http_get_ctx(rq);

    if (!h) {
        h = mem_alloc(sizeof *h);
        *h = (struct held){.s = s, .rq = rq, .since_ms = loop_now_ms()};
        http_set_ctx(rq, h, held_done);
    }
    fetch_part_unwait(f, held_wake, rq);
    (void)fetch_part_wait(f, hash, held_wake, rq);
}

/* false: it has waited long enough. */
static bool hold_on(struct http_request *rq)
{
    const struct held *h = http_get_ctx(rq);
    int64_t waited = loop_now_ms() - h->since_ms;

    if (http_held(rq) == 2 || waited >= HOLD_MS)
        return false;
    http_hold(rq, (unsigned)(HOLD_MS - waited));
    return true;
}

static void reply_later(struct http_request *rq)
{
    http_reply_header(rq, "Retry-After", "1");
    http_reply_text(rq, 503, "not here yet");
}

static void reply_missing(struct http_request *rq, int found)
{
    if (found < 0)
        http_reply_text(rq, 410, "this file has changed since it was announced");
    else
        http_reply_text(rq, 404, "no such content here");
}

/* ---- GET /v1/files/H ---- */

/* A piece at the beginning is enough: the rest flows as it comes. */
static bool can_begin(const struct bits *have, uint64_t size, uint64_t first, uint64_t len)
{
    return !len || bits_get(have, (uint32_t)(first / content_piece_size(size)));
}

/* true: replied or held. */
static bool serve_part(struct serve *s, struct http_request *rq, const struct hash *h)
{
    struct fetch *fetch = serve_get_fetch(s);
    bool head = http_method(rq)[0] == 'H';
    struct stream *f;
    struct bits have;
    struct hash root;
    uint64_t size, first, len;
    int fd;

    if (!fetch)
        return false;
    if (!head)
        listen_for(s, rq, fetch, h);
    if (!fetch_part(fetch, h, &fd, &size, &root, &have)) {
        if (head || !fetch_part_coming(fetch, h))
            return false;
        if (!hold_on(rq))
            reply_later(rq);
        return true;
    }
    if (!head && http_range(rq, size, &first, &len) >= 0 && !can_begin(&have, size, first, len)) {
        close(fd);
        if (!hold_on(rq))
            reply_later(rq);
    } else {
        f = mem_zero(1, sizeof *f);
        *f = (struct stream){
            .s = s, .rq = rq, .fd = fd, .part = true, .hash = *h, .moved_ms = loop_now_ms()};
        reply_file(rq, f, size);
    }
    bits_done(&have);
    return true;
}

void serve_file(struct serve *s, struct http_request *rq, const struct hash *h)
{
    struct store_reader *r = serve_reader(s, rq);
    struct root_stat st;
    struct stream *f;
    char *path;
    int fd, found;

    if (!r)
        return;
    found = serve_open(s, r, h, &fd, &st, &path);
    if (found == 1) {
        f = mem_zero(1, sizeof *f);
        *f = (struct stream){.s = s, .rq = rq, .fd = fd, .st = st, .path = path, .hash = *h};
        reply_file(rq, f, st.size);
    } else if (!serve_part(s, rq, h)) {
        reply_missing(rq, found);
    }
}

/* ---- what is known of a content ---- */

void serve_checkpoints(struct serve *s, struct http_request *rq, const struct hash *h)
{
    struct store_reader *r = serve_reader(s, rq);
    struct fetch *fetch = serve_get_fetch(s);
    struct buf b = {0};
    struct err e;

    if (!r)
        return;
    if (store_checkpoints(r, h, &b, &e) == 1 ||
        (fetch && fetch_part_checkpoints(fetch, h, &b) == 1)) {
        http_reply(rq, 200, BYTES, buf_cstr(&b), b.len);
        serve_sent(s, b.len);
    } else {
        reply_missing(rq, 0);
    }
    buf_free(&b);
}

/* What the caller has of it already, from ?have=; UINT64_MAX: not said. */
static uint64_t known_count(const struct http_request *rq)
{
    const char *text = http_arg(rq, "have");
    uint64_t n;

    return text && str_parse_u64(text, 0, UINT32_MAX, &n) ? n : UINT64_MAX;
}

static void reply_bits(struct serve *s, struct http_request *rq, const struct bits *have)
{
    http_reply(rq, 200, BYTES, have->byte, bits_bytes(have));
    serve_sent(s, bits_bytes(have));
}

void serve_have(struct serve *s, struct http_request *rq, const struct hash *h)
{
    struct store_reader *r = serve_reader(s, rq);
    struct fetch *fetch = serve_get_fetch(s);
    struct store_content c;
    struct bits have;
    struct hash root;
    uint64_t size;
    struct err e;
    int fd;

    if (!r)
        return;
    if (store_find(r, h, 0, &c, &e) == 1 && c.kind != 'd') {
        bits_init(&have, content_piece_count(c.size));
        for (uint32_t i = 0; i < have.len; i++)
            bits_set(&have, i);
        reply_bits(s, rq, &have);
        bits_done(&have);
        mem_free(c.path);
        return;
    }
    if (fetch)
        listen_for(s, rq, fetch, h);
    if (!fetch || fetch_part(fetch, h, &fd, &size, &root, &have) != 1) {
        reply_missing(rq, 0);
        return;
    }
    close(fd);
    if (have.count != known_count(rq) || !hold_on(rq))
        reply_bits(s, rq, &have);
    bits_done(&have);
}
