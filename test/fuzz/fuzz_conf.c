/* A settings file of any bytes: read, or refused with a line; edited, and then read back. */
#include "base/buf.h"
#include "core/conf.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf text = {0}, out = {0};
    struct err e = {0};
    struct conf c;

    buf_add(&text, data, size);
    conf_init(&c);
    if (conf_read(&c, text.data, text.len, "f", &e)) {
        assert(e.code == ERR_USAGE && strstr(e.text, "f line "));
    } else {
        conf_edit(&out, text.data, text.len, CONF_PORT, "4711");
        conf_done(&c);
        conf_init(&c);
        assert(!conf_read(&c, out.data, out.len, "f", &e));
        assert(conf_number(&c, CONF_PORT) == 4711);
    }
    conf_done(&c);
    buf_free(&text);
    buf_free(&out);
    return 0;
}
