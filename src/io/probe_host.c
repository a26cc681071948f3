/* Of io/probe: this computer's limits, disks and processes. */
#include "io/probe.h"

#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define FILE_MAX   65536u
#define TAIL_MAX   16384
#define DEPTH_MAX  64
#define LOOK_EVERY 64 /* folders, at the clock */

bool probe_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : 0;

    buf_reset(out);
    while (fd >= 0 && out->len < FILE_MAX &&
           (n = read(fd, buf_room(out, FILE_MAX), FILE_MAX - out->len)) > 0)
        out->len += (size_t)n;
    if (fd >= 0)
        close(fd);
    buf_add(out, "", 0);
    return n >= 0;
}

bool probe_tail(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    ssize_t n = -1;
    char *line;

    buf_reset(out);
    if (fd >= 0)
        n = pread(fd, buf_room(out, TAIL_MAX), TAIL_MAX, end > TAIL_MAX ? end - TAIL_MAX : 0);
    if (fd >= 0)
        close(fd);
    out->len = n > 0 ? (size_t)n : 0;
    buf_add(out, "", 0);
    if (end > TAIL_MAX && (line = strchr(out->data, '\n'))) {
        out->len -= (size_t)(line + 1 - out->data);
        memmove(out->data, line + 1, out->len + 1);
    }
    return n >= 0;
}

bool probe_number(const char *path, uint64_t *n)
{
    struct buf text = {0};
    bool good = probe_read(path, &text);

    while (text.len && isspace((unsigned char)text.data[text.len - 1]))
        text.data[--text.len] = '\0';
    good = good && str_parse_u64(buf_cstr(&text), 0, UINT64_MAX, n);
    buf_free(&text);
    return good;
}

/* Magic numbers that <linux/magic.h> of Debian 12 lacks. */
#define CIFS 0xff534d42u
#define SMB2 0xfe534d42u
#define CEPH 0x00c36400u

static const char *remote_name(unsigned long type)
{
    switch (type & 0xffffffffu) {
    case NFS_SUPER_MAGIC:
        return "NFS";
    case SMB_SUPER_MAGIC:
    case CIFS:
    case SMB2:
        return "SMB";
    case AFS_SUPER_MAGIC:
    case AFS_FS_MAGIC:
        return "AFS";
    case CODA_SUPER_MAGIC:
        return "Coda";
    case V9FS_MAGIC:
        return "9P";
    case CEPH:
        return "Ceph";
    }
    return NULL;
}

bool probe_disk(const char *path, struct probe_disk *out)
{
    struct statvfs v;
    struct statfs f;

    *out = (struct probe_disk){0};
    if (statvfs(path, &v) || statfs(path, &f))
        return false;
    out->free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
    out->size_bytes = (uint64_t)v.f_blocks * v.f_frsize;
    out->free_files = v.f_files ? v.f_favail : UINT64_MAX;
    out->read_only = v.f_flag & ST_RDONLY;
    out->writable = !access(path, W_OK | X_OK);
    out->remote = remote_name((unsigned long)f.f_type);
    return true;
}

struct count {
    uint64_t n, max;
    int64_t until_ms;
    bool over;
};

static bool is_folder(int dir, const struct dirent *d)
{
    struct stat st;

    if (d->d_name[0] == '.')
        return false;
    if (d->d_type != DT_UNKNOWN)
        return d->d_type == DT_DIR;
    return !fstatat(dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode);
}

static void count_in(struct count *c, int fd, unsigned depth)
{
    DIR *dir = fdopendir(fd);
    const struct dirent *d;

    if (!dir) {
        close(fd);
        return;
    }
    c->n++;
    if (c->n >= c->max || depth >= DEPTH_MAX ||
        (c->n % LOOK_EVERY == 0 && loop_now_ms() > c->until_ms))
        c->over = true;
    while (!c->over && (d = readdir(dir)))
        if (is_folder(fd, d)) {
            int below = openat(fd, d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

            if (below >= 0)
                count_in(c, below, depth + 1);
        }
    closedir(dir);
}

uint64_t probe_folders(const char *path, uint64_t max, unsigned ms, bool *all)
{
    struct count c = {.max = max, .until_ms = loop_now_ms() + ms};
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0)
        count_in(&c, fd, 0);
    *all = !c.over;
    return c.n;
}

/* Does a word of a /proc/PID/cmdline say this? The words end with NULs. */
static bool has_word(const struct buf *words, const char *arg)
{
    for (size_t at = 0; at < words->len; at += strlen(words->data + at) + 1)
        if (!strcmp(words->data + at, arg))
            return true;
    return false;
}

static bool is_process(const char *pid, const char *name, const char *arg, const char *net)
{
    struct buf text = {0};
    char path[64], other[64];
    bool is = false;
    ssize_t n;

    snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
    if (probe_read(path, &text) && text.len && text.data[text.len - 1] == '\n') {
        text.data[text.len - 1] = '\0';
        is = !strcmp(text.data, name);
    }
    snprintf(path, sizeof path, "/proc/%.20s/ns/net", pid);
    n = is ? readlink(path, other, sizeof other - 1) : -1;
    other[n > 0 ? n : 0] = '\0';
    is = is && n > 0 && !strcmp(other, net);
    snprintf(path, sizeof path, "/proc/%.20s/cmdline", pid);
    if (is && arg)
        is = probe_read(path, &text) && has_word(&text, arg);
    buf_free(&text);
    return is;
}

unsigned probe_processes(const char *name, const char *arg)
{
    char net[64] = "";
    ssize_t len = readlink("/proc/self/ns/net", net, sizeof net - 1);
    DIR *dir = opendir("/proc");
    const struct dirent *d;
    unsigned n = 0;

    net[len > 0 ? len : 0] = '\0';
    while (dir && (d = readdir(dir)))
        if (isdigit((unsigned char)d->d_name[0]))
            n += is_process(d->d_name, name, arg, net);
    if (dir)
        closedir(dir);
    return n;
}

char *probe_temp(struct err *e)
{
    const char *set = getenv("TMPDIR");
    struct buf path = {0};

    buf_printf(&path, "%s/iwanto-XXXXXX", set && *set == '/' ? set : "/tmp");
    if (mkdtemp(path.data))
        return buf_take(&path, NULL);
    err_sys(e, ERR_IO, errno, "cannot make a folder for a while (%s)", path.data);
    buf_free(&path);
    return NULL;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    (void)remove(path);
    return 0;
}

void probe_temp_end(const char *path)
{
    if (path)
        (void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
