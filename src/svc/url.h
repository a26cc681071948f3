/* URL text: the arguments behind '?'. Pure; any thread. (Encoding is http_url_escape's,
 * io/http_client.h.) */
#pragma once

#include "base/buf.h"

/* The next NAME=VALUE of *at, decoded (percent and '+'), appended to name and value after these
 * were reset; *at moves behind it. 1; 0 at the end; -1 malformed ('%' without two digits, a NUL).
 * Empty pairs ("a=1&&b=2") are skipped. */
int url_next(const char **at, struct buf *name, struct buf *value);
