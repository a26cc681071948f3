/* The text of log: a table, or lines as they come. */
#include "base/buf.h"
#include "base/str.h"
#include "core/path.h"
#include "iwanto/out.h"
#include "iwanto/table.h"

#include <string.h>
#include <time.h>

static const char *when(const json_t *row, char out[32])
{
    time_t at = (time_t)out_num(row, "time");
    struct tm tm;

    if (!localtime_r(&at, &tm) || !strftime(out, 32, "%Y-%m-%d %H:%M", &tm))
        out[0] = '\0';
    return out;
}

/* Name, else the id's beginning, else the address; of what came here, all that gave it. */
static void peer(struct buf *b, const json_t *row)
{
    const json_t *names = json_object_get(row, "names");
    const char *name = out_str(row, "name");

    buf_reset(b);
    if (json_array_size(names)) {
        for (size_t i = 0; i < json_array_size(names) && i < 3; i++) {
            const char *one = json_string_value(json_array_get(names, i));

            buf_str(b, i ? ", " : "");
            show(b, one ? one : "", one ? strlen(one) : 0);
        }
        if (json_array_size(names) > 3)
            buf_printf(b, " and %zu", json_array_size(names) - 3);
    } else if (*name) {
        show(b, name, strlen(name));
    } else if (*out_str(row, "peer")) {
        buf_add(b, out_str(row, "peer"), 8);
    } else {
        buf_str(b, *out_str(row, "addr") ? out_str(row, "addr") : "-");
    }
}

static const char *how(const json_t *row)
{
    if (out_yes(row, "whole"))
        return "whole";
    return *out_str(row, "error") ? "failed" : "part";
}

/* What: the path, or the hash where it is not known; of small files the folder and how many. */
static void what(struct buf *b, const json_t *row, bool people)
{
    const char *path = out_str(row, "path"), *slash = strrchr(path, '/');
    uint64_t files = out_num(row, "files");

    buf_reset(b);
    if (people && slash && slash[1])
        path = slash + 1;
    show(b, *path ? path : out_str(row, "hash"), strlen(*path ? path : out_str(row, "hash")));
    if (people && files > 1)
        buf_printf(b, "/ (%llu files)", (unsigned long long)files);
}

static void line(struct out *o, const json_t *row)
{
    struct buf who = {0}, name = {0};
    char at[32], size[STR_SIZE_MAX];

    peer(&who, row);
    what(&name, row, o->people && !o->nul);
    if (o->people && !o->nul)
        fprintf(o->to, "%s  %-4s  %s  %s  (%s%s%s)\n", when(row, at), out_str(row, "way"), who.data,
                name.data, str_size(out_num(row, "bytes"), size), out_yes(row, "whole") ? "" : ", ",
                out_yes(row, "whole") ? "" : how(row));
    else
        fprintf(o->to, "%llu\t%s\t%s\t%llu\t%llu\t%s\t%s\t%s%c",
                (unsigned long long)out_num(row, "time"), out_str(row, "way"), who.data,
                (unsigned long long)out_num(row, "bytes"), (unsigned long long)out_num(row, "size"),
                how(row), *out_str(row, "hash") ? out_str(row, "hash") : "-", name.data,
                o->nul ? '\0' : '\n');
    buf_free(&who);
    buf_free(&name);
}

static void cells(struct table *t, const json_t *row, struct buf *tmp)
{
    char at[32], size[STR_SIZE_MAX];

    table_cell(t, when(row, at));
    table_cell(t, out_str(row, "way"));
    peer(tmp, row);
    table_cell(t, tmp->data);
    what(tmp, row, true);
    table_cell(t, tmp->data);
    table_cell(t, str_size(out_num(row, "bytes"), size));
    table_cell(t, out_yes(row, "whole") ? "" : how(row));
}

void out_log(struct out *o, const json_t *rows)
{
    static const struct table_col cols[] = {
        {"WHEN", false, 0, 2}, {"", false, 0, 0},    {"PEER", false, 2, 3},
        {"NAME", false, 1, 0}, {"SIZE", true, 0, 1}, {"", false, 0, 4},
    };
    struct table *t;
    struct buf tmp = {0};
    const json_t *row;
    size_t i;

    if (!o->people || o->nul || o->plain) {
        OUT_EACH (rows, i, row)
            line(o, row);
        fflush(o->to);
        return;
    }
    t = table_new(cols, sizeof cols / sizeof *cols);
    OUT_EACH (rows, i, row)
        cells(t, row, &tmp);
    buf_reset(&tmp);
    table_put(t, o->columns, o->color, &tmp);
    fwrite(tmp.data, 1, tmp.len, o->to);
    buf_free(&tmp);
    table_free(t);
}
