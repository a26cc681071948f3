/* A member's answers to the desk, of any bytes, in pieces of any size: the catalog stays whole, and
 * only ever holds what was said. The input: pieces, each a length byte and so many bytes; a length
 * of 0 ends an answer and begins the next. */
#include "base/mem.h"
#include "svc/desk_priv.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void end_answer(struct member *m, bool whole)
{
    uint64_t before = m->number;
    bool reset = m->stream.headed && m->stream.head.reset;

    desk_stream_end(m, whole);
    /* Lower only where all rows are to be looked at again. */
    assert(reset || m->number >= before || m->number == m->stream.head.number ||
           m->number == m->match_number || !m->number);
    assert((m->match == MATCH_BUCKETS) || !m->stale);
    catalog_check(m->desk->catalog);
    desk_stream_begin(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct desk d = {0};
    struct member m = {.nid = {{1}}, .desk = &d};
    struct rd r = rd_over(data, size);
    const void *piece;
    uint8_t len;

    uv_rwlock_init(&d.lock);
    d.catalog = catalog_new(1);
    while (rd_left(&r)) {
        len = rd_u8(&r);
        if (!len) {
            end_answer(&m, true);
        } else if ((piece = rd_bytes(&r, len)) && !m.stream.fault) {
            desk_stream_add(&m, piece, len);
        }
    }
    end_answer(&m, false);
    desk_match_forget(&m);
    catalog_free(d.catalog);
    mem_free(m.name);
    uv_rwlock_destroy(&d.lock);
    return 0;
}
