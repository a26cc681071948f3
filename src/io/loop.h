/* A libuv loop and the mailbox in front of it: how threads talk here. What a loop owns is touched
 * on its thread only; anyone else posts a function to it. Posted functions run in order. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct loop;

/* A loop for this thread (loop_run) or for one of its own (loop_start). Never NULL. name is
 * borrowed for ever. */
struct loop *loop_new(const char *name);
uv_loop_t *loop_uv(struct loop *l);

void loop_run(struct loop *l);   /* until loop_quit */
void loop_start(struct loop *l); /* the same on a new thread */

/* Run fn(arg) on the loop's thread, soon. Any thread. false: the loop has ended and fn will not
 * run; the caller keeps arg. */
bool loop_post(struct loop *l, void (*fn)(void *arg), void *arg);
/* The same, and wait until it has run. Never from the loop's own thread. */
bool loop_call(struct loop *l, void (*fn)(void *arg), void *arg);
/* loop_run ends once what was posted before has run. Any thread. */
void loop_quit(struct loop *l);
/* Join the thread if there is one, free. The loop's other handles must be closed (or closing) when
 * it quits. NULL is fine. */
void loop_free(struct loop *l);

int64_t loop_now_ms(void); /* monotonic; any thread */
