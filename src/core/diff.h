/* What changed in one folder: its known children against those that were found just now. Pure; any
 * thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct diff_child {
    const char *name; /* borrowed */
    size_t len;
    char kind;     /* 'f' file, 'x' executable file, 'd' folder */
    uint64_t size; /* this and the times of files only */
    int64_t mtime_ns, ctime_ns;
    uint64_t ino;
    int64_t btime_ns; /* this and links are not compared: for who is told of it */
    uint32_t links;
};

enum diff_what {
    DIFF_SAME,
    DIFF_NEW,     /* nothing was known */
    DIFF_CHANGED, /* another content, perhaps; or another thing altogether: see the kinds */
    DIFF_GONE,
};

/* One name; either may be NULL, not both. A file is the same when size, both times and inode are; a
 * folder, when its inode is. */
enum diff_what diff_one(const struct diff_child *known, const struct diff_child *found);

/* All of a folder. known is in byte order of the names; found comes in any order and is sorted. No
 * name twice in either. fn is called in byte order, also for what is the same; known is NULL for
 * DIFF_NEW, found for DIFF_GONE. */
typedef void diff_fn(void *ctx, enum diff_what what, const struct diff_child *known,
                     const struct diff_child *found);
void diff_children(const struct diff_child *known, size_t known_count, struct diff_child *found,
                   size_t found_count, diff_fn *fn, void *ctx);
