#include "svc/query.h"

#include "base/str.h"
#include "core/path.h"
#include "core/types.h"
#include "io/http_client.h"
#include "svc/url.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#define OFFSET_MAX 1000000

enum form { TEXT, SIZE, AGE, COUNT };

static const struct param {
    const char *name;
    enum form form;
    size_t at, cap;    /* in struct query */
    uint64_t min, max; /* COUNT */
} PARAMS[] = {
    {"q", TEXT, offsetof(struct query, text), QUERY_LEN_MAX + 1, 0, 0},
    {"type", TEXT, offsetof(struct query, type), 32, 0, 0},
    {"ext", TEXT, offsetof(struct query, ext), NAME_LEN_MAX + 1, 0, 0},
    {"larger", SIZE, offsetof(struct query, larger), 0, 0, 0},
    {"smaller", SIZE, offsetof(struct query, smaller), 0, 0, 0},
    {"newer", AGE, offsetof(struct query, newer_s), 0, 0, 0},
    {"peer", TEXT, offsetof(struct query, peer), PEER_NAME_MAX + 1, 0, 0},
    {"in", TEXT, offsetof(struct query, in), NAME_LEN_MAX + 1, 0, 0},
    {"offset", COUNT, offsetof(struct query, offset), 0, 0, OFFSET_MAX},
    {"limit", COUNT, offsetof(struct query, limit), 0, 1, SEARCH_ROWS_MAX},
};
#define PARAM_COUNT (sizeof PARAMS / sizeof *PARAMS)

void query_init(struct query *q)
{
    *q = (struct query){.smaller = UINT64_MAX, .newer_at_s = INT64_MIN, .limit = QUERY_LIMIT};
}

const char *query_name(size_t n)
{
    return n < PARAM_COUNT ? PARAMS[n].name : NULL;
}

static void *field(struct query *q, const struct param *p)
{
    return (char *)q + p->at;
}

static int set_text(struct query *q, const struct param *p, const char *value, struct err *e)
{
    bool is_query = p->at == offsetof(struct query, text);
    char shown[64];

    if (p->at == offsetof(struct query, ext))
        value += strspn(value, ".");
    if (strlen(value) >= p->cap && !is_query) /* a long question is cut, a long name is none */
        return err_set(e, ERR_USAGE, "%s: longer than %zu bytes", p->name, p->cap - 1);
    if (p->at == offsetof(struct query, type) && !types_known(value))
        return err_set(e, ERR_USAGE,
                       "%s: '%s' is not file, dir, video, audio, image, document or archive",
                       p->name, show_to(shown, sizeof shown, value, strlen(value)));
    memset(field(q, p), 0, p->cap); /* nothing of a longer one given before */
    str_copy(field(q, p), p->cap, value);
    return 0;
}

/* A time span, or @ and seconds since 1970. */
static bool set_newer(struct query *q, const char *value)
{
    uint64_t n;

    if (value[0] == '@') {
        if (!str_parse_u64(value + 1, 0, INT64_MAX / 2, &n))
            return false;
        q->newer_at_s = (int64_t)n;
        q->newer_s = 0;
        return true;
    }
    if (!str_parse_duration(value, &n) || !n || n > INT64_MAX)
        return false;
    q->newer_s = n;
    q->newer_at_s = INT64_MIN;
    return true;
}

static int set(struct query *q, const struct param *p, const char *value, struct err *e)
{
    uint64_t n = 0;
    char shown[64];

    show_to(shown, sizeof shown, value, strlen(value));
    switch (p->form) {
    case TEXT:
        return set_text(q, p, value, e);
    case SIZE:
        if (!str_parse_size(value, &n))
            return err_set(e, ERR_USAGE, "%s: '%s' is no size (like 700K, 10M or 1.5G)", p->name,
                           shown);
        break;
    case AGE:
        if (!set_newer(q, value))
            return err_set(e, ERR_USAGE, "%s: '%s' is no time (like 90m, 36h or 7d)", p->name,
                           shown);
        return 0;
    case COUNT:
        if (!str_parse_u64(value, p->min, p->max, &n))
            return err_set(e, ERR_USAGE, "%s: '%s' is no number from %" PRIu64 " to %" PRIu64,
                           p->name, shown, p->min, p->max);
        break;
    }
    memcpy(field(q, p), &n, sizeof n);
    return 0;
}

int query_set(struct query *q, const char *name, const char *value, struct err *e)
{
    char shown[64];

    for (size_t n = 0; n < PARAM_COUNT; n++) {
        const struct param *p = &PARAMS[n];

        if (strcmp(p->name, name) != 0)
            continue;
        if (!*value)
            return 0;
        return set(q, p, value, e);
    }
    show_to(shown, sizeof shown, name, strlen(name));
    return err_set(e, ERR_USAGE, "a search has no parameter \"%s\"", shown);
}

int query_parse(struct query *q, const char *args, struct err *e)
{
    struct buf name = {0}, value = {0};
    int more, rc = 0;

    query_init(q);
    while (!rc && (more = url_next(&args, &name, &value)) != 0)
        rc = more < 0 ? err_set(e, ERR_USAGE, "the question is not well encoded")
                      : query_set(q, buf_cstr(&name), buf_cstr(&value), e);
    buf_free(&name);
    buf_free(&value);
    return rc;
}

void query_path(const struct query *q, struct buf *to)
{
    struct query none;
    const char *separator = "?";

    query_init(&none);
    buf_str(to, "/v1/search");
    for (size_t n = 0; n < PARAM_COUNT; n++) {
        const struct param *p = &PARAMS[n];
        const char *at = (const char *)q + p->at;
        bool since = p->form == AGE && q->newer_at_s != INT64_MIN;
        uint64_t v = 0, unset = 0; /* of a text the first byte */

        memcpy(&v, at, p->form == TEXT ? 1 : sizeof v);
        memcpy(&unset, (const char *)&none + p->at, p->form == TEXT ? 1 : sizeof unset);
        if (v == unset && !since)
            continue;
        buf_printf(to, "%s%s=", separator, p->name);
        separator = "&";
        if (p->form == TEXT)
            http_url_escape(to, at, strlen(at));
        else if (since)
            buf_printf(to, "@%" PRId64, q->newer_at_s);
        else
            buf_printf(to, "%" PRIu64, v);
    }
}

bool query_filters(const struct query *q)
{
    return *q->type || *q->ext || *q->peer || *q->in || q->larger || q->smaller != UINT64_MAX ||
           q->newer_s || q->newer_at_s != INT64_MIN;
}

void query_search(const struct query *q, int64_t now_s, struct search_query *out)
{
    *out = (struct search_query){
        .text = q->text,
        .len = strlen(q->text),
        .type = *q->type ? q->type : NULL,
        .ext = *q->ext ? q->ext : NULL,
        .larger = q->larger,
        .smaller = q->smaller,
        .newer_s = q->newer_at_s,
        .in = *q->in ? q->in : NULL,
        .offset = (size_t)q->offset,
        .limit = (size_t)q->limit,
    };
    if (q->newer_s)
        out->newer_s = now_s - (int64_t)q->newer_s;
}
