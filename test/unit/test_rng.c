/* base/rng: the published generator, replayable, without bias. */
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void the_sequence_is_the_published_one(void **state)
{
    struct rng r;

    (void)state;
    rng_seed(&r, 0); /* splitmix64's and xoshiro256**'s reference values */
    assert_int_equal(r.s[0], 0xe220a8397b1dcdaf);
    assert_int_equal(r.s[3], 0xf88bb8a8724c81ec);
    assert_int_equal(rng_next(&r), 0x99ec5f36cb75f2b4);
    assert_int_equal(rng_next(&r), 0xbf6e1f784956452a);
    assert_int_equal(rng_next(&r), 0x1a5f849d4933e6e0);
}

static void a_seed_replays(void **state)
{
    struct rng a, b;

    (void)state;
    rng_seed(&a, 42);
    rng_seed(&b, 42);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(rng_next(&a), rng_next(&b));
    rng_seed(&b, 43);
    assert_int_not_equal(rng_next(&a), rng_next(&b));
}

static void numbers_stay_below_and_are_even(void **state)
{
    unsigned seen[6] = {0};
    struct rng r;

    (void)state;
    rng_seed(&r, 7);
    for (int i = 0; i < 60000; i++) {
        uint64_t n = rng_below(&r, 6);

        assert_true(n < 6);
        seen[n]++;
    }
    for (int i = 0; i < 6; i++) /* 10000 each; five standard deviations are 460 */
        assert_in_range(seen[i], 9540, 10460);
    assert_int_equal(rng_below(&r, 1), 0);
    for (int i = 0; i < 1000; i++)
        assert_true(rng_below(&r, UINT64_MAX) < UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sequence_is_the_published_one),
        cmocka_unit_test(a_seed_replays),
        cmocka_unit_test(numbers_stay_below_and_are_even),
    };

    return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}
