/* What `iwanto watch` shows, as lines of text. One thread. */
#pragma once

#include "iwanto/out.h"

#include <stddef.h>

struct watch_facts {
    const json_t *status, *peers, *downloads; /* the service's answers; NULL: it does not answer */
    const char *why;                          /* then: why not */
    const char *log;                          /* the end of its log, whole lines */
};

struct watch_view {
    char **line;
    bool *strong; /* a heading */
    size_t lines, cap, strong_cap;
    size_t rows_hidden; /* by the place there is */
};

/* At most rows lines of at most columns; from: so many rows of peers and downloads are left out at
 * their tops. v is zeroed by the caller, and to be watch_view_done. */
void watch_view(struct watch_view *v, const struct watch_facts *f, unsigned rows, unsigned columns,
                size_t from);
void watch_view_done(struct watch_view *v);
