#include "svc/desk.h"

#include "base/log.h"
#include "base/mem.h"
#include "svc/desk_priv.h"

#include <sodium.h>

static struct catalog *empty_catalog(void)
{
    uint64_t seed;

    randombytes_buf(&seed, sizeof seed);
    return catalog_new(seed);
}

/* ---- leading ---- */

static void take_own(struct desk *d)
{
    if (d->leading && d->own && !d->own_posted)
        d->own_posted = loop_post(d->loop, desk_own_pull, d);
}

static void begin(struct desk *d)
{
    struct elect_peer self = {.nid = d->conf.ident->nid};

    if (d->leading)
        return;
    log_info("desk", "begin");
    memcpy(self.pub, d->conf.ident->key.pub, sizeof self.pub);
    desk_member_put(d, &self, true);
    uv_rwlock_wrlock(&d->lock);
    d->leading = true;
    uv_rwlock_wrunlock(&d->lock);
    take_own(d);
}

/* The memory goes back: whoever leads next has pulled for itself. */
static void stop(struct desk *d)
{
    struct catalog *old;

    if (!d->leading)
        return;
    log_info("desk", "stop");
    uv_rwlock_wrlock(&d->lock);
    d->leading = false;
    old = d->catalog;
    d->catalog = empty_catalog();
    uv_rwlock_wrunlock(&d->lock);
    catalog_free(old);
    desk_direct_gone(d, NULL);
    desk_members_clear(d);
    mem_trim();
    uv_timer_stop(&d->retry);
}

static void take_news(struct desk *d, const struct elect_news *n)
{
    switch (n->kind) {
    case ELECT_LEADER:
        if (n->self)
            begin(d);
        else
            stop(d);
        break;
    case ELECT_NO_LEADER:
        stop(d);
        break;
    case ELECT_PEER_UP:
    case ELECT_PEER_CHANGED:
        if (d->leading && !nid_eq(&n->peer.nid, &d->conf.ident->nid))
            desk_member_put(d, &n->peer, false);
        break;
    case ELECT_PEER_DOWN:
        desk_direct_gone(d, &n->peer.nid);
        desk_member_remove(d, &n->peer.nid);
        break;
    case ELECT_STANDBY:
        break;
    }
    desk_pull_all(d);
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
    out->leading = d->leading;
    out->peers = HASH_COUNT(d->members);
    for (const struct member *m = d->members; m; m = m->hh.next)
        out->pulling += desk_behind(m);
    catalog_stats(d->catalog, &st);
    uv_rwlock_rdunlock(&d->lock);
    out->files = st.files;
    out->folders = st.folders;
    out->bytes = st.bytes;
}

void desk_heard(struct desk *d, size_t (*heard)(void *ctx, struct elect_peer *out, size_t max),
                void *ctx)
{
    uv_rwlock_wrlock(&d->lock);
    d->heard = heard;
    d->heard_ctx = ctx;
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
    d->http = http_client_new(d->loop, &d->conf.ident->tls);
}

static void close_on_loop(void *arg)
{
    struct desk *d = arg;

    d->closing = true;
    stop(d);
    http_client_free(d->http);
    uv_close((uv_handle_t *)&d->retry, NULL);
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
    uv_rwlock_destroy(&d->lock);
    mem_free(d);
}
