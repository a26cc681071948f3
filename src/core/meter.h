/* A rate over the last few seconds: bytes go in with the time, bytes a second come out. Pure; one
 * owner. */
#pragma once

#include <stdint.h>

#define METER_SLOT_MS 250
#define METER_SLOTS   12 /* 3 s */

struct meter { /* zero-initialise */
    uint64_t slot[METER_SLOTS];
    int64_t first_ms; /* something was added first; 0: nothing was */
    int64_t last;     /* number of the newest slot */
    uint64_t total;
};

void meter_add(struct meter *m, int64_t now_ms, uint64_t bytes);
uint64_t meter_rate(struct meter *m, int64_t now_ms); /* bytes/s */
