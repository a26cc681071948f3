/* Catalog rows of any bytes: what passes is in bounds, and comes back when it is written again. */
#include "base/limits.h"
#include "core/path.h"
#include "core/rows.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_row(const struct row *row)
{
    struct buf b = {0};
    struct row again;
    struct rd r;

    assert(row->path_len <= PATH_LEN_MAX);
    assert(!row->path_len || path_check(row->path, row->path_len) == PATH_OK);
    rows_put(&b, row);
    r = rd_over(b.data, b.len);
    assert(rows_get(&r, &again) && rd_done(&r));
    assert(again.kind == row->kind && again.number == row->number && again.size == row->size);
    assert(again.mtime_s == row->mtime_s && hash_eq(&again.hash, &row->hash));
    assert(hash_eq(&again.root, &row->root) && again.path_len == row->path_len);
    assert(!row->path_len || !memcmp(again.path, row->path, row->path_len));
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd r = rd_over(data, size);
    struct rows_head head;
    struct row row;

    if (!rows_get_head(&r, &head)) {
        r = rd_over(data, size); /* rows alone are as good */
    } else {
        struct buf b = {0};
        struct rows_head again;
        struct rd copy;

        rows_put_head(&b, &head);
        copy = rd_over(b.data, b.len);
        assert(rows_get_head(&copy, &again) && rd_done(&copy));
        assert(again.generation == head.generation && again.number == head.number);
        assert(again.more == head.more && again.reset == head.reset);
        assert(again.name_len == head.name_len && head.name_len <= PEER_NAME_MAX);
        buf_free(&b);
    }
    while (rows_get(&r, &row))
        check_row(&row);
    assert(r.bad);
    return 0;
}
