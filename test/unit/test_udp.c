/* io/udp over the loopback interface: groups, replies, refusals, ports. */
#include "base/mem.h"
#include "io/udp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define GIVE_UP_MS 10000

struct end {
    struct udp *udp;
    struct loop *loop;
    char got[16][32];
    struct addr from[16];
    bool multicast[16];
    size_t gots;
    struct addr refused;
    unsigned refusals;
    bool free_on_got;
};

static struct loop *loop;
static uv_timer_t guard;
static bool gave_up;
static struct link_if lo;
static const struct addr GROUP = {.family = 4, .ip = {239, 255, 77, 1}, .port = 21235};
static const struct addr GROUP6 = {.family = 6, .ip = {0xff, 0x12, [15] = 1}, .port = 21235};

static void got(void *ctx, const struct udp_in *in)
{
    struct end *e = ctx;

    assert_true(e->gots < 16);
    assert_true(in->len < sizeof e->got[0]);
    memcpy(e->got[e->gots], in->data, in->len);
    e->got[e->gots][in->len] = '\0';
    e->from[e->gots] = in->from;
    e->multicast[e->gots] = in->multicast;
    e->gots++;
    if (e->free_on_got) {
        udp_free(e->udp);
        e->udp = NULL;
    }
}

static void refused(void *ctx, const struct addr *to)
{
    struct end *e = ctx;

    e->refused = *to;
    e->refusals++;
}

static void on_guard(uv_timer_t *t)
{
    (void)t;
    gave_up = true;
}

static void open_end(struct end *e, uint16_t port)
{
    struct udp_conf c = {
        .loop = loop, .group = {GROUP}, .port = port, .got = got, .refused = refused, .ctx = e};
    struct err err;

    *e = (struct end){.loop = loop};
    e->udp = udp_new(&c, &err);
    assert_non_null(e->udp);
    assert_int_equal(udp_use(e->udp, &lo, 1), 1);
}

/* Turn the loop until *n reaches want; false when that takes too long. */
static bool turn_until(const size_t *n, size_t want)
{
    gave_up = false;
    uv_timer_start(&guard, on_guard, GIVE_UP_MS, 0);
    while (*n < want && !gave_up)
        uv_run(loop_uv(loop), UV_RUN_ONCE);
    uv_timer_stop(&guard);
    return *n >= want;
}

static int set_up(void **state)
{
    struct link_if *list;
    size_t count;
    struct err e;

    (void)state;
    loop = loop_new("test");
    uv_timer_init(loop_uv(loop), &guard);
    if (link_list(&list, &count, &e))
        return -1;
    for (size_t n = 0; n < count; n++)
        if (list[n].loopback)
            lo = list[n];
    mem_free(list);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    uv_close((uv_handle_t *)&guard, NULL);
    loop_quit(loop);
    loop_run(loop);
    loop_free(loop);
    return 0;
}

static void a_group_reaches_everybody_once(void **state)
{
    struct end a, b;

    (void)state;
    open_end(&a, 0);
    open_end(&b, 0);
    assert_true(udp_multicast(a.udp, lo.index, 4, "hello", 5));
    assert_true(turn_until(&b.gots, 1));
    assert_true(turn_until(&a.gots, 1));
    assert_string_equal(b.got[0], "hello");
    assert_string_equal(a.got[0], "hello");
    assert_true(b.multicast[0]);
    assert_int_equal(b.from[0].port, udp_port(a.udp, 4)); /* where a reply goes */

    assert_true(udp_send(b.udp, &b.from[0], "reply", 5));
    assert_true(turn_until(&a.gots, 2));
    assert_string_equal(a.got[1], "reply");
    assert_false(a.multicast[1]);
    assert_int_equal(a.gots, 2);
    assert_int_equal(b.gots, 1);
    udp_free(a.udp);
    udp_free(b.udp);
}

static void no_interface_no_group(void **state)
{
    struct end a, b;

    (void)state;
    open_end(&a, 0);
    open_end(&b, 0);
    assert_int_equal(udp_use(b.udp, NULL, 0), 0);
    assert_false(udp_multicast(b.udp, lo.index, 4, "x", 1));
    udp_multicast(a.udp, lo.index, 4, "one", 3);
    assert_true(turn_until(&a.gots, 1));
    assert_int_equal(udp_use(b.udp, &lo, 1), 1);
    assert_int_equal(udp_use(b.udp, &lo, 1), 1); /* stays */
    udp_multicast(a.udp, lo.index, 4, "two", 3);
    assert_true(turn_until(&b.gots, 1));
    assert_string_equal(b.got[0], "two");
    udp_free(a.udp);
    udp_free(b.udp);
}

static void a_port_is_one_service_s(void **state)
{
    struct end a, b, c;
    struct addr to = {.family = 4, .ip = {127, 0, 0, 1}, .port = GROUP.port};

    (void)state;
    open_end(&c, 0); /* its group socket lies on the number that a wishes */
    open_end(&a, GROUP.port);
    assert_int_equal(udp_port(a.udp, 4), GROUP.port);
    open_end(&b, GROUP.port);
    assert_int_not_equal(udp_port(b.udp, 4), GROUP.port);
    udp_send(c.udp, &to, "for a", 5);
    assert_true(turn_until(&a.gots, 1));
    assert_false(a.multicast[0]);
    udp_multicast(c.udp, lo.index, 4, "for all", 7);
    assert_true(turn_until(&a.gots, 2));
    assert_true(turn_until(&b.gots, 1));
    assert_true(turn_until(&c.gots, 1));
    assert_true(a.multicast[1]); /* once, and not on the unicast socket */
    assert_int_equal(a.gots, 2);
    udp_free(a.udp);
    open_end(&a, GROUP.port); /* back again, while the others' group sockets are there */
    assert_int_equal(udp_port(a.udp, 4), GROUP.port);
    udp_free(a.udp);
    udp_free(b.udp);
    udp_free(c.udp);
}

static void nobody_there_is_told(void **state)
{
    struct end a, b;
    struct addr gone = {.family = 4, .ip = {127, 0, 0, 1}};
    size_t turns = 0;

    (void)state;
    open_end(&a, 0);
    open_end(&b, 0);
    gone.port = udp_port(b.udp, 4);
    udp_free(b.udp);
    uv_run(loop_uv(loop), UV_RUN_NOWAIT);
    udp_send(a.udp, &gone, "hello?", 6);
    gave_up = false;
    uv_timer_start(&guard, on_guard, GIVE_UP_MS, 0);
    for (; !a.refusals && !gave_up; turns++)
        uv_run(loop_uv(loop), UV_RUN_ONCE);
    uv_timer_stop(&guard);
    assert_int_equal(a.refusals, 1);
    assert_true(addr_eq(&a.refused, &gone));

    udp_multicast(a.udp, lo.index, 4, "still here", 10); /* the error is over */
    assert_true(turn_until(&a.gots, 1));
    udp_free(a.udp);
}

static void long_ones_are_dropped(void **state)
{
    char big[UDP_DGRAM_MAX + 1] = {0};
    struct end a;

    (void)state;
    open_end(&a, 0);
    udp_multicast(a.udp, lo.index, 4, big, sizeof big);
    udp_multicast(a.udp, lo.index, 4, "short", 5);
    assert_true(turn_until(&a.gots, 1));
    assert_string_equal(a.got[0], "short");
    udp_free(a.udp);
}

static void may_end_within_a_callback(void **state)
{
    struct end a;

    (void)state;
    open_end(&a, 0);
    a.free_on_got = true;
    udp_multicast(a.udp, lo.index, 4, "one", 3);
    udp_multicast(a.udp, lo.index, 4, "two", 3);
    assert_true(turn_until(&a.gots, 1));
    uv_run(loop_uv(loop), UV_RUN_NOWAIT);
    assert_int_equal(a.gots, 1);
    assert_null(a.udp);
    udp_free(a.udp);
}

/* Unicast over IPv6; its multicast needs an interface with a link-local address (test/net). */
static void both_families(void **state)
{
    struct udp_conf c = {.loop = loop, .group = {GROUP, GROUP6}, .got = got, .refused = refused};
    struct addr home = {.family = 6, .ip = {[15] = 1}};
    struct end a = {0}, b = {0};
    struct err e;

    (void)state;
    c.ctx = &a;
    a.udp = udp_new(&c, &e);
    c.ctx = &b;
    b.udp = udp_new(&c, &e);
    assert_non_null(a.udp);
    assert_non_null(b.udp);
    home.port = udp_port(b.udp, 6);
    if (!home.port || !udp_send(a.udp, &home, "six", 3)) {
        print_message("no IPv6 here\n");
    } else {
        assert_true(turn_until(&b.gots, 1));
        assert_string_equal(b.got[0], "six");
        assert_int_equal(b.from[0].family, 6);
        assert_int_equal(b.from[0].port, udp_port(a.udp, 6));
        assert_true(udp_send(b.udp, &b.from[0], "back", 4));
        assert_true(turn_until(&a.gots, 1));
        udp_free(b.udp);
        b.udp = NULL;
        for (unsigned n = 0; n < 50 && !a.refusals; n++) {
            udp_send(a.udp, &home, "gone", 4);
            uv_run(loop_uv(loop), UV_RUN_NOWAIT);
        }
        assert_true(a.refusals > 0);
        assert_true(addr_eq(&a.refused, &home));
    }
    udp_free(a.udp);
    udp_free(b.udp);
}

static void the_sieve_drops_what_is_not_ours(void **state)
{
    struct udp_conf c = {.loop = loop,
                         .group = {GROUP},
                         .got = got,
                         .refused = refused,
                         .sieve = {.on = true, .magic = "iW", .version = 1, .tag = {'t', 'g'}}};
    static const char *const in[] = {"xx.....",   "iW",      "iW\1.",   "iW\1.xg..",
                                     "iW\1.tx..", "iW\2.xx", "iW\1.tg", "iW\1.tg.end"};
    struct addr home = {.family = 4, .ip = {127, 0, 0, 1}};
    struct end a, b = {0};
    struct err e;

    (void)state;
    open_end(&a, 0);
    c.ctx = &b;
    b.udp = udp_new(&c, &e);
    assert_non_null(b.udp);
    home.port = udp_port(b.udp, 4);
    for (size_t n = 0; n < sizeof in / sizeof *in; n++)
        assert_true(udp_send(a.udp, &home, in[n], strlen(in[n])));
    assert_true(turn_until(&b.gots, 3));
    assert_string_equal(b.got[0], in[5]); /* another version may look otherwise */
    assert_string_equal(b.got[1], in[6]);
    assert_string_equal(b.got[2], in[7]);
    udp_free(a.udp);
    udp_free(b.udp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_reaches_everybody_once),
        cmocka_unit_test(no_interface_no_group),
        cmocka_unit_test(a_port_is_one_service_s),
        cmocka_unit_test(nobody_there_is_told),
        cmocka_unit_test(long_ones_are_dropped),
        cmocka_unit_test(may_end_within_a_callback),
        cmocka_unit_test(both_families),
        cmocka_unit_test(the_sieve_drops_what_is_not_ours),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
