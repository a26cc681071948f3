/* A line of a list of sums, of any bytes: a name that is taken stays inside the folder. */
#include "core/path.h"
#include "core/sums.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sums_line l;
    enum sums_kind kind = sums_line((const char *)data, size, &l);

    assert(l.name_len <= PATH_LEN_MAX && l.name[l.name_len] == '\0');
    assert((kind == SUMS_BAD_NAME) == (l.why != NULL));
    if (kind == SUMS_SUM && l.name_len)
        assert(path_check(l.name, l.name_len) == PATH_OK && strlen(l.name) == l.name_len);
    return 0;
}
