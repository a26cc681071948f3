/* What a cancelled download leaves behind goes, on the thread pool: its partial files, and folders
 * that have nothing in them then. What is whole stays. */
#include "base/log.h"
#include "base/mem.h"
#include "core/path.h"
#include "svc/fetch_priv.h"

#include <string.h>

struct clean {
    struct work work;
    struct root *root;
    char *path; /* a partial file, or the folder */
    bool folder;
};

/* ".NAME.iwant-part" */
static bool is_ours(const char *name)
{
    static const char tail[] = ".iwant-part";
    size_t len = strlen(name);

    return name[0] == '.' && len >= sizeof tail && !strcmp(name + len - (sizeof tail - 1), tail);
}

static void clean_folder(const struct root *r, const char *path, unsigned depth)
{
    struct err ignored;
    struct root_dir *d = depth < PATH_DEPTH_MAX ? root_list(r, path, &ignored) : NULL;
    struct root_stat st;
    const char *name;

    while (d && root_list_next(d, &name, &st, &ignored) > 0) {
        struct buf child = {0};

        buf_printf(&child, "%s/%s", path, name);
        if (st.kind == 'd')
            clean_folder(r, buf_cstr(&child), depth + 1);
        else if (st.kind == 'f' && is_ours(name))
            root_remove(r, buf_cstr(&child), &ignored);
        buf_free(&child);
    }
    root_list_end(d);
    root_remove_dir(r, path, &ignored); /* stays when something is in it */
}

static void clean_run(struct work *w)
{
    struct clean *c = (struct clean *)w;
    struct err ignored;

    if (c->folder)
        clean_folder(c->root, c->path, 0);
    else
        root_remove(c->root, c->path, &ignored);
}

static void clean_done(struct work *w)
{
    struct clean *c = (struct clean *)w;

    root_close(c->root);
    mem_free(c->path);
    mem_free(c);
}

void fetch_clean(struct job *j)
{
    struct store_part part = {0};
    struct clean *c;
    struct err e;
    bool folder = j->kind == 'd', found = false;
    struct root *root;

    if (!folder)
        found = store_part_find(j->f->queue, &j->hash, &part, &e) == 1 && part.path &&
                path_check(part.path, strlen(part.path)) == PATH_OK;
    if ((folder && !j->target) || (!folder && !found)) {
        store_part_free(&part);
        return;
    }
    root = root_open(j->folder_path, &e);
    if (!root) {
        store_part_free(&part);
        return;
    }
    c = mem_zero(1, sizeof *c);
    c->root = root;
    c->folder = folder;
    c->path = mem_str(folder ? j->target : part.path);
    store_part_free(&part);
    fetch_work(j->f, &c->work, clean_run, clean_done);
}
