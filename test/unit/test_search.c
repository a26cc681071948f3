/* core/search: what is found, in which order, through which filters; and that nothing can break it.
 */
#include "base/limits.h"
#include "base/rng.h"
#include "core/catalog_priv.h"
#include "core/search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct nid nid_of(unsigned n)
{
    return (struct nid){{(uint8_t)n, 1}};
}

static void put_row(struct catalog *c, unsigned peer, enum row_kind kind, const char *path,
                    unsigned hash, uint64_t size)
{
    struct nid nid = nid_of(peer);
    struct row row = {.kind = kind,
                      .number = 1,
                      .path = path,
                      .path_len = strlen(path),
                      .size = size,
                      .mtime_s = (int64_t)size,
                      .root = rows_no_checkpoints};

    memcpy(row.hash.b, &hash, sizeof hash);
    row.hash.b[31] = 1;
    if (kind == ROW_DIR)
        row.root = (struct hash){0};
    assert_true(catalog_put(c, &nid, &row));
}

/* A file whose content is its path's alone. */
static void put(struct catalog *c, const char *path)
{
    unsigned hash = 5381;

    for (const char *p = path; *p; p++)
        hash = hash * 33 + (uint8_t)*p;
    put_row(c, 1, ROW_FILE, path, hash, 1000);
}

static struct search_query ask(const char *text)
{
    return (struct search_query){.text = text,
                                 .len = strlen(text),
                                 .smaller = UINT64_MAX,
                                 .newer_s = INT64_MIN,
                                 .limit = 20};
}

static void run(struct catalog *c, const struct search_query *q, struct search_result *r)
{
    catalog_settle(c);
    search_run(c, q, r);
}

/* The place of path among the rows, from 1; 0: not there. */
static size_t place(const struct search_result *r, const char *path)
{
    for (size_t i = 0; i < r->rows; i++)
        if (r->row[i].path_len == strlen(path) && !memcmp(r->row[i].path, path, strlen(path)))
            return i + 1;
    return 0;
}

static size_t place_of(struct catalog *c, const char *text, const char *path)
{
    struct search_query q = ask(text);
    struct search_result r;
    size_t at;

    run(c, &q, &r);
    at = place(&r, path);
    search_done(&r);
    return at;
}

static size_t count_with(struct catalog *c, const struct search_query *q)
{
    struct search_result r;
    size_t n;

    run(c, q, &r);
    n = r.rows;
    search_done(&r);
    return n;
}

static size_t count(struct catalog *c, const char *text)
{
    struct search_query q = ask(text);

    return count_with(c, &q);
}

#define assert_first(c, text, path) assert_int_equal(place_of(c, text, path), 1)

static const char SILICON[] =
    "Series/Silicon Valley/Silicon Valley S01E01 Minimum Viable Product.mkv";
static const char SILICON2[] = "Series/Silicon Valley/Silicon Valley S01E02 The Cap Table.mkv";
static const char WU[] = "Music/Wu-Tang Clan/Enter the Wu-Tang/01 - Bring da Ruckus.mp3";
static const char CAFE[] = "Bilder/Caf\xc3\xa9 Z\xc3\xbcrich.jpg";
static const char THRONES[] = "Series/Game of Thrones/Season 1/Episode 02.mkv";

static struct catalog *library(void)
{
    static const char *const more[] = {
        "Music/Various/Valley of the Dolls.mp3",
        "Music/Various/Silicone Dreams.mp3",
        "Books/Clans of Scotland.pdf",
        "Books/Tang Dynasty Poetry.epub",
        "Documents/Table of Products.xlsx",
        "Documents/minimum wage report 2019.pdf",
        "Bilder/Cafeteria.jpg",
        "Software/valgrind-3.19.0.tar.bz2",
        "Films/The Matrix (1999)/The.Matrix.1999.1080p.mkv",
        "Films/The Matrix Reloaded (2003)/The.Matrix.Reloaded.2003.mkv",
        "Music/Bj\xc3\xb6rk/07 - J\xc3\xb3ga.flac",
        "\xe6\x98\xa0\xe7\x94\xbb/\xe9\xbb\x92\xe7\x8c\xab.mkv",
        "\xd0\x9c\xd1\x83\xd0\xb7\xd1\x8b\xd0\xba\xd0\xb0/\xd0\x9a\xd0\xb8\xd0\xbd\xd0\xbe.mp3",
    };
    struct catalog *c = catalog_new(3);

    put(c, SILICON);
    put(c, SILICON2);
    put(c, WU);
    put(c, CAFE);
    put(c, THRONES);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        put(c, more[i]);
    return c;
}

static void errors_are_forgiven(void **state)
{
    struct catalog *c = library();

    (void)state;
    assert_first(c, "slicon valey", SILICON2);
    assert_true(place_of(c, "slicon valey", SILICON) == 2);
    assert_first(c, "slicon valey s01e01", SILICON);
    assert_first(c, "silicon valley minimum", SILICON);
    assert_first(c, "sillicon vallye minmum", SILICON);
    assert_first(c, "matirx relaoded",
                 "Films/The Matrix Reloaded (2003)/The.Matrix.Reloaded.2003.mkv");
    assert_first(c, "martix", "Films/The Matrix (1999)/The.Matrix.1999.1080p.mkv");
    assert_first(c, "jogga bjork", "Music/Bj\xc3\xb6rk/07 - J\xc3\xb3ga.flac");
    assert_first(
        c, "\xd0\xba\xd0\xb8\xd0\xbd\xd0\xb0 \xd0\xbc\xd1\x83\xd0\xb7\xd1\x8b\xd0\xba\xd0\xb0",
        "\xd0\x9c\xd1\x83\xd0\xb7\xd1\x8b\xd0\xba\xd0\xb0/\xd0\x9a\xd0\xb8\xd0\xbd\xd0\xbe.mp3");
    catalog_free(c);
}

static void beginnings_pieces_and_initials_are_found(void **state)
{
    struct catalog *c = library();

    (void)state;
    assert_first(c, "sil val vi", SILICON);
    assert_first(c, "valgr", "Software/valgrind-3.19.0.tar.bz2");
    assert_first(c, "algrind", "Software/valgrind-3.19.0.tar.bz2");
    assert_true(place_of(c, "got", THRONES) > 0);
    assert_first(c, "got s01e02", THRONES);
    assert_first(c, "\xe9\xbb\x92\xe7\x8c\xab",
                 "\xe6\x98\xa0\xe7\x94\xbb/\xe9\xbb\x92\xe7\x8c\xab.mkv");
    assert_first(c, "\xe7\x8c\xab", "\xe6\x98\xa0\xe7\x94\xbb/\xe9\xbb\x92\xe7\x8c\xab.mkv");
    catalog_free(c);
}

static void order_never_matters(void **state)
{
    struct catalog *c = library();

    (void)state;
    assert_first(c, "viable valley silicon", SILICON);
    assert_first(c, "ruckus wu tang", WU);
    assert_first(c, "1999 matrix", "Films/The Matrix (1999)/The.Matrix.1999.1080p.mkv");
    catalog_free(c);
}

static void case_and_accents_never_matter(void **state)
{
    static const char *const asked[] = {"caf\xc3\xa9 z\xc3\xbcrich", "cafe zurich", "CAFE ZURICH",
                                        "CAF\xc3\x89 Z\xc3\x9cRICH", "cafe\xcc\x81 zu\xcc\x88rich"};
    struct catalog *c = library();
    struct search_result first, r;
    struct search_query q = ask(asked[0]);

    (void)state;
    run(c, &q, &first);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        q = ask(asked[i]);
        run(c, &q, &r);
        assert_int_equal(place(&r, CAFE), 1);
        assert_int_equal(r.rows, first.rows);
        assert_true(r.row[0].score == first.row[0].score);
        search_done(&r);
    }
    search_done(&first);
    /* a name in the decomposed form */
    put(c, "Andere/Cafe\xcc\x81 Mu\xcc\x88nchen.jpg");
    assert_first(c, "caf\xc3\xa9 m\xc3\xbcnchen", "Andere/Cafe\xcc\x81 Mu\xcc\x88nchen.jpg");
    assert_first(c, "cafe munchen", "Andere/Cafe\xcc\x81 Mu\xcc\x88nchen.jpg");
    catalog_free(c);
}

static void separators_never_matter(void **state)
{
    static const char *const asked[] = {"wu-tang clan", "wu tang clan", "wutang clan",
                                        "WuTang Clan",  "wu_tang.clan", "wu'tang+clan",
                                        "wu tangclan",  "wutangclan"};
    static const char *const named[] = {"x/Club-Dub live.mp3", "x/club dub live.mp3",
                                        "x/ClubDub_live.mp3", "x/clubdub.live.mp3"};
    struct catalog *c = library();

    (void)state;
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        assert_first(c, asked[i], WU);
    for (size_t i = 0; i < 4; i++)
        put(c, named[i]);
    for (size_t i = 0; i < 4; i++) {
        assert_true(place_of(c, "club-dub", named[i]) > 0);
        assert_true(place_of(c, "club dub", named[i]) > 0);
        assert_true(place_of(c, "clubdub", named[i]) > 0);
    }
    catalog_free(c);
}

static void episodes_are_one(void **state)
{
    static const char *const asked[] = {
        "s01e02", "1x02", "S1E2", "1x2", "season 1 episode 2", "Staffel 1 Folge 2"};
    static const char *const forms[] = {"a/Show - 1x02.avi", "b/show.s01e02.mkv",
                                        "c/Show/Season 1/Episode 2.mp4",
                                        "d/Show/Staffel 01/Folge 02.mp4", "e/show S1E2.mkv"};
    struct catalog *c = catalog_new(1);

    (void)state;
    for (size_t i = 0; i < 5; i++)
        put(c, forms[i]);
    put(c, "a/Show - 1x03.avi");
    put(c, "b/show.s02e01.mkv");
    put(c, "c/Show/Season 2/Episode 2.mp4");
    for (size_t i = 0; i < 6; i++) {
        for (size_t k = 0; k < 5; k++) {
            char text[64];

            snprintf(text, sizeof text, "show %s", asked[i]);
            assert_in_range(place_of(c, text, forms[k]), 1, 5);
        }
    }
    catalog_free(c);
}

/* --- contents, folders, holders --- */

static void one_row_a_content(void **state)
{
    struct catalog *c = catalog_new(1);
    struct search_query q = ask("holiday");
    struct search_result r;
    struct nid nid = nid_of(2);
    struct hash odd = {{9}};
    struct row row = {.kind = ROW_FILE, .path = "holiday.avi", .path_len = 11, .root = odd};

    (void)state;
    put_row(c, 1, ROW_FILE, "holiday.avi", 7, 10);
    put_row(c, 2, ROW_FILE, "x/My holiday 2019.avi", 7, 10);
    put_row(c, 2, ROW_FILE, "y/copy of holiday.avi", 7, 10);
    put_row(c, 3, ROW_FILE, "something else.avi", 7, 10);
    put_row(c, 4, ROW_PART, "0700000000000000000000000000000000000000000000000000000000000001", 7,
            10);
    put_row(c, 5, ROW_FILE, "holiday.avi", 8, 10);
    run(c, &q, &r);
    assert_int_equal(r.rows, 2);
    assert_int_equal(r.about, 2);
    assert_int_equal(place(&r, "holiday.avi"), 1);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(r.row[i].holders, r.row[i].hash.b[0] == 7 ? 3 : 1);
        assert_int_equal(r.row[i].other_names, r.row[i].hash.b[0] == 7 ? 3 : 0);
        assert_true(hash_eq(&r.row[i].root, &rows_no_checkpoints));
        assert_int_equal(r.row[i].size, 10);
    }
    search_done(&r);
    /* one that says another root hash is outvoted */
    row.hash = (struct hash){{7}};
    row.hash.b[31] = 1;
    nid = nid_of(6);
    assert_true(catalog_put(c, &nid, &row));
    run(c, &q, &r);
    assert_true(hash_eq(&r.row[0].root, &rows_no_checkpoints));
    search_done(&r);
    catalog_free(c);
}

static void folders_are_results_by_their_own_name(void **state)
{
    struct catalog *c = catalog_new(1);

    (void)state;
    put_row(c, 1, ROW_DIR, "", 1, 10);
    put_row(c, 1, ROW_DIR, "Holiday Pictures", 2, 10);
    put_row(c, 1, ROW_DIR, "Holiday Pictures/Rome", 3, 10);
    put_row(c, 1, ROW_FILE, "Holiday Pictures/Rome/colosseum.jpg", 4, 10);
    assert_first(c, "holiday pictures", "Holiday Pictures");
    assert_true(place_of(c, "holiday", "Holiday Pictures/Rome/colosseum.jpg") > 1);
    assert_int_equal(place_of(c, "holiday", "Holiday Pictures/Rome"), 0);
    assert_first(c, "holiday rome", "Holiday Pictures/Rome");
    assert_first(c, "holiday colosseum", "Holiday Pictures/Rome/colosseum.jpg");
    assert_int_equal(place_of(c, "holiday", ""), 0);
    catalog_free(c);
}

static void filters_hold(void **state)
{
    struct catalog *c = catalog_new(1);
    struct search_query q = ask("trip");
    struct nid nid = nid_of(2);

    (void)state;
    put_row(c, 1, ROW_DIR, "trip", 1, 100);
    put_row(c, 1, ROW_FILE, "trip/trip.MKV", 2, 200);
    put_row(c, 2, ROW_FILE, "Wu-Tang/old/trip.mp3", 3, 300);
    put_row(c, 2, ROW_EXEC, "trip.sh", 4, 400);
    put_row(c, 2, ROW_FILE, "some.mkv.trip", 5, 500);
    assert_int_equal(count_with(c, &q), 5);
    q.type = "dir";
    assert_int_equal(count_with(c, &q), 1);
    q.type = "file";
    assert_int_equal(count_with(c, &q), 4);
    q.type = "video";
    assert_int_equal(count_with(c, &q), 1);
    q.type = "nonsense";
    assert_int_equal(count_with(c, &q), 0);
    q = ask("trip");
    q.ext = "mkv";
    assert_int_equal(count_with(c, &q), 1);
    q.ext = ".MKV";
    assert_int_equal(count_with(c, &q), 1);
    q = ask("trip");
    q.larger = 200;
    q.smaller = 400;
    assert_int_equal(count_with(c, &q), 3);
    q = ask("trip");
    q.newer_s = 301; /* here a row's time is its size */
    assert_int_equal(count_with(c, &q), 2);
    q = ask("trip");
    q.peer = &nid;
    assert_int_equal(count_with(c, &q), 3);
    nid = nid_of(9);
    assert_int_equal(count_with(c, &q), 0);
    q = ask("trip");
    q.in = "wu tang";
    assert_int_equal(count_with(c, &q), 1);
    q.in = "Wu-Tang/OLD";
    assert_int_equal(count_with(c, &q), 1);
    q.in = "old/wu-tang";
    assert_int_equal(count_with(c, &q), 0);
    q.in = "trip";
    assert_int_equal(count_with(c, &q), 1);
    q.in = "elsewhere";
    assert_int_equal(count_with(c, &q), 0);
    q = ask(""); /* filters alone */
    q.type = "video";
    assert_int_equal(count_with(c, &q), 1);
    catalog_free(c);
}

static void words_can_be_excluded_and_phrases_asked(void **state)
{
    struct catalog *c = catalog_new(1);
    struct search_query q = ask("-live");

    (void)state;
    put(c, "a/song of songs.mp3");
    put(c, "a/song live.mp3");
    put(c, "live/song.mp3");
    put(c, "a/songs of the song.mp3");
    put(c, "song/of/songs.mp3");
    assert_int_equal(count(c, "song"), 5);
    assert_int_equal(count(c, "song -live"), 3);
    assert_int_equal(count(c, "-live song"), 3);
    assert_int_equal(count(c, "song -live-song"), 3); /* both words in one path */
    assert_int_equal(count(c, "song -nowhere"), 5);
    assert_int_equal(count(c, "song - live"), 5); /* a hyphen between words is none */
    q.ext = "mp3";
    assert_int_equal(count_with(c, &q), 3);
    assert_int_equal(count(c, "\"song of songs\""), 1);
    assert_int_equal(count(c, "\"songs of the\" song"), 1);
    assert_int_equal(count(c, "\"Song.Of\""), 1);
    assert_int_equal(count(c, "\"of song\""), 0);
    assert_true(count(c, "\"song of songs") > 1); /* not closed: no phrase */
    catalog_free(c);
}

/* --- what the user is told --- */

static void corrections_are_told(void **state)
{
    struct catalog *c = library();
    struct search_query q = ask("slicon valley");
    struct search_result r;

    (void)state;
    run(c, &q, &r);
    assert_string_equal(r.corrected, "silicon valley");
    assert_string_equal(r.nearest, "");
    search_done(&r);
    q = ask("Silicon  VALLEY");
    run(c, &q, &r);
    assert_string_equal(r.corrected, "");
    search_done(&r);
    q = ask("sil vall");
    run(c, &q, &r);
    assert_string_equal(r.corrected, "");
    search_done(&r);
    q = ask("salkcan");
    run(c, &q, &r);
    assert_int_equal(r.rows, 0);
    assert_int_equal(r.about, 0);
    assert_string_equal(r.nearest, "silicon");
    search_done(&r);
    q = ask("xqzwvkjh");
    run(c, &q, &r);
    assert_int_equal(r.rows, 0);
    assert_string_equal(r.nearest, "");
    search_done(&r);
    catalog_free(c);
}

/* --- what must hold whatever is in the catalog --- */

static const char *const WORDS[] = {"alpha", "beta",  "gamma",  "delta", "epsilon", "zeta",
                                    "theta", "kappa", "lambda", "sigma", "omega",   "alpine",
                                    "bета",  "gamm",  "delt",   "01",    "2019"};

static void random_path(struct rng *r, char path[128])
{
    size_t n = 0, words = 1 + rng_below(r, 5);

    for (size_t i = 0; i < words; i++)
        n += (size_t)snprintf(path + n, 128 - n, "%s%s", i ? (rng_below(r, 4) ? " " : "/") : "",
                              WORDS[rng_below(r, sizeof WORDS / sizeof *WORDS)]);
    snprintf(path + n, 128 - n, "%d.txt", (int)rng_below(r, 1000));
}

static void pages_join(void **state)
{
    struct catalog *c = catalog_new(1);
    struct search_query q = ask("alpha bet");
    struct search_result whole, page;
    struct rng rng;
    char path[128];

    (void)state;
    rng_seed(&rng, 1);
    for (unsigned i = 0; i < 3000; i++) {
        random_path(&rng, path);
        put_row(c, i % 5, ROW_FILE, path, (unsigned)rng_below(&rng, 2000), 5);
    }
    for (size_t step = 7; step < 200; step += 60) {
        size_t n = 0;
        struct search_query p = q;

        p.limit = step;
        q.limit = SEARCH_ROWS_MAX;
        for (p.offset = 0;; p.offset += step) {
            run(c, &p, &page);
            for (size_t i = 0; i < page.rows; i++) {
                q.offset = (p.offset + i) / SEARCH_ROWS_MAX * SEARCH_ROWS_MAX;
                run(c, &q, &whole);
                assert_true(hash_eq(&whole.row[p.offset + i - q.offset].hash, &page.row[i].hash));
                search_done(&whole);
                n++;
            }
            if (!page.rows) {
                search_done(&page);
                break;
            }
            assert_true(page.about >= n);
            search_done(&page);
            if (step > 7)
                continue;
            p.offset += 140; /* look into some pages only */
        }
        assert_true(n > 20);
    }
    q.offset = SIZE_MAX - 3;
    assert_int_equal(count_with(c, &q), 0);
    q.offset = 0;
    q.limit = SIZE_MAX;
    assert_int_equal(count_with(c, &q), SEARCH_ROWS_MAX);
    q.limit = 0;
    assert_int_equal(count_with(c, &q), 0);
    catalog_free(c);
}

/* The same rows in another order give the same answer. */
static void order_does_not_depend_on_arrival(void **state)
{
    struct catalog *a = catalog_new(1), *b = catalog_new(99);
    struct search_result ra, rb;
    static char path[400][128];
    struct rng rng;

    (void)state;
    rng_seed(&rng, 5);
    for (unsigned i = 0; i < 400; i++)
        random_path(&rng, path[i]);
    for (unsigned i = 0; i < 400; i++) {
        put(a, path[i]);
        put(b, path[399 - i]);
    }
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        struct search_query q = ask(WORDS[i]);

        q.limit = 100;
        run(a, &q, &ra);
        run(b, &q, &rb);
        assert_int_equal(ra.rows, rb.rows);
        assert_true(ra.rows > 0);
        for (size_t k = 0; k < ra.rows; k++) {
            assert_true(hash_eq(&ra.row[k].hash, &rb.row[k].hash));
            if (k)
                assert_true(ra.row[k - 1].score >= ra.row[k].score);
        }
        search_done(&ra);
        search_done(&rb);
    }
    catalog_free(a);
    catalog_free(b);
}

static void an_unrelated_file_removes_no_hit(void **state)
{
    static const char *const asked[] = {"slicon valey",  "wu tang", "cafe",
                                        "table product", "1x02",    "minimum 2019"};
    struct catalog *c = library();
    struct search_result was[6];

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct search_query q = ask(asked[i]);

        run(c, &q, &was[i]);
        assert_true(was[i].rows > 0);
    }
    for (unsigned n = 0; n < 300; n++) {
        char path[64];

        snprintf(path, sizeof path, "jjj%u/qqq%u hhh%u.ogg", n % 10, n, n / 3);
        put(c, path);
    }
    for (size_t i = 0; i < 6; i++) {
        for (size_t k = 0; k < was[i].rows; k++) {
            struct search_query q = ask(asked[i]);
            struct search_result now;
            bool there = false;

            run(c, &q, &now);
            for (size_t m = 0; m < now.rows; m++)
                there |= hash_eq(&now.row[m].hash, &was[i].row[k].hash);
            assert_true(there);
            search_done(&now);
        }
        search_done(&was[i]);
    }
    catalog_free(c);
}

static void what_is_gone_is_not_found(void **state)
{
    struct catalog *c = catalog_new(1);
    static char path[3000][128];
    struct nid nid = nid_of(1);
    struct rng rng;

    (void)state;
    rng_seed(&rng, 8);
    for (unsigned i = 0; i < 3000; i++) {
        random_path(&rng, path[i]);
        put(c, path[i]);
    }
    for (unsigned i = 0; i < 3000; i++) {
        put_row(c, 1, ROW_GONE, path[i], 0, 0);
        if (i % 500 == 0) {
            catalog_check(c);
            assert_int_equal(place_of(c, path[i], path[i]), 0);
            assert_true(count(c, "alpha") > 0);
        }
    }
    assert_int_equal(count(c, "alpha"), 0);
    assert_int_equal(c->segments, 0);
    put(c, "alpha");
    assert_int_equal(count(c, "alpha"), 1);
    catalog_drop(c, &nid);
    assert_int_equal(count(c, "alpha"), 0);
    catalog_free(c);
}

/* Any byte string is a legal name and a legal query. */
static void any_bytes_are_legal(void **state)
{
    static const char interesting[] = "aAbB012 .-\"_'/sxe\xc3\xa9\xcc\x81\xe7\x8c\xab\xff\xfe\n\t";
    struct catalog *c = catalog_new(1);
    struct nid nid = nid_of(1);
    struct rng rng;

    (void)state;
    rng_seed(&rng, 77);
    for (unsigned i = 0; i < 3000; i++) {
        char text[400];
        size_t len = 1 + rng_below(&rng, i % 20 ? 30 : sizeof text - 1);
        struct row row = {.kind = i % 9 ? ROW_FILE : ROW_DIR, .path = text, .size = i};
        struct search_query q = ask("");
        struct search_result r;

        for (size_t k = 0; k < len; k++)
            text[k] = i % 3 ? interesting[rng_below(&rng, sizeof interesting - 1)]
                            : (char)(1 + rng_below(&rng, 255));
        row.path_len = len;
        memcpy(row.hash.b, &i, sizeof i);
        assert_true(catalog_put(c, &nid, &row));
        q.text = text;
        q.len = len;
        q.limit = 3;
        q.in = i % 11 ? NULL : "a b/c";
        if (i % 16 == 0)
            catalog_settle(c);
        search_run(c, &q, &r);
        assert_true(strlen(r.corrected) <= QUERY_LEN_MAX && strlen(r.nearest) <= QUERY_LEN_MAX);
        search_done(&r);
    }
    catalog_check(c);
    catalog_free(c);
}

static void an_empty_catalog_answers(void **state)
{
    struct catalog *c = catalog_new(1);
    struct search_query q = ask("anything at all");
    struct search_result r;

    (void)state;
    run(c, &q, &r);
    assert_int_equal(r.rows, 0);
    assert_int_equal(r.about, 0);
    search_done(&r);
    assert_int_equal(count(c, ""), 0);
    catalog_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_forgiven),
        cmocka_unit_test(beginnings_pieces_and_initials_are_found),
        cmocka_unit_test(order_never_matters),
        cmocka_unit_test(case_and_accents_never_matter),
        cmocka_unit_test(separators_never_matter),
        cmocka_unit_test(episodes_are_one),
        cmocka_unit_test(one_row_a_content),
        cmocka_unit_test(folders_are_results_by_their_own_name),
        cmocka_unit_test(filters_hold),
        cmocka_unit_test(words_can_be_excluded_and_phrases_asked),
        cmocka_unit_test(corrections_are_told),
        cmocka_unit_test(pages_join),
        cmocka_unit_test(order_does_not_depend_on_arrival),
        cmocka_unit_test(an_unrelated_file_removes_no_hit),
        cmocka_unit_test(what_is_gone_is_not_found),
        cmocka_unit_test(any_bytes_are_legal),
        cmocka_unit_test(an_empty_catalog_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
