#include "io/http_range.h"

#include "base/str.h"

#include <string.h>

#define FIELD_MAX 80 /* three numbers of 20 digits, and what is between them */

static bool number(const char *text, uint64_t *n)
{
    return str_parse_u64(text, 0, UINT64_MAX, n);
}

int http_range_parse(const char *text, uint64_t size, uint64_t *first, uint64_t *len)
{
    char field[FIELD_MAX], *dash;
    uint64_t a, b = UINT64_MAX;

    *first = 0;
    *len = size;
    if (strncmp(text, "bytes=", 6) != 0 || str_copy(field, sizeof field, text + 6) >= sizeof field)
        return 0;
    dash = strchr(field, '-');
    if (!dash)
        return 0;
    *dash++ = '\0';
    if (*dash && !number(dash, &b))
        return 0;
    if (!*field) { /* the last b bytes */
        if (!*dash)
            return 0;
        if (!b || !size)
            return -1;
        *first = b < size ? size - b : 0;
        *len = size - *first;
        return 1;
    }
    if (!number(field, &a) || b < a)
        return 0;
    if (a >= size)
        return -1;
    *first = a;
    *len = (b < size ? b + 1 : size) - a;
    return 1;
}

bool http_content_range_parse(const char *text, size_t len, uint64_t *first, uint64_t *last,
                              uint64_t *size)
{
    char field[FIELD_MAX], *dash, *slash;

    while (len && (*text == ' ' || *text == '\t')) {
        text++;
        len--;
    }
    while (len && (text[len - 1] == ' ' || text[len - 1] == '\t' || text[len - 1] == '\r' ||
                   text[len - 1] == '\n'))
        len--;
    if (len < 6 || memchr(text, '\0', len) || len - 6 >= sizeof field ||
        memcmp(text, "bytes ", 6) != 0)
        return false;
    memcpy(field, text + 6, len - 6);
    field[len - 6] = '\0';
    dash = strchr(field, '-');
    slash = strchr(field, '/');
    if (!dash || !slash || slash < dash)
        return false;
    *dash = *slash = '\0';
    return number(field, first) && number(dash + 1, last) && number(slash + 1, size) &&
           *first <= *last && *last < *size;
}
