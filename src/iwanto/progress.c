#include "iwanto/progress.h"

#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/path.h"
#include "io/term.h"
#include "iwanto/out.h"
#include "iwanto/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAR_MAX     30u /* columns */
#define BAR_MIN     8u
#define NAME_MIN    12u
#define ROWS_MAX    24u /* lines, however tall the terminal is */
#define BACK_MIN    8u
#define PERCENT     7u /* columns: "  100 %" */
#define CURSOR_UP   "\x1b[%zuA"
#define ERASE_LINE  "\x1b[K" /* from here to its end */
#define ERASE_BELOW "\x1b[J"

struct progress {
    size_t downloads, ended;
    uint64_t ended_bytes;
    json_t **row; /* the last event of each that has not ended, as they were heard of first */
    size_t rows, cap;
    size_t *drawn; /* columns of each line on the screen */
    size_t lines, lines_cap;
    bool shown, movable;
};

struct progress *progress_new(size_t downloads, bool shown)
{
    struct progress *p = mem_zero(1, sizeof *p);
    const char *term = getenv("TERM");

    p->downloads = downloads;
    p->shown = shown;
    p->movable = term && *term && strcmp(term, "dumb") != 0;
    return p;
}

/* ---- one line ---- */

static double share_done(uint64_t bytes, uint64_t size)
{
    if (!size)
        return 0;
    return bytes < size ? (double)bytes / (double)size : 1;
}

/* Instead of a rate: why there is none. false: it moves. */
static bool stands(struct buf *b, const json_t *event)
{
    const char *what = out_str(event, "event"), *why = out_str(event, "error");

    if (!strcmp(what, "start"))
        buf_str(b, "looking for holders");
    else if (!strcmp(what, "waiting") && *why)
        buf_printf(b, "waiting: %s", why);
    else if (!strcmp(what, "waiting"))
        buf_str(b, "waiting for a holder");
    else if (!strcmp(what, "paused") || !strcmp(what, "queued"))
        buf_str(b, what);
    else
        return false;
    return true;
}

static void speed(struct buf *b, uint64_t rate, const json_t *eta)
{
    char text[STR_SIZE_MAX];

    buf_printf(b, "%s/s", str_size(rate, text));
    if (json_is_number(eta))
        buf_printf(b, "  %s left", str_duration((uint64_t)json_number_value(eta), text));
}

/* What stands behind the bar. */
static void facts(struct buf *b, const json_t *event)
{
    uint64_t holders = out_num(event, "holders");

    if (stands(b, event))
        return;
    speed(b, out_num(event, "rate"), json_object_get(event, "eta"));
    if (out_num(event, "copied") && !out_num(event, "fetched"))
        buf_str(b, "  copying, it is here already");
    else
        buf_printf(b, "  %llu %s", (unsigned long long)holders,
                   holders == 1 ? "holder" : "holders");
    if (out_num(event, "files") > 1)
        buf_printf(b, "  %llu/%llu files", (unsigned long long)out_num(event, "files_done"),
                   (unsigned long long)out_num(event, "files"));
}

static void bar(struct buf *b, double done, size_t width)
{
    size_t full = (size_t)(done * (double)width);

    buf_char(b, '[');
    for (size_t i = 0; i < width; i++)
        buf_char(b, i < full ? '#' : '.');
    buf_char(b, ']');
}

/* NAME  [bar]  PERCENT  BACK */
struct line {
    char *name, *back; /* safe to print */
    double done;
};

/* Lines that stand below each other. */
struct block {
    struct line line[ROWS_MAX];
    size_t lines, most;
    size_t hidden; /* that there was no room for */
};

/* How wide the columns are: the name gives way first, then the bar goes, then what is behind. */
struct widths {
    size_t name, bar, all;
};

static void add_line(struct block *b, size_t indent, const char *name, double done,
                     const char *back)
{
    struct buf safe_name = {0}, safe_back = {0};

    if (b->lines == b->most) {
        b->hidden++;
        return;
    }
    for (size_t i = 0; i < indent; i++)
        buf_char(&safe_name, ' ');
    show(&safe_name, name, strlen(name));
    show(&safe_back, back, strlen(back)); /* a reason has others' words in it */
    b->line[b->lines++] = (struct line){
        .name = buf_take(&safe_name, NULL), .back = buf_take(&safe_back, NULL), .done = done};
}

static size_t columns_of(const char *text)
{
    return text ? path_columns(text, strlen(text)) : 0;
}

static struct widths fit(const struct block *b, size_t columns)
{
    struct widths w = {.all = columns};
    size_t name = 0, back = 0, room;

    for (size_t i = 0; i < b->lines; i++) {
        size_t n = columns_of(b->line[i].name), k = columns_of(b->line[i].back);

        name = n > name ? n : name;
        if (b->lines > 1 &&
            k > columns * 3 / 5) /* one that waits long-windedly does not cost the bars */
            k = columns * 3 / 5;
        back = k > back ? k : back;
    }
    back += PERCENT + (back ? 2 : 0);
    room = columns > back ? columns - back : 0;
    if (room < NAME_MIN + 4 + BAR_MIN) {
        w.name = room > NAME_MIN ? room : NAME_MIN;
        w.name = w.name < columns - PERCENT ? w.name : columns - PERCENT;
        w.name = w.name < name ? w.name : name;
        return w;
    }
    room -= 4; /* two before the bar, two around it */
    w.name = name + BAR_MIN <= room ? name : room - BAR_MIN;
    w.bar = room - w.name < BAR_MAX ? room - w.name : BAR_MAX;
    return w;
}

/* What stands behind the percents, as far as there is room: facts go from the last on, a single one
 * is cut. */
static void put_back(struct buf *line, const char *back, size_t columns)
{
    size_t used = path_columns(line->data, line->len) + 2, len = back ? strlen(back) : 0;
    size_t room = columns > used ? columns - used : 0;
    struct buf fits = {0};

    while (len && path_columns(back, len) > room) {
        size_t cut = len;

        while (cut > 1 && !(back[cut - 1] == ' ' && back[cut - 2] == ' '))
            cut--;
        if (cut < 2)
            break;
        len = cut - 2;
    }
    if (!len || (room < BACK_MIN && path_columns(back, len) > room))
        return;
    buf_add(&fits, back, len);
    buf_str(line, "  ");
    table_cut(line, buf_cstr(&fits), room);
    buf_free(&fits);
}

static void put_line(struct buf *out, const struct line *l, const struct widths *w)
{
    struct buf text = {0}, name = {0};

    table_cut(&name, l->name ? l->name : "", w->name);
    buf_str(&text, buf_cstr(&name));
    for (size_t i = path_columns(buf_cstr(&name), name.len); i < w->name; i++)
        buf_char(&text, ' ');
    if (w->bar) {
        buf_str(&text, "  ");
        bar(&text, l->done, w->bar);
    }
    buf_printf(&text, "  %3u %%", (unsigned)(l->done * 100));
    put_back(&text, l->back, w->all);
    table_cut(out, text.data, w->all);
    buf_free(&text);
    buf_free(&name);
}

static void put_block(struct block *b, struct buf *out, size_t columns)
{
    struct widths w = fit(b, columns);

    for (size_t i = 0; i < b->lines; i++) {
        if (i)
            buf_char(out, '\n');
        put_line(out, &b->line[i], &w);
        mem_free(b->line[i].name);
        mem_free(b->line[i].back);
    }
}

static void add_event(struct block *b, const json_t *event)
{
    const char *called = *out_str(event, "name") ? out_str(event, "name") : out_str(event, "hash");
    const json_t *files = json_object_get(event, "now"), *file;
    struct buf back = {0};
    size_t i;

    facts(&back, event);
    add_line(b, 0, called, share_done(out_num(event, "bytes"), out_num(event, "size")),
             buf_cstr(&back));
    buf_free(&back);
    OUT_EACH (files, i, file) /* the larger files of a folder that come now */
        add_line(b, 2, out_str(file, "name"),
                 share_done(out_num(file, "bytes"), out_num(file, "size")), "");
}

void progress_text(struct buf *out, const json_t *event, size_t columns)
{
    struct block b = {.most = 1};

    add_event(&b, event);
    put_block(&b, out, columns);
}

/* ---- all of them ---- */

static bool in_work(const json_t *event)
{
    const char *what = out_str(event, "event");

    return strcmp(what, "queued") != 0 && strcmp(what, "paused") != 0;
}

static void add_total(const struct progress *p, struct block *b)
{
    uint64_t size = p->ended_bytes, bytes = p->ended_bytes, rate = 0;
    struct buf name = {0}, back = {0};
    json_t *eta = NULL;

    for (size_t i = 0; i < p->rows; i++) {
        const json_t *e = p->row[i];

        size += out_num(e, "size");
        bytes += out_num(e, "bytes");
        rate += in_work(e) ? out_num(e, "rate") : 0;
    }
    if (rate && size > bytes)
        eta = json_integer((json_int_t)((size - bytes) / rate));
    speed(&back, rate, eta);
    if (b->hidden)
        buf_printf(&back, "  %zu lines more", b->hidden);
    buf_printf(&name, "total  %zu/%zu done", p->ended, p->downloads);
    b->most++;
    add_line(b, 0, name.data, share_done(bytes, size), back.data);
    json_decref(eta);
    buf_free(&name);
    buf_free(&back);
}

void progress_lines(const struct progress *p, struct buf *out, size_t rows, size_t columns)
{
    struct block b = {.most = rows < ROWS_MAX ? rows : ROWS_MAX};
    const json_t *waits = NULL;
    bool total = p->downloads > 1;

    b.most -= b.most && total;
    for (size_t i = 0; i < p->rows; i++) {
        if (in_work(p->row[i]))
            add_event(&b, p->row[i]);
        else if (!waits)
            waits = p->row[i];
    }
    if (total && (b.lines || b.hidden || waits))
        add_total(p, &b);
    else if (!b.lines && waits)
        add_event(&b, waits);
    put_block(&b, out, columns);
}

/* ---- on the screen ---- */

/* How far up the first line begins, when the terminal is now so wide: it may have folded lines that
 * are wider. */
static size_t rows_above(const struct progress *p, size_t columns)
{
    size_t rows = 0;

    for (size_t i = 0; i < p->lines; i++)
        rows += p->drawn[i] ? (p->drawn[i] - 1) / columns + 1 : 1;
    return rows ? rows - 1 : 0;
}

/* To the beginning of what is drawn. A single line needs no escape for it, nor to be blanked. */
static void go_back(const struct progress *p, struct buf *b, size_t columns)
{
    size_t up = rows_above(p, columns);

    buf_char(b, '\r');
    if (up && p->movable)
        buf_printf(b, CURSOR_UP, up);
}

/* Lines go over the old ones, without blanking first, so that nothing flickers. */
static void draw(struct progress *p)
{
    unsigned columns = term_columns(2);
    struct buf b = {0}, text = {0};
    bool several;
    const char *line;
    size_t n = 0;

    progress_lines(p, &text, p->movable ? term_rows(2) - 1 : 1, columns - 1);
    several = p->movable && (rows_above(p, columns) || strchr(buf_cstr(&text), '\n'));
    go_back(p, &b, columns);
    for (line = buf_cstr(&text); *line; n++) {
        size_t len = strcspn(line, "\n"), was = n < p->lines ? p->drawn[n] : 0;

        if (n == p->lines_cap)
            p->drawn = mem_resize(p->drawn, p->lines_cap = n + 16, sizeof *p->drawn);
        if (n)
            buf_char(&b, '\n');
        buf_add(&b, line, len);
        p->drawn[n] = path_columns(line, len);
        for (size_t i = p->drawn[n]; !several && i < was; i++)
            buf_char(&b, ' ');
        if (several)
            buf_str(&b, ERASE_LINE);
        line += len + (line[len] == '\n');
    }
    if (several)
        buf_str(&b, ERASE_BELOW);
    p->lines = n;
    fwrite(b.data, 1, b.len, stderr);
    fflush(stderr);
    buf_free(&b);
    buf_free(&text);
}

/* Its place among the rows; p->rows: it is new. */
static size_t row_of(const struct progress *p, const char *hash)
{
    size_t i = 0;

    while (i < p->rows && strcmp(out_str(p->row[i], "hash"), hash) != 0)
        i++;
    return i;
}

static bool is_end(const char *what)
{
    return !strcmp(what, "done") || !strcmp(what, "failed") || !strcmp(what, "skipped");
}

void progress_event(struct progress *p, const json_t *event)
{
    size_t i = row_of(p, out_str(event, "hash"));
    bool is_new = i == p->rows;

    if (!*out_str(event, "hash"))
        return;
    if (!is_new)
        json_decref(p->row[i]);
    if (is_end(out_str(event, "event"))) {
        p->ended++;
        p->ended_bytes += out_num(event, "size");
        if (!is_new)
            memmove(p->row + i, p->row + i + 1, (--p->rows - i) * sizeof *p->row);
        return;
    }
    if (is_new) {
        MEM_GROW(p->row, p->rows, p->cap);
        p->rows++;
    }
    p->row[i] = json_deep_copy(event);
    if (p->shown)
        draw(p);
}

void progress_skip(struct progress *p, size_t ended)
{
    p->ended = ended;
}

void progress_clear(struct progress *p)
{
    unsigned columns = term_columns(2);
    struct buf b = {0};

    if (!p->lines)
        return;
    go_back(p, &b, columns);
    if (p->movable && rows_above(p, columns))
        buf_str(&b, ERASE_BELOW);
    else
        buf_printf(&b, "%*s\r", (int)p->drawn[0], "");
    fwrite(b.data, 1, b.len, stderr);
    fflush(stderr);
    buf_free(&b);
    p->lines = 0;
}

void progress_free(struct progress *p)
{
    progress_clear(p);
    for (size_t i = 0; i < p->rows; i++)
        json_decref(p->row[i]);
    mem_free(p->row);
    mem_free(p->drawn);
    mem_free(p);
}
