/* base/rw: a reader never leaves its bytes, a writer never leaves its room. */
#include "base/buf.h"
#include "base/rw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void numbers_are_big_endian(void **state)
{
    static const uint8_t in[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    struct rd r = rd_over(in, sizeof in);

    (void)state;
    assert_int_equal(rd_u8(&r), 0x01);
    assert_int_equal(rd_u16(&r), 0x0203);
    assert_int_equal(rd_u32(&r), 0x04050607);
    assert_int_equal(rd_u64(&r), 0x08090a0b0c0d0e0f);
    assert_true(rd_done(&r));
}

static void a_read_past_the_end_is_bad_for_good(void **state)
{
    static const uint8_t in[] = {1, 2, 3};
    struct rd r = rd_over(in, sizeof in);
    uint8_t copy[4] = {9, 9, 9, 9};

    (void)state;
    assert_int_equal(rd_u32(&r), 0);
    assert_true(r.bad);
    assert_int_equal(rd_u8(&r), 0); /* though a byte would be there */
    assert_int_equal(rd_left(&r), 0);
    assert_null(rd_bytes(&r, 1));
    rd_copy(&r, copy, sizeof copy);
    assert_memory_equal(copy, "\0\0\0\0", 4);
    assert_false(rd_done(&r));
}

static void huge_lengths_do_not_wrap(void **state)
{
    static const uint8_t in[8];
    struct rd r = rd_over(in, sizeof in);
    struct rd sub;

    (void)state;
    assert_null(rd_bytes(&r, SIZE_MAX));
    assert_true(r.bad);
    r = rd_over(in, sizeof in);
    sub = rd_sub(&r, SIZE_MAX - 4);
    assert_true(r.bad && sub.bad);
    assert_int_equal(rd_left(&sub), 0);
}

static void nothing_at_all_can_be_read(void **state)
{
    struct rd r = rd_over(NULL, 0);

    (void)state;
    assert_true(rd_done(&r));
    rd_bytes(&r, 0);
    assert_true(rd_done(&r));
    assert_int_equal(rd_u8(&r), 0);
    assert_true(r.bad);
}

static void a_sub_reader_has_its_own_end(void **state)
{
    static const uint8_t in[] = {1, 2, 3, 4};
    struct rd r = rd_over(in, sizeof in);
    struct rd sub = rd_sub(&r, 2);

    (void)state;
    assert_int_equal(rd_u16(&sub), 0x0102);
    assert_int_equal(rd_u8(&sub), 0);
    assert_true(sub.bad);
    assert_int_equal(rd_u16(&r), 0x0304);
    assert_true(rd_done(&r));
}

static void varints_come_back(void **state)
{
    static const uint64_t in[] = {0,     1,     127,        128,       300,
                                  16383, 16384, UINT32_MAX, INT64_MAX, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof in / sizeof *in; i++) {
        struct buf b = {0};
        struct rd r;

        buf_varint(&b, in[i]);
        r = rd_over(b.data, b.len);
        assert_int_equal(rd_varint(&r), in[i]);
        assert_true(rd_done(&r));
        r = rd_over(b.data, b.len - 1); /* cut short */
        assert_int_equal(rd_varint(&r), 0);
        assert_true(r.bad);
        buf_free(&b);
    }
}

static void a_varint_has_one_form(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"\x80\0", 2},                                    /* overlong 0 */
        {"\xff\0", 2},                                    /* overlong 127 */
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10}, /* 65 bits */
        {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct rd r = rd_over(bad[i].bytes, bad[i].len);

        assert_int_equal(rd_varint(&r), 0);
        assert_true(r.bad);
    }
}

static void a_writer_stops_at_its_end(void **state)
{
    uint8_t out[16];
    struct wr w = wr_over(out, 15);

    (void)state;
    memset(out, 0xee, sizeof out);
    wr_u8(&w, 0x01);
    wr_u16(&w, 0x0203);
    wr_u32(&w, 0x04050607);
    wr_u64(&w, 0x08090a0b0c0d0e0f);
    assert_false(w.full);
    assert_memory_equal(out, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\xee",
                        16);
    wr_bytes(&w, "", 0);
    assert_false(w.full);
    w = wr_over(out, 3);
    wr_u16(&w, 0xaaaa);
    wr_u16(&w, 0xbbbb); /* does not fit */
    assert_true(w.full);
    wr_u8(&w, 0xcc); /* would fit, but something is missing before it */
    assert_memory_equal(out, "\xaa\xaa\x03\x04", 4);
    assert_int_equal(w.p - out, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_big_endian),
        cmocka_unit_test(a_read_past_the_end_is_bad_for_good),
        cmocka_unit_test(huge_lengths_do_not_wrap),
        cmocka_unit_test(nothing_at_all_can_be_read),
        cmocka_unit_test(a_sub_reader_has_its_own_end),
        cmocka_unit_test(varints_come_back),
        cmocka_unit_test(a_varint_has_one_form),
        cmocka_unit_test(a_writer_stops_at_its_end),
    };

    return cmocka_run_group_tests_name("rw", tests, NULL, NULL);
}
