/* downloads, pause, resume, cancel: the queue, which outlives the service. */
#include "iwanto/cli.h"

#include "base/buf.h"
#include "iwanto/client.h"
#include "iwanto/last_search.h"

#define ASK_MS 15000

static int act(const struct cli *c, const char *what, const char *word, struct err *e);

enum { OPT_FIRST = 10, OPT_LAST };

const struct opt DOWNLOADS_OPTS[] = {
    {OPT_FIRST, "first", "HASH", "let this one go before all others", true},
    {OPT_LAST, "last", "HASH", "put this one behind all others", true},
    {0, NULL, NULL, NULL, false},
};

int cmd_downloads(struct cli *c, struct opt_scan *s, struct err *e)
{
    json_t *answer, *rows;
    const char *word;
    int id, rc = 0;

    while (!rc && (id = opt_next(s, &word, e)) != OPT_END) {
        if (id < 0)
            return id;
        if (id == OPT_WORD)
            return cli_usage(e, "downloads", "downloads takes no words");
        rc = act(c, id == OPT_FIRST ? "first" : "last", word, e);
    }
    if (!rc)
        rc = client_ask(c, "GET", "/v1/downloads", NULL, 0, ASK_MS, &answer, e);
    if (rc)
        return rc;
    rows = json_object_get(answer, "downloads");
    cli_open_out(c);
    cli_limit(c, rows);
    if (json_array_size(rows) || !c->out.people)
        c->out.print->downloads(&c->out, rows);
    else
        cli_say(c, "no downloads");
    json_decref(answer);
    return 0;
}

static int act(const struct cli *c, const char *what, const char *word, struct err *e)
{
    struct buf digits = {0}, path = {0};
    json_t *answer = NULL;
    int rc = last_search_word(c, word, &digits, NULL, e);

    if (!rc) {
        buf_printf(&path, "/v1/downloads/%s/%s", digits.data, what);
        rc = client_ask(c, "POST", path.data, NULL, 0, ASK_MS, &answer, e);
    }
    json_decref(answer);
    buf_free(&digits);
    buf_free(&path);
    return rc;
}

static int act_on_all(struct cli *c, struct opt_scan *s, const char *what, struct err *e)
{
    bool any = false;
    const char *word;
    int id, rc = 0;

    while (!rc && (id = opt_next(s, &word, e)) > 0) {
        any = true;
        rc = act(c, what, word, e);
    }
    if (rc || id < 0)
        return rc ? rc : id;
    return any ? 0 : cli_usage(e, what, "%s needs a hash; see iwanto downloads", what);
}

int cmd_pause(struct cli *c, struct opt_scan *s, struct err *e)
{
    return act_on_all(c, s, "pause", e);
}

int cmd_resume(struct cli *c, struct opt_scan *s, struct err *e)
{
    return act_on_all(c, s, "resume", e);
}

int cmd_cancel(struct cli *c, struct opt_scan *s, struct err *e)
{
    return act_on_all(c, s, "cancel", e);
}
