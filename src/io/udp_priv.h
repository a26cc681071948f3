/* The inside of io/udp: udp.c opens sockets and sends, udp_read.c receives. */
#pragma once

#include "io/udp.h"

#include <netinet/in.h>
#include <sys/socket.h>

union udp_sockaddr {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

struct udp_sock {
    uv_poll_t poll;
    int fd; /* -1: closing */
    struct udp *udp;
    uint8_t family;
    uint32_t interface; /* 0: a unicast socket */
    struct addr source; /* our address on that interface */
};

struct udp {
    struct udp_conf conf;
    struct udp_sock *unicast[2]; /* IPv4, IPv6; NULL: not spoken */
    uint16_t port[2];
    struct udp_sock *link[UDP_LINKS_MAX];
    size_t links;
    int64_t window_ms; /* of the count of datagrams below */
    unsigned came;
    bool flooded;      /* too many in the window before */
    int64_t ration_ms; /* when the system was told whom to let through; 0: all */
};

socklen_t udp_to_sockaddr(const struct addr *a, union udp_sockaddr *sa);
bool udp_from_sockaddr(const union udp_sockaddr *sa, struct addr *a);
/* Have the system drop what the sieve names. It may not be able to: no harm. */
void udp_sieve(int fd, const struct udp_sieve *s);
/* The same, and of sources that are not known one datagram in UDP_RATION. */
void udp_sieve_ration(int fd, const struct udp_sieve *s, uint8_t family, const struct addr *known,
                      size_t count);
#define UDP_RATION 16
void udp_on_poll(uv_poll_t *p, int status, int events);
