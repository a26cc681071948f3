/* search WORDS...: the service asks the leader; rows, or what is near to what was typed. */
#include "iwanto/cli.h"

#include "iwanto/seek.h"

const struct opt SEARCH_OPTS[] = {SEEK_FILTERS, SEEK_OFFSET, {0, NULL, NULL, NULL, false}};

static int read_words(const struct cli *c, struct opt_scan *s, struct seek *k, struct err *e)
{
    const char *value;
    int id, rc = 0;

    s->dash_words = true;
    while (!rc && (id = opt_next(s, &value, e)) > 0) {
        if (id == OPT_WORD)
            seek_word(k, value);
        else
            rc = seek_option(k, id, value, e);
    }
    if (rc)
        return rc;
    return id < 0 ? id : seek_ready(c, k, e);
}

int cmd_search(struct cli *c, struct opt_scan *s, struct err *e)
{
    json_t *answer = NULL, *rows;
    struct seek k;
    int rc;

    seek_init(&k, "search");
    rc = read_words(c, s, &k, e);
    if (!rc)
        rc = seek_ask(c, &k, &answer, e);
    if (!rc) {
        rows = json_object_get(answer, "rows");
        cli_open_out(c);
        seek_print(c, &k, answer);
        if (json_array_size(rows))
            seek_save(c, &k, rows);
        else
            rc = seek_nothing(c, &k, answer, e);
    }
    json_decref(answer);
    seek_free(&k);
    return rc;
}
