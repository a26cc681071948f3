/* What type a file is, by its name's extension: for `--type` and for the rows of a search.
 *
 * The table is made by tools/mktypes.py from shared-mime-info:
 *   video     video types; also MXF and RealMedia
 *   audio     audio types, playlists
 *   image     image types but DjVu; also Illustrator, Krita and OpenDocument drawings
 *   document  PDF, PostScript, DjVu, e-books, comic books, office files, plain text, Markdown,
 * HTML, TeX, CSV archive   archives, compressed files, packages (deb, rpm, jar, apk), disk images
 * Source code, programs, fonts and everything unknown have no type. Pure; any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* "video", "audio", "image", "document", "archive", or NULL. name may be a path. */
const char *types_of(const char *name, size_t len);
/* Is this a word for `--type`: one of the above, "file" or "dir"? */
bool types_known(const char *type);
