#include "svc/share_skipped.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct walk {
    const struct root *root;
    struct share_rules rules;
    share_skipped_fn *fn;
    void *ctx;
    bool enough; /* fn wants no more */
};

struct child {
    char *name;
    bool folder;
    enum share_skip why;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct child *)a)->name, ((const struct child *)b)->name);
}

/* Skipped children, and folders to go into. */
static int list(struct walk *w, const char *path, struct child **out, size_t *count, struct err *e)
{
    struct root_dir *d = root_list(w->root, path, e);
    struct root_stat st;
    const char *name;
    size_t cap = 0;
    int got = -ERR_IO;

    if (d)
        share_read_ignore(&w->rules, w->root, path);
    while (d && (got = root_list_next(d, &name, &st, e)) == 1) {
        enum share_skip why = share_rule(&w->rules, path, name, &st);

        if (why == SKIP_NOT && st.kind != 'd' && !root_list_readable(d, name))
            why = SKIP_UNREADABLE;
        if (why == SKIP_NOT && st.kind != 'd')
            continue;
        MEM_GROW(*out, *count, cap);
        (*out)[(*count)++] = (struct child){mem_str(name), st.kind == 'd', why};
    }
    root_list_end(d);
    if (*count)
        qsort(*out, *count, sizeof **out, by_name);
    return got;
}

static void tell(struct walk *w, const char *path, bool folder, enum share_skip why)
{
    w->enough = w->enough || !w->fn(w->ctx, path, folder, why);
}

static int walk(struct walk *w, const char *path, unsigned depth, struct err *e)
{
    struct child *children = NULL;
    size_t count = 0;
    int bad = list(w, path, &children, &count, e);

    for (size_t i = 0; i < count; i++) {
        struct child *c = &children[i];
        struct buf below = {0};
        struct err inner;

        buf_printf(&below, "%s%s%s", path, *path ? "/" : "", c->name);
        if (c->why == SKIP_NOT && (depth >= PATH_DEPTH_MAX || below.len > PATH_LEN_MAX))
            c->why = SKIP_SPECIAL;
        if (c->why != SKIP_NOT && !bad)
            tell(w, below.data, c->folder, c->why);
        else if (!bad && !w->enough && walk(w, below.data, depth + 1, &inner))
            tell(w, below.data, true, SKIP_UNREADABLE);
        buf_free(&below);
        mem_free(c->name);
    }
    mem_free(children);
    return bad;
}

int share_skipped(const char *folder, bool hidden, share_skipped_fn *fn, void *ctx, struct err *e)
{
    struct walk w = {.rules.hidden = hidden, .fn = fn, .ctx = ctx};
    struct root *root = root_open(folder, e);
    int bad;

    if (!root)
        return -e->code;
    w.root = root;
    w.rules.ignore = ignore_new();
    bad = root_stat_at(root, "", &w.rules.top, e);
    if (!bad)
        bad = walk(&w, "", 1, e);
    ignore_free(w.rules.ignore);
    root_close(root);
    return bad;
}
