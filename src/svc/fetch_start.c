/* The beginning of a file's transfer: its partial file, made or found again; a copy of the content
 * that this computer has already, where there is one. */
#include "base/mem.h"
#include "core/path.h"
#include "svc/fetch_near.h"
#include "svc/fetch_priv.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

struct prepare {
    struct work work;
    struct xfer *x;
    char *path;   /* of the partial file */
    bool resumed; /* it was there, with the right size */
    bool near;    /* look for it on this computer */
    bool tried;   /* something was written into the partial file */
    bool copied, of_folder;
    char *from; /* where it was found */
    int fd;
    struct err err;
};

static int make_part(struct prepare *p)
{
    const char *kept = p->of_folder ? "what was fetched is kept" : "nothing was started";
    struct xfer *x = p->x;
    const struct root *r = x->folder->root;
    char *slash = strrchr(x->target, '/');
    char *dir = slash ? mem_strn(x->target, (size_t)(slash - x->target)) : NULL;
    int bad = dir ? root_make_dirs(r, dir, &p->err) : 0;

    mem_free(dir);
    if (bad)
        return bad;
    if (fetch_check_space(r, x->size, kept, &p->err))
        return -ERR_IO;
    p->path = fetch_part_name(x->target, &x->hash, false);
    p->fd = root_create_fd(r, p->path, &p->err);
    if (p->fd ==
        -ERR_EXISTS) { /* of another content, or forgotten: take a name with our hash in it */
        mem_free(p->path);
        p->path = fetch_part_name(x->target, &x->hash, true);
        if (!root_remove(r, p->path, &p->err))
            p->fd = root_create_fd(r, p->path, &p->err);
    }
    if (p->fd < 0)
        return p->fd;
    bad = root_reserve(p->fd, x->size);
    if (bad) {
        struct err ignored;

        close(p->fd);
        p->fd = -1;
        root_remove(r, p->path, &ignored);
        if (bad == -ENOSPC && fetch_check_space(r, x->size, kept, &p->err))
            return -ERR_IO;
        return err_sys(&p->err, ERR_IO, -bad, "cannot reserve space for the download");
    }
    return 0;
}

static bool open_part(struct prepare *p)
{
    struct root_stat st;
    struct err e;

    if (!p->path)
        return false;
    p->fd = root_write_fd(p->x->folder->root, p->path, &st, &e);
    if (p->fd >= 0 && st.size == p->x->size)
        return true;
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
    mem_free(p->path);
    p->path = NULL;
    return false;
}

/* A partial file of an earlier run is not given up for a guess. */
static int copy_near(struct prepare *p)
{
    struct xfer *x = p->x;
    const char *slash = strrchr(x->target, '/');
    struct near_place place = {
        .down = x->folder->root, .stop = &x->closing, .written = &x->copying};
    struct near_want want = {
        .hash = x->hash, .size = x->size, .name = slash ? slash + 1 : x->target};
    uint64_t size = x->size; /* others read x's meanwhile */
    struct near *n = near_new(x->f, &place, &size, p->resumed ? 0 : 1);
    int done = 0;

    if (near_maybe(n, &want)) {
        p->tried = true;
        done = near_copy(n, &want, p->fd, &p->from, &p->err);
    }
    near_free(n);
    return done;
}

static void prepare_run(struct work *w)
{
    struct prepare *p = (struct prepare *)w;
    int done = 0;

    p->resumed = open_part(p);
    if (!p->resumed && make_part(p))
        return;
    if (p->near)
        done = copy_near(p);
    p->copied = done == 1;
    if (done >= 0)
        p->err.code = 0;
}

static void forget_pieces(struct xfer *x)
{
    bits_done(&x->have);
    bits_init(&x->have, content_piece_count(x->size));
}

static void prepare_done(struct work *w)
{
    struct prepare *p = (struct prepare *)w;
    struct xfer *x = p->x;
    struct err e = p->err;

    mem_free(x->path);
    x->path = p->path;
    x->fd = p->fd;
    x->resumed = p->resumed && !p->tried;
    if (!x->resumed)
        forget_pieces(x);
    if (x->closing) {
        /* was stopped meanwhile */
    } else if (e.code) {
        xfer_fail(x, &e);
    } else if (p->copied) {
        x->copying = 0;
        job_copied(x->job, x->size, p->from);
        p->from = NULL;
        for (uint32_t i = 0; i < x->have.len; i++) {
            bits_set(&x->have, i);
            part_good(x, i);
        }
        xfer_complete(x);
    } else if (x->has_list) {
        xfer_listed(x);
    } else {
        list_begin(x);
    }
    mem_free(p->from);
    mem_free(p);
    xfer_unpin(x);
}

/* What an earlier run left: its list, its bits and where the file is. Gives the path or NULL. */
static char *find_part(struct xfer *x)
{
    struct store_part part;
    struct hash root;
    struct err e;
    char *path = NULL;

    if (store_part_find(x->f->queue, &x->hash, &part, &e) != 1)
        return NULL;
    content_root(&root, buf_cstr(&part.checkpoints), part.checkpoints.len);
    if (part.size == x->size && part.path && path_check(part.path, strlen(part.path)) == PATH_OK &&
        part.have.len == x->have.len && (x->any_root || hash_eq(&part.root, &x->root)) &&
        content_checkpoints_ok(x->size, &part.root, buf_cstr(&part.checkpoints),
                               part.checkpoints.len)) {
        path = mem_str(part.path);
        bits_done(&x->have);
        bits_copy(&x->have, &part.have);
        buf_add(&x->checkpoints, buf_cstr(&part.checkpoints), part.checkpoints.len);
        x->root = part.root;
        x->has_list = x->noted = true;
    }
    store_part_free(&part);
    return path;
}

struct xfer *xfer_start(struct job *j, const struct xfer_spec *spec,
                        void (*ended)(struct xfer *x, const struct err *e), void *ctx)
{
    struct xfer *x = mem_zero(1, sizeof *x);
    struct prepare *p = mem_zero(1, sizeof *p);

    assert(spec->size && spec->size <= FILE_SIZE_MAX);
    x->f = j->f;
    x->job = j;
    x->hash = spec->hash;
    x->root = spec->root;
    x->any_root = hash_is_zero(&spec->root);
    x->size = spec->size;
    x->kind = spec->kind;
    x->mtime_s = spec->mtime_s;
    x->target = mem_str(spec->target);
    x->replace = spec->replace;
    x->ended = ended;
    x->ended_ctx = ctx;
    x->folder = j->folder;
    x->folder->refs++;
    x->fd = -1;
    swarm_begin(x);
    bits_init(&x->have, content_piece_count(x->size));
    bits_init(&x->good, content_piece_count(x->size));
    uv_mutex_lock(&j->f->part_lock);
    DL_APPEND(j->f->xfers, x);
    uv_mutex_unlock(&j->f->part_lock);
    p->x = x;
    p->fd = -1;
    p->path = find_part(x);
    p->near = spec->near;
    p->of_folder = j->kind == 'd';
    xfer_pin(x);
    fetch_work(j->f, &p->work, prepare_run, prepare_done);
    return x;
}
