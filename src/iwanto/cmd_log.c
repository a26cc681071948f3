/* log: the transfers that svc/journal wrote down, read from its files. Needs no service. */
#include "iwanto/cli.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/path.h"
#include "io/clock.h"
#include "io/save.h"
#include "io/term.h"
#include "iwanto/seek.h"
#include "svc/journal.h"
#include "svc/settings.h"

#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define ROWS_SHOWN 50
#define TURN_MS    200
#define WORDS_MAX  16
#define READ_MAX   (64u << 20) /* far more than is ever written */

enum { OPT_TO = 10, OPT_FROM, OPT_PEER, OPT_SINCE };

const struct opt LOG_OPTS[] = {
    {OPT_TO, "to", NULL, "only what others fetched from here", false},
    {OPT_FROM, "from", NULL, "only what was fetched here", false},
    {OPT_PEER, "peer", "NAME", "only to or from this peer, by its name or its id's beginning",
     false},
    {OPT_SINCE, "since", "TIME", "only within that time (36h, 7d) or since a day (2026-01-31)",
     false},
    {'f', "follow", NULL, "go on with what comes, until Ctrl-C", true},
    {0, NULL, NULL, NULL, false},
};

struct log_view {
    struct cli *c;
    const char *way, *peer;
    const char *word[WORDS_MAX];
    size_t words;
    uint64_t since_s;
    bool follow;
    char *path;
    uint64_t at;  /* bytes of the file that were read */
    uint64_t ino; /* of which file */
};

/* ---- what is asked for ---- */

static int take_since(struct log_view *v, const char *value, struct err *e)
{
    char date[32], shown[64];
    uint64_t n;

    if (seek_date(value, date) && str_parse_u64(date + 1, 0, INT64_MAX, &v->since_s))
        return 0;
    if (!str_parse_duration(value, &n) || !n)
        return cli_usage(e, "log", "--since takes a time as 36h or 7d, or a day, not '%s'",
                         show_to(shown, sizeof shown, value, strlen(value)));
    v->since_s = (uint64_t)(clock_wall_ms() / 1000);
    v->since_s = n < v->since_s ? v->since_s - n : 0;
    return 0;
}

static int take_option(struct log_view *v, int id, const char *value, struct err *e)
{
    switch (id) {
    case OPT_WORD:
        if (v->words == WORDS_MAX)
            return cli_usage(e, "log", "log takes at most %d words", WORDS_MAX);
        v->word[v->words++] = value;
        break;
    case OPT_TO:
    case OPT_FROM:
        if (v->way && strcmp(v->way, id == OPT_TO ? "to" : "from") != 0)
            return cli_usage(e, "log", "--to and --from: one of them, or neither");
        v->way = id == OPT_TO ? "to" : "from";
        break;
    case OPT_PEER:
        if (!*value)
            return cli_usage(e, "log", "--peer needs a name");
        v->peer = value;
        break;
    case OPT_SINCE:
        return take_since(v, value, e);
    case 'f':
        v->follow = true;
        break;
    }
    return 0;
}

static bool is_peer(const json_t *row, const char *peer)
{
    const json_t *names = json_object_get(row, "names");
    size_t len = strlen(peer);

    for (size_t i = 0; i < json_array_size(names); i++)
        if (!strcasecmp(json_string_value(json_array_get(names, i)), peer))
            return true;
    return !strcasecmp(out_str(row, "name"), peer) ||
           (len >= 6 && !strncasecmp(out_str(row, "peer"), peer, len));
}

static bool fits(const struct log_view *v, const json_t *row)
{
    if (!json_is_object(row) || out_num(row, "time") < v->since_s ||
        (v->way && strcmp(out_str(row, "way"), v->way) != 0) || (v->peer && !is_peer(row, v->peer)))
        return false;
    for (size_t i = 0; i < v->words; i++)
        if (!strcasestr(out_str(row, "path"), v->word[i]))
            return false;
    return true;
}

/* ---- reading ---- */

/* Whole lines that fit, from text; gives how many bytes they were. */
static size_t take_lines(const struct log_view *v, const char *text, size_t len, json_t *rows)
{
    size_t at = 0;
    const char *nl;

    while (at < len && (nl = memchr(text + at, '\n', len - at))) {
        json_t *row = json_loadb(text + at, (size_t)(nl - text) - at, 0, NULL);

        if (fits(v, row))
            json_array_append(rows, row);
        json_decref(row);
        at = (size_t)(nl - text) + 1;
    }
    return at;
}

static size_t take_file(struct log_view *v, const char *path, uint64_t from, json_t *rows)
{
    struct buf text = {0};
    struct err ignored;
    size_t got = 0;

    if (!save_read(path, READ_MAX, &text, &ignored) && text.len > from)
        got = take_lines(v, text.data + from, text.len - from, rows);
    buf_free(&text);
    return got;
}

static uint64_t ino_of(const char *path)
{
    struct stat st;

    return stat(path, &st) ? 0 : (uint64_t)st.st_ino;
}

static void take_older(struct log_view *v, uint64_t from, json_t *rows)
{
    struct buf old = {0};

    buf_printf(&old, "%s.1", v->path);
    take_file(v, old.data, from, rows);
    buf_free(&old);
}

static void take_all(struct log_view *v, json_t *rows)
{
    size_t most = v->c->common.limit ? v->c->common.limit : ROWS_SHOWN, n;
    json_t *newest = json_array();

    take_older(v, 0, newest);
    v->ino = ino_of(v->path);
    v->at = take_file(v, v->path, 0, newest);
    n = json_array_size(newest);
    for (size_t i = n > most ? n - most : 0; i < n; i++)
        json_array_append(rows, json_array_get(newest, i));
    json_decref(newest);
}

/* What came since; when the file was put aside, its end first. */
static void take_new(struct log_view *v, json_t *rows)
{
    uint64_t ino = ino_of(v->path);

    if (v->ino && ino != v->ino) {
        take_older(v, v->at, rows);
        v->at = 0;
    }
    v->ino = ino;
    v->at += take_file(v, v->path, v->at, rows);
}

static int follow(struct log_view *v, struct err *e)
{
    int64_t until_ms = v->c->common.timeout_s
                           ? clock_wall_ms() + (int64_t)v->c->common.timeout_s * 1000
                           : INT64_MAX;

    term_catch_interrupt();
    while (!term_interrupted() && clock_wall_ms() < until_ms) {
        json_t *rows = json_array();

        take_new(v, rows);
        if (json_array_size(rows))
            v->c->out.print->log(&v->c->out, rows);
        json_decref(rows);
        if (fflush(v->c->out.to) || ferror(v->c->out.to))
            return 0; /* main tells */
        term_sleep_ms(TURN_MS);
    }
    return term_interrupted() ? err_set(e, ERR_INTERRUPTED, "%s", "") : 0;
}

static int print(struct log_view *v, struct err *e)
{
    struct cli *c = v->c;
    json_t *rows = json_array();
    int rc = 0;

    cli_open_out(c);
    c->out.plain = v->follow;
    take_all(v, rows);
    if (json_array_size(rows))
        c->out.print->log(&c->out, rows);
    else if (!v->follow)
        rc = err_set(e, ERR_NOT_FOUND, c->common.quiet ? "%s" : "no transfer %s",
                     c->common.quiet                               ? ""
                     : v->words || v->way || v->peer || v->since_s ? "fits that"
                                                                   : "was written down yet");
    json_decref(rows);
    return rc || !v->follow ? rc : follow(v, e);
}

int cmd_log(struct cli *c, struct opt_scan *s, struct err *e)
{
    struct log_view v = {.c = c};
    const char *value;
    int id, rc = 0;

    while (!rc && (id = opt_next(s, &value, e)) != OPT_END)
        rc = id < 0 ? id : take_option(&v, id, value, e);
    if (rc)
        return rc;
    v.path = settings_path(c->home, JOURNAL_FILE);
    rc = print(&v, e);
    mem_free(v.path);
    return rc;
}
