/* core/manifest: what a folder's list may say, and that every refusal names line and reason. */
#include "base/mem.h"
#include "core/content.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define H "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"

struct seen {
    struct content_entry entry[8];
    size_t count, stop_at;
};

static bool see(void *ctx, const struct content_entry *entry, struct err *e)
{
    struct seen *s = ctx;

    if (s->count == s->stop_at) {
        err_set(e, ERR_EXISTS, "enough");
        return false;
    }
    s->entry[s->count++] = *entry;
    return true;
}

static int parse(const char *text, size_t len, struct seen *s, uint64_t *total, struct err *e)
{
    *s = (struct seen){.stop_at = 8};
    *e = (struct err){0};
    return content_manifest_parse(text, len, see, s, total, e);
}

static void entries_come_back(void **state)
{
    static const struct content_entry in[] = {
        {.size = 0, .kind = 'f', .name = "A \\ b\n", .name_len = 6},
        {.size = FILE_SIZE_MAX, .kind = 'x', .name = "run", .name_len = 3},
        {.size = 7, .kind = 'f', .name = "run.txt", .name_len = 7},
        {.size = INT64_MAX - FILE_SIZE_MAX - 7,
         .kind = 'd',
         .name = "\xc3\xa4 \xff",
         .name_len = 4},
    };
    struct buf b = {0};
    struct seen s;
    struct err e;
    uint64_t total;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        content_manifest_add(&b, &in[i]);
    assert_int_equal(parse(b.data, b.len, &s, &total, &e), 0);
    assert_int_equal(s.count, 4);
    assert_int_equal(total, INT64_MAX);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(s.entry[i].size, in[i].size);
        assert_int_equal(s.entry[i].kind, in[i].kind);
        assert_int_equal(s.entry[i].name_len, in[i].name_len);
        assert_memory_equal(s.entry[i].name, in[i].name, in[i].name_len + 1);
        assert_true(hash_eq(&s.entry[i].hash, &in[i].hash));
    }
    buf_free(&b);
}

static void the_bytes_are_those_of_the_protocol(void **state)
{
    struct content_entry entry = {.size = 1, .kind = 'f', .name = "a\tb", .name_len = 3};
    struct buf b = {0};
    struct hash h;
    char hex[HASH_HEX_LEN + 1];

    (void)state;
    assert_true(hash_parse(&entry.hash, H, HASH_HEX_LEN));
    content_manifest_add(&b, &entry);
    assert_string_equal(b.data, H " 1 f a\\x09b\n");
    content_hash(&h, b.data, b.len);
    hash_hex(&h, hex); /* printf '...' | sha256sum */
    assert_string_equal(hex, "248007610ef809e52aa2da0b0040970034c1609166ff6b7f429f385ee07b8abd");
    buf_free(&b);
}

static void an_empty_folder_is_fine(void **state)
{
    struct seen s;
    struct err e;
    uint64_t total = 1;

    (void)state;
    assert_int_equal(parse("", 0, &s, &total, &e), 0);
    assert_int_equal(parse(NULL, 0, &s, &total, &e), 0);
    assert_int_equal(total, 0);
    assert_int_equal(s.count, 0);
}

#define LINE1 H " 1 f a\n"

static void bad_lines_are_refused(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        int line;
        const char *reason;
    } row[] = {
#define ROW(text, line, reason) {text, sizeof(text) - 1, line, reason}
        ROW("\n", 1, "the hash is not 64 lowercase hex digits"),
        ROW(LINE1 "\n", 2, "the hash is not"),
        ROW("6E340B9CFFB37A989CA544E6BB780A2C78901D3FB33738768511A30617AFA01D 1 f a\n", 1,
            "the hash"),
        ROW("0" H " 1 f a\n", 1, "the hash is not"),
        ROW(LINE1 H, 2, "it does not end"),
        ROW(H " 1 f a", 1, "it does not end"),
        ROW(H " 1 f\n", 1, "the kind is none of"),
        ROW(H "  f a\n", 1, "the size is not a plain number"),
        ROW(H " 01 f a\n", 1, "the size is not"),
        ROW(H " +1 f a\n", 1, "the size is not"),
        ROW(H " -1 f a\n", 1, "the size is not"),
        ROW(H " 0x1 f a\n", 1, "the size is not"),
        ROW(H " 18446744073709551616 f a\n", 1, "the size is not"),
        ROW(H " 9223372036854775808 d a\n", 1, "the size is over the limit"),
        ROW(H " 70368744177665 f a\n", 1, "the size is over the limit"),
        ROW(H " 1 l a\n", 1, "the kind is none of f, x, d"),
        ROW(H " 1 ff a\n", 1, "the kind is none of"),
        ROW(H " 1 \0 a\n", 1, "the kind is none of"),
        ROW(H " 1 f \n", 1, "a component is empty"),
        ROW(H " 1 f .\n", 1, "a component is '.' or '..'"),
        ROW(H " 1 d ..\n", 1, "a component is '.' or '..'"),
        ROW(H " 1 f ../x\n", 1, "a name contains '/'"),
        ROW(H " 1 f /etc/passwd\n", 1, "a name contains '/'"),
        ROW(H " 1 f a\\x00b\n", 1, "it contains a NUL byte"),
        ROW(H " 1 f a\0b\n", 1, "not escaped as it must be"),
        ROW(H " 1 f a\\b\n", 1, "not escaped as it must be"),
        ROW(H " 1 f \\x2e\\x2e\n", 1, "not escaped as it must be"),
        ROW(H " 1 f a\r\n", 1, "not escaped as it must be"),
        ROW(H " 1 f a\xff\n", 1, "not escaped as it must be"),
        ROW(LINE1 LINE1, 2, "the name does not come after the one before"),
        ROW(H " 1 f b\n" LINE1, 2, "does not come after"),
        ROW(H " 1 f aa\n" LINE1, 2, "does not come after"),
        ROW(LINE1 H " 1 f A\n", 2, "does not come after"),
        /* In order as they are written, not as they are: '\' is before 'a', 0xff is not. */
        ROW(H " 1 f \\xff\n" H " 1 f a\n", 2, "does not come after"),
        ROW(H " 9223372036854775807 d a\n" H " 1 f b\n", 2, "the sum of the sizes is over"),
    };
    struct seen s;
    struct err e;
    char want[64];

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        snprintf(want, sizeof want, "line %d of the folder's manifest: ", row[i].line);
        if (parse(row[i].text, row[i].len, &s, NULL, &e) != -ERR_BAD_CONTENT)
            fail_msg("row %zu was taken", i);
        if (strncmp(e.text, want, strlen(want)) || !strstr(e.text, row[i].reason))
            fail_msg("row %zu: %s", i, e.text);
    }
}

static void names_have_their_bound(void **state)
{
    char name[NAME_LEN_MAX + 2];
    struct buf b = {0};
    struct seen s;
    struct err e;

    (void)state;
    memset(name, 'n', sizeof name);
    buf_printf(&b, "%s 1 f %.*s\n", H, NAME_LEN_MAX, name);
    assert_int_equal(parse(b.data, b.len, &s, NULL, &e), 0);
    assert_int_equal(s.entry[0].name_len, NAME_LEN_MAX);
    buf_reset(&b);
    buf_printf(&b, "%s 1 f %.*s\n", H, NAME_LEN_MAX + 1, name);
    assert_int_equal(parse(b.data, b.len, &s, NULL, &e), -ERR_BAD_CONTENT);
    assert_non_null(strstr(e.text, "too long"));
    buf_free(&b);
}

static void a_manifest_has_its_bound(void **state)
{
    char *text = mem_zero(MANIFEST_BYTES_MAX + 1, 1);
    struct seen s;
    struct err e;

    (void)state;
    assert_int_equal(parse(text, MANIFEST_BYTES_MAX + 1, &s, NULL, &e), -ERR_BAD_CONTENT);
    assert_non_null(strstr(e.text, "67108865 bytes"));
    mem_free(text);
}

static void the_taker_may_refuse(void **state)
{
    static const char text[] = LINE1 H " 1 f b\n";
    struct seen s = {.stop_at = 1};
    struct err e;

    (void)state;
    assert_int_equal(content_manifest_parse(text, sizeof text - 1, see, &s, NULL, &e), -ERR_EXISTS);
    assert_string_equal(e.text, "enough");
    assert_int_equal(s.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_back),
        cmocka_unit_test(the_bytes_are_those_of_the_protocol),
        cmocka_unit_test(an_empty_folder_is_fine),
        cmocka_unit_test(bad_lines_are_refused),
        cmocka_unit_test(names_have_their_bound),
        cmocka_unit_test(a_manifest_has_its_bound),
        cmocka_unit_test(the_taker_may_refuse),
    };

    return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
