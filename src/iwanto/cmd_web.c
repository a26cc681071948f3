/* web: the page with the search box, served by the running service to a browser of this computer;
 * --lan: to phones and guests, as long as this command runs. */
#include "iwanto/cli.h"

#include "base/buf.h"
#include "io/child.h"
#include "io/http_client.h"
#include "io/term.h"
#include "iwanto/client.h"
#include "iwanto/qr.h"

#include <stdlib.h>

#define ASK_MS 10000

const struct opt WEB_OPTS[] = {
    {'n', "no-open", NULL, "print the URL only, open nothing", true},
    {'l', "lan", NULL, "for phones and guests on this network: they can search and fetch", true},
    {10, "stop", NULL, "end the page, and that for guests, wherever they are open", false},
    {0, NULL, NULL, NULL, false},
};

static bool has_desktop(void)
{
    const char *x = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");

    return (x && *x) || (wayland && *wayland);
}

/* Another URL than the one that is printed: this one others of this computer can read in the list
 * of processes, and it works once. It is not waited for; a browser may stay as long as it likes. */
static int open_browser(const struct cli *c, struct err *e)
{
    json_t *answer;
    int rc = client_ask(c, "POST", "/v1/web", "", 0, ASK_MS, &answer, e);

    if (!rc && child_start("xdg-open", out_str(answer, "url"), e) < 0)
        rc = -e->code;
    if (!rc)
        json_decref(answer);
    return rc;
}

/* ---- guests ---- */

static void tell_guests(const struct cli *c, const json_t *event)
{
    const json_t *urls = json_object_get(event, "urls");
    struct buf qr = {0}, name = {0};

    if (c->out.people && json_array_size(urls) &&
        qr_put(&qr, json_string_value(json_array_get(urls, 0)), c->out.columns, c->out.color))
        fputs(qr.data, c->out.to);
    for (size_t i = 0; i < json_array_size(urls); i++)
        fprintf(c->out.to, "%s%c", json_string_value(json_array_get(urls, i)),
                c->out.nul ? '\0' : '\n');
    fflush(c->out.to);
    if (!json_array_size(urls))
        cli_say(c, "this computer has no address that others could reach");
    cli_say(c,
            "who has this link can search the %s network %s and fetch from it what anybody shares; "
            "change nothing",
            out_yes(event, "open") ? "open" : "private",
            out_shown(&name, out_str(event, "network")));
    cli_say(c, "it is not encrypted: others on this LAN can see what is fetched");
    cli_say(c, "Ctrl-C ends it");
    buf_free(&name);
    buf_free(&qr);
}

static bool on_line(void *ctx, const json_t *event)
{
    struct cli *c = ctx;

    if (c->common.json)
        c->out.print->play(&c->out, event);
    else
        tell_guests(c, event);
    return true;
}

static int guests(struct cli *c, struct err *e)
{
    json_t *body = json_object();
    int rc;

    term_catch_interrupt();
    http_unix_set_stop(term_interrupted);
    rc =
        client_stream(c, "/v1/web/lan", body, (unsigned)c->common.timeout_s * 1000u, on_line, c, e);
    http_unix_set_stop(NULL);
    json_decref(body);
    if (!rc)
        cli_say(c, "the page for guests has ended");
    if (rc == -ERR_INTERRUPTED)
        return err_set(e, ERR_INTERRUPTED, "%s", "");
    return rc;
}

/* ---- the command ---- */

static int stop(const struct cli *c, struct err *e)
{
    json_t *answer;
    int rc = client_ask(c, "POST", "/v1/web/stop", "", 0, ASK_MS, &answer, e);

    if (rc)
        return rc;
    cli_say(c, "the page has ended");
    json_decref(answer);
    return 0;
}

int cmd_web(struct cli *c, struct opt_scan *s, struct err *e)
{
    bool open = true, end = false, lan = false;
    json_t *answer;
    const char *value;
    int id, rc = 0;

    while (!rc && (id = opt_next(s, &value, e)) != OPT_END) {
        if (id < 0)
            rc = id;
        else if (id == OPT_WORD)
            rc = cli_usage(e, "web", "web takes no words");
        else if (id == 'n')
            open = false;
        else if (id == 'l')
            lan = true;
        else
            end = true;
    }
    if (!rc && lan && end)
        rc = cli_usage(e, "web", "--lan and --stop stand alone");
    if (rc)
        return rc;
    cli_open_out(c);
    if (end || lan)
        return end ? stop(c, e) : guests(c, e);
    rc = client_ask(c, "POST", "/v1/web", "", 0, ASK_MS, &answer, e);
    if (rc)
        return rc;
    c->out.print->play(&c->out, answer);
    json_decref(answer);
    if (c->out.people)
        cli_say(c, "for a browser of this computer; it works once, within ten minutes");
    return open && has_desktop() ? open_browser(c, e) : 0;
}
