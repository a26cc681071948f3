/* Who fetched what from here, and what was fetched here: a line of JSON for each in HOME/transfers,
 * for `iwanto log` (iwanto(1) has the fields). A transfer comes in many requests: they are summed
 * up by peer and content, and written down when all of it has gone, or nothing more for a while.
 * Any thread may call; a thread of its own, begun with the first, writes. */
#pragma once

#include "base/id.h"

#include <jansson.h>

#define JOURNAL_FILE    "transfers"
#define JOURNAL_REST_MS 10000

struct journal;

struct journal_conf {
    const char *home;
    /* Who is called how: {"peers":[{"peer","name"}...]}, the caller's, or NULL; may wait a moment.
     * Called on journal's thread. NULL: nobody knows. */
    json_t *(*peers)(void *ctx);
    void *ctx;
    int64_t rest_ms; /* 0: JOURNAL_REST_MS */
};
struct journal *journal_new(const struct journal_conf *conf);

/* Bytes of a content that went to somebody. */
struct journal_sent {
    const struct nid *peer;  /* NULL: a program without iwant, by a plain link */
    const struct addr *addr; /* its */
    const struct hash *hash;
    const char *path; /* relative to the shared folder; NULL: not known */
    uint64_t size, bytes;
    bool small; /* one of many: summed up by the first folder of its path */
};
void journal_sent(struct journal *j, const struct journal_sent *s);
/* The last event of a download (fetch.h); with "gave", names of whom it came from. One
 * that failed before anything came is not worth a line. */
void journal_fetched(struct journal *j, const json_t *event);

/* peers is not asked any more; what is still open is written. */
void journal_stop(struct journal *j);
void journal_free(struct journal *j);
