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
static int change_file(const struct cli *c, enum folder_act act, const char *path, char **canonical,
                       struct err *e)
{
    char *file = settings_path(c->home, SETTINGS_FILE);
    struct settings_shared shared = {0};
    struct conf conf;
    int rc = load(c, &conf, e);

    if (!rc && act == FOLDER_DOWNLOAD)
        rc = settings_check_download(&conf, c->home, path, canonical, e);
    else if (!rc)
        rc = settings_share(&conf, c->home, (enum settings_act)act, path, &shared, e);
    if (!rc)
        rc = settings_home(c->home, e);
    if (!rc && act == FOLDER_DOWNLOAD)
        rc = settings_save(file, CONF_DOWNLOAD, *canonical, e);
    else if (!rc)
        rc = settings_save_shared(file, &shared, e);
    if (!rc && shared.folder)
        *canonical = mem_str(shared.folder);
    settings_shared_done(&shared);
    conf_done(&conf);
    mem_free(file);
    return rc;
}

int change_folder(struct cli *c, enum folder_act act, const char *path, struct err *e)
{
    static const struct {
        const char *route, *done;
    } of[] = {
        [FOLDER_SHARE] = {"/v1/share", "sharing"},
        [FOLDER_ADD] = {"/v1/share/add", "sharing as well"},
        [FOLDER_REMOVE] = {"/v1/share/remove", "no longer sharing"},
        [FOLDER_DOWNLOAD] = {"/v1/download-to", "downloads go to"},
    };
    char *full = dirs_absolute(path, e), *canonical = NULL, shown[SHOW_COLUMNS_MAX];
    bool runs = true;
    json_t *answer;
    int rc;

    if (!full)
        return -e->code;
    rc = client_ask(c, "POST", of[act].route, full, strlen(full), ASK_MS, &answer, e);
    if (!rc) {
        canonical = mem_str(out_str(answer, "folder"));
        json_decref(answer);
    } else if (client_is_down(e) && !dirs_is_foreign(c->home)) {
        runs = false;
        rc = change_file(c, act, full, &canonical, e);
    }
    if (!rc)
        cli_say(c, "%s %s%s", of[act].done,
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

enum { OPT_SKIPPED = 2, OPT_LIST, OPT_ADD, OPT_REMOVE };

const struct opt SHARE_OPTS[] = {
    {OPT_ADD, "add", "PATH", "share this folder as well", false},
    {OPT_REMOVE, "remove", "PATH", "share this folder no longer", false},
    {OPT_SKIPPED, "skipped", NULL, "list what is in the shared folders but not shared, and why",
     false},
    {OPT_LIST, "list", NULL, "list what is shared, with its hashes", false},
    {0, NULL, NULL, NULL, false}};

/* The paths that are shared by these settings: strings of an array. */
static json_t *shared_paths(const json_t *settings)
{
    const char *first = setting(settings, "share");
    struct conf list = {.value[CONF_ALSO] = (char *)(uintptr_t)setting(settings, "also")};
    json_t *paths = json_array();
    char *one;

    if (*first && strcmp(first, CONF_NONE) != 0)
        json_array_append_new(paths, json_text(first));
    for (size_t n = 0; (one = conf_path(&list, CONF_ALSO, n)); n++) {
        json_array_append_new(paths, json_text(one));
        mem_free(one);
    }
    return paths;
}

/* The folders, as the service has them, or as it would. */
static int list_folders(struct cli *c, struct err *e)
{
    json_t *answer = NULL, *rows = NULL, *settings = NULL, *path;
    int rc = client_ask(c, "GET", "/v1/share", NULL, 0, ASK_MS, &answer, e);
    size_t i;

    if (!rc) {
        rows = json_incref(json_object_get(answer, "folders"));
    } else if (client_is_down(e) && !dirs_is_foreign(c->home) &&
               !(rc = settings_rows(c, &settings, e))) {
        json_t *paths = shared_paths(settings);

        rows = json_array();
        json_array_foreach (paths, i, path)
            json_array_append_new(rows, json_pack("{sO sn sn}", "path", path, "name", "here"));
        json_decref(paths);
    }
    if (!rc) {
        cli_open_out(c);
        c->out.print->folders(&c->out, rows);
        if (!json_array_size(rows))
            cli_say(c, "nothing is shared; iwanto share PATH changes that");
    }
    json_decref(settings);
    json_decref(rows);
    json_decref(answer);
    return rc;
}

struct skipped {
    struct cli *cli;
    const char *in; /* the folder, where there are several; or NULL */
    uint64_t rows;
};

static bool print_skipped(void *ctx, const char *path, bool is_folder, enum share_skip why)
{
    struct skipped *k = ctx;
    struct buf full = {0};
    json_t *row;

    buf_printf(&full, "%s%s%s", k->in ? k->in : "", k->in ? "/" : "", path);
    row = json_pack("{ss ss so}", "reason", share_skip_word(why), "type",
                    is_folder ? "dir" : "file", "path", json_text(buf_cstr(&full)));
    buf_free(&full);
    k->cli->out.print->skipped(&k->cli->out, row);
    json_decref(row);
    return ++k->rows != k->cli->common.limit;
}

static int list_skipped(struct cli *c, struct err *e)
{
    struct skipped k = {.cli = c};
    json_t *rows = NULL, *paths = NULL, *path;
    int rc = settings_rows(c, &rows, e);
    size_t i;

    if (!rc) {
        paths = shared_paths(rows);
        if (!json_array_size(paths))
            rc = err_set(e, ERR_NOT_FOUND, "cannot list what is skipped: nothing is shared");
    }
    if (!rc)
        cli_open_out(c);
    json_array_foreach (paths, i, path) {
        if (rc || (c->common.limit && k.rows == c->common.limit))
            break;
        k.in = json_array_size(paths) > 1 ? json_string_value(path) : NULL;
        rc = share_skipped(json_string_value(path), !strcmp(setting(rows, "hidden"), "yes"),
                           print_skipped, &k, e);
    }
    if (!rc && !k.rows)
        cli_say(c, "nothing is skipped: all of it is shared");
    json_decref(paths);
    json_decref(rows);
    return rc;
}

int cmd_share(struct cli *c, struct opt_scan *s, struct err *e)
{
    const char *path = NULL, *word;
    enum folder_act act = FOLDER_SHARE;
    bool skipped = false, list = false;
    int id;

    while ((id = opt_next(s, &word, e)) > OPT_END) {
        if (id == OPT_SKIPPED) {
            skipped = true;
            continue;
        }
        if (id == OPT_LIST) {
            list = true;
            continue;
        }
        if (path)
            return cli_usage(e, "share", "share takes one folder");
        act = id == OPT_ADD ? FOLDER_ADD : id == OPT_REMOVE ? FOLDER_REMOVE : FOLDER_SHARE;
        path = word;
    }
    if (id < 0)
        return id;
    if (skipped + list + (path != NULL) > 1)
        return cli_usage(e, "share", "share takes a folder, --skipped or --list, one of them");
    if (list)
        return list_shared(c, e);
    if (skipped)
        return list_skipped(c, e);
    return path ? change_folder(c, act, path, e) : list_folders(c, e);
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
