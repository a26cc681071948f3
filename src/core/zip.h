/* A folder as one stream: a zip archive (APPNOTE.TXT 6.3.10) whose files are stored as they are.
 * Here is what stands between the files' bytes; how long it is hangs on names, sizes and times
 * alone, so the whole's length can be told before its first byte. Pure; any thread.
 *
 * Names are UTF-8; sizes and places over 4 GiB, and more than 65534 files, are told by its 64-bit
 * records. The checksum stands behind each file's bytes. A time is told twice: as UTC in seconds
 * (Info-ZIP's extra field 0x5455, 1970 to 2038), and, for who does not read that, as date and time
 * without a zone (1980 to 2107), which are UTC's too. What has none is dated 1980. */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One file. name: its path, with '/' between components; any bytes without NUL, at most
 * ZIP_NAME_MAX. */
struct zip_file {
    const char *name;
    size_t name_len;
    uint64_t size;
    int64_t mtime_s; /* since 1970; ZIP_NO_TIME */
    uint32_t crc;    /* once its bytes are known: for zip_tail and zip_entry */
    uint64_t at;     /* where in the archive its head begins: for zip_entry */
};
#define ZIP_NAME_MAX 20000
#define ZIP_NO_TIME  INT64_MIN

/* CRC-32 (ISO 3309), eight bytes at a time. */
struct zip_crc {
    uint32_t table[8][256];
};
void zip_crc_init(struct zip_crc *c);
uint32_t zip_crc_add(const struct zip_crc *c, uint32_t crc, const void *data,
                     size_t len); /* from 0 */

/* What stands before a file's bytes and behind them; its line in the directory, after all files;
 * the end. All append. */
void zip_head(struct buf *to, const struct zip_file *f);
void zip_tail(struct buf *to, const struct zip_file *f);
void zip_entry(struct buf *to, const struct zip_file *f);
void zip_end(struct buf *to, uint64_t files, uint64_t directory_at, uint64_t directory_len);
/* A foreign path as a name: what is not UTF-8, controls and backslashes (which some take for '/')
 * as %HH. Appends. */
void zip_name(struct buf *to, const char *path, size_t len);
