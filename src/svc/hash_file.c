#include "svc/hash_file.h"

#include <errno.h>
#include <unistd.h>

#define READ_AHEAD_MIN (256u << 10) /* bytes: below this the system's own read-ahead is as good */

int hash_file_open(struct hash_file *h, const struct root *r, const char *path, struct err *e)
{
    int fd;

    *h = (struct hash_file){.fd = -1};
    fd = root_read_fd(r, path, &h->st, e);
    if (fd < 0)
        return fd;
    h->fd = fd;
    if (h->st.size > FILE_SIZE_MAX) {
        hash_file_close(h);
        return err_set(e, ERR_IO, "cannot hash a file of more than 64 TiB");
    }
    if (h->st.size >= READ_AHEAD_MIN)
        root_read_ahead(fd);
    content_hasher_init(&h->sha, h->st.size);
    return 0;
}

static enum hash_end finish(struct hash_file *h, struct hash *hash, struct hash *root)
{
    struct root_stat now;

    if (root_stat_fd(h->fd, &now) || !root_stat_same(&now, &h->st) || now.kind != h->st.kind)
        return HASH_CHANGED;
    close(h->fd);
    h->fd = -1;
    return content_hasher_done(&h->sha, hash, root) ? HASH_DONE : HASH_CHANGED;
}

enum hash_end hash_file_read(struct hash_file *h, void *buffer, size_t cap, uint64_t slice,
                             struct hash *hash, struct hash *root, struct err *e)
{
    uint64_t left = h->st.size - h->sha.at;

    while (left) {
        ssize_t got = read(h->fd, buffer, left < cap ? (size_t)left : cap);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            err_sys(e, ERR_IO, errno, "cannot read");
            return HASH_FAILED;
        }
        if (!got) /* shorter than it was */
            return HASH_CHANGED;
        content_hasher_add(&h->sha, buffer, (size_t)got);
        left -= (uint64_t)got;
        if ((uint64_t)got >= slice && left)
            return HASH_MORE;
        slice -= (uint64_t)got;
    }
    return finish(h, hash, root);
}

void hash_file_close(struct hash_file *h)
{
    if (h->fd >= 0)
        close(h->fd);
    h->fd = -1;
    content_hasher_free(&h->sha);
}
