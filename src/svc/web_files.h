/* The files of the page as they lie in web/, put into the program when it is built. Constant; any
 * thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct web_file {
    const char *type; /* media type */
    const void *data;
    size_t len;
};

/* The file at this path of the page's servers. */
bool web_file(const char *path, struct web_file *out);
