/* The folders: `share PATH`, --add, --remove, --list, and `download to PATH`. */
#pragma once

#include "iwanto/cli.h"
#include "svc/settings.h"

enum folder_act {
    FOLDER_SHARE = SETTINGS_ONLY,
    FOLDER_ADD = SETTINGS_ADD,
    FOLDER_REMOVE = SETTINGS_REMOVE,
    FOLDER_DOWNLOAD,
};

/* Over the service when it runs, else in the settings file. path as it was typed. */
int change_folder(struct cli *c, enum folder_act act, const char *path, struct err *e);
/* share --list (cmd_list.c). */
int list_shared(struct cli *c, struct err *e);
