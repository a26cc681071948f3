/* Routes that ask the leader: the request is held, and no thread with it, until the answer comes.
 */
#include "svc/control_priv.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "svc/desk.h"
#include "svc/json_text.h"
#include "svc/lan.h"
#include "svc/query.h"
#include "svc/serve.h"
#include "svc/share.h"
#include "svc/want.h"

#include <stdlib.h>
#include <string.h>

#define SEARCH_MS      5000
#define PEERS_MS       3000
#define STATUS_MS      1500
#define TIMEOUT_MAX_MS (30ull * 86400 * 1000)
#define MARGIN_MS      1000 /* ask always answers; this is for when it does not */
#define PREFIX_MIN     6

/* One question under way. Two owners: the request, and ask until it has answered. */
struct question {
    uv_mutex_t lock;
    unsigned owners;
    struct http_request *rq; /* NULL: over */
    bool answered;
    struct ask_reply reply; /* its json is ours */
};

static void drop(struct question *q) /* called locked */
{
    bool last = !--q->owners;

    uv_mutex_unlock(&q->lock);
    if (!last)
        return;
    json_decref(q->reply.json);
    uv_mutex_destroy(&q->lock);
    mem_free(q);
}

static void request_over(void *ctx)
{
    struct question *q = ctx;

    uv_mutex_lock(&q->lock);
    q->rq = NULL;
    drop(q);
}

static void on_reply(void *ctx, const struct ask_reply *r)
{
    struct question *q = ctx;

    uv_mutex_lock(&q->lock);
    q->answered = true;
    q->reply = *r;
    q->reply.json = ask_take(r);
    if (q->rq)
        http_wake(q->rq);
    drop(q);
}

/* Ask on the first call, which then holds the request: NULL. The answer, or that there is none, on
 * the second. When we lead ourselves, the answer on the first. */
static const struct ask_reply *ask_held(struct control *c, struct http_request *rq,
                                        const char *path, unsigned ms, struct ask_reply *none)
{
    struct question *q = http_get_ctx(rq);
    bool answered;

    if (!q) {
        q = mem_zero(1, sizeof *q);
        if (uv_mutex_init(&q->lock))
            abort();
        q->owners = 1;
        q->rq = rq;
        http_set_ctx(rq, q, request_over);
        if (ask_own_desk(c->conf.ask, path, &q->reply)) {
            q->answered = true;
            return &q->reply;
        }
        q->owners = 2;
        http_hold(rq, ms + MARGIN_MS);
        ask_start(c->conf.ask, path, ms, on_reply, q);
        return NULL;
    }
    uv_mutex_lock(&q->lock);
    answered = q->answered;
    uv_mutex_unlock(&q->lock);
    if (answered)
        return &q->reply;
    *none = (struct ask_reply){0};
    err_set(&none->err, ERR_TIMEOUT, "no answer in time");
    return none;
}

static unsigned timeout_of(const struct http_request *rq, unsigned otherwise)
{
    const char *text = http_arg(rq, "timeout_ms");
    uint64_t ms;

    return text && str_parse_u64(text, 1, TIMEOUT_MAX_MS, &ms) ? (unsigned)ms : otherwise;
}

static const char *said(const struct ask_reply *r)
{
    const char *text = json_string_value(json_object_get(r->json, "error"));

    return text ? text : "the leader did not understand the question";
}

/* What went wrong, unless it was a 200. */
static bool went_well(const struct ask_reply *r, struct err *e)
{
    switch (r->status) {
    case 200:
        return true;
    case 0:
        *e = r->err;
        if (e->code == ERR_NO_PEER && !e->hint[0])
            err_hint(e, "iwanto status tells whether others are heard");
        break;
    case 400:
        err_set(e, ERR_USAGE, "%s", said(r));
        break;
    case 404:
        err_set(e, ERR_NOT_FOUND, "%s", said(r));
        break;
    default:
        err_set(e, ERR_NO_PEER, "%s", said(r));
    }
    return false;
}

/* ---- search, resolve ---- */

static int read_query(const struct http_request *rq, struct query *q, struct err *e)
{
    const char *name, *value;
    int rc = 0;

    query_init(q);
    for (size_t n = 0; !rc && (name = query_name(n)); n++)
        if ((value = http_arg(rq, name)))
            rc = query_set(q, name, value, e);
    return rc;
}

void control_search(struct control *c, struct http_request *rq, const char *rest)
{
    const struct ask_reply *r;
    struct ask_reply none;
    struct buf path = {0};
    struct query q;
    struct err e;

    (void)rest;
    if (read_query(rq, &q, &e)) {
        control_reply_err(rq, &e);
        return;
    }
    query_path(&q, &path);
    r = ask_held(c, rq, path.data, timeout_of(rq, SEARCH_MS), &none);
    buf_free(&path);
    if (!r)
        return;
    if (!went_well(r, &e))
        control_reply_err(rq, &e);
    else if (http_arg(rq, "marks"))
        control_reply(rq, control_marked(r->json, q.text));
    else
        control_reply(rq, json_incref(r->json));
}

/* The body's hashes as the desk's question. */
static int read_hashes(const struct http_request *rq, struct buf *question, struct err *e)
{
    size_t len, n;
    const char *text = http_body(rq, &len), *hex;
    json_t *body = json_loadb(text, len, 0, NULL), *hashes = json_object_get(body, "hashes"), *row;
    bool good = json_array_size(hashes) > 0 && json_array_size(hashes) <= KNOWN_HASHES_MAX;

    buf_str(question, "/v1/known?");
    json_array_foreach (hashes, n, row) {
        hex = json_string_value(row);
        good = good && hex && strlen(hex) == HASH_HEX_LEN && str_is_hex(hex, HASH_HEX_LEN);
        if (good)
            buf_add(question, hex, HASH_HEX_LEN);
    }
    json_decref(body);
    return good ? 0 : err_set(e, ERR_USAGE, "not 1 to %d hashes of 64 digits", KNOWN_HASHES_MAX);
}

void control_known(struct control *c, struct http_request *rq, const char *rest)
{
    const struct ask_reply *r = NULL;
    struct ask_reply none;
    struct buf question = {0};
    struct err e = {0};
    int rc = read_hashes(rq, &question, &e);

    (void)rest;
    if (!rc)
        r = ask_held(c, rq, question.data, timeout_of(rq, SEARCH_MS), &none);
    buf_free(&question);
    if (rc || (r && !went_well(r, &e)))
        control_reply_err(rq, &e);
    else if (r)
        control_reply(rq, json_incref(r->json));
}

void control_resolve(struct control *c, struct http_request *rq, const char *rest)
{
    const struct ask_reply *r;
    struct ask_reply none;
    char path[16 + HASH_HEX_LEN];
    struct err e;

    if (strlen(rest) < PREFIX_MIN || strlen(rest) > HASH_HEX_LEN ||
        !str_is_hex(rest, strlen(rest))) {
        err_set(&e, ERR_USAGE, "a hash begins with %d to %d hex digits", PREFIX_MIN, HASH_HEX_LEN);
        control_reply_err(rq, &e);
        return;
    }
    snprintf(path, sizeof path, "/v1/resolve/%s", rest);
    r = ask_held(c, rq, path, timeout_of(rq, SEARCH_MS), &none);
    if (!r)
        return;
    if (went_well(r, &e)) {
        control_reply(rq, json_incref(r->json));
        return;
    }
    if (r->status == 404)
        err_set(&e, ERR_NOT_FOUND, "no hash that anyone shares begins with %s", rest);
    if (r->status == 409) {
        err_set(&e, ERR_USAGE, "more than one hash begins with %s", rest);
        err_hint(&e, "give more digits");
    }
    control_reply_err(rq, &e);
}

/* ---- peers ---- */

/* Without the number of a link: it means something on one computer only. */
static void put_addr(json_t *row, const char *key, const struct addr *a)
{
    struct addr shown = *a;
    char text[ADDR_TEXT_MAX];

    shown.scope = 0;
    json_object_set_new(row, key, a->family ? json_string(addr_text(&shown, text)) : json_null());
}

/* Where others reach us. */
static void put_own_addr(struct control *c, json_t *row)
{
    struct lan_status lan;

    lan_status(c->conf.lan, &lan);
    lan.addr.port = lan.addr.family ? c->conf.tcp_port : 0;
    put_addr(row, "addr", &lan.addr);
}

/* The leader's number for its link means nothing to others. */
static void drop_scope(json_t *row)
{
    const char *text = json_string_value(json_object_get(row, "addr"));
    struct addr a;

    if (text && strchr(text, '%') && addr_parse(&a, text))
        put_addr(row, "addr", &a);
}

/* What the answering leader can't know of itself: how it is reached. And which of them we are. */
static void complete(struct control *c, const struct ask_reply *r, json_t *peers)
{
    char own[NID_HEX_LEN + 1];
    json_t *row;
    size_t i;

    nid_hex(&c->conf.ident->nid, own);
    json_array_foreach (peers, i, row) {
        const char *peer = json_string_value(json_object_get(row, "peer"));
        bool self = peer && !strcmp(peer, own);

        json_object_set_new(row, "self", json_boolean(self));
        drop_scope(row);
        if (json_is_string(json_object_get(row, "addr")))
            continue;
        if (self)
            put_own_addr(c, row);
        else
            put_addr(row, "addr", &r->from.addr);
    }
}

/* Nobody leads: those that were heard here. Their names only a leader knows. */
static json_t *heard_here(struct control *c)
{
    struct elect_peer *known = mem_zero(PEERS_MAX, sizeof *known);
    size_t n = lan_peers(c->conf.lan, known, PEERS_MAX);
    json_t *peers = json_array(), *row;
    int64_t now = loop_now_ms();

    if (n > PEERS_MAX)
        n = PEERS_MAX;
    for (size_t i = 0; i < n; i++) {
        bool self = nid_eq(&known[i].nid, &c->conf.ident->nid);
        char hex[NID_HEX_LEN + 1];

        nid_hex(&known[i].nid, hex);
        row = json_pack("{ss so sb sb si si sI si sb}", "peer", hex, "name",
                        json_text(self ? c->conf.ident->name : ""), "leader", 0, "self", self,
                        "files", 0, "bytes", 0, "heard_ms",
                        (json_int_t)(self ? 0 : now - known[i].heard_ms), "standby",
                        (int)known[i].standby, "warm", known[i].warm);
        if (self)
            put_own_addr(c, row);
        else
            put_addr(row, "addr", &known[i].addr);
        json_array_append_new(peers, row);
    }
    mem_free(known);
    return peers;
}

/* A copy for us to complete: the reply's own JSON may be shared. NULL when there is no good answer.
 */
static json_t *peers_of(struct control *c, const struct ask_reply *r)
{
    json_t *peers = NULL;

    if (r && r->status == 200)
        peers = json_deep_copy(json_object_get(r->json, "peers"));
    if (peers)
        complete(c, r, peers);
    return peers;
}

void control_peers(struct control *c, struct http_request *rq, const char *rest)
{
    const struct ask_reply *r;
    struct ask_reply none;
    json_t *peers;

    (void)rest;
    r = ask_held(c, rq, "/v1/peers", timeout_of(rq, PEERS_MS), &none);
    if (!r)
        return;
    peers = peers_of(c, r);
    control_reply(rq, json_pack("{so}", "peers", peers ? peers : heard_here(c)));
}

/* ---- status ---- */

const json_t *control_name_of(const json_t *peers, const char *hex)
{
    for (size_t i = 0; i < json_array_size(peers); i++) {
        const json_t *row = json_array_get(peers, i);
        const char *peer = json_string_value(json_object_get(row, "peer"));

        if (peer && !strcmp(peer, hex))
            return json_object_get(row, "name");
    }
    return NULL;
}

static json_t *leader_json(struct control *c, const struct lan_status *lan, const json_t *peers)
{
    bool self = nid_eq(&lan->leader.nid, &c->conf.ident->nid);
    const json_t *name;
    char hex[NID_HEX_LEN + 1];

    if (!lan->has_leader)
        return json_null();
    nid_hex(&lan->leader.nid, hex);
    name = control_name_of(peers, hex);
    return json_pack("{ss so sb}", "peer", hex, "name",
                     self   ? json_text(c->conf.ident->name)
                     : name ? json_deep_copy(name)
                            : json_null(),
                     "self", self);
}

static json_t *shared_json(struct control *c)
{
    struct share_status st;
    json_t *skipped = json_object();

    share_status(c->conf.share, &st);
    for (int i = SKIP_NOT + 1; i < SKIP_COUNT; i++)
        json_object_set_new(skipped, share_skip_word((enum share_skip)i),
                            json_integer((json_int_t)st.skipped[i]));
    return json_pack("{so sI sI sb sI sI sI so sb sI sI sI so}", "folder", json_text(st.folder),
                     "files", (json_int_t)st.files, "bytes", (json_int_t)st.bytes, "indexing",
                     st.scanning || st.pending_files, "pending_files", (json_int_t)st.pending_files,
                     "pending_bytes", (json_int_t)st.pending_bytes, "hashed", (json_int_t)st.hashed,
                     "skipped", skipped, "watch_limit", st.watch_limit, "unwatched",
                     (json_int_t)st.unwatched, "watch_need", (json_int_t)st.watch_need, "swept",
                     (json_int_t)st.swept, "trouble", json_text(st.trouble));
}

static json_t *downloads_json(struct control *c)
{
    uint64_t rate = 0;
    unsigned active = 0;
    json_t *folder;

    fetch_rates(c->conf.fetch, &rate, &active);
    uv_mutex_lock(&c->lock);
    folder = json_text(conf_text(c->conf.conf, CONF_DOWNLOAD));
    uv_mutex_unlock(&c->lock);
    return json_pack("{so si sI}", "folder", folder, "active", (int)active, "rate",
                     (json_int_t)rate);
}

static json_t *status_json(struct control *c, const struct lan_status *lan, const json_t *peers)
{
    const struct ident *id = c->conf.ident;
    struct serve_status serve;
    char hex[NID_HEX_LEN + 1];
    size_t known = json_array_size(peers);

    nid_hex(&id->nid, hex);
    serve_status(c->conf.serve, &serve);
    return json_pack(
        "{so ss so sb so sI so so sI sI sI ss sI si si ss}", "name", json_text(id->name), "peer",
        hex, "network", json_text(id->network), "open", id->open, "leader",
        leader_json(c, lan, peers), "peers", (json_int_t)(known ? known : lan->peers), "shared",
        shared_json(c), "downloads", downloads_json(c), "rate_up", (json_int_t)serve.rate_up,
        "sent_bytes", (json_int_t)serve.sent_bytes, "connections", (json_int_t)serve.connections,
        "interfaces", lan->interfaces, "term", (json_int_t)lan->term, "port", (int)c->conf.tcp_port,
        "pid", (int)uv_os_getpid(), "version", IWANT_VERSION);
}

/* What we hold of others' rows, as the leader or one who stands by, and what it took to get them.
 */
static json_t *catalog_json(struct control *c)
{
    struct desk_status st;

    desk_status(c->conf.desk, &st);
    return json_pack("{sb sb sb sI sI sI sI sI sI sI sI sI}", "leading", st.leading, "standby",
                     st.standby, "warm", st.warm, "members", (json_int_t)st.peers, "awaited",
                     (json_int_t)st.pulling, "files", (json_int_t)st.files, "folders",
                     (json_int_t)st.folders, "memory_bytes", (json_int_t)st.bytes,
                     "hash_memory_bytes", (json_int_t)st.hash_bytes, "pulls", (json_int_t)st.pulls,
                     "pulled_rows", (json_int_t)st.pulled_rows, "pulled_bytes",
                     (json_int_t)st.pulled_bytes);
}

/* What of ours the leader has no room for, and why. */
static void put_cut(json_t *status, const json_t *peers)
{
    json_t *shared = json_object_get(status, "shared"), *row, *unlisted = NULL, *why = NULL;
    size_t i;

    for (i = 0; i < json_array_size(peers) && (row = json_array_get(peers, i)); i++)
        if (json_is_true(json_object_get(row, "self"))) {
            unlisted = json_object_get(row, "unlisted");
            why = json_object_get(row, "cut");
        }
    json_object_set_new(shared, "unlisted", json_integer(json_integer_value(unlisted)));
    json_object_set_new(shared, "cut", why ? json_deep_copy(why) : json_null());
}

/* The leader's name and who is there only the leader knows; the rest does not wait for it long. */
void control_status(struct control *c, struct http_request *rq, const char *rest)
{
    const struct ask_reply *r = NULL;
    struct ask_reply none;
    struct lan_status lan;
    json_t *peers, *status;

    (void)rest;
    lan_status(c->conf.lan, &lan);
    if (lan.has_leader || http_get_ctx(rq)) {
        r = ask_held(c, rq, "/v1/peers", timeout_of(rq, STATUS_MS), &none);
        if (!r)
            return;
    }
    peers = peers_of(c, r);
    status = status_json(c, &lan, peers);
    control_put_role(c, &lan, peers, status);
    put_cut(status, peers);
    json_object_set_new(status, "catalog", catalog_json(c));
    if (c->conf.wants)
        json_object_set_new(status, "wants", wants_status(c->conf.wants));
    control_reply(rq, status);
    json_decref(peers);
}
