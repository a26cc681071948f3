#include "svc/serve.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/content.h"
#include "core/seal.h"
#include "io/loop.h"
#include "svc/desk.h"
#include "svc/journal.h"
#include "svc/query.h"
#include "svc/serve_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LOST_LEN_MAX 160 /* of a question for holders; four ids */

/* ---- what the routes share ---- */

struct store_reader *serve_store(struct serve *s)
{
    struct store_reader *r = uv_key_get(&s->reader_key);
    struct err e;

    if (r)
        return r;
    r = store_reader_open(s->db_path, &e);
    if (!r) {
        log_warn("serve", "no-reader reason=\"%s\"", e.text);
        return NULL;
    }
    uv_key_set(&s->reader_key, r);
    uv_mutex_lock(&s->lock);
    MEM_GROW(s->readers, s->reader_count, s->readers_cap);
    s->readers[s->reader_count++] = r;
    uv_mutex_unlock(&s->lock);
    return r;
}

struct store_reader *serve_reader(struct serve *s, struct http_request *rq)
{
    struct store_reader *r = serve_store(s);

    if (!r)
        http_reply_text(rq, 503, "the index cannot be read");
    return r;
}

struct fetch *serve_get_fetch(struct serve *s)
{
    struct fetch *f;

    uv_mutex_lock(&s->lock);
    f = s->fetch;
    uv_mutex_unlock(&s->lock);
    return f;
}

void serve_sent(struct serve *s, uint64_t bytes)
{
    uv_mutex_lock(&s->lock);
    meter_add(&s->up, loop_now_ms(), bytes);
    uv_mutex_unlock(&s->lock);
}

void serve_note(struct serve *s, const struct http_request *rq, const struct hash *h,
                const char *path, uint64_t size, uint64_t bytes, bool small)
{
    struct journal_sent sent = {.addr = http_from(rq),
                                .hash = h,
                                .path = path,
                                .size = size,
                                .bytes = bytes,
                                .small = small};
    struct nid peer;
    uint8_t pub[32];

    if (!s->conf.journal || !bytes)
        return;
    if (http_peer_key(rq, pub)) {
        seal_nid(&peer, pub);
        sent.peer = &peer;
    }
    journal_sent(s->conf.journal, &sent);
}

/* ---- small routes ---- */

void serve_reply(struct serve *s, struct http_request *rq, struct buf *b)
{
    http_reply(rq, 200, "application/octet-stream", buf_cstr(b), b->len);
    serve_sent(s, b->len);
}

static void folder(struct serve *s, struct http_request *rq, const struct hash *h)
{
    struct store_reader *r = serve_reader(s, rq);
    struct buf text = {0}, times = {0}, b = {0};
    struct err e;

    if (!r)
        return;
    if (store_manifest(r, h, &text, &times, &e) == 1) {
        buf_u32(&b, (uint32_t)text.len);
        buf_add(&b, buf_cstr(&text), text.len);
        buf_add(&b, buf_cstr(&times), times.len);
        serve_reply(s, rq, &b);
    } else {
        http_reply_text(rq, 404, "no such folder here");
    }
    buf_free(&text);
    buf_free(&times);
    buf_free(&b);
}

/* The leader's answers. The question is put together anew from what was understood of it. */
static void ask_desk(struct serve *s, struct http_request *rq, const char *question)
{
    unsigned status = 503;
    json_t *json = s->conf.desk ? desk_answer(s->conf.desk, question, &status) : NULL;
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    if (text) {
        http_reply(rq, status, "application/json", text, strlen(text));
        serve_sent(s, strlen(text));
    } else {
        http_reply_text(rq, 503, "this peer does not lead");
    }
    free(text);
    json_decref(json);
}

static void search(struct serve *s, struct http_request *rq)
{
    struct buf question = {0};
    struct query q;
    struct err e;

    query_init(&q);
    for (size_t n = 0; query_name(n); n++) {
        const char *value = http_arg(rq, query_name(n));

        if (value && query_set(&q, query_name(n), value, &e)) {
            http_reply_text(rq, 400, "%s", e.text);
            return;
        }
    }
    query_path(&q, &question);
    ask_desk(s, rq, buf_cstr(&question));
    buf_free(&question);
}

/* With fetch=PLACE the one who asks says that it fetches this, and gets a place and an order; who
 * it is, its key has proved. */
static void holders(struct serve *s, struct http_request *rq, const struct hash *h)
{
    const char *fetch = http_arg(rq, "fetch"), *lost = http_arg(rq, "lost");
    char hex[HASH_HEX_LEN + 1], nid[NID_HEX_LEN + 1];
    struct buf question = {0};
    struct hash sum;
    struct nid who;
    uint8_t pub[32];
    uint64_t place;

    hash_hex(h, hex);
    buf_printf(&question, "/v1/holders/%s", hex);
    if (fetch && str_parse_u64(fetch, 0, UINT64_MAX, &place) && http_peer_key(rq, pub)) {
        content_hash(&sum, pub, sizeof pub);
        memcpy(who.b, sum.b, sizeof who.b);
        nid_hex(&who, nid);
        buf_printf(&question, "?fetch=%" PRIu64 "&who=%s", place, nid);
        if (lost && strlen(lost) <= LOST_LEN_MAX &&
            strspn(lost, "0123456789abcdef,") == strlen(lost))
            buf_printf(&question, "&lost=%s", lost);
    }
    ask_desk(s, rq, buf_cstr(&question));
    buf_free(&question);
}

static void resolve(struct serve *s, struct http_request *rq, const char *prefix)
{
    char question[32 + HASH_HEX_LEN] = "/v1/resolve/";

    if (!*prefix || strlen(prefix) > HASH_HEX_LEN || !str_is_hex(prefix, strlen(prefix))) {
        http_reply_text(rq, 400, "not the beginning of a hash");
        return;
    }
    str_copy(question + strlen(question), HASH_HEX_LEN + 1, prefix);
    ask_desk(s, rq, question);
}

/* Which of many hashes are there: the body is their digits, one after the other. */
static void known(struct serve *s, struct http_request *rq)
{
    struct buf question = {0};
    const char *body;
    size_t len;

    body = http_body(rq, &len);
    if (!len || len > KNOWN_HASHES_MAX * HASH_HEX_LEN || !str_is_hex(body, len)) {
        http_reply_text(rq, 400, "not 1 to %d hashes of 64 digits", KNOWN_HASHES_MAX);
        return;
    }
    buf_str(&question, "/v1/known?");
    buf_add(&question, body, len);
    ask_desk(s, rq, buf_cstr(&question));
    buf_free(&question);
}

static void peers(struct serve *s, struct http_request *rq)
{
    ask_desk(s, rq, "/v1/peers");
}

static void version(struct serve *s, struct http_request *rq)
{
    ask_desk(s, rq, "/v1/version");
}

static void standbys(struct serve *s, struct http_request *rq)
{
    ask_desk(s, rq, "/v1/standbys");
}

/* ---- which route ---- */

static const struct route {
    const char *method; /* space-separated */
    const char *noun;   /* /v1/NOUN[/HASH[/VERB]] */
    const char *verb;
    void (*plain)(struct serve *s, struct http_request *rq);
    void (*hash)(struct serve *s, struct http_request *rq, const struct hash *h);
    void (*text)(struct serve *s, struct http_request *rq, const char *arg);
} ROUTES[] = {
    {"GET", "catalog", "", serve_catalog, NULL, NULL},
    {"GET HEAD", "files", "", NULL, serve_file, NULL},
    {"GET", "files", "checkpoints", NULL, serve_checkpoints, NULL},
    {"GET", "files", "have", NULL, serve_have, NULL},
    {"GET", "folders", "", NULL, folder, NULL},
    {"POST", "batch", "", serve_batch, NULL, NULL},
    {"POST", "links", "", NULL, serve_link_open, NULL},
    {"POST", "links", "end", NULL, serve_link_end, NULL},
    {"GET", "search", "", search, NULL, NULL},
    {"GET", "holders", "", NULL, holders, NULL},
    {"GET", "resolve", "", NULL, NULL, resolve},
    {"POST", "known", "", known, NULL, NULL},
    {"POST", "reach", "", NULL, NULL, serve_reach},
    {"GET", "peers", "", peers, NULL, NULL},
    {"GET", "version", "", version, NULL, NULL},
    {"GET", "standbys", "", standbys, NULL, NULL},
    {"GET", "desk", "", serve_desk, NULL, NULL},
};

static bool has_method(const char *list, const char *method)
{
    size_t len = strlen(method);

    for (; list; list = strchr(list, ' ')) {
        list += *list == ' ';
        if (!strncmp(list, method, len) && (list[len] == ' ' || !list[len]))
            return true;
    }
    return false;
}

/* "/v1/a/b/c" into its parts, absent ones empty. false: not of this form. */
static bool split(const char *path, char noun[16], char arg[HASH_HEX_LEN + 1], char verb[16])
{
    struct {
        char *to;
        size_t cap;
    } part[] = {{noun, 16}, {arg, HASH_HEX_LEN + 1}, {verb, 16}};

    *noun = *arg = *verb = '\0';
    if (strncmp(path, "/v1/", 4))
        return false;
    path += 4;
    for (size_t i = 0; i < 3; i++) {
        size_t len = strcspn(path, "/");

        if (!len || len >= part[i].cap)
            return false;
        memcpy(part[i].to, path, len);
        part[i].to[len] = '\0';
        path += len;
        if (!*path)
            return true;
        path++;
    }
    return false;
}

static void handle(void *ctx, struct http_request *rq)
{
    struct serve *s = ctx;
    char noun[16], arg[HASH_HEX_LEN + 1], verb[16];
    const struct route *route = NULL;
    struct hash h;

    if (!http_held(rq)) {
        uv_mutex_lock(&s->lock);
        s->requests++;
        uv_mutex_unlock(&s->lock);
    }
    if (split(http_path(rq), noun, arg, verb)) {
        for (size_t i = 0; i < sizeof ROUTES / sizeof *ROUTES && !route; i++) {
            if (!strcmp(ROUTES[i].noun, noun) && !strcmp(ROUTES[i].verb, verb))
                route = &ROUTES[i];
        }
    }
    if (!route || (route->plain && *arg)) {
        http_reply_text(rq, 404, "no such route");
    } else if (!has_method(route->method, http_method(rq))) {
        http_reply_header(rq, "Allow", strchr(route->method, ' ') ? "GET, HEAD" : route->method);
        http_reply_text(rq, 405, "not with this method");
    } else if (route->plain) {
        route->plain(s, rq);
    } else if (route->text) {
        route->text(s, rq, arg);
    } else if (!hash_parse(&h, arg, strlen(arg))) {
        http_reply_text(rq, 400, "a hash is 64 hex digits");
    } else {
        route->hash(s, rq, &h);
    }
}

/* ---- its life ---- */

struct serve *serve_new(const struct serve_conf *conf, uint16_t *bound, struct err *e)
{
    struct serve *s = mem_zero(1, sizeof *s);

    s->conf = *conf;
    s->fetch = conf->fetch;
    s->db_path = mem_str(conf->db_path);
    if (uv_key_create(&s->reader_key)) {
        err_set(e, ERR_IO, "cannot start serving: no thread-local storage is left");
        goto err_key;
    }
    uv_mutex_init(&s->lock);
    s->reads = reads_new();
    s->batches = reads_new();
    s->pace = pace_new(conf->limit_up, conf->slots ? conf->slots : UPLOAD_SLOTS);
    if (!s->pace) {
        err_set(e, ERR_IO, "cannot start serving: no thread can be made");
        goto err_pace;
    }
    s->server = http_server_tls(&conf->ident->tls, conf->port, bound, conf->threads, handle, s, e);
    if (s->server)
        return s;
    pace_free(s->pace);
err_pace:
    reads_free(s->batches);
    reads_free(s->reads);
    uv_mutex_destroy(&s->lock);
    uv_key_delete(&s->reader_key);
err_key:
    mem_free(s->db_path);
    mem_free(s);
    return NULL;
}

void serve_fetch(struct serve *s, struct fetch *f)
{
    uv_mutex_lock(&s->lock);
    s->fetch = f;
    uv_mutex_unlock(&s->lock);
}

void serve_set_limits(struct serve *s, uint64_t limit_up, unsigned slots)
{
    pace_set(s->pace, limit_up, slots);
}

void serve_status(struct serve *s, struct serve_status *out)
{
    uint64_t answered;

    *out = (struct serve_status){0};
    http_server_counts(s->server, &out->connections, &answered, &out->refused);
    uv_mutex_lock(&s->lock);
    out->rate_up = meter_rate(&s->up, loop_now_ms());
    out->sent_bytes = s->up.total;
    out->requests = s->requests;
    uv_mutex_unlock(&s->lock);
    out->waiting = pace_waiting(s->pace);
}

void serve_free(struct serve *s)
{
    if (!s)
        return;
    http_server_free(s->server);
    pace_free(s->pace);
    reads_free(s->batches);
    reads_free(s->reads);
    for (size_t i = 0; i < s->reader_count; i++)
        store_reader_close(s->readers[i]);
    mem_free(s->readers);
    uv_mutex_destroy(&s->lock);
    uv_key_delete(&s->reader_key);
    mem_free(s->db_path);
    mem_free(s);
}
