#include "iwanto/options.h"

#include "base/str.h"
#include "core/path.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define LIMIT_MAX    1000000u
#define TIMEOUT_MAX  (30u * 86400)
#define DISTANCE_MAX 24u /* letters of a word that is compared */

const struct opt COMMON_OPTS[] = {
    {2, "json", NULL, "one JSON object a line", false},
    {'q', "quiet", NULL, "results and errors only", true},
    {'v', "verbose", NULL, "tell more", true},
    {3, "color", "auto|always|never", "colours; NO_COLOR and TERM=dumb say never", false},
    {4, "limit", "N", "at most N rows", false},
    {5, "timeout", "SECONDS", "give up after that time, exit status 9", false},
    {'0', "null", NULL, "rows end with NUL and names stay as they are", true},
    {'h', "help", NULL, "help for the command", true},
    {0, NULL, NULL, NULL, false},
};

unsigned opt_distance(const char *a, const char *b)
{
    unsigned row[3][DISTANCE_MAX + 1];
    size_t m = strlen(a), n = strlen(b);

    if (m > DISTANCE_MAX || n > DISTANCE_MAX)
        return 100;
    for (unsigned k = 0; k <= n; k++)
        row[0][k] = k;
    for (unsigned i = 1; i <= m; i++) {
        unsigned *now = row[i % 3], *up = row[(i + 2) % 3], *upper = row[(i + 1) % 3];

        now[0] = i;
        for (unsigned k = 1; k <= n; k++) {
            unsigned least = up[k - 1] + (a[i - 1] != b[k - 1]);

            if (up[k] + 1 < least)
                least = up[k] + 1;
            if (now[k - 1] + 1 < least)
                least = now[k - 1] + 1;
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] &&
                upper[k - 2] + 1 < least)
                least = upper[k - 2] + 1;
            now[k] = least;
        }
    }
    return row[m % 3][n];
}

/* An option found: one of a table, or a setting's flag. */
struct found {
    int id;
    const char *name, *arg;
    bool common;
};

static bool in_table(const struct opt *table, bool common, const char *name, size_t len,
                     struct found *f)
{
    for (; table && table->name; table++)
        if (strlen(table->name) == len && !strncmp(table->name, name, len)) {
            *f = (struct found){table->id, table->name, table->arg, common};
            return true;
        }
    return false;
}

static bool by_letter(const struct opt *table, bool common, char letter, struct found *f)
{
    for (; table && table->name; table++)
        if (table->letter && table->id == letter) {
            *f = (struct found){table->id, table->name, table->arg, common};
            return true;
        }
    return false;
}

static bool in_settings(const char *name, size_t len, struct found *f)
{
    for (int i = 0; i < CONF_COUNT; i++) {
        const struct conf_row *row = conf_row((enum conf_key)i);

        if (strlen(row->flag) == len && !strncmp(row->flag, name, len)) {
            *f = (struct found){OPT_CONF + i, row->flag, row->type == CONF_BOOL ? NULL : "", false};
            return true;
        }
    }
    return false;
}

static void nearer(const char *name, const char *wrong, const char **best, unsigned *distance)
{
    unsigned d = opt_distance(wrong, name);

    if (d < *distance) {
        *distance = d;
        *best = name;
    }
}

static int unknown(const struct opt_scan *s, const char *wrong, struct err *e)
{
    char shown[100];
    const char *best = NULL;
    unsigned distance = 3;
    size_t len = strcspn(wrong, "=");
    char name[DISTANCE_MAX + 1];

    err_set(e, ERR_USAGE, "unknown option %s", show_to(shown, sizeof shown, wrong, len));
    str_copy(name, len - 1 < sizeof name ? len - 1 : sizeof name, wrong + 2);
    for (const struct opt *o = COMMON_OPTS; len > 2 && o->name; o++)
        nearer(o->name, name, &best, &distance);
    for (const struct opt *o = s->own; len > 2 && o && o->name; o++)
        nearer(o->name, name, &best, &distance);
    for (int i = 0; len > 2 && s->settings && i < CONF_COUNT; i++)
        nearer(conf_row((enum conf_key)i)->flag, name, &best, &distance);
    if (best)
        err_hint(e, "did you mean --%s? try: iwanto help%s%s", best, s->command ? " " : "",
                 s->command ? s->command : "");
    else
        err_hint(e, "try: iwanto help%s%s (words that begin with - come after --)",
                 s->command ? " " : "", s->command ? s->command : "");
    return -ERR_USAGE;
}

static int take_number(const char *name, const char *value, uint64_t max, uint64_t *n,
                       struct err *e)
{
    char shown[100];

    assert(value && "argument() saw to it");
    if (str_parse_u64(value, 1, max, n))
        return 0;
    return err_set(e, ERR_USAGE, "--%s takes a number from 1 to %llu, not '%s'", name,
                   (unsigned long long)max, show_to(shown, sizeof shown, value, strlen(value)));
}

static int take_color(struct common *c, const char *value, struct err *e)
{
    static const char *const names[] = {"auto", "always", "never"};
    char shown[100];

    assert(value && "argument() saw to it");
    for (int i = 0; i < 3; i++)
        if (!strcmp(value, names[i])) {
            c->color = (enum color)i;
            return 0;
        }
    return err_set(e, ERR_USAGE, "--color takes auto, always or never, not '%s'",
                   show_to(shown, sizeof shown, value, strlen(value)));
}

static int take_common(struct common *c, int id, const char *value, struct err *e)
{
    switch (id) {
    case 2:
        c->json = true;
        return 0;
    case 'q':
        c->quiet = true;
        return 0;
    case 'v':
        c->verbose = true;
        return 0;
    case 3:
        return take_color(c, value, e);
    case 4:
        return take_number("limit", value, LIMIT_MAX, &c->limit, e);
    case 5:
        return take_number("timeout", value, TIMEOUT_MAX, &c->timeout_s, e);
    case '0':
        c->nul = true;
        return 0;
    }
    return 0; /* help: main has seen it */
}

/* Its argument: behind "=", the rest of the letters, or the next word. */
static int argument(struct opt_scan *s, const struct found *f, const char *behind,
                    const char **value, struct err *e)
{
    *value = behind;
    if (!f->arg)
        return behind ? err_set(e, ERR_USAGE, "--%s takes no value", f->name) : 0;
    if (!behind && s->at < s->argc)
        *value = s->argv[s->at++];
    if (!*value)
        return err_set(e, ERR_USAGE, "--%s needs a value", f->name);
    return 0;
}

static int take_letter(struct opt_scan *s, struct found *f, const char **value, struct err *e)
{
    char letter[3] = {'-', *s->letters++, '\0'};
    const char *rest = *s->letters ? s->letters : NULL;

    if (!by_letter(s->own, false, letter[1], f) && !by_letter(COMMON_OPTS, true, letter[1], f))
        return unknown(s, letter, e);
    if (!f->arg) {
        s->letters = rest;
        return 0;
    }
    s->letters = NULL;
    return argument(s, f, rest, value, e);
}

static int take_long(struct opt_scan *s, const char *word, struct found *f, const char **value,
                     struct err *e)
{
    const char *name = word + 2, *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);

    if (!in_table(s->own, false, name, len, f) && !in_table(COMMON_OPTS, true, name, len, f) &&
        !(s->settings && in_settings(name, len, f)))
        return unknown(s, word, e);
    return argument(s, f, equals ? equals + 1 : NULL, value, e);
}

/* "-word" and "-7", but not "-q". */
static bool is_dash_word(const struct opt_scan *s, const char *word)
{
    struct found f;

    return s->dash_words && word[1] != '-' &&
           (word[2] ||
            (!by_letter(s->own, false, word[1], &f) && !by_letter(COMMON_OPTS, true, word[1], &f)));
}

int opt_next(struct opt_scan *s, const char **value, struct err *e)
{
    struct found f = {0};
    int rc;

    for (;;) {
        *value = NULL;
        if (s->letters) {
            rc = take_letter(s, &f, value, e);
        } else {
            const char *word;

            if (s->at >= s->argc)
                return OPT_END;
            word = s->argv[s->at++];
            if (!s->words_only && !strcmp(word, "--")) {
                s->words_only = true;
                continue;
            }
            if (s->words_only || word[0] != '-' || !word[1] || is_dash_word(s, word)) {
                *value = word;
                return OPT_WORD;
            }
            if (word[1] != '-') {
                s->letters = word + 1;
                continue;
            }
            rc = take_long(s, word, &f, value, e);
        }
        if (!rc && f.common)
            rc = take_common(s->common, f.id, *value, e);
        if (rc)
            return rc;
        if (!f.common)
            return f.id;
    }
}

int opt_nothing_more(struct opt_scan *s, struct err *e)
{
    const char *value;
    char shown[100];
    int id = opt_next(s, &value, e);

    if (id == OPT_WORD) {
        assert(value);
        err_set(e, ERR_USAGE, "'%s' is one word too many",
                show_to(shown, sizeof shown, value, strlen(value)));
        err_hint(e, "try: iwanto help");
        return -ERR_USAGE;
    }
    return id;
}
