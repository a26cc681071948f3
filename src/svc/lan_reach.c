/* How what is for all reaches all: on each interface in use by multicast, over one family as a
 * rule; and by unicast to static peers and to those who do the same to us.
 *
 * Beacons are nearly all that is sent in calm, so they alone are spared: over IPv6 they go only
 * where IPv4 does not reach somebody. Who is reached by IPv4 was heard by it; who speaks IPv6 alone
 * was not. A follower hears of such a peer by the leader's own IPv6 beacons, and keeps them up for
 * a while should it lead next. Everything else goes over both: it is rare, and it is what a
 * stranger is found by. */
#include "svc/lan_priv.h"

#include "base/mem.h"

#include <string.h>

#define KEEP_MS   60000 /* what was heard counts for so long */
#define SILENT_MS 20000 /* a static peer that was not heard for so long gets few beacons */
#define KNOCK_MS  5000  /* one each */

#define SETS 64 /* of WAYS peers each, by the first bytes of the nid */
#define WAYS 8

struct hearer { /* somebody whose datagrams opened */
    struct nid nid;
    int64_t ms[2];        /* when it was last heard over IPv4, IPv6 */
    int64_t multicast_ms; /* ... by multicast */
    int64_t unicast_ms;   /* ... by unicast */
    struct addr from;     /* its source then */
    bool calls;           /* since it was heard by multicast it said to us alone what is for all */
};

#define KNOWN     1024 /* sources whose datagrams opened, one for each value of a hash */
#define STRANGERS 2000 /* datagrams of other sources that are opened, each second */

struct lan_reach {
    struct hearer hearer[SETS][WAYS];
    struct {
        struct addr from;
        int64_t ms;
    } known[KNOWN];
    int64_t strangers_milli, strangers_ms; /* bucket */
    int64_t both_until_ms;                 /* beacons go over both families until then */
    int64_t knock_ms;                      /* when silent static peers got the last beacon */
};

struct lan_reach *lan_reach_new(void)
{
    struct lan_reach *r = mem_zero(1, sizeof *r);

    r->both_until_ms = r->knock_ms = INT64_MIN / 2;
    r->strangers_milli = STRANGERS * 1000;
    return r;
}

static size_t known_at(const struct addr *a)
{
    uint32_t h = 2166136261u; /* FNV-1a; who finds two that meet gains nothing worth it */

    for (size_t n = 0; n < sizeof a->ip; n++)
        h = (h ^ a->ip[n]) * 16777619u;
    return (h ^ a->port * 2654435761u) % KNOWN;
}

bool lan_reach_affords(struct lan *l, const struct addr *from)
{
    struct lan_reach *r = l->reach;
    size_t at = known_at(from);
    int64_t now = loop_now_ms(), since;

    if (addr_eq(&r->known[at].from, from) && now - r->known[at].ms <= KEEP_MS)
        return true;
    since = now - r->strangers_ms;
    r->strangers_ms = now;
    r->strangers_milli += (since < 1000 ? since : 1000) * STRANGERS;
    if (r->strangers_milli > STRANGERS * 1000)
        r->strangers_milli = STRANGERS * 1000;
    if (r->strangers_milli < 1000)
        return false;
    r->strangers_milli -= 1000;
    return true;
}

size_t lan_reach_known(const struct lan *l, struct addr *out, size_t max)
{
    int64_t now = loop_now_ms();
    size_t count = 0;

    for (size_t n = 0; n < KNOWN && count < max; n++)
        if (now - l->reach->known[n].ms <= KEEP_MS && l->reach->known[n].from.family)
            out[count++] = l->reach->known[n].from;
    return count;
}

static int64_t last_ms(const struct hearer *h)
{
    return h->ms[0] > h->ms[1] ? h->ms[0] : h->ms[1];
}

/* The entry of this nid; of a full set whoever was silent longest gives way. */
static struct hearer *hearer_of(struct lan_reach *r, const struct nid *nid)
{
    struct hearer *set = r->hearer[(nid->b[0] ^ nid->b[1] << 3) % SETS], *oldest = set;

    for (size_t n = 0; n < WAYS; n++) {
        if (nid_eq(&set[n].nid, nid))
            return &set[n];
        if (last_ms(&set[n]) < last_ms(oldest))
            oldest = &set[n];
    }
    *oldest = (struct hearer){.nid = *nid,
                              .ms = {INT64_MIN / 2, INT64_MIN / 2},
                              .multicast_ms = INT64_MIN / 2,
                              .unicast_ms = INT64_MIN / 2};
    return oldest;
}

static bool is_for_all(const struct wire_msg *m)
{
    return m->type == WIRE_HELLO || m->type == WIRE_BEACON || m->type == WIRE_POLL;
}

static bool is_plain_beacon(const struct wire_msg *m)
{
    return m->type == WIRE_BEACON && !(m->flags & (WIRE_YIELD | WIRE_RESIGN));
}

void lan_reach_heard(struct lan *l, const struct udp_in *in, const struct wire_msg *m)
{
    struct lan_reach *r = l->reach;
    int64_t now = loop_now_ms();
    struct hearer *h;
    bool six = in->from.family == 6, by_four;

    if (nid_eq(&m->nid, &l->conf.ident->nid))
        return;
    r->known[known_at(&in->from)].from = in->from;
    r->known[known_at(&in->from)].ms = now;
    h = hearer_of(r, &m->nid);
    h->ms[six] = now;
    by_four = now - h->ms[0] <= KEEP_MS;
    if (in->multicast) {
        h->multicast_ms = now;
        h->calls = false;
    } else {
        h->unicast_ms = now;
        h->from = in->from;
        h->calls |= is_for_all(m);
    }
    if (six && (!by_four || (in->multicast && is_plain_beacon(m))))
        r->both_until_ms = now + KEEP_MS;
}

void lan_reach_missed(struct lan *l)
{
    l->reach->both_until_ms = loop_now_ms() + KEEP_MS;
}

static bool heard_from(const struct lan *l, const struct addr *a, int64_t now)
{
    for (size_t n = 0; n < SETS * WAYS; n++) {
        const struct hearer *h = &l->reach->hearer[n / WAYS][n % WAYS];

        if (now - h->unicast_ms <= SILENT_MS && addr_same_host(&h->from, a))
            return true;
    }
    return false;
}

static void to_seeds(struct lan *l, const struct wire_msg *m, const void *dgram, size_t len)
{
    int64_t now = loop_now_ms();
    bool knock = !is_plain_beacon(m) || now - l->reach->knock_ms >= KNOCK_MS;

    if (knock && l->seeds)
        l->reach->knock_ms = now;
    for (size_t n = 0; n < l->seeds; n++)
        for (size_t k = 0; k < l->seed[n].addrs; k++)
            if (knock || heard_from(l, &l->seed[n].addr[k], now))
                udp_send(l->udp, &l->seed[n].addr[k], dgram, len);
}

/* To those who call us and whom we never hear by multicast: they name us as a static peer. */
static void to_callers(struct lan *l, const void *dgram, size_t len)
{
    int64_t now = loop_now_ms();

    for (size_t n = 0; n < SETS * WAYS; n++) {
        const struct hearer *h = &l->reach->hearer[n / WAYS][n % WAYS];

        if (h->calls && now - h->unicast_ms <= KEEP_MS && now - h->multicast_ms > KEEP_MS &&
            !lan_seed_has(l, &h->from))
            udp_send(l->udp, &h->from, dgram, len);
    }
}

void lan_reach_all(struct lan *l, const struct wire_msg *m, const void *dgram, size_t len)
{
    bool both = !is_plain_beacon(m) || loop_now_ms() <= l->reach->both_until_ms;

    for (size_t n = 0; n < l->uses; n++) {
        uint32_t interface = l->use[n].index;

        if (!udp_multicast(l->udp, interface, 4, dgram, len) || both)
            udp_multicast(l->udp, interface, 6, dgram, len);
    }
    to_seeds(l, m, dgram, len);
    to_callers(l, dgram, len);
}
