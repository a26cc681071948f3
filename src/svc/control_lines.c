#include "svc/control_lines.h"

#include "base/buf.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct lines {
    uv_mutex_t lock;
    void (*wake)(void *ctx);
    void *ctx;
    struct buf waiting;
    size_t read; /* bytes of waiting that went */
    bool end;
};

struct lines *lines_new(void (*wake)(void *ctx), void *ctx)
{
    struct lines *l = mem_zero(1, sizeof *l);

    if (uv_mutex_init(&l->lock))
        abort();
    l->wake = wake;
    l->ctx = ctx;
    return l;
}

void lines_free(struct lines *l)
{
    buf_free(&l->waiting);
    uv_mutex_destroy(&l->lock);
    mem_free(l);
}

static void add(struct lines *l, const json_t *object, bool dispensable)
{
    char *text = json_dumps(object, JSON_COMPACT);

    uv_mutex_lock(&l->lock);
    if (!dispensable || l->waiting.len - l->read < LINES_MAX) {
        buf_str(&l->waiting, text);
        buf_char(&l->waiting, '\n');
        l->wake(l->ctx);
    }
    uv_mutex_unlock(&l->lock);
    free(text);
}

void lines_add(struct lines *l, const json_t *object)
{
    add(l, object, false);
}

void lines_event(struct lines *l, const json_t *event)
{
    add(l, event, !strcmp(json_string_value(json_object_get(event, "event")), "progress"));
}

void lines_end(struct lines *l)
{
    uv_mutex_lock(&l->lock);
    l->end = true;
    l->wake(l->ctx);
    uv_mutex_unlock(&l->lock);
}

int64_t lines_read(struct lines *l, void *to, size_t max)
{
    size_t n;
    bool end;

    uv_mutex_lock(&l->lock);
    n = l->waiting.len - l->read;
    if (n > max)
        n = max;
    if (n)
        memcpy(to, l->waiting.data + l->read, n);
    l->read += n;
    if (l->read == l->waiting.len) {
        buf_reset(&l->waiting);
        l->read = 0;
    }
    end = l->end;
    uv_mutex_unlock(&l->lock);
    return n ? (int64_t)n : end ? -1 : 0;
}
