#include "io/udp.h"

#include "base/log.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/errqueue.h> /* after the above: it needs struct timespec */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READ_MAX   64 /* datagrams taken in one turn of the loop */
#define RCVBUF     (1 << 20)
#define ERRORS_MAX 64

struct sock {
    uv_poll_t poll;
    int fd; /* -1: closing */
    struct udp *udp;
    uint32_t interface; /* 0: the unicast socket */
    struct addr source; /* our address on that interface */
};

struct udp {
    struct udp_conf conf;
    struct sock *unicast;
    struct sock *link[UDP_LINKS_MAX];
    size_t links;
    uint16_t port;
};

static struct sockaddr_in to_sockaddr(const struct addr *a)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(a->port)};

    memcpy(&sa.sin_addr, a->ip, 4);
    return sa;
}

static struct addr from_sockaddr(const struct sockaddr_in *sa)
{
    struct addr a = {.family = 4, .port = ntohs(sa->sin_port)};

    memcpy(a.ip, &sa->sin_addr, 4);
    return a;
}

static void on_poll(uv_poll_t *p, int status, int events);

static void on_closed(uv_handle_t *h)
{
    struct sock *s = h->data;

    mem_free(s);
}

static void sock_close(struct sock *s)
{
    if (!s)
        return;
    uv_close((uv_handle_t *)&s->poll, on_closed);
    close(s->fd);
    s->fd = -1;
}

static struct sock *sock_start(struct udp *u, int fd, uint32_t interface)
{
    struct sock *s = mem_zero(1, sizeof *s);

    *s = (struct sock){.fd = fd, .udp = u, .interface = interface};
    uv_poll_init(loop_uv(u->conf.loop), &s->poll, fd);
    s->poll.data = s;
    uv_poll_start(&s->poll, UV_READABLE, on_poll);
    return s;
}

static int set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value);
}

/* A socket with what all of ours have; -1 with errno. */
static int sock_open(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    if (set(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1) || set(fd, IPPROTO_IP, IP_PKTINFO, 1) ||
        set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0)) { /* only what this very socket joined */
        close(fd);
        return -1;
    }
    (void)set(fd, SOL_SOCKET, SO_RCVBUF, RCVBUF); /* the system may give less */
    return fd;
}

static int bind_to(int fd, const struct addr *a)
{
    struct sockaddr_in sa = to_sockaddr(a);

    return bind(fd, (struct sockaddr *)&sa, sizeof sa);
}

/* The unicast port must be ours alone, yet lie on the number that others' group sockets use, and
 * they ours; so all say SO_REUSEADDR, which would let two services take one unicast port and steal
 * each other's datagrams. Whether anyone has it for unicast already shows in an exclusive bind to
 * loopback: the group's sockets are bound to the group and do not clash with that. (Two services
 * that try in the same instant are kept apart by the TCP port of the same number.) */
static bool port_is_free(uint16_t port)
{
    const struct addr loopback = {.family = 4, .ip = {127, 0, 0, 1}, .port = port};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool is_free = fd >= 0 && !bind_to(fd, &loopback);

    if (fd >= 0)
        close(fd);
    return is_free;
}

static int bind_unicast(int fd, uint16_t port)
{
    struct addr any = {.family = 4, .port = port};

    if (port && port_is_free(port) && !set(fd, SOL_SOCKET, SO_REUSEADDR, 1) && !bind_to(fd, &any))
        return 0;
    any.port = 0;
    (void)set(fd, SOL_SOCKET, SO_REUSEADDR, 0);
    return bind_to(fd, &any);
}

struct udp *udp_new(const struct udp_conf *conf, struct err *e)
{
    struct udp *u;
    struct sockaddr_in sa;
    socklen_t len = sizeof sa;
    int fd = sock_open();

    assert(conf->group.family == 4);
    if (fd < 0 || set(fd, IPPROTO_IP, IP_MULTICAST_TTL, 1) ||
        set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 1) || set(fd, IPPROTO_IP, IP_RECVERR, 1) ||
        bind_unicast(fd, conf->port) || getsockname(fd, (struct sockaddr *)&sa, &len)) {
        err_sys(e, ERR_IO, errno, "cannot open a UDP socket");
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    u = mem_zero(1, sizeof *u);
    u->conf = *conf;
    u->port = ntohs(sa.sin_port);
    u->unicast = sock_start(u, fd, 0);
    return u;
}

uint16_t udp_port(const struct udp *u)
{
    return u->port;
}

/* A socket bound to the group's address gets nothing else; joined on one interface, nothing of
 * another. */
static struct sock *join(struct udp *u, const struct link_if *i)
{
    struct ip_mreqn m = {.imr_ifindex = (int)i->index};
    int fd = sock_open();
    struct sock *s;

    memcpy(&m.imr_multiaddr, u->conf.group.ip, 4);
    if (fd < 0 || set(fd, SOL_SOCKET, SO_REUSEADDR, 1) || bind_to(fd, &u->conf.group) ||
        setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m)) {
        log_warn("udp", "join-failed interface=%s reason=\"%s\"", i->name, strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    s = sock_start(u, fd, i->index);
    s->source = *link_first(i, 4);
    return s;
}

size_t udp_use(struct udp *u, const struct link_if *list, size_t count)
{
    struct sock *old[UDP_LINKS_MAX];
    size_t olds = u->links;

    memcpy(old, u->link, sizeof old);
    u->links = 0;
    for (size_t n = 0; n < count && u->links < UDP_LINKS_MAX; n++) {
        const struct addr *source = link_first(&list[n], 4);
        struct sock *s = NULL;

        for (size_t k = 0; k < olds && source; k++)
            if (old[k] && old[k]->interface == list[n].index && addr_eq(&old[k]->source, source)) {
                s = old[k];
                old[k] = NULL;
            }
        if (!s && source)
            s = join(u, &list[n]);
        if (s)
            u->link[u->links++] = s;
    }
    for (size_t k = 0; k < olds; k++)
        sock_close(old[k]);
    return u->links;
}

static bool dispatch(struct udp *u, struct msghdr *m)
{
    ssize_t n;

    /* An earlier datagram's error is reported by the next call, which then did nothing: so twice.
     */
    for (unsigned again = 0; again < 2; again++) {
        n = sendmsg(u->unicast->fd, m, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0)
            return true;
        if (errno == EAGAIN || errno == ENOBUFS)
            return false;
    }
    return false;
}

bool udp_send(struct udp *u, const struct addr *to, const void *data, size_t len)
{
    struct sockaddr_in sa = to_sockaddr(to);
    struct iovec v = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
    struct msghdr m = {.msg_name = &sa, .msg_namelen = sizeof sa, .msg_iov = &v, .msg_iovlen = 1};

    return to->family == 4 && dispatch(u, &m);
}

size_t udp_multicast(struct udp *u, const void *data, size_t len)
{
    struct sockaddr_in sa = to_sockaddr(&u->conf.group);
    struct iovec v = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
    size_t taken = 0;

    for (size_t n = 0; n < u->links; n++) {
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in_pktinfo))] = {0};
        struct msghdr m = {.msg_name = &sa,
                           .msg_namelen = sizeof sa,
                           .msg_iov = &v,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof control};
        struct in_pktinfo via = {.ipi_ifindex = (int)u->link[n]->interface};
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);

        memcpy(&via.ipi_spec_dst, u->link[n]->source.ip, 4);
        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof via);
        memcpy(CMSG_DATA(c), &via, sizeof via);
        taken += dispatch(u, &m);
    }
    return taken;
}

static int64_t age_ms(const struct timespec *stamp)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now); /* the stamp's clock */
    return ((int64_t)now.tv_sec - stamp->tv_sec) * 1000 + (now.tv_nsec - stamp->tv_nsec) / 1000000;
}

static void read_control(struct msghdr *m, struct udp_in *in)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        struct in_pktinfo info;
        struct timespec stamp;

        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            memcpy(&info, CMSG_DATA(c), sizeof info);
            in->interface = (uint32_t)info.ipi_ifindex;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
            in->age_ms = age_ms(&stamp);
        }
    }
}

/* Hand on the next datagram. false: there is none now. */
static bool read_one(struct sock *s)
{
    uint8_t data[UDP_DGRAM_MAX];
    _Alignas(struct cmsghdr) char control[256];
    struct sockaddr_in sa;
    struct iovec v = {.iov_base = data, .iov_len = sizeof data};
    struct msghdr m = {.msg_name = &sa,
                       .msg_namelen = sizeof sa,
                       .msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof control};
    struct udp_in in = {.data = data, .multicast = s->interface != 0};
    ssize_t n = recvmsg(s->fd, &m, MSG_DONTWAIT);

    if (n < 0)
        return errno != EAGAIN; /* anything else is an earlier datagram's error, now told */
    if (m.msg_flags & MSG_TRUNC || m.msg_namelen != sizeof sa || sa.sin_family != AF_INET)
        return true;
    in.len = (size_t)n;
    in.from = from_sockaddr(&sa);
    read_control(&m, &in);
    s->udp->conf.got(s->udp->conf.ctx, &in);
    return true;
}

/* Errors that came back for datagrams sent. */
static void read_errors(struct sock *s)
{
    for (unsigned i = 0; i < ERRORS_MAX && s->fd >= 0; i++) {
        _Alignas(struct cmsghdr) char control[512];
        struct sockaddr_in sa;
        struct msghdr m = {.msg_name = &sa,
                           .msg_namelen = sizeof sa,
                           .msg_control = control,
                           .msg_controllen = sizeof control};
        bool refused = false;
        struct addr to;

        if (recvmsg(s->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
            return;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
            struct sock_extended_err ee;

            if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR)
                continue;
            memcpy(&ee, CMSG_DATA(c), sizeof ee);
            refused = ee.ee_origin == SO_EE_ORIGIN_ICMP && ee.ee_errno == ECONNREFUSED;
        }
        to = from_sockaddr(&sa);
        if (refused && m.msg_namelen == sizeof sa)
            s->udp->conf.refused(s->udp->conf.ctx, &to);
    }
}

static void on_poll(uv_poll_t *p, int status, int events)
{
    struct sock *s = p->data;

    (void)events;
    if (status < 0) { /* an error waits: libuv stopped polling */
        read_errors(s);
        if (s->fd >= 0)
            uv_poll_start(&s->poll, UV_READABLE, on_poll);
    }
    for (unsigned i = 0; i < READ_MAX && s->fd >= 0; i++) /* callbacks may close it */
        if (!read_one(s))
            break;
}

void udp_free(struct udp *u)
{
    if (!u)
        return;
    sock_close(u->unicast);
    for (size_t n = 0; n < u->links; n++)
        sock_close(u->link[n]);
    mem_free(u);
}
