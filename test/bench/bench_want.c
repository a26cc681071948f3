/* What standing wishes cost the leader: `bench_want LIST.tsv [WISHES]`. The list has a line a file:
 * path, size, peer, hash, with tabs between. Wishes are two words of some file; a round asks them
 * all, as svc/want does whenever something is new. And what a question for many hashes costs, of a
 * list of sums. Processor time. */
#include "core/search.h"
#include "core/wish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WISH_MAX 200
#define ROUNDS   5

static double cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The first two words of its name. */
static void make_wish(char out[WISH_MAX], const char *path, size_t len)
{
    const char *slash = memrchr(path, '/', len);
    size_t from = slash ? (size_t)(slash - path) + 1 : 0, words = 0, n = 0;

    for (size_t i = from; i < len && n < WISH_MAX - 1 && words < 2; i++) {
        bool letter = (path[i] | 32) >= 'a' && (path[i] | 32) <= 'z';

        if (letter)
            out[n++] = path[i];
        else if (n && out[n - 1] != ' ' && ++words < 2)
            out[n++] = ' ';
    }
    out[n] = '\0';
}

static double round_of(const struct catalog *c, char (*wish)[WISH_MAX], size_t wishes, size_t *met)
{
    double start = cpu_ms();

    *met = 0;
    for (size_t i = 0; i < wishes; i++) {
        struct search_query q = {.text = wish[i],
                                 .len = strlen(wish[i]),
                                 .smaller = UINT64_MAX,
                                 .newer_s = INT64_MIN,
                                 .limit = SEARCH_ROWS_MAX};
        struct search_result r;

        search_run(c, &q, &r);
        for (size_t n = 0; n < r.rows; n++)
            *met += wish_met(q.text, q.len, r.row[n].path, r.row[n].path_len, false);
        search_done(&r);
    }
    return cpu_ms() - start;
}

/* Every 2nd of so many hashes is there. */
static double known(const struct catalog *c, size_t count)
{
    struct catalog_holder found[HOLDERS_MAX];
    double start = cpu_ms();

    for (size_t n = 0; n < count; n++) {
        struct hash hash = {{0}};
        size_t file = n % 2 ? n : SIZE_MAX - n, all;

        memcpy(hash.b, &file, sizeof file);
        all = catalog_holders(c, &hash, found, HOLDERS_MAX);
        catalog_holders_done(found, all < HOLDERS_MAX ? all : HOLDERS_MAX);
    }
    return cpu_ms() - start;
}

int main(int argc, char **argv)
{
    size_t wishes = argc > 2 ? (size_t)atol(argv[2]) : 100, files = 0, met, cap = 0;
    FILE *f = argc > 1 ? fopen(argv[1], "r") : NULL;
    char(*wish)[WISH_MAX] = calloc(wishes, WISH_MAX), *line = NULL;
    struct catalog *c = catalog_new(1);
    double best = 1e9;

    if (!f || !wish) {
        fputs("usage: bench_want LIST.tsv [WISHES]\n", stderr);
        return 2;
    }
    while (getline(&line, &cap, f) >= 0) {
        struct nid nid = {{1, (uint8_t)(files % 200)}};
        struct row row = {.kind = ROW_FILE, .path = line, .root = rows_no_checkpoints};

        row.path_len = strcspn(line, "\t\n");
        if (files % 7919 == 0 && files / 7919 < wishes)
            make_wish(wish[files / 7919], line, row.path_len);
        files++;
        memcpy(row.hash.b, &files, sizeof files);
        if (row.path_len && !catalog_put(c, &nid, &row))
            abort();
    }
    catalog_settle(c);
    catalog_tidy(c);
    for (int i = 0; i < ROUNDS; i++) {
        double ms = round_of(c, wish, wishes, &met);

        best = ms < best ? ms : best;
    }
    printf("%zu files, %zu wishes, %zu contents meet them: %.0f ms of processor time a round\n",
           files, wishes, met, best);
    printf("a question for %d hashes, every other one there: %.1f ms\n", KNOWN_HASHES_MAX,
           known(c, KNOWN_HASHES_MAX));
    free(line);
    free(wish);
    fclose(f);
    catalog_free(c);
    return 0;
}
