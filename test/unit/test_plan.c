#include "core/plan.h"

#include "base/bits.h"
#include "base/limits.h"
#include "core/plan_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PIECE 1000u

struct bench {
    struct plan *plan;
    struct plan_out out;
    int64_t now;
};

static struct bench start(uint32_t pieces, bool sequential)
{
    struct plan_conf conf = {.pieces = pieces, .piece_bytes = PIECE, .sequential = sequential};

    return (struct bench){.plan = plan_new(&conf, NULL, 7), .now = 1000};
}

static void give(struct bench *b, struct plan_in in)
{
    in.now_ms = b->now;
    plan_step(b->plan, &in, &b->out);
    plan_check(b->plan);
}

static void source(struct bench *b, uint32_t id)
{
    give(b, (struct plan_in){.event = PLAN_SOURCE, .source = id});
}

static void of_request(struct bench *b, enum plan_event e, uint32_t id)
{
    give(b, (struct plan_in){.event = e, .request = id});
}

static unsigned count(const struct bench *b, enum plan_act act)
{
    unsigned n = 0;

    for (size_t i = 0; i < b->out.count; i++)
        n += b->out.action[i].act == act;
    return n;
}

/* The nth action of this kind. */
static struct plan_action nth(const struct bench *b, enum plan_act act, unsigned n)
{
    for (size_t i = 0; i < b->out.count; i++) {
        if (b->out.action[i].act == act && n-- == 0)
            return b->out.action[i];
    }
    fail();
    return (struct plan_action){0};
}

static void test_last_piece_first(void **state)
{
    struct bench b = start(10, false);

    (void)state;
    source(&b, 1);
    assert_int_equal(count(&b, PLAN_REQUEST), FETCH_CONN_PER_PEER);
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).first, 9);
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).count, 1);
    plan_free(b.plan);
}

static void test_one_piece(void **state)
{
    struct bench b = start(1, false);
    struct plan_action r;

    (void)state;
    source(&b, 1);
    source(&b, 2);
    r = (struct plan_action){.request = 1};
    of_request(&b, PLAN_PIECE_OK, r.request);
    assert_int_equal(count(&b, PLAN_DONE), 1);
    of_request(&b, PLAN_END, r.request);
    assert_int_equal(count(&b, PLAN_DONE), 0); /* said once */
    assert_int_equal(plan_due_ms(b.plan), INT64_MAX);
    plan_free(b.plan);
}

static void test_nothing_left_from_the_start(void **state)
{
    struct plan_conf conf = {.pieces = 3, .piece_bytes = PIECE};
    struct bits have;
    struct bench b = {.now = 5};

    (void)state;
    bits_init(&have, 3);
    for (uint32_t i = 0; i < 3; i++)
        bits_set(&have, i);
    b.plan = plan_new(&conf, &have, 1);
    give(&b, (struct plan_in){.event = PLAN_TICK});
    assert_int_equal(count(&b, PLAN_DONE), 1);
    bits_done(&have);
    plan_free(b.plan);
}

static void test_sequential_from_the_front(void **state)
{
    struct bench b = start(50, true);

    (void)state;
    source(&b, 1);
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).first, 49);
    assert_int_equal(nth(&b, PLAN_REQUEST, 1).first, 0);
    source(&b, 2);
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).first, 1);
    assert_int_equal(nth(&b, PLAN_REQUEST, 1).first, 2);
    plan_free(b.plan);
}

static void test_requests_grow_with_the_rate(void **state)
{
    struct bench b = start(1000, true);
    struct plan_action r;

    (void)state;
    source(&b, 1);
    r = nth(&b, PLAN_REQUEST, 1);
    b.now += 200;
    give(&b, (struct plan_in){.event = PLAN_BYTES, .request = r.request, .bytes = 400 * PIECE});
    of_request(&b, PLAN_PIECE_OK, r.request);
    of_request(&b, PLAN_END, r.request);
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).count, FETCH_REQUEST_PIECES);
    assert_true(plan_rate(b.plan, 1) > 1000 * PIECE);
    plan_free(b.plan);
}

static void test_no_more_connections_than_allowed(void **state)
{
    struct bench b = start(1000, false);
    struct plan_view v;

    (void)state;
    for (uint32_t i = 0; i < 100; i++)
        source(&b, i);
    plan_view(b.plan, &v);
    assert_int_equal(v.requests, FETCH_CONN_MAX);
    assert_int_equal(v.sources, 100);
    plan_free(b.plan);
}

static void test_a_part_is_asked_for_what_it_has(void **state)
{
    struct bench b = start(100, false);
    struct bits has, wrong;

    (void)state;
    bits_init(&has, 100);
    bits_init(&wrong, 99);
    bits_set(&has, 41);
    give(&b, (struct plan_in){.event = PLAN_SOURCE, .source = 1, .has = &wrong});
    assert_int_equal(count(&b, PLAN_REQUEST), 0); /* not this content's bits: no effect */
    give(&b, (struct plan_in){.event = PLAN_SOURCE, .source = 1, .has = &has});
    assert_int_equal(count(&b, PLAN_REQUEST), 1);
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).first, 41);
    bits_set(&has, 42);
    give(&b, (struct plan_in){.event = PLAN_SOURCE, .source = 1, .has = &has});
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).first, 42);
    bits_done(&has);
    bits_done(&wrong);
    plan_free(b.plan);
}

static void test_rarest_first(void **state)
{
    struct bench b = start(64, false);
    struct bits has;

    (void)state;
    bits_init(&has, 64);
    for (uint32_t i = 0; i < 64; i++) {
        if (i != 17)
            bits_set(&has, i);
    }
    give(&b, (struct plan_in){.event = PLAN_SOURCE, .source = 1, .has = &has});
    source(&b, 2); /* the whole one is asked for what only it has */
    assert_true(nth(&b, PLAN_REQUEST, 0).first == 17 || nth(&b, PLAN_REQUEST, 1).first == 17);
    bits_done(&has);
    plan_free(b.plan);
}

static void test_bad_piece_goes_elsewhere(void **state)
{
    struct bench b = start(1, false);
    uint32_t id;

    (void)state;
    source(&b, 1);
    id = nth(&b, PLAN_REQUEST, 0).request;
    source(&b, 2);
    of_request(&b, PLAN_PIECE_BAD, id);
    assert_int_equal(count(&b, PLAN_REQUEST), 1);
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).source, 2);
    plan_free(b.plan);
}

static void test_single_liar_is_asked_once_more(void **state)
{
    struct bench b = start(1, false);

    (void)state;
    source(&b, 1);
    of_request(&b, PLAN_PIECE_BAD, 1);
    of_request(&b, PLAN_END, 1);
    assert_int_equal(count(&b, PLAN_WAITING) + count(&b, PLAN_FAILED), 0);
    of_request(&b, PLAN_PIECE_BAD, 2);
    assert_int_equal(count(&b, PLAN_DROP), 1);
    assert_true(nth(&b, PLAN_DROP, 0).lied);
    assert_int_equal(count(&b, PLAN_FAILED), 1);
    source(&b, 1); /* a liar stays out */
    assert_int_equal(count(&b, PLAN_REQUEST), 0);
    source(&b, 2); /* somebody else may come */
    assert_int_equal(count(&b, PLAN_REQUEST), 1);
    plan_free(b.plan);
}

static void test_lost_pauses_then_waits_then_returns(void **state)
{
    struct bench b = start(1, false);
    unsigned requests = 1;

    (void)state;
    source(&b, 1);
    for (uint32_t id = 1; id <= PLAN_TRIES; id++) {
        of_request(&b, PLAN_END, id);
        assert_int_equal(count(&b, PLAN_REQUEST), 0);
        if (id < PLAN_TRIES) {
            assert_int_equal(plan_due_ms(b.plan), b.now + (PLAN_PAUSE_MS << (id - 1)));
            b.now = plan_due_ms(b.plan);
            give(&b, (struct plan_in){.event = PLAN_TICK});
            requests += count(&b, PLAN_REQUEST);
        }
    }
    assert_int_equal(requests, PLAN_TRIES);
    assert_int_equal(count(&b, PLAN_WAITING), 1);
    assert_false(nth(&b, PLAN_DROP, 0).lied);
    source(&b, 1);
    assert_int_equal(count(&b, PLAN_REQUEST), 1);
    plan_free(b.plan);
}

static void test_silent_request_is_cancelled(void **state)
{
    struct bench b = start(1, false);

    (void)state;
    source(&b, 1);
    b.now += PLAN_SILENT_MS - 1;
    give(&b, (struct plan_in){.event = PLAN_TICK});
    assert_int_equal(count(&b, PLAN_CANCEL), 0);
    b.now++;
    give(&b, (struct plan_in){.event = PLAN_TICK});
    assert_int_equal(count(&b, PLAN_CANCEL), 1);
    of_request(&b, PLAN_PIECE_OK, 1); /* too late: no effect */
    assert_int_equal(b.out.count, 0);
    plan_free(b.plan);
}

static void test_the_last_piece_is_asked_twice(void **state)
{
    struct bench b = start(1, false);
    struct plan_view v;
    uint32_t second;

    (void)state;
    source(&b, 1);
    source(&b, 2);
    assert_int_equal(count(&b, PLAN_REQUEST), 0); /* the first is not slow yet */
    b.now += 4000;
    give(&b, (struct plan_in){.event = PLAN_TICK});
    assert_int_equal(count(&b, PLAN_REQUEST), 1);
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).source, 2);
    second = nth(&b, PLAN_REQUEST, 0).request;
    source(&b, 3);
    assert_int_equal(count(&b, PLAN_REQUEST), 0); /* twice, not three times */
    of_request(&b, PLAN_PIECE_OK, second);
    assert_int_equal(nth(&b, PLAN_CANCEL, 0).request, 1);
    assert_int_equal(count(&b, PLAN_DONE), 1);
    plan_view(b.plan, &v);
    assert_int_equal(v.twice, 0);
    plan_free(b.plan);
}

static void test_gone_is_not_asked_again(void **state)
{
    struct bench b = start(5, false);

    (void)state;
    source(&b, 1);
    give(&b, (struct plan_in){.event = PLAN_GONE, .source = 1});
    assert_int_equal(count(&b, PLAN_CANCEL), FETCH_CONN_PER_PEER);
    assert_int_equal(count(&b, PLAN_WAITING), 1);
    give(&b, (struct plan_in){.event = PLAN_TICK});
    assert_int_equal(b.out.count, 0);
    plan_free(b.plan);
}

static void test_a_piece_can_be_missing_again(void **state)
{
    struct bench b = start(1, false);

    (void)state;
    source(&b, 1);
    of_request(&b, PLAN_PIECE_OK, 1);
    of_request(&b, PLAN_END, 1);
    give(&b, (struct plan_in){.event = PLAN_AGAIN, .piece = 0});
    assert_int_equal(count(&b, PLAN_REQUEST), 1);
    of_request(&b, PLAN_PIECE_OK, nth(&b, PLAN_REQUEST, 0).request);
    assert_int_equal(count(&b, PLAN_DONE), 1);
    give(&b, (struct plan_in){.event = PLAN_AGAIN, .piece = 99});
    assert_int_equal(count(&b, PLAN_REQUEST), 0);
    plan_free(b.plan);
}

static void test_limit(void **state)
{
    struct bench b = start(1000, true);
    unsigned pieces = 0;
    uint32_t open[64];
    size_t opened = 0;

    (void)state;
    give(&b, (struct plan_in){.event = PLAN_LIMIT, .bytes = 2 * PIECE});
    source(&b, 1);
    for (unsigned i = 0; i < 1000; i++) { /* ten seconds, a source without any bound */
        struct bench *p = &b;

        b.now += 10;
        give(p, (struct plan_in){.event = PLAN_TICK});
        for (size_t j = 0; j < b.out.count; j++) {
            pieces += b.out.action[j].count;
            open[opened++] = b.out.action[j].request;
            assert_int_equal(b.out.action[j].count, 1);
        }
        while (opened) {
            of_request(p, PLAN_PIECE_OK, open[--opened]);
            of_request(p, PLAN_END, open[opened]);
            assert_int_equal(count(p, PLAN_WAITING), 0);
        }
    }
    assert_in_range(pieces, 18, 23);
    plan_free(b.plan);
}

static void test_limit_and_nobody_left(void **state)
{
    struct bench b = start(10, false);

    (void)state;
    give(&b, (struct plan_in){.event = PLAN_LIMIT, .bytes = 1});
    source(&b, 1);
    assert_int_equal(count(&b, PLAN_WAITING), 0); /* the limit says wait, not the sources */
    assert_true(plan_due_ms(b.plan) <= b.now + PLAN_TICK_MS);
    give(&b, (struct plan_in){.event = PLAN_GONE, .source = 1});
    assert_int_equal(count(&b, PLAN_WAITING), 1);
    plan_free(b.plan);
}

/* ---- an order ---- */

static void order(struct bench *b, uint32_t parent, uint32_t next, uint32_t then)
{
    uint32_t all[] = {parent, next, then};

    give(b, (struct plan_in){.event = PLAN_ORDER, .order = all, .count = 3});
}

static void bytes(struct bench *b, uint32_t id, uint64_t n)
{
    give(b, (struct plan_in){.event = PLAN_BYTES, .request = id, .bytes = n});
}

static void test_the_parent_is_asked_alone(void **state)
{
    struct bench b = start(100, false);
    struct plan_view v;

    (void)state;
    order(&b, 5, 6, 7);
    assert_int_equal(count(&b, PLAN_REQUEST), 1); /* whatever it has */
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).source, 5);
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).first, 99);
    source(&b, 1);
    assert_int_equal(count(&b, PLAN_REQUEST), 0);
    b.now += 200;
    bytes(&b, 1, PIECE); /* the next goes out before this one is over */
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).first, 0);
    of_request(&b, PLAN_PIECE_OK, 1);
    of_request(&b, PLAN_END, 1);
    assert_int_equal(b.out.count, 0); /* one flow at a time */
    plan_view(b.plan, &v);
    assert_true(v.ordered && v.parent == 5 && v.requests == 1);
    order(&b, 8, 6, 7); /* it works: it stays */
    plan_view(b.plan, &v);
    assert_int_equal(v.parent, 5);
    give(&b, (struct plan_in){.event = PLAN_ORDER, .count = 0});
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).source, 1);
    plan_free(b.plan);
}

static void test_a_parent_that_breaks_is_left(void **state)
{
    struct bench b = start(100, false);

    (void)state;
    order(&b, 5, 6, 7);
    bytes(&b, 1, 10);
    of_request(&b, PLAN_END, 1);
    assert_int_equal(nth(&b, PLAN_ASK, 0).source, 5);
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).source, 6);
    of_request(&b, PLAN_PIECE_BAD, nth(&b, PLAN_REQUEST, 0).request);
    assert_int_equal(nth(&b, PLAN_ASK, 0).source, 6);
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).source, 7);
    give(&b, (struct plan_in){.event = PLAN_GONE, .source = 7});
    assert_int_equal(nth(&b, PLAN_ASK, 0).source, 7);
    assert_int_equal(count(&b, PLAN_WAITING), 0); /* 5 and 6 may come back */
    source(&b, 1);
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).source, 1); /* used up: all are asked */
    order(&b, 6, 5, 1);
    b.now += 1000;
    give(&b, (struct plan_in){.event = PLAN_TICK});
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).source, 5); /* never the one that sent a bad piece */
    plan_free(b.plan);
}

static void test_a_parent_may_still_be_starting(void **state)
{
    struct bench b = start(100, false);

    (void)state;
    order(&b, 5, 6, 7);
    for (unsigned i = 0; i < 2; i++) { /* 404 */
        of_request(&b, PLAN_END, i + 1);
        assert_int_equal(b.out.count, 0);
        b.now = plan_due_ms(b.plan);
        give(&b, (struct plan_in){.event = PLAN_TICK});
        assert_int_equal(nth(&b, PLAN_REQUEST, 0).source, 5);
    }
    of_request(&b, PLAN_END, 3);
    assert_int_equal(nth(&b, PLAN_ASK, 0).source, 5);
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).source, 6);
    plan_free(b.plan);
}

static void test_a_silent_parent_is_left_unless_it_answers(void **state)
{
    struct bench b = start(100, false);
    struct bits has;
    int64_t end;

    (void)state;
    bits_init(&has, 100);
    order(&b, 5, 6, 7);
    b.now += PLAN_PROBE_MS;
    give(&b, (struct plan_in){.event = PLAN_TICK});
    assert_int_equal(nth(&b, PLAN_PROBE, 0).source, 5);
    give(&b, (struct plan_in){.event = PLAN_SOURCE, .source = 5, .has = &has});
    b.now += PLAN_PARENT_MS - PLAN_PROBE_MS;
    give(&b, (struct plan_in){.event = PLAN_TICK});
    assert_int_equal(count(&b, PLAN_ASK), 0); /* it lives, and waits itself */
    for (end = b.now + PLAN_STARVED_MS; b.now < end && !count(&b, PLAN_ASK); b.now += 100) {
        give(&b, (struct plan_in){.event = PLAN_TICK});
        if (count(&b, PLAN_PROBE))
            give(&b, (struct plan_in){.event = PLAN_SOURCE, .source = 5, .has = &has});
    }
    assert_int_equal(nth(&b, PLAN_ASK, 0).source, 5); /* not for ever */
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).source, 6);
    b.now += PLAN_PARENT_MS;
    give(&b, (struct plan_in){.event = PLAN_TICK});
    assert_int_equal(nth(&b, PLAN_ASK, 0).source, 6); /* it does not answer */
    bits_done(&has);
    plan_free(b.plan);
}

static void test_a_slow_parent_becomes_a_leaf(void **state)
{
    struct bench b = start(1000, false);
    struct plan_action r;
    struct bits has;
    struct plan_view v;

    (void)state;
    bits_init(&has, 1000);
    for (uint32_t i = 0; i < 900; i++)
        bits_set(&has, i);
    order(&b, 5, 6, 7);
    r = nth(&b, PLAN_REQUEST, 0);
    for (int i = 0; i < 20; i++) { /* 1 kB/s */
        b.now += 100;
        bytes(&b, r.request, 100);
        give(&b, (struct plan_in){.event = PLAN_TICK});
    }
    assert_int_equal(nth(&b, PLAN_PROBE, 0).source, 6);
    give(&b, (struct plan_in){.event = PLAN_SOURCE, .source = 6, .has = &has});
    r = nth(&b, PLAN_REQUEST, 0);
    assert_int_equal(r.source, 6);
    assert_int_equal(r.count, 1);
    b.now += 200; /* 5 kB/s */
    bytes(&b, r.request, PIECE);
    of_request(&b, PLAN_PIECE_OK, r.request);
    assert_int_equal(nth(&b, PLAN_ASK, 0).source, 5);
    plan_view(b.plan, &v);
    assert_int_equal(v.parent, 6);
    bits_done(&has);
    plan_free(b.plan);
}

/* ---- a wished point ---- */

static void test_the_window_comes_first(void **state)
{
    struct bench b = start(100, false);

    (void)state;
    give(&b, (struct plan_in){.event = PLAN_POINT, .piece = 40, .count = 4});
    source(&b, 1);
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).first, 99); /* alone: nothing halves its rate */
    assert_int_equal(b.out.count, 1);
    of_request(&b, PLAN_PIECE_OK, 1);
    of_request(&b, PLAN_END, 1);
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).first, 40);
    assert_int_equal(b.out.count, 1);
    of_request(&b, PLAN_PIECE_OK, 2); /* it is there: the other connection brings as well */
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).first, 41);
    of_request(&b, PLAN_END, 2);
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).first, 42);
    plan_free(b.plan);
}

static void test_a_jump_ends_what_runs_elsewhere(void **state)
{
    struct bench b = start(100, false);

    (void)state;
    source(&b, 1);
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).first, 99);
    give(&b, (struct plan_in){.event = PLAN_POINT, .piece = 7, .count = 2});
    assert_int_equal(nth(&b, PLAN_CANCEL, 0).request, 2); /* not the last piece */
    assert_int_equal(b.out.count, 1);
    of_request(&b, PLAN_PIECE_OK, 1);
    of_request(&b, PLAN_END, 1);
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).first, 7);
    source(&b, 2);
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).first, 8);
    assert_int_equal(b.out.count, 1);
    give(&b, (struct plan_in){.event = PLAN_POINT, .piece = 8, .count = 2}); /* reads on */
    assert_int_equal(count(&b, PLAN_CANCEL), 0); /* the window has moved by one */
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).first, 9);
    give(&b, (struct plan_in){.event = PLAN_POINT, .piece = 100, .count = 1});
    assert_int_equal(b.out.count, 0); /* no such piece */
    plan_free(b.plan);
}

static void test_a_late_piece_of_the_window_is_asked_again(void **state)
{
    struct bench b = start(100, false);
    struct plan_view v;

    (void)state;
    give(&b, (struct plan_in){.event = PLAN_POINT, .piece = 40, .count = 2});
    source(&b, 1);
    of_request(&b, PLAN_PIECE_OK, 1); /* the last one; then 40 */
    of_request(&b, PLAN_END, 1);
    source(&b, 2); /* takes 41 */
    b.now += 100;
    bytes(&b, 3, PIECE);
    b.now += 1400; /* while 1 says nothing */
    of_request(&b, PLAN_PIECE_OK, 3);
    of_request(&b, PLAN_END, 3);
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).source, 2);
    assert_int_equal(nth(&b, PLAN_REQUEST, 0).first, 40);
    plan_view(b.plan, &v);
    assert_int_equal(v.late, 1);
    plan_free(b.plan);
}

static void test_room(void **state)
{
    struct bench b = start(1000, false);
    struct plan_view v;

    (void)state;
    give(&b, (struct plan_in){.event = PLAN_ROOM, .count = 5});
    for (uint32_t i = 0; i < 10; i++)
        source(&b, i);
    plan_view(b.plan, &v);
    assert_int_equal(v.requests, 5);
    give(&b, (struct plan_in){.event = PLAN_ROOM, .count = 99});
    plan_view(b.plan, &v);
    assert_int_equal(v.requests, FETCH_CONN_MAX);
    plan_free(b.plan);
}

static void test_foreign_numbers_are_ignored(void **state)
{
    struct bench b = start(4, false);
    struct plan_view v;

    (void)state;
    source(&b, 1);
    of_request(&b, PLAN_PIECE_OK, 77);
    of_request(&b, PLAN_PIECE_BAD, 0);
    of_request(&b, PLAN_END, 12345);
    give(&b, (struct plan_in){.event = PLAN_GONE, .source = 9});
    plan_view(b.plan, &v);
    assert_int_equal(v.stale, 3);
    assert_int_equal(v.requests, 2);
    plan_free(b.plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last_piece_first),
        cmocka_unit_test(test_one_piece),
        cmocka_unit_test(test_nothing_left_from_the_start),
        cmocka_unit_test(test_sequential_from_the_front),
        cmocka_unit_test(test_requests_grow_with_the_rate),
        cmocka_unit_test(test_no_more_connections_than_allowed),
        cmocka_unit_test(test_a_part_is_asked_for_what_it_has),
        cmocka_unit_test(test_rarest_first),
        cmocka_unit_test(test_bad_piece_goes_elsewhere),
        cmocka_unit_test(test_single_liar_is_asked_once_more),
        cmocka_unit_test(test_lost_pauses_then_waits_then_returns),
        cmocka_unit_test(test_silent_request_is_cancelled),
        cmocka_unit_test(test_the_last_piece_is_asked_twice),
        cmocka_unit_test(test_gone_is_not_asked_again),
        cmocka_unit_test(test_a_piece_can_be_missing_again),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_limit_and_nobody_left),
        cmocka_unit_test(test_the_parent_is_asked_alone),
        cmocka_unit_test(test_a_parent_that_breaks_is_left),
        cmocka_unit_test(test_a_parent_may_still_be_starting),
        cmocka_unit_test(test_a_silent_parent_is_left_unless_it_answers),
        cmocka_unit_test(test_a_slow_parent_becomes_a_leaf),
        cmocka_unit_test(test_the_window_comes_first),
        cmocka_unit_test(test_a_jump_ends_what_runs_elsewhere),
        cmocka_unit_test(test_a_late_piece_of_the_window_is_asked_again),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_foreign_numbers_are_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
