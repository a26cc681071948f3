/* share --list: what the index says is shared, as peers have it. Read from the database itself, so
 * with or without a service, and all of one moment. */
#include "iwanto/cmd_folders.h"

#include "base/mem.h"
#include "core/path.h"
#include "svc/json_text.h"
#include "svc/settings.h"
#include "svc/store.h"

#include <unistd.h>

struct list {
    struct cli *cli;
    uint64_t rows;
};

static bool print_row(void *ctx, const struct store_content *content, const struct hash *hash)
{
    struct list *l = ctx;
    char hex[HASH_HEX_LEN + 1];
    json_t *row;

    hash_hex(hash, hex);
    row = json_pack("{ss sI ss so}", "hash", hex, "size", (json_int_t)content->size, "type",
                    content->kind == 'd' ? "dir" : "file", "path",
                    json_text(*content->path ? content->path : "."));
    l->cli->out.print->hashed(&l->cli->out, row);
    json_decref(row);
    return ++l->rows != l->cli->common.limit;
}

int list_shared(struct cli *c, struct err *e)
{
    char *path = settings_path(c->home, SETTINGS_DB);
    struct store_reader *r = NULL;
    struct list l = {.cli = c};
    int rc;

    if (access(path, F_OK)) /* to open it would make it */
        rc = err_set(e, ERR_NOT_FOUND, "cannot list what is shared: nothing is indexed yet");
    else
        rc = (r = store_reader_open(path, e)) ? 0 : -e->code;
    if (!rc) {
        cli_open_out(c);
        rc = store_each(r, print_row, &l, e);
    }
    if (!rc && !l.rows)
        cli_say(c, "nothing is shared");
    store_reader_close(r);
    mem_free(path);
    return rc;
}
