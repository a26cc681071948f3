/* core/sums: lines of lists of sums, as coreutils, BSD and OpenSSL write them, and worse. */
#include "core/sums.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEX "3dbc6859616d6c34eda02cd3a672f678542cdaa567389c6d7cc42190635be0d1"

static void expect(const char *line, enum sums_kind kind, const char *name)
{
    struct sums_line l;
    char hex[HASH_HEX_LEN + 1];

    assert_int_equal(sums_line(line, strlen(line), &l), kind);
    if (kind != SUMS_SUM)
        return;
    hash_hex(&l.hash, hex);
    assert_string_equal(hex, HEX);
    assert_string_equal(l.name, name);
    assert_int_equal(l.name_len, strlen(name));
}

static void gnu_lines(void **state)
{
    (void)state;
    expect(HEX "  debian-12.iso", SUMS_SUM, "debian-12.iso");
    expect(HEX " *debian-12.iso\r", SUMS_SUM, "debian-12.iso");
    expect(HEX " one blank", SUMS_SUM, "one blank");
    expect(HEX "\ttab", SUMS_SUM, "tab");
    expect(HEX "   begins with a blank", SUMS_SUM, " begins with a blank");
    expect(HEX "  ./pool/a b.deb", SUMS_SUM, "pool/a b.deb");
    expect(HEX, SUMS_SUM, "");
    expect(HEX "  -", SUMS_SUM, "");
    expect("  " HEX "  indented", SUMS_SUM, "indented");
    expect("\xef\xbb\xbf" HEX "  first of a file from Windows\r", SUMS_SUM,
           "first of a file from Windows");
    expect("\\" HEX "  a\\nb\\\\c\\rd", SUMS_SUM, "a\nb\\c\rd");
    expect(HEX "  a\\nb", SUMS_SUM, "a\\nb");
    expect("3DBC6859616D6C34EDA02CD3A672F678542CDAA567389C6D7CC42190635BE0D1  upper", SUMS_SUM,
           "upper");
}

static void tagged_lines(void **state)
{
    (void)state;
    expect("SHA256 (debian-12.iso) = " HEX, SUMS_SUM, "debian-12.iso");
    expect("SHA256 (a (b) = c) = " HEX "\r", SUMS_SUM, "a (b) = c");
    expect("\\SHA256 (a\\nb) = " HEX, SUMS_SUM, "a\nb");
    expect("SHA2-256(x.tar.gz)= " HEX, SUMS_SUM, "x.tar.gz");
    expect("SHA256(x.tar.gz)= " HEX, SUMS_SUM, "x.tar.gz");
    expect("MD5 (x) = 00112233445566778899aabbccddeeff", SUMS_OTHER, NULL);
    expect("SHA512 (x) = " HEX HEX, SUMS_OTHER, NULL);
    expect("SHA256 (x) = 0011", SUMS_UNKNOWN, NULL);
    expect("SHA256 (x) " HEX, SUMS_UNKNOWN, NULL);
    expect("SHA256 () = " HEX, SUMS_SUM, "");
    expect("= " HEX, SUMS_UNKNOWN, NULL);
    expect(") = " HEX, SUMS_UNKNOWN, NULL);
    expect("SHA256 (= " HEX, SUMS_UNKNOWN, NULL);
}

static void what_else_stands_in_lists(void **state)
{
    (void)state;
    expect("", SUMS_BLANK, NULL);
    expect("\r", SUMS_BLANK, NULL);
    expect("# SHA256 sums", SUMS_BLANK, NULL);
    expect("-----BEGIN PGP SIGNED MESSAGE-----", SUMS_UNKNOWN, NULL);
    expect("Hash: SHA256", SUMS_UNKNOWN, NULL);
    expect("00112233445566778899aabbccddeeff  md5sum's", SUMS_OTHER, NULL);
    expect(HEX HEX "  sha512sum's", SUMS_OTHER, NULL);
    expect(HEX "0  too long", SUMS_UNKNOWN, NULL);
    expect(HEX "x", SUMS_UNKNOWN, NULL);
    expect("\\", SUMS_UNKNOWN, NULL);
    expect("hello", SUMS_UNKNOWN, NULL);
}

static void names_stay_inside(void **state)
{
    static const char *const bad[] = {
        "../x",    "a/../b",        "/etc/passwd",     "a//b", "a/", ".", "..", "./..", "./",
        "caf\xe9", ".x.iwant-part", "a/.b.iwant-part",
    };
    char line[8200];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(line, sizeof line, HEX "  %s", bad[i]);
        expect(line, SUMS_BAD_NAME, NULL);
    }
    expect("\\" HEX "  a\\tb", SUMS_BAD_NAME, NULL);
    expect("\\" HEX "  a\\", SUMS_BAD_NAME, NULL);
    memset(line, 'a', sizeof line);
    memcpy(line, HEX "  ", HASH_HEX_LEN + 2);
    line[HASH_HEX_LEN + 2 + 256] = '\0'; /* one component may have 255 bytes */
    expect(line, SUMS_BAD_NAME, NULL);
    memset(line + HASH_HEX_LEN + 2, 'a', 8000);
    line[8100] = '\0';
    expect(line, SUMS_BAD_NAME, NULL);
    expect(HEX "  .hidden", SUMS_SUM, ".hidden");
    expect(HEX "  x.part", SUMS_SUM, "x.part");
}

static void any_bytes(void **state)
{
    struct sums_line l;

    (void)state;
    assert_int_equal(sums_line(HEX "  a\0b", HASH_HEX_LEN + 5, &l), SUMS_BAD_NAME);
    assert_int_equal(sums_line("\\" HEX "  a\\\0b", HASH_HEX_LEN + 7, &l), SUMS_BAD_NAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gnu_lines),
        cmocka_unit_test(tagged_lines),
        cmocka_unit_test(what_else_stands_in_lists),
        cmocka_unit_test(names_stay_inside),
        cmocka_unit_test(any_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
