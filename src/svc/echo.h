/* The datagram side of `iwanto doctor`: ask the network's group on each interface and family, and
 * named peers by unicast, who hears us, and listen to what comes. With sockets of its own, beside a
 * service or without one. Blocks for about a second and a half; one thread, any. */
#pragma once

#include "base/err.h"
#include "base/limits.h"
#include "io/link.h"
#include "svc/ident.h"

#define ECHO_LINKS_MAX 16
#define ECHO_PEERS_MAX 16

struct echo_conf {
    const struct ident *ident;
    const struct link_if *link; /* those that a service would use */
    size_t links;               /* at most ECHO_LINKS_MAX */
    const struct addr *peer;    /* UDP addresses to ask by unicast */
    size_t peers;
};

/* One interface and family. */
struct echo_way {
    bool asked;         /* the group's socket is open and took what we sent */
    bool out;           /* somebody else heard us */
    bool in;            /* something of others came by multicast */
    unsigned answerers; /* others that answered */
};

/* A peer on one family, as it answered. */
struct echo_peer {
    struct nid nid;
    uint8_t pub[32];
    char name[PEER_NAME_MAX + 1]; /* as it came: not safe to print */
    struct addr addr;             /* its HTTPS */
    uint32_t interface;           /* where its answer came in */
    bool multicast, unicast;      /* which of its answers came */
    int64_t clock_ms;             /* its clock less ours */
};

struct echo {
    struct echo_way way[ECHO_LINKS_MAX][2]; /* as in conf.link; IPv4, IPv6 */
    struct echo_peer peer[ECHO_PEERS_MAX];
    size_t peers;
    uint64_t newer; /* datagrams of a newer version of the protocol */
};

int echo_ask(const struct echo_conf *conf, struct echo *out, struct err *e);
