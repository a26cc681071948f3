#include "svc/share.h"

#include "base/log.h"
#include "base/str.h"
#include "core/path.h"
#include "svc/share_priv.h"

#include <stdlib.h>
#include <string.h>

/* ---- status ---- */

void share_say_status(struct share *s)
{
    struct share_status *to = &s->status;

    uv_mutex_lock(&s->lock);
    str_copy(to->folder, sizeof to->folder, s->folder);
    str_copy(to->trouble, sizeof to->trouble, s->trouble[0] ? s->trouble : s->note);
    to->generation = s->said_generation;
    to->number = s->said_number;
    if (s->store && !s->broken)
        store_counts(s->store, &to->files, &to->bytes);
    to->pending_files = HASH_COUNT(s->items);
    to->pending_bytes = s->items_bytes;
    to->scanning = s->scanning;
    memcpy(to->skipped, s->skipped, sizeof to->skipped);
    to->hashed = s->hashed;
    to->manifests = s->manifests;
    to->watches = s->watch ? watch_count(s->watch) : 0;
    to->watch_limit = s->watch_limit;
    to->unwatched = s->limited;
    to->watch_need = sweep_need(s);
    to->swept = HASH_COUNT(s->blind);
    uv_mutex_unlock(&s->lock);
}

void share_status(struct share *s, struct share_status *out)
{
    uv_mutex_lock(&s->lock);
    *out = s->status;
    uv_mutex_unlock(&s->lock);
}

/* ---- begin and end ---- */

static void free_share(struct share *s)
{
    struct part *p, *next;

    HASH_ITER (hh, s->parts, p, next) {
        HASH_DEL(s->parts, p);
        mem_free(p);
    }
    for (unsigned i = 0; i < s->job_count; i++)
        mem_free(s->jobs[i].buffer);
    mem_free(s->jobs);
    sweep_drop(s, "");
    places_free(s);
    uv_mutex_destroy(&s->lock);
    mem_free(s->db_path);
    mem_free(s->state_path);
    mem_free(s->folder);
    mem_free(s);
}

static struct share *make(const struct share_conf *conf)
{
    struct share *s = mem_zero(1, sizeof *s);
    const char *slash = strrchr(conf->db_path, '/');

    s->db_path = mem_str(conf->db_path);
    s->state_path = slash ? mem_strn(conf->db_path, (size_t)(slash - conf->db_path)) : NULL;
    s->folder = mem_str("");
    s->hidden = conf->hidden;
    s->sweep_all = conf->sweep;
    s->changed = conf->changed;
    s->ctx = conf->ctx;
    s->alive_ms = s->retry_ms = s->sweep_ms = s->commit_ms = NEVER;
    s->job_count = uv_available_parallelism();
    s->jobs = mem_zero(s->job_count, sizeof *s->jobs);
    uv_mutex_init(&s->lock);
    return s;
}

struct root *share_open_folder(const struct share *s, const char *path, struct err *e)
{
    struct root *root = root_open(path, e);
    struct root *state = s->state_path ? root_open(s->state_path, &(struct err){0}) : NULL;
    struct root_dir *dir;

    if (!root || share_folder_ok(root, s->state_path, e))
        goto no;
    dir = root_list(root, "", e);
    if (!dir)
        goto no;
    root_list_end(dir);
    if (state && root_dev(state) != root_dev(root)) /* a disk that may be taken out */
        root_let_go(root);
    root_close(state);
    return root;
no:
    root_close(state);
    root_close(root);
    return NULL;
}

static void free_folders(struct share_new_folders *n)
{
    mem_free(n->first.path);
    root_close(n->first.root);
    for (size_t i = 0; i < n->count; i++) {
        mem_free(n->added[i].path);
        root_close(n->added[i].root);
    }
    mem_free(n->added);
}

static bool is_shared(struct share *s, const char *path)
{
    bool is = false;

    uv_mutex_lock(&s->lock);
    for (const struct place *p = s->places; p; p = p->next)
        is |= !strcmp(p->path, path);
    uv_mutex_unlock(&s->lock);
    return is;
}

/* Which of them must be there: at the start the first one, later what was not shared before. */
static int open_folders(struct share *s, struct share_new_folders *n, const char *folder,
                        const char *const *added, size_t count, bool start, struct err *e)
{
    *n = (struct share_new_folders){0};
    if (folder && *folder) {
        n->first.root = share_open_folder(s, folder, e);
        if (!n->first.root && (start || !is_shared(s, folder)))
            return -e->code;
        n->first.path = mem_str(n->first.root ? root_path(n->first.root) : folder);
    }
    n->added = mem_zero(count + 1, sizeof *n->added);
    for (size_t i = 0; i < count; i++) {
        struct share_new_folder *f = &n->added[n->count++];

        f->root = share_open_folder(s, added[i], e);
        f->path = mem_str(f->root ? root_path(f->root) : added[i]);
        if (!f->root &&
            ((start && e->code != ERR_IO && !e->sys) || (!start && !is_shared(s, added[i]))))
            return -e->code;
    }
    return 0;
}

struct share *share_new(const struct share_conf *conf, char **set_aside, struct err *e)
{
    struct share *s = make(conf);
    struct share_new_folders n;

    if (open_folders(s, &n, conf->folder, conf->added, conf->added_count, true, e) ||
        !(s->store = store_open(conf->db_path, set_aside, e))) {
        free_folders(&n);
        free_share(s);
        return NULL;
    }
    if (set_aside && *set_aside)
        share_say_aside(s, *set_aside);
    s->loop = loop_new("share");
    s->pool = pool_new(s->loop, s->job_count);
    uv_idle_init(loop_uv(s->loop), &s->idle);
    uv_timer_init(loop_uv(s->loop), &s->timer);
    s->idle.data = s->timer.data = s;
    places_set(s, &n);
    free_folders(&n);
    share_say_status(s);
    loop_start(s->loop);
    return s;
}

static void on_stop(void *arg)
{
    struct share *s = arg;

    s->stopping = true;
    share_wake(s);
}

void share_free(struct share *s)
{
    if (!s)
        return;
    atomic_store(&s->stop, true);
    loop_post(s->loop, on_stop, s);
    loop_free(s->loop); /* joins */
    free_share(s);
}

/* ---- what others ask for: posted to share's thread ---- */

struct use {
    struct share *share;
    struct share_new_folders folders;
};

static void on_use(void *arg)
{
    struct use *u = arg;
    struct share *s = u->share;

    if (s->stopping)
        return;
    s->note[0] = '\0';
    places_set(s, &u->folders);
    share_say_status(s);
}

int share_set_folders(struct share *s, const char *folder, const char *const *added, size_t count,
                      struct err *e)
{
    struct use u = {.share = s};
    int bad = open_folders(s, &u.folders, folder, added, count, false, e);

    if (!bad && !loop_call(s->loop, on_use, &u))
        bad =
            err_set(e, ERR_NO_SERVICE, "cannot change the shared folder: the service is stopping");
    free_folders(&u.folders);
    return bad;
}

struct suspect {
    struct share *share;
    char path[];
};

static void on_suspect(void *arg)
{
    struct suspect *sp = arg;
    struct share *s = sp->share;
    struct store_entry known;
    struct err e;

    if (!s->stopping && !s->broken && place_any(s)) {
        if (store_get(s->store, sp->path, &known, &e) == 1 && known.kind == 'd')
            share_list(s, sp->path, false, 0);
        if (*sp->path)
            share_look_at_path(s, sp->path);
        share_wake(s);
    }
    mem_free(sp);
}

void share_suspect(struct share *s, const char *path)
{
    size_t len = strlen(path);
    struct suspect *sp;

    if (len && path_check(path, len) != PATH_OK)
        return;
    sp = mem_alloc(sizeof *sp + len + 1);
    sp->share = s;
    memcpy(sp->path, path, len + 1);
    if (!loop_post(s->loop, on_suspect, sp))
        mem_free(sp);
}

struct part_news {
    struct share *share;
    struct part part;
    bool have;
};

void share_put_parts(struct share *s)
{
    struct part *p, *next;
    struct err e;

    HASH_ITER (hh, s->parts, p, next)
        if (share_failed(s, store_put_part(s->store, &p->hash, &p->root, p->size, true, &e), &e))
            return;
}

static void on_part(void *arg)
{
    struct part_news *n = arg;
    struct share *s = n->share;
    struct part *p;
    struct err e;

    HASH_FIND(hh, s->parts, &n->part.hash, sizeof n->part.hash, p);
    if (p) {
        HASH_DEL(s->parts, p);
        mem_free(p);
    }
    if (n->have) {
        p = mem_copy(&n->part, sizeof n->part);
        HASH_ADD(hh, s->parts, hash, sizeof p->hash, p);
    }
    if (!s->stopping && !s->broken) {
        share_failed(
            s, store_put_part(s->store, &n->part.hash, &n->part.root, n->part.size, n->have, &e),
            &e);
        share_wake(s);
    }
    mem_free(n);
}

void share_part(struct share *s, const struct hash *hash, const struct hash *root, uint64_t size,
                bool have)
{
    struct part_news *n = mem_zero(1, sizeof *n);

    n->share = s;
    n->part.hash = *hash;
    n->part.root = *root;
    n->part.size = size;
    n->have = have;
    if (!loop_post(s->loop, on_part, n))
        mem_free(n);
}
