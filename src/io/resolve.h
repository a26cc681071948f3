/* Host names to addresses, without waiting: the system's resolver runs on libuv's pool. The calls
 * and the callback belong to the loop's thread. */
#pragma once

#include "base/id.h"
#include "io/loop.h"

#include <stddef.h>

#define RESOLVE_MAX 8 /* addresses handed on of one name */

struct resolve;

/* Look up a name, or a numeric address with or without "%eth0", and call done once with its
 * addresses (port 0), the resolver's order kept. count 0: none, and why says so in the resolver's
 * words. NULL: not a host's name at all (too long), and done is not called. */
struct resolve *resolve_start(struct loop *l, const char *host,
                              void (*done)(void *ctx, const struct addr *addr, size_t count,
                                           const char *why),
                              void *ctx);
void resolve_cancel(struct resolve *r); /* done is not called any more; not after it was */
