/* core/search behind a pipe, for known-item benchmarks: `search_adapter LIST.tsv`.
 *
 * The list has a line a file: path, size, peer, hash, with tabs between. Then, on standard output
 * and input, fields with tabs between:
 *
 *   adapter   READY <files> caps=filters,page,update bytes=<of the catalog, without content hashes>
 *   asker     Q <id> <offset> <limit> <filters> <query>
 *   adapter   R <id> <n> <about how many in all> <own microseconds, of processor time>, then n
 * paths asker     A <path> <size> <peer> <hash>     add; no answer D <path> <peer> remove; no
 * answer S                                 adapter: OK, all of it is seen
 *
 * Filters are k=v;k=v with ext, min, max, peer, dir (the path's beginning), or "-". Search gives
 * one row a content, so files that are added get a hash of their own whatever the asker says. What
 * the catalog takes for hashes, and how long building took, goes to standard error. */
#include "base/mem.h"
#include "core/search.h"
#include "core/sip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIELDS_MAX 8

static double cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Cut a line at its tabs; gives how many fields there are. */
static size_t cut(char *line, char *field[FIELDS_MAX])
{
    size_t n = 0;

    line[strcspn(line, "\n")] = '\0';
    while (n < FIELDS_MAX) {
        field[n++] = line;
        line = strchr(line, '\t');
        if (!line)
            break;
        *line++ = '\0';
    }
    return n;
}

static struct nid nid_of(const char *peer)
{
    struct nid nid = {{1}};
    size_t len = strlen(peer);

    memcpy(nid.b + 1, peer, len < sizeof nid.b - 1 ? len : sizeof nid.b - 1);
    return nid;
}

static void put(struct catalog *c, char **field, bool own_hash)
{
    static const struct sip_key key = {{1, 2}};
    struct nid nid = nid_of(field[2]);
    struct row row = {.kind = ROW_FILE,
                      .path = field[0],
                      .path_len = strlen(field[0]),
                      .size = strtoull(field[1], NULL, 10),
                      .root = rows_no_checkpoints};
    uint64_t hash = own_hash ? sip(&key, field[0], row.path_len) : strtoull(field[3], NULL, 16);

    for (size_t i = 0; i < sizeof row.hash.b; i++) {
        if (i % 8 == 0)
            hash = (hash ^ hash >> 29) * 0xbf58476d1ce4e5b9u + i; /* a hash looks random */
        row.hash.b[i] = (uint8_t)(hash >> i % 8 * 8);
    }
    if (!catalog_put(c, &nid, &row))
        abort();
}

static void load(struct catalog *c, const char *path)
{
    FILE *f = fopen(path, "r");
    char *line = NULL, *field[FIELDS_MAX];
    size_t cap = 0;

    if (!f) {
        perror(path);
        exit(1);
    }
    while (getline(&line, &cap, f) >= 0)
        if (cut(line, field) >= 4)
            put(c, field, false);
    catalog_settle(c);
    catalog_tidy(c);
    free(line);
    fclose(f);
}

/* "k=v;k=v" into the query; gives the path's beginning or NULL. */
static const char *take_filters(char *text, struct search_query *q, struct nid *peer)
{
    const char *dir = NULL;

    for (char *save = NULL, *f = strtok_r(text, ";", &save); f; f = strtok_r(NULL, ";", &save)) {
        char *value = strchr(f, '=');

        if (!value)
            continue;
        *value++ = '\0';
        if (!strcmp(f, "ext"))
            q->ext = value;
        else if (!strcmp(f, "min"))
            q->larger = strtoull(value, NULL, 10);
        else if (!strcmp(f, "max"))
            q->smaller = strtoull(value, NULL, 10);
        else if (!strcmp(f, "dir"))
            q->in = dir = value;
        else if (!strcmp(f, "peer")) {
            *peer = nid_of(value);
            q->peer = peer;
        }
    }
    return dir;
}

static bool lies_in(const struct search_row *row, const char *dir)
{
    size_t len = strlen(dir);

    return row->path_len > len && !memcmp(row->path, dir, len) && row->path[len] == '/';
}

static void answer(const struct catalog *c, char **field)
{
    size_t offset = strtoull(field[2], NULL, 10), limit = strtoull(field[3], NULL, 10), n = 0;
    struct search_query q = {.text = field[5],
                             .len = strlen(field[5]),
                             .smaller = UINT64_MAX,
                             .newer_s = INT64_MIN,
                             .offset = offset,
                             .limit = limit};
    struct nid peer;
    double start = cpu_us();
    const char *dir = take_filters(field[4], &q, &peer);
    struct search_result r;
    size_t place = 0;

    if (dir) { /* `in` knows folders, not beginnings: cut the page here */
        q.offset = 0;
        q.limit = SEARCH_ROWS_MAX;
    }
    search_run(c, &q, &r);
    for (size_t i = 0; dir && i < r.rows; i++) {
        if (!lies_in(&r.row[i], dir) || place++ < offset || n == limit)
            continue;
        r.row[n++] = r.row[i];
    }
    n = dir ? n : r.rows;
    printf("R\t%s\t%zu\t%zu\t%.0f\n", field[1], n, r.about, cpu_us() - start);
    for (size_t i = 0; i < n; i++)
        printf("%.*s\n", (int)r.row[i].path_len, r.row[i].path);
    fflush(stdout);
    search_done(&r);
}

static void serve(struct catalog *c)
{
    char *line = NULL, *field[FIELDS_MAX];
    size_t cap = 0, n;

    while (getline(&line, &cap, stdin) >= 0) {
        n = cut(line, field);
        if (*field[0] == 'Q' && n >= 6) {
            answer(c, field);
        } else if (*field[0] == 'A' && n >= 5) {
            put(c, field + 1, true);
        } else if (*field[0] == 'D' && n >= 3) {
            struct nid nid = nid_of(field[2]);
            struct row row = {.kind = ROW_GONE, .path = field[1], .path_len = strlen(field[1])};

            catalog_put(c, &nid, &row);
        } else if (*field[0] == 'S') {
            catalog_settle(c);
            puts("OK");
            fflush(stdout);
        }
    }
    free(line);
}

int main(int argc, char **argv)
{
    struct catalog *c = catalog_new(1);
    struct catalog_stats s;
    double start = cpu_us();

    if (argc != 2) {
        fputs("usage: search_adapter LIST.tsv\n", stderr);
        return 2;
    }
    load(c, argv[1]);
    mem_trim();
    catalog_stats(c, &s);
    fprintf(stderr,
            "%zu files, %zu words, %zu segments, built in %.2f s of processor time; "
            "%.1f bytes a file and %.1f for content hashes\n",
            s.files, s.words, s.segments, (cpu_us() - start) / 1e6,
            (double)(s.bytes - s.hash_bytes) / (double)s.files,
            (double)s.hash_bytes / (double)s.files);
    printf("READY %zu caps=filters,page,update bytes=%zu\n", s.files, s.bytes - s.hash_bytes);
    fflush(stdout);
    serve(c);
    catalog_free(c);
    return 0;
}
