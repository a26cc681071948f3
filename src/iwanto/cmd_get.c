/* get WORDS...: search, and download the first row when it is clearly what was meant (core/clear),
 * else list. */
#include "iwanto/cli.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/clear.h"
#include "core/path.h"
#include "iwanto/order.h"
#include "iwanto/seek.h"

#include <string.h>

#define LOOK_ROWS 50 /* at least, however few are listed: what is clear hangs on the others */

enum { OPT_FIRST = 30 };

const struct opt GET_OPTS[] = {
    {OPT_FIRST, "first", NULL, "take the first row, clearly the best or not", false},
    SEEK_FILTERS,
    ORDER_OPTS,
    {0, NULL, NULL, NULL, false},
};

struct get {
    struct seek seek;
    struct order order;
    bool first;
};

static int take_option(struct get *g, int id, const char *value, struct err *e)
{
    int rc = seek_option(&g->seek, id, value, e);

    if (rc == 1)
        rc = order_option(&g->order, id, value, e);
    g->first |= id == OPT_FIRST;
    return rc < 0 ? rc : 0;
}

static int read_words(const struct cli *c, struct opt_scan *s, struct get *g, struct err *e)
{
    const char *value;
    int id, rc = 0;

    s->dash_words = true;
    while (!rc && (id = opt_next(s, &value, e)) > 0) {
        if (id == OPT_WORD)
            seek_word(&g->seek, value);
        else
            rc = take_option(g, id, value, e);
    }
    if (!rc && id < 0)
        rc = id;
    if (!rc)
        rc = seek_ready(c, &g->seek, e);
    if (!rc && g->seek.rows < LOOK_ROWS)
        g->seek.rows = LOOK_ROWS;
    return rc;
}

static enum clear judge(const json_t *rows, size_t *rival)
{
    size_t count = json_array_size(rows), n;
    struct clear_row *r = mem_zero(count + 1, sizeof *r);
    const json_t *row;
    enum clear how;

    OUT_EACH (rows, n, row)
        r[n] = (struct clear_row){.score = json_number_value(json_object_get(row, "score")),
                                  .path = out_str(row, "path"),
                                  .path_len = strlen(out_str(row, "path")),
                                  .folder = !strcmp(out_str(row, "type"), "dir")};
    how = clear_of(r, count, rival);
    mem_free(r);
    return how;
}

/* ---- telling ---- */

static void tell_chosen(struct cli *c, const struct get *g, const json_t *row, bool clear,
                        uint64_t about)
{
    const char *path = out_str(row, "path"), *slash = strrchr(path, '/');
    unsigned long long holders = out_num(row, "holders_count");
    char size[STR_SIZE_MAX];
    struct buf name = {0}, in = {0};
    json_t *event;

    if (c->common.json) {
        event = json_deep_copy(row);
        json_object_set_new(event, "event", json_string("chosen"));
        json_object_set_new(event, "clear", json_boolean(clear));
        c->out.print->event(&c->out, event);
        json_decref(event);
        return;
    }
    show(&name, out_str(row, "name"), strlen(out_str(row, "name")));
    if (slash)
        show(&in, path, (size_t)(slash - path));
    cli_say(c, "%s%s  (%s, %llu %s%s%s)  %.10s  %s of about %llu", name.data,
            !strcmp(out_str(row, "type"), "dir") ? "/" : "", str_size(out_num(row, "size"), size),
            holders, holders == 1 ? "holder" : "holders", in.len ? ", in " : "", buf_cstr(&in),
            out_str(row, "hash"),
            clear      ? "clearly the best"
            : g->first ? "the first"
                       : "",
            (unsigned long long)about);
    buf_free(&name);
    buf_free(&in);
}

static int list(struct cli *c, struct get *g, enum clear how, json_t *answer, struct err *e)
{
    json_t *rows = json_object_get(answer, "rows");

    g->seek.rows = c->common.limit ? c->common.limit : LOOK_ROWS;
    while (json_array_size(rows) > g->seek.rows)
        json_array_remove(rows, json_array_size(rows) - 1);
    seek_print(c, &g->seek, answer);
    err_set(e, ERR_NOT_FOUND, "%s",
            how == CLEAR_WEAK ? "nothing is clearly what was meant"
                              : "several rows may be what was meant");
    err_hint(e, "choose one: iwanto download @N; the first anyway: iwanto get --first ...");
    return -ERR_NOT_FOUND;
}

static int choose(struct cli *c, struct get *g, json_t *answer, struct err *e)
{
    json_t *rows = json_object_get(answer, "rows"), *row = json_array_get(rows, 0);
    enum clear how = judge(rows, NULL);

    if (!row)
        return seek_nothing(c, &g->seek, answer, e);
    if (how != CLEAR_YES && !g->first)
        return list(c, g, how, answer, e);
    seek_tell_corrected(c, answer);
    tell_chosen(c, g, row, how == CLEAR_YES, out_num(answer, "about"));
    order_want(&g->order, out_str(row, "hash"), out_str(row, "name"), g->order.output);
    return order_run(c, &g->order, e);
}

int cmd_get(struct cli *c, struct opt_scan *s, struct err *e)
{
    json_t *answer = NULL;
    struct get g = {.first = false};
    int rc;

    seek_init(&g.seek, "get");
    order_init(&g.order, "get");
    rc = read_words(c, s, &g, e);
    if (!rc)
        rc = seek_ask(c, &g.seek, &answer, e);
    if (!rc) {
        cli_open_out(c);
        seek_save(c, &g.seek, json_object_get(answer, "rows"));
        rc = choose(c, &g, answer, e);
    }
    json_decref(answer);
    order_free(&g.order);
    seek_free(&g.seek);
    return rc;
}
