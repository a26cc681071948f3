/* Contents that this computer has already are copied, not fetched. */
#include "fetch_watch.h"

#include <utime.h>

static struct peer a, me; /* the holder, and the one that fetches */

static int up(void **state)
{
    rig_up(state);
    peer_up(&a, "anna", 0);
    peer_up(&me, "mia", 0);
    fetch_up(&me);
    return 0;
}

static int down(void **state)
{
    peer_down(&a);
    peer_down(&me);
    return rig_down(state);
}

static struct watch fetched_hash(const struct hash *h)
{
    return fetched(me.fetch, &(struct fetch_want){.hash = *h});
}

static struct store_entry shared(const char *path)
{
    struct store_entry en;

    index_all(&a);
    knows_peer(&a, path, path);
    index_of(&a, path, &en);
    return en;
}

static const char *in(const struct peer *p, const char *folder)
{
    static char dir[192];

    snprintf(dir, sizeof dir, "%s/%s", p->share, folder);
    mkdir(dir, 0755);
    return dir;
}

static const char *below_down(const char *folder)
{
    static char dir[192];

    snprintf(dir, sizeof dir, "%s/%s", me.down, folder);
    mkdir(dir, 0755);
    return dir;
}

static bool ends(const char *text, const char *tail)
{
    size_t n = strlen(text), k = strlen(tail);

    return n >= k && !strcmp(text + n - k, tail);
}

/* ---- a file ---- */

static void test_elsewhere_in_the_download_folder(void **state)
{
    struct store_entry en;
    struct watch w;

    (void)state;
    put_file(a.share, "film.mkv", 5 * MIB + 3, 1);
    put_file(below_down("old"), "renamed by hand.mkv", 5 * MIB + 3, 1);
    en = shared("film.mkv");
    w = fetched_hash(&en.hash);
    assert_done(w);
    assert_int_equal(w.fetched, 0);
    assert_int_equal(w.copied, 5 * MIB + 3);
    assert_true(ends(w.from, "/down/old/renamed by hand.mkv"));
    assert_true(is_file(me.down, "film.mkv", 5 * MIB + 3, 1));
    assert_true(is_file(below_down("old"), "renamed by hand.mkv", 5 * MIB + 3, 1));
    assert_int_equal(count_names(me.down), 2);
}

static void test_of_the_same_size_only(void **state)
{
    struct store_entry en;
    struct watch w;
    char path[192];

    (void)state;
    put_file(a.share, "film.mkv", 2 * MIB, 1);
    for (unsigned i = 0; i < 9; i++) {
        char name[16];

        snprintf(name, sizeof name, "%u.mkv", i);
        put_file(me.down, name, 2 * MIB, 10 + i);
    }
    put_file(top, "outside", 2 * MIB, 1); /* a link leads out: it is not followed */
    snprintf(path, sizeof path, "%s/outside", top);
    assert_int_equal(symlinkat(path, AT_FDCWD, strcat(strcpy((char[192]){0}, me.down), "/link")),
                     0);
    en = shared("film.mkv");
    w = fetched_hash(&en.hash);
    assert_done(w);
    assert_int_equal(w.copied, 0);
    assert_string_equal(w.from, "");
    assert_true(w.fetched >= 2 * MIB);
    assert_true(is_file(me.down, "film.mkv", 2 * MIB, 1));
}

static void test_shared_here(void **state)
{
    struct store_entry en;
    struct watch w;

    (void)state;
    put_file(a.share, "film.mkv", 3 * MIB, 1);
    put_file(in(&me, "mine"), "other name.mkv", 3 * MIB, 1);
    index_all(&me);
    en = shared("film.mkv");
    w = fetched_hash(&en.hash);
    assert_done(w);
    assert_int_equal(w.fetched, 0);
    assert_int_equal(w.copied, 3 * MIB);
    assert_true(ends(w.from, "/share/mine/other name.mkv"));
    assert_true(is_file(me.down, "film.mkv", 3 * MIB, 1));
}

/* The store still tells of it, but it is another content now. */
static void test_shared_here_and_changed(void **state)
{
    struct store_entry en;
    struct watch w;
    struct stat st;
    char path[192];
    unsigned suspects;

    (void)state;
    put_file(a.share, "film.mkv", 3 * MIB, 1);
    put_file(me.share, "film.mkv", 3 * MIB, 1);
    index_all(&me);
    snprintf(path, sizeof path, "%s/film.mkv", me.share);
    assert_int_equal(stat(path, &st), 0);
    put_file(me.share, "film.mkv", 3 * MIB, 2);
    assert_int_equal(utime(path, &(struct utimbuf){st.st_atime, st.st_mtime}), 0);
    en = shared("film.mkv");
    suspects = me.suspects;
    w = fetched_hash(&en.hash);
    assert_done(w);
    assert_int_equal(w.copied, 0);
    assert_true(is_file(me.down, "film.mkv", 3 * MIB, 1));
    assert_true(me.suspects > suspects); /* share is told to look again */
}

/* What is done and lies where it was put needs nobody, also after a restart. */
static void test_there_without_a_holder(void **state)
{
    struct store_entry en;
    struct watch w;
    char path[192];

    (void)state;
    put_file(a.share, "film.mkv", 2 * MIB, 1);
    en = shared("film.mkv");
    assert_done(fetched_hash(&en.hash));
    knows_nothing(&en.hash);
    w = fetched_hash(&en.hash);
    assert_string_equal(w.event, "skipped");
    assert_true(ends(w.path, "/down/film.mkv"));
    assert_int_equal(w.size, 2 * MIB);
    fetch_down(&me);
    fetch_up(&me);
    w = fetched_hash(&en.hash);
    assert_string_equal(w.event, "skipped");
    put_file(me.down, "film.mkv", 2 * MIB, 2); /* another content now */
    w = fetched_hash(&en.hash);
    assert_string_equal(w.event, "failed");
    assert_int_equal(w.exit, ERR_NOT_FOUND);
    knows_peer(&a, "film.mkv", "film.mkv");
    assert_done(fetched_hash(&en.hash));
    assert_true(is_file(me.down, "film (2).mkv", 2 * MIB, 1));
    snprintf(path, sizeof path, "%s/film (2).mkv", me.down);
    assert_int_equal(unlink(path), 0);
    assert_done(fetched_hash(&en.hash));
    assert_true(is_file(me.down, "film (2).mkv", 2 * MIB, 1));
}

/* ---- a folder ---- */

static void test_twins_are_fetched_once(void **state)
{
    struct store_entry en;
    struct watch w;
    uint64_t once = 2 * MIB + 1 + 300;
    const char *dir;
    char name[32];

    (void)state;
    dir = in(&a, "album");
    put_file(dir, "large", 2 * MIB + 1, 1);
    put_file(dir, "large again", 2 * MIB + 1, 1);
    put_file(dir, "large once more", 2 * MIB + 1, 1);
    dir = in(&a, "album/many");
    for (unsigned i = 0; i < 290; i++) { /* more than one run copies */
        snprintf(name, sizeof name, "%03u.txt", i);
        put_file(dir, name, 300, 7);
    }
    en = shared("album");
    w = fetched_hash(&en.hash);
    assert_done(w);
    assert_int_equal(w.files_done, 293);
    assert_int_equal(w.copied, en.size - once);
    assert_true(w.fetched < once + 1000); /* with lengths and lists */
    dir = below_down("album");
    assert_true(is_file(dir, "large", 2 * MIB + 1, 1));
    assert_true(is_file(dir, "large again", 2 * MIB + 1, 1));
    assert_true(is_file(dir, "large once more", 2 * MIB + 1, 1));
    dir = below_down("album/many");
    for (unsigned i = 0; i < 290; i++) {
        snprintf(name, sizeof name, "%03u.txt", i);
        assert_true(is_file(dir, name, 300, 7));
    }
    assert_int_equal(count_names(dir), 290);
}

static void test_a_newer_folder_beside_the_older(void **state)
{
    struct store_entry en;
    struct watch w;
    const char *dir;
    char name[32];

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "%u.raw", i);
        put_file(in(&a, "two"), name, 1000 + 100000 * i, i);
        put_file(below_down("one"), name, 1000 + 100000 * i, i < 15 ? i : i + 100);
    }
    put_file(in(&a, "two"), "shared too.raw", 700001, 50);
    put_file(me.share, "x", 700001, 50);
    index_all(&me);
    en = shared("two");
    w = fetched_hash(&en.hash);
    assert_done(w);
    assert_int_equal(w.copied, 15 * 1000 + 100000 * (14 * 15 / 2) + 700001);
    assert_true(w.fetched < en.size - w.copied + 1000);
    dir = below_down("two");
    for (unsigned i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "%u.raw", i);
        assert_true(is_file(dir, name, 1000 + 100000 * i, i));
    }
    assert_true(is_file(dir, "shared too.raw", 700001, 50));
    assert_int_equal(count_names(dir), 21);
}

/* Twins of a file that an earlier run has fetched. */
static void test_twins_after_a_restart(void **state)
{
    struct store_entry en;
    struct watch w;
    const char *dir = in(&a, "album");

    (void)state;
    put_file(dir, "a", 6 * MIB, 1);
    put_file(dir, "b", 2 * MIB, 2);
    put_file(dir, "c", 2 * MIB, 2);
    en = shared("album");
    watch(&w, me.fetch, &(struct fetch_want){.hash = en.hash, .limit_rate = 3 * MIB});
    until(&w, 2 * MIB, false);
    unwatch(&w);
    fetch_down(&me);
    fetch_up(&me);
    w = fetched_hash(&en.hash);
    assert_done(w);
    dir = below_down("album");
    assert_true(is_file(dir, "a", 6 * MIB, 1));
    assert_true(is_file(dir, "b", 2 * MIB, 2));
    assert_true(is_file(dir, "c", 2 * MIB, 2));
    assert_int_equal(count_names(dir), 3);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, up, down)
    const struct CMUnitTest tests[] = {
        CASE(test_elsewhere_in_the_download_folder),
        CASE(test_of_the_same_size_only),
        CASE(test_shared_here),
        CASE(test_shared_here_and_changed),
        CASE(test_there_without_a_holder),
        CASE(test_twins_are_fetched_once),
        CASE(test_a_newer_folder_beside_the_older),
        CASE(test_twins_after_a_restart),
    };

    http_client_setup();
    log_set_level(getenv("VERBOSE") ? LOG_DEBUG : LOG_ERROR);
    return cmocka_run_group_tests_name("local", tests, NULL, NULL);
}
