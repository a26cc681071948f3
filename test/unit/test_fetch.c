#include "fetch_watch.h"

#include <time.h>

static struct peer a, b, me; /* two holders and the one that fetches */

static int up(void **state)
{
    rig_up(state);
    peer_up(&a, "anna", 0);
    peer_up(&b, "ben", 0);
    peer_up(&me, "mia", 0);
    fetch_up(&me);
    return 0;
}

static int down(void **state)
{
    peer_down(&a);
    peer_down(&b);
    peer_down(&me);
    return rig_down(state);
}

static struct watch fetched_hash(const struct hash *h)
{
    return fetched(me.fetch, &(struct fetch_want){.hash = *h});
}

static void shared_by(struct peer *p, const char *path, const char *name)
{
    index_all(p);
    knows_peer(p, path, name);
}

/* ---- files ---- */

static void test_sizes(void **state)
{
    static const size_t sizes[] = {0, 1, 64, MIB - 1, MIB, MIB + 1, 3 * MIB, 5 * MIB + 12345};

    (void)state;
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct store_entry en;
        struct watch w;
        char name[32];

        snprintf(name, sizeof name, "file-%u.bin", i);
        put_file(a.share, name, sizes[i], i);
        put_file(b.share, name, sizes[i], i);
        shared_by(&a, name, name);
        shared_by(&b, name, name);
        index_of(&a, name, &en);
        w = fetched_hash(&en.hash);
        assert_done(w);
        assert_true(is_file(me.down, name, sizes[i], i));
        assert_int_equal(w.bytes, sizes[i]);
        assert_int_equal(w.exit, 0);
        assert_int_equal(count_names(me.down), i + 1); /* and no partial file */
    }
}

static void test_nobody_has_it(void **state)
{
    struct hash h = {{1, 2, 3}};
    struct watch w = fetched_hash(&h);

    (void)state;
    assert_string_equal(w.event, "failed");
    assert_int_equal(w.exit, ERR_NOT_FOUND);
}

static void test_name_of_the_wish(void **state)
{
    struct store_entry en;
    struct fetch_want want = {.name = "deep/er/other.bin"};
    struct err e;
    int64_t id;

    (void)state;
    put_file(a.share, "x.bin", 1000, 1);
    shared_by(&a, "x.bin", "x.bin");
    index_of(&a, "x.bin", &en);
    want.hash = en.hash;
    assert_done(fetched(me.fetch, &want));
    assert_true(is_file(me.down, "deep/er/other.bin", 1000, 1));
    want.name = "into/";
    assert_done(fetched(me.fetch, &want));
    assert_true(is_file(me.down, "into/x.bin", 1000, 1));
    want.name = "deep"; /* a folder that is there */
    assert_done(fetched(me.fetch, &want));
    assert_true(is_file(me.down, "deep/x.bin", 1000, 1));
    want.name = "../x";
    assert_int_equal(fetch_add(me.fetch, &want, &id, &e), -ERR_USAGE);
    want.name = "/etc/x";
    assert_int_equal(fetch_add(me.fetch, &want, &id, &e), -ERR_USAGE);
}

static void test_hostile_names(void **state)
{
    static const char *const names[] = {"../../evil", "/etc/evil", "..", "a/b", ".bashrc", ""};
    struct store_entry en;
    char name[16], hex[65];

    (void)state;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(name, sizeof name, "h%u", i);
        put_file(a.share, name, 100 + i, i);
        index_all(&a);
        index_of(&a, name, &en);
        knows(&en.hash, 'f', en.size, names[i], &en.root, &a.id, a.port, false);
        assert_done(fetched_hash(&en.hash));
        hash_hex(&en.hash, hex);
        assert_true(is_file(me.down, !strcmp(names[i], ".bashrc") ? "_bashrc" : hex, 100 + i, i));
    }
    assert_int_equal(count_names(me.home), 0 + count_names(me.home));
    assert_false(exists(top, "evil"));
}

static void test_what_is_there(void **state)
{
    struct store_entry en;
    struct watch w;

    (void)state;
    put_file(a.share, "doc.txt", 5000, 1);
    shared_by(&a, "doc.txt", "doc.txt");
    index_of(&a, "doc.txt", &en);
    put_file(me.down, "doc.txt", 5000, 1);
    w = fetched_hash(&en.hash);
    assert_string_equal(w.event, "skipped");
    assert_int_equal(w.exit, 0);
    put_file(me.down, "doc.txt", 5000, 2);
    assert_done(fetched_hash(&en.hash));
    assert_true(is_file(me.down, "doc.txt", 5000, 2)); /* never touched */
    assert_true(is_file(me.down, "doc (2).txt", 5000, 1));
    w = fetched_hash(&en.hash);
    assert_string_equal(w.event, "skipped"); /* the renamed one is found */
    w = fetched(me.fetch, &(struct fetch_want){.hash = en.hash, .overwrite = true});
    assert_done(w);
    assert_true(is_file(me.down, "doc.txt", 5000, 1));
}

static void test_our_own_share(void **state)
{
    struct store_entry en;
    struct watch w;

    (void)state;
    put_file(me.share, "mine.bin", 2 * MIB + 5, 3);
    shared_by(&me, "mine.bin", "mine.bin");
    index_of(&me, "mine.bin", &en);
    w = fetched_hash(&en.hash);
    assert_done(w);
    assert_int_equal(w.fetched, 0);
    assert_true(is_file(me.down, "mine.bin", 2 * MIB + 5, 3));
}

static void test_too_large_for_the_disk(void **state)
{
    struct hash h = {{5}}, root = {{6}};
    struct watch w;

    (void)state;
    knows(&h, 'f', 1ull << 45, "huge", &root, &a.id, a.port, false);
    w = fetched_hash(&h);
    assert_string_equal(w.event, "failed");
    assert_int_equal(w.exit, ERR_IO);
    assert_non_null(strstr(w.error, "needed; nothing was started"));
    assert_int_equal(count_names(me.down), 0);
}

static void test_pause_resume_cancel(void **state)
{
    struct store_entry en;
    struct watch w;
    struct err e;

    (void)state;
    put_file(a.share, "big.bin", 24 * MIB, 7);
    shared_by(&a, "big.bin", "big.bin");
    index_of(&a, "big.bin", &en);
    watch(&w, me.fetch, &(struct fetch_want){.hash = en.hash, .limit_rate = 8 * MIB});
    until(&w, 3 * MIB, false);
    assert_false(seen(&w).ended);
    assert_int_equal(fetch_pause(me.fetch, w.id, &e), 0);
    assert_string_equal(seen(&w).event, "paused");
    assert_int_equal(fetch_resume(me.fetch, w.id, &e), 0);
    until(&w, 6 * MIB, false);
    assert_false(seen(&w).ended);
    assert_true(exists(me.down, ".big.bin.iwant-part"));
    assert_int_equal(me.parts, 1);
    assert_int_equal(fetch_cancel(me.fetch, w.id, &e), 0);
    assert_string_equal(seen(&w).event, "failed");
    assert_int_equal(seen(&w).exit, ERR_INTERRUPTED);
    assert_int_equal(fetch_pause(me.fetch, w.id, &e), -ERR_NOT_FOUND);
    unwatch(&w);
    for (unsigned i = 0; i < 500 && count_names(me.down); i++)
        uv_sleep(10);
    assert_int_equal(count_names(me.down), 0);
    assert_int_equal(me.parts, 0);
}

/* ---- resume ---- */

static void flip_byte(const char *dir, const char *name, long at)
{
    char path[512];
    FILE *f;
    int c;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, at, SEEK_SET);
    c = fgetc(f);
    fseek(f, at, SEEK_SET);
    fputc(c ^ 1, f);
    fclose(f);
}

static void test_goes_on_after_a_restart(void **state)
{
    struct store_entry en;
    struct watch w;

    (void)state;
    put_file(a.share, "big.bin", 24 * MIB + 99, 7);
    shared_by(&a, "big.bin", "big.bin");
    index_of(&a, "big.bin", &en);
    watch(&w, me.fetch,
          &(struct fetch_want){.hash = en.hash, .limit_rate = 16 * MIB, .sequential = true});
    until(&w, 12 * MIB, false);
    assert_false(seen(&w).ended);
    unwatch(&w);
    fetch_down(&me);
    flip_byte(me.down, ".big.bin.iwant-part", 3 * MIB + 17); /* the disk lost something */
    fetch_up(&me);
    assert_int_equal(fetch_find(me.fetch, &en.hash), w.id);
    w = fetched_hash(&en.hash); /* joins */
    assert_done(w);
    assert_true(is_file(me.down, "big.bin", 24 * MIB + 99, 7));
    assert_true(w.fetched <= 16 * MIB); /* not from the start */
    assert_true(w.fetched >= MIB);      /* at least the damaged piece */
}

static void test_a_lost_partial_file(void **state)
{
    struct store_entry en;
    struct watch w;
    char path[160];

    (void)state;
    put_file(a.share, "big.bin", 8 * MIB, 7);
    shared_by(&a, "big.bin", "big.bin");
    index_of(&a, "big.bin", &en);
    watch(&w, me.fetch, &(struct fetch_want){.hash = en.hash, .limit_rate = 8 * MIB});
    until(&w, 3 * MIB, false);
    unwatch(&w);
    fetch_down(&me);
    snprintf(path, sizeof path, "%s/.big.bin.iwant-part", me.down);
    assert_int_equal(unlink(path), 0);
    fetch_up(&me);
    w = fetched_hash(&en.hash);
    assert_done(w);
    assert_true(is_file(me.down, "big.bin", 8 * MIB, 7));
}

static void test_holder_comes_back(void **state)
{
    struct store_entry en;
    struct watch w;

    (void)state;
    put_file(a.share, "f.bin", 6 * MIB, 7);
    put_file(b.share, "f.bin", 6 * MIB, 7);
    shared_by(&a, "f.bin", "f.bin");
    index_all(&b);
    index_of(&a, "f.bin", &en);
    watch(&w, me.fetch, &(struct fetch_want){.hash = en.hash, .limit_rate = 4 * MIB});
    until(&w, 2 * MIB, false);
    serve_free(a.serve); /* dies */
    a.serve = NULL;
    knows_nothing(&en.hash);
    until(&w, 0, true);
    assert_int_equal(seen(&w).exit, ERR_UNFINISHED);
    knows_peer(&b, "f.bin", "f.bin");
    until(&w, 0, false);
    unwatch(&w);
    assert_done(w);
    assert_true(is_file(me.down, "f.bin", 6 * MIB, 7));
}

/* ---- parts: fetching from one who fetches ---- */

static void test_chain(void **state)
{
    struct store_entry en;
    struct watch w1, w2;
    struct serve_status before, after;

    (void)state;
    fetch_up(&b);
    put_file(a.share, "film.mkv", 12 * MIB + 3, 7);
    shared_by(&a, "film.mkv", "film.mkv");
    index_of(&a, "film.mkv", &en);
    watch(&w1, b.fetch, &(struct fetch_want){.hash = en.hash, .limit_rate = 4 * MIB});
    until(&w1, 1, false);
    serve_status(a.serve, &before);
    knows_nothing(&en.hash);
    knows(&en.hash, 'f', en.size, "film.mkv", &en.root, &b.id, b.port, true);
    watch(&w2, me.fetch, &(struct fetch_want){.hash = en.hash});
    until(&w2, 2 * MIB, false);
    assert_false(seen(&w1).ended); /* it gives on what it has not whole itself */
    uv_mutex_lock(&answers_lock);
    json_object_clear(answers);
    uv_mutex_unlock(&answers_lock);
    knows_peer(&a, "film.mkv", "film.mkv");
    until(&w1, 0, false);
    until(&w2, 0, false);
    unwatch(&w1);
    unwatch(&w2);
    serve_status(a.serve, &after);
    assert_done(w1);
    assert_done(w2);
    assert_true(is_file(b.down, "film.mkv", 12 * MIB + 3, 7));
    assert_true(is_file(me.down, "film.mkv", 12 * MIB + 3, 7));
    assert_true(after.sent_bytes < 2 * (uint64_t)en.size);
}

/* ---- folders ---- */

static void make_album(struct peer *p)
{
    char dir[192];

    snprintf(dir, sizeof dir, "%s/album", p->share);
    mkdir(dir, 0755);
    put_file(dir, "empty", 0, 0);
    put_file(dir, "large.raw", 3 * MIB + 17, 50);
    put_file(dir, "large copy.raw", 3 * MIB + 17, 50);
    put_file(dir, "run.sh", 400, 51);
    put_file(dir, "odd\nname\\", 10, 52);
    snprintf(dir, sizeof dir, "%s/album/run.sh", p->share);
    chmod(dir, 0755);
    snprintf(dir, sizeof dir, "%s/album/nothing", p->share);
    mkdir(dir, 0755);
    snprintf(dir, sizeof dir, "%s/album/many", p->share);
    mkdir(dir, 0755);
    for (unsigned i = 0; i < 290; i++) {
        char name[32];
        struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000000000 + i}};
        char path[256];

        snprintf(name, sizeof name, "%03u.txt", i);
        put_file(dir, name, 40 * i, i);
        snprintf(path, sizeof path, "%s/%s", dir, name);
        utimensat(AT_FDCWD, path, times, 0);
    }
}

static void check_album(const char *down)
{
    char dir[192], path[256];
    struct stat st;

    snprintf(dir, sizeof dir, "%s", down);
    assert_true(is_file(dir, "empty", 0, 0));
    assert_true(is_file(dir, "large.raw", 3 * MIB + 17, 50));
    assert_true(is_file(dir, "large copy.raw", 3 * MIB + 17, 50));
    assert_true(is_file(dir, "run.sh", 400, 51));
    assert_true(is_file(dir, "odd\nname\\", 10, 52));
    assert_true(exists(dir, "nothing"));
    assert_int_equal(count_names(dir), 7);
    snprintf(path, sizeof path, "%s/run.sh", down);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_mode & S_IXUSR);
    snprintf(dir, sizeof dir, "%s/many", down);
    for (unsigned i = 0; i < 290; i++) {
        char name[32];

        snprintf(name, sizeof name, "%03u.txt", i);
        assert_true(is_file(dir, name, 40 * i, i));
        snprintf(path, sizeof path, "%s/%s", dir, name);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mtime, 1000000000 + i);
        assert_false(st.st_mode & S_IXUSR);
    }
    assert_int_equal(count_names(dir), 290);
}

static void test_folder(void **state)
{
    struct store_entry en;
    struct watch w;
    char dir[192];

    (void)state;
    make_album(&a);
    make_album(&b);
    shared_by(&a, "album", "album");
    shared_by(&b, "album", "album");
    index_of(&a, "album", &en);
    w = fetched_hash(&en.hash);
    assert_done(w);
    assert_int_equal(w.files, 295);
    assert_int_equal(w.files_done, 295);
    assert_int_equal(w.bytes, en.size);
    snprintf(dir, sizeof dir, "%s/album", me.down);
    check_album(dir);
    w = fetched_hash(&en.hash);
    assert_string_equal(w.event, "skipped");
    put_file(dir, "empty", 3, 3); /* the user's now */
    w = fetched_hash(&en.hash);
    assert_done(w);
    assert_true(is_file(dir, "empty", 3, 3));
    snprintf(dir, sizeof dir, "%s/album (2)", me.down);
    check_album(dir);
}

static void test_folder_goes_on(void **state)
{
    struct store_entry en;
    struct watch w;
    char dir[192];

    (void)state;
    make_album(&a);
    shared_by(&a, "album", "album");
    index_of(&a, "album", &en);
    watch(&w, me.fetch, &(struct fetch_want){.hash = en.hash, .limit_rate = 2 * MIB});
    until(&w, MIB, false);
    unwatch(&w);
    assert_false(w.ended);
    fetch_down(&me);
    fetch_up(&me);
    w = fetched_hash(&en.hash);
    assert_done(w);
    assert_true(w.fetched < en.size);
    assert_int_equal(count_names(me.down), 1);
    snprintf(dir, sizeof dir, "%s/album", me.down);
    check_album(dir);
}

static void test_cancelled_folder_leaves_what_is_whole(void **state)
{
    struct store_entry en;
    struct watch w;
    struct err e;
    char dir[192];

    (void)state;
    make_album(&a);
    shared_by(&a, "album", "album");
    index_of(&a, "album", &en);
    watch(&w, me.fetch, &(struct fetch_want){.hash = en.hash, .limit_rate = 2 * MIB});
    until(&w, MIB, false);
    assert_int_equal(fetch_pause(me.fetch, w.id, &e), 0);
    assert_int_equal(fetch_cancel(me.fetch, w.id, &e), 0);
    unwatch(&w);
    uv_sleep(300);
    snprintf(dir, sizeof dir, "%s/album", me.down);
    assert_false(exists(dir, ".large.raw.iwant-part"));
    assert_false(exists(dir, ".large copy.raw.iwant-part"));
}

static void test_our_own_folder(void **state)
{
    struct store_entry en;
    struct watch w;
    char dir[192];

    (void)state;
    make_album(&me);
    shared_by(&me, "album", "album");
    index_of(&me, "album", &en);
    w = fetched_hash(&en.hash);
    assert_done(w);
    assert_int_equal(w.fetched, 0);
    snprintf(dir, sizeof dir, "%s/album", me.down);
    check_album(dir);
}

static void test_many_at_once(void **state)
{
    struct watch w[6];
    struct store_entry en;
    char name[16];

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        snprintf(name, sizeof name, "m%u", i);
        put_file(a.share, name, MIB + i, i);
        shared_by(&a, name, name);
    }
    for (unsigned i = 0; i < 6; i++) {
        snprintf(name, sizeof name, "m%u", i);
        index_of(&a, name, &en);
        watch(&w[i], me.fetch, &(struct fetch_want){.hash = en.hash});
    }
    for (unsigned i = 0; i < 6; i++) {
        until(&w[i], 0, false);
        unwatch(&w[i]);
        assert_done(w[i]);
        snprintf(name, sizeof name, "m%u", i);
        assert_true(is_file(me.down, name, MIB + i, i));
    }
}

/* Its place in the list, 0: it is not in this state (NULL: any). */
static unsigned state_of(int64_t id, const char *event)
{
    json_t *list = fetch_list(me.fetch), *o;
    unsigned place = 0;
    size_t i;

    json_array_foreach (list, i, o) {
        if (json_integer_value(json_object_get(o, "id")) == id &&
            (!event || !strcmp(json_string_value(json_object_get(o, "event")), event)))
            place = (unsigned)i + 1;
    }
    json_decref(list);
    return place;
}

/* One at a time, in order; who is moved to the front runs, who ran goes back into the queue. The
 * first piece comes after two seconds, the last one long after all that is looked at. */
static void test_order(void **state)
{
    struct store_entry en[3];
    struct watch w[3];
    char name[16];
    struct err e;

    (void)state;
    fetch_set_limits(me.fetch, 512 << 10, 1);
    for (unsigned i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "m%u", i);
        put_file(a.share, name, 24 * MIB + i, i);
        shared_by(&a, name, name);
        index_of(&a, name, &en[i]);
    }
    for (unsigned i = 0; i < 3; i++) {
        watch(&w[i], me.fetch, &(struct fetch_want){.hash = en[i].hash});
    }
    until(&w[0], 1, false);
    assert_int_equal(state_of(w[1].id, "queued"), 2);
    assert_int_equal(state_of(w[2].id, "queued"), 3);
    assert_int_equal(fetch_first(me.fetch, w[2].id, &e), 0);
    until(&w[2], 1, false);
    assert_int_equal(state_of(w[0].id, "queued"), 2);
    assert_int_equal(fetch_last(me.fetch, w[0].id, &e), 0);
    assert_int_equal(state_of(w[0].id, "queued"), 3);
    fetch_down(&me);
    fetch_up(&me); /* the order outlives the service; now without a limit, so any may be done */
    assert_int_equal(state_of(w[0].id, NULL), 3);
    assert_true(fetch_first(me.fetch, 99, &e) == -ERR_NOT_FOUND);
    for (unsigned i = 0; i < 3; i++) {
        struct watch again = fetched_hash(&en[i].hash);

        assert_true(!strcmp(again.event, "done") || !strcmp(again.event, "skipped"));
        uv_cond_destroy(&w[i].news);
        uv_mutex_destroy(&w[i].lock);
    }
}

static void test_who_waits_holds_up_nobody(void **state)
{
    struct store_entry en;
    struct watch w[4];
    struct err e;

    (void)state;
    put_file(a.share, "here", MIB, 1);
    shared_by(&a, "here", "here");
    index_of(&a, "here", &en);
    for (unsigned i = 0; i < 4; i++) {
        struct hash h = {{(uint8_t)(i + 1)}}, root = {{9}};

        if (i < 3) /* announced by a peer that is not there */
            knows(&h, 'f', MIB, "away", &root, &b.id, 1, false);
        watch(&w[i], me.fetch, &(struct fetch_want){.hash = i < 3 ? h : en.hash});
    }
    until(&w[3], 0, false);
    assert_done(w[3]);
    for (unsigned i = 0; i < 4; i++) {
        unwatch(&w[i]);
        assert_int_equal(fetch_cancel(me.fetch, w[i].id, &e), 0);
    }
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, up, down)
    const struct CMUnitTest tests[] = {
        CASE(test_sizes),
        CASE(test_nobody_has_it),
        CASE(test_name_of_the_wish),
        CASE(test_hostile_names),
        CASE(test_what_is_there),
        CASE(test_our_own_share),
        CASE(test_too_large_for_the_disk),
        CASE(test_pause_resume_cancel),
        CASE(test_goes_on_after_a_restart),
        CASE(test_a_lost_partial_file),
        CASE(test_holder_comes_back),
        CASE(test_chain),
        CASE(test_folder),
        CASE(test_folder_goes_on),
        CASE(test_cancelled_folder_leaves_what_is_whole),
        CASE(test_our_own_folder),
        CASE(test_many_at_once),
        CASE(test_order),
        CASE(test_who_waits_holds_up_nobody),
    };

    http_client_setup();
    log_set_level(getenv("VERBOSE") ? LOG_DEBUG : LOG_ERROR);
    if (getenv("VERBOSE"))
        log_to_stderr(LOG_DEBUG);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
