/* core/content: hashes are sha256sum's, every piece is verified on its own, nothing else passes. */
#include "base/mem.h"
#include "core/content.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define P   ((uint64_t)PIECE_MIN)
#define GIB (1ull << 30)

/* Byte i of the test files: no stretch of them is like another at a piece's boundary. */
static uint8_t *test_bytes(size_t len)
{
    uint8_t *data = mem_alloc(len);

    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i * 31 + i / 251);
    return data;
}

/* From another SHA-256, written in Python after FIPS 180-4 so that its state can be read. */
static const struct {
    size_t size;
    const char *hash, *root;
} VECTORS[] = {
    {0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {64, "a08f82c23e6c13629d8e33d0d2a13005fb104363eb793b5e8842044951d27764",
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {PIECE_MIN - 1, "140a44931d63da5baec5aa36e5719a41f8c8eb0cbd3ba6299b715e734982bf24",
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {PIECE_MIN, "dc6e5c46329e7019fca98b07fa2ddc98de06454448c457a47cf00922c9006deb",
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {PIECE_MIN + 1, "4838d6ce6291f7825cf232c9ffb48d8a624104e18110db900da0edcb948b5ab1",
     "87bebeb42206652d2b31d1e1f53d196cc4d4398676d36d0a27a1f5d514272561"},
    {3 * PIECE_MIN, "c1bc9fd0f72129a29e04f326bb9a9ea22a6ae5ef4fbc2590ac3a3e5dbc26541d",
     "bbacc9cee2b8ac316507cbbafd6a9d8816c22c423a0a46b19b479f54ad025a60"},
};
#define VECTOR_COUNT (sizeof VECTORS / sizeof *VECTORS)

struct hashed {
    struct hash hash, root;
    struct buf checkpoints;
};

/* Hash data fed in steps of at most `step` bytes. */
static struct hashed hashed_of(const uint8_t *data, uint64_t size, size_t step)
{
    struct content_hasher h;
    struct hashed out;

    content_hasher_init(&h, size);
    for (uint64_t at = 0; at < size; at += step)
        content_hasher_add(&h, data + at, size - at < step ? (size_t)(size - at) : step);
    assert_true(content_hasher_done(&h, &out.hash, &out.root));
    assert_int_equal(h.checkpoints.len, content_checkpoints_len(size));
    out.checkpoints = h.checkpoints;
    h.checkpoints = (struct buf){0};
    content_hasher_free(&h);
    return out;
}

static bool piece_ok(const struct hashed *f, const uint8_t *data, uint64_t size, uint32_t piece)
{
    const uint8_t *start = data + piece * content_piece_size(size);
    struct content_verify v;

    content_verify_init(&v, size, &f->hash, (const uint8_t *)f->checkpoints.data, piece);
    assert_int_equal(v.left, content_piece_len(size, piece));
    while (v.left) {
        size_t n = v.left < 10007 ? (size_t)v.left : 10007;

        assert_false(content_verify_done(&v));
        content_verify_add(&v, start, n);
        start += n;
    }
    return content_verify_done(&v);
}

static void piece_sizes_follow_the_file(void **state)
{
    static const struct {
        uint64_t size, piece;
        uint32_t count;
    } row[] = {
        {0, P, 0},
        {1, P, 1},
        {P, P, 1},
        {P + 1, P, 2},
        {8 * GIB, P, 8192},
        {8 * GIB + 1, 2 * P, 4097},
        {16 * GIB, 2 * P, 8192},
        {16 * GIB + 1, 4 * P, 4097},
        {64 * GIB, 8 * P, 8192},
        {64 * GIB + 1, 16 * P, 4097},
        {1024 * GIB, 16 * P, 65536},
        {FILE_SIZE_MAX, 16 * P, 4194304},
    };

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        uint64_t sum = 0;

        assert_int_equal(content_piece_size(row[i].size), row[i].piece);
        assert_int_equal(content_piece_count(row[i].size), row[i].count);
        for (uint32_t k = 0; k < row[i].count; k++)
            sum += content_piece_len(row[i].size, k);
        assert_int_equal(sum, row[i].size);
        assert_int_equal(content_checkpoints_len(row[i].size),
                         row[i].count ? (row[i].count - 1) * 32ull : 0);
    }
    assert_true(content_checkpoints_len(FILE_SIZE_MAX) <= CHECKPOINTS_MAX);
}

static void vectors_are_reproduced(void **state)
{
    static const size_t steps[] = {1 << 16, 64, 4099, 5u << 20};
    uint8_t *data = test_bytes(3 * P);
    char hex[HASH_HEX_LEN + 1];

    (void)state;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        struct hashed f = hashed_of(data, VECTORS[i].size, steps[i % 4]);

        hash_hex(&f.hash, hex);
        assert_string_equal(hex, VECTORS[i].hash);
        hash_hex(&f.root, hex);
        assert_string_equal(hex, VECTORS[i].root);
        assert_true(content_checkpoints_ok(VECTORS[i].size, &f.root, f.checkpoints.data,
                                           f.checkpoints.len));
        for (uint32_t k = 0; k < content_piece_count(VECTORS[i].size); k++)
            assert_true(piece_ok(&f, data, VECTORS[i].size, k));
        buf_free(&f.checkpoints);
    }
    mem_free(data);
}

/* What sha256sum prints for what the shell command gives; false without sha256sum. */
static bool sha256sum_of(const char *command, char hex[HASH_HEX_LEN + 1])
{
    char line[256];
    FILE *p;
    bool got;

    snprintf(line, sizeof line, "%s | sha256sum 2>/dev/null", command);
    p = popen(line, "r");
    got = p && fgets(line, sizeof line, p) && strlen(line) > HASH_HEX_LEN;
    if (p)
        pclose(p);
    if (got) {
        memcpy(hex, line, HASH_HEX_LEN);
        hex[HASH_HEX_LEN] = '\0';
    }
    return got;
}

static void hashes_are_those_of_sha256sum(void **state)
{
    char path[] = "/tmp/iwant-test-XXXXXX", command[128], hex[HASH_HEX_LEN + 1],
         want[HASH_HEX_LEN + 1];
    uint8_t *data = test_bytes(3 * P);
    bool there = true;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    for (size_t i = 0; there && i < VECTOR_COUNT; i++) {
        struct hashed f = hashed_of(data, VECTORS[i].size, 1 << 16);

        assert_int_equal(pwrite(fd, data, VECTORS[i].size, 0), VECTORS[i].size);
        snprintf(command, sizeof command, "cat %s", path);
        hash_hex(&f.hash, hex);
        there = sha256sum_of(command, want);
        if (there)
            assert_string_equal(hex, want);
        buf_free(&f.checkpoints);
    }
    close(fd);
    unlink(path);
    mem_free(data);
    if (!there)
        skip();
}

static void a_changed_byte_fails_its_piece_only(void **state)
{
    const uint64_t size = 2 * P + 100;
    const size_t flips[] = {0, 63, P - 1, P, 2 * P - 1, 2 * P, 2 * P + 99};
    uint8_t *data = test_bytes(size);
    struct hashed f = hashed_of(data, size, 1 << 16);

    (void)state;
    for (size_t i = 0; i < sizeof flips / sizeof *flips; i++) {
        data[flips[i]] ^= 1;
        for (uint32_t k = 0; k < 3; k++)
            assert_int_equal(piece_ok(&f, data, size, k), flips[i] / P != k);
        data[flips[i]] ^= 1;
    }
    buf_free(&f.checkpoints);
    mem_free(data);
}

static void a_forged_list_shows(void **state)
{
    const uint64_t size = 3 * P;
    uint8_t *data = test_bytes(size);
    struct hashed f = hashed_of(data, size, 1 << 16);
    struct hash root;

    (void)state;
    assert_false(content_checkpoints_ok(size, &f.root, f.checkpoints.data, f.checkpoints.len - 32));
    assert_false(content_checkpoints_ok(P, &f.root, f.checkpoints.data, f.checkpoints.len));
    assert_false(
        content_checkpoints_ok(UINT64_MAX, &f.root, f.checkpoints.data, f.checkpoints.len));
    f.checkpoints.data[40] ^= 1;
    assert_false(content_checkpoints_ok(size, &f.root, f.checkpoints.data, f.checkpoints.len));
    /* With a root hash made to fit, the links beside the forged checkpoint do not. */
    content_root(&root, f.checkpoints.data, f.checkpoints.len);
    assert_true(content_checkpoints_ok(size, &root, f.checkpoints.data, f.checkpoints.len));
    assert_true(piece_ok(&f, data, size, 0));
    assert_false(piece_ok(&f, data, size, 1));
    assert_false(piece_ok(&f, data, size, 2));
    content_root(&root, NULL, 0);
    assert_true(content_checkpoints_ok(0, &root, NULL, 0));
    assert_true(content_checkpoints_ok(P, &root, NULL, 0));
    buf_free(&f.checkpoints);
    mem_free(data);
}

static void the_length_is_part_of_the_last_piece(void **state)
{
    uint8_t *data = test_bytes(2 * P);
    struct hashed f = hashed_of(data, P + 64, 1 << 16);
    struct hashed shorter = hashed_of(data, P + 63, 1 << 16);

    (void)state;
    assert_true(piece_ok(&f, data, P + 64, 1));
    assert_false(piece_ok(&f, data, P + 63, 1));
    assert_memory_equal(f.checkpoints.data, shorter.checkpoints.data, 32);
    buf_free(&f.checkpoints);
    buf_free(&shorter.checkpoints);
    mem_free(data);
}

static void a_file_that_changes_length_is_refused(void **state)
{
    static const uint8_t zeros[100];
    struct content_hasher h;
    struct hash hash, root;

    (void)state;
    content_hasher_init(&h, 150);
    content_hasher_add(&h, zeros, 100);
    assert_false(content_hasher_done(&h, &hash, &root));
    content_hasher_add(&h, zeros, 51);
    assert_false(content_hasher_done(&h, &hash, &root));
    content_hasher_add(&h, zeros, 50); /* no way back */
    assert_false(content_hasher_done(&h, &hash, &root));
    content_hasher_free(&h);
    content_hasher_init(&h, 0);
    assert_true(content_hasher_done(&h, &hash, &root));
    content_hasher_add(&h, zeros, 1);
    assert_false(content_hasher_done(&h, &hash, &root));
    content_hasher_free(&h);
}

/* Above 8 GiB pieces have 2 MiB. Takes a minute: `make slow`. */
static void a_file_above_8_gib(void **state)
{
    const uint64_t size = 8 * GIB + 1;
    char hex[HASH_HEX_LEN + 1], want[HASH_HEX_LEN + 1];
    uint8_t *zeros;
    struct content_hasher h;
    struct content_verify v;
    struct hash hash, root;

    (void)state;
    if (!sha256sum_of("head -c 8589934593 /dev/zero", want))
        skip();
    zeros = mem_zero(2 * P, 1);
    content_hasher_init(&h, size);
    for (uint64_t left = size; left;) {
        size_t n = left < 2 * P ? (size_t)left : 2 * P;

        content_hasher_add(&h, zeros, n);
        left -= n;
    }
    assert_true(content_hasher_done(&h, &hash, &root));
    hash_hex(&hash, hex);
    assert_string_equal(hex, want);
    assert_true(content_checkpoints_ok(size, &root, h.checkpoints.data, h.checkpoints.len));
    for (uint32_t k = 0; k < 4097; k += 2048) { /* first, middle, last */
        content_verify_init(&v, size, &hash, (const uint8_t *)h.checkpoints.data, k);
        content_verify_add(&v, zeros, (size_t)v.left);
        assert_true(content_verify_done(&v));
    }
    content_hasher_free(&h);
    mem_free(zeros);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(piece_sizes_follow_the_file),
        cmocka_unit_test(vectors_are_reproduced),
        cmocka_unit_test(hashes_are_those_of_sha256sum),
        cmocka_unit_test(a_changed_byte_fails_its_piece_only),
        cmocka_unit_test(a_forged_list_shows),
        cmocka_unit_test(the_length_is_part_of_the_last_piece),
        cmocka_unit_test(a_file_that_changes_length_is_refused),
    };
    const struct CMUnitTest slow[] = {cmocka_unit_test(a_file_above_8_gib)};

    if (getenv("IWANT_SLOW"))
        return cmocka_run_group_tests_name("content, slow", slow, NULL, NULL);
    return cmocka_run_group_tests_name("content", tests, NULL, NULL);
}
