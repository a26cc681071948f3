#include "core/meter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_steady_stream(void **state)
{
    struct meter m = {0};

    (void)state;
    for (int64_t t = 100000; t < 110000; t += 10)
        meter_add(&m, t, 1000);
    assert_in_range(meter_rate(&m, 110000), 95000, 105000);
    assert_int_equal(m.total, 1000000);
}

static void test_just_begun_and_long_gone(void **state)
{
    struct meter m = {0};

    (void)state;
    assert_int_equal(meter_rate(&m, 5), 0);
    meter_add(&m, 50000, 1 << 20);
    assert_in_range(meter_rate(&m, 50001), 1, 8 << 20); /* not a million times the truth */
    assert_in_range(meter_rate(&m, 51000), 1 << 19, 2 << 20);
    assert_int_equal(meter_rate(&m, 50000 + METER_SLOTS * METER_SLOT_MS + 300), 0);
}

static void test_a_pause_is_not_forgotten(void **state)
{
    struct meter m = {0};

    (void)state;
    meter_add(&m, 10000, 3000);
    meter_add(&m, 12900, 3000);
    assert_in_range(meter_rate(&m, 12990), 1500, 2500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steady_stream),
        cmocka_unit_test(test_just_begun_and_long_gone),
        cmocka_unit_test(test_a_pause_is_not_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
