/* Is the first row of a search clearly what was meant, so that it may be taken without asking? The
 * rule is in iwanto(1), `get`; how often it picks wrong in doc/BENCHMARKS.md. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define CLEAR_SCORE  0.70 /* at least; 1 is a name that has every word, in order, and none more */
#define CLEAR_FOLDER 0.90 /* the same for a folder: it may be everything that somebody has */
#define CLEAR_AHEAD  0.10 /* of the next one */

struct clear_row {
    double score;     /* as core/search gives it */
    const char *path; /* relative to the shared folder; need not end with NUL */
    size_t path_len;
    bool folder;
};

enum clear {
    CLEAR_YES,
    CLEAR_NOTHING, /* there is no row */
    CLEAR_WEAK,    /* not alike enough */
    CLEAR_CLOSE,   /* another one is about as good: *rival */
};

/* rows: best first. What lies in the first row, a folder, is no rival of it. rival (may be NULL)
 * is set to the place of the best that is, or count. */
enum clear clear_of(const struct clear_row *rows, size_t count, size_t *rival);
