/* A list of sums (core/sums) as a file or standard input holds it, and what became of each entry.
 */
#pragma once

#include "base/err.h"
#include "base/id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sums_state {
    SUMS_MISSING, /* nobody has it, as far as is known */
    SUMS_HERE,    /* it lies in the download folder, with this content */
    SUMS_THERE,   /* somebody has it */
    SUMS_QUEUED,
    SUMS_FETCHED,
    SUMS_FAILED,
};

struct sums_entry {
    char hex[HASH_HEX_LEN + 1];
    char *name;    /* "" when the list has none */
    uint64_t size; /* when somebody has it */
    enum sums_state state;
};

struct sums_list {
    const char *file; /* as it was named; "-" is standard input */
    struct sums_entry *entry;
    size_t count, cap;
    size_t refused, unknown, other; /* lines: names that may not be used, and no sums of ours */
};

/* Read it all. Each name that is refused is told on stderr, with its line. The same sum and name
 * twice is one entry. -ERR_IO, or -ERR_USAGE: it is not there, has no SHA-256 sum, or is too
 * long. */
int sums_list_read(struct sums_list *l, const char *file, struct err *e);
void sums_list_free(struct sums_list *l);
