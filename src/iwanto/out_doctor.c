/* Findings of doctor as text: for people a sentence and what mends it, wrapped to the terminal; a
 * line of fields in a pipe. */
#include "iwanto/out.h"

#include "base/buf.h"
#include "core/path.h"

#include <string.h>

#define INDENT 8u
#define OFF    "\x1b[0m"

/* The sentence in lines of at most columns, each after the first behind INDENT spaces. */
static void put_wrapped(struct out *o, const char *text, unsigned columns)
{
    size_t room = columns > INDENT + 12 ? columns - INDENT : 12, used = 0;

    while (*text) {
        size_t len = strcspn(text, " "), wide = path_columns(text, len);

        if (used && used + 1 + wide > room) {
            fprintf(o->to, "\n%*s", (int)INDENT, "");
            used = 0;
        }
        fprintf(o->to, "%s%.*s", used ? " " : "", (int)len, text);
        used += wide + (used > 0);
        text += len;
        text += strspn(text, " ");
    }
    fputc('\n', o->to);
}

static const char *color_of(const char *state)
{
    if (!strcmp(state, "bad"))
        return "\x1b[1;31m";
    if (!strcmp(state, "fine"))
        return "\x1b[32m";
    return "\x1b[33m";
}

static void finding(struct out *o, const json_t *row)
{
    const char *state = out_str(row, "state");
    struct buf b = {0};

    fprintf(o->to, "%s%-*s%s", o->color ? color_of(state) : "", (int)INDENT, state,
            o->color ? OFF : "");
    put_wrapped(o, out_shown(&b, out_str(row, "text")), o->columns);
    if (out_str(row, "mend")[0])
        fprintf(o->to, "%*s%s%s%s\n", (int)INDENT, "", o->color ? "\x1b[1m" : "",
                out_shown(&b, out_str(row, "mend")), o->color ? OFF : "");
    buf_free(&b);
}

void out_doctor(struct out *o, const json_t *rows)
{
    static const char *const fields[] = {"state", "check", "about", "text", "mend"};
    const json_t *row;
    struct buf b = {0};
    size_t i;

    OUT_EACH (rows, i, row) {
        if (o->people) {
            finding(o, row);
            continue;
        }
        for (size_t k = 0; k < sizeof fields / sizeof *fields; k++)
            fprintf(o->to, "%s%s", k ? "\t" : "", out_shown(&b, out_str(row, fields[k])));
        fputc(o->nul ? '\0' : '\n', o->to);
    }
    buf_free(&b);
}
