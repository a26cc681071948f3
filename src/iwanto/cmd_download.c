/* download HASH...: from words to hashes, handed to the service (order.c) and shown. */
#include "iwanto/cli.h"

#include "base/buf.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/path.h"
#include "core/sums.h"
#include "iwanto/client.h"
#include "iwanto/cmd_folders.h"
#include "iwanto/cmd_sums.h"
#include "iwanto/last_search.h"
#include "iwanto/order.h"

#include <string.h>

#define RESOLVE_MS 5000

enum { OPT_SUMS = 20 };

const struct opt DOWNLOAD_OPTS[] = {
    ORDER_OPTS,
    {OPT_SUMS, "sums", "FILE", "whatever of a list of sums (SHA256SUMS, - for stdin) anyone has",
     false},
    {0, NULL, NULL, NULL, false},
};

/* What was typed. */
struct typed {
    struct order order;
    json_t *words; /* array of {"digits", "title", "name"} */
    const char *sums;
    bool named; /* the last word was a whole sum, and may be followed by its file's name */
};

static int take_option(struct typed *t, int id, const char *value, struct err *e)
{
    int rc = order_option(&t->order, id, value, e);

    t->named = false;
    if (id == OPT_SUMS)
        t->sums = value;
    return rc < 0 ? rc : 0;
}

static void add_word(struct typed *t, const char *digits, const char *title, const char *name)
{
    json_array_append_new(
        t->words, json_pack("{ss ss* ss*}", "digits", digits, "title", title, "name", name));
}

static bool is_sum(const char *word)
{
    return strlen(word) == HASH_HEX_LEN && str_is_hex(word, HASH_HEX_LEN);
}

/* A whole line of a list of sums, as one word; or the name behind a sum that was the word before.
 * 1: it is neither. */
static int take_line(struct typed *t, const char *word, struct err *e)
{
    json_t *last = json_array_get(t->words, json_array_size(t->words) - 1);
    struct sums_line line;
    struct buf b = {0};
    enum sums_kind kind;
    char shown[100];

    if (strpbrk(word, " \t("))
        buf_str(&b, word);
    else if (t->named)
        buf_printf(&b, "%s %s%s", out_str(last, "digits"), *word == '*' ? "" : " ", word);
    else
        return 1;
    kind = sums_line(b.data, b.len, &line);
    buf_free(&b);
    if (kind == SUMS_BAD_NAME)
        return cli_usage(e, "download", "cannot use the name %s: %s",
                         show_to(shown, sizeof shown, line.name, line.name_len), line.why);
    if (kind == SUMS_OTHER)
        return cli_usage(e, "download",
                         "this is no SHA-256 sum; only those name what others share");
    if (kind != SUMS_SUM)
        return 1;
    if (t->named && !strpbrk(word, " \t(")) {
        json_object_set_new(last, "name", json_string(line.name));
    } else {
        char hex[HASH_HEX_LEN + 1];

        hash_hex(&line.hash, hex);
        add_word(t, hex, NULL, line.name_len ? line.name : NULL);
    }
    return 0;
}

static int take_word(const struct cli *c, struct typed *t, const char *word, struct err *e)
{
    struct buf digits = {0};
    char *title = NULL;
    int rc = last_search_word(c, word, &digits, &title, e);

    if (!rc) {
        add_word(t, digits.data, title, NULL);
        t->named = is_sum(word);
    } else if (word[0] != '@') {
        int line = take_line(t, word, e);

        rc = line == 1 ? rc : line;
        t->named = false;
    }
    buf_free(&digits);
    mem_free(title);
    return rc;
}

/* Where to: -o, which is a folder for several; else the name of a list's line. */
static char *place_of(const struct order *o, const json_t *word, bool several)
{
    const char *name = out_str(word, "name");
    struct buf b = {0};

    if (!o->output)
        return *name ? mem_str(name) : NULL;
    buf_str(&b, o->output);
    if (several && b.data[b.len - 1] != '/')
        buf_char(&b, '/');
    if (b.data[b.len - 1] == '/')
        buf_str(&b, name);
    return buf_take(&b, NULL);
}

static int resolve(const struct cli *c, struct typed *t, struct err *e)
{
    unsigned ms = c->common.timeout_s ? (unsigned)c->common.timeout_s * 1000u : RESOLVE_MS;
    bool several = json_array_size(t->words) > 1;
    const json_t *word;
    json_t *hash;
    size_t i;

    OUT_EACH (t->words, i, word) {
        char *place;
        int rc = client_resolve(c, out_str(word, "digits"), ms, &hash, e);

        if (rc)
            return rc;
        place = place_of(&t->order, word, several);
        order_want(&t->order, json_string_value(hash),
                   json_string_value(json_object_get(word, "title")), place);
        mem_free(place);
        json_decref(hash);
    }
    return 0;
}

static int fetch(struct cli *c, struct typed *t, struct err *e)
{
    bool words = json_array_size(t->words) > 0;
    int rc = 0;

    if (t->sums && words)
        return cli_usage(e, "download", "--sums takes the place of hashes");
    if (!t->sums && !words)
        return cli_usage(e, "download", "download needs a hash");
    if (!t->sums)
        rc = resolve(c, t, e);
    if (rc)
        return rc;
    cli_open_out(c);
    return t->sums ? sums_download(c, &t->order, t->sums, e) : order_run(c, &t->order, e);
}

static int download_to(struct cli *c, struct opt_scan *s, struct err *e)
{
    const char *path;
    int id = opt_next(s, &path, e);

    if (id == OPT_END)
        return cli_usage(e, "download", "download to needs a folder");
    if (id == OPT_WORD)
        id = opt_nothing_more(s, e);
    return id < 0 ? id : change_folder(c, FOLDER_DOWNLOAD, path, e);
}

int cmd_download(struct cli *c, struct opt_scan *s, struct err *e)
{
    struct typed t = {.words = json_array()};
    const char *word;
    bool to = false;
    int id = 0, rc = 0;

    order_init(&t.order, "download");
    while (!rc && !to && (id = opt_next(s, &word, e)) > 0) {
        to = id == OPT_WORD && !json_array_size(t.words) && !strcmp(word, "to");
        if (!to)
            rc = id == OPT_WORD ? take_word(c, &t, word, e) : take_option(&t, id, word, e);
    }
    if (!rc && id < 0)
        rc = id;
    if (!rc)
        rc = to ? download_to(c, s, e) : fetch(c, &t, e);
    json_decref(t.words);
    order_free(&t.order);
    return rc;
}
