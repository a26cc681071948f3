#include "io/udp.h"

#include "base/log.h"
#include "base/mem.h"
#include "io/udp_priv.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RCVBUF (1 << 20)

static size_t nth(uint8_t family)
{
    return family == 6;
}

socklen_t udp_to_sockaddr(const struct addr *a, union udp_sockaddr *sa)
{
    memset(sa, 0, sizeof *sa);
    if (a->family == 6) {
        sa->in6.sin6_family = AF_INET6;
        sa->in6.sin6_port = htons(a->port);
        sa->in6.sin6_scope_id = a->scope;
        memcpy(&sa->in6.sin6_addr, a->ip, 16);
        return sizeof sa->in6;
    }
    sa->in.sin_family = AF_INET;
    sa->in.sin_port = htons(a->port);
    memcpy(&sa->in.sin_addr, a->ip, 4);
    return sizeof sa->in;
}

bool udp_from_sockaddr(const union udp_sockaddr *sa, struct addr *a)
{
    *a = (struct addr){0};
    if (sa->any.sa_family == AF_INET) {
        a->family = 4;
        a->port = ntohs(sa->in.sin_port);
        memcpy(a->ip, &sa->in.sin_addr, 4);
    } else if (sa->any.sa_family == AF_INET6) {
        a->family = 6;
        a->port = ntohs(sa->in6.sin6_port);
        memcpy(a->ip, &sa->in6.sin6_addr, 16);
        a->scope = IN6_IS_ADDR_LINKLOCAL(&sa->in6.sin6_addr) ? sa->in6.sin6_scope_id : 0;
    }
    return a->family != 0;
}

/* ---- sockets ---- */

static void on_closed(uv_handle_t *h)
{
    struct udp_sock *s = h->data;

    mem_free(s);
}

static void sock_close(struct udp_sock *s)
{
    if (!s)
        return;
    uv_close((uv_handle_t *)&s->poll, on_closed);
    close(s->fd);
    s->fd = -1;
}

static struct udp_sock *sock_start(struct udp *u, int fd, uint8_t family, uint32_t interface)
{
    struct udp_sock *s = mem_zero(1, sizeof *s);

    *s = (struct udp_sock){.fd = fd, .udp = u, .family = family, .interface = interface};
    uv_poll_init(loop_uv(u->conf.loop), &s->poll, fd);
    s->poll.data = s;
    uv_poll_start(&s->poll, UV_READABLE, udp_on_poll);
    return s;
}

static int set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value);
}

static int open_family(uint8_t family)
{
    int fd = socket(family == 6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int bad;

    if (fd < 0)
        return -1;
    if (family == 6) /* of the group only what this very socket joined; no mapped IPv4 */
        bad = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) || set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) ||
              set(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
    else
        bad = set(fd, IPPROTO_IP, IP_PKTINFO, 1) || set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    if (!bad)
        return fd;
    close(fd);
    return -1;
}

/* A socket with what all of ours have; -1 with errno. */
static int sock_open(const struct udp *u, uint8_t family)
{
    int fd = open_family(family);

    if (fd < 0)
        return -1;
    if (set(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1)) {
        close(fd);
        return -1;
    }
    udp_sieve(fd, &u->conf.sieve);
    (void)set(fd, SOL_SOCKET, SO_RCVBUF, RCVBUF); /* the system may give less */
    return fd;
}

static int bind_to(int fd, const struct addr *a)
{
    union udp_sockaddr sa;
    socklen_t len = udp_to_sockaddr(a, &sa);

    return bind(fd, &sa.any, len);
}

/* The unicast port must be ours alone, yet lie on the number that others' group sockets use, and
 * they ours; so all say SO_REUSEADDR, which would let two services take one unicast port and steal
 * each other's datagrams. Whether anyone has it for unicast already shows in an exclusive bind to
 * loopback: the group's sockets are bound to the group and do not clash with that. (Two services
 * that try in the same instant are kept apart by the TCP port of the same number.) */
static bool port_is_free(uint8_t family, uint16_t port)
{
    struct addr loopback = {.family = family, .port = port};
    int fd = open_family(family);
    bool is_free;

    if (family == 6)
        loopback.ip[15] = 1;
    else
        memcpy(loopback.ip, (const uint8_t[]){127, 0, 0, 1}, 4);
    is_free = fd >= 0 && !bind_to(fd, &loopback);
    if (fd >= 0)
        close(fd);
    return is_free;
}

static int bind_unicast(int fd, uint8_t family, uint16_t port)
{
    struct addr any = {.family = family, .port = port};

    if (port && port_is_free(family, port) && !set(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
        !bind_to(fd, &any))
        return 0;
    any.port = 0;
    (void)set(fd, SOL_SOCKET, SO_REUSEADDR, 0);
    return bind_to(fd, &any);
}

static int set_unicast(int fd, uint8_t family)
{
    if (family == 6)
        return set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1) ||
               set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1) ||
               set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
    return set(fd, IPPROTO_IP, IP_MULTICAST_TTL, 1) || set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 1) ||
           set(fd, IPPROTO_IP, IP_RECVERR, 1);
}

/* 0, or an errno. */
static int open_unicast(struct udp *u, uint8_t family)
{
    union udp_sockaddr sa;
    socklen_t len = sizeof sa;
    struct addr own;
    int fd = sock_open(u, family), bad = 0;

    if (fd < 0)
        return errno;
    if (set_unicast(fd, family) || bind_unicast(fd, family, u->conf.port) ||
        getsockname(fd, &sa.any, &len)) {
        bad = errno;
        close(fd);
        return bad;
    }
    udp_from_sockaddr(&sa, &own);
    u->port[nth(family)] = own.port;
    u->unicast[nth(family)] = sock_start(u, fd, family, 0);
    return 0;
}

struct udp *udp_new(const struct udp_conf *conf, struct err *e)
{
    struct udp *u = mem_zero(1, sizeof *u);
    int bad = EAFNOSUPPORT;

    u->conf = *conf;
    for (size_t n = 0; n < 2; n++) {
        uint8_t family = conf->group[n].family;
        int why;

        assert(!family || nth(family) == n);
        why = family ? open_unicast(u, family) : 0;
        if (why)
            log_info("udp", "not-spoken family=IPv%u reason=\"%s\"", family, strerror(why));
        if (why)
            bad = why;
    }
    if (u->unicast[0] || u->unicast[1])
        return u;
    err_sys(e, ERR_IO, bad, "cannot open a UDP socket");
    mem_free(u);
    return NULL;
}

uint16_t udp_port(const struct udp *u, uint8_t family)
{
    return u->port[nth(family)];
}

/* ---- the group ---- */

static int add_membership(int fd, const struct addr *group, uint32_t interface)
{
    if (group->family == 6) {
        struct ipv6_mreq m = {.ipv6mr_interface = interface};

        memcpy(&m.ipv6mr_multiaddr, group->ip, 16);
        return setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &m, sizeof m);
    } else {
        struct ip_mreqn m = {.imr_ifindex = (int)interface};

        memcpy(&m.imr_multiaddr, group->ip, 4);
        return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m);
    }
}

/* A socket bound to the group's address gets nothing else; joined on one interface, nothing of
 * another. */
static struct udp_sock *join(struct udp *u, const struct link_if *i, const struct addr *source)
{
    struct addr group = u->conf.group[nth(source->family)];
    int fd = sock_open(u, source->family);
    struct udp_sock *s;

    group.scope = group.family == 6 ? i->index : 0;
    if (fd < 0 || set(fd, SOL_SOCKET, SO_REUSEADDR, 1) || bind_to(fd, &group) ||
        add_membership(fd, &group, i->index)) {
        log_warn("udp", "join-failed interface=%s family=IPv%u reason=\"%s\"", i->name,
                 source->family, strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    s = sock_start(u, fd, source->family, i->index);
    s->source = *source;
    return s;
}

/* The one among `old` that does the same, taken out of it; else a new one. */
static struct udp_sock *keep_or_join(struct udp *u, const struct link_if *i,
                                     const struct addr *source, struct udp_sock **old, size_t olds)
{
    struct udp_sock *s;

    for (size_t k = 0; k < olds; k++)
        if (old[k] && old[k]->interface == i->index && addr_eq(&old[k]->source, source)) {
            s = old[k];
            old[k] = NULL;
            return s;
        }
    return join(u, i, source);
}

size_t udp_use(struct udp *u, const struct link_if *list, size_t count)
{
    struct udp_sock *old[UDP_LINKS_MAX];
    size_t olds = u->links;

    memcpy(old, u->link, sizeof old);
    u->links = 0;
    for (size_t n = 0; n < count; n++)
        for (uint8_t family = 4; family <= 6 && u->links < UDP_LINKS_MAX; family += 2) {
            const struct addr *source = link_source(&list[n], family);
            struct udp_sock *s = NULL;

            if (source && u->unicast[nth(family)])
                s = keep_or_join(u, &list[n], source, old, olds);
            if (s)
                u->link[u->links++] = s;
        }
    for (size_t k = 0; k < olds; k++)
        sock_close(old[k]);
    return u->links;
}

/* ---- sending ---- */

static bool dispatch(const struct udp_sock *s, struct msghdr *m)
{
    ssize_t n;

    /* An earlier datagram's error is reported by the next call, which then did nothing: so twice.
     */
    for (unsigned again = 0; again < 2; again++) {
        n = sendmsg(s->fd, m, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0)
            return true;
        if (errno == EAGAIN || errno == ENOBUFS)
            return false;
    }
    return false;
}

bool udp_send(struct udp *u, const struct addr *to, const void *data, size_t len)
{
    union udp_sockaddr sa;
    struct iovec v = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
    struct msghdr m = {.msg_name = &sa, .msg_iov = &v, .msg_iovlen = 1};

    m.msg_namelen = udp_to_sockaddr(to, &sa);
    return to->family && u->unicast[nth(to->family)] && dispatch(u->unicast[nth(to->family)], &m);
}

/* From our address on that interface, by way of it. */
static size_t write_source(const struct udp_sock *s, struct cmsghdr *c)
{
    if (s->family == 6) {
        struct in6_pktinfo via = {.ipi6_ifindex = s->interface};

        memcpy(&via.ipi6_addr, s->source.ip, 16);
        c->cmsg_level = IPPROTO_IPV6;
        c->cmsg_type = IPV6_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof via);
        memcpy(CMSG_DATA(c), &via, sizeof via);
        return CMSG_SPACE(sizeof via);
    } else {
        struct in_pktinfo via = {.ipi_ifindex = (int)s->interface};

        memcpy(&via.ipi_spec_dst, s->source.ip, 4);
        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof via);
        memcpy(CMSG_DATA(c), &via, sizeof via);
        return CMSG_SPACE(sizeof via);
    }
}

bool udp_multicast(struct udp *u, uint32_t interface, uint8_t family, const void *data, size_t len)
{
    struct addr to = u->conf.group[nth(family)];
    const struct udp_sock *link = NULL;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in6_pktinfo))] = {0};
    union udp_sockaddr sa;
    struct iovec v = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
    struct msghdr m = {.msg_name = &sa, .msg_iov = &v, .msg_iovlen = 1, .msg_control = control};

    for (size_t n = 0; n < u->links; n++)
        if (u->link[n]->interface == interface && u->link[n]->family == family)
            link = u->link[n];
    if (!link)
        return false;
    to.scope = family == 6 ? interface : 0;
    m.msg_namelen = udp_to_sockaddr(&to, &sa);
    m.msg_controllen = sizeof control;
    m.msg_controllen = write_source(link, CMSG_FIRSTHDR(&m));
    return dispatch(u->unicast[nth(family)], &m);
}

void udp_free(struct udp *u)
{
    if (!u)
        return;
    sock_close(u->unicast[0]);
    sock_close(u->unicast[1]);
    for (size_t n = 0; n < u->links; n++)
        sock_close(u->link[n]);
    mem_free(u);
}
