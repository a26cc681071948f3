/* Hashing files and folders. Any thread. */
#pragma once

#include "base/err.h"
#include "core/content.h"
#include "io/root.h"

#include <stdbool.h>

/* One open file, hashed from front to back in slices, so that a big one does not keep others
 * waiting. */
struct hash_file {
    int fd; /* -1: not open */
    struct root_stat st;
    struct content_hasher sha;
};

enum hash_end {
    HASH_MORE, /* the slice is done, the file is not */
    HASH_DONE,
    HASH_CHANGED, /* it is not what it was when it was opened: the hash is nobody's */
    HASH_FAILED,  /* e is set */
};

int hash_file_open(struct hash_file *h, const struct root *r, const char *path, struct err *e);
/* Read on, about slice bytes, through buffer. On HASH_DONE hash and root are set; the checkpoints
 * stay in h->sha. */
enum hash_end hash_file_read(struct hash_file *h, void *buffer, size_t cap, uint64_t slice,
                             struct hash *hash, struct hash *root, struct err *e);
void hash_file_close(struct hash_file *h); /* also after an open that failed */

/* The hash of a file or folder by its path, as the network knows it: what is not shared
 * (share_rules.h) does not count in a folder; hidden: names with a leading dot do. kind is 'f', 'x'
 * or 'd', size that of the content. What path itself names is taken as it is, a link as what it
 * leads to. */
int hash_path(const char *path, bool hidden, struct hash *out, char *kind, uint64_t *size,
              struct err *e);
