/* svc/play: what a player is given while pieces come. The download behind it is a fake, piece by
 * piece. */
#include "base/limits.h"
#include "base/mem.h"
#include "io/loop.h"
#include "svc/fetch.h"
#include "svc/play.h"
#include "svc/share.h"
#include "svc/shared_file.h"
#include "svc/store.h"
#include "web_rig.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <uv.h>

#include <cmocka.h>

#define SIZE (3u << 20)

/* ---- the download ---- */

static struct fake {
    uv_mutex_t lock;
    char path[64];
    char *data;
    uint64_t from, end; /* verified bytes */
    uint64_t point;
    bool here, shared;
    void (*listen)(void *ctx, json_t *event);
    void *listen_ctx;
    void (*wake)(void *ctx);
    void *wake_ctx;
} fake;

int fetch_add(struct fetch *f, const struct fetch_want *want, int64_t *id, struct err *e)
{
    (void)f;
    (void)e;
    assert_true(want->sequential && want->now);
    *id = 7;
    return 0;
}

int64_t fetch_listen(struct fetch *f, int64_t id, void (*fn)(void *ctx, json_t *event), void *ctx)
{
    (void)f;
    assert_int_equal(id, 7);
    fake.listen = fn;
    fake.listen_ctx = ctx;
    return 1;
}

void fetch_unlisten(struct fetch *f, int64_t listener)
{
    (void)f;
    (void)listener;
    fake.listen = NULL;
}

int fetch_look(struct fetch *f, const struct hash *hash, uint64_t at, int *fd, uint64_t *size,
               uint64_t *end)
{
    (void)f;
    (void)hash;
    uv_mutex_lock(&fake.lock);
    *size = SIZE;
    *end = fake.here && at >= fake.from && at < fake.end ? fake.end : at;
    if (*end > at && fd)
        *fd = open(fake.path, O_RDONLY | O_CLOEXEC);
    uv_mutex_unlock(&fake.lock);
    return fake.here;
}

void fetch_point(struct fetch *f, const struct hash *hash, uint64_t at)
{
    (void)f;
    (void)hash;
    uv_mutex_lock(&fake.lock);
    fake.point = at;
    uv_mutex_unlock(&fake.lock);
}

bool fetch_part_wait(struct fetch *f, const struct hash *hash, void (*wake)(void *ctx), void *ctx)
{
    (void)f;
    (void)hash;
    uv_mutex_lock(&fake.lock);
    fake.wake = wake;
    fake.wake_ctx = ctx;
    uv_mutex_unlock(&fake.lock);
    return true;
}

void fetch_part_unwait(struct fetch *f, void (*wake)(void *ctx), void *ctx)
{
    (void)f;
    uv_mutex_lock(&fake.lock);
    if (fake.wake == wake && fake.wake_ctx == ctx)
        fake.wake = NULL;
    uv_mutex_unlock(&fake.lock);
}

struct store_reader *store_reader_open(const char *path, struct err *e)
{
    (void)path;
    (void)e;
    return mem_alloc(1);
}

void store_reader_close(struct store_reader *r)
{
    mem_free(r);
}

int shared_open(struct share *share, struct store_reader *r, const struct hash *h, int *fd,
                struct root_stat *st, char **path)
{
    (void)share;
    (void)r;
    (void)h;
    if (!fake.shared)
        return 0;
    *fd = open(fake.path, O_RDONLY | O_CLOEXEC);
    root_stat_fd(*fd, st);
    *path = mem_str("films/shared.mkv");
    return 1;
}

void share_suspect(struct share *s, const char *path)
{
    (void)s;
    (void)path;
}

/* Bytes from .. end are verified now. */
static void arrived(uint64_t from, uint64_t end)
{
    uv_mutex_lock(&fake.lock);
    fake.here = true;
    fake.from = from;
    fake.end = end;
    if (fake.wake)
        fake.wake(fake.wake_ctx);
    fake.wake = NULL;
    uv_mutex_unlock(&fake.lock);
}

/* The download was told to go on from there. */
static bool is_at(uint64_t point)
{
    bool yes;

    uv_mutex_lock(&fake.lock);
    yes = fake.point == point;
    uv_mutex_unlock(&fake.lock);
    return yes;
}

static bool is_awaited(void)
{
    bool yes;

    uv_mutex_lock(&fake.lock);
    yes = fake.wake != NULL;
    uv_mutex_unlock(&fake.lock);
    return yes;
}

static void event(const char *what, const char *path)
{
    json_t *e = json_pack("{ss ss ss sI ss*}", "event", what, "kind", "f", "name", "a film.mkv",
                          "size", (json_int_t)SIZE, "path", path);

    fake.listen(fake.listen_ctx, e);
    json_decref(e);
}

/* ---- one playing ---- */

static struct {
    char url[200];
    unsigned plays, events;
    uint16_t port;
    const char *path; /* in the URL */
} told;

static void tell(void *ctx, json_t *e)
{
    unsigned port = 0;

    (void)ctx;
    told.events++;
    if (strcmp(json_string_value(json_object_get(e, "event")), "play") != 0)
        return;
    told.plays++;
    snprintf(told.url, sizeof told.url, "%s", json_string_value(json_object_get(e, "url")));
    assert_int_equal(sscanf(told.url, "http://127.0.0.1:%u/", &port), 1);
    told.port = (uint16_t)port;
    told.path = strchr(told.url + 7, '/');
}

/* What a case plays: begin() to end(), or the end of the case. */
static struct play *play;
static struct playing *playing;
static struct buf answer;

static int setup(void **state)
{
    const struct play_conf conf = {.db_path = ""};
    FILE *f;

    (void)state;
    memset(&told, 0, sizeof told);
    memset(&fake, 0, sizeof fake);
    uv_mutex_init(&fake.lock);
    snprintf(fake.path, sizeof fake.path, "/tmp/test_play.%d", (int)getpid());
    fake.data = mem_alloc(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        fake.data[i] = (char)(i * 7 + i / 251);
    play = play_new(&conf);
    f = fopen(fake.path, "w");
    return !f || fwrite(fake.data, 1, SIZE, f) != SIZE || fclose(f);
}

static void begin(void)
{
    static const struct hash h = {{5}};
    struct err e;

    playing = play_begin(play, &h, NULL, tell, NULL, &e);
    if (!playing)
        fail_msg("%s", e.text);
}

static void end(void)
{
    if (playing)
        play_end(playing);
    playing = NULL;
}

static int teardown(void **state)
{
    (void)state;
    end();
    play_free(play);
    buf_free(&answer);
    mem_free(fake.data);
    uv_mutex_destroy(&fake.lock);
    return unlink(fake.path);
}

static int ask(const char *range)
{
    return web_ask(told.port, "GET", told.path, range);
}

static void assert_bytes(uint64_t first, uint64_t len)
{
    size_t head = (size_t)(web_body(&answer) - answer.data);

    assert_int_equal(answer.len - head, len);
    assert_memory_equal(answer.data + head, fake.data + first, len);
}

static void bytes_wait_for_their_piece(void **state)
{
    int fd;

    (void)state;
    begin();
    event("start", NULL);
    assert_int_equal(told.plays, 1);
    assert_non_null(strstr(told.url, "/a%20film.mkv"));
    fd = ask("Range: bytes=1500000-2499999\r\n");
    for (int tries = 0; !is_at(1500000) && tries < 20000; tries++)
        usleep(1000);
    assert_true(is_at(1500000));
    arrived(0, 1u << 20); /* something else */
    arrived(1u << 20, 2u << 20);
    arrived(1u << 20, SIZE);
    assert_int_equal(web_answer(fd, &answer), 206);
    assert_non_null(strstr(answer.data, "Content-Range: bytes 1500000-2499999/3145728\r\n"));
    assert_non_null(strstr(answer.data, "Content-Type: video/x-matroska\r\n"));
    assert_non_null(strstr(answer.data, "X-Content-Type-Options: nosniff\r\n"));
    assert_bytes(1500000, 1000000);
    end();
    assert_true(is_at(FETCH_NO_POINT));
}

/* The download ends while a player waits: what it waits for is in the file. */
static void a_download_that_ends_gives_the_rest(void **state)
{
    int fd;

    (void)state;
    begin();
    event("progress", NULL);
    arrived(0, 1u << 20);
    fd = ask("");
    uv_mutex_lock(&fake.lock);
    fake.here = false;
    uv_mutex_unlock(&fake.lock);
    event("done", fake.path);
    assert_int_equal(web_answer(fd, &answer), 200);
    assert_bytes(0, SIZE);
    buf_reset(&answer);
    assert_int_equal(web_answer(ask("Range: bytes=-5\r\n"), &answer), 206);
    assert_bytes(SIZE - 5, 5);
    assert_int_equal(web_status(told.port, "GET", told.path, "Range: bytes=3145728-\r\n"), 416);
}

static void a_download_that_fails_breaks_off(void **state)
{
    int fd;

    (void)state;
    begin();
    event("progress", NULL);
    arrived(0, 1u << 20);
    fd = ask("");
    usleep(10000);
    event("failed", NULL);
    (void)web_answer(fd, &answer);
    assert_true(answer.len < SIZE); /* what was verified, and no end */
}

static void an_end_cuts_who_waits(void **state)
{
    int fd;

    (void)state;
    begin();
    event("progress", NULL);
    fd = ask("");
    for (int tries = 0; !is_awaited() && tries < 20000; tries++)
        usleep(1000);
    end();
    (void)web_answer(fd, &answer);
    assert_string_equal(web_body(&answer), "");
    assert_int_equal(web_status(told.port, "GET", told.path, ""), 404);
}

static void what_is_shared_comes_from_there(void **state)
{
    FILE *f;

    (void)state;
    fake.shared = true;
    begin();
    assert_int_equal(told.plays, 1);
    assert_null(fake.listen);
    assert_int_equal(web_answer(ask("Range: bytes=100-199\r\n"), &answer), 206);
    assert_bytes(100, 100);
    f = fopen(fake.path, "r+"); /* it changes: not what was announced any more */
    assert_true(f && fputc('!', f) != EOF && !fclose(f));
    buf_reset(&answer);
    (void)web_answer(ask("Range: bytes=0-9\r\n"), &answer);
    assert_string_equal(web_body(&answer), "");
}

static void strangers_are_refused(void **state)
{
    char other[200];

    (void)state;
    fake.shared = true;
    begin();
    snprintf(other, sizeof other, "%s", told.path);
    other[1] = other[1] == '0' ? '1' : '0';
    assert_int_equal(web_status(told.port, "GET", other, ""), 404);
    assert_int_equal(web_status(told.port, "GET", "/", ""), 404);
    assert_int_equal(web_status(told.port, "POST", told.path, "Content-Length: 0\r\n"), 405);
    assert_int_equal(web_status(told.port, "GET", told.path, "Host: rebound.example\r\n"), 421);
    assert_int_equal(web_status(told.port, "HEAD", told.path, ""), 200);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_wait_for_their_piece),       TEST(a_download_that_ends_gives_the_rest),
        TEST(a_download_that_fails_breaks_off), TEST(an_end_cuts_who_waits),
        TEST(what_is_shared_comes_from_there),  TEST(strangers_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
