#include "iwanto/last_search.h"

#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/path.h"
#include "io/save.h"
#include "svc/settings.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME  "last-search"
#define FILE_MAX   (8u << 20)
#define ROW_MAX    1000000u
#define PREFIX_MIN 6

/* {"search":"...","rows":{"1":["HASH","name"],...}} or NULL. *rc: what reading the file gave. */
static json_t *load(const struct cli *c, int *rc, struct err *e)
{
    char *path = settings_path(c->home, FILE_NAME);
    struct buf text = {0};
    json_t *last = NULL;

    *rc = save_read(path, FILE_MAX, &text, e);
    if (!*rc)
        last = json_loadb(buf_cstr(&text), text.len, 0, NULL);
    buf_free(&text);
    mem_free(path);
    return last;
}

static void add_rows(json_t *kept, const json_t *rows)
{
    const json_t *row;
    char number[24];
    size_t i;

    OUT_EACH (rows, i, row) {
        snprintf(number, sizeof number, "%" PRIu64, out_num(row, "row"));
        json_object_set_new(kept, number,
                            json_pack("[ss]", out_str(row, "hash"), out_str(row, "name")));
    }
}

static bool write_rows(const char *path, const char *search, json_t *kept)
{
    json_t *last = json_pack("{ss sO}", "search", search, "rows", kept);
    char *text = json_dumps(last, JSON_COMPACT);
    size_t len = text ? strlen(text) : 0;
    struct err ignored;

    if (text && len <= FILE_MAX)
        (void)save_note(path, text, len, 0600, &ignored);
    free(text);
    json_decref(last);
    return len && len <= FILE_MAX;
}

void last_search_save(const struct cli *c, const char *search, const json_t *rows)
{
    char *path = settings_path(c->home, FILE_NAME);
    struct err ignored;
    int rc;
    json_t *last = load(c, &rc, &ignored), *kept = json_object_get(last, "rows");
    bool same = json_is_object(kept) && !strcmp(out_str(last, "search"), search);

    kept = same ? json_incref(kept) : json_object();
    add_rows(kept, rows);
    if (!write_rows(path, search, kept)) { /* more pages than there is room for */
        json_object_clear(kept);
        add_rows(kept, rows);
        (void)write_rows(path, search, kept);
    }
    json_decref(kept);
    json_decref(last);
    mem_free(path);
}

/* Which rows there are, for those who ask for another. */
static int no_row(json_t *rows, uint64_t n, struct err *e)
{
    uint64_t least = UINT64_MAX, most = 0, at;
    const char *key;
    json_t *row;

    json_object_foreach (rows, key, row) {
        if (!str_parse_u64(key, 1, ROW_MAX, &at))
            continue;
        least = at < least ? at : least;
        most = at > most ? at : most;
    }
    if (!most)
        return err_set(e, ERR_USAGE, "cannot read the last search: search again");
    return err_set(e, ERR_USAGE,
                   "there is no @%" PRIu64 ": the last search showed @%" PRIu64 " to @%" PRIu64, n,
                   least, most);
}

static int take_row(const struct cli *c, const char *number, struct buf *digits, char **title,
                    struct err *e)
{
    json_t *last, *rows, *row;
    const char *hash;
    struct hash h;
    char shown[40], key[24];
    uint64_t n;
    int rc;

    if (!str_parse_u64(number, 1, ROW_MAX, &n)) {
        err_set(e, ERR_USAGE, "'@%s' is no row of a search",
                show_to(shown, sizeof shown, number, strlen(number)));
        err_hint(e, "@1 is the first row of the last search");
        return -ERR_USAGE;
    }
    last = load(c, &rc, e);
    rows = json_object_get(last, "rows");
    snprintf(key, sizeof key, "%" PRIu64, n);
    row = json_object_get(rows, key);
    hash = json_string_value(json_array_get(row, 0));
    if (rc == -ERR_NOT_FOUND)
        rc = err_set(e, ERR_USAGE, "there is no @%s: nothing was searched yet", number);
    else if (!rc && json_is_object(rows) && !row)
        rc = no_row(rows, n, e);
    else if (!rc && (!hash || !hash_parse(&h, hash, strlen(hash))))
        rc = err_set(e, ERR_USAGE, "cannot read the last search: search again");
    if (!rc) {
        buf_str(digits, hash);
        if (title && json_is_string(json_array_get(row, 1)))
            *title = mem_str(json_string_value(json_array_get(row, 1)));
    }
    json_decref(last);
    return rc;
}

/* Digits that begin the hash of one row of the last search name that one; of several, none. */
static int in_last_search(const struct cli *c, const char *digits, struct buf *hash, char **title,
                          struct err *e)
{
    json_t *last, *row, *rows, *found = NULL;
    const char *key, *hex;
    struct err ignored;
    struct hash h;
    int rc;

    last = load(c, &rc, &ignored);
    rows = json_object_get(last, "rows");
    rc = 0;
    json_object_foreach (rows, key, row) {
        hex = json_string_value(json_array_get(row, 0));
        if (!hex || strncmp(hex, digits, strlen(digits)) || !hash_parse(&h, hex, strlen(hex)))
            continue;
        if (found && strcmp(json_string_value(json_array_get(found, 0)), hex) != 0)
            rc = -ERR_USAGE;
        found = row;
    }
    if (rc) {
        err_set(e, ERR_USAGE, "more than one row of the last search begins with %s", digits);
        err_hint(e, "give more digits, or @N for row N");
    } else if (found) {
        buf_reset(hash);
        buf_str(hash, json_string_value(json_array_get(found, 0)));
        if (title && json_is_string(json_array_get(found, 1)))
            *title = mem_str(json_string_value(json_array_get(found, 1)));
    }
    json_decref(last);
    return rc;
}

int last_search_word(const struct cli *c, const char *word, struct buf *digits, char **title,
                     struct err *e)
{
    const char *hex = strncmp(word, "sha256:", 7) ? word : word + 7;
    size_t len = strlen(hex);
    char shown[100];

    if (title)
        *title = NULL;
    if (word[0] == '@')
        return take_row(c, word + 1, digits, title, e);
    show_to(shown, sizeof shown, word, strlen(word));
    if (!len || len > HASH_HEX_LEN || !str_is_hex(hex, len)) {
        err_set(e, ERR_USAGE, "'%s' is no hash", shown);
        err_hint(e, "a hash is 64 hex digits, their beginning, or @N: row N of the last search");
        return -ERR_USAGE;
    }
    if (len < PREFIX_MIN)
        return err_set(e, ERR_USAGE, "'%s' is too short: %d digits at least", shown, PREFIX_MIN);
    for (size_t i = 0; i < len; i++)
        buf_char(digits, (char)tolower((unsigned char)hex[i]));
    if (len == HASH_HEX_LEN)
        return 0;
    str_copy(shown, sizeof shown, digits->data);
    return in_last_search(c, shown, digits, title, e);
}

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

json_t *last_search_rows(const struct cli *c)
{
    struct err ignored;
    int rc;
    json_t *last = load(c, &rc, &ignored), *rows = json_object_get(last, "rows"), *row;
    uint64_t *number = mem_zero(json_object_size(rows) + 1, sizeof *number);
    json_t *list = json_array();
    size_t count = 0;
    const char *key;
    char text[24];

    json_object_foreach (rows, key, row)
        count += str_parse_u64(key, 1, ROW_MAX, &number[count]);
    qsort(number, count, sizeof *number, by_number);
    for (size_t n = 0; n < count; n++) {
        snprintf(text, sizeof text, "%" PRIu64, number[n]);
        row = json_object_get(rows, text);
        json_array_append_new(list,
                              json_pack("{sI sO* sO*}", "row", (json_int_t)number[n], "hash",
                                        json_array_get(row, 0), "name", json_array_get(row, 1)));
    }
    mem_free(number);
    json_decref(last);
    return list;
}
