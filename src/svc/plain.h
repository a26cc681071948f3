/* What the two plain listeners (svc/play, svc/door) do with every request before they look at what
 * it names: the rules of a link (core/weblink), and the headers of what goes out. Server threads.
 */
#pragma once

#include "core/weblink.h"
#include "io/http_server.h"

#include <stdbool.h>

#define PLAIN_HOST_MAX 256

/* This computer's name, or "". */
void plain_own_name(char out[PLAIN_HOST_MAX]);
/* A GET or HEAD, for this computer by its Host, of /TOKEN/REST: true, and token and *rest are set.
 * Else it has been refused. */
bool plain_check(struct http_request *rq, const char *own_name, char token[WEBLINK_TOKEN_LEN + 1],
                 const char **rest);
/* No link, or none any more: the same answer for every wrong token. */
void plain_not_found(struct http_request *rq);
/* Nothing of it runs in a browser, and what is not safe to show in place is to be saved. */
void plain_headers(struct http_request *rq, const char *type);
/* Headers for a Range against size; false: it was refused (416). *ranged: the status is 206. */
bool plain_range(struct http_request *rq, uint64_t size, uint64_t *first, uint64_t *len,
                 bool *ranged);
void plain_token(char token[WEBLINK_TOKEN_LEN + 1]); /* a new one, random */
