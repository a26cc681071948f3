/* Standing by: the leader's roster, by held requests, becomes our table of members; their rows are
 * then asked of them, as a leader does. So when the leader is gone nothing has to move, and until
 * another one leads we can answer. What a leader says can make us ask the wrong ones, or not ask
 * somebody; it can't put a row into our copy that its owner did not send. */
#include "base/log.h"
#include "base/mem.h"
#include "svc/desk_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROSTER_MAX (512u << 10) /* bytes: PEERS_MAX members, and some that are gone */
#define PACE_MS    20           /* between two requests: changes are taken together */

static void ask(struct desk *d);

static void on_retry(uv_timer_t *t)
{
    ask(t->data);
}

static void ask_in(struct desk *d, uint64_t ms)
{
    uv_timer_start(&d->roster_retry, on_retry, ms, 0);
}

/* ---- what came ---- */

static bool is_link_local(const struct addr *a)
{
    return a->family == 6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

static void take_member(struct desk *d, const struct roster_entry *e)
{
    bool self = nid_eq(&e->nid, &d->conf.ident->nid);
    struct elect_peer p = {.nid = e->nid,
                           .inc = e->inc,
                           .addr = e->addr,
                           .generation = e->generation,
                           .number = e->number};

    memcpy(p.pub, e->pub, sizeof p.pub);
    if (e->leader) {
        if (!nid_eq(&e->nid, &d->leader.nid))
            return;
        p.addr = d->leader.addr;
    }
    if (is_link_local(&p.addr) && !p.addr.scope)
        p.addr.scope = d->leader.addr.scope; /* the link that we have in common */
    if (!self)
        desk_member_put(d, &p, false);
}

/* Members that the whole list does not have. */
static void remove_others(struct desk *d, uint64_t turn)
{
    struct member *m, *next;

    for (m = d->members; m; m = next) {
        next = m->hh.next;
        if (!m->self && m->version != turn)
            desk_member_remove(d, &m->nid);
    }
}

/* false: malformed. What came before the fault is kept. */
static bool take_roster(struct desk *d)
{
    struct rd r = rd_over(d->roster_body.data, d->roster_body.len);
    struct roster_head head;
    struct roster_entry e;
    uint64_t turn = ++d->turns;

    if (!roster_get_head(&r, &head))
        return false;
    if (!head.reset && head.epoch != d->epoch)
        return false;
    while (rd_left(&r)) {
        struct member *m;

        if (!roster_get(&r, &e))
            return false;
        if (e.gone)
            desk_member_remove(d, &e.nid);
        else
            take_member(d, &e);
        m = desk_find(d, &e.nid);
        if (m)
            m->version = turn;
    }
    if (head.reset)
        remove_others(d, turn);
    d->epoch = head.epoch;
    uv_rwlock_wrlock(&d->lock);
    d->version = head.version;
    uv_rwlock_wrunlock(&d->lock);
    d->in_step = true;
    return true;
}

static bool on_data(void *ctx, const void *p, size_t len)
{
    struct desk *d = ctx;

    buf_add(&d->roster_body, p, len);
    return true;
}

static void on_done(void *ctx, const struct http_answer *a, const struct buf *body)
{
    static const uint64_t wait_ms[] = {PACE_MS, 200, 1000, 3000};
    struct desk *d = ctx;
    bool good = a->status == 200 && !a->err.code;

    (void)body;
    d->roster = NULL;
    if (good && !take_roster(d)) {
        good = false;
        log_warn("desk", "roster-malformed");
        uv_rwlock_wrlock(&d->lock);
        d->version = 0; /* all of it, next time */
        uv_rwlock_wrunlock(&d->lock);
        d->roster_fails = 2;
    }
    if (good) {
        d->roster_fails = 0;
    } else if (d->roster_fails < 3 && ++d->roster_fails == 1) {
        log_debug("desk", "roster-failed status=%ld reason=\"%s\"", a->status,
                  a->err.code ? a->err.text : "");
    }
    ask_in(d, wait_ms[d->roster_fails]);
    desk_pull_all(d);
    desk_follow_check(d);
}

static void ask(struct desk *d)
{
    char path[96];
    struct http_ask h = {.addr = d->leader.addr,
                         .path = path,
                         .total_ms = HOLD_MS + 10000,
                         .stall_ms = HOLD_MS + 3000,
                         .max = ROSTER_MAX,
                         .data = on_data,
                         .done = on_done,
                         .ctx = d};

    if (d->role != DESK_STANDBY || d->roster || !d->leader.addr.family)
        return;
    snprintf(path, sizeof path, "/v1/desk?since=%" PRIu64 ".%" PRIu64, d->epoch, d->version);
    memcpy(h.pin, d->leader.pub, sizeof h.pin);
    buf_reset(&d->roster_body);
    d->roster = http_start(d->http, &h);
}

/* ---- begin and end ---- */

void desk_follow_begin(struct desk *d)
{
    d->roster_fails = 0;
    d->in_step = d->warm_told = false;
    uv_rwlock_wrlock(&d->lock);
    d->version = 0;
    uv_rwlock_wrunlock(&d->lock);
    ask(d);
}

void desk_follow_end(struct desk *d)
{
    if (d->roster)
        http_cancel(d->roster);
    d->roster = NULL;
    d->in_step = d->warm_told = false;
    buf_free(&d->roster_body);
    uv_timer_stop(&d->roster_retry);
}

void desk_follow_check(struct desk *d)
{
    bool warm = d->in_step;

    if (d->role != DESK_STANDBY)
        return;
    for (const struct member *m = d->members; warm && m; m = m->hh.next)
        warm = !desk_behind(m);
    if (warm && !d->usable) {
        log_info("desk", "warm members=%u", HASH_COUNT(d->members));
        uv_rwlock_wrlock(&d->lock);
        d->usable = true;
        uv_rwlock_wrunlock(&d->lock);
    }
    if (warm == d->warm_told)
        return;
    d->warm_told = warm;
    uv_rwlock_rdlock(&d->lock);
    if (d->warm)
        d->warm(d->warm_ctx, warm);
    uv_rwlock_rdunlock(&d->lock);
}
