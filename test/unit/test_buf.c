/* base/buf: bytes in their order, always a NUL behind them. */
#include "base/buf.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void a_buffer_grows(void **state)
{
    struct buf b = {0};

    (void)state;
    assert_string_equal(buf_cstr(&b), "");
    for (int i = 0; i < 10000; i++) {
        buf_char(&b, (char)('a' + i % 26));
        assert_int_equal(b.data[b.len], '\0');
    }
    assert_int_equal(b.len, 10000);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(b.data[i], 'a' + i % 26);
    buf_free(&b);
    assert_null(b.data);
    assert_int_equal(b.len + b.cap, 0);
}

static void nothing_can_be_added(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_add(&b, NULL, 0);
    buf_str(&b, "");
    buf_printf(&b, "%s", "");
    assert_int_equal(b.len, 0);
    assert_string_equal(buf_cstr(&b), "");
    buf_free(&b);
}

static void text_is_formatted_in_place(void **state)
{
    char longer[1000], want[1100];
    struct buf b = {0};

    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    buf_printf(&b, "%d-", 42);
    buf_printf(&b, "%s!", longer);
    snprintf(want, sizeof want, "42-%s!", longer);
    assert_string_equal(b.data, want);
    assert_int_equal(b.len, strlen(want));
    buf_free(&b);
}

static void numbers_are_big_endian(void **state)
{
    struct buf b = {0};

    (void)state;
    buf_u8(&b, 1);
    buf_u16(&b, 0x0203);
    buf_u32(&b, 0x04050607);
    buf_u64(&b, 0x08090a0b0c0d0e0f);
    buf_varint(&b, 300);
    assert_int_equal(b.len, 17);
    assert_memory_equal(b.data,
                        "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\xac\x02", 18);
    buf_free(&b);
}

static void a_reset_keeps_the_memory(void **state)
{
    struct buf b = {0};
    char *before;

    (void)state;
    buf_reset(&b); /* also of nothing */
    buf_str(&b, "something");
    before = b.data;
    buf_reset(&b);
    assert_string_equal(b.data, "");
    buf_str(&b, "else");
    assert_ptr_equal(b.data, before);
    assert_string_equal(b.data, "else");
    buf_free(&b);
}

static void what_is_taken_is_the_takers(void **state)
{
    struct buf b = {0};
    size_t len = 9;
    char *p;

    (void)state;
    p = buf_take(&b, &len);
    assert_string_equal(p, "");
    assert_int_equal(len, 0);
    mem_free(p);
    buf_add(&b, "a\0b", 3);
    p = buf_take(&b, &len);
    assert_int_equal(len, 3);
    assert_memory_equal(p, "a\0b", 4);
    assert_null(b.data);
    mem_free(p);
}

static void room_is_there_until_it_is_used(void **state)
{
    struct buf b = {0};
    char *room;

    (void)state;
    buf_str(&b, "ab");
    room = buf_room(&b, 1000);
    assert_ptr_equal(room, b.data + 2);
    assert_int_equal(b.len, 2);
    memset(room, 'c', 1000);
    b.len += 1000;
    buf_str(&b, "d");
    assert_int_equal(b.len, 1003);
    assert_int_equal(b.data[1001], 'c');
    assert_int_equal(b.data[1002], 'd');
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_grows),
        cmocka_unit_test(nothing_can_be_added),
        cmocka_unit_test(text_is_formatted_in_place),
        cmocka_unit_test(numbers_are_big_endian),
        cmocka_unit_test(a_reset_keeps_the_memory),
        cmocka_unit_test(what_is_taken_is_the_takers),
        cmocka_unit_test(room_is_there_until_it_is_used),
    };

    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
