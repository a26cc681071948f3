/* The inside of core/elect: its state, and the calls between its files. Each file decides one
 * thing:
 *
 *   elect.c         events in, who handles them, timers
 *   elect_check.c   invariants
 *   elect_say.c     what goes out: messages, news, last words
 *   elect_view.c    what is told when asked: peers, leader, stand-bys, why
 *   elect_known.c   whose datagrams count: keys, incarnations, replays, paths
 *   elect_listen.c  LISTEN: find a leader and join it, or see that there is none
 *   elect_follow.c  FOLLOW: is the leader alive, which successor is accepted
 *   elect_keep.c    FOLLOW: keeping in touch with it
 *   elect_poll.c    polls and votes: a candidate's, a listener's, a leader's roll call
 *   elect_lead.c    LEAD: take over, beacons, heartbeats, doubt, resigning
 *   elect_ledger.c  the leader's members: who is in, who is next, who is gone
 *   elect_duel.c    two leaders: face-off, yielding, key order
 *
 * doc/ELECTION.md has the rules and says why. */
#pragma once

#include "base/rng.h"
#include "core/elect.h"

#define NEVER     INT64_MAX
#define LONG_AGO  (INT64_MIN / 4)
#define PATHS_MAX 4
#define SEN_MAX   (1ull << 63) /* of anybody who leads; grants may lie above */
#define TERM_MAX  (1ull << 62) /* a liar's term can't make ours overflow */

/* Milliseconds; doc/ELECTION.md, "Timers". */
enum {
    T_HELLO_FIRST = 60,
    T_HELLO_GAP = 120,
    T_HELLO_MAX = 5000,
    T_LISTEN = 400,
    T_LISTEN_OLDER = 1500, /* an older listener is waited for at most this long */
    T_BEACON = 250,
    T_BEACON_ALONE = 1000,
    T_SIGN = 125, /* a stand-by hears a beacon or a heartbeat so often */
    T_SIGN_SLACK = 40,
    T_BACKUP_2 = 160, /* backup 1 has finished its poll by then */
    T_POLL = 80,
    T_POLL_REPEAT = 30,
    T_LATE_MAX = 400, /* lateness that is allowed for */
    T_ROLL = 100,
    T_ROLL_AGAIN = 500,
    T_FRESH = 265,
    T_SUCCEED = 300, /* silence that lets an unconfirmed successor in */
    T_SUSPECT = 1000,
    T_DOUBT = 800,
    T_DEMERIT = 10000,
    T_GAP = 250,
    T_GAP_LONG = 5000,
    T_HOLD = 1000,
    T_FACEOFF = 200,
    T_KA_MIN = 2000,
    T_KA_MAX = 10000,
    T_KA_RUSH = 20, /* least time between two KAs when the catalog changes */
    T_SWEEP_FAST = 100,
    T_SHUN = 5000,
    T_SHUN_DEAF = 1500,
    T_PATH = 700, /* two beacons and slack: a path so silent gives way to one that is heard */
    T_PATH_HEARD = 3000, /* and what is not answered there is tried on one heard so lately */
};

enum {
    BACKUPS = 2,
    DEFERS = 3,
    JOIN_TRIES = 7,
    JOIN_TRIES_HEARD = 14, /* of a leader whose beacons come */
    KA_TRIES = 6,
    PINGS_SILENT = 8,
    PINGS_REPORTED = 3,
};

/* The rules that carry the weight, by name. They stand; but the simulator is built with
 * ELECT_RULES, and there each can be switched off, to see that its checkers notice. */
enum elect_rule {
    RULE_POLL = 1 << 0,      /* a suspicious follower asks before it takes over */
    RULE_MAJORITY = 1 << 1,  /* it stays when more hear the leader than have lost it */
    RULE_SUCCESSOR = 1 << 2, /* a successor nobody voted for waits for the leader's silence */
    RULE_STICKY = 1 << 3,    /* another leader moves nobody whose own is fresh */
    RULE_CLASS = 1 << 4,     /* of two leaders the one with more followers goes on */
    RULE_FACEOFF = 1 << 5,   /* a leader yields only after a round trip with its own nonce */
    RULE_TERM = 1 << 6,      /* terms are learnt from all messages, a lower one is not followed */
    RULE_WAIT = 1 << 7,      /* who comes up listens and asks before it leads */
    RULE_GAP = 1 << 8,       /* a leader that stood still asks before it answers */
    RULE_SESSION = 1 << 9,   /* a ballot is another one when its session is */
    RULE_WINDOW = 1 << 10,   /* what was heard before is dropped */
    RULE_INC = 1 << 11,      /* so is what a former incarnation said */
    RULE_GRANT = 1 << 12,  /* who proposes to be older than the leader gets the youngest's place */
    RULE_ALONE = 1 << 13,  /* a leader that hears nobody says so, and is not believed */
    RULE_ASK = 1 << 14,    /* a member is asked before it is counted as gone */
    RULE_RESIGN = 1 << 15, /* a leader that leaves names its successor */
    RULE_NEWS = 1 << 16,   /* a change of the catalog is told at once */
    RULE_LEDGER = 1 << 17, /* a new leader knows no members but those that join */
};
#ifdef ELECT_RULES
extern unsigned elect_rules_off;
#define RULE(name) (!(elect_rules_off & (RULE_##name)))
#else
#define RULE(name) true
#endif

struct window { /* which of the last 1024 numbers of a sender have come */
    uint64_t top;
    uint64_t bits[16]; /* bit (seq % 1024) */
};

struct path {
    struct addr a; /* UDP source; family 0: unused */
    int64_t heard_ms;
};

/* Of messages that carry a count: how many did not come. A mean over about the last 33. */
struct loss {
    uint32_t last; /* count of the last one that came */
    uint32_t of_65536;
    bool counts;
};

/* Everybody whose signature was seen. The leader's ledger is those with member set. */
struct peer {
    struct nid nid;
    uint32_t inc;
    uint8_t pub[32];
    struct window window;
    struct path path[PATHS_MAX];
    size_t current; /* path that we send to */
    uint64_t sen;
    uint16_t tcp_port;
    uint64_t generation, number, digest;
    uint64_t catalog_seq; /* of the message that told these; what was sent before tells less */
    bool never_lead;
    int64_t heard_ms;
    int64_t since_ms; /* a member since; -1: not known */
    struct loss loss;
    int64_t shun_until;  /* not to be joined: it does not answer */
    uint64_t voted;      /* nonce of the poll that it answered last */
    int64_t answered_ms; /* when its HELLO was last answered */

    bool member;
    int64_t seen_ms;  /* last message as a member of our ballot */
    int64_t hback_ms; /* last answer to a heartbeat, or when it became a backup */
    bool warm;        /* as it says */
    int64_t demerit_until, demerit_ms;
    bool suspected; /* reported, or its port was refused */
    unsigned pings; /* unanswered ones */
};

struct join { /* an admission asked for, in LISTEN or in FOLLOW */
    int64_t at_ms;
    unsigned tries;
    uint64_t nonce;
    uint64_t generation, number, digest; /* as told in it */
};

struct target {                /* LISTEN: the leader to join */
    struct wire_ballot ballot; /* leader zero: none */
    int64_t heard_ms;
    bool alone;
    uint16_t live;
    uint64_t sen;
};

struct listen {
    int64_t since_ms, hello_at_ms, cand_at_ms;
    int64_t hello_gap_ms;
    unsigned hellos, polls;
    bool older_heard;
    enum elect_why why; /* we listen; ELECT_WHY_FOUND: for no special reason */
    bool told;          /* outside it was said that there is no leader */
};

struct follow {
    int64_t heard_ms; /* last sign of life of the leader */
    int64_t ping_at_ms, cand_at_ms, ka_at_ms, ka_sent_ms, conflict_at_ms, report_at_ms;
    unsigned pings, ka_tries;
    uint64_t ping_nonce;
    bool joined, backup;
    struct loss beats; /* heartbeats; beacons are counted with their sender */
    int64_t beat_ms;   /* when the last one came */
    int64_t late_ms;   /* how much too late the leader was heard lately: the worst, fading */
    int64_t backoff_ms;
    unsigned deferred;         /* how often it waited for one that said it is better placed */
    bool restarted;            /* the leader's next incarnation was heard */
    struct wire_msg successor; /* BEACON that waits until the leader has been silent long enough */
    int64_t successor_at_ms;
    int64_t evidence_at_ms, evidence_since_ms; /* positive evidence: next PING; when it came */
    unsigned evidence_pings;
};

struct poll {
    bool on;
    int64_t end_at_ms, say_at_ms;
    unsigned says, round;
    uint64_t nonce;
    struct wire_ballot about, hint;
    unsigned hear, lost, other, better;
};

struct lead {
    uint64_t prev; /* session of the ballot before */
    uint16_t flags;
    int64_t since_ms, beacon_at_ms, beat_at_ms, sweep_at_ms, roll_at_ms, grace_until_ms;
    unsigned burst;
    uint32_t beat, beacons;
    enum elect_why why; /* it began */
    bool slept;         /* we stood still for long, and nobody of ours was heard since */
    unsigned live;
    int64_t live_ms, doubt_ms, heard_any_ms, gap_ms, answered_ms;
};

struct duel {
    struct nid rival; /* zero: none */
    int64_t at_ms, until_ms, asked_ms, hold_until_ms;
    uint64_t nonce;
};

struct parting { /* what is still to be said of a ballot that we have left */
    struct wire_msg msg;
    bool multicast, said;
    struct addr to;
    unsigned left;
    int64_t at_ms, gap_ms;
};

struct elect {
    struct elect_conf conf;
    struct nid nid;
    struct rng rng;
    bool running, leaving;
    int64_t now, started_ms;
    uint64_t seq, sen, max_sen;
    uint64_t max_term;   /* of any message */
    uint64_t floor_term; /* highest that we led or followed */

    struct peer **peers;
    size_t peer_count, peer_cap;
    int64_t newcomers_milli, newcomers_ms; /* bucket: unknown senders that may still be taken up */

    enum elect_role role;
    struct wire_ballot cur; /* led or followed; in LISTEN none */
    struct wire_list list;
    struct wire_standbys standbys; /* as the leader says (or we do, leading) */
    struct wire_standbys told;     /* as news said it */
    bool warm;                     /* our copy, as a stand-by */
    int64_t member_since_ms;       /* -1: we are none */
    int64_t role_since_ms;
    enum elect_why why; /* of the last change of leader */
    int64_t changed_ms;
    unsigned changes;
    unsigned members; /* of its ledger, the leader not counted */

    struct listen listen;
    struct target target;
    struct join join;
    struct follow follow;
    struct poll poll;
    struct lead lead;
    struct duel duel;
    struct parting parting;

    struct addr from; /* of the datagram at hand */
    struct elect_out *out;
    struct wire_msg msgs[ELECT_SENDS_MAX];
};

/* elect.c */
int64_t rand_ms(struct elect *e, int64_t lo, int64_t hi); /* lo <= x < hi; lo when hi <= lo */
uint64_t rand_id(struct elect *e);                        /* never 0 */
void learn_term(struct elect *e, uint64_t term);
bool ballot_is(const struct wire_ballot *b);
bool ballot_eq(const struct wire_ballot *a, const struct wire_ballot *b);
bool is_older(uint64_t sen_a, const struct nid *a, uint64_t sen_b, const struct nid *b);
void loss_count(struct loss *l, uint32_t count); /* a message with this count came */
int list_place(const struct wire_list *l, const struct nid *nid); /* -1: not in it */
int64_t ka_period_ms(unsigned members);
int64_t join_window_ms(unsigned members);
struct wire_ballot ballot_of(const struct wire_msg *m, uint64_t term, uint64_t session);

/* elect_say.c */
struct wire_msg *say_all(struct elect *e, enum wire_type type);
struct wire_msg *say_to(struct elect *e, const struct peer *p, enum wire_type type);
struct wire_msg *answer(struct elect *e, enum wire_type type); /* to where the datagram came from */
bool sends_left(const struct elect *e, size_t n);
void news_leader(struct elect *e);
void news_changed(struct elect *e, enum elect_why why); /* news_leader, of another leader */
void news_no_leader(struct elect *e);
void news_peer(struct elect *e, enum elect_news_kind kind, const struct peer *p);
void news_standby(struct elect *e); /* if it changed */
bool news_left(const struct elect *e, size_t n);
void leaving_start(struct elect *e);
void leaving_heard(struct elect *e, const struct wire_msg *m); /* somebody took notice? */
void parting_tick(struct elect *e);

/* elect_view.c */
void describe(struct elect_peer *out, const struct elect *e, const struct peer *p);
void describe_self(struct elect_peer *out, const struct elect *e);
/* The leader of our ballot: false when it is us, or none, or one whose datagrams we have not had
 * yet. */
bool describe_leader(struct elect_peer *out, const struct elect *e);

/* elect_known.c */
struct peer *known_find(const struct elect *e, const struct nid *nid);
struct peer *known_listed(const struct elect *e, const struct wire_list *l, int place);
const struct addr *known_addr(const struct peer *p);
/* What went to p was not answered: send to another path that is heard, if there is one. */
void known_try_other(struct elect *e, struct peer *p);
/* The sender if the message counts: not ours, no replay, from a path that its key vouches for. */
struct peer *known_admit(struct elect *e, const struct wire_msg *m, const struct addr *from);
bool window_take(struct window *w, uint64_t seq); /* false: was here, or too old to tell */

/* elect_listen.c */
void listen_enter(struct elect *e, int64_t hello_in_ms, int64_t cand_in_ms);
void listen_target(struct elect *e, const struct wire_ballot *b, int64_t join_in_ms);
void listen_untarget(struct elect *e);
void listen_hello(struct elect *e, const struct peer *p);
void listen_beacon(struct elect *e, struct peer *p, const struct wire_msg *m);
void listen_joinack(struct elect *e, const struct wire_msg *m);
void listen_nak(struct elect *e, const struct peer *p, const struct wire_msg *m);
void listen_tick(struct elect *e);
int64_t listen_due(const struct elect *e);
void say_join(struct elect *e, struct peer *p, uint64_t session);

/* elect_follow.c */
void follow_enter(struct elect *e, const struct wire_ballot *b, bool joined, enum elect_why why);
void follow_leave(struct elect *e, const struct wire_ballot *hint, int64_t join_in_ms,
                  enum elect_why why);
void follow_alive(struct elect *e); /* a sign of life of the leader */
bool follow_silent(const struct elect *e, int64_t ms);
int64_t follow_misses(const struct elect *e); /* signs of life that may be missed */
bool follow_hears(const struct elect *e);     /* the leader, lately: as a voter */
void follow_evidence(struct elect *e);
void follow_restarted(struct elect *e);
void follow_beacon(struct elect *e, struct peer *p, const struct wire_msg *m);
void follow_hb(struct elect *e, const struct wire_msg *m);
void follow_joinack(struct elect *e, const struct wire_msg *m);
void follow_nak(struct elect *e, const struct peer *p, const struct wire_msg *m);
void follow_ping(struct elect *e, const struct peer *p, const struct wire_msg *m);
void follow_pong(struct elect *e, const struct peer *p, const struct wire_msg *m);
void follow_gap(struct elect *e);
void follow_tick(struct elect *e);
int64_t follow_due(const struct elect *e);

/* elect_keep.c */
void say_ping(struct elect *e, const struct peer *p);
void say_nak(struct elect *e, uint64_t session, const struct wire_ballot *hint);
void follow_catalog(struct elect *e);
void follow_report(struct elect *e, const struct nid *whom);
void follow_kaack(struct elect *e, const struct peer *p, const struct wire_msg *m);
void keep_ka(struct elect *e);
void keep_ping_tick(struct elect *e);

/* elect_poll.c */
void poll_start(struct elect *e);
void poll_stop(struct elect *e);
void poll_heard(struct elect *e, const struct peer *p, const struct wire_msg *m);
void poll_vote(struct elect *e, struct peer *p, const struct wire_msg *m);
void poll_tick(struct elect *e);
int64_t poll_due(const struct elect *e);

/* elect_lead.c */
void lead_enter(struct elect *e, uint16_t flags, unsigned votes, enum elect_why why);
void lead_leave(struct elect *e);
void lead_roll_call(struct elect *e);
void lead_roll_end(struct elect *e);
void lead_heard(struct elect *e); /* a member spoke: we are not alone */
void lead_beacon_soon(struct elect *e, int64_t gap_ms, int64_t in_ms);
void lead_answer_hello(struct elect *e, struct peer *p);
void lead_fill_beacon(struct elect *e, struct wire_msg *m);
void lead_standbys(struct elect *e); /* note who they are */
void lead_gap(struct elect *e, int64_t gap_ms);
void lead_resign(struct elect *e);
void lead_tick(struct elect *e);
int64_t lead_due(const struct elect *e);
bool lead_in_grace(const struct elect *e);

/* elect_ledger.c */
void ledger_clear(struct elect *e);
void ledger_list(struct elect *e); /* choose who is next */
void ledger_remove(struct elect *e, struct peer *p);
void ledger_nak(struct elect *e, struct peer *p, const struct wire_msg *m);
void ledger_join(struct elect *e, struct peer *p, const struct wire_msg *m);
void ledger_ka(struct elect *e, struct peer *p, const struct wire_msg *m);
void ledger_hback(struct elect *e, struct peer *p, const struct wire_msg *m);
void ledger_leave(struct elect *e, struct peer *p, const struct wire_msg *m);
void ledger_ping(struct elect *e, struct peer *p, const struct wire_msg *m);
void ledger_alive(struct elect *e, struct peer *p);
void ledger_suspect(struct elect *e, struct peer *p);
bool ledger_sweep(struct elect *e); /* whether somebody is suspected: come again soon */

/* elect_duel.c */
void duel_rival(struct elect *e, const struct nid *nid);
void duel_beacon(struct elect *e, const struct peer *p, const struct wire_msg *m);
void duel_faceoff(struct elect *e, const struct peer *p, const struct wire_msg *m);
void duel_foack(struct elect *e, const struct peer *p, const struct wire_msg *m);
/* Does leader a come before b? Whoever hears nobody of its ledger is last, then more followers by
 * size class, then age. */
bool duel_better(bool alone_a, unsigned live_a, uint64_t sen_a, const struct nid *a, bool alone_b,
                 unsigned live_b, uint64_t sen_b, const struct nid *b);
void duel_tick(struct elect *e);
int64_t duel_due(const struct elect *e);
