/* set NAME VALUE: one setting, with or without a service. */
#include "iwanto/cli.h"

#include "base/mem.h"
#include "core/path.h"
#include "io/dirs.h"
#include "iwanto/client.h"
#include "svc/settings.h"

#include <stdlib.h>
#include <string.h>

#define ASK_MS 15000

/* No service runs: check by the same rules, and save for the next start. */
static int change_file(const struct cli *c, const char *name, const char *value, struct err *e)
{
    char *file = settings_path(c->home, SETTINGS_FILE), *canonical = NULL;
    const struct conf_row *row;
    int rc = settings_parse(name, value, &row, &canonical, e);

    if (!rc)
        rc = settings_home(c->home, e);
    if (!rc)
        rc = settings_save(file, row->key, canonical, e);
    mem_free(canonical);
    mem_free(file);
    return rc;
}

static int change(struct cli *c, const char *name, const char *value, struct err *e)
{
    json_t *body = json_pack("{ss ss}", "name", name, "value", value), *answer = NULL;
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    bool live = false;
    int rc;

    if (!text)
        return cli_usage(e, "set", "a setting is written in UTF-8");
    rc = client_ask(c, "POST", "/v1/set", text, strlen(text), ASK_MS, &answer, e);
    if (!rc)
        live = out_yes(answer, "live");
    else if (client_is_down(e) && !dirs_is_foreign(c->home))
        rc = change_file(c, name, value, e);
    if (!rc)
        cli_say(c, live ? "%s is changed" : "%s is saved, for when the service starts", name);
    json_decref(answer);
    json_decref(body);
    free(text);
    return rc;
}

int cmd_set(struct cli *c, struct opt_scan *s, struct err *e)
{
    const char *name, *value;
    int id = opt_next(s, &name, e);

    if (id == OPT_WORD)
        id = opt_next(s, &value, e);
    if (id == OPT_END)
        return cli_usage(e, "set", "set needs a setting's name and its value");
    if (id == OPT_WORD)
        id = opt_nothing_more(s, e);
    return id < 0 ? id : change(c, name, value, e);
}
