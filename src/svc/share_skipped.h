/* What lies in a folder but would not be shared from there, and why: walked afresh, by the rules of
 * svc/share_rules. Needs no service. Any thread; as long as the walk takes. */
#pragma once

#include "svc/share_rules.h"

/* path: below the folder; a folder that is skipped is told, not what lies in it. false: no more. */
typedef bool share_skipped_fn(void *ctx, const char *path, bool is_folder, enum share_skip why);

/* folder: absolute. hidden: names with a leading dot are shared. Each skipped name once, folder by
 * folder, in the order of names. 0; or negative, when the folder itself cannot be read. */
int share_skipped(const char *folder, bool hidden, share_skipped_fn *fn, void *ctx, struct err *e);
