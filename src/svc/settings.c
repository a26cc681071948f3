#include "svc/settings.h"

#include "base/limits.h"
#include "base/mem.h"
#include "core/path.h"
#include "io/dirs.h"
#include "io/root.h"
#include "io/save.h"
#include "svc/json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define CONF_BYTES_MAX (1u << 20) /* of a settings file */

char *settings_path(const char *home, const char *name)
{
    struct buf b = {0};

    buf_printf(&b, "%s/%s", home, name);
    return buf_take(&b, NULL);
}

int settings_home(const char *home, struct err *e)
{
    int rc = dirs_make(home, e);

    return rc ? rc : save_dir(home, 0700, NULL, e);
}

static int read_file(struct conf *c, const char *home, struct err *e)
{
    char *path = settings_path(home, SETTINGS_FILE);
    struct buf text = {0};
    struct err why = {0};
    int rc = save_read(path, CONF_BYTES_MAX, &text, e);

    if (!rc && conf_read(c, buf_cstr(&text), text.len, path, &why)) {
        err_set(e, ERR_USAGE, "cannot read the settings: %s", why.text);
        err_hint(e, "%s", why.hint);
        rc = -ERR_USAGE;
    } else if (rc == -ERR_NOT_FOUND) {
        rc = 0;
    }
    buf_free(&text);
    mem_free(path);
    return rc;
}

static int read_environment(struct conf *c, struct err *e)
{
    for (size_t i = 0; i < CONF_COUNT; i++) {
        const struct conf_row *row = conf_row((enum conf_key)i);
        const char *set = getenv(row->env);
        struct err why;

        if (!set || !*set)
            continue;
        if (conf_set(c, row->key, set, CONF_ENV, &why)) {
            err_set(e, ERR_USAGE, "%s (from %s)", why.text, row->env);
            err_hint(e, "%s", why.hint);
            return -ERR_USAGE;
        }
    }
    return 0;
}

int settings_load(struct conf *c, const char *home, struct err *e)
{
    int rc;

    conf_init(c);
    rc = read_file(c, home, e);
    return rc ? rc : read_environment(c, e);
}

static void replace(struct conf *c, enum conf_key key, char *value)
{
    mem_free(c->value[key]);
    c->value[key] = value;
}

/* The computer's name, up to its first dot. */
static char *host_name(void)
{
    char name[UV_MAXHOSTNAMESIZE];
    size_t len = sizeof name;

    if (uv_os_gethostname(name, &len) || !name[0])
        return mem_str("peer");
    len = strcspn(name, ".");
    return mem_strn(name, len > PEER_NAME_MAX ? PEER_NAME_MAX : len);
}

int settings_fill(struct conf *c, struct err *e)
{
    for (size_t i = 0; i < CONF_COUNT; i++) {
        enum conf_key key = (enum conf_key)i;
        char *full;

        if (conf_row(key)->type == CONF_PATH && c->value[key] && c->value[key][0] == '~') {
            full = dirs_absolute(c->value[key], e);
            if (!full)
                return -e->code;
            replace(c, key, full);
        }
    }
    if (!c->value[CONF_SHARE] && !(c->value[CONF_SHARE] = dirs_public(e)))
        return -e->code;
    if (!c->value[CONF_DOWNLOAD] && !(c->value[CONF_DOWNLOAD] = dirs_downloads(e)))
        return -e->code;
    if (!c->value[CONF_NAME])
        c->value[CONF_NAME] = host_name();
    return 0;
}

/* ---- the rules for the folders ---- */

static const char *verb(enum conf_key key)
{
    return key == CONF_SHARE ? "share" : "download to";
}

static int refuse(enum conf_key key, const struct root *r, struct err *e, const char *why)
{
    char shown[SHOW_COLUMNS_MAX / 2];
    const char *path = root_path(r);

    err_set(e, ERR_USAGE, "cannot %s %s: %s", verb(key),
            show_to(shown, sizeof shown, path, strlen(path)), why);
    err_hint(e, key == CONF_SHARE ? "share a folder that is made for it, as ~/Public"
                                  : "take a folder that is made for it, as ~/Downloads");
    return -ERR_USAGE;
}

/* A folder that must not be given away: neither itself nor what it lies in, and, when deep, nothing
 * inside either. */
static int check_guarded(enum conf_key key, const struct root *r, const char *guarded, bool deep,
                         const char *why, struct err *e)
{
    struct err ignored;
    struct root *g = root_open(guarded, &ignored);
    int rc = 0;

    if (!g) /* not there, or closed to us: then it is not below a folder that we can read, either */
        return 0;
    if (root_within(g, r) || (deep && root_within(r, g)))
        rc = refuse(key, r, e, why);
    root_close(g);
    return rc;
}

static int check_private(enum conf_key key, const struct root *r, const char *home, struct err *e)
{
    static const char *const secret[] = {".ssh", ".gnupg", ".config"};
    struct err ignored;
    char *user = dirs_home(&ignored), *path;
    int rc = 0;

    if (user)
        rc = check_guarded(key, r, user, false, "it is or holds your home folder", e);
    if (!rc)
        rc = check_guarded(key, r, home, true, "iwant's own keys and settings are there", e);
    for (size_t i = 0; user && !rc && i < sizeof secret / sizeof *secret; i++) {
        path = settings_path(user, secret[i]);
        rc = check_guarded(key, r, path, true, "keys or settings of yours are there", e);
        mem_free(path);
    }
    mem_free(user);
    return rc;
}

static int check_system(enum conf_key key, const struct root *r, struct err *e)
{
    static const struct {
        const char *path;
        bool deep;
    } of[] = {
        {"/home", false}, {"/etc", true},  {"/proc", true}, {"/sys", true},  {"/boot", true},
        {"/dev", false},  {"/usr", false}, {"/var", false}, {"/run", false},
    };
    int rc = 0;

    for (size_t i = 0; !rc && i < sizeof of / sizeof *of; i++)
        rc = check_guarded(key, r, of[i].path, of[i].deep, "it is a folder of the system", e);
    return rc;
}

static int check_folder(enum conf_key key, const struct root *r, const char *home, struct err *e)
{
    const char *name = strrchr(root_path(r), '/');
    int rc = check_private(key, r, home, e);

    if (!rc)
        rc = check_system(key, r, e);
    if (!rc && key == CONF_DOWNLOAD && name && name[1] == '.')
        rc = refuse(key, r, e, "it is a hidden folder");
    return rc;
}

static int check_pair(const struct root *share, const struct root *download, struct err *e)
{
    char a[SHOW_COLUMNS_MAX / 2], b[SHOW_COLUMNS_MAX / 2];
    const char *in, *out;

    if (!root_within(share, download) && !root_within(download, share))
        return 0;
    in = show_to(a, sizeof a, root_path(share), strlen(root_path(share)));
    out = show_to(b, sizeof b, root_path(download), strlen(root_path(download)));
    if (!strcmp(root_path(share), root_path(download)))
        err_set(e, ERR_USAGE, "cannot share %s: it is the download folder as well", in);
    else if (root_within(share, download))
        err_set(e, ERR_USAGE, "cannot share %s: it lies inside the download folder %s", in, out);
    else
        err_set(e, ERR_USAGE, "cannot share %s: the download folder %s lies inside it", in, out);
    err_hint(
        e,
        "the shared and the download folder must lie apart, else what is fetched is shared unseen");
    return -ERR_USAGE;
}

static struct root *open_folder(enum conf_key key, const char *path, struct err *e)
{
    struct root *r = root_open(path, e);
    struct root_dir *d;
    struct err why;

    if (!r) {
        e->code = ERR_USAGE; /* whatever the system says, the setting is to be changed */
        return NULL;
    }
    d = root_list(r, "", &why);
    if (!d) {
        err_set(e, ERR_USAGE, "cannot %s %s: %s", verb(key), path, why.text);
        root_close(r);
        return NULL;
    }
    root_list_end(d);
    return r;
}

int settings_check(struct conf *c, const char *home, bool make, struct err *e)
{
    static const enum conf_key keys[] = {CONF_SHARE, CONF_DOWNLOAD};
    struct root *r[2] = {NULL, NULL};
    int rc = 0;

    for (size_t i = 0; !rc && i < 2; i++) {
        if (make && c->source[keys[i]] == CONF_DEFAULT)
            rc = dirs_make(c->value[keys[i]], e);
        if (!rc && !(r[i] = open_folder(keys[i], c->value[keys[i]], e)))
            rc = -e->code;
        if (!rc)
            rc = check_folder(keys[i], r[i], home, e);
    }
    if (!rc)
        rc = check_pair(r[0], r[1], e);
    for (size_t i = 0; i < 2; i++) {
        if (!rc)
            replace(c, keys[i], mem_str(root_path(r[i])));
        root_close(r[i]);
    }
    return rc;
}

int settings_check_one(const struct conf *c, const char *home, enum conf_key key, const char *path,
                       char **canonical, struct err *e)
{
    enum conf_key other_key = key == CONF_SHARE ? CONF_DOWNLOAD : CONF_SHARE;
    struct root *r, *other;
    struct err ignored;
    int rc;

    *canonical = NULL;
    r = open_folder(key, path, e);
    if (!r)
        return -e->code;
    rc = check_folder(key, r, home, e);
    other = c->value[other_key] ? root_open(c->value[other_key], &ignored) : NULL;
    if (!rc && other)
        rc = key == CONF_SHARE ? check_pair(r, other, e) : check_pair(other, r, e);
    if (!rc)
        *canonical = mem_str(root_path(r));
    root_close(other);
    root_close(r);
    return rc;
}

/* ---- changing one ---- */

int settings_save(const char *conf_path, enum conf_key key, const char *value, struct err *e)
{
    struct buf old = {0}, new = {0};
    struct conf check;
    int rc;

    conf_init(&check); /* a value that the file could not hold must not get there */
    rc = conf_set(&check, key, value, CONF_FILE, e);
    conf_done(&check);
    if (rc)
        return rc;
    rc = save_read(conf_path, CONF_BYTES_MAX, &old, e);
    if (!rc || rc == -ERR_NOT_FOUND) {
        conf_edit(&new, buf_cstr(&old), old.len, key, value);
        rc = save_write(conf_path, new.data, new.len, 0600, e);
    }
    buf_free(&old);
    buf_free(&new);
    return rc;
}

int settings_parse(const char *name, const char *value, const struct conf_row **row,
                   char **canonical, struct err *e)
{
    char shown[100];
    struct conf check;
    int rc;

    *row = conf_by_word(name);
    if (!*row) {
        err_set(e, ERR_USAGE, "unknown setting '%s'",
                show_to(shown, sizeof shown, name, strlen(name)));
        err_hint(e, "iwanto view config lists them");
        return -ERR_USAGE;
    }
    if ((*row)->key == CONF_SHARE || (*row)->key == CONF_DOWNLOAD) {
        err_set(e, ERR_USAGE, "the folders have commands of their own");
        err_hint(e, "iwanto share PATH, iwanto download to PATH");
        return -ERR_USAGE;
    }
    conf_init(&check);
    rc = conf_set(&check, (*row)->key, value, CONF_FILE, e);
    if (!rc)
        *canonical = mem_str(conf_text(&check, (*row)->key));
    conf_done(&check);
    return rc;
}

void settings_put(struct conf *c, enum conf_key key, const char *value)
{
    replace(c, key, mem_str(value));
    c->source[key] = CONF_FILE;
}

json_t *settings_json(const struct conf *c)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < CONF_COUNT; i++) {
        const struct conf_row *row = conf_row((enum conf_key)i);
        const char *value = conf_text(c, row->key);

        json_array_append_new(
            rows, json_pack("{ss ss so ss ss ss}", "section", row->section, "name", row->name,
                            "value", value ? json_text(value) : json_null(), "source",
                            conf_source_name(c->source[i]), "flag", row->flag, "env", row->env));
    }
    return rows;
}
