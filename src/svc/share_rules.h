/* What is not shared, though it lies in the shared folder; and which folders cannot be shared at
 * all. Any thread. */
#pragma once

#include "base/err.h"
#include "core/ignore.h"
#include "io/root.h"

#include <stdbool.h>
#include <stddef.h>

#define SHARE_IGNORE_FILE ".iwantignore"

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
    SKIP_IGNORED, /* by a pattern in a SHARE_IGNORE_FILE */
    SKIP_TAKEN,   /* an added folder has this name */
    SKIP_COUNT
};
const char *share_skip_word(enum share_skip why); /* "hidden", as status and manual have it */

struct share_rules {
    struct root_stat top;  /* the shared folder itself; its owner's files and our own are shared */
    bool hidden;           /* names with a leading dot are shared as well */
    struct ignore *ignore; /* of the folders whose list was read */
};

/* One child of a folder whose list was read, and those above it. */
enum share_skip share_rule(const struct share_rules *rules, const char *folder, const char *name,
                           const struct root_stat *st);

/* Read the list of a folder, if it has one. One that is there but cannot be read, or is over
 * IGNORE_BYTES_MAX, hides the whole folder: rather nothing than what was not meant to be shared.
 * While somebody writes it, the one before is kept. true: it says another thing than before. */
bool share_read_ignore(struct share_rules *rules, const struct root *r, const char *folder);

/* A folder that holds what is not for others: the system's, the home folder or one above it, keys,
 * our own state (state: its path, may be NULL). 0, or -ERR_USAGE with a hint. */
int share_folder_ok(const struct root *r, const char *state, struct err *e);
