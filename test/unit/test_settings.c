/* svc/settings and io/dirs: who wins, which folders are refused, and what a saved file looks like.
 */
#include "base/mem.h"
#include "io/dirs.h"
#include "io/save.h"
#include "svc/settings.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A home of our own: $HOME, and its .iwant. */
static char top[64], home[80];

static const char *in(const char *name)
{
    static char path[8][200];
    static unsigned turn;
    char *p = path[turn++ % 8];

    snprintf(p, sizeof path[0], "%s/%s", top, name);
    return p;
}

static void make(const char *name)
{
    struct err e;

    assert_int_equal(dirs_make(in(name), &e), 0);
}

static int setup(void **state)
{
    char cmd[100];

    (void)state;
    snprintf(top, sizeof top, "%s", "/tmp/iwant-test-XXXXXX");
    if (!mkdtemp(top))
        return -1;
    snprintf(home, sizeof home, "%s/.iwant", top);
    setenv("HOME", top, 1);
    unsetenv("XDG_PUBLICSHARE_DIR");
    unsetenv("XDG_DOWNLOAD_DIR");
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("IWANT_HOME");
    for (int i = 0; i < CONF_COUNT; i++)
        unsetenv(conf_row((enum conf_key)i)->env);
    snprintf(cmd, sizeof cmd, "%s/.ssh", top);
    return mkdir(home, 0700) || mkdir(cmd, 0700);
}

static int teardown(void **state)
{
    char cmd[100];

    (void)state;
    snprintf(cmd, sizeof cmd, "rm -rf %s", top);
    return system(cmd);
}

static void write_conf(const char *text)
{
    char *path = settings_path(home, SETTINGS_FILE);
    struct err e;

    assert_int_equal(save_write(path, text, strlen(text), 0600, &e), 0);
    mem_free(path);
}

static void file_then_environment(void **state)
{
    struct conf c;
    struct err e = {0};

    (void)state;
    write_conf("[Network]\nport = 1\nname = x\n[Paths]\nshare = ~/a\n");
    setenv("IWANT_PORT", "2", 1);
    setenv("IWANT_NAME", "", 1); /* as if it was not set */
    assert_int_equal(settings_load(&c, home, &e), 0);
    assert_int_equal(conf_number(&c, CONF_PORT), 2);
    assert_int_equal(c.source[CONF_PORT], CONF_ENV);
    assert_string_equal(conf_text(&c, CONF_NAME), "x");
    assert_int_equal(settings_fill(&c, &e), 0);
    assert_string_equal(conf_text(&c, CONF_SHARE), in("a"));
    assert_string_equal(conf_text(&c, CONF_DOWNLOAD), in("Downloads"));
    assert_int_equal(c.source[CONF_DOWNLOAD], CONF_DEFAULT);
    conf_done(&c);
    setenv("IWANT_PORT", "no", 1);
    assert_int_equal(settings_load(&c, home, &e), -ERR_USAGE);
    assert_non_null(strstr(e.text, "IWANT_PORT"));
    conf_done(&c);
    unsetenv("IWANT_PORT");
    write_conf("[Network]\nprot = 1\n");
    assert_int_equal(settings_load(&c, home, &e), -ERR_USAGE);
    assert_non_null(strstr(e.text, ".iwant.conf line 2"));
    conf_done(&c);
    write_conf("");
}

static void desktop_names_folders(void **state)
{
    static const char text[] =
        "# made by xdg-user-dirs\nXDG_DOWNLOAD_DIR=\"$HOME/Hämtningar\"\n"
        "XDG_PUBLICSHARE_DIR=\"/srv/pub/\"\nXDG_BAD_DIR=\"relative\"\nXDG_NONE_DIR=\"$HOME/\"";
    char *s;

    (void)state;
    s = dirs_from_text(text, "XDG_DOWNLOAD_DIR", "/home/eva");
    assert_string_equal(s, "/home/eva/Hämtningar");
    mem_free(s);
    s = dirs_from_text(text, "XDG_PUBLICSHARE_DIR", "/home/eva");
    assert_string_equal(s, "/srv/pub");
    mem_free(s);
    s = dirs_from_text(text, "XDG_NONE_DIR", "/home/eva");
    assert_string_equal(s, "/home/eva");
    mem_free(s);
    assert_null(dirs_from_text(text, "XDG_BAD_DIR", "/home/eva"));
    assert_null(dirs_from_text(text, "XDG_MUSIC_DIR", "/home/eva"));
    assert_null(dirs_from_text("", "XDG_MUSIC_DIR", "/home/eva"));
}

static int check(const char *share, const char *download, struct err *e)
{
    struct conf c;
    int rc;

    conf_init(&c);
    assert_int_equal(conf_set(&c, CONF_SHARE, share, CONF_FLAG, e), 0);
    assert_int_equal(conf_set(&c, CONF_DOWNLOAD, download, CONF_FLAG, e), 0);
    rc = settings_check(&c, home, false, e);
    conf_done(&c);
    return rc;
}

static void assert_refused(const char *share, const char *download, const char *reason)
{
    struct err e = {0};

    assert_int_equal(check(share, download, &e), -ERR_USAGE);
    assert_int_equal(e.code, ERR_USAGE);
    if (!strstr(e.text, reason))
        fail_msg("'%s' does not say '%s'", e.text, reason);
}

static void folders_lie_apart(void **state)
{
    struct err e = {0};

    (void)state;
    make("pub/deep");
    make("down/deep");
    assert_int_equal(symlink(in("pub"), in("link")), 0);
    assert_int_equal(check(in("pub"), in("down"), &e), 0);
    assert_refused(in("pub"), in("pub"), "as well");
    assert_refused(in("pub"), in("link"), "as well");
    assert_refused(in("pub"), in("pub/deep"), "lies inside it");
    assert_refused(in("down/deep"), in("down"), "inside the download folder");
    assert_refused(in("link/deep"), in("pub"), "inside the download folder");
    assert_refused(in("nothing"), in("down"), "nothing");
    assert_int_equal(close(open(in("file"), O_CREAT | O_WRONLY, 0600)), 0);
    assert_refused(in("file"), in("down"), "file");
}

static void dangerous_folders_are_refused(void **state)
{
    static const char *const system_dirs[] = {"/etc",  "/proc", "/sys", "/dev",
                                              "/boot", "/usr",  "/var", "/run"};

    (void)state;
    make("down");
    make(".iwant/inside");
    assert_int_equal(symlink(top, in("me")), 0);
    assert_refused(top, in("down"), "");
    assert_refused(in("me"), in("down"), "");
    assert_refused("/", in("down"), "");
    assert_refused("/tmp", in("down"), "");
    assert_refused(in(".ssh"), in("down"), "keys or settings");
    assert_refused(home, in("down"), "iwant's own");
    assert_refused(in(".iwant/inside"), in("down"), "iwant's own");
    for (size_t i = 0; i < sizeof system_dirs / sizeof *system_dirs; i++)
        if (!access(system_dirs[i], F_OK)) {
            assert_refused(system_dirs[i], in("down"), "system");
            assert_refused(in("pub"), system_dirs[i], "system");
        }
    make(".hidden");
    assert_refused(in("pub"), in(".hidden"), "hidden");
}

static void system_subfolders_are_allowed(void **state)
{
    struct err e = {0};

    (void)state;
    assert_int_equal(check("/usr/share", in("down"), &e), 0);
}

static void defaults_are_made(void **state)
{
    struct conf c;
    struct err e = {0};

    (void)state;
    assert_int_equal(settings_load(&c, home, &e), 0);
    assert_int_equal(settings_fill(&c, &e), 0);
    assert_int_equal(settings_check(&c, home, false, &e), -ERR_USAGE);
    assert_int_equal(settings_check(&c, home, true, &e), 0);
    assert_int_equal(access(in("Public"), R_OK), 0);
    conf_done(&c);
}

static void one_folder_is_changed_for_good(void **state)
{
    char *file = settings_path(home, SETTINGS_FILE), *canonical;
    struct settings_shared is;
    struct buf text = {0};
    struct conf c;
    struct err e = {0};
    struct stat st;

    (void)state;
    write_conf("# mine\n[Network]\nport = 9\n");
    assert_int_equal(settings_load(&c, home, &e), 0);
    assert_int_equal(settings_fill(&c, &e), 0);
    assert_int_equal(settings_share(&c, home, SETTINGS_ONLY, in("link"), &is, &e), 0);
    assert_string_equal(is.folder, in("pub"));
    assert_int_equal(settings_save_shared(file, &is, &e), 0);
    settings_put(&c, CONF_SHARE, is.share);
    assert_string_equal(conf_text(&c, CONF_SHARE), in("pub"));
    settings_shared_done(&is);
    assert_int_equal(settings_check_download(&c, home, in("pub/deep"), &canonical, &e), -ERR_USAGE);
    assert_null(canonical);
    conf_done(&c);
    assert_int_equal(save_read(file, 4096, &text, &e), 0);
    assert_non_null(
        strstr(text.data, "# mine\n[Network]\nport = 9\n\n[Paths]\nshare = /tmp/iwant-test-"));
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(settings_save(file, CONF_SHARE, "/a\nb", &e), -ERR_USAGE);
    buf_free(&text);
    mem_free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_then_environment),
        cmocka_unit_test(desktop_names_folders),
        cmocka_unit_test(folders_lie_apart),
        cmocka_unit_test(dangerous_folders_are_refused),
        cmocka_unit_test(system_subfolders_are_allowed),
        cmocka_unit_test(defaults_are_made),
        cmocka_unit_test(one_folder_is_changed_for_good),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
