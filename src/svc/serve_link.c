/* What a plain link gives: a file, or a file inside a folder that is named by its path. Every
 * component is looked up in a manifest, so there is no path that could lead elsewhere; and a member
 * may ask this peer to open a link of what it may fetch anyway. */
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/content.h"
#include "core/weblink.h"
#include "svc/door.h"
#include "svc/plain.h"
#include "svc/serve_priv.h"

#include <stdlib.h>
#include <string.h>

struct child {
    const char *name;
    size_t len;
    struct content_entry found;
    bool has;
};

static bool is_child(void *ctx, const struct content_entry *entry, struct err *e)
{
    struct child *c = ctx;

    (void)e;
    if (entry->name_len == c->len && !memcmp(entry->name, c->name, c->len)) {
        c->found = *entry;
        c->has = true;
    }
    return true;
}

/* The child of this name in our manifest of the folder. */
static bool find_child(struct store_reader *r, const struct hash *folder, struct child *c)
{
    struct buf text = {0}, times = {0};
    struct err e;

    c->has = false;
    if (store_manifest(r, folder, &text, &times, &e) == 1 &&
        content_manifest_parse(buf_cstr(&text), text.len, is_child, c, NULL, &e))
        c->has = false;
    buf_free(&text);
    buf_free(&times);
    return c->has;
}

/* The file at this path inside the folder. */
static bool resolve(struct store_reader *r, struct hash folder, const char *path, struct hash *file)
{
    unsigned depth = 0;
    char kind = 'd';
    struct child *c = mem_alloc(sizeof *c);
    int more;

    while ((more = weblink_part(&path, &depth, &c->name, &c->len)) > 0) {
        if (kind != 'd' || !find_child(r, &folder, c)) {
            more = -1;
            break;
        }
        folder = c->found.hash;
        kind = c->found.kind;
    }
    mem_free(c);
    *file = folder;
    return !more && kind != 'd';
}

/* The door's threads come and go, so their readers are let go with them. */
static void note_reader(struct serve *s, struct store_reader *r)
{
    bool known = false;

    uv_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->door_readers; i++)
        known |= s->door_reader[i] == r;
    if (!known && s->door_readers < DOOR_THREADS)
        s->door_reader[s->door_readers++] = r;
    uv_mutex_unlock(&s->lock);
}

void serve_link_over(struct serve *s)
{
    uv_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->door_readers; i++) {
        size_t n = 0;

        for (size_t k = 0; k < s->reader_count; k++) {
            if (s->readers[k] != s->door_reader[i])
                s->readers[n++] = s->readers[k];
        }
        s->reader_count = n;
        store_reader_close(s->door_reader[i]);
    }
    s->door_readers = 0;
    uv_mutex_unlock(&s->lock);
}

void serve_link(struct serve *s, struct http_request *rq, const struct hash *h, bool folder,
                const char *rest)
{
    struct store_reader *r = serve_reader(s, rq);
    unsigned depth = 0;
    struct hash file = *h;
    const char *part;
    size_t len;

    if (!r)
        return;
    note_reader(s, r);
    if (folder ? !resolve(r, *h, rest, &file)
               : weblink_part(&rest, &depth, &part, &len) < 0 || *rest) {
        plain_not_found(rq);
        return;
    }
    plain_headers(rq, "application/octet-stream");
    serve_file(s, rq, &file);
}

/* ---- answers of others ---- */

size_t serve_let(struct serve *s, struct http_request *rq, size_t want)
{
    struct purse own = {0};
    size_t n = pace_enter(s->pace, rq) ? pace_take(s->pace, rq, &own, want) : 0;

    if (n)
        serve_sent(s, n);
    return n;
}

void serve_let_over(struct serve *s, struct http_request *rq)
{
    pace_forget(s->pace, rq);
}

/* ---- members ask ---- */

void serve_door(struct serve *s, struct door *d)
{
    uv_mutex_lock(&s->lock);
    s->door = d;
    uv_mutex_unlock(&s->lock);
}

static struct door *get_door(struct serve *s)
{
    struct door *d;

    uv_mutex_lock(&s->lock);
    d = s->door;
    uv_mutex_unlock(&s->lock);
    return d;
}

static unsigned status_of(int code)
{
    return code == ERR_NOT_FOUND ? 404 : code == ERR_USAGE ? 403 : code == ERR_EXISTS ? 429 : 503;
}

void serve_link_open(struct serve *s, struct http_request *rq, const struct hash *h)
{
    const char *wish = http_arg(rq, "seconds");
    struct door *d = get_door(s);
    uint64_t seconds = LINK_DEFAULT_S;
    struct door_link link;
    struct nid asker;
    uint8_t pub[32];
    struct err e;
    json_t *json;
    char *text;

    if (!d || !http_peer_key(rq, pub)) {
        http_reply_text(rq, 403, "no links here");
        return;
    }
    if (wish && !str_parse_u64(wish, 1, UINT32_MAX, &seconds)) {
        http_reply_text(rq, 400, "seconds is a number");
        return;
    }
    seal_nid(&asker, pub);
    if (door_open(d, h, &asker, seconds, &link, &e)) {
        http_reply_text(rq, status_of(e.code), "%s", e.text);
        return;
    }
    json = json_pack("{ss si sI}", "token", link.token, "port", (int)link.port, "seconds",
                     (json_int_t)link.seconds);
    text = json_dumps(json, JSON_COMPACT);
    http_reply(rq, 200, "application/json", text, strlen(text));
    free(text);
    json_decref(json);
}

void serve_link_end(struct serve *s, struct http_request *rq, const struct hash *h)
{
    struct door *d = get_door(s);
    struct nid asker;
    uint8_t pub[32];

    if (d && http_peer_key(rq, pub)) {
        seal_nid(&asker, pub);
        (void)door_shut(d, h, &asker);
    }
    http_reply_text(rq, 200, "ended");
}
