/* Datagrams of a multicast group on a libuv loop: one socket for unicast, whose port is the reply
 * address of all that is sent, and one for each interface that only receives the group. All on the
 * loop's thread. IPv4.
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
#define UDP_LINKS_MAX 16   /* interfaces used at once */

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

struct udp_conf {
    struct loop *loop;
    struct addr group; /* family 4: multicast address and port */
    uint16_t port;     /* wished for unicast; 0 or taken: any free one */
    void (*got)(void *ctx, const struct udp_in *in);
    /* Nobody listens at `to`, says its host (ICMP port unreachable). May be forged. */
    void (*refused)(void *ctx, const struct addr *to);
    void *ctx;
};

/* Open the unicast socket; no interface is used yet. NULL with e set. */
struct udp *udp_new(const struct udp_conf *conf, struct err *e);
uint16_t udp_port(const struct udp *u);
/* Receive and send the group on exactly these interfaces from now on; those that stay are not
 * disturbed, unless their address changed. What cannot be joined is logged and left out. Gives how
 * many are in use. */
size_t udp_use(struct udp *u, const struct link_if *list, size_t count);
/* To the group, once on each interface. Gives on how many the system took it. Hop limit 1. */
size_t udp_multicast(struct udp *u, const void *data, size_t len);
bool udp_send(struct udp *u, const struct addr *to, const void *data, size_t len);
void udp_free(struct udp *u); /* no callback after this; may be called from one; NULL is fine */
