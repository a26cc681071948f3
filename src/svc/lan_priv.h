/* The inside of svc/lan: lan.c joins elect to time and datagrams, lan_link.c chooses the
 * interfaces, lan_seed.c knows the static peers, lan_reach.c how to reach all. */
#pragma once

#include "io/link.h"
#include "io/resolve.h"
#include "io/udp.h"
#include "svc/lan.h"

#define LAN_PORT 1235 /* UDP, of every network's group; networks differ by the group's address */

#define LAN_SEEDS_MAX 64
#define SEED_HOST_MAX 256 /* a DNS name and a NUL */

struct lan_seed { /* a static peer */
    struct lan *lan;
    char host[SEED_HOST_MAX]; /* to look up; "": the address was given */
    uint16_t port;
    struct addr addr[RESOLVE_MAX]; /* with the port */
    size_t addrs;
    struct resolve *call; /* under way */
    int64_t again_ms;
    bool missing; /* not found last time */
};

struct lan_reach;

struct lan {
    struct lan_conf conf; /* with copies of what it points to */
    char **interface;
    struct lan_seed *seed;
    size_t seeds;

    struct elect *elect;
    struct udp *udp;
    struct link_watch *watch;
    struct lan_reach *reach;
    uv_timer_t timer, seed_timer;
    int64_t due_ms;              /* when the timer is to fire; INT64_MAX: never */
    int64_t slept_ms;            /* clock_slept_ms at the last event */
    bool newer_told;             /* the log has a line about a newer version */
    int64_t echo_milli, echo_ms; /* lan_echo.c: bucket */

    struct link_if *use; /* the interfaces in use */
    size_t uses;

    void (*left)(void *ctx); /* after lan_leave, until called */
    void *left_ctx;
    int64_t leave_by_ms;
    bool closing, freed, posts_over;
    unsigned timers; /* not closed yet */

    uv_mutex_t lock; /* guards what is below: what other threads see */
    struct lan_status status;
    struct elect_peer *seen;
    size_t seens;
    int64_t seen_ms;
};

/* lan.c: an interface came, or a static peer was found: say that we are here */
void lan_be_heard(struct lan *l);

/* Use the interfaces that there are now. true: one came or has another address. */
bool lan_link_scan(struct lan *l);
/* Would a service with these settings (lan_conf.interface) speak on it? asked: they name it, maybe
 * by a pattern. */
bool lan_link_uses(const char *const *items, size_t count, const struct link_if *i, bool *asked);
/* -ERR_USAGE when a named interface does not exist. */
int lan_link_check(const struct lan *l, struct err *e);
/* May this come from a member? From the subnet of an interface in use and by way of it, or from a
 * static peer. */
bool lan_link_admits(const struct lan *l, const struct udp_in *in);

/* Read what the user wrote; -ERR_USAGE for what is neither name nor address. */
int lan_seed_read(struct lan *l, const char *const *text, size_t count, struct err *e);
void lan_seed_start(struct lan *l);
void lan_seed_refresh(struct lan *l); /* the network changed: look all names up again */
void lan_seed_stop(struct lan *l);    /* the timer is then to be closed */
bool lan_seed_has(const struct lan *l, const struct addr *from); /* ports do not count */

/* What `iwanto doctor` asks and others answer it (lan_echo.c). false: neither of both. */
bool lan_echo(struct lan *l, const struct udp_in *in, const struct wire_msg *m);
/* The group's addresses, and the sieve for its datagrams. */
void lan_group(const struct seal_net *net, struct udp_conf *uc);

struct lan_reach *lan_reach_new(void); /* mem_free */
/* Sources whose datagrams opened within a minute. */
size_t lan_reach_known(const struct lan *l, struct addr *out, size_t max);
/* May a datagram from there be opened? Always from sources whose datagrams opened within a minute;
 * of all others together so many in a second, so that a flood costs little, and costs the members
 * nothing. */
bool lan_reach_affords(struct lan *l, const struct addr *from);
/* A datagram that opened: how did it come? */
void lan_reach_heard(struct lan *l, const struct udp_in *in, const struct wire_msg *m);
/* Somebody's IPv4 multicast came from an address that we don't take: IPv6 may reach him. */
void lan_reach_missed(struct lan *l);
/* Send to all. */
void lan_reach_all(struct lan *l, const struct wire_msg *m, const void *dgram, size_t len);
