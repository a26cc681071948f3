/* What the page's two servers have in common: its files, and the rules that every request meets
 * before it is looked at. Server threads. */
#pragma once

#include "core/weblink.h"
#include "io/http_server.h"

#include <stdbool.h>

/* Headers of every answer: no other host is asked for anything, nothing of other origins runs here
 * or shows us in a frame, no text becomes HTML by accident. */
void web_page_headers(struct http_request *rq);
/* The token of "Authorization: Bearer TOKEN". */
bool web_page_bearer(const struct http_request *rq, char token[WEBLINK_TOKEN_LEN + 1]);
/* Not made by a page of another origin, as far as browsers tell; a POST has to tell. */
bool web_page_same_origin(const struct http_request *rq);
/* The page or one of its files, or 404. */
void web_page_file(struct http_request *rq, const char *path);
