/* To be told what changes below a folder: inotify. Folders are watched one by one, by descriptor,
 * so that no name is followed; add a folder's watch first and list it then, so that nothing falls
 * between. One thread.
 *
 * A watch belongs to the folder, not to its name: a folder that was moved keeps it, and is known by
 * its new path once that was added. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watch;

enum watch_what {
    WATCH_NAME,    /* something about one name in the folder: look at it again */
    WATCH_WRITTEN, /* the same; its content or its times may be others */
    WATCH_FROM,    /* the same; it has another name now */
    WATCH_TO,     /* the same; it is what had the name that was told with this cookie, if one was */
    WATCH_FOLDER, /* something about the folder itself: its rights, or it went */
    WATCH_LOST,   /* too much at once: look at everything again; no folder */
};

/* folder and name are borrowed until the function returns; cookie is of FROM and TO. */
typedef void watch_fn(void *ctx, enum watch_what what, const char *folder, const char *name,
                      uint32_t cookie);

struct watch *watch_new(struct err *e); /* NULL: the system gives no (more) watching */
void watch_free(struct watch *w);       /* NULL is fine */
int watch_fd(const struct watch *w);    /* to be polled for reading */
void watch_read(struct watch *w, watch_fn *fn,
                void *ctx); /* all that is there; fn may add and drop */

/* Watch the folder open at dir_fd, known as path from now on. -ERR_IO with e->sys ENOSPC: the limit
 * of watches is met. */
int watch_add(struct watch *w, int dir_fd, const char *path, struct err *e);
bool watch_has(const struct watch *w, const char *path);
/* Forget a folder and all below it. */
void watch_drop(struct watch *w, const char *path);
/* Forget those whose path fn wants gone. */
void watch_drop_if(struct watch *w, bool (*fn)(void *ctx, const char *path), void *ctx);
size_t watch_count(const struct watch *w);
