/* The plan's names for a trace, and its invariants for tests and the simulator. */
#include "core/plan.h"
#include "core/plan_priv.h"

#include <assert.h>

const char *plan_event_name(enum plan_event e)
{
    static const char *const name[] = {"source", "gone",  "bytes", "piece-ok", "piece-bad", "end",
                                       "again",  "limit", "room",  "point",    "order",     "tick"};

    return name[e];
}

const char *plan_act_name(enum plan_act a)
{
    static const char *const name[] = {"request", "cancel", "ask",     "probe",
                                       "drop",    "done",   "waiting", "failed"};

    return name[a];
}

void plan_check(const struct plan *p)
{
    uint32_t n_free = 0, n_done = 0;
    unsigned running = 0, parts = 0, busy = 0;

    for (uint32_t i = 0; i < p->conf.pieces; i++) {
        unsigned covered = 0;

        for (unsigned j = 0; j < FETCH_CONN_MAX; j++) {
            const struct plan_request *r = &p->request[j];

            covered += r->id && i >= r->next && i < r->first + r->count;
        }
        n_free += p->piece[i] == PIECE_FREE;
        n_done += p->piece[i] == PIECE_DONE;
        assert(covered <= 2);
        assert(p->piece[i] == PIECE_DONE || p->piece[i] == covered);
        assert(p->piece[i] != PIECE_FREE || i >= p->low);
    }
    assert(n_free == p->free && n_done == p->done);
    for (unsigned j = 0; j < FETCH_CONN_MAX; j++) {
        const struct plan_request *r = &p->request[j];

        running += r->id != 0;
        assert(!r->id || (r->count >= 1 && r->count <= FETCH_REQUEST_PIECES));
        assert(!r->id || (r->first + r->count <= p->conf.pieces && r->next >= r->first));
        assert(!r->id || r->src->state <= SOURCE_PAUSE);
    }
    assert(running == p->running);
    for (size_t i = 0; i < p->sources; i++) {
        const struct plan_source *s = p->source[i];
        unsigned mine = 0;

        for (unsigned j = 0; j < FETCH_CONN_MAX; j++)
            mine += p->request[j].id && p->request[j].src == s;
        assert(mine == s->running && mine <= FETCH_CONN_PER_PEER);
        assert(!s->whole || !s->has.byte);
        parts += s->has.byte != NULL;
        busy += s->running > 0;
    }
    assert(parts == p->parts && busy <= FETCH_PEERS_MAX + PLAN_ORDER_MAX);
    assert(p->order.count <= PLAN_ORDER_MAX && p->room >= 1 && p->room <= FETCH_CONN_MAX);
    for (unsigned i = 0; i < p->order.count; i++) {
        assert(p->order.src[i]->state <= SOURCE_PAUSE && !p->order.src[i]->bad);
        for (unsigned j = 0; j < i; j++)
            assert(p->order.src[i] != p->order.src[j]);
    }
    if (p->order.trial)
        assert(p->order.count >= 2);
}
