#include "svc/desk.h"

#include "base/log.h"
#include "base/mem.h"
#include "svc/desk_priv.h"

#include <sodium.h>
#include <string.h>

#define SWEEP_MS      500 /* while somebody has to join soon or be hidden */
#define SWEEP_SLOW_MS 5000

static struct catalog *empty_catalog(void)
{
    uint64_t seed;

    randombytes_buf(&seed, sizeof seed);
    return catalog_new(seed);
}

/* ---- what we are ---- */

static void take_own(struct desk *d)
{
    if (d->role != DESK_IDLE && d->own && !d->own_posted)
        d->own_posted = loop_post(d->loop, desk_own_pull, d);
}

static void put_self(struct desk *d)
{
    struct elect_peer self = {.nid = d->conf.ident->nid};

    memcpy(self.pub, d->conf.ident->key.pub, sizeof self.pub);
    desk_member_put(d, &self, true);
}

static void set_role(struct desk *d, enum desk_role role, bool usable)
{
    uv_rwlock_wrlock(&d->lock);
    d->role = role;
    d->usable = usable;
    uv_rwlock_wrunlock(&d->lock);
}

static void on_sweep(uv_timer_t *t)
{
    struct desk *d = t->data;
    int64_t now = loop_now_ms();
    struct member *m, *next;
    bool doubts = false;

    for (m = d->members; m; m = next) {
        next = m->hh.next;
        doubts = doubts || m->doubt_ms;
        if (m->doubt_ms && m->doubt_ms <= now)
            desk_member_remove(d, &m->nid);
    }
    uv_timer_set_repeat(t, doubts ? SWEEP_MS : SWEEP_SLOW_MS);
    desk_kept_sweep(d, false);
    if (d->role == DESK_IDLE && !d->kept)
        uv_timer_stop(t);
}

static void become(struct desk *d)
{
    uv_timer_start(&d->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    put_self(d);
    take_own(d);
}

/* The copy that we have stood by with is the catalog now. The leader before is gone, or it would
 * still lead; the others have a while to join. */
static void begin(struct desk *d)
{
    bool copy = d->role == DESK_STANDBY;

    if (d->role == DESK_LEAD)
        return;
    if (copy) {
        desk_follow_end(d);
        desk_member_remove(d, &d->leader.nid);
    }
    log_info("desk", "begin copy=%s members=%u", copy && d->usable ? "yes" : "no",
             HASH_COUNT(d->members));
    uv_rwlock_wrlock(&d->lock);
    desk_members_doubt(d);
    desk_roster_begin(d);
    uv_rwlock_wrunlock(&d->lock);
    set_role(d, DESK_LEAD, true);
    become(d);
}

static void stand_by(struct desk *d)
{
    if (d->role == DESK_STANDBY)
        return;
    log_info("desk", "stand-by");
    set_role(d, DESK_STANDBY, false);
    become(d);
    desk_follow_begin(d);
}

/* Nothing is shown any more; the rows stay for a while, in case that we are needed again. */
static void stop(struct desk *d)
{
    if (d->role == DESK_IDLE)
        return;
    log_info("desk", "stop");
    desk_direct_gone(d, NULL);
    if (d->role == DESK_STANDBY)
        desk_follow_end(d);
    set_role(d, DESK_IDLE, false);
    desk_members_clear(d);
    desk_roster_wake(d); /* to hear that we do not lead */
    uv_timer_stop(&d->retry);
}

/* ---- news ---- */

static void take_leader(struct desk *d, const struct elect_news *n)
{
    bool same = nid_eq(&n->peer.nid, &d->leader.nid) && d->leader.inc == n->peer.inc;
    bool moved = false;

    if (n->self) {
        begin(d);
    } else if (!same || d->role != DESK_STANDBY) {
        stop(d);
    } else { /* it moved, and has to be told again that we are warm */
        desk_follow_end(d);
        moved = true;
    }
    uv_rwlock_wrlock(&d->lock);
    d->leader = n->peer;
    d->term = n->term;
    memset(d->standby, 0, sizeof d->standby);
    uv_rwlock_wrunlock(&d->lock);
    if (moved)
        desk_follow_begin(d);
}

static void take_standby(struct desk *d, const struct elect_news *n)
{
    uv_rwlock_wrlock(&d->lock);
    memcpy(d->standby, n->standby, sizeof d->standby);
    d->term = n->term;
    uv_rwlock_wrunlock(&d->lock);
    if (d->role == DESK_LEAD)
        return;
    if (n->place)
        stand_by(d);
    else
        stop(d);
}

static void take_news(struct desk *d, const struct elect_news *n)
{
    switch (n->kind) {
    case ELECT_LEADER:
        take_leader(d, n);
        break;
    case ELECT_NO_LEADER:
        if (d->role == DESK_LEAD)
            stop(d);
        break;
    case ELECT_PEER_UP:
    case ELECT_PEER_CHANGED:
        if (d->role == DESK_LEAD && !nid_eq(&n->peer.nid, &d->conf.ident->nid))
            desk_member_put(d, &n->peer, false);
        break;
    case ELECT_PEER_DOWN:
        desk_direct_gone(d, &n->peer.nid);
        if (d->role == DESK_LEAD)
            desk_member_remove(d, &n->peer.nid);
        break;
    case ELECT_STANDBY:
        take_standby(d, n);
        break;
    }
    desk_pull_all(d);
    desk_follow_check(d);
}

/* ---- from other threads ---- */

struct posted_news {
    struct desk *desk;
    struct elect_news news;
};

static void run_news(void *arg)
{
    struct posted_news *p = arg;

    if (!p->desk->closing)
        take_news(p->desk, &p->news);
    mem_free(p);
}

void desk_news(struct desk *d, const struct elect_news *news)
{
    struct posted_news *p = mem_alloc(sizeof *p);

    *p = (struct posted_news){.desk = d, .news = *news};
    if (!loop_post(d->loop, run_news, p))
        mem_free(p);
}

static void run_own(void *arg)
{
    take_own(arg);
}

void desk_own(struct desk *d, uint64_t generation, uint64_t number)
{
    (void)generation; /* how far the rows go, the store will say itself */
    (void)number;
    loop_post(d->loop, run_own, d);
}

void desk_status(struct desk *d, struct desk_status *out)
{
    struct catalog_stats st;

    *out = (struct desk_status){0};
    uv_rwlock_rdlock(&d->lock);
    out->leading = d->role == DESK_LEAD;
    out->standby = d->role == DESK_STANDBY;
    out->warm = out->standby && d->usable;
    out->peers = HASH_COUNT(d->members);
    out->pulls = d->pulls_done;
    out->pulled_rows = d->pulled_rows;
    out->pulled_bytes = d->pulled_bytes;
    for (const struct member *m = d->members; m; m = m->hh.next)
        out->pulling += desk_behind(m);
    catalog_stats(d->catalog, &st);
    uv_rwlock_rdunlock(&d->lock);
    out->files = st.files;
    out->folders = st.folders;
    out->bytes = st.bytes;
    out->hash_bytes = st.hash_bytes;
}

void desk_heard(struct desk *d, size_t (*heard)(void *ctx, struct elect_peer *out, size_t max),
                void *ctx)
{
    uv_rwlock_wrlock(&d->lock);
    d->heard = heard;
    d->heard_ctx = ctx;
    uv_rwlock_wrunlock(&d->lock);
}

void desk_on_warm(struct desk *d, void (*warm)(void *ctx, bool warm), void *ctx)
{
    uv_rwlock_wrlock(&d->lock);
    d->warm = warm;
    d->warm_ctx = ctx;
    uv_rwlock_wrunlock(&d->lock);
}

struct loop *desk_loop(struct desk *d)
{
    return d->loop;
}

/* ---- begin and end ---- */

static void open_on_loop(void *arg)
{
    struct desk *d = arg;

    uv_timer_init(loop_uv(d->loop), &d->retry);
    d->retry.data = d;
    uv_timer_init(loop_uv(d->loop), &d->sweep);
    d->sweep.data = d;
    uv_timer_init(loop_uv(d->loop), &d->roster_retry);
    d->roster_retry.data = d;
    d->http = http_client_new(d->loop, &d->conf.ident->tls);
}

static void close_on_loop(void *arg)
{
    struct desk *d = arg;

    d->closing = true;
    stop(d);
    desk_kept_sweep(d, true);
    http_client_free(d->http);
    uv_close((uv_handle_t *)&d->retry, NULL);
    uv_close((uv_handle_t *)&d->sweep, NULL);
    uv_close((uv_handle_t *)&d->roster_retry, NULL);
}

struct desk *desk_new(const struct desk_conf *conf, struct err *e)
{
    struct desk *d = mem_zero(1, sizeof *d);

    d->conf = *conf;
    d->conf.db_path = NULL; /* the caller's; not needed any more */
    if (conf->db_path && !(d->own = store_reader_open(conf->db_path, e))) {
        mem_free(d);
        return NULL;
    }
    uv_rwlock_init(&d->lock);
    uv_mutex_init(&d->wait_lock);
    d->catalog = empty_catalog();
    uv_mutex_init(&d->direct_lock);
    d->direct = direct_new();
    d->loop = loop_new("desk");
    loop_start(d->loop);
    loop_call(d->loop, open_on_loop, d);
    return d;
}

void desk_free(struct desk *d)
{
    if (!d)
        return;
    loop_call(d->loop, close_on_loop, d);
    loop_quit(d->loop);
    loop_free(d->loop);
    catalog_free(d->catalog);
    if (d->own)
        store_reader_close(d->own);
    direct_free(d->direct);
    uv_mutex_destroy(&d->direct_lock);
    uv_mutex_destroy(&d->wait_lock);
    uv_rwlock_destroy(&d->lock);
    mem_free(d);
}
