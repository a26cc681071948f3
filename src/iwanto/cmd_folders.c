/* share PATH, share --skipped, download to PATH, view config: the settings, with or without a
 * service. */
#include "iwanto/cmd_folders.h"

#include "base/limits.h"
#include "base/mem.h"
#include "core/path.h"
#include "io/dirs.h"
#include "iwanto/client.h"
#include "svc/json_text.h"
#include "svc/settings.h"
#include "svc/share_skipped.h"

#include <string.h>

#define ASK_MS 30000 /* opening a folder on a sleeping disk or a network takes its time */

static int load(const struct cli *c, struct conf *conf, struct err *e)
{
    int rc = settings_load(conf, c->home, e);

    return rc ? rc : settings_fill(conf, e);
}

/* No service runs: check by the same rules, and save for the next start. */
static int change_file(const struct cli *c, enum conf_key key, const char *path, char **canonical,
                       struct err *e)
{
    char *file = settings_path(c->home, SETTINGS_FILE);
    struct conf conf;
    int rc = load(c, &conf, e);

    if (!rc)
        rc = settings_check_one(&conf, c->home, key, path, canonical, e);
    if (!rc)
        rc = settings_home(c->home, e);
    if (!rc)
        rc = settings_save(file, key, *canonical, e);
    conf_done(&conf);
    mem_free(file);
    return rc;
}

int change_folder(struct cli *c, enum conf_key key, const char *path, struct err *e)
{
    char *full = dirs_absolute(path, e), *canonical = NULL, shown[SHOW_COLUMNS_MAX];
    bool runs = true;
    json_t *answer;
    int rc;

    if (!full)
        return -e->code;
    rc = client_ask(c, "POST", key == CONF_SHARE ? "/v1/share" : "/v1/download-to", full,
                    strlen(full), ASK_MS, &answer, e);
    if (!rc) {
        canonical = mem_str(out_str(answer, "folder"));
        json_decref(answer);
    } else if (client_is_down(e) && !dirs_is_foreign(c->home)) {
        runs = false;
        rc = change_file(c, key, full, &canonical, e);
    }
    if (!rc)
        cli_say(c, "%s %s%s", key == CONF_SHARE ? "sharing" : "downloads go to",
                show_to(shown, sizeof shown, canonical, strlen(canonical)),
                runs ? "" : ", once the service starts");
    mem_free(canonical);
    mem_free(full);
    return rc;
}

/* Of the service, or those that the next one would have. json_decref. */
static int settings_rows(struct cli *c, json_t **rows, struct err *e)
{
    json_t *answer = NULL;
    struct conf conf;
    int rc = client_ask(c, "GET", "/v1/config", NULL, 0, ASK_MS, &answer, e);

    if (!rc) {
        *rows = json_incref(json_object_get(answer, "settings"));
        json_decref(answer);
    } else if (client_is_down(e) && !dirs_is_foreign(c->home)) {
        rc = load(c, &conf, e);
        if (!rc)
            *rows = settings_json(&conf);
        conf_done(&conf);
    }
    return rc;
}

static const char *setting(const json_t *rows, const char *name)
{
    const json_t *row;
    size_t i;

    OUT_EACH (rows, i, row)
        if (!strcmp(out_str(row, "name"), name))
            return out_str(row, "value");
    return "";
}

/* ---- share ---- */

enum { OPT_SKIPPED = 2, OPT_LIST };

const struct opt SHARE_OPTS[] = {
    {OPT_SKIPPED, "skipped", NULL, "list what is in the shared folder but not shared, and why",
     false},
    {OPT_LIST, "list", NULL, "list what is shared, with its hashes", false},
    {0, NULL, NULL, NULL, false}};

struct skipped {
    struct cli *cli;
    uint64_t rows;
};

static bool print_skipped(void *ctx, const char *path, bool is_folder, enum share_skip why)
{
    struct skipped *k = ctx;
    json_t *row = json_pack("{ss ss so}", "reason", share_skip_word(why), "type",
                            is_folder ? "dir" : "file", "path", json_text(path));

    k->cli->out.print->skipped(&k->cli->out, row);
    json_decref(row);
    return ++k->rows != k->cli->common.limit;
}

static int list_skipped(struct cli *c, struct err *e)
{
    struct skipped k = {.cli = c};
    json_t *rows = NULL;
    int rc = settings_rows(c, &rows, e);

    if (!rc && !*setting(rows, "share"))
        rc = err_set(e, ERR_NOT_FOUND, "cannot list what is skipped: nothing is shared");
    if (!rc) {
        cli_open_out(c);
        rc = share_skipped(setting(rows, "share"), !strcmp(setting(rows, "hidden"), "yes"),
                           print_skipped, &k, e);
    }
    if (!rc && !k.rows)
        cli_say(c, "nothing is skipped: all of the folder is shared");
    json_decref(rows);
    return rc;
}

int cmd_share(struct cli *c, struct opt_scan *s, struct err *e)
{
    const char *path = NULL, *word;
    bool skipped = false, list = false;
    int id;

    while ((id = opt_next(s, &word, e)) > OPT_END) {
        if (id == OPT_SKIPPED)
            skipped = true;
        else if (id == OPT_LIST)
            list = true;
        else if (path)
            return cli_usage(e, "share", "share takes one folder");
        else
            path = word;
    }
    if (id < 0)
        return id;
    if (skipped + list + (path != NULL) > 1)
        return cli_usage(e, "share", "share takes a folder, --skipped or --list, one of them");
    if (list)
        return list_shared(c, e);
    if (!skipped && !path)
        return cli_usage(e, "share", "share needs a folder");
    return skipped ? list_skipped(c, e) : change_folder(c, CONF_SHARE, path, e);
}

int cmd_view(struct cli *c, struct opt_scan *s, struct err *e)
{
    json_t *rows = NULL;
    const char *what;
    int id = opt_next(s, &what, e), rc;

    if (id < 0)
        return id;
    if (id == OPT_END || strcmp(what, "config") != 0)
        return cli_usage(e, "view", "view what? there is: view config");
    rc = opt_nothing_more(s, e);
    if (rc)
        return rc;
    rc = settings_rows(c, &rows, e);
    if (!rc) {
        cli_open_out(c);
        c->out.print->config(&c->out, rows);
    }
    json_decref(rows);
    return rc;
}
