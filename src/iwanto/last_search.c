#include "iwanto/last_search.h"

#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/path.h"
#include "io/save.h"
#include "svc/settings.h"

#include <ctype.h>
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

    OUT_EACH (rows, i, row)
        buf_printf(&b, "%s\n", out_str(row, "hash"));
    (void)save_write(path, buf_cstr(&b), b.len, 0600, &ignored);
    buf_free(&b);
    mem_free(path);
}

static int take_row(const struct cli *c, const char *number, struct buf *digits, struct err *e)
{
    const size_t line = HASH_HEX_LEN + 1;
    char *path, shown[40];
    struct buf text = {0};
    uint64_t n;
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
    } else if (!rc && n > text.len / line) {
        rc = err_set(e, ERR_USAGE, "there is no @%s: the last search has %zu rows", number,
                     text.len / line);
    } else if (!rc) {
        const char *hash = text.data + (n - 1) * line;

        if (str_is_hex(hash, HASH_HEX_LEN))
            buf_add(digits, hash, HASH_HEX_LEN);
        else
            rc = err_set(e, ERR_USAGE, "cannot read the last search: search again");
    }
    buf_free(&text);
    return rc;
}

int last_search_word(const struct cli *c, const char *word, struct buf *digits, struct err *e)
{
    const char *hex = strncmp(word, "sha256:", 7) ? word : word + 7;
    size_t len = strlen(hex);
    char shown[100];

    if (word[0] == '@')
        return take_row(c, word + 1, digits, e);
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
