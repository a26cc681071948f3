/* The leader's direction of swarms: who is fetching what, and whom each one asks first.
 *
 * Pure; its owner (svc/desk_direct) locks. State is soft: those who fetch say so again every few
 * seconds, who is silent for DIRECT_SILENT_MS is forgotten, and a new leader knows them all after
 * one round.
 *
 * The rules. Everybody who begins to fetch a content gets a place, one higher than all before. With
 * more fetchers than whole holders there are as many chains as whole holders (the place tells
 * which); in a chain the parent is the next lower place, the fall-backs are the one before that and
 * the whole holder at its head, so that a whole holder uploads the content about once. Otherwise
 * there is no order: all holders are asked.
 *
 * A place never changes while its content is being fetched, the fetcher itself tells it to a new
 * leader, and an order only ever names lower places or whole holders. So whoever follows whatever
 * orders, old and new, of whichever leaders: nobody waits for himself. */
#pragma once

#include "base/id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIRECT_ORDER_MAX  3     /* as PLAN_ORDER_MAX */
#define DIRECT_LOST_MAX   4     /* parents that one fetcher says it has left */
#define DIRECT_SILENT_MS  13000 /* a fetcher that says nothing for so long is forgotten */
#define DIRECT_SUSPECT_MS 10000 /* one that a child has left is nobody's parent for so long */
#define DIRECT_PLACE_MAX  (1ull << 52) /* as high as a peer may claim */
#define DIRECT_FETCHERS   1024         /* of one content */
#define DIRECT_CONTENTS   4096

struct direct;

struct direct *direct_new(void);
void direct_free(struct direct *d); /* NULL is fine */

struct direct_in {
    int64_t now_ms; /* never falls */
    struct hash hash;
    struct nid who;
    uint64_t place;         /* as it was told before, by whatever leader; 0: none yet */
    const struct nid *lost; /* parents that it has left */
    size_t losts;
    const struct nid *whole; /* whole holders, in an order that does not change by itself */
    size_t wholes;
};

struct direct_out {
    uint64_t place; /* 0: the table is full, no order */
    bool keep;      /* this leader does not know the swarm yet: go on with the order there is */
    struct nid order[DIRECT_ORDER_MAX]; /* parent, fall-backs */
    unsigned count;                     /* 0: ask all holders */
};

/* Somebody fetches, or still fetches. */
void direct_fetch(struct direct *d, const struct direct_in *in, struct direct_out *out);
/* A peer died or left: nobody is told to ask it. */
void direct_gone(struct direct *d, const struct nid *who);
void direct_clear(struct direct *d);                                  /* we lead no more */
size_t direct_count(const struct direct *d, const struct hash *hash); /* fetchers of it */
void direct_check(const struct direct *d); /* assert every invariant (tests) */
