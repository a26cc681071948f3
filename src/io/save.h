/* Small files of our own (keys, certificates, counters, settings): read whole, replaced whole. A
 * crash or a full disk leaves the old file or the new one, never a half. Any thread; two writers of
 * one path are the caller's to keep apart. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Write path.new-PID, fsync, rename to path, fsync the folder. mode is what the file gets, whatever
 * the umask. -ERR_IO. */
int save_write(const char *path, const void *data, size_t len, mode_t mode, struct err *e);
/* The same for what may be lost: nothing waits for the disk. A power cut may leave an empty file.
 */
int save_note(const char *path, const void *data, size_t len, mode_t mode, struct err *e);
/* Append to the file (made with mode); when it is larger than max then, it becomes path.1, in place
 * of the one that was there before. Nothing waits for the disk. -ERR_IO. */
int save_append(const char *path, const void *data, size_t len, size_t max, mode_t mode,
                struct err *e);
/* Append the whole file to b. -ERR_NOT_FOUND when there is none, -ERR_IO otherwise, also when it is
 * longer than max or no regular file. */
int save_read(const char *path, size_t max, struct buf *b, struct err *e);
/* Make the folder (its parent must be there) or take the existing one; it must be ours and gets
 * exactly mode. *mended (may be NULL) says that the mode had to be changed. -ERR_USAGE when it is
 * another user's or no folder, -ERR_IO. */
int save_dir(const char *path, mode_t mode, bool *mended, struct err *e);
/* Lock the file at path (made 0600) for this process until *fd is closed, and write our pid into
 * it. -ERR_EXISTS when another process holds it: *pid is whose (0 when it does not say). */
int save_lock(const char *path, int *fd, long *pid, struct err *e);
