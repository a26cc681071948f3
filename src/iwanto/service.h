/* The running service, from opening to goodbye. */
#pragma once

#include "base/err.h"
#include "core/conf.h"

/* Open every room and run until `iwanto stop`, SIGINT or SIGTERM; then say goodbye and close. c has
 * its share and download folders set, absolute and checked; c is changed when a command changes
 * them. quiet: no talk and no status line on stderr. Blocks; call it on the program's first thread,
 * before any other was made. 0 or negative with e set when something could not be opened (nothing
 * runs then). */
int service_run(struct conf *c, const char *home, bool quiet, struct err *e);
