#include "iwanto/cli.h"

#include "io/term.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool wants_color(enum color color)
{
    const char *term = getenv("TERM"), *never = getenv("NO_COLOR");

    if (color != COLOR_AUTO)
        return color == COLOR_ALWAYS;
    return term_is(1) && term && strcmp(term, "dumb") != 0 && !(never && *never);
}

void cli_open_out(struct cli *c)
{
    c->out = (struct out){
        .to = stdout,
        .people = term_is(1),
        .color = wants_color(c->common.color),
        .nul = c->common.nul,
        .columns = term_columns(1),
        .print = c->common.json ? &OUT_JSON : &OUT_TEXT,
    };
}

void cli_limit(const struct cli *c, json_t *rows)
{
    while (c->common.limit && json_array_size(rows) > c->common.limit)
        json_array_remove(rows, json_array_size(rows) - 1);
}

void cli_say(const struct cli *c, const char *fmt, ...)
{
    va_list ap;

    if (c->common.quiet)
        return;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

void cli_print_err(const struct err *e)
{
    fprintf(stderr, "iwanto: %s\n", e->text);
    if (e->hint[0])
        fprintf(stderr, "%s\n", e->hint);
}

int cli_usage(struct err *e, const char *command, const char *fmt, ...)
{
    char text[sizeof e->text];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err_set(e, ERR_USAGE, "%s", text);
    err_hint(e, "try: iwanto help %s", command);
    return -ERR_USAGE;
}
