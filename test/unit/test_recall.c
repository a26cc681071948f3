/* How well search finds what was meant: a few thousand names, a few hundred damaged queries, floors
 * for what must come first and among the first ten. Relevant is every file whose path has all the
 * words that were meant. */
#include "../names.h"
#include "core/search.h"
#include "core/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define FILES        5000
#define QUERIES      40 /* of each damage */
#define MEANT_MAX    3
#define RELEVANT_MAX 50 /* a query with more is too vague to judge */
#define PATH_WORDS   64
#define WORD_TEXT    (WORD_BYTES_MAX + 1)
#define FIRST_FLOOR  .92 /* of each damage's queries, a relevant file is first */
#define TEN_FLOOR    .95 /* share of the relevant files among the first ten */

struct file {
    char path[NAMES_PATH_MAX];
    char word[PATH_WORDS][WORD_TEXT];
    size_t words;
};

static struct file *files;
static struct catalog *catalog;

static bool has_word(const struct file *f, const char *word)
{
    for (size_t i = 0; i < f->words; i++)
        if (!strcmp(f->word[i], word))
            return true;
    return false;
}

static void split(struct file *f)
{
    for (const char *from = f->path; *from;) {
        size_t len = strcspn(from, "/");
        struct words w;

        words_of(&w, from, len, WORDS_FOLDER);
        for (size_t i = 0; i < w.count && f->words < PATH_WORDS; i++)
            if (w.word[i].kind < WORD_INITIALS)
                snprintf(f->word[f->words++], WORD_TEXT, "%.*s", w.word[i].len,
                         w.text + w.word[i].at);
        from += len + (from[len] == '/');
    }
}

static int set_up(void **state)
{
    struct rng rng;

    (void)state;
    rng_seed(&rng, 2026);
    files = calloc(FILES, sizeof *files);
    catalog = catalog_new(1);
    for (uint32_t i = 0; i < FILES; i++) {
        struct nid nid = {{(uint8_t)(i % 4 + 1)}};
        struct row row = {.kind = ROW_FILE, .path = files[i].path, .root = rows_no_checkpoints};

        names_path(&rng, files[i].path);
        split(&files[i]);
        row.path_len = strlen(files[i].path);
        memcpy(row.hash.b, &i, sizeof i);
        if (!catalog_put(catalog, &nid, &row))
            return -1;
    }
    catalog_settle(catalog);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    catalog_free(catalog);
    free(files);
    return 0;
}

/* --- damage: words are ASCII here, long enough to bear it --- */

static void swap(struct rng *r, char *w)
{
    size_t i = 1 + rng_below(r, strlen(w) - 2);
    char c = w[i];

    w[i] = w[i + 1] ? w[i + 1] : w[i];
    if (w[i + 1])
        w[i + 1] = c;
}

static void drop(struct rng *r, char *w)
{
    size_t i = 1 + rng_below(r, strlen(w) - 1);

    memmove(w + i, w + i + 1, strlen(w + i));
}

static void repeat(struct rng *r, char *w)
{
    size_t i = rng_below(r, strlen(w));

    memmove(w + i + 1, w + i, strlen(w + i) + 1);
}

static void replace(struct rng *r, char *w)
{
    w[1 + rng_below(r, strlen(w) - 1)] = (char)('a' + rng_below(r, 26));
}

static void shout(struct rng *r, char *w)
{
    for (; *w; w++)
        if (*w >= 'a' && *w <= 'z' && rng_below(r, 2))
            *w = (char)(*w - 'a' + 'A');
}

static void cut_short(struct rng *r, char *w)
{
    size_t len = strlen(w);

    w[len > 6 ? len - 1 - rng_below(r, 3) : len - 1] = '\0';
}

static void leave(struct rng *r, char *w)
{
    (void)r;
    (void)w;
}

static void two_errors(struct rng *r, char *w)
{
    if (strlen(w) < 8) {
        replace(r, w);
        return;
    }
    swap(r, w);
    replace(r, w);
}

static void insert_space(struct rng *r, char *w)
{
    size_t i = 2 + rng_below(r, strlen(w) - 3);

    memmove(w + i + 1, w + i, strlen(w + i) + 1);
    w[i] = ' ';
}

struct damage {
    const char *name;
    void (*word)(struct rng *, char *);
    bool all;     /* every word, not one */
    char between; /* '\0': joined */
};

static const struct damage DAMAGE[] = {
    {"none", leave, true, ' '},
    {"case, separators", shout, true, '_'},
    {"letters swapped", swap, false, ' '},
    {"letter missing", drop, false, ' '},
    {"letter doubled", repeat, false, ' '},
    {"letter wrong", replace, false, ' '},
    {"letter wrong in each", replace, true, ' '},
    {"two errors in a word", two_errors, false, ' '},
    {"beginnings", cut_short, true, ' '},
    {"space missing", leave, true, '\0'},
    {"space too many", insert_space, false, ' '},
};

#define DAMAGES (sizeof DAMAGE / sizeof *DAMAGE)

/* Two or three words of one file, long enough to be damaged, in any order. False: the file has too
 * few. */
static bool choose_words(struct rng *r, const struct file *f, char meant[MEANT_MAX][WORD_TEXT],
                         size_t *count)
{
    size_t want = 2 + rng_below(r, MEANT_MAX - 1);

    *count = 0;
    for (int tries = 0; tries < 50 && *count < want; tries++) {
        const char *w = f->word[rng_below(r, f->words)];
        bool plain = strlen(w) >= 5;

        for (const char *p = w; *p; p++)
            plain &= *p >= 'a' && *p <= 'z';
        for (size_t i = 0; i < *count; i++)
            plain &= strcmp(meant[i], w) != 0;
        if (plain)
            snprintf(meant[(*count)++], WORD_TEXT, "%s", w);
    }
    return *count == want;
}

static size_t relevant_count(char meant[MEANT_MAX][WORD_TEXT], size_t count)
{
    size_t n = 0;

    for (size_t i = 0; i < FILES; i++) {
        size_t has = 0;

        while (has < count && has_word(&files[i], meant[has]))
            has++;
        n += has == count;
    }
    return n;
}

static bool is_relevant(const struct search_row *row, char meant[MEANT_MAX][WORD_TEXT],
                        size_t count)
{
    uint32_t i;

    memcpy(&i, row->hash.b, sizeof i);
    for (size_t k = 0; k < count; k++)
        if (!has_word(&files[i], meant[k]))
            return false;
    return true;
}

/* Ask for the damaged words; add to the sums. */
static void judge(const char *text, char meant[MEANT_MAX][WORD_TEXT], size_t count, size_t relevant,
                  double *first, double *ten)
{
    struct search_query q = {.text = text,
                             .len = strlen(text),
                             .smaller = UINT64_MAX,
                             .newer_s = INT64_MIN,
                             .limit = 10};
    struct search_result r;
    size_t hits = 0;

    search_run(catalog, &q, &r);
    for (size_t i = 0; i < r.rows; i++) {
        bool good = is_relevant(&r.row[i], meant, count);

        hits += good;
        *first += !i && good;
    }
    *ten += (double)hits / (double)(relevant < 10 ? relevant : 10);
    search_done(&r);
}

static void what_was_meant_is_found(void **state)
{
    double all_first = 0, all_ten = 0;
    struct rng rng;

    (void)state;
    rng_seed(&rng, 7);
    for (size_t d = 0; d < DAMAGES; d++) {
        const struct damage *damage = &DAMAGE[d];
        double first = 0, ten = 0;

        for (int asked = 0; asked < QUERIES;) {
            char meant[MEANT_MAX][WORD_TEXT], text[4 * WORD_TEXT] = "";
            size_t count, relevant, hurt, len = 0;

            if (!choose_words(&rng, &files[rng_below(&rng, FILES)], meant, &count))
                continue;
            count = damage->between ? count : 2;
            relevant = relevant_count(meant, count);
            if (relevant > RELEVANT_MAX)
                continue;
            hurt = rng_below(&rng, count);
            for (size_t i = 0; i < count; i++) {
                char w[WORD_TEXT + 2];

                snprintf(w, sizeof w, "%s", meant[i]);
                if (damage->all || i == hurt)
                    damage->word(&rng, w);
                len += (size_t)snprintf(text + len, sizeof text - len, "%s", w);
                if (damage->between && i + 1 < count)
                    text[len++] = damage->between;
            }
            judge(text, meant, count, relevant, &first, &ten);
            asked++;
        }
        print_message("%-22s R@1 %.3f  R@10 %.3f\n", damage->name, first / QUERIES, ten / QUERIES);
        assert_true(first >= FIRST_FLOOR * QUERIES);
        assert_true(ten >= TEN_FLOOR * QUERIES);
        all_first += first;
        all_ten += ten;
    }
    print_message("%-22s R@1 %.3f  R@10 %.3f\n", "all", all_first / (QUERIES * DAMAGES),
                  all_ten / (QUERIES * DAMAGES));
    assert_true(all_first >= .97 * QUERIES * DAMAGES);
    assert_true(all_ten >= .98 * QUERIES * DAMAGES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_meant_is_found),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
