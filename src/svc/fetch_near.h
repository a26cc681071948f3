/* Contents that this computer has already: in the shared folder, which the store knows by hash, and
 * in the download folder, where a file of the same size is a guess. Neither is believed: what was
 * copied is read where it was written, and its hash decides. For fetch*.c only, on the thread pool;
 * one thread at a time. */
#pragma once

#include "base/err.h"
#include "base/id.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fetch;
struct near;
struct root;

#define NEAR_NAMES_MAX 200000u /* of the download folder that are looked at */

struct near_place {
    const struct root *down;   /* the download folder */
    const char *but;           /* a folder in it that is not looked into, or NULL */
    const atomic_bool *stop;   /* outlives the near */
    _Atomic uint64_t *written; /* what was copied is added as it comes; likewise */
};
/* size: those of the wanted contents, which are put in order; only files of these sizes are
 * remembered, and with none the download folder is not looked at. Its root outlives the near. Never
 * NULL. */
struct near *near_new(const struct fetch *f, const struct near_place *place, uint64_t *size,
                      size_t count);
void near_free(struct near *n); /* NULL is fine; any thread */

struct near_want {
    struct hash hash;
    uint64_t size;    /* at least 1 */
    const char *name; /* a file of this name is tried first */
};
bool near_maybe(struct near *n, const struct near_want *w); /* it is worth a try */
bool near_empty(const struct near *n);                      /* nothing is */
void near_hold(struct near *n, bool yes); /* many such questions, between true and false */
/* Fill `to` with the content. 1: it is there and verified, *from says where it was found (absolute;
 * mem_free). 0: it is not here, or was to be stopped; `to` holds anything. Negative: `to` cannot be
 * written. */
int near_copy(struct near *n, const struct near_want *w, int to, char **from, struct err *e);
/* The same from a file that is known to have had it, below the download folder. */
int near_copy_file(struct near *n, const char *path, const struct near_want *w, int to,
                   struct err *e);
