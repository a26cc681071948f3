/* A member asks whether it can be reached: one TCP connection back to the address that it asks
 * from, to nobody else's, to a port that it names; closed at once. For `iwanto doctor`. */
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "io/probe.h"
#include "svc/serve_priv.h"

#include <string.h>

#define LOOK_MS 50

struct reach {
    struct serve *s;
    int fd;
    int64_t until_ms;
};

static bool take_turn(struct serve *s)
{
    bool good;

    uv_mutex_lock(&s->lock);
    good = s->reaches < REACH_MAX;
    s->reaches += good;
    uv_mutex_unlock(&s->lock);
    return good;
}

static void over(void *ctx)
{
    struct reach *r = ctx;

    probe_tcp_end(r->fd);
    uv_mutex_lock(&r->s->lock);
    r->s->reaches--;
    uv_mutex_unlock(&r->s->lock);
    mem_free(r);
}

static struct reach *begin(struct serve *s, struct http_request *rq, const char *port)
{
    const struct addr *from = http_from(rq);
    struct addr to;
    struct reach *r;
    uint64_t n;

    if (!from || !str_parse_u64(port, 1, UINT16_MAX, &n)) {
        http_reply_text(rq, 400, "a port is a number from 1 to 65535");
        return NULL;
    }
    if (!take_turn(s)) {
        http_reply_header(rq, "Retry-After", "1");
        http_reply_text(rq, 429, "others ask for this now");
        return NULL;
    }
    to = *from;
    to.port = (uint16_t)n;
    r = mem_zero(1, sizeof *r);
    *r = (struct reach){.s = s, .fd = probe_tcp_begin(&to), .until_ms = loop_now_ms() + REACH_MS};
    http_set_ctx(rq, r, over);
    return r;
}

void serve_reach(struct serve *s, struct http_request *rq, const char *port)
{
    struct reach *r = http_get_ctx(rq);
    enum probe_tcp how;
    char text[64];

    if (!r && !(r = begin(s, rq, port)))
        return;
    how = probe_tcp_look(r->fd, loop_now_ms() >= r->until_ms);
    if (how == PROBE_PENDING) {
        http_hold(rq, LOOK_MS);
        return;
    }
    snprintf(text, sizeof text, "{\"reached\":\"%s\"}", probe_tcp_name(how));
    http_reply(rq, 200, "application/json", text, strlen(text));
}
