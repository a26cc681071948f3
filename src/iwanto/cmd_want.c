/* want, wants, unwant: standing wishes, which the service keeps. */
#include "iwanto/cli.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/path.h"
#include "iwanto/client.h"
#include "iwanto/last_search.h"
#include "iwanto/seek.h"
#include "iwanto/wish_text.h"

#include <stdlib.h>
#include <string.h>

#define ASK_MS  10000
#define LOOK_MS 1500 /* for what is near: it is only advice */

enum { OPT_FETCH = 10, OPT_EXEC };

const struct opt WANT_OPTS[] = {
    SEEK_FILTERS,
    {OPT_FETCH, "fetch", NULL, "download what appears", false},
    {OPT_EXEC, "exec", "COMMAND",
     "run this for what appears: its hash, or with --fetch its path, is "
     "\"$1\"",
     false},
    {0, NULL, NULL, NULL, false},
};

struct wished {
    struct seek seek;
    bool fetch;
    const char *exec;
};

static int take_option(struct wished *w, int id, const char *value, struct err *e)
{
    json_t *text;
    int rc = seek_option(&w->seek, id, value, e);

    if (rc <= 0)
        return rc;
    if (id == OPT_FETCH) {
        w->fetch = true;
        return 0;
    }
    text = *value ? json_string(value) : NULL;
    json_decref(text);
    w->exec = value;
    return text ? 0 : cli_usage(e, "want", "--exec takes a command in UTF-8");
}

static int read_words(const struct cli *c, struct opt_scan *s, struct wished *w, struct err *e)
{
    const char *value;
    int id, rc = 0;

    s->dash_words = true;
    while (!rc && (id = opt_next(s, &value, e)) > 0) {
        if (id == OPT_WORD)
            seek_word(&w->seek, value);
        else
            rc = take_option(w, id, value, e);
    }
    if (!rc && id < 0)
        rc = id;
    return rc ? rc : seek_ready(c, &w->seek, e);
}

/* Words that nobody has now, but nearly: perhaps they are misspelt, and a wish forgives nothing. */
static void advise(const struct cli *c, struct wished *w)
{
    struct buf b = {0};
    json_t *answer = NULL;
    struct err ignored;
    const char *near;

    w->seek.ms = LOOK_MS;
    w->seek.rows = 1;
    if (!seek_ask(c, &w->seek, &answer, &ignored)) {
        near = out_str(answer, *out_str(answer, "corrected") ? "corrected" : "nearest");
        if (*near)
            cli_say(c, "a wish is met by its words as they are written; there is now: %s",
                    show(&b, near, strlen(near)));
    }
    buf_free(&b);
    json_decref(answer);
}

int cmd_want(struct cli *c, struct opt_scan *s, struct err *e)
{
    struct wished w = {.fetch = false};
    json_t *body, *answer = NULL;
    struct buf search = {0};
    char *text;
    int rc;

    seek_init(&w.seek, "want");
    rc = read_words(c, s, &w, e);
    if (!rc) {
        query_path(&w.seek.q, &search);
        body = json_pack("{ss ss* sb}", "search", search.data, "exec", w.exec, "fetch", w.fetch);
        text = json_dumps(body, JSON_COMPACT);
        rc = client_ask(c, "POST", "/v1/wants", text, strlen(text), ASK_MS, &answer, e);
        free(text);
        json_decref(body);
    }
    if (!rc) {
        cli_open_out(c);
        if (c->common.json)
            c->out.print->event(&c->out, answer);
        else
            cli_say(c, "wish %llu: %s when it appears; iwanto wants lists what was found",
                    (unsigned long long)out_num(answer, "id"), w.fetch ? "fetched" : "told");
        advise(c, &w);
    }
    json_decref(answer);
    buf_free(&search);
    seek_free(&w.seek);
    return rc;
}

/* Number what was found through all wishes, for @N. */
static void save_rows(const struct cli *c, json_t *wants)
{
    json_t *all = json_array(), *row;
    const json_t *wish;
    size_t i, n;

    OUT_EACH (wants, i, wish) {
        json_array_foreach (json_object_get(wish, "found"), n, row) {
            json_array_append(all, row);
            json_object_set_new(row, "row", json_integer((json_int_t)json_array_size(all)));
        }
    }
    if (json_array_size(all))
        last_search_save(c, "wants", all);
    json_decref(all);
}

int cmd_wants(struct cli *c, struct opt_scan *s, struct err *e)
{
    json_t *answer, *rows;
    int rc = opt_nothing_more(s, e);

    if (!rc)
        rc = client_ask(c, "GET", "/v1/wants", NULL, 0, ASK_MS, &answer, e);
    if (rc)
        return rc;
    rows = json_object_get(answer, "wants");
    cli_open_out(c);
    cli_limit(c, rows);
    save_rows(c, rows);
    if (json_array_size(rows) || !c->out.people)
        c->out.print->wants(&c->out, rows);
    else
        cli_say(c, "no wishes; iwanto want WORDS makes one");
    json_decref(answer);
    return 0;
}

/* The number of the one wish that has these words, or a part of them. */
static int find(const json_t *wants, const char *words, uint64_t *id, struct err *e)
{
    size_t exact = 0, part = 0, i;
    uint64_t in_part = 0;
    const json_t *wish;
    char shown[100];

    OUT_EACH (wants, i, wish) {
        if (!strcasecmp(out_str(wish, "words"), words)) {
            exact++;
            *id = out_num(wish, "id");
        } else if (strcasestr(out_str(wish, "words"), words)) {
            part++;
            in_part = out_num(wish, "id");
        }
    }
    show_to(shown, sizeof shown, words, strlen(words));
    if (!exact && part == 1)
        *id = in_part;
    if (exact == 1 || (!exact && part == 1))
        return 0;
    err_set(e, exact + part ? ERR_USAGE : ERR_NOT_FOUND,
            exact + part ? "more than one wish has '%s'" : "no wish has '%s'", shown);
    err_hint(e, "iwanto wants lists them; unwant takes a number, too");
    return -e->code;
}

static int end(const struct cli *c, uint64_t id, struct err *e)
{
    json_t *answer = NULL;
    char path[64];
    int rc;

    snprintf(path, sizeof path, "/v1/wants/%llu/end", (unsigned long long)id);
    rc = client_ask(c, "POST", path, NULL, 0, ASK_MS, &answer, e);
    json_decref(answer);
    if (!rc)
        cli_say(c, "wish %llu is taken back", (unsigned long long)id);
    return rc;
}

int cmd_unwant(struct cli *c, struct opt_scan *s, struct err *e)
{
    struct buf words = {0};
    const char *value;
    json_t *answer;
    uint64_t id = 0;
    int got, rc = 0;

    while ((got = opt_next(s, &value, e)) == OPT_WORD)
        buf_printf(&words, "%s%s", words.len ? " " : "", value);
    if (got < 0)
        rc = got;
    else if (!words.len)
        rc = cli_usage(e, "unwant", "unwant needs a wish's number, or its words");
    if (!rc && !str_parse_u64(words.data, 1, INT64_MAX, &id)) {
        rc = client_ask(c, "GET", "/v1/wants", NULL, 0, ASK_MS, &answer, e);
        if (!rc) {
            rc = find(json_object_get(answer, "wants"), words.data, &id, e);
            json_decref(answer);
        }
    }
    if (!rc)
        rc = end(c, id, e);
    buf_free(&words);
    return rc;
}
