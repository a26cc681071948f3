/* /v1/known: which of many hashes somebody shares, in one answer. /v1/version: whether anything is
 * new. */
#include "base/mem.h"
#include "svc/desk_priv.h"

#include <string.h>

#define FOUND_MAX HOLDERS_MAX /* entries of one hash that are looked at for one that is whole */

/* [kind, size, holders], or null. */
static json_t *row(const struct catalog *c, const struct hash *hash)
{
    struct catalog_holder found[FOUND_MAX];
    const struct catalog_holder *whole = NULL;
    size_t all = catalog_holders(c, hash, found, FOUND_MAX), parts = 0;
    size_t count = all < FOUND_MAX ? all : FOUND_MAX;
    char kind[2] = "";
    json_t *answer;

    for (size_t n = 0; n < count; n++) {
        if (found[n].kind == ROW_PART)
            parts++;
        else if (!whole)
            whole = &found[n];
    }
    if (whole)
        kind[0] = (char)whole->kind;
    answer = whole
                 ? json_pack("[s, I, I]", kind, (json_int_t)whole->size, (json_int_t)(all - parts))
                 : json_null();
    catalog_holders_done(found, count);
    return answer;
}

json_t *desk_known(struct desk *d, const char *rest, const char *args, unsigned *status)
{
    size_t len = strlen(args), count = len / HASH_HEX_LEN;
    json_t *rows = json_array();
    struct hash hash;
    bool good = !*rest && count && count <= KNOWN_HASHES_MAX && len == count * HASH_HEX_LEN;

    for (size_t n = 0; good && n < count; n++) {
        good = hash_parse(&hash, args + n * HASH_HEX_LEN, HASH_HEX_LEN);
        if (good)
            json_array_append_new(rows, row(d->catalog, &hash));
    }
    if (good)
        return json_pack("{s:o}", "rows", rows);
    json_decref(rows);
    *status = 400;
    return json_pack("{s:s}", "error", "not 1 to 4096 hashes of 64 digits");
}

/* Together with the roster's version (a peer announced something) this changes whenever rows come
 * in. */
json_t *desk_version(struct desk *d, const char *rest, const char *args, unsigned *status)
{
    (void)args;
    if (!*rest)
        return json_pack("{s:I}", "rows", (json_int_t)d->pulled_rows);
    *status = 404;
    return json_pack("{s:s}", "error", "there is no such question");
}
