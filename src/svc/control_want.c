/* Routes of standing wishes. */
#include "svc/control_priv.h"

#include "base/str.h"
#include "svc/want.h"

#include <string.h>

void control_wants(struct control *c, struct http_request *rq, const char *rest)
{
    (void)rest;
    control_reply(rq, json_pack("{so}", "wants", wants_list(c->conf.wants)));
}

void control_want(struct control *c, struct http_request *rq, const char *rest)
{
    const char *text, *search, *exec;
    struct err e = {0};
    json_int_t id = 0;
    json_t *body;
    size_t len;
    int rc;

    (void)rest;
    text = http_body(rq, &len);
    body = json_loadb(text, len, 0, NULL);
    search = json_string_value(json_object_get(body, "search"));
    exec = json_string_value(json_object_get(body, "exec"));
    rc = search ? wants_add(c->conf.wants, search, exec,
                            json_is_true(json_object_get(body, "fetch")), &id, &e)
                : err_set(&e, ERR_USAGE, "a wish is a search");
    if (rc)
        control_reply_err(rq, &e);
    else
        control_reply(rq, json_pack("{sI}", "id", id));
    json_decref(body);
}

/* POST /v1/wants/N/end */
void control_unwant(struct control *c, struct http_request *rq, const char *rest)
{
    size_t len = strcspn(rest, "/");
    char number[24];
    struct err e = {0};
    uint64_t id;

    if (len >= sizeof number || strcmp(rest + len, "/end") != 0 ||
        (str_copy(number, len + 1, rest), !str_parse_u64(number, 1, INT64_MAX, &id))) {
        err_set(&e, ERR_USAGE, "a wish has a number");
        control_reply_err(rq, &e);
        return;
    }
    if (wants_remove(c->conf.wants, (json_int_t)id, &e))
        control_reply_err(rq, &e);
    else
        control_reply(rq, json_pack("{sI}", "id", (json_int_t)id));
}
