/* The election of core/elect among three peers, for spin. doc/ELECTION.md has the rules.
 *
 * First chaos: whatever can happen happens, in any order. Datagrams are lost, doubled, late and out
 * of order (one of each kind may be under way from each peer to each other one; it may arrive now,
 * later, twice, or be pushed out by the next). Peers crash and come back with nothing but their
 * name. Links are cut and joined, each direction by itself. Followers suspect a healthy leader, and
 * take over: nothing here leans on timers, polls or counts of followers being right, so all three
 * are free choices. Then calm: links whole, no faults, beacons in rounds; what was still under way
 * may come in first.
 *
 * Asserted: the term that a peer follows or leads never falls within one life (S2); two leaders
 * never both yield to each other (S4); a new leader stands above every ballot that its follower knew;
 * and after ROUNDS of calm there is one leader, and all follow its one ballot (L1).
 *
 * What is left out, because it changes no decision here: heartbeats and backups (they only decide when
 * somebody takes over), the join window, seniority by clock, demerits.
 *
 * test/model/run has the configurations, and the mutants that have to fail. */

#ifndef BALLOTS
#define BALLOTS 3 /* leaderships in chaos; calm may need one more */
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef CUTS
#define CUTS 0
#endif
#ifndef FLIGHT
#define FLIGHT 1 /* datagrams under way at one time */
#endif
#define ROUNDS 7
#define TERMS  (BALLOTS + 3)

#define NONE   3
#define LISTEN 0
#define FOLLOW 1
#define LEAD   2

#define AT(from, to) ((from) * 3 + (to))
#define OPEN(from, to) (!cut[AT(from, to)])

/* ---- a peer ---- */
byte role[3];
byte term[3];   /* the highest that it has led or followed */
byte ballot[3]; /* led or followed; 0: none */
byte sen[3];    /* smaller is older */
byte target[3]; /* LISTEN: whom to join */
bool hold[3];   /* LEAD: it told another to yield a moment ago, so it does not yield itself */
byte gave[3];   /* LISTEN: its own ballot gave way to this one */

/* ---- ballots: a number stands for (leader, incarnation, session) ---- */
byte owner[BALLOTS + 2];
byte prev[BALLOTS + 2]; /* the ballot that it follows; 0: none */
byte ballots;

/* ---- datagrams under way, by AT(from, to); ballot 0: none ---- */
byte beacon[9], beacon_term[9], beacon_hint[9]; /* hint NONE: leads; else yields to that one */
byte faceoff[9], faceoff_key[9];                /* of the asker */
byte foack[9], foack_key[9], foack_term[9];     /* foack: the ballot that was asked for, as a nonce */

bool cut[9];
byte crashes, cuts, youngest;

/* scratch, always 0 between steps so that states compare equal */
byte x, y, i, n, b, t, k, was;
bool stale, heard[3], all_in;
byte quiet[3];

inline count_flight() {
    n = 0; i = 0;
    do
    :: i < 9 -> n = n + (beacon[i] != 0) + (faceoff[i] != 0) + (foack[i] != 0); i++
    :: else -> break
    od;
    i = 0
}

inline any(v) { if :: v = 0 :: v = 1 :: v = 2 fi }

/* Of two leaders the smaller key goes on: more followers, then older. In chaos the count is a free
 * choice. */
inline any_key(p, key) { if :: key = 1 + sen[p] :: key = 9 + sen[p] fi }

/* Takeover: a higher term and a new ballot that names the one before. */
inline take_over(p, before) {
    ballots++;
    assert(ballots <= BALLOTS + 1);
    owner[ballots] = p; prev[ballots] = before;
    term[p] = term[p] + 1; ballot[p] = ballots;
    role[p] = LEAD; target[p] = NONE; hold[p] = false; gave[p] = 0
}

inline listen_for(p, whom) {
    role[p] = LISTEN; ballot[p] = 0; target[p] = whom; hold[p] = false
}

/* JOIN and JOINACK, there and back: the leader raises its term to the joiner's, and whoever would be older
 * than the leader gets the youngest's place. */
inline join(p, l) {
#ifndef M_JOIN_TERM
    if :: term[p] > term[l] -> term[l] = term[p] :: else fi;
#endif
    assert(term[l] >= term[p]); /* S2 for the joiner */
    if :: sen[p] < sen[l] -> youngest++; sen[p] = youngest :: else fi;
    role[p] = FOLLOW; ballot[p] = ballot[l]; term[p] = term[l]; target[p] = NONE; gave[p] = 0
}

/* A beacon of ballot b, term t and hint h reaches p from l. stale: p's own leader is silent. */
inline hear_beacon(l, p, b, t, h, stale) {
    if
    :: role[p] == FOLLOW && b == ballot[p] ->
        if
        :: h != NONE && h != p -> listen_for(p, h) /* it yields: go where it points */
        :: h == NONE -> heard[p] = true; if :: t > term[p] -> term[p] = t :: else fi
        :: else
        fi
    :: role[p] == FOLLOW && b != ballot[p] && h == NONE ->
        if
#ifdef M_SUCCESSOR_TERM
        :: stale && prev[b] == ballot[p] -> ballot[p] = b; term[p] = t; heard[p] = true
        :: stale && prev[b] != ballot[p] -> listen_for(p, l)
#else
        :: stale && prev[b] == ballot[p] && t > term[p] -> /* the successor of its very ballot */
            ballot[p] = b; term[p] = t; heard[p] = true
        :: stale && !(prev[b] == ballot[p] && t > term[p]) -> listen_for(p, l)
#endif
        :: !stale && owner[b] == owner[ballot[p]] && b > ballot[p] -> listen_for(p, l) /* came anew */
        :: !stale && !(owner[b] == owner[ballot[p]] && b > ballot[p]) /* followers are sticky */
        fi
    :: role[p] == LISTEN && h == NONE ->
        heard[p] = true;
        if :: target[p] == NONE || stale -> target[p] = l :: else fi
    :: else
    fi
}

/* The asker of a face-off gets an answer: a leader with a better key stands above it. */
inline yield_to(p, winner) {
    gave[p] = ballot[winner];
    assert(!(role[winner] == LISTEN && gave[winner] == ballot[p] && ballot[p] != 0)); /* S4 */
    b = ballot[p];
#ifndef M_STAYS
    listen_for(p, winner);
#endif
    i = 0;
    do
    :: i < 3 -> if :: i != p && OPEN(p, i) && n < FLIGHT ->
                        beacon[AT(p, i)] = b; beacon_term[AT(p, i)] = term[p]; beacon_hint[AT(p, i)] = winner; n++
                   :: else fi; i++
    :: else -> break
    od;
    i = 0; b = 0
}

inline forget(p) {
    i = 0;
    do
    :: i < 3 -> if :: i != p -> foack[AT(i, p)] = 0; foack_key[AT(i, p)] = 0; foack_term[AT(i, p)] = 0 :: else fi; i++
    :: else -> break
    od;
    i = 0
}

/* What p said under its hold is void by the time the hold ends (hold 1 s, answers count for 0.5 s). */
inline void_answers(p) {
    i = 0;
    do
    :: i < 3 -> foack[AT(p, i)] = 0; foack_key[AT(p, i)] = 0; foack_term[AT(p, i)] = 0; i++
    :: else -> break
    od;
    i = 0
}

/* ---- one step of chaos by peer x ---- */
inline act() {
    any(x);
    if
    :: role[x] == LEAD -> /* a beacon to somebody */
        any(y); count_flight();
        if :: x != y && OPEN(x, y) && (n < FLIGHT || beacon[AT(x, y)] != 0) ->
                beacon[AT(x, y)] = ballot[x]; beacon_term[AT(x, y)] = term[x]; beacon_hint[AT(x, y)] = NONE
           :: else fi
    :: role[x] == FOLLOW && ballots < BALLOTS -> take_over(x, ballot[x])
    :: role[x] == LISTEN && ballots < BALLOTS -> take_over(x, 0)
    :: crashes < CRASHES ->
        crashes++; forget(x); void_answers(x);
        listen_for(x, NONE); term[x] = 0; gave[x] = 0; youngest++; sen[x] = youngest
    :: role[x] == LISTEN && target[x] != NONE ->
        y = target[x];
        if
        :: y != x && role[y] == LEAD && OPEN(x, y) && OPEN(y, x) -> join(x, y)
        :: target[x] = NONE /* no answer, or a NAK */
        fi
    :: role[x] == LEAD && hold[x] -> hold[x] = false; void_answers(x)
    :: else
    fi;
    x = 0; y = 0; n = 0
}

inline beacon_arrives() {
    any(x); any(y);
    if
    :: x != y && beacon[AT(x, y)] != 0 && OPEN(x, y) ->
        b = beacon[AT(x, y)]; t = beacon_term[AT(x, y)]; k = beacon_hint[AT(x, y)];
        if :: stale = true :: stale = false fi;
        if :: beacon[AT(x, y)] = 0; beacon_term[AT(x, y)] = 0; beacon_hint[AT(x, y)] = 0 :: skip fi;
        was = term[y];
        if
        :: role[y] == LEAD && k == NONE && OPEN(y, x) -> /* two leaders: ask it */
            count_flight();
            if :: n < FLIGHT || faceoff[AT(y, x)] != 0 -> faceoff[AT(y, x)] = ballot[y]; any_key(y, faceoff_key[AT(y, x)]) :: else fi
        :: else -> hear_beacon(x, y, b, t, k, stale)
        fi;
        assert(term[y] >= was); /* S2 */
        heard[y] = false
    :: else
    fi;
    x = 0; y = 0; b = 0; t = 0; k = 0; n = 0; was = 0; stale = false
}

inline faceoff_arrives() {
    any(x); any(y);
    if
    :: x != y && faceoff[AT(x, y)] != 0 && OPEN(x, y) ->
        b = faceoff[AT(x, y)]; k = faceoff_key[AT(x, y)];
        if :: faceoff[AT(x, y)] = 0; faceoff_key[AT(x, y)] = 0 :: skip fi;
        if
        :: role[y] == LEAD ->
            any_key(y, t);
            count_flight();
            if
            :: t < k && term[x] < TERMS && OPEN(y, x) && (n < FLIGHT || foack[AT(y, x)] != 0) -> /* y is better */
                if :: term[x] >= term[y] -> term[y] = term[x] + 1 :: else fi;
                hold[y] = true;
                foack[AT(y, x)] = b; foack_key[AT(y, x)] = t; foack_term[AT(y, x)] = term[y]
            :: t >= k && OPEN(y, x) && (n < FLIGHT || faceoff[AT(y, x)] != 0) -> /* it is worse: ask in turn */
                faceoff[AT(y, x)] = ballot[y]; faceoff_key[AT(y, x)] = t
            :: else
            fi
        :: else
        fi
    :: else
    fi;
    x = 0; y = 0; b = 0; k = 0; t = 0; n = 0
}

inline foack_arrives() {
    any(x); any(y);
    if
    :: x != y && foack[AT(x, y)] != 0 && OPEN(x, y) ->
        b = foack[AT(x, y)]; k = foack_key[AT(x, y)];
        if :: foack[AT(x, y)] = 0; foack_key[AT(x, y)] = 0; foack_term[AT(x, y)] = 0 :: skip fi;
        if
#ifdef M_HOLD
        :: role[y] == LEAD && ballot[y] == b ->
#else
        :: role[y] == LEAD && ballot[y] == b && !hold[y] -> /* b is its nonce */
#endif
            any_key(y, t);
            if :: k < t -> count_flight(); yield_to(y, x) :: else fi
        :: else
        fi
    :: else
    fi;
    x = 0; y = 0; b = 0; k = 0; t = 0; n = 0
}

inline link_changes() {
    cuts < CUTS -> cuts++;
    any(x); any(y);
    if :: x != y -> cut[AT(x, y)] = !cut[AT(x, y)] :: else fi;
    x = 0; y = 0
}

/* ---- calm ---- */

/* What was under way comes in, or not. */
inline left_overs() {
    n = 0;
    do
    :: n < 9 ->
        x = n / 3; y = n % 3;
        if :: x != y && beacon[n] != 0 && role[y] != LEAD ->
                if :: was = term[y]; if :: stale = true :: stale = false fi;
                      b = beacon[n]; t = beacon_term[n]; k = beacon_hint[n];
                      hear_beacon(x, y, b, t, k, stale); assert(term[y] >= was)
                   :: skip fi
           :: else fi;
        if :: x != y && foack[n] != 0 && role[y] == LEAD && ballot[y] == foack[n] && !hold[y] ->
                if :: listen_for(y, x) :: skip fi
           :: else fi;
        beacon[n] = 0; beacon_term[n] = 0; beacon_hint[n] = 0; faceoff[n] = 0; faceoff_key[n] = 0;
        foack[n] = 0; foack_key[n] = 0; foack_term[n] = 0; n++
    :: else -> break
    od;
    n = 0; x = 0; y = 0; b = 0; t = 0; k = 0; was = 0; stale = false
}

inline followers_of(l, out) {
    out = 0; i = 0;
    do
    :: i < 3 -> if :: role[i] == FOLLOW && ballot[i] == ballot[l] -> out++ :: else fi; i++
    :: else -> break
    od;
    i = 0
}

/* Leaders x and y hear each other: roll call, face-off, the worse one yields and its followers know where to. */
inline settle_leaders() {
    followers_of(x, b); followers_of(y, t);
    if
    :: b > t || (b == t && sen[x] < sen[y]) -> b = x; t = y
    :: else -> b = y; t = x
    fi;
    if :: term[t] >= term[b] -> term[b] = term[t] + 1 :: else fi;
    k = ballot[t];
#ifndef M_STAYS
    listen_for(t, b);
#endif
    i = 0;
    do
    :: i < 3 -> if :: role[i] == FOLLOW && ballot[i] == k -> listen_for(i, b) :: else fi; i++
    :: else -> break
    od;
    i = 0; b = 0; t = 0; k = 0
}

/* Every leader's beacon reaches everybody; then JOINs; then whoever is silent for two rounds acts: a poll that
 * finds no leader lets the oldest one take over. */
inline round_of_calm(first) {
    heard[0] = false; heard[1] = false; heard[2] = false;
    n = 0;
    do
    :: n < 9 ->
        x = (first + n / 3) % 3; y = n % 3;
        if
        :: x != y && role[x] == LEAD && role[y] == LEAD -> settle_leaders()
        :: x != y && role[x] == LEAD && role[y] != LEAD ->
            stale = quiet[y] >= 2; was = term[y];
            hear_beacon(x, y, ballot[x], term[x], NONE, stale);
            assert(term[y] >= was)
        :: else
        fi; n++
    :: else -> break
    od;
    n = 0;
    do
    :: n < 3 ->
        if :: role[n] == LISTEN && target[n] != NONE ->
                y = target[n];
                if :: y != n && role[y] == LEAD -> join(n, y); heard[n] = true
#ifndef M_TARGET
                   :: else -> target[n] = NONE
#else
                   :: else
#endif
                fi
           :: else fi; n++
    :: else -> break
    od;
    n = 0; y = 0; x = NONE; k = 0;
    do
    :: n < 3 ->
        if :: role[n] == LEAD -> k = 1; quiet[n] = 0
           :: role[n] != LEAD && heard[n] -> quiet[n] = 0
           :: else -> if :: quiet[n] < 3 -> quiet[n]++ :: else fi
        fi; n++
    :: else -> break
    od;
    n = 0;
    do
    :: n < 3 && k == 0 -> if :: quiet[n] >= 2 && (x == NONE || sen[n] < sen[x]) -> x = n :: else fi; n++
    :: else -> break
    od;
    if :: k == 0 && x != NONE -> take_over(x, ballot[x]) :: else fi;
    n = 0; x = 0; k = 0; was = 0; stale = false
}

active proctype world()
{
    byte first, rounds;

    atomic {
        sen[0] = 0; sen[1] = 1; sen[2] = 2; youngest = 2;
        target[0] = NONE; target[1] = NONE; target[2] = NONE;
#ifndef COLD
        take_over(0, 0);
        role[1] = FOLLOW; ballot[1] = 1; term[1] = 1;
        role[2] = FOLLOW; ballot[2] = 1; term[2] = 1;
#endif
    }
    do
    :: atomic { act() }
    :: atomic { beacon_arrives() }
    :: atomic { faceoff_arrives() }
    :: atomic { foack_arrives() }
    :: atomic { link_changes() }
    :: break
    od;
    atomic {
        i = 0;
        do :: i < 9 -> cut[i] = false; i++ :: else -> break od;
        i = 0;
        left_overs();
        hold[0] = false; hold[1] = false; hold[2] = false;
        any(first);
        do
        :: rounds < ROUNDS -> round_of_calm(first); rounds++
        :: else -> break
        od;
        /* L1 */
        n = 0; x = 0; i = 0;
        do
        :: i < 3 -> if :: role[i] == LEAD -> n++; x = i :: else fi; i++
        :: else -> break
        od;
        assert(n == 1);
        i = 0;
        do
        :: i < 3 -> assert(i == x || (role[i] == FOLLOW && ballot[i] == ballot[x])); i++
        :: else -> break
        od
    }
}
