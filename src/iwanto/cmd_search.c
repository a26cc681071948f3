/* search WORDS...: the service asks the leader; rows, or what is near to what was typed. */
#include "iwanto/cli.h"

#include "base/buf.h"
#include "base/limits.h"
#include "core/path.h"
#include "iwanto/client.h"
#include "iwanto/last_search.h"
#include "svc/query.h"

#include <string.h>

#define SEARCH_MS 5000 /* for a leader to appear and answer */
#define MARGIN_MS 3000 /* the service's own words are better than our impatience */
#define ROWS      50

const struct opt SEARCH_OPTS[] = {
    {'t', "type", "TYPE", "file, dir, video, audio, image, document, archive ...", true},
    {'e', "ext", "EXT", "only names with this extension", true},
    {10, "larger", "SIZE", "at least so large, as 700M or 1.5G", false},
    {11, "smaller", "SIZE", "at most so large", false},
    {12, "newer", "TIME", "changed within that time, as 36h or 7d", false},
    {13, "peer", "NAME", "only what this peer has", false},
    {14, "in", "FOLDER", "only below a folder of this name", false},
    {15, "offset", "N", "leave out the first N rows", false},
    {0, NULL, NULL, NULL, false},
};

static const char *name_of(int id)
{
    for (const struct opt *o = SEARCH_OPTS; o->name; o++)
        if (o->id == id)
            return o->name;
    return "q";
}

/* The question as a path with arguments. */
static int read_question(const struct cli *c, struct opt_scan *s, unsigned *ms, struct buf *path,
                         struct err *e)
{
    struct buf words = {0};
    struct query q;
    const char *value;
    int id, rc = 0;

    query_init(&q);
    while (!rc && (id = opt_next(s, &value, e)) > 0) {
        if (id != OPT_WORD) {
            rc = query_set(&q, name_of(id), value, e);
            continue;
        }
        if (words.len)
            buf_char(&words, ' ');
        buf_str(&words, value);
    }
    if (!rc)
        rc = id;
    if (!rc && !words.len)
        rc = cli_usage(e, "search", "search needs words");
    if (!rc && c->common.limit > SEARCH_ROWS_MAX)
        rc = cli_usage(e, "search", "--limit takes at most %d here; see --offset", SEARCH_ROWS_MAX);
    if (!rc)
        rc = query_set(&q, "q", buf_cstr(&words), e);
    if (c->common.limit)
        q.limit = c->common.limit;
    *ms = c->common.timeout_s ? (unsigned)c->common.timeout_s * 1000u : SEARCH_MS;
    query_path(&q, path);
    buf_printf(path, "&timeout_ms=%u", *ms);
    buf_free(&words);
    return rc;
}

static void tell(const struct cli *c, const json_t *answer, size_t rows)
{
    const char *corrected = out_str(answer, "corrected"), *nearest = out_str(answer, "nearest");
    struct buf b = {0};

    if (*corrected && rows)
        cli_say(c, "showing results for: %s", show(&b, corrected, strlen(corrected)));
    if (*nearest && !rows)
        cli_say(c, "near to it: %s", show(&b, nearest, strlen(nearest)));
    if (c->out.people && rows && out_num(answer, "about") > rows)
        cli_say(c, "%zu of about %llu; iwanto download @N fetches row N", rows,
                (unsigned long long)out_num(answer, "about"));
    buf_free(&b);
}

int cmd_search(struct cli *c, struct opt_scan *s, struct err *e)
{
    unsigned ms = 0;
    struct buf path = {0};
    json_t *answer = NULL;
    const json_t *rows;
    int rc;

    rc = read_question(c, s, &ms, &path, e);
    if (!rc)
        rc = client_ask(c, "GET", path.data, NULL, 0, ms + MARGIN_MS, &answer, e);
    buf_free(&path);
    if (rc)
        return rc;
    rows = json_object_get(answer, "rows");
    cli_open_out(c);
    tell(c, answer, json_array_size(rows));
    if (json_array_size(rows)) {
        c->out.print->search(&c->out, rows);
        fflush(c->out.to); /* before the disk is waited for */
        last_search_save(c, rows);
    } else {
        rc = err_set(e, ERR_NOT_FOUND, "nothing found");
        if (c->common.quiet)
            e->text[0] = '\0';
    }
    json_decref(answer);
    return rc;
}
