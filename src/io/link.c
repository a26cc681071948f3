#include "io/link.h"

#include "base/mem.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Names, or beginnings of names, that software gives to interfaces that are no LAN. */
static const struct {
    const char *name;
    enum link_kind kind;
} FOREIGN[] = {{"docker", LINK_CONTAINER}, {"cni", LINK_CONTAINER},   {"lxcbr", LINK_CONTAINER},
               {"lxdbr", LINK_CONTAINER},  {"virbr", LINK_CONTAINER}, {"podman", LINK_CONTAINER},
               {"tun", LINK_VPN},          {"tap", LINK_VPN},         {"wg", LINK_VPN},
               {"tailscale", LINK_VPN},    {"zt", LINK_VPN}};

enum link_kind link_kind(const char *name)
{
    for (size_t i = 0; i < sizeof FOREIGN / sizeof *FOREIGN; i++)
        if (!strncmp(name, FOREIGN[i].name, strlen(FOREIGN[i].name)))
            return FOREIGN[i].kind;
    return !strncmp(name, "br-", 3) && name[3] && str_is_hex(name + 3, strlen(name + 3))
               ? LINK_CONTAINER
               : LINK_LAN;
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

bool link_is_private(const struct addr *a)
{
    if (a->family == 4)
        return in_net(a, 10, 0, 8) || in_net(a, 172, 16, 12) || in_net(a, 192, 168, 16) ||
               in_net(a, 169, 254, 16);
    return addr_is_link_local6(a) || (a->family == 6 && in_net(a, 0xfc, 0, 7));
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

const struct addr *link_source(const struct link_if *i, uint8_t family)
{
    if (family == 4)
        return link_first(i, 4);
    for (size_t n = 0; n < i->addrs; n++)
        if (addr_is_link_local6(&i->addr[n].addr))
            return &i->addr[n].addr;
    return NULL;
}

bool link_usable(const struct link_if *i, uint8_t family, bool named)
{
    const struct addr *v4 = link_first(i, 4);

    if (!i->up || !link_source(i, family))
        return false;
    if (named)
        return i->multicast || i->loopback; /* lo carries multicast, though it does not say so */
    return i->multicast && !i->loopback && !i->point_to_point && link_kind(i->name) == LINK_LAN &&
           (!v4 || link_is_private(v4));
}

bool link_has_subnet(const struct link_if *i, const struct addr *addr)
{
    for (size_t n = 0; n < i->addrs; n++) {
        const struct link_addr *own = &i->addr[n];

        if (own->addr.family != addr->family)
            continue;
        if (addr_is_link_local6(addr) && addr->scope != i->index)
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
        out->addr.scope = addr_is_link_local6(&out->addr) ? v6.sin6_scope_id : 0;
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

/* Addresses that the system still checks for a double, or found one of: nothing can be sent from
 * them. getifaddrs does not say so. */
#define TENTATIVE  0x40
#define DOUBLE     0x08
#define UNRIPE_MAX 64

struct unripe {
    uint8_t ip[16];
    uint32_t index;
};

static size_t read_unripe(struct unripe *out, size_t max)
{
    FILE *f = fopen("/proc/net/if_inet6", "re"); /* no such file: no IPv6 */
    char hex[33], name[LINK_NAME_MAX];
    unsigned index, bits, scope, flags;
    size_t n = 0;

    if (!f)
        return 0;
    while (n < max &&
           fscanf(f, "%32s %x %x %x %x %15s", hex, &index, &bits, &scope, &flags, name) == 6) {
        out[n].index = index;
        if ((flags & (TENTATIVE | DOUBLE)) && strlen(hex) == 32 &&
            str_unhex(out[n].ip, sizeof out[n].ip, hex, 32))
            n++;
    }
    fclose(f);
    return n;
}

static bool is_unripe(const struct unripe *list, size_t count, const struct link_if *i,
                      const struct addr *a)
{
    for (size_t n = 0; n < count && a->family == 6; n++)
        if (list[n].index == i->index && !memcmp(list[n].ip, a->ip, sizeof list[n].ip))
            return true;
    return false;
}

int link_list(struct link_if **out, size_t *count, struct err *e)
{
    struct unripe unripe[UNRIPE_MAX];
    struct ifaddrs *all;
    struct link_addr a;
    size_t cap = 0, unripes;

    *out = NULL;
    *count = 0;
    if (getifaddrs(&all))
        return err_sys(e, ERR_IO, errno, "cannot list the network interfaces");
    unripes = read_unripe(unripe, UNRIPE_MAX);
    for (const struct ifaddrs *ifa = all; ifa; ifa = ifa->ifa_next) {
        struct link_if *i = entry(out, count, &cap, ifa);

        if (i && i->addrs < LINK_ADDR_MAX && read_addr(ifa, &a) &&
            !is_unripe(unripe, unripes, i, &a.addr))
            i->addr[i->addrs++] = a;
    }
    freeifaddrs(all);
    return 0;
}

uint32_t link_any_scope(void)
{
    struct link_if *list;
    uint32_t scope = 0;
    struct err e;
    size_t count;

    if (link_list(&list, &count, &e))
        return 0;
    for (size_t n = 0; n < count && !scope; n++)
        if (link_usable(&list[n], 6, false))
            scope = list[n].index;
    mem_free(list);
    return scope;
}
