/* Which letters of a name are those that were sought: for a terminal or a page that marks them.
 *
 * Looks at the text alone, as people do, and not at why search ranked it: words, beginnings, pieces
 * of four letters and more; where a word is nowhere so, words that it may be a typing error of,
 * neighbours that it joins, initials. Pure; any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct highlight;

/* The words of a query; -word and quotation marks are understood. Any bytes. Never NULL. */
struct highlight *highlight_new(const char *query, size_t len);
/* Set marks[i] to 1 for each byte of text that is of a letter sought, else to 0. marks has len
 * bytes. Letters are marked whole, with the accents put on them. Any bytes. */
void highlight_text(const struct highlight *h, const char *text, size_t len, uint8_t *marks);
void highlight_free(struct highlight *h); /* NULL is fine */
