#include "core/metalink.h"

#include "base/limits.h"
#include "core/path.h"

#include <string.h>

static void add_escaped(struct buf *b, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            buf_str(b, "&amp;");
            break;
        case '<':
            buf_str(b, "&lt;");
            break;
        case '>':
            buf_str(b, "&gt;");
            break;
        case '"':
            buf_str(b, "&quot;");
            break;
        default:
            buf_char(b, *text);
        }
    }
}

/* Component by component, since show() cuts what is long. */
static void add_path(struct buf *b, const char *path, size_t len)
{
    struct buf safe = {0};

    while (len) {
        const char *slash = memchr(path, '/', len);
        size_t part = slash ? (size_t)(slash - path) : len;

        buf_reset(&safe);
        show(&safe, path, part);
        add_escaped(b, buf_cstr(&safe));
        if (slash)
            buf_char(b, '/');
        part += slash != NULL;
        path += part;
        len -= part;
    }
    buf_free(&safe);
}

void metalink_begin(struct buf *b)
{
    buf_str(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
               "<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">\n"
               "  <generator>iwanto/" IWANT_VERSION "</generator>\n");
}

void metalink_file(struct buf *b, const char *path, size_t len, uint64_t size,
                   const struct hash *hash)
{
    char hex[HASH_HEX_LEN + 1];

    hash_hex(hash, hex);
    buf_str(b, "  <file name=\"");
    add_path(b, path, len);
    buf_printf(b, "\">\n    <size>%llu</size>\n    <hash type=\"sha-256\">%s</hash>\n",
               (unsigned long long)size, hex);
}

void metalink_url(struct buf *b, const char *url)
{
    buf_str(b, "    <url priority=\"1\">");
    add_escaped(b, url);
    buf_str(b, "</url>\n");
}

void metalink_file_end(struct buf *b)
{
    buf_str(b, "  </file>\n");
}

void metalink_end(struct buf *b)
{
    buf_str(b, "</metalink>\n");
}
