/* base/str, base/id: numbers, sizes, times, addresses and hashes out of any text. What is taken
 * comes back. */
#include "base/id.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_strn((const char *)data, size);
    char out[ADDR_TEXT_MAX], shown[STR_SIZE_MAX], hex[HASH_HEX_LEN + 1];
    struct addr a, again;
    struct hash h;
    uint64_t v;

    if (addr_parse(&a, text)) {
        REQUIRE(addr_parse(&again, addr_text(&a, out)));
        REQUIRE(addr_eq(&a, &again));
    }
    if (str_parse_u64(text, 5, 500, &v))
        REQUIRE(v >= 5 && v <= 500);
    if (str_parse_size(text, &v))
        REQUIRE(strlen(str_size(v, shown)) < STR_SIZE_MAX);
    if (str_parse_duration(text, &v))
        REQUIRE(strlen(str_duration(v, shown)) < STR_SIZE_MAX);
    if (hash_parse(&h, text, size)) {
        hash_hex(&h, hex);
        REQUIRE(str_is_hex(hex, HASH_HEX_LEN) && size == HASH_HEX_LEN);
    }
    mem_free(text);
    return 0;
}
