/* Holders that lie, break off, stall or answer nonsense; lists and folders made to do harm. */
#include "liar_rig.h"

static struct store_entry film;

static int up(void **state)
{
    rig_up(state);
    peer_up(&a, "anna", 0);
    peer_up(&me, "mia", 0);
    fetch_up(&me);
    put_file(a.share, "film", SIZE, 1);
    index_all(&a);
    index_of(&a, "film", &film);
    liar_up(&x, "xaver", SIZE, 1);
    liar_up(&y, "yann", SIZE, 1);
    return 0;
}

static int down(void **state)
{
    /* fetch first: requests to a server that stalls are ended from our side */
    fetch_down(&me);
    liar_down(&x);
    liar_down(&y);
    peer_down(&a);
    peer_down(&me);
    return rig_down(state);
}

static void liar_known(const struct liar *l, const struct hash *root, bool partial)
{
    knows(&film.hash, 'f', SIZE, "film", root, &l->id, l->port, partial);
}

static struct watch fetch_film(void)
{
    return fetched(me.fetch, &(struct fetch_want){.hash = film.hash});
}

/* ---- one file ---- */

static void test_beside_an_honest_one(void **state)
{
    (void)state;
    for (enum lie lie = FLIP; lie < LIES; lie++) {
        struct err e;
        char path[160];
        struct watch w;

        x.lie = lie;
        atomic_store(&x.asked, 0);
        knows_nothing(&film.hash);
        liar_known(&x, &film.root, false); /* first, so that it is asked */
        knows_peer(&a, "film", "film");
        w = fetch_film();
        if (strcmp(w.event, "done"))
            fail_msg("lie %d: %s, %s", lie, w.event, w.error);
        assert_true(is_file(me.down, "film", SIZE, 1));
        assert_true(atomic_load(&x.asked) > 0);
        assert_int_equal(count_names(me.down), 1);
        if (lie == FLIP)
            assert_true(w.bad >= 1);
        snprintf(path, sizeof path, "%s/film", me.down);
        unlink(path);
        assert_int_equal(fetch_cancel(me.fetch, w.id, &e), 0); /* forget it */
    }
}

static void test_only_a_liar(void **state)
{
    struct watch w;

    (void)state;
    x.lie = FLIP;
    liar_known(&x, &film.root, false);
    w = fetch_film();
    assert_string_equal(w.event, "failed");
    assert_int_equal(w.exit, ERR_BAD_CONTENT);
    assert_int_equal(w.bad, 2);
    assert_false(exists(me.down, "film"));
    knows_nothing(&film.hash); /* later an honest one comes */
    knows_peer(&a, "film", "film");
    w = fetch_film();
    assert_done(w);
    assert_true(is_file(me.down, "film", SIZE, 1));
}

static void test_only_liars_about_the_list(void **state)
{
    struct watch w;

    (void)state;
    x.lie = y.lie = WRONG_LIST;
    liar_known(&x, &film.root, false);
    liar_known(&y, &film.root, false);
    w = fetch_film();
    assert_string_equal(w.event, "failed");
    assert_int_equal(w.exit, ERR_BAD_CONTENT);
}

/* Who stands still holds nobody up: without a word from one the next is asked beside it. */
static void test_silent_about_the_list(void **state)
{
    struct watch w;

    (void)state;
    x.lie = SILENT;
    liar_known(&x, &film.root, false); /* first, so that it is asked */
    liar_known(&y, &film.root, false);
    w = fetch_film();
    assert_done(w);
    assert_true(is_file(me.down, "film", SIZE, 1));
    assert_int_equal(atomic_load(&y.given_up), 0); /* asked before x was given up */
}

/* The same of a folder's own list, and of its small files: x is never given up, it is passed by. */
static void test_silent_about_a_folder(void **state)
{
    static const enum lie lies[] = {SILENT, SILENT_BATCH, HALF_BATCH};
    struct store_entry en;
    struct reply r;
    char dir[192], path[128] = "/v1/folders/", name[32];

    (void)state;
    snprintf(dir, sizeof dir, "%s/album", a.share);
    assert_int_equal(mkdir(dir, 0755), 0);
    for (unsigned i = 0; i < 290; i++) {
        snprintf(name, sizeof name, "%03u", i);
        put_file(dir, name, 8000 + i, i);
    }
    index_all(&a);
    index_of(&a, "album", &en);
    hash_hex(&en.hash, path + strlen(path));
    r = ask_peer(&a, (struct http_ask){.path = path});
    buf_add(&x.folder, r.body.data, r.body.len);
    buf_free(&r.body);
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct watch w;
        struct err e;

        x.lie = lies[i];
        atomic_store(&x.asked, 0);
        knows_nothing(&en.hash);
        knows(&en.hash, 'd', en.size, "album", &en.root, &x.id, x.port, false); /* first */
        knows_peer(&a, "album", "album");
        w = fetched(me.fetch, &(struct fetch_want){.hash = en.hash, .name = "got/"});
        assert_done(w);
        assert_true(atomic_load(&x.asked) > 0);
        assert_int_equal(__atomic_load_n(&me.unreachable, __ATOMIC_RELAXED), 0);
        snprintf(dir, sizeof dir, "rm -rf '%s/got'", me.down);
        assert_int_equal(system(dir), 0);
        assert_int_equal(fetch_cancel(me.fetch, w.id, &e), 0); /* forget it */
    }
}

static void test_one_that_breaks_off(void **state)
{
    static const enum lie lies[] = {SHORT, WHOLE, GONE};

    (void)state;
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct watch w;
        struct err e;

        x.lie = lies[i];
        knows_nothing(&film.hash);
        liar_known(&x, &film.root, false);
        watch(&w, me.fetch, &(struct fetch_want){.hash = film.hash});
        until(&w, 0, true);
        assert_false(seen(&w).ended); /* it waits for another holder */
        assert_int_equal(seen(&w).exit, ERR_UNFINISHED);
        assert_int_equal(fetch_cancel(me.fetch, w.id, &e), 0);
        unwatch(&w);
    }
}

/* Two liars agree about a root hash of their own: theirs is the larger group, and is tried first.
 */
static void test_forged_group(void **state)
{
    struct hash forged;
    struct watch w;

    (void)state;
    make_bytes(x.bytes, SIZE, 77); /* another file of the same size */
    for (struct liar *l = &x; l; l = l == &x ? &y : NULL) {
        struct content_hasher h;
        struct hash hash;

        content_hasher_init(&h, SIZE);
        content_hasher_add(&h, x.bytes, SIZE);
        content_hasher_done(&h, &hash, &forged);
        buf_reset(&l->checkpoints);
        buf_add(&l->checkpoints, h.checkpoints.data, h.checkpoints.len);
        content_hasher_free(&h);
        memcpy(l->bytes, x.bytes, SIZE);
        liar_known(l, &forged, false);
    }
    knows_peer(&a, "film", "film");
    w = fetch_film();
    assert_done(w);
    assert_true(is_file(me.down, "film", SIZE, 1));
}

static void test_claims_to_have_pieces(void **state)
{
    struct watch w;

    (void)state;
    x.lie = ERROR;
    y.lie = FLIP;
    liar_known(&x, &film.root, true);
    liar_known(&y, &film.root, true);
    knows_peer(&a, "film", "film");
    w = fetch_film();
    assert_done(w);
    assert_true(is_file(me.down, "film", SIZE, 1));
}

/* ---- folders ---- */

static void folder_is(struct liar *l, const char *text, struct hash *h)
{
    buf_reset(&l->folder);
    buf_u32(&l->folder, (uint32_t)strlen(text));
    buf_str(&l->folder, text);
    content_hash(h, text, strlen(text));
}

static struct watch fetch_folder(const struct hash *h)
{
    knows(h, 'd', 10, "photos", &(struct hash){{0}}, &x.id, x.port, false);
    return fetched(me.fetch, &(struct fetch_want){.hash = *h});
}

static void test_hostile_folders(void **state)
{
#define H "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" /* of nothing */
#define G "0000000000000000000000000000000000000000000000000000000000000001"
    static const char *const lists[] = {
        G " 1 f ../evil\n",
        G " 1 f ..\n",
        G " 1 f .\n",
        G " 1 f /etc/passwd\n",
        G " 1 f a/b\n",
        G " 1 f \n",
        G " 1 f a\n" G " 1 f a\n",
        G " 1 f b\n" G " 1 f a\n",
        G " 1 l link\n",
        G " 1 f a\\x00b\n",
        G " 1 f a\\x2fb\n",
        G " -1 f a\n",
        G " 99999999999999999999 f a\n",
        G " 9223372036854775807 d a\n" G " 9223372036854775807 d b\n",
        G " 0 f empty\n",                    /* not the hash of nothing */
        G " 70368744177665 f a\n",           /* over 64 TiB */
        G " 1 f good\n" G " 1 f bad/name\n", /* one bad one refuses all */
        H " 0 f a",
        "nonsense\n",
    };

    (void)state;
    for (unsigned i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct hash h;
        struct watch w;

        folder_is(&x, lists[i], &h);
        w = fetch_folder(&h);
        if (strcmp(w.event, "failed") || w.exit != ERR_BAD_CONTENT)
            fail_msg("list %u: %s, exit %d, %s", i, w.event, w.exit, w.error);
        assert_non_null(strstr(w.error, "nothing was written"));
        assert_int_equal(count_names(me.down), 0);
    }
    assert_false(exists(me.home, "evil"));
}

static void test_folder_larger_than_the_disk(void **state)
{
    struct hash h;
    struct watch w;

    (void)state;
    folder_is(&x, G " 70368744177664 f giant\n", &h);
    w = fetch_folder(&h);
    assert_string_equal(w.event, "failed");
    assert_int_equal(w.exit, ERR_IO);
    assert_non_null(strstr(w.error, "nothing was started"));
    assert_int_equal(count_names(me.down), 0);
}

static void test_another_list_than_asked(void **state)
{
    struct hash h, other;
    struct watch w;

    (void)state;
    folder_is(&x, G " 1 f a\n", &h);
    folder_is(&x, G " 2 f a\n", &other);
    w = fetch_folder(&h);
    assert_string_equal(w.event, "failed");
    assert_int_equal(w.exit, ERR_BAD_CONTENT);
    assert_int_equal(count_names(me.down), 0);
}

/* A folder within itself cannot be, but one folder may stand for endless many: the sizes must add
 * up, the depth is bounded. */
static void test_endless_folder(void **state)
{
    struct hash h;
    struct watch w;
    char hex[65], text[200];

    (void)state;
    folder_is(&x, G " 5 d down\n",
              &h); /* is answered to each question: the hash never fits again */
    hash_hex(&h, hex);
    snprintf(text, sizeof text, "%s 5 d down\n", hex);
    w = fetch_folder(&h);
    assert_string_equal(w.event, "failed");
    assert_int_equal(count_names(me.down), 0);
}

/* Folders within each other, each with its true hash, deeper than a path may be. */
static void test_deep_folder(void **state)
{
    struct hash h;
    struct watch w;
    char text[200] = G " 5 f a\n";

    (void)state;
    x.level = mem_zero(LEVELS, sizeof *x.level);
    for (unsigned i = 0; i < LEVELS; i++) {
        struct level *at = &x.level[i];

        buf_u32(&at->answer, (uint32_t)strlen(text));
        buf_str(&at->answer, text);
        buf_u32(&at->answer, 0), buf_u32(&at->answer, 0); /* its line's time */
        content_hash(&h, text, strlen(text));
        hash_hex(&h, at->hex);
        snprintf(text, sizeof text, "%s 5 d down\n", at->hex);
    }
    knows(&h, 'd', 5, "photos", &(struct hash){{0}}, &x.id, x.port, false);
    w = fetched(me.fetch, &(struct fetch_want){.hash = h});
    assert_string_equal(w.event, "failed");
    assert_int_equal(w.exit, ERR_BAD_CONTENT);
    assert_non_null(strstr(w.error, "too many components"));
    assert_int_equal(count_names(me.down), 0);
    for (unsigned i = 0; i < LEVELS; i++)
        buf_free(&x.level[i].answer);
    mem_free(x.level);
    x.level = NULL;
}

static void test_wrong_small_files(void **state)
{
    static const struct {
        uint64_t len;
        const char *bytes;
    } said[] = {{3, "abd"}, {2, "ab"}, {4, "abcd"}, {UINT64_MAX - 1, ""}, {3, "a"}, {1u << 30, ""}};
    struct hash h, file;
    char hex[65], list[128];

    (void)state;
    content_hash(&file, "abc", 3);
    hash_hex(&file, hex);
    snprintf(list, sizeof list, "%s 3 f letters\n", hex);
    for (unsigned i = 0; i < sizeof said / sizeof *said; i++) {
        struct watch w;
        struct err e;
        char path[160];

        folder_is(&x, list, &h);
        buf_reset(&x.batch);
        buf_u64(&x.batch, said[i].len);
        buf_str(&x.batch, said[i].bytes);
        knows_nothing(&h);
        knows(&h, 'd', 3, "photos", &(struct hash){{0}}, &x.id, x.port, false);
        watch(&w, me.fetch, &(struct fetch_want){.hash = h});
        until(&w, 0, true);
        assert_string_not_equal(w.event, "done");
        unwatch(&w);
        snprintf(path, sizeof path, "%s/photos", me.down);
        assert_int_equal(count_names(path), 0);
        fetch_cancel(me.fetch, w.id, &e);
        for (unsigned k = 0; k < 300 && count_names(me.down); k++)
            uv_sleep(10);
        assert_int_equal(count_names(me.down), 0);
    }
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, up, down)
    const struct CMUnitTest tests[] = {
        CASE(test_beside_an_honest_one),
        CASE(test_only_a_liar),
        CASE(test_only_liars_about_the_list),
        CASE(test_silent_about_the_list),
        CASE(test_silent_about_a_folder),
        CASE(test_one_that_breaks_off),
        CASE(test_forged_group),
        CASE(test_claims_to_have_pieces),
        CASE(test_hostile_folders),
        CASE(test_folder_larger_than_the_disk),
        CASE(test_another_list_than_asked),
        CASE(test_endless_folder),
        CASE(test_deep_folder),
        CASE(test_wrong_small_files),
    };

    http_client_setup();
    log_set_level(getenv("VERBOSE") ? LOG_DEBUG : LOG_ERROR);
    if (getenv("VERBOSE"))
        log_to_stderr(LOG_DEBUG);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
