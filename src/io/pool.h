/* Threads for work that takes long and that nobody waits for, such as hashing what lies in the
 * shared folder. They have a low priority, for the processors as for the disks: whatever somebody
 * waits for goes first. */
#pragma once

#include "io/loop.h"

struct pool;

struct pool_job {
    void (*work)(struct pool_job *j); /* on one of the pool's threads */
    void (*done)(struct pool_job *j); /* then, on the loop's */
    struct pool_job *next;            /* the pool's */
};

/* The threads start with the first job. loop is borrowed, and outlives the pool. */
struct pool *pool_new(struct loop *loop, unsigned threads);
/* j stays where it is until done is called. On the loop's thread. */
void pool_add(struct pool *p, struct pool_job *j);
/* Every job that was added must be done. Joins. NULL is fine. */
void pool_free(struct pool *p);
