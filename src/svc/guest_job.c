/* What a guest asks that takes its time: a file, a folder as an archive, a look inside one. A
 * thread each, since relay waits: it looks, then, once the request's Range is known, puts bytes
 * into a short queue that the server's thread empties. */
#include "svc/guest_priv.h"

#include "base/limits.h"
#include "base/mem.h"
#include "core/path.h"
#include "core/zip.h"
#include "io/http_client.h"
#include "svc/bundle.h"
#include "svc/json_text.h"
#include "svc/serve.h"
#include "svc/web_page.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define LONGEST_MS 40000
#define QUEUE_MAX                                                                                  \
    (4u << 20)               /* bytes that wait for a slow guest; as much as relay brings at once  \
                              */
#define SHIFT_MIN (1u << 20) /* bytes that went are let go in such steps */

/* Two owners: the request, and the list of jobs until its thread is joined. */
struct guest_job {
    struct guest_job *prev, *next;
    struct guest *g;
    enum guest_what what;
    struct hash hash;
    struct addr from;
    uv_thread_t thread;
    atomic_bool over; /* the guest is gone, or has it all */
    uv_mutex_t lock;  /* everything below, but for look, which is the thread's until known */
    uv_cond_t change;
    struct http_request *rq; /* NULL: over */
    bool known, go, ended;   /* it was looked at; the range is set; the thread is done */
    struct err err;
    struct look look;
    uint64_t size, first, len;
    struct buf out;
    size_t read; /* bytes of out that went */
    unsigned owners;
};

static void drop(struct guest_job *j) /* locked */
{
    bool last = !--j->owners;

    uv_mutex_unlock(&j->lock);
    if (!last)
        return;
    look_done(&j->look);
    buf_free(&j->out);
    uv_cond_destroy(&j->change);
    uv_mutex_destroy(&j->lock);
    mem_free(j);
}

/* ---- its thread ---- */

static bool give(void *ctx, const void *data, size_t len)
{
    struct guest_job *j = ctx;
    bool on;

    uv_mutex_lock(&j->lock);
    while (j->rq && j->out.len - j->read >= QUEUE_MAX)
        uv_cond_wait(&j->change, &j->lock);
    on = j->rq != NULL;
    if (on) {
        buf_add(&j->out, data, len);
        http_wake(j->rq);
    }
    uv_mutex_unlock(&j->lock);
    return on;
}

/* Until the handler has answered, or will not. */
static bool wait_for_go(struct guest_job *j)
{
    bool go;

    uv_mutex_lock(&j->lock);
    j->known = true;
    if (j->rq)
        http_wake(j->rq);
    while (j->rq && !j->go)
        uv_cond_wait(&j->change, &j->lock);
    go = j->rq && j->go;
    uv_mutex_unlock(&j->lock);
    return go;
}

static int look(struct guest_job *j, struct relay *r, struct err *e)
{
    bool folder = j->what != GUEST_GET && j->what != GUEST_VIEW;
    int bad = relay_look(r, &j->hash, folder, &j->look, e);

    if (bad)
        return bad;
    if ((j->look.kind == 'd') != folder)
        return err_set(e, ERR_NOT_FOUND, folder ? "that is no folder" : "that is a folder");
    j->size = j->what == GUEST_LOOK ? 0
              : folder              ? bundle_length(&j->look, j->what == GUEST_ZIP)
                                    : j->look.size;
    return 0;
}

static void job_main(void *arg)
{
    struct guest_job *j = arg;
    struct relay *r = relay_new(&(struct relay_conf){.ident = j->g->conf.ident,
                                                     .ask = j->g->conf.ask,
                                                     .share = j->g->conf.share,
                                                     .db_path = j->g->db_path,
                                                     .stop = &j->over});
    struct err e = {0};
    int bad = look(j, r, &e);

    if (bad) {
        uv_mutex_lock(&j->lock);
        j->err = e;
        uv_mutex_unlock(&j->lock);
    }
    if (wait_for_go(j) && !bad) {
        bad = j->what == GUEST_GET || j->what == GUEST_VIEW
                  ? relay_file(r, &j->look, &j->hash, j->size, j->first, j->len, give, j, &e)
                  : bundle_give(r, &j->look, j->what == GUEST_ZIP, give, j, &e);
    }
    relay_free(r);
    uv_mutex_lock(&j->g->lock);
    j->g->running--;
    uv_mutex_unlock(&j->g->lock);
    uv_mutex_lock(&j->lock);
    j->ended = true;
    if (bad && !j->err.code)
        j->err = e;
    if (j->rq)
        http_wake(j->rq);
    uv_mutex_unlock(&j->lock);
}

/* ---- the answer's bytes ---- */

static int64_t stream_read(void *ctx, uint64_t pos, void *to, size_t max)
{
    struct guest_job *j = ctx;
    struct serve *s = j->g->conf.serve;
    size_t n, may = 0;
    int64_t got;

    if (pos >= j->len)
        return -1;
    uv_mutex_lock(&j->lock);
    n = j->out.len - j->read;
    n = n < max ? n : max;
    if (n) {
        uv_mutex_unlock(&j->lock); /* serve has locks of its own */
        may = serve_let(s, j->rq, n);
        uv_mutex_lock(&j->lock);
        memcpy(to, j->out.data + j->read, may);
        j->read += may;
        if (j->read == j->out.len) {
            buf_reset(&j->out);
            j->read = 0;
        } else if (j->read >= SHIFT_MIN) { /* what went is let go */
            memmove(j->out.data, j->out.data + j->read, j->out.len - j->read);
            j->out.len -= j->read;
            j->read = 0;
        }
        uv_cond_signal(&j->change);
    }
    got = may ? (int64_t)may : !n && j->ended ? -2 : 0;
    uv_mutex_unlock(&j->lock);
    return got;
}

/* The request is over, however that came. Nobody but it writes rq. */
static void request_over(void *ctx)
{
    struct guest_job *j = ctx;

    serve_let_over(j->g->conf.serve, j->rq);
    j->over = true;
    uv_mutex_lock(&j->lock);
    j->rq = NULL;
    uv_cond_signal(&j->change);
    drop(j);
}

/* ---- answering ---- */

/* Nothing of it runs as a page of ours, whatever it is; its name is only a name. */
static void content_headers(const struct guest_job *j, struct http_request *rq, bool save)
{
    struct buf name = {0}, plain = {0}, line = {0};

    http_reply_header(rq, "Content-Security-Policy", "default-src 'none'; sandbox");
    http_reply_header(rq, "X-Content-Type-Options", "nosniff");
    http_reply_header(rq, "Referrer-Policy", "no-referrer");
    http_reply_header(rq, "Cross-Origin-Resource-Policy", "same-origin");
    http_reply_header(rq, "Cache-Control", "no-store");
    zip_name(&name, j->look.name, strlen(j->look.name));
    if (j->what == GUEST_ZIP || j->what == GUEST_TAR)
        buf_str(&name, j->what == GUEST_ZIP ? ".zip" : ".tar");
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];

        buf_char(&plain, c < 0x20 || c > 0x7e || c == '"' || c == '\\' || c == '%' ? '_' : (char)c);
    }
    buf_printf(&line, "%s; filename=\"%s\"; filename*=UTF-8''", save ? "attachment" : "inline",
               buf_cstr(&plain));
    http_url_escape(&line, buf_cstr(&name), name.len);
    http_reply_header(rq, "Content-Disposition", line.data);
    buf_free(&line);
    buf_free(&plain);
    buf_free(&name);
}

static void answer_look(const struct guest_job *j, struct http_request *rq)
{
    json_t *files = json_array(), *o;
    char hex[HASH_HEX_LEN + 1], *text;

    for (size_t i = 0; i < j->look.files; i++) {
        const struct look_file *f = &j->look.file[i];

        hash_hex(&f->hash, hex);
        json_array_append_new(files, json_pack("{so ss sI}", "path", json_text(f->path), "hash",
                                               hex, "size", (json_int_t)f->size));
    }
    o = json_pack("{so}", "files", files);
    text = json_dumps(o, JSON_COMPACT);
    http_reply(rq, 200, "application/json", text, strlen(text));
    free(text);
    json_decref(o);
}

static void answer_content(struct guest_job *j, struct http_request *rq)
{
    struct http_stream st = {.read = stream_read, .ctx = j};
    const char *type = j->what == GUEST_ZIP   ? "application/zip"
                       : j->what == GUEST_TAR ? "application/x-tar"
                                              : "application/octet-stream";
    bool ranged = false;

    if (j->what == GUEST_VIEW)
        type = weblink_type(j->look.name, strlen(j->look.name));
    content_headers(j, rq, j->what != GUEST_VIEW || !strcmp(type, "application/octet-stream"));
    j->first = 0;
    j->len = j->size;
    if ((j->what == GUEST_GET || j->what == GUEST_VIEW) &&
        !plain_range(rq, j->size, &j->first, &j->len, &ranged))
        return;
    uv_mutex_lock(&j->lock);
    j->go = true;
    uv_cond_signal(&j->change);
    uv_mutex_unlock(&j->lock);
    http_reply_stream(rq, ranged ? 206 : 200, type, j->len, &st);
}

static void answer(struct guest_job *j, struct http_request *rq)
{
    struct err e;
    bool known;

    uv_mutex_lock(&j->lock);
    known = j->known;
    e = j->err;
    uv_mutex_unlock(&j->lock);
    if (known && !e.code && j->what == GUEST_LOOK) {
        web_page_headers(rq);
        answer_look(j, rq);
    } else if (known && !e.code) {
        answer_content(j, rq);
    } else if (http_held(rq) == 1 && !known) {
        http_hold(rq, LONGEST_MS); /* woken early */
    } else {
        web_page_headers(rq);
        http_reply_text(rq, known && e.code == ERR_NOT_FOUND ? 404 : 503, "%s",
                        known ? e.text : "no answer in time");
    }
}

/* ---- beginning ---- */

/* Those whose threads are through; all: also those that are not yet. Under g->lock, which is let go
 * meanwhile. */
static void reap(struct guest *g, bool all)
{
    struct guest_job *j, *next;

    for (j = g->jobs; j; j = next) {
        bool ended;

        next = j->next;
        uv_mutex_lock(&j->lock);
        ended = j->ended;
        uv_mutex_unlock(&j->lock);
        if (!ended && !all)
            continue;
        DL_DELETE(g->jobs, j);
        uv_mutex_unlock(&g->lock);
        uv_thread_join(&j->thread);
        uv_mutex_lock(&j->lock);
        drop(j);
        uv_mutex_lock(&g->lock);
        next = g->jobs; /* it may be another list by now */
    }
}

static unsigned count_of(const struct guest *g, const struct addr *from)
{
    const struct guest_job *j;
    unsigned n = 0;

    DL_FOREACH (g->jobs, j)
        n += !j->over && addr_same_host(&j->from, from);
    return n;
}

void guest_job_run(struct guest *g, struct http_request *rq, enum guest_what what,
                   const struct hash *h)
{
    struct guest_job *j = http_get_ctx(rq);
    bool full;

    if (j) {
        answer(j, rq);
        return;
    }
    j = mem_zero(1, sizeof *j);
    j->g = g;
    j->what = what;
    j->hash = *h;
    j->from = *http_from(rq);
    j->rq = rq;
    j->owners = 2;
    uv_mutex_init(&j->lock);
    uv_cond_init(&j->change);
    uv_mutex_lock(&g->lock);
    reap(g, false);
    full = g->running >= GUEST_JOBS_MAX || count_of(g, &j->from) >= GUEST_JOBS_ADDR_MAX ||
           uv_thread_create(&j->thread, job_main, j);
    if (!full) {
        g->running++;
        DL_APPEND(g->jobs, j);
    }
    uv_mutex_unlock(&g->lock);
    if (full) {
        uv_cond_destroy(&j->change);
        uv_mutex_destroy(&j->lock);
        mem_free(j);
        web_page_headers(rq);
        http_reply_header(rq, "Retry-After", "3");
        http_reply_text(rq, 503, "too much is being fetched at once: try again soon");
        return;
    }
    http_set_ctx(rq, j, request_over);
    http_hold(rq, LONGEST_MS);
}

void guest_jobs_join(struct guest *g)
{
    uv_mutex_lock(&g->lock);
    reap(g, true);
    uv_mutex_unlock(&g->lock);
}
