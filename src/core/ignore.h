/* What the owner of a shared folder does not want shared: lists of patterns by the rules of
 * gitignore(5), each for the folder that it lies in and all below. The last pattern of a list that
 * fits decides, a list further down before one further up. What lies in an ignored folder is not
 * asked about: whoever walks does not go in. Names are bytes. Pure; one thread at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct ignore;

struct ignore *ignore_new(void);
void ignore_free(struct ignore *g); /* NULL is fine */

/* The list of a folder ("" is the top) becomes this text (NULL when len is 0); without any pattern
 * in it, none. true: that is another list than before. */
bool ignore_put(struct ignore *g, const char *folder, const char *text, size_t len);
/* Nothing of this folder is wanted: its list is there but cannot be read. true: as above. */
bool ignore_put_all(struct ignore *g, const char *folder);
/* The lists of a folder and all below are forgotten; "" all. */
void ignore_drop(struct ignore *g, const char *folder);

/* Is name, a child of folder, ignored? is_folder: patterns that end in '/' are for these only. */
bool ignore_has(const struct ignore *g, const char *folder, const char *name, bool is_folder);
