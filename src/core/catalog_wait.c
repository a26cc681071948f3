/* Rows that were put and are not yet in a segment. */
#include "core/catalog_priv.h"

#include <string.h>

struct waiting *wait_new(void)
{
    struct waiting *w = mem_zero(1, sizeof *w);

    w->last = SEG_NONE;
    return w;
}

void wait_free(struct waiting *w)
{
    if (!w)
        return;
    idmap_done(&w->folder_map);
    idmap_done(&w->row_map);
    mem_free(w->folder);
    mem_free(w->row);
    mem_free(w->text);
    mem_free(w);
}

size_t wait_bytes(const struct waiting *w)
{
    return sizeof *w + w->folder_cap * sizeof *w->folder + w->row_cap * sizeof *w->row +
           w->text_cap + idmap_bytes(&w->folder_map) + idmap_bytes(&w->row_map);
}

static size_t keep_text(struct waiting *w, const char *text, size_t len)
{
    size_t at = w->text_len;

    if (at + len >= w->text_cap) { /* also at first, when len is 0 */
        w->text_cap = w->text_cap * 2 + len + 4096;
        w->text = mem_resize(w->text, w->text_cap, 1);
    }
    if (len)
        memcpy(w->text + at, text, len);
    w->text_len += len;
    return at;
}

static uint64_t hash_in(const struct sip_key *key, uint64_t where, const char *name, size_t len)
{
    struct sip_key mine = *key;

    mine.k[0] ^= where;
    return sip(&mine, name, len);
}

static bool same_text(const struct waiting *w, size_t at, size_t len, const char *name,
                      size_t name_len)
{
    return len == name_len && (!len || !memcmp(w->text + at, name, len));
}

/* The folder called name in parent (SEG_NONE: the peer's own, then name is empty). */
static uint32_t folder_in(struct waiting *w, const struct sip_key *key, uint16_t peer,
                          uint32_t parent, const char *name, size_t len, bool make)
{
    uint64_t hash = hash_in(key, (uint64_t)parent << 16 | peer, name, len);
    uint32_t id, at = IDMAP_START;

    while ((id = idmap_next(&w->folder_map, hash, &at))) {
        const struct fresh_folder *f = &w->folder[id - 1];

        if (f->parent == parent && f->peer == peer && same_text(w, f->name, f->len, name, len))
            return id - 1;
    }
    if (!make)
        return SEG_NONE;
    MEM_GROW(w->folder, w->folders, w->folder_cap);
    id = w->folders++;
    w->folder[id] = (struct fresh_folder){
        .parent = parent, .len = (uint32_t)len, .name = keep_text(w, name, len), .peer = peer};
    idmap_put(&w->folder_map, hash, id + 1);
    return id;
}

/* The folder with this path. */
static uint32_t folder_at(struct waiting *w, const struct sip_key *key, uint16_t peer,
                          const char *path, size_t len, bool root, bool make)
{
    uint32_t id;

    if (w->last != SEG_NONE && w->last_peer == peer && !root && w->last_len == len &&
        !memcmp(w->last_path, path, len))
        return w->last;
    id = folder_in(w, key, peer, SEG_NONE, "", 0, make);
    for (size_t from = 0; !root && id != SEG_NONE && from <= len;) {
        const char *slash = memchr(path + from, '/', len - from);
        size_t end = slash ? (size_t)(slash - path) : len;

        id = folder_in(w, key, peer, id, path + from, end - from, make);
        from = end + 1;
    }
    if (id != SEG_NONE && !root) {
        w->last = id;
        w->last_peer = peer;
        w->last_len = len;
        memcpy(w->last_path, path, len);
    }
    return id;
}

struct fresh_row *wait_row(struct waiting *w, const struct sip_key *key, uint16_t peer,
                           const char *path, size_t len, bool make)
{
    size_t name = len;
    uint32_t folder, id, at = IDMAP_START;
    uint64_t hash;

    if (!make && !w->rows)
        return NULL;
    while (name && path[name - 1] != '/')
        name--;
    folder = folder_at(w, key, peer, path, name ? name - 1 : 0, !name, make);
    if (folder == SEG_NONE)
        return NULL;
    path += name;
    len -= name;
    hash = hash_in(key, ~(uint64_t)folder, path, len);
    while ((id = idmap_next(&w->row_map, hash, &at))) {
        struct fresh_row *r = &w->row[id - 1];

        if (r->folder == folder && same_text(w, r->name, r->len, path, len))
            return r;
    }
    if (!make)
        return NULL;
    MEM_GROW(w->row, w->rows, w->row_cap);
    id = w->rows++;
    w->row[id] =
        (struct fresh_row){.folder = folder, .len = (uint32_t)len, .name = keep_text(w, path, len)};
    idmap_put(&w->row_map, hash, id + 1);
    return &w->row[id];
}

void wait_drop(struct waiting *w, uint16_t peer)
{
    for (uint32_t i = 0; i < w->rows; i++)
        if (w->folder[w->row[i].folder].peer == peer)
            w->row[i].meta.kind = 0;
}
