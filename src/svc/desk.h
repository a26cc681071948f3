/* The desk: the catalog of all peers while this one leads, or stands by for the leader. Pulls every
 * member's changes (GET /v1/catalog?since=...), its own straight from the store, and answers
 * questions. A stand-by learns who is there from the leader (GET /v1/desk?since=...), and answers
 * when its copy was whole once. Owns a loop (thread "desk"); the catalog has a reader-writer lock.
 *
 * Questions are paths with a query, as they travel, and answers are JSON; doc/PROTOCOL.md,
 * "Questions to the leader", has every field:
 *
 *   /v1/search?q=..&type=..   {"rows":[..],"about","corrected","nearest"}
 *   /v1/holders/HASH          {"hash","kind","size","modified","name","contents":[..]}
 *   /v1/resolve/PREFIX        {"hash"} | 404 none | 409 ambiguous
 *   /v1/known?HASHHASH...     {"rows":[["f",SIZE,HOLDERS]|null,..]}, one for each
 *   /v1/version               {"rows"}: another when anything is new | nor has a stand-by
 *   /v1/peers                 {"peers":[..]} | a stand-by has no answer to this one
 *   /v1/standbys              {"standbys":[..]} | nor to this
 *
 * Those of 200 also have "term", "version" and "lag_ms": whose word it is, and for how long rows
 * have been awaited that it does not have.
 *
 * Names in answers are foreign text as it is, but always valid UTF-8 (bytes that are not are shown
 * as \xNN). */
#pragma once

#include "base/buf.h"
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
/* Whether we stand by with a current copy: said on desk's thread, each time that it changes; not
 * said when we cease to stand by, or the leader is another one. */
void desk_on_warm(struct desk *d, void (*warm)(void *ctx, bool warm), void *ctx);
/* News of the election: begin to lead, stop, members up, changed, down. Any thread; copied. */
void desk_news(struct desk *d, const struct elect_news *news);
/* Our own rows changed. Any thread. */
void desk_own(struct desk *d, uint64_t generation, uint64_t number);
/* Answer a question; *status is an HTTP status (200, 400, 404, 409, 503 when not leading). The
 * caller owns the JSON; for errors it is {"error":"a sentence"}. Any thread. Never blocks on the
 * network. */
json_t *desk_answer(struct desk *d, const char *path_and_query, unsigned *status);
/* The leader's roster (core/roster) for the stand-by who, of what came after version of epoch,
 * appended to b. 0; or an HTTP status: 503 we do not lead, 403 who does not stand by for us; or,
 * with w, 1: there is nothing new, and w->wake(w->ctx) is called once there is, on any thread. w is
 * the caller's, and in use until it was woken or desk_unwait was called. Any thread. */
struct desk_waiter {
    void (*wake)(void *ctx);
    void *ctx;
    bool waits;                      /* the desk's */
    struct desk_waiter *prev, *next; /* the desk's */
};
int desk_roster(struct desk *d, const struct nid *who, uint64_t epoch, uint64_t version,
                struct buf *b, struct desk_waiter *w);
void desk_unwait(struct desk *d, struct desk_waiter *w);

struct desk_status {
    bool leading;
    bool standby, warm;                    /* stands by; with a copy that was whole once */
    size_t peers, files, folders, pulling; /* pulling: members whose rows are not all here yet */
    size_t bytes, hash_bytes; /* of memory in the catalog; of them, for content hashes */
    uint64_t pulls, pulled_rows, pulled_bytes; /* asked of others since the start, and what came */
};
void desk_status(struct desk *d, struct desk_status *out); /* any thread */
void desk_free(struct desk *d);
