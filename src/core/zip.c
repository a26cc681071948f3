#include "core/zip.h"

#include "base/limits.h"

#include <assert.h>
#include <string.h>
#include <utf8proc.h>

#define LARGE     0xffffffffu
#define FLAGS     0x0808u /* the checksum comes behind; the name is UTF-8 */
#define DATE_1980 0x0021u
#define PLAIN     20u /* version needed: folders */
#define WIDE      45u /* ... 64-bit records */
#define UNIX_FILE (0100644ull << 16)

/* Little-endian, all of it. */
static void put(struct buf *to, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        buf_char(to, (char)(value >> (8 * i) & 0xff));
}

/* ---- the checksum ---- */

void zip_crc_init(struct zip_crc *c)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;

        for (int bit = 0; bit < 8; bit++)
            v = v & 1 ? v >> 1 ^ 0xedb88320u : v >> 1;
        c->table[0][i] = v;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int k = 1; k < 8; k++)
            c->table[k][i] = c->table[k - 1][i] >> 8 ^ c->table[0][c->table[k - 1][i] & 0xff];
}

uint32_t zip_crc_add(const struct zip_crc *c, uint32_t crc, const void *data, size_t len)
{
    const uint8_t *p = data;

    crc = ~crc;
    for (; len >= 8; len -= 8, p += 8) {
        crc ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        crc = c->table[7][crc & 0xff] ^ c->table[6][crc >> 8 & 0xff] ^
              c->table[5][crc >> 16 & 0xff] ^ c->table[4][crc >> 24] ^ c->table[3][p[4]] ^
              c->table[2][p[5]] ^ c->table[1][p[6]] ^ c->table[0][p[7]];
    }
    for (; len; len--)
        crc = crc >> 8 ^ c->table[0][(crc ^ *p++) & 0xff];
    return ~crc;
}

/* ---- the archive ---- */

void zip_head(struct buf *to, const struct zip_file *f)
{
    bool wide = f->size >= LARGE;

    assert(f->name_len && f->name_len <= ZIP_NAME_MAX);
    put(to, 0x04034b50, 4);
    put(to, wide ? WIDE : PLAIN, 2);
    put(to, FLAGS, 2);
    put(to, 0, 2); /* stored */
    put(to, 0, 2); /* midnight ... */
    put(to, DATE_1980, 2);
    put(to, 0,
        4); /* the checksum is behind. The sizes are here, too: who reads a stream needs them */
    put(to, wide ? LARGE : f->size, 4);
    put(to, wide ? LARGE : f->size, 4);
    put(to, f->name_len, 2);
    put(to, wide ? 20 : 0, 2);
    buf_add(to, f->name, f->name_len);
    if (wide) {
        put(to, 1, 2);
        put(to, 16, 2);
        put(to, f->size, 8);
        put(to, f->size, 8);
    }
}

void zip_tail(struct buf *to, const struct zip_file *f)
{
    unsigned bytes = f->size >= LARGE ? 8 : 4;

    put(to, 0x08074b50, 4);
    put(to, f->crc, 4);
    put(to, f->size, bytes);
    put(to, f->size, bytes);
}

void zip_entry(struct buf *to, const struct zip_file *f)
{
    bool wide = f->size >= LARGE, far = f->at >= LARGE;
    unsigned extra = (wide ? 16 : 0) + (far ? 8 : 0);

    put(to, 0x02014b50, 4);
    put(to, 3u << 8 | WIDE, 2); /* made on Unix */
    put(to, extra ? WIDE : PLAIN, 2);
    put(to, FLAGS, 2);
    put(to, 0, 2);
    put(to, 0, 2);
    put(to, DATE_1980, 2);
    put(to, f->crc, 4);
    put(to, wide ? LARGE : f->size, 4);
    put(to, wide ? LARGE : f->size, 4);
    put(to, f->name_len, 2);
    put(to, extra ? extra + 4 : 0, 2);
    put(to, 0, 2); /* no comment */
    put(to, 0, 2); /* disk */
    put(to, 0, 2);
    put(to, UNIX_FILE, 4);
    put(to, far ? LARGE : f->at, 4);
    buf_add(to, f->name, f->name_len);
    if (!extra)
        return;
    put(to, 1, 2);
    put(to, extra, 2);
    if (wide) {
        put(to, f->size, 8);
        put(to, f->size, 8);
    }
    if (far)
        put(to, f->at, 8);
}

void zip_end(struct buf *to, uint64_t files, uint64_t at, uint64_t len)
{
    if (files >= 0xffff || at >= LARGE || len >= LARGE) {
        put(to, 0x06064b50, 4);
        put(to, 44, 8);
        put(to, 3u << 8 | WIDE, 2);
        put(to, WIDE, 2);
        put(to, 0, 4);
        put(to, 0, 4);
        put(to, files, 8);
        put(to, files, 8);
        put(to, len, 8);
        put(to, at, 8);
        put(to, 0x07064b50, 4); /* where that stands */
        put(to, 0, 4);
        put(to, at + len, 8);
        put(to, 1, 4);
    }
    put(to, 0x06054b50, 4);
    put(to, 0, 2);
    put(to, 0, 2);
    put(to, files >= 0xffff ? 0xffff : files, 2);
    put(to, files >= 0xffff ? 0xffff : files, 2);
    put(to, len >= LARGE ? LARGE : len, 4);
    put(to, at >= LARGE ? LARGE : at, 4);
    put(to, 0, 2);
}

void zip_name(struct buf *to, const char *path, size_t len)
{
    for (size_t i = 0; i < len;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t n =
            utf8proc_iterate((const utf8proc_uint8_t *)path + i, (utf8proc_ssize_t)(len - i), &c);

        if (n <= 0 || c < 0x20 || c == '\\' || c == 0x7f) {
            buf_printf(to, "%%%02X", (unsigned)(unsigned char)path[i]);
            i++;
        } else {
            buf_add(to, path + i, (size_t)n);
            i += (size_t)n;
        }
    }
}
