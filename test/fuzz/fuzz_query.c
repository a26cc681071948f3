/* What stands behind '?' in a URL, of any bytes: read or refused with a sentence; what is read
 * comes back from its own URL. */
#include "base/mem.h"
#include "core/path.h"
#include "svc/query.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *args = mem_strn((const char *)data, size);
    struct query q, again;
    struct buf path = {0};
    struct err e = {0};

    if (query_parse(&q, args, &e)) {
        assert(e.code == ERR_USAGE && *e.text);
    } else {
        query_path(&q, &path);
        assert(!query_parse(
            &again, path.data + strlen("/v1/search") + (strchr(path.data, '?') != NULL), &e));
        assert(!memcmp(&q, &again, sizeof q));
    }
    buf_free(&path);
    mem_free(args);
    return 0;
}
