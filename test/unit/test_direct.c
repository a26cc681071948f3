#include "core/direct.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct nid nid(unsigned i)
{
    struct nid n = {{0}};

    n.b[0] = (uint8_t)i;
    n.b[1] = (uint8_t)(i >> 8);
    return n;
}

static const struct hash H = {{7}};

struct bench {
    struct direct *d;
    struct direct_in in;
    struct direct_out out;
    struct nid whole[8], lost[DIRECT_LOST_MAX];
};

static struct bench start(unsigned wholes)
{
    struct bench b = {.d = direct_new()};

    for (unsigned i = 0; i < wholes; i++)
        b.whole[i] = nid(200 + i);
    b.in = (struct direct_in){.now_ms = 1000, .hash = H, .wholes = wholes};
    return b;
}

static void fetch(struct bench *b, unsigned who, uint64_t place)
{
    b->in.who = nid(who);
    b->in.place = place;
    b->in.whole = b->whole;
    b->in.lost = b->lost;
    direct_fetch(b->d, &b->in, &b->out);
    direct_check(b->d);
}

static void expect(const struct bench *b, unsigned count, ...)
{
    va_list ap;

    assert_int_equal(b->out.count, count);
    va_start(ap, count);
    for (unsigned i = 0; i < count; i++) {
        struct nid n = nid(va_arg(ap, unsigned));

        assert_true(nid_eq(&b->out.order[i], &n));
    }
    va_end(ap);
}

static void test_a_chain_of_one_holder(void **state)
{
    struct bench b = start(1);

    (void)state;
    fetch(&b, 1, 0);
    assert_int_equal(b.out.place, 1);
    expect(&b, 0); /* alone: all holders */
    fetch(&b, 2, 0);
    expect(&b, 2, 1u, 200u);
    fetch(&b, 3, 0);
    expect(&b, 3, 2u, 1u, 200u);
    fetch(&b, 4, 0);
    expect(&b, 3, 3u, 2u, 200u);
    fetch(&b, 1, 1);
    expect(&b, 1, 200u); /* the first has children now */
    fetch(&b, 3, 3);
    assert_int_equal(b.out.place, 3); /* again: the same */
    expect(&b, 3, 2u, 1u, 200u);
    assert_int_equal(direct_count(b.d, &H), 4);
    direct_free(b.d);
}

static void test_several_holders_several_chains(void **state)
{
    struct bench b = start(2);

    (void)state;
    for (unsigned i = 1; i <= 2; i++) {
        fetch(&b, i, 0);
        expect(&b, 0); /* enough holders for all */
    }
    fetch(&b, 3, 0);
    expect(&b, 3, 1u, 201u, 200u);
    fetch(&b, 4, 0);
    expect(&b, 3, 2u, 200u, 201u);
    fetch(&b, 6, 0);
    expect(&b, 3, 3u, 1u, 201u);
    direct_free(b.d);
}

static void test_who_left_a_parent_gets_another(void **state)
{
    struct bench b = start(1);

    (void)state;
    for (unsigned i = 1; i <= 4; i++)
        fetch(&b, i, 0);
    b.lost[0] = nid(2);
    b.in.losts = 1;
    fetch(&b, 3, 3);
    expect(&b, 2, 1u, 200u);
    b.in.losts = 0;
    fetch(&b, 5, 0);
    expect(&b, 3, 4u, 3u, 200u);
    b.lost[0] = nid(4);
    b.in.losts = 1;
    fetch(&b, 5, 5); /* now 4 and 2 are suspects */
    expect(&b, 3, 3u, 1u, 200u);
    b.in.losts = 0;
    fetch(&b, 6, 0);
    expect(&b, 3, 5u, 3u, 200u);
    b.in.now_ms += DIRECT_SUSPECT_MS;
    fetch(&b, 6, 6);
    expect(&b, 3, 5u, 4u, 200u);
    direct_free(b.d);
}

static void test_one_cannot_turn_all_against_each_other(void **state)
{
    struct bench b = start(1);

    (void)state;
    for (unsigned i = 1; i <= 5; i++)
        fetch(&b, i, 0);
    b.lost[0] = nid(1);
    b.lost[1] = nid(2);
    b.lost[2] = nid(3);
    b.in.losts = 3;
    fetch(&b, 5, 5); /* its parent is 4, which it does not name */
    b.in.losts = 0;
    fetch(&b, 3, 3);
    expect(&b, 3, 2u, 1u, 200u);
    direct_free(b.d);
}

static void test_another_leader_learns_the_places(void **state)
{
    struct bench b = start(1);

    (void)state;
    fetch(&b, 3, 3);
    assert_int_equal(b.out.place, 3);
    assert_true(b.out.keep); /* there is more to it than this leader knows */
    fetch(&b, 9, 0);
    assert_int_equal(b.out.place, 4);
    assert_false(b.out.keep);
    expect(&b, 2, 3u, 200u);
    fetch(&b, 1, 1);
    assert_int_equal(b.out.place, 1);
    expect(&b, 1, 200u);
    fetch(&b, 2, 1); /* two leaders gave the same: the id decides */
    expect(&b, 2, 1u, 200u);
    fetch(&b, 3, 77); /* known by now: what it claims changes nothing */
    assert_int_equal(b.out.place, 3);
    expect(&b, 3, 2u, 1u, 200u);
    fetch(&b, 10, DIRECT_PLACE_MAX + 1); /* no place that anybody gave */
    assert_int_equal(b.out.place, 5);
    direct_free(b.d);
}

static void test_silent_and_gone_ones_are_forgotten(void **state)
{
    struct bench b = start(1);

    (void)state;
    for (unsigned i = 1; i <= 3; i++)
        fetch(&b, i, 0);
    direct_gone(b.d, &b.in.who);
    assert_int_equal(direct_count(b.d, &H), 2);
    b.in.now_ms += DIRECT_SILENT_MS - 1;
    fetch(&b, 2, 2);
    expect(&b, 2, 1u, 200u);
    b.in.now_ms++;
    fetch(&b, 2, 2);
    expect(&b, 0);
    assert_int_equal(direct_count(b.d, &H), 1);
    fetch(&b, 4, 0);
    assert_int_equal(b.out.place, 4); /* places are not given twice */
    b.in.now_ms += DIRECT_SILENT_MS;
    b.in.hash.b[0]++;
    fetch(&b, 1, 0);
    assert_int_equal(direct_count(b.d, &H), 0);
    direct_free(b.d);
}

static void test_nobody_is_his_own_parent(void **state)
{
    struct bench b = start(1);

    (void)state;
    fetch(&b, 1, 0);
    fetch(&b, 200, 0); /* a whole holder of another opinion fetches it too */
    expect(&b, 1, 1u);
    direct_free(b.d);
}

static void test_full(void **state)
{
    struct bench b = start(1);

    (void)state;
    for (unsigned i = 0; i < DIRECT_FETCHERS; i++)
        fetch(&b, i + 1000, 0);
    fetch(&b, 1, 0);
    assert_int_equal(b.out.place, 0);
    expect(&b, 0);
    fetch(&b, 1000, 1);
    assert_int_equal(b.out.place, 1);
    direct_clear(b.d);
    assert_int_equal(direct_count(b.d, &H), 0);
    direct_free(b.d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_chain_of_one_holder),
        cmocka_unit_test(test_several_holders_several_chains),
        cmocka_unit_test(test_who_left_a_parent_gets_another),
        cmocka_unit_test(test_one_cannot_turn_all_against_each_other),
        cmocka_unit_test(test_another_leader_learns_the_places),
        cmocka_unit_test(test_silent_and_gone_ones_are_forgotten),
        cmocka_unit_test(test_nobody_is_his_own_parent),
        cmocka_unit_test(test_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
