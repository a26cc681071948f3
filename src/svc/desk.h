/* The desk: the catalog of all peers while this one leads. Pulls every member's changes (GET
 * /v1/catalog?since=...), its own straight from the store, and answers questions. Owns a loop
 * (thread "desk"); the catalog has a reader-writer lock.
 *
 * Questions are paths with a query, as they travel, and answers are JSON; doc/PROTOCOL.md,
 * "Questions to the leader", has every field:
 *
 *   /v1/search?q=..&type=..   {"rows":[..],"about","corrected","nearest"}
 *   /v1/holders/HASH          {"hash","kind","size","modified","name","contents":[..]}
 *   /v1/resolve/PREFIX        {"hash"} | 404 none | 409 ambiguous
 *   /v1/peers                 {"peers":[..]}
 *
 * Names in answers are foreign text as it is, but always valid UTF-8 (bytes that are not are shown
 * as \xNN). */
#pragma once

#include "base/err.h"
#include "core/elect.h"
#include "io/loop.h"
#include "svc/ident.h"

#include <jansson.h>

struct desk;

struct desk_conf {
    const struct ident *ident;
    const char *db_path; /* NULL: nothing of our own (tests) */
};

struct desk *desk_new(const struct desk_conf *conf, struct err *e);
struct loop *desk_loop(struct desk *d);
/* Who tells who was heard when, for /v1/peers, as lan_peers does; called on the threads that ask,
 * until desk_free. Any thread. Without it the times of the last news are told. */
void desk_heard(struct desk *d, size_t (*heard)(void *ctx, struct elect_peer *out, size_t max),
                void *ctx);
/* News of the election: begin to lead, stop, members up, changed, down. Any thread; copied. */
void desk_news(struct desk *d, const struct elect_news *news);
/* Our own rows changed. Any thread. */
void desk_own(struct desk *d, uint64_t generation, uint64_t number);
/* Answer a question; *status is an HTTP status (200, 400, 404, 409, 503 when not leading). The
 * caller owns the JSON; for errors it is {"error":"a sentence"}. Any thread. Never blocks on the
 * network. */
json_t *desk_answer(struct desk *d, const char *path_and_query, unsigned *status);
struct desk_status {
    bool leading;
    size_t peers, files, folders, pulling; /* pulling: members whose rows are not all here yet */
    size_t bytes;                          /* of memory in the catalog */
};
void desk_status(struct desk *d, struct desk_status *out); /* any thread */
void desk_free(struct desk *d);
