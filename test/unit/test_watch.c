/* io/watch: events name the folder by the path that it has now. */
#include "io/watch.h"

#include "base/buf.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char top[] = "/tmp/test_watch.XXXXXX";
static struct watch *w;
static struct err e;

static int set_up(void **state)
{
    (void)state;
    memcpy(strchr(top, '.'), ".XXXXXX", 8);
    assert_non_null(mkdtemp(top));
    w = watch_new(&e);
    assert_non_null(w);
    return chdir(top) || system("mkdir -p a/b");
}

static int tear_down(void **state)
{
    char cmd[64];

    (void)state;
    watch_free(w);
    snprintf(cmd, sizeof cmd, "rm -rf %s", top);
    return chdir("/") || system(cmd);
}

static void add(const char *dir, const char *path)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY);

    assert_true(fd >= 0);
    assert_int_equal(watch_add(w, fd, path, &e), 0);
    close(fd);
}

static void note(void *ctx, enum watch_what what, const char *folder, const char *name,
                 uint32_t cookie)
{
    static const char *const kinds[] = {"name", "written", "from", "to", "folder", "lost"};
    static uint32_t from;

    if (what == WATCH_FROM)
        from = cookie;
    if (what == WATCH_TO && cookie == from)
        buf_printf(ctx, "renamed ");

    buf_printf(ctx, "%s %s %s;", kinds[what], folder, name);
}

/* Do it, then read until text was told. */
static void after(const char *cmd, const char *text)
{
    struct buf got = {0};
    struct pollfd p = {.fd = watch_fd(w), .events = POLLIN};

    assert_int_equal(system(cmd), 0);
    while (!strstr(buf_cstr(&got), text)) {
        if (poll(&p, 1, 10000) != 1)
            fail_msg("%s: want %s, got %s", cmd, text, buf_cstr(&got));
        watch_read(w, note, &got);
    }
    buf_free(&got);
}

static void names_are_told(void **state)
{
    (void)state;
    add(".", "");
    add("a", "a");
    add("a/b", "a/b");
    assert_int_equal(watch_count(w), 3);
    after("echo x >n", "written  n;");
    after("echo x >a/n", "written a n;");
    after("chmod +x a/n", "written a n;");
    after("truncate -s 1 a/n", "written a n;"); /* opens it */
    assert_int_equal(truncate("a/n", 0), 0);
    after(":", "written a n;");
    after("ln a/n a/b/m", "name a/b m;");
    after("mv a/n a/b/n", "from a n;renamed to a/b n;");
    after("mv a/b/n a/n", "from a/b n;renamed to a n;");
    after("touch .x; mv .x a/x", "to a x;");
    after("rm a/n", "name a n;");
    after("mkdir a/c", "name a c;");
    after("rm -r a/b", "name a b;");
    assert_false(watch_has(w, "a/b"));
    assert_int_equal(watch_count(w), 2);
}

static void a_moved_folder_keeps_its_watch(void **state)
{
    (void)state;
    add(".", "");
    add("a", "a");
    add("a/b", "a/b");
    after("mv a z", "renamed to  z;");
    add("z", "z"); /* found under its new name */
    assert_true(watch_has(w, "z") && !watch_has(w, "a"));
    after("echo x >z/n", "name z n;");
    watch_drop(w, "a"); /* the old name means nothing any more */
    assert_int_equal(watch_count(w), 3);
    after("mkdir y && mv y z/y && mv z/y z/x", "renamed to z x;");
    watch_drop(w, "z");
    assert_int_equal(watch_count(w), 2); /* a/b was not told of yet */
    watch_drop(w, "");
    watch_drop(w, "a/b");
    assert_int_equal(watch_count(w), 0);
}

static void another_folder_takes_the_name(void **state)
{
    (void)state;
    add(".", "");
    add("a", "a");
    after("mv a old && mkdir a", "name  a;");
    add("a", "a");
    assert_int_equal(watch_count(w), 2);
    after("echo x >a/n", "written a n;");
}

static void too_much_at_once_is_told(void **state)
{
    (void)state;
    add(".", "");
    add("a", "a");
    /* Every pair is two events that cannot be merged; nobody reads meanwhile. */
    after("n=$(cat /proc/sys/fs/inotify/max_queued_events); i=0; while [ $i -le $n ]; do : >x$((i "
          "% 7)); i=$((i + 1)); done",
          "lost  ;");
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(names_are_told),
        T(a_moved_folder_keeps_its_watch),
        T(another_folder_takes_the_name),
        T(too_much_at_once_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
