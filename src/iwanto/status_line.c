#include "iwanto/status_line.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/path.h"
#include "io/term.h"
#include "iwanto/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURSOR_UP   "\x1b[%zuA"
#define ERASE_LINE  "\x1b[K" /* from here to its end */
#define ERASE_BELOW "\x1b[J"

void status_line_hello(const struct conf *c, bool open, uint64_t files)
{
    const char *share = conf_text(c, CONF_SHARE), *down = conf_text(c, CONF_DOWNLOAD);
    const char *network = conf_text(c, CONF_NETWORK);
    struct buf b = {0};
    char *more;

    buf_str(&b, "sharing ");
    if (strcmp(share, CONF_NONE) != 0)
        show(&b, share, strlen(share));
    for (size_t n = 0; (more = conf_path(c, CONF_ALSO, n)); n++) {
        buf_str(&b, n || strcmp(share, CONF_NONE) ? ", " : "");
        show(&b, more, strlen(more));
        mem_free(more);
    }
    if (b.len == strlen("sharing "))
        buf_str(&b, "nothing");
    buf_printf(&b, " (%llu %s) with ", (unsigned long long)files, files == 1 ? "file" : "files");
    if (open) {
        buf_str(&b, "anyone on this LAN (open network)");
    } else {
        buf_str(&b, "the members of the private network ");
        show(&b, network, strlen(network));
    }
    buf_str(&b, "; downloads go to ");
    show(&b, down, strlen(down));
    buf_str(&b, "; change it with: iwanto share PATH\n");
    fputs(b.data, stderr);
    buf_free(&b);
}

struct status_line {
    size_t drawn; /* columns on the screen */
    bool movable; /* the cursor can go up */
};

struct status_line *status_line_new(void)
{
    const char *term = getenv("TERM");
    struct status_line *s = term_is(2) ? mem_zero(1, sizeof *s) : NULL;

    if (s)
        s->movable = term && *term && strcmp(term, "dumb") != 0;
    return s;
}

static void add_leader(struct buf *b, const struct status_numbers *n)
{
    if (n->leading) {
        buf_str(b, ", this one leads");
    } else if (!n->has_leader) {
        buf_str(b, ", no leader yet");
    } else if (n->leader) {
        buf_str(b, ", leader ");
        show(b, n->leader, strlen(n->leader));
    }
}

void status_line_text(struct buf *out, const struct status_numbers *n, size_t columns)
{
    char size[STR_SIZE_MAX], rate[STR_SIZE_MAX];
    struct buf b = {0};

    if (n->no_interface)
        buf_str(&b, "no network interface to use");
    else if (n->peers <= 1)
        buf_str(&b, "no other peer heard yet");
    else
        buf_printf(&b, "%zu peers", n->peers);
    add_leader(&b, n);
    buf_printf(&b, " | %llu files, %s", (unsigned long long)n->files, str_size(n->bytes, size));
    if (n->pending_files)
        buf_printf(&b, ", indexing %llu", (unsigned long long)n->pending_files);
    else if (n->scanning)
        buf_str(&b, ", looking for changes");
    if (n->downloads)
        buf_printf(&b, " | %u %s", n->downloads, n->downloads == 1 ? "download" : "downloads");
    if (n->rate_down || n->downloads)
        buf_printf(&b, " | down %s/s", str_size(n->rate_down, rate));
    if (n->rate_up)
        buf_printf(&b, " | up %s/s", str_size(n->rate_up, rate));
    table_cut(out, b.data, columns);
    buf_free(&b);
}

void status_line_erase(struct buf *out, size_t drawn, size_t columns, bool movable)
{
    size_t folds = columns && drawn ? (drawn - 1) / columns : 0;

    buf_char(out, '\r');
    if (folds && movable) {
        buf_printf(out, CURSOR_UP ERASE_BELOW, folds);
        return;
    }
    for (size_t i = 0; i < drawn && i + 1 < columns; i++) /* any terminal can that */
        buf_char(out, ' ');
    buf_char(out, '\r');
}

static void put(const struct buf *b)
{
    fwrite(b->data, 1, b->len, stderr);
    fflush(stderr);
}

void status_line_draw(struct status_line *s, const struct status_numbers *n)
{
    size_t columns = term_columns(2), before, now;
    struct buf b = {0}, text = {0};

    if (!s)
        return;
    status_line_text(&text, n, columns - 1);
    now = path_columns(text.data, text.len);
    before = s->drawn;
    if (before > columns - 1) {
        status_line_erase(&b, before, columns, s->movable);
        before = 0;
    } else {
        buf_char(&b, '\r');
    }
    buf_add(&b, text.data, text.len);
    if (s->movable)
        buf_str(&b, ERASE_LINE); /* leaves nothing that a narrower terminal would fold */
    for (size_t i = now; i < before && !s->movable; i++)
        buf_char(&b, ' ');
    s->drawn = now;
    put(&b);
    buf_free(&b);
    buf_free(&text);
}

void status_line_clear(struct status_line *s)
{
    struct buf b = {0};

    if (!s || !s->drawn)
        return;
    status_line_erase(&b, s->drawn, term_columns(2), s->movable);
    put(&b);
    s->drawn = 0;
    buf_free(&b);
}

void status_line_free(struct status_line *s)
{
    status_line_clear(s);
    mem_free(s);
}
