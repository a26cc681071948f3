#include "svc/url.h"

#include "base/str.h"

#include <stdbool.h>
#include <string.h>

static bool decode(struct buf *to, const char *text, size_t len)
{
    buf_reset(to);
    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            if (len - i < 3 || !str_unhex(&c, 1, text + i + 1, 2) || !c)
                return false;
            i += 2;
        }
        buf_char(to, c);
    }
    return true;
}

int url_next(const char **at, struct buf *name, struct buf *value)
{
    const char *pair, *equals;
    size_t len;

    *at += strspn(*at, "&");
    pair = *at;
    len = strcspn(pair, "&");
    if (!len)
        return 0;
    *at += len;
    equals = memchr(pair, '=', len);
    if (!equals)
        equals = pair + len;
    if (!decode(name, pair, (size_t)(equals - pair)))
        return -1;
    if (equals == pair + len)
        buf_reset(value);
    else if (!decode(value, equals + 1, len - (size_t)(equals - pair) - 1))
        return -1;
    return 1;
}
