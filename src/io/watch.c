#include "io/watch.h"

#include "base/mem.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <uthash.h>

/* IN_MODIFY is all that is told of truncate(2). */
#define MASK                                                                                       \
    (IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_DELETE_SELF |       \
     IN_MOVE_SELF | IN_ATTRIB | IN_MODIFY | IN_ONLYDIR | IN_EXCL_UNLINK)

struct place {
    int wd;
    UT_hash_handle by_wd, by_path;
    char path[];
};

struct watch {
    int fd;
    struct place *by_wd, *by_path;
};

struct watch *watch_new(struct err *e)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    struct watch *w;

    if (fd < 0) {
        err_sys(e, ERR_IO, errno, "cannot watch folders");
        return NULL;
    }
    w = mem_zero(1, sizeof *w);
    w->fd = fd;
    return w;
}

static void forget(struct watch *w, struct place *p)
{
    /* It is in both, so neither is NULL. NOLINTBEGIN(clang-analyzer-core.NullDereference) */
    HASH_DELETE(by_wd, w->by_wd, p);
    HASH_DELETE(by_path, w->by_path, p);
    /* NOLINTEND(clang-analyzer-core.NullDereference) */
    mem_free(p);
}

void watch_free(struct watch *w)
{
    struct place *p, *next;

    if (!w)
        return;
    HASH_ITER (by_wd, w->by_wd, p, next)
        forget(w, p);
    close(w->fd);
    mem_free(w);
}

int watch_fd(const struct watch *w)
{
    return w->fd;
}

size_t watch_count(const struct watch *w)
{
    return HASH_CNT(by_wd, w->by_wd);
}

static struct place *find_path(const struct watch *w, const char *path)
{
    struct place *p;

    HASH_FIND(by_path, w->by_path, path, strlen(path), p);
    return p;
}

static struct place *find_wd(const struct watch *w, int wd)
{
    struct place *p;

    HASH_FIND(by_wd, w->by_wd, &wd, sizeof wd, p);
    return p;
}

bool watch_has(const struct watch *w, const char *path)
{
    return find_path(w, path);
}

static void drop(struct watch *w, struct place *p)
{
    inotify_rm_watch(w->fd, p->wd); /* may be gone by itself already */
    forget(w, p);
}

int watch_add(struct watch *w, int dir_fd, const char *path, struct err *e)
{
    struct place *p, *other;
    char name[40];
    size_t len = strlen(path);
    int wd;

    snprintf(name, sizeof name, "/proc/self/fd/%d", dir_fd);
    wd = inotify_add_watch(w->fd, name, MASK);
    if (wd < 0)
        return err_sys(e, ERR_IO, errno, "cannot watch a folder");
    p = find_wd(w, wd);
    if (p && !strcmp(p->path, path))
        return 0;
    other = find_path(w, path);
    if (other) /* another folder had this name; if it is still there, it is found under its new one
                */
        drop(w, other);
    if (p) /* it was moved */
        forget(w, p);
    p = mem_zero(1, sizeof *p + len + 1);
    p->wd = wd;
    memcpy(p->path, path, len + 1);
    HASH_ADD(by_wd, w->by_wd, wd, sizeof p->wd, p);
    HASH_ADD_KEYPTR(by_path, w->by_path, p->path, len, p);
    return 0;
}

void watch_drop(struct watch *w, const char *path)
{
    struct place *p = find_path(w, path), *next;
    size_t len = strlen(path);

    if (!p) /* removed, and with it everything below: the kernel has said so */
        return;
    HASH_ITER (by_wd, w->by_wd, p, next)
        if (!len || (!strncmp(p->path, path, len) && (p->path[len] == '/' || !p->path[len])))
            drop(w, p);
}

void watch_drop_if(struct watch *w, bool (*fn)(void *ctx, const char *path), void *ctx)
{
    struct place *p, *next;

    HASH_ITER (by_wd, w->by_wd, p, next)
        if (fn(ctx, p->path))
            drop(w, p);
}

static enum watch_what what_of(uint32_t mask)
{
    if (mask & IN_MOVED_FROM)
        return WATCH_FROM;
    if (mask & IN_MOVED_TO)
        return WATCH_TO;
    return mask & (IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB) ? WATCH_WRITTEN : WATCH_NAME;
}

static void tell(struct watch *w, const struct inotify_event *ev, watch_fn *fn, void *ctx)
{
    struct place *p;
    char folder[PATH_MAX];

    if (ev->mask & IN_Q_OVERFLOW) {
        fn(ctx, WATCH_LOST, "", "", 0);
        return;
    }
    p = find_wd(w, ev->wd);
    if (!p)
        return;
    memcpy(folder, p->path, strnlen(p->path, sizeof folder - 1) + 1);
    folder[sizeof folder - 1] = '\0';
    if (ev->mask & IN_IGNORED) /* removed or unmounted: there is no watch any more */
        forget(w, p);
    if (ev->len && *ev->name)
        fn(ctx, what_of(ev->mask), folder, ev->name, ev->cookie);
    else
        fn(ctx, WATCH_FOLDER, folder, "", 0);
}

void watch_read(struct watch *w, watch_fn *fn, void *ctx)
{
    union {
        struct inotify_event align;
        char bytes[16384];
    } buf;

    for (;;) {
        ssize_t got = read(w->fd, buf.bytes, sizeof buf.bytes);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return;
        for (ssize_t at = 0; at < got;) {
            const struct inotify_event *ev = (const void *)(buf.bytes + at);

            tell(w, ev, fn, ctx);
            at += (ssize_t)(sizeof *ev + ev->len);
        }
    }
}
