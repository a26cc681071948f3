/* A folder's manifests, from the top down. Where a source says nothing for longer than others take
 * (it may stand still) another one is asked beside it, and the first good answer counts. What comes
 * is hostile until its SHA-256 is the asked one, and then still only names that somebody chose:
 * each line is checked, and one bad line refuses the whole. */
#include "base/log.h"
#include "base/mem.h"
#include "base/rw.h"
#include "core/path.h"
#include "svc/fetch_tree.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

#define ANSWER_MAX                                                                                 \
    (4 + MANIFEST_BYTES_MAX + MANIFEST_BYTES_MAX / 8) /* a line has over 64 bytes, a time 8 */
#define BASE_ROOM 600 /* of a path, for what stands before the folder */

struct dir_ask {
    struct dir_ask *prev, *next;
    struct tree *t;
    uint32_t entry;
    struct source *source;
    struct http_call *call;
    struct buf body;
    int64_t asked_ms, heard_ms;
    bool doubled; /* somebody else is asked, too */
};

/* ---- one manifest ---- */

struct parse {
    struct tree *t;
    uint32_t parent;
};

static bool add_entry(void *ctx, const struct content_entry *c, struct err *e)
{
    struct parse *p = ctx;
    struct tree *t = p->t;
    const struct entry *up = &t->entry[p->parent];
    size_t path_len = (size_t)up->path_len + (up->path_len > 0) + c->name_len;
    enum path_fault fault = path_check_name(c->name, c->name_len);
    struct entry *n;

    if (fault == PATH_OK && up->depth + 1 >= PATH_DEPTH_MAX)
        fault = PATH_DEEP;
    if (fault == PATH_OK && path_len > PATH_LEN_MAX - BASE_ROOM)
        fault = PATH_LONG;
    if (fault != PATH_OK)
        return err_set(e, ERR_BAD_CONTENT, "%s", path_fault_text(fault)) == 0;
    if (c->kind != 'd' && c->size > FILE_SIZE_MAX)
        return err_set(e, ERR_BAD_CONTENT, "a file is larger than can be") == 0;
    if (c->kind != 'd' && !c->size && !fetch_is_empty(&c->hash))
        return err_set(e, ERR_BAD_CONTENT, "an empty file has not the hash of one") == 0;
    if (t->entries == TREE_ENTRIES_MAX)
        return err_set(e, ERR_BAD_CONTENT, "more than %u entries", TREE_ENTRIES_MAX) == 0;
    MEM_GROW(t->entry, t->entries, t->entries_cap);
    n = &t->entry[t->entries++];
    *n = (struct entry){.hash = c->hash,
                        .size = c->size,
                        .mtime_s = INT64_MIN,
                        .name = arena_strn(t->names, c->name, c->name_len),
                        .parent = p->parent,
                        .path_len = (uint16_t)path_len,
                        .depth = (uint8_t)(t->entry[p->parent].depth + 1),
                        .kind = (uint8_t)c->kind};
    t->files += c->kind != 'd';
    return true;
}

static void refuse(struct tree *t, uint32_t entry, const char *why)
{
    const char *name = entry == TREE_ROOT ? t->job->name : t->entry[entry].name;
    char shown[256];
    struct err e;

    err_set(&e, ERR_BAD_CONTENT, "refused: the list of the folder %s: %s; nothing was written",
            show_to(shown, sizeof shown, name, strlen(name)), why);
    tree_fail(t, &e);
}

static void take_times(struct tree *t, uint32_t first, struct rd *times)
{
    if (rd_left(times) != 8 * (size_t)(t->entries - first))
        return; /* a hint that does not fit is none */
    for (uint32_t i = first; i < t->entries; i++)
        t->entry[i].mtime_s = (int64_t)rd_u64(times);
}

/* The manifest is the one that was asked for. */
static void take_manifest(struct tree *t, uint32_t entry, const void *text, size_t len,
                          struct rd times)
{
    struct parse p = {.t = t, .parent = entry};
    uint32_t first = t->entries;
    uint64_t total = 0;
    struct err e;

    if (content_manifest_parse(text, len, add_entry, &p, &total, &e)) {
        refuse(t, entry, e.text);
        return;
    }
    if (entry != TREE_ROOT && total != t->entry[entry].size) {
        refuse(t, entry, "the sizes do not add up");
        return;
    }
    take_times(t, first, &times);
    t->entry[entry].size = total;
    t->entry[entry].state = ENTRY_DONE;
    if (entry == TREE_ROOT)
        t->job->size = total;
    job_moves(t->job);
}

/* ---- asking ---- */

static void dir_ask_free(struct dir_ask *d)
{
    DL_DELETE(d->t->asks, d);
    d->t->asking--;
    if (d->call)
        http_cancel(d->call);
    buf_free(&d->body);
    mem_free(d);
}

/* Others that were asked for the same: the last one of them decides alone now. */
static struct dir_ask *twin_of(struct tree *t, uint32_t entry)
{
    struct dir_ask *d;

    DL_FOREACH (t->asks, d) {
        if (d->entry == entry)
            return d;
    }
    return NULL;
}

static void no_answer(struct tree *t, uint32_t entry)
{
    struct dir_ask *twin = twin_of(t, entry);

    if (twin)
        twin->doubled = false;
    else
        line_add(&t->again, entry);
}

static void whole_answer(struct tree *t, struct source *s, uint32_t entry, const struct buf *body)
{
    struct rd r = rd_over(buf_cstr(body), body->len);
    uint32_t len = rd_u32(&r);
    const void *text = len <= MANIFEST_BYTES_MAX ? rd_bytes(&r, len) : NULL;
    struct dir_ask *twin;
    struct hash hash;

    if (text)
        content_hash(&hash, text, len);
    if (!text || !hash_eq(&hash, &t->entry[entry].hash)) {
        no_answer(t, entry);
        tree_source_lied(t, s, "a folder's list");
        return;
    }
    s->fails = 0;
    if ((twin = twin_of(t, entry)))
        dir_ask_free(twin);
    take_manifest(t, entry, text, len, r);
}

static void on_folder(void *ctx, const struct http_answer *a, const struct buf *unused)
{
    struct dir_ask *d = ctx;
    struct tree *t = d->t;
    struct source *s = d->source;
    uint32_t entry = d->entry;
    struct buf body = d->body;

    (void)unused;
    d->call = NULL;
    d->body = (struct buf){0};
    dir_ask_free(d);
    tree_pin(t);
    if (a->status != 200 || a->err.code) {
        tree_source_failed(t, s, a);
        no_answer(t, entry);
    } else {
        whole_answer(t, s, entry, &body);
    }
    if (!t->closing)
        walk_tick(t);
    tree_unpin(t);
    buf_free(&body);
}

static bool on_folder_data(void *ctx, const void *p, size_t len)
{
    struct dir_ask *d = ctx;

    if (!d->body.len)
        tree_heard(d->t, loop_now_ms() - d->asked_ms);
    d->heard_ms = loop_now_ms();
    buf_add(&d->body, p, len); /* the call sees to the size */
    return true;
}

static struct dir_ask *ask_folder(struct tree *t, uint32_t entry, struct source *s)
{
    char hex[HASH_HEX_LEN + 1], path[32 + HASH_HEX_LEN];
    struct dir_ask *d = mem_zero(1, sizeof *d);
    struct http_ask ask = {.addr = s->addr,
                           .path = path,
                           .max = ANSWER_MAX,
                           .data = on_folder_data,
                           .done = on_folder,
                           .ctx = d};

    hash_hex(&t->entry[entry].hash, hex);
    snprintf(path, sizeof path, "/v1/folders/%s", hex);
    memcpy(ask.pin, s->pub, sizeof ask.pin);
    d->t = t;
    d->entry = entry;
    d->source = s;
    d->asked_ms = d->heard_ms = loop_now_ms();
    DL_APPEND(t->asks, d);
    t->asking++;
    t->entry[entry].state = ENTRY_BUSY;
    d->call = http_start(t->f->client, &ask);
    return d;
}

static void ask_others_too(struct tree *t)
{
    struct dir_ask *d;
    struct source *s;

    DL_FOREACH (t->asks, d) {
        if (d->doubled || !tree_is_silent(t, d->heard_ms) || !(s = tree_other_source(t, d->source)))
            continue;
        log_info("fetch", "silent id=%lld peer=\"%s\"", (long long)t->job->id, d->source->name);
        tree_source_silent(d->source);
        d->doubled = true;
        ask_folder(t, d->entry, s)->doubled = true;
    }
}

/* Our own share has it. */
static bool take_own(struct tree *t, uint32_t entry)
{
    struct buf text = {0}, times = {0};
    struct err e;
    bool have = store_manifest(t->f->reader, &t->entry[entry].hash, &text, &times, &e) == 1;

    if (have)
        take_manifest(t, entry, buf_cstr(&text), text.len, rd_over(buf_cstr(&times), times.len));
    buf_free(&text);
    buf_free(&times);
    return have;
}

static bool next_folder(struct tree *t, uint32_t *entry)
{
    while (t->walk_at < t->entries) {
        if (t->entry[t->walk_at].kind == 'd') {
            *entry = t->walk_at++;
            return true;
        }
        t->walk_at++;
    }
    return line_take(&t->again, entry);
}

void walk_tick(struct tree *t)
{
    uint32_t entry;

    ask_others_too(t);
    while (t->asking < TREE_ASKS && !t->closing && next_folder(t, &entry)) {
        struct source *s;

        if (t->job->from.own && take_own(t, entry))
            continue;
        s = tree_source(t);
        if (t->closing)
            return;
        if (!s) {
            line_add(&t->again, entry);
            return;
        }
        ask_folder(t, entry, s);
    }
    if (!t->closing && !t->asking)
        make_begin(t);
}

void walk_begin(struct tree *t)
{
    MEM_GROW(t->entry, t->entries, t->entries_cap);
    t->entry[t->entries++] = (struct entry){
        .hash = t->job->hash, .name = "", .mtime_s = INT64_MIN, .kind = 'd', .parent = TREE_ROOT};
}

void walk_end(struct tree *t)
{
    struct dir_ask *d, *next;

    DL_FOREACH_SAFE(t->asks, d, next)
    dir_ask_free(d);
}
