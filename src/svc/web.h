/* The page with the search box (doc/PROTOCOL.md, "The page"): for the owner on this computer only.
 *
 * It listens once it is asked for, on 127.0.0.1. web_open makes a URL with a ticket behind '#',
 * which browsers send to nobody. The page's program exchanges it, once, for a session's token,
 * keeps that in its tab and sends it in a header of every request: nothing that another page, or
 * another port of this computer, could make a browser send along. Only then a request reaches the
 * owner's routes. Any thread. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "io/http_server.h"

struct web;
struct play;

struct web_conf {
    struct play *play; /* answers the URLs of what plays in the page */
    uint16_t port;     /* wished */
};

struct web *web_new(const struct web_conf *conf);
/* Who answers /v1/ for a session. Before the first web_open. */
void web_api(struct web *w, http_handler *api, void *ctx);
/* Append a URL that works once, for WEB_TICKET_S. */
int web_open(struct web *w, struct buf *url, struct err *e);
/* End every session; the page is not there any more until web_open. Gives how many. */
unsigned web_shut(struct web *w);
void web_stop(struct web *w); /* for good: no handler runs any more. Before api's room goes */
void web_free(struct web *w); /* NULL is fine */
