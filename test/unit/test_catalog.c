/* core/catalog: rows come, change and go; what is gone takes no room; no peer can take more than
 * its share. */
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
    return (struct nid){{(uint8_t)(n >> 8), (uint8_t)n, 7}};
}

static struct hash hash_of(unsigned n)
{
    return (struct hash){
        {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, 1}};
}

static bool put_sized(struct catalog *c, unsigned peer, enum row_kind kind, const char *path,
                      unsigned hash, uint64_t size)
{
    struct nid nid = nid_of(peer);
    struct row row = {.kind = kind,
                      .number = 1,
                      .path = path,
                      .path_len = strlen(path),
                      .size = size,
                      .mtime_s = 1000 + hash,
                      .hash = hash_of(hash),
                      .root = rows_no_checkpoints};

    if (kind == ROW_DIR)
        row.root = (struct hash){0};
    return catalog_put(c, &nid, &row);
}

static bool put(struct catalog *c, unsigned peer, enum row_kind kind, const char *path,
                unsigned hash)
{
    return put_sized(c, peer, kind, path, hash, 100);
}

static size_t holders(struct catalog *c, unsigned hash)
{
    struct hash h = hash_of(hash);

    catalog_settle(c);
    return catalog_holders(c, &h, NULL, 0);
}

static void drop(struct catalog *c, unsigned peer)
{
    struct nid nid = nid_of(peer);

    catalog_drop(c, &nid);
}

static void assert_empty(struct catalog *c)
{
    struct catalog_stats s;

    catalog_settle(c);
    catalog_stats(c, &s);
    assert_int_equal(s.peers, 0);
    assert_int_equal(s.files + s.folders + s.parts, 0);
    assert_int_equal(s.words, 0);
    assert_int_equal(s.segments, 0);
    assert_int_equal(s.hash_bytes, 0);
}

static void rows_are_found_by_hash(void **state)
{
    struct catalog *c = catalog_new(1);
    struct catalog_holder h[4];
    struct hash hash = hash_of(5);
    struct nid nid = nid_of(2);
    struct catalog_stats s;
    uint64_t files, bytes;

    (void)state;
    assert_true(put_sized(c, 1, ROW_FILE, "a/b/one.txt", 5, 10));
    assert_true(put_sized(c, 2, ROW_EXEC, "other name", 5, 10));
    assert_true(put_sized(c, 2, ROW_DIR, "", 9, 10));
    assert_true(put_sized(c, 2, ROW_DIR, "x", 6, 10));
    catalog_check(c);
    assert_int_equal(catalog_holders(c, &hash, h, 4), 0); /* not settled yet */
    catalog_settle(c);
    catalog_check(c);
    assert_int_equal(catalog_holders(c, &hash, h, 4), 2);
    assert_int_equal(h[1].kind, ROW_EXEC);
    assert_string_equal(h[1].path, "other name");
    assert_int_equal(h[1].path_len, 10);
    assert_true(nid_eq(&h[1].peer, &nid));
    assert_int_equal(h[1].mtime_s, 1005);
    assert_true(hash_eq(&h[1].root, &rows_no_checkpoints));
    assert_string_equal(h[0].path, "a/b/one.txt");
    catalog_holders_done(h, 2);
    memset(h, 0, sizeof h);
    assert_int_equal(catalog_holders(c, &hash, h, 1), 2); /* all are counted, max are given */
    assert_int_equal(h[1].path_len, 0);
    catalog_holders_done(h, 1);
    assert_int_equal(holders(c, 9), 1);
    assert_int_equal(holders(c, 77), 0);
    assert_true(put_sized(c, 1, ROW_FILE, "a copy", 5, 10));
    assert_int_equal(holders(c, 5), 2);
    put(c, 1, ROW_GONE, "a copy", 0);
    assert_int_equal(holders(c, 5), 2);
    catalog_stats(c, &s);
    assert_int_equal(s.peers, 2);
    assert_int_equal(s.files, 2);
    assert_int_equal(s.folders, 2);
    assert_true(catalog_peer(c, &nid, &files, &bytes));
    assert_int_equal(files, 1);
    assert_int_equal(bytes, 10);
    nid = nid_of(3);
    assert_false(catalog_peer(c, &nid, &files, &bytes));
    catalog_free(c);
    catalog_free(NULL);
}

static void a_row_replaces_the_one_before(void **state)
{
    struct catalog *c = catalog_new(1);
    struct nid nid = nid_of(1);
    uint64_t files, bytes;

    (void)state;
    put_sized(c, 1, ROW_FILE, "d/f", 1, 10);
    put_sized(c, 1, ROW_FILE, "d/f", 2, 30);
    catalog_check(c);
    assert_int_equal(holders(c, 1), 0);
    assert_int_equal(holders(c, 2), 1);
    assert_true(catalog_peer(c, &nid, &files, &bytes));
    assert_int_equal(files, 1);
    assert_int_equal(bytes, 30);
    put(c, 1, ROW_DIR, "d/f", 3); /* the file became a folder */
    catalog_check(c);
    assert_int_equal(holders(c, 2), 0);
    assert_int_equal(holders(c, 3), 1);
    put(c, 1, ROW_FILE, "d/f/in", 4);
    put(c, 1, ROW_FILE, "d/f", 5); /* and a file again, before its children were told to be gone */
    catalog_check(c);
    assert_int_equal(holders(c, 3), 0);
    assert_int_equal(holders(c, 4), 1);
    assert_int_equal(holders(c, 5), 1);
    put(c, 1, ROW_GONE, "d/f", 0);
    put(c, 1, ROW_GONE, "d/f/in", 0);
    put(c, 1, ROW_GONE, "never was", 0);
    put(c, 2, ROW_GONE, "nor this peer", 0);
    catalog_check(c);
    assert_empty(c);
    catalog_free(c);
}

static void a_folder_that_goes_leaves_its_children(void **state)
{
    struct catalog *c = catalog_new(1);

    (void)state;
    put(c, 1, ROW_DIR, "d", 1);
    put(c, 1, ROW_FILE, "d/f", 2);
    put(c, 1, ROW_GONE, "d", 0);
    catalog_check(c);
    assert_int_equal(holders(c, 1), 0);
    assert_int_equal(holders(c, 2), 1);
    put(c, 1, ROW_DIR, "d", 3);
    put(c, 1, ROW_GONE, "d/f", 0);
    catalog_check(c);
    assert_int_equal(holders(c, 3), 1);
    put(c, 1, ROW_GONE, "d", 0);
    assert_empty(c);
    catalog_free(c);
}

static void root_hashes_are_each_holders_own(void **state)
{
    struct catalog *c = catalog_new(1);
    struct hash hash = hash_of(1);
    struct catalog_holder h[3];
    struct row row = {.kind = ROW_FILE,
                      .path = "big",
                      .path_len = 3,
                      .size = 1u << 30,
                      .hash = hash,
                      .root = {{1}}};
    struct nid nid;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        nid = nid_of(i);
        row.root.b[0] = (uint8_t)(i + 1);
        assert_true(catalog_put(c, &nid, &row));
    }
    catalog_settle(c);
    assert_int_equal(catalog_holders(c, &hash, h, 3), 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(h[i].root.b[0], i + 1);
    catalog_holders_done(h, 3);
    row.root = rows_no_checkpoints; /* the last one changes its mind, and back */
    catalog_put(c, &nid, &row);
    catalog_settle(c);
    catalog_holders(c, &hash, h, 3);
    assert_true(hash_eq(&h[2].root, &rows_no_checkpoints));
    catalog_holders_done(h, 3);
    row.root.b[0] = 9;
    catalog_put(c, &nid, &row);
    catalog_settle(c);
    catalog_check(c);
    catalog_holders(c, &hash, h, 3);
    assert_int_equal(h[2].root.b[0], 9);
    assert_string_equal(h[2].path, "big");
    catalog_holders_done(h, 3);
    catalog_free(c);
}

static void parts_are_holders_beside_files(void **state)
{
    static const char hex[] = "0000000501000000000000000000000000000000000000000000000000000000";
    struct catalog *c = catalog_new(1);
    struct catalog_holder h[2];
    struct hash hash = hash_of(5);
    struct catalog_stats s;

    (void)state;
    put(c, 1, ROW_FILE, "f", 5);
    put(c, 2, ROW_PART, hex, 5);
    catalog_check(c);
    catalog_stats(c, &s);
    assert_int_equal(s.files, 0); /* it waits */
    catalog_settle(c);
    catalog_stats(c, &s);
    assert_int_equal(s.parts, 1);
    assert_int_equal(s.files, 1);
    catalog_settle(c);
    assert_int_equal(catalog_holders(c, &hash, h, 2), 2);
    assert_int_equal(h[1].kind, ROW_PART);
    assert_string_equal(h[1].path, hex);
    catalog_holders_done(h, 2);
    put(c, 2, ROW_GONE, hex, 0);
    assert_int_equal(holders(c, 5), 1);
    catalog_free(c);
}

static void odd_names_are_held(void **state)
{
    static const char long_name[] =
        "1234567890123456789012345678901234567890123456789012345678901234567890abc";
    struct catalog *c = catalog_new(1);

    (void)state;
    put(c, 1, ROW_FILE, "-- !!", 1);
    catalog_settle(c);
    catalog_check(c);
    assert_int_equal(holders(c, 1), 1);
    put(c, 2, ROW_DIR, "", 2);
    catalog_settle(c);
    catalog_check(c);
    assert_int_equal(holders(c, 2), 1);
    /* a number once it is cut to WORD_BYTES_MAX */
    put(c, 1, ROW_FILE, long_name, 3);
    catalog_settle(c);
    catalog_check(c);
    put(c, 1, ROW_GONE, long_name, 0);
    put(c, 1, ROW_GONE, "-- !!", 0);
    put(c, 2, ROW_GONE, "", 0);
    assert_empty(c);
    catalog_free(c);
}

static void prefixes_resolve(void **state)
{
    struct catalog *c = catalog_new(1);
    struct hash h, want = hash_of(0xabcdef01);

    (void)state;
    put(c, 1, ROW_FILE, "a", 0xabcdef01);
    put(c, 2, ROW_FILE, "a too", 0xabcdef01);
    put(c, 1, ROW_FILE, "b", 0xabcdee01);
    catalog_settle(c);
    assert_int_equal(catalog_resolve(c, "abcdef", 6, &h), 1);
    assert_true(hash_eq(&h, &want));
    assert_int_equal(catalog_resolve(c, "ABCDEF0", 7, &h), 1);
    assert_int_equal(catalog_resolve(c, "abcde", 5, &h), 2);
    assert_int_equal(catalog_resolve(c, "abcdf", 5, &h), 0);
    assert_int_equal(catalog_resolve(c, "", 0, &h), 0);
    assert_int_equal(catalog_resolve(c, "xyz", 3, &h), 0);
    assert_int_equal(
        catalog_resolve(c, "abcdef0101000000000000000000000000000000000000000000000000000000", 64,
                        &h),
        1);
    assert_int_equal(
        catalog_resolve(c, "abcdef01010000000000000000000000000000000000000000000000000000000", 65,
                        &h),
        0);
    catalog_free(c);
}

static void a_peer_is_dropped_whole(void **state)
{
    struct catalog *c = catalog_new(1);
    struct catalog_stats s;
    size_t before;

    (void)state;
    for (unsigned peer = 0; peer < 20; peer++) {
        for (unsigned i = 0; i < 300; i++) {
            char path[64];

            snprintf(path, sizeof path, "folder %u/sub %u/file %u of %u.txt", i % 7, i % 3, i,
                     peer);
            assert_true(put(c, peer, ROW_FILE, path, i));
        }
    }
    catalog_settle(c);
    catalog_check(c);
    catalog_stats(c, &s);
    before = s.bytes;
    assert_int_equal(holders(c, 17), 20);
    drop(c, 3); /* a few rows of many */
    catalog_check(c);
    assert_int_equal(holders(c, 17), 19);
    for (unsigned peer = 4; peer < 20; peer++)
        drop(c, peer);
    catalog_settle(c);
    catalog_check(c);
    catalog_stats(c, &s);
    assert_int_equal(s.peers, 3);
    assert_int_equal(s.files, 900);
    assert_true(s.bytes < before / 3);
    assert_int_equal(holders(c, 17), 3);
    for (unsigned peer = 0; peer < 3; peer++)
        drop(c, peer);
    drop(c, 0);
    assert_empty(c);
    catalog_free(c);
}

/* Names change all day: memory stays that of what lives. */
static void churn_is_reclaimed(void **state)
{
    struct catalog *c = catalog_new(1);
    struct catalog_stats s;
    size_t settled = 0;
    char path[80];

    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 1000; i++) {
            snprintf(path, sizeof path, "dir %u/name%u-%u of a file that changes.txt", i % 10, i,
                     round);
            put(c, 1, ROW_FILE, path, i);
            if (round) {
                snprintf(path, sizeof path, "dir %u/name%u-%u of a file that changes.txt", i % 10,
                         i, round - 1);
                put(c, 1, ROW_GONE, path, 0);
            }
        }
        catalog_settle(c);
        catalog_stats(c, &s);
        assert_int_equal(s.files, 1000);
        if (round == 3)
            settled = s.bytes;
    }
    catalog_check(c);
    assert_true(s.bytes < settled * 2);
    catalog_free(c);
}

static void caps_hold(void **state)
{
    struct catalog *c = catalog_new(1);
    struct catalog_stats s;
    char path[4096];
    unsigned n = 0;

    (void)state;
    for (unsigned i = 0; i < PEERS_MAX; i++)
        assert_true(put(c, i, ROW_FILE, "f", 1));
    assert_false(put(c, PEERS_MAX, ROW_FILE, "f", 1));
    assert_true(put(c, PEERS_MAX - 1, ROW_FILE, "g", 1));
    catalog_stats(c, &s);
    assert_int_equal(s.refused, 1);
    for (unsigned i = 1; i < PEERS_MAX; i++)
        drop(c, i);
    /* a peer's bytes: folders that no row names count as well */
    for (;; n++) {
        int len = snprintf(path, sizeof path, "%08x", n);

        for (int at = len; at < 4000; at++)
            path[at] = at % 64 ? 'a' : '/';
        path[4000] = '\0';
        if (!put(c, 0, ROW_FILE, path, n))
            break;
    }
    assert_true(n > 100 && n < 100000);
    catalog_stats(c, &s);
    assert_true(s.bytes < 2 * CATALOG_PEER_BYTES_MAX);
    assert_true(put(c, 0, ROW_FILE, "f", 2)); /* what is there can still change */
    assert_true(put(c, 1, ROW_FILE, "another peer has room", 2));
    catalog_check(c);
    catalog_free(c);
}

/* Names of words that nobody else has. */
static void put_noise(struct catalog *c, unsigned peer, unsigned from, unsigned rows)
{
    char path[512];

    for (unsigned n = from; n < from + rows; n++) {
        int len = 0;

        for (unsigned i = 0; i < 20; i++) {
            unsigned v = n * 20 + i;

            for (int k = 0; k < 6; k++, v /= 26)
                path[len++] = (char)('a' + v % 26);
            path[len++] = ' ';
        }
        path[len] = '\0';
        assert_true(put(c, peer, ROW_FILE, path, n));
    }
    catalog_settle(c);
}

/* Rows found by a word that have it in their path. */
static size_t found(const struct catalog *c, const char *text)
{
    struct search_query q = {
        .text = text, .len = strlen(text), .smaller = UINT64_MAX, .newer_s = INT64_MIN, .limit = 5};
    struct search_result r;
    size_t n = 0;

    search_run(c, &q, &r);
    for (size_t i = 0; i < r.rows; i++)
        n += strstr(r.row[i].path, text) != NULL;
    search_done(&r);
    return n;
}

/* A peer whose names are noise is cut, told, and takes nothing from the others. */
static void noise_is_cut(void **state)
{
    struct catalog *c = catalog_new(1);
    struct catalog_cut cut[2];
    struct catalog_stats s;

    (void)state;
    put(c, 1, ROW_FILE, "river", 1);
    catalog_settle(c);
    assert_int_equal(catalog_cuts(c, cut, 2), 0);
    put_noise(c, 0, 1000, 70000);
    assert_int_equal(catalog_cuts(c, cut, 2), 1);
    assert_memory_equal(cut[0].peer.b, nid_of(0).b, sizeof cut[0].peer.b);
    assert_int_equal(cut[0].why, CUT_WORDS);
    assert_int_equal(cut[0].rows, 0);
    assert_true(cut[0].words > 300000);
    assert_non_null(strstr(catalog_cut_text(cut[0].why), "words"));
    catalog_stats(c, &s);
    assert_int_equal(s.files, 70001);
    assert_true(s.words < CATALOG_PEER_WORDS_MAX + 10);
    /* the others bring what they like, and what they brought is found of the noisy one, too */
    put_noise(c, 0, 200000, 10); /* what was left, when initials have many uses */
    put(c, 1, ROW_FILE, "zephyrine", 2);
    put(c, 0, ROW_FILE, "noise/river of mine", 3);
    put(c, 0, ROW_FILE, "noise/brandnewword", 4);
    catalog_settle(c);
    assert_int_equal(found(c, "zephyrine"), 1);
    assert_int_equal(found(c, "river"), 2);
    assert_int_equal(found(c, "brandnewword"), 0);
    catalog_check(c);
    /* what has gone is no more held against it; a peer that begins anew is not cut */
    drop(c, 0);
    assert_int_equal(catalog_cuts(c, cut, 2), 0);
    put(c, 0, ROW_FILE, "brandnewword", 4);
    catalog_settle(c);
    assert_int_equal(found(c, "brandnewword"), 1);
    catalog_free(c);
}

/* The same words again and again are not counted again. */
static void words_that_stay_are_not_counted_again(void **state)
{
    struct catalog *c = catalog_new(1);
    struct catalog_cut cut;

    (void)state;
    for (int round = 0; round < 6; round++)
        put_noise(c, 0, 1000, 13000); /* 260,000 words */
    assert_int_equal(catalog_cuts(c, &cut, 1), 0);
    put(c, 0, ROW_FILE, "brandnewword", 4);
    catalog_settle(c);
    assert_int_equal(found(c, "brandnewword"), 1);
    catalog_free(c);
}

static size_t segments_of(const struct catalog *c)
{
    struct catalog_stats s;

    catalog_stats(c, &s);
    return s.segments;
}

/* Long lists: segments of one size are merged four at a time; what is left over, by tidying. */
static void long_lists_are_merged_late(void **state)
{
    static const size_t segments[] = {1, 2, 3, 1, 2, 3};
    struct catalog *c = catalog_new(1);
    char path[32];

    (void)state;
    for (unsigned round = 0; round < 6; round++) {
        for (unsigned i = 0; i < 100000; i++) {
            snprintf(path, sizeof path, "%u/%x", round * 100 + i % 100, i);
            assert_true(put(c, round % 2, ROW_FILE, path, round * 100000 + i));
        }
        catalog_settle(c);
        assert_int_equal(segments_of(c), segments[round]);
    }
    catalog_tidy(c);
    assert_int_equal(segments_of(c), 2); /* 400,000 and 200,000 */
    catalog_tidy(c);
    assert_int_equal(segments_of(c), 2);
    catalog_check(c);
    catalog_free(c);
}

/* Any order of puts, gones and drops; a plain model says what must be there. */
static void model_agrees(void **state)
{
    enum { PEERS = 3, PATHS = 40 };
    static const char *const dirs[] = {"", "a/", "a/b/", "c/", "c/d/e/"};
    unsigned model[PEERS][PATHS] = {{0}};
    struct catalog *c = catalog_new(9);
    struct rng rng;

    (void)state;
    rng_seed(&rng, 4);
    for (unsigned step = 0; step < 20000; step++) {
        unsigned peer = (unsigned)rng_below(&rng, PEERS), i = (unsigned)rng_below(&rng, PATHS);
        unsigned act = (unsigned)rng_below(&rng, 400), hash = 1 + (unsigned)rng_below(&rng, 30);
        char path[64];

        snprintf(path, sizeof path, "%sname %u", dirs[i % 5], i);
        if (act == 0) {
            drop(c, peer);
            memset(model[peer], 0, sizeof model[peer]);
        } else if (act < 150) {
            assert_true(put(c, peer, ROW_GONE, path, 0));
            model[peer][i] = 0;
        } else {
            assert_true(put(c, peer, act < 200 ? ROW_DIR : ROW_FILE, path, hash));
            model[peer][i] = hash;
        }
        if (step % 100 == 0) {
            unsigned count[31] = {0};

            catalog_check(c);
            for (unsigned p = 0; p < PEERS; p++) {
                bool has[31] = {false};

                for (unsigned k = 0; k < PATHS; k++)
                    has[model[p][k]] = true;
                for (unsigned h = 1; h <= 30; h++)
                    count[h] += has[h];
            }
            for (unsigned h = 1; h <= 30; h++)
                assert_int_equal(holders(c, h), count[h]);
        }
    }
    catalog_free(c);
}

static void add_path(void *ctx, const struct row *row)
{
    char *all = ctx;
    size_t len = strlen(all);

    snprintf(all + len, 200 - len, "%c:%.*s ", row->kind, (int)row->path_len, row->path);
}

static void who_is_hidden_keeps_its_rows(void **state)
{
    struct catalog *c = catalog_new(1);
    struct catalog_stats s;
    struct nid nid = nid_of(1);
    struct hash h = hash_of(5), got;
    struct search_query q = {
        .text = "one", .len = 3, .smaller = UINT64_MAX, .newer_s = INT64_MIN, .limit = 9};
    struct search_result found;
    struct digest d;
    char hex[HASH_HEX_LEN + 1], all[200] = "";

    (void)state;
    put(c, 1, ROW_FILE, "a/b/one.txt", 5);
    put(c, 1, ROW_DIR, "a", 6);
    catalog_settle(c);
    put(c, 2, ROW_FILE, "two.txt", 7);
    put(c, 1, ROW_FILE, "a/late", 8);
    hash_hex(&h, hex);
    put(c, 1, ROW_PART, hex, 5);
    catalog_each(c, &nid, add_path, all);
    assert_non_null(strstr(all, "f:a/late"));
    assert_non_null(strstr(all, "f:a/b/one.txt "));
    assert_non_null(strstr(all, "d:a "));
    assert_non_null(strstr(all, "p:00000005"));
    catalog_settle(c);
    d = catalog_digest(c, &nid);
    assert_int_equal(catalog_rows(c, &nid), 4);
    catalog_hide(c, &nid, true);
    catalog_hide(c, &nid, true);
    catalog_stats(c, &s);
    assert_int_equal(s.files, 1);
    assert_int_equal(s.folders + s.parts, 0);
    assert_int_equal(s.peers, 1);
    assert_int_equal(holders(c, 5), 0);
    assert_int_equal(catalog_resolve(c, hex, 10, &got), 0);
    search_run(c, &q, &found);
    assert_int_equal(found.rows, 0);
    search_done(&found);
    for (unsigned n = 0; n < 3000; n++) /* merges keep what is hidden */
        put(c, 3, ROW_FILE, n % 2 ? "x" : "y", n);
    catalog_settle(c);
    catalog_check(c);
    catalog_hide(c, &nid, false);
    assert_int_equal(holders(c, 5), 2);
    assert_int_equal(catalog_resolve(c, hex, 10, &got), 1);
    search_run(c, &q, &found);
    assert_int_equal(found.rows, 1);
    search_done(&found);
    assert_true(digest_eq(&d, &c->peer[0].digest));
    catalog_hide(c, &nid, true);
    drop(c, 1);
    catalog_check(c);
    put(c, 1, ROW_FILE, "fresh", 5);
    assert_int_equal(holders(c, 5), 1);
    catalog_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_hidden_keeps_its_rows),
        cmocka_unit_test(rows_are_found_by_hash),
        cmocka_unit_test(a_row_replaces_the_one_before),
        cmocka_unit_test(a_folder_that_goes_leaves_its_children),
        cmocka_unit_test(root_hashes_are_each_holders_own),
        cmocka_unit_test(parts_are_holders_beside_files),
        cmocka_unit_test(odd_names_are_held),
        cmocka_unit_test(prefixes_resolve),
        cmocka_unit_test(a_peer_is_dropped_whole),
        cmocka_unit_test(churn_is_reclaimed),
        cmocka_unit_test(caps_hold),
        cmocka_unit_test(noise_is_cut),
        cmocka_unit_test(words_that_stay_are_not_counted_again),
        cmocka_unit_test(long_lists_are_merged_late),
        cmocka_unit_test(model_agrees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
