#include "svc/json_text.h"

#include "base/buf.h"
#include "core/path.h"

#include <assert.h>
#include <string.h>

json_t *json_text_n(const char *text, size_t len)
{
    json_t *s = json_stringn(text, len);
    struct buf b = {0};

    if (s)
        return s;
    show(&b, text, len);
    s = json_stringn(buf_cstr(&b), b.len);
    buf_free(&b);
    assert(s);
    return s;
}

json_t *json_text(const char *text)
{
    return json_text_n(text, strlen(text));
}
