/* core/wish: what meets a standing wish, and what is only near. */
#include "core/wish.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char PATH[] = "Shows/Silicon Valley/Season 1/Silicon.Valley.S01E02.The.Cap-Table.mkv";

static bool met(const char *text, const char *path)
{
    return wish_met(text, strlen(text), path, strlen(path), false);
}

static void words_as_they_are_written(void **state)
{
    (void)state;
    assert_true(met("silicon valley", PATH));
    assert_true(met("VALLEY silicon mkv", PATH));
    assert_true(met("shows cap table", PATH));
    assert_true(met("sil val", PATH));
    assert_false(met("si", PATH));
    assert_false(met("slicon valley", PATH)); /* a search would forgive it */
    assert_false(met("silicon mountain", PATH));
    assert_true(met("", PATH));
    assert_true(met("--- !!", PATH));
}

static void together_or_apart(void **state)
{
    (void)state;
    assert_true(met("siliconvalley", PATH));
    assert_true(met("captable", PATH));
    assert_true(met("wu tang", "music/wutang clan.mp3"));
    assert_true(met("wu-tang", "music/Wu Tang.mp3"));
    assert_true(met("wutang", "music/Wu Tang.mp3"));
}

static void numbers_and_episodes(void **state)
{
    (void)state;
    assert_true(met("debian 12 iso", "isos/debian-12.5.0-amd64-netinst.iso"));
    assert_false(met("debian 12 iso", "isos/debian-11.5.0-amd64-netinst.iso"));
    assert_false(met("debian 1 iso", "isos/debian-12.5.0-amd64-netinst.iso"));
    assert_true(met("silicon 1x02", PATH));
    assert_true(met("silicon s1e2", PATH));
    assert_false(met("silicon s01e03", PATH));
    assert_true(met("debian12", "debian-12.iso"));
    assert_true(met("debian 12", "debian12.iso"));
}

static void marks_are_the_searchs(void **state)
{
    (void)state;
    assert_true(met("silicon -berlin", PATH));
    assert_true(met("\"silicon valley\" table", PATH));
    assert_true(met("\"the cap\"", PATH));
    assert_false(met("\"the hat\"", PATH));
}

static void case_and_accents(void **state)
{
    (void)state;
    assert_true(met("cafe senorita", "Caf\xc3\xa9/Se\xc3\xb1orita.mp3"));
    assert_true(met("Caf\xc3\xa9", "cafe.txt"));
    assert_true(met("\xe5\x88\x9d\xe6\x81\x8b", "First Love \xe5\x88\x9d\xe6\x81\x8b.flac"));
}

static void any_bytes(void **state)
{
    char text[600], path[5000];
    uint32_t x = 1;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        size_t len = (x = x * 1664525 + 1013904223) % sizeof text;
        size_t path_len = (x = x * 1664525 + 1013904223) % sizeof path;

        for (size_t i = 0; i < len; i++)
            text[i] = "ab1 -\"\xc3\xa9/.S"[(x = x * 1664525 + 1013904223) >> 16 & 7];
        for (size_t i = 0; i < path_len; i++)
            path[i] = (char)((x = x * 1664525 + 1013904223) >> 16);
        (void)wish_met(text, len, path, path_len, round & 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_as_they_are_written), cmocka_unit_test(together_or_apart),
        cmocka_unit_test(numbers_and_episodes),      cmocka_unit_test(marks_are_the_searchs),
        cmocka_unit_test(case_and_accents),          cmocka_unit_test(any_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
