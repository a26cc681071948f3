#include "iwanto/wish_text.h"

#include "core/path.h"
#include "iwanto/out.h"
#include "svc/url.h"

#include <string.h>

static void part(struct buf *to, const char *flag, const char *value)
{
    buf_printf(to, "%s%s%s", to->len ? " " : "", flag, *flag && *value ? " " : "");
    show(to, value, strlen(value));
}

void wish_text(struct buf *to, const json_t *wish)
{
    const char *args = strchr(out_str(wish, "search"), '?');
    struct buf name = {0}, value = {0}, flag = {0};

    part(to, "", out_str(wish, "words"));
    args = args ? args + 1 : "";
    while (url_next(&args, &name, &value) > 0) {
        if (!strcmp(buf_cstr(&name), "q"))
            continue;
        buf_reset(&flag);
        buf_printf(&flag, "--%s", buf_cstr(&name));
        part(to, flag.data, buf_cstr(&value));
    }
    if (out_yes(wish, "fetch"))
        part(to, "--fetch", "");
    if (*out_str(wish, "exec"))
        part(to, "--exec", out_str(wish, "exec"));
    buf_free(&name);
    buf_free(&value);
    buf_free(&flag);
}
