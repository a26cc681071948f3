/* watch: peers, downloads and the log of the running service on the whole terminal, until q. */
#include "iwanto/cli.h"

#include "base/buf.h"
#include "base/mem.h"
#include "io/probe.h"
#include "io/screen.h"
#include "io/term.h"
#include "iwanto/client.h"
#include "iwanto/watch_view.h"
#include "svc/settings.h"

#include <string.h>

#define ASK_MS  2000
#define LOOK_MS 1000

struct watched {
    json_t *status, *peers, *downloads;
    struct err why;
    struct buf log;
};

static void ask(const struct cli *c, struct watched *w)
{
    char *path = settings_path(c->home, SETTINGS_LOG);
    struct err ignored;

    json_decref(w->status);
    json_decref(w->peers);
    json_decref(w->downloads);
    w->status = w->peers = w->downloads = NULL;
    if (!client_ask(c, "GET", "/v1/status", NULL, 0, ASK_MS, &w->status, &w->why)) {
        (void)client_ask(c, "GET", "/v1/peers", NULL, 0, ASK_MS, &w->peers, &ignored);
        (void)client_ask(c, "GET", "/v1/downloads", NULL, 0, ASK_MS, &w->downloads, &ignored);
    }
    (void)probe_tail(path, &w->log);
    mem_free(path);
}

static size_t draw(const struct watched *w, size_t from)
{
    struct watch_facts f = {.status = w->status,
                            .peers = json_object_get(w->peers, "peers"),
                            .downloads = json_object_get(w->downloads, "downloads"),
                            .why = w->why.text,
                            .log = buf_cstr(&w->log)};
    struct watch_view v = {0};
    unsigned rows, columns;
    size_t hidden;

    screen_size(&rows, &columns);
    watch_view(&v, &f, rows, columns, from);
    screen_draw((const char *const *)v.line, v.strong, v.lines);
    hidden = v.rows_hidden;
    watch_view_done(&v);
    return hidden;
}

static void look(const struct cli *c, struct watched *w)
{
    size_t from = 0, hidden = draw(w, from);
    char letter = '\0';

    while (letter != 'q' && letter != 'Q' && !term_interrupted()) {
        switch (screen_wait(LOOK_MS, &letter)) {
        case SCREEN_UP:
            from -= from > 0;
            break;
        case SCREEN_DOWN:
            from += hidden > from;
            break;
        case SCREEN_NOTHING:
            ask(c, w);
            break;
        case SCREEN_RESIZED:
        case SCREEN_LETTER:
            break;
        }
        hidden = draw(w, from);
    }
}

int cmd_watch(struct cli *c, struct opt_scan *s, struct err *e)
{
    struct watched w = {0};
    int rc = opt_nothing_more(s, e);

    if (rc)
        return rc;
    ask(c, &w);
    if (!w.status) {
        *e = w.why;
        rc = -e->code;
    } else {
        term_catch_interrupt();
        rc = screen_open(e);
    }
    if (!rc) {
        look(c, &w);
        screen_close();
    }
    json_decref(w.status);
    json_decref(w.peers);
    json_decref(w.downloads);
    buf_free(&w.log);
    return rc;
}
