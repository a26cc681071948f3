/* base/id: names of things as text and back; only numeric addresses. */
#include "base/id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"

static void hashes_come_back(void **state)
{
    char hex[HASH_HEX_LEN + 1];
    struct hash h, zero = {{0}};

    (void)state;
    assert_true(hash_parse(&h, HEX, HASH_HEX_LEN));
    hash_hex(&h, hex);
    assert_string_equal(hex, HEX);
    assert_false(hash_parse(&h, HEX, HASH_HEX_LEN - 1));
    assert_false(hash_parse(&h, HEX "0", HASH_HEX_LEN + 1));
    assert_false(hash_parse(&h, "g" HEX, HASH_HEX_LEN));
    assert_true(hash_eq(&h, &h));
    assert_false(hash_eq(&h, &zero));
    assert_true(hash_cmp(&zero, &h) < 0 && hash_cmp(&h, &zero) > 0);
    assert_true(hash_is_zero(&zero));
    zero.b[31] = 1;
    assert_false(hash_is_zero(&zero));
}

static void peer_ids_come_back(void **state)
{
    char hex[NID_HEX_LEN + 1];
    struct nid n, zero = {{0}};

    (void)state;
    assert_true(nid_parse(&n, HEX, NID_HEX_LEN));
    nid_hex(&n, hex);
    assert_memory_equal(hex, HEX, NID_HEX_LEN);
    assert_false(nid_parse(&n, HEX, HASH_HEX_LEN));
    assert_true(nid_eq(&n, &n));
    assert_true(nid_cmp(&zero, &n) < 0);
    assert_true(nid_is_zero(&zero));
    assert_false(nid_is_zero(&n));
}

static void addresses_come_back(void **state)
{
    static const struct {
        const char *in, *out;
        uint8_t family;
        uint16_t port;
    } row[] = {
        {"192.0.2.1", "192.0.2.1", 4, 0},
        {"192.0.2.1:1235", "192.0.2.1:1235", 4, 1235},
        {"192.0.2.1:65535", "192.0.2.1:65535", 4, 65535},
        {"2001:db8::1", "2001:db8::1", 6, 0},
        {"2001:DB8:0:0::1", "2001:db8::1", 6, 0},
        {"[2001:db8::1]", "2001:db8::1", 6, 0},
        {"[2001:db8::1]:80", "[2001:db8::1]:80", 6, 80},
        {"::1", "::1", 6, 0},
    };
    char text[ADDR_TEXT_MAX];
    struct addr a;

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        if (!addr_parse(&a, row[i].in))
            fail_msg("refused: %s", row[i].in);
        assert_int_equal(a.family, row[i].family);
        assert_int_equal(a.port, row[i].port);
        assert_string_equal(addr_text(&a, text), row[i].out);
    }
}

static void what_is_no_address_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "localhost",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.1:",
        "192.0.2.1:0",
        "192.0.2.1:65536",
        "192.0.2.1:-1",
        "192.0.2.1:1x",
        " 192.0.2.1",
        "192.0.2.1:123456",
        "[::1",
        "[::1]x",
        "[::1]:",
        "[::1]:0",
        "[]:80",
        "::1]",
        "[",
        ":80",
        "1:2:3",
        "[[::1]]:80",
        "[192.0.2.1]:80",
        "11111111111111111111111111111111111111111111111111111111111111111111111111111111",
    };
    struct addr a;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (addr_parse(&a, bad[i]))
            fail_msg("taken: '%s'", bad[i]);
}

static void addresses_are_compared(void **state)
{
    struct addr a, b;

    (void)state;
    assert_true(addr_parse(&a, "192.0.2.1:80") && addr_parse(&b, "192.0.2.1:81"));
    assert_true(addr_same_host(&a, &b));
    assert_false(addr_eq(&a, &b));
    b.port = 80;
    assert_true(addr_eq(&a, &b));
    b.ip[15] = 1; /* no part of an IPv4 address */
    assert_true(addr_eq(&a, &b));
    b.ip[3] = 2;
    assert_false(addr_same_host(&a, &b));
    assert_true(addr_parse(&a, "[fe80::1%7]:80") && a.scope == 7 && a.port == 80);
    assert_true(addr_is_link_local6(&a));
    assert_true(addr_parse(&a, "fec0::1") && !addr_is_link_local6(&a));
    assert_true(addr_parse(&a, "fe80::1") && addr_parse(&b, "fe80::1"));
    b.scope = 2; /* the same address on another link is another host */
    assert_false(addr_same_host(&a, &b));
}

static void the_longest_address_fits(void **state)
{
    struct addr a = {.family = 6, .port = 65535, .scope = UINT32_MAX};
    char text[ADDR_TEXT_MAX];

    (void)state;
    memset(a.ip, 0xee, sizeof a.ip);
    assert_string_equal(addr_text(&a, text),
                        "[eeee:eeee:eeee:eeee:eeee:eeee:eeee:eeee%4294967295]:65535");
    a = (struct addr){0};
    assert_string_equal(addr_text(&a, text), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_come_back),       cmocka_unit_test(peer_ids_come_back),
        cmocka_unit_test(addresses_come_back),    cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(addresses_are_compared), cmocka_unit_test(the_longest_address_fits),
    };

    return cmocka_run_group_tests_name("id", tests, NULL, NULL);
}
