/* core/highlight: the letters that people would mark. */
#include "core/highlight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The text with [ and ] around what is marked. */
static void assert_marked(const char *query, const char *text, const char *want)
{
    struct highlight *h = highlight_new(query, strlen(query));
    uint8_t marks[700];
    char out[1400];
    size_t len = strlen(text), n = 0;
    bool on = false;

    highlight_text(h, text, len, marks);
    for (size_t i = 0; i <= len; i++) {
        bool mark = i < len && marks[i];

        if (mark != on)
            out[n++] = mark ? '[' : ']';
        on = mark;
        out[n++] = text[i];
    }
    assert_string_equal(out, want);
    highlight_free(h);
}

static void words_beginnings_and_pieces(void **state)
{
    (void)state;
    assert_marked("silicon valley", "Silicon Valley S01E01.mkv", "[Silicon] [Valley] S01E01.mkv");
    assert_marked("val", "Silicon.Valley-oval", "Silicon.[Val]ley-oval");
    assert_marked("alley", "Silicon Valley", "Silicon V[alley]");
    assert_marked("a", "an apple, a pear", "[a]n [a]pple, [a] pear");
    assert_marked("mkv", "a.mkv", "a.[mkv]");
    assert_marked("", "abc", "abc");
    assert_marked("abc", "", "");
    assert_marked("!!", "a!!b", "a!!b");
}

static void numbers_are_whole(void **state)
{
    (void)state;
    assert_marked("1", "01 track 10 1", "0[1] track 10 [1]");
    assert_marked("2019", "IMG_2019.jpg 12019", "IMG_[2019].jpg 12019");
    assert_marked("264", "x264 h2645", "x[264] h2645");
}

static void accents_and_case_do_not_matter(void **state)
{
    (void)state;
    assert_marked("cafe", "CAF\xc3\x89 cafe\xcc\x81s", "[CAF\xc3\x89] [cafe\xcc\x81]s");
    assert_marked("CAF\xc3\x89", "cafe", "[cafe]");
    assert_marked("aeon", "\xc3\x86on", "[\xc3\x86on]");
    assert_marked("\xe5\x88\x9d\xe6\x81\x8b", "Love \xe5\x88\x9d\xe6\x81\x8b.mp3",
                  "Love [\xe5\x88\x9d\xe6\x81\x8b].mp3");
}

static void errors_are_forgiven_when_nothing_is_right(void **state)
{
    (void)state;
    assert_marked("slicon", "Silicon Valley", "[Silicon] Valley");
    assert_marked("silcon", "silicon silcon", "silicon [silcon]");
    assert_marked("minimim", "Minimum Viable", "[Minimum] Viable");
    assert_marked("vakl", "valley vole", "[vall]ey vole");
    assert_marked("the", "tie toe", "tie toe");
}

static void joined_split_initials_episodes(void **state)
{
    (void)state;
    assert_marked("siliconvalley", "Silicon Valley s1", "[Silicon] [Valley] s1");
    assert_marked("sili con", "a silicon b", "a [silicon] b");
    assert_marked("valley", "SiliconValleyFan", "Silicon[Valley]Fan");
    assert_marked("got", "Game of Thrones", "[G]ame [o]f [T]hrones");
    assert_marked("s01e02", "show 1x02.avi", "show [1x02].avi");
    assert_marked("1x2", "Season 1 Episode 2", "[Season] [1] [Episode] [2]");
}

static void what_is_excluded_is_not_marked(void **state)
{
    (void)state;
    assert_marked("silicon -valley", "Silicon Valley", "[Silicon] Valley");
    assert_marked("\"cap table\" -x", "The Cap Table x", "The [Cap] [Table] x");
    assert_marked("a-b - c", "a b c", "[a] [b] [c]");
}

static void any_bytes_do(void **state)
{
    char text[3000], query[3000];
    uint8_t marks[sizeof text];
    struct highlight *h;

    (void)state;
    srand(7);
    for (int round = 0; round < 300; round++) {
        size_t n = (size_t)rand() % sizeof text, q = (size_t)rand() % sizeof query;

        for (size_t i = 0; i < n; i++)
            text[i] = (char)(rand() % 3 ? 'a' + rand() % 3 : rand());
        for (size_t i = 0; i < q; i++)
            query[i] = (char)(rand() % 3 ? 'a' + rand() % 3 : rand());
        h = highlight_new(query, q);
        memset(marks, 9, sizeof marks);
        highlight_text(h, text, n, marks);
        for (size_t i = 0; i < n; i++)
            assert_true(marks[i] <= 1);
        assert_true(n == sizeof text || marks[n] == 9);
        highlight_free(h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_beginnings_and_pieces),
        cmocka_unit_test(numbers_are_whole),
        cmocka_unit_test(accents_and_case_do_not_matter),
        cmocka_unit_test(errors_are_forgiven_when_nothing_is_right),
        cmocka_unit_test(joined_split_initials_episodes),
        cmocka_unit_test(what_is_excluded_is_not_marked),
        cmocka_unit_test(any_bytes_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
