/* Making and publishing files in the download folder. As in root.c every name is opened beneath the
 * held folder; what is new is made O_EXCL, and nothing is ever put over what is there unless the
 * caller says so. */
#include "io/root_priv.h"

#include "base/limits.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

int root_make_dirs(const struct root *r, const char *path, struct err *e)
{
    char part[PATH_LEN_MAX + 1];
    struct root_stat st;

    for (const char *end = path; *path && end;) {
        size_t len;
        int bad;

        end = strchr(end, '/');
        len = end ? (size_t)(end++ - path) : strlen(path);
        if (len > PATH_LEN_MAX)
            return root_fail(e, ENAMETOOLONG, "make the folder", path);
        memcpy(part, path, len);
        part[len] = '\0';
        bad = root_make_dir(r, part, e);
        if (bad == -ERR_EXISTS) {
            bad = root_stat_at(r, part, &st, e);
            if (!bad && st.kind != 'd')
                bad = root_fail(e, st.kind == 'l' ? ELOOP : ENOTDIR, "make the folder", part);
        }
        if (bad)
            return bad;
    }
    return 0;
}

int root_make_dir(const struct root *r, const char *path, struct err *e)
{
    const char *name;
    int dir = root_parent(r, path, O_PATH, &name), bad;

    if (dir < 0)
        return root_fail(e, -dir, "make the folder", path);
    bad = mkdirat(dir, name, 0777) ? errno : 0;
    close(dir);
    return bad ? root_fail(e, bad, "make the folder", path) : 0;
}

int root_create_fd(const struct root *r, const char *path, struct err *e)
{
    int fd = root_beneath(r, path, O_RDWR | O_CREAT | O_EXCL, 0666);

    return fd < 0 ? root_fail(e, -fd, "create", path) : fd;
}

int root_write_fd(const struct root *r, const char *path, struct root_stat *st, struct err *e)
{
    int fd = root_beneath(r, path, O_RDWR, 0);

    if (fd < 0)
        return root_fail(e, -fd, "open", path);
    if (root_stat_fd(fd, st) || (st->kind != 'f' && st->kind != 'x')) {
        close(fd);
        return root_fail(e, EINVAL, "open", path);
    }
    return fd;
}

/* Rename without ever replacing, also where the file system knows no RENAME_NOREPLACE (FUSE, some
 * network ones): a hard link fails when the name is taken; where there are no hard links either,
 * our own empty file holds the name. */
static int rename_new(int from_dir, const char *from, int to_dir, const char *to)
{
    int fd;

    if (!renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE))
        return 0;
    if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
        return errno;
    if (!linkat(from_dir, from, to_dir, to, 0))
        return unlinkat(from_dir, from, 0) ? errno : 0;
    if (errno == EEXIST)
        return errno;
    fd = openat(to_dir, to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0)
        return errno;
    close(fd);
    if (!renameat(from_dir, from, to_dir, to))
        return 0;
    fd = errno;
    unlinkat(to_dir, to, 0);
    return fd;
}

static int move(const struct root *r, const char *from, const char *to, bool replace, bool sync,
                struct err *e)
{
    const char *from_name, *to_name;
    int from_dir, to_dir, bad = 0;

    from_dir = root_parent(r, from, O_RDONLY, &from_name);
    if (from_dir < 0)
        return root_fail(e, -from_dir, "open", from);
    to_dir = root_parent(r, to, O_RDONLY, &to_name);
    if (to_dir < 0) {
        close(from_dir);
        return root_fail(e, -to_dir, "publish", to);
    }
    if (!replace)
        bad = rename_new(from_dir, from_name, to_dir, to_name);
    else if (renameat(from_dir, from_name, to_dir, to_name))
        bad = errno;
    if (!bad && sync && fsync(to_dir))
        bad = errno;
    close(from_dir);
    close(to_dir);
    return bad ? root_fail(e, bad, "publish", to) : 0;
}

int root_publish(const struct root *r, const char *from, const char *to, bool replace,
                 struct err *e)
{
    return move(r, from, to, replace, true, e);
}

int root_place(const struct root *r, const char *from, const char *to, struct err *e)
{
    return move(r, from, to, false, false, e);
}

/* ---- many small files in one folder ---- */

struct root_hold {
    int dir;
};

struct root_hold *root_hold(const struct root *r, const char *path, struct err *e)
{
    int dir = root_beneath(r, path, O_RDONLY | O_DIRECTORY, 0);
    struct root_hold *h;

    if (dir < 0) {
        root_fail(e, -dir, "open the folder", path);
        return NULL;
    }
    h = mem_alloc(sizeof *h);
    h->dir = dir;
    return h;
}

void root_hold_end(struct root_hold *h)
{
    if (!h)
        return;
    close(h->dir);
    mem_free(h);
}

static int create_part(int dir, const char *part)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(dir, part, flags, 0666);

    if (fd < 0 && errno == EEXIST && !unlinkat(dir, part, 0)) /* of a run that was killed */
        fd = openat(dir, part, flags, 0666);
    return fd < 0 ? -errno : fd;
}

static int fill_part(int fd, const struct root_file *f)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = f->mtime_s}};
    const char *p = f->data;
    size_t left = f->len;

    while (left) {
        ssize_t n = write(fd, p, left);

        if (n <= 0)
            return n < 0 ? errno : EIO;
        p += n;
        left -= (size_t)n;
    }
    if (f->exec)
        (void)root_set_exec(fd);
    if (f->mtime_s != INT64_MIN)
        (void)futimens(fd, times);
    return 0;
}

int root_hold_make(const struct root_hold *h, const char *part, const char *name,
                   const struct root_file *file, struct err *e)
{
    int fd, bad;

    if (!root_name_plain(part) || !root_name_plain(name))
        return root_fail(e, EXDEV, "create", name);
    fd = create_part(h->dir, part);
    if (fd < 0)
        return root_fail(e, -fd, "create", part);
    bad = fill_part(fd, file);
    if (close(fd) && !bad)
        bad = errno;
    if (bad)
        bad = root_fail(e, bad, "write", name);
    else if ((bad = rename_new(h->dir, part, h->dir, name)))
        bad = root_fail(e, bad, "publish", name);
    if (bad)
        unlinkat(h->dir, part, 0);
    return bad;
}

int root_sync_all(const struct root *r, struct err *e)
{
    return syncfs(r->fd) ? root_fail(e, errno, "sync the folder", "") : 0;
}

static int remove_name(const struct root *r, const char *path, int flags, const char *verb,
                       struct err *e)
{
    const char *name;
    int dir = root_parent(r, path, O_PATH, &name), bad;

    if (dir == -ENOENT)
        return 0;
    if (dir < 0)
        return root_fail(e, -dir, verb, path);
    bad = unlinkat(dir, name, flags) ? errno : 0;
    close(dir);
    return bad && bad != ENOENT ? root_fail(e, bad, verb, path) : 0;
}

int root_remove(const struct root *r, const char *path, struct err *e)
{
    return remove_name(r, path, 0, "remove", e);
}

int root_remove_dir(const struct root *r, const char *path, struct err *e)
{
    return remove_name(r, path, AT_REMOVEDIR, "remove the folder", e);
}

int root_sync_fd(int fd, struct err *e)
{
    return fsync(fd) ? err_sys(e, ERR_IO, errno, "cannot sync a file") : 0;
}

int root_sync_dir(const struct root *r, const char *path, struct err *e)
{
    int fd = root_beneath(r, path, O_RDONLY | O_DIRECTORY, 0), bad;

    if (fd < 0)
        return root_fail(e, -fd, "open the folder", path);
    bad = fsync(fd) ? errno : 0;
    close(fd);
    return bad ? root_fail(e, bad, "sync the folder", path) : 0;
}

int root_set_times(const struct root *r, const char *path, int64_t mtime_s, struct err *e)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = mtime_s}};
    const char *name;
    int dir, bad;

    if (!*path)
        return futimens(r->fd, times) ? root_fail(e, errno, "set the time of", path) : 0;
    dir = root_parent(r, path, O_PATH, &name);
    if (dir < 0)
        return root_fail(e, -dir, "set the time of", path);
    bad = utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) ? errno : 0;
    close(dir);
    return bad ? root_fail(e, bad, "set the time of", path) : 0;
}

int root_set_exec(int fd)
{
    struct stat st;

    /* The file was made 0666 & ~umask, so who may read it is who the umask lets in. */
    if (fstat(fd, &st) || fchmod(fd, (st.st_mode | (st.st_mode & 0444) >> 2) & 0777))
        return -errno;
    return 0;
}

/* There reserving means zeroing every page first: a third of a second and as much processor time
 * for each GiB, before the first byte is asked for. */
bool root_in_memory(int fd)
{
    struct statfs fs;

    return !fstatfs(fd, &fs) && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

int root_reserve(int fd, uint64_t size)
{
    struct stat st;

    if (size > INT64_MAX)
        return -EFBIG;
    if (!size)
        return 0;
    if (!root_in_memory(fd)) {
        if (!fallocate(fd, 0, 0, (off_t)size))
            return 0;
        if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)
            return -errno;
    }
    if (fstat(fd, &st) || ((uint64_t)st.st_size < size && ftruncate(fd, (off_t)size)))
        return -errno;
    return 0;
}

bool root_clone(int from, int to)
{
    return !ioctl(to, FICLONE, from);
}

ssize_t root_copy_range(int from, int to, uint64_t at, size_t len)
{
    loff_t in = (loff_t)at, out = (loff_t)at;
    ssize_t n = copy_file_range(from, &in, to, &out, len, 0);

    if (n >= 0)
        return n;
    return errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP ? -EXDEV : -errno;
}

void root_drop_cache(int fd)
{
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

uint64_t root_free_bytes(const struct root *r)
{
    struct statvfs v;

    return fstatvfs(r->fd, &v) ? UINT64_MAX : (uint64_t)v.f_bavail * v.f_frsize;
}
