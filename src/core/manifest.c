/* A folder's manifest, the second half of content.h. */
#include "core/content.h"
#include "core/path.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define SIZE_DIGITS_MAX 19 /* of INT64_MAX */

void content_manifest_add(struct buf *b, const struct content_entry *entry)
{
    char hex[HASH_HEX_LEN + 1];

    assert(entry->kind == 'f' || entry->kind == 'x' || entry->kind == 'd');
    assert(path_check_name(entry->name, entry->name_len) == PATH_OK);
    assert(entry->size <= (entry->kind == 'd' ? INT64_MAX : FILE_SIZE_MAX));
    hash_hex(&entry->hash, hex);
    buf_printf(b, "%s %" PRIu64 " %c ", hex, entry->size, entry->kind);
    path_escape(b, entry->name, entry->name_len);
    buf_char(b, '\n');
}

/* The field up to the next space; NULL when there is none. */
static const char *field(const char **at, const char *end, size_t *len)
{
    const char *start = *at;
    const char *space = memchr(start, ' ', (size_t)(end - start));

    if (!space)
        return NULL;
    *len = (size_t)(space - start);
    *at = space + 1;
    return start;
}

static bool parse_hash(struct hash *h, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] >= 'A' && text[i] <= 'F') /* one hash has one form */
            return false;
    return hash_parse(h, text, len);
}

static bool parse_size(uint64_t *size, const char *text, size_t len)
{
    uint64_t v = 0;

    if (!len || len > SIZE_DIGITS_MAX || (text[0] == '0' && len > 1))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(text[i] - '0');
    }
    *size = v;
    return true;
}

/* One line without its newline; NULL, or what is wrong with it. */
static const char *parse_line(struct content_entry *entry, const char *at, const char *end)
{
    enum path_fault fault;
    const char *f;
    size_t len;

    f = field(&at, end, &len);
    if (!f || !parse_hash(&entry->hash, f, len))
        return "the hash is not 64 lowercase hex digits";
    f = field(&at, end, &len);
    if (!f || !parse_size(&entry->size, f, len))
        return "the size is not a plain number";
    f = field(&at, end, &len);
    if (!f || len != 1 || !memchr("fxd", f[0], 3))
        return "the kind is none of f, x, d";
    entry->kind = f[0];
    if (entry->size > (entry->kind == 'd' ? INT64_MAX : FILE_SIZE_MAX))
        return "the size is over the limit";
    if (!path_unescape(entry->name, NAME_LEN_MAX, &entry->name_len, at, (size_t)(end - at)))
        return "the name is too long or not escaped as it must be";
    entry->name[entry->name_len] = '\0';
    fault = path_check_name(entry->name, entry->name_len);
    return fault == PATH_OK ? NULL : path_fault_text(fault);
}

static bool name_before(const struct content_entry *a, const struct content_entry *b)
{
    size_t common = a->name_len < b->name_len ? a->name_len : b->name_len;
    int cmp = memcmp(a->name, b->name, common);

    return cmp ? cmp < 0 : a->name_len < b->name_len;
}

static int refuse(struct err *e, uint64_t line, const char *reason)
{
    return err_set(e, ERR_BAD_CONTENT, "line %" PRIu64 " of the folder's manifest: %s", line,
                   reason);
}

int content_manifest_parse(const void *text, size_t len,
                           bool (*fn)(void *ctx, const struct content_entry *entry, struct err *e),
                           void *ctx, uint64_t *total, struct err *e)
{
    struct content_entry entry[2]; /* this line's and the one before */
    const char *at = len ? text : "", *end = at + len;
    uint64_t sum = 0;

    if (len > MANIFEST_BYTES_MAX)
        return err_set(e, ERR_BAD_CONTENT, "the folder's manifest has %zu bytes; %u are the limit",
                       len, MANIFEST_BYTES_MAX);
    for (uint64_t line = 1; at != end; line++) {
        struct content_entry *now = &entry[line % 2], *before = &entry[(line + 1) % 2];
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const char *reason;

        if (!stop)
            return refuse(e, line, "it does not end");
        reason = parse_line(now, at, stop);
        if (reason)
            return refuse(e, line, reason);
        if (line > 1 && !name_before(before, now))
            return refuse(e, line, "the name does not come after the one before");
        if (now->size > INT64_MAX - sum)
            return refuse(e, line, "the sum of the sizes is over the limit");
        sum += now->size;
        if (!fn(ctx, now, e))
            return -e->code;
        at = stop + 1;
    }
    if (total)
        *total = sum;
    return 0;
}
