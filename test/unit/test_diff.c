/* core/diff: every child is told once, in order, for what it is. */
#include "base/buf.h"
#include "base/rng.h"
#include "core/diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct diff_child file_of(const char *name)
{
    return (struct diff_child){name, strlen(name), 'f', 10, 20, 30, 40, 50, 1};
}

static void one_child(void **state)
{
    struct diff_child a = file_of("a"), b = a, d = {"a", 1, 'd', 1, 2, 3, 40, 0, 2},
                      e = {"a", 1, 'd', 5, 6, 7, 40, 9, 3};

    (void)state;
    assert_int_equal(diff_one(&a, &b), DIFF_SAME);
    assert_int_equal(diff_one(NULL, &b), DIFF_NEW);
    assert_int_equal(diff_one(&a, NULL), DIFF_GONE);
    b.size++;
    assert_int_equal(diff_one(&a, &b), DIFF_CHANGED);
    b = a;
    b.mtime_ns--; /* older is another, too */
    assert_int_equal(diff_one(&a, &b), DIFF_CHANGED);
    b = a;
    b.ctime_ns++;
    assert_int_equal(diff_one(&a, &b), DIFF_CHANGED);
    b = a;
    b.ino++;
    assert_int_equal(diff_one(&a, &b), DIFF_CHANGED);
    b = a;
    b.kind = 'x';
    assert_int_equal(diff_one(&a, &b), DIFF_CHANGED);
    assert_int_equal(diff_one(&a, &d), DIFF_CHANGED);
    assert_int_equal(diff_one(&d, &e), DIFF_SAME); /* a folder's times and size say nothing */
    e.ino++;
    assert_int_equal(diff_one(&d, &e), DIFF_CHANGED);
}

static void tell(void *ctx, enum diff_what what, const struct diff_child *known,
                 const struct diff_child *found)
{
    static const char mark[] = {'=', '+', '!', '-'};
    const struct diff_child *c = known ? known : found;

    if (known && found)
        assert_true(known->len == found->len && !memcmp(known->name, found->name, known->len));
    buf_printf(ctx, "%c%.*s ", mark[what], (int)c->len, c->name);
}

static void a_folder(void **state)
{
    struct diff_child known[] = {file_of("a"), file_of("ab"), file_of("b"), file_of("\xff")};
    struct diff_child found[] = {file_of("b"), file_of("c"), file_of("a"), file_of("aa"),
                                 file_of("\xff")};
    struct buf b = {0};

    (void)state;
    found[0].size = 1;
    diff_children(known, 4, found, 5, tell, &b);
    assert_string_equal(b.data, "=a +aa -ab !b +c =\xff ");
    buf_reset(&b);
    diff_children(NULL, 0, NULL, 0, tell, &b);
    diff_children(known, 2, NULL, 0, tell, &b);
    diff_children(NULL, 0, found, 2, tell, &b);
    assert_string_equal(b.data, "-a -ab +a +aa ");
    buf_free(&b);
}

static void count(void *ctx, enum diff_what what, const struct diff_child *known,
                  const struct diff_child *found)
{
    (void)known;
    (void)found;
    ((unsigned *)ctx)[what]++;
}

static void nothing_is_lost(void **state)
{
    struct rng rng;

    (void)state;
    rng_seed(&rng, 1);
    for (int round = 0; round < 500; round++) {
        struct diff_child known[64], found[64];
        char names[64][3];
        unsigned want[4] = {0}, got[4] = {0};
        size_t k = 0, f = 0;

        for (unsigned i = 0; i < 64; i++) { /* names[] is in order */
            unsigned in = (unsigned)rng_below(&rng, 4);

            names[i][0] = (char)('a' + i / 8);
            names[i][1] = (char)('a' + i % 8);
            names[i][2] = '\0';
            if (in & 1)
                known[k++] = file_of(names[i]);
            if (in & 2)
                found[f++] = file_of(names[i]);
            if (in)
                want[in == 3 ? DIFF_SAME : in == 2 ? DIFF_NEW : DIFF_GONE]++;
        }
        for (size_t i = f; i > 1; i--) {
            size_t j = (size_t)rng_below(&rng, i);
            struct diff_child swap = found[i - 1];

            found[i - 1] = found[j];
            found[j] = swap;
        }
        diff_children(known, k, found, f, count, got);
        assert_memory_equal(want, got, sizeof want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_child),
        cmocka_unit_test(a_folder),
        cmocka_unit_test(nothing_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
