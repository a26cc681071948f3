/* core/words, core/fold: what words a text has. */
#include "base/rng.h"
#include "core/fold.h"
#include "core/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The words in a line: parts in (), initials <1>, episodes <2>, extension with a '.' before it. */
static const char *line(const struct words *w)
{
    static char out[8192];
    size_t n = 0;

    out[0] = '\0';
    for (size_t i = 0; i < w->count; i++) {
        const struct word *x = &w->word[i];
        const char *text = w->text + x->at;
        int len = x->len;

        n += (size_t)snprintf(out + n, sizeof out - n, "%s%s%s", n ? " " : "", x->part ? "(" : "",
                              x->ext ? "." : "");
        if (x->kind == WORD_INITIALS || x->kind == WORD_EPISODE) {
            n += (size_t)snprintf(out + n, sizeof out - n, "<%d>", text[0]);
            text++;
            len--;
        }
        n += (size_t)snprintf(out + n, sizeof out - n, "%.*s%s", len, text, x->part ? ")" : "");
    }
    return out;
}

static const char *words(const char *text, enum words_use use)
{
    static struct words w;

    words_of(&w, text, strlen(text), use);
    return line(&w);
}

static const char *folder(const char *text)
{
    return words(text, WORDS_FOLDER);
}

static const char *query(const char *text)
{
    return words(text, WORDS_QUERY);
}

static const char *last(const char *path)
{
    static struct words w;

    words_of_last(&w, path, strlen(path), false);
    return line(&w);
}

static void case_accents_and_forms_fold(void **state)
{
    (void)state;
    assert_string_equal(query("CAF\xc3\x89"), "cafe");
    assert_string_equal(query("cafe\xcc\x81"), "cafe"); /* NFD */
    assert_string_equal(query("stra\xc3\x9f"
                              "e"),
                        "strasse"); /* sharp s */
    assert_string_equal(query("\xc3\x98re \xc5\x81\xc3\xb3"
                              "d\xc5\xba \xc4\x90"
                              "akovo"),
                        "ore lodz dakovo");
    assert_string_equal(query("\xc3\x86on D\xc4\xb1yar \xc3\xb0uru c\xc5\x93ur"),
                        "aeon diyar duru coeur");
    assert_string_equal(query("\xef\xbc\xa1\xef\xbc\xa2\xef\xbc\x91"),
                        "ab1 (ab) (1)");                  /* full width */
    assert_string_equal(query("\xef\xac\x81lm"), "film"); /* fi ligature */
    assert_string_equal(query("so\xc2\xad"
                              "ft"),
                        "soft"); /* soft hyphen */
    assert_string_equal(query("\xd0\x9c\xd0\x98\xd0\xa0"), "\xd0\xbc\xd0\xb8\xd1\x80"); /* MIR */
}

static void everything_else_separates(void **state)
{
    (void)state;
    assert_string_equal(query("Wu-Tang"), "wu tang");
    assert_string_equal(query("a.b_c+d'e(f)[g]/h\\i\nj\tk"), "a b c d e f g h i j k");
    assert_string_equal(query("\xff"
                              "ab\xc3(cd\xe2\x82"),
                        "ab cd"); /* broken UTF-8 */
    assert_string_equal(query(""), "");
    assert_string_equal(query("--- ... \xe2\x80\x94"), "");
}

static void runs_are_taken_apart(void **state)
{
    (void)state;
    assert_string_equal(query("WuTang"), "wutang (wu) (tang)");
    assert_string_equal(query("HTMLParser"), "htmlparser (html) (parser)");
    assert_string_equal(query("iPhone"), "iphone (phone)");
    assert_string_equal(query("track07"), "track07 (track) (7)");
    assert_string_equal(query("x264"), "x264 (264)");
    assert_string_equal(query("a1b2c3"), "a1b2c3");                             /* an id */
    assert_string_equal(query("deadbeefdeadbeef1234"), "deadbeefdeadbeef1234"); /* a hash */
    assert_string_equal(query("AEON"), "aeon");
    assert_string_equal(query("\xc3\x86ON"), "aeon");
}

static void numbers_lose_zeros(void **state)
{
    (void)state;
    assert_string_equal(query("007 01 1 000 10"), "7 1 1 0 10");
}

static void episodes_are_one_word(void **state)
{
    (void)state;
    assert_string_equal(query("s01e02"), "s01e02 (1) (2) <2>1x2");
    assert_string_equal(query("S1E2"), "s1e2 (1) (2) <2>1x2");
    assert_string_equal(query("1x02"), "1x02 (1) (2) <2>1x2");
    assert_string_equal(query("1x2"), "1x2 (1) (2) <2>1x2");
    assert_string_equal(query("season 1 episode 2"), "season 1 episode 2 <2>1x2");
    assert_string_equal(query("Staffel 01 Folge 02"), "staffel 1 folge 2 <2>1x2");
    assert_string_equal(query("episode 2 season 1"), "episode 2 season 1 <2>1x2");
    assert_string_equal(query("s01.e02"), "s01 (1) e02 (2) <2>1x2");
    assert_string_equal(query("s01e02e03"), "s01e02e03 <2>1x2 <2>1x3");
    assert_string_equal(folder("4x4"), "4x4 (4) (4)"); /* in a name that is no episode */
    assert_string_equal(folder("1920x1080"), "1920x1080 (1920) (1080)");
    assert_string_equal(folder("1x02"), "1x02 (1) (2) <2>1x2");
    assert_string_equal(query("season 1"), "season 1");
    assert_string_equal(query("s 1 e 2"), "s 1 e 2");
}

static void a_folder_tells_the_season(void **state)
{
    (void)state;
    assert_string_equal(last("Lost/Season 1/Episode 02.mkv"), "episode 2 .mkv <2>1x2");
    assert_string_equal(last("Lost/Staffel 3/Extras/Folge 4.mkv"), "folge 4 .mkv <2>3x4");
    assert_string_equal(last("Lost.S02/E04 Adrift.mkv"), "e04 (4) adrift .mkv <2>2x4");
    assert_string_equal(last("Season 1/S03E04.mkv"), "s03e04 (3) (4) <2>3x4 .mkv");
    assert_string_equal(last("Lost/Episode 02.mkv"), "episode 2 .mkv");
}

static void names_have_initials(void **state)
{
    (void)state;
    assert_string_equal(last("Game of Thrones.mkv"), "game of thrones .mkv <1>got");
    assert_string_equal(folder("GameOfThrones"), "gameofthrones (game) (of) (thrones) <1>got");
    assert_string_equal(folder("Game of Thrones S01"), "game of thrones s01 (1) <1>got");
    assert_string_equal(folder("two words"), "two words");
    assert_string_equal(query("game of thrones"), "game of thrones");
}

static void dense_scripts_give_pairs(void **state)
{
    (void)state;
    assert_string_equal(query("\xe9\xbb\x92\xe7\x8c\xab\xe8\x88\x8d"),
                        "\xe9\xbb\x92\xe7\x8c\xab \xe7\x8c\xab\xe8\x88\x8d");
    assert_string_equal(query("\xe7\x8c\xab"), "\xe7\x8c\xab");
    /* hangul, composed and not */
    assert_string_equal(query("\xed\x95\x9c\xea\xb8\x80"), "\xed\x95\x9c\xea\xb8\x80");
    assert_string_equal(
        query("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab\xe1\x84\x80\xe1\x85\xb3\xe1\x86\xaf"),
        "\xed\x95\x9c\xea\xb8\x80");
    assert_string_equal(query("abc\xe7\x8c\xab"
                              "12"),
                        "abc \xe7\x8c\xab 12");
}

static void lengths_are_bounded(void **state)
{
    static char text[5000];
    static struct words w;

    (void)state;
    memset(text, 'a', sizeof text);
    words_of(&w, text, sizeof text, WORDS_FILE);
    assert_int_equal(w.count, 1);
    assert_int_equal(w.word[0].len, WORD_BYTES_MAX);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? ' ' : 'b';
    words_of(&w, text, sizeof text, WORDS_FILE);
    assert_true(w.count <= WORDS_MAX);
    for (size_t i = 0; i + 1 < sizeof text; i += 2) /* two bytes a letter: never cut within one */
        memcpy(text + i, "\xd0\xb0", 2);
    words_of(&w, text, 599, WORDS_FILE);
    assert_int_equal(w.word[0].len, WORD_BYTES_MAX);
    assert_memory_equal(w.text + w.word[0].at + 62, "\xd0\xb0", 2);
}

/* Any bytes: within bounds, words never empty, and kinds are what their bytes say. */
static void any_bytes_are_a_text(void **state)
{
    static const char interesting[] = "aA0Zz9 .-_'\xc3\xa9\xcc\x81\xe7\x8c\xab\xed\x95\x9c\xff";
    static struct words w;
    struct rng rng;

    (void)state;
    rng_seed(&rng, 3);
    for (int round = 0; round < 20000; round++) {
        char text[700];
        size_t len = rng_below(&rng, round % 50 ? 60 : sizeof text);

        for (size_t i = 0; i < len; i++)
            text[i] = round % 2 ? (char)rng_next(&rng)
                                : interesting[rng_below(&rng, sizeof interesting - 1)];
        words_of(&w, text, len, (enum words_use)(round % 3));
        assert_true(w.count <= WORDS_MAX && w.used <= WORDS_BYTES_MAX);
        for (size_t i = 0; i < w.count; i++) {
            assert_true(w.word[i].len > 0 && w.word[i].len <= WORD_BYTES_MAX);
            assert_true(w.word[i].at + w.word[i].len <= w.used);
            assert_true(w.word[i].run < w.runs);
            assert_int_equal(word_kind_of(w.text + w.word[i].at, w.word[i].len), w.word[i].kind);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_accents_and_forms_fold), cmocka_unit_test(everything_else_separates),
        cmocka_unit_test(runs_are_taken_apart),        cmocka_unit_test(numbers_lose_zeros),
        cmocka_unit_test(episodes_are_one_word),       cmocka_unit_test(a_folder_tells_the_season),
        cmocka_unit_test(names_have_initials),         cmocka_unit_test(dense_scripts_give_pairs),
        cmocka_unit_test(lengths_are_bounded),         cmocka_unit_test(any_bytes_are_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
