/* hash PATH...: what the network calls a file or folder. Needs no service. */
#include "iwanto/cli.h"

#include "base/id.h"
#include "base/mem.h"
#include "svc/hash_file.h"
#include "svc/json_text.h"
#include "svc/settings.h"

static int hash_one(struct cli *c, const char *path, bool hidden, struct err *e)
{
    char hex[HASH_HEX_LEN + 1], kind;
    struct hash hash;
    uint64_t size;
    json_t *row;
    int rc = hash_path(path, hidden, &hash, &kind, &size, e);

    if (rc)
        return rc;
    hash_hex(&hash, hex);
    row = json_pack("{ss sI ss so}", "hash", hex, "size", (json_int_t)size, "type",
                    kind == 'd' ? "dir" : "file", "path", json_text(path));
    c->out.print->hashed(&c->out, row);
    json_decref(row);
    return 0;
}

/* Hidden names count when the settings share them: the hash is to be the one that the network
 * knows. */
static bool shares_hidden(const struct cli *c)
{
    struct conf conf;
    struct err ignored;
    bool hidden;

    (void)settings_load(&conf, c->home, &ignored);
    hidden = conf_bool(&conf, CONF_HIDDEN);
    conf_done(&conf);
    return hidden;
}

int cmd_hash(struct cli *c, struct opt_scan *s, struct err *e)
{
    bool hidden = shares_hidden(c), any = false;
    const char *path;
    struct err bad;
    struct opt_scan ahead = *s;
    int id, rc = 0;

    while ((id = opt_next(&ahead, &path, e)) == OPT_WORD)
        any = true; /* options behind the paths count for all of them */
    if (id < 0)
        return id;
    cli_open_out(c);
    while ((id = opt_next(s, &path, e)) == OPT_WORD) {
        if (!hash_one(c, path, hidden, &bad))
            continue;
        if (!rc) {
            *e = bad; /* the first is told at the end, the others at once */
            rc = -bad.code;
        } else {
            cli_print_err(&bad);
        }
    }
    return any ? rc : cli_usage(e, "hash", "hash needs a file or folder");
}
