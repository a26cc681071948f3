/* Search over the catalog: words of the query, forgiven for typing errors, order, case, accents and
 * separators; ranked; one row per content. doc/SEARCH.md tells how. Pure; the caller holds the
 * catalog shared for the call. */
#pragma once

#include "base/limits.h"
#include "core/catalog.h"

struct search_query {
    const char *text; /* any bytes; "-word" excludes, "\"exact phrase\"" must appear */
    size_t len;       /* over QUERY_LEN_MAX: cut */
    const char *type; /* NULL or file dir video audio image document archive ... (core/types.h) */
    const char *ext;  /* NULL or extension without the dot */
    uint64_t larger, smaller; /* bytes; 0 and UINT64_MAX: no bound */
    int64_t newer_s;          /* modified at or after; INT64_MIN: no bound */
    const struct nid *peer;   /* NULL or only this holder */
    const char
        *in; /* NULL or a folder name that must be one of the folders above, folded like words */
    size_t offset, limit; /* limit at most SEARCH_ROWS_MAX */
};

struct search_row {
    struct hash hash, root;
    enum row_kind kind;
    uint64_t size;
    int64_t mtime_s;
    const char *path; /* best path; the result's */
    size_t path_len;
    double score;       /* 0..1 */
    size_t other_names; /* of the same content, on whatever peer; 0: all bear the path's name */
    size_t holders;     /* whole holders in all; up to HOLDERS_MAX of them in holder */
    struct nid holder[HOLDERS_MAX];
};

struct search_result {
    struct search_row *row; /* owned by the result */
    char *paths;            /* of all rows */
    size_t rows;
    size_t about; /* contents that match, about */
    char corrected[QUERY_LEN_MAX +
                   1]; /* the query as understood when words were corrected, else "" */
    char nearest[QUERY_LEN_MAX + 1]; /* nothing found: nearest words of the catalog, or "" */
};

void search_run(const struct catalog *c, const struct search_query *q, struct search_result *out);
void search_done(struct search_result *r);
