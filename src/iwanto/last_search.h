/* The last search's hashes and names, in HOME/last-search, so that "@3" means row 3. Pages of one
 * search stand together: "@3" and "@103" may come from two commands. */
#pragma once

#include "base/buf.h"
#include "iwanto/cli.h"

/* Keep "row", "hash" and "name" of these rows. search tells one search from another, whatever its
 * page. A failure is not worth a word. */
void last_search_save(const struct cli *c, const char *search, const json_t *rows);
/* Append what a word names: "@N" the hash of row N, "sha256:HEX" its digits, digits (6 to 64)
 * themselves, all in lower case; when they begin one hash of the last search, that hash. title (may
 * be NULL) is set to the row's name (mem_free), or NULL. Anything else, or a row that was not
 * shown, is -ERR_USAGE. */
int last_search_word(const struct cli *c, const char *word, struct buf *digits, char **title,
                     struct err *e);
/* The rows of the last search, [{"row","hash","name"}...] by their numbers; the caller's. */
json_t *last_search_rows(const struct cli *c);
