/* A folder's larger files: how many at once; what is refused; a folder that goes away. */
#include "fetch_watch.h"

static struct peer a, me;

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

static struct store_entry album(unsigned files, size_t size)
{
    struct store_entry en;
    char dir[192], name[16];

    snprintf(dir, sizeof dir, "%s/album", a.share);
    mkdir(dir, 0755);
    for (unsigned i = 0; i < files; i++) {
        snprintf(name, sizeof name, "%u", i);
        put_file(dir, name, size + i, i);
    }
    index_all(&a);
    knows_peer(&a, "album", "album");
    index_of(&a, "album", &en);
    return en;
}

static void end(struct watch *w)
{
    struct err e;

    assert_int_equal(fetch_cancel(me.fetch, w->id, &e), 0);
    unwatch(w);
}

static void test_many_files_at_once_while_they_are_small(void **state)
{
    struct store_entry en = album(12, MIB);
    struct watch w;

    (void)state;
    watch(&w, me.fetch, &(struct fetch_want){.hash = en.hash, .limit_rate = 2 * MIB});
    until(&w, 2 * MIB, false);
    assert_int_equal(seen(&w).now_most, 8); /* FETCH_CONN_MAX / FETCH_CONN_MIN */
    end(&w);
}

static void test_two_files_at_once_when_they_are_large(void **state)
{
    struct store_entry en = album(4, 40 * MIB);
    struct watch w;

    (void)state;
    watch(&w, me.fetch, &(struct fetch_want){.hash = en.hash, .limit_rate = 2 * MIB});
    until(&w, 2 * MIB, false);
    assert_int_equal(seen(&w).now_most, 2);
    end(&w);
}

/* ---- the download folder ---- */

static void test_a_folder_that_is_gone(void **state)
{
    struct store_entry en;
    struct watch w;
    char cmd[256];

    (void)state;
    put_file(a.share, "f.bin", 8 * MIB, 1);
    index_all(&a);
    knows_peer(&a, "f.bin", "f.bin");
    index_of(&a, "f.bin", &en);
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", me.down);
    assert_int_equal(system(cmd), 0);
    w = fetched(me.fetch, &(struct fetch_want){.hash = en.hash}); /* before it begins */
    assert_string_equal(w.event, "failed");
    assert_int_equal(w.exit, ERR_IO);
    assert_non_null(strstr(w.error, "is gone"));
    assert_false(exists(me.home, "down"));

    assert_int_equal(mkdir(me.down, 0755), 0);
    watch(&w, me.fetch, &(struct fetch_want){.hash = en.hash, .limit_rate = 4 * MIB});
    until(&w, 3 * MIB, false);
    assert_int_equal(system(cmd), 0); /* in the middle */
    until(&w, 0, false);
    unwatch(&w);
    assert_string_equal(w.event, "failed");
    assert_int_equal(w.exit, ERR_IO);
    assert_non_null(strstr(w.error, "is gone"));

    assert_int_equal(mkdir(me.down, 0755), 0); /* back again, empty */
    w = fetched(me.fetch, &(struct fetch_want){.hash = en.hash});
    assert_done(w);
    assert_true(is_file(me.down, "f.bin", 8 * MIB, 1));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, up, down)
    const struct CMUnitTest tests[] = {
        CASE(test_many_files_at_once_while_they_are_small),
        CASE(test_two_files_at_once_when_they_are_large),
        CASE(test_a_folder_that_is_gone),
    };

    http_client_setup();
    log_set_level(getenv("VERBOSE") ? LOG_DEBUG : LOG_ERROR);
    return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
