/* Questions to the leader, whoever that is: the own desk when this peer leads, else HTTPS. When it
 * has not answered after a moment (60 to 100 ms) those who stand by for it are asked too, one after
 * the other (later where only the leader can tell whom a fetcher asks); the first good answer
 * counts. While there is no leader, or nobody answers, the
 * question is asked again (at once when a leader appears) until its time is over. Any thread. */
#pragma once

#include "base/err.h"
#include "core/elect.h"
#include "svc/desk.h"

#include <jansson.h>

struct ask;

struct ask *ask_new(const struct ident *ident, struct desk *desk);
/* Who leads now; NULL: nobody. */
void ask_leader(struct ask *a, const struct elect_peer *leader, bool self);

/* Who stands by, as the news of the election say it (ELECT_STANDBY). */
void ask_standbys(struct ask *a, const uint8_t id[ELECT_STANDBYS][8]);

/* Ask path_and_query (see desk.h). done is called exactly once on desk's loop: status as
 * desk_answer's and its JSON (borrowed), or status 0 with e set (-ERR_NO_PEER or -ERR_TIMEOUT) and
 * json NULL. from: who answered (its addr and pub; self when we did). */
struct ask_reply {
    unsigned status;
    json_t *json;
    bool self;
    struct elect_peer from;
    struct err err;
};
void ask_start(struct ask *a, const char *path_and_query, unsigned timeout_ms,
               void (*done)(void *ctx, const struct ask_reply *r), void *ctx);
/* When we lead: the answer at once, on this thread, whatever keeps the desk's busy (a long list
 * that comes in). false: somebody else is to be asked, with ask_start. r->json is the caller's. */
bool ask_own_desk(struct ask *a, const char *path_and_query, struct ask_reply *r);
/* From within done: keep the JSON beyond it. The caller's (json_decref), NULL when taken before or
 * when there is none. Better than json_incref: the reference count is not shared between threads.
 */
json_t *ask_take(const struct ask_reply *r);
/* As ask_start, waiting. Not from a loop's thread. *json is the caller's (json_decref), also of a
 * status that is not 200. 0 or negative. */
int ask_wait(struct ask *a, const char *path_and_query, unsigned timeout_ms, unsigned *status,
             json_t **json, struct err *e);
void ask_free(struct ask *a); /* pending questions end with -ERR_NO_PEER */
