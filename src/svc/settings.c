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

void settings_replace(struct conf *c, enum conf_key key, char *value)
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

/* "~/" of each path of a list. */
static int expand_all(struct conf *c, enum conf_key key, struct err *e)
{
    struct buf all = {0};
    char *one, *full;
    int rc = 0;

    for (size_t n = 0; !rc && (one = conf_path(c, key, n)); n++) {
        full = dirs_absolute(one, e);
        if (full)
            conf_path_add(&all, full);
        else
            rc = -e->code;
        mem_free(full);
        mem_free(one);
    }
    if (rc)
        buf_free(&all);
    else
        settings_replace(c, key, buf_take(&all, NULL));
    return rc;
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
            settings_replace(c, key, full);
        }
    }
    if (expand_all(c, CONF_ALSO, e))
        return -e->code;
    if (!c->value[CONF_SHARE] && !(c->value[CONF_SHARE] = dirs_public(e)))
        return -e->code;
    if (!c->value[CONF_DOWNLOAD] && !(c->value[CONF_DOWNLOAD] = dirs_downloads(e)))
        return -e->code;
    if (!c->value[CONF_NAME])
        c->value[CONF_NAME] = host_name();
    return 0;
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

int settings_save_shared(const char *conf_path, const struct settings_shared *is, struct err *e)
{
    struct buf old = {0}, middle = {0}, new = {0};
    struct conf check;
    int rc;

    conf_init(&check);
    rc = conf_set(&check, CONF_SHARE, is->share, CONF_FILE, e);
    if (!rc)
        rc = conf_set(&check, CONF_ALSO, is->also, CONF_FILE, e);
    conf_done(&check);
    if (rc)
        return rc;
    rc = save_read(conf_path, CONF_BYTES_MAX, &old, e);
    if (!rc || rc == -ERR_NOT_FOUND) {
        struct conf was;
        struct err ignored;

        conf_init(&was);
        (void)conf_read(&was, buf_cstr(&old), old.len, conf_path, &ignored);
        conf_edit(&middle, buf_cstr(&old), old.len, CONF_SHARE, is->share);
        if (*is->also || *conf_text(&was, CONF_ALSO)) /* not a line that says nothing */
            conf_edit(&new, middle.data, middle.len, CONF_ALSO, is->also);
        else
            buf_add(&new, middle.data, middle.len);
        conf_done(&was);
        rc = save_write(conf_path, new.data, new.len, 0600, e);
    }
    buf_free(&old);
    buf_free(&middle);
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
    if ((*row)->key == CONF_SHARE || (*row)->key == CONF_ALSO || (*row)->key == CONF_DOWNLOAD) {
        err_set(e, ERR_USAGE, "the folders have commands of their own");
        err_hint(e, "iwanto share PATH, share --add PATH, download to PATH");
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
    settings_replace(c, key, mem_str(value));
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
