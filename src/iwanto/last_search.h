/* The last search's hashes and names, in HOME/last-search, so that "@3" means row 3. */
#pragma once

#include "base/buf.h"
#include "iwanto/cli.h"

/* Keep hash and name of these rows, a JSON object a line; a failure is not worth a word. */
void last_search_save(const struct cli *c, const json_t *rows);
/* Append what a word names: "@N" the hash of row N, "sha256:HEX" its digits, digits (6 to 64)
 * themselves, all in lower case. title (may be NULL) is set to the row's name (mem_free), or NULL.
 * Anything else, or a row that there is not, is -ERR_USAGE. */
int last_search_word(const struct cli *c, const char *word, struct buf *digits, char **title,
                     struct err *e);
