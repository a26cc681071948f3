/* A leader's list of members, of any bytes: what passes comes back when it is written again. */
#include "core/roster.h"
#include "core/seal.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd r = rd_over(data, size);
    struct roster_head head;
    struct roster_entry e;

    if (!roster_get_head(&r, &head))
        r = rd_over(data, size);
    while (rd_left(&r) && roster_get(&r, &e)) {
        struct buf b = {0};
        struct roster_entry again;
        struct rd copy;

        roster_put(&b, &e);
        copy = rd_over(b.data, b.len);
        assert(roster_get(&copy, &again) && rd_done(&copy));
        assert(nid_eq(&again.nid, &e.nid) && addr_eq(&again.addr, &e.addr));
        assert(again.gone == e.gone && again.leader == e.leader && again.number == e.number);
        buf_free(&b);
    }
    return 0;
}
