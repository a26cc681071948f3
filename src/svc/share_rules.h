/* What is not shared, though it lies in the shared folder; and which folders cannot be shared at
 * all. Any thread. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct root;
struct root_stat;

enum share_skip {
    SKIP_NOT,    /* shared */
    SKIP_HIDDEN, /* leading dot */
    SKIP_LINK,
    SKIP_SPECIAL, /* device, fifo, socket; or nothing that a peer could be told of (name, size,
                     depth) */
    SKIP_PARTIAL, /* being downloaded or edited by some program */
    SKIP_SECRET,  /* looks like a private key */
    SKIP_UNREADABLE,
    SKIP_FOREIGN, /* another owner's file, or on another file system */
    SKIP_COUNT
};

/* One child of a folder. top: the shared folder itself; its owner's files and our own are shared.
 */
enum share_skip share_rule(const char *name, size_t len, const struct root_stat *st,
                           const struct root_stat *top, bool hidden);

/* A folder that holds what is not for others: the system's, the home folder or one above it, keys,
 * our own state (state: its path, may be NULL). 0, or -ERR_USAGE with a hint. */
int share_folder_ok(const struct root *r, const char *state, struct err *e);
