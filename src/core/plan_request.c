/* What runs: requests, and by them the state of each piece. */
#include "core/plan_priv.h"

#include <assert.h>

struct plan_request *plan_request_by_id(struct plan *p, uint32_t id)
{
    for (unsigned i = 0; id && i < FETCH_CONN_MAX; i++) {
        if (p->request[i].id == id)
            return &p->request[i];
    }
    return NULL;
}

void plan_request_start(struct plan *p, struct plan_source *s, uint32_t first, uint32_t count,
                        struct plan_out *out)
{
    struct plan_request *r = p->request;
    struct plan_action *a;

    assert(p->running < FETCH_CONN_MAX);
    while (r->id)
        r++;
    if (!++p->last_id)
        p->last_id = 1;
    *r = (struct plan_request){.id = p->last_id,
                               .src = s,
                               .first = first,
                               .count = count,
                               .next = first,
                               .heard_ms = p->now_ms};
    for (uint32_t i = first; i < first + count; i++) {
        if (p->piece[i]++ == PIECE_FREE)
            p->free--;
    }
    while (p->low < p->conf.pieces && p->piece[p->low] != PIECE_FREE)
        p->low++;
    if (!s->running && p->now_ms - s->idle_ms > 20) {
        s->window_ms = p->now_ms;
        s->window_bytes = 0;
    }
    s->running++;
    s->cursor = first + count;
    p->running++;
    p->tokens -= p->limit > 0 ? (double)count * (double)p->conf.piece_bytes : 0;
    a = plan_act(out, PLAN_REQUEST);
    a->request = r->id;
    a->source = s->id;
    a->first = first;
    a->count = count;
}

void plan_piece_free(struct plan *p, uint32_t i)
{
    p->piece[i] = PIECE_FREE;
    p->free++;
    if (i < p->low)
        p->low = i;
}

void plan_piece_release(struct plan *p, uint32_t i)
{
    if (p->piece[i] == PIECE_DONE)
        return;
    assert(p->piece[i] == 1 || p->piece[i] == 2);
    if (--p->piece[i] == 0)
        plan_piece_free(p, i);
}

void plan_request_end(struct plan *p, struct plan_request *r)
{
    for (uint32_t i = r->next; i < r->first + r->count; i++)
        plan_piece_release(p, i);
    plan_measure(r->src, p->now_ms);
    r->src->running--;
    r->src->idle_ms = p->now_ms;
    p->running--;
    if (p->order.trial == r->id)
        p->order.trial = 0;
    r->id = 0;
}

void plan_request_cancel(struct plan *p, struct plan_request *r, struct plan_out *out)
{
    plan_act(out, PLAN_CANCEL)->request = r->id;
    plan_request_end(p, r);
}

void plan_cancel_needless(struct plan *p, struct plan_out *out)
{
    for (unsigned i = 0; i < FETCH_CONN_MAX; i++) {
        struct plan_request *r = &p->request[i];
        uint32_t at;

        if (!r->id || r->next == r->first + r->count)
            continue;
        for (at = r->next; at < r->first + r->count && p->piece[at] == PIECE_DONE; at++)
            ;
        if (at == r->first + r->count)
            plan_request_cancel(p, r, out);
    }
}
