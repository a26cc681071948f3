/* All rows of one peer, wherever they lie. */
#include "core/catalog_priv.h"

#include <string.h>

struct walk {
    catalog_row_fn *fn;
    void *ctx;
    char path[2 * PATH_LEN_MAX + 2];
};

/* The folder's path, made from its end; gives where it begins and sets *len. */
static const char *fresh_path(struct walk *w, const struct waiting *f, const struct fresh_row *r,
                              size_t *len)
{
    size_t at = sizeof w->path - r->len;
    uint32_t folder = r->folder;

    memcpy(w->path + at, f->text + r->name, r->len);
    for (; f->folder[folder].parent != SEG_NONE; folder = f->folder[folder].parent) {
        w->path[--at] = '/';
        at -= f->folder[folder].len;
        memcpy(w->path + at, f->text + f->folder[folder].name, f->folder[folder].len);
    }
    *len = sizeof w->path - at;
    return w->path + at;
}

static void each_fresh(struct walk *w, const struct waiting *f, uint16_t peer)
{
    for (uint32_t i = 0; i < f->rows; i++) {
        const struct fresh_row *r = &f->row[i];
        struct row row = {.kind = (enum row_kind)r->meta.kind,
                          .size = r->meta.size,
                          .hash = r->meta.hash,
                          .root = r->meta.root};

        if (!r->meta.kind || f->folder[r->folder].peer != peer)
            continue;
        row.path = fresh_path(w, f, r, &row.path_len);
        w->fn(w->ctx, &row);
    }
}

/* Entries stand by peer, and names are read on one from another. */
static void each_entry(struct walk *w, const struct segment *s, uint16_t peer)
{
    char name[PATH_LEN_MAX + 1];

    for (uint32_t folder = 0; folder < s->folders; folder++) {
        size_t len;

        if (s->folder[folder].peer != peer ||
            s->folder[folder].first == s->folder[folder + 1].first)
            continue;
        len = segment_folder_path(s, folder, w->path);
        if (s->folder[folder].parent != SEG_NONE)
            w->path[len++] = '/';
        for (uint32_t e = s->folder[folder].first; e < s->folder[folder + 1].first; e++) {
            struct row row = {.kind = (enum row_kind)s->kind[e],
                              .path = w->path,
                              .size = segment_size(s, e),
                              .hash = s->hash[e],
                              .root = segment_root(s, e)};

            if (segment_dead(s, e))
                continue;
            row.path_len = len + segment_name(s, e, name);
            memcpy(w->path + len, name, row.path_len - len);
            w->fn(w->ctx, &row);
        }
    }
}

static void each_part(struct walk *w, const struct catalog *c, uint16_t peer)
{
    char hex[HASH_HEX_LEN + 1];

    for (uint32_t id = 1; id < c->parts_end; id++) {
        const struct part *p = &c->part[id];
        struct row row = {.kind = ROW_PART,
                          .path = hex,
                          .path_len = HASH_HEX_LEN,
                          .size = p->size,
                          .hash = p->hash,
                          .root = p->root};

        if (!p->used || p->peer != peer)
            continue;
        hash_hex(&p->hash, hex);
        w->fn(w->ctx, &row);
    }
}

void catalog_each(const struct catalog *c, const struct nid *nid, catalog_row_fn *fn, void *ctx)
{
    struct walk *w = mem_alloc(sizeof *w);
    uint32_t peer = 0;

    w->fn = fn;
    w->ctx = ctx;
    while (peer < c->peers && !(c->peer[peer].used && nid_eq(&c->peer[peer].nid, nid)))
        peer++;
    if (peer < c->peers) {
        each_fresh(w, c->fresh, (uint16_t)peer);
        for (size_t i = 0; i < c->segments; i++)
            each_entry(w, c->segment[i], (uint16_t)peer);
        each_part(w, c, (uint16_t)peer);
    }
    mem_free(w);
}
