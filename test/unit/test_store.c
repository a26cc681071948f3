/* svc/store: rows come in order and in pages; what is lost, damaged or killed costs work, never
 * truth. */
#include "base/limits.h"
#include "base/mem.h"
#include "core/content.h"
#include "svc/store.h"
#include "svc/store_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

static char dir[] = "/tmp/test_store.XXXXXX", path[64];
static struct err e;

static int set_up(void **state)
{
    (void)state;
    memcpy(strchr(dir, '.'), ".XXXXXX", 8);
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/iwant.db", dir);
    return 0;
}

static int tear_down(void **state)
{
    char cmd[128];

    (void)state;
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    return system(cmd);
}

static struct store *open_store(void)
{
    struct store *s = store_open(path, NULL, &e);

    if (!s)
        fail_msg("%s", e.text);
    return s;
}

static struct hash hash_of(const char *text)
{
    struct hash h;

    content_hash(&h, text, strlen(text));
    return h;
}

/* A file whose content is its own name and version. */
static struct store_entry file_of(const char *name, int64_t version)
{
    struct store_entry entry = {
        .kind = 'f', .size = 10, .mtime_ns = version, .ctime_ns = version, .ino = 7};

    entry.hash = hash_of(name);
    entry.hash.b[0] = (uint8_t)version;
    entry.root = rows_no_checkpoints;
    return entry;
}

static void put(struct store *s, const char *name, int64_t version)
{
    struct store_entry entry = file_of(name, version);

    if (store_put(s, name, &entry, NULL, 0, &e))
        fail_msg("%s", e.text);
}

/* The rows after since, as "head: rows" text: "g number [reset] [more]: -a fb 2". */
static const char *rows(struct store_reader *r, uint64_t generation, uint64_t since, size_t max)
{
    static struct buf text;
    struct rows_head head;
    struct digest sum = {0};
    struct buf b = {0};
    struct row row;
    struct rd rd;

    buf_reset(&text);
    if (store_rows_since(r, generation, since, "eva", max, &b, &e))
        fail_msg("%s", e.text);
    rd = rd_over(b.data, b.len);
    assert_true(rows_get_head(&rd, &head));
    assert_int_equal(head.name_len, 3);
    buf_printf(&text, "%d%s%s:", (int)head.number, head.reset ? " reset" : "",
               head.more ? " more" : "");
    while (rd_left(&rd)) {
        assert_true(rows_get(&rd, &row));
        buf_printf(&text, " %d%c%.*s", (int)row.number, row.kind, (int)row.path_len, row.path);
        if (row.kind != ROW_GONE) {
            struct digest d = digest_of(&row);

            digest_add(&sum, &d);
        }
    }
    assert_true(head.has_digest);
    if (!since && !head.more) /* these are all rows */
        assert_true(digest_eq(&sum, &head.digest));
    buf_free(&b);
    return buf_cstr(&text);
}

static uint64_t generation_of(struct store_reader *r)
{
    struct rows_head head = {0};

    assert_int_equal(store_head(r, &head, &e), 0);
    return head.generation;
}

static void numbers_rise_and_rows_follow(void **state)
{
    struct store *s = open_store();
    struct store_reader *r = store_reader_open(path, &e);
    struct rows_head head;
    struct store_entry got;
    uint64_t g, files, bytes;

    (void)state;
    assert_int_equal(store_set_folder(s, "/home/eva/Public", &e), 0);
    g = store_generation(s);
    put(s, "a", 1);
    put(s, "sub/b", 1);
    put(s, "sub/c", 1);
    assert_string_equal(rows(r, g, 0, 1000), "0:"); /* nothing before the commit */
    assert_int_equal(store_uncommitted(s), 3);
    assert_int_equal(store_commit(s, &e), 0);
    assert_int_equal(store_uncommitted(s), 0);
    assert_string_equal(rows(r, g, 0, 1000), "3: 1fa 2fsub/b 3fsub/c");
    assert_string_equal(rows(r, g, 2, 1000), "3: 3fsub/c");
    put(s, "sub/b", 2);
    assert_int_equal(store_gone(s, "a", &e), 1);
    assert_int_equal(store_gone(s, "a", &e), 0);
    assert_int_equal(store_commit(s, &e), 0);
    assert_string_equal(rows(r, g, 3, 1000), "5: 4fsub/b 5-a");
    assert_string_equal(rows(r, g, 5, 1000), "5:");
    assert_string_equal(rows(r, g + 1, 5, 1000),
                        "5 reset: 3fsub/c 4fsub/b");                      /* another generation */
    assert_string_equal(rows(r, g, 6, 1000), "5 reset: 3fsub/c 4fsub/b"); /* from the future */
    assert_int_equal(store_get(s, "a", &got, &e), 0);
    assert_int_equal(store_get(s, "sub/b", &got, &e), 1);
    assert_int_equal(got.mtime_ns, 2);
    assert_int_equal(store_head(r, &head, &e), 0);
    assert_int_equal(head.files, 2);
    assert_int_equal(head.bytes, 20);
    store_counts(s, &files, &bytes);
    assert_int_equal(files, 2);
    assert_int_equal(bytes, 20);
    store_reader_close(r);
    store_close(s);
}

static void rows_come_in_pages(void **state)
{
    struct store *s = open_store();
    struct store_reader *r = store_reader_open(path, &e);
    unsigned seen = 0, pages = 0;
    struct rows_head head = {.more = true};
    struct row row = {0};
    char name[16];

    (void)state;
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "%03d", i);
        put(s, name, 1);
    }
    assert_int_equal(store_commit(s, &e), 0);
    while (head.more) {
        struct buf b = {0};
        struct rd rd;

        assert_int_equal(store_rows_since(r, store_generation(s), row.number, "", 1000, &b, &e), 0);
        assert_true(b.len < 1200);
        rd = rd_over(b.data, b.len);
        assert_true(rows_get_head(&rd, &head));
        while (rd_left(&rd)) {
            assert_true(rows_get(&rd, &row));
            assert_int_equal(row.number, ++seen);
        }
        buf_free(&b);
        pages++;
    }
    assert_int_equal(seen, 500);
    assert_true(pages > 10);
    store_reader_close(r);
    store_close(s);
}

static void a_tree_goes_as_one(void **state)
{
    static const char *const names[] = {"a", "s", "s/b", "s/t/c", "s.x", "s0", "s!/d", "sub/e"};
    struct store_entry was;
    struct store *s = open_store();
    struct store_reader *r = store_reader_open(path, &e);
    char *from, **paths;
    size_t count;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        put(s, names[i], 1);
    assert_int_equal(store_put_part(s, &(struct hash){{3}}, &(struct hash){{4}}, 9, true, &e), 0);
    assert_int_equal(store_gone(s, "s", &e), 3);
    assert_int_equal(store_commit(s, &e), 0);
    assert_string_equal(rows(r, store_generation(s), 9, 1000), "12: 10-s 11-s/b 12-s/t/c");
    assert_int_equal(store_find_inode(s, 7, 10, 1, 0, NULL, &was, &from, &e), 0);
    assert_int_equal(store_find_inode(s, 7, 10, 1, 0, "s/b", &was, &from, &e), 1);
    assert_int_equal(was.kind, ROW_GONE);
    assert_string_equal(from, "s/b");
    mem_free(from);
    assert_int_equal(store_find_inode(s, 7, 11, 1, 0, "s/b", &was, &from, &e), 0);
    assert_int_equal(store_find_inode(s, 7, 10, 1, 1, NULL, &was, &from, &e), 1);
    mem_free(from);
    assert_int_equal(store_links(s, 7, &paths, &count, &e), 0);
    assert_int_equal(count, 5);
    while (count)
        mem_free(paths[--count]);
    mem_free(paths);
    assert_int_equal(store_gone(s, "", &e), 5); /* all but the part */
    assert_int_equal(store_commit(s, &e), 0);
    assert_non_null(strstr(rows(r, 0, 0, 1000), "reset: 9p03"));
    store_reader_close(r);
    store_close(s);
}

/* In several strokes, with names of all lengths: nothing of it stays. */
static void a_large_tree_goes_whole(void **state)
{
    enum { ROWS = 9000 };
    struct store *s = open_store();
    uint64_t files, bytes;
    char name[600];

    (void)state;
    for (int i = 0; i < ROWS; i++) {
        snprintf(name, sizeof name, "tree/%0*d/%0*d", 1 + i / 50 % 200, i / 50, 1 + i % 200, i);
        put(s, name, 1);
    }
    put(s, "tree 2/stays", 1);
    assert_int_equal(store_gone(s, "tree", &e), ROWS);
    store_counts(s, &files, &bytes);
    assert_int_equal(files, 1);
    store_close(s);
}

static void parts_are_rows(void **state)
{
    struct hash hash = hash_of("p"), root = hash_of("r");
    struct store *s = open_store();

    (void)state;
    assert_int_equal(store_put_part(s, &hash, &root, 9, false, &e), 0);
    assert_int_equal(store_number(s), 0);
    assert_int_equal(store_put_part(s, &hash, &root, 9, true, &e), 0);
    assert_int_equal(store_put_part(s, &hash, &root, 9, true, &e), 0);
    assert_int_equal(store_number(s), 1);
    assert_int_equal(store_put_part(s, &hash, &root, 9, false, &e), 0);
    assert_int_equal(store_number(s), 2);
    assert_int_equal(store_put_part(s, &hash, &root, 9, false, &e), 0);
    assert_int_equal(store_number(s), 2);
    store_close(s);
}

static void contents_are_found(void **state)
{
    struct store_entry big = file_of("big", 3),
                       folder = {.kind = 'd', .size = 20, .mtime_ns = -1, .ctime_ns = 1, .ino = 8};
    struct store *s = open_store();
    struct store_reader *r = store_reader_open(path, &e);
    struct content_entry line = {.size = 10, .kind = 'f', .name = "big", .name_len = 3};
    struct buf text = {0}, times = {0}, want = {0};
    struct store_content got;
    struct hash unknown = hash_of("unknown");

    (void)state;
    assert_int_equal(store_set_folder(s, "/x", &e), 0);
    assert_int_equal(store_put(s, "one/big", &big, "checkpoints", 11, &e), 0);
    assert_int_equal(store_put(s, "two/big", &big, "checkpoints", 11, &e), 0);
    line.hash = big.hash;
    content_manifest_add(&want, &line);
    content_hash(&folder.hash, want.data, want.len);
    assert_int_equal(store_put(s, "one", &folder, NULL, 0, &e), 0);
    assert_int_equal(store_commit(s, &e), 0);
    assert_int_equal(store_find(r, &big.hash, 1, &got, &e), 1);
    assert_string_equal(got.path, "two/big");
    assert_int_equal(got.ino, 7);
    assert_true(hash_eq(&got.root, &big.root));
    mem_free(got.path);
    assert_int_equal(store_find(r, &big.hash, 2, &got, &e), 0);
    assert_int_equal(store_find(r, &unknown, 0, &got, &e), 0);
    assert_int_equal(store_checkpoints(r, &big.hash, &text, &e), 1);
    assert_string_equal(text.data, "checkpoints");
    buf_reset(&text);
    assert_int_equal(store_manifest(r, &folder.hash, &text, &times, &e), 1);
    assert_string_equal(text.data, want.data);
    assert_memory_equal(times.data, "\0\0\0\0\0\0\0\0", 8);
    assert_int_equal(store_manifest(r, &big.hash, &text, &times, &e), 0); /* no folder */
    /* A child changed, the folder's new manifest is not made yet: the old one is not to be had. */
    put(s, "one/big", 4);
    assert_int_equal(store_commit(s, &e), 0);
    assert_int_equal(store_manifest(r, &folder.hash, &text, &times, &e), 0);
    /* Checkpoints stay as long as a row, be it a gone one, may need them. */
    assert_int_equal(store_gone(s, "two", &e), 1);
    assert_int_equal(store_tidy(s, &e), 0);
    assert_int_equal(store_find(r, &big.hash, 0, &got, &e), 0);
    assert_int_equal(store_checkpoints(r, &big.hash, &text, &e), 1);
    put(s, "two/big", 4);
    assert_int_equal(store_tidy(s, &e), 0);
    assert_int_equal(store_checkpoints(r, &big.hash, &text, &e), 0);
    buf_free(&text);
    buf_free(&times);
    buf_free(&want);
    store_reader_close(r);
    store_close(s);
}

static void touching_makes_no_number(void **state)
{
    struct store *s = open_store();
    struct store_entry entry = file_of("a", 1),
                       folder = {.kind = 'd', .ctime_ns = 9, .hash = {{1}}}, got;

    (void)state;
    put(s, "a", 1);
    entry.ctime_ns = 99;
    assert_int_equal(store_touch(s, "a", &entry, &e), 0);
    assert_int_equal(store_get(s, "a", &got, &e), 1);
    assert_int_equal(got.ctime_ns, 99);
    assert_int_equal(store_put(s, "", &folder, NULL, 0, &e), 0);
    assert_int_equal(store_mark_stale(s, "", &e), 0);
    assert_int_equal(store_get(s, "", &got, &e), 1);
    assert_int_equal(got.ctime_ns, 0);
    assert_int_equal(store_number(s), 2);
    store_close(s);
}

/* A file with this inode, size and time was known; "PATH" or "-PATH" where it is gone from there.
 */
static const char *remembered(struct store *s, uint64_t ino, int64_t version)
{
    static char text[64];
    struct store_entry got;
    char *from = NULL;
    bool gone;

    if (store_find_inode(s, ino, 10, version, version, NULL, &got, &from, &e) != 1)
        return "";
    gone = got.kind == ROW_GONE || got.kind == STORE_AWAY;
    snprintf(text, sizeof text, "%s%s", gone ? "-" : "", from);
    mem_free(from);
    return text;
}

static void put_inode(struct store *s, const char *name, uint64_t ino)
{
    struct store_entry entry = file_of(name, 1);

    entry.ino = ino;
    assert_int_equal(store_put(s, name, &entry, NULL, 0, &e), 0);
}

/* A disk that was taken out: its rows are gone for the peers, what they were stays known through
 * restarts and tidying, until it was looked for. */
static void what_is_away_is_remembered(void **state)
{
    struct store *s = open_store();
    struct store_reader *r;
    struct store_entry got;
    char name[32];

    (void)state;
    put_inode(s, "disk/a", 11);
    put_inode(s, "disk!", 12); /* between "disk" and "disk/" by bytes, and not below */
    put_inode(s, "other", 13);
    for (int i = 0; i < 12000; i++) {
        snprintf(name, sizeof name, "disk/deep/%d", i);
        put_inode(s, name, 1000 + (uint64_t)i);
    }
    assert_int_equal(store_away(s, "disk", &e), 12001);
    assert_int_equal(store_away(s, "disk", &e), 0);
    assert_int_equal(store_get(s, "disk/a", &got, &e), 0);
    assert_int_equal(store_tidy(s, &e), 0);
    r = store_reader_open(path, &e);
    assert_string_equal(rows(r, 0, 0, 1000), "24004 reset: 2fdisk! 3fother");
    store_reader_close(r);
    store_close(s);
    s = open_store();
    assert_string_equal(remembered(s, 11, 1), "-disk/a");
    assert_string_equal(remembered(s, 12999, 1), "-disk/deep/11999");
    put_inode(s, "disk/a", 11);
    assert_int_equal(store_away_ends(s, &e), 0);
    assert_string_equal(remembered(s, 11, 1), "disk/a");
    assert_string_equal(remembered(s, 12999, 1), "-disk/deep/11999"); /* as what is just gone */
    assert_int_equal(store_forget_gone(s, &e), 0);
    assert_string_equal(remembered(s, 12999, 1), "");
    store_close(s);
}

static void note_added(void *ctx, const char *label, const char *where)
{
    buf_printf(ctx, " %s=%s", label, where);
}

static void added_folders_keep_their_labels(void **state)
{
    struct store *s = open_store();
    struct buf text = {0};

    (void)state;
    assert_int_equal(store_set_folder(s, "/x", &e), 0);
    assert_int_equal(store_add(s, "Music", "/a/Music", &e), 0);
    assert_int_equal(store_add(s, "Music (2)", "/b/Music", &e), 0);
    put_inode(s, "Music/a", 11);
    put_inode(s, "Music (2)/b", 12);
    store_close(s);
    s = open_store();
    assert_int_equal(store_set_folder(s, "/x", &e), 0);
    assert_int_equal(store_drop(s, "Music", &e), 0);
    assert_string_equal(remembered(s, 11, 1), ""); /* its disk's inodes mean nothing any more */
    assert_string_equal(remembered(s, 12, 1), "Music (2)/b");
    assert_int_equal(store_added(s, note_added, &text, &e), 0);
    assert_string_equal(buf_cstr(&text), " Music (2)=/b/Music");
    buf_reset(&text);
    assert_int_equal(store_set_folder(s, "/y", &e), 0);
    assert_int_equal(store_added(s, note_added, &text, &e), 0);
    assert_int_equal(text.len, 0);
    buf_free(&text);
    store_close(s);
}

static void closing_keeps_everything(void **state)
{
    struct store *s = open_store();
    uint64_t g;

    (void)state;
    assert_int_equal(store_set_folder(s, "/x", &e), 0);
    g = store_generation(s);
    put(s, "a", 1);
    store_close(s); /* commits */
    s = open_store();
    assert_int_equal(store_set_folder(s, "/x", &e), 0);
    assert_true(store_generation(s) == g);
    assert_int_equal(store_number(s), 1);
    assert_int_equal(store_set_folder(s, "/y", &e), 0); /* another folder */
    assert_false(store_generation(s) == g);
    assert_int_equal(store_number(s), 0);
    store_close(s);
}

/* A process has the store open and ends without closing it. */
static void be_killed(void)
{
    pid_t pid = fork();

    if (!pid) {
        open_store();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static struct rows_head answer_to(struct store_reader *r, const struct store_ask *ask,
                                  struct buf *b)
{
    struct rows_head head;
    struct rd rd;

    buf_reset(b);
    if (store_rows(r, ask, "eva", b, &e))
        fail_msg("%s", e.text);
    rd = rd_over(b->data, b->len);
    assert_true(rows_get_head(&rd, &head));
    memmove(b->data, rd.p, rd_left(&rd));
    b->len = rd_left(&rd);
    return head;
}

static void digests_spare_the_rows(void **state)
{
    struct store *s = open_store();
    struct store_reader *r = store_reader_open(path, &e);
    struct digest had, now[DIGEST_BUCKETS], before[DIGEST_BUCKETS];
    struct digest_mask mask;
    struct store_ask ask = {.generation = 1, .have = &had, .max = 100000};
    struct rows_head head;
    struct buf b = {0};
    struct row row;
    struct rd rd;
    char name[20];

    (void)state;
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "d%d/%d", i % 9, i);
        put(s, name, 1);
    }
    assert_int_equal(store_commit(s, &e), 0);
    head = answer_to(r, &(struct store_ask){.max = 1}, &b);
    assert_true(head.reset && head.more);
    had = head.digest;
    /* The same rows, whatever the generation. */
    head = answer_to(r, &ask, &b);
    assert_true(head.same && !head.reset && !head.differ && !b.len);
    assert_true(head.generation == store_generation(s) && head.number == 500);
    /* Other rows: buckets tell which. */
    had.low ^= 1;
    head = answer_to(r, &ask, &b);
    assert_true(head.differ && !head.reset && !head.more);
    rd = rd_over(b.data, b.len);
    assert_true(rows_get_buckets(&rd, before) && rd_done(&rd));
    put(s, "d1/new", 1);
    assert_int_equal(store_gone(s, "d0/0", &e), 1);
    assert_int_equal(store_commit(s, &e), 0);
    answer_to(r, &ask, &b);
    rd = rd_over(b.data, b.len);
    assert_true(rows_get_buckets(&rd, now));
    assert_int_equal(digest_differ(&mask, now, before), 2);
    assert_true(digest_in(&mask, digest_bucket("d1/new", 6)));
    assert_true(digest_in(&mask, digest_bucket("d0/0", 4)));
    /* Only theirs are sent, in pages. */
    ask = (struct store_ask){.generation = store_generation(s), .only = &mask, .max = 1};
    for (had = (struct digest){0};; ask.number = row.number) {
        head = answer_to(r, &ask, &b);
        rd = rd_over(b.data, b.len);
        assert_true(rows_get(&rd, &row) && rd_done(&rd));
        assert_true(digest_in(&mask, digest_bucket(row.path, row.path_len)));
        assert_int_not_equal(row.kind, ROW_GONE);
        digest_add(&had, &(struct digest){digest_of(&row).high, digest_of(&row).low});
        if (!head.more)
            break;
    }
    for (unsigned n = 0; n < DIGEST_BUCKETS; n++)
        if (digest_in(&mask, n))
            digest_take(&had, &now[n]);
    assert_int_equal(had.low | had.high, 0);
    /* Another generation: all of them. */
    ask.generation++;
    ask.number = 3;
    assert_true(answer_to(r, &ask, &b).reset);
    buf_free(&b);
    store_reader_close(r);
    store_close(s);
}

/* What version 0.1.0 wrote has no digest. */
/* The database at path, made of the SQL in a file of the tree. */
static void load(const char *file)
{
    static char text[16384];
    FILE *f = fopen(file, "r");
    sqlite3 *db;

    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void an_older_index_is_taken_over(void **state)
{
    struct store_queue *q;
    struct store_reader *r;
    struct store_content c;
    struct store_part part;
    struct store_job *jobs;
    struct buf list = {0};
    struct store *s;
    struct hash hash;
    size_t count;

    (void)state;
    load("test/unit/store_v1.sql");
    r = store_reader_open(path, &e); /* before the writer: it tells no digest yet */
    assert_non_null(r);
    s = open_store();
    assert_string_equal(
        rows(r, store_generation(s), 0, 1000),
        "10: 2fempty 4fone.txt 5fFilms/two.mkv 6fFilms/zeros.bin 7dFilms 9-gone.txt 10d");
    assert_true(store_generation(s) == 7904646666072985107u); /* as others know it */
    assert_true(hash_parse(
        &hash, "3fb3661f659e89fea0d325bc25ae17d9410cd6c85867e55ed641ed062650a55e", HASH_HEX_LEN));
    assert_int_equal(store_find(r, &hash, 0, &c, &e), 1);
    assert_string_equal(c.path, "Films/zeros.bin");
    mem_free(c.path);
    assert_int_equal(store_checkpoints(r, &hash, &list, &e), 1);
    assert_int_equal(list.len, 32);
    buf_free(&list);
    assert_int_equal(store_tidy(s, &e), 0); /* which needs them as well */
    assert_int_equal(store_checkpoints(r, &hash, &list, &e), 1);
    buf_free(&list);
    q = store_queue_open(path, &e);
    assert_int_equal(store_jobs(q, &jobs, &count, &e), 0);
    assert_int_equal(count, 1);
    assert_string_equal(jobs[0].target, "want.bin");
    assert_int_equal(store_part_find(q, &jobs[0].hash, &part, &e), 1);
    assert_string_equal(part.path, ".want.bin.iwant-part");
    store_part_free(&part);
    store_job_free(&jobs[0]);
    mem_free(jobs);
    store_queue_close(q);
    store_reader_close(r);
    store_close(s);
}

static void being_killed_makes_a_new_generation(void **state)
{
    struct store *s = open_store();
    uint64_t g;

    (void)state;
    assert_int_equal(store_set_folder(s, "/x", &e), 0);
    put(s, "a", 1);
    g = store_generation(s);
    store_close(s);
    be_killed();
    s = open_store();
    assert_false(store_generation(s) == g);
    assert_int_equal(store_number(s), 1);
    store_close(s);
}

static void very_many_gone_rows_are_forgotten(void **state)
{
    struct store *s = open_store();
    struct store_reader *r = store_reader_open(path, &e);
    char name[16];

    (void)state;
    put(s, "stays", 1);
    for (int i = 0; i < 12000; i++) {
        snprintf(name, sizeof name, "t%d", i);
        put(s, name, 1);
        assert_int_equal(store_gone(s, name, &e), 1);
    }
    assert_int_equal(store_tidy(s, &e), 0);
    assert_string_equal(rows(r, store_generation(s), 2, 1000), "24001 reset: 1fstays");
    assert_null(strstr(rows(r, store_generation(s), 20000, 1000), "reset"));
    store_reader_close(r);
    store_close(s);
}

/* ---- damage ---- */

static void fill_and_close(void)
{
    struct store *s = open_store();
    struct store_queue *q = store_queue_open(path, &e);
    struct store_job job = {.hash = {{5}}, .options = (char[]){"{}"}};
    char name[16];

    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "%d", i);
        put(s, name, 1);
    }
    assert_int_equal(store_commit(s, &e), 0);
    assert_int_equal(store_job_add(q, &job, &e), 0);
    store_queue_close(q);
    store_close(s);
}

static void works_again(const char *why)
{
    char *aside = NULL;
    struct store *s = store_open(path, &aside, &e);
    struct store_reader *r;

    if (!s)
        fail_msg("%s: %s", why, e.text);
    assert_non_null(aside);
    assert_int_equal(access(aside, F_OK), 0);
    mem_free(aside);
    assert_int_equal(store_number(s), 0);
    put(s, "a", 1);
    assert_int_equal(store_commit(s, &e), 0);
    r = store_reader_open(path, &e);
    assert_string_equal(rows(r, store_generation(s), 0, 1000), "1: 1fa");
    store_reader_close(r);
    store_close(s);
}

static void a_damaged_file_is_set_aside(void **state)
{
    FILE *f;

    (void)state;
    f = fopen(path, "w");
    for (int i = 0; i < 5000; i++)
        fputs("garbage ", f);
    fclose(f);
    works_again("garbage");
    assert_int_equal(unlink(path), 0);
    fill_and_close();
    be_killed();
    assert_int_equal(truncate(path, 4096 * 2), 0);
    works_again("cut short");
}

static void damage_while_it_is_open(void **state)
{
    struct store_reader *r;
    struct store_queue *q;
    struct store_job *jobs;
    struct store *s;
    size_t count;
    char name[16];
    bool failed = false;
    FILE *f;

    (void)state;
    fill_and_close();
    s = open_store();
    r = store_reader_open(path, &e);
    q = store_queue_open(path, &e);
    f = fopen(path, "r+");
    assert_int_equal(fseek(f, 4096 * 20, SEEK_SET), 0);
    for (int i = 0; i < 8000; i++)
        fputs("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", f);
    fclose(f);
    for (int i = 0; i < 3000 && !failed; i++) {
        struct store_entry entry;

        snprintf(name, sizeof name, "%d", i);
        failed = store_get(s, name, &entry, &e) < 0 || store_gone(s, name, &e) < 0;
    }
    assert_true(failed);
    assert_true(store_damaged(s));
    store_close(s);
    works_again("damaged");
    /* Those who had the old file open follow to the new one, which has the queue. */
    assert_string_equal(rows(r, generation_of(r), 0, 1000), "1: 1fa");
    assert_int_equal(store_jobs(q, &jobs, &count, &e), 0);
    assert_int_equal(count, 1);
    assert_int_equal(jobs[0].hash.b[0], 5);
    store_job_free(&jobs[0]);
    mem_free(jobs);
    store_queue_close(q);
    store_reader_close(r);
}

static void what_cannot_be_opened_is_told(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "%s/no/such/iwant.db", dir);
    assert_null(store_open(path, NULL, &e));
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(e.text, "/no/such/iwant.db"));
    assert_null(store_reader_open(path, &e));
    assert_null(store_queue_open(path, &e));
}

/* ---- the queue ---- */

/* A later version's index: told, and left as it is. */
static void a_newer_index_is_left_alone(void **state)
{
    char *aside = NULL;
    sqlite3 *db;

    (void)state;
    load("test/unit/store_v1.sql");
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 1000", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_null(store_open(path, &aside, &e));
    assert_null(aside);
    assert_non_null(strstr(e.text, "a newer iwanto made it"));
    assert_non_null(strstr(e.hint, "iwant.db"));
    assert_null(store_reader_open(path, &e));
    assert_null(store_queue_open(path, &e));
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 1", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    store_close(open_store()); /* nothing was lost */
}

static void jobs_outlive_the_queue(void **state)
{
    struct store_queue *q = store_queue_open(path, &e);
    struct store_job job = {.hash = hash_of("j"), .options = (char[]){"{}"}, .added_s = 1000},
                     *jobs;
    size_t count;

    (void)state;
    assert_non_null(q);
    assert_int_equal(store_job_add(q, &job, &e), 0);
    assert_int_equal(job.id, 1);
    job.kind = 'd';
    job.target = (char[]){"Films/\xff"};
    job.error = (char[]){"no \"holder\""};
    job.state = JOB_PAUSED;
    job.size = 1ull << 45;
    job.done = 17;
    assert_int_equal(store_job_save(q, &job, &e), 0);
    store_queue_close(q);
    q = store_queue_open(path, &e);
    assert_int_equal(store_jobs(q, &jobs, &count, &e), 0);
    assert_int_equal(count, 1);
    assert_int_equal(jobs[0].id, 1);
    assert_true(hash_eq(&jobs[0].hash, &job.hash));
    assert_int_equal(jobs[0].kind, 'd');
    assert_string_equal(jobs[0].target, "Films/\xff");
    assert_string_equal(jobs[0].options, "{}");
    assert_string_equal(jobs[0].error, "no \"holder\"");
    assert_int_equal(jobs[0].state, JOB_PAUSED);
    assert_true(jobs[0].size == 1ull << 45 && jobs[0].done == 17 && jobs[0].added_s == 1000);
    store_job_free(&jobs[0]);
    mem_free(jobs);
    store_queue_close(q);
}

static void save_part(struct store_queue *q, const char *name, const char *file)
{
    struct store_part part = {.hash = hash_of(name), .root = hash_of("root"), .size = 10u << 20};

    part.path = mem_str(file);
    bits_init(&part.have, 10);
    bits_set(&part.have, 3);
    buf_add(&part.checkpoints, "c\0d", 3);
    assert_int_equal(store_part_save(q, &part, &e), 0);
    bits_set(&part.have, 9);
    assert_int_equal(store_part_have(q, &part.hash, &part.have, &e), 0);
    store_part_free(&part);
}

static bool has_part(struct store_queue *q, const char *name)
{
    struct hash hash = hash_of(name);
    struct store_part part;
    int got = store_part_find(q, &hash, &part, &e);

    assert_true(got >= 0);
    if (got) {
        assert_int_equal(part.size, 10u << 20);
        assert_true(part.have.count == 2 && bits_get(&part.have, 3) && bits_get(&part.have, 9));
        assert_memory_equal(part.checkpoints.data, "c\0d", 3);
        assert_non_null(part.path);
    }
    store_part_free(&part);
    return got;
}

static void a_removed_job_takes_its_parts(void **state)
{
    struct store_queue *q = store_queue_open(path, &e);
    struct store_job film = {.hash = hash_of("film"), .kind = 'f', .target = (char[]){"film.mkv"}};
    struct store_job tree = {.hash = hash_of("tree"), .kind = 'd', .target = (char[]){"tree"}};
    struct hash hash = hash_of("elsewhere");

    (void)state;
    assert_int_equal(store_job_add(q, &film, &e) | store_job_add(q, &tree, &e), 0);
    save_part(q, "film", ".film.mkv.iwant-part");
    save_part(q, "in tree", "tree/x/.y.iwant-part");
    save_part(q, "elsewhere", "tree2/.y.iwant-part");
    assert_int_equal(store_job_remove(q, film.id, &e), 0);
    assert_false(has_part(q, "film"));
    assert_true(has_part(q, "in tree"));
    film.hash = hash_of("in tree"); /* wanted by two */
    assert_int_equal(store_job_add(q, &film, &e), 0);
    assert_int_equal(store_job_remove(q, tree.id, &e), 0);
    assert_true(has_part(q, "in tree"));
    assert_int_equal(store_job_remove(q, film.id, &e), 0);
    assert_false(has_part(q, "in tree"));
    assert_true(has_part(q, "elsewhere"));
    assert_int_equal(store_part_remove(q, &hash, &e), 0);
    assert_false(has_part(q, "elsewhere"));
    store_queue_close(q);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(numbers_rise_and_rows_follow),
        T(rows_come_in_pages),
        T(a_tree_goes_as_one),
        T(a_large_tree_goes_whole),
        T(parts_are_rows),
        T(contents_are_found),
        T(touching_makes_no_number),
        T(what_is_away_is_remembered),
        T(added_folders_keep_their_labels),
        T(closing_keeps_everything),
        T(digests_spare_the_rows),
        T(an_older_index_is_taken_over),
        T(being_killed_makes_a_new_generation),
        T(very_many_gone_rows_are_forgotten),
        T(a_damaged_file_is_set_aside),
        T(damage_while_it_is_open),
        T(what_cannot_be_opened_is_told),
        T(a_newer_index_is_left_alone),
        T(jobs_outlive_the_queue),
        T(a_removed_job_takes_its_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
