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
#define FILE_MAX   (1u << 20)
#define PREFIX_MIN 6

void last_search_save(const struct cli *c, const json_t *rows)
{
    char *path = settings_path(c->home, FILE_NAME);
    struct buf b = {0};
    struct err ignored;
    const json_t *row;
    size_t i;

    OUT_EACH (rows, i, row) {
        json_t *kept =
            json_pack("{ss ss}", "hash", out_str(row, "hash"), "name", out_str(row, "name"));
        char *line = json_dumps(kept, JSON_COMPACT);

        buf_printf(&b, "%s\n", line);
        free(line);
        json_decref(kept);
    }
    (void)save_write(path, buf_cstr(&b), b.len, 0600, &ignored);
    buf_free(&b);
    mem_free(path);
}

/* The nth line, from 1, and how many there are. */
static struct buf nth_line(const struct buf *text, uint64_t n, uint64_t *lines)
{
    const char *at = buf_cstr(text), *end;
    struct buf line = {0};

    for (*lines = 0; (end = strchr(at, '\n')); at = end + 1) {
        if (++*lines == n)
            buf_add(&line, at, (size_t)(end - at));
    }
    return line;
}

static int take_line(const struct buf *line, struct buf *digits, char **title, struct err *e)
{
    json_t *row = json_loadb(buf_cstr(line), line->len, 0, NULL);
    const char *hash = json_string_value(json_object_get(row, "hash"));
    struct hash h;
    int rc = 0;

    if (!hash || !hash_parse(&h, hash, strlen(hash)))
        rc = err_set(e, ERR_USAGE, "cannot read the last search: search again");
    else
        buf_str(digits, hash);
    if (!rc && title)
        *title = mem_str(json_string_value(json_object_get(row, "name")));
    json_decref(row);
    return rc;
}

static int take_row(const struct cli *c, const char *number, struct buf *digits, char **title,
                    struct err *e)
{
    char *path, shown[40];
    struct buf text = {0}, line = {0};
    uint64_t n, lines;
    int rc;

    if (!str_parse_u64(number, 1, FILE_MAX, &n)) {
        err_set(e, ERR_USAGE, "'@%s' is no row of a search",
                show_to(shown, sizeof shown, number, strlen(number)));
        err_hint(e, "@1 is the first row of the last search");
        return -ERR_USAGE;
    }
    path = settings_path(c->home, FILE_NAME);
    rc = save_read(path, FILE_MAX, &text, e);
    mem_free(path);
    if (rc == -ERR_NOT_FOUND) {
        rc = err_set(e, ERR_USAGE, "there is no @%s: nothing was searched yet", number);
    } else if (!rc) {
        line = nth_line(&text, n, &lines);
        rc = n > lines
                 ? err_set(e, ERR_USAGE, "there is no @%s: the last search has %" PRIu64 " rows",
                           number, lines)
                 : take_line(&line, digits, title, e);
    }
    buf_free(&text);
    buf_free(&line);
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
    return 0;
}
