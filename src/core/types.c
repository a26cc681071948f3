#include "core/types.h"

#include <stdlib.h>
#include <string.h>

#define EXT_MAX 16

enum type { TYPE_VIDEO, TYPE_AUDIO, TYPE_IMAGE, TYPE_DOCUMENT, TYPE_ARCHIVE, TYPES };

static const char *const TYPE_NAME[TYPES] = {"video", "audio", "image", "document", "archive"};

struct ext {
    char text[EXT_MAX];
    enum type type;
};

static const struct ext EXTS[] = {
#include "core/types_table.h"
};

static int compare(const void *text, const void *ext)
{
    return strcmp(text, ((const struct ext *)ext)->text);
}

const char *types_of(const char *name, size_t len)
{
    char text[EXT_MAX];
    size_t n = 0;
    const struct ext *found;

    while (n < len && name[len - 1 - n] != '.' && name[len - 1 - n] != '/')
        n++;
    /* a dot in front of the name hides it, it makes no extension */
    if (!n || n >= EXT_MAX || n + 1 >= len || name[len - 1 - n] != '.' || name[len - 2 - n] == '/')
        return NULL;
    for (size_t i = 0; i < n; i++) {
        char c = name[len - n + i];

        text[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    text[n] = '\0';
    found = bsearch(text, EXTS, sizeof EXTS / sizeof *EXTS, sizeof *EXTS, compare);
    return found ? TYPE_NAME[found->type] : NULL;
}

bool types_known(const char *type)
{
    for (int i = 0; i < TYPES; i++)
        if (!strcmp(type, TYPE_NAME[i]))
            return true;
    return !strcmp(type, "file") || !strcmp(type, "dir");
}
