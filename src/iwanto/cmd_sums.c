#include "iwanto/cmd_sums.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "core/path.h"
#include "io/term.h"
#include "iwanto/client.h"
#include "iwanto/sums_list.h"
#include "svc/hash_file.h"
#include "svc/json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ASK_MS      10000 /* for a leader to appear and answer */
#define MARGIN_MS   3000
#define AT_ONCE     64 /* the service remembers 100 that have ended */
#define QUEUE_MAX   500
#define PATIENCE_MS 20000
#define READ_BYTES  (1u << 20)

struct sums {
    struct cli *c;
    struct order *o;
    struct sums_list list;
    struct buf dir;    /* -o with a slash behind it, or "" */
    struct root *root; /* the download folder; NULL: it cannot be looked at */
    char *folder;
    void *block;
    struct sums_entry *part[QUEUE_MAX]; /* what is ordered now */
    size_t parts;
    size_t settled; /* here, or ended */
    int rc;         /* of the first that failed */
};

/* ---- who has what ---- */

static int ask_some(struct sums *s, size_t from, size_t count, struct err *e)
{
    unsigned ms = s->c->common.timeout_s ? (unsigned)s->c->common.timeout_s * 1000u : ASK_MS;
    json_t *hashes = json_array(), *body = json_pack("{so}", "hashes", hashes), *answer;
    const json_t *rows, *row;
    char path[64], *text;
    size_t i;
    int rc;

    for (i = 0; i < count; i++)
        json_array_append_new(hashes, json_string(s->list.entry[from + i].hex));
    snprintf(path, sizeof path, "/v1/known?timeout_ms=%u", ms);
    text = json_dumps(body, JSON_COMPACT);
    rc = client_ask(s->c, "POST", path, text, strlen(text), ms + MARGIN_MS, &answer, e);
    free(text);
    json_decref(body);
    if (rc)
        return rc;
    rows = json_object_get(answer, "rows");
    OUT_EACH (rows, i, row) {
        const char *kind = json_string_value(json_array_get(row, 0));
        struct sums_entry *entry = &s->list.entry[from + i];

        if (i >= count || !kind || *kind == 'd') /* a list of sums names no folders */
            continue;
        entry->state = SUMS_THERE;
        entry->size = (uint64_t)json_integer_value(json_array_get(row, 1));
    }
    json_decref(answer);
    return 0;
}

/* ---- what is here ---- */

static int open_folder(struct sums *s, struct err *e)
{
    const json_t *rows, *row;
    json_t *answer;
    struct err ignored;
    size_t i;
    int rc = client_ask(s->c, "GET", "/v1/config", NULL, 0, ASK_MS, &answer, e);

    if (rc)
        return rc;
    rows = json_object_get(answer, "settings");
    OUT_EACH (rows, i, row)
        if (!strcmp(out_str(row, "section"), "Paths") && !strcmp(out_str(row, "name"), "download"))
            s->folder = mem_str(out_str(row, "value"));
    json_decref(answer);
    s->root = s->folder ? root_open(s->folder, &ignored) : NULL;
    return 0;
}

static char *place_of(const struct sums *s, const struct sums_entry *entry)
{
    struct buf b = {0};

    buf_add(&b, buf_cstr(&s->dir), s->dir.len);
    buf_str(&b, entry->name);
    return buf_take(&b, NULL);
}

static bool has_content(struct sums *s, const char *path, const struct sums_entry *entry)
{
    struct hash_file h;
    struct hash hash, root;
    struct err ignored;
    enum hash_end end = HASH_FAILED;
    char hex[HASH_HEX_LEN + 1];

    if (!hash_file_open(&h, s->root, path, &ignored) &&
        (entry->state != SUMS_THERE || h.st.size == entry->size)) {
        do
            end = hash_file_read(&h, s->block, READ_BYTES, READ_BYTES, &hash, &root, &ignored);
        while (end == HASH_MORE);
    }
    hash_file_close(&h);
    if (end != HASH_DONE)
        return false;
    hash_hex(&hash, hex);
    return !strcmp(hex, entry->hex);
}

static void tell_here(struct sums *s, const struct sums_entry *entry, const char *path,
                      uint64_t size)
{
    struct buf whole = {0};
    json_t *event;

    buf_printf(&whole, "%s/%s", s->folder, path);
    event = json_pack("{ss ss ss ss so sI sI si}", "event", "skipped", "hash", entry->hex, "kind",
                      "f", "name", entry->name, "path", json_text(whole.data), "size",
                      (json_int_t)size, "bytes", (json_int_t)size, "holders", 0);
    s->c->out.print->event(&s->c->out, event);
    json_decref(event);
    buf_free(&whole);
}

/* Those whose file is there already need not be fetched. */
static void look(struct sums *s)
{
    bool tell = term_is(2) && !s->c->common.quiet && !s->c->common.json, told = false;

    s->block = mem_alloc(READ_BYTES);
    for (size_t i = 0; s->root && i < s->list.count; i++) {
        struct sums_entry *entry = &s->list.entry[i];
        char *path = place_of(s, entry);
        struct root_stat st;
        struct err ignored;

        if (*entry->name && !root_stat_at(s->root, path, &st, &ignored) &&
            (st.kind == 'f' || st.kind == 'x')) {
            if (tell)
                fprintf(stderr, "\rlooking at what is there: %zu of %zu ", i + 1, s->list.count);
            told = tell;
            if (has_content(s, path, entry)) {
                entry->state = SUMS_HERE;
                s->settled++;
                tell_here(s, entry, path, st.size);
            }
        }
        mem_free(path);
    }
    if (told)
        fprintf(stderr, "\r%50s\r", "");
    mem_free(s->block);
}

/* ---- fetching ---- */

static void on_ended(void *ctx, const json_t *event)
{
    const char *what = out_str(event, "event"), *hash = out_str(event, "hash");
    struct sums *s = ctx;
    int exit = (int)out_num(event, "exit");

    for (size_t i = 0; i < s->parts; i++) {
        if (strcmp(s->part[i]->hex, hash) != 0)
            continue;
        s->settled++;
        if (!strcmp(what, "done"))
            s->part[i]->state = SUMS_FETCHED;
        else if (!strcmp(what, "skipped"))
            s->part[i]->state = SUMS_HERE;
        else if (!strcmp(what, "queued") && s->o->detach)
            s->part[i]->state = SUMS_QUEUED;
        else if (exit == ERR_NOT_FOUND) /* its holder has just gone */
            s->part[i]->state = SUMS_MISSING;
        else
            s->part[i]->state = SUMS_FAILED;
        if (s->part[i]->state == SUMS_FAILED && !s->rc)
            s->rc = -(exit ? exit : ERR_IO);
        return;
    }
}

/* The next entries that somebody has, none of them with a hash that another one has: the queue
 * knows a hash once. */
static void choose_part(struct sums *s)
{
    size_t max = s->o->detach ? QUEUE_MAX : AT_ONCE;
    json_t *in = json_object();

    s->parts = 0;
    for (size_t i = 0; i < s->list.count; i++)
        if (s->list.entry[i].state == SUMS_QUEUED)
            json_object_set_new(in, s->list.entry[i].hex, json_true());
    for (size_t i = 0; i < s->list.count && s->parts < max; i++) {
        struct sums_entry *entry = &s->list.entry[i];

        if (entry->state != SUMS_THERE || json_object_get(in, entry->hex))
            continue;
        json_object_set_new(in, entry->hex, json_true());
        s->part[s->parts++] = entry;
    }
    json_decref(in);
}

static int fetch_part(struct sums *s, struct err *e)
{
    int rc;

    json_array_clear(s->o->wants);
    for (size_t i = 0; i < s->parts; i++) {
        char *place = place_of(s, s->part[i]);

        order_want(s->o, s->part[i]->hex, NULL, *place ? place : NULL);
        mem_free(place);
    }
    s->o->before = s->settled;
    e->code = 0;
    rc = order_run(s->c, s->o, e);
    for (size_t i = 0; i < s->parts; i++) {
        if (s->part[i]->state != SUMS_THERE)
            continue;
        s->part[i]->state = SUMS_FAILED; /* nobody gave anything of it */
        s->rc = s->rc ? s->rc : -ERR_UNFINISHED;
        s->settled++;
    }
    return rc && e->text[0] ? rc : 0; /* what failed by itself was told, and counts in s->rc */
}

static int fetch_all(struct sums *s, struct err *e)
{
    int rc = 0;

    s->o->all = 0;
    for (size_t i = 0; i < s->list.count; i++)
        s->o->all += s->list.entry[i].state != SUMS_MISSING;
    s->o->ended = on_ended;
    s->o->ctx = s;
    s->o->patience_ms = PATIENCE_MS;
    for (choose_part(s); !rc && s->parts; choose_part(s))
        rc = fetch_part(s, e);
    return rc;
}

/* ---- the report ---- */

static void tell_missing(struct sums *s)
{
    struct buf b = {0};

    for (size_t i = 0; i < s->list.count; i++) {
        const struct sums_entry *entry = &s->list.entry[i];
        json_t *event;

        if (entry->state != SUMS_MISSING)
            continue;
        if (s->c->common.json) {
            event = json_pack("{ss ss ss}", "event", "missing", "hash", entry->hex, "name",
                              entry->name);
            s->c->out.print->event(&s->c->out, event);
            json_decref(event);
            continue;
        }
        cli_say(s->c, "nobody has  %.10s  %s", entry->hex, out_shown(&b, entry->name));
    }
    buf_free(&b);
}

static void add_count(struct buf *b, size_t n, const char *what)
{
    if (n)
        buf_printf(b, "%s%zu %s", b->len ? ", " : "", n, what);
}

static void tell_report(struct sums *s, const size_t n[SUMS_FAILED + 1])
{
    const struct sums_list *l = &s->list;
    struct buf b = {0};
    json_t *event;

    if (s->c->common.json) {
        event = json_pack("{ss sI sI sI sI sI sI sI sI sI}", "event", "report", "all",
                          (json_int_t)l->count, "fetched", (json_int_t)n[SUMS_FETCHED], "here",
                          (json_int_t)n[SUMS_HERE], "queued", (json_int_t)n[SUMS_QUEUED], "missing",
                          (json_int_t)n[SUMS_MISSING], "failed", (json_int_t)n[SUMS_FAILED],
                          "refused", (json_int_t)l->refused, "other", (json_int_t)l->other,
                          "unknown", (json_int_t)l->unknown);
        s->c->out.print->event(&s->c->out, event);
        json_decref(event);
        return;
    }
    add_count(&b, n[SUMS_FETCHED], "fetched");
    add_count(&b, n[SUMS_HERE], "there already");
    add_count(&b, n[SUMS_QUEUED], "queued");
    add_count(&b, n[SUMS_MISSING], "that nobody has");
    add_count(&b, n[SUMS_FAILED], "not fetched");
    add_count(&b, n[SUMS_THERE], "not asked for yet");
    cli_say(s->c, "of %zu: %s", l->count, buf_cstr(&b));
    buf_reset(&b);
    add_count(&b, l->refused, "with a name that may not be used");
    add_count(&b, l->other, "of another kind");
    add_count(&b, l->unknown, "that are no sums");
    if (b.len)
        cli_say(s->c, "lines left out: %s", b.data);
    buf_free(&b);
}

static int report(struct sums *s, int rc, struct err *e)
{
    size_t n[SUMS_FAILED + 1] = {0};

    for (size_t i = 0; i < s->list.count; i++)
        n[s->list.entry[i].state]++;
    tell_missing(s);
    tell_report(s, n);
    if (rc)
        return rc;
    rc = s->rc             ? s->rc
         : n[SUMS_THERE]   ? -ERR_UNFINISHED
         : n[SUMS_MISSING] ? -ERR_NOT_FOUND
         : s->list.refused ? -ERR_USAGE
                           : 0;
    if (rc)
        err_set(e, (enum err_code) - rc, "%s", ""); /* the report has said it */
    return rc;
}

int sums_download(struct cli *c, struct order *o, const char *file, struct err *e)
{
    struct sums s = {.c = c, .o = o};
    int rc = sums_list_read(&s.list, file, e);

    if (o->output)
        buf_printf(&s.dir, "%s%s", o->output, o->output[strlen(o->output) - 1] == '/' ? "" : "/");
    for (size_t at = 0; !rc && at < s.list.count; at += KNOWN_HASHES_MAX)
        rc = ask_some(
            &s, at, s.list.count - at < KNOWN_HASHES_MAX ? s.list.count - at : KNOWN_HASHES_MAX, e);
    if (!rc)
        rc = open_folder(&s, e);
    if (!rc) {
        look(&s);
        rc = fetch_all(&s, e);
        rc = report(&s, rc, e);
    }
    root_close(s.root);
    mem_free(s.folder);
    buf_free(&s.dir);
    sums_list_free(&s.list);
    return rc;
}
