#include "io/link.h"

#include "base/mem.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* Names, or beginnings of names, that software gives to interfaces that are no LAN. */
static const char *const FOREIGN[] = {"docker", "cni", "lxcbr", "lxdbr",     "virbr", "podman",
                                      "tun",    "tap", "wg",    "tailscale", "zt"};

static bool made_by_software(const char *name)
{
    for (size_t i = 0; i < sizeof FOREIGN / sizeof *FOREIGN; i++)
        if (!strncmp(name, FOREIGN[i], strlen(FOREIGN[i])))
            return true;
    return !strncmp(name, "br-", 3) && name[3] && str_is_hex(name + 3, strlen(name + 3));
}

static size_t ip_len(uint8_t family)
{
    return family == 4 ? 4 : 16;
}

/* Do the first `bits` bits agree? */
static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (memcmp(a, b, whole) != 0)
        return false;
    return !rest || !((a[whole] ^ b[whole]) >> (8 - rest));
}

static bool in_net(const struct addr *a, uint8_t b0, uint8_t b1, unsigned bits)
{
    const uint8_t net[2] = {b0, b1};

    return same_prefix(a->ip, net, bits);
}

static bool link_local6(const struct addr *a)
{
    return a->family == 6 && in_net(a, 0xfe, 0x80, 10);
}

bool link_is_private(const struct addr *a)
{
    if (a->family == 4)
        return in_net(a, 10, 0, 8) || in_net(a, 172, 16, 12) || in_net(a, 192, 168, 16) ||
               in_net(a, 169, 254, 16);
    return link_local6(a) || (a->family == 6 && in_net(a, 0xfc, 0, 7));
}

const struct addr *link_first(const struct link_if *i, uint8_t family)
{
    const struct addr *first = NULL;

    for (size_t n = 0; n < i->addrs; n++) {
        const struct addr *a = &i->addr[n].addr;

        if (a->family != family)
            continue;
        if (link_is_private(a))
            return a;
        if (!first)
            first = a;
    }
    return first;
}

bool link_usable(const struct link_if *i, uint8_t family, bool named)
{
    const struct addr *a = link_first(i, family);

    if (!i->up || !a)
        return false;
    if (named)
        return i->multicast || i->loopback; /* lo carries multicast, though it does not say so */
    return i->multicast && !i->loopback && !i->point_to_point && !made_by_software(i->name) &&
           link_is_private(a);
}

bool link_has_subnet(const struct link_if *i, const struct addr *addr)
{
    for (size_t n = 0; n < i->addrs; n++) {
        const struct link_addr *own = &i->addr[n];

        if (own->addr.family != addr->family)
            continue;
        if (link_local6(addr) && addr->scope != i->index)
            continue;
        if (same_prefix(own->addr.ip, addr->ip, own->prefix))
            return true;
    }
    return false;
}

bool link_has_addr(const struct link_if *i, const struct addr *addr)
{
    for (size_t n = 0; n < i->addrs; n++)
        if (i->addr[n].addr.family == addr->family &&
            !memcmp(i->addr[n].addr.ip, addr->ip, ip_len(addr->family)))
            return true;
    return false;
}

/* The bits set in front of a netmask. */
static uint8_t prefix_of(const uint8_t *mask, size_t len)
{
    uint8_t bits = 0;

    for (size_t n = 0; n < len * 8 && (mask[n / 8] >> (7 - n % 8) & 1); n++)
        bits++;
    return bits;
}

/* Copied out, for getifaddrs promises no alignment beyond sockaddr's. */
static bool read_addr(const struct ifaddrs *ifa, struct link_addr *out)
{
    struct sockaddr_in v4, mask4;
    struct sockaddr_in6 v6, mask6;

    *out = (struct link_addr){0};
    if (!ifa->ifa_addr || !ifa->ifa_netmask)
        return false;
    if (ifa->ifa_addr->sa_family == AF_INET) {
        memcpy(&v4, ifa->ifa_addr, sizeof v4);
        memcpy(&mask4, ifa->ifa_netmask, sizeof mask4);
        out->addr.family = 4;
        memcpy(out->addr.ip, &v4.sin_addr, 4);
        out->prefix = prefix_of((const uint8_t *)&mask4.sin_addr, 4);
        return true;
    }
    if (ifa->ifa_addr->sa_family == AF_INET6) {
        memcpy(&v6, ifa->ifa_addr, sizeof v6);
        memcpy(&mask6, ifa->ifa_netmask, sizeof mask6);
        out->addr.family = 6;
        memcpy(out->addr.ip, &v6.sin6_addr, 16);
        out->addr.scope = link_local6(&out->addr) ? v6.sin6_scope_id : 0;
        out->prefix = prefix_of((const uint8_t *)&mask6.sin6_addr, 16);
        return true;
    }
    return false;
}

/* The entry of the list for this address's interface; made when it is not there yet. "eth0:1" is a
 * label of one of eth0's addresses. NULL: gone meanwhile. */
static struct link_if *entry(struct link_if **list, size_t *len, size_t *cap,
                             const struct ifaddrs *ifa)
{
    char name[LINK_NAME_MAX];
    struct link_if *i;
    unsigned index;

    str_copy(name, sizeof name, ifa->ifa_name);
    name[strcspn(name, ":")] = '\0';
    for (size_t n = 0; n < *len; n++)
        if (!strcmp((*list)[n].name, name))
            return &(*list)[n];
    index = if_nametoindex(name);
    if (!index)
        return NULL;
    MEM_GROW(*list, *len, *cap);
    i = &(*list)[(*len)++];
    *i = (struct link_if){.index = index};
    str_copy(i->name, sizeof i->name, name);
    i->up = (ifa->ifa_flags & IFF_UP) && (ifa->ifa_flags & IFF_RUNNING);
    i->multicast = ifa->ifa_flags & IFF_MULTICAST;
    i->loopback = ifa->ifa_flags & IFF_LOOPBACK;
    i->point_to_point = ifa->ifa_flags & IFF_POINTOPOINT;
    return i;
}

int link_list(struct link_if **out, size_t *count, struct err *e)
{
    struct ifaddrs *all;
    struct link_addr a;
    size_t cap = 0;

    *out = NULL;
    *count = 0;
    if (getifaddrs(&all))
        return err_sys(e, ERR_IO, errno, "cannot list the network interfaces");
    for (const struct ifaddrs *ifa = all; ifa; ifa = ifa->ifa_next) {
        struct link_if *i = entry(out, count, &cap, ifa);

        if (i && i->addrs < LINK_ADDR_MAX && read_addr(ifa, &a))
            i->addr[i->addrs++] = a;
    }
    freeifaddrs(all);
    return 0;
}
