/* The shared folders: walk, watch, hash, compare with the store, number the changes. Owns a loop
 * (thread "share") and the writing side of the store; hashing runs on a pool of its own, of low
 * priority. */
#pragma once

#include "base/err.h"
#include "base/id.h"
#include "svc/share_rules.h"

#include <stdbool.h>
#include <stdint.h>

struct share;

struct share_conf {
    const char *db_path;
    const char *folder;       /* the first one, absolute, or NULL: none */
    const char *const *added; /* those beside it, absolute; they need not be there now */
    size_t added_count;
    bool hidden; /* share names with a leading dot as well */
    bool sweep;  /* look through all folders from time to time, whatever the system tells */
    /* Called on share's thread whenever the newest number changed (grouped: at most every few ms).
     */
    void (*changed)(void *ctx, uint64_t generation, uint64_t number);
    void *ctx;
};

struct share_status {
    char folder[4096]; /* the first one, "" when there is none */
    uint64_t generation, number;
    uint64_t files, bytes;                 /* announced */
    uint64_t pending_files, pending_bytes; /* found, not hashed yet */
    bool scanning;
    uint64_t skipped[SKIP_COUNT]; /* names that are there but not shared, by reason */
    uint64_t hashed;              /* files read since the start */
    uint64_t manifests;           /* made since the start */
    uint64_t watches;
    bool watch_limit; /* inotify's limit was met: so many folders are looked through instead */
    uint64_t unwatched, watch_need; /* what the limit should be */
    uint64_t swept;    /* folders that are looked through from time to time, for whatever reason */
    char trouble[512]; /* what the user should know, or "" (folder gone, database rebuilt) */
};

/* Opens the store and the folder (errors: not there, unreadable, not a folder), starts the thread.
 * *set_aside as store_open. */
struct share *share_new(const struct share_conf *conf, char **set_aside, struct err *e);
/* Change the folders while running: the first, NULL for none, and those beside it. Those that are
 * new are opened first; on error all stays as it was. Another first one ends everything that was
 * shared; else only what is new is looked through. Any thread; waits for the switch, not the scan.
 */
int share_set_folders(struct share *s, const char *folder, const char *const *added, size_t count,
                      struct err *e);
/* Which they are, the first one first; max is SHARE_FOLDERS_MAX. Any thread. */
struct share_folder {
    char path[4096];
    char name[256]; /* that its paths begin with; "" of the first one */
    bool here;      /* its disk is there */
};
size_t share_folders(struct share *s, struct share_folder *out, size_t max);
/* The shared folder that this path lies in, and the path in it; NULL: none that is there now. Hold
 * it only between the two calls; the folders may change meanwhile. Any thread. */
const struct root *share_root_get(struct share *s, const char *path, const char **below);
void share_root_put(struct share *s, const struct root *r);
/* Something at this path is not what the store says (serve noticed): look again. Any thread. */
void share_suspect(struct share *s, const char *path);
/* A content that is being fetched and can be served in part (ROW_PART row); or no more. Any thread.
 */
void share_part(struct share *s, const struct hash *hash, const struct hash *root, uint64_t size,
                bool have);
void share_status(struct share *s, struct share_status *out); /* any thread */
void share_free(struct share *s);                             /* stops the thread */
