/* Datagrams of a multicast group on a libuv loop, over IPv4 and IPv6: for each family one socket
 * for unicast, whose port is the reply address of all that is sent, and for each interface and
 * family one that only receives the group. All on the loop's thread.
 *
 * Several programs on one host can be in one group: each gets every multicast datagram, its own as
 * well. Nothing is queued: what the system does not take at once is lost, as on the wire. */
#pragma once

#include "base/err.h"
#include "base/id.h"
#include "io/link.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UDP_DGRAM_MAX 1500 /* longer datagrams are dropped unseen */
#define UDP_LINKS_MAX 32   /* interfaces used at once, times families */

struct udp;

struct udp_in {
    const void *data; /* borrowed for the call */
    size_t len;
    struct addr from;
    uint32_t
        interface; /* index of the one it came in on; our own host's unicast comes in on loopback */
    bool multicast; /* to the group, not to us */
    int64_t age_ms; /* how long it waited in the socket's buffer, by the kernel's stamp */
};

/* Which datagrams the system may throw away before anybody is woken for them: those whose bytes at
 * 0 and 1 are not `magic`, and those with `version` at byte 2 whose bytes at 4 and 5 are not `tag`.
 * It saves work only: who reads checks again. */
struct udp_sieve {
    bool on;
    uint8_t magic[2], version, tag[2];
};

struct udp_conf {
    struct loop *loop;
    struct addr group[2]; /* of family 4 and 6: multicast address and port; family 0: not spoken */
    uint16_t port;        /* wished for unicast; 0 or taken: any free one */
    struct udp_sieve sieve;
    /* In a flood of datagrams that the sieve lets through: sources (ports do not count) of which
     * all are handed on; of others the system then throws away fifteen of sixteen. NULL: no such
     * ration. Gives how many it wrote. */
    size_t (*known)(void *ctx, struct addr *out, size_t max);
    void (*got)(void *ctx, const struct udp_in *in);
    /* Nobody listens at `to`, says its host (ICMP port unreachable). May be forged. */
    void (*refused)(void *ctx, const struct addr *to);
    void *ctx;
};

/* Open the unicast sockets; no interface is used yet. A family that the system does not have is
 * left out; NULL with e set when that leaves none. */
struct udp *udp_new(const struct udp_conf *conf, struct err *e);
uint16_t udp_port(const struct udp *u, uint8_t family); /* 0: not spoken */
/* Receive the group on exactly these interfaces from now on, over each family that has a source
 * (link_source); those that stay are not disturbed, unless their address changed. What cannot be
 * joined is logged and left out. Gives how many sockets are in use. */
size_t udp_use(struct udp *u, const struct link_if *list, size_t count);
/* To the group, on one interface over one family. false: not in use, or not taken. Hop limit 1. */
bool udp_multicast(struct udp *u, uint32_t interface, uint8_t family, const void *data, size_t len);
/* Hand on now what waits in the sockets: for who comes late, and is about to act on silence. */
void udp_drain(struct udp *u);
bool udp_send(struct udp *u, const struct addr *to, const void *data, size_t len);
void udp_free(struct udp *u); /* no callback after this; may be called from one; NULL is fine */
