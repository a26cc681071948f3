/* svc/store: the power goes at any moment, a byte on the disk is another. SQLite writes through a
 * file system of our own that remembers every write and sync; from that the states are made that a
 * disk may be in after a cut: of what was not synced any 512 bytes may be there or not. */
#include "base/mem.h"
#include "base/rng.h"
#include "core/content.h"
#include "svc/store.h"
#include "svc/store_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#define SECTOR  512
#define FILES   40
#define ROUNDS  6  /* of the service: start, work, end */
#define COMMITS 12 /* in each */
#define CUTS    250

static char dir[] = "/tmp/test_store_power.XXXXXX", path[64];
static struct err e;

/* ---- what was written ---- */

enum { DB, WAL, KINDS };

struct op {
    enum { WRITE, TRUNCATE, SYNC, DELETE, COMMIT } what;
    int file;
    sqlite3_int64 at;
    int len; /* of a COMMIT: how many there are */
    char *data;
};
static struct op *ops;
static size_t op_count, op_cap;

static void note(int what, int file, sqlite3_int64 at, const void *data, int len)
{
    MEM_GROW(ops, op_count, op_cap);
    ops[op_count++] = (struct op){what, file, at, len, data ? mem_copy(data, (size_t)len) : NULL};
}

/* ---- the file system ---- */

struct logged {
    sqlite3_file base;
    int file; /* -1: of no interest */
    sqlite3_file real[];
};
#define REAL(f)       (((struct logged *)(f))->real)
#define PASS(f, call) (REAL(f)->pMethods->call)

static sqlite3_vfs *real_vfs;

static int l_close(sqlite3_file *f)
{
    return PASS(f, xClose)(REAL(f));
}
static int l_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
    return PASS(f, xRead)(REAL(f), to, n, at);
}
static int l_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
    note(WRITE, ((struct logged *)f)->file, at, from, n);
    return PASS(f, xWrite)(REAL(f), from, n, at);
}
static int l_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    note(TRUNCATE, ((struct logged *)f)->file, size, NULL, 0);
    return PASS(f, xTruncate)(REAL(f), size);
}
static int l_sync(sqlite3_file *f, int flags)
{
    note(SYNC, ((struct logged *)f)->file, 0, NULL, 0);
    (void)flags; /* nobody cuts the power of this machine */
    return SQLITE_OK;
}
static int l_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return PASS(f, xFileSize)(REAL(f), size);
}
static int l_lock(sqlite3_file *f, int lock)
{
    return PASS(f, xLock)(REAL(f), lock);
}
static int l_unlock(sqlite3_file *f, int lock)
{
    return PASS(f, xUnlock)(REAL(f), lock);
}
static int l_reserved(sqlite3_file *f, int *out)
{
    return PASS(f, xCheckReservedLock)(REAL(f), out);
}
static int l_control(sqlite3_file *f, int op, void *arg)
{
    return PASS(f, xFileControl)(REAL(f), op, arg);
}
static int l_sector(sqlite3_file *f)
{
    return PASS(f, xSectorSize)(REAL(f));
}
static int l_traits(sqlite3_file *f)
{
    return PASS(f, xDeviceCharacteristics)(REAL(f));
}
static int l_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return PASS(f, xShmMap)(REAL(f), page, size, extend, out);
}
static int l_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    return PASS(f, xShmLock)(REAL(f), at, n, flags);
}
static void l_shm_barrier(sqlite3_file *f)
{
    PASS(f, xShmBarrier)(REAL(f));
}
static int l_shm_unmap(sqlite3_file *f, int del)
{
    return PASS(f, xShmUnmap)(REAL(f), del);
}

static const sqlite3_io_methods methods = {
    2,          l_close,       l_read,      l_write,   l_truncate, l_sync,   l_size,
    l_lock,     l_unlock,      l_reserved,  l_control, l_sector,   l_traits, l_shm_map,
    l_shm_lock, l_shm_barrier, l_shm_unmap, NULL,      NULL};

static int kind_of(const char *name)
{
    size_t len = name ? strlen(name) : 0;

    return len > 4 && !strcmp(name + len - 4, "-wal")  ? WAL
           : len > 3 && !strcmp(name + len - 3, ".db") ? DB
                                                       : -1;
}

static int v_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
    struct logged *l = (struct logged *)f;
    int bad = real_vfs->xOpen(real_vfs, name, l->real, flags, out);

    (void)vfs;
    l->file = kind_of(name);
    f->pMethods = l->real->pMethods ? &methods : NULL;
    return bad;
}

static int v_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    note(DELETE, kind_of(name), 0, NULL, sync);
    return real_vfs->xDelete(real_vfs, name, sync);
}

static sqlite3_vfs logging;

static void log_writes(bool on)
{
    if (!real_vfs) {
        real_vfs = sqlite3_vfs_find(NULL);
        logging = *real_vfs;
        logging.zName = "logging";
        logging.szOsFile += (int)sizeof(struct logged);
        logging.xOpen = v_open;
        logging.xDelete = v_delete;
    }
    sqlite3_vfs_register(on ? &logging : real_vfs, 1);
}

/* ---- the state after a cut ---- */

struct image {
    char *data;
    size_t len, cap;
};

static void image_write(struct image *im, size_t at, const char *data, size_t len)
{
    if (at + len > im->cap) {
        size_t cap = (at + len) * 2;
        char *grown = mem_zero(1, cap);

        if (im->len)
            memcpy(grown, im->data, im->len);
        mem_free(im->data);
        im->data = grown;
        im->cap = cap;
    }
    memcpy(im->data + at, data, len);
    im->len = im->len > at + len ? im->len : at + len;
}

static void image_resize(struct image *im, size_t len)
{
    if (len < im->len)
        memset(im->data + len, 0, im->len - len);
    im->len = len;
}

/* All of it, or (rng) what of it may have come to the disk. */
static void apply(struct image *im, const struct op *op, struct rng *rng)
{
    if (op->what == TRUNCATE && (!rng || rng_below(rng, 2)))
        image_resize(im, (size_t)op->at);
    else if (op->what == DELETE && (!rng || rng_below(rng, 2)))
        image_resize(im, 0);
    for (int i = 0; op->what == WRITE && i < op->len; i += SECTOR) {
        int n = op->len - i < SECTOR ? op->len - i : SECTOR;

        if (!rng || rng_below(rng, 2))
            image_write(im, (size_t)(op->at + i), op->data + i, (size_t)n);
    }
}

/* Files as they may be when the power goes before the op at `cut`. */
static void make_state(size_t cut, struct rng *rng, const char *db)
{
    for (int file = 0; file < KINDS; file++) {
        struct image im = {0};
        size_t synced = 0;
        char name[100];
        FILE *f;

        for (size_t i = 0; i < cut; i++)
            if (ops[i].file == file &&
                (ops[i].what == SYNC || (ops[i].what == DELETE && ops[i].len)))
                synced = i + 1;
        for (size_t i = 0; i < cut; i++)
            if (ops[i].file == file)
                apply(&im, &ops[i], i < synced ? NULL : rng);
        snprintf(name, sizeof name, "%s%s", db, file == WAL ? "-wal" : "");
        remove(name);
        if (file == DB || im.len) {
            f = fopen(name, "w");
            assert_non_null(f);
            assert_int_equal(fwrite(im.data ? im.data : "", 1, im.len, f), im.len);
            fclose(f);
        }
        mem_free(im.data);
    }
}

/* ---- what is in it ---- */

struct state { /* what was told after a commit */
    uint64_t generation, number;
    int version[FILES]; /* of each file, 0: none */
    int jobs;
};
static struct state told[ROUNDS * COMMITS + 1];
static int told_count;

static struct hash hash_of(int file, int version)
{
    char text[32];
    struct hash h;

    snprintf(text, sizeof text, "%d %d", file, version);
    content_hash(&h, text, strlen(text));
    return h;
}

static void put(struct store *s, int file, int version)
{
    static char list[20000];
    struct store_entry entry = {.kind = 'f',
                                .size = (uint64_t)version,
                                .mtime_ns = version,
                                .ctime_ns = version,
                                .ino = 1,
                                .hash = hash_of(file, version),
                                .root = rows_no_checkpoints};
    char name[32];

    snprintf(name, sizeof name, "folder %d/file %d", file % 3, file);
    if (version)
        assert_int_equal(store_put(s, name, &entry, list, version % 7 ? 0 : sizeof list, &e), 0);
    else
        assert_true(store_gone(s, name, &e) >= 0);
}

/* The versions of the files, by what is announced; every hash must be one of its file. */
struct seen {
    int version[FILES], rows;
};

static bool see(void *ctx, const struct store_content *c, const struct hash *hash)
{
    struct seen *seen = ctx;
    int folder, file;
    struct hash right;

    assert_int_equal(sscanf(c->path, "folder %d/file %d", &folder, &file), 2);
    assert_true(file >= 0 && file < FILES);
    seen->version[file] = (int)c->size;
    seen->rows++;
    right = hash_of(file, (int)c->size);
    if (!hash_eq(&right, hash))
        fail_msg("%s has another hash", c->path);
    return true;
}

/* The same, as peers get them. */
static void see_rows(struct store_reader *r, struct seen *seen)
{
    struct buf b = {0};
    struct rows_head head;
    struct row row;
    struct rd rd;

    if (store_rows_since(r, 0, 0, "eva", 1u << 20, &b, &e))
        return;
    rd = rd_over(b.data, b.len);
    assert_true(rows_get_head(&rd, &head));
    while (rd_left(&rd) && rows_get(&rd, &row)) {
        char *name = mem_strn(row.path, row.path_len);
        struct store_content c = {.path = name, .size = row.size};

        see(seen, &c, &row.hash);
        mem_free(name);
    }
    buf_free(&b);
}

static void work(struct rng *rng)
{
    struct state now = {0};
    int version = 0;

    for (int round = 0; round < ROUNDS; round++) {
        struct store *s = store_open(path, NULL, &e);
        struct store_queue *q = store_queue_open(path, &e);

        assert_true(s && q);
        if (!round)
            assert_int_equal(store_set_folder(s, "/home/eva/Public", &e), 0);
        for (int i = 0; i < COMMITS; i++) {
            for (int n = (int)rng_below(rng, 12); n >= 0; n--) {
                int file = (int)rng_below(rng, FILES);

                now.version[file] = rng_below(rng, 5) ? ++version : 0;
                put(s, file, now.version[file]);
            }
            assert_int_equal(store_commit(s, &e), 0);
            if (!rng_below(rng, 4)) {
                struct store_job job = {.hash = hash_of(0, 1), .options = (char[]){"{}"}};

                assert_int_equal(store_job_add(q, &job, &e), 0);
                now.jobs++;
            }
            now.generation = store_generation(s);
            now.number = store_number(s);
            told[++told_count] = now;
            note(COMMIT, -1, round, NULL, told_count);
            if (!rng_below(rng, 12))
                assert_int_equal(store_tidy(s, &e), 0);
        }
        store_queue_close(q);
        store_close(s);
    }
}

/* The store at db is what was told once, not before `least`, not after `most` and one more. */
static void check(const char *db, int least, int most)
{
    char *aside = NULL;
    struct store *s = store_open(db, &aside, &e);
    struct store_reader *r = store_reader_open(db, &e);
    struct store_queue *q = store_queue_open(db, &e);
    struct store_job *jobs;
    struct seen seen = {0};
    uint64_t files, bytes;
    size_t count;
    int k;

    if (!s || aside)
        fail_msg("%s", s ? "set aside" : e.text);
    assert_int_equal(store_each(r, see, &seen, &e), 0);
    for (k = most < told_count ? most + 1 : most; k >= 0; k--)
        if (!memcmp(told[k].version, seen.version, sizeof seen.version))
            break;
    if (k < least)
        fail_msg("it is the state %d, of at least %d", k, least);
    store_counts(s, &files, &bytes);
    assert_int_equal(files, seen.rows);
    for (int i = 1; i <= most; i++) /* no number that was told means anything else now */
        if (told[i].generation == store_generation(s) && told[i].number == store_number(s))
            assert_memory_equal(told[i].version, seen.version, sizeof seen.version);
    assert_int_equal(store_jobs(q, &jobs, &count, &e), 0);
    assert_true((int)count >= told[most].jobs);
    for (size_t i = 0; i < count; i++)
        store_job_free(&jobs[i]);
    mem_free(jobs);
    put(s, 1, 1000000); /* and it works */
    assert_int_equal(store_commit(s, &e), 0);
    store_queue_close(q);
    store_reader_close(r);
    store_close(s);
}

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

static uint64_t seed(void)
{
    const char *text = getenv("IWANT_TEST_SEED");

    if (text)
        return strtoull(text, NULL, 10);
    return getenv("IWANT_SLOW") ? (uint64_t)getpid() : 1;
}

static void the_power_goes(void **state)
{
    unsigned cuts = getenv("IWANT_SLOW") ? 20 * CUTS : CUTS;
    char db[80];
    struct rng rng;

    (void)state;
    rng_seed(&rng, seed());
    printf("# IWANT_TEST_SEED=%llu\n", (unsigned long long)seed());
    log_writes(true);
    work(&rng);
    log_writes(false);
    snprintf(db, sizeof db, "%s/cut.db", dir);
    for (unsigned i = 0; i < cuts; i++) {
        size_t cut = (size_t)rng_below(&rng, op_count) + 1, first = 0;
        int least = 0, most = 0;

        while (first < op_count && ops[first].what != COMMIT)
            first++;
        if (cut <= first) /* it was being made */
            continue;
        for (size_t n = 0; n < cut; n++)
            if (ops[n].what == COMMIT) {
                if (most && ops[n].at != (most - 1) / COMMITS)
                    least = most; /* it was closed */
                most = ops[n].len;
            }
        make_state(cut, &rng, db);
        check(db, least, most);
    }
    for (size_t i = 0; i < op_count; i++)
        mem_free(ops[i].data);
    mem_free(ops);
}

/* Whatever byte of it is another: it is noticed and the index made anew, or what it tells is true.
 */
static void a_byte_is_another(void **state)
{
    struct store *s = store_open(path, NULL, &e);
    unsigned aside_count = 0, opened = 0;
    int flips = getenv("IWANT_SLOW") ? 8000 : 400;
    long size;
    char *whole, db[80], cmd[200];
    struct rng rng;
    FILE *f;

    (void)state;
    rng_seed(&rng, seed());
    printf("# IWANT_TEST_SEED=%llu\n", (unsigned long long)seed());
    for (int i = 0; i < FILES; i++)
        put(s, i, i + 1);
    store_close(s);
    f = fopen(path, "r");
    fseek(f, 0, SEEK_END);
    size = ftell(f);
    rewind(f);
    whole = mem_alloc((size_t)size);
    assert_int_equal(fread(whole, 1, (size_t)size, f), size);
    fclose(f);
    snprintf(db, sizeof db, "%s/hurt.db", dir);
    snprintf(cmd, sizeof cmd, "rm -f '%s'*", db);
    for (int i = 0; i < flips; i++) {
        long at = i < 100 ? i : (long)rng_below(&rng, (uint64_t)size);
        char was = whole[at], *aside = NULL;
        struct store_reader *r;
        struct seen seen = {0};

        whole[at] ^= (char)(1 + rng_below(&rng, 255));
        assert_int_equal(system(cmd), 0);
        f = fopen(db, "w");
        fwrite(whole, 1, (size_t)size, f);
        fclose(f);
        whole[at] = was;
        s = store_open(db, &aside, &e);
        if (!s) { /* it seems to be a newer version's */
            assert_non_null(strstr(e.text, "newer"));
            assert_in_range(at, 60, 63);
            continue;
        }
        aside_count += aside != NULL;
        opened++;
        r = store_reader_open(db, &e);
        assert_non_null(r);
        see_rows(r, &seen);
        store_reader_close(r);
        store_close(s);
        mem_free(aside);
    }
    printf("# %u of %u set aside\n", aside_count, opened);
    assert_true(aside_count && aside_count < opened); /* some bytes are nobody's */
    mem_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_power_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_byte_is_another, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
