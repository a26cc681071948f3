/* A peer with many files comes in while others search: how long until all is found, and what the
 * searches feel of it. Locks as the desk does: a thousand rows at a time, segments built beside the
 * readers. usage: bench_settle [FILES_THERE [FILES_NEW]], a million each. */
#include "../names.h"
#include "core/search.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <uv.h>

#define LOCKED_ROWS 1000
#define WAITING_MAX 200000
#define ASKED_MAX   200000
#define PEER_ROWS   500000

struct bench {
    struct catalog *catalog;
    uv_rwlock_t lock;
    atomic_bool done;
    double took_ms[ASKED_MAX];
    size_t asked;
};

static double now_ms(void)
{
    return (double)uv_hrtime() / 1e6;
}

static void put(struct bench *b, struct rng *rng, uint32_t i, uint8_t peer)
{
    struct nid nid = {{peer, (uint8_t)(i / PEER_ROWS)}};
    char path[NAMES_PATH_MAX];
    struct row row = {.kind = ROW_FILE, .path = path, .size = i, .root = rows_no_checkpoints};
    uint64_t hash = ((uint64_t)peer << 32 | i) * 0x9e3779b97f4a7c15u;

    names_path(rng, path);
    row.path_len = strlen(path);
    memcpy(row.hash.b, &hash, sizeof hash);
    if (!catalog_put(b->catalog, &nid, &row))
        abort();
}

static void exchange(struct bench *b, struct catalog_work *w)
{
    uv_rwlock_wrlock(&b->lock);
    catalog_work_end(b->catalog, w);
    uv_rwlock_wrunlock(&b->lock);
    catalog_work_free(w);
}

static void settle(struct bench *b)
{
    exchange(b, catalog_work_begin(b->catalog));
}

static void tidy(struct bench *b)
{
    struct catalog_work *w;

    while ((w = catalog_tidy_begin(b->catalog)))
        exchange(b, w);
}

static void add_peer(struct bench *b, struct rng *rng, uint32_t files, uint8_t peer)
{
    for (uint32_t i = 0; i < files;) {
        uv_rwlock_wrlock(&b->lock);
        for (int n = 0; n < LOCKED_ROWS && i < files; n++)
            put(b, rng, i++, peer);
        uv_rwlock_wrunlock(&b->lock);
        if (catalog_waiting(b->catalog) > WAITING_MAX)
            settle(b);
    }
    settle(b);
}

/* One search after the other, a millisecond between. */
static void search(void *arg)
{
    struct bench *b = arg;
    struct rng rng;

    rng_seed(&rng, 1); /* the names that are there */
    while (!b->done && b->asked < ASKED_MAX) {
        char path[NAMES_PATH_MAX], *text;
        struct search_query q = {.smaller = UINT64_MAX, .newer_s = INT64_MIN, .limit = 20};
        struct search_result r;
        double start;

        names_path(&rng, path);
        text = strrchr(path, '/');
        q.text = text ? text + 1 : path;
        q.len = strcspn(q.text, " .");
        if (q.text[q.len]) /* its first two words */
            q.len += 1 + strcspn(q.text + q.len + 1, " .");
        start = now_ms();
        uv_rwlock_rdlock(&b->lock);
        search_run(b->catalog, &q, &r);
        uv_rwlock_rdunlock(&b->lock);
        b->took_ms[b->asked++] = now_ms() - start;
        search_done(&r);
        uv_sleep(1);
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static void tell(struct bench *b, const char *when)
{
    qsort(b->took_ms, b->asked, sizeof *b->took_ms, by_size);
    printf("searches %s: %zu, p50 %.2f ms, p99 %.2f ms, max %.2f ms\n", when, b->asked,
           b->took_ms[b->asked / 2], b->took_ms[b->asked * 99 / 100], b->took_ms[b->asked - 1]);
    b->asked = 0;
    b->done = false;
}

int main(int argc, char **argv)
{
    uint32_t there = argc > 1 ? (uint32_t)atol(argv[1]) : 1000000;
    uint32_t new = argc > 2 ? (uint32_t)atol(argv[2]) : 1000000;
    struct bench *b = calloc(1, sizeof *b);
    struct catalog_stats s;
    uv_thread_t reader;
    struct rng rng;
    double start, after;

    b->catalog = catalog_new(1);
    uv_rwlock_init(&b->lock);
    rng_seed(&rng, 1);
    add_peer(b, &rng, there, 1);
    tidy(b);
    uv_thread_create(&reader, search, b);
    uv_sleep(3000);
    b->done = true;
    uv_thread_join(&reader);
    tell(b, "before");
    uv_thread_create(&reader, search, b);
    start = now_ms();
    add_peer(b, &rng, new, 2);
    after = now_ms();
    tidy(b);
    b->done = true;
    uv_thread_join(&reader);
    tell(b, "meanwhile");
    catalog_stats(b->catalog, &s);
    printf("%u files more beside %u: %.2f s until all are found, %.2f s until all is tidy; %zu "
           "segments, "
           "%.0f bytes a file and %.0f for content hashes\n",
           new, there, (after - start) / 1e3, (now_ms() - after) / 1e3, s.segments,
           (double)(s.bytes - s.hash_bytes) / (double)s.files,
           (double)s.hash_bytes / (double)s.files);
    catalog_free(b->catalog);
    uv_rwlock_destroy(&b->lock);
    free(b);
    return 0;
}
