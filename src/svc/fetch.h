/* Downloads: files and folders by hash from every holder at once, each piece verified on arrival,
 * resumed after anything. Owns a loop (thread "fetch"): the plan decides, http_client fetches,
 * pieces are verified and written as they arrive. The queue lives in the store. Any thread may call
 * what is declared here. */
#pragma once

#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "svc/ident.h"

#include <jansson.h>

struct fetch;
struct ask;
struct share;

struct fetch_conf {
    const struct ident *ident;
    struct ask *ask;
    struct share *share; /* told of partial contents (share_part); may be NULL */
    const char *db_path;
    const char *folder;  /* download folder, absolute, exists */
    uint64_t limit_down; /* bytes/s, 0: none */
    unsigned at_once;    /* downloads that run at the same time; 0: FETCH_ACTIVE */
    /* A peer could not be reached (for lan_report). */
    void (*unreachable)(void *ctx, const struct nid *nid);
    /* A download has ended: its last event, with "gave", an array of names, and "exec", its
     * command, if it has one. fetch's thread; borrowed. May be NULL. */
    void (*ended)(void *ctx, const json_t *event);
    void *ctx;
};

/* Opens the folder and goes on with what the queue holds. */
struct fetch *fetch_new(const struct fetch_conf *conf, struct err *e);
void fetch_free(struct fetch *f); /* saves; what runs goes on at the next start */

struct fetch_want {
    struct hash hash;
    const char *title; /* the name under which it was found: foreign text, made safe; NULL: the
                        * holders' */
    const char *name;  /* -o: NAME or DIR below the download folder ("DIR/" or an existing folder
                          keeps the name), or NULL */
    const char *exec;  /* a command of the owner's for when it is done, for `ended`; or NULL */
    bool overwrite, rename, sequential;
    bool now;            /* does not wait in the queue: somebody looks at it as it comes */
    uint64_t limit_rate; /* bytes/s, 0: none */
};
/* Queue it, or join the one that already runs. *id is for the calls below. When the target is
 * there: equal content is skipped unless rename is set, a file is replaced if overwrite is, else
 * "NAME (2)" is taken. Errors: a name that path_check refuses. */
int fetch_add(struct fetch *f, const struct fetch_want *want, int64_t *id, struct err *e);

/* Events of one download, from now on, first its present state: JSON objects
 *   {"event":"queued|start|progress|piece-bad|source-lost|waiting|paused|done|failed|skipped","id","hash","kind","name","path","size","bytes",
 *    "rate","holders","files","files_done","now","eta","error","exit","fetched","copied","from","holder"}
 * files, files_done and now (its larger files that come: {"name","size","bytes"}): folders only;
 * eta: seconds or null; path: absolute, or null until it is chosen; holder: of piece-bad and
 * source-lost, its name. waiting: nobody gives anything yet, error says why and exit what a command
 * that does not want to wait ends with (4: no leader answers, 5: no holder does). Text is safe to
 * print. bytes: verified so far; fetched: bytes that came over the network for this download since
 * it was (re)started here; copied: bytes that this computer had already, from: the file that the
 * last of them came from (absolute) or null; progress at most 5 a second. After done, failed (exit:
 * the exit status) or skipped (equal content is there already) no more come. fn is called on
 * fetch's thread; the object is borrowed. Several may listen. From within fn only fetch_unlisten
 * may be called. Gives a number for fetch_unlisten, after which fn is not called any more;
 * -ERR_NOT_FOUND: no such id. */
int64_t fetch_listen(struct fetch *f, int64_t id, void (*fn)(void *ctx, json_t *event), void *ctx);
void fetch_unlisten(struct fetch *f, int64_t listener);

json_t *fetch_list(struct fetch *f); /* array of the last event of each download */
int fetch_pause(struct fetch *f, int64_t id, struct err *e);
int fetch_resume(struct fetch *f, int64_t id, struct err *e);
/* Before or behind all others. Who comes first runs at once: the last of those that run goes back
 * into the queue for it. */
int fetch_first(struct fetch *f, int64_t id, struct err *e);
int fetch_last(struct fetch *f, int64_t id, struct err *e);
void fetch_set_limits(struct fetch *f, uint64_t limit_down, unsigned at_once); /* at once */
int fetch_cancel(struct fetch *f, int64_t id,
                 struct err *e); /* removes the partial files; what is whole stays */
int64_t fetch_find(struct fetch *f,
                   const struct hash *hash); /* id of a download of this hash, or -ERR_NOT_FOUND */
int fetch_set_folder(struct fetch *f, const char *folder,
                     struct err *e); /* for new downloads; running ones end where they began */
void fetch_rates(struct fetch *f, uint64_t *down_rate, unsigned *active);

/* For serve: a content that is being fetched here, as far as it is verified. 1: *fd (dup, close
 * it), *size, *root, have (bits_done) are set; 0: not here. */
int fetch_part(struct fetch *f, const struct hash *hash, int *fd, uint64_t *size, struct hash *root,
               struct bits *have);
/* The end (in the file) of the verified bytes that begin at `at`: `at` itself when there are none
 * yet, PART_NOT_HERE when it is not here any more. */
#define PART_NOT_HERE UINT64_MAX
uint64_t fetch_part_until(struct fetch *f, const struct hash *hash, uint64_t at);
/* Its fetching has begun, and it will be here soon. */
bool fetch_part_coming(struct fetch *f, const struct hash *hash);
/* Its checkpoint list, appended: 1 or 0. */
int fetch_part_checkpoints(struct fetch *f, const struct hash *hash, struct buf *b);
/* Call wake(ctx) once, on fetch's thread, when a further piece of it is verified or it ends; also
 * after about HOLD_MS without one. false: neither here nor coming (not called). Also for contents
 * that are too small to be served. */
bool fetch_part_wait(struct fetch *f, const struct hash *hash, void (*wake)(void *ctx), void *ctx);
/* Not any more: after this wake is not called. */
void fetch_part_unwait(struct fetch *f, void (*wake)(void *ctx), void *ctx);

/* For play: a content that is being fetched here, of whatever size. 1: *size is set, and *end, up
 * to where the bytes from `at` on are verified without a gap (at itself: nothing yet). Nothing
 * counts before the last piece is there: it ties the checkpoint list to the hash. With *end beyond
 * at, and fd not NULL, *fd is a descriptor of the partial file (dup, close it). 0: not being
 * fetched. */
int fetch_look(struct fetch *f, const struct hash *hash, uint64_t at, int *fd, uint64_t *size,
               uint64_t *end);
/* From now on its pieces come in order from this byte on, and those right behind it first of all.
 */
void fetch_point(struct fetch *f, const struct hash *hash, uint64_t at);
#define FETCH_NO_POINT                                                                             \
    UINT64_MAX /* nobody plays it any more: in order, but nothing before all else */
