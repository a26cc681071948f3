/* The text of wants. */
#include "base/buf.h"
#include "base/str.h"
#include "core/path.h"
#include "iwanto/out.h"
#include "iwanto/table.h"
#include "iwanto/wish_text.h"

#include <string.h>

/* A line of a wish, and one for each content that met it. */
static void people(struct out *o, const json_t *wish)
{
    const json_t *found = json_object_get(wish, "found"), *row;
    size_t seen = (size_t)out_num(wish, "seen"), count = json_array_size(found), i;
    struct buf text = {0}, line = {0}, name = {0};
    char size[STR_SIZE_MAX];

    wish_text(&text, wish);
    buf_printf(&line, "%3llu  %s  (", (unsigned long long)out_num(wish, "id"), text.data);
    if (!count)
        buf_str(&line, "nothing yet)");
    else
        buf_printf(&line, "%zu found%s)", count,
                   out_yes(wish, "full") ? ", no more is looked for" : "");
    buf_reset(&text);
    table_cut(&text, line.data, o->columns);
    fprintf(o->to, "%s%s%s\n", o->color ? "\x1b[1m" : "", text.data, o->color ? "\x1b[0m" : "");
    OUT_EACH (found, i, row) {
        buf_reset(&line);
        buf_printf(&line, "     %s@%llu  %s%s  (%s)  %.10s", i < seen ? "" : "new  ",
                   (unsigned long long)out_num(row, "row"), out_shown(&name, out_str(row, "name")),
                   !strcmp(out_str(row, "type"), "dir") ? "/" : "",
                   str_size(out_num(row, "size"), size), out_str(row, "hash"));
        buf_reset(&text);
        table_cut(&text, line.data, o->columns);
        fprintf(o->to, "%s\n", text.data);
    }
    buf_free(&name);
    buf_free(&line);
    buf_free(&text);
}

/* A line of a wish: number, how many were found, the wish; then lines of what was: number, hash,
 * size, type, name. */
static void pipe(struct out *o, const json_t *wish)
{
    const json_t *found = json_object_get(wish, "found"), *row;
    char end = o->nul ? '\0' : '\n';
    struct buf text = {0};
    size_t i;

    wish_text(&text, wish);
    fprintf(o->to, "%llu\t%zu\t%s%c", (unsigned long long)out_num(wish, "id"),
            json_array_size(found), text.data, end);
    OUT_EACH (found, i, row)
        fprintf(o->to, "%llu\t%s\t%llu\t%s\t%s%c", (unsigned long long)out_num(wish, "id"),
                out_str(row, "hash"), (unsigned long long)out_num(row, "size"),
                out_str(row, "type"), out_shown(&text, out_str(row, "name")), end);
    buf_free(&text);
}

void out_wants(struct out *o, const json_t *rows)
{
    const json_t *wish;
    size_t i;

    OUT_EACH (rows, i, wish) {
        if (o->people && !o->nul)
            people(o, wish);
        else
            pipe(o, wish);
    }
}
