/* core/clear: when the first row may be taken without asking. By hand, then over the names of the
 * recall test's kind, where what was meant is known. */
#include "../names.h"
#include "core/clear.h"
#include "core/search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FILES   5000
#define QUERIES 1500

static struct clear_row row(double score, const char *path, bool folder)
{
    return (struct clear_row){score, path, strlen(path), folder};
}

static void by_hand(void **state)
{
    struct clear_row r[4] = {row(.9, "a", false), row(.7, "b", false)};
    size_t rival;

    (void)state;
    assert_int_equal(clear_of(NULL, 0, &rival), CLEAR_NOTHING);
    assert_int_equal(rival, 0);
    assert_int_equal(clear_of(r, 1, &rival), CLEAR_YES);
    assert_int_equal(rival, 1);
    assert_int_equal(clear_of(r, 2, NULL), CLEAR_YES);
    r[1].score = .85;
    assert_int_equal(clear_of(r, 2, &rival), CLEAR_CLOSE);
    assert_int_equal(rival, 1);
    r[0].score = .6;
    assert_int_equal(clear_of(r, 1, NULL), CLEAR_WEAK);
}

static void a_folder_stands_for_what_is_in_it(void **state)
{
    struct clear_row r[4] = {
        row(.95, "Shows/Silicon Valley", true), row(.93, "Shows/Silicon Valley/e01.mkv", false),
        row(.93, "Shows/Silicon Valley/e02.mkv", false), row(.94, "Shows/Silicon Valley 2", true)};
    size_t rival;

    (void)state;
    assert_int_equal(clear_of(r, 3, &rival), CLEAR_YES);
    assert_int_equal(rival, 3);
    assert_int_equal(clear_of(r, 4, &rival), CLEAR_CLOSE); /* begins so, but lies beside it */
    assert_int_equal(rival, 3);
    r[0].score = .85;
    assert_int_equal(clear_of(r, 3, NULL), CLEAR_WEAK); /* a file would do */
    r[0].folder = false;
    assert_int_equal(clear_of(r, 3, &rival), CLEAR_CLOSE);
    assert_int_equal(rival, 1);
}

/* A query for one file: its words but one, one letter of them wrong. */
static void damage(struct rng *r, const char *path, char *q, size_t cap)
{
    const char *leaf = strrchr(path, '/');
    size_t len, at;

    snprintf(q, cap, "%s", leaf ? leaf + 1 : path);
    q[strcspn(q, ".")] = '\0';
    len = strlen(q);
    at = len > 3 ? 1 + rng_below(r, len - 2) : 0;
    if (at && q[at] >= 'a' && q[at] <= 'z' && rng_below(r, 2))
        q[at] = (char)('a' + rng_below(r, 26));
}

/* Whatever is taken is what was meant, but for one in a hundred. */
static void it_rarely_picks_wrong(void **state)
{
    static char path[FILES][NAMES_PATH_MAX];
    struct catalog *c = catalog_new(1);
    struct nid nid = {{1}};
    struct rng rng;
    size_t taken = 0, wrong = 0;

    (void)state;
    rng_seed(&rng, 2027);
    for (uint32_t i = 0; i < FILES; i++) {
        struct row put = {.kind = ROW_FILE, .path = path[i], .root = rows_no_checkpoints};

        names_path(&rng, path[i]);
        put.path_len = strlen(path[i]);
        memcpy(put.hash.b, &i, sizeof i);
        assert_true(catalog_put(c, &nid, &put));
    }
    catalog_settle(c);
    for (int n = 0; n < QUERIES; n++) {
        const char *meant = path[rng_below(&rng, FILES)];
        char text[NAMES_PATH_MAX];
        struct search_query q = {
            .text = text, .smaller = UINT64_MAX, .newer_s = INT64_MIN, .limit = 10};
        struct clear_row rows[10];
        struct search_result r;

        damage(&rng, meant, text, sizeof text);
        q.len = strlen(text);
        search_run(c, &q, &r);
        for (size_t i = 0; i < r.rows; i++)
            rows[i] = (struct clear_row){r.row[i].score, r.row[i].path, r.row[i].path_len, false};
        if (clear_of(rows, r.rows, NULL) == CLEAR_YES) {
            taken++;
            wrong += r.row[0].path_len != strlen(meant) ||
                     memcmp(r.row[0].path, meant, r.row[0].path_len);
        }
        search_done(&r);
    }
    catalog_free(c);
    print_message("of %d: %zu taken, %zu of them wrong\n", QUERIES, taken, wrong);
    assert_true(taken > QUERIES / 10);
    assert_true(wrong * 100 <= taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(a_folder_stands_for_what_is_in_it),
        cmocka_unit_test(it_rarely_picks_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
