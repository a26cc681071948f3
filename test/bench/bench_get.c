/* How often `iwanto get` takes the first row, and how often a wrong one: `bench_get LIST.tsv
 * QUERIES.jsonl`, of known-item benchmarks. The list has a line a file (path, size, peer, hash,
 * with tabs between), the queries are objects {"cat", "q", "rel": [path ...]}: those of x and z are
 * left out, which have no item. Wrong: the row that is taken is none of rel; one of several: rel
 * has others that fit as well. */
#include "base/mem.h"
#include "core/clear.h"
#include "core/search.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS 64

struct group {
    char name[24];
    size_t asked, taken, wrong, several;
};

static void load(struct catalog *c, const char *path)
{
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0;
    uint64_t n = 0;

    if (!f) {
        perror(path);
        exit(1);
    }
    while (getline(&line, &cap, f) >= 0) {
        struct nid nid = {{1}};
        struct row row = {.kind = ROW_FILE, .path = line, .root = rows_no_checkpoints};

        row.path_len = strcspn(line, "\t\n");
        n++;
        memcpy(row.hash.b, &n, sizeof n);
        nid.b[1] = (uint8_t)(n % 200);
        if (row.path_len && !catalog_put(c, &nid, &row))
            abort();
    }
    catalog_settle(c);
    catalog_tidy(c);
    free(line);
    fclose(f);
}

static struct group *group_of(struct group *g, const char *name)
{
    size_t n = 0;

    while (n < GROUPS - 1 && g[n].name[0] && strncmp(g[n].name, name, sizeof g[n].name - 1) != 0)
        n++;
    snprintf(g[n].name, sizeof g[n].name, "%s", name);
    return &g[n];
}

static bool is_relevant(const struct search_row *row, const json_t *rel)
{
    for (size_t i = 0; i < json_array_size(rel); i++) {
        const char *path = json_string_value(json_array_get(rel, i));

        if (path && strlen(path) == row->path_len && !memcmp(path, row->path, row->path_len))
            return true;
    }
    return false;
}

static void ask(const struct catalog *c, const json_t *query, struct group *g)
{
    const char *text = json_string_value(json_object_get(query, "q"));
    const json_t *rel = json_object_get(query, "rel");
    struct search_query q = {.text = text,
                             .len = strlen(text),
                             .smaller = UINT64_MAX,
                             .newer_s = INT64_MIN,
                             .limit = 10};
    struct clear_row rows[10];
    struct search_result r;

    search_run(c, &q, &r);
    for (size_t i = 0; i < r.rows; i++)
        rows[i] = (struct clear_row){r.row[i].score, r.row[i].path, r.row[i].path_len,
                                     r.row[i].kind == ROW_DIR};
    g->asked++;
    if (clear_of(rows, r.rows, NULL) == CLEAR_YES) {
        g->taken++;
        if (!is_relevant(&r.row[0], rel))
            g->wrong++;
        else if (json_array_size(rel) > 1)
            g->several++;
    }
    search_done(&r);
}

static void print(const struct group *g)
{
    printf("%-14s %5zu %6.1f %% %5zu %7.2f %% %8zu\n", g->name, g->asked,
           g->asked ? 100 * (double)g->taken / (double)g->asked : 0, g->wrong,
           g->taken ? 100 * (double)g->wrong / (double)g->taken : 0, g->several);
}

int main(int argc, char **argv)
{
    struct catalog *c = catalog_new(1);
    struct group group[GROUPS] = {{"", 0, 0, 0, 0}}, all = {"all", 0, 0, 0, 0};
    char *line = NULL;
    size_t cap = 0;
    FILE *f = argc == 3 ? fopen(argv[2], "r") : NULL;

    if (!f) {
        fputs("usage: bench_get LIST.tsv QUERIES.jsonl\n", stderr);
        return 2;
    }
    load(c, argv[1]);
    while (getline(&line, &cap, f) >= 0) {
        json_t *query = json_loads(line, 0, NULL);
        const char *name = json_string_value(json_object_get(query, "cat"));

        if (name && !strchr("xz", *name) && json_is_string(json_object_get(query, "q")))
            ask(c, query, group_of(group, name));
        json_decref(query);
    }
    puts("queries        asked   taken wrong of taken one of several");
    for (size_t n = 0; n < GROUPS && group[n].name[0]; n++) {
        print(&group[n]);
        all.asked += group[n].asked;
        all.taken += group[n].taken;
        all.wrong += group[n].wrong;
        all.several += group[n].several;
    }
    print(&all);
    free(line);
    fclose(f);
    catalog_free(c);
    return 0;
}
