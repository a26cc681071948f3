/* What the parts of control share. */
#pragma once

#include "io/http_server.h"
#include "svc/ask.h"
#include "svc/control.h"
#include "svc/fetch.h"

#include <jansson.h>
#include <uv.h>

struct errands;

struct control {
    struct control_conf conf;
    char *conf_path;
    struct http_server *server;
    struct errands *errands;
    uv_mutex_t lock; /* conf.conf and its file: one change at a time */
};

/* Handlers, each for one route; rest is what stands behind a route that ends with '/'. */
typedef void control_route(struct control *c, struct http_request *rq, const char *rest);
control_route control_wants, control_want, control_unwant; /* control_want.c */
control_route control_search, control_known, control_resolve, control_peers,
    control_status;                                             /* control_ask.c */
control_route control_set;                                      /* control_set.c */
control_route control_download, control_downloads, control_act; /* control_fetch.c */

control_route control_look, control_play, control_link, control_link_end, control_links;
control_route control_web, control_web_stop, control_web_lan; /* control_web.c */

/* Reply with the object and drop it; with {"error","hint","exit"}. */
void control_reply(struct http_request *rq, json_t *answer);
void control_wake(void *request); /* http_wake, for control_lines.h */
void control_reply_err(struct http_request *rq, const struct err *e);

/* control_ask.c: a peer's name among the leader's rows; NULL: not there. Borrowed. */
const json_t *control_name_of(const json_t *peers, const char *hex);
/* control_web.c: is this one of the routes that the page may use? */
bool control_page_may(const char *method, const char *path);
/* A copy of a search's answer with "marks": for each row [from,to,from,to...], the
 * letters of its name that were sought, counted as JavaScript counts (UTF-16). The caller's. */
json_t *control_marked(const json_t *answer, const char *sought);
/* control_role.c: role, stand-bys, ages, loss, why the leader changed. */
struct lan_status;
void control_put_role(struct control *c, const struct lan_status *lan, const json_t *peers,
                      json_t *status);
