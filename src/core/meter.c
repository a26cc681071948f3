#include "core/meter.h"

#include <string.h>

/* Move on to now; slots that were passed over are empty. */
static void turn(struct meter *m, int64_t now_ms)
{
    int64_t now = now_ms / METER_SLOT_MS;

    if (now - m->last >= METER_SLOTS) {
        memset(m->slot, 0, sizeof m->slot);
        m->last = now;
        m->first_ms = 0;
    }
    while (m->last < now)
        m->slot[++m->last % METER_SLOTS] = 0;
}

void meter_add(struct meter *m, int64_t now_ms, uint64_t bytes)
{
    turn(m, now_ms);
    if (!m->first_ms)
        m->first_ms = now_ms;
    m->slot[m->last % METER_SLOTS] += bytes;
    m->total += bytes;
}

uint64_t meter_rate(struct meter *m, int64_t now_ms)
{
    uint64_t sum = 0;
    int64_t span;

    turn(m, now_ms);
    for (unsigned i = 0; i < METER_SLOTS; i++)
        sum += m->slot[i];
    span = now_ms - (m->last - METER_SLOTS + 1) * METER_SLOT_MS;
    if (m->first_ms && now_ms - m->first_ms < span)
        span = now_ms - m->first_ms;
    if (span < METER_SLOT_MS)
        span = METER_SLOT_MS; /* just begun */
    return sum * 1000 / (uint64_t)span;
}
