/* What root.c, root_write.c and their test share. Nobody else includes this. */
#pragma once

#include "io/root.h"

#include <sys/types.h>

struct root {
    int fd;     /* of the directory, open for reading; -1: let go of */
    char *path; /* canonical */
    uint64_t dev, ino;
    bool by_step; /* openat2 is not to be had: every component is opened on its own, O_NOFOLLOW */
};

#define ROOT_NAME_MAX 300 /* a path in an error text */

/* Open path below r whatever is swapped meanwhile; no component may be a link. A descriptor or
 * -errno. O_CLOEXEC, O_NOFOLLOW, O_NONBLOCK and O_NOCTTY are added. */
int root_beneath(const struct root *r, const char *path, int flags, mode_t mode);

/* The folder that holds path, and path's last component. A descriptor (close it) or -errno. */
int root_parent(const struct root *r, const char *path, int flags, const char **name);

/* One component, neither "." nor "..". */
bool root_name_plain(const char *name);

/* "cannot VERB PATH: reason", with the code that belongs to the errno. */
int root_fail(struct err *e, int sys, const char *verb, const char *path);
