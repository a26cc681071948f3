#include "core/zip.h"

#include "base/limits.h"

#include <assert.h>
#include <string.h>
#include <utf8proc.h>

#define LARGE      0xffffffffu
#define FLAGS      0x0808u    /* the checksum comes behind; the name is UTF-8 */
#define UTC_1980   315532800  /* 1980-01-01 00:00:00: dates begin there */
#define UTC_2107   4354819198 /* 2107-12-31 23:59:58: and end */
#define MARCH_2100 4107542400 /* 2100-03-01 */
#define UTC_EXTRA  9u
#define PLAIN      20u /* version needed: folders */
#define WIDE       45u /* ... 64-bit records */
#define UNIX_FILE  (0100644ull << 16)

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

/* ---- times ---- */

/* Time and date of UTC, two seconds fine. Every fourth year is a leap year but 2100, whose February
 * 29 is counted, too, and never named. */
static void put_date(struct buf *to, int64_t at_s)
{
    static const uint8_t lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t in = at_s < UTC_1980 ? UTC_1980 : at_s > UTC_2107 ? UTC_2107 : at_s;
    uint32_t day = (uint32_t)((in - UTC_1980) / 86400) + (in >= MARCH_2100);
    uint32_t second = (uint32_t)((in - UTC_1980) % 86400);
    uint32_t year = day / 1461 * 4, month = 0;

    day %= 1461;
    if (day >= 366) {
        year += 1 + (day - 366) / 365;
        day = (day - 366) % 365;
    }
    for (;; month++) {
        uint32_t length = month == 1 && year % 4 ? 28 : lengths[month];

        if (day < length)
            break;
        day -= length;
    }
    put(to, second / 3600 << 11 | second / 60 % 60 << 5 | second % 60 / 2, 2);
    put(to, year << 9 | (month + 1) << 5 | (day + 1), 2);
}

static unsigned utc_len(const struct zip_file *f)
{
    return f->mtime_s >= 0 && f->mtime_s <= INT32_MAX ? UTC_EXTRA : 0;
}

static void put_utc(struct buf *to, const struct zip_file *f)
{
    if (!utc_len(f))
        return;
    put(to, 0x5455, 2);
    put(to, UTC_EXTRA - 4, 2);
    put(to, 1, 1); /* the modification's alone */
    put(to, (uint64_t)f->mtime_s, 4);
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
    put_date(to, f->mtime_s);
    put(to, 0,
        4); /* the checksum is behind. The sizes are here, too: who reads a stream needs them */
    put(to, wide ? LARGE : f->size, 4);
    put(to, wide ? LARGE : f->size, 4);
    put(to, f->name_len, 2);
    put(to, (wide ? 20 : 0) + utc_len(f), 2);
    buf_add(to, f->name, f->name_len);
    if (wide) {
        put(to, 1, 2);
        put(to, 16, 2);
        put(to, f->size, 8);
        put(to, f->size, 8);
    }
    put_utc(to, f);
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
    put_date(to, f->mtime_s);
    put(to, f->crc, 4);
    put(to, wide ? LARGE : f->size, 4);
    put(to, wide ? LARGE : f->size, 4);
    put(to, f->name_len, 2);
    put(to, (extra ? extra + 4 : 0) + utc_len(f), 2);
    put(to, 0, 2); /* no comment */
    put(to, 0, 2); /* disk */
    put(to, 0, 2);
    put(to, UNIX_FILE, 4);
    put(to, far ? LARGE : f->at, 4);
    buf_add(to, f->name, f->name_len);
    if (extra) {
        put(to, 1, 2);
        put(to, extra, 2);
    }
    if (wide) {
        put(to, f->size, 8);
        put(to, f->size, 8);
    }
    if (far)
        put(to, f->at, 8);
    put_utc(to, f);
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
