/* link HASH: plain links, at all who hold it, for programs that know nothing of iwant. */
#include "iwanto/cli.h"

#include "base/mem.h"
#include "base/str.h"
#include "core/path.h"
#include "iwanto/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ASK_MS 60000

const struct opt LINK_OPTS[] = {
    {'m', "metalink", NULL, "a Metalink document (RFC 5854), as aria2 reads it; folders need it",
     true},
    {10, "for", "TIME", "how long it lasts, as 2h or 3d; a day unless given, 7d at most", false},
    {11, "list", NULL, "the links that are open on this computer", false},
    {12, "remove", NULL, "end the links of this hash, or with no hash all of them", false},
    {0, NULL, NULL, NULL, false},
};

struct wish {
    bool metalink, list, remove;
    uint64_t seconds;
    const char *word;
};

static int take_option(struct wish *w, int id, const char *value, struct err *e)
{
    char shown[100];

    switch (id) {
    case 'm':
        w->metalink = true;
        break;
    case 10:
        if (!str_parse_duration(value, &w->seconds) || !w->seconds || w->seconds > INT32_MAX)
            return cli_usage(e, "link", "--for takes a time as 2h or 3d, not '%s'",
                             show_to(shown, sizeof shown, value, strlen(value)));
        break;
    case 11:
        w->list = true;
        break;
    case 12:
        w->remove = true;
        break;
    case OPT_WORD:
        if (w->word)
            return cli_usage(e, "link", "link takes one hash");
        w->word = value;
        break;
    }
    return 0;
}

static int ask(const struct cli *c, const char *path, json_t *body, json_t **answer, struct err *e)
{
    char *text = json_dumps(body, JSON_COMPACT);
    int rc = client_ask(c, "POST", path, text, strlen(text), ASK_MS, answer, e);

    free(text);
    json_decref(body);
    return rc;
}

static int list(struct cli *c, struct err *e)
{
    json_t *answer, *rows;
    int rc = client_ask(c, "GET", "/v1/links", NULL, 0, ASK_MS, &answer, e);

    if (rc)
        return rc;
    rows = json_object_get(answer, "links");
    cli_limit(c, rows);
    if (json_array_size(rows) || !c->out.people)
        c->out.print->links(&c->out, rows);
    else
        cli_say(c, "no links are open");
    json_decref(answer);
    return 0;
}

static int end_links(struct cli *c, const struct wish *w, struct err *e)
{
    json_t *answer, *hash = NULL;
    int rc = w->word ? client_word(c, w->word, &hash, NULL, e) : 0;

    if (rc)
        return rc;
    rc = ask(c, "/v1/links/end", json_pack("{so}", "hash", hash ? hash : json_null()), &answer, e);
    if (rc)
        return rc;
    if (!out_num(answer, "ended"))
        rc = err_set(e, ERR_NOT_FOUND, "no such link is open");
    else
        cli_say(c, "%llu ended", (unsigned long long)out_num(answer, "ended"));
    json_decref(answer);
    return rc;
}

static void tell(const struct cli *c, const json_t *answer)
{
    const json_t *refused = json_object_get(answer, "refused");
    unsigned long long holders = out_num(answer, "holders");
    char left[STR_SIZE_MAX], name[100], why[200];

    for (size_t i = 0; i < json_array_size(refused); i++) {
        const json_t *r = json_array_get(refused, i);

        cli_say(c, "not from %s: %s",
                show_to(name, sizeof name, out_str(r, "name"), strlen(out_str(r, "name"))),
                show_to(why, sizeof why, out_str(r, "why"), strlen(out_str(r, "why"))));
    }
    cli_say(c,
            "from %llu %s for %s, plain and without a password; to end it: iwanto link --remove "
            "%.10s",
            holders, holders == 1 ? "holder" : "holders",
            str_duration(out_num(answer, "seconds"), left), out_str(answer, "hash"));
}

static int make(struct cli *c, const struct wish *w, struct err *e)
{
    json_t *answer, *hash = NULL;
    int rc = client_word(c, w->word, &hash, NULL, e);

    if (rc)
        return rc;
    rc = ask(c, "/v1/links",
             json_pack("{so sI sb}", "hash", hash, "seconds", (json_int_t)w->seconds, "metalink",
                       w->metalink),
             &answer, e);
    if (rc)
        return rc;
    c->out.print->link(&c->out, answer);
    tell(c, answer);
    json_decref(answer);
    return 0;
}

int cmd_link(struct cli *c, struct opt_scan *s, struct err *e)
{
    struct wish w = {0};
    const char *value;
    int id, rc = 0;

    while (!rc && (id = opt_next(s, &value, e)) != OPT_END)
        rc = id < 0 ? id : take_option(&w, id, value, e);
    if (!rc && w.list + w.remove + (w.metalink || w.seconds) > 1)
        rc = cli_usage(e, "link", "--list and --remove stand alone");
    if (!rc && !w.word && !w.list && !w.remove)
        rc = cli_usage(e, "link", "link needs a hash");
    if (!rc && w.word && w.list)
        rc = cli_usage(e, "link", "--list takes no hash");
    if (rc)
        return rc;
    cli_open_out(c);
    return w.list ? list(c, e) : w.remove ? end_links(c, &w, e) : make(c, &w, e);
}
