/* The inside of svc/lan: lan.c joins elect to time and datagrams, lan_link.c chooses the
 * interfaces. */
#pragma once

#include "io/link.h"
#include "io/udp.h"
#include "svc/lan.h"

#define LAN_PORT 1235 /* UDP, of every network's group; networks differ by the group's address */

struct lan {
    struct lan_conf conf; /* with copies of what it points to */
    char **interface;
    struct addr *peer;

    struct elect *elect;
    struct udp *udp;
    struct link_watch *watch;
    uv_timer_t timer;
    int64_t due_ms;   /* when the timer is to fire; INT64_MAX: never */
    int64_t slept_ms; /* clock_slept_ms at the last event */
    bool newer_told;  /* the log has a line about a newer version */

    struct link_if *use; /* the interfaces in use */
    size_t uses;

    void (*left)(void *ctx); /* after lan_leave, until called */
    void *left_ctx;
    int64_t leave_by_ms;
    bool closing, freed, timer_closed, posts_over;

    uv_mutex_t lock; /* guards what is below: what other threads see */
    struct lan_status status;
    struct elect_peer *seen;
    size_t seens;
    int64_t seen_ms;
};

/* Use the interfaces that there are now. true: one came or has another address. */
bool lan_link_scan(struct lan *l);
/* -ERR_USAGE when a named interface does not exist. */
int lan_link_check(const struct lan *l, struct err *e);
/* May this come from a member? From the subnet of an interface in use and by way of it, or from a
 * static peer. */
bool lan_link_admits(const struct lan *l, const struct udp_in *in);
