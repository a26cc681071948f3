#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
    va_list ap;

    e->code = code;
    e->sys = 0;
    e->hint[0] = '\0';
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    return -(int)code;
}

int err_sys(struct err *e, enum err_code code, int sys, const char *fmt, ...)
{
    va_list ap;
    size_t used;

    e->code = sys == ENOSPC || sys == EDQUOT ? ERR_IO : code;
    e->sys = sys;
    e->hint[0] = '\0';
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    used = strlen(e->text);
    snprintf(e->text + used, sizeof e->text - used, ": %s", strerror(sys));
    return -e->code;
}

void err_hint(struct err *e, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(e->hint, sizeof e->hint, fmt, ap);
    va_end(ap);
}

const char *err_name(int code)
{
    switch (code) {
#define ERR_CASE(name, status, text)                                                               \
    case name:                                                                                     \
        return #name;
        ERR_LIST(ERR_CASE)
#undef ERR_CASE
    case ERR_NONE:
        return "ERR_NONE";
    }
    return "unknown";
}

const char *err_meaning(int code)
{
    switch (code) {
#define ERR_CASE(name, status, text)                                                               \
    case name:                                                                                     \
        return text;
        ERR_LIST(ERR_CASE)
#undef ERR_CASE
    case ERR_NONE:
        return "done";
    }
    return "unknown";
}
