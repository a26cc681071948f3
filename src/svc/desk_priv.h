/* The inside of svc/desk:
 *   desk.c         the service: news in, beginning and ending to lead, status
 *   desk_pull.c    which member's rows are asked for when, and what came of it
 *   desk_rows.c    rows as they stream in -> the catalog, a few at a time
 *   desk_answer.c  questions -> JSON, on any thread
 *   desk_direct.c  who of a swarm asks whom
 *
 * The desk's thread is the only one that writes. It takes the lock exclusively to change the
 * catalog, the table of members or what an answer shows of one, and reads without it. Answering
 * threads take it shared. */
#pragma once

#include "base/limits.h"
#include "core/catalog.h"
#include "core/direct.h"
#include "io/http_client.h"
#include "svc/desk.h"
#include "svc/store.h"

#include <uthash.h>

#define DESK_PULLS_MAX 8 /* at once */

/* One answer to GET /v1/catalog while it streams in. */
struct desk_stream {
    struct buf in; /* bytes of the record that is not whole yet */
    bool headed;
    struct rows_head head; /* name is not kept */
    uint64_t last;         /* number of the last row */
    size_t rows;
    const char *fault; /* what was wrong; the rest is not looked at */
};

struct member {
    struct nid nid;
    UT_hash_handle hh;
    struct elect_peer peer; /* as announced last */
    bool self;
    char *name;            /* for answers: valid UTF-8; "" until its first rows came */
    uint64_t files, bytes; /* shared, it says */
    int64_t since_ms;      /* when it came in */

    uint64_t generation, number; /* its rows are here up to this change; 0.0: none */
    bool known;                  /* the last answer was not to be continued */
    struct desk *desk;
    struct http_call *call; /* pull under way */
    struct desk_stream stream;
    unsigned fails;   /* in a row */
    int64_t retry_ms; /* not before */
    uint64_t turn;    /* when it was last asked; the longest ago goes first */
};

struct desk {
    struct desk_conf conf;
    struct loop *loop;
    struct http_client *http;
    struct store_reader *own; /* NULL: no database (tests) */
    uv_timer_t retry;
    size_t pulls;
    uint64_t turns;
    bool own_posted; /* desk_own_pull is on its way */
    bool closing;

    uv_rwlock_t lock;
    struct catalog *catalog;
    struct member *members; /* hash table by nid; only while leading */
    bool leading;
    size_t (*heard)(void *ctx, struct elect_peer *out, size_t max); /* or NULL */
    void *heard_ctx;

    uv_mutex_t direct_lock; /* taken under the other */
    struct direct *direct;
};

/* ---- desk_pull.c; desk's thread ---- */

void desk_member_put(struct desk *d, const struct elect_peer *p, bool self);
void desk_member_remove(struct desk *d, const struct nid *nid);
void desk_members_clear(struct desk *d);
/* Does this member have rows that are not here yet? Any thread, under the lock. */
bool desk_behind(const struct member *m);
/* Start what pulls there is room for, and set the timer for the next. */
void desk_pull_all(struct desk *d);
/* Take over our own rows from the store. */
void desk_own_pull(void *arg);

/* ---- desk_rows.c; desk's thread ---- */

void desk_stream_begin(struct member *m);
/* Take bytes as they come, put whole rows into the catalog. false: malformed, m->stream.fault is
 * set. */
bool desk_stream_add(struct member *m, const void *data, size_t len);
/* The answer is over. whole: its end was seen. Says in the member, under the lock, up to which
 * number its rows are here now, and whether that is all of them. false: it was no good answer,
 * and stream.fault or the connection says why. */
bool desk_stream_end(struct member *m, bool whole);
/* Let what was put be seen, and dead rows give their memory back. */
void desk_settle(struct desk *d);

/* ---- desk_answer.c; any thread, under the lock ---- */

const struct member *desk_member(const struct desk *d, const struct nid *nid); /* NULL: none */
json_t *desk_holder_json(const struct desk *d, const struct nid *nid);         /* of a member */

/* ---- desk_direct.c; any thread ---- */

/* Add "place" and "order" to the answer about a content's holders, if the question says that its
 * asker fetches it. Under the lock. root and size: of the largest group of holders. */
void desk_direct(struct desk *d, json_t *answer, const char *args, const struct hash *hash,
                 const struct catalog_holder *found, size_t count, const struct hash *root,
                 uint64_t size);
void desk_direct_gone(struct desk *d, const struct nid *who); /* NULL: all of them */
