/* A folder as one archive, made while it is sent: its files by svc/relay, what stands between them
 * by core/zip or core/tar. Waits, like relay. */
#pragma once

#include "svc/relay.h"

#include <stdint.h>

/* How long the archive of this folder is; look_files has been at it. */
uint64_t bundle_length(const struct look *folder, bool zip);
/* Give all of it. Errors as relay_file; whatever was given before makes no whole archive then. */
int bundle_give(struct relay *r, const struct look *folder, bool zip, relay_give *give, void *ctx,
                struct err *e);
