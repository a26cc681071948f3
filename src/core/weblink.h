/* Links for programs that know nothing of iwant: http://HOST:PORT/TOKEN/NAME, or TOKEN/PATH inside
 * a folder. What is decided of such a request before anything is opened, and such a URL as text.
 * The token is the only key: 128 bits, never logged. Pure; any thread. */
#pragma once

#include "base/buf.h"
#include "base/id.h"

#include <stdbool.h>
#include <stddef.h>

#define WEBLINK_TOKEN_BYTES 16
#define WEBLINK_TOKEN_LEN   32 /* hex digits */

/* "/TOKEN/REST", already decoded: token is set (in lower case) and *rest points behind the second
 * slash, which may be "". false: not of this form. */
bool weblink_split(const char *path, char token[WEBLINK_TOKEN_LEN + 1], const char **rest);
/* In a time that does not depend on where they differ. */
bool weblink_token_eq(const char a[WEBLINK_TOKEN_LEN + 1], const char b[WEBLINK_TOKEN_LEN + 1]);

/* The next component of *path, not empty; *path moves behind it and its slash. 1; 0 at the end; -1:
 * a component is empty, "." or "..", or too long, or there are too many (*depth counts). */
int weblink_part(const char **path, unsigned *depth, const char **part, size_t *len);

/* May a request with this Host header be answered? A numeric address, "localhost", or this
 * computer's name (also with ".local"), each with or without a port: so that no page of the web
 * reaches us under a name of its own (DNS rebinding). own may be NULL. */
bool weblink_host_ok(const char *host, const char *own);

/* Append http://HOST:PORT/TOKEN/NAME; name's bytes percent-encoded, but for '/'. */
void weblink_url(struct buf *to, const struct addr *at, const char token[WEBLINK_TOKEN_LEN + 1],
                 const char *name, size_t len);

/* The media type of what is safe to open in place (video, audio, pictures, plain text, PDF) by its
 * extension; "application/octet-stream" for everything else, which a browser is to save: HTML or
 * SVG from a stranger would run as a page of this computer. */
const char *weblink_type(const char *name, size_t len);
