/* Options and words of one command line, in any order; "--" ends the options. */
#pragma once

#include "base/err.h"
#include "core/conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What opt_next gives: an option's own id, or one of these. */
enum { OPT_END = 0, OPT_WORD = 1, OPT_CONF = 256 /* + enum conf_key */ };

struct opt {
    int id; /* 2..255; the letter where there is one */
    const char *name;
    const char *arg; /* NULL: takes none */
    const char *help;
    bool letter; /* -ID as well */
};

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/* Options that mean the same everywhere. */
struct common {
    bool json, quiet, verbose, nul;
    enum color color;
    uint64_t limit;     /* 0: not given */
    uint64_t timeout_s; /* 0: not given */
};
extern const struct opt COMMON_OPTS[]; /* ends with an entry without a name */

struct opt_scan {
    int argc;
    char **argv;
    int at;
    const struct opt *own; /* ends with an entry without a name; NULL: none */
    const char *command;   /* whose they are, for hints; NULL: not known yet */
    bool settings;         /* takes the flags of the settings, too (start) */
    struct common *common; /* filled as they are met */
    bool words_only;       /* after "--" */
    bool dash_words;       /* "-word" is a word, letters stand alone (search) */
    const char *letters;   /* rest of "-qv" */
};

/* The next option or word: *value is its argument or the word itself. Common options are taken in
 * passing. Negative: -ERR_USAGE. */
int opt_next(struct opt_scan *s, const char **value, struct err *e);
/* No option but the common ones, and no word more. */
int opt_nothing_more(struct opt_scan *s, struct err *e);

/* How far two words are apart: letters to add, drop, change or swap; 100 and more is "very". */
unsigned opt_distance(const char *a, const char *b);
