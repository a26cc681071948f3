/* A Metalink 4 document (RFC 5854): names, sizes, SHA-256 sums and where to get them, for programs
 * that know nothing of iwant. No <pieces>: those would be sums of each piece alone, and our
 * checkpoints are states of the one sum over the whole file. Pure; any thread. */
#pragma once

#include "base/buf.h"
#include "base/id.h"

#include <stddef.h>

void metalink_begin(struct buf *b);
/* path: relative, '/' between components, each as path_check wants it; foreign text, made safe. */
void metalink_file(struct buf *b, const char *path, size_t len, uint64_t size,
                   const struct hash *hash);
void metalink_url(struct buf *b, const char *url); /* of that file; as weblink_url made it */
void metalink_file_end(struct buf *b);
void metalink_end(struct buf *b);
