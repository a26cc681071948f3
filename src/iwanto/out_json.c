#include "iwanto/out.h"

const char *out_str(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));

    return s ? s : "";
}

uint64_t out_num(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    double real = json_number_value(v);

    if (json_is_integer(v))
        return json_integer_value(v) < 0 ? 0 : (uint64_t)json_integer_value(v);
    return real > 0 && real < 9e18 ? (uint64_t)real : 0;
}

bool out_yes(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* ASCII only: whatever a name holds, it can't move a cursor or turn the direction of writing. */
static void line(struct out *o, const json_t *object)
{
    json_dumpf(object, o->to, JSON_COMPACT | JSON_ENSURE_ASCII);
    fputc(o->nul ? '\0' : '\n', o->to);
    fflush(o->to);
}

static void lines(struct out *o, const json_t *rows)
{
    const json_t *row;
    size_t i;

    OUT_EACH (rows, i, row)
        line(o, row);
}

const struct printers OUT_JSON = {
    .search = lines,
    .peers = lines,
    .status = line,
    .config = lines,
    .downloads = lines,
    .event = line,
    .hashed = line,
    .skipped = line,
    .folders = lines,
    .play = line,
    .inside = lines,
    .link = line,
    .links = lines,
    .doctor = lines,
    .log = lines,
    .wants = lines,
};
