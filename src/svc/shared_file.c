#include "svc/shared_file.h"

#include "base/mem.h"
#include "svc/share.h"

#include <unistd.h>

static bool as_announced(const struct root_stat *st, const struct store_content *c, uint64_t dev)
{
    return st->size == c->size && st->mtime_ns == c->mtime_ns && st->ctime_ns == c->ctime_ns &&
           st->ino == c->ino && st->dev == dev;
}

bool shared_open_at(struct share *share, const struct store_content *c, int *fd,
                    struct root_stat *st)
{
    const char *below;
    const struct root *root = share_root_get(share, c->path, &below);
    struct err e;
    bool ok;

    if (!root)
        return false;
    *fd = c->kind == 'd' ? -1 : root_read_fd(root, below, st, &e);
    ok = *fd >= 0 && as_announced(st, c, root_dev(root));
    if (*fd >= 0 && !ok)
        close(*fd);
    share_root_put(share, root);
    if (!ok && c->kind != 'd')
        share_suspect(share, c->path);
    return ok;
}

int shared_open(struct share *share, struct store_reader *r, const struct hash *h, int *fd,
                struct root_stat *st, char **path)
{
    struct store_content c;
    struct err e;
    int found = 0;

    for (unsigned n = 0; store_find(r, h, n, &c, &e) == 1; n++) {
        if (c.kind != 'd') {
            found = shared_open_at(share, &c, fd, st) ? 1 : -1;
            *path = c.path;
        }
        if (found == 1)
            break;
        mem_free(c.path);
    }
    return found;
}
