/* Facts in, findings out. The network's own faults are planted for real in test/net. */
#include "core/doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct doctor_facts f;
static struct doctor_report r;

/* A computer on which all is well: one interface, one peer. */
static int setup(void **state)
{
    (void)state;
    memset(&f, 0, sizeof f);
    f.root = f.runs = f.has_leader = f.probed = f.firewall_read = true;
    f.services = 1;
    f.wished_port = f.port = 1235;
    f.version = IWANT_VERSION;
    f.members = 2;
    f.links = 2;
    f.link[0] = (struct doctor_link){.name = "lo", .up = true, .loopback = true, .v4 = true};
    f.link[1] = (struct doctor_link){.name = "eth0",
                                     .up = true,
                                     .multicast = true,
                                     .used = true,
                                     .v4 = true,
                                     .v4_private = true,
                                     .v6 = true,
                                     .mtu = 1500};
    for (size_t n = 0; n < 2; n++)
        f.link[1].way[n] = (struct doctor_way){true, true, true, 1};
    f.peers = 1;
    f.peer[0] = (struct doctor_peer){.name = "eva",
                                     .addr = "10.0.0.2:1235",
                                     .echoed = true,
                                     .out = DOCTOR_OPEN,
                                     .back = DOCTOR_OPEN,
                                     .link = "eth0",
                                     .via = "eth0"};
    f.home = f.share = f.download = (struct doctor_disk){.path = "/home/ada",
                                                         .known = true,
                                                         .writable = true,
                                                         .free_bytes = 1ull << 40,
                                                         .free_files = 1u << 20};
    f.watches_max = 1000;
    f.watches_need = 10;
    return 0;
}

static void library(const char *built, const char *runs)
{
    f.libraries = 2;
    f.library[0] = (struct doctor_library){"libqrencode", "", "4.1.1"};
    f.library[1] = (struct doctor_library){"libuv", built, runs};
}

static int teardown(void **state)
{
    (void)state;
    doctor_done(&r);
    return 0;
}

static const struct doctor_finding *judge(const char *check)
{
    doctor_done(&r);
    doctor_judge(&f, &r);
    for (size_t i = 0; i < r.len; i++)
        if (!strcmp(r.finding[i].check, check) && r.finding[i].state != DOCTOR_FINE)
            return &r.finding[i];
    return NULL;
}

static void is(enum doctor_state state, const char *check, const char *mend)
{
    const struct doctor_finding *d = judge(check);

    assert_non_null(d);
    assert_int_equal(d->state, state);
    assert_string_equal(d->mend, mend);
    for (size_t i = 0; i < r.len; i++) /* one fault, one cause told */
        assert_true(r.finding[i].state != DOCTOR_BAD || &r.finding[i] == d);
}

static void all_is_well(void **state)
{
    (void)state;
    doctor_judge(&f, &r);
    assert_true(r.len > 8);
    assert_int_equal(doctor_count(&r, DOCTOR_FINE), r.len);
}

static void of_the_service(void **state)
{
    (void)state;
    f.version = "0.0.9";
    is(DOCTOR_BAD, "service", "iwanto stop && iwanto start -d");
    f.answers_late = true;
    is(DOCTOR_BAD, "service", "tail ~/.iwant/.iwant.log");
    f.answers_late = f.runs = false;
    is(DOCTOR_BAD, "service", "iwanto start -d");
    setup(NULL);
    f.port = 40000;
    is(DOCTOR_NOTE, "port", "sudo ss -tlpn 'sport = :1235'");
}

static void of_watches_and_disks(void **state)
{
    (void)state;
    f.watches_need = 600000;
    is(DOCTOR_BAD, "watches",
       "echo fs.inotify.max_user_watches=2097152 | sudo tee /etc/sysctl.d/60-iwant.conf && sudo "
       "sysctl --system");
    f.watches_need = 10;
    f.watch_limit = true;
    is(DOCTOR_BAD, "watches",
       "echo fs.inotify.max_user_watches=524288 | sudo tee /etc/sysctl.d/60-iwant.conf && sudo "
       "sysctl --system");
    setup(NULL);
    f.download.free_bytes = 500u << 20;
    is(DOCTOR_NOTE, "disk", "df -h '/home/ada'");
    f.download.free_bytes = 5u << 20;
    is(DOCTOR_BAD, "disk", "df -h '/home/ada'");
    f.download.writable = false;
    is(DOCTOR_BAD, "disk", "ls -ld '/home/ada'");
    setup(NULL);
    f.home.remote = "NFS";
    is(DOCTOR_BAD, "network-disk", "IWANT_HOME=/var/tmp/iwant-$USER iwanto start -d");
    setup(NULL);
    f.share.remote = "SMB";
    is(DOCTOR_NOTE, "network-disk", "");
}

static void of_libraries(void **state)
{
    (void)state;
    library("1.44.2", "1.9.10");
    is(DOCTOR_NOTE, "library", "ldd \"$(command -v iwanto)\"");
    assert_string_equal(judge("library")->about, "libuv");
    library("6.4.20221231", "6.3");
    is(DOCTOR_NOTE, "library", "ldd \"$(command -v iwanto)\"");
    library("1.44.2", "1.44.2");
    assert_null(judge("library"));
    assert_string_equal(r.finding[r.len - 1].text,
                        "iwanto " IWANT_VERSION " with libqrencode 4.1.1, libuv 1.44.2");
    library("1.44.2", "1.100.0");
    assert_null(judge("library"));
    library("6.4", "6.4.20221231");
    assert_null(judge("library"));
    library("", "");
    assert_null(judge("library"));
}

static struct firewall_answer by(bool nft, const char *place)
{
    struct firewall_answer a = {.verdict = FIREWALL_CLOSED, .nft = nft};

    snprintf(a.place, sizeof a.place, "%s", place);
    return a;
}

static void each_firewall_has_its_command(void **state)
{
    (void)state;
    f.firewall = DOCTOR_NFT;
    f.link[1].tcp_in[0] = by(true, "inet filter input");
    is(DOCTOR_BAD, "firewall",
       "sudo nft insert rule inet filter input meta l4proto '{' tcp, udp '}' th dport 1235 accept");
    f.firewall = DOCTOR_IPTABLES;
    f.link[1].tcp_in[0] = by(false, "filter INPUT");
    is(DOCTOR_BAD, "firewall",
       "sudo sh -c 'for p in tcp udp; do iptables -I INPUT -p $p --dport 1235 -j ACCEPT; done'");
    f.firewall = DOCTOR_UFW;
    is(DOCTOR_BAD, "firewall", "sudo ufw allow 1235");
    f.ufw_profile = true;
    is(DOCTOR_BAD, "firewall", "sudo ufw allow iwant");
    f.firewall = DOCTOR_FIREWALLD;
    is(DOCTOR_BAD, "firewall",
       "sudo firewall-cmd --permanent --add-port=1235/tcp --add-port=1235/udp && sudo firewall-cmd "
       "--reload");
    f.link[1].tcp_in[0].verdict = FIREWALL_UNSURE;
    is(DOCTOR_UNSURE, "firewall",
       "sudo firewall-cmd --permanent --add-port=1235/tcp --add-port=1235/udp && sudo firewall-cmd "
       "--reload");
    f.firewall_read = false;
    is(DOCTOR_UNSURE, "firewall", "sudo firewall-cmd --list-all");
    f.firewall = DOCTOR_NO_FIREWALL;
    is(DOCTOR_NOTE, "firewall", "sudo nft list ruleset");
}

static void of_multicast(void **state)
{
    (void)state;
    f.link[1].way[0].in = false;
    is(DOCTOR_BAD, "multicast-in", "iwanto start --peer HOST");
    f.link[1].way[0].out = false;
    is(DOCTOR_BAD, "multicast", "iwanto start --peer HOST");
    f.link[1].way[0].in = true;
    is(DOCTOR_BAD, "multicast-out", "iwanto start --peer HOST");
    setup(NULL);
    memset(f.link[1].way, 0, sizeof f.link[1].way);
    f.link[1].way[0].asked = f.link[1].way[1].asked = true;
    f.peers = 0;
    f.members = 1;
    is(DOCTOR_NOTE, "alone", "iwanto start --peer HOST");
}

static void of_peers(void **state)
{
    (void)state;
    f.peer[0].has_clock = true;
    f.peer[0].clock_ms = -600000;
    is(DOCTOR_NOTE, "clock", "timedatectl status");
    f.peer[0].clock_ms = 100000;
    assert_null(judge("clock"));
    f.peer[0].out = DOCTOR_SILENT;
    is(DOCTOR_BAD, "isolation", "iwanto doctor    # on eva");
    f.peer[0].echoed = false;
    is(DOCTOR_BAD, "tcp-out", "iwanto doctor    # on eva");
    f.peer[0].out = DOCTOR_OPEN;
    f.peer[0].back = DOCTOR_UNTRIED;
    is(DOCTOR_BAD, "other-network", "iwanto view config");
    f.peer[0].stranger = true;
    is(DOCTOR_BAD, "other-network", "iwanto view config");
    setup(NULL);
    memcpy(f.peer[0].via, "wg0", 4);
    is(DOCTOR_BAD, "route", "ip route get 10.0.0.2");
}

/* The same of a peer's other address is one finding. */
static void nothing_twice(void **state)
{
    size_t n;

    (void)state;
    f.peer[0].back = DOCTOR_SILENT;
    doctor_judge(&f, &r);
    n = r.len;
    f.peer[1] = f.peer[0];
    f.peers = 2;
    doctor_done(&r);
    doctor_judge(&f, &r);
    assert_int_equal(r.len, n);
}

/* What others wrote into names stays within its place. */
static void long_names_fit(void **state)
{
    (void)state;
    memset(f.peer[0].name, 'x', sizeof f.peer[0].name - 1);
    memset(f.peer[0].addr, '1', sizeof f.peer[0].addr - 1);
    f.peer[0].out = DOCTOR_SILENT;
    f.peer[0].has_clock = true;
    f.peer[0].clock_ms = INT64_MAX / 2;
    assert_non_null(judge("isolation"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_is_well, setup, teardown),
        cmocka_unit_test_setup_teardown(of_the_service, setup, teardown),
        cmocka_unit_test_setup_teardown(of_watches_and_disks, setup, teardown),
        cmocka_unit_test_setup_teardown(of_libraries, setup, teardown),
        cmocka_unit_test_setup_teardown(each_firewall_has_its_command, setup, teardown),
        cmocka_unit_test_setup_teardown(of_multicast, setup, teardown),
        cmocka_unit_test_setup_teardown(of_peers, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(long_names_fit, setup, teardown),
    };

    return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
