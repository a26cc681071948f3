#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void str_hex(char *out, const void *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = bytes;

    for (size_t i = 0; i < len; i++) {
        *out++ = digits[p[i] >> 4];
        *out++ = digits[p[i] & 15];
    }
    *out = '\0';
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool str_is_hex(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (digit(s[i]) < 0)
            return false;
    return true;
}

bool str_unhex(void *out, size_t cap, const char *hex, size_t len)
{
    uint8_t *p = out;

    if (len != 2 * cap || !str_is_hex(hex, len))
        return false;
    for (size_t i = 0; i < cap; i++)
        p[i] = (uint8_t)(digit(hex[2 * i]) * 16 + digit(hex[2 * i + 1]));
    return true;
}

const char *str_size(uint64_t bytes, char out[STR_SIZE_MAX])
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double v = (double)bytes;
    size_t u = 0;

    while (v >= 1023.95 && u + 1 < sizeof unit / sizeof *unit) {
        v /= 1024;
        u++;
    }
    if (u)
        snprintf(out, STR_SIZE_MAX, "%.1f %s", v, unit[u]);
    else
        snprintf(out, STR_SIZE_MAX, "%llu B", (unsigned long long)bytes);
    return out;
}

bool str_parse_size(const char *text, uint64_t *bytes)
{
    char *end;
    double v, unit = 1, base = 1024;
    const char *powers = "KMGTP", *at;

    if (!isdigit((unsigned char)text[0]))
        return false;
    v = strtod(text, &end);
    if (*end && (at = strchr(powers, toupper((unsigned char)*end)))) {
        end++;
        if ((end[0] == 'B' || end[0] == 'b') && !end[1])
            base = 1000;
        else if (end[0] == 'i' && end[1] == 'B' && !end[2])
            end++;
        for (const char *p = powers; p <= at; p++)
            unit *= base;
    }
    if ((end[0] == 'B' || end[0] == 'b') && !end[1])
        end++;
    v *= unit;
    if (*end || !(v < 9.2e18) || strpbrk(text, "xXeE"))
        return false;
    *bytes = (uint64_t)floor(v + 0.5);
    return true;
}

bool str_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
    size_t len = strlen(text);
    unsigned long long v;

    if (!len || len > 20 || strspn(text, "0123456789") != len)
        return false;
    errno = 0;
    v = strtoull(text, NULL, 10);
    if (errno == ERANGE || v < min || v > max)
        return false;
    *value = v;
    return true;
}

bool str_parse_duration(const char *text, uint64_t *seconds)
{
    char number[20];
    size_t len = strspn(text, "0123456789");
    uint64_t unit = 1, v;

    if (!len || len >= sizeof number || (text[len] && text[len + 1]))
        return false;
    switch (text[len]) {
    case '\0':
    case 's':
        break;
    case 'm':
        unit = 60;
        break;
    case 'h':
        unit = 3600;
        break;
    case 'd':
        unit = 86400;
        break;
    case 'w':
        unit = 7 * 86400;
        break;
    default:
        return false;
    }
    memcpy(number, text, len);
    number[len] = '\0';
    return str_parse_u64(number, 0, UINT32_MAX, &v) && (*seconds = v * unit, true);
}

const char *str_duration(uint64_t seconds, char out[STR_SIZE_MAX])
{
    unsigned long long h = seconds / 3600, m = seconds / 60 % 60, s = seconds % 60;

    if (seconds == UINT64_MAX)
        snprintf(out, STR_SIZE_MAX, "-");
    else if (h > 999999)
        snprintf(out, STR_SIZE_MAX, "> 100 y");
    else if (h)
        snprintf(out, STR_SIZE_MAX, "%llu:%02llu:%02llu", h, m, s);
    else
        snprintf(out, STR_SIZE_MAX, "%llu:%02llu", m, s);
    return out;
}

size_t str_copy(char *to, size_t cap, const char *from)
{
    size_t len = strlen(from);

    if (cap) {
        size_t n = len < cap ? len : cap - 1;

        memcpy(to, from, n);
        to[n] = '\0';
    }
    return len;
}
