/* status, peers, stop: the service itself. */
#include "iwanto/cli.h"

#include "base/mem.h"
#include "io/loop.h"
#include "io/term.h"
#include "iwanto/client.h"
#include "svc/ident.h"

#include <unistd.h>

#define ASK_MS  8000
#define STOP_MS 20000 /* saving and saying goodbye */
#define POLL_MS 30

static unsigned wait_ms(const struct cli *c, unsigned otherwise)
{
    return c->common.timeout_s ? (unsigned)c->common.timeout_s * 1000u : otherwise;
}

int cmd_status(struct cli *c, struct opt_scan *s, struct err *e)
{
    json_t *answer;
    int rc = opt_nothing_more(s, e);

    if (!rc)
        rc = client_ask(c, "GET", "/v1/status", NULL, 0, wait_ms(c, ASK_MS), &answer, e);
    if (rc)
        return rc;
    cli_open_out(c);
    c->out.verbose = c->common.verbose;
    c->out.print->status(&c->out, answer);
    json_decref(answer);
    return 0;
}

int cmd_peers(struct cli *c, struct opt_scan *s, struct err *e)
{
    json_t *answer, *rows;
    int rc = opt_nothing_more(s, e);

    if (!rc)
        rc = client_ask(c, "GET", "/v1/peers", NULL, 0, wait_ms(c, ASK_MS), &answer, e);
    if (rc)
        return rc;
    rows = json_object_get(answer, "peers");
    cli_open_out(c);
    cli_limit(c, rows);
    c->out.print->peers(&c->out, rows);
    if (json_array_size(rows) <= 1)
        cli_say(c, "no other peer heard yet");
    json_decref(answer);
    return 0;
}

/* It has ended when its lock is free: the socket goes earlier. */
static bool has_ended(const struct cli *c)
{
    struct err ignored;
    int fd = -1;

    if (ident_lock(c->home, &fd, &ignored))
        return false;
    close(fd);
    return true;
}

int cmd_stop(struct cli *c, struct opt_scan *s, struct err *e)
{
    int64_t until = loop_now_ms() + wait_ms(c, STOP_MS);
    json_t *answer;
    int rc = opt_nothing_more(s, e);

    if (!rc)
        rc = client_ask(c, "POST", "/v1/stop", NULL, 0, ASK_MS, &answer, e);
    if (rc)
        return rc;
    json_decref(answer);
    while (!has_ended(c)) {
        if (loop_now_ms() > until)
            return err_set(e, ERR_TIMEOUT,
                           "cannot stop the service: it was told to, and still runs");
        term_sleep_ms(POLL_MS);
    }
    return 0;
}
