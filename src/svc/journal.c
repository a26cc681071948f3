#include "svc/journal.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/clock.h"
#include "io/loop.h"
#include "io/save.h"
#include "svc/json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <uv.h>

#define TURN_NS  500000000ull
#define KNOWN_MS 60000 /* it is not asked more often */

#define WHO_MAX (NID_HEX_LEN + ADDR_TEXT_MAX)
#define KEY_MAX (WHO_MAX + 1 + HASH_HEX_LEN + 1)

struct open {
    char key[KEY_MAX]; /* who, and what */
    UT_hash_handle hh; /* in the order in which they came */
    bool has_peer;
    struct nid peer;
    struct hash hash;
    struct addr addr;
    char *path;
    uint64_t size, bytes, files;
    int64_t begun_s, last_ms;
};

struct journal {
    struct journal_conf conf;
    char *path;
    uv_mutex_t lock;
    uv_cond_t some;
    struct open *open;
    json_t *lines; /* ready but for the peer's name */
    bool started, stop;
    uv_thread_t thread;
    json_t *names; /* the thread's: of peers, by id */
    int64_t named_ms;
    bool troubled;
};

/* ---- lines ---- */

static json_t *sent_json(const struct open *o)
{
    bool small = o->files > 0;
    char nid[NID_HEX_LEN + 1], hash[HASH_HEX_LEN + 1], addr[ADDR_TEXT_MAX];
    int64_t now_s = clock_wall_ms() / 1000 - (loop_now_ms() - o->last_ms) / 1000;

    nid_hex(&o->peer, nid);
    hash_hex(&o->hash, hash);
    return json_pack(
        "{sI ss so so so so so sI sI sI sb sI}", "time", (json_int_t)now_s, "way", "to", "peer",
        o->has_peer ? json_string(nid) : json_null(), "name", json_null(), "addr",
        o->addr.family ? json_string(addr_text(&o->addr, addr)) : json_null(), "hash",
        small ? json_null() : json_string(hash), "path", o->path ? json_text(o->path) : json_null(),
        "bytes", (json_int_t)o->bytes, "size", (json_int_t)o->size, "files",
        (json_int_t)(small ? o->files : 1), "whole", o->bytes >= o->size, "seconds",
        (json_int_t)(now_s > o->begun_s ? now_s - o->begun_s : 0));
}

/* Those whose time is over, or all, become lines. Under the lock. */
static void settle(struct journal *j, bool all)
{
    int64_t now = loop_now_ms();
    struct open *o, *next;

    for (o = j->open; o; o = next) {
        bool whole = !o->files && o->bytes >= o->size;

        next = o->hh.next;
        if (!all && !whole && now - o->last_ms < j->conf.rest_ms &&
            HASH_COUNT(j->open) <= JOURNAL_OPEN_MAX)
            continue;
        json_array_append_new(j->lines, sent_json(o));
        HASH_DEL(j->open, o);
        mem_free(o->path);
        mem_free(o);
    }
}

/* ---- its thread ---- */

/* May wait for the leader. */
static void learn_names(struct journal *j)
{
    json_t *answer, *row;
    size_t i;

    if (!j->conf.peers || (j->named_ms && loop_now_ms() - j->named_ms < KNOWN_MS))
        return;
    j->named_ms = loop_now_ms();
    answer = j->conf.peers(j->conf.ctx);
    json_array_foreach (json_object_get(answer, "peers"), i, row) {
        const char *peer = json_string_value(json_object_get(row, "peer"));

        if (peer)
            json_object_set(j->names, peer, json_object_get(row, "name"));
    }
    json_decref(answer);
}

static void add_name(struct journal *j, json_t *line, bool may_ask)
{
    const char *peer = json_string_value(json_object_get(line, "peer"));

    if (!peer)
        return;
    if (!json_object_get(j->names, peer) && may_ask)
        learn_names(j);
    if (json_object_get(j->names, peer))
        json_object_set(line, "name", json_object_get(j->names, peer));
}

static void write_lines(struct journal *j, json_t *lines, bool may_ask)
{
    struct buf b = {0};
    struct err e;
    json_t *line;
    size_t i;

    json_array_foreach (lines, i, line) {
        char *text;

        add_name(j, line, may_ask);
        text = json_dumps(line, JSON_COMPACT);
        buf_printf(&b, "%s\n", text);
        free(text);
    }
    if (b.len && save_append(j->path, b.data, b.len, JOURNAL_BYTES_MAX, 0600, &e)) {
        if (!j->troubled)
            log_warn("journal", "not-written reason=\"%s\"", e.text);
        j->troubled = true;
    } else if (b.len) {
        j->troubled = false;
    }
    buf_free(&b);
    json_decref(lines);
}

static void journal_main(void *arg)
{
    struct journal *j = arg;

    uv_mutex_lock(&j->lock);
    while (!j->stop) {
        json_t *lines;

        if (j->open && !json_array_size(j->lines))
            (void)uv_cond_timedwait(&j->some, &j->lock, TURN_NS);
        else if (!json_array_size(j->lines))
            uv_cond_wait(&j->some, &j->lock);
        settle(j, false);
        lines = j->lines;
        j->lines = json_array();
        uv_mutex_unlock(&j->lock);
        write_lines(j, lines, true);
        uv_mutex_lock(&j->lock);
    }
    uv_mutex_unlock(&j->lock);
}

/* Under the lock. */
static void wake(struct journal *j)
{
    if (!j->started && !j->stop) {
        if (uv_thread_create(&j->thread, journal_main, j))
            abort();
        j->started = true;
    }
    uv_cond_signal(&j->some);
}

/* ---- from other threads ---- */

/* The first folder of the path of a small one; 0: it stands for itself. */
static size_t folder_len(const struct journal_sent *s)
{
    const char *slash = s->small && s->path ? strchr(s->path, '/') : NULL;

    return slash ? (size_t)(slash - s->path) : 0;
}

static void key_of(const struct journal_sent *s, char key[KEY_MAX])
{
    char who[WHO_MAX] = "", hash[HASH_HEX_LEN + 1];
    size_t folder = folder_len(s);

    if (s->peer) {
        nid_hex(s->peer, who);
    } else if (s->addr) {
        struct addr host = *s->addr;

        host.port = 0;
        addr_text(&host, who);
    }
    hash_hex(s->hash, hash);
    if (folder)
        snprintf(key, KEY_MAX, "%s %.*s", who,
                 (int)(folder < HASH_HEX_LEN - 1 ? folder : HASH_HEX_LEN - 1), s->path);
    else
        snprintf(key, KEY_MAX, "%s %s", who, hash);
}

static struct open *open_new(const struct journal_sent *s, const char key[KEY_MAX])
{
    struct open *o = mem_zero(1, sizeof *o);
    size_t folder = folder_len(s);

    str_copy(o->key, sizeof o->key, key);
    o->has_peer = s->peer != NULL;
    if (s->peer)
        o->peer = *s->peer;
    if (s->addr)
        o->addr = *s->addr;
    o->hash = *s->hash;
    o->path = folder ? mem_strn(s->path, folder) : mem_str(s->path);
    o->size = folder ? 0 : s->size;
    o->begun_s = clock_wall_ms() / 1000;
    return o;
}

void journal_sent(struct journal *j, const struct journal_sent *s)
{
    char key[KEY_MAX];
    struct open *o;

    key_of(s, key);
    uv_mutex_lock(&j->lock);
    HASH_FIND_STR(j->open, key, o);
    if (!o) {
        o = open_new(s, key);
        HASH_ADD_STR(j->open, key, o);
    }
    o->bytes += s->bytes;
    if (folder_len(s)) {
        o->files++;
        o->size += s->size;
    }
    o->last_ms = loop_now_ms();
    wake(j);
    uv_mutex_unlock(&j->lock);
}

void journal_fetched(struct journal *j, const json_t *event)
{
    bool done = !strcmp(json_string_value(json_object_get(event, "event")), "done");
    bool came = json_integer_value(json_object_get(event, "fetched")) > 0; /* else copied here */
    json_t *shared, *line;

    if (!done && !json_integer_value(json_object_get(event, "bytes")))
        return;
    /* its values stay the caller's: another thread writes and frees the line */
    shared = json_pack(
        "{sI ss sn sO* sO? sO? sO? sO? sO? sb sO?}", "time", (json_int_t)(clock_wall_ms() / 1000),
        "way", "from", "peer", "names", came ? json_object_get(event, "gave") : NULL, "hash",
        json_object_get(event, "hash"), "path", json_object_get(event, "path"), "bytes",
        json_object_get(event, "bytes"), "size", json_object_get(event, "size"), "files",
        json_object_get(event, "files"), "whole", done, "error", json_object_get(event, "error"));
    line = json_deep_copy(shared);
    json_decref(shared);

    uv_mutex_lock(&j->lock);
    json_array_append_new(j->lines, line);
    wake(j);
    uv_mutex_unlock(&j->lock);
}

struct journal *journal_new(const struct journal_conf *conf)
{
    struct journal *j = mem_zero(1, sizeof *j);
    struct buf path = {0};

    buf_printf(&path, "%s/" JOURNAL_FILE, conf->home);
    j->conf = *conf;
    j->conf.home = NULL; /* the caller's: only during journal_new */
    if (!j->conf.rest_ms)
        j->conf.rest_ms = JOURNAL_REST_MS;
    j->path = buf_take(&path, NULL);
    j->lines = json_array();
    j->names = json_object();
    uv_mutex_init(&j->lock);
    uv_cond_init(&j->some);
    return j;
}

void journal_stop(struct journal *j)
{
    json_t *lines;

    if (!j)
        return;
    uv_mutex_lock(&j->lock);
    j->stop = true;
    uv_cond_signal(&j->some);
    uv_mutex_unlock(&j->lock);
    if (j->started)
        uv_thread_join(&j->thread);
    uv_mutex_lock(&j->lock);
    j->started = false;
    settle(j, true);
    lines = j->lines;
    j->lines = json_array();
    uv_mutex_unlock(&j->lock);
    write_lines(j, lines, false);
}

void journal_free(struct journal *j)
{
    if (!j)
        return;
    journal_stop(j);
    json_decref(j->lines);
    json_decref(j->names);
    uv_cond_destroy(&j->some);
    uv_mutex_destroy(&j->lock);
    mem_free(j->path);
    mem_free(j);
}
