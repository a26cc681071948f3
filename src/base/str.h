/* Text: hex, sizes, times. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void str_hex(char *out, const void *bytes, size_t len); /* 2*len digits, lowercase, and a NUL */
bool str_unhex(void *out, size_t cap, const char *hex, size_t len); /* len == 2*cap; either case */
bool str_is_hex(const char *s, size_t len);

#define STR_SIZE_MAX 16
/* Binary units: "0 B", "1023 B", "1.0 KiB", "2.0 GiB". */
const char *str_size(uint64_t bytes, char out[STR_SIZE_MAX]);
/* "10M", "1.5G", "700", "2KiB", "1GB": powers of 1024, except kB MB GB TB with a trailing B and no
 * i. */
bool str_parse_size(const char *text, uint64_t *bytes);
/* "7d", "36h", "90m", "30s", "2w"; a bare number is seconds. */
bool str_parse_duration(const char *text, uint64_t *seconds);
bool str_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *value);
/* "0:07", "1:23:45"; "-" when seconds is UINT64_MAX. */
const char *str_duration(uint64_t seconds, char out[STR_SIZE_MAX]);

/* strlcpy: copies what fits, always ends with NUL, gives the length of from. */
size_t str_copy(char *to, size_t cap, const char *from);
