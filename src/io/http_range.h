/* The two header fields of a range of bytes (RFC 9110, 14.1.2 and 14.4), as text from the other
 * side. Pure; any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "bytes=a-b", "bytes=a-", "bytes=-n" of a request, against what has size bytes: 1 and *first,
 * *len, which lie inside; -1 when there is no such byte; 0 and the whole when the text is no such
 * range, or several of them: those are ignored (14.2). */
int http_range_parse(const char *text, uint64_t size, uint64_t *first, uint64_t *len);

/* "bytes a-b/size" of an answer, spaces around it allowed. false for anything else, an unknown size
 * too. first <= last < size. */
bool http_content_range_parse(const char *text, size_t len, uint64_t *first, uint64_t *last,
                              uint64_t *size);
