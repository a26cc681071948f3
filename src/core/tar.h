/* A folder as one stream: a tar archive (POSIX.1-2001: ustar, with pax records for what does not
 * fit). As core/zip: what stands between the files' bytes, of a length that names and sizes tell.
 * Names keep their bytes. What has no time between 1970 and 2242 is dated 1970. Pure; any thread.
 */
#pragma once

#include "core/zip.h"

/* What stands before a file's bytes and behind them, and the end. All append. */
void tar_head(struct buf *to, const struct zip_file *f);
void tar_tail(struct buf *to, const struct zip_file *f);
void tar_end(struct buf *to);
