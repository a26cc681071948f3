#include "core/wire.h"

#include "base/rw.h"

#include <assert.h>
#include <string.h>

/* head: magic, version, key id, group tag, nonce. All of it is authenticated. */
#define HEAD_LEN   30
#define NONCE_AT   6
#define SEAL_LEN   16
#define COMMON_LEN 39 /* type, flags, nid, inc, seq, max term */
#define SIGNED_LEN 96 /* public key and signature, last in the sealed part */

static const char magic[] = WIRE_MAGIC;

#define MAGIC_LEN (sizeof magic - 1)

static const struct {
    const char *name;
    bool is_signed;
} types[] = {
    [0] = {"?", false},
    [WIRE_HELLO] = {"HELLO", true},
    [WIRE_BEACON] = {"BEACON", true},
    [WIRE_HB] = {"HB", false},
    [WIRE_HBACK] = {"HBACK", false},
    [WIRE_JOIN] = {"JOIN", true},
    [WIRE_JOINACK] = {"JOINACK", true},
    [WIRE_NAK] = {"NAK", false},
    [WIRE_KA] = {"KA", false},
    [WIRE_KAACK] = {"KAACK", false},
    [WIRE_PING] = {"PING", false},
    [WIRE_PONG] = {"PONG", false},
    [WIRE_POLL] = {"POLL", true},
    [WIRE_VOTE] = {"VOTE", true},
    [WIRE_FACEOFF] = {"FACEOFF", true},
    [WIRE_FOACK] = {"FOACK", true},
    [WIRE_CONFLICT] = {"CONFLICT", false},
    [WIRE_LEAVE] = {"LEAVE", true},
    [WIRE_REPORT] = {"REPORT", false},
    [WIRE_ECHO] = {"ECHO", false},
    [WIRE_ECHOED] = {"ECHOED", true},
};
#define TYPES (sizeof types / sizeof *types)

const char *wire_type_name(unsigned type)
{
    return types[type < TYPES ? type : 0].name;
}

bool wire_is_signed(unsigned type)
{
    return type < TYPES && types[type].is_signed;
}

const char *wire_fault_name(enum wire_fault f)
{
    switch (f) {
    case WIRE_OK:
        return "ok";
    case WIRE_SHORT:
        return "short";
    case WIRE_FOREIGN:
        return "foreign";
    case WIRE_NEWER:
        return "newer";
    case WIRE_SEAL:
        return "seal";
    case WIRE_FORM:
        return "form";
    case WIRE_SIGNATURE:
        return "signature";
    case WIRE_FAULTS:
        break;
    }
    return "?";
}

/* A message goes through the same list of fields in both directions, so each layout stands here
 * once. */
struct xfer {
    struct wr *w; /* or NULL: read */
    struct rd *r;
};

static void f8(struct xfer *x, uint8_t *v)
{
    if (x->w)
        wr_u8(x->w, *v);
    else
        *v = rd_u8(x->r);
}

static void f16(struct xfer *x, uint16_t *v)
{
    if (x->w)
        wr_u16(x->w, *v);
    else
        *v = rd_u16(x->r);
}

static void f32(struct xfer *x, uint32_t *v)
{
    if (x->w)
        wr_u32(x->w, *v);
    else
        *v = rd_u32(x->r);
}

static void f64(struct xfer *x, uint64_t *v)
{
    if (x->w)
        wr_u64(x->w, *v);
    else
        *v = rd_u64(x->r);
}

static void fbytes(struct xfer *x, void *p, size_t len)
{
    if (x->w)
        wr_bytes(x->w, p, len);
    else
        rd_copy(x->r, p, len);
}

static void fballot(struct xfer *x, struct wire_ballot *b)
{
    f64(x, &b->term);
    fbytes(x, b->leader.b, sizeof b->leader.b);
    f32(x, &b->inc);
    f64(x, &b->session);
}

static void flist(struct xfer *x, struct wire_list *l)
{
    f8(x, &l->len);
    if (l->len > WIRE_SUCCESSION) {
        assert(!x->w);
        l->len = 0;
        x->r->bad = true;
        return;
    }
    for (size_t i = 0; i < l->len; i++)
        fbytes(x, l->id[i], sizeof l->id[i]);
}

/* Of each: flags (1 warm, 2 IPv6), the second half of the nid (the first is in the list), IP, port.
 */
static void fstandbys(struct xfer *x, struct wire_standbys *s, const struct wire_list *l)
{
    f8(x, &s->len);
    if (s->len > WIRE_STANDBYS || s->len > l->len) {
        assert(!x->w);
        s->len = 0;
        x->r->bad = true;
        return;
    }
    for (size_t i = 0; i < s->len; i++) {
        struct wire_standby *to = &s->at[i];
        uint8_t flags = (uint8_t)((to->warm ? 1 : 0) | (to->addr.family == 6 ? 2 : 0));

        f8(x, &flags);
        to->warm = flags & 1;
        to->addr.family = flags & 2 ? 6 : 4;
        memcpy(to->nid.b, l->id[i], sizeof l->id[i]);
        fbytes(x, to->nid.b + sizeof l->id[i], sizeof to->nid.b - sizeof l->id[i]);
        fbytes(x, to->addr.ip, flags & 2 ? 16 : 4);
        f16(x, &to->addr.port);
    }
}

static void fcommon(struct xfer *x, struct wire_msg *m)
{
    f8(x, &m->type);
    f16(x, &m->flags);
    fbytes(x, m->nid.b, sizeof m->nid.b);
    f32(x, &m->inc);
    f64(x, &m->seq);
    f64(x, &m->max_term);
}

static void fbeacon(struct xfer *x, struct wire_msg *m)
{
    f64(x, &m->u.beacon.term);
    f64(x, &m->u.beacon.session);
    f64(x, &m->u.beacon.prev);
    f64(x, &m->u.beacon.sen);
    f64(x, &m->u.beacon.max_sen);
    f16(x, &m->u.beacon.members);
    f16(x, &m->u.beacon.live);
    f16(x, &m->u.beacon.tcp_port);
    f16(x, &m->u.beacon.period_ms);
    f32(x, &m->u.beacon.features);
    f32(x, &m->u.beacon.beat);
    f8(x, &m->u.beacon.why);
    flist(x, &m->u.beacon.list);
    fstandbys(x, &m->u.beacon.standbys, &m->u.beacon.list);
    if (m->flags & (WIRE_YIELD | WIRE_RESIGN))
        fballot(x, &m->u.beacon.hint);
}

static void fhb(struct xfer *x, struct wire_msg *m)
{
    f64(x, &m->u.hb.term);
    f64(x, &m->u.hb.session);
    f32(x, &m->u.hb.beat);
    f16(x, &m->u.hb.members);
    f64(x, &m->u.hb.max_sen);
    f64(x, &m->u.hb.generation);
    f64(x, &m->u.hb.number);
    f64(x, &m->u.hb.digest);
    flist(x, &m->u.hb.list);
}

static void fjoin(struct xfer *x, struct wire_msg *m)
{
    f64(x, &m->u.join.session);
    f64(x, &m->u.join.nonce);
    f64(x, &m->u.join.sen);
    f16(x, &m->u.join.tcp_port);
    f32(x, &m->u.join.features);
    f32(x, &m->u.join.member_s);
    f64(x, &m->u.join.generation);
    f64(x, &m->u.join.number);
    f64(x, &m->u.join.digest);
}

static void fjoinack(struct xfer *x, struct wire_msg *m)
{
    f64(x, &m->u.joinack.term);
    f64(x, &m->u.joinack.session);
    f64(x, &m->u.joinack.nonce);
    f64(x, &m->u.joinack.granted);
    f64(x, &m->u.joinack.sen);
    f64(x, &m->u.joinack.max_sen);
    f16(x, &m->u.joinack.members);
    f16(x, &m->u.joinack.tcp_port);
    f32(x, &m->u.joinack.member_s);
    flist(x, &m->u.joinack.list);
    fstandbys(x, &m->u.joinack.standbys, &m->u.joinack.list);
}

static void ffaceoff(struct xfer *x, struct wire_msg *m)
{
    f64(x, &m->u.faceoff.term);
    f64(x, &m->u.faceoff.session);
    f64(x, &m->u.faceoff.nonce);
    f64(x, &m->u.faceoff.sen);
    f16(x, &m->u.faceoff.live);
}

static void fechoed(struct xfer *x, struct wire_msg *m)
{
    f64(x, &m->u.echoed.nonce);
    f16(x, &m->u.echoed.tcp_port);
    f64(x, &m->u.echoed.clock_ms);
    f8(x, &m->u.echoed.name_len);
    if (m->u.echoed.name_len > PEER_NAME_MAX) {
        assert(!x->w);
        x->r->bad = true;
        return;
    }
    fbytes(x, m->u.echoed.name, m->u.echoed.name_len);
}

static void fbody(struct xfer *x, struct wire_msg *m)
{
    switch ((enum wire_type)m->type) {
    case WIRE_HELLO:
        f64(x, &m->u.hello.sen);
        f16(x, &m->u.hello.tcp_port);
        f32(x, &m->u.hello.features);
        f64(x, &m->u.hello.generation);
        f64(x, &m->u.hello.number);
        f64(x, &m->u.hello.digest);
        break;
    case WIRE_BEACON:
        fbeacon(x, m);
        break;
    case WIRE_HB:
        fhb(x, m);
        break;
    case WIRE_HBACK:
        f64(x, &m->u.hback.session);
        f32(x, &m->u.hback.beat);
        break;
    case WIRE_JOIN:
        fjoin(x, m);
        break;
    case WIRE_JOINACK:
        fjoinack(x, m);
        break;
    case WIRE_NAK:
        f64(x, &m->u.nak.session);
        fballot(x, &m->u.nak.hint);
        break;
    case WIRE_KA:
    case WIRE_KAACK:
        f64(x, &m->u.ka.session);
        f64(x, &m->u.ka.generation);
        f64(x, &m->u.ka.number);
        f64(x, &m->u.ka.digest);
        break;
    case WIRE_PING:
    case WIRE_PONG:
        f64(x, &m->u.ping.session);
        f64(x, &m->u.ping.nonce);
        break;
    case WIRE_POLL:
        fballot(x, &m->u.poll.about);
        f64(x, &m->u.poll.nonce);
        f64(x, &m->u.poll.sen);
        f32(x, &m->u.poll.sample);
        break;
    case WIRE_VOTE:
        f64(x, &m->u.vote.nonce);
        f8(x, &m->u.vote.kind);
        fballot(x, &m->u.vote.hint);
        break;
    case WIRE_FACEOFF:
    case WIRE_FOACK:
        ffaceoff(x, m);
        break;
    case WIRE_CONFLICT:
        f64(x, &m->u.conflict.session);
        fballot(x, &m->u.conflict.rival);
        break;
    case WIRE_LEAVE:
        f64(x, &m->u.leave.session);
        break;
    case WIRE_REPORT:
        f64(x, &m->u.report.session);
        fbytes(x, m->u.report.whom.b, sizeof m->u.report.whom.b);
        break;
    case WIRE_ECHO:
        f64(x, &m->u.echo.nonce);
        break;
    case WIRE_ECHOED:
        fechoed(x, m);
        break;
    }
}

/* The signature covers the network's name as well, so that a member of two networks can't carry a
 * message across. */
static size_t signed_text(uint8_t text[DGRAM_MAX + 64], const struct seal_net *net,
                          const uint8_t *plain, size_t len)
{
    static const char label[] = "iwant datagram 1 ";
    struct wr w = wr_over(text, DGRAM_MAX + 64);

    wr_bytes(&w, label, sizeof label - 1);
    wr_bytes(&w, net->server_name, 32);
    wr_bytes(&w, plain, len);
    assert(!w.full);
    return (size_t)(w.p - text);
}

size_t wire_seal(uint8_t out[DGRAM_MAX], const struct wire_msg *m, const struct seal_net *net,
                 const struct seal_key *key, const uint8_t nonce[24])
{
    uint8_t plain[DGRAM_MAX], text[DGRAM_MAX + 64], sig[64];
    struct wr w = wr_over(plain, DGRAM_MAX - HEAD_LEN - SEAL_LEN);
    struct wire_msg copy = *m;
    struct xfer x = {.w = &w};
    struct wr head;

    assert(m->type && m->type < TYPES);
    fcommon(&x, &copy);
    fbody(&x, &copy);
    if (types[m->type].is_signed) {
        wr_bytes(&w, key->pub, sizeof key->pub);
        seal_sign(sig, text, signed_text(text, net, plain, (size_t)(w.p - plain)), key);
        wr_bytes(&w, sig, sizeof sig);
    }
    assert(!w.full);
    head = wr_over(out, HEAD_LEN);
    wr_bytes(&head, magic, MAGIC_LEN);
    wr_u8(&head, WIRE_VERSION);
    wr_u8(&head, 0); /* key id */
    wr_bytes(&head, net->tag, sizeof net->tag);
    wr_bytes(&head, nonce, 24);
    return HEAD_LEN + seal_encrypt(out + HEAD_LEN, plain, (size_t)(w.p - plain), out, HEAD_LEN,
                                   nonce, net->datagram);
}

/* What a later minor version may add behind the fields: type 1, length 1, value. */
static void skip_tlvs(struct rd *r)
{
    while (!r->bad && rd_left(r)) {
        rd_u8(r);
        rd_bytes(r, rd_u8(r));
    }
}

static enum wire_fault parse(struct wire_msg *m, const uint8_t *plain, size_t len)
{
    struct rd r = rd_over(plain, len);
    struct xfer x = {.r = &r};

    memset(m, 0, sizeof *m);
    fcommon(&x, m);
    if (r.bad || !m->type || !m->seq || nid_is_zero(&m->nid))
        return WIRE_FORM;
    if (m->type >= TYPES)
        return WIRE_OK; /* of a later minor version: its rest is not ours to read */
    if (types[m->type].is_signed) {
        if (rd_left(&r) < SIGNED_LEN)
            return WIRE_FORM;
        r.end -= SIGNED_LEN;
    }
    fbody(&x, m);
    skip_tlvs(&r);
    return rd_done(&r) ? WIRE_OK : WIRE_FORM;
}

static bool signature_holds(struct wire_msg *m, const uint8_t *plain, size_t len,
                            const struct seal_net *net)
{
    const uint8_t *sig = plain + len - 64, *pub = sig - 32;
    uint8_t text[DGRAM_MAX + 64];
    struct nid nid;

    seal_nid(&nid, pub);
    if (!nid_eq(&nid, &m->nid))
        return false;
    memcpy(m->pub, pub, sizeof m->pub);
    return seal_verify(sig, text, signed_text(text, net, plain, len - 64), pub);
}

enum wire_fault wire_open(struct wire_msg *m, const void *dgram, size_t len,
                          const struct seal_net *net)
{
    const uint8_t *d = dgram;
    uint8_t plain[DGRAM_MAX];
    size_t plain_len;
    enum wire_fault f;

    if (len < DGRAM_MIN || len < HEAD_LEN + COMMON_LEN + SEAL_LEN || len > DGRAM_MAX)
        return WIRE_SHORT;
    if (memcmp(d, magic, MAGIC_LEN) != 0 || memcmp(d + 4, net->tag, sizeof net->tag) != 0)
        return WIRE_FOREIGN;
    if (d[2] != WIRE_VERSION)
        return WIRE_NEWER;
    if (!seal_decrypt(plain, d + HEAD_LEN, len - HEAD_LEN, d, HEAD_LEN, d + NONCE_AT,
                      net->datagram))
        return WIRE_SEAL;
    plain_len = len - HEAD_LEN - SEAL_LEN;
    f = parse(m, plain, plain_len);
    if (f == WIRE_OK && wire_is_signed(m->type) && !signature_holds(m, plain, plain_len, net))
        f = WIRE_SIGNATURE;
    return f;
}
