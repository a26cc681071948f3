/* Peers in one process, for the tests of serve and fetch: real identities, stores, servers, clients
 * and folders on loopback. Only three rooms are played by the test itself: the leader's answers
 * (ask), the shared folder's thread (share), the catalog (desk). */
#pragma once

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/content.h"
#include "io/http_client.h"
#include "io/loop.h"
#include "io/root.h"
#include "svc/ask.h"
#include "svc/fetch.h"
#include "svc/ident.h"
#include "svc/serve.h"
#include "svc/share.h"
#include "svc/store.h"
#include "svc/store_index.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_S 30 /* until a test gives up */

static char top[64];
static struct loop *aside; /* where answers of the leader come from, and the test's own requests */

struct peer {
    char home[96], share[96], down[96], db[128];
    struct ident id;
    struct store *store;
    struct root *root; /* of share */
    struct serve *serve;
    struct fetch *fetch;
    uint16_t port;
    unsigned suspects, parts; /* calls of share_suspect; parts offered now */
    unsigned unreachable;     /* holders that fetch gave up */
};

/* ---- the played rooms ---- */

const struct root *share_root_get(struct share *s, const char *path, const char **below)
{
    *below = path;
    return ((struct peer *)(void *)s)->root;
}

void share_root_put(struct share *s, const struct root *r)
{
    (void)s;
    (void)r;
}

void share_suspect(struct share *s, const char *path)
{
    (void)path;
    __atomic_add_fetch(&((struct peer *)(void *)s)->suspects, 1, __ATOMIC_RELAXED);
}

void share_part(struct share *s, const struct hash *hash, const struct hash *root, uint64_t size,
                bool have)
{
    (void)hash;
    (void)root;
    (void)size;
    __atomic_add_fetch(&((struct peer *)(void *)s)->parts, have ? 1u : ~0u, __ATOMIC_RELAXED);
}

json_t *desk_answer(struct desk *d, const char *path_and_query, unsigned *status)
{
    (void)d;
    *status = 200;
    return json_pack("{s:s}", "asked", path_and_query);
}

static uv_mutex_t answers_lock;
static json_t *answers; /* path -> answer of the leader; absent: nobody has it */

struct asked {
    char *path;
    void (*done)(void *ctx, const struct ask_reply *r);
    void *ctx;
};

static void answer_now(void *arg)
{
    struct asked *q = arg;
    struct ask_reply r = {.status = 404};
    bool fetches = strstr(q->path, "?fetch=") != NULL;

    q->path[strcspn(q->path, "?")] = '\0';
    uv_mutex_lock(&answers_lock);
    r.json = json_deep_copy(json_object_get(answers, q->path));
    uv_mutex_unlock(&answers_lock);
    if (r.json && fetches) /* whoever says that he fetches: no order */
        json_object_set_new(r.json, "place", json_integer(0));
    if (r.json)
        r.status = 200;
    q->done(q->ctx, &r);
    json_decref(r.json);
    mem_free(q->path);
    mem_free(q);
}

void ask_start(struct ask *a, const char *path, unsigned timeout_ms,
               void (*done)(void *ctx, const struct ask_reply *r), void *ctx)
{
    struct asked *q = mem_zero(1, sizeof *q);

    (void)a;
    (void)timeout_ms;
    *q = (struct asked){.path = mem_str(path), .done = done, .ctx = ctx};
    loop_post(aside, answer_now, q);
}

/* ---- what the leader knows ---- */

static inline void knows_nothing(const struct hash *h)
{
    char path[96] = "/v1/holders/";

    hash_hex(h, path + strlen(path));
    uv_mutex_lock(&answers_lock);
    json_object_del(answers, path);
    uv_mutex_unlock(&answers_lock);
}

/* Add one holder; the group of its root is made when it is the first of it. */
static inline void knows(const struct hash *h, char kind, uint64_t size, const char *name,
                         const struct hash *root, const struct ident *id, uint16_t port,
                         bool partial)
{
    char path[96] = "/v1/holders/", hex[65], root_hex[65], nid[33], pub[65], addr[32];
    char kinds[2] = {kind, '\0'};
    json_t *o, *group = NULL, *g;
    size_t i;

    hash_hex(h, path + strlen(path));
    hash_hex(h, hex);
    hash_hex(root, root_hex);
    nid_hex(&id->nid, nid);
    str_hex(pub, id->key.pub, 32);
    snprintf(addr, sizeof addr, "127.0.0.1:%u", port);
    uv_mutex_lock(&answers_lock);
    o = json_object_get(answers, path);
    if (!o) {
        o = json_pack("{s:s, s:s, s:I, s:s, s:[]}", "hash", hex, "kind", kinds, "size",
                      (json_int_t)size, "name", name, "contents");
        json_object_set_new(answers, path, o);
    }
    json_array_foreach (json_object_get(o, "contents"), i, g) {
        if (!strcmp(json_string_value(json_object_get(g, "root")), root_hex))
            group = g;
    }
    if (!group) {
        group =
            json_pack("{s:s, s:I, s:[]}", "root", root_hex, "size", (json_int_t)size, "holders");
        json_array_append_new(json_object_get(o, "contents"), group);
    }
    json_array_append_new(json_object_get(group, "holders"),
                          json_pack("{s:s, s:s, s:s, s:s, s:b}", "peer", nid, "name", id->name,
                                    "pub", pub, "addr", addr, "partial", partial));
    uv_mutex_unlock(&answers_lock);
}

/* ---- files ---- */

static inline void make_bytes(char *p, size_t len, unsigned seed)
{
    struct rng_like {
        uint64_t x;
    } r = {seed * 0x9e3779b97f4a7c15u + 1};

    for (size_t i = 0; i < len; i++) {
        r.x ^= r.x << 13;
        r.x ^= r.x >> 7;
        r.x ^= r.x << 17;
        p[i] = (char)r.x;
    }
}

static inline void put_file(const char *dir, const char *name, size_t len, unsigned seed)
{
    char path[512], *p = mem_alloc(len + 1);
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    make_bytes(p, len, seed);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, len, f), len);
    fclose(f);
    mem_free(p);
}

static inline char *get_file(const char *dir, const char *name, size_t *len)
{
    char path[512], *p;
    FILE *f;
    long n;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "rb");
    if (!f)
        return NULL;
    fseek(f, 0, SEEK_END);
    n = ftell(f);
    rewind(f);
    p = mem_alloc((size_t)n + 1);
    assert_int_equal(fread(p, 1, (size_t)n, f), n);
    fclose(f);
    *len = (size_t)n;
    return p;
}

static inline bool is_file(const char *dir, const char *name, size_t len, unsigned seed)
{
    size_t got = 0;
    char *p = get_file(dir, name, &got), *want = mem_alloc(len + 1);
    bool same;

    make_bytes(want, len, seed);
    same = p && got == len && !memcmp(p, want, len);
    mem_free(p);
    mem_free(want);
    return same;
}

static inline bool exists(const char *dir, const char *name)
{
    char path[512];
    struct stat st;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return !lstat(path, &st);
}

/* Names in a folder, hidden ones too. */
static inline unsigned count_names(const char *dir)
{
    struct err e;
    struct root *r = root_open(dir, &e);
    struct root_dir *d = root_list(r, "", &e);
    struct root_stat st;
    const char *name;
    unsigned n = 0;

    while (root_list_next(d, &name, &st, &e) > 0)
        n++;
    root_list_end(d);
    root_close(r);
    return n;
}

/* ---- peers ---- */

/* Hash a path of the shared folder into the store, as share does. */
static inline struct hash index_path(struct peer *p, const char *path, uint64_t *size)
{
    struct store_entry entry = {0};
    struct root_stat st;
    struct err e = {0};

    assert_int_equal(root_stat_at(p->root, path, &st, &e), 0);
    entry.kind = st.kind;
    entry.mtime_ns = st.mtime_ns;
    entry.ctime_ns = st.ctime_ns;
    entry.ino = st.ino;
    if (st.kind == 'd') {
        struct root_dir *d = root_list(p->root, path, &e);
        struct content_entry child[300];
        struct root_stat cst;
        const char *name;
        size_t n = 0;
        struct buf b = {0};

        while (root_list_next(d, &name, &cst, &e) > 0) {
            char below[512];

            assert_true(n < 300);
            child[n] = (struct content_entry){.kind = cst.kind, .name_len = strlen(name)};
            str_copy(child[n].name, sizeof child[n].name, name);
            snprintf(below, sizeof below, "%s%s%s", path, *path ? "/" : "", name);
            child[n].hash = index_path(p, below, &child[n].size);
            n++;
        }
        root_list_end(d);
        for (size_t i = 0; i < n; i++) {
            for (size_t k = i + 1; k < n; k++) {
                if (strcmp(child[k].name, child[i].name) < 0) {
                    struct content_entry t = child[i];

                    child[i] = child[k];
                    child[k] = t;
                }
            }
        }
        for (size_t i = 0; i < n; i++) {
            content_manifest_add(&b, &child[i]);
            entry.size += child[i].size;
        }
        content_hash(&entry.hash, buf_cstr(&b), b.len);
        buf_free(&b);
        assert_int_equal(store_put(p->store, path, &entry, NULL, 0, &e), 0);
    } else {
        struct content_hasher h;
        char *block = mem_alloc(1 << 20);
        int fd = root_read_fd(p->root, path, &st, &e);
        ssize_t n;

        content_hasher_init(&h, st.size);
        while ((n = read(fd, block, 1 << 20)) > 0)
            content_hasher_add(&h, block, (size_t)n);
        close(fd);
        assert_true(content_hasher_done(&h, &entry.hash, &entry.root));
        entry.size = st.size;
        assert_int_equal(
            store_put(p->store, path, &entry, h.checkpoints.data, h.checkpoints.len, &e), 0);
        content_hasher_free(&h);
        mem_free(block);
    }
    *size = entry.size;
    return entry.hash;
}

static inline void index_all(struct peer *p)
{
    uint64_t size;
    struct err e;

    assert_int_equal(store_set_folder(p->store, root_path(p->root), &e), 0);
    index_path(p, "", &size);
    assert_int_equal(store_commit(p->store, &e), 0);
}

static inline void index_of(struct peer *p, const char *path, struct store_entry *out)
{
    struct err e;

    assert_int_equal(store_get(p->store, path, out, &e), 1);
}

static void gave_up(void *ctx, const struct nid *nid)
{
    (void)nid;
    __atomic_add_fetch(&((struct peer *)ctx)->unreachable, 1, __ATOMIC_RELAXED);
}

static inline void fetch_up(struct peer *p)
{
    struct fetch_conf conf = {.ident = &p->id,
                              .share = (struct share *)(void *)p,
                              .db_path = p->db,
                              .folder = p->down,
                              .unreachable = gave_up,
                              .ctx = p};
    struct err e = {0};

    p->fetch = fetch_new(&conf, &e);
    if (!p->fetch)
        fail_msg("%s", e.text);
    serve_fetch(p->serve, p->fetch);
}

static inline void fetch_down(struct peer *p)
{
    serve_fetch(p->serve, NULL);
    fetch_free(p->fetch);
    p->fetch = NULL;
}

static inline void peer_up(struct peer *p, const char *name, uint64_t limit_up)
{
    struct serve_conf conf = {.ident = &p->id,
                              .threads = 2,
                              .share = (struct share *)(void *)p,
                              .desk = (struct desk *)(void *)p,
                              .db_path = p->db,
                              .limit_up = limit_up};
    struct err e = {0};

    *p = (struct peer){0};
    snprintf(p->home, sizeof p->home, "%s/%s", top, name);
    snprintf(p->share, sizeof p->share, "%s/%s/share", top, name);
    snprintf(p->down, sizeof p->down, "%s/%s/down", top, name);
    snprintf(p->db, sizeof p->db, "%s/iwant.db", p->home);
    if (ident_load(&p->id, p->home, "lan", NULL, name, &e))
        fail_msg("%s", e.text);
    assert_int_equal(mkdir(p->share, 0755), 0);
    assert_int_equal(mkdir(p->down, 0755), 0);
    p->root = root_open(p->share, &e);
    p->store = store_open(p->db, NULL, &e);
    assert_non_null(p->store);
    p->serve = serve_new(&conf, &p->port, &e);
    if (!p->serve)
        fail_msg("%s", e.text);
}

static inline void peer_down(struct peer *p)
{
    serve_free(p->serve); /* before fetch, which its handlers ask */
    fetch_free(p->fetch);
    store_close(p->store);
    root_close(p->root);
    ident_done(&p->id);
}

static inline void knows_peer(const struct peer *p, const char *path, const char *name)
{
    struct store_entry en;
    struct err e;

    assert_int_equal(store_get(p->store, path, &en, &e), 1);
    knows(&en.hash, en.kind, en.size, name, &en.root, &p->id, p->port, false);
}

/* Start afresh: a new folder for each test. */
static int rig_up(void **state)
{
    (void)state;
    strcpy(top, "/tmp/test_peers.XXXXXX");
    if (!mkdtemp(top))
        return -1;
    uv_mutex_init(&answers_lock);
    answers = json_object();
    aside = loop_new("aside");
    loop_start(aside);
    return 0;
}

static int rig_down(void **state)
{
    char cmd[96];

    (void)state;
    loop_quit(aside);
    loop_free(aside);
    json_decref(answers);
    uv_mutex_destroy(&answers_lock);
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", top);
    return system(cmd);
}

/* ---- the test's own requests ---- */

struct reply {
    struct http_answer a;
    struct buf body;
};

struct asking {
    const struct ident *as;
    struct http_ask ask;
    struct http_client *client;
    struct reply *reply;
    uv_sem_t done;
};

static void asking_done(void *ctx, const struct http_answer *a, const struct buf *body)
{
    struct asking *q = ctx;

    q->reply->a = *a;
    buf_add(&q->reply->body, buf_cstr(body), body->len);
    uv_sem_post(&q->done);
}

static void asking_start(void *arg)
{
    struct asking *q = arg;

    q->client = http_client_new(aside, &q->as->tls);
    q->ask.done = asking_done;
    q->ask.ctx = q;
    http_start(q->client, &q->ask);
}

static void asking_end(void *arg)
{
    http_client_free(((struct asking *)arg)->client);
}

/* One request to p, as itself; wait for the answer. */
static inline struct reply ask_peer(const struct peer *p, struct http_ask ask)
{
    struct reply r = {0};
    struct asking q = {.as = &p->id, .ask = ask, .reply = &r};

    q.ask.addr = (struct addr){.family = 4, .ip = {127, 0, 0, 1}, .port = p->port};
    memcpy(q.ask.pin, p->id.key.pub, 32);
    q.ask.max = q.ask.max ? q.ask.max : 64 << 20;
    uv_sem_init(&q.done, 0);
    loop_call(aside, asking_start, &q);
    uv_sem_wait(&q.done);
    loop_call(aside, asking_end, &q);
    uv_sem_destroy(&q.done);
    return r;
}
