/* A peer that shares very many files that it does not have: real keys, index, server and election;
 * only the walk over a folder is left out. For measuring what such peers cost a leader.
 *
 *   bench_peer list WORDS FIRST COUNT                        paths FIRST.. on stdout, a line each
 *   bench_peer share WORDS FIRST COUNT HOME NAME INTERFACE   puts them into HOME/iwant.db, says
 *                                "ready FILES"; at the next line on stdin joins the LAN, at its end
 *                                leaves it
 *
 * WORDS is a list of words, frequent ones first. Path i depends on WORDS and i alone, so lists that
 * are next to each other join. One file in twenty has the content of another one. */
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "core/content.h"
#include "io/daemon.h"
#include "io/http_client.h"
#include "io/loop.h"
#include "svc/desk.h"
#include "svc/ident.h"
#include "svc/lan.h"
#include "svc/serve.h"
#include "svc/store.h"
#include "svc/store_index.h"

#include <math.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_CAP    600
#define COMMIT_ROWS 100000
#define SAME        20 /* one file in so many has another's content */

/* ---- names ---- */

struct list {
    char **word;
    size_t words, cap;
};

static struct list read_words(const char *path)
{
    struct list l = {0};
    char line[64];
    FILE *f = fopen(path, "r");

    if (!f) {
        perror(path);
        exit(1);
    }
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        MEM_GROW(l.word, l.words, l.cap);
        l.word[l.words++] = mem_str(line);
    }
    fclose(f);
    if (!l.words) {
        fprintf(stderr, "%s: no words\n", path);
        exit(1);
    }
    return l;
}

/* Word k is met about 1 / (k + 50) as often as all: few words often, most of them rarely. */
static const char *word(const struct list *l, struct rng *r)
{
    double share = (double)rng_below(r, 1u << 30) / (1u << 30), n = (double)l->words;
    size_t k = (size_t)(50 * (pow((n + 50) / 50, share) - 1));

    return l->word[k < l->words ? k : l->words - 1];
}

/* Two to four words, as titles are written: "broken river", "Broken.River", "broken_river". */
static void title(const struct list *l, struct rng *r, char out[160])
{
    static const char between[] = "    ._-";
    char with = between[rng_below(r, sizeof between - 1)];
    bool capitals = rng_below(r, 2);
    size_t words = 2 + rng_below(r, 3), len = 0;

    for (size_t i = 0; i < words; i++) {
        size_t at = len + (i > 0);

        len += (size_t)snprintf(out + len, 160 - len, "%.*s%s", (int)(i > 0), &with, word(l, r));
        if (capitals && out[at] >= 'a' && out[at] <= 'z')
            out[at] = (char)(out[at] - 'a' + 'A');
    }
}

/* Path i of the list. Folders come back, large ones more often. */
static void path_of(const struct list *l, uint64_t i, char out[PATH_CAP])
{
    static const char *const tail[] = {".720p.HDTV.x264-LOL.mkv", ".1080p.WEB-DL.H264.mkv", ".mp4",
                                       ".avi"};
    char set[160], own[160];
    struct rng r, folder;
    unsigned kind, year;

    rng_seed(&r, i);
    kind = (unsigned)rng_below(&r, 10);
    rng_seed(&folder, rng_below(&r, rng_below(&r, 10000) + 1) * 16 + kind + (1ull << 40));
    title(l, &folder, set);
    title(l, &r, own);
    year = 1960 + (unsigned)rng_below(&folder, 66);
    switch (kind) {
    case 0:
    case 1:
        snprintf(out, PATH_CAP, "Series/%s/Season %u/%s.S%02uE%02u.%s%s", set, year % 9 + 1, set,
                 year % 9 + 1, (unsigned)rng_below(&r, 24) + 1, own, tail[year % 4]);
        break;
    case 2:
        if (rng_below(&r, 4))
            snprintf(out, PATH_CAP, "Films/%u/%s (%u)%s", year, own, year, tail[year % 4]);
        else
            snprintf(out, PATH_CAP, "Films/%s (%u)/%s.%u%s", own, year, own, year, tail[year % 4]);
        break;
    case 3:
    case 4:
    case 5:
        snprintf(out, PATH_CAP, "Music/%s/%u - %s/%02u - %s.mp3", word(l, &folder), year, set,
                 (unsigned)rng_below(&r, 16) + 1, own);
        break;
    case 6:
        snprintf(out, PATH_CAP, "Pictures/%u/%s/IMG_%07u.JPG", year, set, (unsigned)i);
        break;
    case 7:
        snprintf(out, PATH_CAP, "Documents/%s/%s %u.%s", set, own, year,
                 rng_below(&r, 2) ? "docx" : "pdf");
        break;
    case 8:
        snprintf(out, PATH_CAP, "Books/%s/%s.epub", word(l, &folder), own);
        break;
    default:
        snprintf(out, PATH_CAP, "Software/%s/%s-%u.%u.tar.gz", word(l, &folder), own,
                 (unsigned)rng_below(&r, 5), (unsigned)rng_below(&r, 20));
    }
}

/* ---- the index ---- */

static void stop_on(struct err *e)
{
    fprintf(stderr, "bench_peer: %s\n", e->text);
    exit(1);
}

static void put(struct store *s, const struct list *l, uint64_t i)
{
    struct store_entry en = {.kind = 'f', .ino = i + 1, .root = rows_no_checkpoints};
    struct rng r;
    struct err e;
    char path[PATH_CAP], content[32];
    uint64_t of = i;

    rng_seed(&r, i + (1ull << 50));
    if (!rng_below(&r, SAME))
        of = rng_below(&r, i + 1);
    snprintf(content, sizeof content, "%llu", (unsigned long long)of);
    content_hash(&en.hash, content, strlen(content));
    rng_seed(&r, of + (1ull << 51));
    en.size = (uint64_t)1 << (4 + rng_below(&r, 28));
    en.size += rng_below(&r, en.size);
    en.mtime_ns = (int64_t)(1500000000 + rng_below(&r, 200000000)) * 1000000000;
    en.ctime_ns = en.mtime_ns;
    if (en.size > 1u << 20)
        content_hash(&en.root, path, 0), en.root.b[0] ^= (uint8_t)of, en.root.b[1] ^= 1;
    path_of(l, i, path);
    if (store_put(s, path, &en, NULL, 0, &e))
        stop_on(&e);
    if (store_uncommitted(s) >= COMMIT_ROWS && store_commit(s, &e))
        stop_on(&e);
}

/* ---- the peer ---- */

struct bench {
    struct loop *loop;
    struct ident ident;
    struct lan *lan;
};

static void news(void *ctx, const struct elect_news *n)
{
    (void)ctx;
    (void)n;
}

static void end(void *ctx)
{
    loop_quit(((struct bench *)ctx)->loop);
}

static void leave(void *ctx)
{
    struct bench *b = ctx;

    lan_leave(b->lan, end, b);
}

static void wait_for_end(void *ctx)
{
    struct bench *b = ctx;

    while (getchar() != EOF)
        ;
    loop_post(b->loop, leave, b);
}

static void run_peer(struct bench *b, const char *home, const char *db, const char *name,
                     const char *interface, uint64_t generation, uint64_t number)
{
    struct lan_conf lc = {.ident = &b->ident,
                          .interface = &interface,
                          .interfaces = 1,
                          .generation = generation,
                          .number = number,
                          .never_lead = true,
                          .news = news,
                          .ctx = b};
    struct serve *serve;
    struct desk *desk;
    uv_thread_t waiter;
    struct err e;

    if (ident_load(&b->ident, home, "lan", NULL, name, &e))
        stop_on(&e);
    if (!(desk = desk_new(&(struct desk_conf){.ident = &b->ident}, &e)))
        stop_on(&e);
    serve = serve_new(
        &(struct serve_conf){.ident = &b->ident, .threads = 2, .desk = desk, .db_path = db},
        &lc.tcp_port, &e);
    if (!serve)
        stop_on(&e);
    while (getchar() != '\n')
        if (feof(stdin))
            exit(0);
    lc.loop = b->loop = loop_new("main");
    if (!(b->lan = lan_new(&lc, &e)))
        stop_on(&e);
    uv_thread_create(&waiter, wait_for_end, b);
    loop_run(b->loop);
    uv_thread_join(&waiter);
    serve_free(serve);
    desk_free(desk);
    lan_free(b->lan);
    loop_free(b->loop);
    ident_done(&b->ident);
}

static void share(const struct list *l, uint64_t first, uint64_t count, const char *home,
                  const char *name, const char *interface)
{
    struct bench b = {.ident.lock_fd = -1};
    uint64_t generation, number, files, bytes;
    struct store *s;
    struct err e;
    char db[1000];

    signal(SIGPIPE, SIG_IGN);
    if (sodium_init() < 0)
        exit(1);
    http_client_setup();
    mkdir(home, 0700);
    snprintf(db, sizeof db, "%s/iwant.db", home);
    if (!(s = store_open(db, NULL, &e)) || store_set_folder(s, "/bench", &e))
        stop_on(&e);
    for (uint64_t i = 0; i < count; i++)
        put(s, l, first + i);
    if (store_commit(s, &e))
        stop_on(&e);
    generation = store_generation(s);
    number = store_number(s);
    store_counts(s, &files, &bytes);
    store_close(s);
    printf("ready %llu\n", (unsigned long long)files);
    fflush(stdout);
    run_peer(&b, home, db, name, interface, generation, number);
}

int main(int argc, char **argv)
{
    struct list l;
    uint64_t first, count;
    char path[PATH_CAP];

    if (argc < 5 || !str_parse_u64(argv[3], 0, UINT32_MAX, &first) ||
        !str_parse_u64(argv[4], 1, UINT32_MAX, &count) || (strcmp(argv[1], "list") && argc != 8)) {
        fprintf(stderr, "usage: bench_peer list|share WORDS FIRST COUNT [HOME NAME INTERFACE]\n");
        return 2;
    }
    l = read_words(argv[2]);
    if (!strcmp(argv[1], "share")) {
        share(&l, first, count, argv[5], argv[6], argv[7]);
        return 0;
    }
    for (uint64_t i = 0; i < count; i++) {
        path_of(&l, first + i, path);
        puts(path);
    }
    return 0;
}
