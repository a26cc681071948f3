/* Lists of SHA-256 sums as people publish them (SHA256SUMS): one line at a time. Understood are the
 * lines of `sha256sum` ("HEX  name", "HEX *name"), of BSD and `sha256sum --tag` ("SHA256 (name) =
 * HEX"), of OpenSSL ("SHA2-256(name)= HEX"), and a sum alone; a backslash in front says, as
 * coreutils have it, that \n, \r and \\ in the name are escapes. A list is foreign text: what a
 * name may be is decided here. Pure. */
#pragma once

#include "base/id.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>

enum sums_kind {
    SUMS_SUM,      /* hash is set, and name: a safe relative path, or "" when the line has none */
    SUMS_BLANK,    /* nothing, or a comment (#) */
    SUMS_OTHER,    /* a sum of another kind, as MD5 */
    SUMS_BAD_NAME, /* a sum, but its name may not be used: why */
    SUMS_UNKNOWN,  /* no line of such a list */
};

struct sums_line {
    struct hash hash;
    char name[PATH_LEN_MAX + 1]; /* as it is in the list, without "./" in front */
    size_t name_len;
    const char *why;
};

/* line: without its newline; a carriage return at its end is left out, and a byte order mark. */
enum sums_kind sums_line(const char *line, size_t len, struct sums_line *out);
