/* Hashing a folder without an index: depth first, one manifest at a time. */
#include "base/mem.h"
#include "core/path.h"
#include "svc/hash_file.h"
#include "svc/share_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define READ_BYTES (256u << 10)

struct tree {
    const struct root *root;
    struct share_rules rules;
    char *buffer;
};

struct child {
    char *name;
    char kind;
};

static int fail(struct err *e, int code, const char *path, const char *why)
{
    char name[300];

    return err_set(e, (enum err_code)code, "cannot hash %s: %s",
                   show_to(name, sizeof name, path, strlen(path)), why);
}

static int hash_one(const struct tree *t, const char *path, struct content_entry *out,
                    struct err *e)
{
    struct hash_file h;
    struct hash root;
    enum hash_end end;
    int bad = hash_file_open(&h, t->root, path, e);

    if (bad)
        return bad;
    end = hash_file_read(&h, t->buffer, READ_BYTES, UINT64_MAX, &out->hash, &root, e);
    out->kind = h.st.kind;
    out->size = h.st.size;
    hash_file_close(&h);
    if (end == HASH_FAILED)
        return fail(e, ERR_IO, path, strerror(e->sys));
    return end == HASH_DONE ? 0 : fail(e, ERR_IO, path, "it changed meanwhile");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct child *)a)->name, ((const struct child *)b)->name); /* by bytes */
}

/* The children that are shared, in order. */
static int list(struct tree *t, const char *path, struct child **out, size_t *count, struct err *e)
{
    struct root_dir *d = root_list(t->root, path, e);
    struct root_stat st;
    const char *name;
    size_t cap = 0;
    int got = -ERR_IO;

    share_read_ignore(&t->rules, t->root, path);
    while (d && (got = root_list_next(d, &name, &st, e)) == 1) {
        if (share_rule(&t->rules, path, name, &st) != SKIP_NOT)
            continue;
        MEM_GROW(*out, *count, cap);
        (*out)[(*count)++] = (struct child){mem_str(name), st.kind};
    }
    root_list_end(d);
    if (*count)
        qsort(*out, *count, sizeof **out, by_name);
    return got;
}

static int hash_folder(struct tree *t, const char *path, unsigned depth, struct content_entry *out,
                       struct err *e)
{
    struct child *children = NULL;
    struct buf manifest = {0};
    size_t count = 0;
    int bad = list(t, path, &children, &count, e);

    if (!bad && depth > PATH_DEPTH_MAX)
        bad = fail(e, ERR_USAGE, path, "too many folders in one another");
    out->size = 0;
    for (size_t i = 0; i < count && !bad; i++) {
        struct content_entry line = {.kind = 'd', .name_len = strlen(children[i].name)};
        struct buf below = {0};

        memcpy(line.name, children[i].name, line.name_len);
        if (*path)
            buf_printf(&below, "%s/", path);
        buf_str(&below, children[i].name);
        if (children[i].kind == 'd')
            bad = hash_folder(t, below.data, depth + 1, &line, e);
        else
            bad = hash_one(t, below.data, &line, e);
        buf_free(&below);
        out->size += line.size;
        content_manifest_add(&manifest, &line);
    }
    if (!bad && manifest.len > MANIFEST_BYTES_MAX)
        bad = fail(e, ERR_USAGE, path, "too many files for one folder");
    content_hash(&out->hash, manifest.data, manifest.len);
    out->kind = 'd';
    for (size_t i = 0; i < count; i++)
        mem_free(children[i].name);
    mem_free(children);
    buf_free(&manifest);
    return bad;
}

int hash_path(const char *path, bool hidden, struct hash *out, char *kind, uint64_t *size,
              struct err *e)
{
    char *real = realpath(path, NULL), *slash;
    struct content_entry entry = {0};
    struct tree t = {.rules.hidden = hidden};
    struct root *root;
    int bad;

    if (!real)
        return fail(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, path, strerror(errno));
    root = root_open(real, e);
    if (!root && e->sys == ENOTDIR) { /* a file: held by its folder */
        slash = strrchr(real, '/');
        *slash = '\0';
        root = root_open(slash == real ? "/" : real, e);
        t.root = root;
        t.buffer = mem_alloc(READ_BYTES);
        bad = root ? hash_one(&t, slash + 1, &entry, e) : -e->code;
    } else if (root && !root_stat_at(root, "", &t.rules.top, e)) {
        t.root = root;
        t.buffer = mem_alloc(READ_BYTES);
        t.rules.ignore = ignore_new();
        bad = hash_folder(&t, "", 0, &entry, e);
    } else {
        bad = -e->code;
    }
    if (!bad) {
        *out = entry.hash;
        *kind = entry.kind;
        *size = entry.size;
    }
    ignore_free(t.rules.ignore);
    mem_free(t.buffer);
    root_close(root);
    free(real);
    return bad;
}
