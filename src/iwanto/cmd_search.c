/* search WORDS...: the service asks the leader; rows, or what is near to what was typed. */
#include "iwanto/cli.h"

#include "base/buf.h"
#include "base/limits.h"
#include "core/path.h"
#include "core/words.h"
#include "iwanto/client.h"
#include "iwanto/last_search.h"
#include "svc/query.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <utf8proc.h>

#define SEARCH_MS 5000  /* for a leader to appear and answer */
#define MARGIN_MS 3000  /* the service's own words are better than our impatience */
#define STALE_MS  10000 /* an answer that may be so old is told to be */
#define DEPTH_MAX 10000 /* rows that can be paged to (core/search) */

const struct opt SEARCH_OPTS[] = {
    {'t', "type", "TYPE", "file, dir, video, audio, image, document, archive", true},
    {'e', "ext", "EXT", "only names with this extension", true},
    {10, "larger", "SIZE", "at least so large, as 700M or 1.5G", false},
    {11, "smaller", "SIZE", "at most so large", false},
    {12, "newer", "TIME", "changed within that time (36h, 7d) or since a day (2026-01-31)", false},
    {13, "peer", "NAME", "only what this peer has", false},
    {14, "in", "FOLDER", "only below a folder of this name", false},
    {15, "offset", "N", "leave out the first N rows", false},
    {0, NULL, NULL, NULL, false},
};

/* What is asked, and how much of the answer. */
struct wish {
    struct query q; /* its limit and offset are the page's that is asked next */
    struct buf words;
    uint64_t offset, rows;
    unsigned ms;
};

static const char *name_of(int id)
{
    for (const struct opt *o = SEARCH_OPTS; o->name; o++)
        if (o->id == id)
            return o->name;
    return "q";
}

/* ---- reading the question ---- */

/* A terminal that does not speak UTF-8 sends Latin-1, mostly: the letters are meant. */
static void add_word(struct buf *b, const char *word)
{
    const uint8_t *p = (const uint8_t *)word, *end = p + strlen(word);
    utf8proc_int32_t cp;

    if (b->len)
        buf_char(b, ' ');
    while (p < end) {
        utf8proc_ssize_t n = utf8proc_iterate(p, end - p, &cp);

        if (n > 0) {
            buf_add(b, p, (size_t)n);
        } else {
            n = 1;
            if (*p >= 0xa0)
                buf_char(b, (char)(0xc0 | *p >> 6));
            buf_char(b, *p >= 0xa0 ? (char)(0x80 | (*p & 0x3f)) : (char)*p);
        }
        p += n;
    }
}

/* "2026-01-31" or "2026-01-31 18:30", also with a T, as the clock here says: @ and seconds. */
static bool read_date(const char *text, char out[32])
{
    struct tm tm = {.tm_isdst = -1, .tm_mday = 1}, was;
    int day = 0, minute = 0;
    time_t at;

    if (sscanf(text, "%4d-%2d-%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &day) < 3 || !day)
        return false;
    if ((text[day] == 'T' || text[day] == ' ') &&
        sscanf(text + day + 1, "%2d:%2d%n", &tm.tm_hour, &tm.tm_min, &minute) == 2 && minute)
        day += 1 + minute;
    if (text[day] || strspn(text, "0123456789-T: ") != strlen(text))
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon--;
    was = tm;
    at = mktime(&tm);
    if (at < 0 || tm.tm_mday != was.tm_mday || tm.tm_mon != was.tm_mon || was.tm_hour > 23 ||
        was.tm_min > 59)
        return false; /* before 1970, or February 30 */
    snprintf(out, 32, "@%lld", (long long)at);
    return true;
}

static int set_option(struct wish *w, const char *name, const char *value, struct err *e)
{
    char date[32];
    struct err why;

    if (!*value)
        return cli_usage(e, "search", "--%s needs a value", name);
    if (!strcmp(name, "newer") && read_date(value, date))
        value = date;
    if (!query_set(&w->q, name, value, &why))
        return 0;
    return cli_usage(e, "search", "--%s%s", why.text,
                     strcmp(name, "newer") ? "" : "; days are written 2026-01-31");
}

static int read_options(const struct cli *c, struct opt_scan *s, struct wish *w, struct err *e)
{
    const char *value;
    int id, rc = 0;

    s->dash_words = true;
    query_init(&w->q);
    while (!rc && (id = opt_next(s, &value, e)) > 0) {
        if (id == OPT_WORD)
            add_word(&w->words, value);
        else
            rc = set_option(w, name_of(id), value, e);
    }
    if (rc)
        return rc;
    if (id < 0)
        return id;
    w->offset = w->q.offset;
    w->rows = c->common.limit ? c->common.limit : QUERY_LIMIT;
    w->ms = c->common.timeout_s ? (unsigned)c->common.timeout_s * 1000u : SEARCH_MS;
    return 0;
}

static int read_wish(const struct cli *c, struct opt_scan *s, struct wish *w, struct err *e)
{
    int rc = read_options(c, s, w, e);

    if (rc)
        return rc;
    if (!w->words.len && !query_filters(&w->q))
        return cli_usage(e, "search", "search needs words, or something to choose by");
    if (w->q.larger > w->q.smaller)
        return cli_usage(e, "search", "nothing is so large (--larger) and so small (--smaller)");
    if (w->rows > DEPTH_MAX)
        return cli_usage(e, "search", "--limit takes at most %d here", DEPTH_MAX);
    if (w->words.len > QUERY_LEN_MAX)
        cli_say(c, "only the first %d bytes of the words are looked for", QUERY_LEN_MAX);
    return query_set(&w->q, "q", buf_cstr(&w->words), e);
}

/* ---- asking ---- */

static int ask_page(const struct cli *c, const struct wish *w, json_t **answer, struct err *e)
{
    struct buf path = {0};
    int rc;

    query_path(&w->q, &path);
    buf_printf(&path, "%ctimeout_ms=%u", strchr(path.data, '?') ? '&' : '?', w->ms);
    rc = client_ask(c, "GET", path.data, NULL, 0, w->ms + MARGIN_MS, answer, e);
    buf_free(&path);
    return rc;
}

/* All rows that are wished for; one answer has SEARCH_ROWS_MAX at most. */
static int ask_all(const struct cli *c, struct wish *w, json_t **answer, struct err *e)
{
    json_t *rows = NULL, *page;
    size_t had = 0, more;
    int rc;

    *answer = NULL;
    do {
        w->q.offset = w->offset + had;
        w->q.limit = w->rows - had < SEARCH_ROWS_MAX ? w->rows - had : SEARCH_ROWS_MAX;
        if ((rc = ask_page(c, w, &page, e)))
            break;
        more = json_array_size(json_object_get(page, "rows"));
        if (!*answer) {
            *answer = page;
            rows = json_object_get(page, "rows");
        } else {
            json_array_extend(rows, json_object_get(page, "rows"));
            json_decref(page);
        }
        had += more;
    } while (more == w->q.limit && had < w->rows);
    for (size_t i = 0; i < had; i++)
        json_object_set_new(json_array_get(rows, i), "row",
                            json_integer((json_int_t)(w->offset + i + 1)));
    return had ? 0 : rc; /* when the leader goes between two pages, what there is is good */
}

/* ---- telling ---- */

static bool no_letters(const struct query *q)
{
    struct words w;

    words_of(&w, q->text, strlen(q->text), WORDS_QUERY);
    return *q->text && !w.count;
}

static int nothing_found(const struct cli *c, const struct wish *w, const json_t *answer,
                         struct err *e)
{
    const char *nearest = out_str(answer, "nearest");
    uint64_t about = out_num(answer, "about");
    struct buf b = {0};

    if (about && w->offset) {
        err_set(e, ERR_NOT_FOUND, "there is no row %" PRIu64 ": about %" PRIu64 " match",
                w->offset + 1, about);
        if (w->offset >= DEPTH_MAX && about > DEPTH_MAX)
            err_hint(e, "rows are shown down to %d: narrow the search", DEPTH_MAX);
    } else {
        err_set(e, ERR_NOT_FOUND, "nothing found");
        if (*nearest)
            err_hint(e, "near to it: %s", show(&b, nearest, strlen(nearest)));
        else if (no_letters(&w->q))
            err_hint(e, "there is no letter or digit in it to look for");
        else if (query_filters(&w->q))
            err_hint(e, "without the options that choose (--type, --larger ...) there may be more");
    }
    buf_free(&b);
    if (c->common.quiet)
        e->text[0] = '\0';
    return -ERR_NOT_FOUND;
}

/* How many there are: to people always, else when rows were left out. */
static void tell_count(const struct cli *c, const struct wish *w, size_t rows, uint64_t about)
{
    uint64_t last = w->offset + rows;
    bool full = rows == w->rows && last < DEPTH_MAX && about > last;

    if (full)
        cli_say(c, "rows %" PRIu64 "-%" PRIu64 " of about %" PRIu64 "; the next: --offset %" PRIu64,
                w->offset + 1, last, about, last);
    else if (c->out.people && !c->common.json && rows == 1)
        cli_say(c, "row %" PRIu64 " of about %" PRIu64, last, about);
    else if (c->out.people && !c->common.json)
        cli_say(c, "rows %" PRIu64 "-%" PRIu64 " of about %" PRIu64, w->offset + 1, last, about);
}

static void print(struct cli *c, const struct wish *w, json_t *answer)
{
    const json_t *rows = json_object_get(answer, "rows");
    const char *corrected = out_str(answer, "corrected");
    struct buf b = {0}, sought = {0};

    if (*corrected && json_array_size(rows))
        cli_say(c, "showing results for %s", show(&b, corrected, strlen(corrected)));
    buf_printf(&sought, "%s %s", w->q.text, corrected);
    c->out.sought = sought.data;
    if (json_array_size(rows))
        c->out.print->search(&c->out, rows);
    if (c->common.json && c->common.verbose) {
        json_t *told = json_pack(
            "{sI sI sI sO? sO? sO? sO? sO?}", "rows", (json_int_t)json_array_size(rows), "offset",
            (json_int_t)w->offset, "about", (json_int_t)out_num(answer, "about"), "corrected",
            json_object_get(answer, "corrected"), "nearest", json_object_get(answer, "nearest"),
            "term", json_object_get(answer, "term"), "version", json_object_get(answer, "version"),
            "lag_ms", json_object_get(answer, "lag_ms"));

        c->out.print->event(&c->out, told);
        json_decref(told);
    }
    if (out_num(answer, "lag_ms") >= STALE_MS)
        cli_say(c, "the catalog has not been brought up to date for %llu s",
                (unsigned long long)out_num(answer, "lag_ms") / 1000);
    fflush(c->out.to);
    c->out.sought = NULL;
    if (json_array_size(rows))
        tell_count(c, w, json_array_size(rows), out_num(answer, "about"));
    buf_free(&sought);
    buf_free(&b);
}

/* The search whatever its page: what @N is kept under. */
static void save_rows(const struct cli *c, struct wish *w, const json_t *rows)
{
    struct buf key = {0};

    w->q.offset = 0;
    w->q.limit = QUERY_LIMIT;
    query_path(&w->q, &key);
    last_search_save(c, key.data, rows);
    buf_free(&key);
}

int cmd_search(struct cli *c, struct opt_scan *s, struct err *e)
{
    struct wish w = {.words = {0}};
    json_t *answer = NULL;
    const json_t *rows;
    int rc = read_wish(c, s, &w, e);

    if (!rc)
        rc = ask_all(c, &w, &answer, e);
    if (!rc) {
        rows = json_object_get(answer, "rows");
        cli_open_out(c);
        print(c, &w, answer);
        if (json_array_size(rows))
            save_rows(c, &w, rows);
        else
            rc = nothing_found(c, &w, answer, e);
    }
    json_decref(answer);
    buf_free(&w.words);
    return rc;
}
