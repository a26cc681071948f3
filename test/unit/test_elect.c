/* Election: transcripts of small LANs, and one service alone against messages made by hand. */
#include "../sim/elect_lan.c"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

/* ---- transcripts ---- */

static struct buf log_of_lan;

static void open_lan(int hosts)
{
    lan_open(hosts, 1, 0);
    lan.log = &log_of_lan;
    buf_reset(&log_of_lan);
    if (setjmp(lan.failed))
        fail_msg("%s", lan.why);
}

static void close_lan(void)
{
    lan_close();
    lan.log = NULL;
    buf_free(&log_of_lan);
}

static void start_all(void)
{
    for (int i = 0; i < lan.hosts; i++) {
        lan_start(i);
        lan_run(20 * MS);
    }
}

/* What was said since the last call. */
static void said(const char *lines)
{
    assert_string_equal(buf_cstr(&log_of_lan), lines);
    buf_reset(&log_of_lan);
}

static void the_first_one_leads(void **state)
{
    (void)state;
    open_lan(3);
    start_all();
    lan_run(SECOND);
    said("a > start\n"
         "b > start\n"
         "c > start\n"
         "a > lead 1\n"
         "a > up b\n"
         "b > follow a 1\n"
         "a > up c\n"
         "c > follow a 1\n");
    lan_run(30 * SECOND);
    said("");
    close_lan();
}

static void the_next_takes_over(void **state)
{
    (void)state;
    open_lan(3);
    start_all();
    lan_run(5 * SECOND);
    buf_reset(&log_of_lan);
    lan_crash(0, false);
    lan_run(SECOND);
    said("a > X\n"
         "b > lead 2\n"
         "c > follow b 2\n"
         "b > up c\n");
    lan_start(0);
    lan_run(SECOND);
    said("a > start\n"
         "b > up a\n"
         "a > follow b 2\n");
    lan_run(60 * SECOND); /* it is the youngest now, and stays so */
    said("");
    close_lan();
}

static void a_refused_port_is_quicker_than_silence(void **state)
{
    int64_t silent, refused;

    (void)state;
    open_lan(4);
    start_all();
    lan_run(5 * SECOND);
    lan_crash(0, false);
    silent = lan_settle(5 * SECOND, true);
    lan_run(5 * SECOND);
    lan_crash(lan_leader(), true);
    refused = lan_settle(5 * SECOND, true);
    assert_true(refused > 0 && silent > 0 && refused < silent);
    close_lan();
}

static void who_leaves_says_so(void **state)
{
    (void)state;
    open_lan(3);
    start_all();
    lan_run(5 * SECOND);
    buf_reset(&log_of_lan);
    lan_leave(2);
    said("c > leave\n"
         "a > down c\n"
         "c > X\n");
    lan_leave(0);
    said("a > leave\n"
         "b > lead 2\n"
         "a > X\n");
    lan_leave(1);
    said("b > leave\n"
         "b > X\n");
    close_lan();
}

static void a_change_of_catalog_is_told(void **state)
{
    (void)state;
    open_lan(2);
    start_all();
    lan_run(5 * SECOND);
    buf_reset(&log_of_lan);
    lan_catalog(1, 77);
    lan_run(5 * MS);
    said("a > changed b 77\n");
    for (uint64_t n = 78; n < 178; n++)
        lan_catalog(1, n); /* a hundred at once */
    lan_run(50 * MS);
    said("a > changed b 177\n");
    close_lan();
}

static void two_sides_merge(void **state)
{
    (void)state;
    open_lan(5);
    start_all();
    lan_run(5 * SECOND);
    lan_cut(0, 1);
    lan_cut(1, 1);
    lan_run(15 * SECOND);
    buf_reset(&log_of_lan);
    lan_heal(); /* a leads b, c leads d and e: more follow c, though a is older */
    lan_run(2 * SECOND);
    said("c > up a\n"
         "a > follow c 2\n"
         "c > up b\n"
         "b > follow c 2\n");
    close_lan();
}

static void a_lone_one_that_never_leads_knows_no_leader(void **state)
{
    struct elect_peer p;
    uint64_t term;

    (void)state;
    open_lan(2);
    lan.host[0].conf.never_lead = true;
    lan_start(0);
    lan_run(20 * SECOND);
    assert_false(elect_leader(lan.host[0].e, &p, &term));
    lan_start(1);
    lan_run(SECOND);
    assert_true(elect_leader(lan.host[0].e, &p, &term));
    assert_true(nid_eq(&p.nid, &lan.host[1].nid));
    assert_int_equal(p.addr.port, lan.host[1].conf.tcp_port);
    assert_int_equal(p.addr.ip[3], 2);
    assert_int_equal(term, 1);
    lan_crash(1, false);
    lan_run(20 * SECOND);
    assert_int_equal(elect_role(lan.host[0].e), ELECT_LISTEN);
    assert_false(elect_leader(lan.host[0].e, &p, &term));
    close_lan();
}

static void many_die_at_once(void **state)
{
    (void)state;
    open_lan(60);
    start_all();
    assert_true(lan_settle(10 * SECOND, true) >= 0);
    for (int i = 1; i < 60; i++)
        lan_crash(i, false);
    assert_true(lan_settle(20 * SECOND, true) >= 0);
    assert_int_equal(lan.host[0].e->members, 0);
    close_lan();
}

static int standby_of(int i, int whom, bool warm)
{
    struct elect_view v;

    elect_view(lan.host[i].e, &v);
    for (size_t k = 0; k < v.standbys; k++)
        if (nid_eq(&v.standby[k].nid, &lan.host[whom].nid)) {
            assert_int_equal(v.standby[k].warm, warm);
            assert_int_equal(v.standby[k].self, i == whom);
            assert_int_equal(v.standby[k].addr.port, i == whom ? 0 : lan.host[whom].conf.tcp_port);
            return (int)k + 1;
        }
    return 0;
}

static void all_know_who_stands_by_and_whether_it_is_warm(void **state)
{
    (void)state;
    open_lan(4);
    for (int i = 0; i < 4; i++) { /* they stand by in the order they came in */
        lan_start(i);
        lan_run(SECOND);
    }
    lan_run(SECOND);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(standby_of(i, 1, false), 1);
        assert_int_equal(standby_of(i, 2, false), 2);
        assert_int_equal(standby_of(i, 3, false), 0);
    }
    lan_event(2, &(struct elect_in){.kind = ELECT_WARM, .warm = true});
    lan_event(3, &(struct elect_in){.kind = ELECT_WARM, .warm = true}); /* has no say */
    lan_run(SECOND);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(standby_of(i, 1, false), 1);
        assert_int_equal(standby_of(i, 2, true), 2);
    }
    lan_crash(1, false);
    lan_run(15 * SECOND);
    for (int i = 0; i < 4; i++)
        if (i != 1) {
            assert_int_equal(standby_of(i, 2, true), 1);
            assert_int_equal(standby_of(i, 3, true), 2); /* it had said so before */
        }
    lan_crash(0, false); /* warm is for one leader */
    lan_run(SECOND);
    assert_int_equal(standby_of(2, 3, false), 1);
    close_lan();
}

static void how_long_and_why_can_be_asked(void **state)
{
    static struct elect_peer p[4];
    struct elect_view v;
    uint64_t term;

    (void)state;
    open_lan(3);
    start_all();
    lan_run(20 * SECOND);
    elect_view(lan.host[0].e, &v);
    assert_int_equal(v.why, ELECT_WHY_FIRST);
    elect_view(lan.host[2].e, &v);
    assert_int_equal(v.why, ELECT_WHY_FOUND);
    assert_int_equal(v.changes, 1);
    assert_int_equal(v.members, 2);
    assert_int_equal(elect_peers(lan.host[0].e, p, 4), 3);
    for (int i = 0; i < 3; i++) {
        assert_in_range(p[i].member_since_ms, 1000, 3000);
        assert_int_equal(p[i].loss_permille, i ? 0 : -1);
        assert_int_equal(p[i].standby, i);
    }
    lan_crash(0, false);
    lan_run(20 * SECOND);
    elect_view(lan.host[2].e, &v);
    assert_int_equal(v.why, ELECT_WHY_SILENT);
    assert_int_equal(v.changes, 2);
    assert_true(v.role_since_ms < 5000); /* a follower all the time */
    assert_true(elect_leader(lan.host[2].e, p, &term));
    assert_in_range(p[0].member_since_ms, 0, 3000); /* the new leader was a member before */
    lan_start(0);
    lan_run(SECOND);
    lan_leave(1);
    lan_run(SECOND);
    elect_view(lan.host[0].e, &v);
    assert_int_equal(v.why, ELECT_WHY_RESIGNED);
    assert_string_equal(elect_why_text(v.why), "the one before left");
    lan_sleep(2, 20 * SECOND);
    lan_run(25 * SECOND);
    elect_view(lan.host[2].e, &v);
    assert_int_equal(v.why, ELECT_WHY_SLEPT);
    close_lan();
}

static void loss_is_measured(void **state)
{
    static struct elect_peer p[4];
    uint64_t term;

    (void)state;
    open_lan(4);
    start_all();
    lan_run(5 * SECOND);
    lan.loss_pct = 20;
    lan_run(60 * SECOND);
    assert_true(elect_leader(lan.host[1].e, p, &term)); /* of heartbeats */
    assert_in_range(p[0].loss_permille, 50, 400);
    assert_true(elect_leader(lan.host[3].e, p, &term)); /* of beacons */
    assert_in_range(p[0].loss_permille, 50, 400);
    close_lan();
}

/* ---- one service alone ---- */

#define OTHERS 4

static struct {
    struct elect *e;
    struct elect_out out;
    int64_t now;
    struct seal_key key[OTHERS];
    struct wire_msg msg[OTHERS]; /* head of each one's next message */
    struct addr addr[OTHERS];
} one;

static void open_one(uint64_t sen)
{
    uint8_t seed[32] = {99};
    struct elect_conf conf = {.inc = 5, .sen = sen, .tcp_port = 80};

    memset(&one, 0, sizeof one);
    seal_key_from_seed(&conf.key, seed);
    one.e = elect_new(&conf, 1);
    one.now = 1000;
    for (int i = 0; i < OTHERS; i++) {
        seed[0] = (uint8_t)(i + 1);
        seal_key_from_seed(&one.key[i], seed);
        seal_nid(&one.msg[i].nid, one.key[i].pub);
        one.msg[i].inc = 7;
        one.addr[i] = (struct addr){.family = 4, .ip = {10, 0, 0, (uint8_t)(i + 2)}, .port = 1235};
    }
}

static void close_one(void)
{
    elect_free(one.e);
    one.e = NULL;
}

static void step_one(const struct elect_in *given)
{
    struct elect_in in = *given;

    in.now_ms = one.now;
    elect_step(one.e, &in, &one.out);
    elect_check(one.e);
}

/* Time passes; what is sent meanwhile is forgotten. */
static void pass(int64_t ms)
{
    for (int64_t end = one.now + ms; one.now < end;) {
        int64_t due = elect_due_ms(one.e);

        one.now = due > one.now ? (due < end ? due : end) : one.now + 1;
        step_one(&(struct elect_in){.kind = ELECT_TICK});
    }
}

/* Host i's next message; fill in u, then hear it. */
static struct wire_msg *from(int i, enum wire_type type)
{
    struct wire_msg *m = &one.msg[i];

    m->type = (uint8_t)type;
    m->flags = 0;
    m->seq++;
    memset(&m->u, 0, sizeof m->u);
    if (wire_is_signed(type))
        memcpy(m->pub, one.key[i].pub, 32);
    else
        memset(m->pub, 0, 32);
    return m;
}

static void hear(int i)
{
    step_one(&(struct elect_in){.kind = ELECT_DATAGRAM, .msg = &one.msg[i], .from = one.addr[i]});
}

/* The only message of this type that went out in the last step; NULL: none. */
static const struct wire_msg *sent(enum wire_type type)
{
    for (size_t i = 0; i < one.out.sends; i++)
        if (one.out.send[i].msg->type == type)
            return one.out.send[i].msg;
    return NULL;
}

static const struct elect_news *told(enum elect_news_kind kind)
{
    for (size_t i = 0; i < one.out.news_count; i++)
        if (one.out.news[i].kind == kind)
            return &one.out.news[i];
    return NULL;
}

static void lead_alone(void)
{
    step_one(&(struct elect_in){.kind = ELECT_START});
    pass(1000);
    assert_int_equal(elect_role(one.e), ELECT_LEAD);
}

static void join(int i, uint64_t sen)
{
    struct wire_msg *m = from(i, WIRE_JOIN);

    m->u.join.session = one.e->cur.session;
    m->u.join.nonce = 40;
    m->u.join.sen = sen;
    m->u.join.tcp_port = 81;
    m->u.join.generation = 3;
    m->u.join.number = 4;
    hear(i);
}

static void keep_alive(int i, uint64_t number)
{
    struct wire_msg *m = from(i, WIRE_KA);

    m->u.ka.session = one.e->cur.session;
    m->u.ka.generation = 3;
    m->u.ka.number = number;
    hear(i);
}

static void a_join_is_news_and_answered(void **state)
{
    const struct elect_news *n;
    const struct wire_msg *m;

    (void)state;
    open_one(100);
    lead_alone();
    join(0, 200);
    n = told(ELECT_PEER_UP);
    assert_non_null(n);
    assert_memory_equal(n->peer.pub, one.key[0].pub, 32);
    assert_int_equal(n->peer.addr.port, 81);
    assert_int_equal(n->peer.addr.ip[3], 2);
    assert_int_equal(n->peer.inc, 7);
    assert_int_equal(n->peer.generation, 3);
    assert_int_equal(n->peer.number, 4);
    n = told(ELECT_STANDBY);
    assert_non_null(n);
    assert_int_equal(n->place, 0);
    assert_memory_equal(n->standby[0], one.msg[0].nid.b, sizeof n->standby[0]);
    m = sent(WIRE_JOINACK);
    assert_non_null(m);
    assert_int_equal(m->u.joinack.nonce, 40);
    assert_int_equal(m->u.joinack.granted, 200);
    assert_int_equal(m->u.joinack.term, 1);
    keep_alive(0, 4);
    assert_null(told(ELECT_PEER_CHANGED));
    assert_non_null(sent(WIRE_KAACK));
    keep_alive(0, 5);
    assert_non_null(told(ELECT_PEER_CHANGED));
    close_one();
}

static void an_overtaken_message_does_not_take_a_catalog_back(void **state)
{
    uint64_t seq;

    (void)state;
    open_one(100);
    lead_alone();
    join(0, 200);
    seq = one.msg[0].seq;
    one.msg[0].seq += 1;
    keep_alive(0, 9);
    assert_non_null(told(ELECT_PEER_CHANGED));
    one.msg[0].seq = seq; /* sent before, comes after */
    keep_alive(0, 8);
    assert_non_null(sent(WIRE_KAACK));
    assert_null(told(ELECT_PEER_CHANGED));
    close_one();
}

/* Three joined; of them only the third is heard, until `quiet`. When it becomes a backup. */
static int64_t third_is_a_backup(int64_t quiet)
{
    open_one(100);
    lead_alone();
    for (int i = 0; i < 3; i++)
        join(i, 200u + (unsigned)i);
    while (one.e->list.len < 1 ||
           memcmp(one.e->list.id[0], one.msg[2].nid.b, sizeof one.e->list.id[0]) != 0) {
        assert_true(one.now < 60000);
        pass(50);
        if (one.now < quiet)
            keep_alive(2, 4);
    }
    return one.now;
}

static void a_new_backup_has_answered_nothing_yet(void **state)
{
    int64_t quiet;

    (void)state;
    quiet = third_is_a_backup(INT64_MAX) - 600;
    close_one();
    third_is_a_backup(quiet);
    pass(quiet + 1400 - one.now); /* a second until it doubts, and a roll call */
    assert_true(one.e->lead.flags & WIRE_ALONE);
    close_one();
}

static void the_ledger_can_be_asked_for(void **state)
{
    struct elect_peer p[3];

    (void)state;
    open_one(100);
    lead_alone();
    assert_int_equal(elect_peers(one.e, p, 3), 1);
    assert_true(nid_eq(&p[0].nid, &one.e->nid));
    for (int i = 0; i < OTHERS; i++)
        join(i, 200);
    memset(p, 0, sizeof p);
    assert_int_equal(elect_peers(one.e, p, 2), 1 + OTHERS); /* as many as there are, not as fit */
    assert_true(nid_eq(&p[1].nid, &one.msg[0].nid));
    assert_true(nid_is_zero(&p[2].nid));
    assert_int_equal(elect_peers(one.e, NULL, 0), 1 + OTHERS);
    close_one();
}

static void unsigned_ones_count_only_from_where_signed_ones_came(void **state)
{
    (void)state;
    open_one(100);
    lead_alone();
    keep_alive(0, 1); /* never introduced */
    assert_int_equal(one.out.sends, 0);
    join(0, 200);
    one.addr[0].ip[3] = 99; /* elsewhere */
    keep_alive(0, 5);
    assert_int_equal(one.out.sends, 0);
    one.addr[0].ip[3] = 2;
    one.msg[0].inc = 8; /* an incarnation that was not introduced */
    keep_alive(0, 5);
    assert_int_equal(one.out.sends, 0);
    one.msg[0].inc = 7;
    keep_alive(0, 5);
    assert_non_null(sent(WIRE_KAACK));
    close_one();
}

static void replays_are_dropped(void **state)
{
    struct wire_msg old;

    (void)state;
    open_one(100);
    lead_alone();
    join(0, 200);
    old = one.msg[0];
    one.msg[0].u.join.number = 9;
    hear(0); /* same seq */
    assert_int_equal(one.out.sends + one.out.news_count, 0);
    one.msg[0].seq += 5000;
    keep_alive(0, 6);
    assert_non_null(told(ELECT_PEER_CHANGED));
    one.msg[0] = old;
    one.msg[0].seq++; /* never heard, but too old to tell */
    hear(0);
    assert_int_equal(one.out.sends + one.out.news_count, 0);
    close_one();
}

static void windows(void **state)
{
    struct window w = {0};

    (void)state;
    assert_true(window_take(&w, 5));
    assert_false(window_take(&w, 5));
    assert_true(window_take(&w, 3));
    assert_true(window_take(&w, 900));
    assert_true(window_take(&w, 4));
    assert_false(window_take(&w, 3));
    assert_true(window_take(&w, 5000));
    assert_false(window_take(&w, 900));
    assert_true(window_take(&w, 4900));
    assert_false(window_take(&w, 4900));
    assert_true(window_take(&w, UINT64_MAX));
    assert_false(window_take(&w, UINT64_MAX));
    assert_false(window_take(&w, 5000));
    assert_true(window_take(&w, UINT64_MAX - 800));
    assert_false(window_take(&w, UINT64_MAX - 800));
}

static void a_new_incarnation_ends_the_old_one(void **state)
{
    const struct elect_news *n;

    (void)state;
    open_one(100);
    lead_alone();
    join(0, 200);
    one.msg[0].inc = 8;
    one.msg[0].seq = 0;
    from(0, WIRE_HELLO)->u.hello.sen = 300;
    hear(0);
    n = told(ELECT_PEER_DOWN);
    assert_non_null(n);
    assert_int_equal(n->peer.inc, 7);
    join(0, 300);
    assert_int_equal(told(ELECT_PEER_UP)->peer.inc, 8);
    one.msg[0].inc = 7; /* somebody plays back its former life */
    one.msg[0].seq = 900;
    join(0, 200);
    assert_int_equal(one.out.sends + one.out.news_count, 0);
    close_one();
}

/* A NAK is not addressed: one that was said to somebody else can be played to the leader. */
static void a_nak_for_somebody_else_removes_nobody(void **state)
{
    struct wire_msg *m;

    (void)state;
    open_one(100);
    lead_alone();
    join(0, 200);
    m = from(0, WIRE_NAK); /* "I don't lead that, the one who hears this does" */
    m->u.nak.session = one.e->cur.session;
    m->u.nak.hint = one.e->cur;
    hear(0);
    assert_null(told(ELECT_PEER_DOWN));
    one.msg[0].seq = 100;
    join(0, 200);
    m = from(0, WIRE_NAK); /* said before it joined, heard now */
    m->u.nak.session = one.e->cur.session;
    m->seq = 99;
    hear(0);
    assert_null(told(ELECT_PEER_DOWN));
    m->seq = 150; /* it does follow another one */
    m->u.nak.hint = (struct wire_ballot){9, one.msg[1].nid, 7, 2000};
    hear(0);
    assert_non_null(told(ELECT_PEER_DOWN));
    close_one();
}

static void the_leader_is_always_the_oldest(void **state)
{
    static const uint64_t proposed[] = {0, UINT64_MAX, 99, SEN_MAX + 1};

    (void)state;
    open_one(100);
    lead_alone();
    for (int i = 0; i < OTHERS; i++) {
        join(i, proposed[i]); /* elect_check looks at the order */
        assert_true(sent(WIRE_JOINACK)->u.joinack.granted > 100);
    }
    join(0, 0); /* asking again does not change the place */
    assert_int_equal(sent(WIRE_JOINACK)->u.joinack.granted, 101);
    close_one();

    open_one(UINT64_MAX); /* with a mad clock of our own */
    lead_alone();
    for (int i = 0; i < OTHERS; i++)
        join(i, proposed[i]);
    close_one();
}

static void mad_terms_do_not_stop_elections(void **state)
{
    (void)state;
    open_one(100);
    lead_alone();
    one.msg[0].max_term = UINT64_MAX;
    join(0, 200);
    assert_int_equal(sent(WIRE_JOINACK)->u.joinack.term, TERM_MAX);
    step_one(&(struct elect_in){.kind = ELECT_GAP, .gap_ms = 1000});
    pass(1000);
    assert_int_equal(elect_role(one.e), ELECT_LEAD);
    close_one();
}

/* We follow host 0; what host 1 says and does does not matter. */
static void follow_host_0(void)
{
    struct wire_msg *m;

    step_one(&(struct elect_in){.kind = ELECT_START});
    m = from(0, WIRE_BEACON);
    m->u.beacon.term = 3;
    m->u.beacon.session = 1000;
    m->u.beacon.sen = 10;
    m->u.beacon.members = 3;
    m->u.beacon.tcp_port = 90;
    hear(0);
    while (!sent(WIRE_JOIN))
        pass(1);
    m = from(0, WIRE_JOINACK);
    m->u.joinack.term = 3;
    m->u.joinack.session = 1000;
    m->u.joinack.nonce = sent(WIRE_JOIN)->u.join.nonce;
    m->u.joinack.granted = 500;
    m->u.joinack.members = 3;
    m->u.joinack.tcp_port = 90;
    hear(0);
    assert_int_equal(elect_role(one.e), ELECT_FOLLOW);
    assert_non_null(told(ELECT_LEADER));
}

static void a_joinack_needs_our_nonce(void **state)
{
    struct wire_msg *m;

    (void)state;
    open_one(100);
    step_one(&(struct elect_in){.kind = ELECT_START});
    m = from(0, WIRE_BEACON);
    m->u.beacon.term = 3;
    m->u.beacon.session = 1000;
    hear(0);
    while (!sent(WIRE_JOIN))
        pass(1);
    m = from(0, WIRE_JOINACK);
    m->u.joinack.term = 3;
    m->u.joinack.session = 1000;
    m->u.joinack.nonce = 12345;
    hear(0);
    assert_int_equal(elect_role(one.e), ELECT_LISTEN);
    close_one();
}

static void followers_are_sticky(void **state)
{
    struct wire_msg *m;

    (void)state;
    open_one(100);
    follow_host_0();
    m = from(1, WIRE_BEACON); /* another leader, older, larger, later */
    m->u.beacon.term = 9;
    m->u.beacon.session = 2000;
    m->u.beacon.sen = 1;
    m->u.beacon.live = 500;
    hear(1);
    assert_int_equal(one.e->cur.session, 1000);
    assert_non_null(sent(WIRE_CONFLICT)); /* but ours is told */
    assert_true(nid_eq(&sent(WIRE_CONFLICT)->u.conflict.rival.leader, &one.msg[1].nid));
    m = from(1, WIRE_BEACON); /* says it succeeds ours, which we hear: not without others' word */
    m->u.beacon.term = 9;
    m->u.beacon.session = 2000;
    m->u.beacon.prev = 1000;
    hear(1);
    assert_int_equal(one.e->cur.session, 1000);
    m = from(1, WIRE_NAK); /* not from our leader */
    m->u.nak.session = 1000;
    m->u.nak.hint = (struct wire_ballot){9, one.msg[1].nid, 7, 2000};
    hear(1);
    assert_int_equal(one.e->cur.session, 1000);
    pass(301); /* ours has been silent: now it may */
    assert_int_equal(one.e->cur.session, 2000);
    assert_int_equal(one.e->cur.term, 9);
    close_one();
}

static void a_voted_successor_is_followed_at_once_but_not_a_lower_term(void **state)
{
    struct wire_msg *m;

    (void)state;
    open_one(100);
    follow_host_0();
    m = from(1, WIRE_BEACON);
    m->flags = WIRE_VOTED | WIRE_COLD;
    m->u.beacon.term = 3;
    m->u.beacon.session = 2000;
    m->u.beacon.prev = 1000;
    hear(1);
    assert_int_equal(elect_role(one.e),
                     ELECT_LISTEN); /* goes to join it, with its own higher term */
    close_one();
    open_one(100);
    follow_host_0();
    m = from(1, WIRE_BEACON);
    m->flags = WIRE_VOTED | WIRE_COLD;
    m->u.beacon.term = 4;
    m->u.beacon.session = 2000;
    m->u.beacon.prev = 1000;
    hear(1);
    assert_int_equal(elect_role(one.e), ELECT_FOLLOW);
    assert_true(nid_eq(&told(ELECT_LEADER)->peer.nid, &one.msg[1].nid));
    assert_int_equal(told(ELECT_LEADER)->term, 4);
    assert_int_equal(told(ELECT_LEADER)->peer.addr.ip[3], 3);
    close_one();
}

static void nobody_takes_over_while_others_hear_the_leader(void **state)
{
    (void)state;
    open_one(100);
    follow_host_0();
    for (int round = 0; round < 50; round++) {
        uint64_t nonce = 0;

        for (int ms = 0; ms < 6000 && elect_role(one.e) != ELECT_CAND; ms++)
            pass(1);
        assert_int_equal(elect_role(one.e), ELECT_CAND);
        assert_non_null(sent(WIRE_POLL));
        nonce = sent(WIRE_POLL)->u.poll.nonce;
        for (int i = 1; i < 3; i++) {
            struct wire_msg *m = from(i, WIRE_VOTE);

            m->u.vote.nonce = nonce;
            m->u.vote.kind = WIRE_HEAR;
            hear(i);
        }
        for (int i = 0; i < 5; i++) { /* one voice, however often it votes */
            struct wire_msg *m = from(3, WIRE_VOTE);

            m->u.vote.nonce = nonce;
            m->u.vote.kind = WIRE_LOST;
            hear(3);
        }
        while (elect_role(one.e) == ELECT_CAND)
            pass(1);
        assert_int_equal(elect_role(one.e), ELECT_FOLLOW);
    }
    close_one();
}

/* Lists that were told at different times, as when a switch breaks while members still join: each
 * finds another's place worse than its own, and would wait for it for ever. */
static void who_claims_the_better_place_is_not_waited_for_for_ever(void **state)
{
    int round = 0;

    (void)state;
    open_one(100);
    follow_host_0();
    for (; elect_role(one.e) != ELECT_LEAD; round++) {
        uint64_t nonce;

        assert_true(round < 5);
        for (int ms = 0; ms < 6000 && elect_role(one.e) != ELECT_CAND; ms++)
            pass(1);
        assert_int_equal(elect_role(one.e), ELECT_CAND);
        assert_non_null(sent(WIRE_POLL));
        nonce = sent(WIRE_POLL)->u.poll.nonce;
        for (int i = 1; i < 4; i++) {
            struct wire_msg *m = from(i, WIRE_VOTE);

            m->u.vote.nonce = nonce;
            m->u.vote.kind = i == 1 ? WIRE_LOST : WIRE_BETTER;
            hear(i);
        }
        while (elect_role(one.e) == ELECT_CAND)
            pass(1);
    }
    assert_true(round > 1); /* but waited for it is */
    close_one();
}

static void a_leader_steps_down_only_on_its_own_nonce(void **state)
{
    struct wire_msg *m;
    uint64_t nonce;

    (void)state;
    open_one(100);
    lead_alone();
    m = from(0, WIRE_BEACON);
    m->u.beacon.term = 9;
    m->u.beacon.session = 2000;
    m->u.beacon.live = 3;
    hear(0);
    while (!sent(WIRE_FACEOFF))
        pass(1);
    nonce = sent(WIRE_FACEOFF)->u.faceoff.nonce;
    for (int i = 0; i < 2; i++) {
        m = from(0, WIRE_FOACK);
        m->u.faceoff.term = 9;
        m->u.faceoff.session = 2000;
        m->u.faceoff.live = i ? 0 : 3;
        m->u.faceoff.sen = i ? 101 : 50;
        m->u.faceoff.nonce = i ? nonce : nonce + 1; /* a wrong one; then a key that is no better */
        hear(0);
        assert_int_equal(elect_role(one.e), ELECT_LEAD);
    }
    m = from(0, WIRE_FOACK);
    m->u.faceoff.term = 9;
    m->u.faceoff.session = 2000;
    m->u.faceoff.live = 3;
    m->u.faceoff.nonce = nonce;
    hear(0);
    assert_int_equal(elect_role(one.e), ELECT_LISTEN);
    assert_true(sent(WIRE_BEACON)->flags & WIRE_YIELD);
    assert_int_equal(sent(WIRE_BEACON)->u.beacon.hint.session, 2000);
    close_one();
}

static void two_leaders_never_both_yield(void **state)
{
    struct wire_msg *m;
    uint64_t nonce;

    (void)state;
    open_one(100);
    lead_alone();
    m = from(0, WIRE_BEACON);
    m->u.beacon.session = 2000;
    hear(0);
    while (!sent(WIRE_FACEOFF))
        pass(1);
    nonce = sent(WIRE_FACEOFF)->u.faceoff.nonce;
    m = from(0, WIRE_FACEOFF); /* worse than we are: it may yield on our answer */
    m->u.faceoff.session = 2000;
    m->u.faceoff.sen = 200;
    m->u.faceoff.term = 6;
    m->u.faceoff.nonce = 77;
    hear(0);
    assert_int_equal(sent(WIRE_FOACK)->u.faceoff.nonce, 77);
    assert_true(sent(WIRE_FOACK)->u.faceoff.term > 6);
    m = from(0, WIRE_FOACK); /* so we may not, though it has meanwhile become better */
    m->u.faceoff.session = 2000;
    m->u.faceoff.live = 9;
    m->u.faceoff.nonce = nonce;
    hear(0);
    assert_int_equal(elect_role(one.e), ELECT_LEAD);
    close_one();
}

static void after_a_gap_a_leader_asks_before_it_answers(void **state)
{
    (void)state;
    open_one(100);
    lead_alone();
    join(0, 200);
    join(1, 300);
    one.now += 2000;
    step_one(&(struct elect_in){.kind = ELECT_GAP, .gap_ms = 2000});
    assert_non_null(sent(WIRE_POLL));
    assert_true(sent(WIRE_POLL)->flags & WIRE_ALONE);
    keep_alive(0, 4);
    assert_null(sent(WIRE_KAACK));
    join(2, 400);
    assert_null(sent(WIRE_JOINACK));
    for (int i = 0; i < 99; i++) {
        pass(1);
        assert_null(sent(WIRE_BEACON));
        assert_null(sent(WIRE_HB));
    }
    pass(20);
    keep_alive(0, 4);
    assert_non_null(sent(WIRE_KAACK));
    close_one();
}

static void the_long_absent_comes_back_as_the_youngest(void **state)
{
    (void)state;
    open_one(100);
    follow_host_0();
    one.now += 60000;
    step_one(&(struct elect_in){.kind = ELECT_GAP, .gap_ms = 60000});
    assert_int_equal(elect_role(one.e), ELECT_LISTEN);
    assert_true(one.e->sen >= 100 + (60000ull << 16));
    assert_non_null(told(ELECT_NO_LEADER));
    close_one();
}

static void a_reported_member_is_asked_not_believed_dead(void **state)
{
    int pings = 0;

    (void)state;
    open_one(100);
    lead_alone();
    join(0, 200);
    join(1, 300);
    from(1, WIRE_REPORT)->u.report.session = one.e->cur.session;
    one.msg[1].u.report.whom = one.msg[0].nid;
    hear(1);
    assert_non_null(sent(WIRE_PING));
    assert_null(told(ELECT_PEER_DOWN));
    keep_alive(0, 4); /* it lives */
    for (int i = 0; i < 1000; i++) {
        pass(1);
        assert_null(told(ELECT_PEER_DOWN));
    }
    step_one(&(struct elect_in){.kind = ELECT_REPORT, .nid = one.msg[0].nid});
    for (int i = 0; i < 500 && !told(ELECT_PEER_DOWN); i++) {
        pings += sent(WIRE_PING) != NULL;
        pass(1);
    }
    assert_non_null(told(ELECT_PEER_DOWN));
    assert_int_equal(pings, PINGS_REPORTED);
    close_one();
}

/* Ten lies a second, by a member and by a stranger, about one that is well. */
static void lies_about_a_healthy_member_remove_nobody(void **state)
{
    (void)state;
    open_one(100);
    lead_alone();
    join(0, 200);
    join(1, 300);
    for (int i = 0; i < 5000; i++) {
        const struct wire_msg *ping;

        pass(1);
        assert_null(told(ELECT_PEER_DOWN));
        if ((ping = sent(WIRE_PING)) && addr_eq(&one.out.send[0].to, &one.addr[0])) {
            const struct wire_msg asked = *ping;

            from(0, WIRE_PONG)->u.ping = asked.u.ping;
            hear(0);
        }
        if (i % 100 == 0) {
            int liar = i % 200 ? 1 : 2;

            from(liar, WIRE_REPORT)->u.report.session = one.e->cur.session;
            one.msg[liar].u.report.whom = one.msg[0].nid;
            hear(liar);
            if (liar == 2)
                assert_int_equal(one.out.sends, 0);
        }
        if (i % 1000 == 500)
            keep_alive(1, 4);
    }
    assert_int_equal(one.e->members, 2);
    close_one();
}

static void beacon_of_host_0(uint8_t last_of_ip)
{
    struct wire_msg *m = from(0, WIRE_BEACON);

    m->u.beacon.term = 3;
    m->u.beacon.session = 1000;
    m->u.beacon.sen = 10;
    m->u.beacon.members = 3;
    m->u.beacon.tcp_port = 90;
    one.addr[0].ip[3] = last_of_ip;
    hear(0);
}

/* Where the last message of this type went; 0: none did. */
static uint8_t went_to(enum wire_type type)
{
    for (size_t i = 0; i < one.out.sends; i++)
        if (one.out.send[i].msg->type == type)
            return one.out.send[i].to.ip[3];
    return 0;
}

static void a_leader_that_moves_is_followed_there(void **state)
{
    bool told_so = false;

    (void)state;
    open_one(100);
    follow_host_0();
    for (int i = 0; i < 4; i++) {
        pass(250);
        beacon_of_host_0(77);
        told_so = told_so || (told(ELECT_LEADER) && told(ELECT_LEADER)->peer.addr.ip[3] == 77);
    }
    assert_true(told_so); /* within a second */
    while (!went_to(WIRE_KA))
        pass(1);
    assert_int_equal(went_to(WIRE_KA), 77);
    close_one();
}

/* A stranger may play the leader's words to us before we hear it: then we write to him first. */
static void what_is_not_answered_is_tried_elsewhere(void **state)
{
    bool right = false;

    (void)state;
    open_one(100);
    step_one(&(struct elect_in){.kind = ELECT_START});
    beacon_of_host_0(250);
    beacon_of_host_0(2);
    for (int i = 0; i < 1000 && !right; i++) {
        pass(1);
        if (i % 200 == 100)
            beacon_of_host_0(i % 400 == 100 ? 250 : 2);
        right = went_to(WIRE_JOIN) == 2;
    }
    assert_true(right);
    close_one();
}

static void a_follower_passes_reports_on(void **state)
{
    struct nid whom = {{1, 2, 3}};

    (void)state;
    open_one(100);
    follow_host_0();
    pass(200);
    step_one(&(struct elect_in){.kind = ELECT_REPORT, .nid = whom});
    assert_non_null(sent(WIRE_REPORT));
    assert_true(nid_eq(&sent(WIRE_REPORT)->u.report.whom, &whom));
    step_one(&(struct elect_in){.kind = ELECT_REPORT, .nid = whom});
    assert_null(sent(WIRE_REPORT)); /* not in a flood */
    close_one();
}

static void newcomers_are_bounded(void **state)
{
    struct wire_msg m = {.type = WIRE_HELLO, .inc = 1, .seq = 1};
    struct addr at = {.family = 4, .ip = {10, 9, 9, 9}, .port = 1};

    (void)state;
    open_one(100);
    lead_alone();
    for (unsigned i = 1; i < 5000; i++) { /* a member who makes keys */
        memcpy(m.nid.b, &i, sizeof i);
        step_one(&(struct elect_in){.kind = ELECT_DATAGRAM, .msg = &m, .from = at});
    }
    assert_true(one.e->peer_count <= PEERS_MAX);
    for (unsigned i = 5000; i < 9000; i++) {
        one.now += 1000 / NEW_PEERS_PER_S;
        memcpy(m.nid.b, &i, sizeof i);
        step_one(&(struct elect_in){.kind = ELECT_DATAGRAM, .msg = &m, .from = at});
    }
    assert_int_equal(one.e->peer_count, PEERS_MAX);
    join(0, 200);                        /* whoever is silent longest gives way to a real one */
    assert_int_equal(one.e->members, 0); /* (the bucket is empty for now) */
    one.now += 1000;
    join(0, 200);
    assert_int_equal(one.e->members, 1);
    close_one();
}

static void own_and_unknown_messages_do_nothing(void **state)
{
    struct wire_msg m = {.type = WIRE_HELLO, .inc = 99, .seq = 1};
    struct addr at = {.family = 4, .ip = {10, 9, 9, 9}, .port = 1};

    (void)state;
    open_one(100);
    lead_alone();
    m.nid = one.e->nid; /* our own, looped back */
    step_one(&(struct elect_in){.kind = ELECT_DATAGRAM, .msg = &m, .from = at});
    assert_int_equal(one.e->peer_count, 0);
    m.nid = one.msg[0].nid;
    m.type = 77;
    step_one(&(struct elect_in){.kind = ELECT_DATAGRAM, .msg = &m, .from = at});
    assert_int_equal(one.e->peer_count, 0);
    close_one();
}

static void only_the_sample_votes(void **state)
{
    unsigned votes = 0;

    (void)state;
    open_one(100);
    lead_alone();
    pass(10);
    join(0, 200);
    close_one();
    open_one(100);
    follow_host_0();
    for (unsigned i = 0; i < 400; i++) {
        struct wire_msg *m = from(1, WIRE_POLL);

        m->u.poll.nonce = 1 + i * 0x9e3779b97f4a7c15u;
        m->u.poll.about = one.e->cur;
        m->u.poll.sample = UINT32_MAX / 4;
        hear(1);
        votes += sent(WIRE_VOTE) != NULL;
    }
    assert_in_range(votes, 60, 140); /* a quarter of 400 */
    close_one();
}

static void the_better_leader_is_one_order(void **state)
{
    struct nid a = {{1}}, b = {{2}};

    (void)state;
    open_one(100);
    assert_true(duel_better(false, 0, 9, &a, true, 300, 1, &b)); /* not alone */
    assert_true(duel_better(false, 8, 9, &a, false, 7, 1, &b));  /* larger class */
    assert_false(duel_better(false, 7, 9, &a, false, 4, 1, &b)); /* same class: older */
    assert_true(duel_better(false, 4, 1, &a, false, 7, 9, &b));
    assert_true(duel_better(false, 4, 1, &a, false, 4, 1, &b)); /* same age: nid */
    assert_false(duel_better(false, 4, 1, &b, false, 4, 1, &a));
    close_one();
}

static void leaving_comes_to_an_end(void **state)
{
    (void)state;
    open_one(100);
    step_one(&(struct elect_in){.kind = ELECT_LEAVE}); /* not even started */
    assert_int_equal(elect_due_ms(one.e), INT64_MAX);
    close_one();
    open_one(100);
    lead_alone();
    join(0, 200);
    step_one(&(struct elect_in){.kind = ELECT_LEAVE});
    assert_true(sent(WIRE_BEACON)->flags & WIRE_RESIGN);
    assert_true(nid_eq(&sent(WIRE_BEACON)->u.beacon.hint.leader, &one.msg[0].nid));
    pass(1000);
    assert_int_equal(elect_due_ms(one.e), INT64_MAX);
    close_one();
    open_one(100);
    follow_host_0();
    step_one(&(struct elect_in){.kind = ELECT_LEAVE});
    assert_non_null(sent(WIRE_LEAVE));
    assert_true(elect_due_ms(one.e) != INT64_MAX);
    from(0, WIRE_KAACK)->u.ka.session = 1000;
    hear(0);
    assert_int_equal(elect_due_ms(one.e), INT64_MAX);
    close_one();
}

static void roles_have_names(void **state)
{
    (void)state;
    assert_string_equal(elect_role_name(ELECT_LISTEN), "listen");
    assert_string_equal(elect_role_name(ELECT_FOLLOW), "follow");
    assert_string_equal(elect_role_name(ELECT_CAND), "cand");
    assert_string_equal(elect_role_name(ELECT_LEAD), "lead");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_one_leads),
        cmocka_unit_test(the_next_takes_over),
        cmocka_unit_test(a_refused_port_is_quicker_than_silence),
        cmocka_unit_test(who_leaves_says_so),
        cmocka_unit_test(a_change_of_catalog_is_told),
        cmocka_unit_test(two_sides_merge),
        cmocka_unit_test(a_lone_one_that_never_leads_knows_no_leader),
        cmocka_unit_test(many_die_at_once),
        cmocka_unit_test(all_know_who_stands_by_and_whether_it_is_warm),
        cmocka_unit_test(how_long_and_why_can_be_asked),
        cmocka_unit_test(loss_is_measured),
        cmocka_unit_test(a_join_is_news_and_answered),
        cmocka_unit_test(an_overtaken_message_does_not_take_a_catalog_back),
        cmocka_unit_test(a_new_backup_has_answered_nothing_yet),
        cmocka_unit_test(the_ledger_can_be_asked_for),
        cmocka_unit_test(unsigned_ones_count_only_from_where_signed_ones_came),
        cmocka_unit_test(replays_are_dropped),
        cmocka_unit_test(windows),
        cmocka_unit_test(a_new_incarnation_ends_the_old_one),
        cmocka_unit_test(a_nak_for_somebody_else_removes_nobody),
        cmocka_unit_test(the_leader_is_always_the_oldest),
        cmocka_unit_test(mad_terms_do_not_stop_elections),
        cmocka_unit_test(a_joinack_needs_our_nonce),
        cmocka_unit_test(followers_are_sticky),
        cmocka_unit_test(a_voted_successor_is_followed_at_once_but_not_a_lower_term),
        cmocka_unit_test(nobody_takes_over_while_others_hear_the_leader),
        cmocka_unit_test(who_claims_the_better_place_is_not_waited_for_for_ever),
        cmocka_unit_test(a_leader_steps_down_only_on_its_own_nonce),
        cmocka_unit_test(two_leaders_never_both_yield),
        cmocka_unit_test(after_a_gap_a_leader_asks_before_it_answers),
        cmocka_unit_test(the_long_absent_comes_back_as_the_youngest),
        cmocka_unit_test(a_reported_member_is_asked_not_believed_dead),
        cmocka_unit_test(lies_about_a_healthy_member_remove_nobody),
        cmocka_unit_test(a_leader_that_moves_is_followed_there),
        cmocka_unit_test(what_is_not_answered_is_tried_elsewhere),
        cmocka_unit_test(a_follower_passes_reports_on),
        cmocka_unit_test(newcomers_are_bounded),
        cmocka_unit_test(own_and_unknown_messages_do_nothing),
        cmocka_unit_test(only_the_sample_votes),
        cmocka_unit_test(the_better_leader_is_one_order),
        cmocka_unit_test(leaving_comes_to_an_end),
        cmocka_unit_test(roles_have_names),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests_name("elect", tests, NULL, NULL);
}
