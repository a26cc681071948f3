/* Several questions to peers at once, waited for: for errands that have a thread to wait on. One
 * gatherer keeps its connections between its questions. It belongs to one thread, not a loop's. */
#pragma once

#include "base/buf.h"
#include "io/http_client.h"

#include <stdatomic.h>

struct gatherer;

struct gather {
    const char *method; /* NULL: GET */
    struct addr addr;
    uint8_t pin[32];
    char *path; /* the caller's, borrowed */
    uint64_t max;
    uint64_t first, len; /* len not 0: only this range, and all of it */
    /* the answer */
    long status; /* 0: none */
    bool refused;
    struct buf body; /* the caller's (buf_free) */
    char why[256];   /* when status is 0 */
};

struct gatherer *gatherer_new(const struct http_identity *id);
/* Ask all, at most GATHER_MAX at a time, until all have answered, ms are over or *stop is true. */
#define GATHER_MAX 8
void gather_all(struct gatherer *g, struct gather *ask, size_t count, unsigned ms,
                const atomic_bool *stop);
void gatherer_free(struct gatherer *g); /* NULL is fine */
