#include "svc/door.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/loop.h"
#include "svc/json_text.h"
#include "svc/plain.h"
#include "svc/serve.h"
#include "svc/store.h"

#include <string.h>
#include <utlist.h>
#include <uv.h>

#define THREADS 2 /* serve_priv.h's DOOR_THREADS */

struct link {
    struct link *prev, *next;
    char token[WEBLINK_TOKEN_LEN + 1];
    struct hash hash;
    struct nid asker; /* zero: the owner */
    char kind;
    char *name;
    int64_t end_ms;
    uint64_t requests;
};

struct door {
    struct door_conf conf;
    char *db_path;
    char own_name[PLAIN_HOST_MAX];
    uv_mutex_t lock; /* everything below */
    uv_cond_t change;
    struct link *links;
    unsigned count;
    struct http_server *server; /* NULL: shut */
    uint16_t port;
    uv_thread_t porter; /* shuts the door when the last link has ended */
    bool hired, leave;  /* the porter is to be joined; has to go */
};

static void remove_link(struct door *d, struct link *l)
{
    DL_DELETE(d->links, l);
    d->count--;
    mem_free(l->name);
    mem_free(l);
}

/* ---- requests ---- */

/* Content of a link that has not ended. */
static bool find(struct door *d, const char *token, struct hash *hash, char *kind)
{
    int64_t now = loop_now_ms();
    bool found = false;
    struct link *l;

    uv_mutex_lock(&d->lock);
    DL_FOREACH (d->links, l) {
        if (weblink_token_eq(l->token, token) && l->end_ms > now) {
            found = true;
            *hash = l->hash;
            *kind = l->kind;
            l->requests++;
        }
    }
    uv_mutex_unlock(&d->lock);
    return found;
}

static void handle(void *ctx, struct http_request *rq)
{
    struct door *d = ctx;
    char token[WEBLINK_TOKEN_LEN + 1], kind;
    const char *rest;
    struct hash hash;

    if (!plain_check(rq, d->own_name, token, &rest))
        return;
    if (!find(d, token, &hash, &kind)) {
        plain_not_found(rq);
        return;
    }
    serve_link(d->conf.serve, rq, &hash, kind == 'd', rest);
}

/* ---- open and shut ---- */

/* When the next link ends; links that have are gone. */
static int64_t sweep(struct door *d, int64_t now)
{
    int64_t due = INT64_MAX;
    struct link *l, *next;

    DL_FOREACH_SAFE(d->links, l, next)
    {
        if (l->end_ms <= now)
            remove_link(d, l);
        else if (l->end_ms < due)
            due = l->end_ms;
    }
    return due;
}

static void porter_main(void *arg)
{
    struct door *d = arg;
    struct http_server *server;

    uv_mutex_lock(&d->lock);
    for (;;) {
        int64_t now = loop_now_ms(), due = sweep(d, now);

        if (d->leave || due == INT64_MAX)
            break;
        (void)uv_cond_timedwait(&d->change, &d->lock, (uint64_t)(due - now) * 1000000);
    }
    server = d->server;
    d->server = NULL;
    uv_mutex_unlock(&d->lock);
    http_server_free(server); /* not under the lock: its handlers take it */
    serve_link_over(d->conf.serve);
    log_info("door", "shut");
}

/* The porter of a door that was shut is let go. Locked; unlocks meanwhile. */
static void dismiss(struct door *d)
{
    if (!d->hired || d->server)
        return;
    d->hired = false;
    uv_mutex_unlock(&d->lock);
    uv_thread_join(&d->porter);
    uv_mutex_lock(&d->lock);
}

/* Locked. */
static int open_door(struct door *d, struct err *e)
{
    dismiss(d);
    if (d->server)
        return 0;
    d->server = http_server_plain(HTTP_ANYWHERE, d->conf.port, &d->port, THREADS, handle, d, e);
    if (!d->server)
        return -e->code;
    if (uv_thread_create(&d->porter, porter_main, d)) {
        http_server_free(d->server);
        d->server = NULL;
        return err_set(e, ERR_IO, "cannot open the link door: no thread can be made");
    }
    d->hired = true;
    log_info("door", "open port=%u", d->port);
    return 0;
}

/* ---- links ---- */

static int look_up(struct door *d, const struct hash *hash, char *kind, char **name, struct err *e)
{
    struct store_reader *r = store_reader_open(d->db_path, e);
    struct store_content c;
    const char *slash;
    int found;

    if (!r)
        return -e->code;
    found = store_find(r, hash, 0, &c, e);
    store_reader_close(r);
    if (found < 0)
        return found;
    if (!found)
        return err_set(e, ERR_NOT_FOUND, "it is not shared here");
    *kind = c.kind;
    slash = strrchr(c.path, '/');
    *name = mem_str(slash ? slash + 1 : c.path);
    mem_free(c.path);
    return 0;
}

/* The asker's link of this content, or NULL. *all: how many the asker has. Locked. */
static struct link *link_of(struct door *d, const struct hash *hash, const struct nid *asker,
                            unsigned *all)
{
    struct link *l, *found = NULL;

    *all = 0;
    DL_FOREACH (d->links, l) {
        if (!nid_eq(&l->asker, asker))
            continue;
        ++*all;
        if (hash_eq(&l->hash, hash))
            found = l;
    }
    return found;
}

/* Locked. */
static int take_link(struct door *d, const struct hash *hash, const struct nid *asker, char kind,
                     char **name, struct link **out, struct err *e)
{
    bool owner = nid_is_zero(asker);
    unsigned all;
    struct link *l = link_of(d, hash, asker, &all);

    if (!l && (d->count >= LINKS_MAX || (!owner && all >= LINKS_PEER_MAX)))
        return err_set(e, ERR_EXISTS, "too many links are open here");
    if (!l) {
        l = mem_zero(1, sizeof *l);
        plain_token(l->token);
        l->hash = *hash;
        l->asker = *asker;
        l->kind = kind;
        l->name = *name;
        *name = NULL;
        DL_APPEND(d->links, l);
        d->count++;
    }
    *out = l;
    return 0;
}

int door_open(struct door *d, const struct hash *hash, const struct nid *asker, uint64_t seconds,
              struct door_link *out, struct err *e)
{
    static const struct nid owner;
    uint64_t most = asker ? LINK_PEER_S : LINK_MAX_S;
    struct link *l = NULL;
    char kind = 0, *name = NULL;
    int bad;

    if (asker ? !d->conf.others : !d->conf.own)
        return err_set(e, ERR_USAGE, "links are switched off here (setting \"links\")");
    bad = look_up(d, hash, &kind, &name, e);
    if (bad)
        return bad;
    if (seconds < LINK_MIN_S)
        seconds = LINK_MIN_S;
    if (seconds > most)
        seconds = most;
    uv_mutex_lock(&d->lock);
    bad = take_link(d, hash, asker ? asker : &owner, kind, &name, &l, e);
    if (!bad) {
        int64_t end = loop_now_ms() + (int64_t)seconds * 1000;

        l->end_ms = end > l->end_ms ? end : l->end_ms;
        bad = open_door(d, e);
        if (bad)
            sweep(d, INT64_MAX);
    }
    if (!bad) {
        *out = (struct door_link){.port = d->port, .seconds = seconds, .kind = kind};
        memcpy(out->token, l->token, sizeof out->token);
        uv_cond_signal(&d->change);
    }
    uv_mutex_unlock(&d->lock);
    mem_free(name);
    return bad;
}

unsigned door_shut(struct door *d, const struct hash *hash, const struct nid *asker)
{
    struct link *l, *next;
    unsigned n = 0;

    uv_mutex_lock(&d->lock);
    DL_FOREACH_SAFE(d->links, l, next)
    {
        if ((hash && !hash_eq(&l->hash, hash)) || (asker && !nid_eq(&l->asker, asker)))
            continue;
        remove_link(d, l);
        n++;
    }
    uv_cond_signal(&d->change);
    uv_mutex_unlock(&d->lock);
    return n;
}

static json_t *link_json(const struct door *d, const struct link *l, int64_t now)
{
    char hex[HASH_HEX_LEN + 1], nid[NID_HEX_LEN + 1], kind[2] = {l->kind, '\0'};

    hash_hex(&l->hash, hex);
    nid_hex(&l->asker, nid);
    return json_pack("{ss ss so so ss sI sI sI}", "hash", hex, "kind", kind, "name",
                     json_text(l->name), "for",
                     nid_is_zero(&l->asker) ? json_null() : json_string(nid), "token", l->token,
                     "port", (json_int_t)d->port, "seconds", (json_int_t)((l->end_ms - now) / 1000),
                     "requests", (json_int_t)l->requests);
}

json_t *door_list(struct door *d)
{
    json_t *rows = json_array();
    int64_t now = loop_now_ms();
    struct link *l;

    uv_mutex_lock(&d->lock);
    DL_FOREACH (d->links, l) {
        if (l->end_ms > now)
            json_array_append_new(rows, link_json(d, l, now));
    }
    uv_mutex_unlock(&d->lock);
    return rows;
}

/* ---- its life ---- */

struct door *door_new(const struct door_conf *conf)
{
    struct door *d = mem_zero(1, sizeof *d);

    d->conf = *conf;
    d->conf.db_path = d->db_path = mem_str(conf->db_path);
    plain_own_name(d->own_name);
    uv_mutex_init(&d->lock);
    uv_cond_init(&d->change);
    return d;
}

void door_free(struct door *d)
{
    if (!d)
        return;
    uv_mutex_lock(&d->lock);
    d->leave = true;
    d->conf.own = d->conf.others = false;
    uv_cond_signal(&d->change);
    uv_mutex_unlock(&d->lock);
    if (d->hired)
        uv_thread_join(&d->porter);
    while (d->links)
        remove_link(d, d->links);
    uv_cond_destroy(&d->change);
    uv_mutex_destroy(&d->lock);
    mem_free(d->db_path);
    mem_free(d);
}
