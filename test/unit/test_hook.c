/* svc/hook: commands of the owner's, with foreign text that wants to be one. */
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/save.h"
#include "svc/hook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/iwant-hook-XXXXXX";
static struct hooks *hooks;

static const char *file(const char *name)
{
    static char path[200];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

/* Wait until the file has this text. */
static void expect(const char *name, const char *text)
{
    struct buf b = {0};
    struct err e;

    for (int i = 0; i < 500; i++) {
        buf_reset(&b);
        if (!save_read(file(name), 1 << 20, &b, &e) && !strcmp(buf_cstr(&b), text))
            break;
        usleep(20000);
    }
    assert_string_equal(buf_cstr(&b), text);
    buf_free(&b);
}

static int set_up(void **state)
{
    (void)state;
    hooks = hooks_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hooks_free(hooks);
    return 0;
}

static void command(char out[400], const char *fmt, const char *name)
{
    snprintf(out, 400, fmt, file(name));
}

static void foreign_text_is_never_read_by_the_shell(void **state)
{
    const char *evil = "a; touch /tmp/iwant-evil $(touch /tmp/iwant-evil) `id` 'x\" \n-rf";
    json_t *content = json_pack("{ss ss ss sI ss}", "path", evil, "name", evil, "hash", "00",
                                "size", (json_int_t)7, "kind", "f");
    char text[400];
    struct buf want = {0};

    (void)state;
    command(text,
            "printf '%%s|%%s|%%s|%%s|%%s' \"$1\" \"$IWANT_HOOK_NAME\" "
            "\"$IWANT_HOOK_EVENT\" \"$IWANT_HOOK_SIZE\" \"$IWANT_HOOK_TYPE\" > %s",
            "evil");
    assert_true(hooks_content(hooks, "download", text, content));
    buf_printf(&want, "%s|%s|download|7|file", evil, evil);
    expect("evil", want.data);
    assert_int_equal(access("/tmp/iwant-evil", F_OK), -1);
    buf_free(&want);
    json_decref(content);
}

static void without_a_dollar_it_gets_the_argument(void **state)
{
    char text[400];

    (void)state;
    snprintf(text, sizeof text, "cp /dev/null");
    assert_true(hooks_run(hooks, "test", text, file("plain"), NULL));
    expect("plain", "");
    assert_int_equal(access(file("plain"), F_OK), 0);
}

static void downloads_run_their_own_and_the_one_for_all(void **state)
{
    char own[400], all[400];
    json_t *event =
        json_pack("{ss ss ss ss}", "event", "done", "path", "/x/y", "hash", "1", "exec", "");

    (void)state;
    command(own, "printf own:%%s \"$1\" > %s", "own");
    command(all, "printf all:%%s \"$1\" > %s", "all");
    json_object_set_new(event, "exec", json_string(own));
    hooks_set_download(hooks, all);
    hooks_download(hooks, event);
    expect("own", "own:/x/y");
    expect("all", "all:/x/y");
    unlink(file("own"));
    unlink(file("all"));
    json_object_set_new(event, "event", json_string("skipped")); /* nothing was downloaded */
    hooks_download(hooks, event);
    expect("own", "own:/x/y");
    assert_int_equal(access(file("all"), F_OK), -1);
    unlink(file("own"));
    hooks_set_download(hooks, "no");
    json_object_set_new(event, "event", json_string("failed"));
    hooks_download(hooks, event);
    json_object_set_new(event, "event", json_string("done"));
    json_object_del(event, "exec");
    hooks_download(hooks, event);
    assert_true(hooks_run(hooks, "test", "touch", file("after"), NULL));
    expect("after", "");
    assert_int_equal(access(file("own"), F_OK), -1);
    assert_int_equal(access(file("all"), F_OK), -1);
    json_decref(event);
}

static void it_has_none_of_our_files_and_is_reaped(void **state)
{
    char text[400];
    FILE *kept = fopen(file("kept"), "w"); /* inherited, as it was opened */

    (void)state;
    assert_non_null(kept);
    command(text, "{ ls /proc/self/fd | wc -l; } > %s; exit 3", "fds");
    assert_true(hooks_run(hooks, "test", text, "", (const char *[]){"PATH=/bin:/usr/bin", NULL}));
    fclose(kept);
    expect("fds", "4\n"); /* three, and the folder that is listed */
    usleep(300000);
    hooks_free(hooks); /* the thread has reaped what ended */
    hooks = hooks_new();
}

static void too_many_are_left_out(void **state)
{
    size_t taken = 0;

    (void)state;
    for (size_t i = 0; i < HOOKS_WAITING + HOOKS_AT_ONCE + 20; i++)
        taken += hooks_run(hooks, "test", "sleep 0.2; true $1", "", NULL);
    assert_in_range(taken, HOOKS_WAITING, HOOKS_WAITING + HOOKS_AT_ONCE);
    hooks_free(hooks); /* what waits is forgotten, what runs is not waited for */
    hooks = hooks_new();
}

static void a_notice_without_a_desktop_is_nothing(void **state)
{
    (void)state;
    hooks_free(hooks); /* no thread may read the environment while it is changed */
    unsetenv("DBUS_SESSION_BUS_ADDRESS");
    setenv("XDG_RUNTIME_DIR", dir, 1);
    hooks = hooks_new();
    hooks_notify(hooks, "found <b>", "a & b");
    assert_true(hooks_run(hooks, "test", "touch", file("noticed"), NULL));
    expect("noticed", "");
}

/* A notify-send of ours, on a bus that is not there. */
static void a_notice_is_plain_text(void **state)
{
    char path[400], script[300];
    struct err e;

    (void)state;
    hooks_free(hooks);
    snprintf(path, sizeof path, "%s:%s", dir, getenv("PATH"));
    setenv("PATH", path, 1);
    setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere", 1);
    hooks = hooks_new();
    snprintf(script, sizeof script, "#!/bin/sh\nprintf '%%s|' \"$@\" > %s/notice\n", dir);
    assert_int_equal(save_write(file("notify-send"), script, strlen(script), 0700, &e), 0);
    hooks_notify(hooks, "found \x1b[2J", "a & <b>$(id)\n\xe2\x80\xae");
    expect("notice", "--app-name=iwant|--|found \\x1b[2J|a &amp; &lt;b&gt;$(id)\\x0a\\u{202e}|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_text_is_never_read_by_the_shell),
        cmocka_unit_test(without_a_dollar_it_gets_the_argument),
        cmocka_unit_test(downloads_run_their_own_and_the_one_for_all),
        cmocka_unit_test(it_has_none_of_our_files_and_is_reaped),
        cmocka_unit_test(too_many_are_left_out),
        cmocka_unit_test(a_notice_without_a_desktop_is_nothing),
        cmocka_unit_test(a_notice_is_plain_text),
    };
    char rm[100];
    int failed;

    if (!mkdtemp(dir))
        return 1;
    failed = cmocka_run_group_tests(tests, set_up, tear_down);
    snprintf(rm, sizeof rm, "rm -rf %s", dir);
    return system(rm) || failed;
}
