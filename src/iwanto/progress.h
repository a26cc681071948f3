/* Downloads on a terminal: lines on stderr that are redrawn, one for each file in work (a folder
 * and the larger files in it), and a total when there are several downloads; never more than the
 * terminal has room for. A terminal that knows no cursor movement (TERM=dumb) has one line. */
#pragma once

#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>

struct progress;
/* shown false: nothing is ever drawn (a pipe, -q, --json). */
struct progress *progress_new(size_t downloads, bool shown);
/* Take the last event of a download in, and draw. */
void progress_event(struct progress *p, const json_t *event);
/* So many had ended before. */
void progress_skip(struct progress *p, size_t ended);
/* Take the lines away, before anything else is written. */
void progress_clear(struct progress *p);
void progress_free(struct progress *p);

/* Its lines now, a newline between two: at most rows of them, each within columns. */
void progress_lines(const struct progress *p, struct buf *out, size_t rows, size_t columns);
/* The line for one event: name, bar, percent, rate, time left, holders, or what is waited for;
 * within columns. */
void progress_text(struct buf *out, const json_t *event, size_t columns);
