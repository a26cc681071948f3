/* svc/ask: a question reaches whoever leads, now or soon, or ends with a reason. */
#include "own_rig.h"

#include "base/str.h"
#include "svc/ask.h"

enum mode { ANSWERS, SLOW, NOT_LEADING, NOT_FOUND, BABBLES, SILENT };

/* Someone who leads, or says so. */
struct chief {
    struct http_server *server;
    struct elect_peer peer;
    atomic_int mode;
    atomic_uint asked;
    atomic_uint learned; /* who stands by was asked */
    const char *name;
    char seen[128];
    char standbys[512];
};

static struct desk *desk;
static struct ask *ask;

static void chief_handler(void *ctx, struct http_request *rq)
{
    struct chief *c = ctx;
    char text[64];

    handled++;
    if (http_held(rq)) {
        http_reply_text(rq, 500, "held long enough");
        return;
    }
    if (!strcmp(http_path(rq), "/v1/standbys")) {
        c->learned++;
        http_reply(rq, 200, "application/json", c->standbys, strlen(c->standbys));
        return;
    }
    c->asked++;
    switch ((enum mode)c->mode) {
    case SLOW:         /* more than a stand-by waits for another question */
        uv_sleep(150); /* fall through */
    case ANSWERS:
        snprintf(text, sizeof text, "{\"name\":\"%s\",\"q\":\"%s\"}", c->name,
                 http_arg(rq, "q") ? http_arg(rq, "q") : "");
        http_reply(rq, 200, "application/json", text, strlen(text));
        break;
    case NOT_LEADING:
        http_reply_text(rq, 503, "not I");
        break;
    case NOT_FOUND:
        snprintf(text, sizeof text, "{\"error\":\"nobody has it\"}");
        http_reply(rq, 404, "application/json", text, strlen(text));
        break;
    case BABBLES:
        http_reply_text(rq, 200, "[1, 2");
        break;
    case SILENT:
        http_hold(rq, 5000);
        break;
    }
}

static void chief_open(struct chief *c, uint8_t id, const char *name)
{
    uint16_t port = 0;
    struct err e;

    memset(c, 0, sizeof *c);
    c->name = name;
    c->server = http_server_tls(&server_who.id, 0, &port, 1, chief_handler, c, &e);
    assert_non_null(c->server);
    c->peer = (struct elect_peer){.nid = {{id}}, .inc = 1};
    memcpy(c->peer.pub, server_who.key.pub, 32);
    c->peer.addr = (struct addr){.family = 4, .ip = {127, 0, 0, 1}, .port = port};
}

static int set_up(void **state)
{
    struct desk_conf c = {.ident = &own};
    struct err e;

    (void)state;
    own_up();
    desk = desk_new(&c, &e);
    ask = ask_new(&own, desk);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ask_free(ask);
    desk_free(desk);
    own_down();
    return 0;
}

/* Ask and expect the name of who answers. */
static void answered_by(const char *name)
{
    unsigned status;
    json_t *j;
    struct err e;

    if (ask_wait(ask, "/v1/search?q=a%20b", 20000, &status, &j, &e))
        fail_msg("%s", e.text);
    assert_int_equal(status, 200);
    assert_string_equal(json_string_value(json_object_get(j, "name")), name);
    assert_string_equal(json_string_value(json_object_get(j, "q")), "a b");
    json_decref(j);
}

static struct err fails(unsigned timeout_ms)
{
    unsigned status = 7;
    json_t *j = json_null();
    struct err e = {0};

    int rc = ask_wait(ask, "/v1/search?q=a", timeout_ms, &status, &j, &e);

    assert_true(rc < 0);
    assert_int_equal(e.code, -rc);
    assert_null(j);
    assert_int_equal(status, 0);
    return e;
}

static void the_leader_answers(void **state)
{
    struct chief c;

    (void)state;
    chief_open(&c, 1, "first");
    ask_leader(ask, &c.peer, false);
    answered_by("first");
    answered_by("first");
    assert_int_equal(c.asked, 2);
    http_server_free(c.server);
}

static void without_a_leader_it_ends(void **state)
{
    struct err e;

    (void)state;
    e = fails(50);
    assert_int_equal(e.code, ERR_NO_PEER);
    assert_non_null(strstr(e.text, "no leader"));
}

/* first leads, second stands by for it, and that is known. */
static void stand_by(struct chief *first, struct chief *second)
{
    uint8_t id[ELECT_STANDBYS][8] = {{0}};
    char pub[65], addr[ADDR_TEXT_MAX];
    struct nid nid;

    seal_nid(&nid, second->peer.pub);
    memcpy(id[1], nid.b, sizeof id[1]);
    str_hex(pub, second->peer.pub, 32);
    snprintf(first->standbys, sizeof first->standbys,
             "{\"standbys\":[{\"addr\":7},{\"addr\":\"127.0.0.1:9\",\"pub\":\"%064d\"},"
             "{\"peer\":\"x\",\"addr\":\"%s\",\"pub\":\"%s\"}]}",
             0, addr_text(&second->peer.addr, addr), pub);
    ask_leader(ask, &first->peer, false);
    ask_standbys(ask, id);
    WAIT_FOR(first->learned);
    answered_by("first");
}

static void a_standby_answers_for_a_silent_leader(void **state)
{
    struct chief first, second;
    struct err e;
    unsigned asked, status;
    json_t *j;

    (void)state;
    chief_open(&first, 1, "first");
    chief_open(&second, 2, "second");
    stand_by(&first, &second);
    assert_int_equal(second.asked, 0);
    first.mode = SILENT;
    answered_by("second");
    first.mode = NOT_LEADING; /* an answer, but no good one */
    answered_by("second");
    second.mode = NOT_FOUND;
    first.mode = ANSWERS;
    answered_by("first");
    second.mode = ANSWERS;
    first.mode = SILENT; /* what a stand-by can't know is not asked of it */
    asked = second.asked;
    assert_true(ask_wait(ask, "/v1/peers", 400, &status, &j, &e) < 0);
    assert_int_equal(second.asked, asked);
    http_server_free(first.server);
    answered_by("second");
    ask_leader(ask, NULL, false); /* nobody leads */
    answered_by("second");
    second.mode = NOT_LEADING;
    e = fails(300);
    assert_int_equal(e.code, ERR_NO_PEER);
    http_server_free(second.server);
}

/* A stand-by could answer at once, but has no order for who fetches: a slow leader is waited for, a
 * dead one is not. */
static void who_fetches_waits_for_the_leader(void **state)
{
    struct chief first, second;
    unsigned asked, status;
    struct err e;
    json_t *j;

    (void)state;
    chief_open(&first, 1, "first");
    chief_open(&second, 2, "second");
    stand_by(&first, &second);
    asked = second.asked;
    first.mode = SLOW;
    assert_int_equal(ask_wait(ask, "/v1/holders/x?fetch=0", 20000, &status, &j, &e), 0);
    assert_string_equal(json_string_value(json_object_get(j, "name")), "first");
    json_decref(j);
    assert_int_equal(second.asked, asked);
    http_server_free(first.server);
    assert_int_equal(ask_wait(ask, "/v1/holders/x?fetch=0", 20000, &status, &j, &e), 0);
    assert_string_equal(json_string_value(json_object_get(j, "name")), "second");
    json_decref(j);
    http_server_free(second.server);
}

struct waiting {
    struct ask_reply r;
    uv_sem_t over;
    unsigned calls;
};

static void on_reply(void *ctx, const struct ask_reply *r)
{
    struct waiting *w = ctx;

    w->r = *r;
    w->r.json = ask_take(r);
    w->calls++;
    uv_sem_post(&w->over);
}

static void start(struct waiting *w)
{
    *w = (struct waiting){0};
    uv_sem_init(&w->over, 0);
    ask_start(ask, "/v1/search?q=x", 20000, on_reply, w);
}

static void reply_of(struct waiting *w)
{
    uv_sem_wait(&w->over);
    uv_sem_destroy(&w->over);
    assert_int_equal(w->calls, 1);
}

static void a_leader_that_appears_is_asked(void **state)
{
    struct waiting w;
    struct chief c;

    (void)state;
    chief_open(&c, 1, "late");
    start(&w);
    ask_leader(ask, &c.peer, false);
    reply_of(&w);
    assert_int_equal(w.r.status, 200);
    assert_false(w.r.self);
    assert_true(addr_eq(&w.r.from.addr, &c.peer.addr));
    assert_memory_equal(w.r.from.pub, c.peer.pub, 32);
    json_decref(w.r.json);
    http_server_free(c.server);
}

static void an_answer_may_be_no(void **state)
{
    struct chief c;
    unsigned status;
    json_t *j;
    struct err e;

    (void)state;
    chief_open(&c, 1, "c");
    c.mode = NOT_FOUND;
    ask_leader(ask, &c.peer, false);
    assert_int_equal(ask_wait(ask, "/v1/holders/x", 20000, &status, &j, &e), 0);
    assert_int_equal(status, 404);
    assert_string_equal(json_string_value(json_object_get(j, "error")), "nobody has it");
    json_decref(j);
    assert_int_equal(c.asked, 1);
    http_server_free(c.server);
}

static void it_asks_until_it_is_answered(void **state)
{
    static const enum mode trouble[] = {NOT_LEADING, BABBLES, SILENT};
    struct waiting w;
    struct chief c;

    (void)state;
    for (size_t n = 0; n < sizeof trouble / sizeof *trouble; n++) {
        chief_open(&c, (uint8_t)(n + 1), "c");
        c.mode = (int)trouble[n];
        ask_leader(ask, &c.peer, false);
        start(&w);
        WAIT_FOR(c.asked >= 2);
        c.mode = ANSWERS;
        reply_of(&w);
        assert_int_equal(w.r.status, 200);
        json_decref(w.r.json);
        http_server_free(c.server);
    }
}

static void a_new_leader_takes_over_questions(void **state)
{
    struct waiting w;
    struct chief dumb, c;

    (void)state;
    chief_open(&dumb, 1, "dumb");
    chief_open(&c, 2, "new");
    dumb.mode = SILENT;
    ask_leader(ask, &dumb.peer, false);
    start(&w);
    WAIT_FOR(dumb.asked >= 1);
    ask_leader(ask, NULL, false);
    ask_leader(ask, &c.peer, false);
    reply_of(&w);
    assert_int_equal(w.r.status, 200);
    assert_true(addr_eq(&w.r.from.addr, &c.peer.addr));
    json_decref(w.r.json);
    http_server_free(dumb.server);
    ask_leader(ask, &dumb.peer, false); /* gone for good */
    assert_int_equal(fails(300).code, ERR_NO_PEER);
    http_server_free(c.server);
}

static void silence_is_a_timeout(void **state)
{
    struct chief c;

    (void)state;
    chief_open(&c, 1, "dumb");
    c.mode = SILENT;
    ask_leader(ask, &c.peer, false);
    assert_int_equal(fails(1500).code, ERR_TIMEOUT);
    assert_true(c.asked >= 1);
    http_server_free(c.server);
}

static void our_own_desk_answers_when_we_lead(void **state)
{
    struct elect_peer me = {.nid = own.nid};
    struct waiting w;
    unsigned status;
    json_t *j;
    struct err e;

    (void)state;
    start(&w); /* asked before anyone leads */
    ask_leader(ask, &me, true);
    lead(desk); /* the desk hears of it later than ask */
    assert_int_equal(ask_wait(ask, "/v1/peers", 20000, &status, &j, &e), 0);
    assert_int_equal(status, 200);
    assert_int_equal(json_array_size(json_object_get(j, "peers")), 1);
    json_decref(j);
    reply_of(&w);
    assert_int_equal(w.r.status, 200);
    assert_true(w.r.self);
    json_decref(w.r.json);
    assert_int_equal(ask_wait(ask, "/v1/nothing", 20000, &status, &j, &e), 0);
    assert_int_equal(status, 404);
    json_decref(j);
}

static void keep_busy(void *arg)
{
    uv_sem_wait(arg);
}

/* As when a long list is made searchable: searches on the leader don't wait for it. */
static void our_own_desk_answers_while_its_thread_is_busy(void **state)
{
    struct elect_news lead = {.kind = ELECT_LEADER, .self = true};
    struct elect_peer self = {.nid = own.nid};
    struct ask_reply r;
    static uv_sem_t go; /* the loop may still hold it when we return */

    (void)state;
    assert_false(ask_own_desk(ask, "/v1/search?q=a", &r));
    assert_null(r.json);
    desk_news(desk, &lead);
    ask_leader(ask, &self, true);
    while (!ask_own_desk(ask, "/v1/search?q=a", &r))
        usleep(1000);
    json_decref(r.json);
    uv_sem_init(&go, 0);
    assert_true(loop_post(desk_loop(desk), keep_busy, &go));
    assert_true(ask_own_desk(ask, "/v1/search?q=a", &r));
    assert_int_equal(r.status, 200);
    assert_true(r.self && json_is_array(json_object_get(r.json, "rows")));
    json_decref(r.json);
    uv_sem_post(&go);
    ask_leader(ask, NULL, false);
    assert_false(ask_own_desk(ask, "/v1/search?q=a", &r));
}

static void the_end_answers_what_is_pending(void **state)
{
    struct waiting one, two;
    struct chief c;

    (void)state;
    chief_open(&c, 1, "dumb");
    c.mode = SILENT;
    start(&one);
    ask_leader(ask, &c.peer, false);
    start(&two);
    WAIT_FOR(c.asked >= 2);
    ask_free(ask);
    reply_of(&one);
    reply_of(&two);
    assert_int_equal(one.r.status, 0);
    assert_int_equal(one.r.err.code, ERR_NO_PEER);
    assert_int_equal(two.r.err.code, ERR_NO_PEER);
    ask = ask_new(&own, desk);
    http_server_free(c.server);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_standby_answers_for_a_silent_leader),
        TEST(who_fetches_waits_for_the_leader),
        TEST(the_leader_answers),
        TEST(without_a_leader_it_ends),
        TEST(a_leader_that_appears_is_asked),
        TEST(an_answer_may_be_no),
        TEST(it_asks_until_it_is_answered),
        TEST(a_new_leader_takes_over_questions),
        TEST(silence_is_a_timeout),
        TEST(our_own_desk_answers_when_we_lead),
        TEST(our_own_desk_answers_while_its_thread_is_busy),
        TEST(the_end_answers_what_is_pending),
    };

    return cmocka_run_group_tests(tests, rig_up, rig_down);
}
