/* Routes of play and link: look into a content, play it, make and end links. */
#include "svc/control_priv.h"

#include "base/limits.h"
#include "base/mem.h"
#include "svc/control_lines.h"
#include "svc/errand.h"
#include "svc/json_text.h"
#include "svc/links.h"
#include "svc/play.h"

#include <string.h>

static int read_hash(const json_t *body, struct hash *h, struct err *e)
{
    const char *hex = json_string_value(json_object_get(body, "hash"));

    if (!hex || !hash_parse(h, hex, strlen(hex)))
        return err_set(e, ERR_USAGE, "a hash has 64 hex digits");
    return 0;
}

/* ---- errands ---- */

static void reply_errand(struct control *c, struct http_request *rq, errand_run *run)
{
    struct err e;
    json_t *answer = errand_answer(c->errands, rq, run, &e);

    if (answer)
        control_reply(rq, json_incref(answer));
    else if (e.code)
        control_reply_err(rq, &e);
}

static int run_look(void *ctx, const json_t *body, json_t **answer, struct err *e)
{
    struct control *c = ctx;
    struct hash h;
    int bad = read_hash(body, &h, e);

    return bad ? bad : links_look(c->conf.links, &h, answer, e);
}

static int run_link(void *ctx, const json_t *body, json_t **answer, struct err *e)
{
    struct control *c = ctx;
    json_int_t seconds = json_integer_value(json_object_get(body, "seconds"));
    struct hash h;
    int bad = read_hash(body, &h, e);

    if (bad)
        return bad;
    return links_make(c->conf.links, &h, seconds > 0 ? (uint64_t)seconds : LINK_DEFAULT_S,
                      json_is_true(json_object_get(body, "metalink")), answer, e);
}

static int run_end(void *ctx, const json_t *body, json_t **answer, struct err *e)
{
    struct control *c = ctx;
    bool all = json_is_null(json_object_get(body, "hash"));
    struct hash h;

    if (!all && read_hash(body, &h, e))
        return -e->code;
    *answer = links_end(c->conf.links, all ? NULL : &h);
    return 0;
}

static int run_list(void *ctx, const json_t *body, json_t **answer, struct err *e)
{
    struct control *c = ctx;

    (void)body;
    (void)e;
    *answer = links_list(c->conf.links);
    return 0;
}

void control_look(struct control *c, struct http_request *rq, const char *rest)
{
    (void)rest;
    reply_errand(c, rq, run_look);
}

void control_link(struct control *c, struct http_request *rq, const char *rest)
{
    (void)rest;
    reply_errand(c, rq, run_link);
}

void control_link_end(struct control *c, struct http_request *rq, const char *rest)
{
    (void)rest;
    reply_errand(c, rq, run_end);
}

void control_links(struct control *c, struct http_request *rq, const char *rest)
{
    (void)rest;
    reply_errand(c, rq, run_list);
}

/* ---- play ---- */

/* One command that plays. The playing lasts as long as the command listens. */
struct show {
    struct lines *lines;
    struct playing *playing; /* the server's thread only */
};

static void on_event(void *ctx, json_t *event)
{
    struct show *s = ctx;

    lines_event(s->lines, event);
    if (!strcmp(json_string_value(json_object_get(event, "event")), "failed"))
        lines_end(s->lines);
}

static int64_t read_show(void *ctx, uint64_t pos, void *to, size_t max)
{
    struct show *s = ctx;

    (void)pos;
    return lines_read(s->lines, to, max);
}

static void end_show(void *ctx)
{
    struct show *s = ctx;

    if (s->playing)
        play_end(s->playing);
    lines_free(s->lines);
    mem_free(s);
}

void control_play(struct control *c, struct http_request *rq, const char *rest)
{
    struct show *s;
    struct http_stream st = {.read = read_show, .done = end_show};
    struct hash hash;
    struct err e = {0};
    const char *text;
    json_t *body, *why;
    size_t len;

    (void)rest;
    text = http_body(rq, &len);
    body = json_loadb(text, len, 0, NULL);
    if (read_hash(body, &hash, &e)) {
        control_reply_err(rq, &e);
        json_decref(body);
        return;
    }
    st.ctx = s = mem_zero(1, sizeof *s);
    s->lines = lines_new(control_wake, rq);
    http_reply_stream(rq, 200, "application/x-ndjson", UINT64_MAX, &st);
    s->playing = play_begin(c->conf.play, &hash, json_string_value(json_object_get(body, "title")),
                            on_event, s, &e);
    if (!s->playing) {
        why = json_pack("{so so si}", "error", json_text(e.text), "hint", json_text(e.hint), "exit",
                        e.code);
        lines_add(s->lines, why);
        lines_end(s->lines);
        json_decref(why);
    }
    json_decref(body);
}
