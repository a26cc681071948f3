/* svc/want: wishes asked again when something is new, met once, kept. The leader is a fake. */
#include "base/buf.h"
#include "io/save.h"
#include "svc/want.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#define TOLD_MAX 64

static char dir[] = "/tmp/iwant-want-XXXXXX";

/* What the leader says, and what was told; the lock is for wants' thread. */
static struct {
    uv_mutex_t lock;
    int term, version, rows; /* of the catalog */
    bool silent;
    const char *answer; /* to searches */
    unsigned versions, searches;
    char told[TOLD_MAX][80];
    unsigned tolds;
} leader;

static struct wants *wants;

static int ask(void *ctx, const char *path, unsigned ms, unsigned *status, json_t **answer,
               struct err *e)
{
    bool silent, version = !strcmp(path, "/v1/version");

    (void)ctx;
    (void)ms;
    uv_mutex_lock(&leader.lock);
    silent = leader.silent;
    *status = 200;
    if (version)
        leader.versions++;
    else
        leader.searches++;
    if (!silent)
        *answer = version ? json_pack("{si si si}", "term", leader.term, "version", leader.version,
                                      "rows", leader.rows)
                          : json_loads(leader.answer, 0, NULL);
    uv_mutex_unlock(&leader.lock);
    return silent ? err_set(e, ERR_NO_PEER, "nobody leads") : 0;
}

static void found(void *ctx, const json_t *wish, const json_t *row, bool first, size_t more)
{
    (void)ctx;
    uv_mutex_lock(&leader.lock);
    assert_true(leader.tolds < TOLD_MAX);
    snprintf(leader.told[leader.tolds++], 80, "%s: %s%s %zu",
             json_string_value(json_object_get(wish, "words")),
             json_string_value(json_object_get(row, "name")), first ? " first" : "", more);
    uv_mutex_unlock(&leader.lock);
}

static void open_wants(void)
{
    wants = wants_new(
        &(struct want_conf){.home = dir, .name = "me", .ask = ask, .found = found, .poll_ms = 10});
}

static void say(const char *answer)
{
    uv_mutex_lock(&leader.lock);
    leader.answer = answer;
    leader.rows++;
    uv_mutex_unlock(&leader.lock);
}

static unsigned counted(const unsigned *n)
{
    unsigned now;

    uv_mutex_lock(&leader.lock);
    now = *n;
    uv_mutex_unlock(&leader.lock);
    return now;
}

static void wait_for(const unsigned *n, unsigned least)
{
    for (int i = 0; i < 3000 && counted(n) < least; i++)
        usleep(10000);
    assert_true(counted(n) >= least);
}

static int set_up(void **state)
{
    char path[200];

    (void)state;
    snprintf(path, sizeof path, "%s/" WANTS_FILE, dir);
    unlink(path);
    leader.term = leader.version = leader.rows = 1;
    leader.silent = false;
    leader.answer = "{\"rows\":[]}";
    leader.versions = leader.searches = leader.tolds = 0;
    open_wants();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    wants_free(wants);
    return 0;
}

static json_int_t add(const char *search, bool fetch)
{
    json_int_t id = 0;
    struct err e;

    assert_int_equal(wants_add(wants, search, NULL, fetch, &id, &e), 0);
    return id;
}

#define ROW(hash, path, holder)                                                                    \
    "{\"hash\":\"" hash "\",\"path\":\"" path "\",\"name\":\"" path                                \
    "\",\"size\":7,\"type\":\"file\",\"holders\":[\"" holder "\"]}"

static void what_is_new_is_told_once(void **state)
{
    (void)state;
    (void)add("/v1/search?q=debian%2012", false);
    say("{\"rows\":[" ROW("aa", "debian 12", "eva") "," ROW("bb", "debian 12 b", "tom") "," ROW(
        "cc", "debian 11", "tom") "," ROW("dd", "debian 12 mine", "me") "]}");
    wait_for(&leader.tolds, 2);
    assert_string_equal(leader.told[0], "debian 12: debian 12 first 1");
    assert_string_equal(leader.told[1], "debian 12: debian 12 b 1");
    say("{\"rows\":[" ROW("aa", "debian 12 again", "kim") "," ROW("ee", "12 debian", "kim") "]}");
    wait_for(&leader.tolds, 3);
    assert_string_equal(leader.told[2], "debian 12: 12 debian first 0");
}

static void nothing_new_is_not_searched(void **state)
{
    unsigned before;

    (void)state;
    (void)add("/v1/search?q=x", false);
    wait_for(&leader.searches, 1);
    wait_for(&leader.versions, counted(&leader.versions) + 5); /* the second look has come */
    before = counted(&leader.searches);
    wait_for(&leader.versions, counted(&leader.versions) + 20);
    assert_int_equal(counted(&leader.searches), before);
    uv_mutex_lock(&leader.lock);
    leader.term++; /* another leader */
    uv_mutex_unlock(&leader.lock);
    wait_for(&leader.searches, before + 1);
}

static void a_leader_that_is_away_is_asked_later(void **state)
{
    (void)state;
    uv_mutex_lock(&leader.lock);
    leader.silent = true;
    uv_mutex_unlock(&leader.lock);
    (void)add("/v1/search?q=x", false);
    wait_for(&leader.versions, 3);
    assert_int_equal(counted(&leader.searches), 0);
    uv_mutex_lock(&leader.lock);
    leader.silent = false;
    uv_mutex_unlock(&leader.lock);
    say("{\"rows\":[" ROW("aa", "x", "eva") "]}");
    wait_for(&leader.tolds, 1);
}

static void wishes_outlive_the_service(void **state)
{
    json_t *list;

    (void)state;
    (void)add("/v1/search?q=x&larger=300M", true);
    say("{\"rows\":[" ROW("aa", "x", "eva") "]}");
    wait_for(&leader.tolds, 1);
    wants_free(wants);
    open_wants();
    say("{\"rows\":[" ROW("aa", "x", "eva") "," ROW("bb", "x", "eva") "]}");
    wait_for(&leader.tolds, 2);
    list = wants_list(wants);
    assert_int_equal(json_array_size(list), 1);
    assert_int_equal(json_array_size(json_object_get(json_array_get(list, 0), "found")), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "search")),
                        "/v1/search?q=x&larger=314572800");
    assert_true(json_is_true(json_object_get(json_array_get(list, 0), "fetch")));
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "seen")), 0);
    json_decref(list);
    list = wants_status(wants);
    assert_int_equal(json_integer_value(json_object_get(list, "unseen")), 0);
    json_decref(list);
}

static void what_is_no_wish_is_refused(void **state)
{
    json_int_t id;
    struct err e;

    (void)state;
    assert_int_equal(wants_add(wants, "/v1/search", NULL, false, &id, &e), -ERR_USAGE);
    assert_int_equal(wants_add(wants, "/v1/search?q=", NULL, false, &id, &e), -ERR_USAGE);
    assert_int_equal(wants_add(wants, "/v1/peers", NULL, false, &id, &e), -ERR_USAGE);
    assert_int_equal(wants_add(wants, "/v1/search?evil=1", NULL, false, &id, &e), -ERR_USAGE);
    assert_int_equal(wants_add(wants, "/v1/search?q=x&larger=no", NULL, false, &id, &e),
                     -ERR_USAGE);
    assert_int_equal(add("/v1/search?q=x", false), 1);
    assert_int_equal(wants_add(wants, "/v1/search?q=x&offset=7", NULL, true, &id, &e), -ERR_EXISTS);
    assert_int_equal(wants_remove(wants, 2, &e), -ERR_NOT_FOUND);
    assert_int_equal(wants_remove(wants, 1, &e), 0);
    assert_int_equal(add("/v1/search?q=x", false), 2); /* a number is used once */
}

static void what_cannot_be_saved_is_not_taken(void **state)
{
    json_int_t id;
    json_t *list;
    struct err e;
    char path[200];

    (void)state;
    wants_free(wants);
    snprintf(path, sizeof path, "%s/nowhere", dir);
    wants = wants_new(&(struct want_conf){.home = path, .name = "me", .ask = ask, .found = found});
    assert_int_equal(wants_add(wants, "/v1/search?q=x", NULL, false, &id, &e), -ERR_IO);
    list = wants_list(wants);
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
}

static void a_damaged_file_is_set_aside(void **state)
{
    static const char *const bad[] = {"", "{", "[]", "{\"wants\":[7]}", "{\"wants\":[{\"id\":1}]}"};
    char path[200], aside[220];
    struct stat st;
    struct err e;

    (void)state;
    snprintf(path, sizeof path, "%s/" WANTS_FILE, dir);
    snprintf(aside, sizeof aside, "%s.damaged", path);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *list;

        wants_free(wants);
        unlink(aside);
        assert_int_equal(save_write(path, bad[i], strlen(bad[i]), 0600, &e), 0);
        open_wants();
        list = wants_list(wants);
        assert_int_equal(json_array_size(list), 0);
        json_decref(list);
        assert_int_equal(stat(aside, &st), 0);
        assert_int_equal(st.st_size, strlen(bad[i]));
    }
    (void)add("/v1/search?q=x", false);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_new_is_told_once),
        TEST(nothing_new_is_not_searched),
        TEST(a_leader_that_is_away_is_asked_later),
        TEST(wishes_outlive_the_service),
        TEST(what_is_no_wish_is_refused),
        TEST(what_cannot_be_saved_is_not_taken),
        TEST(a_damaged_file_is_set_aside),
    };
    char rm[100];
    int failed;

    if (!mkdtemp(dir) || uv_mutex_init(&leader.lock))
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(rm, sizeof rm, "rm -rf %s", dir);
    return system(rm) || failed;
}
