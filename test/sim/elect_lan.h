/* A LAN in virtual time: real core/elect on every host, real seals on every datagram, and a checker
 * that looks after each event. One seed is one run. elect_lan.c is included, not linked, by the
 * programs that use it (sim_elect, test_elect). */
#pragma once

#include "base/buf.h"
#include "base/rng.h"
#include "core/elect_priv.h"

#include <setjmp.h>

#define HOSTS_MAX  1000
#define GROUPS_MAX 4
#define SECOND     1000000ll /* virtual time is in microseconds */
#define MS         1000ll

struct host {
    struct elect *e; /* NULL: down */
    struct elect_conf conf;
    struct nid nid;
    struct addr udp;
    uint64_t boots;
    int64_t clock_ms; /* its wall clock is so wrong */
    uint64_t sen;     /* as last seen; when it was raised */
    int64_t restamped_ms;
    unsigned burst;    /* so many more datagrams to it are lost */
    uint16_t life;     /* of the program: counted over restarts */
    int64_t timer_us;  /* when the pending timer event fires; -1: none */
    uint64_t timer_no; /* only the newest timer event counts */
    int64_t asleep_us; /* until then it does not run; 0: awake */
    int64_t slept_us;  /* since */
    int64_t grace_us;  /* it led and stood still: until then it has to be quiet; -1: no */
    uint64_t moves;    /* news of another leader than before */
    int group;         /* hosts of different groups do not hear each other */
    bool deaf, mute;
    bool refuses;       /* down, but the machine answers that nobody listens */
    int64_t clean_us;   /* since then nothing was wrong with its links */
    int64_t cut_us;     /* leads, can hear nobody and does not say so since then; -1: not so */
    uint64_t told_term; /* of the last news */
    bool told_leads;    /* the last news: it leads itself */
    bool told_leader;   /* the last news: there is one */
    bool up[HOSTS_MAX]; /* members by its news */
    unsigned leads;     /* how often it took the lead */
};

struct lan {
    struct host host[HOSTS_MAX];
    int hosts;
    struct rng rng;
    int64_t now_us;
    unsigned loss_pct;
    bool bridge[GROUPS_MAX][GROUPS_MAX]; /* one-way: what the first group says the second hears */
    bool plain;                          /* messages go as they are: three times as fast */
    bool bursts;                         /* losses come in rows */
    bool shuffles;                       /* some datagrams are much later than others */
    bool replays;                        /* somebody records and plays back */
    bool shares;                         /* hosts have files, and leaders a catalog of them */
    bool quiet;                          /* what is delivered has been heard before */
    bool trace, trace_wire;
    struct buf *log; /* news as lines without times, for transcripts; or NULL */
    jmp_buf failed;
    char why[256];
    bool missed; /* it was lan_miss */
    bool apart;  /* groups grew apart: their members' ages can't be compared */
    uint64_t multicast_bytes, unicast_bytes, datagrams;
    uint64_t takeovers;
    int timed;                 /* the host whose steps are measured; -1: none */
    int64_t timed_ns;          /* in elect_step */
    uint64_t timed_msgs[2][2]; /* sent, heard; of each: not signed, signed */
};

extern struct lan lan;

void lan_open(int hosts, uint64_t seed, unsigned loss_pct);
void lan_close(void);
_Noreturn void lan_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* What luck decides: a bound in time, a change that enough losses (or delays, or somebody's
 * playing back) at once can bring about. Among many runs a few may end so; on a good network it is
 * a failure as any other. */
_Noreturn void lan_miss(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Faults. Hosts are numbered from 0. */
void lan_start(int i);
void lan_crash(int i, bool refuses);
void lan_leave(int i); /* says goodbye, then is down */
void lan_sleep(int i, int64_t us);
void lan_cut(int i, int group);
void lan_deaf(int i, bool deaf);
void lan_mute(int i, bool mute);
void lan_heal(void);
void lan_clocks(void); /* some wall clocks stand at 1970, some are off by a year */
void lan_catalog(int i, uint64_t number);
void lan_move(int i, unsigned port, bool notices); /* its address changes */
void lan_event(int i, const struct elect_in *in);

void lan_run(int64_t us); /* so much longer */
/* Every group has one leader, all follow it and are in its ledger with the right numbers; whole:
 * and nobody else is. */
bool lan_led(bool whole);
/* In every group the leader is the longest member of it, without a break. */
void lan_oldest(void);
/* Run until then, at most us. Gives how long it took; -1: longer. */
int64_t lan_settle(int64_t us, bool whole);
int lan_leader(void); /* that has the most members; -1: none */
int lan_backup(int leader, int place);

/* Shares. Right after lan_open, not with more than 16 hosts: everybody has some files. From then on
 * lan_catalog changes some, and leaders and those who stand by fetch rows. */
void lan_shares(void);
/* Each leader's catalog shows all that is shared in its group by others, and not one row more. */
bool lan_union(void);
bool lan_warm(int i);        /* it stands by with a copy of all */
uint64_t lan_rows_in(int i); /* rows that came to it from others, since it started */
enum {
    SHARES_HIDE = 1, /* rows of who is gone are hidden */
    SHARES_COPY = 2, /* who stood by goes on with its copy */
};
extern unsigned shares_off; /* of these rules: for mutants */
