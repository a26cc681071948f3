#include "svc/fetch_near.h"

#include "base/log.h"
#include "base/mem.h"
#include "core/path.h"
#include "svc/fetch_priv.h"
#include "svc/share.h"
#include "svc/shared_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK     (256u << 10)
#define GUESSES   4          /* files of the right size that are tried for one content */
#define VAIN_MIN  (4u << 20) /* bytes that may be read for guesses that turn out wrong ... */
#define KNOWN_MAX 8          /* paths in the shared folder that are tried for one content */

/* A file of the download folder that has the size of something wanted. */
struct guess {
    uint64_t size;
    const char *path; /* in the arena */
    bool known;
    struct hash hash;
};

struct near {
    struct near_place place;
    struct share *share;
    struct store_reader *reader; /* NULL: nothing is shared */
    struct arena *names;
    struct guess *guess; /* by size */
    size_t guesses, cap;
    uint64_t vain; /* bytes that may still be read in vain */
    char *block;
};

/* ---- what lies in the download folder ---- */

struct walk {
    struct near *n;
    const uint64_t *size;
    size_t count;
    unsigned names;
};

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void remember(struct walk *w, const char *path, uint64_t size)
{
    struct near *n = w->n;

    if (!size || !bsearch(&size, w->size, w->count, sizeof size, by_number))
        return;
    MEM_GROW(n->guess, n->guesses, n->cap);
    n->guess[n->guesses++] =
        (struct guess){.size = size, .path = arena_strn(n->names, path, strlen(path))};
}

/* Hidden names are left out: partial files, and what nobody meant to be looked at. */
static void look_into(struct walk *w, const char *folder, unsigned depth)
{
    const struct near_place *at = &w->n->place;
    struct root_stat st;
    struct err ignored;
    struct root_dir *d = depth < PATH_DEPTH_MAX ? root_list(at->down, folder, &ignored) : NULL;
    struct buf path = {0};
    const char *name;

    while (d && w->names < NEAR_NAMES_MAX && !*at->stop &&
           root_list_next(d, &name, &st, &ignored) > 0) {
        w->names++;
        if (*name == '.')
            continue;
        buf_reset(&path);
        buf_printf(&path, "%s%s%s", folder, *folder ? "/" : "", name);
        if (st.kind == 'd' && (!at->but || strcmp(buf_cstr(&path), at->but) != 0))
            look_into(w, buf_cstr(&path), depth + 1);
        else if (st.kind == 'f' || st.kind == 'x')
            remember(w, buf_cstr(&path), st.size);
    }
    root_list_end(d);
    buf_free(&path);
}

static int by_size(const void *a, const void *b)
{
    return by_number(&((const struct guess *)a)->size, &((const struct guess *)b)->size);
}

/* ---- what is shared ---- */

static struct store_reader *reader_of(const struct fetch *f)
{
    struct rows_head head = {0};
    struct err ignored;
    struct store_reader *r = f->conf.share ? store_reader_open(f->conf.db_path, &ignored) : NULL;

    if (r && (store_head(r, &head, &ignored) || !head.files)) {
        store_reader_close(r);
        r = NULL;
    }
    return r;
}

struct near *near_new(const struct fetch *f, const struct near_place *place, uint64_t *size,
                      size_t count)
{
    struct near *n = mem_zero(1, sizeof *n);
    struct walk w = {.n = n, .size = size, .count = count};

    n->place = *place;
    n->share = f->conf.share;
    n->reader = reader_of(f);
    n->names = arena_new();
    n->vain = VAIN_MIN;
    for (size_t i = 0; i < count; i++)
        n->vain += size[i];
    if (count) {
        qsort(size, count, sizeof *size, by_number);
        look_into(&w, "", 0);
    }
    if (n->guesses)
        qsort(n->guess, n->guesses, sizeof *n->guess, by_size);
    return n;
}

void near_free(struct near *n)
{
    if (!n)
        return;
    store_reader_close(n->reader);
    arena_free(n->names);
    mem_free(n->guess);
    mem_free(n->block);
    mem_free(n);
}

bool near_empty(const struct near *n)
{
    return !n->reader && !n->guesses;
}

void near_hold(struct near *n, bool yes)
{
    struct err ignored;

    if (n->reader && yes)
        (void)store_reader_hold(n->reader, &ignored);
    else if (n->reader)
        store_reader_release(n->reader);
}

static struct guess *first_of_size(struct near *n, uint64_t size)
{
    size_t low = 0, high = n->guesses;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (n->guess[mid].size < size)
            low = mid + 1;
        else
            high = mid;
    }
    return low < n->guesses && n->guess[low].size == size ? &n->guess[low] : NULL;
}

bool near_maybe(struct near *n, const struct near_want *w)
{
    struct store_content c;
    struct err ignored;
    bool shared = n->reader && store_find(n->reader, &w->hash, 0, &c, &ignored) == 1;

    if (shared)
        mem_free(c.path);
    return (shared && c.kind != 'd') || first_of_size(n, w->size);
}

/* ---- copying ---- */

struct copy {
    struct near *n;
    int from, to;
    bool cloned, by_hand;
    struct sha256_ctx sha;
};

static ssize_t write_at(int fd, const char *p, size_t len, uint64_t at)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = pwrite(fd, p + done, len - done, (off_t)(at + done));

        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        done += (size_t)n;
    }
    return (ssize_t)len;
}

/* Some bytes from one file to the other. What is hashed is what stands in the other one then. Gives
 * how many, 0 when there are no more to read, -errno of a write. */
static ssize_t move_some(struct copy *c, uint64_t at, size_t len)
{
    ssize_t n = (ssize_t)len;

    if (!c->cloned && !c->by_hand) {
        n = root_copy_range(c->from, c->to, at, len);
        c->by_hand = n == -EXDEV;
    }
    if (c->by_hand) {
        n = pread(c->from, c->n->block, len, (off_t)at);
        if (n > 0)
            n = write_at(c->to, c->n->block, (size_t)n, at);
        else
            n = 0;
    }
    if (n > 0 && !c->by_hand)
        n = pread(c->to, c->n->block, (size_t)n, (off_t)at);
    if (n > 0)
        sha256_update(&c->sha, (size_t)n, (const uint8_t *)c->n->block);
    return n;
}

/* 1, 0 or negative as near_copy; *got is the hash of what was read, when all of it was. */
static int copy_fd(struct near *n, int from, const struct near_want *w, int to, struct hash *got,
                   bool *whole, struct err *e)
{
    struct copy c = {.n = n, .from = from, .to = to};
    uint64_t at = 0;
    int bad = 0;

    if (!n->block)
        n->block = mem_alloc(BLOCK);
    c.cloned = root_clone(from, to);
    sha256_init(&c.sha);
    while (at < w->size && !*n->place.stop) {
        size_t len = w->size - at < BLOCK ? (size_t)(w->size - at) : BLOCK;
        ssize_t some = move_some(&c, at, len);

        if (some < 0)
            bad = err_sys(e, ERR_IO, (int)-some, "cannot write a copy");
        if (some <= 0)
            break;
        at += (uint64_t)some;
        *n->place.written += (uint64_t)some;
    }
    *whole = at == w->size;
    if (*whole)
        sha256_digest(&c.sha, sizeof got->b, got->b);
    if (*whole && hash_eq(got, &w->hash))
        return 1;
    *n->place.written -= at;
    return bad;
}

static char *full_path(const struct root *r, const char *path)
{
    struct buf b = {0};

    buf_printf(&b, "%s/%s", root_path(r), path);
    return buf_take(&b, NULL);
}

static int copy_shared(struct near *n, const struct near_want *w, int to, char **from,
                       struct err *e)
{
    struct store_content c;
    struct err ignored;
    int done = 0;

    for (unsigned i = 0; n->reader && !done && i < KNOWN_MAX &&
                         store_find(n->reader, &w->hash, i, &c, &ignored) == 1;
         i++) {
        const struct root *r;
        struct root_stat st;
        const char *below;
        struct hash got;
        bool whole;
        int fd;

        if (c.size == w->size && shared_open_at(n->share, &c, &fd, &st)) {
            done = copy_fd(n, fd, w, to, &got, &whole, e);
            close(fd);
        }
        if (done == 1 && (r = share_root_get(n->share, c.path, &below))) {
            *from = full_path(r, below);
            share_root_put(n->share, r);
        }
        mem_free(c.path);
    }
    return done;
}

/* Open it, if it may still be what is wanted; -1 else. */
static int open_guess(const struct near *n, const char *path, uint64_t size)
{
    struct root_stat st;
    struct err ignored;
    int fd = root_read_fd(n->place.down, path, &st, &ignored);

    if (fd >= 0 && st.size != size) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* 1, 0 or negative as near_copy; got and whole as copy_fd. */
static int copy_path(struct near *n, const char *path, const struct near_want *w, int to,
                     struct hash *got, bool *whole, struct err *e)
{
    int fd = open_guess(n, path, w->size), done;

    *whole = false;
    if (fd < 0)
        return 0;
    done = copy_fd(n, fd, w, to, got, whole, e);
    close(fd);
    return done;
}

static int copy_guess(struct near *n, struct guess *g, const struct near_want *w, int to,
                      struct err *e)
{
    struct hash got;
    bool whole;
    int done = copy_path(n, g->path, w, to, &got, &whole, e);

    if (whole) { /* also that it is another content is worth to be known */
        g->known = true;
        g->hash = got;
    }
    if (!done)
        n->vain = n->vain > w->size ? n->vain - w->size : 0;
    return done;
}

static bool has_name(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');

    return name && !strcmp(slash ? slash + 1 : path, name);
}

/* One round over the files of this size: those whose hash is known, those with the name, others. */
static int copy_guesses(struct near *n, const struct near_want *w, int round, int to, char **from,
                        struct err *e)
{
    struct guess *g = first_of_size(n, w->size), *end = n->guess + n->guesses;
    unsigned tries = 0;
    int done = 0;

    for (; !done && g && g < end && g->size == w->size && tries < GUESSES; g++) {
        bool fits = round == 0 ? g->known && hash_eq(&g->hash, &w->hash)
                               : !g->known && (round == 2 || has_name(g->path, w->name));

        if (!fits || *n->place.stop || n->vain < w->size)
            continue;
        tries++;
        done = copy_guess(n, g, w, to, e);
        if (done == 1)
            *from = full_path(n->place.down, g->path);
    }
    return done;
}

int near_copy(struct near *n, const struct near_want *w, int to, char **from, struct err *e)
{
    int done = copy_shared(n, w, to, from, e);

    *from = done == 1 ? *from : NULL;
    for (int round = 0; !done && round < 3; round++)
        done = copy_guesses(n, w, round, to, from, e);
    if (done == 1)
        log_debug("fetch", "copied bytes=%llu", (unsigned long long)w->size);
    return done;
}

int near_copy_file(struct near *n, const char *path, const struct near_want *w, int to,
                   struct err *e)
{
    struct hash got;
    bool whole;

    return copy_path(n, path, w, to, &got, &whole, e);
}
