#include "iwanto/progress.h"

#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/path.h"
#include "io/term.h"
#include "iwanto/out.h"
#include "iwanto/table.h"

#include <stdio.h>
#include <string.h>

#define BAR_MAX  30u /* columns */
#define BAR_MIN  8u
#define NAME_MIN 12u

struct progress {
    size_t downloads, ended;
    char current[HASH_HEX_LEN + 1]; /* the one that is shown, until it ends; "" none */
    size_t drawn;                   /* columns on the screen */
    bool shown;
};

struct progress *progress_new(size_t downloads, bool shown)
{
    struct progress *p = mem_zero(1, sizeof *p);

    p->downloads = downloads;
    p->shown = shown;
    return p;
}

static double share_done(const json_t *event)
{
    uint64_t size = out_num(event, "size"), bytes = out_num(event, "bytes");

    if (!size)
        return 0;
    return bytes < size ? (double)bytes / (double)size : 1;
}

/* What stands behind the bar. */
static void facts(struct buf *b, const json_t *event)
{
    char size[STR_SIZE_MAX], left[STR_SIZE_MAX];
    const json_t *eta = json_object_get(event, "eta");
    unsigned long long holders = out_num(event, "holders");
    const char *what = out_str(event, "event");

    if (!strcmp(what, "start")) {
        buf_str(b, "looking for holders");
        return;
    }
    if (!strcmp(what, "waiting") || !strcmp(what, "paused") || !strcmp(what, "queued")) {
        buf_str(b, *what == 'w' ? "waiting for a holder" : what);
        return;
    }
    buf_printf(b, "%s/s", str_size(out_num(event, "rate"), size));
    if (json_is_number(eta))
        buf_printf(b, "  %s left", str_duration(out_num(event, "eta"), left));
    buf_printf(b, "  %llu %s", holders, holders == 1 ? "holder" : "holders");
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

void progress_text(struct buf *out, const json_t *event, size_t ended, size_t all, size_t columns)
{
    struct buf front = {0}, name = {0}, back = {0}, line = {0};
    const char *called = out_str(event, "name");
    double done = share_done(event);
    size_t fixed, room, width;

    if (all > 1)
        buf_printf(&front, "%zu/%zu  ", ended, all);
    show(&name, *called ? called : out_str(event, "hash"),
         strlen(*called ? called : out_str(event, "hash")));
    buf_printf(&back, "  %3u %%  ", (unsigned)(done * 100));
    facts(&back, event);
    fixed = front.len + 2 + back.len;
    width = path_columns(name.data, name.len);
    room = columns > fixed ? columns - fixed : 0;
    buf_str(&line, buf_cstr(&front));
    if (room >= NAME_MIN + 2 + BAR_MIN) { /* name and bar; the name gives way first */
        size_t bars = room - 2 > width + BAR_MAX ? BAR_MAX : BAR_MIN;

        if (room - 2 > width + BAR_MIN && bars == BAR_MIN)
            bars = room - 2 - width;
        table_cut(&line, name.data, room - 2 - bars);
        buf_str(&line, "  ");
        bar(&line, done, bars);
    } else {
        table_cut(&line, name.data, room > NAME_MIN ? room : NAME_MIN);
    }
    buf_str(&line, back.data);
    table_cut(out, line.data, columns);
    buf_free(&front);
    buf_free(&name);
    buf_free(&back);
    buf_free(&line);
}

static void draw(struct progress *p, const json_t *event)
{
    struct buf b = {0};
    size_t now;

    buf_char(&b, '\r');
    progress_text(&b, event, p->ended, p->downloads, term_columns(2) - 1);
    now = path_columns(b.data + 1, b.len - 1);
    for (size_t i = now; i < p->drawn; i++)
        buf_char(&b, ' ');
    p->drawn = now;
    fwrite(b.data, 1, b.len, stderr);
    fflush(stderr);
    buf_free(&b);
}

void progress_event(struct progress *p, const json_t *event)
{
    static const char *const ends[] = {"done", "failed", "skipped"};

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (!strcmp(out_str(event, "event"), ends[i])) {
            p->ended++;
            if (!strcmp(p->current, out_str(event, "hash")))
                p->current[0] = '\0';
            return;
        }
    if (!p->current[0] && !strcmp(out_str(event, "event"), "progress"))
        str_copy(p->current, sizeof p->current, out_str(event, "hash"));
    if (p->shown && (!p->current[0] || !strcmp(p->current, out_str(event, "hash"))))
        draw(p, event);
}

void progress_skip(struct progress *p, size_t ended)
{
    p->ended = ended;
}

void progress_clear(struct progress *p)
{
    if (!p->drawn)
        return;
    fprintf(stderr, "\r%*s\r", (int)p->drawn, "");
    fflush(stderr);
    p->drawn = 0;
}

void progress_free(struct progress *p)
{
    progress_clear(p);
    mem_free(p);
}
