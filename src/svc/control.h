/* Routes for the owner, over the Unix socket: what the commands ask of the running service. JSON;
 * doc/PROTOCOL.md, "The owner's socket". */
#pragma once

#include "base/err.h"
#include "core/conf.h"
#include "svc/ident.h"

struct control;
struct ask;
struct desk;
struct fetch;
struct hooks;
struct guest;
struct lan;
struct links;
struct play;
struct serve;
struct share;
struct wants;
struct web;

struct control_conf {
    const char *socket_path;
    const char *conf_path; /* where share and download-to are saved */
    struct conf *conf; /* the settings in force; control changes share and download in it, under its
                          own lock */
    const struct ident *ident;
    struct lan *lan;
    struct share *share;
    struct desk *desk;
    struct ask *ask;
    struct fetch *fetch;
    struct serve *serve;
    struct play *play;
    struct links *links;
    struct hooks *hooks;
    struct web *web;     /* gets the routes that the page may use */
    struct guest *guest; /* gets the search */
    struct wants *wants;
    uint16_t tcp_port;
    void (*quit)(void *ctx); /* `iwanto stop`; any thread */
    void *ctx;
};

struct control *control_new(const struct control_conf *conf, struct err *e);
void control_free(struct control *c);
