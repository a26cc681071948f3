/* svc/journal: requests summed up to transfers, written down, bounded. */
#include "base/buf.h"
#include "base/limits.h"
#include "io/save.h"
#include "svc/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/iwant-journal-XXXXXX";
static struct journal *journal;

static const char *file(void)
{
    static char path[200];

    snprintf(path, sizeof path, "%s/" JOURNAL_FILE, dir);
    return path;
}

/* What is written, as an array. */
static json_t *lines(void)
{
    struct buf b = {0};
    struct err e;
    json_t *rows = json_array();

    if (!save_read(file(), 1u << 30, &b, &e)) {
        for (size_t at = 0; at < b.len;) {
            size_t len = strcspn(b.data + at, "\n");
            json_t *row = json_loadb(b.data + at, len, 0, NULL);

            assert_non_null(row);
            json_array_append_new(rows, row);
            at += len + 1;
        }
    }
    buf_free(&b);
    return rows;
}

static json_t *wait_for(size_t count)
{
    json_t *rows = lines();

    for (int i = 0; i < 500 && json_array_size(rows) < count; i++) {
        json_decref(rows);
        usleep(20000);
        rows = lines();
    }
    assert_int_equal(json_array_size(rows), count);
    return rows;
}

static void begin(int64_t rest_ms)
{
    unlink(file());
    journal = journal_new(&(struct journal_conf){.home = dir, .rest_ms = rest_ms});
}

static void sent(uint8_t peer, uint8_t hash, const char *path, uint64_t size, uint64_t bytes,
                 bool small)
{
    struct nid nid = {{peer}};
    struct hash h = {{hash}};
    struct addr addr = {.family = 4, .ip = {10, 0, 0, peer}, .port = 7};

    journal_sent(journal, &(struct journal_sent){.peer = peer ? &nid : NULL,
                                                 .addr = &addr,
                                                 .hash = &h,
                                                 .path = path,
                                                 .size = size,
                                                 .bytes = bytes,
                                                 .small = small});
}

static const char *text(const json_t *rows, size_t n, const char *key)
{
    return json_string_value(json_object_get(json_array_get(rows, n), key));
}

static json_int_t number(const json_t *rows, size_t n, const char *key)
{
    return json_integer_value(json_object_get(json_array_get(rows, n), key));
}

static void requests_make_one_transfer(void **state)
{
    json_t *rows;

    (void)state;
    begin(3600000);
    for (int i = 0; i < 10; i++)
        sent(1, 7, "film.mkv", 1000, 100, false);
    rows = wait_for(1); /* all of it went: at once */
    assert_string_equal(text(rows, 0, "path"), "film.mkv");
    assert_string_equal(text(rows, 0, "way"), "to");
    assert_int_equal(number(rows, 0, "bytes"), 1000);
    assert_true(json_is_true(json_object_get(json_array_get(rows, 0), "whole")));
    json_decref(rows);
    sent(1, 7, "film.mkv", 1000, 100, false);
    sent(2, 7, "film.mkv", 1000, 300, false);
    sent(0, 7, "film.mkv", 1000, 50, false); /* by a link */
    journal_free(journal);                   /* what is open is written */
    rows = wait_for(4);
    assert_int_equal(number(rows, 1, "bytes"), 100);
    assert_int_equal(number(rows, 2, "bytes"), 300);
    assert_true(json_is_null(json_object_get(json_array_get(rows, 3), "peer")));
    assert_string_equal(text(rows, 3, "addr"), "10.0.0.0:7");
    assert_true(json_is_false(json_object_get(json_array_get(rows, 3), "whole")));
    json_decref(rows);
}

static void a_rest_ends_it(void **state)
{
    json_t *rows;

    (void)state;
    begin(1);
    sent(1, 7, "film.mkv", 1000, 100, false);
    rows = wait_for(1);
    json_decref(rows);
    journal_free(journal);
}

static void small_ones_count_by_folder(void **state)
{
    char path[40];
    json_t *rows;

    (void)state;
    begin(3600000);
    for (uint8_t i = 0; i < 200; i++) {
        snprintf(path, sizeof path, "Photos/%u/%u.jpg", i % 9, i);
        sent(1, i, path, 10, 10, true);
    }
    sent(1, 201, "alone.txt", 5, 5, true);
    journal_free(journal);
    rows = wait_for(2);
    for (size_t n = 0; n < 2; n++) {
        bool folder = !strcmp(text(rows, n, "path"), "Photos");

        assert_int_equal(number(rows, n, "files"), folder ? 200 : 1);
        assert_int_equal(number(rows, n, "bytes"), folder ? 2000 : 5);
        assert_int_equal(json_is_null(json_object_get(json_array_get(rows, n), "hash")), folder);
    }
    json_decref(rows);
}

static void downloads_are_written_too(void **state)
{
    json_t *event = json_pack("{ss ss ss sI sI sI s[s]}", "event", "done", "hash", "00", "path",
                              "/x/a", "bytes", (json_int_t)5, "size", (json_int_t)5, "fetched",
                              (json_int_t)5, "gave", "eva"),
           *rows;

    (void)state;
    begin(1);
    journal_fetched(journal, event);
    json_object_set_new(event, "event", json_string("failed"));
    json_object_set_new(event, "error", json_string("no"));
    json_object_set_new(event, "fetched", json_integer(0));
    journal_fetched(journal, event);
    json_object_set_new(event, "bytes", json_integer(0)); /* nobody had it */
    journal_fetched(journal, event);
    rows = wait_for(2);
    assert_string_equal(text(rows, 0, "way"), "from");
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(json_array_get(rows, 0), "names"), 0)),
        "eva");
    assert_true(json_is_true(json_object_get(json_array_get(rows, 0), "whole")));
    assert_string_equal(text(rows, 1, "error"), "no");
    assert_null(json_object_get(json_array_get(rows, 1), "names"));
    json_decref(rows);
    json_decref(event);
    journal_free(journal);
}

static void foreign_names_stay_one_line(void **state)
{
    json_t *rows;

    (void)state;
    begin(1);
    sent(1, 7, "a\n{\"way\":\"to\"}\xff\x1b[2J", 5, 5, false);
    rows = wait_for(1);
    assert_non_null(strstr(text(rows, 0, "path"), "\\xff"));
    json_decref(rows);
    journal_free(journal);
}

static void the_file_is_bounded(void **state)
{
    char path[400], old[220];
    struct stat st;

    (void)state;
    begin(1);
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 1200; i++) {
            memcpy(path,
                   (char[]){(char)('a' + i % 26), (char)('a' + i / 26 % 26), (char)('a' + i / 676),
                            (char)('a' + round)},
                   4);
            sent((uint8_t)(1 + i % 200), (uint8_t)(i / 200 + 8 * round), path, 10, 10, false);
        }
        usleep(50000);
    }
    journal_free(journal);
    snprintf(old, sizeof old, "%s.1", file());
    assert_int_equal(stat(old, &st), 0);
    assert_in_range(st.st_size, JOURNAL_BYTES_MAX, 8 * JOURNAL_BYTES_MAX);
    assert_int_equal(st.st_mode & 0777, 0600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_make_one_transfer),  cmocka_unit_test(a_rest_ends_it),
        cmocka_unit_test(small_ones_count_by_folder),  cmocka_unit_test(downloads_are_written_too),
        cmocka_unit_test(foreign_names_stay_one_line), cmocka_unit_test(the_file_is_bounded),
    };
    char rm[100];
    int failed;

    if (!mkdtemp(dir))
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(rm, sizeof rm, "rm -rf %s", dir);
    return system(rm) || failed;
}
