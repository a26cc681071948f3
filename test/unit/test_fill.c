/* svc/fetch_fill: what bytes that come make of a piece. The lanes are played by the test. */
#include "base/mem.h"
#include "svc/fetch_lane_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PIECE  ((size_t)PIECE_MIN)
#define SIZE   (2 * PIECE + PIECE / 2)
#define PIECES 3u

static char *bytes;
static struct hash hash;
static struct buf list;
static int fd;
static struct fill *fill;

void stretch_tell(struct stretch *s, bool at_once)
{
    (void)s;
    (void)at_once;
}

static int up(void **state)
{
    char path[] = "/tmp/test_fill.XXXXXX";
    struct content_hasher h;
    struct bits have = {0};
    struct hash root;

    (void)state;
    bytes = mem_alloc(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 31 + i / 999);
    content_hasher_init(&h, SIZE);
    content_hasher_add(&h, bytes, SIZE);
    content_hasher_done(&h, &hash, &root);
    buf_add(&list, h.checkpoints.data, h.checkpoints.len);
    content_hasher_free(&h);
    fd = mkstemp(path);
    unlink(path);
    bits_init(&have, PIECES);
    fill = fill_new(&(struct fill_spec){.fd = fd,
                                        .size = SIZE,
                                        .hash = hash,
                                        .checkpoints = (const uint8_t *)list.data,
                                        .have = &have});
    bits_done(&have);
    return 0;
}

static int down(void **state)
{
    (void)state;
    fill_stop(fill);
    close(fd);
    buf_free(&list);
    mem_free(bytes);
    return 0;
}

/* A request for pieces first .. end. */
static void begin(struct stretch *s, uint32_t first, uint32_t end)
{
    *s = (struct stretch){.fill = fill, .piece = first, .end = end};
    s->news.first = first;
    fill_add(fill, s);
    assert_true(fill_begin_piece(s));
}

static void over(struct stretch *s)
{
    uv_mutex_lock(&fill->lock);
    s->dead = true;
    fill_remove(fill, s);
    fill->refs--;
    uv_mutex_unlock(&fill->lock);
}

static bool is_written(size_t at, size_t len)
{
    char *got = mem_alloc(len);
    bool same = pread(fd, got, len, (off_t)at) == (ssize_t)len && !memcmp(got, bytes + at, len);

    mem_free(got);
    return same;
}

static char *garbage(size_t len)
{
    char *p = mem_alloc(len);

    memset(p, 0x5a, len);
    return p;
}

static void pieces_count_when_they_fit(void **state)
{
    struct stretch s;

    (void)state;
    begin(&s, 0, PIECES);
    for (size_t at = 0, n = 1; at < SIZE; at += n) { /* in bites of any size */
        n = (at * 7 + 4099) % 70000 + 1;
        n = n < SIZE - at ? n : SIZE - at;
        assert_int_equal(fill->have.count, at / PIECE);
        assert_true(fill_take(&s, bytes + at, n));
    }
    assert_int_equal(s.news.bytes, SIZE);
    assert_int_equal(s.news.count, PIECES);
    for (unsigned i = 0; i < PIECES; i++)
        assert_int_equal(s.news.verdict[i], PIECE_GOOD);
    assert_true(bits_full(&fill->have));
    assert_true(is_written(0, SIZE));
    over(&s);
}

static void a_wrong_byte_spoils_its_piece_only(void **state)
{
    struct stretch s;
    char *wrong = mem_copy(bytes, SIZE);

    (void)state;
    wrong[PIECE + 77] ^= 1;
    begin(&s, 0, PIECES);
    assert_true(fill_take(&s, wrong, SIZE));
    assert_int_equal(s.news.verdict[0], PIECE_GOOD);
    assert_int_equal(s.news.verdict[1], PIECE_BAD);
    assert_int_equal(s.news.verdict[2], PIECE_GOOD);
    assert_false(bits_get(&fill->have, 1));
    over(&s);
    begin(&s, 1, 2); /* again, from elsewhere */
    assert_true(fill_take(&s, bytes + PIECE, PIECE));
    assert_int_equal(s.news.verdict[0], PIECE_GOOD);
    assert_true(bits_full(&fill->have));
    assert_true(is_written(0, SIZE));
    over(&s);
    mem_free(wrong);
}

/* What counts is never written again, whoever sends what. */
static void what_counts_stays(void **state)
{
    struct stretch s, late;
    char *wrong = garbage(PIECE);

    (void)state;
    begin(&s, 0, 1);
    begin(&late, 0, 1);
    assert_true(fill_take(&s, bytes, PIECE));
    assert_int_equal(s.news.verdict[0], PIECE_GOOD);
    assert_true(fill_take(&late, wrong, PIECE));
    assert_int_equal(late.news.verdict[0], PIECE_BAD);
    assert_true(is_written(0, PIECE));
    over(&s);
    over(&late);
    fill_forget(fill, 0); /* the disk lost it: now it is written again */
    begin(&s, 0, 1);
    assert_true(fill_take(&s, bytes, PIECE));
    assert_true(bits_get(&fill->have, 0));
    over(&s);
    mem_free(wrong);
}

/* Two write the same piece, one of them wrongly: good as it came is not good as it stands. */
static void who_shares_a_piece_reads_it_back(void **state)
{
    struct stretch s, liar;
    char *wrong = garbage(PIECE / 2);

    (void)state;
    begin(&s, 0, 1);
    begin(&liar, 0, 1);
    assert_true(fill_take(&s, bytes, PIECE / 2));
    assert_true(fill_take(&liar, wrong, PIECE / 2));
    assert_true(fill_take(&s, bytes + PIECE / 2, PIECE / 2));
    assert_int_equal(s.news.verdict[0], PIECE_SPOILT);
    assert_false(bits_get(&fill->have, 0));
    over(&s);
    over(&liar);

    begin(&s, 1, 2); /* both rightly: no harm is done */
    begin(&liar, 1, 2);
    assert_true(fill_take(&s, bytes + PIECE, PIECE / 2));
    assert_true(fill_take(&liar, bytes + PIECE, PIECE / 2));
    assert_true(fill_take(&s, bytes + PIECE + PIECE / 2, PIECE / 2));
    assert_int_equal(s.news.verdict[0], PIECE_GOOD);
    assert_true(is_written(PIECE, PIECE));
    over(&s);
    over(&liar);
    mem_free(wrong);
}

static void a_cancelled_one_writes_nothing(void **state)
{
    struct stretch s;

    (void)state;
    begin(&s, 0, 1);
    uv_mutex_lock(&fill->lock);
    s.dead = true;
    uv_mutex_unlock(&fill->lock);
    assert_false(fill_take(&s, bytes, PIECE));
    assert_int_equal(lseek(fd, 0, SEEK_END), 0);
    assert_false(fill_begin_piece(&s));
    over(&s);
}

static void a_disk_that_fails_ends_it(void **state)
{
    struct stretch s;
    int only = open("/dev/null", O_RDONLY | O_CLOEXEC), was = fill->fd;

    (void)state;
    fill->fd = only;
    begin(&s, 0, 1);
    assert_false(fill_take(&s, bytes, PIECE));
    assert_int_equal(s.news.write_errno, EBADF);
    assert_int_equal(fill->have.count, 0);
    over(&s);
    fill->fd = was;
    close(only);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, up, down)
    const struct CMUnitTest tests[] = {
        CASE(pieces_count_when_they_fit),
        CASE(a_wrong_byte_spoils_its_piece_only),
        CASE(what_counts_stays),
        CASE(who_shares_a_piece_reads_it_back),
        CASE(a_cancelled_one_writes_nothing),
        CASE(a_disk_that_fails_ends_it),
    };

    return cmocka_run_group_tests_name("fill", tests, NULL, NULL);
}
