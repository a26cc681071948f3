/* The page for guests: phones and computers without iwant, on a plain listener that the whole LAN
 * reaches, behind a token of 128 bits (doc/PROTOCOL.md, "The guests' page"). They may search, and
 * fetch what anybody on the network shares: bytes come through svc/relay, verified, and nothing is
 * kept here. Everything is for reading; there is no list of anything else. It is there from
 * guest_open to guest_shut. Any thread. */
#pragma once

#include "base/err.h"
#include "io/http_server.h"

#include <jansson.h>

struct ask;
struct guest;
struct ident;
struct serve;
struct share;

struct guest_conf {
    const struct ident *ident;
    struct ask *ask;
    struct share *share;
    struct serve *serve; /* its slots and limits hold for guests, too */
    const char *db_path;
    uint16_t port; /* wished */
};

struct guest *guest_new(const struct guest_conf *conf);
/* Who answers GET /v1/search for a guest. Before the first guest_open. */
void guest_api(struct guest *g, http_handler *api, void *ctx);
/* {"event":"guest","urls":[...],"network","open"}. ended(ctx) is called once when somebody else
 * shuts it; never after guest_shut by its owner has returned. -ERR_EXISTS: it is open already. */
int guest_open(struct guest *g, void (*ended)(void *ctx), void *ctx, json_t **answer,
               struct err *e);
/* mine: the ctx of guest_open, whose page is shut if it is still open; NULL: whoever's. */
bool guest_shut(struct guest *g, const void *mine);
void guest_stop(struct guest *g); /* for good: no handler runs any more. Before api's room goes */
void guest_free(struct guest *g); /* NULL is fine */
