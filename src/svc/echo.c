#include "svc/echo.h"

#include "base/mem.h"
#include "base/str.h"
#include "io/clock.h"
#include "io/loop.h"
#include "svc/lan_priv.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#define TURN_MS 300 /* between two questions; one may get lost */
#define TURNS   3
#define LAST_MS 600 /* for the last answers */

struct asking {
    const struct echo_conf *conf;
    struct echo *out;
    struct udp *udp;
    struct loop *loop;
    uv_timer_t timer;
    unsigned turn;
    uint64_t seq;
    uint64_t nonce[ECHO_LINKS_MAX][2]; /* names the way that a question went */
    uint64_t direct;                   /* ... by unicast */
};

static size_t seal(struct asking *a, uint64_t nonce, uint8_t dgram[DGRAM_MAX])
{
    const struct ident *id = a->conf->ident;
    struct wire_msg m = {.type = WIRE_ECHO, .nid = id->nid, .inc = 1, .seq = ++a->seq};
    uint8_t salt[24];

    m.u.echo.nonce = nonce;
    randombytes_buf(salt, sizeof salt);
    return wire_seal(dgram, &m, &id->net, &id->key, salt);
}

static void ask_all(struct asking *a)
{
    uint8_t dgram[DGRAM_MAX];
    size_t len;

    for (size_t n = 0; n < a->conf->links; n++)
        for (size_t f = 0; f < 2; f++) {
            len = seal(a, a->nonce[n][f], dgram);
            a->out->way[n][f].asked |=
                udp_multicast(a->udp, a->conf->link[n].index, f ? 6 : 4, dgram, len);
        }
    for (size_t n = 0; n < a->conf->peers; n++) {
        len = seal(a, a->direct, dgram);
        udp_send(a->udp, &a->conf->peer[n], dgram, len);
    }
}

static bool is_own(const struct asking *a, const struct addr *from)
{
    for (size_t n = 0; n < a->conf->links; n++)
        if (link_has_addr(&a->conf->link[n], from))
            return true;
    return from->family == 4 && from->ip[0] == 127;
}

static struct echo_peer *peer_of(struct echo *out, const struct nid *nid, uint8_t family)
{
    for (size_t n = 0; n < out->peers; n++)
        if (nid_eq(&out->peer[n].nid, nid) && out->peer[n].addr.family == family)
            return &out->peer[n];
    return out->peers < ECHO_PEERS_MAX ? &out->peer[out->peers++] : NULL;
}

/* The way that this answer's question went; its datagram may have come on another. */
static struct echo_way *asked_by(struct asking *a, uint64_t nonce)
{
    for (size_t n = 0; n < a->conf->links; n++)
        for (size_t f = 0; f < 2; f++)
            if (a->nonce[n][f] == nonce)
                return &a->out->way[n][f];
    return NULL;
}

static void take_answer(struct asking *a, const struct udp_in *in, const struct wire_msg *m)
{
    struct echo_way *way = asked_by(a, m->u.echoed.nonce);
    struct echo_peer *p;

    if (!way && m->u.echoed.nonce != a->direct)
        return; /* to somebody else */
    p = peer_of(a->out, &m->nid, in->from.family);
    if (!p)
        return;
    if (way && !p->multicast && !p->unicast)
        way->answerers++;
    if (way)
        way->out = true;
    p->nid = m->nid;
    memcpy(p->pub, m->pub, sizeof p->pub);
    str_copy(p->name, sizeof p->name, m->u.echoed.name);
    p->addr = in->from;
    p->addr.port = m->u.echoed.tcp_port;
    p->multicast |= in->multicast;
    p->unicast |= !in->multicast;
    p->interface = in->multicast || !p->interface ? in->interface : p->interface;
    p->clock_ms = (int64_t)m->u.echoed.clock_ms - clock_wall_ms();
}

static void on_datagram(void *ctx, const struct udp_in *in)
{
    struct asking *a = ctx;
    struct wire_msg m;
    enum wire_fault fault;

    if (is_own(a, &in->from))
        return;
    fault = wire_open(&m, in->data, in->len, &a->conf->ident->net);
    if (fault != WIRE_OK) {
        a->out->newer += fault == WIRE_NEWER;
        return;
    }
    for (size_t n = 0; n < a->conf->links && in->multicast; n++)
        if (a->conf->link[n].index == in->interface)
            a->out->way[n][in->from.family == 6].in = true;
    if (m.type == WIRE_ECHOED)
        take_answer(a, in, &m);
}

static void on_refused(void *ctx, const struct addr *to)
{
    (void)ctx;
    (void)to; /* a peer's UDP port may be another than we thought */
}

static void on_turn(uv_timer_t *t)
{
    struct asking *a = t->data;

    if (a->turn++ == TURNS) {
        udp_free(a->udp);
        uv_close((uv_handle_t *)t, NULL);
        loop_quit(a->loop);
        return;
    }
    ask_all(a);
    uv_timer_start(t, on_turn, a->turn == TURNS ? LAST_MS : TURN_MS, 0);
}

int echo_ask(const struct echo_conf *conf, struct echo *out, struct err *e)
{
    struct asking a = {.conf = conf, .out = out};
    struct udp_conf uc = {.got = on_datagram, .refused = on_refused, .ctx = &a};

    assert(conf->links <= ECHO_LINKS_MAX);
    *out = (struct echo){0};
    randombytes_buf(a.nonce, sizeof a.nonce);
    randombytes_buf(&a.direct, sizeof a.direct);
    if (!conf->links && !conf->peers)
        return 0; /* nobody to ask */
    uc.loop = a.loop = loop_new("echo");
    lan_group(&conf->ident->net, &uc);
    a.udp = udp_new(&uc, e);
    if (a.udp) {
        udp_use(a.udp, conf->link, conf->links);
        uv_timer_init(loop_uv(a.loop), &a.timer);
        a.timer.data = &a;
        uv_timer_start(&a.timer, on_turn, 0, 0);
        loop_run(a.loop);
    }
    loop_free(a.loop);
    return a.udp ? 0 : -e->code;
}
