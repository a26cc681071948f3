/* Text of any origin as a JSON string, which must be UTF-8: a path may be any bytes. */
#pragma once

#include <jansson.h>

/* Valid UTF-8 as it is (JSON carries the text; who prints it escapes it), bytes that are not as
 * \xNN. Never NULL. */
json_t *json_text(const char *text);
/* The same for len bytes that may hold NULs. */
json_t *json_text_n(const char *text, size_t len);
/* What these make of it, as text; mem_free. */
char *json_text_utf8(const char *text, size_t len);
