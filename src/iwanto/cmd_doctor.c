/* doctor: what works and what does not. Asks the service where one runs, looks at the rest itself
 * (svc/checkup), and has core/doctor judge. */
#include "iwanto/cli.h"

#include "base/mem.h"
#include "iwanto/client.h"
#include "svc/checkup.h"
#include "svc/json_text.h"
#include "svc/settings.h"

#include <string.h>

#define ASK_MS 4000

const struct opt DOCTOR_OPTS[] = {
    {'p', "peer", "NAME|ADDRESS", "try connections with this one, both ways", true},
    {0, NULL, NULL, NULL, false},
};

/* The settings in force: the running service's, flags of its start included. */
static void take_settings(struct conf *conf, const json_t *rows)
{
    const json_t *row;
    struct err ignored;
    size_t i;

    OUT_EACH (rows, i, row) {
        const struct conf_row *r = conf_by_name(out_str(row, "section"), out_str(row, "name"));

        if (r && json_is_string(json_object_get(row, "value")))
            (void)conf_set(conf, r->key, out_str(row, "value"), CONF_FLAG, &ignored);
    }
}

/* What the running service says; all NULL when none runs. */
struct told {
    json_t *status, *peers, *config;
    bool late;
};

static void ask_service(const struct cli *c, struct told *t)
{
    struct err e;

    *t = (struct told){0};
    if (client_ask(c, "GET", "/v1/status", NULL, 0, ASK_MS, &t->status, &e)) {
        t->late = !client_is_down(&e);
        return;
    }
    (void)client_ask(c, "GET", "/v1/peers", NULL, 0, ASK_MS, &t->peers, &e);
    (void)client_ask(c, "GET", "/v1/config", NULL, 0, ASK_MS, &t->config, &e);
}

static void forget(struct told *t)
{
    json_decref(t->status);
    json_decref(t->peers);
    json_decref(t->config);
}

static json_t *rows_of(const struct doctor_report *r, bool all)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < r->len; i++) {
        const struct doctor_finding *d = &r->finding[i];

        if (all || d->state != DOCTOR_FINE)
            json_array_append_new(rows, json_pack("{ss ss so so so}", "state",
                                                  doctor_state_name(d->state), "check", d->check,
                                                  "about", json_text(d->about), "text",
                                                  json_text(d->text), "mend", json_text(d->mend)));
    }
    return rows;
}

static int print(struct cli *c, const struct doctor_report *r)
{
    size_t bad = doctor_count(r, DOCTOR_BAD), fine = doctor_count(r, DOCTOR_FINE);
    json_t *rows = rows_of(r, c->common.verbose || c->common.json);

    cli_open_out(c);
    cli_limit(c, rows);
    c->out.print->doctor(&c->out, rows);
    json_decref(rows);
    if (!bad)
        cli_say(c, "nothing is wrong; %zu checks are fine%s", fine,
                c->common.verbose || c->common.json ? "" : " (-v lists them)");
    else
        cli_say(c, "%zu %s wrong, %zu checks are fine", bad, bad == 1 ? "thing is" : "things are",
                fine);
    return bad ? -ERR_NOT_FOUND : 0;
}

static int examine(struct cli *c, const char *peer, const struct told *t, struct err *e)
{
    struct checkup_conf cc = {.home = c->home,
                              .status = t->status,
                              .peers = json_object_get(t->peers, "peers"),
                              .answers_late = t->late,
                              .peer = peer};
    struct doctor_report report = {0};
    struct conf conf;
    struct checkup *up;
    int rc = settings_load(&conf, c->home, e);

    if (!rc)
        take_settings(&conf, json_object_get(t->config, "settings"));
    if (!rc)
        rc = settings_fill(&conf, e);
    cc.conf = &conf;
    if (!rc) {
        up = checkup_new(&cc, e);
        rc = -e->code;
        if (!rc || rc != -ERR_NOT_FOUND) {
            doctor_judge(checkup_facts(up), &report);
            if (rc)
                cli_print_err(e);
            rc = print(c, &report) || rc ? -ERR_NOT_FOUND : 0;
            e->text[0] = '\0'; /* all is said */
        }
        doctor_done(&report);
        checkup_free(up);
    }
    conf_done(&conf);
    return rc;
}

int cmd_doctor(struct cli *c, struct opt_scan *s, struct err *e)
{
    const char *value, *peer = NULL;
    struct told told;
    int id, rc;

    while ((id = opt_next(s, &value, e)) > 0) {
        if (id == OPT_WORD)
            return cli_usage(e, "doctor", "doctor takes no word; whom to try says --peer");
        peer = value;
    }
    if (id < 0)
        return id;
    ask_service(c, &told);
    rc = examine(c, peer, &told, e);
    forget(&told);
    return rc;
}
