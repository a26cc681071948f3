#include "io/save.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int sync_folder_of(const char *path)
{
    char *folder = mem_str(path), *slash = strrchr(folder, '/');
    int fd, bad;

    if (slash)
        slash[slash == folder ? 1 : 0] = '\0';
    fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mem_free(folder);
    if (fd < 0)
        return errno;
    bad = fsync(fd) ? errno : 0;
    close(fd);
    return bad == EINVAL ? 0 : bad; /* some file systems have no fsync for folders */
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static int write_new(const char *path, const void *data, size_t len, mode_t mode, bool sync)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int bad;

    if (fd < 0)
        return errno;
    bad = write_all(fd, data, len);
    if (!bad && (fchmod(fd, mode) || (sync && fsync(fd))))
        bad = errno;
    if (close(fd) && !bad)
        bad = errno;
    return bad;
}

static int replace(const char *path, const void *data, size_t len, mode_t mode, bool sync,
                   struct err *e)
{
    struct buf tmp = {0};
    int bad;

    buf_printf(&tmp, "%s.new-%ld", path, (long)getpid());
    (void)unlink(tmp.data); /* left behind by a crashed process that had our number */
    bad = write_new(tmp.data, data, len, mode, sync);
    if (!bad && rename(tmp.data, path))
        bad = errno;
    if (bad)
        (void)unlink(tmp.data);
    else if (sync)
        bad = sync_folder_of(path);
    buf_free(&tmp);
    return bad ? err_sys(e, ERR_IO, bad, "cannot write %s", path) : 0;
}

int save_write(const char *path, const void *data, size_t len, mode_t mode, struct err *e)
{
    return replace(path, data, len, mode, true, e);
}

int save_note(const char *path, const void *data, size_t len, mode_t mode, struct err *e)
{
    return replace(path, data, len, mode, false, e);
}

int save_append(const char *path, const void *data, size_t len, size_t max, mode_t mode,
                struct err *e)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, mode), bad;
    struct buf old = {0};
    struct stat st;

    if (fd < 0)
        return err_sys(e, ERR_IO, errno, "cannot open %s", path);
    bad = write_all(fd, data, len);
    if (fstat(fd, &st))
        st.st_size = 0;
    close(fd);
    if (bad)
        return err_sys(e, ERR_IO, bad, "cannot write %s", path);
    if ((uint64_t)st.st_size <= max)
        return 0;
    buf_printf(&old, "%s.1", path);
    bad = rename(path, old.data) ? errno : 0;
    buf_free(&old);
    return bad ? err_sys(e, ERR_IO, bad, "cannot rename %s", path) : 0;
}

int save_read(const char *path, size_t max, struct buf *b, struct err *e)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), bad = 0;
    size_t start = b->len;
    struct stat st;

    if (fd < 0)
        return err_sys(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno, "cannot open %s", path);
    if (fstat(fd, &st))
        bad = errno;
    else if (!S_ISREG(st.st_mode))
        bad = EINVAL;
    while (!bad && b->len - start <= max) {
        ssize_t n = read(fd, buf_room(b, 4096), 4096);

        if (n == 0)
            break;
        if (n > 0)
            b->len += (size_t)n;
        else if (errno != EINTR)
            bad = errno;
    }
    close(fd);
    if (!bad && b->len - start > max)
        bad = EFBIG;
    if (bad) {
        b->len = start;
        buf_add(b, "", 0);
        return err_sys(e, ERR_IO, bad, "cannot read %s", path);
    }
    buf_add(b, "", 0); /* the NUL */
    return 0;
}

int save_dir(const char *path, mode_t mode, bool *mended, struct err *e)
{
    bool made = !mkdir(path, mode);
    struct stat st;
    int fd, rc = 0;

    if (mended)
        *mended = false;
    if (!made && errno != EEXIST)
        return err_sys(e, ERR_IO, errno, "cannot make the folder %s", path);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, errno == ENOTDIR ? ERR_USAGE : ERR_IO, errno, "cannot open the folder %s",
                       path);
    if (fstat(fd, &st)) {
        rc = err_sys(e, ERR_IO, errno, "cannot look at the folder %s", path);
    } else if (st.st_uid != geteuid()) {
        rc = err_set(e, ERR_USAGE, "the folder %s belongs to another user (uid %lu)", path,
                     (unsigned long)st.st_uid);
    } else if ((st.st_mode & 07777) != mode) {
        if (fchmod(fd, mode))
            rc = err_sys(e, ERR_IO, errno, "cannot set the mode of the folder %s", path);
        else if (mended)
            *mended = !made;
    }
    close(fd);
    return rc;
}

static long pid_in(int fd)
{
    char text[32];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    return strtol(text, NULL, 10);
}

int save_lock(const char *path, int *fd, long *pid, struct err *e)
{
    char text[32];
    int len, bad;

    *pid = 0;
    *fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*fd < 0)
        return err_sys(e, ERR_IO, errno, "cannot open %s", path);
    if (flock(*fd, LOCK_EX | LOCK_NB)) {
        bad = errno;
        if (bad == EWOULDBLOCK)
            *pid = pid_in(*fd);
        close(*fd);
        *fd = -1;
        return err_sys(e, bad == EWOULDBLOCK ? ERR_EXISTS : ERR_IO, bad, "cannot lock %s", path);
    }
    len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    bad = ftruncate(*fd, 0) ? errno : write_all(*fd, text, (size_t)len);
    if (bad) {
        close(*fd);
        *fd = -1;
        return err_sys(e, ERR_IO, bad, "cannot write %s", path);
    }
    return 0;
}
