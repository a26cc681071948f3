/* svc/ident: a home is made once and stays the same; keys and passphrases are never overwritten,
 * guessed or left readable. */
#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "io/save.h"
#include "svc/ident.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char top[64], home[80];

static int up(void **state)
{
    (void)state;
    strcpy(top, "/tmp/test_ident.XXXXXX");
    log_to_stderr(LOG_ERROR); /* the warnings are expected */
    if (!mkdtemp(top))
        return -1;
    snprintf(home, sizeof home, "%s/home", top);
    return 0;
}

static int down(void **state)
{
    char cmd[96];

    (void)state;
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", top);
    return system(cmd);
}

static const char *in_home(const char *name)
{
    static char path[160];

    snprintf(path, sizeof path, "%s/%s", home, name);
    return path;
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void put(const char *path, const char *text)
{
    struct err e;

    assert_int_equal(save_write(path, text, strlen(text), 0600, &e), 0);
}

static void load(struct ident *id, const char *network, const char *passphrase_file)
{
    struct err e = {0};

    if (ident_load(id, home, network, passphrase_file, "eva", &e))
        fail_msg("%s", e.text);
}

static int refused(const char *network, const char *passphrase_file, const char *name,
                   const char *says)
{
    struct ident id;
    struct err e = {0};
    int rc = ident_load(&id, home, network, passphrase_file, name, &e);

    assert_true(rc < 0);
    assert_int_equal(rc, -e.code);
    if (!strstr(e.text, says))
        fail_msg("\"%s\" does not say \"%s\"", e.text, says);
    assert_null(id.home);
    return rc;
}

static void test_fresh(void **state)
{
    struct ident a, b;
    uint8_t open_group[32];

    (void)state;
    load(&a, "lan", NULL);
    assert_true(a.open);
    assert_int_equal(a.inc, 1);
    assert_string_equal(a.name, "eva");
    assert_string_equal(a.network, "lan");
    assert_int_equal(a.home[0], '/');
    assert_int_equal(a.lock_fd, -1);
    seal_open_group(open_group, "lan");
    assert_memory_equal(a.net.group, open_group, 32);
    assert_int_equal(mode_of(home), 0700);
    assert_int_equal(mode_of(in_home("key.pem")), 0600);
    assert_int_equal(mode_of(in_home("boot")), 0600);
    assert_int_equal(mode_of(in_home("tls")), 0700);
    assert_int_equal(mode_of(a.tls.key_file), 0600);
    assert_string_equal(a.tls.server_name, a.net.server_name);

    load(&b, "lan", NULL); /* the same peer, started again */
    assert_memory_equal(a.key.pub, b.key.pub, 32);
    assert_true(nid_eq(&a.nid, &b.nid));
    assert_int_equal(b.inc, 2);
    ident_done(&a);
    ident_done(&b);
    ident_done(&b); /* done is done */
}

static void test_other_key(void **state)
{
    struct ident a, b;
    char first[80];

    (void)state;
    load(&a, "lan", NULL);
    strcpy(first, home);
    snprintf(home, sizeof home, "%s/other", top);
    load(&b, "lan", NULL);
    strcpy(home, first);
    assert_false(nid_eq(&a.nid, &b.nid));
    assert_memory_equal(a.net.ca_seed, b.net.ca_seed, 32);
    ident_done(&a);
    ident_done(&b);
}

static void test_damaged_key(void **state)
{
    struct ident a;
    struct buf was = {0}, now = {0};
    struct err e;
    char bad[] = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

    (void)state;
    load(&a, "lan", NULL);
    ident_done(&a);
    assert_int_equal(save_read(in_home("key.pem"), 4096, &was, &e), 0);
    put(in_home("key.pem"), bad);
    assert_int_equal(refused("lan", NULL, NULL, "key.pem"), -ERR_USAGE);
    assert_int_equal(save_read(in_home("key.pem"), 4096, &now, &e), 0);
    assert_string_equal(now.data, bad); /* not overwritten */
    put(in_home("key.pem"), "");
    assert_int_equal(refused("lan", NULL, NULL, "key.pem"), -ERR_USAGE);
    put(in_home("key.pem"), was.data);
    load(&a, "lan", NULL);
    ident_done(&a);
    buf_free(&was);
    buf_free(&now);
}

static void test_boot(void **state)
{
    static const char *const lost[] = {"", "x\n", "-1\n", "0\n", "4294967296\n"};
    struct ident id;
    uint32_t last;

    (void)state;
    put(in_home("boot"), "41\n");
    load(&id, "lan", NULL);
    assert_int_equal(id.inc, 42);
    last = id.inc;
    ident_done(&id);
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
        put(in_home("boot"), lost[i]);
        load(&id, "lan", NULL);
        assert_true(id.inc > last); /* it rises even so */
        ident_done(&id);
    }
    assert_int_equal(unlink(in_home("boot")), 0);
    load(&id, "lan", NULL);
    assert_true(id.inc > last);
    ident_done(&id);
    put(in_home("boot"), "4294967295\n");
    refused("lan", NULL, NULL, "boot");
    put(in_home("boot"), "1\n");
}

static void test_private(void **state)
{
    char file[96], other[96];
    struct ident a, b, c;
    struct err e;
    struct buf text = {0};

    (void)state;
    snprintf(file, sizeof file, "%s/pass", top);
    snprintf(other, sizeof other, "%s/pass2", top);
    put(file, "correct horse battery\nsecond line\n");
    put(other, "correct horse batterx");
    assert_int_equal(refused("home", NULL, NULL, "passphrase"), -ERR_USAGE);

    load(&a, "home", file);
    assert_false(a.open);
    assert_int_equal(mode_of(in_home("networks")), 0700);
    assert_int_equal(mode_of(in_home("networks/home.key")), 0600);
    assert_int_equal(save_read(in_home("networks/home.key"), 4096, &text, &e), 0);
    assert_null(strstr(text.data, "correct"));

    load(&b, "home", NULL); /* from the stored key */
    assert_memory_equal(a.net.group, b.net.group, 32);
    assert_string_not_equal(a.net.server_name, "");
    ident_done(&b);

    load(&b, "home", other); /* changed: replaced */
    assert_memory_not_equal(a.net.group, b.net.group, 32);
    load(&c, "home", NULL);
    assert_memory_equal(b.net.group, c.net.group, 32);
    ident_done(&b);
    ident_done(&c);

    put(in_home("networks/home.key"), "00ff\n");
    assert_int_equal(refused("home", NULL, NULL, "damaged"), -ERR_USAGE);
    ident_done(&a);
    buf_free(&text);
}

static void test_passphrase(void **state)
{
    char file[96], missing[96];

    (void)state;
    snprintf(file, sizeof file, "%s/short", top);
    snprintf(missing, sizeof missing, "%s/missing", top);
    put(file, "elevenchars\n"
              "and a long second line that does not count\n");
    assert_int_equal(refused("home", file, NULL, "too short"), -ERR_USAGE);
    put(file,
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\n"); /* six characters, twelve bytes */
    assert_int_equal(refused("home", file, NULL, "too short"), -ERR_USAGE);
    put(file, "");
    assert_int_equal(refused("home", file, NULL, "too short"), -ERR_USAGE);
    assert_int_equal(refused("home", missing, NULL, "missing"), -ERR_USAGE);
}

static void test_names(void **state)
{
    static const char *const bad[] = {"",        ".",    "..",        "a/b", "../x",
                                      ".hidden", "a\nb", "a\x1b[31m", "\xff"};
    char longest[PEER_NAME_MAX + 2];
    struct ident id;
    struct err e;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(refused(bad[i], NULL, NULL, "network's name"), -ERR_USAGE);
    assert_int_equal(refused("lan", NULL, "a\nb", "name"), -ERR_USAGE);
    assert_int_equal(refused("lan", NULL, "", "name"), -ERR_USAGE);
    memset(longest, 'x', sizeof longest);
    longest[PEER_NAME_MAX + 1] = '\0';
    assert_int_equal(refused("lan", NULL, longest, "name"), -ERR_USAGE);
    longest[PEER_NAME_MAX] = '\0';
    assert_int_equal(ident_load(&id, home, "lan", NULL, longest, &e), 0);
    assert_string_equal(id.name, longest);
    ident_done(&id);
    assert_int_equal(ident_load(&id, home, "lan", NULL, NULL, &e), 0);
    assert_true(strlen(id.name) >= 1 && strlen(id.name) <= PEER_NAME_MAX);
    assert_null(strchr(id.name, '.'));
    ident_done(&id);
}

static void test_home(void **state)
{
    struct ident id;
    struct err e;

    (void)state;
    load(&id, "lan", NULL);
    ident_done(&id);
    assert_int_equal(chmod(home, 0755), 0);
    load(&id, "lan", NULL);
    ident_done(&id);
    assert_int_equal(mode_of(home), 0700); /* mended */
    assert_int_equal(ident_load(&id, in_home("key.pem"), "lan", NULL, NULL, &e), -ERR_USAGE);
    if (geteuid() == 0) {
        assert_int_equal(chown(home, 65534, 65534), 0);
        assert_int_equal(refused("lan", NULL, NULL, "another user"), -ERR_USAGE);
        assert_int_equal(chown(home, 0, 0), 0);
    }
}

static void test_lock(void **state)
{
    struct err e = {0};
    char pid[32];
    int fd, second, status = -1;
    pid_t child;

    (void)state;
    assert_int_equal(ident_lock(home, &fd, &e), 0);
    assert_true(fd >= 0);
    snprintf(pid, sizeof pid, "(pid %ld)", (long)getpid());
    child = fork();
    if (child == 0) {
        struct err mine = {0};
        int rc = ident_lock(home, &second, &mine);

        _exit(rc == -ERR_USAGE && second == -1 && strstr(mine.text, "already runs on") &&
                      strstr(mine.text, pid)
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(fd);
    assert_int_equal(ident_lock(home, &fd, &e), 0); /* free again, whatever the file says */
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fresh),       cmocka_unit_test(test_other_key),
        cmocka_unit_test(test_damaged_key), cmocka_unit_test(test_boot),
        cmocka_unit_test(test_private),     cmocka_unit_test(test_passphrase),
        cmocka_unit_test(test_names),       cmocka_unit_test(test_home),
        cmocka_unit_test(test_lock),
    };

    return cmocka_run_group_tests(tests, up, down);
}
