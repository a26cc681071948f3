/* Settings: one row each. The row makes the flag, the environment variable, the file's key, `view
 * config`, the manual and the completion. Pure: files and environment are read by the caller. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum conf_key {
    /* [Paths] */
    CONF_SHARE,
    CONF_ALSO,
    CONF_DOWNLOAD,
    /* [Network] */
    CONF_NETWORK,
    CONF_PASSPHRASE_FILE,
    CONF_NAME,
    CONF_INTERFACES,
    CONF_PORT,
    CONF_PEERS,
    CONF_NEVER_LEAD,
    /* [Sharing] */
    CONF_HIDDEN,
    CONF_SWEEP,
    CONF_LINKS,
    /* [Transfers] bytes a second, 0: no limit */
    CONF_LIMIT_UP,
    CONF_LIMIT_DOWN,
    CONF_UPLOADS,
    CONF_DOWNLOADS,
    CONF_ON_DOWNLOAD,
    /* [Log] */
    CONF_LOG_LEVEL,
    CONF_COUNT,
};

/* CONF_PATH: absolute, or "~/..." for the caller to expand; or a word of choices. CONF_PATHS: such
 * paths, separated by ':'; in them stands \: for ':' and \\ for '\'. */
enum conf_type {
    CONF_PATH,
    CONF_PATHS,
    CONF_TEXT,
    CONF_LIST /* comma-separated */,
    CONF_NUMBER,
    CONF_BYTES,
    CONF_BOOL,
    CONF_CHOICE
};
enum conf_source { CONF_DEFAULT, CONF_FILE, CONF_ENV, CONF_FLAG };

#define CONF_NONE "none" /* of CONF_SHARE: no such folder */

struct conf_row {
    enum conf_key key;
    const char *section, *name; /* in the file */
    const char *flag;           /* of `start`, without "--" */
    const char *env;            /* IWANT_... */
    enum conf_type type;
    const char *fallback; /* default; NULL: made at start (see help) */
    uint64_t min, max;    /* CONF_NUMBER: value; CONF_TEXT: bytes */
    const char *choices;  /* CONF_CHOICE: "a|b|c"; CONF_PATH: words besides paths, or NULL */
    const char *help;
};
const struct conf_row *conf_row(enum conf_key key);
const struct conf_row *conf_by_name(const char *section,
                                    const char *name); /* NULL: no such setting */

/* By its name or its flag alone. NULL: no such setting. */
const struct conf_row *conf_by_word(const char *word);

struct conf {
    char *value[CONF_COUNT]; /* text in its canonical form; NULL: no default */
    enum conf_source source[CONF_COUNT];
};
void conf_init(struct conf *c); /* the defaults */
void conf_done(struct conf *c);
/* Check and set; a weaker source never replaces a stronger one. -ERR_USAGE with the reason, which
 * names the row. */
int conf_set(struct conf *c, enum conf_key key, const char *text, enum conf_source source,
             struct err *e);
/* A whole file's text: INI, "name = value" to the end of the line, comments on lines of their own
 * (# or ;). An unknown section or key, one that is set twice, or a bad value, is -ERR_USAGE naming
 * file and line. Read here and not by inih: as packaged it cuts lines at 200 bytes and values at "
 * ;", both of which folders' paths have. */
int conf_read(struct conf *c, const char *text, size_t len, const char *file_name, struct err *e);
/* The file's text with one setting changed or added, everything else (comments too) as it was. */
void conf_edit(struct buf *out, const char *text, size_t len, enum conf_key key, const char *value);

const char *conf_text(const struct conf *c, enum conf_key key);
uint64_t conf_number(const struct conf *c, enum conf_key key); /* CONF_NUMBER, CONF_BYTES */
bool conf_bool(const struct conf *c, enum conf_key key);
/* CONF_PATHS: the nth path (mem_free), NULL at the end; and one more behind a list. */
char *conf_path(const struct conf *c, enum conf_key key, size_t n);
void conf_path_add(struct buf *list, const char *path);
/* CONF_LIST: the nth item, trimmed, into out; false at the end. */
bool conf_item(const struct conf *c, enum conf_key key, size_t n, char *out, size_t cap);
const char *conf_source_name(enum conf_source s); /* "default", "file", "environment", "flag" */
