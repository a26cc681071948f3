/* Does a content meet a standing wish? Stricter than a search, which ranks whatever is near: every
 * word of the wish has to be in the path as it was written, or begin a word there (three letters at
 * least), whatever its case, accents and separators; words may be written together or apart, and an
 * episode in any form. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* text: words as typed for a search; "-word" and the quotes of phrases are the search's business.
 * Without words everything meets it. */
bool wish_met(const char *text, size_t len, const char *path, size_t path_len, bool folder);
