#include "iwanto/order.h"

#include "base/buf.h"
#include "base/str.h"
#include "core/path.h"
#include "io/http_client.h"
#include "io/loop.h"
#include "io/term.h"
#include "iwanto/client.h"
#include "iwanto/progress.h"

#include <stdio.h>
#include <string.h>

void order_init(struct order *o, const char *command)
{
    *o = (struct order){.command = command, .body = json_object(), .wants = json_array()};
}

void order_free(struct order *o)
{
    json_decref(o->wants);
    json_decref(o->body);
}

int order_option(struct order *o, int id, const char *value, struct err *e)
{
    char shown[100];
    json_t *name;
    uint64_t n;

    switch (id) {
    case 'o':
        if (!*value)
            return cli_usage(e, o->command, "-o needs a name");
        if (!(name = json_string(value)))
            return cli_usage(e, o->command, "-o takes a name in UTF-8");
        json_decref(name);
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
            return cli_usage(e, o->command, "--limit-rate takes a size as 10M, not '%s'",
                             show_to(shown, sizeof shown, value, strlen(value)));
        json_object_set_new(o->body, "limit_rate", json_integer((json_int_t)n));
        break;
    case 15:
        if (!*value || !(name = json_string(value)))
            return cli_usage(e, o->command, "--exec takes a command in UTF-8");
        json_object_set_new(o->body, "exec", name);
        break;
    default:
        return 1;
    }
    return 0;
}

void order_want(struct order *o, const char *hash, const char *title, const char *name)
{
    json_array_append_new(o->wants,
                          json_pack("{ss ss* ss*}", "hash", hash, "title", title, "name", name));
}

/* What is shown while they run. */
struct show {
    struct cli *c;
    struct order *o;
    struct progress *progress;
    size_t open;     /* downloads that have not ended */
    json_t *waiting; /* by id, those of them that nobody gives anything of; and since when */
    int64_t waiting_ms;
    bool gave_up;
    bool heard; /* anything at all */
    int rc;     /* of the first that failed */
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

/* http_unix_call's hook has no argument. */
static struct show *shown;

/* Interrupted; or nobody gives anything of all that is left, for longer than the command waits. */
static bool is_over(void)
{
    const struct order *o = shown->o;

    if (o->patience_ms && shown->open && json_object_size(shown->waiting) >= shown->open &&
        loop_now_ms() - shown->waiting_ms > o->patience_ms)
        shown->gave_up = true;
    return shown->gave_up || term_interrupted();
}

static void note_waiting(struct show *sh, const json_t *event, bool waits)
{
    char id[24];

    snprintf(id, sizeof id, "%llu", (unsigned long long)out_num(event, "id"));
    if (waits && !json_object_get(sh->waiting, id))
        sh->waiting_ms = loop_now_ms();
    if (waits)
        json_object_set_new(sh->waiting, id, json_true());
    else
        json_object_del(sh->waiting, id);
}

static bool one_event(void *ctx, const json_t *event)
{
    struct show *sh = ctx;
    const char *what = out_str(event, "event");
    bool failed = !strcmp(what, "failed");

    sh->heard = true;
    note_waiting(sh, event, !strcmp(what, "waiting"));
    progress_event(sh->progress, event);
    if (failed || !strcmp(what, "done") || !strcmp(what, "skipped") || sh->o->detach) {
        progress_clear(sh->progress);
        if (sh->open)
            sh->open--;
        if (sh->o->ended)
            sh->o->ended(sh->o->ctx, event);
    }
    if (!strcmp(what, "piece-bad"))
        tell_trouble(sh, event, "sent a piece that is wrong; it is fetched again");
    if (!strcmp(what, "source-lost") && sh->c->common.verbose)
        tell_trouble(sh, event, "does not answer any more");
    sh->c->out.print->event(&sh->c->out, event);
    if (failed)
        tell_failed(sh, event);
    if (sh->o->detach && !sh->o->ended)
        cli_say(sh->c, "queued; iwanto downloads shows it");
    return sh->open > 0;
}

/* Why showing stopped before the downloads had ended. None of it ends them. */
static int stopped(const struct show *sh, int rc, struct err *e)
{
    const json_t *wants = sh->o->wants, *first = json_array_get(wants, 0);

    if (rc == -ERR_INTERRUPTED) {
        err_set(e, ERR_INTERRUPTED, "interrupted; the service goes on");
        err_hint(e, "to end the download: iwanto cancel %.10s%s", out_str(first, "hash"),
                 json_array_size(wants) > 1 ? " ..." : "");
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

int order_run(struct cli *c, struct order *o, struct err *e)
{
    struct show sh = {.c = c, .o = o, .open = json_array_size(o->wants)};
    bool drawn = term_is(2) && !c->common.quiet && !c->common.json && !o->detach;
    int rc;

    json_object_set(o->body, "wants", o->wants);
    sh.waiting = json_object();
    sh.progress = progress_new(o->all > sh.open ? o->all : sh.open, drawn);
    progress_skip(sh.progress, o->before);
    shown = &sh;
    if (!o->detach) {
        term_catch_interrupt();
        http_unix_set_stop(is_over);
    }
    rc = client_stream(c, "/v1/downloads", o->body, (unsigned)c->common.timeout_s * 1000u,
                       one_event, &sh, e);
    http_unix_set_stop(NULL);
    progress_free(sh.progress);
    json_decref(sh.waiting);
    if (sh.gave_up)
        return 0;
    if (sh.open)
        return stopped(&sh, rc, e);
    if (!rc && sh.rc) {
        err_set(e, (enum err_code) - sh.rc, "%s", ""); /* told already */
        rc = sh.rc;
    }
    return rc;
}
