#include "core/tar.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BLOCK     512
#define NAME_LEN  100
#define OCTAL_MAX 077777777777ll /* what eleven octal digits tell: bytes, or seconds since 1970 */
#define PAX_NAME  "iwant.pax"
#define TRAILER   (2 * BLOCK)

static void zeros(struct buf *to, size_t n)
{
    static const char none[BLOCK];

    for (; n; n -= n < BLOCK ? n : BLOCK)
        buf_add(to, none, n < BLOCK ? n : BLOCK);
}

static size_t padding(uint64_t size)
{
    return (size_t)((BLOCK - size % BLOCK) % BLOCK);
}

/* A ustar header. The name is cut, and a size that does not fit is 0, when a pax header before it
 * says what they are. */
static void header(struct buf *to, char kind, const char *name, size_t name_len, uint64_t size,
                   int64_t mtime_s)
{
    char h[BLOCK + 1] = {0};
    unsigned sum = 0;

    memcpy(h, name, name_len < NAME_LEN ? name_len : NAME_LEN);
    memcpy(h + 100, "0000644", 7);
    memcpy(h + 108, "0000000", 7);
    memcpy(h + 116, "0000000", 7);
    snprintf(h + 124, 12, "%011" PRIo64, size <= (uint64_t)OCTAL_MAX ? size : 0);
    snprintf(h + 136, 12, "%011" PRIo64,
             (uint64_t)(mtime_s >= 0 && mtime_s <= OCTAL_MAX ? mtime_s : 0));
    memset(h + 148, ' ', 8); /* the checksum's own place counts as spaces */
    h[156] = kind;
    memcpy(h + 257, "ustar\00000", 8);
    for (int i = 0; i < BLOCK; i++)
        sum += (unsigned char)h[i];
    snprintf(h + 148, 8, "%06o", sum);
    h[155] = ' ';
    buf_add(to, h, BLOCK);
}

/* "LENGTH key=value\n", where LENGTH counts itself. */
static void pax_record(struct buf *to, const char *key, const void *value, size_t len)
{
    size_t rest = 1 + strlen(key) + 1 + len + 1, all = rest, before;

    do {
        char digits[24];

        before = all;
        all = rest + (size_t)snprintf(digits, sizeof digits, "%zu", before);
    } while (all != before);
    buf_printf(to, "%zu %s=", all, key);
    buf_add(to, value, len);
    buf_char(to, '\n');
}

void tar_head(struct buf *to, const struct zip_file *f)
{
    struct buf records = {0};
    char size[24];

    assert(f->name_len && f->name_len <= ZIP_NAME_MAX);
    if (f->name_len > NAME_LEN)
        pax_record(&records, "path", f->name, f->name_len);
    if (f->size > (uint64_t)OCTAL_MAX) {
        snprintf(size, sizeof size, "%" PRIu64, f->size);
        pax_record(&records, "size", size, strlen(size));
    }
    if (records.len) {
        header(to, 'x', PAX_NAME, strlen(PAX_NAME), records.len, f->mtime_s);
        buf_add(to, records.data, records.len);
        zeros(to, padding(records.len));
    }
    buf_free(&records);
    header(to, '0', f->name, f->name_len, f->size, f->mtime_s);
}

void tar_tail(struct buf *to, const struct zip_file *f)
{
    zeros(to, padding(f->size));
}

void tar_end(struct buf *to)
{
    zeros(to, TRAILER);
}
