/* Echo for `iwanto doctor`: whoever hears an ECHO says so, to the one who asked and, where the
 * question went to all, to all as well, so that the asker learns of both ways. elect knows nothing
 * of it.
 *
 * A question to all is answered by the leader and those who stand by, so by three at most; by
 * everybody only where fewer than two stand by. Nobody answers more than a few in a second. */
#include "base/str.h"
#include "io/clock.h"
#include "svc/lan_priv.h"

#include <sodium.h>
#include <string.h>

#define ANSWERS_S    20 /* each second ... */
#define ANSWERS_ONCE 60 /* ... after so many at once */

static bool affords(struct lan *l)
{
    int64_t now = loop_now_ms(), since = now - l->echo_ms;

    l->echo_ms = now;
    l->echo_milli += (since < 10000 ? since : 10000) * ANSWERS_S;
    if (l->echo_milli > ANSWERS_ONCE * 1000)
        l->echo_milli = ANSWERS_ONCE * 1000;
    if (l->echo_milli < 1000)
        return false;
    l->echo_milli -= 1000;
    return true;
}

static bool is_ours_to_answer(const struct lan *l)
{
    struct elect_view v;

    elect_view(l->elect, &v);
    if (v.role == ELECT_LEAD || v.standbys < ELECT_STANDBYS)
        return true;
    for (size_t n = 0; n < v.standbys; n++)
        if (v.standby[n].self)
            return true;
    return false;
}

static void answer(struct lan *l, const struct udp_in *in, const struct wire_msg *m)
{
    const struct ident *id = l->conf.ident;
    struct wire_msg out = {.type = WIRE_ECHOED, .nid = id->nid, .inc = id->inc, .seq = 1};
    uint8_t dgram[DGRAM_MAX], nonce[24];
    size_t len;

    out.u.echoed.nonce = m->u.echo.nonce;
    out.u.echoed.tcp_port = l->conf.tcp_port;
    out.u.echoed.clock_ms = (uint64_t)clock_wall_ms();
    out.u.echoed.name_len = (uint8_t)strlen(id->name);
    str_copy(out.u.echoed.name, sizeof out.u.echoed.name, id->name);
    randombytes_buf(nonce, sizeof nonce);
    len = wire_seal(dgram, &out, &id->net, &id->key, nonce);
    udp_send(l->udp, &in->from, dgram, len);
    if (in->multicast)
        udp_multicast(l->udp, in->interface, in->from.family, dgram, len);
}

bool lan_echo(struct lan *l, const struct udp_in *in, const struct wire_msg *m)
{
    if (m->type != WIRE_ECHO && m->type != WIRE_ECHOED)
        return false;
    if (m->type == WIRE_ECHO && (!in->multicast || is_ours_to_answer(l)) && affords(l))
        answer(l, in, m);
    return true;
}
