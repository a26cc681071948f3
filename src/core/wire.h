/* Datagrams: every message between services on the LAN, as a struct and as sealed bytes.
 * doc/PROTOCOL.md has each byte.
 *
 * Pure; any thread. A datagram that does not open, parse or fit is nothing but a count at the
 * receiver. Unknown TLVs and types of the same major version are skipped. */
#pragma once

#include "base/id.h"
#include "base/limits.h"
#include "core/seal.h"

#include <stdbool.h>

#define WIRE_MAGIC      "iW" /* the first two bytes of every datagram */
#define WIRE_VERSION    1
#define WIRE_SUCCESSION 5
#define WIRE_STANDBYS   2

/* s: signed by the sender, and so carries its public key. m: sent to all, else to one. */
enum wire_type {
    WIRE_HELLO = 1, /* s m  I listen: who leads? */
    WIRE_BEACON,    /* s m  I lead */
    WIRE_HB,        /*      leader to its two backups: I live */
    WIRE_HBACK,     /*      so do I */
    WIRE_JOIN,      /* s    take me into the ledger */
    WIRE_JOINACK,   /* s    you are in, with this seniority */
    WIRE_NAK,       /*      I do not lead that ballot, or you are not in my ledger */
    WIRE_KA,        /*      follower to leader: I live, my catalog stands at */
    WIRE_KAACK,     /*      heard, your catalog stands at */
    WIRE_PING,      /*      are you there? */
    WIRE_PONG,      /*      yes */
    WIRE_POLL,      /* s m  who hears that leader? */
    WIRE_VOTE,      /* s    what I hear of it */
    WIRE_FACEOFF,   /* s    leader to leader: this is my key */
    WIRE_FOACK,     /* s    mine is better: yield */
    WIRE_CONFLICT,  /*      follower to leader: I hear another one */
    WIRE_LEAVE,     /* s    follower to leader: goodbye */
    WIRE_REPORT,    /*      follower to leader: I could not reach that member */
    WIRE_ECHO,      /*   m  `iwanto doctor`: does anybody hear this? Not for elect */
    WIRE_ECHOED,    /* s m  I do, both to all and to the one who asked. Not for elect */
};

/* Of the sender, in every message; YIELD, RESIGN, VOTED and COLD say something in a BEACON only. */
enum wire_flag {
    WIRE_ALONE = 1,  /* leads, but hears nobody of its ledger: no sign of life */
    WIRE_YIELD = 2,  /* stops leading: follow the hint */
    WIRE_RESIGN = 4, /* leaves: the hint is to succeed */
    WIRE_VOTED = 8,  /* takes over with others' word or positive evidence that the leader is gone */
    WIRE_COLD = 16,  /* has no copy of the ledger: JOIN again */
    WIRE_POSITIVE = 32, /* POLL: evidence that does not rest on silence */
    WIRE_NEVER = 64,    /* never leads */
    WIRE_WARM = 128,    /* HBACK: has a current copy of what the leader knows of catalogs */
};

enum wire_vote { WIRE_IAM = 1, WIRE_HEAR, WIRE_LOST, WIRE_OTHER, WIRE_BETTER };

/* One leadership. The term may rise while it lasts, the others name it. leader all zero: none. */
struct wire_ballot {
    uint64_t term;
    struct nid leader;
    uint32_t inc;
    uint64_t session; /* random */
};

/* Who is to lead next, in this order; the first two are the backups. First 8 bytes of each nid. */
struct wire_list {
    uint8_t len;
    uint8_t id[WIRE_SUCCESSION][8];
};

/* The first of the list, as their leader knows them: whom to ask when it does not answer. */
struct wire_standbys {
    uint8_t len; /* at most that of the list that goes with it */
    struct wire_standby {
        bool warm;
        struct nid nid;
        struct addr addr; /* observed source, with the TCP port */
    } at[WIRE_STANDBYS];
};

/* What came about when a leadership began; told with it. */
enum wire_why {
    WIRE_WHY_NONE,      /* not told */
    WIRE_WHY_FIRST,     /* nobody led */
    WIRE_WHY_SILENT,    /* the one before fell silent, and the others did not hear it either */
    WIRE_WHY_GONE,      /* its machine answered that it is gone, and it answered no question */
    WIRE_WHY_RESTARTED, /* its next incarnation was heard */
    WIRE_WHY_RESIGNED,  /* it left and named its successor */
};

/* session names the sender's ballot if it leads, else the one that the receiver should lead. */
struct wire_msg {
    uint8_t type; /* enum wire_type, or one that we do not know */
    uint16_t flags;
    struct nid nid;
    uint32_t inc;
    uint64_t seq; /* 1, 2, 3 ... within one inc */
    uint64_t max_term;
    uint8_t pub[32]; /* wire_open: of signed ones, checked against nid; else zero */
    union {
        struct {
            uint64_t sen;
            uint16_t tcp_port;
            uint32_t features;
            uint64_t generation, number, digest;
        } hello;
        struct {
            uint64_t term, session;
            uint64_t prev; /* session of the ballot that this one follows */
            uint64_t sen, max_sen;
            uint16_t members; /* in the ledger, the leader not counted */
            uint16_t live;    /* of these answered the last roll call */
            uint16_t tcp_port, period_ms;
            uint32_t features;
            uint32_t beat; /* counts the beacons, for measuring loss */
            uint8_t why;   /* enum wire_why */
            struct wire_list list;
            struct wire_standbys standbys;
            struct wire_ballot hint; /* with WIRE_YIELD or WIRE_RESIGN */
        } beacon;
        struct {
            uint64_t term, session;
            uint32_t beat;
            uint16_t members;
            uint64_t max_sen;
            uint64_t generation, number, digest;
            struct wire_list list;
        } hb;
        struct {
            uint64_t session;
            uint32_t beat;
        } hback;
        struct {
            uint64_t session, nonce;
            uint64_t sen;
            uint16_t tcp_port;
            uint32_t features;
            uint32_t member_s; /* 0: no member yet; else 1 and the seconds that it is one */
            uint64_t generation, number, digest;
        } join;
        struct {
            uint64_t term, session, nonce;
            uint64_t granted; /* the joiner's seniority from now on */
            uint64_t sen, max_sen;
            uint16_t members, tcp_port;
            uint32_t member_s; /* of the leader */
            struct wire_list list;
            struct wire_standbys standbys;
        } joinack;
        struct {
            uint64_t session; /* that it answers */
            struct wire_ballot hint;
        } nak;
        struct {
            uint64_t session;
            uint64_t generation, number, digest;
        } ka; /* and kaack: what was heard */
        struct {
            uint64_t session, nonce;
        } ping; /* and pong */
        struct {
            struct wire_ballot about; /* none: who leads at all? */
            uint64_t nonce, sen;
            uint32_t sample; /* those answer whose hash of nonce and nid is at most this */
        } poll;
        struct {
            uint64_t nonce;
            uint8_t kind; /* enum wire_vote */
            struct wire_ballot hint;
        } vote;
        struct {
            uint64_t term, session, nonce;
            uint64_t sen;
            uint16_t live;
        } faceoff; /* and foack */
        struct {
            uint64_t session;
            struct wire_ballot rival;
        } conflict;
        struct {
            uint64_t session;
        } leave;
        struct {
            uint64_t session;
            struct nid whom;
        } report;
        struct {
            uint64_t nonce;
        } echo;
        struct {
            uint64_t nonce;
            uint16_t tcp_port;
            uint64_t clock_ms; /* since 1970 */
            uint8_t name_len;
            char name[PEER_NAME_MAX + 1];
        } echoed;
    } u;
};

/* "HELLO" ...; "?" for a type that we do not know. */
const char *wire_type_name(unsigned type);
bool wire_is_signed(unsigned type);

/* Why a datagram was refused; each is a counter in `status`. */
enum wire_fault {
    WIRE_OK,
    WIRE_SHORT,
    WIRE_FOREIGN, /* magic or group tag */
    WIRE_NEWER,   /* major version */
    WIRE_SEAL,
    WIRE_FORM,
    WIRE_SIGNATURE,
    WIRE_FAULTS,
};
const char *wire_fault_name(enum wire_fault f);

/* Seal and sign into out; gives the length (at most DGRAM_MAX). m->type is one of ours, m->pub is
 * not looked at. */
size_t wire_seal(uint8_t out[DGRAM_MAX], const struct wire_msg *m, const struct seal_net *net,
                 const struct seal_key *key, const uint8_t nonce[24]);
/* WIRE_OK: m is whole. Otherwise m is not to be used. */
enum wire_fault wire_open(struct wire_msg *m, const void *dgram, size_t len,
                          const struct seal_net *net);
