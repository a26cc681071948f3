/* web: the page with the search box, served by the running service to a browser of this computer.
 */
#include "iwanto/cli.h"

#include "io/child.h"
#include "iwanto/client.h"

#include <stdlib.h>

#define ASK_MS 10000

const struct opt WEB_OPTS[] = {
    {'n', "no-open", NULL, "print the URL only, open nothing", true},
    {10, "stop", NULL, "end the page, wherever it is open", false},
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
    bool open = true, end = false;
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
        else
            end = true;
    }
    if (rc)
        return rc;
    cli_open_out(c);
    if (end)
        return stop(c, e);
    rc = client_ask(c, "POST", "/v1/web", "", 0, ASK_MS, &answer, e);
    if (rc)
        return rc;
    c->out.print->play(&c->out, answer);
    json_decref(answer);
    if (c->out.people)
        cli_say(c, "for a browser of this computer; it works once, within ten minutes");
    return open && has_desktop() ? open_browser(c, e) : 0;
}
