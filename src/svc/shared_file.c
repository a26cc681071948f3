#include "svc/shared_file.h"

#include "base/mem.h"
#include "svc/share.h"

#include <unistd.h>

static bool as_announced(const struct root_stat *st, const struct store_content *c)
{
    return st->size == c->size && st->mtime_ns == c->mtime_ns && st->ctime_ns == c->ctime_ns &&
           st->ino == c->ino && st->dev == c->dev;
}

static bool open_as_announced(struct share *share, const struct root *root,
                              const struct store_content *c, int *fd, struct root_stat *st)
{
    struct err e;

    *fd = root_read_fd(root, c->path, st, &e);
    if (*fd >= 0 && as_announced(st, c))
        return true;
    if (*fd >= 0)
        close(*fd);
    share_suspect(share, c->path);
    return false;
}

bool shared_open_at(struct share *share, const struct store_content *c, int *fd,
                    struct root_stat *st)
{
    const struct root *root = share_root_get(share);
    bool ok = root && c->kind != 'd' && open_as_announced(share, root, c, fd, st);

    if (root)
        share_root_put(share, root);
    return ok;
}

int shared_open(struct share *share, struct store_reader *r, const struct hash *h, int *fd,
                struct root_stat *st, char **path)
{
    const struct root *root = share_root_get(share);
    struct store_content c;
    struct err e;
    int found = 0;

    for (unsigned n = 0; root && store_find(r, h, n, &c, &e) == 1; n++) {
        if (c.kind != 'd') {
            found = open_as_announced(share, root, &c, fd, st) ? 1 : -1;
            *path = c.path;
        }
        if (found == 1)
            break;
        mem_free(c.path);
    }
    if (root)
        share_root_put(share, root);
    return found;
}
