/* core/manifest: what passes can be written again and gives the same bytes, and holds what it must.
 */
#include "core/content.h"
#include "core/path.h"

#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static bool write_again(void *ctx, const struct content_entry *entry, struct err *e)
{
    (void)e;
    REQUIRE(path_check_name(entry->name, entry->name_len) == PATH_OK);
    REQUIRE(entry->name[entry->name_len] == '\0');
    content_manifest_add(ctx, entry);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf again = {0};
    struct err e = {0};
    uint64_t total = UINT64_MAX;
    int rc = content_manifest_parse(data, size, write_again, &again, &total, &e);

    if (rc) {
        REQUIRE(rc == -ERR_BAD_CONTENT && e.code == ERR_BAD_CONTENT && strstr(e.text, "manifest"));
    } else {
        REQUIRE(total <= INT64_MAX);
        REQUIRE(again.len == size && (!size || !memcmp(again.data, data, size)));
    }
    buf_free(&again);
    return 0;
}
