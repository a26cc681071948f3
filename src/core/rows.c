/* The bytes, all numbers varint (LEB128, shortest form) unless a width is named; u64 big-endian:
 *
 *   answer = head row* | head buckets
 *   head   = LENGTH  generation:u64  number  flags:u8  files  bytes  name_len  name  [ digest:16 ]
 *              flags: 1 reset, 2 more, 4 same, 8 differ (then buckets follow)
 *   buckets = LENGTH  256 times digest:16
 *   row    = LENGTH  kind:u8  number  path_len  path  [ flags:u8  size  mtime  hash:32  [root:32] ]
 *              nothing in [ ] for kind '-'; mtime is zigzag (0, -1, 1, -2 ... are 0, 1, 2, 3 ...)
 *              flags: 1 a root follows. Without it a file's or part's root is that of a content of
 * at most one piece: the SHA-256 of nothing; a folder never has one.
 *
 * LENGTH counts the bytes behind it. What a record has beyond these fields, and flags not named
 * here, are from a later version and skipped. A record is at most ROWS_RECORD_MAX bytes. */
#include "core/rows.h"

#include "base/limits.h"
#include "core/path.h"

#include <assert.h>
#include <string.h>

#define ROWS_RECORD_MAX (2u * PATH_LEN_MAX + 512u)

#define HEAD_RESET  1u
#define HEAD_MORE   2u
#define HEAD_SAME   4u
#define HEAD_DIFFER 8u
#define ROW_ROOT    1u

/* SHA-256 of the empty string. */
const struct hash rows_no_checkpoints = {{0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                                          0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
                                          0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
                                          0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55}};

/* Put the record that was written to b behind start in front of its length. */
static void put_length(struct buf *b, size_t start)
{
    uint8_t raw[10];
    size_t body = b->len - start, n = 0, v = body;

    assert(body <= ROWS_RECORD_MAX);
    for (; v >= 0x80; v >>= 7)
        raw[n++] = (uint8_t)(v | 0x80);
    raw[n++] = (uint8_t)v;
    buf_room(b, n);
    memmove(b->data + start + n, b->data + start, body);
    memcpy(b->data + start, raw, n);
    b->len += n;
    b->data[b->len] = '\0';
}

static uint64_t zigzag(int64_t v)
{
    return v < 0 ? ~((uint64_t)v << 1) : (uint64_t)v << 1;
}

static int64_t unzigzag(uint64_t v)
{
    return v & 1 ? -(int64_t)(v >> 1) - 1 : (int64_t)(v >> 1);
}

void rows_put_head(struct buf *b, const struct rows_head *h)
{
    size_t start = b->len;

    assert(h->name_len <= PEER_NAME_MAX);
    buf_u64(b, h->generation);
    buf_varint(b, h->number);
    buf_u8(b, (uint8_t)((h->reset ? HEAD_RESET : 0) | (h->more ? HEAD_MORE : 0) |
                        (h->same ? HEAD_SAME : 0) | (h->differ ? HEAD_DIFFER : 0)));
    buf_varint(b, h->files);
    buf_varint(b, h->bytes);
    buf_varint(b, h->name_len);
    buf_add(b, h->name, h->name_len);
    if (h->has_digest)
        digest_put(b, &h->digest);
    put_length(b, start);
}

void rows_put_buckets(struct buf *b, const struct digest of[DIGEST_BUCKETS])
{
    size_t start = b->len;

    for (unsigned n = 0; n < DIGEST_BUCKETS; n++)
        digest_put(b, &of[n]);
    put_length(b, start);
}

void rows_put(struct buf *b, const struct row *r)
{
    size_t start = b->len;

    assert(r->path_len <= PATH_LEN_MAX);
    buf_u8(b, (uint8_t)r->kind);
    buf_varint(b, r->number);
    buf_varint(b, r->path_len);
    buf_add(b, r->path, r->path_len);
    if (r->kind != ROW_GONE) {
        bool root = r->kind != ROW_DIR && !hash_eq(&r->root, &rows_no_checkpoints);

        buf_u8(b, root ? ROW_ROOT : 0);
        buf_varint(b, r->size);
        buf_varint(b, zigzag(r->mtime_s));
        buf_add(b, r->hash.b, sizeof r->hash.b);
        if (root)
            buf_add(b, r->root.b, sizeof r->root.b);
    }
    put_length(b, start);
}

/* A reader over the next record; bad when it is cut short or too long. */
static struct rd record(struct rd *r)
{
    uint64_t len = rd_varint(r);

    if (len > ROWS_RECORD_MAX)
        r->bad = true;
    return rd_sub(r, r->bad ? 0 : (size_t)len);
}

bool rows_get_head(struct rd *r, struct rows_head *h)
{
    struct rd f = record(r);
    uint8_t flags;
    uint64_t name_len;

    *h = (struct rows_head){0};
    h->generation = rd_u64(&f);
    h->number = rd_varint(&f);
    flags = rd_u8(&f);
    h->reset = flags & HEAD_RESET;
    h->more = flags & HEAD_MORE;
    h->same = flags & HEAD_SAME;
    h->differ = flags & HEAD_DIFFER;
    if (h->reset + h->same + h->differ > 1 || (h->more && (h->same || h->differ)))
        f.bad = true;
    h->files = rd_varint(&f);
    h->bytes = rd_varint(&f);
    name_len = rd_varint(&f);
    if (name_len > PEER_NAME_MAX)
        f.bad = true;
    else
        h->name = rd_bytes(&f, (size_t)name_len);
    h->name_len = f.bad ? 0 : (size_t)name_len;
    h->has_digest = rd_left(&f) >= DIGEST_BYTES && digest_get(&f, &h->digest);
    r->bad |= f.bad;
    return !r->bad;
}

bool rows_get_buckets(struct rd *r, struct digest of[DIGEST_BUCKETS])
{
    struct rd f = record(r);

    for (unsigned n = 0; n < DIGEST_BUCKETS; n++)
        digest_get(&f, &of[n]);
    r->bad |= f.bad;
    return !r->bad;
}

static bool kind_known(uint8_t kind)
{
    switch ((enum row_kind)kind) {
    case ROW_FILE:
    case ROW_EXEC:
    case ROW_DIR:
    case ROW_PART:
    case ROW_GONE:
        return true;
    }
    return false;
}

/* Is the path one that a row of this kind may have? "" is the shared folder itself. */
static bool path_fits(const struct row *row)
{
    struct hash named;

    if (!row->path_len)
        return row->kind == ROW_DIR || row->kind == ROW_GONE;
    if (row->kind == ROW_PART)
        return hash_parse(&named, row->path, row->path_len) && hash_eq(&named, &row->hash);
    return path_check(row->path, row->path_len) == PATH_OK;
}

static void get_content(struct rd *f, struct row *row)
{
    uint8_t flags = rd_u8(f);

    row->size = rd_varint(f);
    row->mtime_s = unzigzag(rd_varint(f));
    rd_copy(f, row->hash.b, sizeof row->hash.b);
    if (row->kind == ROW_DIR)
        f->bad |= (flags & ROW_ROOT) || row->size > INT64_MAX;
    else if (row->size > FILE_SIZE_MAX)
        f->bad = true;
    else if (flags & ROW_ROOT)
        rd_copy(f, row->root.b, sizeof row->root.b);
    else
        row->root = rows_no_checkpoints;
}

bool rows_get(struct rd *r, struct row *row)
{
    struct rd f = record(r);
    uint8_t kind = rd_u8(&f);
    uint64_t path_len;

    *row = (struct row){0};
    if (!kind_known(kind))
        f.bad = true;
    row->kind = (enum row_kind)kind;
    row->number = rd_varint(&f);
    path_len = rd_varint(&f);
    if (path_len > PATH_LEN_MAX)
        f.bad = true;
    else
        row->path = rd_bytes(&f, (size_t)path_len);
    row->path_len = f.bad ? 0 : (size_t)path_len;
    if (row->kind != ROW_GONE)
        get_content(&f, row);
    if (!f.bad && !path_fits(row))
        f.bad = true;
    r->bad |= f.bad;
    return !r->bad;
}
