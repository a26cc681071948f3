/* Writing the index: what lies in the shared folder. Only share's thread; one transaction is open
 * from the first change to store_commit.
 *
 * A path is relative to the shared folder, '/'-separated, "" the folder itself. Every change gets
 * the next change number. A path that went stays as a row without content (ROW_GONE for the peers)
 * that remembers what the file was, so that one that comes back, here or elsewhere, is not read
 * again.
 *
 * After a negative result the transaction is lost, as far as it went: what was written since the
 * last commit is undone and has to be found again by a scan. store_damaged tells whether the
 * database itself is to be set aside. */
#pragma once

#include "base/err.h"
#include "base/id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

#define STORE_UNSAID                                                                               \
    'D' /* a folder that is known but not announced: its manifest is not made yet, or cannot be */
#define STORE_AWAY                                                                                 \
    'w' /* gone for the time being, with the disk that it lies on: remembered until it is back */

struct store_entry {
    char kind;     /* 'f' 'x' 'd', STORE_UNSAID */
    uint64_t size; /* of a folder: the sum below it */
    int64_t mtime_ns;
    int64_t ctime_ns; /* of a folder: 0 when its manifest is out of date */
    uint64_t ino;
    struct hash hash, root;
};

uint64_t store_generation(const struct store *s);
uint64_t store_number(const struct store *s); /* of the newest change, committed or not */
void store_counts(const struct store *s, uint64_t *files, uint64_t *bytes); /* announced */

/* What the rows are rows of. Another folder than before: everything is forgotten, new generation.
 * "": none. */
int store_set_folder(struct store *s, const char *folder, struct err *e);
/* It is none from now on, but the rows of those that were added stay. */
int store_leave_folder(struct store *s, struct err *e);

/* The folders that are shared beside that one: their label is the first component of all their
 * paths. Remembered here so that the labels stay. fn must not call the store. */
typedef void store_added_fn(void *ctx, const char *label, const char *path);
int store_added(struct store *s, store_added_fn *fn, void *ctx, struct err *e);
int store_add(struct store *s, const char *label, const char *path, struct err *e);
/* It is not shared any more: its rows are gone and what they were is forgotten. */
int store_drop(struct store *s, const char *label, struct err *e);

/* What is known at path. 1, 0 nothing (or gone), negative. */
int store_get(struct store *s, const char *path, struct store_entry *out, struct err *e);
/* The same of what is away. */
int store_get_away(struct store *s, const char *path, struct store_entry *out, struct err *e);
/* Call fn for the known children of a folder, in byte order of the names: those after the name
 * `after` ("": all), at most limit (negative: any number). name is borrowed; fn must not call the
 * store. */
typedef void store_child_fn(void *ctx, const char *name, size_t len,
                            const struct store_entry *entry);
int store_children(struct store *s, const char *folder, const char *after, int64_t limit,
                   store_child_fn *fn, void *ctx, struct err *e);
/* What is, or was, known of a file with this inode, size and modification time: with this ctime;
 * or else, where origin is not NULL, under that path. Gives its path (mem_free). 1, 0, negative. */
int store_find_inode(struct store *s, uint64_t ino, uint64_t size, int64_t mtime_ns,
                     int64_t ctime_ns, const char *origin, struct store_entry *out, char **path,
                     struct err *e);
/* Every path that is known to be a file with this inode: count strings (free each, then the array).
 */
int store_links(struct store *s, uint64_t ino, char ***paths, size_t *count, struct err *e);

/* New, or another than before. checkpoints (len may be 0) belong to entry->hash. */
int store_put(struct store *s, const char *path, const struct store_entry *entry,
              const void *checkpoints, size_t len, struct err *e);
/* The same; but where just that content is known with just that time, only the entry's other times
 * are noted. 1: it is numbered, 0: it was known, negative. */
int store_put_changed(struct store *s, const char *path, const struct store_entry *entry,
                      const void *checkpoints, size_t len, struct err *e);
/* The same content as before, nothing that a peer could see: sizes and times only, no number. */
int store_touch(struct store *s, const char *path, const struct store_entry *entry, struct err *e);
/* The folder's manifest is out of date; survives a crash. No number. */
int store_mark_stale(struct store *s, const char *folder, struct err *e);
/* The path is gone, with everything below it. Gives how many rows that were, or negative. */
int64_t store_gone(struct store *s, const char *path, struct err *e);
/* The same, but with the disk that it lies on: however much it is, it is remembered until
 * store_away_ends. */
int64_t store_away(struct store *s, const char *path, struct err *e);
/* The same, and what it was is forgotten: its shared folder is not shared any more. */
int64_t store_forget(struct store *s, const char *path, struct err *e);
/* Everything that was away has been looked for: what is not there again is gone. */
int store_away_ends(struct store *s, struct err *e);
/* Of all that is gone or away only the names are remembered. */
int store_forget_gone(struct store *s, struct err *e);
/* A content that is being fetched, or no more. */
int store_put_part(struct store *s, const struct hash *hash, const struct hash *root, uint64_t size,
                   bool have, struct err *e);

size_t store_uncommitted(const struct store *s);  /* rows */
int store_commit(struct store *s, struct err *e); /* nothing to do is fine */
/* Forget checkpoints that no row needs, and gone rows when there are very many. After a scan. */
int store_tidy(struct store *s, struct err *e);
bool store_damaged(const struct store *s);
