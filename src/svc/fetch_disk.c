/* Work that takes its time: on libuv's thread pool, its result on fetch's thread. */
#include "base/mem.h"
#include "base/str.h"
#include "svc/fetch_priv.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#define BLOCK (256u << 10)

static void on_work(uv_work_t *uv)
{
    struct work *w = uv->data;

    w->run(w);
}

static void on_done(uv_work_t *uv, int status)
{
    struct work *w = uv->data;
    struct fetch *f = w->f;

    (void)status;
    f->works--;
    w->done(w);
    fetch_wake(f);
}

void fetch_work(struct fetch *f, struct work *w, void (*run)(struct work *),
                void (*done)(struct work *))
{
    int bad;

    w->f = f;
    w->run = run;
    w->done = done;
    w->uv.data = w;
    f->works++;
    bad = uv_queue_work(loop_uv(f->loop), &w->uv, on_work, on_done);
    assert(!bad);
    (void)bad;
}

/* Feed a file to fn, block by block. false: it ends early, cannot be read, or *stop became true. */
static bool read_all(int fd, uint64_t size, const atomic_bool *stop,
                     bool (*fn)(void *ctx, const void *p, size_t n), void *ctx)
{
    char *block = mem_alloc(BLOCK);
    uint64_t at = 0;
    bool ok = true;

    while (ok && at < size) {
        size_t want = size - at < BLOCK ? (size_t)(size - at) : BLOCK;
        ssize_t n = pread(fd, block, want, (off_t)at);

        ok = n > 0 && !*stop && fn(ctx, block, (size_t)n);
        at += n > 0 ? (uint64_t)n : 0;
    }
    mem_free(block);
    return ok;
}

static bool add_hash(void *ctx, const void *p, size_t n)
{
    sha256_update(ctx, n, p);
    return true;
}

bool fetch_hash_file(int fd, uint64_t size, const atomic_bool *stop, struct hash *out)
{
    struct sha256_ctx sha;

    sha256_init(&sha);
    if (!read_all(fd, size, stop, add_hash, &sha))
        return false;
    sha256_digest(&sha, sizeof out->b, out->b);
    return true;
}

bool fetch_equal_file(const struct root *r, const char *path, uint64_t size,
                      const struct hash *hash, const atomic_bool *stop)
{
    struct root_stat st;
    struct hash got;
    struct err e;
    int fd = root_read_fd(r, path, &st, &e);
    bool equal =
        fd >= 0 && st.size == size && fetch_hash_file(fd, size, stop, &got) && hash_eq(&got, hash);

    if (fd >= 0)
        close(fd);
    return equal;
}

int fetch_check_space(const struct root *r, uint64_t need, const char *kept, struct err *e)
{
    uint64_t room = root_free_bytes(r);
    char a[STR_SIZE_MAX], b[STR_SIZE_MAX];

    if (room == UINT64_MAX || need <= room)
        return 0;
    return err_set(e, ERR_IO, "disk: %s free, %s needed; %s", str_size(room, a), str_size(need, b),
                   kept);
}

bool fetch_is_empty(const struct hash *hash)
{
    struct hash empty;

    content_hash(&empty, "", 0);
    return hash_eq(&empty, hash);
}
