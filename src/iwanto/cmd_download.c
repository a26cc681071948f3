/* download HASH...: hand the wishes to the service, then show what it tells of them until all have
 * ended. */
#include "iwanto/cli.h"

#include "base/buf.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/path.h"
#include "io/http_client.h"
#include "io/term.h"
#include "iwanto/client.h"
#include "iwanto/cmd_folders.h"
#include "iwanto/last_search.h"
#include "iwanto/progress.h"

#include <string.h>

#define RESOLVE_MS 5000

const struct opt DOWNLOAD_OPTS[] = {
    {'o', "output", "NAME|DIR/", "take this name, or this folder, below the download folder", true},
    {10, "detach", NULL, "queue it and return", false},
    {11, "overwrite", NULL, "replace what is there", false},
    {12, "rename", NULL, "take another name when the name is taken, also by equal content", false},
    {13, "sequential", NULL, "pieces in order, for what is played meanwhile", false},
    {14, "limit-rate", "SIZE", "at most so many bytes a second, as 10M", false},
    {0, NULL, NULL, NULL, false},
};

/* What was typed. */
struct order {
    json_t *words, *body; /* array of {"digits","title"}; what is sent */
    const char *output;
    bool detach;
};

static int take_option(struct order *o, int id, const char *value, struct err *e)
{
    char shown[100];
    uint64_t n;

    switch (id) {
    case 'o':
        o->output = value;
        break;
    case 10:
        o->detach = true;
        json_object_set_new(o->body, "detach", json_true());
        break;
    case 11:
        json_object_set_new(o->body, "overwrite", json_true());
        break;
    case 12:
        json_object_set_new(o->body, "rename", json_true());
        break;
    case 13:
        json_object_set_new(o->body, "sequential", json_true());
        break;
    case 14:
        if (!str_parse_size(value, &n) || !n)
            return cli_usage(e, "download", "--limit-rate takes a size as 10M, not '%s'",
                             show_to(shown, sizeof shown, value, strlen(value)));
        json_object_set_new(o->body, "limit_rate", json_integer((json_int_t)n));
        break;
    }
    return 0;
}

static int take_word(const struct cli *c, struct order *o, const char *word, struct err *e)
{
    struct buf digits = {0};
    char *title = NULL;
    int rc = last_search_word(c, word, &digits, &title, e);

    if (!rc)
        json_array_append_new(o->words,
                              json_pack("{ss ss*}", "digits", digits.data, "title", title));
    buf_free(&digits);
    mem_free(title);
    return rc;
}

/* Fill body.wants. Several go into a folder, so that -o can't name them all the same. */
static int make_wants(const struct cli *c, struct order *o, struct err *e)
{
    unsigned ms = c->common.timeout_s ? (unsigned)c->common.timeout_s * 1000u : RESOLVE_MS;
    bool several = json_array_size(o->words) > 1;
    json_t *wants = json_array(), *hash = NULL, *want, *name, *word;
    struct buf output = {0};
    int rc = 0;

    json_object_set_new(o->body, "wants", wants);
    if (o->output)
        buf_printf(&output, "%s%s", o->output,
                   several && !strchr("/", o->output[strlen(o->output) - 1]) ? "/" : "");
    for (size_t i = 0; !rc && i < json_array_size(o->words); i++) {
        word = json_array_get(o->words, i);
        rc = client_resolve(c, out_str(word, "digits"), ms, &hash, e);
        if (rc)
            break;
        want = json_pack("{so sO*}", "hash", hash, "title", json_object_get(word, "title"));
        name = o->output ? json_string(output.data) : NULL;
        if (o->output && !name)
            rc = cli_usage(e, "download", "-o takes a name in UTF-8");
        if (name)
            json_object_set_new(want, "name", name);
        json_array_append_new(wants, want);
    }
    buf_free(&output);
    return rc;
}

/* What is shown while they run. */
struct show {
    struct cli *c;
    struct progress *progress;
    bool detach;
    size_t open; /* downloads that have not ended */
    bool heard;  /* anything at all */
    int rc;      /* of the first that failed */
};

static void tell_failed(struct show *sh, const json_t *event)
{
    int exit = (int)out_num(event, "exit");
    struct err e;

    if (!exit || !strcmp(err_name(exit), "unknown"))
        exit = ERR_IO;
    err_set(&e, (enum err_code)exit, "%s", out_str(event, "error"));
    err_hint(&e, "%s", out_str(event, "hint"));
    if (exit == ERR_UNFINISHED && !e.hint[0])
        err_hint(&e, "the same command goes on where it was");
    cli_print_err(&e);
    if (!sh->rc)
        sh->rc = -exit;
}

/* On the way: what a user should know at once. */
static void tell_trouble(struct show *sh, const json_t *event, const char *what)
{
    const char *holder = out_str(event, "holder");
    struct buf b = {0};

    if (!sh->c->common.verbose && !term_is(2))
        return;
    progress_clear(sh->progress);
    show(&b, *holder ? holder : "a holder", strlen(*holder ? holder : "a holder"));
    cli_say(sh->c, "%s %s", b.data, what);
    buf_free(&b);
}

static bool one_event(void *ctx, const json_t *event)
{
    struct show *sh = ctx;
    const char *what = out_str(event, "event");
    bool failed = !strcmp(what, "failed");

    sh->heard = true;
    progress_event(sh->progress, event);
    if (failed || !strcmp(what, "done") || !strcmp(what, "skipped") || sh->detach) {
        progress_clear(sh->progress);
        if (sh->open)
            sh->open--;
    }
    if (!strcmp(what, "piece-bad"))
        tell_trouble(sh, event, "sent a piece that is wrong; it is fetched again");
    if (!strcmp(what, "source-lost") && sh->c->common.verbose)
        tell_trouble(sh, event, "does not answer any more");
    sh->c->out.print->event(&sh->c->out, event);
    if (failed)
        tell_failed(sh, event);
    if (sh->detach)
        cli_say(sh->c, "queued; iwanto downloads shows it");
    return sh->open > 0;
}

/* Why showing stopped before the downloads had ended. None of it ends them. */
static int stopped(const struct show *sh, const struct order *o, int rc, struct err *e)
{
    const json_t *first = json_array_get(json_object_get(o->body, "wants"), 0);

    if (rc == -ERR_INTERRUPTED) {
        err_set(e, ERR_INTERRUPTED, "interrupted; the service goes on");
        err_hint(e, "to end the download: iwanto cancel %.10s%s", out_str(first, "hash"),
                 json_array_size(o->words) > 1 ? " ..." : "");
    } else if (rc == -ERR_TIMEOUT) {
        err_set(e, ERR_TIMEOUT, "not finished after %llu s; the service goes on",
                (unsigned long long)sh->c->common.timeout_s);
        err_hint(e, "iwanto downloads shows how far it is");
    } else if (sh->heard || !rc) {
        err_set(e, ERR_UNFINISHED, "cannot finish: the service ended before the download");
        err_hint(e, "once it runs again the download goes on; the same command shows it");
    }
    return -e->code;
}

static int show_until_done(struct cli *c, const struct order *o, struct err *e)
{
    struct show sh = {.c = c, .detach = o->detach, .open = json_array_size(o->words)};
    bool drawn = term_is(2) && !c->common.quiet && !c->common.json && !o->detach;
    int rc;

    sh.progress = progress_new(sh.open, drawn);
    if (!o->detach) {
        term_catch_interrupt();
        http_unix_set_stop(term_interrupted);
    }
    rc = client_stream(c, "/v1/downloads", o->body, (unsigned)c->common.timeout_s * 1000u,
                       one_event, &sh, e);
    progress_free(sh.progress);
    if (sh.open)
        return stopped(&sh, o, rc, e);
    if (!rc && sh.rc) {
        err_set(e, (enum err_code) - sh.rc, "%s", ""); /* told already */
        rc = sh.rc;
    }
    return rc;
}

static int fetch(struct cli *c, struct opt_scan *s, const char *word, struct order *o,
                 struct err *e)
{
    int id = OPT_WORD, rc = 0;

    do {
        rc = id == OPT_WORD ? take_word(c, o, word, e) : take_option(o, id, word, e);
    } while (!rc && (id = opt_next(s, &word, e)) > 0);
    if (!rc && id < 0)
        rc = id;
    if (!rc && o->output && !o->output[0])
        rc = cli_usage(e, "download", "-o needs a name");
    if (!rc)
        rc = make_wants(c, o, e);
    if (rc)
        return rc;
    cli_open_out(c);
    return show_until_done(c, o, e);
}

static int download_to(struct cli *c, struct opt_scan *s, struct err *e)
{
    const char *path;
    int id = opt_next(s, &path, e);

    if (id == OPT_END)
        return cli_usage(e, "download", "download to needs a folder");
    if (id == OPT_WORD)
        id = opt_nothing_more(s, e);
    return id < 0 ? id : change_folder(c, CONF_DOWNLOAD, path, e);
}

int cmd_download(struct cli *c, struct opt_scan *s, struct err *e)
{
    struct order o = {0};
    const char *word;
    int id = 0, rc = 0;

    o.words = json_array();
    o.body = json_object();
    while (!rc && (id = opt_next(s, &word, e)) > OPT_WORD)
        rc = take_option(&o, id, word, e);
    if (!rc && id < 0)
        rc = id;
    else if (!rc && id == OPT_END)
        rc = cli_usage(e, "download", "download needs a hash");
    else if (!rc && !strcmp(word, "to"))
        rc = download_to(c, s, e);
    else if (!rc)
        rc = fetch(c, s, word, &o, e);
    json_decref(o.words);
    json_decref(o.body);
    return rc;
}
