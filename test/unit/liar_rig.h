/* A holder that lies, breaks off, stalls or answers nonsense, as told. */
#pragma once

#include "fetch_watch.h"

#include "base/buf.h"

#include <stdatomic.h>

#define SIZE   (5 * MIB + 4321)
#define LEVELS (PATH_DEPTH_MAX + 6)

enum lie {
    HONEST,
    FLIP,       /* one byte of each answer is wrong */
    SHIFTED,    /* another range than was asked for, and says so */
    WHOLE,      /* 200 and the whole file for a range */
    SHORT,      /* breaks off in the middle */
    EMPTY,      /* 206 without bytes */
    STALL,      /* begins and then says nothing more */
    ERROR,      /* 500 */
    GONE,       /* 410 */
    WRONG_LIST, /* a checkpoint list that is not the root hash's */
    LIES,
    SILENT, /* never answers a question for the list, of a file or a folder */
    SILENT_BATCH,
    HALF_BATCH, /* begins, and says no more */
};

static struct peer a, me;

static struct liar {
    struct ident id;
    struct http_server *server;
    uint16_t port;
    _Atomic enum lie lie;
    char *bytes;
    size_t size;
    struct buf checkpoints;
    struct buf folder, batch; /* answers as they are */
    struct level {
        char hex[65];
        struct buf answer;
    } * level; /* LEVELS folders within each other */
    atomic_uint asked;
    atomic_uint given_up; /* how many holders had been when its list was asked for */
} x, y;

/* ---- the liar ---- */

struct flow {
    struct liar *l;
    uint64_t first, len;
};

static int64_t flow_read(void *ctx, uint64_t pos, void *to, size_t max)
{
    struct flow *f = ctx;

    if ((f->l->lie == SHORT && pos >= f->len / 2) || pos >= f->len)
        return f->l->lie == SHORT ? -2 : -1;
    if (f->l->lie == STALL && pos > 0)
        return 0;
    if (max > f->len - pos)
        max = (size_t)(f->len - pos);
    memcpy(to, f->l->bytes + f->first + pos, max);
    if (f->l->lie == FLIP)
        *(char *)to ^= 1;
    return (int64_t)max;
}

static void flow_done(void *ctx)
{
    mem_free(ctx);
}

static void answer_file(struct liar *l, struct http_request *rq)
{
    struct flow *f;
    uint64_t first, len;
    char text[96];
    struct http_stream st = {.read = flow_read, .done = flow_done};

    if (l->lie == ERROR || l->lie == GONE) {
        http_reply_text(rq, l->lie == ERROR ? 500 : 410, "no");
        return;
    }
    http_range(rq, l->size, &first, &len);
    f = mem_zero(1, sizeof *f);
    *f = (struct flow){.l = l, .first = first, .len = len};
    st.ctx = f;
    if (l->lie == WHOLE) {
        *f = (struct flow){.l = l, .len = l->size};
        http_reply_stream(rq, 200, "application/octet-stream", l->size, &st);
        return;
    }
    if (l->lie == SHIFTED)
        f->first = first = first ? first - 1 : 1;
    snprintf(text, sizeof text, "bytes %llu-%llu/%zu", (unsigned long long)first,
             (unsigned long long)(first + len - 1), l->size);
    http_reply_header(rq, "Content-Range", text);
    if (l->lie == EMPTY)
        f->len = len = 0;
    if (l->lie == SHIFTED && first + len > l->size)
        f->len = --len;
    http_reply_stream(rq, 206, "application/octet-stream", len, &st);
}

static int64_t half_read(void *ctx, uint64_t pos, void *to, size_t max)
{
    (void)ctx;
    if (pos || max < 8)
        return 0;
    memset(to, 0, 8);
    return 8;
}

static void half_done(void *ctx)
{
    (void)ctx;
}

/* A folder's answer by its hash; all others get the one that is said for any. */
static const struct buf *folder_of(const struct liar *l, const char *hex)
{
    for (unsigned i = 0; l->level && i < LEVELS; i++)
        if (!strcmp(l->level[i].hex, hex))
            return &l->level[i].answer;
    return &l->folder;
}

static void liar_handle(void *ctx, struct http_request *rq)
{
    struct liar *l = ctx;
    const char *path = http_path(rq);

    atomic_fetch_add(&l->asked, 1);
    if (strstr(path, "/checkpoints") && l->lie == WRONG_LIST)
        l->checkpoints.data[5] ^= 1;
    if ((l->lie == SILENT &&
         (strstr(path, "/checkpoints") || !strncmp(path, "/v1/folders/", 12))) ||
        (l->lie == SILENT_BATCH && !strcmp(path, "/v1/batch"))) {
        http_hold(rq, WAIT_S * 1000);
        return;
    }
    if (l->lie == HALF_BATCH && !strcmp(path, "/v1/batch")) {
        struct http_stream st = {.read = half_read, .done = half_done, .ctx = l};

        http_reply_stream(rq, 200, "application/octet-stream", 1000, &st);
        return;
    }
    if (strstr(path, "/checkpoints"))
        atomic_store(&l->given_up, __atomic_load_n(&me.unreachable, __ATOMIC_RELAXED));
    if (strstr(path, "/checkpoints"))
        http_reply(rq, 200, "application/octet-stream", buf_cstr(&l->checkpoints),
                   l->checkpoints.len);
    else if (strstr(path, "/have"))
        http_reply(rq, 200, "application/octet-stream", "\xfc", 1); /* all six pieces */
    else if (!strncmp(path, "/v1/files/", 10))
        answer_file(l, rq);
    else if (!strncmp(path, "/v1/folders/", 12) && folder_of(l, path + 12)->len)
        http_reply(rq, 200, "application/octet-stream", folder_of(l, path + 12)->data,
                   folder_of(l, path + 12)->len);
    else if (!strcmp(path, "/v1/batch"))
        http_reply(rq, 200, "application/octet-stream", buf_cstr(&l->batch), l->batch.len);
    else
        http_reply_text(rq, 404, "no");
}

static void liar_up(struct liar *l, const char *name, size_t size, unsigned seed)
{
    struct content_hasher h;
    struct hash hash, root;
    struct err e = {0};
    char home[128];

    *l = (struct liar){.size = size, .bytes = mem_alloc(size)};
    snprintf(home, sizeof home, "%s/%s", top, name);
    if (ident_load(&l->id, home, "lan", NULL, name, &e))
        fail_msg("%s", e.text);
    make_bytes(l->bytes, size, seed);
    content_hasher_init(&h, size);
    content_hasher_add(&h, l->bytes, size);
    content_hasher_done(&h, &hash, &root);
    buf_add(&l->checkpoints, h.checkpoints.data, h.checkpoints.len);
    content_hasher_free(&h);
    l->server = http_server_tls(&l->id.tls, 0, &l->port, 2, liar_handle, l, &e);
    if (!l->server)
        fail_msg("%s", e.text);
}

static void liar_down(struct liar *l)
{
    http_server_free(l->server);
    ident_done(&l->id);
    mem_free(l->bytes);
    buf_free(&l->checkpoints);
    buf_free(&l->folder);
    buf_free(&l->batch);
}
