/* Who has which hash: whole contents in the segments' order of hashes, and those that are being
 * fetched. */
#include "core/catalog_priv.h"

#include <string.h>

/* --- contents that are being fetched --- */

static uint64_t hash_of(const struct catalog *c, const struct hash *hash)
{
    return sip(&c->key, hash->b, sizeof hash->b);
}

static uint32_t find_at(const struct catalog *c, uint16_t peer, const struct hash *hash,
                        uint32_t *at)
{
    uint64_t key = hash_of(c, hash);
    uint32_t id;

    *at = IDMAP_START;
    while ((id = idmap_next(&c->part_map, key, at)))
        if (c->part[id].peer == peer && hash_eq(&c->part[id].hash, hash))
            return id;
    return 0;
}

uint32_t part_find(const struct catalog *c, uint16_t peer, const struct hash *hash)
{
    uint32_t at;

    return find_at(c, peer, hash, &at);
}

void part_put(struct catalog *c, uint16_t peer, const struct row *row)
{
    uint32_t id = part_find(c, peer, &row->hash);

    if (!id) {
        id = c->free_part;
        if (id) {
            c->free_part = c->part[id].free;
        } else {
            if (!c->parts_end)
                c->parts_end = 1;
            if (c->parts_end >= c->part_cap) {
                c->part_cap = c->part_cap * 2 + 16;
                c->part = mem_resize(c->part, c->part_cap, sizeof *c->part);
            }
            id = c->parts_end++;
        }
        idmap_put(&c->part_map, hash_of(c, &row->hash), id);
    }
    c->part[id] = (struct part){.hash = row->hash,
                                .root = row->root,
                                .size = row->size,
                                .mtime_s = row->mtime_s,
                                .peer = peer,
                                .used = true};
}

void part_remove(struct catalog *c, uint32_t part)
{
    uint32_t at;

    find_at(c, c->part[part].peer, &c->part[part].hash, &at);
    idmap_remove_at(&c->part_map, at);
    c->part[part] = (struct part){.free = c->free_part};
    c->free_part = part;
}

void part_drop(struct catalog *c, uint16_t peer)
{
    for (uint32_t id = 1; id < c->parts_end; id++)
        if (c->part[id].used && c->part[id].peer == peer)
            part_remove(c, id);
}

/* --- who has it --- */

struct holders {
    const struct catalog *c;
    struct catalog_holder *out;
    size_t max, count;
    uint8_t had[2][PEERS_MAX / 8]; /* whole, in part */
};

/* The next holder to fill: NULL when this peer was counted before, or there is no room. */
static struct catalog_holder *count_holder(struct holders *h, uint16_t peer, bool part)
{
    uint8_t *had = &h->had[part][peer / 8], bit = (uint8_t)(1u << peer % 8);

    if (*had & bit)
        return NULL; /* another copy in the same folder */
    *had |= bit;
    return h->count++ < h->max ? &h->out[h->count - 1] : NULL;
}

static void add_whole(struct holders *h, const struct segment *s, uint32_t entry)
{
    uint32_t folder = segment_folder_of(s, entry, 0);
    bool hidden = catalog_hides(h->c, s, folder);
    struct catalog_holder *to = hidden ? NULL : count_holder(h, s->folder[folder].peer, false);
    char path[PATH_LEN_MAX + 1];
    size_t len;

    if (!to)
        return;
    len = segment_path(s, entry, folder, path);
    *to = (struct catalog_holder){
        .peer = h->c->peer[s->folder[folder].peer].nid,
        .root = segment_root(s, entry),
        .size = segment_size(s, entry),
        .kind = (enum row_kind)s->kind[entry],
        .path = mem_strn(path, len),
        .path_len = len,
        .mtime_s = segment_mtime(s, entry),
    };
}

static void add_part(struct holders *h, const struct part *p)
{
    struct catalog_holder *to = count_holder(h, p->peer, true);
    char hex[HASH_HEX_LEN + 1];

    if (!to)
        return;
    hash_hex(&p->hash, hex);
    *to = (struct catalog_holder){
        .peer = h->c->peer[p->peer].nid,
        .root = p->root,
        .size = p->size,
        .kind = ROW_PART,
        .path = mem_str(hex),
        .path_len = HASH_HEX_LEN,
        .mtime_s = p->mtime_s,
    };
}

size_t catalog_holders(const struct catalog *c, const struct hash *hash, struct catalog_holder *out,
                       size_t max)
{
    struct holders h = {.c = c, .out = out, .max = max};
    uint32_t id, at = IDMAP_START;
    uint64_t key = hash_of(c, hash);

    for (size_t i = 0; i < c->segments; i++) {
        const struct segment *s = c->segment[i];

        for (uint32_t k = segment_hash_at(s, hash);
             k < s->entries && hash_eq(&s->hash[s->by_hash[k]], hash); k++)
            if (!segment_dead(s, s->by_hash[k]))
                add_whole(&h, s, s->by_hash[k]);
    }
    while ((id = idmap_next(&c->part_map, key, &at)))
        if (hash_eq(&c->part[id].hash, hash) && !c->peer[c->part[id].peer].hidden)
            add_part(&h, &c->part[id]);
    return h.count;
}

void catalog_holders_done(struct catalog_holder *of, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mem_free(of[i].path);
}

/* --- a hash's beginning --- */

struct prefix {
    struct hash from, found;
    size_t digits;
    int count; /* different hashes that begin so, at most 2 */
};

static bool begins(const struct prefix *p, const struct hash *hash)
{
    size_t len = p->digits;

    return !memcmp(hash->b, p->from.b, len / 2) &&
           (len % 2 == 0 || (hash->b[len / 2] ^ p->from.b[len / 2]) >> 4 == 0);
}

static void count_hash(struct prefix *p, const struct hash *hash)
{
    if (p->count && hash_eq(&p->found, hash))
        return;
    if (!p->count++)
        p->found = *hash;
}

int catalog_resolve(const struct catalog *c, const char *hex, size_t len, struct hash *hash)
{
    struct prefix p = {.digits = len};
    char digits[HASH_HEX_LEN];

    if (!len || len > HASH_HEX_LEN)
        return 0;
    memset(digits, '0', sizeof digits);
    memcpy(digits, hex, len);
    if (!hash_parse(&p.from, digits, sizeof digits))
        return 0;
    for (size_t i = 0; i < c->segments; i++) {
        const struct segment *s = c->segment[i];

        for (uint32_t k = segment_hash_at(s, &p.from); k < s->entries && p.count < 2; k++) {
            if (!begins(&p, &s->hash[s->by_hash[k]]))
                break;
            if (segment_dead(s, s->by_hash[k]))
                continue;
            if (!c->hidden || !catalog_hides(c, s, segment_folder_of(s, s->by_hash[k], 0)))
                count_hash(&p, &s->hash[s->by_hash[k]]);
        }
    }
    for (uint32_t id = 1; id < c->parts_end && p.count < 2; id++)
        if (c->part[id].used && !c->peer[c->part[id].peer].hidden && begins(&p, &c->part[id].hash))
            count_hash(&p, &c->part[id].hash);
    if (p.count == 1)
        *hash = p.found;
    return p.count;
}
