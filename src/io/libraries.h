/* The libraries that this program stands on: which version it was built with, and which one the
 * system has loaded. Any thread. */
#pragma once

#include <stddef.h>

#define LIBRARIES_MAX       12
#define LIBRARY_VERSION_MAX 32 /* with the NUL */

struct library {
    const char *name;
    char built[LIBRARY_VERSION_MAX]; /* "" where its headers do not tell */
    char runs[LIBRARY_VERSION_MAX];
};

/* Fills out, returns how many. */
size_t libraries(struct library out[LIBRARIES_MAX]);
