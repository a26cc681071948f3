/* svc/serve with disks and readers that stand still: what they hold up is themselves.
 *
 * The cold disk is played here: this program's own pread and preadv2 come before the C library's. A
 * file of COLD bytes is never in memory, and reading it waits until the test lets the disk go on.
 */
#include "peer_rig.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define COLD   ((2u << 20) + 333)
#define BIG    (12u << 20) /* more than the buffers of a connection hold */
#define COLD_N 9           /* as many cold readers at once: more than threads of any kind */
#define SLOW_N 3

static struct peer p;
static struct store_entry cold, big, small;

/* ---- the disk ---- */

static uv_mutex_t disk_lock;
static uv_cond_t disk_goes;
static bool disk_stands;
static unsigned waiting; /* reads, at the disk */

ssize_t disk_pread(int fd, void *to, size_t len, off_t at) __asm__("pread64");
ssize_t disk_preadv2(int fd, const struct iovec *to, int count, off_t at,
                     int flags) __asm__("preadv64v2");

static bool is_cold(int fd)
{
    struct stat st;

    return !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size == COLD;
}

ssize_t disk_pread(int fd, void *to, size_t len, off_t at)
{
    if (is_cold(fd)) {
        uv_mutex_lock(&disk_lock);
        waiting++;
        while (disk_stands)
            uv_cond_wait(&disk_goes, &disk_lock);
        waiting--;
        uv_mutex_unlock(&disk_lock);
    }
    return syscall(SYS_pread64, fd, to, len, at);
}

ssize_t disk_preadv2(int fd, const struct iovec *to, int count, off_t at, int flags)
{
    if (is_cold(fd)) {
        errno = EAGAIN;
        return -1;
    }
    return syscall(SYS_preadv2, fd, to, count, at, 0L, flags);
}

static void disk_set(bool stands)
{
    uv_mutex_lock(&disk_lock);
    disk_stands = stands;
    uv_cond_broadcast(&disk_goes);
    uv_mutex_unlock(&disk_lock);
}

static unsigned disk_waiting(void)
{
    unsigned n;

    uv_mutex_lock(&disk_lock);
    n = waiting;
    uv_mutex_unlock(&disk_lock);
    return n;
}

/* ---- requests that go on beside the test ---- */

static struct beside {
    struct http_client *client;
    struct http_ask ask;
    struct reply reply;
    uv_sem_t done;
} reader[COLD_N];

static void beside_done(void *ctx, const struct http_answer *a, const struct buf *body)
{
    struct beside *b = ctx;

    b->reply.a = *a;
    buf_add(&b->reply.body, buf_cstr(body), body->len);
    uv_sem_post(&b->done);
}

static void beside_run(void *arg)
{
    struct beside *b = arg;

    b->client = http_client_new(aside, &p.id.tls);
    http_start(b->client, &b->ask);
}

static void beside_close(void *arg)
{
    http_client_free(((struct beside *)arg)->client);
}

static void beside_start(struct beside *b, const struct hash *h, uint64_t max_rate)
{
    char path[96] = "/v1/files/";

    hash_hex(h, path + strlen(path));
    *b = (struct beside){0};
    uv_sem_init(&b->done, 0);
    b->ask = (struct http_ask){.path = path,
                               .addr = {.family = 4, .ip = {127, 0, 0, 1}, .port = p.port},
                               .max = 64 << 20,
                               .max_rate = max_rate,
                               .stall_ms = WAIT_S * 1000,
                               .done = beside_done,
                               .ctx = b};
    memcpy(b->ask.pin, p.id.key.pub, 32);
    loop_call(aside, beside_run, b);
}

static void beside_end(struct beside *b)
{
    if (!b->client)
        return;
    loop_call(aside, beside_close, b);
    b->client = NULL;
    uv_sem_destroy(&b->done);
    buf_free(&b->reply.body);
}

static bool is_right(const struct reply *r, const struct hash *want)
{
    struct hash got;

    content_hash(&got, buf_cstr(&r->body), r->body.len);
    return r->a.status == 200 && hash_eq(&got, want);
}

static void get_now(const struct hash *h)
{
    char path[96] = "/v1/files/";
    struct reply r;

    hash_hex(h, path + strlen(path));
    r = ask_peer(&p, (struct http_ask){.path = path, .stall_ms = WAIT_S * 1000});
    assert_int_equal(r.a.err.code, 0);
    assert_true(is_right(&r, h));
    buf_free(&r.body);
}

static void batch_now(const struct hash *h, size_t size)
{
    struct reply r = ask_peer(&p, (struct http_ask){.method = "POST",
                                                    .path = "/v1/batch",
                                                    .body = h,
                                                    .body_len = sizeof *h,
                                                    .stall_ms = WAIT_S * 1000});

    assert_int_equal(r.a.status, 200);
    assert_int_equal(r.body.len, 8 + size);
    buf_free(&r.body);
}

/* ---- tests ---- */

static int up(void **state)
{
    rig_up(state);
    uv_mutex_init(&disk_lock);
    uv_cond_init(&disk_goes);
    peer_up(&p, "anna", 0);
    put_file(p.share, "cold.bin", COLD, 1);
    put_file(p.share, "big.bin", BIG, 2);
    put_file(p.share, "small.txt", 1000, 3);
    index_all(&p);
    index_of(&p, "cold.bin", &cold);
    index_of(&p, "big.bin", &big);
    index_of(&p, "small.txt", &small);
    return 0;
}

static int down(void **state)
{
    disk_set(false);
    for (size_t i = 0; i < COLD_N; i++)
        beside_end(&reader[i]);
    peer_down(&p);
    uv_cond_destroy(&disk_goes);
    uv_mutex_destroy(&disk_lock);
    return rig_down(state);
}

/* More requests for a file on a disk that stands still than the server has threads: whatever is not
 * on that disk is answered, small files too, and when the disk goes on all of them are. */
static void test_a_cold_disk_stalls_only_its_own(void **state)
{
    struct reply r;

    (void)state;
    disk_set(true);
    for (size_t i = 0; i < COLD_N; i++)
        beside_start(&reader[i], &cold.hash, 0);
    while (!disk_waiting())
        uv_sleep(5);
    for (unsigned i = 0; i < 8; i++) { /* both of the server's threads get some */
        get_now(&big.hash);
        batch_now(&small.hash, 1000);
        r = ask_peer(&p, (struct http_ask){.path = "/v1/peers"});
        assert_int_equal(r.a.status, 200);
        buf_free(&r.body);
    }
    for (size_t i = 0; i < COLD_N; i++)
        assert_int_not_equal(uv_sem_trywait(&reader[i].done), 0);
    disk_set(false);
    for (size_t i = 0; i < COLD_N; i++) {
        uv_sem_wait(&reader[i].done);
        assert_true(is_right(&reader[i].reply, &cold.hash));
        beside_end(&reader[i]);
    }
}

/* Clients leave and the service ends while the disk stands still: nothing is touched after it. */
static void test_readers_leave_a_cold_disk(void **state)
{

    (void)state;
    disk_set(true);
    for (size_t i = 0; i < COLD_N; i++)
        beside_start(&reader[i], &cold.hash, 0);
    while (!disk_waiting())
        uv_sleep(5);
    for (size_t i = 0; i < COLD_N; i++)
        beside_end(&reader[i]);
    get_now(&small.hash);
    disk_set(false);
    get_now(&cold.hash);
}

/* As many slow readers as there are slots, and more: the next one does not wait for them to end,
 * which would take hours. */
static void test_slow_readers_fill_no_slot(void **state)
{
    struct serve_status s;

    (void)state;
    serve_set_limits(p.serve, 0, 2);
    for (size_t i = 0; i < SLOW_N; i++)
        beside_start(&reader[i], &big.hash, 1024);
    do {
        uv_sleep(5);
        serve_status(p.serve, &s);
    } while (s.connections < SLOW_N);
    get_now(&big.hash);
    batch_now(&small.hash, 1000);
    get_now(&big.hash);
    for (size_t i = 0; i < SLOW_N; i++) {
        assert_int_not_equal(uv_sem_trywait(&reader[i].done), 0);
        beside_end(&reader[i]);
    }
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, up, down)
    const struct CMUnitTest tests[] = {
        CASE(test_a_cold_disk_stalls_only_its_own),
        CASE(test_readers_leave_a_cold_disk),
        CASE(test_slow_readers_fill_no_slot),
    };

    http_client_setup();
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests_name("serve, slow", tests, NULL, NULL);
}
