/* A program that the user named, with one more argument: a player, say. One thread. */
#pragma once

#include "base/err.h"

/* Run `sh -c 'COMMAND "$1"'` with argument as $1 (never read by the shell), on this terminal; gives
 * its process, or negative. */
int child_start(const char *command, const char *argument, struct err *e);
/* 1 and *status (0 to 255) once it has ended, 0 while it runs. Not after it gave 1. */
int child_ended(int pid, int *status);
/* Tell it to end, and wait a moment. */
void child_end(int pid);
