/* svc/lan over the loopback interface: several services of one host find each other, agree who
 * leads, and notice who goes. */
#include "base/mem.h"
#include "base/str.h"
#include "io/udp.h"
#include "svc/lan.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GIVE_UP_MS 30000
#define LANS       3

struct end {
    struct lan *lan;
    struct ident ident;
    uint16_t port;
    bool led;     /* somebody leads, it heard */
    bool leaving; /* lan_leave was called */
    struct elect_news leader;
    unsigned ups, downs;
    uint64_t number; /* of the last PEER_CHANGED or PEER_UP */
};

static struct loop *loop;
static uv_timer_t guard;
static bool gave_up;
static struct end ends[LANS];
static uint8_t network[32];
static const char *const loopback[] = {"lo", NULL, NULL};
static const char *const *interface = loopback; /* up to a NULL */

static void on_news(void *ctx, const struct elect_news *n)
{
    struct end *e = ctx;

    switch (n->kind) {
    case ELECT_LEADER:
        e->led = true;
        e->leader = *n;
        break;
    case ELECT_NO_LEADER:
        e->led = false;
        break;
    case ELECT_PEER_UP:
        e->ups++;
        e->number = n->peer.number;
        break;
    case ELECT_PEER_CHANGED:
        e->number = n->peer.number;
        break;
    case ELECT_PEER_DOWN:
        e->downs++;
        break;
    case ELECT_STANDBY:
        break;
    }
}

static void open_end(size_t i, const char *const *peer, size_t peers)
{
    struct end *e = &ends[i];
    uint8_t seed[32] = {(uint8_t)(i + 1)};
    struct lan_conf c = {.loop = loop,
                         .ident = &e->ident,
                         .interface = interface,
                         .peer = peer,
                         .peers = peers,
                         .tcp_port = (uint16_t)(31000 + i),
                         .generation = 5,
                         .number = 1,
                         .news = on_news,
                         .ctx = e};
    struct err err;

    while (c.interfaces < 3 && interface[c.interfaces])
        c.interfaces++;
    *e = (struct end){.port = c.tcp_port};
    seal_key_from_seed(&e->ident.key, seed);
    seal_nid(&e->ident.nid, e->ident.key.pub);
    e->ident.inc = 1;
    seal_derive(&e->ident.net, network);
    e->lan = lan_new(&c, &err);
    assert_non_null(e->lan);
}

static void on_guard(uv_timer_t *t)
{
    (void)t;
    gave_up = true;
}

static bool turn_until(bool (*yes)(void))
{
    gave_up = false;
    uv_timer_start(&guard, on_guard, GIVE_UP_MS, 0);
    while (!yes() && !gave_up)
        uv_run(loop_uv(loop), UV_RUN_ONCE);
    uv_timer_stop(&guard);
    return !gave_up;
}

static size_t leaders(void)
{
    size_t n = 0;

    for (size_t i = 0; i < LANS; i++)
        n += ends[i].lan && ends[i].led && ends[i].leader.self;
    return n;
}

static struct end *leader(void)
{
    for (size_t i = 0; i < LANS; i++)
        if (ends[i].lan && ends[i].led && ends[i].leader.self)
            return &ends[i];
    return NULL;
}

/* All that run follow one leader, which has them all in its ledger. */
static bool agreed(void)
{
    size_t running = 0;
    struct end *first = leader();

    if (leaders() != 1)
        return false;
    for (size_t i = 0; i < LANS; i++) {
        if (!ends[i].lan)
            continue;
        running++;
        if (!ends[i].led || !nid_eq(&ends[i].leader.peer.nid, &first->ident.nid))
            return false;
    }
    return first->ups - first->downs == running - 1;
}

static void on_left(void *ctx)
{
    struct end *e = ctx;

    lan_free(e->lan);
    e->lan = NULL;
}

static void leave(struct end *e)
{
    e->leaving = true;
    lan_leave(e->lan, on_left, e);
}

static bool nobody_leaves(void)
{
    for (size_t i = 0; i < LANS; i++)
        if (ends[i].lan && ends[i].leaving)
            return false;
    return true;
}

static bool agreed_without_the_old(void)
{
    return nobody_leaves() && agreed();
}

static bool nobody_runs(void)
{
    for (size_t i = 0; i < LANS; i++)
        if (ends[i].lan)
            return false;
    return true;
}

static int set_up(void **state)
{
    (void)state;
    if (sodium_init() < 0)
        return -1;
    randombytes_buf(network, sizeof network); /* nobody else's */
    loop = loop_new("test");
    uv_timer_init(loop_uv(loop), &guard);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < LANS; i++)
        if (ends[i].lan && !ends[i].leaving)
            leave(&ends[i]);
    if (!turn_until(nobody_runs))
        return -1;
    uv_close((uv_handle_t *)&guard, NULL);
    loop_quit(loop);
    loop_run(loop);
    loop_free(loop);
    return 0;
}

static bool number_is_9(void)
{
    return leader() && leader()->number == 9;
}

static void three_find_each_other(void **state)
{
    struct lan_status st;
    struct elect_peer peer[8];

    (void)state;
    for (size_t i = 0; i < LANS; i++)
        open_end(i, NULL, 0);
    assert_true(turn_until(agreed));
    for (size_t i = 0; i < LANS; i++) {
        lan_status(ends[i].lan, &st);
        assert_true(st.has_leader);
        assert_int_equal(st.role, ends[i].leader.self ? ELECT_LEAD : ELECT_FOLLOW);
        assert_string_equal(st.interfaces, "lo 127.0.0.1");
        assert_true(st.received > 0 && st.sent > 0);
        assert_int_equal(st.fault[WIRE_FOREIGN], 0);
        /* where the leader's HTTPS answers: the observed address with the announced port */
        if (!ends[i].leader.self) {
            assert_int_equal(ends[i].leader.peer.addr.port, leader()->port);
            assert_int_equal(ends[i].leader.peer.addr.ip[0], 127);
            assert_memory_equal(ends[i].leader.peer.pub, leader()->ident.key.pub, 32);
        }
    }
    assert_true(lan_peers(leader()->lan, peer, 8) >= 1);

    for (size_t i = 0; i < LANS; i++)
        if (&ends[i] != leader())
            lan_catalog(ends[i].lan, 5, 9);
    assert_true(turn_until(number_is_9));
}

static void a_leader_that_leaves_is_succeeded(void **state)
{
    struct end *old;
    uint64_t term;

    (void)state;
    for (size_t i = 0; i < LANS; i++)
        open_end(i, NULL, 0);
    assert_true(turn_until(agreed));
    old = leader();
    term = old->leader.term;
    leave(old);
    assert_true(turn_until(agreed_without_the_old));
    assert_ptr_not_equal(leader(), old);
    assert_true(leader()->leader.term > term);
}

static bool two_lead(void)
{
    return leaders() == 2;
}

static void another_network_is_another_world(void **state)
{
    struct lan_status st;
    uint8_t keep[32];

    (void)state;
    memcpy(keep, network, sizeof keep);
    open_end(0, NULL, 0);
    network[0] ^= 1;
    open_end(1, NULL, 0);
    memcpy(network, keep, sizeof keep);
    assert_true(turn_until(two_lead));
    for (size_t i = 0; i < 2; i++) {
        lan_status(ends[i].lan, &st);
        assert_int_equal(st.peers, ends[i].ups + 1);
        assert_int_equal(ends[i].ups, 0);
    }
}

static bool stranger_counted(void)
{
    struct lan_status st;

    lan_status(ends[0].lan, &st);
    return st.fault[WIRE_SEAL] && st.fault[WIRE_SHORT] && st.fault[WIRE_NEWER];
}

static void never(void *ctx, const struct udp_in *in)
{
    (void)ctx;
    (void)in;
    fail();
}

static void ignore_refused(void *ctx, const struct addr *to)
{
    (void)ctx;
    (void)to;
}

static void strangers_are_counted_and_not_answered(void **state)
{
    struct udp_conf c = {.loop = loop,
                         .group = {{.family = 4, .ip = {239, 255, 1, 1}, .port = 1}},
                         .got = never,
                         .refused = ignore_refused};
    struct addr to = {.family = 4, .ip = {127, 0, 0, 1}};
    struct lan_status st;
    uint8_t junk[300];
    struct udp *u;
    struct err e;

    (void)state;
    open_end(0, NULL, 0);
    u = udp_new(&c, &e);
    assert_non_null(u);
    to.port = ends[0].port;
    randombytes_buf(junk, sizeof junk);
    junk[0] = 'x'; /* the system itself drops this one and the next */
    udp_send(u, &to, junk, sizeof junk);
    udp_send(u, &to, junk, 3);
    memcpy(junk, WIRE_MAGIC, 2);
    junk[2] = WIRE_VERSION;
    junk[4] = (uint8_t)~ends[0].ident.net.tag[0];
    udp_send(u, &to, junk, sizeof junk);
    memcpy(junk + 4, ends[0].ident.net.tag, 2);
    udp_send(u, &to, junk, sizeof junk);
    udp_send(u, &to, junk, 20);
    junk[2] = WIRE_VERSION + 1;
    udp_send(u, &to, junk, sizeof junk);
    assert_true(turn_until(stranger_counted));
    lan_status(ends[0].lan, &st);
    assert_int_equal(st.fault[WIRE_FOREIGN], 0);
    udp_free(u);
}

static bool two_agree(void)
{
    return leaders() == 1 && ends[0].led && ends[1].led &&
           nid_eq(&ends[0].leader.peer.nid, &ends[1].leader.peer.nid) && leader()->ups == 1;
}

static bool flood_counted(void)
{
    struct lan_status st;

    lan_status(ends[0].lan, &st);
    return st.unopened > 0;
}

/* More than may be opened of strangers: the rest is not, and those who agree go on as before. */
static void a_flood_is_not_opened(void **state)
{
    struct udp_conf c = {.loop = loop,
                         .group = {{.family = 4, .ip = {239, 255, 1, 1}, .port = 1}},
                         .got = never,
                         .refused = ignore_refused};
    struct addr to = {.family = 4, .ip = {127, 0, 0, 1}};
    uint8_t junk[300] = WIRE_MAGIC;
    struct lan_status st;
    struct udp *u;
    struct err e;

    (void)state;
    open_end(0, NULL, 0);
    open_end(1, NULL, 0);
    assert_true(turn_until(two_agree));
    u = udp_new(&c, &e);
    assert_non_null(u);
    to.port = ends[0].port;
    junk[2] = WIRE_VERSION;
    memcpy(junk + 4, ends[0].ident.net.tag, 2);
    for (int round = 0; round < 200 && !flood_counted(); round++) {
        for (int n = 0; n < 300; n++)
            udp_send(u, &to, junk, sizeof junk);
        uv_run(loop_uv(loop), UV_RUN_NOWAIT);
    }
    assert_true(turn_until(flood_counted));
    lan_status(ends[0].lan, &st);
    assert_true(st.fault[WIRE_SEAL] > 0);
    assert_true(two_agree());
    udp_free(u);
}

/* No interface at all; one names the other by a host's name, the other it by an address. */
static void static_peers_need_no_interface(void **state)
{
    static const char *const none[] = {"!*", NULL, NULL};
    static const char *const one[] = {"localhost:31001"}, *const other[] = {"127.0.0.1:31000"};
    struct lan_status st;

    (void)state;
    interface = none;
    open_end(0, one, 1);
    open_end(1, other, 1);
    interface = loopback;
    assert_true(turn_until(two_agree));
    lan_status(ends[0].lan, &st);
    assert_string_equal(st.interfaces, "");
    assert_int_equal(st.addr.family, 0);
}

static void interfaces_are_chosen_by_pattern(void **state)
{
    static const struct {
        const char *item[3];
        bool lo;
    } cases[] = {
        {{"lo"}, true},         {{"l*"}, false}, /* loopback by its whole name only */
        {{"lo", "!l?"}, false}, {{"!eth[0-9]", "lo"}, true},
        {{"nosuch*"}, false},
    };
    struct lan_status st;

    (void)state;
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        interface = cases[n].item;
        open_end(0, NULL, 0);
        lan_status(ends[0].lan, &st);
        assert_int_equal(strstr(st.interfaces, "lo 127.0.0.1") != NULL, cases[n].lo);
        assert_int_equal(st.addr.family, cases[n].lo ? 4 : 0);
        lan_free(ends[0].lan);
        ends[0].lan = NULL;
    }
    interface = loopback;
}

static void a_peer_must_be_a_name_or_an_address(void **state)
{
    static const char *const bad[] = {"",      "a b",      "host:0",   "host:65536", "host:x",
                                      "[::1",  "[::1]x",   "[host]:1", "-x",         "a/b",
                                      ":1235", "fe80::1%", "host:1:2"};
    static const char *const good[] = {
        "host",        "host.example.org:80", "192.0.2.1",     "[2001:db8::1]:80",
        "2001:db8::1", "fe80::1%lo",          "[fe80::1%lo]:9"};
    struct lan_conf c = {.loop = loop, .ident = &ends[0].ident, .peers = 1};
    struct err e = {0};

    (void)state;
    for (size_t n = 0; n < sizeof bad / sizeof *bad; n++) {
        c.peer = &bad[n];
        assert_null(lan_new(&c, &e));
        assert_int_equal(e.code, ERR_USAGE);
        assert_non_null(strstr(e.hint, "HOST:PORT"));
    }
    for (size_t n = 0; n < sizeof good / sizeof *good; n++) {
        open_end(0, &good[n], 1);
        lan_free(ends[0].lan); /* the resolver may still be at it */
        ends[0].lan = NULL;
    }
}

static void an_interface_must_exist(void **state)
{
    static const char *const none[] = {"lo", "nosuchif9"};
    struct lan_conf c = {.loop = loop, .ident = &ends[0].ident, .interface = none, .interfaces = 2};
    struct err e = {0};

    (void)state;
    assert_null(lan_new(&c, &e));
    assert_int_equal(e.code, ERR_USAGE);
    assert_non_null(strstr(e.text, "nosuchif9"));
    assert_non_null(strstr(e.hint, "lo"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(three_find_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_leader_that_leaves_is_succeeded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_network_is_another_world, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strangers_are_counted_and_not_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flood_is_not_opened, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_interface_must_exist, set_up, tear_down),
        cmocka_unit_test_setup_teardown(interfaces_are_chosen_by_pattern, set_up, tear_down),
        cmocka_unit_test_setup_teardown(static_peers_need_no_interface, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_peer_must_be_a_name_or_an_address, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
