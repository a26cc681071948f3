/* A catalog of any names, asked any query. Lines: "+PATH" a file, "/PATH" a folder, "-PATH" gone,
 * "!" drop the peer,
 * "?QUERY" a search; anything else is a name. All peers are one of two, by the line's length. */
#include "base/limits.h"
#include "core/catalog.h"
#include "core/search.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(struct catalog *c, enum row_kind kind, const struct nid *nid, const char *path,
                size_t len)
{
    struct row row = {
        .kind = kind, .path = path, .path_len = len, .size = len, .mtime_s = (int64_t)len};

    if (len > PATH_LEN_MAX || (!len && kind == ROW_FILE))
        return;
    row.hash.b[0] = len ? (uint8_t)path[len - 1] : 0;
    row.hash.b[1] = (uint8_t)len;
    row.root = len % 3 || kind == ROW_DIR ? (struct hash){0} : rows_no_checkpoints;
    catalog_put(c, nid, &row);
}

static void ask(struct catalog *c, const char *text, size_t len)
{
    static const char *const types[] = {NULL, "file", "dir", "video", NULL, NULL};
    struct search_query q = {.text = text, .len = len, .smaller = UINT64_MAX, .newer_s = INT64_MIN};
    struct search_result r;
    char in[32];

    q.type = types[len % 6];
    q.limit = len % 5 + 1;
    q.offset = len % 7 ? 0 : 2;
    if (len && len < sizeof in && len % 4 == 0) {
        memcpy(in, text, len);
        in[len] = '\0';
        q.in = in;
    }
    catalog_settle(c);
    search_run(c, &q, &r);
    assert(r.rows <= q.limit && (!r.rows || r.about >= q.offset + r.rows));
    for (size_t i = 0; i < r.rows; i++) {
        assert(r.row[i].score >= 0 && r.row[i].score <= 1);
        assert(r.row[i].path_len && r.row[i].holders);
        for (size_t k = 0; k < i; k++)
            assert(!hash_eq(&r.row[i].hash, &r.row[k].hash));
    }
    assert(strlen(r.corrected) <= QUERY_LEN_MAX && strlen(r.nearest) <= QUERY_LEN_MAX);
    search_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct catalog *c = catalog_new(size);
    const char *p = (const char *)data, *end = p + size;

    for (int lines = 0; p < end && lines < 200; lines++) {
        const char *line = p, *stop = memchr(p, '\n', (size_t)(end - p));
        size_t len = (size_t)((stop ? stop : end) - p);
        struct nid nid = {{(uint8_t)(1 + len % 2)}};

        p = stop ? stop + 1 : end;
        if (!len)
            continue;
        switch (line[0]) {
        case '/':
            put(c, ROW_DIR, &nid, line + 1, len - 1);
            break;
        case '-':
            put(c, ROW_GONE, &nid, line + 1, len - 1);
            nid.b[0] ^= 3; /* in either peer */
            put(c, ROW_GONE, &nid, line + 1, len - 1);
            break;
        case '!':
            catalog_drop(c, &nid);
            break;
        case '?':
            ask(c, line + 1, len - 1);
            break;
        default:
            put(c, ROW_FILE, &nid, line + (line[0] == '+'), len - (line[0] == '+'));
        }
    }
    catalog_check(c);
    catalog_settle(c);
    catalog_check(c);
    catalog_free(c);
    return 0;
}
