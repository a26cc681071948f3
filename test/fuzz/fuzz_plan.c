/* Bytes as events into the download scheduler, its invariants checked after each step. */
#include "base/bits.h"
#include "core/plan.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plan_conf conf = {.piece_bytes = 1000};
    struct plan_out out;
    struct plan *p;
    struct bits has;
    uint32_t order[PLAN_ORDER_MAX + 1];
    int64_t now = 0;

    if (size < 2)
        return 0;
    conf.pieces = 1u + data[0] % 80;
    conf.sequential = data[1] & 1;
    bits_init(&has, conf.pieces);
    p = plan_new(&conf, NULL, data[1]);
    for (size_t i = 2; i + 3 < size && i < 8000; i += 4) {
        struct plan_in in = {.event = data[i] % (PLAN_TICK + 1), /* the last of them */
                             .source = data[i + 1] % 12,
                             .request = data[i + 1],
                             .piece = data[i + 2],
                             .count = data[i + 3] % (PLAN_ORDER_MAX + 2),
                             .order = order,
                             .bytes = (uint64_t)data[i + 2] << data[i + 3] % 24};

        for (uint32_t k = 0; k < PLAN_ORDER_MAX + 1; k++)
            order[k] = (data[i + 1] >> k) % 12;
        now += (int64_t)data[i + 3] * data[i + 3] / 8;
        in.now_ms = now;
        bits_set(&has, data[i + 2] % conf.pieces);
        if (data[i] & 0x40)
            in.has = &has;
        plan_step(p, &in, &out);
        plan_check(p);
    }
    bits_done(&has);
    plan_free(p);
    return 0;
}
