/* The two folders: `share PATH`, `share --list`, `download to PATH`. */
#pragma once

#include "iwanto/cli.h"

/* Over the service when it runs, else in the settings file. path as it was typed. */
int change_folder(struct cli *c, enum conf_key key, const char *path, struct err *e);
/* share --list (cmd_list.c). */
int list_shared(struct cli *c, struct err *e);
