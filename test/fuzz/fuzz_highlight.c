/* core/highlight: any query over any text; marks stay within it and are whole letters. */
#include "core/highlight.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The query, a newline, the text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nl = size ? memchr(data, '\n', size) : NULL;
    size_t at = nl ? (size_t)(nl - data) : 0, len = nl ? size - at - 1 : size;
    const char *text = (const char *)data + (nl ? at + 1 : 0);
    struct highlight *h = highlight_new((const char *)data, at);
    uint8_t *marks = mem_alloc(len + 1);

    memset(marks, 9, len + 1);
    highlight_text(h, text, len, marks);
    for (size_t i = 0; i < len; i++)
        if (marks[i] > 1)
            abort();
    if (marks[len] != 9)
        abort();
    mem_free(marks);
    highlight_free(h);
    return 0;
}
