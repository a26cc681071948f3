/* What the page needs of the service: routes that open and end it, and marks in what is found. */
#include "svc/control_priv.h"

#include "base/buf.h"
#include "base/mem.h"
#include "core/highlight.h"
#include "svc/guest.h"
#include "svc/web.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* UTF-16 units of the letter that begins with this byte of UTF-8; bytes inside one count nothing.
 */
static unsigned units(unsigned char byte)
{
    return (byte & 0xc0) == 0x80 ? 0 : byte >= 0xf0 ? 2 : 1;
}

static json_t *marks_of(const struct highlight *h, const char *name)
{
    size_t len = strlen(name);
    uint8_t *marks = mem_zero(len + 1, 1); /* one more: no mark */
    json_t *list = json_array();
    json_int_t at = 0;
    bool on = false;

    highlight_text(h, name, len, marks);
    for (size_t i = 0; i <= len; i++) {
        if ((marks[i] != 0) != on && (i == len || units((unsigned char)name[i]))) {
            json_array_append_new(list, json_integer(at));
            on = !on;
        }
        at += units((unsigned char)name[i]);
    }
    mem_free(marks);
    return list;
}

json_t *control_marked(const json_t *answer, const char *sought)
{
    json_t *copy = json_deep_copy(answer), *all = json_array(), *row;
    const char *corrected = json_string_value(json_object_get(answer, "corrected"));
    struct highlight *h;
    struct buf words = {0};
    size_t i;

    buf_printf(&words, "%s %s", sought, corrected ? corrected : "");
    h = highlight_new(words.data, words.len);
    buf_free(&words);
    json_array_foreach (json_object_get(copy, "rows"), i, row) {
        const char *name = json_string_value(json_object_get(row, "name"));

        json_array_append_new(all, marks_of(h, name ? name : ""));
    }
    highlight_free(h);
    json_object_set_new(copy, "marks", all);
    return copy;
}

bool control_page_may(const char *method, const char *path)
{
    static const struct {
        const char *method, *path; /* one that ends with '/': what begins so */
    } may[] = {
        {"GET", "/v1/status"},    {"GET", "/v1/peers"},      {"GET", "/v1/search"},
        {"GET", "/v1/downloads"}, {"POST", "/v1/downloads"}, {"POST", "/v1/downloads/"},
        {"POST", "/v1/look"},     {"POST", "/v1/play"},
    };

    for (size_t i = 0; i < sizeof may / sizeof *may; i++) {
        size_t len = strlen(may[i].path);

        if (!strcmp(may[i].method, method) &&
            !strncmp(may[i].path, path, len + (may[i].path[len - 1] != '/')))
            return true;
    }
    return false;
}

void control_web(struct control *c, struct http_request *rq, const char *rest)
{
    struct buf url = {0};
    struct err e;

    (void)rest;
    if (web_open(c->conf.web, &url, &e))
        control_reply_err(rq, &e);
    else
        control_reply(rq, json_pack("{ss}", "url", url.data));
    buf_free(&url);
}

void control_web_stop(struct control *c, struct http_request *rq, const char *rest)
{
    bool guests = guest_shut(c->conf.guest, NULL);

    (void)rest;
    control_reply(rq, json_pack("{si sb}", "ended", (int)web_shut(c->conf.web), "guests", guests));
}

/* ---- the guests' page lasts as long as its command listens ---- */

struct visit {
    struct guest *guest;
    struct http_request *rq;
    char *line; /* what the command is told */
    atomic_bool ended;
};

static void on_ended(void *ctx)
{
    struct visit *v = ctx;

    v->ended = true;
    http_wake(v->rq);
}

static int64_t read_visit(void *ctx, uint64_t pos, void *to, size_t max)
{
    struct visit *v = ctx;
    size_t len = strlen(v->line);

    if (pos >= len)
        return v->ended ? -1 : 0;
    len -= (size_t)pos;
    len = len < max ? len : max;
    memcpy(to, v->line + pos, len);
    return (int64_t)len;
}

static void end_visit(void *ctx)
{
    struct visit *v = ctx;

    (void)guest_shut(v->guest, v);
    free(v->line);
    mem_free(v);
}

void control_web_lan(struct control *c, struct http_request *rq, const char *rest)
{
    struct visit *v = mem_zero(1, sizeof *v);
    struct http_stream st = {.read = read_visit, .done = end_visit, .ctx = v};
    json_t *answer;
    struct err e;

    (void)rest;
    v->guest = c->conf.guest;
    v->rq = rq;
    if (guest_open(v->guest, on_ended, v, &answer, &e)) {
        control_reply_err(rq, &e);
        mem_free(v);
        return;
    }
    v->line = json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
    v->line = strcat(realloc(v->line, strlen(v->line) + 2), "\n");
    http_reply_stream(rq, 200, "application/x-ndjson", UINT64_MAX, &st);
}
