/* The shared folder: walk, watch, hash, compare with the store, number the changes. Owns a loop
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
    const char *folder; /* absolute, or NULL: nothing is shared */
    bool hidden;        /* share names with a leading dot as well */
    /* Called on share's thread whenever the newest number changed (grouped: at most every few ms).
     */
    void (*changed)(void *ctx, uint64_t generation, uint64_t number);
    void *ctx;
};

struct share_status {
    char folder[4096]; /* "" when nothing is shared */
    uint64_t generation, number;
    uint64_t files, bytes;                 /* announced */
    uint64_t pending_files, pending_bytes; /* found, not hashed yet */
    bool scanning;
    uint64_t skipped[SKIP_COUNT]; /* names that are there but not shared, by reason */
    uint64_t hashed;              /* files read since the start */
    uint64_t watches;
    bool watch_limit;  /* inotify's limit was met: changes are found by rescans */
    char trouble[512]; /* what the user should know, or "" (folder gone, database rebuilt) */
};

/* Opens the store and the folder (errors: not there, unreadable, not a folder), starts the thread.
 * *set_aside as store_open. */
struct share *share_new(const struct share_conf *conf, char **set_aside, struct err *e);
/* Change the folder while running: opened first; on error the old one stays. Any thread; waits for
 * the switch, not the scan. */
int share_set_folder(struct share *s, const char *folder, struct err *e);
/* What is shared now; NULL when nothing. Hold it only between the two calls; the folder may change
 * meanwhile. Any thread. */
const struct root *share_root_get(struct share *s);
void share_root_put(struct share *s, const struct root *r);
/* Something at this path is not what the store says (serve noticed): look again. Any thread. */
void share_suspect(struct share *s, const char *path);
/* A content that is being fetched and can be served in part (ROW_PART row); or no more. Any thread.
 */
void share_part(struct share *s, const struct hash *hash, const struct hash *root, uint64_t size,
                bool have);
void share_status(struct share *s, struct share_status *out); /* any thread */
void share_free(struct share *s);                             /* stops the thread */
