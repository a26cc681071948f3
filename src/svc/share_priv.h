/* The rooms inside share. Everything here is touched on share's thread only, unless it says
 * otherwise.
 *
 *   share.c         what others call; threads, status
 *   share_held.c    their handles, for every thread
 *   share_place.c   the shared folders: which path lies where, what is away
 *   share_step.c    the order of work; commits; what is done when folder or store fail
 *   share_watch.c   what the system tells -> names to look at; looking at them
 *   share_marks.c   what was renamed, and what of it still holds
 *   share_scan.c    folders listed whole -> differences
 *   share_sweep.c   folders of whose changes nobody tells, listed again and again
 *   share_folder.c  the folders in work; their manifests, from below upwards
 *   share_hash.c    the files in work; hashing on the pool's threads
 *
 * The store knows the tree; in memory is only what is in work: a folder with something to be done
 * in it or below it, and a file that is to be hashed. Work goes through lists, each with one
 * function that takes from it; share_step calls them in turn, a few ms at a time. */
#pragma once

#include "base/limits.h"
#include "base/mem.h"
#include "core/diff.h"
#include "io/loop.h"
#include "io/pool.h"
#include "io/root.h"
#include "io/watch.h"
#include "svc/hash_file.h"
#include "svc/share.h"
#include "svc/store.h"
#include "svc/store_index.h"

#include <stdatomic.h>
#include <uthash.h>
#include <utlist.h>

#define CALM_MS       20  /* events of a folder are looked at when none came for this long */
#define CALM_MAX_MS   200 /* ... or after this long */
#define SETTLE_MS     250 /* a folder's manifest is made when nothing changed in it for this long */
#define BIG_FOLDER_MS 20  /* a manifest that takes longer is not made all the time */
#define NAMES_MAX     4096 /* names to look at in one folder; beyond, all of it is listed */
#define RELIST_MS                                                                                  \
    2000              /* a folder is listed again for the counts of what is skipped, not before    \
                       */
#define WORK_MS     5 /* one turn of work */
#define FILES_AHEAD 20000      /* a scan waits while this many files wait to be hashed */
#define SMALL_BYTES (4u << 20) /* files up to this are hashed whole, several to a job */
#define JOB_FILES   64
#define JOB_BYTES   (8u << 20)  /* of small files in one job */
#define SLICE_BYTES (32u << 20) /* of a big file in one job */
#define READ_BYTES  (256u << 10)
#define HOLD_LATE_MS                                                                               \
    10000 /* a folder's manifest waits this long for a file that is being written */
#define LATE_MAX_MS                                                                                \
    30000                   /* a file that is being written is looked at again at least this often \
                             */
#define ALIVE_MS     2000   /* is the folder still there? is it back? */
#define TROUBLE_MS   5000   /* the store is tried again */
#define SWEEP_MIN_MS 3000   /* folders that cannot be watched are listed again after this ... */
#define SWEEP_MAX_MS 600000 /* ... to this long */
#define NEVER        INT64_MAX

/* A shared folder's handle: kept until the last who got it has put it back. Under share's lock. */
struct held {
    struct held *next;
    struct root *root;
    char *label;
    bool current; /* given to who asks */
    unsigned refs;
};

/* One shared folder. */
struct place {
    struct place *next;
    char *label; /* the first component of its paths; "" of the first one; NULL: not chosen yet */
    char *path;  /* canonical */
    struct held *held;  /* NULL: its disk is not there */
    struct root *fresh; /* to be held once it has a label */
    bool begin;
    bool sweep; /* its file system does not tell all */
    struct share_rules rules;
};

/* One that is to be shared; root NULL: it is not there now. */
struct share_new_folder {
    char *path;
    struct root *root;
};

struct share_new_folders {
    struct share_new_folder first, *added; /* first.path NULL: none */
    size_t count;
};

/* A folder in work, or with one in work below it. */
struct folder {
    UT_hash_handle hh; /* by path */
    struct folder *up; /* NULL: the shared folder itself */
    size_t len;
    unsigned depth;
    unsigned children;  /* folders in the table whose up this is */
    unsigned unsettled; /* those of them that are busy */
    unsigned items;     /* files of it in work */
    unsigned waiting;   /* those of them that its manifest waits for */
    bool busy; /* something is to be done here or below: no manifest above it can be made */

    bool dirty; /* in s->dirty: names to look at */
    char **names;
    size_t name_count, name_cap;
    int64_t first_ms, last_ms; /* events */

    bool scan;       /* in s->scan: to be listed whole */
    bool deep;       /* ... and all folders in it */
    bool listing;    /* it is being listed */
    bool again;      /* ... and to be listed once more after that */
    int64_t scan_ms; /* not before */

    bool need;    /* its manifest is to be made anew */
    bool settled; /* ... and nothing it tells of is unfinished: in s->need */
    int64_t change_ms;

    struct folder *dirty_prev, *dirty_next, *scan_prev, *scan_next, *need_prev, *need_next;
    char path[];
};

enum item_state { ITEM_SMALL, ITEM_BIG, ITEM_RUNNING, ITEM_LATE };

enum item_end {
    END_MORE, /* of a big file, a slice is done */
    END_DONE,
    END_YOUNG,   /* changed a moment ago: a further change might not show in its times */
    END_WRITING, /* open for writing, or changed while it was read */
    END_GONE,
    END_UNREADABLE,
    END_STOPPED
};

/* What a job makes of one file. */
struct hashing {
    struct hash_file file;
    struct hash hash, root;
    char text[128]; /* why it is unreadable */
};

/* A file in work. */
struct item {
    UT_hash_handle hh; /* by path */
    struct item *prev, *next;
    struct folder *folder;
    enum item_state state;
    enum item_end end;
    uint64_t size;           /* as found */
    bool waited_for;         /* counted in folder->waiting */
    uint64_t seq;            /* of the marks, when reading it began */
    bool again;              /* something happened to it while it was RUNNING */
    const struct root *root; /* while RUNNING: where it lies, below that; NULL: that is gone */
    const char *below;
    bool dead; /* forget it when the job is back */
    unsigned tries;
    int64_t first_ms, due_ms;
    struct hashing
        *hashing; /* the job's while RUNNING; kept between the slices of a big file, else NULL */
    char path[];
};

struct job {
    struct pool_job pool; /* the first member */
    struct share *share;
    struct item *items[JOB_FILES];
    size_t count;
    char *buffer; /* READ_BYTES */
    bool busy;
};

/* What was skipped in one folder, when it was listed last. */
struct skips {
    UT_hash_handle hh;
    uint32_t count[SKIP_COUNT];
    char path[];
};

/* A folder of whose changes not all are told. */
struct blind {
    UT_hash_handle hh;
    bool limit; /* it would be watched, but for the limit of watches */
    char path[];
};

struct part {
    UT_hash_handle hh; /* by hash */
    struct hash hash, root;
    uint64_t size;
};

struct mark;     /* share_marks.c */
struct listing;  /* share_scan.c */
struct manifest; /* share_folder.c */

struct share {
    struct loop *loop;
    char *db_path, *state_path; /* state_path: the folder of the database */
    bool hidden;
    void (*changed)(void *ctx, uint64_t generation, uint64_t number);
    void *ctx;

    uv_mutex_t lock; /* held and all in it; places, for who reads on other threads; status */
    struct held *held;
    struct place *places; /* the first one first */
    struct share_status status;
    atomic_bool stop; /* jobs end soon */

    struct store *store; /* NULL: it could not be opened again */
    char *folder;        /* the first one's path, "" when there is none */
    bool broken;         /* the store failed: everything is begun anew at retry_ms */
    bool stopping;
    bool scanning; /* a whole scan goes on */
    bool virgin;   /* ... the first one, of an empty store: no content can be known */
    bool untidy;   /* store_tidy is due */
    bool watch_limit;
    bool sweep_all;               /* trust no events */
    char trouble[512], note[512]; /* now; and once for all */
    int64_t alive_ms, retry_ms, commit_ms, settle_ms;
    struct blind *blind; /* by path */
    size_t limited;      /* of them, those that the limit is met for */
    bool sweeping;
    int64_t sweep_ms, sweep_from_ms;
    uint64_t said_generation, said_number;

    struct watch *watch; /* NULL: the system gives none */
    uv_poll_t *poll;
    uv_idle_t idle;
    uv_timer_t timer;

    struct folder *folders; /* by path */
    struct folder *dirty, *scan, *need;
    size_t needs; /* folders that need a manifest */
    struct listing *listing;
    struct manifest *manifest;
    struct skips *skips;
    uint64_t skipped[SKIP_COUNT];
    struct part *parts;

    struct item *items; /* by path */
    struct item *small, *big, *late;
    size_t small_count;
    uint64_t items_bytes;
    struct pool *pool;
    struct job *jobs;
    unsigned job_count, running;
    bool big_turn;
    uint64_t hashed; /* files, since the start */
    uint64_t manifests;

    struct mark *marks; /* by path */
    uint64_t mark_seq;
    char *moving; /* the old name of what is being told to be renamed, or NULL */
    uint32_t moving_cookie;
};

/* ---- share_step.c ---- */
void share_wake(struct share *s); /* there is something to do */
void share_on_timer(uv_timer_t *t);
void share_on_idle(uv_idle_t *i);
void share_scan_all(struct share *s);   /* everything, from the top */
void share_scan_begin(struct share *s); /* a scan goes on, of some folders at least */
void share_begin_anew(struct share *s); /* the store is to have the rows of the places */
void share_drop_work(struct share *s);  /* forget all work; jobs that run come back for nothing */
/* A call of the store failed: true when it did (bad is not 0), and then nothing more is to be tried
 * now. */
bool share_failed(struct share *s, int64_t bad, const struct err *e);
void share_put_parts(struct share *s);
void share_say_aside(struct share *s, const char *aside); /* of a damaged index, for status */
void share_say_status(struct share *s);                   /* share.c: for whoever asks */
/* share.c: the folder at path, if it is there and may be shared. */
struct root *share_open_folder(const struct share *s, const char *path, struct err *e);

/* ---- share_held.c ---- */
/* What is behind the label in path; NULL: it does not lie there. */
const char *place_behind(const char *label, const char *path);
/* From now on this is where p lies; NULL: it is away. Takes root. */
void place_hold(struct share *s, struct place *p, struct root *root);

/* ---- share_place.c ---- */
/* What path lies in, and the path in it; NULL: in none. */
struct place *place_of(const struct share *s, const char *path, const char **below);
const struct root *place_root(const struct share *s, const char *path, const char **below);
int place_stat(const struct share *s, const char *path, struct root_stat *st, struct err *e);
bool place_is_label(const struct share *s, const char *path);
bool place_any(const struct share *s);                         /* the disk of some is there */
bool places_away(const struct share *s);                       /* the disk of some is not */
void places_set(struct share *s, struct share_new_folders *n); /* takes the roots that it needs */
void places_begin(struct share *s); /* the store is to know of the same ones */
void places_scan(struct share *s);
void places_check(struct share *s, int64_t now); /* which are gone, or back? */
void places_say(struct share *s);                /* trouble */
void places_free(struct share *s);

/* Is this path meant? */
typedef bool path_fn(void *ctx, const char *path);

/* ---- share_watch.c ---- */
void share_on_poll(uv_poll_t *p, int status, int events);
void share_watch_start(struct share *s);
void share_watch_stop(struct share *s);
void share_look_at(struct share *s, const char *folder, const char *name); /* soon */
int64_t share_dirty_due(const struct share *s);
bool share_dirty_turn(struct share *s, int64_t now); /* looked at some */
/* What was found in f, against what is known of it (NULL: nothing). deep: go into known folders as
 * well. */
void share_found(struct share *s, struct folder *f, const struct diff_child *is,
                 const struct diff_child *was, bool deep);
struct diff_child share_known(const char *name, size_t len, const struct store_entry *known);
struct diff_child share_seen(const char *name, size_t len, const struct root_stat *st);
void share_gone(struct share *s, struct folder *f, const char *path,
                bool tree); /* tree: with all below */
/* Put what path is now, unless just that is known of it. list: checkpoints, may be NULL when the
 * store has them. */
void share_announce(struct share *s, struct folder *f, const char *path,
                    const struct store_entry *is, const void *list, size_t len);
/* The file has other names in the folder: what happened to it happened to them, though nobody
 * tells. Look at them. */
void share_look_at_links(struct share *s, uint64_t ino, const char *path);
/* Look at a path, soon. */
void share_look_at_path(struct share *s, const char *path);
char *share_join(const struct folder *f, const char *name, size_t len); /* mem_free */

/* ---- share_marks.c ---- */
void mark_unsure(struct share *s, const char *path); /* what is known of it may not hold */
void mark_from(struct share *s, const char *path, uint32_t cookie);
void mark_to(struct share *s, const char *path, uint32_t cookie);
/* Under which path is known what is at this one now, just as it is; or NULL. Until the next call.
 */
const char *mark_origin(const struct share *s, const char *path);
/* What is known of it was true when s->mark_seq was seq. */
void mark_done(struct share *s, const char *path, uint64_t seq);
void mark_drop_all(struct share *s);

/* ---- share_scan.c ---- */
void share_list(struct share *s, const char *path, bool deep,
                int64_t not_before); /* to be listed */
int64_t share_scan_due(const struct share *s);
bool share_scan_turn(struct share *s, int64_t now);
void share_scan_drop(struct share *s);
void share_scan_leave(struct share *s, path_fn *fn, void *ctx); /* the folder being listed */
/* Count; true: the first of this kind in this folder. */
bool share_skip(struct share *s, const char *folder, enum share_skip why, uint32_t add);
bool share_skips_in(const struct share *s, const char *folder); /* something is skipped there */
void share_skips_drop(struct share *s, const char *folder);     /* its counts, and those below */
void share_skips_drop_if(struct share *s, path_fn *fn, void *ctx);

/* ---- share_sweep.c ---- */
/* Whether something may change in a folder that nobody tells of; limit: for the limit of watches. */
void sweep_note(struct share *s, const char *path, bool blind, bool limit);
bool sweep_has(const struct share *s, const char *path);
void sweep_drop(struct share *s, const char *path); /* and all below */
void sweep_drop_if(struct share *s, path_fn *fn, void *ctx);
size_t sweep_need(const struct share *s); /* watches that would do for a while */
void sweep_turn(struct share *s, int64_t now);

/* ---- share_folder.c ---- */
struct folder *folder_get(struct share *s, const char *path); /* take into work */
struct folder *folder_find(struct share *s, const char *path);
void folder_update(struct share *s,
                   struct folder *f); /* its state changed; frees it when nothing is left to do */
/* Something that its manifest tells of changed. */
void folder_changed(struct share *s, struct folder *f, int64_t now);
int64_t folder_due(const struct share *s);
bool folder_turn(struct share *s, int64_t now); /* made some manifests */
void folder_drop_all(struct share *s);

/* ---- share_hash.c ---- */
void item_add(struct share *s, struct folder *f, const char *path, uint64_t size, bool first);
void item_forget(struct share *s, const char *path, bool tree); /* tree: and those below path */
void item_forget_if(struct share *s, path_fn *fn, void *ctx);
bool item_exists(struct share *s, const char *path);
int64_t item_due(const struct share *s);
bool item_turn(struct share *s, int64_t now); /* started some jobs */
bool items_idle(const struct share *s);       /* nothing but late ones */
void item_drop_all(struct share *s);
