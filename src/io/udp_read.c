/* Receiving: several datagrams with one call, refusals from the error queue, and a filter in the
 * kernel that keeps a flood of foreign datagrams from waking us. */
#include "io/udp_priv.h"

#include <errno.h>
#include <linux/errqueue.h> /* after the above: it needs struct timespec */
#include <linux/filter.h>
#include <linux/icmpv6.h>
#include <string.h>
#include <time.h>

#define BATCH      16 /* datagrams taken with one call */
#define BATCHES    8  /* in one turn of the loop */
#define CONTROL    128
#define ERRORS_MAX 64
#define WINDOW_MS  100
#define FLOOD      2000   /* datagrams in a window: far beyond what a thousand members send */
#define KNOWN_MAX  1000   /* sources in a filter */
#define RATION_MS  1000   /* so often the filter is told of new ones */
#define GATHER_NS  500000 /* less than a socket's buffer lasts at any rate that gets this far */

/* ---- datagrams ---- */

static int64_t age_ms(const struct timespec *stamp)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now); /* the stamp's clock */
    return ((int64_t)now.tv_sec - stamp->tv_sec) * 1000 + (now.tv_nsec - stamp->tv_nsec) / 1000000;
}

static void read_control(struct msghdr *m, struct udp_in *in)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof info);
            in->interface = (uint32_t)info.ipi_ifindex;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof info);
            in->interface = info.ipi6_ifindex;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec stamp;

            memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
            in->age_ms = age_ms(&stamp);
        }
    }
}

/* Hand on what waits, one batch of it. false: there is nothing more now. */
static bool read_batch(struct udp_sock *s)
{
    uint8_t data[BATCH][UDP_DGRAM_MAX];
    _Alignas(struct cmsghdr) char control[BATCH][CONTROL];
    union udp_sockaddr sa[BATCH];
    struct iovec v[BATCH];
    struct mmsghdr m[BATCH] = {0};
    int count;

    for (size_t i = 0; i < BATCH; i++) {
        v[i] = (struct iovec){.iov_base = data[i], .iov_len = sizeof data[i]};
        m[i].msg_hdr = (struct msghdr){.msg_name = &sa[i],
                                       .msg_namelen = sizeof sa[i],
                                       .msg_iov = &v[i],
                                       .msg_iovlen = 1,
                                       .msg_control = control[i],
                                       .msg_controllen = CONTROL};
    }
    count = recvmmsg(s->fd, m, BATCH, MSG_DONTWAIT, NULL);
    s->udp->came += count > 0 ? (unsigned)count : 0;
    for (int i = 0; i < count && s->fd >= 0; i++) { /* callbacks may close it */
        struct udp_in in = {.data = data[i], .len = m[i].msg_len, .multicast = s->interface != 0};

        if ((m[i].msg_hdr.msg_flags & MSG_TRUNC) || !udp_from_sockaddr(&sa[i], &in.from))
            continue;
        read_control(&m[i].msg_hdr, &in);
        s->udp->conf.got(s->udp->conf.ctx, &in);
    }
    return count == BATCH;
}

/* ---- refusals ---- */

static bool is_refusal(const struct cmsghdr *c)
{
    struct sock_extended_err ee;

    if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
        !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
        return false;
    memcpy(&ee, CMSG_DATA(c), sizeof ee);
    return (ee.ee_origin == SO_EE_ORIGIN_ICMP || ee.ee_origin == SO_EE_ORIGIN_ICMP6) &&
           ee.ee_errno == ECONNREFUSED;
}

/* The error queue holds, for each ICMP error, the address that we had sent to. */
static void read_errors(struct udp_sock *s)
{
    for (unsigned i = 0; i < ERRORS_MAX && s->fd >= 0; i++) {
        _Alignas(struct cmsghdr) char control[512];
        union udp_sockaddr sa;
        struct msghdr m = {.msg_name = &sa,
                           .msg_namelen = sizeof sa,
                           .msg_control = control,
                           .msg_controllen = sizeof control};
        bool refused = false;
        struct addr to;

        if (recvmsg(s->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
            return;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
            refused |= is_refusal(c);
        if (refused && m.msg_namelen && udp_from_sockaddr(&sa, &to))
            s->udp->conf.refused(s->udp->conf.ctx, &to);
    }
}

/* What strangers send is thinned by the system while there is a flood. */
static void ration(struct udp *u, bool on, int64_t now)
{
    struct addr known[KNOWN_MAX];
    size_t count = on ? u->conf.known(u->conf.ctx, known, KNOWN_MAX) : 0;

    for (size_t i = 0; i < 2 + u->links; i++) {
        const struct udp_sock *s = i < 2 ? u->unicast[i] : u->link[i - 2];

        if (s && on)
            udp_sieve_ration(s->fd, &u->conf.sieve, s->family, known, count);
        else if (s)
            udp_sieve(s->fd, &u->conf.sieve);
    }
    u->ration_ms = on ? now : 0;
}

/* In a flood each datagram would wake us by itself; half a millisecond lets many come at once, at a
 * fraction of the cost. */
static void gather(struct udp *u)
{
    const struct timespec rest = {.tv_nsec = GATHER_NS};
    int64_t now = loop_now_ms();

    if (now - u->window_ms >= WINDOW_MS) {
        u->flooded = (u->ration_ms ? u->came * UDP_RATION : u->came) > FLOOD;
        u->came = 0;
        u->window_ms = now;
        if (u->conf.known && u->conf.sieve.on &&
            (u->flooded ? now - u->ration_ms > RATION_MS : u->ration_ms != 0))
            ration(u, u->flooded, now);
    }
    if (u->flooded)
        (void)nanosleep(&rest, NULL);
}

static void read_batches(struct udp_sock *s)
{
    for (unsigned i = 0; i < BATCHES && s->fd >= 0; i++)
        if (!read_batch(s))
            break;
}

void udp_drain(struct udp *u)
{
    for (unsigned i = 0; i < 2; i++)
        if (u->unicast[i])
            read_batches(u->unicast[i]);
    for (size_t i = 0; i < u->links; i++)
        read_batches(u->link[i]);
}

void udp_on_poll(uv_poll_t *p, int status, int events)
{
    struct udp_sock *s = p->data;

    (void)events;
    gather(s->udp);
    if (status < 0) { /* an error waits: libuv stopped polling */
        read_errors(s);
        if (s->fd >= 0)
            uv_poll_start(&s->poll, UV_READABLE, udp_on_poll);
    }
    read_batches(s);
}

/* ---- the sieve ---- */

#define PAYLOAD 8 /* a filter on a UDP socket sees the UDP header first */

/* Two jumps at its end: to "whole" and to "not at all". */
static size_t sieve_code(struct sock_filter *code, const struct udp_sieve *s)
{
    uint32_t magic = (uint32_t)s->magic[0] << 8 | s->magic[1];
    uint32_t tag = (uint32_t)s->tag[0] << 8 | s->tag[1];
    const struct sock_filter most[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, PAYLOAD),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, magic, 0, 4),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, PAYLOAD + 2),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, s->version, 0, 3),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, PAYLOAD + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, tag, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, 0), /* not at all; so what is too short to look at */
    };

    memcpy(code, most, sizeof most);
    return sizeof most / sizeof *most;
}

static void attach(int fd, struct sock_filter *code, size_t len)
{
    struct sock_fprog program = {.len = (unsigned short)len, .filter = code};

    (void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

void udp_sieve(int fd, const struct udp_sieve *s)
{
    struct sock_filter code[8];
    size_t n = s->on ? sieve_code(code, s) : 0;

    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX); /* whole */
    if (s->on)
        attach(fd, code, n);
}

/* By the last four bytes of the source, which are all of an IPv4 address; two IPv6 addresses that
 * have them in common pass together, no harm. */
void udp_sieve_ration(int fd, const struct udp_sieve *s, uint8_t family, const struct addr *known,
                      size_t count)
{
    struct sock_filter code[7 + 1 + 2 * KNOWN_MAX + 5];
    size_t n = sieve_code(code, s);

    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                             (uint32_t)SKF_NET_OFF + (family == 6 ? 20 : 12));
    for (size_t i = 0; i < count && i < KNOWN_MAX; i++) {
        const uint8_t *ip = known[i].ip + (family == 6 ? 12 : 0);
        uint32_t last =
            (uint32_t)ip[0] << 24 | (uint32_t)ip[1] << 16 | (uint32_t)ip[2] << 8 | ip[3];

        if (known[i].family != family)
            continue;
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, last, 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                             (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM));
    code[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, UDP_RATION - 1);
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
    attach(fd, code, n);
}
