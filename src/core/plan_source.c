/* The sources of a plan: who there is, how fast each is, what it has. */
#include "core/plan_priv.h"

#include "base/mem.h"

#define WINDOW_MS 100 /* a rate is measured over at least this */

struct plan_source *plan_source_by_id(const struct plan *p, uint32_t id)
{
    for (size_t i = 0; i < p->sources; i++) {
        if (p->source[i]->id == id)
            return p->source[i];
    }
    return NULL;
}

struct plan_source *plan_source_new(struct plan *p, uint32_t id)
{
    struct plan_source *s = mem_zero(1, sizeof *s);

    MEM_GROW(p->source, p->sources, p->sources_cap);
    p->source[p->sources++] = s;
    s->id = id;
    s->cursor = UINT32_MAX;
    s->alive_ms = INT64_MIN / 2;
    return s;
}

void plan_measure(struct plan_source *s, int64_t now_ms)
{
    double dt = (double)(now_ms - s->window_ms), now;

    if (dt < WINDOW_MS)
        return;
    now = (double)s->window_bytes * 1000 / dt;
    if (!s->measured && !s->window_bytes)
        return; /* connecting */
    s->rate = s->measured ? s->rate + (now - s->rate) * dt / (dt + 1000) : now;
    s->measured = true;
    s->window_bytes = 0;
    s->window_ms = now_ms;
}

/* Count what the source has into the pieces' holders (by is 1 or -1). */
static void count_part(struct plan *p, const struct bits *has, int by)
{
    if (!p->holders)
        p->holders = mem_zero(p->conf.pieces, sizeof *p->holders);
    for (uint32_t i = 0; i < has->len; i++) {
        if (i % 8 == 0 && !has->byte[i / 8])
            i += 7;
        else if (bits_get(has, i))
            p->holders[i] = (uint16_t)(p->holders[i] + by);
    }
}

static void forget_has(struct plan *p, struct plan_source *s)
{
    s->whole = false;
    if (!s->has.byte)
        return;
    count_part(p, &s->has, -1);
    bits_done(&s->has);
    p->parts--;
}

void plan_source_is(struct plan *p, struct plan_source *s, const struct bits *has)
{
    forget_has(p, s);
    s->whole = !has || bits_full(has);
    s->alive_ms = p->now_ms;
    if (!s->whole) {
        bits_copy(&s->has, has);
        count_part(p, &s->has, 1);
        p->parts++;
    }
    if (s->state == SOURCE_LOST || s->state == SOURCE_GONE) {
        s->state = SOURCE_USE;
        s->fails = 0;
    }
}

void plan_source_out(struct plan *p, struct plan_source *s, enum plan_state state,
                     struct plan_out *out)
{
    for (unsigned i = 0; i < FETCH_CONN_MAX; i++) {
        if (p->request[i].id && p->request[i].src == s)
            plan_request_cancel(p, &p->request[i], out);
    }
    forget_has(p, s);
    s->state = state;
    if (state != SOURCE_GONE) {
        struct plan_action *a = plan_act(out, PLAN_DROP);

        a->source = s->id;
        a->lied = state == SOURCE_LIAR;
    }
    plan_order_leave(p, s, out);
}

void plan_source_broken(struct plan *p, struct plan_source *s, struct plan_out *out)
{
    if (s->state != SOURCE_USE)
        return; /* both its connections broke: once is enough */
    if (++s->fails >= PLAN_TRIES) {
        plan_source_out(p, s, SOURCE_LOST, out);
        return;
    }
    s->state = SOURCE_PAUSE;
    s->retry_ms = p->now_ms + ((int64_t)PLAN_PAUSE_MS << (s->fails - 1));
}
