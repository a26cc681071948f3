/* Which pieces a source is asked for next. */
#include "core/plan_priv.h"

#include <string.h>

#define LOOK_MAX 4096 /* pieces looked at for the rarest */
#define SILENT_MS                                                                                  \
    500 /* without a byte for so long a request is taken to be slower than measured                \
         */
#define RESCUE_MS                                                                                  \
    2000 /* and after this its pieces are asked elsewhere although others are free                 \
          */

bool plan_source_has(const struct plan_source *s, uint32_t piece)
{
    return s->whole || (s->has.byte && bits_get(&s->has, piece));
}

double plan_guess(const struct plan *p, const struct plan_source *s)
{
    double sum = 0;
    unsigned n = 0;

    if (s->measured)
        return s->rate > 1 ? s->rate : 1;
    for (size_t i = 0; i < p->sources; i++) {
        if (p->source[i]->measured) {
            sum += p->source[i]->rate;
            n++;
        }
    }
    /* better than the others, so that each is tried */
    return n && sum > 1 ? 1.5 * sum / n : (double)(1 << 20);
}

static bool was_bad(const struct plan_source *s, uint32_t piece)
{
    for (unsigned i = 0; i < s->bad && i < FETCH_BAD_MAX; i++) {
        if (s->bad_piece[i] == piece)
            return true;
    }
    return false;
}

/* It was bad from s, and there is somebody else to ask. */
static bool avoid(const struct plan *p, const struct plan_source *s, uint32_t piece)
{
    if (!was_bad(s, piece))
        return false;
    for (size_t i = 0; i < p->sources; i++) {
        const struct plan_source *o = p->source[i];

        if (o != s && o->state <= SOURCE_PAUSE && plan_source_has(o, piece) && !was_bad(o, piece))
            return true;
    }
    return false;
}

static bool wanted(const struct plan *p, const struct plan_source *s, uint32_t piece)
{
    return p->piece[piece] == PIECE_FREE && plan_source_has(s, piece) && !avoid(p, s, piece);
}

/* First wanted piece in from .. to-1; to when there is none. */
static uint32_t find(const struct plan *p, const struct plan_source *s, uint32_t from, uint32_t to)
{
    while (from < to) {
        const uint8_t *at = memchr(p->piece + from, PIECE_FREE, to - from);

        if (!at)
            return to;
        from = (uint32_t)(at - p->piece);
        if (wanted(p, s, from))
            return from;
        from++;
    }
    return to;
}

/* Where an ordered search begins. */
static uint32_t front(const struct plan *p)
{
    return p->point > p->low ? p->point : p->low;
}

static bool find_around(const struct plan *p, const struct plan_source *s, uint32_t start,
                        uint32_t *piece)
{
    *piece = find(p, s, start, p->conf.pieces);
    if (*piece < p->conf.pieces)
        return true;
    *piece = find(p, s, p->low, start);
    return *piece < start;
}

/* The wanted piece that the fewest sources with a part have, among the next LOOK_MAX wanted ones
 * after start. */
static bool find_rarest(const struct plan *p, const struct plan_source *s, uint32_t start,
                        uint32_t *piece)
{
    uint32_t at = start, looked = 0, best = UINT32_MAX;
    bool wrapped = false;

    while (looked < LOOK_MAX) {
        uint32_t to = wrapped ? start : p->conf.pieces;

        at = find(p, s, at, to);
        if (at == to) {
            if (wrapped)
                break;
            wrapped = true;
            at = p->low;
            continue;
        }
        if (best == UINT32_MAX || p->holders[at] < p->holders[best])
            best = at;
        if (p->holders[best] == 0)
            break;
        looked++;
        at++;
    }
    *piece = best;
    return best != UINT32_MAX;
}

static bool pick_first(struct plan *p, const struct plan_source *s, uint32_t *first)
{
    uint32_t last = p->conf.pieces - 1;

    if (!p->free)
        return false;
    if (wanted(p, s, last)) {
        *first = last;
        return true;
    }
    if (!p->conf.sequential && p->parts)
        return find_rarest(p, s, (uint32_t)rng_below(&p->rng, p->conf.pieces), first);
    if (!p->conf.sequential && s->cursor < p->conf.pieces && wanted(p, s, s->cursor)) {
        *first = s->cursor;
        return true;
    }
    return find_around(p, s, front(p), first);
}

/* How many connections could share what is left. */
static unsigned lanes(const struct plan *p)
{
    unsigned n = 0;

    for (size_t i = 0; i < p->sources && n < FETCH_CONN_MAX; i++)
        n += p->source[i]->state == SOURCE_USE && (p->source[i]->whole || p->source[i]->has.byte)
                 ? FETCH_CONN_PER_PEER
                 : 0;
    return n > p->room ? p->room : n ? n : 1;
}

/* Pieces that last about ms at rate, as many as the limit allows. */
static uint32_t fitting(const struct plan *p, const struct plan_source *s, double rate, double ms)
{
    double fit = rate * ms / 1000 / (double)p->conf.piece_bytes;
    uint32_t n = 1;

    if (s->measured && fit > 1)
        n = fit > FETCH_REQUEST_PIECES ? FETCH_REQUEST_PIECES : (uint32_t)fit;
    if (p->limit > 0 && n > p->tokens / (double)p->conf.piece_bytes)
        n = (uint32_t)(p->tokens / (double)p->conf.piece_bytes);
    return n ? n : 1;
}

static uint32_t request_size(const struct plan *p, const struct plan_source *s)
{
    uint32_t n = fitting(p, s, plan_guess(p, s) / FETCH_CONN_PER_PEER, PLAN_REQUEST_MS);
    uint32_t share = p->free / (2 * lanes(p));

    if (n > share)
        n = share;
    return n ? n : 1;
}

/* How many from first on are free and wanted of s, at most max. */
static uint32_t run_from(const struct plan *p, const struct plan_source *s, uint32_t first,
                         uint32_t max)
{
    uint32_t n = 1;

    while (n < max && first + n < p->conf.pieces && wanted(p, s, first + n))
        n++;
    return n;
}

bool plan_pick(struct plan *p, const struct plan_source *s, uint32_t *first, uint32_t *count)
{
    if (!pick_first(p, s, first))
        return false;
    *count = run_from(p, s, *first, request_size(p, s));
    return true;
}

bool plan_pick_stream(struct plan *p, const struct plan_source *s, uint32_t *first, uint32_t *count)
{
    uint32_t last = p->conf.pieces - 1, max, n = 1;

    if (!p->free)
        return false;
    *count = 1;
    *first = last;
    if (p->piece[last] == PIECE_FREE && !was_bad(s, last))
        return true;
    for (*first = p->low; *first < last; ++*first) {
        if (p->piece[*first] == PIECE_FREE && !was_bad(s, *first))
            break;
    }
    if (*first >= last)
        return false;
    max = fitting(p, s, plan_guess(p, s), PLAN_STREAM_MS);
    while (n < max && *first + n < last && p->piece[*first + n] == PIECE_FREE &&
           !was_bad(s, *first + n))
        n++;
    *count = n;
    return true;
}

/* Milliseconds until the request has brought its piece at `piece`, as it looks now. */
static double time_left(const struct plan *p, const struct plan_request *r, uint32_t piece)
{
    double each = plan_guess(p, r->src) / (r->src->running ? r->src->running : 1);
    double bytes = (double)(piece - r->next + 1) * (double)p->conf.piece_bytes - (double)r->got;
    int64_t silent = p->now_ms - r->heard_ms;
    double ms = bytes > 0 ? 1000 * bytes / each : 0;

    return silent > SILENT_MS ? ms + 2 * (double)silent : ms;
}

bool plan_pick_twice(const struct plan *p, const struct plan_source *s, uint32_t *piece)
{
    double ours = 1000 * (double)p->conf.piece_bytes / (plan_guess(p, s) / (s->running + 1));
    double worst = 1.5 * ours + PLAN_TICK_MS;
    bool found = false;

    for (unsigned i = 0; i < FETCH_CONN_MAX; i++) {
        const struct plan_request *r = &p->request[i];

        if (!r->id || r->src == s)
            continue;
        if (p->free && p->now_ms - r->heard_ms < RESCUE_MS)
            continue;
        for (uint32_t at = r->first + r->count; at-- > r->next;) { /* from the back: the two meet */
            double left;

            if (p->piece[at] != 1 || !plan_source_has(s, at) || was_bad(s, at))
                continue;
            left = time_left(p, r, at);
            if (left > worst) {
                worst = left;
                *piece = at;
                found = true;
            }
            break;
        }
    }
    return found;
}

bool plan_pick_urgent(struct plan *p, const struct plan_source *s, uint32_t *piece)
{
    uint32_t left = p->conf.pieces - p->point,
             end = p->point + (p->window < left ? p->window : left);
    double ours = 1000 * (double)p->conf.piece_bytes / (plan_guess(p, s) / (s->running + 1));

    *piece = p->conf.pieces - 1; /* nothing is played before it is there */
    if (wanted(p, s, *piece))
        return true;
    for (uint32_t i = p->point; i < end; i++) {
        if (p->piece[i] == PIECE_DONE || !plan_source_has(s, i) || avoid(p, s, i))
            continue;
        if (p->piece[i] == PIECE_FREE) {
            *piece = i;
            return true;
        }
        for (unsigned j = 0; p->piece[i] == 1 && j < FETCH_CONN_MAX; j++) {
            const struct plan_request *r = &p->request[j];

            if (!r->id || i < r->next || i >= r->first + r->count)
                continue;
            if (r->src != s && time_left(p, r, i) > 1.5 * ours + PLAN_TICK_MS) {
                p->late++;
                *piece = i;
                return true;
            }
        }
    }
    return false;
}
