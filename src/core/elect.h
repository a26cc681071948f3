/* Election and membership: who is on this network, who leads, who stands by. doc/ELECTION.md tells
 * the protocol.
 *
 * Pure: time comes in with the event, datagrams and news go out as data. One owner (svc/lan, loop
 * thread). */
#pragma once

#include "base/id.h"
#include "core/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct elect;

/* What a peer's announcements say of it. */
struct elect_peer {
    struct nid nid;
    uint32_t inc;     /* incarnation: rises at each start */
    uint64_t sen;     /* seniority: smaller is older */
    uint8_t pub[32];  /* Ed25519 key; nid is its hash */
    struct addr addr; /* observed source with the announced TCP port: its HTTPS answers there */
    uint64_t generation, number, digest; /* of its catalog */
    int64_t heard_ms;                    /* when it was last heard */
    int64_t member_since_ms;             /* without a break; -1: not known here */
    int loss_permille; /* of what was sent between it and us, as counted; -1: not counted */
    unsigned standby;  /* 1, 2: first, second stand-by of our leader; else 0 */
    bool warm;         /* a stand-by with a current copy */
};

struct elect_conf {
    struct seal_key key; /* own; pub gives the nid */
    uint32_t inc;
    uint64_t sen;      /* proposed: ms since 1970 << 16 | 16 random bits */
    uint16_t tcp_port; /* where our HTTPS answers */
    uint64_t generation, number, digest;
    bool never_lead;
};

enum elect_event_kind {
    ELECT_START,    /* sockets are open */
    ELECT_DATAGRAM, /* msg, from */
    ELECT_TICK,     /* due_ms is reached (or earlier, no harm) */
    ELECT_GAP,      /* the loop stood still for gap_ms (sleep, overload) */
    ELECT_CATALOG,  /* generation, number, digest: ours changed */
    ELECT_LINK,     /* an interface came up or changed its address: be heard at once */
    ELECT_REFUSED,  /* an ICMP error or a closed stream says that from is gone: positive evidence */
    ELECT_REPORT,   /* a downloader could not reach nid */
    ELECT_LEAVE,    /* we stop: say goodbye */
    ELECT_WARM,     /* warm: whether our copy of what the leader knows is current. Void when the
                       leader changes; told to others while we stand by */
};

struct elect_in {
    enum elect_event_kind kind;
    int64_t now_ms;             /* monotonic */
    const struct wire_msg *msg; /* ELECT_DATAGRAM */
    struct addr from; /* ELECT_DATAGRAM: the UDP source; ELECT_REFUSED: a UDP or TCP address */
    int64_t gap_ms;
    uint64_t generation, number, digest;
    bool warm;
    struct nid nid; /* ELECT_REPORT */
};

enum elect_news_kind {
    ELECT_LEADER,       /* peer leads (maybe we do: self) in term */
    ELECT_NO_LEADER,    /* nobody does that we know */
    ELECT_PEER_UP,      /* at the leader: a member joined */
    ELECT_PEER_CHANGED, /* at the leader: its catalog numbers or address changed */
    ELECT_PEER_DOWN,    /* at the leader: it left or died */
    ELECT_STANDBY, /* at all: who stands by for the leader is another than before, or has moved,
                      or become warm or cold; after each ELECT_LEADER nobody does until this
                      says so. elect_view has more of them */
};

#define ELECT_STANDBYS WIRE_STANDBYS /* the first of the succession */

struct elect_news {
    enum elect_news_kind kind;
    bool self; /* ELECT_LEADER: it is us */
    uint64_t term;
    struct elect_peer peer;             /* of ELECT_NO_LEADER: empty */
    uint8_t standby[ELECT_STANDBYS][8]; /* ELECT_STANDBY: first bytes of their ids, zero: none */
    unsigned place;                     /* ELECT_STANDBY: 1, 2: we are that one; 0: neither */
};

#define ELECT_SENDS_MAX 64
#define ELECT_NEWS_MAX  64

struct elect_send {
    bool multicast;
    struct addr to;       /* UDP, when not multicast */
    struct wire_msg *msg; /* owned by elect, until the next step */
};

struct elect_out {
    struct elect_send send[ELECT_SENDS_MAX];
    size_t sends;
    struct elect_news news[ELECT_NEWS_MAX];
    size_t news_count;
    bool more; /* not done yet: step with ELECT_TICK again at once */
};

/* Never NULL. seed: for jitter and nonces; the same seed and events give the same run. */
struct elect *elect_new(const struct elect_conf *conf, uint64_t seed);
void elect_step(struct elect *e, const struct elect_in *in, struct elect_out *out);
/* Latest time to step with ELECT_TICK; INT64_MAX: nothing pends. After ELECT_LEAVE: INT64_MAX means
 * all is said. */
int64_t elect_due_ms(const struct elect *e);

/* Why the leader that we know is another one than before. */
enum elect_why {
    ELECT_WHY_NONE = WIRE_WHY_NONE, /* it never was */
    ELECT_WHY_FIRST = WIRE_WHY_FIRST,
    ELECT_WHY_SILENT = WIRE_WHY_SILENT,
    ELECT_WHY_GONE = WIRE_WHY_GONE,
    ELECT_WHY_RESTARTED = WIRE_WHY_RESTARTED,
    ELECT_WHY_RESIGNED = WIRE_WHY_RESIGNED,
    ELECT_WHY_FOUND,   /* it was here before us */
    ELECT_WHY_MERGED,  /* two leaders met, ours gave way */
    ELECT_WHY_REFUSED, /* ours said that it does not lead any more */
    ELECT_WHY_SLEPT,   /* we stood still for long */
};
/* As the rest of "the leader changed: ". */
const char *elect_why_text(enum elect_why why);

/* Who stands by for our leader. One that was appointed a moment ago may have no address yet, and
 * only the first 8 bytes of its nid; the next beacon has the rest. */
struct elect_standby {
    struct nid nid;
    struct addr addr; /* its HTTPS; family 0: not known yet, or it is us */
    bool self, warm;
};

enum elect_role { ELECT_LISTEN, ELECT_FOLLOW, ELECT_CAND, ELECT_LEAD };
enum elect_role elect_role(const struct elect *e);
const char *elect_role_name(enum elect_role role);
/* The ledger as known here (all members at the leader; self, leader and heard ones elsewhere).
 * Gives how many there are. */
size_t elect_peers(const struct elect *e, struct elect_peer *out, size_t max);
/* The leader as known here; false: none. */
bool elect_leader(const struct elect *e, struct elect_peer *out, uint64_t *term);
/* How things stand; all times are those of elect_in.now_ms. */
struct elect_view {
    enum elect_role role;
    int64_t role_since_ms; /* a candidate counts as a follower */
    uint64_t term;         /* of the leader; of the last one while there is none */
    enum elect_why why;    /* of the last change of leader */
    int64_t changed_ms;    /* when it was; -1: there was none */
    unsigned changes;
    bool alone;       /* we lead, but hear nobody of our members */
    unsigned members; /* of our leader, itself not counted, as told last */
    struct elect_standby standby[ELECT_STANDBYS];
    size_t standbys;
};
void elect_view(const struct elect *e, struct elect_view *out);
void elect_check(const struct elect *e);
void elect_free(struct elect *e);
