#include "iwanto/watch_view.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/path.h"
#include "iwanto/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY       11 /* letters of a line of the log until its time */
#define LOG_LEAST 3  /* lines of it, where there is place for anything */

static void add(struct watch_view *v, const char *text, bool strong, unsigned columns)
{
    struct buf shown = {0}, cut = {0};
    size_t strongs = v->lines;

    show(&shown, text, strlen(text));
    table_cut(&cut, buf_cstr(&shown), columns);
    MEM_GROW(v->strong, strongs, v->strong_cap);
    MEM_GROW(v->line, v->lines, v->cap);
    v->strong[v->lines] = strong;
    v->line[v->lines++] = mem_str(buf_cstr(&cut));
    buf_free(&shown);
    buf_free(&cut);
}

/* The service itself, in two lines. */
static void heads(struct watch_view *v, const json_t *s, unsigned columns)
{
    const json_t *leader = json_object_get(s, "leader"), *shared = json_object_get(s, "shared");
    const json_t *downloads = json_object_get(s, "downloads");
    char size[STR_SIZE_MAX], down[STR_SIZE_MAX], up[STR_SIZE_MAX];
    struct buf b = {0};

    buf_printf(&b, "%s in %s (%s)   leader %s%s   down %s/s   up %s/s", out_str(s, "name"),
               out_str(s, "network"), out_yes(s, "open") ? "open" : "private",
               !json_is_object(leader)      ? "none yet"
               : out_str(leader, "name")[0] ? out_str(leader, "name")
                                            : out_str(leader, "peer"),
               out_yes(leader, "self") ? " (this one)" : "",
               str_size(out_num(downloads, "rate"), down), str_size(out_num(s, "rate_up"), up));
    add(v, b.data, true, columns);
    buf_reset(&b);
    buf_printf(&b, "sharing %llu files, %s", (unsigned long long)out_num(shared, "files"),
               str_size(out_num(shared, "bytes"), size));
    if (out_num(shared, "pending_files"))
        buf_printf(&b, "; indexing, %llu files to go",
                   (unsigned long long)out_num(shared, "pending_files"));
    else if (out_yes(shared, "indexing"))
        buf_str(&b, "; looking for changes");
    add(v, b.data, false, columns);
    buf_free(&b);
}

/* A table as its command prints it, in at most rows lines. */
static void rows_of(struct watch_view *v, const char *title,
                    void (*print)(struct out *o, const json_t *rows), const json_t *rows,
                    size_t most, unsigned columns, size_t from)
{
    char *text = NULL, *line, *rest = NULL;
    size_t len = 0, n = 0, shown = 0, all = json_array_size(rows);
    struct out o = {.people = true, .columns = columns, .print = &OUT_TEXT};
    char head[80];

    snprintf(head, sizeof head, "%s (%zu)", title, all);
    add(v, head, true, columns);
    if (!all || most < 3)
        return;
    o.to = open_memstream(&text, &len);
    if (!o.to)
        return;
    print(&o, rows);
    fclose(o.to);
    if (from + 1 > all)
        from = all - 1;
    for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), n++) {
        if (n && (n <= from || shown + 1 > most - 1)) {
            v->rows_hidden++;
            continue;
        }
        add(v, line, false, columns);
        shown++;
    }
    free(text);
}

/* The last lines that there is place for. */
static void log_of(struct watch_view *v, const char *log, size_t most, unsigned columns)
{
    const char *at = log + strlen(log);
    size_t lines = 0;
    struct buf one = {0};

    add(v, "log", true, columns);
    while (at > log && lines < most) {
        at--;
        while (at > log && at[-1] != '\n')
            at--;
        lines++;
    }
    while (*at) {
        size_t len = strcspn(at, "\n");

        buf_reset(&one);
        if (len > DAY && at[DAY - 1] == 'T') /* "2026-11-23T10:24:38.898Z info ..." */
            buf_add(&one, at + DAY, len - DAY);
        else
            buf_add(&one, at, len);
        add(v, one.data, false, columns);
        at += len;
        at += *at == '\n';
    }
    buf_free(&one);
}

void watch_view(struct watch_view *v, const struct watch_facts *f, unsigned rows, unsigned columns,
                size_t from)
{
    size_t tables = rows > LOG_LEAST + 5 ? rows - LOG_LEAST - 5 : 0;
    size_t peers = json_array_size(f->peers) + 2, queue = json_array_size(f->downloads) + 2;

    if (!f->status) {
        add(v, f->why, true, columns);
    } else {
        heads(v, f->status, columns);
        if (peers + queue > tables) { /* half each, unless one needs less */
            size_t half = tables / 2;

            if (queue <= half)
                peers = tables - queue;
            else if (peers <= half)
                queue = tables - peers;
            else
                peers = queue = half;
        }
        rows_of(v, "peers", OUT_TEXT.peers, f->peers, peers, columns, from);
        rows_of(v, "downloads", OUT_TEXT.downloads, f->downloads, queue, columns, from);
    }
    if (v->lines + 2 < rows)
        log_of(v, f->log, rows - v->lines - 2, columns);
    if (v->lines < rows)
        add(v, v->rows_hidden ? "q quit   up, down: the rest" : "q quit", true, columns);
    for (; v->lines > rows; v->lines--)
        mem_free(v->line[v->lines - 1]);
}

void watch_view_done(struct watch_view *v)
{
    for (size_t n = 0; n < v->lines; n++)
        mem_free(v->line[n]);
    mem_free(v->line);
    mem_free(v->strong);
    *v = (struct watch_view){0};
}
