#include "svc/links.h"

#include "base/limits.h"
#include "base/mem.h"
#include "core/metalink.h"
#include "core/path.h"
#include "core/weblink.h"
#include "io/link.h"
#include "io/loop.h"
#include "svc/door.h"
#include "svc/gather.h"
#include "svc/ident.h"
#include "svc/json_text.h"
#include "svc/look.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define LOOK_MS   5000
#define FILES_MS  20000
#define DOORS_MS  8000
#define ENDS_MS   2000
#define GIVEN_MAX 1024 /* doors of others that are remembered, to have them shut */

/* A door that was opened for us. */
struct given {
    struct hash hash;
    struct addr addr;
    uint8_t pub[32];
    int64_t end_ms;
};

struct links {
    struct links_conf conf;
    char *db_path;
    atomic_bool stop;
    struct given *given;
    size_t givens, given_cap;
};

/* One open door for this content. */
struct open_door {
    struct addr at;
    char token[WEBLINK_TOKEN_LEN + 1];
};

struct doors {
    struct open_door *door;
    size_t len, cap;
    unsigned holders;
    uint64_t seconds; /* until the first of them ends */
    json_t *refused;
};

/* ---- our own door ---- */

size_t links_own_addrs(struct addr *out, size_t max)
{
    struct link_if *list = NULL;
    struct err ignored;
    size_t count = 0, n = 0;

    if (link_list(&list, &count, &ignored))
        return 0;
    for (size_t i = 0; i < count && n < max; i++) {
        const struct addr *a = NULL;

        if (link_usable(&list[i], 4, false))
            a = link_first(&list[i], 4);
        else if (link_usable(&list[i], 6, false))
            a = link_first(&list[i], 6);
        if (a && !a->scope) /* a link-local address means nothing on another computer */
            out[n++] = *a;
    }
    mem_free(list);
    return n;
}

static void add_door(struct doors *to, const struct addr *at, uint16_t port, const char *token)
{
    struct open_door *d;

    MEM_GROW(to->door, to->len, to->cap);
    d = &to->door[to->len++];
    d->at = *at;
    d->at.port = port;
    memcpy(d->token, token, sizeof d->token);
}

static void add_refused(struct doors *to, const char *name, const char *why)
{
    json_array_append_new(to->refused,
                          json_pack("{so so}", "name", json_text(name), "why", json_text(why)));
}

static void take_seconds(struct doors *to, uint64_t seconds)
{
    if (!to->seconds || seconds < to->seconds)
        to->seconds = seconds;
    to->holders++;
}

static void open_own(struct links *l, const struct hash *hash, uint64_t seconds, struct doors *to)
{
    struct addr at[8];
    size_t n = links_own_addrs(at, sizeof at / sizeof *at);
    struct door_link link;
    struct err e;

    if (door_open(l->conf.door, hash, NULL, seconds, &link, &e)) {
        if (e.code != ERR_NOT_FOUND)
            add_refused(to, l->conf.ident->name, e.text);
        return;
    }
    if (!n) { /* no LAN: programs of this computer */
        at[0] = (struct addr){.family = 4, .ip = {127, 0, 0, 1}};
        n = 1;
    }
    for (size_t i = 0; i < n; i++)
        add_door(to, &at[i], link.port, link.token);
    take_seconds(to, link.seconds);
}

/* ---- the others' ---- */

static void remember(struct links *l, const struct hash *hash, const struct look_holder *h,
                     uint64_t seconds)
{
    int64_t now = loop_now_ms();
    size_t n = 0;

    for (size_t i = 0; i < l->givens; i++) {
        const struct given *o = &l->given[i];

        if (o->end_ms > now && !(hash_eq(&o->hash, hash) && !memcmp(o->pub, h->pub, 32)))
            l->given[n++] = *o;
    }
    l->givens = n;
    if (n == GIVEN_MAX)
        return;
    MEM_GROW(l->given, l->givens, l->given_cap);
    l->given[l->givens] =
        (struct given){.hash = *hash, .addr = h->addr, .end_ms = now + (int64_t)seconds * 1000};
    memcpy(l->given[l->givens++].pub, h->pub, sizeof h->pub);
}

static void take_door(struct links *l, const struct hash *hash, const struct look_holder *h,
                      const struct gather *g, struct doors *to)
{
    json_t *o = g->status == 200 ? json_loadb(buf_cstr(&g->body), g->body.len, 0, NULL) : NULL;
    const char *token = json_string_value(json_object_get(o, "token"));
    json_int_t port = json_integer_value(json_object_get(o, "port"));
    json_int_t seconds = json_integer_value(json_object_get(o, "seconds"));
    char path[WEBLINK_TOKEN_LEN + 3], own[WEBLINK_TOKEN_LEN + 1];
    const char *rest;

    if (token && strlen(token) == WEBLINK_TOKEN_LEN)
        snprintf(path, sizeof path, "/%s/", token);
    if (token && strlen(token) == WEBLINK_TOKEN_LEN && weblink_split(path, own, &rest) &&
        port > 0 && port <= 65535 && seconds > 0 && seconds <= LINK_MAX_S) {
        add_door(to, &h->addr, (uint16_t)port, own);
        take_seconds(to, (uint64_t)seconds);
        remember(l, hash, h, (uint64_t)seconds);
    } else if (g->status == 200) {
        add_refused(to, h->name, "its answer makes no sense");
    } else if (g->status) {
        size_t len = strcspn(buf_cstr(&g->body), "\n");
        char why[160];

        add_refused(to, h->name, show_to(why, sizeof why, buf_cstr(&g->body), len));
    } else {
        add_refused(to, h->name, g->why);
    }
    json_decref(o);
}

static void open_others(struct links *l, struct gatherer *gatherer, const struct look *look,
                        uint64_t seconds, struct doors *to)
{
    struct gather ask[LINK_HOLDERS_MAX] = {0};
    const struct look_holder *of[LINK_HOLDERS_MAX];
    char hex[HASH_HEX_LEN + 1], path[96];
    size_t n = 0;

    hash_hex(&look->hash, hex);
    snprintf(path, sizeof path, "/v1/links/%s?seconds=%llu", hex, (unsigned long long)seconds);
    for (size_t i = 0; i < look->holders && n < LINK_HOLDERS_MAX; i++) {
        const struct look_holder *h = &look->holder[i];

        if (h->self || h->partial)
            continue;
        if (h->addr.scope) {
            add_refused(to, h->name, "only known by an address that others cannot use");
            continue;
        }
        of[n] = h;
        ask[n] = (struct gather){.method = "POST", .addr = h->addr, .path = path, .max = 4096};
        memcpy(ask[n++].pin, h->pub, sizeof h->pub);
    }
    gather_all(gatherer, ask, n, DOORS_MS, &l->stop);
    for (size_t i = 0; i < n; i++) {
        take_door(l, &look->hash, of[i], &ask[i], to);
        buf_free(&ask[i].body);
    }
}

/* ---- what is told ---- */

static json_t *urls_json(const struct look *look, const struct doors *doors)
{
    json_t *urls = json_array();

    for (size_t i = 0; look->kind != 'd' && i < doors->len; i++) {
        struct buf url = {0};

        weblink_url(&url, &doors->door[i].at, doors->door[i].token, look->name, strlen(look->name));
        json_array_append_new(urls, json_string(url.data));
        buf_free(&url);
    }
    return urls;
}

/* One file of the document: inside is its path in the linked folder, or NULL for a linked file. */
static void write_file(struct buf *doc, const struct look *look, const struct doors *doors,
                       const struct look_file *inside)
{
    const char *rest = inside ? inside->path : look->name;
    struct buf name = {0}, url = {0};

    if (inside)
        buf_printf(&name, "%s/", look->name);
    buf_str(&name, rest);
    metalink_file(doc, name.data, name.len, inside ? inside->size : look->size,
                  inside ? &inside->hash : &look->hash);
    for (size_t i = 0; i < doors->len; i++) {
        buf_reset(&url);
        weblink_url(&url, &doors->door[i].at, doors->door[i].token, rest, strlen(rest));
        metalink_url(doc, url.data);
    }
    metalink_file_end(doc);
    buf_free(&name);
    buf_free(&url);
}

static json_t *document(const struct look *look, const struct doors *doors)
{
    struct buf doc = {0};
    json_t *text;

    metalink_begin(&doc);
    if (look->kind != 'd')
        write_file(&doc, look, doors, NULL);
    for (size_t i = 0; i < look->files; i++)
        write_file(&doc, look, doors, &look->file[i]);
    metalink_end(&doc);
    text = json_text_n(doc.data, doc.len);
    buf_free(&doc);
    return text;
}

static json_t *look_json(const struct look *look)
{
    char hex[HASH_HEX_LEN + 1], kind[2] = {look->kind, '\0'};

    hash_hex(&look->hash, hex);
    return json_pack("{ss ss so sI}", "hash", hex, "kind", kind, "name", json_text(look->name),
                     "size", (json_int_t)look->size);
}

static int nobody(const struct doors *doors, struct err *e)
{
    const json_t *first = json_array_get(doors->refused, 0);
    const char *name = json_string_value(json_object_get(first, "name"));
    const char *why = json_string_value(json_object_get(first, "why"));

    if (!first)
        return err_set(e, ERR_UNFINISHED, "cannot link: nobody shares it whole now");
    return err_set(e, ERR_UNFINISHED, "cannot link: no holder opens its door; %s: %s",
                   name ? name : "", why ? why : "");
}

/* ---- the errands ---- */

static struct look_conf look_conf(struct links *l, struct gatherer *g)
{
    return (struct look_conf){.ident = l->conf.ident,
                              .ask = l->conf.ask,
                              .db_path = l->db_path,
                              .gatherer = g,
                              .stop = &l->stop};
}

int links_make(struct links *l, const struct hash *hash, uint64_t seconds, bool metalink,
               json_t **answer, struct err *e)
{
    struct gatherer *g = gatherer_new(&l->conf.ident->tls);
    struct look_conf lc = look_conf(l, g);
    struct doors doors = {.refused = json_array()};
    struct look look;
    int bad = look_content(&lc, hash, LOOK_MS, &look, e);

    if (!bad && look.kind == 'd' && !metalink) {
        bad = err_set(e, ERR_USAGE, "cannot link a folder by one URL");
        err_hint(e, "iwanto link --metalink names all its files");
    }
    if (!bad && look.kind == 'd')
        bad = look_files(&lc, &look, FILES_MS, e);
    if (!bad) {
        open_own(l, hash, seconds, &doors);
        open_others(l, g, &look, seconds, &doors);
        if (!doors.len)
            bad = nobody(&doors, e);
    }
    if (!bad) {
        *answer = look_json(&look);
        json_object_set_new(*answer, "seconds", json_integer((json_int_t)doors.seconds));
        json_object_set_new(*answer, "holders", json_integer(doors.holders));
        json_object_set_new(*answer, "urls", urls_json(&look, &doors));
        json_object_set(*answer, "refused", doors.refused);
        if (metalink)
            json_object_set_new(*answer, "metalink", document(&look, &doors));
    }
    json_decref(doors.refused);
    mem_free(doors.door);
    look_done(&look);
    gatherer_free(g);
    return bad;
}

int links_look(struct links *l, const struct hash *hash, json_t **answer, struct err *e)
{
    struct gatherer *g = gatherer_new(&l->conf.ident->tls);
    struct look_conf lc = look_conf(l, g);
    struct look look;
    int bad = look_content(&lc, hash, LOOK_MS, &look, e);

    if (!bad && look.kind == 'd')
        bad = look_files(&lc, &look, FILES_MS, e);
    if (!bad) {
        json_t *files = json_array();

        for (size_t i = 0; i < look.files; i++) {
            char hex[HASH_HEX_LEN + 1];

            hash_hex(&look.file[i].hash, hex);
            json_array_append_new(files,
                                  json_pack("{so ss sI}", "path", json_text(look.file[i].path),
                                            "hash", hex, "size", (json_int_t)look.file[i].size));
        }
        *answer = look_json(&look);
        json_object_set_new(*answer, "holders", json_integer((json_int_t)look.holders));
        json_object_set_new(*answer, "files", files);
    }
    look_done(&look);
    gatherer_free(g);
    return bad;
}

json_t *links_list(struct links *l)
{
    json_t *rows = door_list(l->conf.door), *row;
    struct addr at = {.family = 4, .ip = {127, 0, 0, 1}};
    size_t i;

    (void)links_own_addrs(&at, 1);
    json_array_foreach (rows, i, row) {
        const char *name = json_string_value(json_object_get(row, "name"));
        struct buf url = {0};

        at.port = (uint16_t)json_integer_value(json_object_get(row, "port"));
        weblink_url(&url, &at, json_string_value(json_object_get(row, "token")), name,
                    strlen(name));
        json_object_set_new(row, "url", json_string(url.data));
        buf_free(&url);
    }
    return json_pack("{so}", "links", rows);
}

json_t *links_end(struct links *l, const struct hash *hash)
{
    struct gather *ask = mem_zero(l->givens + 1, sizeof *ask);
    unsigned ended = door_shut(l->conf.door, hash, NULL);
    struct gatherer *g = NULL;
    size_t n = 0, kept = 0;

    for (size_t i = 0; i < l->givens; i++) {
        const struct given *o = &l->given[i];
        char hex[HASH_HEX_LEN + 1], path[96];

        if (hash && !hash_eq(&o->hash, hash)) {
            l->given[kept++] = *o;
            continue;
        }
        hash_hex(&o->hash, hex);
        snprintf(path, sizeof path, "/v1/links/%s/end", hex);
        ask[n] =
            (struct gather){.method = "POST", .addr = o->addr, .path = mem_str(path), .max = 4096};
        memcpy(ask[n++].pin, o->pub, sizeof o->pub);
    }
    l->givens = kept;
    if (n) {
        g = gatherer_new(&l->conf.ident->tls);
        gather_all(g, ask, n, ENDS_MS, &l->stop);
        gatherer_free(g);
    }
    for (size_t i = 0; i < n; i++) {
        ended += ask[i].status == 200;
        buf_free(&ask[i].body);
        mem_free(ask[i].path);
    }
    mem_free(ask);
    return json_pack("{sI}", "ended", (json_int_t)ended);
}

struct links *links_new(const struct links_conf *conf)
{
    struct links *l = mem_zero(1, sizeof *l);

    l->conf = *conf;
    l->conf.db_path = l->db_path = mem_str(conf->db_path);
    return l;
}

void links_stop(struct links *l)
{
    l->stop = true;
}

void links_free(struct links *l)
{
    if (!l)
        return;
    mem_free(l->given);
    mem_free(l->db_path);
    mem_free(l);
}
