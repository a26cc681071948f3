#include "core/diff.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *left, const void *right)
{
    const struct diff_child *a = left, *b = right;
    size_t len = a->len < b->len ? a->len : b->len;
    int order = len ? memcmp(a->name, b->name, len) : 0;

    return order ? order : (a->len > b->len) - (a->len < b->len);
}

enum diff_what diff_one(const struct diff_child *known, const struct diff_child *found)
{
    assert(known || found);
    if (!known)
        return DIFF_NEW;
    if (!found)
        return DIFF_GONE;
    if (known->kind != found->kind || known->ino != found->ino)
        return DIFF_CHANGED;
    if (known->kind == 'd')
        return DIFF_SAME;
    return known->size == found->size && known->mtime_ns == found->mtime_ns &&
                   known->ctime_ns == found->ctime_ns
               ? DIFF_SAME
               : DIFF_CHANGED;
}

void diff_children(const struct diff_child *known, size_t known_count, struct diff_child *found,
                   size_t found_count, diff_fn *fn, void *ctx)
{
    size_t k = 0, f = 0;

    if (found_count)
        qsort(found, found_count, sizeof *found, compare);
    while (k < known_count || f < found_count) {
        int order = k == known_count ? 1 : f == found_count ? -1 : compare(&known[k], &found[f]);
        const struct diff_child *was = order <= 0 ? &known[k++] : NULL;
        const struct diff_child *is = order >= 0 ? &found[f++] : NULL;

        fn(ctx, diff_one(was, is), was, is);
    }
}
