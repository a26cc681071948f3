/* core/rows: rows survive the wire; what does not fit is refused. */
#include "base/limits.h"
#include "base/rng.h"
#include "core/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct hash FULL = {{1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
                                  17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32}};

static struct row row_of(enum row_kind kind, const char *path)
{
    return (struct row){
        .kind = kind,
        .number = 300,
        .path = path,
        .path_len = strlen(path),
        .size = 1234567890123,
        .mtime_s = 1795392000,
        .hash = FULL,
        .root = {{9}},
    };
}

static void assert_row_eq(const struct row *a, const struct row *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->path_len, b->path_len);
    assert_memory_equal(a->path, b->path, a->path_len);
    assert_int_equal(a->size, b->size);
    assert_int_equal(a->mtime_s, b->mtime_s);
    assert_true(hash_eq(&a->hash, &b->hash));
    assert_true(hash_eq(&a->root, &b->root));
}

static void rows_come_back(void **state)
{
    char hex[HASH_HEX_LEN + 1];
    struct row rows[7], got;
    struct buf b = {0};
    struct rd r;

    (void)state;
    hash_hex(&FULL, hex);
    rows[0] = row_of(ROW_FILE, "Films/A \"b\"\n\x80.mkv");
    rows[1] = row_of(ROW_EXEC, "run");
    rows[2] = row_of(ROW_DIR, "Films");
    rows[2].root = (struct hash){0};
    rows[3] = row_of(ROW_DIR, "");
    rows[3].root = (struct hash){0};
    rows[4] = row_of(ROW_PART, hex);
    rows[5] = row_of(ROW_FILE, "old");
    rows[5].mtime_s = INT64_MIN;
    rows[5].size = 0;
    rows[6] = (struct row){.kind = ROW_GONE, .number = UINT64_MAX, .path = "x/y", .path_len = 3};
    for (size_t i = 0; i < 7; i++)
        rows_put(&b, &rows[i]);
    r = rd_over(b.data, b.len);
    for (size_t i = 0; i < 7; i++) {
        assert_true(rows_get(&r, &got));
        assert_row_eq(&rows[i], &got);
    }
    assert_true(rd_done(&r));
    assert_false(rows_get(&r, &got));
    buf_free(&b);
}

/* A content of one piece has the root of no checkpoints, which costs one bit. */
static void common_root_is_short(void **state)
{
    struct row with = row_of(ROW_FILE, "a"), without = with, got;
    struct buf long_form = {0}, b = {0};
    struct rd r;

    (void)state;
    assert_true(hash_parse(&without.root,
                           "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                           HASH_HEX_LEN));
    rows_put(&long_form, &with);
    rows_put(&b, &without);
    assert_int_equal(long_form.len, b.len + 32);
    r = rd_over(b.data, b.len);
    assert_true(rows_get(&r, &got));
    assert_row_eq(&without, &got);
    buf_free(&b);
    buf_free(&long_form);
}

/* The very bytes: another version must be able to read them. */
static void bytes_are_as_documented(void **state)
{
    static const uint8_t gone[] = {0x07, '-', 0xac, 0x02, 0x03, 'x', '/', 'y'};
    static const uint8_t dir[] = {0x28, 'd', 0x05, 0x01, 'd', 0x00, 0x80, 0x01, 0x03};
    struct row row = {.kind = ROW_GONE, .number = 300, .path = "x/y", .path_len = 3};
    struct buf b = {0};

    (void)state;
    rows_put(&b, &row);
    assert_int_equal(b.len, sizeof gone);
    assert_memory_equal(b.data, gone, sizeof gone);
    buf_reset(&b);
    row = (struct row){.kind = ROW_DIR,
                       .number = 5,
                       .path = "d",
                       .path_len = 1,
                       .size = 128,
                       .mtime_s = -2,
                       .hash = FULL};
    rows_put(&b, &row);
    assert_int_equal(b.len, sizeof dir + sizeof FULL);
    assert_memory_equal(b.data, dir, sizeof dir);
    assert_memory_equal(b.data + sizeof dir, FULL.b, sizeof FULL);
    buf_free(&b);
}

static void head_comes_back(void **state)
{
    struct rows_head h = {.generation = UINT64_MAX - 1,
                          .number = 77,
                          .reset = true,
                          .more = true,
                          .files = 3,
                          .bytes = UINT64_MAX,
                          .name = "eva's laptop",
                          .name_len = 12},
                     got;
    struct buf b = {0};
    struct rd r;

    (void)state;
    rows_put_head(&b, &h);
    r = rd_over(b.data, b.len);
    assert_true(rows_get_head(&r, &got));
    assert_true(rd_done(&r));
    assert_int_equal(got.generation, h.generation);
    assert_int_equal(got.number, 77);
    assert_true(got.reset && got.more);
    assert_int_equal(got.files, 3);
    assert_int_equal(got.bytes, UINT64_MAX);
    assert_int_equal(got.name_len, 12);
    assert_memory_equal(got.name, h.name, 12);
    buf_free(&b);
}

/* Fields of a later version behind the known ones are skipped. */
static void unknown_fields_are_skipped(void **state)
{
    static const uint8_t bytes[] = {0x05, '-', 0x01, 0x01, 'a', 0xff, 0x04, '-', 0x02, 0x01, 'b'};
    struct rd r = rd_over(bytes, sizeof bytes);
    struct row row;

    (void)state;
    assert_true(rows_get(&r, &row));
    assert_int_equal(row.path[0], 'a');
    assert_true(rows_get(&r, &row));
    assert_int_equal(row.path[0], 'b');
    assert_true(rd_done(&r));
}

static bool accepted(const struct row *row)
{
    struct buf b = {0};
    struct row got;
    struct rd r;
    bool ok;

    rows_put(&b, row);
    r = rd_over(b.data, b.len);
    ok = rows_get(&r, &got);
    assert_int_equal(ok, !r.bad);
    buf_free(&b);
    return ok;
}

static void bad_rows_are_refused(void **state)
{
    static const char *const unsafe[] = {"/etc/passwd", "../x", "a/../b", "a//b",
                                         "a/",          ".",    "a/./b"};
    struct row row;

    (void)state;
    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++) {
        row = row_of(ROW_FILE, unsafe[i]);
        assert_false(accepted(&row));
        row.kind = ROW_GONE;
        assert_false(accepted(&row));
    }
    row = row_of(ROW_FILE, "nul");
    row.path = "n\0l";
    assert_false(accepted(&row));
    row = row_of(ROW_FILE, "");
    assert_false(accepted(&row));
    row = row_of((enum row_kind)'q', "a");
    assert_false(accepted(&row));
    row = row_of(ROW_FILE, "big");
    row.size = FILE_SIZE_MAX;
    assert_true(accepted(&row));
    row.size++;
    assert_false(accepted(&row));
    row = row_of(ROW_DIR, "sum");
    row.size = (uint64_t)INT64_MAX + 1;
    assert_false(accepted(&row));
    row = row_of(ROW_PART, "0000000000000000000000000000000000000000000000000000000000000000");
    assert_false(accepted(&row));
}

static void cut_rows_are_refused(void **state)
{
    struct row row = row_of(ROW_FILE, "some/name"), got;
    struct buf b = {0};

    (void)state;
    rows_put(&b, &row);
    for (size_t len = 0; len < b.len; len++) {
        struct rd r = rd_over(b.data, len);

        assert_false(rows_get(&r, &got));
        assert_true(r.bad);
    }
    /* the record ends before its fields do */
    for (size_t len = 0; len < b.len - 1; len++) {
        struct rd r;

        b.data[0] = (char)len;
        r = rd_over(b.data, b.len);
        assert_false(rows_get(&r, &got));
    }
    buf_free(&b);
}

static void oversize_is_refused(void **state)
{
    /* one record of 9,000 bytes; a path and a name longer than allowed */
    static uint8_t big[9010] = {0xa8, 0x46, '-', 0x01, 0x01, 'a'};
    static uint8_t path[5000] = {0x84, 0x27, '-', 0x01, 0x80, 0x20};
    uint8_t name[100] = {0};
    struct rd r = rd_over(big, sizeof big);
    struct rows_head head;
    struct row row;

    (void)state;
    assert_false(rows_get(&r, &row));
    memset(path + 6, 'a', sizeof path - 6);
    r = rd_over(path, sizeof path);
    assert_false(rows_get(&r, &row));
    name[0] = 90;
    name[1 + 8 + 1 + 1 + 1 + 1] = PEER_NAME_MAX;
    r = rd_over(name, sizeof name);
    assert_true(rows_get_head(&r, &head));
    name[1 + 8 + 1 + 1 + 1 + 1]++;
    r = rd_over(name, sizeof name);
    assert_false(rows_get_head(&r, &head));
}

/* Any bytes: no read outside (asan watches), and bad once is bad for good. */
static void noise_is_survived(void **state)
{
    struct rng rng;

    (void)state;
    rng_seed(&rng, 1);
    for (int round = 0; round < 20000; round++) {
        uint8_t noise[80];
        size_t len = rng_below(&rng, sizeof noise + 1);
        struct rd r = rd_over(noise, len);
        struct row row;

        for (size_t i = 0; i < len; i++)
            noise[i] = (uint8_t)rng_next(&rng);
        if (len)
            noise[0] %= 80;
        if (len > 1)
            noise[1] = (uint8_t) "fxdp-"[noise[1] % 5];
        while (rows_get(&r, &row))
            assert_true(row.path_len <= PATH_LEN_MAX);
        assert_true(r.bad || rd_done(&r));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back),
        cmocka_unit_test(common_root_is_short),
        cmocka_unit_test(bytes_are_as_documented),
        cmocka_unit_test(head_comes_back),
        cmocka_unit_test(unknown_fields_are_skipped),
        cmocka_unit_test(bad_rows_are_refused),
        cmocka_unit_test(cut_rows_are_refused),
        cmocka_unit_test(oversize_is_refused),
        cmocka_unit_test(noise_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
