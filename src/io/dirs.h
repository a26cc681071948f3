/* Where things lie on this system: the user's home, our state folder, the folders that a desktop
 * names for sharing and downloads (XDG user directories). Any thread; the environment is read at
 * each call. Strings given are the caller's (mem_free). */
#pragma once

#include "base/err.h"

#include <stdbool.h>

/* $HOME. NULL: not set or not absolute. */
char *dirs_home(struct err *e);
/* $IWANT_HOME, made absolute, or ~/.iwant. Not made here. */
char *dirs_state(struct err *e);
/* $XDG_PUBLICSHARE_DIR, or what ~/.config/user-dirs.dirs says, or ~/Public. */
char *dirs_public(struct err *e);
/* $XDG_DOWNLOAD_DIR, likewise, or ~/Downloads. */
char *dirs_downloads(struct err *e);
/* path with "~/" expanded and, when relative, behind the working folder; links are not resolved. */
char *dirs_absolute(const char *path, struct err *e);
/* mkdir -p; those that are there stay as they are. -ERR_USAGE naming the one that can't be made. */
int dirs_make(const char *path, struct err *e);
/* The value of one line NAME="$HOME/..." or NAME="/..." in the text of a user-dirs.dirs file; NULL
 * when there is none. */
char *dirs_from_text(const char *text, const char *name, const char *home);
/* What lies at path belongs to another user, or we may not even look. */
bool dirs_is_foreign(const char *path);
