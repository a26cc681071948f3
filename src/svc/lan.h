/* The LAN: election and membership on real sockets. Joins core/elect and core/wire to io/udp and
 * io/link. Loop thread (the one of conf.loop), except where a line says otherwise. */
#pragma once

#include "base/err.h"
#include "core/elect.h"
#include "io/loop.h"
#include "svc/ident.h"

struct lan;

struct lan_conf {
    struct loop *loop;
    const struct ident *ident;
    /* Names, or patterns with * ? [], of interfaces to use, and with a leading ! not to use. None
     * that says yes: every usable one (link_usable) that none says no to. What is named is used
     * even if it is no LAN's by its looks; loopback only by its whole name. */
    const char *const *interface;
    size_t interfaces;
    /* Static peers, HOST[:PORT] each (port 1235 if none): they get by unicast what others get by
     * multicast. On our subnets one side may name the other; off them only those that we name are
     * listened to, so there both do. Names are looked up, and again every few minutes. */
    const char *const *peer;
    size_t peers;
    uint16_t tcp_port; /* where our HTTPS answers; unicast datagrams use the UDP port of the same
                          number when free */
    uint64_t generation, number; /* of our catalog */
    bool never_lead;
    void (*news)(void *ctx, const struct elect_news *news); /* loop thread */
    void *ctx;
};

/* Errors: an interface that does not exist (with those that do as a hint), a peer that can't be
 * one. No usable interface at all is not an error: it is logged, shown in lan_status, and waited
 * for; so is a peer that is not found. */
struct lan *lan_new(const struct lan_conf *conf, struct err *e);
void lan_catalog(struct lan *l, uint64_t generation, uint64_t number); /* any thread */
void lan_warm(struct lan *l, bool warm); /* any thread: as a stand-by, have we a current copy? */
void lan_report(struct lan *l, const struct nid *nid); /* any thread: could not be reached */
/* Say goodbye, close the sockets, then call done(ctx) (at most about 300 ms later). lan_free after
 * that. */
void lan_leave(struct lan *l, void (*done)(void *ctx), void *ctx);
void lan_free(struct lan *l);

struct lan_status {
    enum elect_role role;
    struct elect_view view; /* at most a fraction of a second old */
    bool has_leader;
    struct elect_peer leader;
    uint64_t term;
    size_t peers;                /* known, self included */
    uint64_t received, sent;     /* datagrams */
    uint64_t fault[WIRE_FAULTS]; /* refused ones; WIRE_OK: too long in our own buffer */
    uint64_t unopened;           /* too many from sources that are not known */
    char interfaces[256];        /* "eth0 192.0.2.7, wlan0 ..."; "" when there is none */
    struct addr addr;            /* the first of these, port 0; family 0: none */
};
void lan_status(struct lan *l, struct lan_status *out); /* any thread */
size_t lan_peers(struct lan *l, struct elect_peer *out,
                 size_t max); /* any thread: as elect_peers */
