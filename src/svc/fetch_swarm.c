/* Whom a transfer asks: its sources and the leader's order into the plan, its share of the
 * connections, and what the plan says about parents. */
#include "base/log.h"
#include "svc/fetch_priv.h"

#include <utlist.h>

/* ---- where its holders come from ---- */

static void on_answer(void *ctx, const struct ask_reply *r)
{
    struct xfer *x = ctx;

    if (r->status == 200)
        holders_take(&x->own_from, x->kind, x->size, r);
    holders_borrow(&x->own_from, &x->job->from);
    xfer_sources(x);
}

/* A larger file of a folder is asked for by its own hash: others may have it, without the folder.
 */
void swarm_begin(struct xfer *x)
{
    struct job *j = x->job;

    x->from = &j->from;
    if (j->kind == 'd' && x->size >= FETCH_PART_MIN) {
        x->from = &x->own_from;
        holders_init(x->from, x->f, &x->hash, on_answer, x);
        holders_borrow(x->from, &j->from);
    }
    if (x->size >= SWARM_SIZE_MIN)
        holders_fetch(x->from);
}

/* ---- what the plan is told ---- */

static bool is_ordered(const struct xfer *x)
{
    struct plan_view v = {0};

    if (x->plan)
        plan_view(x->plan, &v);
    return v.ordered;
}

static void give_order(struct xfer *x)
{
    uint32_t order[PLAN_ORDER_MAX];
    struct plan_in in = {.event = PLAN_ORDER, .order = order};

    x->from->new_order = false;
    for (unsigned i = 0; i < x->from->orders; i++) {
        const struct source *s = x->from->source[x->from->order[i]];

        if (!s->out && list_fits(x, s))
            order[in.count++] = x->from->order[i];
    }
    log_debug("fetch", "order id=%lld place=%llu parent=\"%s\"", (long long)x->job->id,
              (unsigned long long)x->from->place, in.count ? x->from->source[order[0]]->name : "");
    xfer_step(x, in);
}

/* The order before the sources: under one, nobody else is asked. */
void xfer_sources(struct xfer *x)
{
    if (!x->plan || x->finishing || x->closing)
        return;
    x->sources_due = holders_wait(x->from);
    if (x->sources_due)
        return;
    if (x->from->new_order)
        give_order(x);
    for (uint32_t i = 0; i < x->from->sources && !x->closing && x->plan; i++) {
        const struct source *s = x->from->source[i];

        if (!s->listed || s->out || !list_fits(x, s))
            continue;
        if (!s->partial)
            xfer_step(x, (struct plan_in){.event = PLAN_SOURCE, .source = i});
        else if (!is_ordered(x))
            poll_begin(x, i);
    }
}

/* The connections of one download are shared among its files, and there are fewer for each when
 * several downloads run. */
static uint32_t room(const struct xfer *x)
{
    const struct xfer *o;
    const struct job *j;
    unsigned mine = 0, jobs = 0, n;

    DL_FOREACH (x->f->xfers, o)
        mine += o->job == x->job && !o->closing;
    DL_FOREACH (x->f->jobs, j)
        jobs += j->xfer || j->tree;
    n = FETCH_CONN_MAX / ((mine ? mine : 1) * (jobs ? jobs : 1));
    return n < FETCH_CONN_MIN ? FETCH_CONN_MIN : n;
}

void swarm_tick(struct xfer *x, int64_t now)
{
    uint32_t n;

    if (x->from == &x->own_from)
        holders_tick(x->from, now);
    if (!x->plan || x->closing)
        return;
    n = room(x);
    if (n != x->room) {
        x->room = n;
        xfer_step(x, (struct plan_in){.event = PLAN_ROOM, .count = n});
    }
    if (x->sources_due && !x->closing)
        xfer_sources(x);
    if (x->plan && !x->closing && !is_ordered(x))
        have_poll_tick(x, now);
}

/* ---- what it says ---- */

void swarm_parent_left(struct xfer *x, uint32_t source)
{
    holders_lost(x->from, source);
    holders_ask(x->from, loop_now_ms());
}

bool swarm_is_starting(const struct xfer *x, uint32_t source)
{
    return x->from->source[source]->partial && is_ordered(x);
}
