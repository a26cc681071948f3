/* The inside of svc/desk:
 *   desk.c         the service: news in, to lead, to stand by or neither, status
 *   desk_member.c  the table of members, and of those that are gone and may come back
 *   desk_pull.c    which member's rows are asked for when, and what came of it
 *   desk_rows.c    rows as they stream in -> the catalog, a few at a time
 *   desk_match.c   a copy that can't be continued: which rows differ
 *   desk_roster.c  leading: who is there and how far, for those who stand by
 *   desk_follow.c  standing by: the leader's roster -> the table of members
 *   desk_answer.c  questions -> JSON, on any thread
 *   desk_known.c   the questions for many hashes, and whether anything is new
 *   desk_direct.c  who of a swarm asks whom
 *
 * The desk's thread is the only one that writes. It takes the lock exclusively to change the
 * catalog, the table of members or what an answer shows of one, and reads without it. Answering
 * threads take it shared. */
#pragma once

#include "base/limits.h"
#include "core/catalog.h"
#include "core/direct.h"
#include "core/roster.h"
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
    uint64_t generation;   /* that we asked to continue */
    uint64_t base;         /* rows have to lie above this number */
    uint64_t last;         /* number of the last row */
    bool matched;          /* the buckets that differ are known */
    size_t rows, bytes;
    const char *fault; /* what was wrong; the rest is not looked at */
};

/* How a copy that can't be continued, or is not what it should be, is mended. */
enum desk_match {
    MATCH_NONE,    /* ask for what is new; tell our digest, in case that it can't be continued */
    MATCH_BUCKETS, /* ask for the buckets that differ */
    MATCH_ALL,     /* ask for everything */
};

struct desk_stale; /* desk_match.c */

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

    enum desk_match match;
    struct digest_mask differ;
    struct desk_stale *stale; /* our paths in those buckets that did not come yet */
    uint64_t match_generation, match_number, match_at; /* of the answer that told the buckets; how
                                                          far theirs have come */
    bool partial;      /* rows were over a cap and left out: digests say nothing */
    unsigned cut_told; /* enum catalog_cut_why, and files left out: as the log told it */
    uint64_t unlisted_told;
    unsigned rounds;   /* of buckets, since its rows were all here */
    unsigned mistakes; /* in a row: all was said to be here, but the digests differ */

    uint64_t version;  /* of the roster, when it last changed */
    int64_t behind_ms; /* since when rows are awaited; 0: none are */
    int64_t doubt_ms;  /* taken over from the leader before: gone by then unless it joins; 0: no */
    int64_t forget_ms; /* in d->kept: until when */
};

enum desk_role { DESK_IDLE, DESK_STANDBY, DESK_LEAD };

struct desk_gone {
    struct nid nid;
    uint64_t version;
};
#define DESK_GONE_MAX 256

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
    uv_timer_t sweep;
    struct member *kept;      /* by nid: gone, hidden, perhaps back soon */
    struct elect_peer leader; /* DESK_STANDBY: whom we stand by for */
    struct http_call *roster; /* held */
    struct buf roster_body;
    uv_timer_t roster_retry;
    unsigned roster_fails;
    uint64_t epoch; /* of its roster, when version is not 0 */
    bool in_step;   /* its roster came, in this leadership */
    bool warm_told;

    uv_rwlock_t lock;
    struct catalog *catalog;
    struct member *members; /* hash table by nid; empty when idle */
    enum desk_role role;
    bool usable; /* DESK_STANDBY: the copy was whole once */
    uint64_t term;
    uint64_t pulls_done, pulled_rows, pulled_bytes; /* from others */
    uint64_t version; /* of the roster: ours when we lead, else the leader's as we know it */
    uint64_t own_epoch;
    uint8_t standby[ELECT_STANDBYS][8];
    struct desk_gone gone[DESK_GONE_MAX]; /* the last that went, as a ring */
    size_t gone_count;
    uint64_t gone_floor; /* who knows less than this may have missed one that went */
    size_t (*heard)(void *ctx, struct elect_peer *out, size_t max); /* or NULL */
    void *heard_ctx;
    void (*warm)(void *ctx, bool warm); /* or NULL; called on our thread */
    void *warm_ctx;

    uv_mutex_t direct_lock; /* taken under the other */
    struct direct *direct;

    uv_mutex_t wait_lock; /* taken after the other one, if both */
    struct desk_waiter *waiters;
};

/* ---- desk_member.c; desk's thread ---- */

struct member *desk_find(struct desk *d, const struct nid *nid);
/* New, changed, or back. */
struct member *desk_member_put(struct desk *d, const struct elect_peer *p, bool self);
/* It is gone: nothing shows its rows from now on, but they stay for a while. */
void desk_member_remove(struct desk *d, const struct nid *nid);
void desk_members_clear(struct desk *d);
/* Those that were taken over have so long to come. */
void desk_members_doubt(struct desk *d);
/* Forget whose time is over; with all, everybody that is kept. */
void desk_kept_sweep(struct desk *d, bool all);

/* ---- desk_pull.c; desk's thread ---- */

void desk_cancel(struct member *m);
/* A member's rows are behind what it announced, or no more: note since when. Under the lock. */
void desk_note_behind(struct member *m);
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
/* Why something of this member is left out (enum catalog_cut_why, 0: nothing is), and how many of
 * its files are not listed. Any thread, under the lock. */
unsigned desk_cut(const struct desk *d, const struct member *m, uint64_t *unlisted);
/* Let what was put be seen, and dead rows give their memory back. */
void desk_settle(struct desk *d);

/* ---- desk_answer.c; any thread, under the lock ---- */

const struct member *desk_member(const struct desk *d, const struct nid *nid); /* NULL: none */
json_t *desk_holder_json(const struct desk *d, const struct nid *nid);         /* of a member */

/* ---- desk_known.c; any thread, under the lock ---- */

json_t *desk_known(struct desk *d, const char *rest, const char *args, unsigned *status);
json_t *desk_version(struct desk *d, const char *rest, const char *args, unsigned *status);

/* ---- desk_direct.c; any thread ---- */

/* Add "place" and "order" to the answer about a content's holders, if the question says that its
 * asker fetches it. Under the lock. root and size: of the largest group of holders. */
void desk_direct(struct desk *d, json_t *answer, const char *args, const struct hash *hash,
                 const struct catalog_holder *found, size_t count, const struct hash *root,
                 uint64_t size);
void desk_direct_gone(struct desk *d, const struct nid *who); /* NULL: all of them */
/* ---- desk_match.c; desk's thread ---- */

/* The owner's buckets, compared with ours: sets m->match. */
void desk_match_begin(struct member *m, const struct digest of[DIGEST_BUCKETS]);
/* This row of theirs came. */
void desk_match_row(struct member *m, const struct row *row);
/* All of them came: what is left of ours goes. */
void desk_match_end(struct member *m);
void desk_match_forget(struct member *m);

/* ---- desk_roster.c ---- */

/* A member came or changed, or went: tell those who stand by. Desk's thread, under the lock; then
 * desk_roster_wake without it. */
void desk_roster_note(struct desk *d, struct member *m);
void desk_roster_gone(struct desk *d, const struct nid *nid);
void desk_roster_wake(struct desk *d);
void desk_roster_begin(struct desk *d);

/* ---- desk_follow.c; desk's thread ---- */

void desk_follow_begin(struct desk *d);
void desk_follow_end(struct desk *d);
/* Rows or a roster came: are we warm now? */
void desk_follow_check(struct desk *d);
