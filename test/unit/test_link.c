/* io/link: which interfaces a service speaks on, and whose addresses are near. */
#include "base/mem.h"
#include "base/str.h"
#include "io/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct addr ip(const char *text)
{
    struct addr a;

    assert_true(addr_parse(&a, text));
    return a;
}

static struct link_if ethernet(const char *name, const char *address, uint8_t prefix)
{
    struct link_if i = {.index = 7, .up = true, .multicast = true};

    str_copy(i.name, sizeof i.name, name);
    if (address)
        i.addr[i.addrs++] = (struct link_addr){.addr = ip(address), .prefix = prefix};
    return i;
}

static void lan_interfaces_are_usable(void **state)
{
    static const char *const good[] = {"eth0",   "wlan0",  "veth12ab", "br0",
                                       "br-lan", "vmnet1", "enp0s3"};
    struct link_if i;

    (void)state;
    for (size_t n = 0; n < sizeof good / sizeof *good; n++) {
        i = ethernet(good[n], "192.168.7.1", 24);
        assert_true(link_usable(&i, 4, false));
        assert_true(link_usable(&i, 4, true));
        assert_false(link_usable(&i, 6, false)); /* no address of that family */
    }
    i = ethernet("eth0", "fe80::1", 64);
    assert_true(link_usable(&i, 6, false));
    assert_false(link_usable(&i, 4, true));
}

static void others_only_by_name(void **state)
{
    static const char *const made[] = {
        "docker0", "br-0a1b2c3d4e5f", "virbr0", "cni0", "lxcbr0", "tun0", "tap1", "wg0",
        "zt3",     "tailscale0"};
    struct link_if i;

    (void)state;
    for (size_t n = 0; n < sizeof made / sizeof *made; n++) {
        i = ethernet(made[n], "172.17.0.1", 16);
        assert_false(link_usable(&i, 4, false));
        assert_true(link_usable(&i, 4, true));
    }
    i = ethernet("eth0", "192.0.2.1", 24); /* a public address */
    assert_false(link_usable(&i, 4, false));
    assert_true(link_usable(&i, 4, true));
    i = ethernet("lo", "127.0.0.1", 8);
    i.loopback = true;
    i.multicast = false;
    assert_false(link_usable(&i, 4, false));
    assert_true(link_usable(&i, 4, true));
    i = ethernet("ppp0", "10.0.0.1", 32);
    i.point_to_point = true;
    assert_false(link_usable(&i, 4, false));
}

static void down_or_without_address_never(void **state)
{
    struct link_if i = ethernet("eth0", "10.1.2.3", 8);

    (void)state;
    i.up = false;
    assert_false(link_usable(&i, 4, true));
    i = ethernet("eth0", NULL, 0);
    assert_false(link_usable(&i, 4, true));
    i = ethernet("eth0", "10.1.2.3", 8);
    i.multicast = false;
    assert_false(link_usable(&i, 4, true));
}

static void subnets(void **state)
{
    struct link_if i = ethernet("eth0", "192.168.4.130", 25);
    struct addr a;

    (void)state;
    a = ip("192.168.4.255:80");
    assert_true(link_has_subnet(&i, &a));
    assert_false(link_has_addr(&i, &a));
    a = ip("192.168.4.127");
    assert_false(link_has_subnet(&i, &a));
    a = ip("192.168.4.130:9");
    assert_true(link_has_addr(&i, &a));
    a = ip("c0a8:482::"); /* the same first bytes, another family */
    assert_false(link_has_subnet(&i, &a));
    assert_false(link_has_addr(&i, &a));

    i = ethernet("eth0", "fe80::1", 64);
    a = ip("fe80::2");
    assert_false(link_has_subnet(&i, &a)); /* link-local without its link is nowhere */
    a.scope = i.index;
    assert_true(link_has_subnet(&i, &a));
    a.scope = i.index + 1;
    assert_false(link_has_subnet(&i, &a));

    i = ethernet("eth0", "10.0.0.1", 0);
    a = ip("203.0.113.9");
    assert_true(link_has_subnet(&i, &a)); /* a subnet of everything */
    i = ethernet("eth0", "10.0.0.1", 32);
    a = ip("10.0.0.2");
    assert_false(link_has_subnet(&i, &a));
}

static void lan_addresses_come_first(void **state)
{
    struct link_if i = ethernet("eth0", "192.0.2.1", 24);
    struct addr want = ip("10.9.8.7");

    (void)state;
    assert_non_null(link_first(&i, 4));
    assert_null(link_first(&i, 6));
    i.addr[i.addrs++] = (struct link_addr){.addr = want, .prefix = 8};
    assert_true(addr_eq(link_first(&i, 4), &want));
}

static void private_addresses(void **state)
{
    static const char *const yes[] = {"10.255.0.1",  "172.16.0.1", "172.31.255.255", "192.168.0.1",
                                      "169.254.1.1", "fe80::1",    "febf::1",        "fd00::1"};
    static const char *const no[] = {"11.0.0.1",  "172.15.0.1", "172.32.0.1", "192.169.0.1",
                                     "127.0.0.1", "100.64.0.1", "8.8.8.8",    "2001:db8::1",
                                     "fec0::1",   "::1"};

    (void)state;
    for (size_t n = 0; n < sizeof yes / sizeof *yes; n++) {
        struct addr a = ip(yes[n]);

        assert_true(link_is_private(&a));
    }
    for (size_t n = 0; n < sizeof no / sizeof *no; n++) {
        struct addr a = ip(no[n]);

        assert_false(link_is_private(&a));
    }
}

static void this_host_has_loopback(void **state)
{
    struct addr home = ip("127.0.0.1");
    struct link_if *list;
    size_t count, found = 0;
    struct err e;

    (void)state;
    assert_int_equal(link_list(&list, &count, &e), 0);
    for (size_t n = 0; n < count; n++) {
        assert_int_not_equal(list[n].index, 0);
        if (!list[n].loopback || !link_has_addr(&list[n], &home))
            continue;
        assert_true(list[n].up);
        assert_false(link_usable(&list[n], 4, false));
        assert_true(link_usable(&list[n], 4, true));
        found++;
    }
    assert_int_equal(found, 1);
    mem_free(list);
}

static void never(void *ctx)
{
    (void)ctx;
    fail();
}

static void a_watch_ends_cleanly(void **state)
{
    struct loop *l = loop_new("test");
    struct link_watch *w;
    struct err e;

    (void)state;
    w = link_watch_new(l, never, NULL, &e);
    assert_non_null(w);
    link_watch_free(w);
    link_watch_free(NULL);
    loop_quit(l);
    loop_run(l);
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lan_interfaces_are_usable),     cmocka_unit_test(others_only_by_name),
        cmocka_unit_test(down_or_without_address_never), cmocka_unit_test(subnets),
        cmocka_unit_test(lan_addresses_come_first),      cmocka_unit_test(private_addresses),
        cmocka_unit_test(this_host_has_loopback),        cmocka_unit_test(a_watch_ends_cleanly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
