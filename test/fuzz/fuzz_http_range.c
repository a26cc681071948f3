/* Range and Content-Range as they come from the other side: what is taken lies inside. */
#include "base/mem.h"
#include "io/http_range.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t whole = size ? (uint64_t)data[0] << (data[0] & 31) : 0, first, len, last;
    char *text;

    if (!size)
        return 0;
    text = mem_strn((const char *)data + 1, size - 1);
    switch (http_range_parse(text, whole, &first, &len)) {
    case 1:
        assert(len && first < whole && len <= whole - first);
        break;
    case 0:
        assert(first == 0 && len == whole);
        break;
    default:
        break;
    }
    mem_free(text);
    if (http_content_range_parse((const char *)data + 1, size - 1, &first, &last, &whole))
        assert(first <= last && last < whole);
    return 0;
}
