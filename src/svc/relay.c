#include "svc/relay.h"

#include "base/limits.h"
#include "base/mem.h"
#include "core/content.h"
#include "io/root.h"
#include "svc/gather.h"
#include "svc/ident.h"
#include "svc/look.h"
#include "svc/shared_file.h"
#include "svc/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS      8000
#define FILES_MS     20000
#define PIECES_MS    20000 /* for one window of pieces */
#define BLOCK        (256u << 10)
#define WINDOW_MAX   4
#define WINDOW_BYTES (4u << 20) /* of pieces asked at once, but for one */

struct relay {
    struct relay_conf conf;
    struct gatherer *gatherer; /* NULL until somebody is asked */
    struct store_reader *reader;
};

/* One file that comes from others. */
struct file {
    struct relay *r;
    const struct look *of;
    struct hash hash;
    uint64_t size;
    uint64_t bad; /* bits: holders that failed */
    size_t turn;
    struct buf checkpoints;
};

static int interrupted(struct err *e)
{
    return err_set(e, ERR_INTERRUPTED, "no more is wanted");
}

static struct look_conf look_conf(struct relay *r)
{
    if (!r->gatherer)
        r->gatherer = gatherer_new(&r->conf.ident->tls);
    return (struct look_conf){.ident = r->conf.ident,
                              .ask = r->conf.ask,
                              .db_path = r->conf.db_path,
                              .gatherer = r->gatherer,
                              .stop = r->conf.stop};
}

int relay_look(struct relay *r, const struct hash *h, bool files, struct look *out, struct err *e)
{
    struct look_conf c = look_conf(r);
    int bad = look_content(&c, h, LOOK_MS, out, e);

    if (!bad && files && out->kind == 'd')
        bad = look_files(&c, out, FILES_MS, e);
    return bad;
}

/* ---- what is shared here ---- */

/* 1: given, or e says why not; 0: it is not here. */
static int give_own(struct relay *r, const struct hash *h, uint64_t size, uint64_t first,
                    uint64_t len, relay_give *give, void *ctx, struct err *e)
{
    struct root_stat st, now;
    char *path = NULL, *block;
    uint64_t done = 0;
    int fd;

    e->code = 0;
    if (!r->reader && !(r->reader = store_reader_open(r->conf.db_path, e)))
        return 0;
    if (shared_open(r->conf.share, r->reader, h, &fd, &st, &path) != 1)
        return 0;
    block = mem_alloc(BLOCK);
    while (st.size == size && done < len && !e->code) {
        size_t want = len - done < BLOCK ? (size_t)(len - done) : BLOCK;
        ssize_t n = pread(fd, block, want, (off_t)(first + done));

        if (n <= 0 || root_stat_fd(fd, &now) || !root_stat_same(&now, &st))
            err_set(e, ERR_UNFINISHED, "the file has changed");
        else if (!give(ctx, block, (size_t)n))
            (void)interrupted(e);
        else
            done += (uint64_t)n;
    }
    if (st.size != size)
        err_set(e, ERR_UNFINISHED, "the file has another size");
    mem_free(block);
    mem_free(path);
    close(fd);
    return 1;
}

/* ---- what others have ---- */

/* The next holder that has not failed; of->holders: none is left. */
static size_t next_holder(struct file *f)
{
    size_t n = f->of->holders < 64 ? f->of->holders : 64;

    for (size_t i = 0; i < n; i++) {
        size_t at = (f->turn + i) % n;

        if (f->bad >> at & 1 || f->of->holder[at].self || f->of->holder[at].partial)
            continue;
        f->turn = at + 1;
        return at;
    }
    return f->of->holders;
}

static struct gather ask_for(const struct file *f, size_t holder, const char *what)
{
    struct gather ask = {.addr = f->of->holder[holder].addr};
    char hex[HASH_HEX_LEN + 1], path[48 + HASH_HEX_LEN];

    hash_hex(&f->hash, hex);
    snprintf(path, sizeof path, "/v1/files/%s%s", hex, what);
    ask.path = mem_str(path);
    memcpy(ask.pin, f->of->holder[holder].pub, sizeof ask.pin);
    return ask;
}

static void asked(struct gather *ask)
{
    buf_free(&ask->body);
    mem_free(ask->path);
}

static int nobody(struct err *e)
{
    return err_set(e, ERR_UNFINISHED, "no holder gives it");
}

static int get_checkpoints(struct file *f, struct err *e)
{
    size_t len = content_checkpoints_len(f->size);

    while (len && !f->checkpoints.len) {
        size_t h = next_holder(f);
        struct gather ask;

        if (h == f->of->holders)
            return nobody(e);
        ask = ask_for(f, h, "/checkpoints");
        ask.max = len;
        gather_all(f->r->gatherer, &ask, 1, PIECES_MS, f->r->conf.stop);
        if (ask.status == 200 &&
            content_checkpoints_ok(f->size, &f->of->root, buf_cstr(&ask.body), ask.body.len))
            buf_add(&f->checkpoints, ask.body.data, ask.body.len);
        else
            f->bad |= 1ull << h;
        asked(&ask);
        if (*f->r->conf.stop)
            return interrupted(e);
    }
    return 0;
}

static bool is_good(const struct file *f, uint32_t piece, const struct gather *g)
{
    struct content_verify v;

    if (g->status != 206 || g->body.len != content_piece_len(f->size, piece))
        return false;
    content_verify_init(&v, f->size, &f->hash, (const uint8_t *)buf_cstr(&f->checkpoints), piece);
    content_verify_add(&v, g->body.data, g->body.len);
    return content_verify_done(&v);
}

/* Pieces from..from+n, verified, in out. */
static int get_window(struct file *f, uint32_t from, unsigned n, struct buf *out, struct err *e)
{
    uint64_t piece = content_piece_size(f->size);
    unsigned left = n;

    while (left) {
        struct gather ask[WINDOW_MAX];
        size_t of[WINDOW_MAX];
        unsigned which[WINDOW_MAX], count = 0;

        for (unsigned i = 0; i < n; i++) {
            if (out[i].len)
                continue;
            of[count] = next_holder(f);
            if (of[count] == f->of->holders)
                break;
            ask[count] = ask_for(f, of[count], "");
            ask[count].first = (from + i) * piece;
            ask[count].len = content_piece_len(f->size, from + i);
            which[count++] = i;
        }
        if (!count)
            return nobody(e);
        gather_all(f->r->gatherer, ask, count, PIECES_MS, f->r->conf.stop);
        for (unsigned i = 0; i < count; i++) {
            if (is_good(f, from + which[i], &ask[i])) {
                out[which[i]] = ask[i].body;
                ask[i].body = (struct buf){0};
                left--;
            } else {
                f->bad |= 1ull << of[i];
            }
            asked(&ask[i]);
        }
        if (*f->r->conf.stop)
            return interrupted(e);
    }
    return 0;
}

static int give_others(struct file *f, uint64_t first, uint64_t len, relay_give *give, void *ctx,
                       struct err *e)
{
    uint64_t piece = content_piece_size(f->size), end = first + len;
    unsigned most = piece * WINDOW_MAX <= WINDOW_BYTES ? WINDOW_MAX : 1;
    int bad = get_checkpoints(f, e);

    for (uint64_t at = first; !bad && at < end;) {
        uint32_t from = (uint32_t)(at / piece), last = (uint32_t)((end - 1) / piece);
        unsigned n = last - from + 1 < most ? last - from + 1 : most;
        struct buf got[WINDOW_MAX] = {{0}};

        bad = get_window(f, from, n, got, e);
        for (unsigned i = 0; i < n; i++) {
            uint64_t begin = (from + i) * piece, skip = at - begin;
            uint64_t stop = begin + got[i].len < end ? begin + got[i].len : end;

            if (!bad && !give(ctx, got[i].data + skip, (size_t)(stop - at)))
                bad = interrupted(e);
            at = bad ? at : stop;
            buf_free(&got[i]);
        }
    }
    buf_free(&f->checkpoints);
    return bad;
}

int relay_file(struct relay *r, const struct look *around, const struct hash *h, uint64_t size,
               uint64_t first, uint64_t len, relay_give *give, void *ctx, struct err *e)
{
    struct file f = {.r = r, .of = around, .hash = *h, .size = size};
    struct look own = {0};
    int bad = 0;

    if (!len)
        return 0;
    if (give_own(r, h, size, first, len, give, ctx, e))
        return -e->code;
    /* who has the folder has its files; but what ties checkpoints to a hash is told of a file */
    if (!hash_eq(&around->hash, h) && content_checkpoints_len(size)) {
        bad = relay_look(r, h, false, &own, e);
        if (!bad && (own.kind == 'd' || own.size != size))
            bad = nobody(e);
        f.of = &own;
    } else {
        (void)look_conf(r); /* somebody will be asked */
    }
    if (!bad)
        bad = give_others(&f, first, len, give, ctx, e);
    look_done(&own);
    return bad;
}

struct relay *relay_new(const struct relay_conf *conf)
{
    struct relay *r = mem_zero(1, sizeof *r);

    r->conf = *conf;
    return r;
}

void relay_free(struct relay *r)
{
    if (!r)
        return;
    gatherer_free(r->gatherer);
    store_reader_close(r->reader);
    mem_free(r);
}
