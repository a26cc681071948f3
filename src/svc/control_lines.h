/* JSON objects on their way to one command, a line each: they wait here until the command reads
 * them. A command that reads slowly misses progress, never anything else. Any thread. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lines;

#define LINES_MAX (1u << 20) /* bytes that wait; then progress is left out */

/* wake(ctx) is called whenever there is something to read, or the end; not from within
 * lines_read. */
struct lines *lines_new(void (*wake)(void *ctx), void *ctx);
void lines_free(struct lines *l);

void lines_add(struct lines *l, const json_t *object);
/* An event of a download: {"event":"progress"} may be left out. */
void lines_event(struct lines *l, const json_t *event);
void lines_end(struct lines *l); /* no more come */
/* At most max bytes: how many, 0: none now, -1: the end. */
int64_t lines_read(struct lines *l, void *to, size_t max);
