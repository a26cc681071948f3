/* Inside downloads: for fetch*.c only. All of it belongs to fetch's thread, except what says
 * otherwise.
 *
 *   fetch.c          the queue, the clock, its life
 *   fetch_call.c     the calls from outside
 *   fetch_job.c      one download from the question for holders to its end
 *   fetch_event.c    what listeners are told
 *   fetch_place.c    names, and which one is free
 *   fetch_disk.c     work on the disk, on libuv's thread pool
 *   fetch_near.c     contents that this computer has already, and copying them
 *   fetch_start.c    one file by pieces: its partial file, made or found again
 *   fetch_check.c    what an earlier run left in the partial file
 *   fetch_file.c     filled, synced now and then, published
 *   fetch_request.c  joins core/plan to the lanes: what runs, what they tell
 *   fetch_lane.c     the lanes: threads that receive
 *   fetch_fill.c     pieces as they arrive there, verified and written
 *   fetch_list.c     its checkpoint list, the sources' bits, lists that turn out forged
 *   fetch_swarm.c    whom a file's transfer asks
 *   fetch_holders.c  who has a content, whom to ask first
 *   fetch_ask.c      the questions about that to the leader
 *   fetch_part.c     the same files as serve and play see them, and those that were fetched
 *   fetch_tree.c     a folder: the tree on disk, which file is fetched when
 *   fetch_walk.c     its manifests
 *   fetch_make.c     its small files and folders on disk
 *   fetch_batch.c    its small files over the network
 *   fetch_local.c    its files that are copied on this computer
 *   fetch_clean.c    what a cancelled download leaves, removed
 */
#pragma once

#include "base/limits.h"
#include "base/rng.h"
#include "core/content.h"
#include "core/direct.h"
#include "core/meter.h"
#include "core/plan.h"
#include "io/http_client.h"
#include "io/loop.h"
#include "io/root.h"
#include "svc/ask.h"
#include "svc/fetch.h"
#include "svc/fetch_lane.h"
#include "svc/store.h"

#include <stdatomic.h>
#include <uv.h>

#define FETCH_ACTIVE        3   /* downloads at once; the others queue */
#define FETCH_KEPT          100 /* ended ones that are remembered */
#define FETCH_TICK_MS       50
#define FETCH_ASK_MS        5000 /* how often a running download looks for further holders */
#define FETCH_ASK_SOON_MS   1000 /* and when it lost one */
#define FETCH_CONN_MIN      2    /* connections of one file, however many are fetched */
#define FETCH_ORDER_MS      300  /* the second question of a fetcher: others begin just now, too */
#define FETCH_ORDER_WAIT_MS 1500 /* to begin without the leader's word, if it does not come */
#define FETCH_EVENT_MS      200  /* progress at most so often */
#define FETCH_SYNC_BYTES    (64u << 20) /* pieces are synced and noted after so many bytes ... */
#define FETCH_SYNC_MS       2000        /* ... or so long */
#define FETCH_PART_MIN      (4u << 20)  /* larger contents are offered to others while they come */
#define FETCH_STALL_MS      (HOLD_MS + 3000)
#define FETCH_KEEP_MAX      256 /* contents that are served on after they were fetched */
#define FETCH_POLL_MS       250 /* least time between two questions for a source's bits */
#define FETCH_AHEAD         4   /* pieces behind what is played that come first of all */
#define FETCH_SOURCES_MAX   128 /* holders remembered for one download */

/* The download folder, held as long as a download uses it. */
struct folder {
    struct root *root;
    unsigned refs;
};

/* A holder of one download's content. Its place in job->source is its number everywhere; it is
 * never removed. */
struct source {
    struct nid nid;
    uint8_t pub[32];
    struct addr addr;
    char name[PEER_NAME_MAX * 4 + 1]; /* safe to print */
    struct hash root;                 /* as announced; zero for folders */
    bool partial;
    bool listed;                  /* in the leader's latest answer */
    bool out;                     /* of a folder: lied or has it no more */
    unsigned bad, fails, running; /* of a folder */
    int64_t retry_ms;
};

/* Who has one content: of a job, or of one file in a folder. */
struct holders {
    struct fetch *f;
    int64_t number; /* answers find it by this; another with each new kind of question */
    struct hash hash;
    struct source **source;
    size_t sources, sources_cap;
    bool own; /* we share it ourselves */
    bool asking;
    int64_t ask_ms; /* when to ask again */
    void (*answered)(void *ctx, const struct ask_reply *r);
    void *ctx;
    /* a swarm: */
    bool fetches; /* say so with each question, and take the order */
    bool asked_as_fetcher, heard;
    int64_t begun_ms;
    uint64_t place; /* 0: none yet */
    uint32_t order[PLAN_ORDER_MAX];
    unsigned orders;
    bool new_order;
    struct nid lost[DIRECT_LOST_MAX];
    size_t losts;
};

/* Something done on the thread pool. Embedded as first member of what it works on. */
struct work {
    uv_work_t uv;
    struct fetch *f;
    void (*run)(struct work *w);  /* pool */
    void (*done)(struct work *w); /* fetch's thread; frees it */
};

enum phase {
    PHASE_QUEUED,
    PHASE_FIND,  /* asking for holders */
    PHASE_PLACE, /* looking for a free name */
    PHASE_RUN,
    PHASE_PAUSED,
    PHASE_DONE,
    PHASE_SKIPPED,
    PHASE_FAILED,
};

struct job {
    struct job *prev, *next;
    struct fetch *f;
    int64_t id, added_s;
    int64_t rank; /* the list is in this order, and so is their turn */
    struct hash hash;
    char kind;    /* 0: not known yet */
    char *name;   /* the holders', made safe to create; NULL: not known yet */
    char *target; /* below the folder; NULL: not chosen yet */
    char *want;   /* -o */
    char *exec;   /* for when it is done; or NULL */
    bool overwrite, rename, sequential, now;
    bool recalled;  /* kind, size and target are of a download that is done */
    uint64_t limit; /* bytes/s, 0: none */
    char *folder_path;
    struct folder *folder; /* while it is not ended */
    enum phase phase;
    uint64_t size, done; /* bytes; done is what is verified */
    int64_t mtime_s;     /* a file's, as the leader tells it; INT64_MIN: not known */
    uint64_t fetched;
    uint64_t copied;   /* bytes that this computer had already */
    uint64_t metered;  /* of them, that the meter has counted */
    char *copied_from; /* the last one of them; NULL: none, or from within the same folder */
    struct meter meter;
    struct holders from;
    bool waiting;
    unsigned nobody; /* answers in a row that knew no holder */
    int64_t told_ms; /* last progress event */
    struct err err;
    struct xfer *xfer; /* one file */
    struct tree *tree; /* a folder */
    unsigned works;    /* on the pool, for this job itself */
    bool gone;         /* removed: freed when works is 0 */
};

/* One file's transfer by pieces. */
struct xfer_spec {
    struct hash hash, root; /* root zero: any list that a holder gives (folders do not carry it) */
    uint64_t size;          /* at least 1 */
    char kind;
    int64_t mtime_s;    /* INT64_MIN: not known */
    const char *target; /* copied */
    bool replace;       /* whatever is at the target */
    bool near;          /* look for it on this computer first */
};

struct xfer {
    struct xfer *prev, *next; /* of fetch */
    struct fetch *f;
    struct job *job;
    struct holders *from;    /* the job's, or of a file in a folder: */
    struct holders own_from; /* (number 0: not used) */
    struct hash hash, root;
    bool any_root;
    uint64_t size;
    char kind;
    int64_t mtime_s;
    char *target, *path; /* path: of the partial file */
    bool replace;

    int fd; /* -1: not open */
    struct buf checkpoints;
    bool has_list;
    bool noted;            /* the store has a row of it: its partial file is found again */
    struct hash *bad_root; /* lists that turned out forged */
    size_t bad_roots, bad_roots_cap;
    struct list_ask *list_asks; /* that run: one, and more while they stay silent */
    unsigned list_running;
    uint32_t list_at;                /* sources are asked in turn */
    int64_t list_ms;                 /* when to ask the next */
    unsigned list_asked, list_wrong; /* in this round */
    struct buf old_list; /* one that was forged; pieces that both lists agree about are kept */
    bool forged;         /* take another list once the pool is done with this one */

    _Atomic uint64_t copying; /* bytes copied of a content that this computer has, so far */
    struct bits have; /* what the plan counts as there; from an earlier run maybe only said to be */
    struct bits good; /* verified in this run. Guarded by f->part_lock, as is shared */
    bool shared;      /* serve may read it */
    bool ended_part;  /* nothing more comes; guarded likewise */
    bool pointed;     /* somebody plays it, at piece `point` */
    uint32_t point;
    bool resumed;   /* the partial file was there */
    bool salvaging; /* its pieces that were not noted are being looked for; there is no plan yet */
    bool checking;  /* pieces of an earlier run are being verified */
    struct plan *plan;
    struct fill *fill; /* lives as the plan does */
    struct request *requests;
    struct poll *polls;
    struct folder *folder;
    uint64_t unsynced; /* bytes verified, not noted yet */
    int64_t synced_ms;
    uint64_t limit;   /* as the plan was told */
    uint32_t room;    /* likewise */
    bool sources_due; /* the plan has not been told of them yet */
    uint32_t check_at;
    bool syncing, finishing;
    unsigned works;      /* on the pool, or callers that still need x */
    atomic_bool closing; /* freed when works is 0; the pool looks at it too */
    bool remove;         /* with its partial file */
    void (*ended)(struct xfer *x, const struct err *e); /* e NULL: published; x dies after it */
    void *ended_ctx;
};

struct listener {
    struct listener *prev, *next;
    int64_t number, job;
    void (*fn)(void *ctx, json_t *event);
    void *ctx;
    bool dead;
};

struct part_wait {
    struct part_wait *prev, *next;
    struct hash hash;
    int64_t since_ms;
    void (*wake)(void *ctx);
    void *ctx;
};

/* A content that was fetched here and is served on: its file as it was published. */
struct kept {
    struct kept *prev, *next;
    struct hash hash, root;
    uint64_t size;
    struct buf checkpoints;
    struct folder *folder;
    char *path;
    struct root_stat st;
    bool gone; /* it is not what it was: freed by fetch's thread */
};

struct door; /* where late answers to questions find out whether fetch is still there */

struct fetch {
    struct fetch_conf conf;
    struct loop *loop;
    uv_thread_t thread;
    uv_timer_t *timer;
    struct http_client *client; /* lists, batches; pieces come on the lanes */
    struct lanes *lanes;
    struct store_queue *queue;
    struct store_reader *reader;
    struct folder *folder; /* for new downloads */
    struct door *door;
    struct rng rng;
    struct job *jobs;
    struct xfer *xfers;
    struct listener *listeners;
    int64_t last_listener, last_holders;
    bool telling;
    bool reorder; /* who runs beyond its turn goes back into the queue */
    unsigned works;
    atomic_bool stopping; /* the pool looks at it too */
    uv_mutex_t part_lock; /* guards part_waits, and of the list of xfers, and their good and
                           * shared, every change; likewise of kept */
    struct part_wait *part_waits;
    struct kept *kept; /* oldest first; guarded like them */
    unsigned kept_count;
};

/* fetch.c */
void fetch_wake(struct fetch *f); /* the clock may stand still: let it run */
void fetch_soon(struct fetch *f); /* and at once */
struct job *fetch_job(struct fetch *f, int64_t id);
struct folder *fetch_folder_open(const char *path, struct err *e);
void fetch_folder_drop(struct folder *d); /* NULL is fine */
/* The download folder at this path, one reference more. One that was taken away and is there again
 * is opened anew. */
struct folder *fetch_folder_of(struct fetch *f, const char *path, struct err *e);
int fetch_folder_gone(const char *path, struct err *e); /* sets e; negative */
void fetch_sort(struct fetch *f);                       /* by rank */
void fetch_forget(struct job *j);                       /* out of the list; freed now or later */
uint64_t fetch_share_of_limit(const struct fetch *f, const struct job *j); /* bytes/s, 0: none */

/* fetch_disk.c */
void fetch_work(struct fetch *f, struct work *w, void (*run)(struct work *),
                void (*done)(struct work *));
/* Pool or any thread. The file's SHA-256; false: it cannot be read or has not this size. stop may
 * be NULL. */
bool fetch_hash_file(int fd, uint64_t size, const atomic_bool *stop, struct hash *out);
bool fetch_equal_file(const struct root *r, const char *path, uint64_t size,
                      const struct hash *hash, const atomic_bool *stop);
/* "disk: 3.1 GiB free, 8.4 GiB needed; KEPT" when it does not fit. */
int fetch_check_space(const struct root *r, uint64_t need, const char *kept, struct err *e);
bool fetch_is_empty(const struct hash *hash); /* the hash of no bytes */
/* Remove what a cancelled download left: partial files, and folders that are empty then. */
void fetch_clean(struct job *j);

/* fetch_place.c: names. The caller frees them. */
char *fetch_safe_name(const char *name, const struct hash *hash); /* a holder's name for it */
char *fetch_numbered(const char *path, unsigned n, bool folder);  /* "a/NAME (2).ext" */
char *fetch_part_name(const char *target, const struct hash *hash, bool longer);
char *fetch_target(const struct job *j); /* -o and name: the wished target */
int fetch_check_want(const char *want, struct err *e);
void fetch_place_file(struct job *j); /* goes on with job_placed */

/* fetch_job.c */
struct job *job_new(struct fetch *f, const struct hash *hash);
void job_free(struct job *j);
void job_start(struct job *j);
/* What is known from a download of the same content that is done: where it lies is looked at before
 * anybody is asked; job_not_there when it does not. */
void job_recall(struct job *j, const struct job *done);
void job_not_there(struct job *j);
void job_tick(struct job *j, int64_t now);
void job_pause(struct job *j);  /* stop what runs, keep what is there */
void job_cancel(struct job *j); /* and remove what is not whole */
void job_ask(struct job *j, int64_t when_ms);
void job_placed(struct job *j, char *target, bool replace, bool skipped, const struct err *e);
void job_wait(struct job *j, int code, const char *why); /* nobody gives anything yet */
void job_moves(struct job *j);                           /* something came */
void job_end(struct job *j, enum phase phase, const struct err *e);
void job_save(struct job *j);
void job_copied(struct job *j, uint64_t bytes, char *from); /* from is taken; may be NULL */
uint64_t job_copied_now(const struct job *j);               /* with what is being copied */
bool job_ended(const struct job *j);
bool job_active(const struct job *j);
void job_answer(struct job *j, const struct ask_reply *r);

/* fetch_holders.c */
void holders_init(struct holders *h, struct fetch *f, const struct hash *hash,
                  void (*answered)(void *ctx, const struct ask_reply *r), void *ctx);
void holders_done(struct holders *h);
void holders_ask(struct holders *h, int64_t when_ms);
void holders_tick(struct holders *h, int64_t now);
void holders_fetch(struct holders *h);      /* from now on we are one of those who fetch it */
bool holders_wait(const struct holders *h); /* the order may still come */
void holders_lost(struct holders *h, uint32_t source); /* this parent was left */
void holders_failed(struct holders *h, const struct source *s, const struct http_answer *a);
/* The sources and the order of a good answer. size: of a file. */
void holders_take(struct holders *h, char kind, uint64_t size, const struct ask_reply *r);
/* The whole holders of a folder have its files, whatever the leader says. */
void holders_borrow(struct holders *h, const struct holders *from);
uint64_t holders_number(const json_t *o, const char *key); /* 0: none, or not above 0 */

/* fetch_event.c */
json_t *event_of(struct job *j, const char *event);
void event_tell(struct job *j, const char *event); /* to all who listen to j */
void event_ended(struct job *j);                   /* to whom the configuration names */
void event_tell_source(struct job *j, const char *event, const struct source *s);
const char *event_state(const struct job *j); /* its present state's event */

/* fetch_file.c */
/* Goes on by itself; ended is called once, unless xfer_stop comes first. */
struct xfer *xfer_start(struct job *j, const struct xfer_spec *spec,
                        void (*ended)(struct xfer *x, const struct err *e), void *ctx);
void xfer_tick(struct xfer *x, int64_t now);
uint64_t xfer_done(const struct xfer *x);    /* bytes verified */
unsigned xfer_holders(const struct xfer *x); /* sources that may bring something */
void xfer_stop(struct xfer *x,
               bool remove); /* x is not the caller's any more; ended is not called */
bool xfer_is_known(const struct fetch *f, const struct hash *hash); /* somebody is at it */
void xfer_plan(struct xfer *x);   /* plan what is missing, with all sources */
void xfer_unplan(struct xfer *x); /* end what runs, and the plan */
void xfer_fail(struct xfer *x, const struct err *e);
void xfer_pin(struct xfer *x); /* x stays in memory ... */
void xfer_unpin(struct xfer *x);
void xfer_complete(struct xfer *x); /* publish, once all is there and verified */

/* fetch_swarm.c */
void swarm_begin(struct xfer *x); /* x->from */
void swarm_tick(struct xfer *x, int64_t now);
void swarm_parent_left(struct xfer *x, uint32_t source);
void xfer_sources(struct xfer *x);                             /* its holders changed */
bool swarm_is_starting(const struct xfer *x, uint32_t source); /* it may have it only soon */

/* fetch_check.c */
void check_begin(struct xfer *x); /* the list is there: look at what there is, then plan */

/* fetch_request.c */
void xfer_step(struct xfer *x, struct plan_in in);
void xfer_cancel_all(struct xfer *x);
void xfer_point(struct xfer *x);    /* tell the plan what is played */
void xfer_ask_anew(struct xfer *x); /* end what runs and ask for it again */

/* fetch_list.c */
void list_begin(struct xfer *x); /* get the checkpoint list, then xfer_listed */
void list_tick(struct xfer *x, int64_t now);
void list_end(struct xfer *x);
void list_forged(struct xfer *x); /* every source lied: take another list */
void xfer_listed(struct xfer *x);
void poll_begin(struct xfer *x, uint32_t source);
void poll_probe(struct xfer *x, uint32_t source); /* once, at once */
void have_poll_tick(struct xfer *x, int64_t now);
void poll_end_all(struct xfer *x);
bool list_fits(const struct xfer *x, const struct source *s); /* is it of the root that x goes by */

/* fetch_part.c */
void part_share(struct xfer *x, bool yes);
void part_good(struct xfer *x, uint32_t piece); /* it is verified; wakes who waits */
void part_bad(struct xfer *x, uint32_t piece);  /* it is not, after all */
void part_ended(struct xfer *x);
/* x is whole and published as x->target, which is st: serve it on from there. */
void part_keep(struct xfer *x, const struct root_stat *st);
void part_tick(struct fetch *f, int64_t now); /* wakes who waited too long */
void part_done(struct fetch *f);              /* forgets all that is kept */

/* fetch_tree.c */
struct tree *tree_start(struct job *j);
void tree_tick(struct tree *t, int64_t now);
void tree_sources(struct tree *t);
uint64_t tree_done(const struct tree *t);
void tree_files(const struct tree *t, uint32_t *files, uint32_t *done);
uint64_t tree_copying(const struct tree *t);
/* The larger files that come now: [{"name" (its path below the folder), "size", "bytes"}...] */
json_t *tree_now(const struct tree *t);
void tree_stop(struct tree *t, bool remove);
