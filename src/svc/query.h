/* What is asked in a search: from flags or a URL's query to core/search's struct, and back to a
 * URL. Pure; any thread.
 *
 * The parameters: q, type, ext, larger, smaller (10M, 1.5G), newer (7d, 36h: at most so old; or
 * @1767225600: changed since then, in seconds since 1970), peer (a name, or an id's first digits),
 * in (a folder's name), offset, limit. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "core/search.h"

#include <stdint.h>

#define QUERY_LIMIT 50 /* rows, when not told */

struct query {
    char text[QUERY_LEN_MAX + 1];
    char type[32], ext[NAME_LEN_MAX + 1]; /* empty: any */
    char peer[PEER_NAME_MAX + 1], in[NAME_LEN_MAX + 1];
    uint64_t larger, smaller; /* bytes; 0 and UINT64_MAX: no bound */
    uint64_t newer_s;         /* seconds before now; 0: no bound */
    int64_t newer_at_s;       /* since 1970; INT64_MIN: no bound. Of the two at most one is set */
    uint64_t offset, limit;   /* rows */
};

void query_init(struct query *q);
/* The nth parameter's name, from 0; NULL at the end. */
const char *query_name(size_t n);
/* Set one. -ERR_USAGE with a sentence that names it; q is as it was then. An empty value is as if
 * it was not given. */
int query_set(struct query *q, const char *name, const char *value, struct err *e);
/* All of what stands behind '?' in a URL. */
int query_parse(struct query *q, const char *args, struct err *e);
/* "/v1/search?q=..." with what is set, appended. */
void query_path(const struct query *q, struct buf *to);
/* Does anything but words narrow it? */
bool query_filters(const struct query *q);
/* As core/search wants it. The strings stay q's. peer is left NULL: who has that name, the desk
 * knows. now_s: since 1970. */
void query_search(const struct query *q, int64_t now_s, struct search_query *out);
