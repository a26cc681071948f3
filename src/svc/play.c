#include "svc/play.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/weblink.h"
#include "io/http_server.h"
#include "io/root.h"
#include "svc/fetch.h"
#include "svc/json_text.h"
#include "svc/plain.h"
#include "svc/share.h"
#include "svc/shared_file.h"
#include "svc/store.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>
#include <uv.h>

#define THREADS 2

struct playing {
    struct playing *prev, *next;
    struct play *play;
    char token[WEBLINK_TOKEN_LEN + 1];
    struct hash hash;
    void (*tell)(void *ctx, json_t *event);
    void *ctx;
    int64_t listener; /* -1: it is shared here */
    /* under play's lock: */
    char *name; /* NULL: not known yet, and no URL either */
    uint64_t size;
    int fd;              /* the whole file, or -1 */
    struct root_stat st; /* of a shared one: as announced */
    char *path;          /* likewise; else NULL */
    bool failed;
    atomic_bool over; /* read without it */
    struct stream *streams;
    uint64_t streams_begun;
    unsigned refs;
};

/* One request's answer. */
struct stream {
    struct stream *prev, *next;
    struct playing *t;
    struct http_request *rq;
    uint64_t first, len;
    int fd;
    bool whole;      /* fd has it all */
    uint64_t good;   /* up to here fd is verified */
    uint64_t number; /* later ones are what the player is at now */
    /* under play's lock: */
    bool waiting;
    uint64_t at;
};

struct play {
    struct play_conf conf;
    char *db_path;
    char own_name[PLAIN_HOST_MAX];
    uv_mutex_t lock;
    struct http_server *server; /* NULL: nobody has played yet */
    uint16_t port;
    struct store_reader *reader; /* under the lock */
    struct playing *playings;
};

/* ---- one playing ---- */

/* Locked. */
static void drop(struct playing *t)
{
    if (--t->refs)
        return;
    if (t->fd >= 0)
        close(t->fd);
    mem_free(t->path);
    mem_free(t->name);
    mem_free(t);
}

static void wake_streams(struct playing *t)
{
    struct stream *s;

    DL_FOREACH (t->streams, s) {
        if (s->waiting)
            http_wake(s->rq);
    }
}

/* The download has ended well: its file. */
static void take_file(struct playing *t, const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    char *dir = slash ? mem_strn(path, (size_t)(slash - path)) : NULL;
    struct root_stat st;
    struct err e;
    struct root *r = dir ? root_open(*dir ? dir : "/", &e) : NULL;
    int fd = r ? root_read_fd(r, slash + 1, &st, &e) : -1;

    if (fd >= 0 && st.size == t->size) {
        t->fd = fd;
    } else {
        if (fd >= 0)
            close(fd);
        t->failed = true;
    }
    root_close(r);
    mem_free(dir);
}

static json_t *play_event(const struct playing *t)
{
    struct addr here = {.family = 4, .ip = {127, 0, 0, 1}, .port = t->play->port};
    char hex[HASH_HEX_LEN + 1];
    struct buf url = {0};
    json_t *o;

    hash_hex(&t->hash, hex);
    weblink_url(&url, &here, t->token, t->name, strlen(t->name));
    o = json_pack("{ss ss ss so ss sI}", "event", "play", "url", url.data, "hash", hex, "name",
                  json_text(t->name), "type", weblink_type(t->name, strlen(t->name)), "size",
                  (json_int_t)t->size);
    buf_free(&url);
    return o;
}

/* What the URL needs to know is known now. Locked. Gives the event to tell, or NULL. */
static json_t *take_name(struct playing *t, const char *name, uint64_t size)
{
    if (t->name)
        return NULL;
    t->name = mem_str(name);
    t->size = size;
    return play_event(t);
}

/* On fetch's thread. */
static void on_event(void *ctx, json_t *event)
{
    const char *what = json_string_value(json_object_get(event, "event"));
    const char *kind = json_string_value(json_object_get(event, "kind"));
    const char *name = json_string_value(json_object_get(event, "name"));
    struct playing *t = ctx;
    json_t *first = NULL;
    bool known;

    uv_mutex_lock(&t->play->lock);
    if (kind && *kind != 'd' && name)
        first = take_name(t, name, (uint64_t)json_integer_value(json_object_get(event, "size")));
    if (t->fd < 0 && (!strcmp(what, "done") || !strcmp(what, "skipped")))
        take_file(t, json_string_value(json_object_get(event, "path")));
    else if (!strcmp(what, "failed"))
        t->failed = true;
    wake_streams(t);
    known = t->name != NULL;
    uv_mutex_unlock(&t->play->lock);
    if (first)
        t->tell(t->ctx, first);
    json_decref(first);
    if (known || (strcmp(what, "queued") != 0 && strcmp(what, "start") != 0))
        t->tell(t->ctx, event);
}

/* ---- streams ---- */

static void wake(void *rq)
{
    http_wake(rq);
}

/* Where the player is: the newest of the streams that wait. A seek opens another connection, and
 * the old one may not be seen to be gone yet. */
static void say_point(struct stream *s)
{
    struct stream *o, *newest = NULL;
    struct hash hash;
    uint64_t at;

    uv_mutex_lock(&s->t->play->lock);
    DL_FOREACH (s->t->streams, o) {
        if (o->waiting && (!newest || o->number > newest->number))
            newest = o;
    }
    hash = s->t->hash;
    at = newest ? newest->at : 0;
    uv_mutex_unlock(&s->t->play->lock);
    if (newest == s)
        fetch_point(s->t->play->conf.fetch, &hash, at);
}

static void set_waiting(struct stream *s, bool waiting, uint64_t at)
{
    uv_mutex_lock(&s->t->play->lock);
    s->waiting = waiting;
    s->at = at;
    uv_mutex_unlock(&s->t->play->lock);
}

/* 1: there are verified bytes at `at`; 0: not yet; -2: there never will be. */
static int look(struct stream *s, uint64_t at)
{
    struct playing *t = s->t;
    struct fetch *f = t->play->conf.fetch;
    uint64_t size;
    bool failed;

    set_waiting(s, true, at); /* before anything is looked at: a wake from here on is kept */
    fetch_part_unwait(f, wake, s->rq);
    (void)fetch_part_wait(f, &t->hash, wake, s->rq);
    uv_mutex_lock(&t->play->lock);
    failed = t->failed;
    s->whole = t->fd >= 0;
    if (s->whole && s->fd < 0)
        s->fd = fcntl(t->fd, F_DUPFD_CLOEXEC, 0);
    uv_mutex_unlock(&t->play->lock);
    if (s->whole && s->fd < 0)
        return -2;
    if (!s->whole && (!fetch_look(f, &t->hash, at, s->fd < 0 ? &s->fd : NULL, &size, &s->good) ||
                      s->good <= at)) {
        if (failed)
            return -2;
        say_point(s);
        return 0;
    }
    set_waiting(s, false, at);
    return 1;
}

static int64_t stream_read(void *ctx, uint64_t pos, void *to, size_t max)
{
    struct stream *s = ctx;
    uint64_t at = s->first + pos;
    struct root_stat now;
    ssize_t n;

    if (pos >= s->len)
        return -1;
    if (s->t->over)
        return -2;
    if (!s->whole && at >= s->good) {
        int there = look(s, at);

        if (there <= 0)
            return there;
    }
    if (max > s->len - pos)
        max = (size_t)(s->len - pos);
    if (!s->whole && max > s->good - at)
        max = (size_t)(s->good - at);
    n = pread(s->fd, to, max, (off_t)at);
    if (n > 0 && s->t->path && (root_stat_fd(s->fd, &now) || !root_stat_same(&now, &s->t->st))) {
        share_suspect(s->t->play->conf.share, s->t->path);
        return -2;
    }
    return n > 0 ? n : -2;
}

static void stream_done(void *ctx)
{
    struct stream *s = ctx;
    struct play *p = s->t->play;

    fetch_part_unwait(p->conf.fetch, wake, s->rq);
    uv_mutex_lock(&p->lock);
    DL_DELETE(s->t->streams, s);
    drop(s->t);
    uv_mutex_unlock(&p->lock);
    if (s->fd >= 0)
        close(s->fd);
    mem_free(s);
}

/* ---- requests ---- */

/* A reference to the one with this token whose URL was told; or NULL. */
static struct playing *find(struct play *p, const char *token)
{
    struct playing *t, *found = NULL;

    uv_mutex_lock(&p->lock);
    DL_FOREACH (p->playings, t) {
        if (weblink_token_eq(t->token, token) && t->name)
            found = t;
    }
    if (found)
        found->refs++;
    uv_mutex_unlock(&p->lock);
    return found;
}

void play_request(struct play *p, struct http_request *rq)
{
    char token[WEBLINK_TOKEN_LEN + 1];
    struct http_stream st = {.read = stream_read, .done = stream_done};
    struct playing *t;
    const char *rest, *type;
    struct stream *s;
    bool ranged;

    if (!plain_check(rq, p->own_name, token, &rest))
        return;
    t = find(p, token);
    if (!t) {
        plain_not_found(rq);
        return;
    }
    s = mem_zero(1, sizeof *s);
    *s = (struct stream){.t = t, .rq = rq, .fd = -1};
    type = weblink_type(t->name, strlen(t->name));
    plain_headers(rq, type);
    uv_mutex_lock(&p->lock);
    s->number = ++t->streams_begun;
    DL_APPEND(t->streams, s);
    uv_mutex_unlock(&p->lock);
    if (!plain_range(rq, t->size, &s->first, &s->len, &ranged)) {
        stream_done(s);
        return;
    }
    st.ctx = s;
    http_reply_stream(rq, ranged ? 206 : 200, type, s->len, &st);
}

static void handle(void *ctx, struct http_request *rq)
{
    play_request(ctx, rq);
}

/* ---- beginning and ending ---- */

/* Locked. */
static int open_listener(struct play *p, struct err *e)
{
    if (p->server)
        return 0;
    p->server = http_server_plain(HTTP_HERE, 0, &p->port, THREADS, handle, p, e);
    if (!p->server)
        return -e->code;
    p->reader = store_reader_open(p->db_path, e);
    if (p->reader)
        return 0;
    http_server_free(p->server);
    p->server = NULL;
    return -e->code;
}

static const char *leaf(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* It is shared here. Locked. */
static bool take_shared(struct playing *t)
{
    if (shared_open(t->play->conf.share, t->play->reader, &t->hash, &t->fd, &t->st, &t->path) != 1)
        return false;
    t->name = mem_str(leaf(t->path));
    t->size = t->st.size;
    return true;
}

static int begin_download(struct playing *t, const char *title, struct err *e)
{
    struct fetch_want want = {.hash = t->hash, .title = title, .sequential = true, .now = true};
    struct fetch *f = t->play->conf.fetch;
    int64_t id;

    if (fetch_add(f, &want, &id, e))
        return -e->code;
    fetch_point(f, &t->hash, 0); /* for one that runs already; on_event's listeners point anew */
    t->listener = fetch_listen(f, id, on_event, t);
    return t->listener < 0 ? err_set(e, ERR_INTERRUPTED, "the download was cancelled") : 0;
}

struct playing *play_begin(struct play *p, const struct hash *hash, const char *title,
                           void (*tell)(void *ctx, json_t *event), void *ctx, struct err *e)
{
    struct playing *t = mem_zero(1, sizeof *t);
    json_t *first;
    bool shared;
    int bad;

    t->play = p;
    t->hash = *hash;
    t->tell = tell;
    t->ctx = ctx;
    t->listener = t->fd = -1;
    t->refs = 1;
    plain_token(t->token);
    uv_mutex_lock(&p->lock);
    bad = open_listener(p, e);
    shared = !bad && take_shared(t);
    DL_APPEND(p->playings, t);
    uv_mutex_unlock(&p->lock);
    if (!bad && shared) {
        first = play_event(t);
        tell(ctx, first);
        json_decref(first);
    } else if (!bad) {
        bad = begin_download(t, title, e);
    }
    if (!bad)
        return t;
    play_end(t);
    return NULL;
}

void play_end(struct playing *t)
{
    struct play *p = t->play;
    struct hash hash = t->hash;
    bool last = t->listener >= 0;
    struct playing *o;

    if (t->listener >= 0)
        fetch_unlisten(p->conf.fetch, t->listener);
    uv_mutex_lock(&p->lock);
    DL_DELETE(p->playings, t);
    DL_FOREACH (p->playings, o)
        last &= !hash_eq(&o->hash, &hash);
    t->over = true;
    wake_streams(t);
    drop(t);
    uv_mutex_unlock(&p->lock);
    if (last)
        fetch_point(p->conf.fetch, &hash, FETCH_NO_POINT);
}

struct play *play_new(const struct play_conf *conf)
{
    struct play *p = mem_zero(1, sizeof *p);

    p->conf = *conf;
    p->conf.db_path = p->db_path = mem_str(conf->db_path);
    plain_own_name(p->own_name);
    uv_mutex_init(&p->lock);
    return p;
}

void play_free(struct play *p)
{
    if (!p)
        return;
    http_server_free(p->server);
    store_reader_close(p->reader);
    uv_mutex_destroy(&p->lock);
    mem_free(p->db_path);
    mem_free(p);
}
