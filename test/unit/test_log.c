/* base/log: one event is one line, whole even with many threads; the file is rotated at its bound.
 */
#include "base/limits.h"
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], path[128], old[128];

static int make_dir(void **state)
{
    struct err e;

    (void)state;
    snprintf(dir, sizeof dir, "/tmp/iwant-test-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/log", dir);
    snprintf(old, sizeof old, "%s/log.1", dir);
    log_set_level(LOG_INFO);
    return log_open(path, &e);
}

static int remove_dir(void **state)
{
    (void)state;
    log_close();
    unlink(path);
    unlink(old);
    return rmdir(dir);
}

/* Lines of the log; *good counts those that look as they should. */
static int lines(int *good)
{
    char line[4096];
    int count = 0;
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    *good = 0;
    while (fgets(line, sizeof line, f)) {
        count++;
        if (strlen(line) > 35 && line[4] == '-' && line[10] == 'T' && line[19] == '.' &&
            !strncmp(line + 23, "Z info test ", 12) && line[strlen(line) - 1] == '\n')
            (*good)++;
    }
    fclose(f);
    return count;
}

static void an_event_is_a_line(void **state)
{
    struct stat st;
    int good;

    (void)state;
    log_info("test", "started port=%d", 1235);
    log_debug("test", "not at this level");
    assert_int_equal(lines(&good), 1);
    assert_int_equal(good, 1);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    log_set_level(LOG_DEBUG);
    log_debug("test", "now it is");
    assert_int_equal(lines(&good), 2);
}

static void a_long_line_is_cut_and_ends(void **state)
{
    char longer[5000];
    int good;

    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    log_info("test", "%s", longer);
    log_info("test", "next");
    assert_int_equal(lines(&good), 2);
    assert_int_equal(good, 2);
}

static void *write_lines(void *name)
{
    for (int i = 0; i < 500; i++)
        log_info("test", "thread=%s line=%d", (const char *)name, i);
    return NULL;
}

static void threads_do_not_mix_their_lines(void **state)
{
    pthread_t t[4];
    char name[4][2] = {"a", "b", "c", "d"};
    int good;

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, write_lines, name[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(lines(&good), 2000);
    assert_int_equal(good, 2000);
}

static void the_file_is_rotated(void **state)
{
    struct stat st;
    struct err e;
    char byte = '\n';
    FILE *f;

    (void)state;
    log_close();
    f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fseek(f, LOG_BYTES_MAX - 1, SEEK_SET), 0); /* sparse */
    assert_int_equal(fwrite(&byte, 1, 1, f), 1);
    fclose(f);
    assert_int_equal(log_open(path, &e), 0);
    log_info("test", "over the bound");
    log_info("test", "in the new one");
    assert_int_equal(stat(old, &st), 0);
    assert_true(st.st_size > LOG_BYTES_MAX);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size > 0 && st.st_size < 200);
}

static void a_log_that_cannot_be_opened_is_told(void **state)
{
    struct err e;

    (void)state;
    assert_int_equal(log_open("/nowhere/at/all/log", &e), -ERR_IO);
    assert_non_null(strstr(e.text, "cannot open the log /nowhere/at/all/log: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_event_is_a_line, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_long_line_is_cut_and_ends, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(threads_do_not_mix_their_lines, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(the_file_is_rotated, make_dir, remove_dir),
        cmocka_unit_test(a_log_that_cannot_be_opened_is_told),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
