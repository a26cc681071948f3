/* A program that the user named, with one more argument: a player, say. One thread. */
#pragma once

#include "base/err.h"

/* Run `sh -c 'COMMAND "$1"'` with argument as $1 (never read by the shell), on this terminal; gives
 * its process, or negative. */
int child_start(const char *command, const char *argument, struct err *e);
/* Run a shell's script in the background: args (NULL at the end) are its "$1", "$2" ..., env
 * (likewise, "NAME=value") comes on top of ours; neither is ever read by the shell. A session of
 * its own, nothing to read, what it prints is lost, and it holds none of our files. Gives its
 * process, or negative. Any thread. */
int child_run(const char *script, const char *const args[], const char *const env[], struct err *e);
/* Tell it, and all that it started, to end, and wait a moment; then make them. Of child_run. */
void child_stop(int pid);
/* 1 and *status (0 to 255) once it has ended, 0 while it runs. Not after it gave 1. */
int child_ended(int pid, int *status);
/* Tell it to end, and wait a moment. */
void child_end(int pid);

/* Run a program of the system (words end with NULL, the first is looked up in PATH and then in
 * /usr/sbin and /sbin) without input, and take what it prints, at most 1 MiB and for at most ms.
 * Its exit status, 127 when there is none such, or negative: it did not end in time or printed
 * more. */
struct buf;
int child_output(const char *const *words, unsigned ms, struct buf *out);
