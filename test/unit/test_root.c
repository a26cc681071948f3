/* io/root: nothing outside the held folder is reached, by no name and no race; publishing never
 * replaces. */
#include "base/mem.h"
#include "io/root_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* top/in is the held folder, top/out what nobody may reach. */
static char top[] = "/tmp/test_root.XXXXXX", dir[64];
static struct root *root;

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int set_up(void **state)
{
    struct err e;

    (void)state;
    memcpy(strchr(top, '.'), ".XXXXXX", 8);
    assert_non_null(mkdtemp(top));
    snprintf(dir, sizeof dir, "%s/in", top);
    assert_int_equal(chdir(top), 0);
    assert_int_equal(mkdir("in", 0755) | mkdir("out", 0755) | mkdir("in/sub", 0755), 0);
    write_file("in/a", "inside");
    write_file("in/sub/b", "inside");
    write_file("out/a", "OUTSIDE");
    write_file("out/b", "OUTSIDE");
    root = root_open(dir, &e);
    assert_non_null(root);
    return 0;
}

static int set_up_by_step(void **state)
{
    set_up(state);
    root->by_step = true;
    return 0;
}

static int tear_down(void **state)
{
    char cmd[128];

    (void)state;
    root_close(root);
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", top);
    assert_int_equal(chdir("/"), 0);
    return system(cmd);
}

/* What can be read through path: 'i' inside, 'O' outside, or 0. */
static char peek(const char *path)
{
    struct root_stat st;
    struct err e;
    char c = 0;
    int fd = root_read_fd(root, path, &st, &e);

    if (fd < 0)
        return 0;
    assert_int_equal(read(fd, &c, 1), 1);
    close(fd);
    return c;
}

static void reads_what_is_inside(void **state)
{
    struct root_stat st, named;
    struct err e;
    int fd;

    (void)state;
    assert_int_equal(peek("a"), 'i');
    assert_int_equal(peek("sub/b"), 'i');
    fd = root_read_fd(root, "sub/b", &st, &e);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(st.kind, 'f');
    assert_int_equal(st.size, 6);
    assert_int_equal(root_stat_at(root, "sub/b", &named, &e), 0);
    assert_true(root_stat_same(&st, &named));
    assert_int_equal(root_stat_at(root, "", &named, &e), 0);
    assert_int_equal(named.kind, 'd');
    assert_int_equal(root_read_fd(root, "nope", &st, &e), -ERR_NOT_FOUND);
    assert_string_equal(e.text, "cannot open nope: No such file or directory");
    assert_true(root_read_fd(root, "sub", &st, &e) < 0);
}

static void names_that_lead_out(void **state)
{
    static const char *const bad[] = {
        "../out/a", "sub/../../out/a", "..",     ".",    "sub/..", "/etc/passwd",
        "sub//b",   "sub/./b",         "sub/b/", "/",    "link",   "up/a",
        "up/in/a",  "sub/link",        "magic",  "abs/a"};
    struct root_stat st;
    struct err e;

    (void)state;
    assert_int_equal(symlink("../out/a", "in/link"), 0);
    assert_int_equal(symlink("../a", "in/sub/link"),
                     0); /* a link to the inside is a link as well */
    assert_int_equal(symlink("../out", "in/up"), 0);
    assert_int_equal(symlink("/proc/self/cwd/out/a", "in/magic"), 0);
    assert_int_equal(symlink("/etc", "in/abs"), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(peek(bad[i]), 0);
        assert_true(root_create_fd(root, bad[i], &e) < 0);
        assert_true(root_write_fd(root, bad[i], &st, &e) < 0);
        assert_true(root_make_dir(root, bad[i], &e) < 0);
    }
    for (size_t i = 0; i < 10; i++) {
        assert_true(root_stat_at(root, bad[i], &st, &e) < 0);
        assert_true(root_publish(root, bad[i], "new", false, &e) < 0);
        assert_true(root_publish(root, "a", bad[i], true, &e) < 0);
        assert_true(root_remove(root, bad[i], &e) < 0);
        assert_true(root_remove_dir(root, bad[i], &e) < 0);
        assert_true(root_make_dirs(root, bad[i], &e) < 0);
        assert_null(root_list(root, bad[i], &e));
    }
    assert_null(root_list(root, "up", &e));
    assert_true(root_make_dirs(root, "up/x", &e) < 0);
    assert_true(root_publish(root, "up/a", "new", false, &e) < 0);
    assert_true(root_publish(root, "a", "up/new", false, &e) < 0);
    assert_int_equal(peek("a"), 'i');
    assert_int_equal(access("out/a", F_OK) | access("out/b", F_OK), 0);
    assert_int_not_equal(access("out/x", F_OK), 0);
}

static void only_plain_files(void **state)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX, .sun_path = "in/sock"};
    struct root_stat st;
    struct err e;
    int s = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(mkfifo("in/fifo", 0644), 0);
    assert_int_equal(bind(s, (struct sockaddr *)&sun, sizeof sun), 0);
    close(s);
    assert_true(root_read_fd(root, "fifo", &st, &e) < 0); /* and does not wait for a writer */
    assert_string_equal(e.text, "cannot open fifo: not a plain file");
    assert_true(root_read_fd(root, "sock", &st, &e) < 0);
    assert_true(root_write_fd(root, "fifo", &st, &e) < 0);
    assert_int_equal(root_stat_at(root, "fifo", &st, &e), 0);
    assert_int_equal(st.kind, 'o');
}

static void lists_every_child(void **state)
{
    struct root_dir *d;
    struct root_stat st;
    struct err e;
    const char *name;
    char seen[8] = {0};
    size_t count = 0;

    (void)state;
    assert_int_equal(symlink("nowhere", "in/c"), 0);
    assert_int_equal(chmod("in/a", 0755), 0);
    d = root_list(root, "", &e);
    assert_non_null(d);
    while (root_list_next(d, &name, &st, &e) == 1) {
        assert_true(count < 4);
        seen[count++] = st.kind;
    }
    root_list_end(d);
    assert_int_equal(count, 3);
    assert_non_null(strchr(seen, 'x'));
    assert_non_null(strchr(seen, 'd'));
    assert_non_null(strchr(seen, 'l'));
    assert_null(root_list(root, "a", &e));
    assert_null(root_list(root, "nope", &e));
    assert_int_equal(e.code, ERR_NOT_FOUND);
}

static void opens_only_folders(void **state)
{
    char name[80];
    struct err e;

    (void)state;
    snprintf(name, sizeof name, "%s/a", dir);
    assert_null(root_open(name, &e));
    assert_int_equal(e.code, ERR_USAGE);
    snprintf(name, sizeof name, "%s/no\x1b[31mne", dir);
    assert_null(root_open(name, &e));
    assert_null(strchr(e.text, '\x1b'));
    assert_non_null(strstr(e.text, "/in/no\\x1b[31mne: No such file"));
    snprintf(name, sizeof name, "%s/F\xc3\xbcr\xe2\x80\xae!", dir);
    assert_null(root_open(name, &e));
    assert_non_null(strstr(e.text, "/F\xc3\xbcr\\xe2\\x80\\xae!: "));
    assert_null(root_open("in", &e));
}

static void knows_where_it_lies(void **state)
{
    char name[80];
    struct root *sub, *link, *out;
    struct err e;

    (void)state;
    snprintf(name, sizeof name, "%s/in/sub", top);
    sub = root_open(name, &e);
    snprintf(name, sizeof name, "%s/link", top);
    assert_int_equal(symlink("in", name), 0);
    link = root_open(name, &e);
    snprintf(name, sizeof name, "%s/out", top);
    out = root_open(name, &e);
    assert_string_equal(root_path(link), dir);
    assert_true(root_within(sub, root) && root_within(root, root) && root_within(link, root));
    assert_false(root_within(root, sub) || root_within(out, root) || root_within(root, out));
    assert_true(root_alive(out));
    assert_int_equal(rename("out", "out2"), 0);
    assert_false(root_alive(out));
    assert_int_equal(mkdir("out", 0755), 0); /* another folder of the same name */
    assert_false(root_alive(out));
    root_close(sub);
    root_close(link);
    root_close(out);
}

/* Without a descriptor it is found by its path, and only itself. */
static void is_let_go(void **state)
{
    struct root_stat st;
    char away[80];
    struct err e;
    int fd;

    (void)state;
    root_let_go(root);
    fd = root_read_fd(root, "a", &st, &e);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(root_stat_at(root, "a", &st, &e), 0);
    assert_true(root_alive(root));
    assert_true(root_within(root, root));
    snprintf(away, sizeof away, "%s/away", top);
    assert_int_equal(rename(dir, away), 0);
    assert_int_equal(root_stat_at(root, "a", &st, &e), -ERR_NOT_FOUND);
    assert_int_equal(mkdir(dir, 0700), 0);
    write_file("in/a", "another");
    assert_int_equal(root_stat_at(root, "a", &st, &e), -ERR_NOT_FOUND);
    assert_int_equal(root_read_fd(root, "a", &st, &e), -ERR_NOT_FOUND);
    assert_null(root_list(root, "", &e));
    assert_false(root_alive(root));
}

static void publishes_without_replacing(void **state)
{
    struct root_stat st;
    struct err e;
    int fd;

    (void)state;
    assert_int_equal(root_make_dirs(root, "x/y/z", &e), 0);
    assert_int_equal(root_make_dirs(root, "x/y/z", &e), 0);
    assert_int_equal(root_make_dir(root, "x/y", &e), -ERR_EXISTS);
    assert_true(root_make_dirs(root, "a/b", &e) < 0);
    fd = root_create_fd(root, "x/y/.part", &e);
    assert_true(fd >= 0);
    assert_int_equal(root_create_fd(root, "x/y/.part", &e), -ERR_EXISTS);
    assert_int_equal(root_reserve(fd, 100000), 0);
    assert_int_equal(write(fd, "inside", 6), 6);
    assert_int_equal(ftruncate(fd, 6), 0);
    assert_int_equal(root_set_exec(fd), 0);
    close(fd);
    assert_int_equal(root_publish(root, "x/y/.part", "a", false, &e), -ERR_EXISTS);
    assert_int_equal(root_publish(root, "x/y/.part", "x/whole", false, &e), 0);
    assert_int_equal(root_set_times(root, "x/whole", 1000, &e), 0);
    assert_int_equal(root_stat_at(root, "x/whole", &st, &e), 0);
    assert_int_equal(st.kind, 'x');
    assert_int_equal(st.mtime_ns / 1000000000, 1000);
    assert_int_equal(root_publish(root, "x/whole", "a", true, &e), 0);
    assert_int_equal(root_write_fd(root, "x/whole", &st, &e), -ERR_NOT_FOUND);
    assert_int_equal(root_sync_dir(root, "x", &e), 0);
    assert_true(root_remove_dir(root, "x", &e) < 0);
    assert_int_equal(root_remove_dir(root, "x/y/z", &e), 0);
    assert_int_equal(root_remove(root, "a", &e) | root_remove(root, "a", &e), 0);
    assert_true(root_remove(root, "x", &e) < 0);
    assert_true(root_free_bytes(root) > 0);
}

static void sees_writers(void **state)
{
    struct root_stat st;
    struct err e;
    int writer = open("in/a", O_WRONLY), fd = root_read_fd(root, "a", &st, &e);

    (void)state;
    assert_true(root_being_written(fd));
    close(writer);
    assert_false(root_being_written(fd));
    writer = open("in/a", O_WRONLY); /* the lease is gone: this does not wait */
    assert_true(writer >= 0);
    close(writer);
    close(fd);
}

/* ---- races: a thread swaps a folder and a link to the outside ---- */

static atomic_bool stop;

static void *swap(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop)) {
        if (renameat2(AT_FDCWD, "in/sub", AT_FDCWD, "in/up", RENAME_EXCHANGE))
            abort();
    }
    return NULL;
}

static void races_do_not_escape(void **state)
{
    struct timespec from, now;
    unsigned inside = 0, outside = 0, made = 0;
    struct root_stat st;
    pthread_t thread;
    struct err e;

    (void)state;
    assert_int_equal(symlink("../out", "in/up"), 0);
    atomic_store(&stop, false);
    assert_int_equal(pthread_create(&thread, NULL, swap, NULL), 0);
    clock_gettime(CLOCK_MONOTONIC, &from);
    do {
        for (int i = 0; i < 100; i++) {
            char c = peek("sub/b");
            struct root_dir *d = root_list(root, "sub", &e);
            int fd = root_create_fd(root, "sub/new", &e);

            inside += c == 'i';
            outside += c == 'O';
            if (d) {
                outside += !root_stat_fd(root_list_fd(d), &st) && st.kind != 'd';
                root_list_end(d);
            }
            if (fd >= 0) {
                made++;
                close(fd);
            }
            root_publish(root, "sub/new", "sub/published", true, &e);
            root_make_dir(root, "sub/newdir", &e);
            root_make_dirs(root, "sub/x/y", &e);
            root_remove(root, "sub/a", &e); /* only the outside has one */
            outside += access("out/new", F_OK) == 0 || access("out/published", F_OK) == 0 ||
                       access("out/newdir", F_OK) == 0 || access("out/x", F_OK) == 0 ||
                       access("out/a", F_OK) != 0;
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - from.tv_sec < 2);
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(outside, 0);
    assert_true(inside > 0 && made > 0);
}

static void copies_in_the_system(void **state)
{
    char back[8] = {0};
    int from, to;
    struct root_stat st;
    struct err e;

    (void)state;
    write_file("in/from", "0123456");
    write_file("in/to", "");
    from = root_read_fd(root, "from", &st, &e);
    to = root_write_fd(root, "to", &st, &e);
    assert_true(from >= 0 && to >= 0);
    if (root_clone(from, to)) { /* else this file system cannot */
        assert_int_equal(pread(to, back, 7, 0), 7);
        assert_string_equal(back, "0123456");
        assert_int_equal(ftruncate(to, 0), 0);
    }
    assert_int_equal(root_copy_range(from, to, 2, 3), 3);
    assert_int_equal(pread(to, back, 7, 0), 5);
    assert_memory_equal(back + 2, "234", 3);
    assert_int_equal(root_copy_range(from, to, 7, 3), 0);
    assert_int_equal(root_copy_range(to, from, 0, 3), -EBADF); /* it is open to be read only */
    close(from);
    close(to);
}

int main(void)
{
#define BOTH(fn)                                                                                   \
    cmocka_unit_test_setup_teardown(fn, set_up, tear_down),                                        \
    {                                                                                              \
#fn "_by_step", fn, set_up_by_step, tear_down, NULL                                        \
    }
    const struct CMUnitTest tests[] = {
        BOTH(reads_what_is_inside),
        BOTH(names_that_lead_out),
        BOTH(only_plain_files),
        BOTH(lists_every_child),
        BOTH(is_let_go),
        BOTH(publishes_without_replacing),
        BOTH(races_do_not_escape),
        cmocka_unit_test_setup_teardown(opens_only_folders, set_up, tear_down),
        cmocka_unit_test_setup_teardown(knows_where_it_lies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(copies_in_the_system, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sees_writers, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
