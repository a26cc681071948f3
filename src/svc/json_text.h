/* Text of any origin as a JSON string, which must be UTF-8: a path may be any bytes. */
#pragma once

#include <jansson.h>

/* Valid UTF-8 as it is (JSON carries the text; who prints it escapes it), anything else as show()
 * has it. Never NULL. */
json_t *json_text(const char *text);
/* The same for len bytes that may hold NULs. */
json_t *json_text_n(const char *text, size_t len);
