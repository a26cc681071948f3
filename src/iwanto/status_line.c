#include "iwanto/status_line.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/path.h"
#include "io/term.h"
#include "iwanto/table.h"

#include <stdio.h>
#include <string.h>

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
};

struct status_line *status_line_new(void)
{
    return term_is(2) ? mem_zero(1, sizeof(struct status_line)) : NULL;
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

void status_line_draw(struct status_line *s, const struct status_numbers *n)
{
    struct buf b = {0};
    size_t now;

    if (!s)
        return;
    buf_char(&b, '\r');
    status_line_text(&b, n, term_columns(2) - 1);
    now = path_columns(b.data + 1, b.len - 1);
    for (size_t i = now; i < s->drawn; i++) /* spaces, not an escape: any terminal can that */
        buf_char(&b, ' ');
    s->drawn = now;
    fwrite(b.data, 1, b.len, stderr);
    fflush(stderr);
    buf_free(&b);
}

void status_line_clear(struct status_line *s)
{
    if (!s || !s->drawn)
        return;
    fprintf(stderr, "\r%*s\r", (int)s->drawn, "");
    fflush(stderr);
    s->drawn = 0;
}

void status_line_free(struct status_line *s)
{
    status_line_clear(s);
    mem_free(s);
}
