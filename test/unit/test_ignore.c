/* core/ignore: gitignore(5)'s rules, one by one; and git itself asked about trees and lists made at
 * random. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"
#include "core/ignore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Is path ignored by a list at the top? A '/' at its end: a folder. Its folders are taken as not
 * ignored. */
static bool by(const char *list, const char *path)
{
    struct ignore *g = ignore_new();
    char *p = mem_str(path), *slash;
    size_t len = strlen(p);
    bool folder = p[len - 1] == '/', yes;

    if (folder)
        p[len - 1] = '\0';
    slash = strrchr(p, '/');
    if (slash)
        *slash = '\0';
    ignore_put(g, "", list, strlen(list));
    yes = ignore_has(g, slash ? p : "", slash ? slash + 1 : p, folder);
    mem_free(p);
    ignore_free(g);
    return yes;
}

static void one_pattern(void **state)
{
    (void)state;
    assert_true(by("*.o", "main.o") && by("*.o", "a/b/main.o") && !by("*.o", "main.oo"));
    assert_true(by("foo", "foo") && by("foo", "x/foo/") && !by("foo", "xfoo") && !by("foo", "fo"));
    assert_true(by("foo/", "foo/") && by("foo/", "x/foo/") && !by("foo/", "foo"));
    assert_true(by("/foo", "foo") && !by("/foo", "x/foo"));
    assert_true(by("a/foo", "a/foo") && !by("a/foo", "x/a/foo") && by("/a/foo", "a/foo"));
    assert_true(by("**/foo", "foo") && by("**/foo", "a/b/foo") && !by("**/foo", "a/xfoo"));
    assert_true(by("a/**", "a/x") && by("a/**", "a/x/y") && !by("a/**", "a/"));
    assert_true(by("a/**/b", "a/b") && by("a/**/b", "a/x/y/b") && !by("a/**/b", "ab"));
    assert_true(by("a/*/b", "a/x/b") && !by("a/*/b", "a/x/y/b") && !by("a/*/b", "a/b"));
    assert_true(by("a/x*y", "a/xy") && by("a/x*y", "a/x-y") && !by("a/x*y", "a/x/y"));
    assert_true(by("a/x**y", "a/x-y") && !by("a/x**y", "a/x/y"));
    assert_true(by("?", "a") && !by("?", "ab") && !by("a?b", "a/b"));
    assert_true(by("*a*b*c*", "xxaxxbxxcxx") && !by("*a*b*c*", "xxaxxcxxbxx"));
}

static void a_set(void **state)
{
    (void)state;
    assert_true(by("[a-c]", "b") && !by("[a-c]", "d") && by("[!a-c]", "d") && by("[^a-c]", "d"));
    assert_true(by("[]a]", "]") && by("[a-]", "-") && by("[\\]]", "]") && by("[a\\-c]", "-"));
    assert_false(by("[a\\-c]", "b"));
    assert_true(by("[[:digit:]]", "7") && !by("[[:digit:]]", "x") && !by("[[:nothing:]]", "x"));
    assert_false(by("[abc", "a")); /* no end: fits nothing, not even itself */
    assert_false(by("[abc", "[abc"));
    assert_true(by("\xc3[\xa4\xb6]", "\xc3\xb6")); /* bytes, as git does */
    assert_false(by("a[.-0]b", "a/b"));            /* never a '/' */
}

static void a_line(void **state)
{
    (void)state;
    assert_false(by("# x", "# x"));
    assert_true(by("\\# x", "# x") && by("\\!x", "!x"));
    assert_true(by("x   ", "x") && by("x\\ ", "x ") && by("x y  ", "x y"));
    assert_true(by("x\r\ny\r\n", "x") && by("x\r\ny", "y"));
    assert_true(by("\xef\xbb\xbfx\n", "x"));
    assert_false(by("", "x") || by("\n\n", "x") || by("!", "x") || by("/", "x/") || by("//", "x/"));
    assert_false(by("x\\", "x") || by("x\\", "x\\"));
}

static void the_last_decides(void **state)
{
    struct ignore *g = ignore_new();

    (void)state;
    assert_true(by("*.o\n!keep.o", "a.o") && !by("*.o\n!keep.o", "keep.o"));
    assert_true(by("!keep.o\n*.o", "keep.o"));
    assert_true(ignore_put(g, "", "*.log\n/top", 10));
    assert_false(ignore_put(g, "", "*.log\n/top", 10)); /* nothing new */
    assert_true(ignore_put(g, "a/b", "!*.log\n/here", 12));
    assert_true(ignore_has(g, "", "x.log", false) && ignore_has(g, "a", "x.log", false));
    assert_false(ignore_has(g, "a/b", "x.log", false) || ignore_has(g, "a/b/c", "x.log", false));
    assert_true(ignore_has(g, "a/b", "here", false) && !ignore_has(g, "a/b/c", "here", false));
    assert_true(ignore_has(g, "", "top", true) && !ignore_has(g, "a/b", "top", true));
    ignore_drop(g, "a");
    assert_true(ignore_has(g, "a/b", "x.log", false));
    assert_true(ignore_put_all(g, "a"));
    assert_true(ignore_has(g, "a", "anything", true) && ignore_has(g, "a/b", "x", false));
    assert_false(ignore_has(g, "ab", "anything", true));
    assert_true(ignore_put(g, "a", "", 0)); /* none any more */
    assert_false(ignore_put(g, "a", "# nothing\n", 10));
    assert_false(ignore_has(g, "a", "anything", true));
    ignore_drop(g, "");
    assert_false(ignore_has(g, "", "top", true));
    ignore_free(g);
}

/* What would keep a backtracking matcher busy for ever. */
static void many_stars(void **state)
{
    struct buf list = {0}, name = {0};

    (void)state;
    for (int i = 0; i < 100; i++)
        buf_str(&list, "a*");
    buf_str(&list, "b\n");
    for (int i = 0; i < 40; i++)
        buf_str(&list, "**/a*/");
    buf_str(&list, "b");
    for (int i = 0; i < 250; i++)
        buf_char(&name, 'a');
    assert_false(by(buf_cstr(&list), buf_cstr(&name)));
    buf_free(&list);
    buf_free(&name);
}

/* ---- against git ---- */

static char top[] = "/tmp/test_ignore.XXXXXX";

static const char *const names[] = {"a", "b", "ab", "ba", "a b", "c.o", "-", "!a", "#a", "aXb"};
#define NAMES (sizeof names / sizeof *names)

static void make_tree(const char *at, int depth)
{
    char path[200];

    for (size_t i = 0; i < NAMES; i++) {
        snprintf(path, sizeof path, "%s/%s", at, names[i]);
        if (depth < 2 && i < 4) {
            assert_int_equal(mkdir(path, 0700), 0);
            make_tree(path, depth + 1);
        } else {
            FILE *f = fopen(path, "w");

            assert_non_null(f);
            fclose(f);
        }
    }
}

/* "a**" + "/": gitignore(5) says two ordinary stars; git itself, since it cuts the "a" off first,
 * takes them for any number of folders. */
static bool is_odd(const char *line)
{
    const char *stars = strstr(line, "**");

    return stars && stars > line && stars[-1] != '/' && strchr(stars, '/');
}

static void random_line(struct rng *r, struct buf *out)
{
    static const char *const bits[] = {"a",  "b", "a",   "b",   "*",    "*",    "?",
                                       "/",  "/", "**/", "/**", "[ab]", "[!a]", "[a-c]",
                                       ".o", "X", " ",   "-",   "\\a"};

    do {
        buf_reset(out);
        for (uint64_t n = 1 + rng_below(r, 4); n-- > 0;)
            buf_str(out, bits[rng_below(r, sizeof bits / sizeof *bits)]);
        if (!rng_below(r, 4))
            buf_char(out, '/');
    } while (is_odd(buf_cstr(out)));
}

static void random_list(struct rng *r, struct buf *out)
{
    struct buf line = {0};

    for (uint64_t lines = 1 + rng_below(r, 4); lines-- > 0;) {
        random_line(r, &line);
        buf_printf(out, "%s%s\n", rng_below(r, 4) ? "" : "!", buf_cstr(&line));
    }
    buf_free(&line);
}

static void put_list(struct ignore *g, const char *folder, const struct buf *list)
{
    char path[200];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s%s.gitignore", top, folder, *folder ? "/" : "");
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(buf_cstr(list), f);
    fclose(f);
    ignore_put(g, folder, list->data, list->len);
}

static void walk(const struct ignore *g, const char *at, int depth, struct buf *out)
{
    for (size_t i = 0; i < NAMES; i++) {
        bool folder = depth < 2 && i < 4;
        char path[200];

        snprintf(path, sizeof path, "%s%s%s", at, *at ? "/" : "", names[i]);
        if (ignore_has(g, at, names[i], folder))
            continue;
        if (folder)
            walk(g, path, depth + 1, out);
        else
            buf_printf(out, "%s\n", path);
    }
}

static int by_line(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The same lines, in order of bytes. */
static void sorted(struct buf *b)
{
    char *lines[4096], *next = NULL, *text = mem_strn(b->data ? b->data : "", b->len);
    size_t count = 0;

    for (char *l = strtok_r(text, "\n", &next); l; l = strtok_r(NULL, "\n", &next)) {
        assert_true(count < sizeof lines / sizeof *lines);
        lines[count++] = l;
    }
    qsort(lines, count, sizeof *lines, by_line);
    buf_reset(b);
    for (size_t i = 0; i < count; i++)
        buf_printf(b, "%s\n", lines[i]);
    mem_free(text);
}

static void ask_git(struct buf *out)
{
    char cmd[300], line[300];
    FILE *p;

    snprintf(cmd, sizeof cmd,
             "cd %s && git -c core.quotePath=off ls-files -o --exclude-per-directory=.gitignore",
             top);
    p = popen(cmd, "r");
    assert_non_null(p);
    while (fgets(line, sizeof line, p))
        if (!strstr(line, ".gitignore"))
            buf_str(out, line);
    assert_int_equal(pclose(p), 0);
}

static void as_git_does(void **state)
{
    static const char *const folders[] = {"", "a", "b/a"};
    const char *seed = getenv("SEED");
    char cmd[200];

    (void)state;
    assert_non_null(mkdtemp(top));
    snprintf(cmd, sizeof cmd, "cd %s && git init -q . 2>/dev/null", top);
    if (system(cmd))
        skip(); /* no git */
    make_tree(top, 0);
    for (unsigned i = seed ? (unsigned)atoi(seed) : 0, end = seed ? i + 1 : 300; i < end; i++) {
        struct ignore *g = ignore_new();
        struct rng r;
        struct buf ours = {0}, gits = {0}, lists = {0};

        rng_seed(&r, i);
        for (size_t k = 0; k < sizeof folders / sizeof *folders; k++) {
            struct buf list = {0};

            if (k == 0 || rng_below(&r, 2))
                random_list(&r, &list);
            put_list(g, folders[k], &list);
            buf_printf(&lists, "in '%s':\n%s", folders[k], buf_cstr(&list));
            buf_free(&list);
        }
        walk(g, "", 0, &ours);
        ask_git(&gits);
        sorted(&ours);
        sorted(&gits);
        if (strcmp(buf_cstr(&ours), buf_cstr(&gits)) != 0)
            fail_msg("SEED=%u\n%sours:\n%sgit's:\n%s", i, buf_cstr(&lists), buf_cstr(&ours),
                     buf_cstr(&gits));
        ignore_free(g);
        buf_free(&ours);
        buf_free(&gits);
        buf_free(&lists);
    }
}

static int clean_up(void **state)
{
    char cmd[100];

    (void)state;
    snprintf(cmd, sizeof cmd, "rm -rf %s", top);
    return system(cmd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_pattern), cmocka_unit_test(a_set),
        cmocka_unit_test(a_line),      cmocka_unit_test(the_last_decides),
        cmocka_unit_test(many_stars),  cmocka_unit_test_teardown(as_git_does, clean_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
