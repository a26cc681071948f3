/* How fast and how large: rows put, memory a row, queries, holders of a hash, at 100,000 and
 * 1,000,000 files. Prints one line a size. */
#include "../names.h"
#include "core/search.h"

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define QUERIES 400
#define LOOKUPS 200000

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static struct hash hash_of(unsigned i)
{
    struct hash hash = {{0}};
    uint64_t mixed = (i + 1) * 0x9e3779b97f4a7c15u;

    mixed = (mixed ^ mixed >> 29) * 0xbf58476d1ce4e5b9u;
    memcpy(hash.b, &mixed, sizeof mixed);
    return hash;
}

/* Microseconds to find out who has a content, any of them. */
static double lookup_us(const struct catalog *c, struct rng *r, unsigned files)
{
    double start = now_us();

    for (unsigned i = 0; i < LOOKUPS; i++) {
        struct hash hash = hash_of((unsigned)rng_below(r, files));
        struct catalog_holder holder;

        /* none: a later row had the same path */
        catalog_holders_done(&holder, catalog_holders(c, &hash, &holder, 1));
    }
    return (now_us() - start) / LOOKUPS;
}

static void put(struct catalog *c, unsigned i, const char *path, enum row_kind kind)
{
    struct nid nid = {{(uint8_t)(i / 20000 + 1)}};
    struct row row = {.kind = kind,
                      .number = i + 1,
                      .path = path,
                      .path_len = strlen(path),
                      .size = i,
                      .root = rows_no_checkpoints};

    row.hash = hash_of(i);
    if (!catalog_put(c, &nid, &row))
        abort();
}

/* Two or three words of a path, one of them with a letter wrong. */
static void make_query(struct rng *r, const char *path, char out[NAMES_PATH_MAX])
{
    size_t len = strlen(path), words = 2 + rng_below(r, 2), n = 0;

    for (size_t i = 0; i < words; i++) {
        size_t at = rng_below(r, len), from;

        while (at && path[at - 1] != ' ' && path[at - 1] != '/' && path[at - 1] != '.')
            at--;
        from = n;
        while (at < len && !strchr(" /.", path[at]))
            out[n++] = path[at++];
        if (!i && n > from + 4)
            out[from + 1 + rng_below(r, n - from - 1)] = (char)('a' + rng_below(r, 26));
        out[n++] = ' ';
    }
    out[n] = '\0';
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static void run(unsigned files)
{
    struct catalog *c = catalog_new(1);
    static double took[QUERIES];
    struct catalog_stats s;
    struct rng rng, again;
    double start, put_us = 0, drop_us, holders_us;
    char path[NAMES_PATH_MAX], text[NAMES_PATH_MAX];
    size_t found = 0;

    rng_seed(&rng, 1);
    again = rng;
    for (unsigned i = 0; i < files; i++) {
        names_path(&rng, path);
        start = now_us();
        put(c, i, path, ROW_FILE);
        put_us += now_us() - start;
    }
    start = now_us();
    catalog_settle(c);
    put_us += now_us() - start;
    catalog_stats(c, &s);
    for (unsigned i = 0; i < QUERIES; i++) {
        struct search_query q = {
            .text = text, .smaller = UINT64_MAX, .newer_s = INT64_MIN, .limit = 20};
        struct search_result result;

        names_path(&again, path);
        make_query(&rng, path, text);
        q.len = strlen(text);
        start = now_us();
        search_run(c, &q, &result);
        took[i] = (now_us() - start) / 1e3;
        found += result.rows > 0;
        search_done(&result);
    }
    holders_us = lookup_us(c, &rng, files);
    qsort(took, QUERIES, sizeof *took, by_size);
    start = now_us();
    catalog_drop(c, &(struct nid){{1}});
    drop_us = now_us() - start;
    printf("%u files: put %.1f us, %.0f bytes a row, %zu words; query p50 %.2f ms, p99 %.2f ms, "
           "max %.2f ms, "
           "%zu of %d found; holders of a hash %.2f us; drop of 20,000: %.0f ms\n",
           files, put_us / files, (double)s.bytes / files, s.words, took[QUERIES / 2],
           took[QUERIES * 99 / 100], took[QUERIES - 1], found, QUERIES, holders_us, drop_us / 1e3);
    catalog_free(c);
}

int main(void)
{
    run(100000);
    run(1000000);
    return 0;
}
