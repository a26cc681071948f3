/* A swarm's order: one parent at a time, fall-backs behind it (plan.h has the rules). */
#include "core/plan_priv.h"

#define TRIAL_PIECES 12 /* with fewer left nobody new is tried */
#define ROUND_MS     40 /* the next request goes out so long before the one before ends */
#define TRIES_NEW    3 /* broken requests to a parent that never gave anything: it may be starting */

static struct plan_source *parent(const struct plan *p)
{
    return p->order.count ? p->order.src[0] : NULL;
}

bool plan_has_parent(const struct plan *p)
{
    return p->order.count > 0;
}

static bool in_order(const struct plan *p, const struct plan_source *s)
{
    for (unsigned i = 0; i < p->order.count; i++) {
        if (p->order.src[i] == s)
            return true;
    }
    return false;
}

static struct plan_request *running(struct plan *p, const struct plan_source *s)
{
    for (unsigned i = 0; i < FETCH_CONN_MAX; i++) {
        if (p->request[i].id && p->request[i].src == s)
            return &p->request[i];
    }
    return NULL;
}

/* ---- who is it ---- */

static void begin(struct plan *p)
{
    struct plan_order *o = &p->order;

    o->trial = 0;
    o->since_ms = p->now_ms;
    o->probe_ms = o->look_ms = p->now_ms;
    o->trial_wait_ms = PLAN_TRIAL_MS;
    o->trial_ms = p->now_ms + PLAN_TRIAL_MS;
    o->gave = o->count ? o->src[0]->gave : 0;
}

/* Only the parent is asked from now on: what others bring in time may come, no more of it. */
static void cancel_others(struct plan *p, struct plan_out *out)
{
    for (unsigned i = 0; i < FETCH_CONN_MAX; i++) {
        struct plan_request *r = &p->request[i];

        if (r->id && r->src != parent(p) && r->id != p->order.trial && !r->got &&
            r->next < r->first + r->count)
            plan_request_cancel(p, r, out);
    }
}

void plan_order_set(struct plan *p, const struct plan_in *in, struct plan_out *out)
{
    struct plan_source *keep = in->count ? parent(p) : NULL;

    p->order.count = 0;
    p->order.trial = 0; /* if one runs it brings its piece, no more */
    if (keep)
        p->order.src[p->order.count++] = keep;
    for (uint32_t i = 0; i < in->count && p->order.count < PLAN_ORDER_MAX; i++) {
        struct plan_source *s = plan_source_by_id(p, in->order[i]);

        if (!s)
            s = plan_source_new(p, in->order[i]);
        if (s->state == SOURCE_LIAR || s->bad || in_order(p, s))
            continue;
        if (s->state == SOURCE_LOST || s->state == SOURCE_GONE) {
            s->state = SOURCE_USE;
            s->fails = 0;
        }
        p->order.src[p->order.count++] = s;
    }
    if (!keep && p->order.count) {
        begin(p);
        cancel_others(p, out);
    }
}

void plan_order_leave(struct plan *p, struct plan_source *s, struct plan_out *out)
{
    bool was_parent = s == parent(p);
    unsigned n = 0;

    if (!in_order(p, s))
        return;
    for (unsigned i = 0; i < p->order.count; i++) {
        if (p->order.src[i] != s)
            p->order.src[n++] = p->order.src[i];
    }
    p->order.count = n;
    for (struct plan_request *r; (r = running(p, s));)
        plan_request_cancel(p, r, out);
    if (was_parent) {
        begin(p);
        plan_act(out, PLAN_ASK)->source = s->id;
    }
}

/* ---- what it is asked ---- */

bool plan_order_wants(const struct plan *p)
{
    const struct plan_source *s = parent(p);
    double ahead = (double)p->conf.piece_bytes / 2;

    if (s && s->rate * ROUND_MS / 1000 < ahead)
        ahead = s->rate * ROUND_MS / 1000;
    if (!s || s->state != SOURCE_USE || !p->free || p->window || p->running >= p->room)
        return false;
    for (unsigned i = 0; i < FETCH_CONN_MAX; i++) {
        const struct plan_request *r = &p->request[i];

        if (r->id && r->src == s && r->next + 1 < r->first + r->count)
            return false;
        if (r->id && r->src == s && r->next < r->first + r->count &&
            (double)r->got < (double)p->conf.piece_bytes - ahead)
            return false;
    }
    return s->running < FETCH_CONN_PER_PEER && (p->limit <= 0 || p->tokens > 0);
}

/* Is it so far ahead of us that the parent may be what is slow? Whole ones always are. */
static bool is_ahead(const struct plan *p, const struct plan_source *s)
{
    double lag = p->order.src[0]->rate * PLAN_AHEAD_MS / 1000 / (double)p->conf.piece_bytes;

    return s->whole || (s->has.byte && s->has.count > p->done + (lag > 16 ? lag : 16));
}

static bool trial_is_due(const struct plan *p)
{
    const struct plan_order *o = &p->order;

    return o->count >= 2 && !o->trial && o->trial_ms <= p->now_ms && o->src[0]->measured &&
           o->src[1]->state == SOURCE_USE && p->free >= TRIAL_PIECES && p->running < p->room;
}

/* A look at what it has first; its answer comes before the next of these. */
static void look(struct plan *p, struct plan_out *out)
{
    struct plan_order *o = &p->order;
    struct plan_source *s = o->src[1];
    uint32_t first, count;

    if (!s->whole && s->alive_ms < o->trial_ms) {
        if (o->look_ms < o->trial_ms) {
            plan_act(out, PLAN_PROBE)->source = s->id;
            o->look_ms = p->now_ms;
        }
        if (p->now_ms - o->look_ms < PLAN_PROBE_MS)
            return; /* for its answer */
    }
    o->trial_wait_ms *= 3;
    o->trial_ms = p->now_ms + o->trial_wait_ms;
    if (!is_ahead(p, s) || s->running || !plan_pick_stream(p, s, &first, &count))
        return;
    o->trial_began_ms = p->now_ms;
    plan_request_start(p, s, first, 1, out);
    o->trial = p->last_id;
}

void plan_order_dispatch(struct plan *p, struct plan_out *out)
{
    uint32_t first, count;

    if (plan_order_wants(p) && plan_pick_stream(p, parent(p), &first, &count))
        plan_request_start(p, parent(p), first, count, out);
    if (trial_is_due(p))
        look(p, out);
}

/* What the parent has brought on the whole, or lately if that was more: bytes/s. */
static double parent_rate(const struct plan *p)
{
    const struct plan_source *s = parent(p);
    double ms = (double)(p->now_ms - p->order.since_ms);
    double mean = ms > 0 ? 1000.0 * (double)(s->gave - p->order.gave) / ms : 0;

    return s->rate > mean ? s->rate : mean;
}

void plan_order_trial(struct plan *p, const struct plan_request *r, bool good, struct plan_out *out)
{
    double ms = (double)(p->now_ms - p->order.trial_began_ms);

    if (r->id != p->order.trial)
        return;
    p->order.trial = 0;
    if (good && p->order.count >= 2 && r->src == p->order.src[1] &&
        1000.0 * (double)p->conf.piece_bytes > 2 * parent_rate(p) * (ms < 1 ? 1 : ms))
        plan_order_leave(p, parent(p), out);
}

/* ---- does it live ---- */

void plan_order_broke(struct plan *p, struct plan_source *s, struct plan_out *out)
{
    plan_source_broken(p, s, out); /* lost sources are in no order */
    if (in_order(p, s) && (s->gave || s->fails >= TRIES_NEW))
        plan_order_leave(p, s, out);
}

/* The last byte of any of its requests, or the begin of the first. */
static int64_t heard_ms(const struct plan *p, const struct plan_source *s)
{
    int64_t heard = INT64_MIN;

    for (unsigned i = 0; i < FETCH_CONN_MAX; i++) {
        const struct plan_request *r = &p->request[i];

        if (r->id && r->src == s && r->heard_ms > heard)
            heard = r->heard_ms;
    }
    return heard;
}

void plan_order_tick(struct plan *p, struct plan_out *out)
{
    struct plan_source *s = parent(p);
    int64_t heard = s && s->running ? heard_ms(p, s) : INT64_MIN, silent;

    if (heard == INT64_MIN)
        return;
    silent = p->now_ms - heard;
    if (silent >= PLAN_STARVED_MS ||
        (silent >= PLAN_PARENT_MS && p->now_ms - s->alive_ms >= PLAN_PARENT_MS)) {
        plan_source_broken(p, s, out);
        plan_order_leave(p, s, out);
    } else if (silent >= PLAN_PROBE_MS && p->now_ms - p->order.probe_ms >= PLAN_PROBE_MS) {
        p->order.probe_ms = p->now_ms;
        plan_act(out, PLAN_PROBE)->source = s->id;
    }
}

int64_t plan_order_due_ms(const struct plan *p)
{
    const struct plan_source *s = parent(p);

    return s && s->running ? p->now_ms + PLAN_TICK_MS : INT64_MAX;
}
