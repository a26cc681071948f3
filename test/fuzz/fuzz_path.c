/* core/path: whatever bytes come, a path that passes is safe, shown text is harmless, escapes have
 * one form. */
#include "base/limits.h"
#include "core/path.h"

#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static void check_path(const char *text, size_t len)
{
    enum path_fault fault = path_check(text, len);

    REQUIRE(path_fault_text(fault));
    if (fault != PATH_OK)
        return;
    REQUIRE(len && len <= PATH_LEN_MAX && text[0] != '/' && text[len - 1] != '/');
    REQUIRE(!memchr(text, '\0', len) && !memmem(text, len, "//", 2));
    REQUIRE(!memmem(text, len, "/../", 4) && !memmem(text, len, "/./", 3));
    REQUIRE(!(len >= 3 && !memcmp(text, "../", 3)) && !(len == 2 && !memcmp(text, "..", 2)));
    REQUIRE(!(len >= 3 && !memcmp(text + len - 3, "/..", 3)));
}

static void check_show(const char *text, size_t len)
{
    struct buf once = {0}, twice = {0};
    char small[40];

    show(&once, text, len);
    REQUIRE(once.len == strlen(once.data));
    REQUIRE(path_columns(once.data, once.len) <= SHOW_COLUMNS_MAX);
    for (size_t i = 0; i < once.len; i++)
        REQUIRE((unsigned char)once.data[i] >= 0x20 && once.data[i] != 0x7f);
    REQUIRE(!memmem(once.data, once.len, "\xe2\x80\xae", 3)); /* right-to-left override */
    show(&twice, once.data, once.len);
    REQUIRE(!strcmp(once.data, twice.data)); /* what is safe stays as it is */
    show_to(small, sizeof small, text, len);
    REQUIRE(strlen(small) < sizeof small);
    buf_free(&once);
    buf_free(&twice);
}

static void check_escape(const char *text, size_t len)
{
    struct buf b = {0};
    char *back = malloc(len + 1);
    size_t back_len;

    path_escape(&b, text, len);
    REQUIRE(path_unescape(back, len, &back_len, b.data, b.len));
    REQUIRE(back_len == len && (!len || !memcmp(back, text, len)));
    if (path_unescape(back, len, &back_len, text, len)) {
        buf_reset(&b);
        path_escape(&b, back, back_len);
        REQUIRE(b.len == len && (!len || !memcmp(b.data, text, len)));
    }
    free(back);
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = size ? (const char *)data : "";

    check_path(text, size);
    check_show(text, size);
    check_escape(text, size);
    (void)path_is_hidden(text, size);
    (void)path_is_partial(text, size);
    (void)path_looks_secret(text, size);
    return 0;
}
