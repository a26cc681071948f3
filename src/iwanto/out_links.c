/* The text of play and link. */
#include "base/buf.h"
#include "base/str.h"
#include "core/path.h"
#include "iwanto/out.h"

#include <string.h>

#define SHORT_HASH 10

void out_play(struct out *o, const json_t *event)
{
    fprintf(o->to, "%s%c", out_str(event, "url"), o->nul ? '\0' : '\n');
    fflush(o->to); /* who reads it plays meanwhile */
}

void out_inside(struct out *o, const json_t *rows)
{
    char size[STR_SIZE_MAX];
    struct buf b = {0};
    const json_t *row;
    size_t i;

    OUT_EACH (rows, i, row) {
        if (o->people)
            fprintf(o->to, "%4zu  %10s  %s\n", i + 1, str_size(out_num(row, "size"), size),
                    out_shown(&b, out_str(row, "path")));
        else
            fprintf(o->to, "%s\t%llu\t%s\t%s%c", out_str(row, "hash"),
                    (unsigned long long)out_num(row, "size"), out_str(row, "type"),
                    out_shown(&b, out_str(row, "path")), o->nul ? '\0' : '\n');
    }
    buf_free(&b);
    fflush(o->to);
}

void out_link(struct out *o, const json_t *answer)
{
    const json_t *urls = json_object_get(answer, "urls");

    if (json_is_string(json_object_get(answer, "metalink"))) {
        fputs(out_str(answer, "metalink"), o->to);
        return;
    }
    for (size_t i = 0; i < json_array_size(urls); i++)
        fprintf(o->to, "%s%c", json_string_value(json_array_get(urls, i)), o->nul ? '\0' : '\n');
}

void out_links(struct out *o, const json_t *rows)
{
    char left[STR_SIZE_MAX];
    struct buf b = {0};
    const json_t *row;
    size_t i;

    OUT_EACH (rows, i, row) {
        const char *who = out_str(row, "for");

        if (o->people)
            fprintf(o->to, "%.*s  %s left, %llu requests%s%.8s\n  %s\n", SHORT_HASH,
                    out_str(row, "hash"), str_duration(out_num(row, "seconds"), left),
                    (unsigned long long)out_num(row, "requests"), *who ? ", for " : "", who,
                    out_shown(&b, out_str(row, "url")));
        else
            fprintf(o->to, "%s\t%llu\t%llu\t%s\t%s%c", out_str(row, "hash"),
                    (unsigned long long)out_num(row, "seconds"),
                    (unsigned long long)out_num(row, "requests"), *who ? who : "-",
                    out_str(row, "url"), o->nul ? '\0' : '\n');
    }
    buf_free(&b);
}
