#include "svc/lan.h"

#include "base/log.h"
#include "base/mem.h"
#include "io/clock.h"
#include "svc/lan_priv.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#define GAP_MS                                                                                     \
    250 /* between when the loop was to turn and when it did (doc/ELECTION.md, "Gap rule") */
#define LATE_MS  5   /* of a timer: the processor was busy with others */
#define STALE_MS 300 /* a datagram that waited longer says nothing of now */
#define LEAVE_MS 300 /* for saying goodbye */
#define SEEN_MS  100 /* how old the list of peers may be that other threads see */

/* ---- what other threads see ---- */

static void refresh(struct lan *l, bool news, int64_t now_ms)
{
    struct lan_status *s = &l->status;

    uv_mutex_lock(&l->lock);
    s->role = elect_role(l->elect);
    s->has_leader = elect_leader(l->elect, &s->leader, &s->term);
    if (news || now_ms - l->seen_ms >= SEEN_MS) {
        elect_view(l->elect, &s->view);
        l->seens = elect_peers(l->elect, l->seen, PEERS_MAX);
        s->peers = l->seens;
        if (l->seens > PEERS_MAX)
            l->seens = PEERS_MAX;
        l->seen_ms = now_ms;
    }
    uv_mutex_unlock(&l->lock);
}

void lan_status(struct lan *l, struct lan_status *out)
{
    uv_mutex_lock(&l->lock);
    *out = l->status;
    uv_mutex_unlock(&l->lock);
}

size_t lan_peers(struct lan *l, struct elect_peer *out, size_t max)
{
    size_t all;

    uv_mutex_lock(&l->lock);
    for (size_t n = 0; n < l->seens && n < max; n++)
        out[n] = l->seen[n];
    all = l->status.peers;
    uv_mutex_unlock(&l->lock);
    return all;
}

static void count(struct lan *l, uint64_t *counter)
{
    uv_mutex_lock(&l->lock);
    ++*counter;
    uv_mutex_unlock(&l->lock);
}

/* ---- one step of elect, and what it wants done ---- */

static void send_out(struct lan *l, const struct elect_send *s)
{
    uint8_t dgram[DGRAM_MAX], nonce[24];
    size_t len;

    randombytes_buf(nonce, sizeof nonce);
    len = wire_seal(dgram, s->msg, &l->conf.ident->net, &l->conf.ident->key, nonce);
    if (s->multicast)
        lan_reach_all(l, s->msg, dgram, len);
    else
        udp_send(l->udp, &s->to, dgram, len);
    count(l, &l->status.sent);
}

static void tell(struct lan *l, const struct elect_news *n)
{
    char hex[NID_HEX_LEN + 1], at[ADDR_TEXT_MAX];

    nid_hex(&n->peer.nid, hex);
    addr_text(&n->peer.addr, at);
    switch (n->kind) {
    case ELECT_LEADER:
        log_info("lan", "leader peer=%s addr=%s term=%llu", hex, n->self ? "self" : at,
                 (unsigned long long)n->term);
        break;
    case ELECT_NO_LEADER:
        log_info("lan", "no-leader");
        break;
    case ELECT_PEER_UP:
        log_info("lan", "peer-up peer=%s addr=%s", hex, at);
        break;
    case ELECT_PEER_CHANGED:
        log_debug("lan", "peer-changed peer=%s addr=%s number=%llu", hex, at,
                  (unsigned long long)n->peer.number);
        break;
    case ELECT_PEER_DOWN:
        log_info("lan", "peer-down peer=%s", hex);
        break;
    case ELECT_STANDBY:
        log_info("lan", "stand-bys place=%u", n->place);
        break;
    }
    if (l->conf.news)
        l->conf.news(l->conf.ctx, n);
}

static void on_timer(uv_timer_t *t);

static void arm(struct lan *l)
{
    int64_t now = loop_now_ms(), due = elect_due_ms(l->elect);

    if (l->left && due > l->leave_by_ms)
        due = due == INT64_MAX ? now : l->leave_by_ms; /* all is said, or time is up */
    l->due_ms = due;
    uv_update_time(loop_uv(l->conf.loop));
    if (due == INT64_MAX)
        uv_timer_stop(&l->timer);
    else
        uv_timer_start(&l->timer, on_timer, due > now ? (uint64_t)(due - now) : 0, 0);
}

static void step(struct lan *l, struct elect_in in)
{
    struct elect_out out; /* not in l: a news callback may step again */
    bool news = false;

    if (l->closing)
        return;
    do {
        in.now_ms = loop_now_ms();
        elect_step(l->elect, &in, &out);
        for (size_t n = 0; n < out.sends;
             n++) /* before the news: messages are elect's until the next step */
            send_out(l, &out.send[n]);
        news |= out.news_count > 0;
        refresh(l, news, in.now_ms);
        for (size_t n = 0; n < out.news_count; n++)
            tell(l, &out.news[n]);
        in = (struct elect_in){.kind = ELECT_TICK};
    } while (out.more && !l->closing);
    if (!l->closing)
        arm(l);
}

/* The process or the machine stood still: elect must know before it takes silence for death. */
static void look_for_gap(struct lan *l)
{
    int64_t now = loop_now_ms(), slept = clock_slept_ms(), gap = slept - l->slept_ms;

    if (l->due_ms != INT64_MAX && now - l->due_ms > gap)
        gap = now - l->due_ms;
    l->slept_ms = slept;
    if (gap <= GAP_MS)
        return;
    log_info("lan", "gap ms=%lld", (long long)gap);
    step(l, (struct elect_in){.kind = ELECT_GAP, .gap_ms = gap});
}

/* ---- events ---- */

static void shut(struct lan *l);

static void on_timer(uv_timer_t *t)
{
    struct lan *l = t->data;
    bool late = loop_now_ms() - l->due_ms > LATE_MS;

    look_for_gap(l);
    if (late && !l->closing) /* timers come before sockets: what is called silence may wait there */
        udp_drain(l->udp);
    step(l, (struct elect_in){.kind = ELECT_TICK});
    if (l->left && !l->closing &&
        (elect_due_ms(l->elect) == INT64_MAX || loop_now_ms() >= l->leave_by_ms))
        shut(l);
}

/* In the order of what a check costs; a stranger's datagram goes no further than the group's tag.
 */
static void on_datagram(void *ctx, const struct udp_in *in)
{
    struct lan *l = ctx;
    struct wire_msg msg;
    enum wire_fault fault;

    if (!lan_reach_affords(l, &in->from)) {
        count(l, &l->status.unopened);
        return;
    }
    look_for_gap(l);
    if (l->closing)
        return;
    count(l, &l->status.received);
    if (in->len < DGRAM_MIN || in->len > DGRAM_MAX)
        fault = WIRE_SHORT;
    else if (!lan_link_admits(l, in))
        fault = WIRE_FOREIGN;
    else
        fault = wire_open(&msg, in->data, in->len, &l->conf.ident->net);
    if (fault != WIRE_OK || in->age_ms > STALE_MS)
        count(l, &l->status.fault[fault]);
    if (fault == WIRE_NEWER && !l->newer_told) {
        log_warn("lan", "newer-version a newer iwant is on this network");
        l->newer_told = true;
    }
    if (fault == WIRE_FOREIGN && in->multicast && in->from.family == 4)
        lan_reach_missed(l);
    if (fault != WIRE_OK || in->age_ms > STALE_MS)
        return;
    if (lan_echo(l, in, &msg))
        return;
    lan_reach_heard(l, in, &msg);
    step(l, (struct elect_in){.kind = ELECT_DATAGRAM, .msg = &msg, .from = in->from});
}

static size_t known(void *ctx, struct addr *out, size_t max)
{
    return lan_reach_known(ctx, out, max);
}

static void on_refused(void *ctx, const struct addr *to)
{
    struct lan *l = ctx;

    look_for_gap(l);
    step(l, (struct elect_in){.kind = ELECT_REFUSED, .from = *to});
}

void lan_be_heard(struct lan *l)
{
    look_for_gap(l);
    step(l, (struct elect_in){.kind = ELECT_LINK});
}

static void on_links(void *ctx)
{
    struct lan *l = ctx;

    if (l->closing || !lan_link_scan(l))
        return;
    lan_seed_refresh(l);
    lan_be_heard(l);
}

/* ---- events from other threads ---- */

struct posted {
    struct lan *lan;
    struct elect_in in;
};

static void run_posted(void *arg)
{
    struct posted *p = arg;

    if (!p->lan->closing)
        look_for_gap(p->lan);
    step(p->lan, p->in);
    mem_free(p);
}

static void post(struct lan *l, struct elect_in in)
{
    struct posted *p = mem_alloc(sizeof *p);

    *p = (struct posted){.lan = l, .in = in};
    if (!loop_post(l->conf.loop, run_posted, p))
        mem_free(p);
}

void lan_catalog(struct lan *l, uint64_t generation, uint64_t number)
{
    post(l, (struct elect_in){.kind = ELECT_CATALOG, .generation = generation, .number = number});
}

void lan_warm(struct lan *l, bool warm)
{
    post(l, (struct elect_in){.kind = ELECT_WARM, .warm = warm});
}

void lan_report(struct lan *l, const struct nid *nid)
{
    post(l, (struct elect_in){.kind = ELECT_REPORT, .nid = *nid});
}

/* ---- begin and end ---- */

static void copy_conf(struct lan *l, const struct lan_conf *conf)
{
    l->conf = *conf;
    l->interface = mem_zero(conf->interfaces + 1, sizeof *l->interface);
    for (size_t n = 0; n < conf->interfaces; n++)
        l->interface[n] = mem_str(conf->interface[n]);
}

static void destroy(struct lan *l)
{
    for (size_t n = 0; n < l->conf.interfaces; n++)
        mem_free(l->interface[n]);
    mem_free(l->interface);
    mem_free(l->seed);
    mem_free(l->reach);
    mem_free(l->use);
    mem_free(l->seen);
    if (l->elect)
        elect_free(l->elect);
    uv_mutex_destroy(&l->lock);
    mem_free(l);
}

static struct elect *make_elect(const struct lan_conf *conf)
{
    struct elect_conf ec = {
        .key = conf->ident->key,
        .inc = conf->ident->inc,
        .sen = (uint64_t)clock_wall_ms() << 16 | randombytes_uniform(1 << 16),
        .tcp_port = conf->tcp_port,
        .generation = conf->generation,
        .number = conf->number,
        .never_lead = conf->never_lead,
    };
    uint64_t seed;

    randombytes_buf(&seed, sizeof seed);
    return elect_new(&ec, seed);
}

/* 239.255.x.y and ff12::4d3:xxyy, with the network's tag: link-local scope, so no router passes it
 * on. */
void lan_group(const struct seal_net *net, struct udp_conf *uc)
{
    const uint8_t *tag = net->tag;

    uc->group[0] = (struct addr){.family = 4, .ip = {239, 255, tag[0], tag[1]}, .port = LAN_PORT};
    uc->group[1] =
        (struct addr){.family = 6,
                      .ip = {0xff, 0x12, [12] = LAN_PORT >> 8, LAN_PORT & 0xff, tag[0], tag[1]},
                      .port = LAN_PORT};
    uc->sieve = (struct udp_sieve){.on = true, .version = WIRE_VERSION}; /* a newer one passes */
    memcpy(uc->sieve.magic, WIRE_MAGIC, sizeof uc->sieve.magic);
    memcpy(uc->sieve.tag, tag, sizeof uc->sieve.tag);
}

static struct udp *open_udp(struct lan *l, struct err *e)
{
    struct udp_conf uc = {.loop = l->conf.loop,
                          .port = l->conf.tcp_port,
                          .got = on_datagram,
                          .known = known,
                          .refused = on_refused,
                          .ctx = l};

    lan_group(&l->conf.ident->net, &uc);
    return udp_new(&uc, e);
}

struct lan *lan_new(const struct lan_conf *conf, struct err *e)
{
    struct lan *l = mem_zero(1, sizeof *l);

    copy_conf(l, conf);
    uv_mutex_init(&l->lock);
    if (lan_link_check(l, e) || lan_seed_read(l, conf->peer, conf->peers, e) ||
        !(l->udp = open_udp(l, e)) || !(l->watch = link_watch_new(conf->loop, on_links, l, e))) {
        udp_free(l->udp);
        destroy(l);
        return NULL;
    }
    uv_timer_init(loop_uv(conf->loop), &l->timer);
    l->timer.data = l;
    l->timers = 2;
    l->reach = lan_reach_new();
    l->seen = mem_zero(PEERS_MAX, sizeof *l->seen);
    l->seen_ms = INT64_MIN / 2;
    l->due_ms = INT64_MAX;
    l->slept_ms = clock_slept_ms();
    l->elect = make_elect(conf);
    lan_link_scan(l);
    lan_seed_start(l);
    step(l, (struct elect_in){.kind = ELECT_START});
    return l;
}

void lan_leave(struct lan *l, void (*done)(void *ctx), void *ctx)
{
    assert(!l->left && !l->closing);
    l->left = done;
    l->left_ctx = ctx;
    l->leave_by_ms = loop_now_ms() + LEAVE_MS;
    step(l, (struct elect_in){.kind = ELECT_LEAVE});
}

/* The memory goes when the owner, libuv and posts that are under way are all done with it. */
static void free_when_over(struct lan *l)
{
    if (l->freed && !l->timers && l->posts_over)
        destroy(l);
}

static void on_timer_closed(uv_handle_t *h)
{
    struct lan *l = h->data;

    l->timers--;
    free_when_over(l);
}

static void on_posts_over(void *arg)
{
    struct lan *l = arg;

    l->posts_over = true;
    free_when_over(l);
}

/* Close all handles, so that the loop may end, and tell who asked to leave. */
static void shut(struct lan *l)
{
    void (*left)(void *ctx) = l->left;

    l->closing = true;
    l->left = NULL;
    link_watch_free(l->watch);
    udp_free(l->udp);
    lan_seed_stop(l);
    uv_close((uv_handle_t *)&l->timer, on_timer_closed);
    uv_close((uv_handle_t *)&l->seed_timer, on_timer_closed);
    if (left)
        left(l->left_ctx);
}

void lan_free(struct lan *l)
{
    if (!l)
        return;
    l->left = NULL;
    if (!l->closing)
        shut(l);
    l->freed = true;
    if (!loop_post(l->conf.loop, on_posts_over, l)) {
        l->posts_over = true;
        free_when_over(l);
    }
}
