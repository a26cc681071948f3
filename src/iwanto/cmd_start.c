/* start: settings, folders, and then the service, here or in the background. */
#include "iwanto/cli.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/path.h"
#include "io/daemon.h"
#include "io/dirs.h"
#include "io/loop.h"
#include "iwanto/client.h"
#include "iwanto/service.h"
#include "iwanto/status_line.h"
#include "svc/settings.h"

#include <string.h>

#define ANSWERS_MS 60000 /* a passphrase's key takes a second, a damaged database longer */
#define POLL_MS    50

const struct opt START_OPTS[] = {
    {'d', "daemon", NULL, "in the background; returns when the service answers", true},
    {0, NULL, NULL, NULL, false},
};

/* A flag that is given again adds to a list, else replaces. Relative paths are the user's, from
 * here. */
static int take_flag(struct conf *flags, enum conf_key key, const char *value, struct err *e)
{
    const struct conf_row *row = conf_row(key);
    struct buf joined = {0};
    char *full = NULL;
    int rc;

    if (!value)
        value = "yes";
    if (row->choices && !strcmp(row->choices, value)) {
        /* a word */
    } else if ((row->type == CONF_PATH || row->type == CONF_PATHS) && *value) {
        value = full = dirs_absolute(value, e);
        if (!full)
            return -e->code;
    }
    if (row->type == CONF_LIST && flags->source[key] == CONF_FLAG)
        buf_printf(&joined, "%s, ", conf_text(flags, key));
    if (row->type == CONF_PATHS && flags->source[key] == CONF_FLAG)
        buf_str(&joined, conf_text(flags, key));
    if (row->type == CONF_PATHS)
        conf_path_add(&joined, value);
    else
        buf_str(&joined, value);
    rc = conf_set(flags, key, joined.data, CONF_FLAG, e);
    buf_free(&joined);
    mem_free(full);
    return rc;
}

static int read_flags(struct opt_scan *s, struct conf *flags, bool *background, struct err *e)
{
    const char *value;
    char shown[100];
    int id, rc = 0;

    while (!rc && (id = opt_next(s, &value, e)) > 0) {
        if (id == OPT_WORD)
            return cli_usage(e, "start", "start takes no word as '%s'",
                             show_to(shown, sizeof shown, value, strlen(value)));
        if (id == 'd')
            *background = true;
        else
            rc = take_flag(flags, (enum conf_key)(id - OPT_CONF), value, e);
    }
    return rc ? rc : id;
}

/* Everything that can be wrong with settings and folders is told here, in the foreground. */
static int settle(const struct cli *c, const struct conf *flags, struct conf *conf, struct err *e)
{
    int rc = settings_load(conf, c->home, e);

    for (int i = 0; !rc && i < CONF_COUNT; i++)
        if (flags->source[i] == CONF_FLAG)
            rc = conf_set(conf, (enum conf_key)i, flags->value[i], CONF_FLAG, e);
    if (!rc)
        rc = settings_fill(conf, e);
    if (!rc)
        rc = settings_home(c->home, e);
    return rc ? rc : settings_check(conf, c->home, true, e);
}

static int already_runs(const struct cli *c, int pid, struct err *e)
{
    err_set(e, ERR_USAGE, "cannot start: a service already runs on %s (pid %d)", c->home, pid);
    err_hint(e, "end it with: iwanto stop");
    return -ERR_USAGE;
}

static void tell(const struct cli *c, const struct conf *conf, int pid)
{
    json_t *status, *shared;
    struct err ignored;

    if (c->common.quiet ||
        client_ask(c, "GET", "/v1/status", NULL, 0, POLL_MS * 100, &status, &ignored))
        return;
    shared = json_object_get(status, "shared");
    status_line_hello(conf, out_yes(status, "open"), out_num(shared, "files"));
    cli_say(c, "the service runs (pid %d); iwanto stop ends it", pid);
    json_decref(status);
}

/* The parent: until the child answers on its socket, or says why it can't. */
static int wait_for(const struct cli *c, const struct conf *conf, struct daemon *d, struct err *e)
{
    int64_t until =
        loop_now_ms() + (c->common.timeout_s ? (int64_t)c->common.timeout_s * 1000 : ANSWERS_MS);
    int pid;

    for (;;) {
        int rc = daemon_heard(d, POLL_MS, e);

        if (rc)
            return rc;
        if (client_running(c, &pid) && pid == d->pid) {
            tell(c, conf, pid);
            return 0;
        }
        if (loop_now_ms() > until)
            return err_set(e, ERR_TIMEOUT,
                           "cannot tell whether the service started: it does not answer yet");
    }
}

static int in_background(const struct cli *c, struct conf *conf, struct err *e)
{
    struct daemon d;
    int rc = daemon_split(&d, e);

    if (rc < 0)
        return rc;
    if (rc) {
        rc = wait_for(c, conf, &d, e);
    } else {
        rc = service_run(conf, c->home, true, e);
        if (rc)
            daemon_failed(&d, e);
        e->text[0] = '\0'; /* said; there is no terminal here */
    }
    daemon_done(&d);
    return rc;
}

int cmd_start(struct cli *c, struct opt_scan *s, struct err *e)
{
    struct conf flags, conf = {0};
    bool background = false;
    int pid = 0, rc;

    conf_init(&flags);
    rc = read_flags(s, &flags, &background, e);
    if (!rc)
        rc = settle(c, &flags, &conf, e);
    if (!rc && client_running(c, &pid))
        rc = already_runs(c, pid, e);
    if (!rc && c->common.verbose && !background)
        log_to_stderr(LOG_INFO); /* then the log talks, and no status line is in its way */
    if (!rc && background)
        rc = in_background(c, &conf, e);
    else if (!rc)
        rc = service_run(&conf, c->home, c->common.quiet || c->common.verbose, e);
    conf_done(&flags);
    conf_done(&conf);
    return rc;
}
