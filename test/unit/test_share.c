/* svc/share: what lies in the folder is what is announced, whatever happened to it; nothing is read
 * twice for nothing. A real folder, real events. Each step waits for what must come, with a
 * deadline that only a hang can meet. */
#include "base/limits.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "core/content.h"
#include "svc/hash_file.h"
#include "svc/share.h"
#include "svc/shared_file.h"
#include "svc/store.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_S 30

static char top[] = "/tmp/test_share.XXXXXX", folder[64], db[64];
static struct share *share;
static struct store_reader *reader;
static atomic_uint_least64_t told; /* the newest number that share told of */
static struct err e;
static const char *below; /* of share_root_get */

/* ---- the folder ---- */

static void run(const char *fmt, ...)
{
    char cmd[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(cmd, sizeof cmd, fmt, ap);
    va_end(ap);
    if (system(cmd))
        fail_msg("failed: %s", cmd);
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void on_changed(void *ctx, uint64_t generation, uint64_t number)
{
    (void)ctx;
    (void)generation;
    atomic_store(&told, number);
}

static void start_as(const struct share_conf *conf)
{
    share = share_new(conf, NULL, &e);
    if (!share)
        fail_msg("%s", e.text);
    reader = store_reader_open(db, &e);
    assert_non_null(reader);
}

static void start(bool hidden)
{
    struct share_conf conf = {
        .db_path = db, .folder = folder, .hidden = hidden, .changed = on_changed};

    start_as(&conf);
}

static void start_with(const char *const *added, size_t count)
{
    struct share_conf conf = {.db_path = db,
                              .folder = folder,
                              .added = added,
                              .added_count = count,
                              .changed = on_changed};

    start_as(&conf);
}

static void stop(void)
{
    store_reader_close(reader);
    share_free(share);
    share = NULL;
    reader = NULL;
}

static int set_up(void **state)
{
    (void)state;
    memcpy(strchr(top, '.'), ".XXXXXX", 8);
    assert_non_null(mkdtemp(top));
    snprintf(folder, sizeof folder, "%s/in", top);
    snprintf(db, sizeof db, "%s/state/iwant.db", top);
    run("cd %s && mkdir in state", top);
    return chdir(folder);
}

static int tear_down(void **state)
{
    (void)state;
    if (share)
        stop();
    if (chdir("/"))
        return 1;
    run("chmod -R u+rwX '%s'; rm -rf '%s'", top, top);
    return 0;
}

/* ---- what is announced ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "d:|f:a|d:sub|f:sub/b": kind and path of every row, by path. */
static void announced(struct buf *out)
{
    char **paths = NULL;
    size_t count = 0, cap = 0;
    struct buf b = {0};
    struct rows_head head;
    struct row row;
    struct rd r;

    buf_reset(out);
    if (store_rows_since(reader, 0, 0, "", 1u << 20, &b, &e))
        fail_msg("%s", e.text);
    r = rd_over(b.data, b.len);
    assert_true(rows_get_head(&r, &head));
    while (rd_left(&r)) {
        struct buf line = {0};

        assert_true(rows_get(&r, &row));
        buf_add(&line, row.path, row.path_len);
        buf_char(&line, '\1');
        buf_char(&line, (char)row.kind);
        MEM_GROW(paths, count, cap);
        paths[count++] = buf_take(&line, NULL);
    }
    if (count)
        qsort(paths, count, sizeof *paths, by_text);
    for (size_t i = 0; i < count; i++) {
        char *mark = strchr(paths[i], '\1');

        *mark = '\0';
        buf_printf(out, "%s%c:%s", i ? "|" : "", mark[1], paths[i]);
        mem_free(paths[i]);
    }
    mem_free(paths);
    buf_free(&b);
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* Wait until exactly this is announced and nothing is in work. */
static void await_rows(const char *want, int line)
{
    time_t until = time(NULL) + DEADLINE_S;
    struct share_status st;
    struct buf got = {0};

    do {
        pause_ms(5);
        share_status(share, &st);
        announced(&got);
        if (time(NULL) > until)
            fail_msg("line %d: want %s, got %s (pending %d, trouble %s)", line, want,
                     buf_cstr(&got), (int)st.pending_files, st.trouble);
    } while (st.scanning || strcmp(want, buf_cstr(&got)));
    buf_free(&got);
}
#define await(want) await_rows(want, __LINE__)

/* Wait until path has the content text (NULL: is announced no more); gives the rest of it. */
static void await_text(const char *path, const char *text, int line)
{
    time_t until = time(NULL) + DEADLINE_S;
    struct store_content found = {0};
    struct hash hash;
    bool there;

    content_hash(&hash, text, strlen(text));
    do {
        pause_ms(5);
        there = false;
        for (unsigned nth = 0; !there && store_find(reader, &hash, nth, &found, &e) == 1; nth++) {
            there = !strcmp(found.path, path);
            mem_free(found.path);
        }
        if (time(NULL) > until)
            fail_msg("line %d: %s is not announced with '%s'", line, path, text);
    } while (!there);
}
#define await_content(path, text) await_text(path, text, __LINE__)

static uint64_t hashed(void)
{
    struct share_status st;

    share_status(share, &st);
    return st.hashed;
}

/* A status that satisfies a condition. */
#define await_status(st, condition)                                                                \
    do {                                                                                           \
        time_t until_ = time(NULL) + DEADLINE_S;                                                   \
        while (share_status(share, &(st)), !(condition)) {                                         \
            if (time(NULL) > until_)                                                               \
                fail_msg("line %d: never: %s", __LINE__, #condition);                              \
            pause_ms(5);                                                                           \
        }                                                                                          \
    } while (0)

/* A folder's manifest can be had, and the folder's hash is the one that hash_path computes. */
static bool manifest_is_right(const struct row *row)
{
    struct buf text = {0}, times = {0};
    char name[300], kind;
    struct hash hash, made;
    uint64_t size;
    bool right;

    snprintf(name, sizeof name, "%s/%.*s", folder, (int)row->path_len, row->path);
    if (hash_path(name, false, &hash, &kind, &size, &e))
        fail_msg("%s", e.text);
    assert_int_equal(kind, 'd');
    right = hash_eq(&hash, &row->hash) && store_manifest(reader, &hash, &text, &times, &e) == 1;
    if (right) {
        assert_int_equal(size, row->size);
        content_hash(&made, text.data, text.len);
        assert_true(hash_eq(&made, &hash));
    }
    buf_free(&text);
    buf_free(&times);
    return right;
}

/* Wait until every announced folder is what it is on disk: manifests come a moment after files. */
static void await_manifests(int line)
{
    time_t until = time(NULL) + DEADLINE_S;
    unsigned folders, wrong;

    do {
        struct buf rows = {0};
        struct rows_head head;
        struct row row;
        struct rd r;

        pause_ms(5);
        folders = wrong = 0;
        assert_int_equal(store_rows_since(reader, 0, 0, "", 1u << 20, &rows, &e), 0);
        r = rd_over(rows.data, rows.len);
        assert_true(rows_get_head(&r, &head));
        while (rd_left(&r)) {
            assert_true(rows_get(&r, &row));
            folders += row.kind == ROW_DIR;
            wrong += row.kind == ROW_DIR && !manifest_is_right(&row);
        }
        buf_free(&rows);
        if (time(NULL) > until)
            fail_msg("line %d: %u of %u folders are not what they are on disk", line, wrong,
                     folders);
    } while (wrong || !folders);
}
#define check_manifests() await_manifests(__LINE__)

/* ---- tests ---- */

static void what_is_there_is_announced(void **state)
{
    struct share_status st;

    (void)state;
    run("mkdir -p sub/deep empty; echo -n one >a; echo -n two >sub/b; echo -n three >sub/deep/c; "
        "chmod +x a");
    start(false);
    await("d:|x:a|d:empty|d:sub|f:sub/b|d:sub/deep|f:sub/deep/c");
    await_content("sub/deep/c", "three");
    check_manifests();
    await_status(st, !st.scanning && st.number == atomic_load(&told));
    assert_int_equal(st.files, 3);
    assert_int_equal(st.bytes, 11);
    assert_int_equal(st.hashed, 3);
    assert_int_equal(st.watches, 4);
    assert_int_equal(st.pending_files, 0);
    assert_string_equal(st.folder, folder);
    assert_string_equal(st.trouble, "");
}

static void changes_are_announced(void **state)
{
    (void)state;
    run("mkdir sub; echo -n one >a; echo -n two >sub/b");
    start(false);
    await("d:|f:a|d:sub|f:sub/b");
    write_file("sub/new", "new");
    await("d:|f:a|d:sub|f:sub/b|f:sub/new");
    write_file("a", "other");
    await_content("a", "other");
    assert_int_equal(chmod("a", 0755), 0);
    await("d:|x:a|d:sub|f:sub/b|f:sub/new");
    assert_int_equal(unlink("sub/b"), 0);
    await("d:|x:a|d:sub|f:sub/new");
    assert_int_equal(link("a", "z"), 0);
    await("d:|x:a|d:sub|f:sub/new|x:z");
    write_file("z", "through its other name"); /* of which nobody tells */
    await_content("a", "through its other name");
    run("mv sub/new a && rmdir sub"); /* one over another; a folder goes */
    await("d:|f:a|x:z");
    await_content("a", "new");
    run("rm a && mkdir a && echo -n in >a/b"); /* a folder in a file's place */
    await("d:|d:a|f:a/b|x:z");
    run("rm -r a && echo -n file >a");
    await("d:|f:a|x:z");
    check_manifests();
}

static void trees_come_and_go(void **state)
{
    (void)state;
    start(false);
    await("d:");
    run("mkdir -p ../t/x/y && echo -n 1 >../t/1 && echo -n 2 >../t/x/2 && echo -n 3 >../t/x/y/3");
    run("mv ../t ."); /* moved in */
    await("d:|d:t|f:t/1|d:t/x|f:t/x/2|d:t/x/y|f:t/x/y/3");
    run("mkdir -p p/q/r && echo -n 4 >p/q/r/4"); /* faster than watches can be set */
    await("d:|d:p|d:p/q|d:p/q/r|f:p/q/r/4|d:t|f:t/1|d:t/x|f:t/x/2|d:t/x/y|f:t/x/y/3");
    run("rm -r p; mv t/x ..");
    await("d:|d:t|f:t/1");
    check_manifests();
}

static void moved_files_are_not_read_again(void **state)
{
    uint64_t before;

    (void)state;
    run("mkdir -p s/t u; echo -n one >a; echo -n two >s/b; echo -n three >s/t/c");
    start(false);
    await("d:|f:a|d:s|f:s/b|d:s/t|f:s/t/c|d:u");
    before = hashed();
    run("mv a u/a2");
    await("d:|d:s|f:s/b|d:s/t|f:s/t/c|d:u|f:u/a2");
    run("mv s u/s");
    await("d:|d:u|f:u/a2|d:u/s|f:u/s/b|d:u/s/t|f:u/s/t/c");
    write_file("u/s/t/new", "seen under its new name");
    await("d:|d:u|f:u/a2|d:u/s|f:u/s/b|d:u/s/t|f:u/s/t/c|f:u/s/t/new");
    run("mv u/s ../s"); /* out, and in again */
    await("d:|d:u|f:u/a2");
    run("mv ../s s");
    await("d:|d:s|f:s/b|d:s/t|f:s/t/c|f:s/t/new|d:u|f:u/a2");
    assert_int_equal(hashed(), before + 1);
    await_content("u/a2", "one");
    check_manifests();
}

/* Same inode number, size and time as one that was removed, but not its content. */
static void a_reused_inode_is_read(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        char cmd[100];

        snprintf(cmd, sizeof cmd, "echo -n %02d >x; touch -d @1000 x", i);
        run("%s", cmd);
        if (!i) {
            start(false);
            await("d:|f:x");
        }
        snprintf(cmd, sizeof cmd, "%02d", i);
        await_content("x", cmd);
        assert_int_equal(unlink("x"), 0);
        await("d:");
    }
}

static void a_restart_reads_nothing(void **state)
{
    struct share_status st;
    uint64_t generation, number;

    (void)state;
    run("mkdir -p s/t; echo -n one >a; echo -n two >s/t/b");
    start(false);
    await("d:|f:a|d:s|d:s/t|f:s/t/b");
    await_status(st, st.number == atomic_load(&told));
    generation = st.generation;
    number = st.number;
    stop();
    start(false);
    await_status(st, !st.scanning && st.watches == 3 && !st.pending_files);
    await("d:|f:a|d:s|d:s/t|f:s/t/b");
    assert_int_equal(st.hashed, 0);
    assert_true(st.generation == generation);
    assert_int_equal(st.number, number);
    stop();
    run("echo -n new >s/t/b; rm a; echo -n c >s/c"); /* while nobody looks */
    start(false);
    await("d:|d:s|f:s/c|d:s/t|f:s/t/b");
    await_content("s/t/b", "new");
    assert_int_equal(hashed(), 2);
    check_manifests();
}

static void what_is_written_waits(void **state)
{
    struct share_status st;
    struct hash hash;
    struct store_content found;
    int fd;

    (void)state;
    start(false);
    await("d:");
    fd = open("w", O_WRONLY | O_CREAT, 0644);
    assert_int_equal(write(fd, "half", 4), 4);
    await_status(st, st.pending_files == 1);
    write_file("other", "x"); /* comes and is done; w is not */
    await("d:|f:other");
    assert_int_equal(write(fd, " whole", 6), 6);
    close(fd);
    await("d:|f:other|f:w");
    await_content("w", "half whole");
    content_hash(&hash, "half", 4);
    assert_int_equal(store_find(reader, &hash, 0, &found, &e), 0);
    fd = open("w",
              O_WRONLY | O_APPEND); /* what is written again is withdrawn when that is noticed */
    assert_int_equal(write(fd, "!", 1), 1);
    share_suspect(share, "w");
    await("d:|f:other");
    close(fd);
    await("d:|f:other|f:w");
    await_content("w", "half whole!");
}

/* A file that changes all the time while it is hashed; in the end, what is announced is what it is.
 */
static void a_change_while_hashing(void **state)
{
    static char block[1 << 20];
    struct hash hash;
    uint64_t size;
    char kind;
    bool there;
    time_t until = time(NULL) + DEADLINE_S;
    int fd = open("big", O_RDWR | O_CREAT, 0644);

    (void)state;
    for (int i = 0; i < 48; i++)
        assert_int_equal(write(fd, block, sizeof block), (int)sizeof block);
    close(fd);
    start(false);
    for (int i = 0; i < 10; i++) {
        fd = open("big", O_WRONLY);
        assert_int_equal(pwrite(fd, &i, sizeof i, i * 4000000), (int)sizeof i);
        close(fd);
        pause_ms(20); /* so that hashing meets it in the middle, now and then */
    }
    assert_int_equal(hash_path("big", false, &hash, &kind, &size, &e), 0);
    do {
        struct store_content found;

        pause_ms(5);
        there = store_find(reader, &hash, 0, &found, &e) == 1;
        if (there)
            mem_free(found.path);
        assert_true(time(NULL) < until);
    } while (!there);
    await("d:|f:big");
}

static void what_is_not_shared_is_counted(void **state)
{
    struct share_status st;

    (void)state;
    run("mkdir .git s; echo -n 1 >.git/x; echo -n 2 >.h; ln -s /etc/passwd l; ln -s / s/l; mkfifo "
        "f;"
        "echo -n 3 >a.part; echo -n 4 >b~; echo -n 5 >id_rsa; echo -n 6 >ok; echo -n 7 "
        ">'.x.iwant-part'");
    if (!geteuid())
        run("echo -n 8 >theirs && chown 65534 theirs");
    start(false);
    await("d:|f:ok|d:s");
    await_status(st, !st.scanning);
    assert_int_equal(st.skipped[SKIP_HIDDEN], 2);
    assert_int_equal(st.skipped[SKIP_LINK], 2);
    assert_int_equal(st.skipped[SKIP_SPECIAL], 1);
    assert_int_equal(st.skipped[SKIP_PARTIAL], 3);
    assert_int_equal(st.skipped[SKIP_SECRET], 1);
    assert_int_equal(st.skipped[SKIP_FOREIGN], geteuid() ? 0 : 1);
    run("rm s/l && mv .h h"); /* counted anew */
    await("d:|f:h|f:ok|d:s");
    await_status(st, st.skipped[SKIP_LINK] == 1 && st.skipped[SKIP_HIDDEN] == 1);
    run("mv ok .ok && ln -s h k");
    await("d:|f:h|d:s");
    await_status(st, st.skipped[SKIP_LINK] == 2 && st.skipped[SKIP_HIDDEN] == 2);
    stop();
    start(true);
    await("d:|d:.git|f:.git/x|f:.ok|f:h|d:s");
    share_status(share, &st);
    assert_int_equal(st.skipped[SKIP_HIDDEN], 0);
    assert_int_equal(st.skipped[SKIP_PARTIAL], 3);
}

static void what_is_ignored(void **state)
{
    struct share_status st;
    uint64_t read;

    (void)state;
    run("mkdir -p a/b out; echo -n 1 >x.o; echo -n 2 >x.c; echo -n 3 >a/y.o; echo -n 4 >a/b/z.o; "
        "echo -n 5 >out/p; printf '*.o\n/out/\n' >.iwantignore; printf '!z.o\n' >a/b/.iwantignore");
    start(false);
    await("d:|d:a|d:a/b|f:a/b/z.o|f:x.c");
    await_status(st, !st.scanning);
    assert_int_equal(st.skipped[SKIP_IGNORED], 3);
    run("echo -n 6 >new.o; echo -n 7 >new.c; mkdir -p a/out; echo -n 8 >a/out/q");
    await("d:|d:a|d:a/b|f:a/b/z.o|d:a/out|f:a/out/q|f:new.c|f:x.c");
    share_status(share, &st);
    read = st.hashed;
    run("printf '*.c\n' >.iwantignore"); /* another list: what was known is taken up unread */
    await("d:|d:a|d:a/b|f:a/b/z.o|d:a/out|f:a/out/q|f:a/y.o|f:new.o|d:out|f:out/p|f:x.o");
    await_status(st, !st.pending_files && st.skipped[SKIP_IGNORED] == 2);
    run("rm .iwantignore");
    await("d:|d:a|d:a/b|f:a/b/z.o|d:a/out|f:a/out/q|f:a/y.o|f:new.c|f:new.o|d:out|f:out/"
          "p|f:x.c|f:x.o");
    share_status(share, &st);
    assert_int_equal(st.hashed, read + 4); /* new.o, x.o, a/y.o, out/p: the first time */
    run("mv a/b/.iwantignore l; ln -s ../../l a/b/.iwantignore; touch a/b/t"); /* no list: a link */
    await("d:|d:a|d:a/b|d:a/out|f:a/out/q|f:a/y.o|f:l|f:new.c|f:new.o|d:out|f:out/p|f:x.c|f:x.o");
    run("mv a c; rm c/b/.iwantignore");
    await("d:|d:c|d:c/b|f:c/b/t|f:c/b/z.o|d:c/out|f:c/out/q|f:c/"
          "y.o|f:l|f:new.c|f:new.o|d:out|f:out/p|f:x.c|f:x.o");
}

static void another_folder(void **state)
{
    struct share_status st;
    const struct root *old, *now;
    struct root_stat seen;
    uint64_t generation;
    char other[80];
    int fd;

    (void)state;
    run("echo -n 1 >a; mkdir ../other; echo -n 2 >../other/b");
    start(false);
    await("d:|f:a");
    share_status(share, &st);
    generation = st.generation;
    assert_int_equal(share_set_folders(share, "/no/such", NULL, 0, &e), -ERR_USAGE);
    assert_int_equal(share_set_folders(share, "/", NULL, 0, &e), -ERR_USAGE);
    assert_int_equal(share_set_folders(share, "/etc", NULL, 0, &e), -ERR_USAGE);
    assert_int_equal(share_set_folders(share, top, NULL, 0, &e),
                     -ERR_USAGE); /* our state lies in it */
    assert_non_null(strstr(e.text, "not for others"));
    assert_true(e.hint[0]);
    await("d:|f:a");
    old = share_root_get(share, "", &below);
    snprintf(other, sizeof other, "%s/other", top);
    assert_int_equal(share_set_folders(share, other, NULL, 0, &e), 0);
    await("d:|f:b");
    share_status(share, &st);
    assert_false(st.generation == generation);
    assert_string_equal(st.folder, other);
    fd = root_read_fd(old, "a", &seen, &e); /* still to be used by who has it */
    assert_true(fd >= 0);
    close(fd);
    share_root_put(share, old);
    write_file("../other/c", "3");
    write_file("a2", "not watched any more");
    await("d:|f:b|f:c");
    assert_int_equal(share_set_folders(share, NULL, NULL, 0, &e), 0);
    await("");
    now = share_root_get(share, "", &below);
    assert_null(now);
    assert_int_equal(share_set_folders(share, folder, NULL, 0, &e), 0);
    await("d:|f:a|f:a2");
}

static void the_folder_goes_and_comes_back(void **state)
{
    struct share_status st;
    uint64_t before;

    (void)state;
    run("mkdir s; echo -n 1 >a; echo -n 2 >s/b");
    start(false);
    await("d:|f:a|d:s|f:s/b");
    before = hashed();
    run("mv ../in ../away");
    await("");
    await_status(st, st.trouble[0]);
    assert_null(share_root_get(share, "", &below));
    run("mv ../away ../in");
    await("d:|f:a|d:s|f:s/b");
    assert_int_equal(hashed(), before);
    await_status(st, !st.trouble[0]);
    write_file("a", "new");
    await_content("a", "new");
}

static const char *beside(const char *name)
{
    static char path[8][80];
    static unsigned n;
    char *out = path[n++ % 8];

    snprintf(out, sizeof *path, "%s/%s", top, name);
    return out;
}

/* Two folders of one name beside the first: each is told under a label of its own. What is added or
 * taken away leaves the others alone: nothing of theirs is read or numbered again. */
static void folders_beside_the_first(void **state)
{
    const char *both[] = {beside("x/more"), beside("y/more")};
    struct share_folder *of = mem_zero(SHARE_FOLDERS_MAX, sizeof *of);
    struct share_status st;
    uint64_t generation;
    int fd;
    struct store_content c;
    struct root_stat seen;
    struct hash hash;

    (void)state;
    run("mkdir s more ../x ../x/more ../y ../y/more; echo -n 1 >s/a; echo -n 2 >../x/more/b;"
        "echo -n 3 >../y/more/c; echo -n 0 >more/own");
    start(false);
    await("d:|d:more|f:more/own|d:s|f:s/a");
    share_status(share, &st);
    generation = st.generation;
    assert_int_equal(share_set_folders(share, folder, both, 2, &e), 0);
    await("d:|d:more|d:more (2)|f:more (2)/b|d:more (3)|f:more (3)/c|f:more/own|d:s|f:s/a");
    share_status(share, &st);
    assert_true(st.generation == generation);
    assert_int_equal(hashed(), 4);
    assert_int_equal(share_folders(share, of, SHARE_FOLDERS_MAX), 3);
    assert_string_equal(of[0].name, "");
    assert_string_equal(of[1].name, "more (2)");
    assert_string_equal(of[2].path, both[1]);
    assert_true(of[2].here);
    mem_free(of);
    content_hash(&hash, "3", 1);
    assert_int_equal(store_find(reader, &hash, 0, &c, &e), 1);
    assert_true(shared_open_at(share, &c, &fd, &seen));
    close(fd);
    mem_free(c.path);
    write_file("../y/more/new", "new");
    await_content("more (3)/new", "new");
    run("mkdir 'more (3)'; echo -n own >'more (3)/own'"); /* the name is taken */
    await_status(st, st.skipped[SKIP_TAKEN] == 1);
    run("mv ../y/more/new ../x/more/new; mv ../x/more/b s/b"); /* nothing is read */
    await("d:|d:more|d:more (2)|f:more (2)/new|d:more (3)|f:more (3)/c|f:more/own|d:s|f:s/a|f:s/b");
    assert_int_equal(hashed(), 5);
    stop();
    start_with(both + 1, 1); /* while nobody ran it was taken out of the settings */
    await("d:|d:more|d:more (3)|f:more (3)/c|f:more/own|d:s|f:s/a|f:s/b");
    assert_int_equal(hashed(), 0);
    assert_int_equal(share_set_folders(share, NULL, both + 1, 1, &e),
                     0); /* the first one no more */
    await("d:more (3)|f:more (3)/c");
    assert_int_equal(hashed(), 0);
    assert_int_equal(share_set_folders(share, NULL, NULL, 0, &e), 0);
    await("");
}

/* A disk is taken out and comes back: its rows go and come, nothing is read. The other folders do
 * not notice; it may be away at a start. */
static void a_disk_is_taken_out(void **state)
{
    const char *disk[] = {beside("disk")}, *no[] = {beside("nothing")};
    struct share_folder *of = mem_zero(SHARE_FOLDERS_MAX, sizeof *of);
    struct share_status st;

    (void)state;
    run("mkdir ../disk ../disk/deep; echo -n 1 >a; echo -n 2 >../disk/deep/b; echo -n 3 "
        ">../disk/c");
    start_with(disk, 1);
    await("d:|f:a|d:disk|f:disk/c|d:disk/deep|f:disk/deep/b");
    run("mv ../disk ../out");
    await("d:|f:a");
    await_status(st, strstr(st.trouble, "is gone"));
    write_file("b", "the others go on");
    await("d:|f:a|f:b");
    assert_int_equal(share_set_folders(share, folder, no, 1, &e), -ERR_USAGE);
    assert_int_equal(share_set_folders(share, folder, disk, 1, &e), 0); /* away, but shared */
    stop();
    start_with(disk, 1);
    await("d:|f:a|f:b");
    assert_int_equal(share_folders(share, of, SHARE_FOLDERS_MAX), 2);
    assert_false(of[1].here);
    mem_free(of);
    run("echo -n 4 >../out/new; rm ../out/c; mv ../out ../disk");
    await("d:|f:a|f:b|d:disk|d:disk/deep|f:disk/deep/b|f:disk/new");
    assert_int_equal(hashed(), 1);
    await_status(st, !st.trouble[0]);
    run("mv ../disk ../out"); /* the first one goes and the second stays away */
    await("d:|f:a|f:b");
    run("mv ../in ../in2");
    await("");
    run("mkdir ../disk ../in"); /* what they were mounted on is left, and empty */
    pause_ms(2500);
    await("");
    await_status(st, strstr(st.trouble, "2 shared folders are gone"));
    run("rmdir ../disk ../in; mv ../out ../disk");
    await("d:disk|d:disk/deep|f:disk/deep/b|f:disk/new");
    run("mv ../in2 ../in");
    await("d:|f:a|f:b|d:disk|d:disk/deep|f:disk/deep/b|f:disk/new");
    assert_int_equal(hashed(), 1);
}

/* A file that is written under another name, outside: nothing tells of it, as on a network file
 * system. */
static void what_nobody_tells_is_found(void **state)
{
    struct share_conf conf = {
        .db_path = db, .folder = folder, .sweep = true, .changed = on_changed};
    struct share_status st;

    (void)state;
    run("mkdir s; echo -n old >s/a; echo -n x >b; ln s/a ../outside");
    start_as(&conf);
    await("d:|f:b|d:s|f:s/a");
    await_status(st, st.swept == 2);
    assert_false(st.watch_limit);
    write_file("../outside", "new");
    await_content("s/a", "new");
    run("rm -r s");
    await("d:|f:b");
    await_status(st, st.swept == 1);
    assert_int_equal(hashed(), 3);
}

/* What is asked for while a folder's names are looked at is looked at as well: here the other names
 * of what was replaced, whose content was changed outside. */
static void a_look_leads_to_another(void **state)
{
    (void)state;
    run("echo -n old >a; ln a b; ln a ../outside");
    start(false);
    await("d:|f:a|f:b");
    write_file("../outside", "new"); /* nobody tells of that */
    write_file("../other", "other");
    assert_int_equal(rename("../other", "a"), 0);
    await_content("a", "other");
    await_content("b", "new");
}

/* A file is written to under another name that it has, where nothing is watched. */
static void a_name_outside_is_written_to(void **state)
{
    struct share_status st;

    (void)state;
    run("mkdir s t .h; echo -n old >s/a; echo -n x >t/b; ln s/a .h/a");
    start(false);
    await("d:|d:s|f:s/a|d:t|f:t/b");
    await_status(st, st.swept == 1 && !st.watch_limit);
    write_file(".h/a", "new");
    await_content("s/a", "new");
    run("ln t/b .h/b"); /* a name in .h is not told of, a change of t is */
    write_file("t/b", "more");
    await_status(st, st.swept == 2);
    write_file(".h/b", "at last");
    await_content("t/b", "at last");
    run("rm -r .h");
    await_status(st, !st.swept);
    await("d:|d:s|f:s/a|d:t|f:t/b");
}

/* A change costs the manifests above it, whatever else there is. */
static void manifests_above_a_change(void **state)
{
    struct share_status st;
    uint64_t before;

    (void)state;
    run("for i in 0 1 2 3 4 5 6 7; do mkdir -p d$i/e/f; echo -n $i >d$i/e/f/a; done");
    start(false);
    await_status(st, st.files == 8 && st.manifests == 8 * 3 + 1 && !st.scanning);
    write_file("d3/e/f/a", "another");
    await_content("d3/e/f/a", "another");
    await_status(st, st.manifests == 8 * 3 + 1 + 4);
    before = hashed();
    run("mv d5/e/f d5/e/g"); /* its own, though of another name, and those above */
    await_content("d5/e/g/a", "5");
    await_status(st, st.manifests == 8 * 3 + 1 + 4 + 4);
    pause_ms(600);
    await_status(st, st.manifests == 8 * 3 + 1 + 4 + 4);
    assert_int_equal(hashed(), before);
}

static void a_damaged_index_is_made_anew(void **state)
{
    struct share_status st;
    FILE *f;

    (void)state;
    for (int i = 0; i < 40; i++) {
        char name[32];

        snprintf(name, sizeof name, "file number %d", i);
        write_file(name, name);
    }
    start(false);
    await_content("file number 39", "file number 39");
    await_status(st, !st.scanning && st.files == 40);
    stop();
    start(false); /* so that all of it is in the database itself */
    f = fopen(db, "r+");
    assert_non_null(f);
    fseek(f, 4096, SEEK_SET);
    for (int i = 0; i < 4096 * 20; i++)
        fputc(0xee, f);
    fclose(f);
    run("rm 'file number 1'; echo -n new >new");
    await_status(st, strstr(st.trouble, "made anew") && st.files == 40 && !st.scanning);
    await_content("new", "new");
    write_file("newer", "newer");
    await_content("newer", "newer");
}

/* Some change somewhere among few names, so that they meet; most fail, which is fine. */
static void anything(struct rng *rng)
{
    static const char *const names[] = {"a",   "b",     "c",     "a/a",   "a/b",    "b/a",
                                        "b/c", "a/b/c", "a/b/a", "b/c/a", "c/a/b/a"};
    const char *name = names[rng_below(rng, sizeof names / sizeof *names)];
    const char *other = names[rng_below(rng, sizeof names / sizeof *names)];
    char text[32];
    int fd;

    switch (rng_below(rng, 8)) {
    case 0:
    case 1:
        mkdir(name, 0755);
        break;
    case 2:
    case 3:
        fd = open(name, O_WRONLY | O_CREAT, 0644);
        if (fd < 0)
            break;
        snprintf(text, sizeof text, "%u", (unsigned)rng_below(rng, 1000));
        (void)!write(fd, text, strlen(text));
        close(fd);
        break;
    case 4:
    case 5:
        (void)!rename(name, other);
        break;
    case 6:
        (void)!link(name, other);
        break;
    case 7:
        remove(name);
        break;
    }
}

/* However things happen, in the end what is announced is what is there. */
static void whatever_happens(void **state)
{
    struct rng rng;

    (void)state;
    rng_seed(&rng, 1);
    start(false);
    await("d:");
    for (int round = 0; round < 12; round++) {
        struct store_content found;
        time_t until = time(NULL) + DEADLINE_S;
        struct hash hash;
        uint64_t size;
        char kind;
        int got;

        for (int i = 0; i < 400; i++) {
            anything(&rng);
            if (!rng_below(&rng, 20))
                pause_ms((long)rng_below(&rng, 2 * 20));
        }
        assert_int_equal(hash_path(folder, false, &hash, &kind, &size, &e), 0);
        while (got = store_find(reader, &hash, 0, &found, &e), got != 1 || *found.path) {
            if (got == 1)
                mem_free(found.path);
            if (time(NULL) > until)
                fail_msg("round %d: what is announced is not what is there", round);
            pause_ms(5);
        }
        mem_free(found.path);
        check_manifests();
    }
}

/* No byte more may be written to the index than this many: as if the disk were full. */
static void limit_files(rlim_t bytes)
{
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){bytes, RLIM_INFINITY}), 0);
}

static void a_full_disk_is_told_and_outlived(void **state)
{
    struct share_status st;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    write_file("a", "a");
    start(false);
    await("d:|f:a");
    limit_files(64 << 10);
    for (int i = 0; i < 400; i++) {
        char name[200];

        snprintf(name, sizeof name, "%0150d", i); /* long, so that not many fit */
        write_file(name, name);
    }
    await_status(st, st.trouble[0]);
    assert_non_null(strstr(st.trouble, "cannot write the index"));
    limit_files(RLIM_INFINITY);
    await_status(st, !st.trouble[0] && st.files == 401 && !st.pending_files);
    check_manifests();
}

static void parts_are_announced(void **state)
{
    struct hash hash = {{7}};
    char hex[HASH_HEX_LEN + 1], want[100];

    (void)state;
    hash_hex(&hash, hex);
    start(false);
    await("d:");
    share_part(share, &hash, &hash, 1u << 20, true);
    snprintf(want, sizeof want, "d:|p:%s", hex);
    await(want);
    share_part(share, &hash, &hash, 1u << 20, false);
    await("d:");
}

static void many_files_in_one_folder(void **state)
{
    struct share_status st;

    (void)state;
    start(false);
    await("d:");
    run("mkdir t && cd t && seq 6000 | split -l 1 -a 4 -"); /* more names than are looked at one by
                                                               one */
    await_status(st, st.files == 6000);
    run("rm -r t");
    await("d:");
    await_status(st, !st.files && !st.pending_files && st.watches == 1);
}

static void hashes_without_a_service(void **state)
{
    struct hash hash, want;
    uint64_t size;
    char kind;

    (void)state;
    run("mkdir -p d/s; echo -n one >d/a; echo -n two >d/s/b; echo -n no >d/.h; ln -s a d/l; chmod "
        "+x d/s/b");
    assert_int_equal(hash_path("d/a", false, &hash, &kind, &size, &e), 0);
    content_hash(&want, "one", 3);
    assert_true(hash_eq(&hash, &want) && kind == 'f' && size == 3);
    assert_int_equal(hash_path("d/l", false, &hash, &kind, &size, &e), 0); /* what it leads to */
    assert_true(hash_eq(&hash, &want));
    assert_int_equal(hash_path("d", false, &hash, &kind, &size, &e), 0);
    assert_true(kind == 'd' && size == 6);
    run("cd d && inner=$(printf '%%s 3 x b\\n' $(printf two | sha256sum | cut -c-64) | sha256sum | "
        "cut -c-64) && "
        "printf '%%s 3 f a\\n%%s 3 d s\\n' $(printf one | sha256sum | cut -c-64) $inner | "
        "sha256sum | cut -c-64 >../want");
    {
        char hex[HASH_HEX_LEN + 2] = "";
        FILE *f = fopen("want", "r");

        assert_non_null(fgets(hex, sizeof hex, f));
        fclose(f);
        assert_true(hash_parse(&want, hex, HASH_HEX_LEN));
    }
    assert_true(hash_eq(&hash, &want));
    assert_int_equal(hash_path("nope", false, &hash, &kind, &size, &e), -ERR_NOT_FOUND);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(what_is_there_is_announced),
        T(changes_are_announced),
        T(trees_come_and_go),
        T(moved_files_are_not_read_again),
        T(a_reused_inode_is_read),
        T(a_restart_reads_nothing),
        T(what_is_written_waits),
        T(a_change_while_hashing),
        T(what_is_not_shared_is_counted),
        T(what_is_ignored),
        T(another_folder),
        T(the_folder_goes_and_comes_back),
        T(folders_beside_the_first),
        T(a_disk_is_taken_out),
        T(manifests_above_a_change),
        T(what_nobody_tells_is_found),
        T(a_look_leads_to_another),
        T(a_name_outside_is_written_to),
        T(a_damaged_index_is_made_anew),
        T(whatever_happens),
        T(a_full_disk_is_told_and_outlived),
        T(parts_are_announced),
        T(many_files_in_one_folder),
        T(hashes_without_a_service),
    };

    if (getenv("TEST")) /* one by its name, or by a pattern */
        cmocka_set_test_filter(getenv("TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
