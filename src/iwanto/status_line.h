/* What `start` says on stderr: one line of what is shared with whom, and on a terminal a status
 * line that is redrawn. One thread (the loop's). */
#pragma once

#include "core/conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "sharing DIR (N files) with anyone on this LAN (open network); downloads go to DIR; change it
 * with: iwanto share PATH" */
void status_line_hello(const struct conf *c, bool open, uint64_t files);

struct status_numbers {
    size_t peers; /* self included */
    bool has_leader, leading;
    const char *leader; /* its name or address, as it came; NULL: not known */
    bool no_interface;  /* nothing to be heard on */
    uint64_t files, bytes;
    uint64_t pending_files; /* to be hashed */
    bool scanning;
    uint64_t rate_down, rate_up; /* bytes/s */
    unsigned downloads;          /* active */
};

struct status_line;
/* NULL when stderr is no terminal; the calls below then do nothing. */
struct status_line *status_line_new(void);
void status_line_draw(struct status_line *s, const struct status_numbers *n);
/* Take the line away: before anything else is written, and at the end. */
void status_line_clear(struct status_line *s);
void status_line_free(struct status_line *s);

/* The line's text, cut to columns. */
struct buf;
void status_line_text(struct buf *out, const struct status_numbers *n, size_t columns);
/* What takes away a line of drawn columns on a terminal that has columns now: narrower than that,
 * it has folded the line. movable: its cursor can go up. Leaves the cursor at the beginning. */
void status_line_erase(struct buf *out, size_t drawn, size_t columns, bool movable);
