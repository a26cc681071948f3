#include "iwanto/seek.h"

#include "base/buf.h"
#include "base/limits.h"
#include "core/path.h"
#include "core/words.h"
#include "iwanto/client.h"
#include "iwanto/last_search.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <utf8proc.h>

#define SEARCH_MS 5000  /* for a leader to appear and answer */
#define MARGIN_MS 3000  /* the service's own words are better than our impatience */
#define STALE_MS  10000 /* an answer that may be so old is told to be */
#define DEPTH_MAX 10000 /* rows that can be paged to (core/search) */

static const struct opt OPTS[] = {SEEK_FILTERS, SEEK_OFFSET, {0, NULL, NULL, NULL, false}};

static const char *name_of(int id)
{
    for (const struct opt *o = OPTS; o->name; o++)
        if (o->id == id)
            return o->name;
    return NULL;
}

/* ---- reading the question ---- */

/* A terminal that does not speak UTF-8 sends Latin-1, mostly: the letters are meant. */
void seek_word(struct seek *k, const char *word)
{
    struct buf *b = &k->words;
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

bool seek_date(const char *text, char out[32])
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

static int set_option(struct seek *k, const char *name, const char *value, struct err *e)
{
    char date[32];
    struct err why;

    if (!*value)
        return cli_usage(e, k->command, "--%s needs a value", name);
    if (!strcmp(name, "newer") && seek_date(value, date))
        value = date;
    if (!query_set(&k->q, name, value, &why))
        return 0;
    return cli_usage(e, k->command, "--%s%s", why.text,
                     strcmp(name, "newer") ? "" : "; days are written 2026-01-31");
}

void seek_init(struct seek *k, const char *command)
{
    *k = (struct seek){.command = command};
    query_init(&k->q);
}

void seek_free(struct seek *k)
{
    buf_free(&k->words);
}

int seek_option(struct seek *k, int id, const char *value, struct err *e)
{
    const char *name = name_of(id);

    if (!name)
        return 1;
    return set_option(k, name, value, e);
}

int seek_ready(const struct cli *c, struct seek *k, struct err *e)
{
    k->offset = k->q.offset;
    k->rows = c->common.limit ? c->common.limit : QUERY_LIMIT;
    k->ms = c->common.timeout_s ? (unsigned)c->common.timeout_s * 1000u : SEARCH_MS;
    if (!k->words.len && !query_filters(&k->q))
        return cli_usage(e, k->command, "%s needs words, or something to choose by", k->command);
    if (k->q.larger > k->q.smaller)
        return cli_usage(e, k->command, "nothing is so large (--larger) and so small (--smaller)");
    if (k->rows > DEPTH_MAX)
        return cli_usage(e, k->command, "--limit takes at most %d here", DEPTH_MAX);
    if (k->words.len > QUERY_LEN_MAX)
        cli_say(c, "only the first %d bytes of the words are looked for", QUERY_LEN_MAX);
    return query_set(&k->q, "q", buf_cstr(&k->words), e);
}

/* ---- asking ---- */

static int ask_page(const struct cli *c, const struct seek *k, json_t **answer, struct err *e)
{
    struct buf path = {0};
    int rc;

    query_path(&k->q, &path);
    buf_printf(&path, "%ctimeout_ms=%u", strchr(path.data, '?') ? '&' : '?', k->ms);
    rc = client_ask(c, "GET", path.data, NULL, 0, k->ms + MARGIN_MS, answer, e);
    buf_free(&path);
    return rc;
}

/* All rows that are wished for; one answer has SEARCH_ROWS_MAX at most. */
int seek_ask(const struct cli *c, struct seek *k, json_t **answer, struct err *e)
{
    json_t *rows = NULL, *page;
    size_t had = 0, more;
    int rc;

    *answer = NULL;
    do {
        k->q.offset = k->offset + had;
        k->q.limit = k->rows - had < SEARCH_ROWS_MAX ? k->rows - had : SEARCH_ROWS_MAX;
        if ((rc = ask_page(c, k, &page, e)))
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
    } while (more == k->q.limit && had < k->rows);
    for (size_t i = 0; i < had; i++)
        json_object_set_new(json_array_get(rows, i), "row",
                            json_integer((json_int_t)(k->offset + i + 1)));
    return had ? 0 : rc; /* when the leader goes between two pages, what there is is good */
}

/* ---- telling ---- */

static bool no_letters(const struct query *q)
{
    struct words w;

    words_of(&w, q->text, strlen(q->text), WORDS_QUERY);
    return *q->text && !w.count;
}

int seek_nothing(const struct cli *c, const struct seek *k, const json_t *answer, struct err *e)
{
    const char *nearest = out_str(answer, "nearest");
    uint64_t about = out_num(answer, "about");
    struct buf b = {0};

    if (about && k->offset) {
        err_set(e, ERR_NOT_FOUND, "there is no row %" PRIu64 ": about %" PRIu64 " match",
                k->offset + 1, about);
        if (k->offset >= DEPTH_MAX && about > DEPTH_MAX)
            err_hint(e, "rows are shown down to %d: narrow the search", DEPTH_MAX);
    } else {
        err_set(e, ERR_NOT_FOUND, "nothing found");
        if (*nearest)
            err_hint(e, "near to it: %s", show(&b, nearest, strlen(nearest)));
        else if (no_letters(&k->q))
            err_hint(e, "there is no letter or digit in it to look for");
        else if (query_filters(&k->q))
            err_hint(e, "without the options that choose (--type, --larger ...) there may be more");
    }
    buf_free(&b);
    if (c->common.quiet)
        e->text[0] = '\0';
    return -ERR_NOT_FOUND;
}

/* How many there are: to people always, else when rows were left out. */
static void tell_count(const struct cli *c, const struct seek *k, size_t rows, uint64_t about)
{
    uint64_t last = k->offset + rows;
    bool full = rows == k->rows && last < DEPTH_MAX && about > last;

    if (full)
        cli_say(c, "rows %" PRIu64 "-%" PRIu64 " of about %" PRIu64 "; the next: --offset %" PRIu64,
                k->offset + 1, last, about, last);
    else if (c->out.people && !c->common.json && rows == 1)
        cli_say(c, "row %" PRIu64 " of about %" PRIu64, last, about);
    else if (c->out.people && !c->common.json)
        cli_say(c, "rows %" PRIu64 "-%" PRIu64 " of about %" PRIu64, k->offset + 1, last, about);
}

void seek_tell_corrected(const struct cli *c, const json_t *answer)
{
    const char *corrected = out_str(answer, "corrected");
    struct buf b = {0};

    if (*corrected && json_array_size(json_object_get(answer, "rows")))
        cli_say(c, "showing results for %s", show(&b, corrected, strlen(corrected)));
    buf_free(&b);
}

void seek_print(struct cli *c, const struct seek *k, json_t *answer)
{
    const json_t *rows = json_object_get(answer, "rows");
    const char *corrected = out_str(answer, "corrected");
    struct buf sought = {0};

    seek_tell_corrected(c, answer);
    buf_printf(&sought, "%s %s", k->q.text, corrected);
    c->out.sought = sought.data;
    if (json_array_size(rows))
        c->out.print->search(&c->out, rows);
    if (c->common.json && c->common.verbose) {
        json_t *told = json_pack(
            "{sI sI sI sO? sO? sO? sO? sO?}", "rows", (json_int_t)json_array_size(rows), "offset",
            (json_int_t)k->offset, "about", (json_int_t)out_num(answer, "about"), "corrected",
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
        tell_count(c, k, json_array_size(rows), out_num(answer, "about"));
    buf_free(&sought);
}

/* The search whatever its page: what @N is kept under. */
void seek_save(const struct cli *c, struct seek *k, const json_t *rows)
{
    struct buf key = {0};

    k->q.offset = 0;
    k->q.limit = QUERY_LIMIT;
    query_path(&k->q, &key);
    last_search_save(c, key.data, rows);
    buf_free(&key);
}
