#include "svc/json_text.h"

#include "base/buf.h"
#include "base/mem.h"

#include <assert.h>
#include <string.h>
#include <utf8proc.h>

char *json_text_utf8(const char *text, size_t len)
{
    struct buf b = {0};
    utf8proc_int32_t point;

    for (size_t i = 0; i < len;) {
        utf8proc_ssize_t n =
            utf8proc_iterate((const uint8_t *)text + i, (utf8proc_ssize_t)(len - i), &point);

        if (n > 0)
            buf_add(&b, text + i, (size_t)n);
        else
            buf_printf(&b, "\\x%02x", (uint8_t)text[i]);
        i += n > 0 ? (size_t)n : 1;
    }
    return buf_take(&b, NULL);
}

json_t *json_text_n(const char *text, size_t len)
{
    json_t *s = json_stringn(text, len); /* NULL when it is not UTF-8 */
    char *safe;

    if (s)
        return s;
    safe = json_text_utf8(text, len);
    s = json_string(safe);
    mem_free(safe);
    assert(s);
    return s;
}

json_t *json_text(const char *text)
{
    return json_text_n(text, strlen(text));
}
