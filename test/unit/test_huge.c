/* A file so large that nobody can hash it here: its list of checkpoints is made up in the middle,
 * and true for its first pieces and its last one. What is looked at is offsets, not speed: the last
 * piece comes from its place and lies in its place. IWANT_HUGE_DIR: download into this folder,
 * which has room for IWANT_HUGE_GIB (else 10 GiB, and skipped where there is no room for twice
 * that). */
#include "fetch_watch.h"

#include <nettle/sha2.h>

#define TRUE_PIECES 6
#define GIB         (1ull << 30)

static struct peer a, me;

static uint64_t size_of_it(void)
{
    const char *gib = getenv("IWANT_HUGE_GIB");

    return (gib ? strtoull(gib, NULL, 10) : 10) * GIB + 12345;
}

static int up(void **state)
{
    const char *dir = getenv("IWANT_HUGE_DIR");

    rig_up(state);
    peer_up(&a, "anna", 0);
    peer_up(&me, "mia", 0);
    if (dir && (rmdir(me.down) || symlink(dir, me.down)))
        return -1;
    fetch_up(&me);
    return 0;
}

static int down(void **state)
{
    peer_down(&a);
    peer_down(&me);
    return rig_down(state);
}

static void put_state(char *to, const struct sha256_ctx *c)
{
    for (unsigned i = 0; i < 8; i++) {
        for (unsigned k = 0; k < 4; k++)
            to[4 * i + k] = (char)(c->state[i] >> (24 - 8 * k));
    }
}

/* The file is sparse but for a mark at each end. */
static struct store_entry put_huge(uint64_t size)
{
    uint64_t piece = content_piece_size(size), last = (size - 1) / piece;
    size_t len = content_checkpoints_len(size);
    char *list = mem_alloc(len), *block = mem_zero(1, piece), path[192];
    struct store_entry en = {.kind = 'f', .size = size};
    struct sha256_ctx c;
    struct root_stat st;
    struct err e;
    int fd;

    snprintf(path, sizeof path, "%s/huge.img", a.share);
    fd = open(path, O_RDWR | O_CREAT, 0644);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    assert_int_equal(pwrite(fd, "begin", 5, 0), 5);
    assert_int_equal(pwrite(fd, "end", 3, (off_t)size - 3), 3);
    make_bytes(list, len, 1);
    sha256_init(&c);
    for (uint64_t i = 0; i < TRUE_PIECES; i++) {
        assert_int_equal(pread(fd, block, piece, (off_t)(i * piece)), piece);
        sha256_update(&c, piece, (const uint8_t *)block);
        put_state(list + 32 * i, &c);
    }
    for (unsigned i = 0; i < 8; i++) /* the state before the last piece: whatever the list says */
        c.state[i] = 0x01010101u * i;
    put_state(list + 32 * (last - 1), &c);
    c.count = last * piece / 64;
    c.index = 0;
    assert_int_equal(pread(fd, block, piece, (off_t)(last * piece)), size - last * piece);
    sha256_update(&c, size - last * piece, (const uint8_t *)block);
    sha256_digest(&c, 32, en.hash.b);
    content_root(&en.root, list, len);
    close(fd);
    assert_int_equal(root_stat_at(a.root, "huge.img", &st, &e), 0);
    en.mtime_ns = st.mtime_ns;
    en.ctime_ns = st.ctime_ns;
    en.ino = st.ino;
    assert_int_equal(store_put(a.store, "huge.img", &en, list, len, &e), 0);
    assert_int_equal(store_commit(a.store, &e), 0);
    mem_free(block);
    mem_free(list);
    return en;
}

static void test_begins_and_ends(void **state)
{
    uint64_t size = size_of_it(), piece = content_piece_size(size);
    struct store_entry en;
    struct watch w;
    char path[192], got[6] = {0};
    struct err e;
    int fd;

    (void)state;
    index_all(&a);
    en = put_huge(size);
    knows(&en.hash, 'f', size, "huge.img", &en.root, &a.id, a.port, false);
    watch(&w, me.fetch,
          &(struct fetch_want){.hash = en.hash, .sequential = true, .limit_rate = 8 * piece});
    until(&w, 3 * piece, false);
    if (seen(&w).ended)
        fail_msg("%s: %s", w.event, w.error);
    assert_int_equal(fetch_pause(me.fetch, w.id, &e), 0);
    assert_int_equal(seen(&w).size, size);
    assert_int_equal(seen(&w).bad, 0);
    assert_true(seen(&w).fetched < 12 * piece);
    snprintf(path, sizeof path, "%s/.huge.img.iwant-part", me.down);
    fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(lseek(fd, 0, SEEK_END), size);
    assert_int_equal(pread(fd, got, 5, 0), 5);
    assert_string_equal(got, "begin");
    memset(got, 0, sizeof got);
    assert_int_equal(pread(fd, got, 5, (off_t)size - 3), 3);
    assert_string_equal(got, "end");
    close(fd);
    assert_int_equal(fetch_cancel(me.fetch, w.id, &e), 0);
    unwatch(&w);
    for (unsigned i = 0; i < 500 && count_names(me.down); i++)
        uv_sleep(10);
    assert_false(exists(me.down, ".huge.img.iwant-part"));
}

/* Sizes beyond any disk are said and nothing is begun; beyond what can be they are not believed. */
static void test_too_large(void **state)
{
    struct hash h = {{5}}, root = {{6}};
    struct watch w;

    (void)state;
    knows(&h, 'f', FILE_SIZE_MAX, "huge", &root, &a.id, a.port, false);
    w = fetched(me.fetch, &(struct fetch_want){.hash = h});
    assert_int_equal(w.exit, ERR_IO);
    assert_non_null(strstr(w.error, "nothing was started"));
    assert_int_equal(count_names(me.down), 0);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, up, down)
    const struct CMUnitTest tests[] = {
        CASE(test_too_large),
        CASE(test_begins_and_ends),
    };
    const struct CMUnitTest small[] = {CASE(test_too_large)};
    struct err e;
    struct root *tmp = root_open("/tmp", &e);
    bool room = getenv("IWANT_HUGE_DIR") || (tmp && root_free_bytes(tmp) / 2 > size_of_it());

    root_close(tmp);
    http_client_setup();
    log_set_level(getenv("VERBOSE") ? LOG_DEBUG : LOG_ERROR);
    return room ? cmocka_run_group_tests_name("huge", tests, NULL, NULL)
                : cmocka_run_group_tests_name("huge", small, NULL, NULL);
}
