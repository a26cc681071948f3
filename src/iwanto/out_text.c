#include "iwanto/out.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/highlight.h"
#include "core/path.h"
#include "iwanto/table.h"

#include <string.h>

#define SHORT_HASH 10 /* digits of a hash in a table; 6 are asked for at least */

/* ---- cells ---- */

const char *out_shown(struct buf *b, const char *text)
{
    buf_reset(b);
    show(b, text, strlen(text));
    return buf_cstr(b);
}

static void cell_shown(struct table *t, struct buf *tmp, const char *text)
{
    table_cell(t, out_shown(tmp, text));
}

static void cell_size(struct table *t, uint64_t bytes)
{
    char text[STR_SIZE_MAX];

    table_cell(t, str_size(bytes, text));
}

static void cell_number(struct table *t, uint64_t n)
{
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    table_cell(t, text);
}

static void cell_hash(struct table *t, const char *hash)
{
    char text[SHORT_HASH + 1];

    str_copy(text, sizeof text, hash);
    table_cell(t, text);
}

static void print_table(struct out *o, struct table *t)
{
    struct buf b = {0};

    table_put(t, o->columns, o->color, &b);
    fwrite(b.data, 1, b.len, o->to);
    buf_free(&b);
    table_free(t);
}

/* ---- fields of a pipe ---- */

static void field(struct out *o, const char *text, bool first)
{
    struct buf b = {0};

    if (!first)
        fputc('\t', o->to);
    fputs(o->nul && !o->people ? text : out_shown(&b, text), o->to); /* never raw on a terminal */
    buf_free(&b);
}

static void field_number(struct out *o, uint64_t n)
{
    fprintf(o->to, "\t%llu", (unsigned long long)n);
}

static void end_row(struct out *o)
{
    fputc(o->nul ? '\0' : '\n', o->to);
}

/* ---- search ---- */

/* The folder that a path lies in; "" at the top. */
static const char *folder_of(struct buf *b, const char *path)
{
    const char *slash = strrchr(path, '/');

    buf_reset(b);
    if (slash)
        show(b, path, (size_t)(slash - path));
    return buf_cstr(b);
}

static uint64_t holders_of(const json_t *row)
{
    const json_t *count = json_object_get(row, "holders_count");

    if (json_is_integer(count))
        return out_num(row, "holders_count");
    return json_array_size(json_object_get(row, "holders"));
}

/* A name or folder with what was sought marked. */
static void cell_sought(struct table *t, const struct highlight *h, const char *shown)
{
    size_t len = strlen(shown);
    uint8_t *marks;

    if (!h || !len) {
        table_cell(t, shown);
        return;
    }
    marks = mem_alloc(len);
    highlight_text(h, shown, len, marks);
    table_cell_marked(t, shown, marks);
    mem_free(marks);
}

static void search_row(struct table *t, const struct highlight *h, const json_t *row, size_t i,
                       bool names)
{
    struct buf tmp = {0};
    char number[24];

    snprintf(number, sizeof number, "@%llu",
             (unsigned long long)(out_num(row, "row") ? out_num(row, "row") : i + 1));
    table_cell(t, number);
    out_shown(&tmp, out_str(row, "name"));
    if (!strcmp(out_str(row, "type"), "dir"))
        buf_char(&tmp, '/');
    cell_sought(t, h, buf_cstr(&tmp));
    cell_size(t, out_num(row, "size"));
    cell_number(t, holders_of(row));
    if (names)
        cell_number(t, out_num(row, "other_names") + 1);
    cell_hash(t, out_str(row, "hash"));
    cell_sought(t, h, folder_of(&tmp, out_str(row, "path")));
    buf_free(&tmp);
}

/* The names are counted where some content has several. */
static void search_people(struct out *o, const json_t *rows)
{
    static const struct table_col cols[] = {
        {"", true, 0, 0},        {"NAME", false, 2, 0}, {"SIZE", true, 0, 5},
        {"HOLDERS", true, 0, 3}, {"HASH", false, 0, 1}, {"FOLDER", false, 3, 4},
    };
    static const struct table_col more_cols[] = {
        {"", true, 0, 0},        {"NAME", false, 2, 0}, {"SIZE", true, 0, 5},
        {"HOLDERS", true, 0, 3}, {"NAMES", true, 0, 2}, {"HASH", false, 0, 1},
        {"FOLDER", false, 3, 4},
    };
    struct highlight *h =
        o->color && o->sought ? highlight_new(o->sought, strlen(o->sought)) : NULL;
    const json_t *row;
    struct table *t;
    bool names = false;
    size_t i;

    OUT_EACH (rows, i, row)
        names |= out_num(row, "other_names") > 0;
    t = names ? table_new(more_cols, sizeof more_cols / sizeof *more_cols)
              : table_new(cols, sizeof cols / sizeof *cols);
    OUT_EACH (rows, i, row)
        search_row(t, h, row, i, names);
    highlight_free(h);
    print_table(o, t);
}

static void content_fields(struct out *o, const json_t *row, uint64_t holders, const char *type)
{
    field(o, out_str(row, "hash"), true);
    field_number(o, out_num(row, "size"));
    field_number(o, holders);
    field(o, type, false);
    field(o, out_str(row, "path"), false);
    end_row(o);
}

static void search(struct out *o, const json_t *rows)
{
    const json_t *row;
    size_t i;

    if (o->people && !o->nul) {
        search_people(o, rows);
        return;
    }
    OUT_EACH (rows, i, row)
        content_fields(o, row, holders_of(row), out_str(row, "type"));
}

/* ---- peers ---- */

static const char *role_of(const json_t *row, char out[80])
{
    bool self = out_yes(row, "self");
    const char *role = "";
    int n;

    if (out_yes(row, "leader"))
        role = "leader";
    else if (out_num(row, "standby"))
        role = out_yes(row, "warm") ? "stand-by" : "stand-by (copying)";
    n = snprintf(out, 80, "%s%s%s", role, *role && self ? ", " : "", self ? "this one" : "");
    if (out_num(row, "unlisted"))
        snprintf(out + n, 80 - (size_t)n, "%s%llu files too many", n ? ", " : "",
                 (unsigned long long)out_num(row, "unlisted"));
    else if (out_str(row, "cut")[0])
        snprintf(out + n, 80 - (size_t)n, "%swords too many", n ? ", " : "");
    return out;
}

static const char *role_word(const json_t *row)
{
    return out_yes(row, "leader") ? "leader" : out_num(row, "standby") ? "standby" : "peer";
}

static void heard(char out[STR_SIZE_MAX + 8], const json_t *row)
{
    char text[STR_SIZE_MAX];

    if (out_yes(row, "self"))
        snprintf(out, STR_SIZE_MAX + 8, "-");
    else if (out_num(row, "heard_ms") < 10000)
        snprintf(out, STR_SIZE_MAX + 8, "%.1f s ago", (double)out_num(row, "heard_ms") / 1000);
    else
        snprintf(out, STR_SIZE_MAX + 8, "%s ago",
                 str_duration(out_num(row, "heard_ms") / 1000, text));
}

static void loss(char out[STR_SIZE_MAX + 8], const json_t *row)
{
    if (json_is_integer(json_object_get(row, "loss_permille")))
        snprintf(out, STR_SIZE_MAX + 8, "%.1f %%", (double)out_num(row, "loss_permille") / 10);
    else
        snprintf(out, STR_SIZE_MAX + 8, "-");
}

static void peers_people(struct out *o, const json_t *rows)
{
    static const struct table_col cols[] = {
        {"NAME", false, 1, 0}, {"ADDRESS", false, 0, 6}, {"FILES", true, 0, 5},
        {"SIZE", true, 0, 4},  {"MEMBER", true, 0, 1},   {"LOSS", true, 0, 2},
        {"HEARD", true, 0, 3}, {"", false, 1, 7},
    };
    struct table *t = table_new(cols, sizeof cols / sizeof *cols);
    char text[STR_SIZE_MAX + 8], role[80];
    struct buf tmp = {0};
    const json_t *row;
    size_t i;

    OUT_EACH (rows, i, row) {
        cell_shown(t, &tmp, out_str(row, "name"));
        cell_shown(t, &tmp, out_str(row, "addr"));
        cell_number(t, out_num(row, "files"));
        cell_size(t, out_num(row, "bytes"));
        table_cell(t, json_is_integer(json_object_get(row, "since_ms"))
                          ? str_duration(out_num(row, "since_ms") / 1000, text)
                          : "-");
        loss(text, row);
        table_cell(t, text);
        heard(text, row);
        table_cell(t, text);
        table_cell(t, role_of(row, role));
    }
    buf_free(&tmp);
    print_table(o, t);
}

static void peers(struct out *o, const json_t *rows)
{
    const json_t *row;
    size_t i;

    if (o->people && !o->nul) {
        peers_people(o, rows);
        return;
    }
    OUT_EACH (rows, i, row) {
        field(o, out_str(row, "peer"), true);
        field(o, out_str(row, "addr"), false);
        field_number(o, out_num(row, "files"));
        field_number(o, out_num(row, "bytes"));
        field_number(o, out_num(row, "heard_ms"));
        field_number(o, out_num(row, "since_ms"));
        field_number(o, out_num(row, "loss_permille"));
        field(o, role_word(row), false);
        field(o, out_str(row, "name"), false);
        end_row(o);
    }
}

/* ---- settings ---- */

static void config(struct out *o, const json_t *rows)
{
    static const struct table_col cols[] = {
        {"SETTING", false, 0, 0}, {"VALUE", false, 1, 0}, {"FROM", false, 0, 0}};
    struct table *t = o->people ? table_new(cols, 3) : NULL;
    struct buf name = {0}, tmp = {0};
    const json_t *row;
    size_t i;

    OUT_EACH (rows, i, row) {
        buf_reset(&name);
        buf_printf(&name, "[%s] %s", out_str(row, "section"), out_str(row, "name"));
        if (t) {
            table_cell(t, name.data);
            cell_shown(t, &tmp, out_str(row, "value"));
            table_cell(t, out_str(row, "source"));
            continue;
        }
        field(o, name.data, true);
        field(o, out_str(row, "value"), false);
        field(o, out_str(row, "source"), false);
        end_row(o);
    }
    buf_free(&name);
    buf_free(&tmp);
    if (t)
        print_table(o, t);
}

/* ---- downloads ---- */

static const char *type_of(const json_t *event)
{
    const char *kind = out_str(event, "kind");

    return !strcmp(kind, "d") || !strcmp(kind, "dir") ? "dir" : *kind ? "file" : "-";
}

static const char *named(const json_t *event)
{
    return out_str(event, "name")[0] ? out_str(event, "name") : out_str(event, "hash");
}

static const char *state_of(const json_t *event)
{
    return out_str(event, "state")[0] ? out_str(event, "state") : out_str(event, "event");
}

static void downloads(struct out *o, const json_t *rows)
{
    static const struct table_col cols[] = {
        {"HASH", false, 0, 3}, {"NAME", false, 1, 0}, {"STATE", false, 0, 4},
        {"DONE", true, 0, 5},  {"SIZE", true, 0, 2},  {"RATE", true, 0, 1},
    };
    struct table *t = o->people && !o->nul ? table_new(cols, 6) : NULL;
    char text[STR_SIZE_MAX], rate[STR_SIZE_MAX + 2];
    struct buf tmp = {0};
    const json_t *row;
    size_t i;

    OUT_EACH (rows, i, row) {
        uint64_t size = out_num(row, "size"), bytes = out_num(row, "bytes");

        if (t) {
            cell_hash(t, out_str(row, "hash"));
            cell_shown(t, &tmp, named(row));
            table_cell(t, state_of(row));
            snprintf(rate, sizeof rate, "%u %%",
                     size ? (unsigned)((double)bytes * 100 / (double)size) : 0);
            table_cell(t, rate);
            cell_size(t, size);
            snprintf(rate, sizeof rate, "%s/s", str_size(out_num(row, "rate"), text));
            table_cell(t, out_num(row, "rate") ? rate : "-");
            continue;
        }
        field(o, out_str(row, "hash"), true);
        field_number(o, bytes);
        field_number(o, size);
        field(o, state_of(row), false);
        field(o, named(row), false);
        end_row(o);
    }
    buf_free(&tmp);
    if (t)
        print_table(o, t);
}

/* What did not come over the network. */
static void print_copied(struct out *o, const json_t *e)
{
    uint64_t copied = out_num(e, "copied");
    const char *from = out_str(e, "from");
    char size[STR_SIZE_MAX];
    struct buf b = {0};

    if (copied && copied == out_num(e, "size") && *from && strcmp(type_of(e), "dir") != 0)
        fprintf(o->to, ", copied from %s", out_shown(&b, from));
    else if (copied)
        fprintf(o->to, ", %s copied on this computer", str_size(copied, size));
    buf_free(&b);
}

static void event(struct out *o, const json_t *e)
{
    bool skipped = !strcmp(out_str(e, "event"), "skipped");
    char size[STR_SIZE_MAX];
    struct buf b = {0};

    if (!skipped && strcmp(out_str(e, "event"), "done") != 0)
        return;
    if (!o->people || o->nul) {
        content_fields(o, e, out_num(e, "holders"), type_of(e));
    } else {
        fprintf(o->to, "%s%s%s  %s  (%s", o->color ? "\x1b[32m" : "",
                skipped ? "there already" : "done", o->color ? "\x1b[0m" : "",
                out_shown(&b, out_str(e, "path")), str_size(out_num(e, "size"), size));
        print_copied(o, e);
        fputs(")\n", o->to);
        buf_free(&b);
    }
    fflush(o->to);
}

static void hashed(struct out *o, const json_t *row)
{
    field(o, out_str(row, "hash"), true);
    if (o->people && !o->nul) {
        struct buf b = {0};

        fprintf(o->to, "  %s\n", out_shown(&b, out_str(row, "path")));
        buf_free(&b);
    } else {
        field_number(o, out_num(row, "size"));
        field(o, out_str(row, "type"), false);
        field(o, out_str(row, "path"), false);
        end_row(o);
    }
    fflush(o->to);
}

static void skipped(struct out *o, const json_t *row)
{
    bool folder = !strcmp(out_str(row, "type"), "dir");
    struct buf b = {0};

    if (o->people && !o->nul) {
        fprintf(o->to, "%-10s  %s%s\n", out_str(row, "reason"), out_shown(&b, out_str(row, "path")),
                folder ? "/" : "");
        buf_free(&b);
        return;
    }
    field(o, out_str(row, "reason"), true);
    field(o, out_str(row, "type"), false);
    field(o, out_str(row, "path"), false);
    end_row(o);
}

static void folders(struct out *o, const json_t *rows)
{
    const json_t *row;
    size_t i;

    OUT_EACH (rows, i, row) {
        const json_t *here = json_object_get(row, "here"); /* null: nobody knows */
        bool away = json_is_false(here);
        const char *name = out_str(row, "name");
        struct buf b = {0};

        if (o->people && !o->nul) {
            fputs(out_shown(&b, out_str(row, "path")), o->to);
            if (*name)
                fprintf(o->to, "  as %s", out_shown(&b, name));
            fputs(away ? "  (not there now)\n" : "\n", o->to);
            buf_free(&b);
            continue;
        }
        field(o, out_str(row, "path"), true);
        field(o, name, false);
        field(o, away ? "away" : json_is_true(here) ? "here" : "", false);
        end_row(o);
    }
}

const struct printers OUT_TEXT = {
    .search = search,
    .peers = peers,
    .status = out_status,
    .config = config,
    .downloads = downloads,
    .event = event,
    .hashed = hashed,
    .skipped = skipped,
    .folders = folders,
    .play = out_play,
    .inside = out_inside,
    .link = out_link,
    .links = out_links,
    .doctor = out_doctor,
    .log = out_log,
    .wants = out_wants,
};
