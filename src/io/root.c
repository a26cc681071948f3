/* Holding a folder, and reading in it. The race that everything here is shaped by: between any
 * check of a name and its use, somebody may put a link in its place. So no name is checked; the
 * kernel is asked to open it without ever following a link or leaving the folder, and what was
 * opened is looked at through its descriptor. */
#include "io/root_priv.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

/* openat2 refuses flags that mean nothing beside O_PATH. */
static int safe(int flags)
{
    return flags | O_CLOEXEC | O_NOFOLLOW | (flags & O_PATH ? 0 : O_NONBLOCK | O_NOCTTY);
}

bool root_stat_same(const struct root_stat *a, const struct root_stat *b)
{
    return a->size == b->size && a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns &&
           a->ino == b->ino && a->dev == b->dev;
}

/* ---- names in error texts ---- */

/* Length of the UTF-8 sequence at s when it is a visible letter, else 0. Stricter than need be:
 * this is for error texts, and io knows no Unicode tables. */
static size_t letter_len(const unsigned char *s)
{
    static const struct {
        uint32_t from, to;
    } unseen[] = {{0x300, 0x36f},   {0x61c, 0x61c},   {0x180b, 0x180f},   {0x200b, 0x200f},
                  {0x2028, 0x202e}, {0x2060, 0x206f}, {0xd800, 0xf8ff},   {0xfe00, 0xfe0f},
                  {0xfeff, 0xfeff}, {0xfff0, 0xffff}, {0xe0000, 0x10ffff}};
    size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    uint32_t c = s[0] & (0x7fu >> len);

    if (s[0] < 0x80)
        return s[0] >= 0x20 && s[0] < 0x7f;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    if (c < 0xa1 || (len == 3 && c < 0x800) || (len == 4 && c < 0x10000))
        return 0;
    for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++)
        if (c >= unseen[i].from && c <= unseen[i].to)
            return 0;
    return len;
}

static const char *printable(char out[ROOT_NAME_MAX], const char *path)
{
    const unsigned char *s = (const unsigned char *)path;
    size_t at = 0;

    if (!*s)
        return ".";
    while (*s && at < ROOT_NAME_MAX - 8) {
        size_t len = letter_len(s);

        if (len) {
            memcpy(out + at, s, len);
            at += len;
            s += len;
        } else {
            at += (size_t)snprintf(out + at, 5, "\\x%02x", *s++);
        }
    }
    str_copy(out + at, ROOT_NAME_MAX - at, *s ? "..." : "");
    return out;
}

int root_fail(struct err *e, int sys, const char *verb, const char *path)
{
    char name[ROOT_NAME_MAX];

    switch (sys) {
    case ELOOP:
    case EXDEV:
        return err_set(e, ERR_IO, "cannot %s %s: a link is in the way", verb,
                       printable(name, path));
    case EINVAL:
    case ENXIO: /* a socket, or a fifo without a reader */
        return err_set(e, ERR_IO, "cannot %s %s: not a plain file", verb, printable(name, path));
    case ENOENT:
        return err_sys(e, ERR_NOT_FOUND, sys, "cannot %s %s", verb, printable(name, path));
    case EEXIST:
        return err_sys(e, ERR_EXISTS, sys, "cannot %s %s", verb, printable(name, path));
    default:
        return err_sys(e, ERR_IO, sys, "cannot %s %s", verb, printable(name, path));
    }
}

/* ---- looking ---- */

static int stat_name(int dir, const char *name, struct root_stat *st)
{
    struct statx x;

    if (statx(dir, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH),
              STATX_BASIC_STATS | STATX_BTIME, &x))
        return -errno;
    *st = (struct root_stat){
        .kind = S_ISREG(x.stx_mode)   ? (x.stx_mode & S_IXUSR ? 'x' : 'f')
                : S_ISDIR(x.stx_mode) ? 'd'
                : S_ISLNK(x.stx_mode) ? 'l'
                                      : 'o',
        .size = x.stx_size,
        .mtime_ns = x.stx_mtime.tv_sec * 1000000000ll + x.stx_mtime.tv_nsec,
        .ctime_ns = x.stx_ctime.tv_sec * 1000000000ll + x.stx_ctime.tv_nsec,
        .ino = x.stx_ino,
        .dev = makedev(x.stx_dev_major, x.stx_dev_minor),
        .uid = x.stx_uid,
        .links = x.stx_nlink,
    };
    if (x.stx_mask & STATX_BTIME)
        st->btime_ns = x.stx_btime.tv_sec * 1000000000ll + x.stx_btime.tv_nsec;
    return 0;
}

/* ---- opening ---- */

/* The last line of defence where a path came here unchecked. */
static bool path_plain(const char *path)
{
    for (const char *p = path;; p++) {
        size_t len = strcspn(p, "/");

        if (!len || (len == 1 && p[0] == '.') || (len == 2 && p[0] == '.' && p[1] == '.'))
            return false;
        p += len;
        if (!*p)
            return true;
    }
}

bool root_name_plain(const char *name)
{
    return !strchr(name, '/') && path_plain(name);
}

static int open_by_step(int dir, const char *path, int flags, mode_t mode)
{
    char name[NAME_LEN_MAX + 1];
    int fd = dir, next;

    for (;;) {
        size_t len = strcspn(path, "/");

        if (len > NAME_LEN_MAX) {
            next = -ENAMETOOLONG;
        } else {
            memcpy(name, path, len);
            name[len] = '\0';
            next = openat(fd, name, path[len] ? safe(O_PATH | O_DIRECTORY) : flags, mode);
            if (next < 0)
                next = -errno;
        }
        if (fd != dir)
            close(fd);
        if (next < 0 || !path[len])
            return next;
        fd = next;
        path += len + 1;
    }
}

/* The folder's descriptor: the held one, or one for now, when it is let go of; -ENOENT when another
 * folder is there by now. To be given back. */
static int folder_fd(const struct root *r)
{
    struct root_stat st;
    int fd, bad;

    if (r->fd >= 0)
        return r->fd;
    fd = open(r->path, safe(O_PATH | O_DIRECTORY));
    if (fd < 0)
        return -errno;
    bad = stat_name(fd, "", &st);
    if (!bad && st.dev == r->dev && st.ino == r->ino)
        return fd;
    close(fd);
    return bad ? bad : -ENOENT;
}

static void give_back(const struct root *r, int fd)
{
    if (fd >= 0 && fd != r->fd)
        close(fd);
}

static int beneath(const struct root *r, int dir, const char *path, int flags, mode_t mode)
{
    struct open_how how = {
        .flags = (uint64_t)safe(flags),
        .mode = mode,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    long fd;

    if (!*path) { /* the folder itself */
        int self = openat(dir, ".", safe(flags), mode);

        return self < 0 ? -errno : self;
    }
    if (!path_plain(path))
        return -EXDEV;
    if (r->by_step)
        return open_by_step(dir, path, safe(flags), mode);
    do
        fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
    while (fd < 0 && (errno == EAGAIN || errno == EINTR));
    return fd < 0 ? -errno : (int)fd;
}

int root_beneath(const struct root *r, const char *path, int flags, mode_t mode)
{
    int dir = folder_fd(r), fd;

    if (dir < 0)
        return dir;
    fd = beneath(r, dir, path, flags, mode);
    give_back(r, dir);
    return fd;
}

int root_parent(const struct root *r, const char *path, int flags, const char **name)
{
    char dir[PATH_LEN_MAX + 1];
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;

    *name = slash ? slash + 1 : path;
    if (len > PATH_LEN_MAX)
        return -ENAMETOOLONG;
    if (!path_plain(path)) /* the last name is used bare, so it is looked at here too */
        return -EXDEV;
    memcpy(dir, path, len);
    dir[len] = '\0';
    return root_beneath(r, dir, flags | O_DIRECTORY, 0);
}

/* ---- the held folder ---- */

/* Kernels before 5.6 and some containers have no openat2. */
static bool openat2_missing(int fd)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH};
    long got = syscall(SYS_openat2, fd, ".", &how, sizeof how);

    if (got < 0)
        return true;
    close((int)got);
    return false;
}

struct root *root_open(const char *path, struct err *e)
{
    char name[ROOT_NAME_MAX], *real;
    struct root_stat st;
    struct root *r;
    int fd, bad;

    if (path[0] != '/') {
        err_set(e, ERR_USAGE, "cannot open %s: not an absolute path", printable(name, path));
        return NULL;
    }
    real = realpath(path, NULL);
    fd = real ? open(real, safe(O_RDONLY | O_DIRECTORY)) : -1;
    if (fd < 0) {
        err_sys(e, ERR_USAGE, errno, "cannot open the folder %s", printable(name, path));
        free(real);
        return NULL;
    }
    bad = stat_name(fd, "", &st);
    if (bad) {
        err_sys(e, ERR_IO, -bad, "cannot read the folder %s", printable(name, path));
        close(fd);
        free(real);
        return NULL;
    }
    r = mem_zero(1, sizeof *r);
    *r = (struct root){.fd = fd, .path = mem_str(real), .dev = st.dev, .ino = st.ino};
    r->by_step = openat2_missing(fd);
    free(real);
    return r;
}

const char *root_path(const struct root *r)
{
    return r->path;
}

void root_let_go(struct root *r)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

uint64_t root_dev(const struct root *r)
{
    return r->dev;
}

/* statfs(2); the headers have not all of them. */
bool root_is_remote(const struct root *r)
{
    static const uint32_t magic[] = {
        0x6969 /* nfs */,        0xff534d42 /* cifs */, 0xfe534d42 /* smb2 */,
        0x517b /* smb */,        0x65735546 /* fuse */, 0x01021997 /* 9p */,
        0x5346414f /* afs */,    0x73757245 /* coda */, 0x00c36400 /* ceph */,
        0x0bd00bd0 /* lustre */, 0x564c /* ncp */,      0x786f4256 /* vbox */,
        0xaad7aaea /* panfs */,  0x47504653 /* gpfs */, 0x01161970 /* gfs2 */,
        0x7461636f /* ocfs2 */,
    };
    struct statfs fs;
    int fd = folder_fd(r), bad = fd < 0 || fstatfs(fd, &fs);

    give_back(r, fd);
    for (size_t i = 0; !bad && i < sizeof magic / sizeof *magic; i++)
        if ((uint32_t)fs.f_type == magic[i])
            return true;
    return false;
}

bool root_alive(const struct root *r)
{
    struct root_stat st;

    return !stat_name(AT_FDCWD, r->path, &st) && st.dev == r->dev && st.ino == r->ino;
}

/* Upwards from a, by descriptors, until b is met or the top. */
bool root_within(const struct root *a, const struct root *b)
{
    int fd = root_beneath(a, "", O_PATH | O_DIRECTORY, 0);
    struct root_stat here, above;
    bool within = false;

    while (fd >= 0 && !stat_name(fd, "", &here)) {
        int up;

        within = here.dev == b->dev && here.ino == b->ino;
        if (within)
            break;
        up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        close(fd);
        fd = up;
        if (fd >= 0 && !stat_name(fd, "", &above) && above.dev == here.dev && above.ino == here.ino)
            break; /* "/.." is "/" */
    }
    if (fd >= 0)
        close(fd);
    return within;
}

void root_close(struct root *r)
{
    if (!r)
        return;
    if (r->fd >= 0)
        close(r->fd);
    mem_free(r->path);
    mem_free(r);
}

/* ---- files ---- */

int root_read_fd(const struct root *r, const char *path, struct root_stat *st, struct err *e)
{
    int fd = root_beneath(r, path, O_RDONLY, 0);

    if (fd < 0)
        return root_fail(e, -fd, "open", path);
    if (root_stat_fd(fd, st) || (st->kind != 'f' && st->kind != 'x')) {
        close(fd);
        return root_fail(e, EINVAL, "open", path);
    }
    return fd;
}

int root_stat_at(const struct root *r, const char *path, struct root_stat *st, struct err *e)
{
    const char *name = path;
    int dir, bad;

    if (!strchr(path, '/')) {
        dir = folder_fd(r);
        bad = dir < 0 ? dir : *path && !path_plain(path) ? -EXDEV : stat_name(dir, path, st);
        give_back(r, dir);
    } else {
        dir = root_parent(r, path, O_PATH, &name);
        bad = dir < 0 ? dir : stat_name(dir, name, st);
        if (dir >= 0)
            close(dir);
    }
    return bad ? root_fail(e, -bad, "look at", path) : 0;
}

int root_stat_fd(int fd, struct root_stat *st)
{
    return stat_name(fd, "", st);
}

/* The kernel gives a read lease only on a file that nobody has open for writing. Who opens it in
 * the instant between the two calls waits for that instant, and we are told by a signal: SIGURG,
 * which does nothing, not SIGIO, which kills. */
bool root_being_written(int fd)
{
    if (fcntl(fd, F_SETSIG, SIGURG))
        return false;
    if (fcntl(fd, F_SETLEASE, F_RDLCK))
        return errno == EAGAIN;
    (void)fcntl(fd, F_SETLEASE, F_UNLCK);
    return false;
}

ssize_t root_read_now(int fd, void *to, size_t max, uint64_t at)
{
    struct iovec v = {.iov_base = to, .iov_len = max};
    ssize_t n = preadv2(fd, &v, 1, (off_t)at, RWF_NOWAIT);

    if (n >= 0)
        return n;
    return errno == EOPNOTSUPP || errno == ENOSYS ? -EAGAIN : -errno;
}

void root_read_ahead(int fd)
{
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
}

uint32_t root_own_uid(void)
{
    return geteuid();
}

/* ---- listing ---- */

struct root_dir {
    DIR *dir;
    char *path; /* for error texts */
};

struct root_dir *root_list(const struct root *r, const char *path, struct err *e)
{
    int fd = root_beneath(r, path, O_RDONLY | O_DIRECTORY, 0);
    struct root_dir *d;
    DIR *dir;

    if (fd < 0) {
        root_fail(e, -fd, "open the folder", path);
        return NULL;
    }
    dir = fdopendir(fd);
    if (!dir) {
        root_fail(e, errno, "read the folder", path);
        close(fd);
        return NULL;
    }
    d = mem_zero(1, sizeof *d);
    *d = (struct root_dir){.dir = dir, .path = mem_str(path)};
    return d;
}

int root_list_next(struct root_dir *d, const char **name, struct root_stat *st, struct err *e)
{
    for (;;) {
        struct dirent *entry;
        int bad;

        errno = 0;
        entry = readdir(d->dir);
        if (!entry)
            return errno ? root_fail(e, errno, "read the folder", d->path) : 0;
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        bad = stat_name(dirfd(d->dir), entry->d_name, st);
        if (bad == -ENOENT) /* went while we listed */
            continue;
        if (bad)
            return root_fail(e, -bad, "look at a file in", d->path);
        *name = entry->d_name;
        return 1;
    }
}

int root_list_fd(const struct root_dir *d)
{
    return dirfd(d->dir);
}

bool root_list_readable(const struct root_dir *d, const char *name)
{
    return !faccessat(dirfd(d->dir), name, R_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW);
}

void root_list_end(struct root_dir *d)
{
    if (!d)
        return;
    closedir(d->dir);
    mem_free(d->path);
    mem_free(d);
}
