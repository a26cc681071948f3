#include "svc/look.h"

#include "base/mem.h"
#include "base/rw.h"
#include "base/str.h"
#include "core/content.h"
#include "core/path.h"
#include "io/loop.h"
#include "svc/ask.h"
#include "svc/gather.h"
#include "svc/ident.h"
#include "svc/store.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#define SLICE_MS                                                                                   \
    500 /* how often an errand that is to end looks up while it waits for the leader               \
         */

/* ---- who has it ---- */

static void add_holder(struct look *l, const struct look_conf *c, const json_t *h,
                       const struct elect_peer *leader)
{
    const char *peer = json_string_value(json_object_get(h, "peer"));
    const char *pub = json_string_value(json_object_get(h, "pub"));
    const char *name = json_string_value(json_object_get(h, "name"));
    const char *addr = json_string_value(json_object_get(h, "addr"));
    struct look_holder *to;
    struct hash sum;

    MEM_GROW(l->holder, l->holders, l->holders_cap);
    to = &l->holder[l->holders];
    *to = (struct look_holder){.partial = json_is_true(json_object_get(h, "partial"))};
    if (!peer || !pub || !nid_parse(&to->nid, peer, strlen(peer)) ||
        !str_unhex(to->pub, sizeof to->pub, pub, strlen(pub)))
        return;
    content_hash(&sum, to->pub, sizeof to->pub);
    if (memcmp(sum.b, to->nid.b, sizeof to->nid.b))
        return; /* not that peer's key */
    to->self = nid_eq(&to->nid, &c->ident->nid);
    to->addr = leader->addr; /* null: the leader itself */
    if (!to->self && addr && !addr_parse(&to->addr, addr))
        return;
    show_to(to->name, sizeof to->name, name ? name : peer, strlen(name ? name : peer));
    l->holders++;
}

static int take_content(struct look *l, const struct look_conf *c, const json_t *o,
                        const struct elect_peer *leader, struct err *e)
{
    const char *kind = json_string_value(json_object_get(o, "kind"));
    const char *name = json_string_value(json_object_get(o, "name")), *root;
    json_int_t size = json_integer_value(json_object_get(o, "size"));
    const json_t *groups = json_object_get(o, "contents"), *group, *holders;
    char hex[HASH_HEX_LEN + 1];

    if (!kind || !*kind || kind[1] || !strchr("fxd", *kind) || size < 0)
        return err_set(e, ERR_NO_PEER, "the leader has no answer");
    hash_hex(&l->hash, hex);
    l->kind = *kind;
    l->size = (uint64_t)size;
    l->name = mem_str(name && path_check_name(name, strlen(name)) == PATH_OK ? name : hex);
    /* of holders that do not agree about it, those who are the most */
    group = json_array_get(groups, 0);
    holders = json_object_get(group, "holders");
    root = json_string_value(json_object_get(group, "root"));
    if (!root || !hash_parse(&l->root, root, strlen(root)))
        l->root = (struct hash){0};
    for (size_t i = 0; i < json_array_size(holders) && i < HOLDERS_MAX; i++)
        add_holder(l, c, json_array_get(holders, i), leader);
    return 0;
}

/* One answer, waited for. */
struct waited {
    uv_sem_t over;
    struct ask_reply r; /* its json is ours */
};

static void on_reply(void *ctx, const struct ask_reply *r)
{
    struct waited *w = ctx;

    w->r = *r;
    w->r.json = ask_take(r);
    uv_sem_post(&w->over);
}

static void ask_leader_once(struct ask *a, const char *path, struct waited *w)
{
    uv_sem_init(&w->over, 0);
    ask_start(a, path, SLICE_MS, on_reply, w);
    uv_sem_wait(&w->over);
    uv_sem_destroy(&w->over);
}

int look_content(const struct look_conf *c, const struct hash *hash, unsigned ms, struct look *out,
                 struct err *e)
{
    char path[32 + HASH_HEX_LEN] = "/v1/holders/";
    int64_t end = loop_now_ms() + ms;
    struct waited w = {0};
    int bad = 0;

    *out = (struct look){.hash = *hash};
    hash_hex(hash, path + strlen(path));
    do {
        json_decref(w.r.json);
        ask_leader_once(c->ask, path, &w);
    } while (!w.r.status && !*c->stop && loop_now_ms() < end);
    if (!w.r.status) {
        *e = w.r.err;
        bad = -e->code;
    } else if (w.r.status == 404) {
        bad = err_set(e, ERR_NOT_FOUND, "nobody has %.12s", path + strlen("/v1/holders/"));
    } else if (w.r.status != 200) {
        bad = err_set(e, ERR_NO_PEER, "the leader has no answer");
    } else {
        bad = take_content(out, c, w.r.json, &w.r.from, e);
    }
    json_decref(w.r.json);
    return bad;
}

/* ---- what is inside ---- */

/* Folders that are still to be read: one level after the other. */
struct level {
    struct dir {
        struct hash hash;
        char *path;                 /* "" or ends with a slash */
        struct buf manifest, times; /* of its entries, 8 bytes each */
    } * dir;
    size_t len, cap;
};

struct take {
    struct look *l;
    struct level *next;
    const char *path;
    struct rd times;
};

static bool take_entry(void *ctx, const struct content_entry *entry, struct err *e)
{
    struct take *t = ctx;
    struct look *l = t->l;
    struct buf path = {0};
    int64_t mtime_s = rd_left(&t->times) >= 8 ? (int64_t)rd_u64(&t->times) : INT64_MIN;

    buf_str(&path, t->path);
    buf_add(&path, entry->name, entry->name_len);
    if (l->files + t->next->len >= LINK_FILES_MAX) {
        buf_free(&path);
        err_set(e, ERR_USAGE, "the folder has more than %u entries", LINK_FILES_MAX);
        return false;
    }
    if (entry->kind == 'd') {
        struct dir *d;

        buf_char(&path, '/');
        MEM_GROW(t->next->dir, t->next->len, t->next->cap);
        d = &t->next->dir[t->next->len++];
        *d = (struct dir){.hash = entry->hash, .path = buf_take(&path, NULL)};
    } else {
        MEM_GROW(l->file, l->files, l->files_cap);
        l->file[l->files++] = (struct look_file){.path = buf_take(&path, NULL),
                                                 .hash = entry->hash,
                                                 .size = entry->size,
                                                 .mtime_s = mtime_s};
    }
    return true;
}

static bool is_manifest(const struct hash *hash, const void *text, size_t len)
{
    struct hash sum;

    content_hash(&sum, text, len);
    return hash_eq(&sum, hash);
}

static void read_own(const struct look_conf *c, struct level *level)
{
    struct err ignored;
    struct store_reader *r = store_reader_open(c->db_path, &ignored);

    for (size_t i = 0; r && i < level->len; i++) {
        struct dir *d = &level->dir[i];

        if (store_manifest(r, &d->hash, &d->manifest, &d->times, &ignored) != 1 ||
            !is_manifest(&d->hash, buf_cstr(&d->manifest), d->manifest.len)) {
            buf_free(&d->manifest);
            buf_free(&d->times);
        }
    }
    store_reader_close(r);
}

/* "length:u32 manifest times" of GET /v1/folders/H. */
static void take_answer(struct dir *d, const struct gather *g)
{
    struct rd r = rd_over(buf_cstr(&g->body), g->body.len);
    uint32_t len = rd_u32(&r);
    const void *text = rd_bytes(&r, len);

    if (g->status != 200 || !text || !is_manifest(&d->hash, text, len))
        return;
    buf_add(&d->manifest, text, len);
    len = (uint32_t)rd_left(&r);
    buf_add(&d->times, rd_bytes(&r, len), len);
}

static void ask_holder(const struct look_conf *c, const struct look_holder *h, struct level *level,
                       unsigned ms)
{
    struct gather *ask = mem_zero(level->len, sizeof *ask);
    struct dir **of = mem_zero(level->len, sizeof *of);
    size_t n = 0;

    for (size_t i = 0; i < level->len; i++) {
        char hex[HASH_HEX_LEN + 1], path[32 + HASH_HEX_LEN];

        if (level->dir[i].manifest.data)
            continue;
        hash_hex(&level->dir[i].hash, hex);
        snprintf(path, sizeof path, "/v1/folders/%s", hex);
        ask[n] = (struct gather){
            .addr = h->addr, .path = mem_str(path), .max = MANIFEST_BYTES_MAX / 4 * 5};
        memcpy(ask[n].pin, h->pub, sizeof ask[n].pin);
        of[n++] = &level->dir[i];
    }
    gather_all(c->gatherer, ask, n, ms, c->stop);
    for (size_t i = 0; i < n; i++) {
        take_answer(of[i], &ask[i]);
        buf_free(&ask[i].body);
        mem_free(ask[i].path);
    }
    mem_free(ask);
    mem_free(of);
}

static bool all_read(const struct level *level)
{
    for (size_t i = 0; i < level->len; i++) {
        if (!level->dir[i].manifest.data)
            return false;
    }
    return true;
}

static int read_level(const struct look_conf *c, struct look *l, struct level *level,
                      struct level *next, int64_t end, struct err *e)
{
    int bad = 0;

    read_own(c, level);
    for (size_t i = 0; i < l->holders && !all_read(level); i++) {
        int64_t left = end - loop_now_ms();

        if (left > 0 && !*c->stop && !l->holder[i].self && !l->holder[i].partial)
            ask_holder(c, &l->holder[i], level, (unsigned)left);
    }
    if (!all_read(level))
        return err_set(e, ERR_UNFINISHED, "no holder tells what the folder has inside");
    for (size_t i = 0; !bad && i < level->len; i++) {
        struct dir *d = &level->dir[i];
        struct take t = {.l = l,
                         .next = next,
                         .path = d->path,
                         .times = rd_over(buf_cstr(&d->times), d->times.len)};

        bad = content_manifest_parse(d->manifest.data, d->manifest.len, take_entry, &t, NULL, e);
    }
    return bad;
}

static void level_free(struct level *level)
{
    for (size_t i = 0; i < level->len; i++) {
        mem_free(level->dir[i].path);
        buf_free(&level->dir[i].manifest);
        buf_free(&level->dir[i].times);
    }
    mem_free(level->dir);
    *level = (struct level){0};
}

int look_files(const struct look_conf *c, struct look *l, unsigned ms, struct err *e)
{
    int64_t end = loop_now_ms() + ms;
    struct level level = {0}, next = {0};
    unsigned depth = 0;
    int bad = 0;

    MEM_GROW(level.dir, level.len, level.cap);
    level.dir[level.len++] = (struct dir){.hash = l->hash, .path = mem_str("")};
    while (!bad && level.len) {
        if (++depth > PATH_DEPTH_MAX)
            bad = err_set(e, ERR_BAD_CONTENT, "the folder is too deep");
        else
            bad = read_level(c, l, &level, &next, end, e);
        level_free(&level);
        level = next;
        next = (struct level){0};
    }
    level_free(&level);
    return bad;
}

void look_done(struct look *l)
{
    for (size_t i = 0; i < l->files; i++)
        mem_free(l->file[i].path);
    mem_free(l->file);
    mem_free(l->holder);
    mem_free(l->name);
    *l = (struct look){0};
}
