/* Datagrams: the bytes of each message, and what is refused. */
#include "base/buf.h"
#include "base/str.h"
#include "core/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#define HEAD 30

static struct seal_net net;
static struct seal_key key;
static uint8_t nonce[24];

static int setup(void **state)
{
    uint8_t group[32], seed[32] = {7};

    (void)state;
    seal_open_group(group, "lan");
    seal_derive(&net, group);
    seal_key_from_seed(&key, seed);
    for (size_t i = 0; i < sizeof nonce; i++)
        nonce[i] = (uint8_t)i;
    return 0;
}

/* Bytes b0, b0+1 ... as a big-endian number: each field shows its place in the vectors. */
static uint64_t num(unsigned b0, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++)
        v = v << 8 | (b0 + i);
    return v;
}

static void head_of(struct wire_msg *m, enum wire_type type, uint16_t flags)
{
    memset(m, 0, sizeof *m);
    m->type = (uint8_t)type;
    m->flags = flags;
    seal_nid(&m->nid, key.pub);
    m->inc = (uint32_t)num(0x10, 4);
    m->seq = num(0x20, 8);
    m->max_term = num(0x30, 8);
}

static void ballot_of(struct wire_ballot *b)
{
    b->term = num(0xa0, 8);
    for (unsigned i = 0; i < 16; i++)
        b->leader.b[i] = (uint8_t)(0xb0 + i);
    b->inc = (uint32_t)num(0xc0, 4);
    b->session = num(0xd0, 8);
}

static void list_of(struct wire_list *l)
{
    l->len = 2;
    memset(l->id[0], 0xe1, 8);
    memset(l->id[1], 0xe2, 8);
}

/* With ids that go with list_of. */
static void standbys_of(struct wire_standbys *s)
{
    s->len = 2;
    s->at[0].warm = true;
    memset(s->at[0].nid.b, 0xe1, 8);
    memset(s->at[0].nid.b + 8, 0xf1, 8);
    s->at[0].addr = (struct addr){.family = 4, .ip = {10, 1, 2, 3}, .port = 0x1234};
    memset(s->at[1].nid.b, 0xe2, 8);
    memset(s->at[1].nid.b + 8, 0xf2, 8);
    s->at[1].addr = (struct addr){.family = 6, .ip = {0xfe, 0x80, [15] = 9}, .port = 0x5678};
}

#define BALLOT "a0a1a2a3a4a5a6a7b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3d0d1d2d3d4d5d6d7"
#define STANDBYS                                                                                   \
    "0201f1f1f1f1f1f1f1f10a010203"                                                                 \
    "123402f2f2f2f2f2f2f2f2fe8000000000000000000000000000095678"
#define LIST "02e1e1e1e1e1e1e1e1e2e2e2e2e2e2e2e2"

/* m opens to itself, and its sealed part is: common fields, hex, and key and signature when it is
 * signed. */
static void bytes_are(const struct wire_msg *m, const char *hex)
{
    uint8_t out[DGRAM_MAX], plain[DGRAM_MAX];
    size_t len = wire_seal(out, m, &net, &key, nonce), sealed = len - HEAD - 16;
    struct wire_msg back;
    struct buf got = {0}, want = {0};
    char text[2 * DGRAM_MAX + 1];

    assert_memory_equal(out, "iW\x01\x00", 4);
    assert_memory_equal(out + 4, net.tag, 2);
    assert_memory_equal(out + 6, nonce, 24);
    assert_true(seal_decrypt(plain, out + HEAD, len - HEAD, out, HEAD, nonce, net.datagram));
    if (wire_is_signed(m->type)) {
        sealed -= 96;
        assert_memory_equal(plain + sealed, key.pub, 32);
    }
    str_hex(text, plain, sealed);
    buf_str(&got, text);
    buf_printf(&want, "%02x%04x", m->type, m->flags);
    str_hex(text, m->nid.b, 16);
    buf_printf(&want, "%s%s%s", text, "10111213", "20212223242526273031323334353637");
    buf_str(&want, hex);
    assert_string_equal(buf_cstr(&got), buf_cstr(&want));
    buf_free(&got);
    buf_free(&want);

    assert_int_equal(wire_open(&back, out, len, &net), WIRE_OK);
    if (wire_is_signed(m->type)) {
        assert_memory_equal(back.pub, key.pub, 32);
        memset(back.pub, 0, sizeof back.pub);
    }
    assert_memory_equal(&back, m, sizeof back);
}

static void hello_and_join(void **state)
{
    struct wire_msg m;

    (void)state;
    head_of(&m, WIRE_HELLO, WIRE_NEVER);
    m.u.hello.sen = num(0x40, 8);
    m.u.hello.tcp_port = (uint16_t)num(0x50, 2);
    m.u.hello.features = (uint32_t)num(0x60, 4);
    m.u.hello.generation = num(0x70, 8);
    m.u.hello.number = num(0x80, 8);
    m.u.hello.digest = num(0x88, 8);
    bytes_are(&m, "4041424344454647"
                  "5051"
                  "60616263"
                  "7071727374757677"
                  "8081828384858687"
                  "88898a8b8c8d8e8f");
    head_of(&m, WIRE_JOIN, 0);
    m.u.join.session = num(0x40, 8);
    m.u.join.nonce = num(0x48, 8);
    m.u.join.sen = num(0x50, 8);
    m.u.join.tcp_port = (uint16_t)num(0x58, 2);
    m.u.join.features = (uint32_t)num(0x60, 4);
    m.u.join.member_s = (uint32_t)num(0x68, 4);
    m.u.join.generation = num(0x70, 8);
    m.u.join.number = num(0x80, 8);
    m.u.join.digest = num(0x88, 8);
    bytes_are(&m, "4041424344454647"
                  "48494a4b4c4d4e4f"
                  "5051525354555657"
                  "5859"
                  "60616263"
                  "68696a6b"
                  "7071727374757677"
                  "8081828384858687"
                  "88898a8b8c8d8e8f");
    head_of(&m, WIRE_JOINACK, 0);
    m.u.joinack.term = num(0x40, 8);
    m.u.joinack.session = num(0x48, 8);
    m.u.joinack.nonce = num(0x50, 8);
    m.u.joinack.granted = num(0x58, 8);
    m.u.joinack.sen = num(0x60, 8);
    m.u.joinack.max_sen = num(0x68, 8);
    m.u.joinack.members = (uint16_t)num(0x70, 2);
    m.u.joinack.tcp_port = (uint16_t)num(0x72, 2);
    m.u.joinack.member_s = (uint32_t)num(0x78, 4);
    list_of(&m.u.joinack.list);
    standbys_of(&m.u.joinack.standbys);
    bytes_are(&m, "4041424344454647"
                  "48494a4b4c4d4e4f"
                  "5051525354555657"
                  "58595a5b5c5d5e5f"
                  "6061626364656667"
                  "68696a6b6c6d6e6f"
                  "7071"
                  "7273"
                  "78797a7b" LIST STANDBYS);
}

static void beacon(void **state)
{
    struct wire_msg m;

    (void)state;
    head_of(&m, WIRE_BEACON, WIRE_VOTED | WIRE_COLD);
    m.u.beacon.term = num(0x40, 8);
    m.u.beacon.session = num(0x48, 8);
    m.u.beacon.prev = num(0x50, 8);
    m.u.beacon.sen = num(0x58, 8);
    m.u.beacon.max_sen = num(0x60, 8);
    m.u.beacon.members = (uint16_t)num(0x68, 2);
    m.u.beacon.live = (uint16_t)num(0x6a, 2);
    m.u.beacon.tcp_port = (uint16_t)num(0x6c, 2);
    m.u.beacon.period_ms = (uint16_t)num(0x6e, 2);
    m.u.beacon.features = (uint32_t)num(0x70, 4);
    m.u.beacon.beat = (uint32_t)num(0x74, 4);
    m.u.beacon.why = WIRE_WHY_GONE;
    list_of(&m.u.beacon.list);
    standbys_of(&m.u.beacon.standbys);
#define BEACON_FIELDS                                                                              \
    "4041424344454647"                                                                             \
    "48494a4b4c4d4e4f"                                                                             \
    "5051525354555657"                                                                             \
    "58595a5b5c5d5e5f"                                                                             \
    "6061626364656667"                                                                             \
    "68696a6b6c6d6e6f"                                                                             \
    "70717273"                                                                                     \
    "74757677"                                                                                     \
    "03" LIST STANDBYS
    bytes_are(&m, BEACON_FIELDS);
    m.flags = WIRE_YIELD;
    ballot_of(&m.u.beacon.hint);
    bytes_are(&m, BEACON_FIELDS BALLOT);
    m.flags = WIRE_RESIGN | WIRE_ALONE;
    bytes_are(&m, BEACON_FIELDS BALLOT);
}

static void heartbeat(void **state)
{
    struct wire_msg m;

    (void)state;
    head_of(&m, WIRE_HB, 0);
    m.u.hb.term = num(0x40, 8);
    m.u.hb.session = num(0x48, 8);
    m.u.hb.beat = (uint32_t)num(0x50, 4);
    m.u.hb.members = (uint16_t)num(0x54, 2);
    m.u.hb.max_sen = num(0x58, 8);
    m.u.hb.generation = num(0x60, 8);
    m.u.hb.number = num(0x68, 8);
    m.u.hb.digest = num(0x70, 8);
    list_of(&m.u.hb.list);
    bytes_are(&m, "4041424344454647"
                  "48494a4b4c4d4e4f"
                  "50515253"
                  "5455"
                  "58595a5b5c5d5e5f"
                  "6061626364656667"
                  "68696a6b6c6d6e6f"
                  "7071727374757677" LIST);
    head_of(&m, WIRE_HBACK, 0);
    m.u.hback.session = num(0x40, 8);
    m.u.hback.beat = (uint32_t)num(0x48, 4);
    bytes_are(&m, "4041424344454647"
                  "48494a4b");
}

static void small_ones(void **state)
{
    static const enum wire_type alike[] = {WIRE_KA, WIRE_KAACK}, ping[] = {WIRE_PING, WIRE_PONG};
    struct wire_msg m;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        head_of(&m, alike[i], 0);
        m.u.ka.session = num(0x40, 8);
        m.u.ka.generation = num(0x48, 8);
        m.u.ka.number = num(0x50, 8);
        m.u.ka.digest = num(0x58, 8);
        bytes_are(&m, "4041424344454647"
                      "48494a4b4c4d4e4f"
                      "5051525354555657"
                      "58595a5b5c5d5e5f");
        head_of(&m, ping[i], 0);
        m.u.ping.session = num(0x40, 8);
        m.u.ping.nonce = num(0x48, 8);
        bytes_are(&m, "4041424344454647"
                      "48494a4b4c4d4e4f");
    }
    head_of(&m, WIRE_NAK, 0);
    m.u.nak.session = num(0x40, 8);
    ballot_of(&m.u.nak.hint);
    bytes_are(&m, "4041424344454647" BALLOT);
    head_of(&m, WIRE_CONFLICT, 0);
    m.u.conflict.session = num(0x40, 8);
    ballot_of(&m.u.conflict.rival);
    bytes_are(&m, "4041424344454647" BALLOT);
    head_of(&m, WIRE_LEAVE, 0);
    m.u.leave.session = num(0x40, 8);
    bytes_are(&m, "4041424344454647");
    head_of(&m, WIRE_REPORT, 0);
    m.u.report.session = num(0x40, 8);
    memset(m.u.report.whom.b, 0xb7, 16);
    bytes_are(&m, "4041424344454647"
                  "b7b7b7b7b7b7b7b7b7b7b7b7b7b7b7b7");
}

static void echo_and_echoed(void **state)
{
    struct wire_msg m;

    (void)state;
    head_of(&m, WIRE_ECHO, 0);
    m.u.echo.nonce = num(0x40, 8);
    bytes_are(&m, "4041424344454647");
    head_of(&m, WIRE_ECHOED, 0);
    m.u.echoed.nonce = num(0x40, 8);
    m.u.echoed.tcp_port = (uint16_t)num(0x48, 2);
    m.u.echoed.clock_ms = num(0x50, 8);
    m.u.echoed.name_len = 3;
    memcpy(m.u.echoed.name, "eva", 3);
    bytes_are(&m, "4041424344454647"
                  "4849"
                  "5051525354555657"
                  "03657661");
}

static void poll_and_vote(void **state)
{
    struct wire_msg m;

    (void)state;
    head_of(&m, WIRE_POLL, WIRE_POSITIVE);
    ballot_of(&m.u.poll.about);
    m.u.poll.nonce = num(0x40, 8);
    m.u.poll.sen = num(0x48, 8);
    m.u.poll.sample = (uint32_t)num(0x50, 4);
    bytes_are(&m, BALLOT "4041424344454647"
                         "48494a4b4c4d4e4f"
                         "50515253");
    head_of(&m, WIRE_VOTE, 0);
    m.u.vote.nonce = num(0x40, 8);
    m.u.vote.kind = WIRE_OTHER;
    ballot_of(&m.u.vote.hint);
    bytes_are(&m, "4041424344454647"
                  "04" BALLOT);
}

static void faceoff(void **state)
{
    static const enum wire_type alike[] = {WIRE_FACEOFF, WIRE_FOACK};
    struct wire_msg m;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        head_of(&m, alike[i], 0);
        m.u.faceoff.term = num(0x40, 8);
        m.u.faceoff.session = num(0x48, 8);
        m.u.faceoff.nonce = num(0x50, 8);
        m.u.faceoff.sen = num(0x58, 8);
        m.u.faceoff.live = (uint16_t)num(0x60, 2);
        bytes_are(&m, "4041424344454647"
                      "48494a4b4c4d4e4f"
                      "5051525354555657"
                      "58595a5b5c5d5e5f"
                      "6061");
    }
}

/* Seal any bytes as the inner part, with a signature that holds when sign is set. */
static size_t seal_raw(uint8_t out[DGRAM_MAX], const void *plain, size_t len, bool sign)
{
    static const char label[] = "iwant datagram 1 ";
    uint8_t inner[DGRAM_MAX], text[DGRAM_MAX];
    size_t n = 0;

    memcpy(inner, plain, len);
    if (sign) {
        memcpy(inner + len, key.pub, 32);
        len += 32;
        memcpy(text, label, sizeof label - 1);
        n = sizeof label - 1;
        memcpy(text + n, net.server_name, 32);
        n += 32;
        memcpy(text + n, inner, len);
        n += len;
        seal_sign(inner + len, text, n, &key);
        len += 64;
    }
    memcpy(out, "iW\x01\x00", 4);
    memcpy(out + 4, net.tag, 2);
    memcpy(out + 6, nonce, 24);
    return HEAD + seal_encrypt(out + HEAD, inner, len, out, HEAD, nonce, net.datagram);
}

/* The common fields of m, as bytes. */
static size_t raw_common(uint8_t plain[DGRAM_MAX], unsigned type)
{
    struct buf b = {0};
    struct nid nid;
    size_t len;

    seal_nid(&nid, key.pub);
    buf_u8(&b, (uint8_t)type);
    buf_u16(&b, 0);
    buf_add(&b, nid.b, 16);
    buf_u32(&b, 1);
    buf_u64(&b, 1);
    buf_u64(&b, 9);
    len = b.len;
    memcpy(plain, b.data, len);
    buf_free(&b);
    return len;
}

static void every_flipped_bit_is_refused(void **state)
{
    uint8_t out[DGRAM_MAX];
    struct wire_msg m, back;
    size_t len;

    (void)state;
    head_of(&m, WIRE_JOIN, 0);
    len = wire_seal(out, &m, &net, &key, nonce);
    for (size_t i = 0; i < len * 8; i++) {
        enum wire_fault f, want = WIRE_SEAL;

        out[i / 8] ^= (uint8_t)(1 << i % 8);
        f = wire_open(&back, out, len, &net);
        if (i / 8 < 2 || i / 8 == 4 || i / 8 == 5)
            want = WIRE_FOREIGN;
        else if (i / 8 == 2)
            want = WIRE_NEWER;
        assert_int_equal(f, want);
        out[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_int_equal(wire_open(&back, out, len, &net), WIRE_OK);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(wire_open(&back, out, cut, &net), cut < 85 ? WIRE_SHORT : WIRE_SEAL);
    assert_int_equal(wire_open(&back, out, DGRAM_MAX + 1, &net), WIRE_SHORT);
}

static void another_network_is_foreign(void **state)
{
    uint8_t out[DGRAM_MAX], group[32];
    struct seal_net other;
    struct wire_msg m, back;
    size_t len;

    (void)state;
    seal_open_group(group, "lab");
    seal_derive(&other, group);
    head_of(&m, WIRE_HELLO, 0);
    len = wire_seal(out, &m, &net, &key, nonce);
    assert_int_equal(wire_open(&back, out, len, &other), WIRE_FOREIGN);
    memcpy(out + 4, other.tag, 2); /* a tag is no secret */
    assert_int_equal(wire_open(&back, out, len, &other), WIRE_SEAL);
}

/* A member of both networks opens a message in one and seals it for the other: the signature tells.
 */
static void a_message_is_not_carried_across_networks(void **state)
{
    uint8_t out[DGRAM_MAX], plain[DGRAM_MAX], group[32];
    struct seal_net other;
    struct wire_msg m, back;
    size_t len;

    (void)state;
    seal_open_group(group, "lab");
    seal_derive(&other, group);
    head_of(&m, WIRE_HELLO, 0);
    len = wire_seal(out, &m, &net, &key, nonce);
    assert_true(seal_decrypt(plain, out + HEAD, len - HEAD, out, HEAD, nonce, net.datagram));
    memcpy(out + 4, other.tag, 2);
    seal_encrypt(out + HEAD, plain, len - HEAD - 16, out, HEAD, nonce, other.datagram);
    assert_int_equal(wire_open(&back, out, len, &other), WIRE_SIGNATURE);
}

static void forged_ids_and_signatures(void **state)
{
    uint8_t out[DGRAM_MAX], plain[DGRAM_MAX];
    struct wire_msg m, back;
    size_t len;

    (void)state;
    head_of(&m, WIRE_HELLO, 0);
    m.nid.b[15] ^= 1; /* somebody else's id over our key */
    len = wire_seal(out, &m, &net, &key, nonce);
    assert_int_equal(wire_open(&back, out, len, &net), WIRE_SIGNATURE);

    head_of(&m, WIRE_HELLO, 0);
    len = wire_seal(out, &m, &net, &key, nonce);
    assert_true(seal_decrypt(plain, out + HEAD, len - HEAD, out, HEAD, nonce, net.datagram));
    plain[40] ^= 1; /* a field, by another member who holds the network's key */
    len = seal_raw(out, plain, len - HEAD - 16, false);
    assert_int_equal(wire_open(&back, out, len, &net), WIRE_SIGNATURE);
}

static void forms_that_are_refused(void **state)
{
    uint8_t out[DGRAM_MAX], plain[DGRAM_MAX];
    struct wire_msg back;
    size_t at, len;

    (void)state;
    len = raw_common(plain, WIRE_LEAVE);
    memset(plain + len, 0, 8);
    assert_int_equal(wire_open(&back, out, seal_raw(out, plain, len + 8, true), &net), WIRE_OK);
    assert_int_equal(wire_open(&back, out, seal_raw(out, plain, len + 7, true), &net), WIRE_FORM);
    assert_int_equal(wire_open(&back, out, seal_raw(out, plain, len + 8, false), &net), WIRE_FORM);

    len = raw_common(plain, WIRE_PING);
    memset(plain + len, 0, 16);
    assert_int_equal(wire_open(&back, out, seal_raw(out, plain, len + 16, false), &net), WIRE_OK);
    plain[0] = 0; /* no type */
    assert_int_equal(wire_open(&back, out, seal_raw(out, plain, len + 16, false), &net), WIRE_FORM);
    plain[0] = WIRE_PING;
    plain[30] = 0; /* seq 0 */
    assert_int_equal(wire_open(&back, out, seal_raw(out, plain, len + 16, false), &net), WIRE_FORM);
    plain[30] = 1;
    memset(plain + 3, 0, 16); /* nobody */
    assert_int_equal(wire_open(&back, out, seal_raw(out, plain, len + 16, false), &net), WIRE_FORM);

    len = raw_common(plain, WIRE_HB);
    memset(plain + len, 0, 200);
    at = len + 54; /* how long the succession list is */
    plain[at] = WIRE_SUCCESSION;
    assert_int_equal(wire_open(&back, out, seal_raw(out, plain, at + 1 + 64, false), &net),
                     WIRE_OK);
    assert_int_equal(back.u.hb.list.len, WIRE_SUCCESSION);
    plain[at] = WIRE_SUCCESSION + 1;
    assert_int_equal(wire_open(&back, out, seal_raw(out, plain, at + 1 + 72, false), &net),
                     WIRE_FORM);

    len = raw_common(plain, WIRE_ECHOED);
    memset(plain + len, 0, 200);
    at = len + 18; /* how long the name is */
    plain[at] = PEER_NAME_MAX;
    assert_int_equal(
        wire_open(&back, out, seal_raw(out, plain, at + 1 + PEER_NAME_MAX, true), &net), WIRE_OK);
    plain[at] = PEER_NAME_MAX + 1;
    assert_int_equal(
        wire_open(&back, out, seal_raw(out, plain, at + 2 + PEER_NAME_MAX, true), &net), WIRE_FORM);
}

static void standbys_fit_their_list(void **state)
{
    uint8_t out[DGRAM_MAX], plain[DGRAM_MAX];
    struct wire_msg back;
    size_t at, len;

    (void)state;
    len = raw_common(plain, WIRE_JOINACK);
    memset(plain + len, 0, 300);
    at = len + 56; /* how long the succession list is */
    plain[at] = 1;
    plain[at + 9] = 1; /* one stand-by */
    assert_int_equal(wire_open(&back, out, seal_raw(out, plain, at + 10 + 15, true), &net),
                     WIRE_OK);
    assert_int_equal(back.u.joinack.standbys.len, 1);
    assert_int_equal(back.u.joinack.standbys.at[0].addr.family, 4);
    plain[at + 9] = 2;
    assert_int_equal(wire_open(&back, out, seal_raw(out, plain, at + 10 + 30, true), &net),
                     WIRE_FORM);
    plain[at] = 3;
    plain[at + 25] = 3;
    assert_int_equal(wire_open(&back, out, seal_raw(out, plain, at + 26 + 45, true), &net),
                     WIRE_FORM);
}

static void later_minor_versions_are_skipped(void **state)
{
    uint8_t out[DGRAM_MAX], plain[DGRAM_MAX];
    struct wire_msg back;
    size_t len;

    (void)state;
    len = raw_common(plain, 200);
    memset(plain + len, 0xee, 50);
    assert_int_equal(wire_open(&back, out, seal_raw(out, plain, len + 50, false), &net), WIRE_OK);
    assert_int_equal(back.type, 200);
    assert_int_equal(back.max_term, 9);
    assert_string_equal(wire_type_name(back.type), "?");

    len = raw_common(plain, WIRE_LEAVE);
    memset(plain + len, 0, 8);
    memcpy(plain + len + 8, "\x09\x02xy\x0a\x00", 6); /* two TLVs behind the fields */
    assert_int_equal(wire_open(&back, out, seal_raw(out, plain, len + 14, true), &net), WIRE_OK);
    memcpy(plain + len + 8, "\x09\x05xy\x0a\x00", 6); /* one that runs over the end */
    assert_int_equal(wire_open(&back, out, seal_raw(out, plain, len + 14, true), &net), WIRE_FORM);
}

/* The steady multicast load is one beacon each 250 ms: under 1.6 kB/s on the cable, Ethernet and IP
 * heads included. */
static void a_beacon_is_small(void **state)
{
    uint8_t out[DGRAM_MAX];
    struct wire_msg m;

    (void)state;
    head_of(&m, WIRE_BEACON, 0);
    m.u.beacon.list.len = WIRE_SUCCESSION;
    m.u.beacon.standbys.len = WIRE_STANDBYS;
    for (int i = 0; i < WIRE_STANDBYS; i++)
        m.u.beacon.standbys.at[i].addr.family = 6;
    assert_true((wire_seal(out, &m, &net, &key, nonce) + 18 + 40 + 8) * 4 <= 1600);
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(wire_type_name(WIRE_HELLO), "HELLO");
    assert_string_equal(wire_type_name(WIRE_REPORT), "REPORT");
    assert_string_equal(wire_type_name(0), "?");
    assert_string_equal(wire_type_name(WIRE_ECHOED), "ECHOED");
    assert_string_equal(wire_type_name(WIRE_ECHOED + 1), "?");
    for (unsigned f = 0; f < WIRE_FAULTS; f++)
        assert_string_not_equal(wire_fault_name((enum wire_fault)f), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_and_join),
        cmocka_unit_test(beacon),
        cmocka_unit_test(heartbeat),
        cmocka_unit_test(small_ones),
        cmocka_unit_test(echo_and_echoed),
        cmocka_unit_test(poll_and_vote),
        cmocka_unit_test(faceoff),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(another_network_is_foreign),
        cmocka_unit_test(a_message_is_not_carried_across_networks),
        cmocka_unit_test(forged_ids_and_signatures),
        cmocka_unit_test(forms_that_are_refused),
        cmocka_unit_test(standbys_fit_their_list),
        cmocka_unit_test(later_minor_versions_are_skipped),
        cmocka_unit_test(a_beacon_is_small),
        cmocka_unit_test(names),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests_name("wire", tests, setup, NULL);
}
