/* base/bits: the count is always that of the bits, the bytes are BitTorrent's. */
#include "base/bits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void bits_are_set_and_cleared(void **state)
{
    struct bits b;

    (void)state;
    bits_init(&b, 19);
    assert_int_equal(bits_bytes(&b), 3);
    bits_set(&b, 0);
    bits_set(&b, 18);
    bits_set(&b, 18); /* twice counts once */
    bits_clear(&b, 5);
    assert_int_equal(b.count, 2);
    assert_true(bits_get(&b, 0) && bits_get(&b, 18));
    assert_false(bits_get(&b, 1) || bits_get(&b, 17));
    assert_memory_equal(b.byte, "\x80\x00\x20", 3);
    bits_clear(&b, 0);
    assert_int_equal(b.count, 1);
    for (uint32_t i = 0; i < 18; i++) {
        assert_false(bits_full(&b));
        bits_set(&b, i);
    }
    assert_true(bits_full(&b));
    assert_memory_equal(b.byte, "\xff\xff\xe0", 3);
    bits_done(&b);
}

static void bytes_are_loaded_or_refused(void **state)
{
    struct bits b;

    (void)state;
    assert_true(bits_load(&b, 11, "\x81\x60", 2));
    assert_int_equal(b.count, 4);
    assert_true(bits_get(&b, 0) && bits_get(&b, 7) && bits_get(&b, 9) && bits_get(&b, 10));
    bits_done(&b);
    assert_true(bits_load(&b, 16, "\xff\xff", 2));
    assert_true(bits_full(&b));
    bits_done(&b);
    assert_false(bits_load(&b, 11, "\x81\x70", 2)); /* a spare bit is set */
    assert_int_equal(b.count, 0);
    assert_false(bits_get(&b, 0));
    bits_done(&b);
    assert_false(bits_load(&b, 11, "\x81", 1));
    bits_done(&b);
    assert_false(bits_load(&b, 11, "\x81\x60\0", 3));
    bits_done(&b);
    assert_true(bits_load(&b, 0, NULL, 0));
    assert_true(bits_full(&b)); /* of nothing, everything is there */
    bits_done(&b);
}

static void a_copy_is_its_own(void **state)
{
    struct bits a, b;

    (void)state;
    bits_init(&a, 9);
    bits_set(&a, 8);
    bits_copy(&b, &a);
    bits_set(&b, 0);
    assert_false(bits_get(&a, 0));
    assert_int_equal(a.count, 1);
    assert_int_equal(b.count, 2);
    bits_done(&a);
    bits_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_are_set_and_cleared),
        cmocka_unit_test(bytes_are_loaded_or_refused),
        cmocka_unit_test(a_copy_is_its_own),
    };

    return cmocka_run_group_tests_name("bits", tests, NULL, NULL);
}
