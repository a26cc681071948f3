/* core/catalog beside its readers: one thread puts, drops and settles in three steps, others search
 * and resolve under the shared lock. ThreadSanitizer sees that catalog_work_begin needs none. */
#include "../names.h"
#include "core/search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>
#include <uv.h>

#define READERS 2
#define ROUNDS  40
#define ROWS    300

struct shared {
    struct catalog *catalog;
    uv_rwlock_t lock;
    atomic_bool done;
    atomic_uint found, asked;
};

static void ask(struct shared *s, const char *text)
{
    struct search_query q = {
        .text = text, .len = strlen(text), .smaller = UINT64_MAX, .newer_s = INT64_MIN, .limit = 5};
    struct catalog_holder holder[4];
    struct search_result r;

    uv_rwlock_rdlock(&s->lock);
    search_run(s->catalog, &q, &r);
    if (r.rows) {
        size_t n = catalog_holders(s->catalog, &r.row[0].hash, holder, 4);

        assert_true(n > 0);
        catalog_holders_done(holder, n < 4 ? n : 4);
    }
    uv_rwlock_rdunlock(&s->lock);
    for (size_t i = 0; i < r.rows; i++) /* the rows are the result's own */
        assert_int_equal(strlen(r.row[i].path), r.row[i].path_len);
    s->found += r.rows > 0;
    s->asked++;
    search_done(&r);
}

static void read_along(void *arg)
{
    static const char *const text[] = {"river mountan", "winter", "castle -jpg", "s01e02", "2019"};
    struct shared *s = arg;

    for (unsigned i = 0; !s->done; i++) {
        ask(s, text[i % (sizeof text / sizeof *text)]);
        uv_sleep(1); /* a lock that prefers readers lets the writer in */
    }
}

static void settle(struct shared *s)
{
    struct catalog_work *w = catalog_work_begin(s->catalog);

    uv_rwlock_wrlock(&s->lock);
    catalog_work_end(s->catalog, w);
    uv_rwlock_wrunlock(&s->lock);
    catalog_work_free(w);
}

static void tidy(struct shared *s)
{
    struct catalog_work *w = catalog_tidy_begin(s->catalog);

    uv_rwlock_wrlock(&s->lock);
    catalog_work_end(s->catalog, w);
    uv_rwlock_wrunlock(&s->lock);
    catalog_work_free(w);
}

static void put(struct shared *s, struct rng *rng, unsigned round, unsigned i)
{
    struct nid nid = {{(uint8_t)(round % 4 + 1)}};
    uint32_t hash = round * ROWS + i;
    char path[NAMES_PATH_MAX];
    struct row row = {.kind = ROW_FILE, .path = path, .root = rows_no_checkpoints};

    names_path(rng, path);
    row.path_len = strlen(path);
    memcpy(row.hash.b, &hash, sizeof hash);
    assert_true(catalog_put(s->catalog, &nid, &row));
    if (i % 50 == 0) {
        row.kind = ROW_GONE;
        catalog_put(s->catalog, &nid, &row);
    }
}

static void readers_go_on_while_rows_are_settled(void **state)
{
    struct shared s = {.catalog = catalog_new(1)};
    uv_thread_t reader[READERS];
    struct catalog_stats stats;
    struct rng rng;

    (void)state;
    rng_seed(&rng, 3);
    uv_rwlock_init(&s.lock);
    for (int i = 0; i < READERS; i++)
        uv_thread_create(&reader[i], read_along, &s);
    for (unsigned round = 0; round < ROUNDS; round++) {
        uv_rwlock_wrlock(&s.lock);
        for (unsigned i = 0; i < ROWS; i++)
            put(&s, &rng, round, i);
        uv_rwlock_wrunlock(&s.lock);
        if (round % 16 == 15) {
            uv_rwlock_wrlock(&s.lock);
            catalog_drop(s.catalog, &(struct nid){{2}});
            uv_rwlock_wrunlock(&s.lock);
        }
        settle(&s);
        if (round % 3 == 2)
            tidy(&s);
    }
    s.done = true;
    for (int i = 0; i < READERS; i++)
        uv_thread_join(&reader[i]);
    assert_true(s.asked > 0 && s.found > 0);
    catalog_check(s.catalog);
    catalog_stats(s.catalog, &stats);
    assert_true(stats.files > ROWS && stats.segments > 0 && stats.segments < 12);
    catalog_free(s.catalog);
    uv_rwlock_destroy(&s.lock);
}

/* Segments come and go; what is found does not depend on how rows lie in them. */
static void settling_changes_no_answer(void **state)
{
    struct catalog *a = catalog_new(1), *b = catalog_new(2);
    struct search_query q = {.text = "winter castle", .len = 13, .smaller = UINT64_MAX};
    struct search_result ra, rb;
    struct rng rng;

    (void)state;
    rng_seed(&rng, 5);
    for (uint32_t i = 0; i < 4000; i++) {
        struct nid nid = {{(uint8_t)(i % 3 + 1)}};
        char path[NAMES_PATH_MAX];
        struct row row = {.kind = ROW_FILE, .path = path, .root = rows_no_checkpoints};

        names_path(&rng, path);
        row.path_len = strlen(path);
        memcpy(row.hash.b, &i, sizeof i);
        catalog_put(a, &nid, &row);
        catalog_put(b, &nid, &row);
        if (i % 97 == 0)
            catalog_settle(b); /* many small segments, merged time and again; a is one */
    }
    catalog_settle(a);
    catalog_settle(b);
    catalog_check(b);
    q.newer_s = INT64_MIN;
    q.limit = 50;
    search_run(a, &q, &ra);
    search_run(b, &q, &rb);
    assert_true(ra.rows > 0);
    assert_int_equal(ra.rows, rb.rows);
    for (size_t i = 0; i < ra.rows; i++)
        assert_memory_equal(&ra.row[i].hash, &rb.row[i].hash, sizeof ra.row[i].hash);
    search_done(&ra);
    search_done(&rb);
    catalog_free(a);
    catalog_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_go_on_while_rows_are_settled),
        cmocka_unit_test(settling_changes_no_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
