/* A server, a client on its own loop and the certificates of two groups, for the tests of io/http.
 */
#pragma once

#include "base/log.h"
#include "base/mem.h"
#include "core/seal.h"
#include "io/cert.h"
#include "io/http_client.h"
#include "io/http_priv.h"
#include "io/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NAME "00112233445566778899aabbccddeeff.iwant"

struct who { /* a peer's identity */
    struct cert_files files;
    struct seal_key key;
    struct http_identity id;
};

static char top[64];
static struct who server_who, member_who, stranger_who;
static struct loop *client_loop;
static atomic_uint handled; /* requests that reached a handler */

static void make_who(struct who *w, const char *sub, uint8_t group, uint8_t seed, const char *name)
{
    uint8_t ca_seed[32] = {group}, leaf_seed[32] = {seed};
    struct err e = {0};
    char dir[96];

    snprintf(dir, sizeof dir, "%s/%s", top, sub);
    seal_key_from_seed(&w->key, leaf_seed);
    if (cert_write(dir, ca_seed, leaf_seed, w->key.pub, name, &w->files, &e))
        fail_msg("%s", e.text);
    w->id = (struct http_identity){w->files.ca, w->files.cert, w->files.key, name};
}

static int rig_up(void **state)
{
    (void)state;
    strcpy(top, "/tmp/test_http.XXXXXX");
    if (!mkdtemp(top))
        return -1;
    http_client_setup();
    make_who(&server_who, "server", 1, 11, NAME);
    make_who(&member_who, "member", 1, 12, NAME);
    make_who(&stranger_who, "stranger", 2, 13, NAME);
    client_loop = loop_new("client");
    loop_start(client_loop);
    return 0;
}

static int rig_down(void **state)
{
    char cmd[96];

    (void)state;
    loop_quit(client_loop);
    loop_free(client_loop);
    cert_files_done(&server_who.files);
    cert_files_done(&member_who.files);
    cert_files_done(&stranger_who.files);
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", top);
    return system(cmd);
}

/* ---- calls that wait ---- */

struct client_life {
    const struct http_identity *id;
    struct http_client *client;
};

static void client_make(void *arg)
{
    struct client_life *l = arg;

    l->client = http_client_new(client_loop, l->id);
}

static void client_drop(void *arg)
{
    http_client_free(arg);
}

static inline struct http_client *client_of(const struct who *w)
{
    struct client_life l = {.id = &w->id};

    loop_call(client_loop, client_make, &l);
    return l.client;
}

static inline void client_free(struct http_client *c)
{
    loop_call(client_loop, client_drop, c);
}

struct got {
    struct http_client *client;
    struct http_ask ask;
    struct http_call *call;
    struct http_answer answer;
    struct buf body, data;
    size_t stop_after; /* data says false then; 0: never */
    uv_sem_t done;
};

static void on_done(void *ctx, const struct http_answer *a, const struct buf *body)
{
    struct got *g = ctx;

    g->answer = *a;
    buf_add(&g->body, buf_cstr(body), body->len);
    uv_sem_post(&g->done);
}

static inline bool on_data(void *ctx, const void *p, size_t len)
{
    struct got *g = ctx;

    buf_add(&g->data, p, len);
    return !g->stop_after || g->data.len < g->stop_after;
}

static void start_call(void *arg)
{
    struct got *g = arg;

    g->call = http_start(g->client, &g->ask);
}

static inline void got_start(struct got *g, struct http_client *c)
{
    g->client = c;
    g->ask.done = on_done;
    g->ask.ctx = g;
    uv_sem_init(&g->done, 0);
    loop_call(client_loop, start_call, g);
}

static inline void got_wait(struct got *g)
{
    uv_sem_wait(&g->done);
    uv_sem_destroy(&g->done);
}

static inline void got_free(struct got *g)
{
    buf_free(&g->body);
    buf_free(&g->data);
}

/* A plain GET; more is set in g->ask before. */
static inline void get(struct got *g, struct http_client *c, uint16_t port, const char *path)
{
    g->ask.addr = (struct addr){.family = 4, .ip = {127, 0, 0, 1}, .port = port};
    g->ask.path = path;
    if (!g->ask.max)
        g->ask.max = 8 << 20;
    memcpy(g->ask.pin, server_who.key.pub, 32);
    got_start(g, c);
    got_wait(g);
}
