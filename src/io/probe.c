#include "io/probe.h"

#include "base/mem.h"
#include "io/loop.h"
#include "io/udp_priv.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TURN_MS 100

static int family_of(const struct addr *a)
{
    return a->family == 6 ? AF_INET6 : AF_INET;
}

int probe_tcp_begin(const struct addr *to)
{
    int fd = socket(family_of(to), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    union udp_sockaddr sa;
    socklen_t len = udp_to_sockaddr(to, &sa);

    if (fd >= 0 && connect(fd, &sa.any, len) && errno != EINPROGRESS && errno != ECONNREFUSED) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static enum probe_tcp look(int fd, unsigned ms)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int bad = 0;
    socklen_t len = sizeof bad;

    if (fd < 0)
        return PROBE_SILENT;
    if (poll(&p, 1, (int)ms) <= 0)
        return PROBE_PENDING;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &bad, &len))
        bad = errno;
    return !bad && !(p.revents & POLLHUP) ? PROBE_OPEN
           : bad == ECONNREFUSED || !bad  ? PROBE_REFUSED
                                          : PROBE_SILENT;
}

enum probe_tcp probe_tcp_look(int fd, bool last)
{
    enum probe_tcp t = look(fd, 0);

    return last && t == PROBE_PENDING ? PROBE_SILENT : t;
}

void probe_tcp_end(int fd)
{
    if (fd >= 0)
        close(fd);
}

enum probe_tcp probe_tcp(const struct addr *to, unsigned ms)
{
    int fd = probe_tcp_begin(to);
    enum probe_tcp t = look(fd, ms);

    probe_tcp_end(fd);
    return t == PROBE_PENDING ? PROBE_SILENT : t;
}

const char *probe_tcp_name(enum probe_tcp t)
{
    static const char *const names[] = {"pending", "open", "refused", "silent"};

    return names[t];
}

/* A socket of both families where there are both, bound to this port. */
static int listen_at(uint16_t port, int *bad)
{
    int family = AF_INET6, off = 0, on = 1;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct addr any = {.family = 6, .port = port};
    union udp_sockaddr sa;
    socklen_t len;

    if (fd < 0) {
        any.family = 4;
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    } else {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    *bad = errno;
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    len = udp_to_sockaddr(&any, &sa);
    if (!bind(fd, &sa.any, len) && !listen(fd, 8))
        return fd;
    *bad = errno;
    close(fd);
    return -1;
}

struct probe_door {
    int fd;
    atomic_bool stop;
    uv_thread_t thread;
};

static void take_all(void *arg)
{
    struct probe_door *d = arg;
    struct pollfd p = {.fd = d->fd, .events = POLLIN};

    while (!d->stop) {
        int fd = poll(&p, 1, TURN_MS) > 0 ? accept4(d->fd, NULL, NULL, SOCK_CLOEXEC) : -1;

        if (fd >= 0)
            close(fd);
    }
}

struct probe_door *probe_open(uint16_t port, struct err *e)
{
    struct probe_door *d = mem_zero(1, sizeof *d);
    int bad;

    d->fd = listen_at(port, &bad);
    if (d->fd >= 0 && !uv_thread_create(&d->thread, take_all, d))
        return d;
    if (d->fd >= 0)
        close(d->fd);
    err_sys(e, ERR_IO, bad, "cannot listen on TCP port %u", port);
    mem_free(d);
    return NULL;
}

void probe_close(struct probe_door *d)
{
    if (!d)
        return;
    d->stop = true;
    uv_thread_join(&d->thread);
    close(d->fd);
    mem_free(d);
}

bool probe_tcp_port_free(uint16_t port)
{
    int bad, fd = listen_at(port, &bad);

    if (fd >= 0)
        close(fd);
    return fd >= 0 || bad != EADDRINUSE;
}

bool probe_group_port_free(uint16_t port)
{
    int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct addr any = {.family = 4, .port = port};
    union udp_sockaddr sa;
    socklen_t len = udp_to_sockaddr(&any, &sa);
    bool is_free;

    if (fd < 0)
        return true;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    is_free = !bind(fd, &sa.any, len) || errno != EADDRINUSE;
    close(fd);
    return is_free;
}

bool probe_route(const struct addr *to, struct addr *own)
{
    int fd = socket(family_of(to), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    union udp_sockaddr sa;
    socklen_t len = udp_to_sockaddr(to, &sa);
    bool known;

    if (fd < 0)
        return false;
    known = !connect(fd, &sa.any, len); /* sends nothing: it is UDP */
    len = sizeof sa;
    known = known && !getsockname(fd, &sa.any, &len) && udp_from_sockaddr(&sa, own);
    close(fd);
    return known;
}

unsigned probe_mtu(const char *interface)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq r;
    unsigned mtu = 0;

    memset(&r, 0, sizeof r);
    snprintf(r.ifr_name, sizeof r.ifr_name, "%s", interface);
    if (fd >= 0 && !ioctl(fd, SIOCGIFMTU, &r) && r.ifr_mtu > 0)
        mtu = (unsigned)r.ifr_mtu;
    if (fd >= 0)
        close(fd);
    return mtu;
}

bool probe_ipv6_off(const char *interface)
{
    char path[128];
    uint64_t n;

    snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/disable_ipv6", interface);
    return !probe_number(path, &n) || n != 0; /* no such file: no IPv6 at all */
}
