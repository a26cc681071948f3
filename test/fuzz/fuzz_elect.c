/* Bytes as events into elect, elect_check after each step. Messages come as svc/lan would give
 * them: they opened, so whoever sent them is a member, but they may say anything. Small numbers
 * name what the service itself uses (its session, its nonces), so that answers that fit are found.
 */
#include "base/rw.h"
#include "core/elect_priv.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct nid nid_of(uint8_t n)
{
    struct nid nid = {{0}};

    nid.b[0] = (uint8_t)(n % 8 + 1);
    return nid;
}

/* A number: mostly one that matters. */
static uint64_t number(struct rd *r, const struct elect *e)
{
    uint8_t n = rd_u8(r);

    switch (n) {
    case 0:
        return e->cur.session;
    case 1:
        return e->join.nonce;
    case 2:
        return e->poll.nonce;
    case 3:
        return e->duel.nonce;
    case 4:
        return e->follow.ping_nonce;
    case 5:
        return e->target.ballot.session;
    case 6:
        return e->cur.term;
    case 7:
        return e->cur.term + 1;
    case 8:
        return UINT64_MAX;
    case 9:
        return rd_u64(r);
    case 10:
        return e->sen;
    default:
        return n;
    }
}

static void ballot(struct rd *r, const struct elect *e, struct wire_ballot *b)
{
    uint8_t who = rd_u8(r);

    memset(b, 0, sizeof *b);
    if (who & 0x80) {
        *b = e->cur;
    } else if (who & 0x40) {
        b->leader = who & 0x20 ? e->nid : nid_of(who);
        b->inc = 1;
        b->term = number(r, e);
        b->session = number(r, e);
    }
}

static void list(struct rd *r, const struct elect *e, struct wire_list *l)
{
    l->len = rd_u8(r) % (WIRE_SUCCESSION + 1);
    for (int i = 0; i < l->len; i++) {
        uint8_t who = rd_u8(r);
        struct nid nid = who & 0x80 ? e->nid : nid_of(who);

        memcpy(l->id[i], nid.b, sizeof l->id[i]);
    }
}

/* As wire_open gives them: not more than the list has, with the same ids. */
static void standbys(struct rd *r, const struct wire_list *l, struct wire_standbys *s)
{
    uint8_t how = l->len ? rd_u8(r) : 0;

    s->len = how % 3 < l->len ? how % 3 : l->len;
    for (int i = 0; i < s->len; i++) {
        memcpy(s->at[i].nid.b, l->id[i], sizeof l->id[i]);
        s->at[i].warm = how >> (4 + i) & 1;
        s->at[i].addr = (struct addr){.family = how & 0x40 ? 6 : 4, .ip = {10}, .port = how};
    }
}

static void body(struct rd *r, const struct elect *e, struct wire_msg *m)
{
    switch ((enum wire_type)m->type) {
    case WIRE_HELLO:
        m->u.hello.sen = number(r, e);
        break;
    case WIRE_BEACON:
        m->u.beacon.term = number(r, e);
        m->u.beacon.session = number(r, e);
        m->u.beacon.prev = number(r, e);
        m->u.beacon.sen = number(r, e);
        m->u.beacon.max_sen = number(r, e);
        m->u.beacon.members = rd_u8(r);
        m->u.beacon.live = rd_u8(r);
        list(r, e, &m->u.beacon.list);
        standbys(r, &m->u.beacon.list, &m->u.beacon.standbys);
        if (m->flags & (WIRE_YIELD | WIRE_RESIGN))
            ballot(r, e, &m->u.beacon.hint);
        break;
    case WIRE_HB:
        m->u.hb.term = number(r, e);
        m->u.hb.session = number(r, e);
        m->u.hb.beat = rd_u8(r);
        m->u.hb.max_sen = number(r, e);
        list(r, e, &m->u.hb.list);
        break;
    case WIRE_HBACK:
        m->u.hback.session = number(r, e);
        break;
    case WIRE_JOIN:
        m->u.join.session = number(r, e);
        m->u.join.sen = number(r, e);
        m->u.join.number = rd_u8(r);
        break;
    case WIRE_JOINACK:
        m->u.joinack.term = number(r, e);
        m->u.joinack.session = number(r, e);
        m->u.joinack.nonce = number(r, e);
        m->u.joinack.granted = number(r, e);
        m->u.joinack.max_sen = number(r, e);
        list(r, e, &m->u.joinack.list);
        standbys(r, &m->u.joinack.list, &m->u.joinack.standbys);
        break;
    case WIRE_NAK:
        m->u.nak.session = number(r, e);
        ballot(r, e, &m->u.nak.hint);
        break;
    case WIRE_KA:
    case WIRE_KAACK:
        m->u.ka.session = number(r, e);
        m->u.ka.number = rd_u8(r);
        break;
    case WIRE_PING:
    case WIRE_PONG:
        m->u.ping.session = number(r, e);
        m->u.ping.nonce = number(r, e);
        break;
    case WIRE_POLL:
        ballot(r, e, &m->u.poll.about);
        m->u.poll.sen = number(r, e);
        m->u.poll.sample = UINT32_MAX;
        break;
    case WIRE_VOTE:
        m->u.vote.nonce = number(r, e);
        m->u.vote.kind = rd_u8(r) % 8;
        ballot(r, e, &m->u.vote.hint);
        break;
    case WIRE_FACEOFF:
    case WIRE_FOACK:
        m->u.faceoff.term = number(r, e);
        m->u.faceoff.session = number(r, e);
        m->u.faceoff.nonce = number(r, e);
        m->u.faceoff.sen = number(r, e);
        m->u.faceoff.live = rd_u8(r);
        break;
    case WIRE_CONFLICT:
        m->u.conflict.session = number(r, e);
        ballot(r, e, &m->u.conflict.rival);
        break;
    case WIRE_LEAVE:
        m->u.leave.session = number(r, e);
        break;
    case WIRE_REPORT:
        m->u.report.session = number(r, e);
        m->u.report.whom = nid_of(rd_u8(r));
        break;
    case WIRE_ECHO: /* not for elect, which drops them */
    case WIRE_ECHOED:
        break;
    }
}

static void datagram(struct rd *r, const struct elect *e, struct elect_in *in, struct wire_msg *m,
                     uint64_t *seq)
{
    uint8_t who = rd_u8(r), how = rd_u8(r);

    memset(m, 0, sizeof *m);
    m->type = rd_u8(r) % 20;
    m->flags = rd_u8(r);
    m->nid = nid_of(who);
    m->inc = 1 + (how & 0x80 ? rd_u8(r) % 3 : 0);
    m->seq = how & 0x40 ? (uint64_t)rd_u8(r) + 1 : ++*seq;
    m->max_term = number(r, e);
    in->from = (struct addr){.family = 4, .ip = {10, 0, 0, (uint8_t)(who % 8)}, .port = 1235};
    if (how & 0x20)
        in->from.ip[2] = rd_u8(r) % 8;
    body(r, e, m);
    in->msg = m;
}

/* What a core may not do, whatever it hears. */
static void check_out(const struct elect *e, const struct elect_out *out, uint64_t *term)
{
    assert(out->sends <= ELECT_SENDS_MAX && out->news_count <= ELECT_NEWS_MAX);
    for (size_t i = 0; i < out->sends; i++) {
        assert(out->send[i].multicast || out->send[i].to.family);
        assert(nid_eq(&out->send[i].msg->nid, &e->nid) && out->send[i].msg->seq);
    }
    for (size_t i = 0; i < out->news_count; i++) {
        assert(out->news[i].term >= *term); /* S2 */
        *term = out->news[i].term;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct elect_out out;
    struct rd r = rd_over(data, size);
    struct elect_conf conf = {.inc = 1, .tcp_port = 80};
    struct elect_in in = {.kind = ELECT_START};
    struct wire_msg m;
    uint64_t seq = 300, term = 0;
    struct elect *e;
    int64_t now = 1;
    int steps = 0;

    memset(conf.key.pub, 0x55, sizeof conf.key.pub);
    conf.sen = (uint64_t)rd_u8(&r) << 16;
    conf.never_lead = conf.sen == 0;
    e = elect_new(&conf, rd_u8(&r));
    while (!r.bad && steps++ < 2000) {
        in.now_ms = now;
        elect_step(e, &in, &out);
        elect_check(e);
        check_out(e, &out, &term);
        for (int again = 0; out.more; again++) {
            assert(again < 20);
            in = (struct elect_in){.kind = ELECT_TICK, .now_ms = now};
            elect_step(e, &in, &out);
            elect_check(e);
            check_out(e, &out, &term);
        }
        in = (struct elect_in){.kind = (enum elect_event_kind)(rd_u8(&r) % 16)};
        if (in.kind > ELECT_WARM) { /* time passes: to the next timer, or a while */
            int64_t due = elect_due_ms(e);
            uint8_t how = rd_u8(&r);

            now = how & 0x80 && due != INT64_MAX && due > now ? due : now + how;
            in.kind = how & 0x40 ? ELECT_TICK : ELECT_DATAGRAM;
        }
        in.gap_ms = (int64_t)(rd_u8(&r) & 0x3f) * 200;
        in.number = rd_u8(&r);
        in.warm = in.number & 1;
        in.nid = nid_of((uint8_t)in.number);
        in.from = (struct addr){.family = 4, .ip = {10, 0, 0, in.number % 8}, .port = 1235};
        if (in.kind == ELECT_DATAGRAM)
            datagram(&r, e, &in, &m, &seq);
    }
    elect_free(e);
    return 0;
}
