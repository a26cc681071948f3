/* The last search's hashes, in HOME/last-search, so that "@3" names row 3. */
#pragma once

#include "base/buf.h"
#include "iwanto/cli.h"

/* Keep the hashes of these rows; a failure is not worth a word. */
void last_search_save(const struct cli *c, const json_t *rows);
/* Append what a word names: "@N" the hash of row N, "sha256:HEX" its digits, digits (6 to 64)
 * themselves, all in lower case. Anything else, or a row that there is not, is -ERR_USAGE. */
int last_search_word(const struct cli *c, const char *word, struct buf *digits, struct err *e);
