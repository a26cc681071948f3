/* Downloads on a terminal: one line on stderr that is redrawn, for one of those that move, and how
 * many of all have ended. */
#pragma once

#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>

struct progress;
/* shown false: nothing is ever drawn (a pipe, -q, --json). */
struct progress *progress_new(size_t downloads, bool shown);
/* Take the last event of a download in. */
void progress_event(struct progress *p, const json_t *event);
/* So many had ended before. */
void progress_skip(struct progress *p, size_t ended);
/* Take the line away, before anything else is written. */
void progress_clear(struct progress *p);
void progress_free(struct progress *p);

/* The line for one event: name, bar, percent, rate, time left, holders; within columns. ended and
 * all count downloads. */
void progress_text(struct buf *out, const json_t *event, size_t ended, size_t all, size_t columns);
