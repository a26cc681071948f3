/* Inside the download of a folder: for fetch_tree.c, fetch_walk.c, fetch_make.c, fetch_local.c
 * and fetch_batch.c only.
 *
 * Stages: WALK gets every manifest below, checked, into a table of entries; nothing is created
 * before all of it is known to be good and to fit on the disk. MAKE chooses the name, creates the
 * folders, and finds what an earlier run left, and what this computer has elsewhere. RUN fetches
 * files: small ones in batches, the others by pieces; and copies what need not be fetched. FINISH
 * sets the folders' times and syncs.
 *
 * After a crash: larger files took their name only when they were on disk. Small ones are not
 * synced one by one, so a small file of a download that goes on is hashed before it counts. */
#pragma once

#include "svc/fetch_priv.h"

#define TREE_XFERS     (FETCH_CONN_MAX / FETCH_CONN_MIN) /* larger files at once, at most ... */
#define TREE_XFERS_MIN 2
#define TREE_AHEAD                                                                                 \
    (32u << 20)        /* ... and no more when so many bytes are to come of those that run */
#define TREE_BATCHES 8 /* batches asked for or being written */
#define TREE_ASKS    4 /* manifests asked for at once */
#define TREE_TRIES   5 /* failures in a row until a source waits for the leader to name it again */
#define TREE_ROOT    0 /* the folder itself: the first entry */

enum stage { TREE_WALK, TREE_MAKE, TREE_RUN, TREE_FINISH };
enum entry_state { ENTRY_TODO, ENTRY_LOCAL /* to be copied */, ENTRY_BUSY, ENTRY_DONE };

struct entry {
    struct hash hash;
    uint64_t size;
    int64_t mtime_s;  /* INT64_MIN: not known */
    const char *name; /* in the arena */
    uint32_t parent;
    uint32_t twin; /* the next one with the same content, to be copied from the first; 0: none */
    uint16_t path_len; /* below the folder */
    uint8_t depth, kind, state;
};

/* Entries by number, first in, first out. */
struct line {
    uint32_t *entry;
    size_t len, cap, at;
};

struct tree {
    struct fetch *f;
    struct job *job;
    struct folder *folder;
    struct arena *names;
    struct entry *entry;
    uint32_t entries, entries_cap;
    enum stage stage;
    char *base;       /* the folder's path */
    bool local;       /* nobody but ourselves has it */
    uint32_t walk_at; /* entries before it were asked for */
    struct dir_ask *asks;
    unsigned asking;
    uint32_t small_at, large_at; /* entries before were taken */
    struct line again;           /* small ones (or manifests) that failed */
    struct line later;           /* larger ones that somebody else is at */
    struct line twins;           /* those that are there and have twins */
    struct line locals;          /* those that this computer may have elsewhere */
    struct near *near;           /* the pool's, one run at a time */
    unsigned local_works;
    _Atomic uint64_t copying; /* bytes that this run has copied */
    struct batch *batches;
    unsigned batching;
    struct xfer *xfer[TREE_XFERS];
    uint32_t xfer_entry[TREE_XFERS];
    uint32_t source_at;
    int64_t answer_ms; /* how long a source takes to begin an answer, about; 0: not known */
    int64_t purse_ms;  /* with a limit: no batch before */
    uint32_t files, files_done;
    uint64_t done; /* bytes of files that are there */
    unsigned works;
    atomic_bool closing; /* freed when works is 0; the pool looks at it too */
};

void line_add(struct line *l, uint32_t entry);
bool line_take(struct line *l, uint32_t *entry);

/* fetch_tree.c */
void tree_pin(struct tree *t);
void tree_unpin(struct tree *t);
void tree_fail(struct tree *t, const struct err *e);
char *tree_path(const struct tree *t, const char *base, uint32_t entry); /* the caller's */
bool tree_is_small(const struct tree *t, const struct entry *e);
void tree_soon(struct tree *t); /* go on without waiting for the clock */
void tree_file_done(struct tree *t, uint32_t entry);
/* A source that may be asked for a manifest or a batch now; NULL: none (the job waits, or has
 * failed when all lied). */
struct source *tree_source(struct tree *t);
/* One more to ask beside `but`, which says nothing; NULL: none. */
struct source *tree_other_source(struct tree *t, const struct source *but);
/* An answer begins so long after its question. */
void tree_heard(struct tree *t, int64_t took_ms);
/* Nothing came for longer than others take: somebody else is to be asked as well. */
bool tree_is_silent(const struct tree *t, int64_t since_ms);
void tree_source_silent(struct source *s); /* it is asked for nothing new for a while */
void tree_source_lied(struct tree *t, struct source *s, const char *what);
void tree_source_failed(struct tree *t, struct source *s, const struct http_answer *a);

/* fetch_walk.c */
void walk_begin(struct tree *t);
void walk_tick(struct tree *t);
void walk_end(struct tree *t);

/* fetch_make.c */
void make_begin(struct tree *t); /* goes on with tree_made */
void tree_made(struct tree *t, bool skipped, const struct err *e);
void make_finish(struct tree *t); /* goes on with tree_finished */
void tree_finished(struct tree *t, const struct err *e);
/* The folder that small files were last made in. Zero-initialise; the pool's. */
struct hold {
    struct root_hold *folder;
    uint32_t entry;
};
/* A file whose bytes are at hand: under a name of its own, then its name. */
int make_file(struct hold *h, const struct tree *t, const char *base, uint32_t entry,
              const void *data, struct err *err);
void hold_end(struct hold *h);

/* fetch_local.c */
void local_plan(struct tree *t, const char *base); /* pool, when it is known what is there */
void local_tick(struct tree *t);

/* fetch_batch.c */
void batch_tick(struct tree *t);
void batch_end_all(struct tree *t);
