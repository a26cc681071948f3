/* Where a download goes: the name that its holders give it, made safe; the wish of -o; and which
 * name is free. */
#include "base/mem.h"
#include "core/path.h"
#include "svc/fetch_priv.h"

#include <string.h>

#define NUMBERS_MAX 999
#define PART_TAIL   ".iwant-part"

char *fetch_safe_name(const char *name, const struct hash *hash)
{
    size_t len = name ? strlen(name) : 0;
    char *safe;

    if (path_check_name(name ? name : "", len) != PATH_OK) {
        safe = mem_alloc(HASH_HEX_LEN + 1);
        hash_hex(hash, safe);
        return safe;
    }
    safe = mem_str(name);
    if (*safe == '.')
        *safe = '_'; /* never hidden */
    return safe;
}

static size_t dir_len(const char *path) /* with the slash */
{
    const char *slash = strrchr(path, '/');

    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Cut to at most max bytes, not within a UTF-8 character. */
static size_t cut(const char *text, size_t len, size_t max)
{
    if (len <= max)
        return len;
    while (max && ((unsigned char)text[max] & 0xc0) == 0x80)
        max--;
    return max;
}

char *fetch_numbered(const char *path, unsigned n, bool folder)
{
    size_t dir = dir_len(path);
    const char *name = path + dir, *dot = folder ? NULL : strrchr(name, '.');
    size_t stem = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    size_t ext = strlen(name + stem);
    struct buf b = {0};

    if (n < 2)
        return mem_str(path);
    if (ext > 32) { /* no extension, a name with a dot in it */
        stem += ext;
        ext = 0;
    }
    buf_add(&b, path, dir);
    buf_add(&b, name, cut(name, stem, NAME_LEN_MAX - ext - 8));
    buf_printf(&b, " (%u)", n);
    buf_add(&b, name + strlen(name) - ext, ext);
    return buf_take(&b, NULL);
}

char *fetch_part_name(const char *target, const struct hash *hash, bool longer)
{
    size_t dir = dir_len(target), len = strlen(target + dir);
    char hex[HASH_HEX_LEN + 1];
    struct buf b = {0};

    hash_hex(hash, hex);
    buf_add(&b, target, dir);
    if (len + strlen(PART_TAIL) + 1 + (longer ? 9 : 0) > NAME_LEN_MAX)
        buf_printf(&b, ".%.16s" PART_TAIL, hex);
    else if (longer)
        buf_printf(&b, ".%s-%.8s" PART_TAIL, target + dir, hex);
    else
        buf_printf(&b, ".%s" PART_TAIL, target + dir);
    return buf_take(&b, NULL);
}

int fetch_check_want(const char *want, struct err *e)
{
    size_t len = strlen(want);
    char shown[256];
    enum path_fault fault;

    while (len > 1 && want[len - 1] == '/')
        len--;
    fault = path_check(want, len);
    if (fault == PATH_OK)
        return 0;
    return err_set(e, ERR_USAGE, "cannot download to %s: %s",
                   show_to(shown, sizeof shown, want, strlen(want)), path_fault_text(fault));
}

char *fetch_target(const struct job *j)
{
    size_t len = j->want ? strlen(j->want) : 0;
    bool folder = len && j->want[len - 1] == '/';
    struct root_stat st;
    struct buf b = {0};
    struct err e;

    if (j->target) /* chosen in an earlier run; maybe it is there already */
        return mem_str(j->target);
    if (!len)
        return mem_str(j->name);
    while (len && j->want[len - 1] == '/')
        len--;
    buf_add(&b, j->want, len);
    if (!folder && !root_stat_at(j->folder->root, buf_cstr(&b), &st, &e))
        folder = st.kind == 'd';
    if (folder)
        buf_printf(&b, "/%s", j->name);
    return buf_take(&b, NULL);
}

/* ---- a free name for a file, on the pool ---- */

struct place {
    struct work work;
    struct job *job;
    const struct root *root;
    struct hash hash;
    uint64_t size;
    char *wish, *target;
    bool overwrite, rename, replace, skipped;
    struct err err;
};

/* true: p->target is settled (or p->err set). */
static bool try_name(struct place *p, unsigned n)
{
    struct root_stat st;
    char shown[256];

    p->target = fetch_numbered(p->wish, n, false);
    if (root_stat_at(p->root, p->target, &st, &p->err)) {
        if (p->err.code == ERR_NOT_FOUND)
            p->err.code = 0;
        return true;
    }
    if (!p->rename && (st.kind == 'f' || st.kind == 'x') && st.size == p->size &&
        fetch_equal_file(p->root, p->target, p->size, &p->hash, &p->work.f->stopping)) {
        p->skipped = true;
        return true;
    }
    if (p->overwrite) {
        p->replace = st.kind == 'f' || st.kind == 'x';
        if (!p->replace)
            err_set(&p->err, ERR_EXISTS, "cannot overwrite %s: not a file",
                    show_to(shown, sizeof shown, p->target, strlen(p->target)));
        return true;
    }
    mem_free(p->target);
    p->target = NULL;
    return false;
}

static void place_run(struct work *w)
{
    struct place *p = (struct place *)w;
    char shown[256];

    for (unsigned n = 1; n <= NUMBERS_MAX; n++) {
        if (try_name(p, n))
            return;
    }
    err_set(&p->err, ERR_EXISTS, "cannot download to %s: it is there, and so are all numbered ones",
            show_to(shown, sizeof shown, p->wish, strlen(p->wish)));
}

static void place_done(struct work *w)
{
    struct place *p = (struct place *)w;
    struct job *j = p->job;

    j->works--;
    if (j->gone || j->phase != PHASE_PLACE) {
        mem_free(p->target);
        if (j->gone && !j->works)
            job_free(j);
    } else if (j->recalled && !p->skipped) {
        mem_free(p->target);
        job_not_there(j);
    } else {
        job_placed(j, p->target, p->replace, p->skipped, p->err.code ? &p->err : NULL);
    }
    mem_free(p->wish);
    mem_free(p);
}

void fetch_place_file(struct job *j)
{
    struct place *p = mem_zero(1, sizeof *p);

    p->job = j;
    p->root = j->folder->root;
    p->hash = j->hash;
    p->size = j->size;
    p->wish = fetch_target(j);
    p->overwrite = j->overwrite;
    p->rename = j->rename && !j->target; /* what an earlier run placed is no reason for another */
    j->works++;
    fetch_work(j->f, &p->work, place_run, place_done);
}
