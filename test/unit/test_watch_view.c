/* What watch shows, in terminals of every size. */
#include "base/mem.h"
#include "core/path.h"
#include "iwanto/watch_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char LOG[] =
    "2026-11-23T10:24:38.873Z info lan one\n2026-11-23T10:24:38.880Z info lan two\n";

static json_t *peers(int count)
{
    json_t *rows = json_array();

    for (int n = 0; n < count; n++)
        json_array_append_new(rows, json_pack("{ss ss si si si sb}", "name",
                                              n ? "日本語の名前\x1b[2J" : "eva", "addr",
                                              "[fe80::1234:5678:9abc:def0]:1235", "files", 12345,
                                              "bytes", 1 << 30, "heard_ms", 120, "leader", n == 0));
    return rows;
}

static json_t *downloads(int count)
{
    json_t *rows = json_array();

    for (int n = 0; n < count; n++)
        json_array_append_new(
            rows, json_pack("{ss ss ss si si si}", "event", "progress", "hash",
                            "3dbc6859616d6c34eda02cd3a672f678542cdaa567389c6d7cc42190635be0d1",
                            "name", "Silicon Valley S01E01.mkv", "size", 1 << 30, "bytes", 1 << 20,
                            "rate", 1 << 20));
    return rows;
}

static json_t *status(void)
{
    return json_pack("{ss ss sb s{ss} s{si si} s{si}}", "name", "desk", "network", "lan", "open", 1,
                     "leader", "name", "eva", "shared", "files", 7, "pending_files", 3, "downloads",
                     "rate", 1000);
}

static bool shows(const struct watch_view *v, const char *text)
{
    for (size_t n = 0; n < v->lines; n++)
        if (strstr(v->line[n], text))
            return true;
    return false;
}

static void fits_any_size(void **state)
{
    struct watch_facts f = {.status = status(), .log = LOG, .why = ""};

    (void)state;
    for (int count = 0; count < 40; count += 13) {
        json_t *p = peers(count), *d = downloads(count);

        f.peers = p;
        f.downloads = d;
        for (unsigned rows = 1; rows < 60; rows += 1 + rows / 8)
            for (unsigned columns = 1; columns < 220; columns += 7) {
                struct watch_view v = {0};

                watch_view(&v, &f, rows, columns, rows);
                assert_true(v.lines >= 1 && v.lines <= rows);
                for (size_t n = 0; n < v.lines; n++) {
                    assert_true(path_columns(v.line[n], strlen(v.line[n])) <= columns);
                    assert_null(strchr(v.line[n], '\x1b'));
                }
                watch_view_done(&v);
            }
        json_decref(p);
        json_decref(d);
    }
    json_decref((json_t *)(uintptr_t)f.status);
}

static void shows_what_there_is_place_for(void **state)
{
    struct watch_facts f = {.status = status(), .log = LOG, .why = ""};
    struct watch_view v = {0};
    json_t *p = peers(2), *d = downloads(1);

    (void)state;
    f.peers = p;
    f.downloads = d;
    watch_view(&v, &f, 24, 120, 0);
    assert_true(shows(&v, "desk in lan (open)   leader eva") && shows(&v, "3 files to go"));
    assert_true(shows(&v, "peers (2)") && shows(&v, "eva ") && shows(&v, "12345"));
    assert_true(shows(&v, "downloads (1)") && shows(&v, "Silicon Valley"));
    assert_true(shows(&v, "10:24:38.880Z info lan two") && !shows(&v, "2026-11-23T"));
    assert_int_equal(v.rows_hidden, 0);
    assert_string_equal(v.line[v.lines - 1], "q quit");
    watch_view_done(&v);
    json_decref(p);
    f.peers = p = peers(100);
    watch_view(&v, &f, 24, 120, 0);
    assert_true(v.rows_hidden > 80 && shows(&v, "Silicon Valley") && shows(&v, "lan two"));
    assert_string_equal(v.line[v.lines - 1], "q quit   up, down: the rest");
    watch_view_done(&v);
    json_decref((json_t *)(uintptr_t)f.status);
    f.status = NULL;
    f.why = "cannot reach the service";
    watch_view(&v, &f, 24, 120, 0);
    assert_string_equal(v.line[0], f.why);
    watch_view_done(&v);
    json_decref(p);
    json_decref(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fits_any_size),
        cmocka_unit_test(shows_what_there_is_place_for),
    };

    return cmocka_run_group_tests_name("watch_view", tests, NULL, NULL);
}
