/* The interfaces of this host: which there are, their addresses, which of them a service speaks on,
 * and news of changes (netlink). Lists may be taken on any thread; a watch belongs to its loop's
 * thread. */
#pragma once

#include "base/err.h"
#include "base/id.h"
#include "io/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_NAME_MAX 16 /* with the NUL; IF_NAMESIZE */
#define LINK_ADDR_MAX 8  /* addresses kept of one interface */

struct link_addr {
    struct addr addr; /* port 0; scope set for IPv6 link-local ones */
    uint8_t prefix;   /* bits of the subnet */
};

struct link_if {
    char name[LINK_NAME_MAX];
    uint32_t index;
    bool up;        /* administratively up, and running: a cable, an access point */
    bool multicast; /* can, says the kernel */
    bool loopback, point_to_point;
    struct link_addr addr[LINK_ADDR_MAX];
    size_t addrs;
};

/* All interfaces by index; mem_free(*out). 0 or -ERR_IO. IPv6 addresses that are still being
 * checked for a double are left out; the watch below tells when they are ready. */
int link_list(struct link_if **out, size_t *count, struct err *e);

/* May a service speak here? Unasked (named false): up, multicast, neither loopback nor
 * point-to-point, none of the bridges and tunnels that container, virtual machine and VPN software
 * makes (by name: docker0, br-<hex>, cni*, lxcbr*, lxdbr*, virbr*, podman*, tun*, tap*, wg*, zt*,
 * tailscale*), and with an IPv4 address that only a LAN has (private or link-local) where it has an
 * IPv4 address at all. When the user named it: up and with an address; loopback then serves several
 * services on one host. family 4 or 6: with a source of that family. */
bool link_usable(const struct link_if *i, uint8_t family, bool named);

/* By its name: who made it? */
enum link_kind { LINK_LAN, LINK_VPN, LINK_CONTAINER };
enum link_kind link_kind(const char *name);

/* Is addr in one of the subnets of i (IPv6 link-local: with i's scope)? */
bool link_has_subnet(const struct link_if *i, const struct addr *addr);
/* Is addr one of i's own? Ports do not count. */
bool link_has_addr(const struct link_if *i, const struct addr *addr);
/* The first address of this family, a LAN's before others; NULL: none. */
const struct addr *link_first(const struct link_if *i, uint8_t family);
/* The address that multicast is sent from: IPv4 as link_first, IPv6 the link-local one, which every
 * neighbour can answer. NULL: none. */
const struct addr *link_source(const struct link_if *i, uint8_t family);

/* Only meaningful on a LAN: 10/8, 172.16/12, 192.168/16, 169.254/16, fe80::/10, fc00::/7. */
bool link_is_private(const struct addr *a);

/* A scope for link-local addresses that came without one: the first LAN's of this host, 0: none. */
uint32_t link_any_scope(void);

struct link_watch;

/* Call changed(ctx) when interfaces or addresses changed, grouped: about 100 ms after the last
 * change. NULL with e set. */
struct link_watch *link_watch_new(struct loop *l, void (*changed)(void *ctx), void *ctx,
                                  struct err *e);
void link_watch_free(struct link_watch *w); /* no callback after this; NULL is fine */
