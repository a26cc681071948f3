/* A plain link's path and Host header, of any bytes: what is taken stays inside, and a name comes
 * back from the URL that it was written into. */
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/metalink.h"
#include "core/weblink.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_parts(const char *path)
{
    unsigned depth = 0;
    const char *part, *end = path + strlen(path);
    size_t len;

    while (weblink_part(&path, &depth, &part, &len) > 0) {
        assert(len && len <= NAME_LEN_MAX && part + len <= end && depth <= PATH_DEPTH_MAX);
        assert(!memchr(part, '/', len));
        assert(!(len == 1 && *part == '.') && !(len == 2 && !memcmp(part, "..", 2)));
    }
}

static void there_and_back(const char *name, size_t len)
{
    struct addr at = {.family = 4, .ip = {10}, .port = 80};
    struct buf url = {0}, doc = {0};
    struct hash h = {{0}};
    size_t n = 0;
    const char *p;

    weblink_url(&url, &at, "00112233445566778899aabbccddeeff", name, len);
    for (p = strchr(url.data + 7, '/') + WEBLINK_TOKEN_LEN + 2; *p; p++, n++) {
        char c = *p;

        if (c == '%') {
            assert(str_unhex(&c, 1, p + 1, 2));
            p += 2;
        }
        assert(n < len && c == name[n]);
    }
    assert(n == len);
    metalink_file(&doc, name, len, len, &h);
    for (p = doc.data; *p; p++)
        assert((unsigned char)*p >= 0x20 || *p == '\n');
    assert(strlen(doc.data) == doc.len);
    buf_free(&url);
    buf_free(&doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_strn((const char *)data, size), token[WEBLINK_TOKEN_LEN + 1];
    const char *rest;

    if (weblink_split(text, token, &rest)) {
        assert(strlen(token) == WEBLINK_TOKEN_LEN && rest > text && rest <= text + strlen(text));
        look_at_parts(rest);
    }
    look_at_parts(text);
    if (weblink_host_ok(text, "anna"))
        assert(strlen(text) <= 255);
    there_and_back((const char *)data, size);
    assert(*weblink_type((const char *)data, size));
    mem_free(text);
    return 0;
}
