/* The settings in force: defaults, file, environment, flags; the rules that the two folders must
 * keep; and changing one for good. The command uses it when no service runs, control when one does.
 * Any thread; the file has one writer at a time. */
#pragma once

#include "base/err.h"
#include "core/conf.h"

#include <jansson.h>
#include <stdbool.h>

#define SETTINGS_FILE   ".iwant.conf"
#define SETTINGS_LOG    ".iwant.log"
#define SETTINGS_DB     "iwant.db"
#define SETTINGS_SOCKET "iwant.sock"

/* home + "/" + name; mem_free. */
char *settings_path(const char *home, const char *name);

/* Make our state folder (0700) when it is missing. */
int settings_home(const char *home, struct err *e);
/* conf_init, then HOME/.iwant.conf (may be missing) and IWANT_* of the environment. Flags come
 * after it, by conf_set. On error c is still to be conf_done. -ERR_USAGE naming file and line, or
 * variable. */
int settings_load(struct conf *c, const char *home, struct err *e);
/* After the flags: "~/" expanded, the folders and the name that nobody set taken from the system.
 */
int settings_fill(struct conf *c, struct err *e);
/* Make the folders that are missing when make is set and they are defaults, and check all: they
 * exist (of the added shared ones, their disk may be away), are readable, none is the same as, or
 * lies in, another (links resolved), and none is dangerous (a home folder, secrets, a system
 * folder, our state). Makes their text canonical. -ERR_USAGE with a sentence. */
int settings_check(struct conf *c, const char *home, bool make, struct err *e);
/* The same for a new download folder. *canonical: as it is to be set; mem_free. */
int settings_check_download(const struct conf *c, const char *home, const char *path,
                            char **canonical, struct err *e);
/* What CONF_SHARE and CONF_ALSO would be when only path is shared, path as well, or path no more.
 */
enum settings_act { SETTINGS_ONLY, SETTINGS_ADD, SETTINGS_REMOVE };
struct settings_shared {
    char *share, *also;
    char *folder; /* path, canonical */
};
int settings_share(const struct conf *c, const char *home, enum settings_act act, const char *path,
                   struct settings_shared *out, struct err *e);
void settings_shared_done(struct settings_shared *s); /* also after an error */
/* A setting by its name, and the canonical form of a value for it (mem_free). The two folders have
 * commands of their own. -ERR_USAGE with the reason. */
int settings_parse(const char *name, const char *value, const struct conf_row **row,
                   char **canonical, struct err *e);
/* Write one setting into the file, the rest of it stays: tmp, fsync, rename. */
int settings_save(const char *conf_path, enum conf_key key, const char *value, struct err *e);
int settings_save_shared(const char *conf_path, const struct settings_shared *is, struct err *e);
/* value is in force from now on, whatever said so before. */
void settings_put(struct conf *c, enum conf_key key, const char *value);
void settings_replace(struct conf *c, enum conf_key key, char *value); /* takes value */
/* All settings as `view config` prints them:
 * [{"section","name","value"|null,"source","flag","env"}]. The caller's. */
json_t *settings_json(const struct conf *c);
