/* Rulesets as the systems' tools print them, and what iwant's packets meet there. */
#include "core/firewall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct firewall_packet group_in = {
    .udp = true, .multicast = true, .port = 1235, .interface = "eth0"};
static const struct firewall_packet tcp_in = {.port = 1235, .interface = "eth0"};
static const struct firewall_packet tcp6_in = {.v6 = true, .port = 1235, .interface = "eth0"};
static const struct firewall_packet group_out = {
    .out = true, .udp = true, .multicast = true, .port = 1235, .interface = "eth0"};

static struct firewall_answer nft(const char *text, const struct firewall_packet *p)
{
    struct firewall *f = firewall_new();
    struct firewall_answer a;

    firewall_read_nft(f, text, true);
    a = firewall_judge(f, p);
    firewall_free(f);
    return a;
}

static struct firewall_answer save(const char *text, const struct firewall_packet *p)
{
    struct firewall *f = firewall_new();
    struct firewall_answer a;

    firewall_read_save(f, text, p->v6);
    a = firewall_judge(f, p);
    firewall_free(f);
    return a;
}

#define OPEN(a)   assert_int_equal((a).verdict, FIREWALL_OPEN)
#define CLOSED(a) assert_int_equal((a).verdict, FIREWALL_CLOSED)
#define UNSURE(a) assert_int_equal((a).verdict, FIREWALL_UNSURE)

/* One base chain for input with these rules. */
static struct firewall_answer input(const char *policy, const char *rules,
                                    const struct firewall_packet *p)
{
    char text[4096];

    snprintf(text, sizeof text,
             "table inet filter {\n\tset admins {\n\t\ttype ipv4_addr\n\t\telements = { 10.0.0.1 "
             "}\n\t}\n\n\tchain input {\n\t\ttype filter hook input priority filter; policy "
             "%s;\n%s\n\t}\n\n\tchain lan {\n\t\tmeta l4proto { tcp, udp } th dport 1200-1300 "
             "accept\n\t}\n}\n",
             policy, rules);
    return nft(text, p);
}

static void nothing_is_open(void **state)
{
    (void)state;
    OPEN(nft("", &tcp_in));
    OPEN(nft("no ruleset at all {{{\n}}}}\n", &tcp_in));
    OPEN(save("", &tcp_in));
    OPEN(input("accept", "", &group_in));
}

static void a_policy_of_drop_closes(void **state)
{
    struct firewall_answer a =
        input("drop",
              "\t\tiif \"lo\" accept\n\t\tct state established,related accept\n"
              "\t\ttcp dport { 22, 80 } accept\n\t\ticmpv6 type { nd-neighbor-solicit } accept",
              &group_in);

    (void)state;
    CLOSED(a);
    assert_string_equal(a.place, "inet filter input");
    assert_true(a.nft);
    OPEN(input("drop", "", &group_out));
}

static void rules_that_let_us_in(void **state)
{
    (void)state;
    OPEN(input("drop", "\t\tudp dport 1235 counter packets 4 bytes 99 accept comment \"iwant\"",
               &group_in));
    CLOSED(input("drop", "\t\tudp dport 1235 accept", &tcp_in));
    OPEN(input("drop", "\t\ttcp dport { 22, 1235-1236 } ct state new accept", &tcp_in));
    OPEN(input("drop", "\t\tiifname { \"eth0\", \"eth1\" } accept", &tcp_in));
    OPEN(input("drop", "\t\tiifname \"eth*\" accept", &tcp_in));
    OPEN(input("drop", "\t\tiifname != \"wan0\" jump lan", &tcp6_in));
    CLOSED(input("drop", "\t\tiifname != \"eth0\" accept", &tcp_in));
    OPEN(input("drop", "\t\tmeta pkttype multicast accept", &group_in));
    CLOSED(input("drop", "\t\tmeta pkttype multicast accept", &tcp_in));
    OPEN(input("drop", "\t\tip daddr 224.0.0.0/4 accept", &group_in));
    CLOSED(input("drop", "\t\tip daddr 224.0.0.251 udp dport 5353 accept", &group_in));
    OPEN(input("drop", "\t\tct state vmap { invalid : drop, established : accept, new : jump lan }",
               &tcp_in));
    OPEN(input("drop", "\t\tmeta nfproto ipv6 accept", &tcp6_in));
    CLOSED(input("drop", "\t\tmeta nfproto ipv6 accept", &tcp_in));
}

static void rules_that_shut_us_out(void **state)
{
    (void)state;
    CLOSED(input("accept", "\t\tudp dport 1000-2000 drop", &group_in));
    CLOSED(input("accept", "\t\ttcp dport 1235 log prefix \"no \" level warn reject with tcp reset",
                 &tcp_in));
    UNSURE(input("accept", "\t\ttcp flags syn reject", &tcp_in));
    CLOSED(
        nft("table ip vpn {\n chain out {\n  type filter hook output priority 0; policy accept;\n"
            "  oifname != \"wg0\" drop\n }\n}\n",
            &group_out));
    OPEN(nft("table ip6 x {\n chain i {\n type filter hook input priority 0; policy drop;\n }\n}\n",
             &tcp_in));
}

static void of_iptables_by_nft(void **state)
{
    static const char text[] =
        "# Warning: table ip filter is managed by iptables-nft, do not touch!\n"
        "table ip filter {\n\tchain INPUT {\n\t\ttype filter hook input priority filter; policy "
        "drop;\n"
        "\t}\n}\ntable ip mine {\n\tchain i {\n\t\ttype filter hook input priority filter; policy "
        "accept;\n"
        "\t\tudp dport 1235 drop\n\t}\n}\n";

    (void)state;
    OPEN(nft(text, &tcp_in));
    CLOSED(nft(text, &group_in));
}

static void what_is_not_understood_is_unsure(void **state)
{
    (void)state;
    UNSURE(input("drop", "\t\tip saddr @admins accept", &tcp_in));
    UNSURE(input("drop", "\t\tip saddr 192.168.0.0/16 accept", &tcp_in));
    UNSURE(input("accept", "\t\tlimit rate over 10/second drop", &tcp_in));
    UNSURE(input("drop", "\t\txt match \"set\" xt target \"ACCEPT\" accept", &tcp_in));
}

static const char UFW[] =
    "# Generated by iptables-save v1.8.9\n*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n*filter\n"
    ":INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:ufw-before-input - [0:0]\n"
    ":ufw-user-input - [0:0]\n:ufw-not-local - [0:0]\n"
    "-A INPUT -j ufw-before-input\n"
    "-A ufw-before-input -i lo -j ACCEPT\n"
    "-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
    "-A ufw-before-input -m conntrack --ctstate INVALID -j DROP\n"
    "-A ufw-before-input -p icmp -m icmp --icmp-type 8 -j ACCEPT\n"
    "-A ufw-before-input -j ufw-not-local\n"
    "-A ufw-before-input -d 224.0.0.251/32 -p udp -m udp --dport 5353 -j ACCEPT\n"
    "-A ufw-before-input -j ufw-user-input\n"
    "-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN\n"
    "-A ufw-not-local -m addrtype --dst-type MULTICAST -j RETURN\n"
    "-A ufw-not-local -j DROP\n"
    "-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT\n"
    "%sCOMMIT\n";

static void as_ufw_writes_them(void **state)
{
    struct firewall_answer a;
    char text[4096];

    (void)state;
    snprintf(text, sizeof text, UFW, "");
    a = save(text, &group_in);
    CLOSED(a);
    assert_false(a.nft);
    assert_string_equal(a.place, "filter INPUT");
    CLOSED(save(text, &tcp_in));
    OPEN(save(text, &group_out));
    snprintf(text, sizeof text, UFW,
             "-A ufw-user-input -p udp -m multiport --dports 1234,1235 -j ACCEPT\n"
             "-A ufw-user-input -p tcp -m tcp --dport 1235:1236 -m comment --comment \"a b -j "
             "DROP\" -j ACCEPT\n");
    OPEN(save(text, &group_in));
    OPEN(save(text, &tcp_in));
}

static void of_iptables(void **state)
{
    (void)state;
    CLOSED(save("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT ! -i lo -p tcp -j REJECT --reject-with "
                "icmp-port-unreachable\n",
                &tcp_in));
    OPEN(save("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT ! -i eth+ -p tcp -j DROP\n", &tcp_in));
    UNSURE(save("*filter\n:INPUT DROP [0:0]\n-A INPUT -s 10.0.0.0/8 -j ACCEPT\n", &tcp_in));
    CLOSED(
        save("*filter\n:INPUT ACCEPT [0:0]\n:x - [0:0]\n-A INPUT -g x\n-A x -j DROP\n", &tcp6_in));
}

/* A chain that jumps to itself ends, too. */
static void circles_end(void **state)
{
    (void)state;
    UNSURE(save("*filter\n:INPUT ACCEPT [0:0]\n:x - [0:0]\n-A INPUT -j x\n-A x -j x\n", &tcp_in));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_open),      cmocka_unit_test(a_policy_of_drop_closes),
        cmocka_unit_test(rules_that_let_us_in), cmocka_unit_test(rules_that_shut_us_out),
        cmocka_unit_test(of_iptables_by_nft),   cmocka_unit_test(what_is_not_understood_is_unsure),
        cmocka_unit_test(as_ufw_writes_them),   cmocka_unit_test(of_iptables),
        cmocka_unit_test(circles_end),
    };

    return cmocka_run_group_tests_name("firewall", tests, NULL, NULL);
}
