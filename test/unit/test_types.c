/* core/types: the extension tells the type. */
#include "core/types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *type(const char *name)
{
    const char *t = types_of(name, strlen(name));

    return t ? t : "none";
}

static void extensions_tell(void **state)
{
    (void)state;
    assert_string_equal(type("a.mkv"), "video");
    assert_string_equal(type("dir/Some Film.2019.MP4"), "video");
    assert_string_equal(type("a.ts"), "video");
    assert_string_equal(type("a.mp3"), "audio");
    assert_string_equal(type("a.ogg"), "audio");
    assert_string_equal(type("a.Flac"), "audio");
    assert_string_equal(type("a.jpeg"), "image");
    assert_string_equal(type("a.svg"), "image");
    assert_string_equal(type("a.pdf"), "document");
    assert_string_equal(type("a.epub"), "document");
    assert_string_equal(type("a.docx"), "document");
    assert_string_equal(type("a.txt"), "document");
    assert_string_equal(type("a.djvu"), "document");
    assert_string_equal(type("a.tar.gz"), "archive");
    assert_string_equal(type("a.7z"), "archive");
    assert_string_equal(type("a.iso"), "archive");
}

static void others_have_none(void **state)
{
    (void)state;
    assert_string_equal(type(""), "none");
    assert_string_equal(type("mkv"), "none");
    assert_string_equal(type(".mkv"), "none");
    assert_string_equal(type("dir/.mkv"), "none");
    assert_string_equal(type("dir.mkv/file"), "none");
    assert_string_equal(type("a."), "none");
    assert_string_equal(type("a.c"), "none");
    assert_string_equal(type("a.mkvv"), "none");
    assert_string_equal(type("a.averyveryverylongextension"), "none");
    assert_string_equal(type("a.\xff\xfe"), "none");
}

static void type_words_are_known(void **state)
{
    static const char *const known[] = {"file",  "dir",      "video",  "audio",
                                        "image", "document", "archive"};

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_true(types_known(known[i]));
    assert_false(types_known(""));
    assert_false(types_known("videos"));
    assert_false(types_known("Video"));
}

enum { TYPE_VIDEO, TYPE_AUDIO, TYPE_IMAGE, TYPE_DOCUMENT, TYPE_ARCHIVE };

/* bsearch finds every line of the table only when it is sorted. */
static void table_is_sorted(void **state)
{
    static const struct {
        char text[16];
        int type;
    } row[] = {
#include "core/types_table.h"
    };

    (void)state;
    assert_true(sizeof row / sizeof *row > 300);
    for (size_t i = 1; i < sizeof row / sizeof *row; i++)
        assert_true(strcmp(row[i - 1].text, row[i].text) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extensions_tell),
        cmocka_unit_test(others_have_none),
        cmocka_unit_test(type_words_are_known),
        cmocka_unit_test(table_is_sorted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
