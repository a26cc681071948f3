/* Bytes that came: verified, written, and what that makes of a piece. On the lanes. */
#include "base/mem.h"
#include "svc/fetch_lane_priv.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>
#include <utlist.h>

#define BACK_BLOCK (64u << 10)

struct fill *fill_new(const struct fill_spec *spec)
{
    struct fill *f = mem_zero(1, sizeof *f);

    uv_mutex_init(&f->lock);
    uv_cond_init(&f->written);
    f->fd = spec->fd;
    f->size = spec->size;
    f->hash = spec->hash;
    f->checkpoints = spec->checkpoints;
    bits_copy(&f->have, spec->have);
    f->refs = 1;
    return f;
}

void fill_free(struct fill *f)
{
    bits_done(&f->have);
    uv_cond_destroy(&f->written);
    uv_mutex_destroy(&f->lock);
    mem_free(f);
}

void fill_forget(struct fill *f, uint32_t piece)
{
    uv_mutex_lock(&f->lock);
    bits_clear(&f->have, piece);
    uv_mutex_unlock(&f->lock);
}

static bool somebody_writes(const struct fill *f)
{
    const struct stretch *s;

    DL_FOREACH (f->stretches, s) {
        if (s->writing)
            return true;
    }
    return false;
}

void fill_stop(struct fill *f)
{
    struct stretch *s;
    bool last;

    if (!f)
        return;
    uv_mutex_lock(&f->lock);
    DL_FOREACH (f->stretches, s)
        assert(s->dead);
    while (somebody_writes(f))
        uv_cond_wait(&f->written, &f->lock);
    f->fd = -1;
    f->checkpoints = NULL;
    last = !--f->refs;
    uv_mutex_unlock(&f->lock);
    if (last)
        fill_free(f);
}

void fill_add(struct fill *f, struct stretch *s)
{
    uv_mutex_lock(&f->lock);
    DL_APPEND(f->stretches, s);
    f->refs++;
    uv_mutex_unlock(&f->lock);
}

void fill_remove(struct fill *f, struct stretch *s)
{
    DL_DELETE(f->stretches, s);
}

/* ---- writing ---- */

static int write_all(int fd, const char *p, size_t len, uint64_t at)
{
    while (len) {
        ssize_t n = pwrite(fd, p, len, (off_t)at);

        if (n <= 0)
            return n < 0 ? errno : EIO;
        p += n;
        len -= (size_t)n;
        at += (uint64_t)n;
    }
    return 0;
}

/* Somebody else wrote or writes into the same piece: neither can be sure of it. Under the lock. */
static bool note_mixed(struct stretch *s)
{
    struct stretch *o;

    DL_FOREACH (s->fill->stretches, o) {
        if (o != s && o->piece == s->piece && o->wrote)
            o->mixed = s->mixed = true;
    }
    return s->mixed;
}

/* Alone in its piece a stretch writes without the lock; where another one is, under it. */
static bool put(struct stretch *s, const char *p, size_t len)
{
    struct fill *f = s->fill;
    uint64_t at = s->piece * content_piece_size(f->size) + s->at;
    int fd, sys = 0;
    bool go;

    uv_mutex_lock(&f->lock);
    go = !s->dead && !s->news.write_errno;
    if (go && !bits_get(&f->have, s->piece)) { /* else it came from elsewhere meanwhile */
        s->wrote = true;
        fd = f->fd;
        if (note_mixed(s)) {
            sys = write_all(fd, p, len, at);
        } else {
            s->writing = true;
            uv_mutex_unlock(&f->lock);
            sys = write_all(fd, p, len, at);
            uv_mutex_lock(&f->lock);
            s->writing = false;
            uv_cond_broadcast(&f->written);
        }
        if (sys) {
            s->news.write_errno = sys;
            stretch_tell(s, true);
        }
    }
    uv_mutex_unlock(&f->lock);
    return go && !sys;
}

/* ---- a piece's end ---- */

static void verify_begin(struct stretch *s)
{
    struct fill *f = s->fill;

    content_verify_init(&s->verify, f->size, &f->hash, f->checkpoints, s->piece);
}

bool fill_begin_piece(struct stretch *s)
{
    bool go;

    uv_mutex_lock(&s->fill->lock);
    go = !s->dead;
    if (go)
        verify_begin(s);
    uv_mutex_unlock(&s->fill->lock);
    return go;
}

static bool other_writes(const struct stretch *s)
{
    const struct stretch *o;

    DL_FOREACH (s->fill->stretches, o) {
        if (o != s && o->writing && o->piece == s->piece)
            return true;
    }
    return false;
}

static bool read_back(const struct fill *f, uint32_t piece)
{
    uint64_t at = piece * content_piece_size(f->size);
    struct content_verify v;
    char *block = mem_alloc(BACK_BLOCK);

    content_verify_init(&v, f->size, &f->hash, f->checkpoints, piece);
    while (v.left) {
        ssize_t n =
            pread(f->fd, block, v.left < BACK_BLOCK ? (size_t)v.left : BACK_BLOCK, (off_t)at);

        if (n <= 0)
            break;
        content_verify_add(&v, block, (size_t)n);
        at += (uint64_t)n;
    }
    mem_free(block);
    return !v.left && content_verify_done(&v);
}

/* Under the lock, which is given up while another one's write is waited for. */
static enum verdict judge(struct stretch *s)
{
    struct fill *f = s->fill;

    if (!content_verify_done(&s->verify))
        return PIECE_BAD;
    while (s->mixed && !s->dead && !bits_get(&f->have, s->piece) && other_writes(s))
        uv_cond_wait(&f->written, &f->lock);
    if (s->dead || bits_get(&f->have, s->piece))
        return PIECE_GOOD;
    if (s->mixed && !read_back(f, s->piece))
        return PIECE_SPOILT;
    bits_set(&f->have, s->piece);
    return PIECE_GOOD;
}

static bool end_piece(struct stretch *s)
{
    struct fill *f = s->fill;
    bool go;

    uv_mutex_lock(&f->lock);
    if (!s->dead) {
        enum verdict v = judge(s);

        s->news.verdict[s->news.count++] = v;
        stretch_tell(s, true);
    }
    go = !s->dead;
    if (go) {
        s->piece++;
        s->at = 0;
        s->wrote = s->mixed = false;
        if (s->piece < s->end)
            verify_begin(s);
    }
    uv_mutex_unlock(&f->lock);
    return go;
}

bool fill_take(struct stretch *s, const char *p, size_t len)
{
    uv_mutex_lock(&s->fill->lock);
    s->news.bytes += len; /* told no later than the pieces that they end */
    uv_mutex_unlock(&s->fill->lock);
    while (len && s->piece < s->end) {
        size_t n = len < s->verify.left ? len : (size_t)s->verify.left;

        content_verify_add(&s->verify, p, n);
        if (!put(s, p, n))
            return false;
        s->at += n;
        p += n;
        len -= n;
        if (!s->verify.left && !end_piece(s))
            return false;
    }
    uv_mutex_lock(&s->fill->lock);
    stretch_tell(s, false);
    uv_mutex_unlock(&s->fill->lock);
    return !len; /* the client takes no more than was asked */
}
