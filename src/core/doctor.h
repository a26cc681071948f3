/* `iwanto doctor`'s judgement: what was seen of this computer and its network goes in, findings
 * come out, each with a sentence of what it means and the one command that mends it. Looks at
 * nothing itself; svc/checkup gathers the facts. Pure. */
#pragma once

#include "base/id.h"
#include "base/limits.h"
#include "core/firewall.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOCTOR_LINKS_MAX     16
#define DOCTOR_PEERS_MAX     16
#define DOCTOR_LIBRARIES_MAX 12
#define DOCTOR_NAME_MAX      16 /* of an interface, with the NUL */

enum doctor_kind { DOCTOR_LAN, DOCTOR_VPN, DOCTOR_CONTAINER };

struct doctor_way { /* multicast of one family */
    bool asked;     /* our question went out */
    bool out, in;   /* somebody else heard it; somebody else was heard */
    unsigned answerers;
};

struct doctor_link {
    char name[DOCTOR_NAME_MAX];
    enum doctor_kind kind;
    bool up, multicast, loopback, point_to_point;
    bool used;               /* by the rules and the settings */
    bool named;              /* the settings name it */
    bool v4, v4_private, v6; /* addresses: v6 the link-local one that multicast comes from */
    bool ipv6_off;
    unsigned mtu;             /* 0: unknown */
    struct doctor_way way[2]; /* IPv4, IPv6 */
    struct firewall_answer udp_in[2], udp_out[2], tcp_in[2];
};

enum doctor_tcp { DOCTOR_UNTRIED, DOCTOR_OPEN, DOCTOR_REFUSED, DOCTOR_SILENT };

struct doctor_peer {
    char name[PEER_NAME_MAX * 4 + 1]; /* safe to print; its address where it has none */
    char addr[ADDR_TEXT_MAX];
    bool leader, echoed, multicast, chosen; /* echoed: in any way; chosen: by the user */
    bool has_clock;
    int64_t clock_ms;           /* its clock less ours */
    enum doctor_tcp out, back;  /* ours to it, its to us */
    bool stranger;              /* it refused us: another network or passphrase */
    char link[DOCTOR_NAME_MAX]; /* where it was heard; "" unknown */
    char via[DOCTOR_NAME_MAX];  /* where the way to it leads; "" unknown */
};

struct doctor_disk {
    const char *path; /* as it is to be printed; NULL: none */
    bool known, read_only, writable;
    uint64_t free_bytes, free_files;
    const char *remote; /* a network file system */
};

struct doctor_library {
    const char *name, *built, *runs; /* versions: of the build, "" unknown, and the one loaded */
};

enum doctor_firewall {
    DOCTOR_NO_FIREWALL,
    DOCTOR_UFW,
    DOCTOR_FIREWALLD,
    DOCTOR_NFT,
    DOCTOR_IPTABLES
};

struct doctor_facts {
    bool root;
    /* the service */
    bool runs;
    unsigned services;           /* of this computer's network, whoever's */
    bool answers_late;           /* it runs, but does not answer */
    uint16_t wished_port, port;  /* the settings'; where it listens, 0: it does not run */
    bool tcp_taken, group_taken; /* of the wished one, by somebody else */
    const char *version;         /* the service's; NULL: it does not run */
    bool has_leader;
    size_t members;             /* as the service knows them, itself included */
    const char *const *missing; /* interfaces that the settings name and that are not there */
    size_t missings;

    struct doctor_link link[DOCTOR_LINKS_MAX];
    size_t links;
    struct doctor_peer peer[DOCTOR_PEERS_MAX];
    size_t peers;
    bool probed;    /* the datagrams were sent */
    uint64_t newer; /* datagrams of a newer version of the protocol */

    enum doctor_firewall firewall; /* the tool that manages it */
    bool firewall_read;            /* its rules; else not root, or no tool */
    bool ufw_profile;              /* ufw knows an application "iwant" */

    struct doctor_disk home, share, download;
    uint64_t watches_max, watches_need; /* 0: unknown; need: folders shared */
    bool watches_more;                  /* at least so many */
    bool watch_limit;                   /* the service has met it */

    struct doctor_library library[DOCTOR_LIBRARIES_MAX];
    size_t libraries;
};

enum doctor_state { DOCTOR_FINE, DOCTOR_NOTE, DOCTOR_UNSURE, DOCTOR_BAD };
const char *doctor_state_name(enum doctor_state s); /* "fine", "note", "unsure", "bad" */

struct doctor_finding {
    enum doctor_state state;
    const char *check; /* a word that stays: "multicast-in" */
    char about[DOCTOR_NAME_MAX + 8 > ADDR_TEXT_MAX ? DOCTOR_NAME_MAX + 8 : ADDR_TEXT_MAX];
    char text[512], mend[512]; /* mend: a command, or "" */
};

struct doctor_report {
    struct doctor_finding *finding;
    size_t len, cap;
};

/* In the order in which they are to be read: by what is looked at, from below. */
void doctor_judge(const struct doctor_facts *f, struct doctor_report *out);
size_t doctor_count(const struct doctor_report *r, enum doctor_state s);
void doctor_done(struct doctor_report *r);
