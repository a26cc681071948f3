/* Changing one setting while the service runs: saved, and in force at once where that can be. */
#include "svc/control_priv.h"

#include "base/log.h"
#include "base/mem.h"
#include "core/path.h"
#include "svc/hook.h"
#include "svc/json_text.h"
#include "svc/serve.h"
#include "svc/settings.h"

#include <string.h>

/* false: from the next start on. */
static bool put_in_force(struct control *c, enum conf_key key)
{
    const struct conf *conf = c->conf.conf;

    switch (key) {
    case CONF_LIMIT_UP:
    case CONF_UPLOADS:
        serve_set_limits(c->conf.serve, conf_number(conf, CONF_LIMIT_UP),
                         (unsigned)conf_number(conf, CONF_UPLOADS));
        return true;
    case CONF_LIMIT_DOWN:
    case CONF_DOWNLOADS:
        fetch_set_limits(c->conf.fetch, conf_number(conf, CONF_LIMIT_DOWN),
                         (unsigned)conf_number(conf, CONF_DOWNLOADS));
        return true;
    case CONF_ON_DOWNLOAD:
        hooks_set_download(c->conf.hooks, conf_text(conf, key));
        return true;
    default:
        return false;
    }
}

static int change(struct control *c, const char *name, const char *value, json_t **answer,
                  struct err *e)
{
    const struct conf_row *row;
    char *canonical = NULL;
    int rc = settings_parse(name, value, &row, &canonical, e);

    if (rc)
        return rc;
    uv_mutex_lock(&c->lock);
    rc = settings_save(c->conf_path, row->key, canonical, e);
    if (!rc) {
        settings_put(c->conf.conf, row->key, canonical);
        *answer = json_pack("{ss so sb}", "name", row->name, "value", json_text(canonical), "live",
                            put_in_force(c, row->key));
        log_info("control", "%s changed", row->name);
    }
    uv_mutex_unlock(&c->lock);
    mem_free(canonical);
    return rc;
}

void control_set(struct control *c, struct http_request *rq, const char *rest)
{
    const char *text, *name, *value;
    json_t *body, *answer = NULL;
    struct err e = {0};
    size_t len;
    int rc;

    (void)rest;
    text = http_body(rq, &len);
    body = json_loadb(text, len, 0, NULL);
    name = json_string_value(json_object_get(body, "name"));
    value = json_string_value(json_object_get(body, "value"));
    rc = name && value ? change(c, name, value, &answer, &e)
                       : err_set(&e, ERR_USAGE, "a setting has a name and a value");
    if (rc)
        control_reply_err(rq, &e);
    else
        control_reply(rq, answer);
    json_decref(body);
}
