/* core/ignore: any bytes are a list, any name may be asked about; the same list twice is no news,
 * and what is forgotten is forgotten. The input: a list for the top, a NUL, one for "a", a NUL, a
 * path to ask about. */
#include "base/mem.h"
#include "core/ignore.h"
#include "core/path.h"

#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct ignore *g, const char *path, size_t len, bool any)
{
    char *folder = mem_strn(path, len), *slash = strrchr(folder, '/');
    const char *name = slash ? slash + 1 : folder;
    bool folders, files;

    if (slash)
        *slash = '\0';
    files = ignore_has(g, slash ? folder : "", name, false);
    folders = ignore_has(g, slash ? folder : "", name, true);
    REQUIRE(any || (!files && !folders));
    mem_free(folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *end = text + size;
    const char *second = size ? memchr(text, '\0', size) : NULL, *path = NULL;
    struct ignore *g;

    if (!second || !(path = memchr(second + 1, '\0', (size_t)(end - second - 1))) || size > 4096)
        return 0;
    g = ignore_new();
    ignore_put(g, "", text, (size_t)(second - text));
    ignore_put(g, "a", second + 1, (size_t)(path - second - 1));
    path++;
    if (path_check(path, (size_t)(end - path)) == PATH_OK) {
        ask(g, path, (size_t)(end - path), true);
        ignore_drop(g, "a");
        ask(g, path, (size_t)(end - path), true);
        ignore_drop(g, "");
        ask(g, path, (size_t)(end - path), false);
    }
    ignore_free(g);
    return 0;
}
