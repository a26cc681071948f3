/* The catalog's contents: which nodes have a hash. */
#include "core/catalog_priv.h"

#include <assert.h>
#include <string.h>

static uint64_t hash_of(const struct catalog *c, const struct hash *hash)
{
    return sip(&c->key, hash->b,
               sizeof hash->b); /* peers choose hashes as they like: keyed as well */
}

static uint32_t find_at(const struct catalog *c, const struct hash *hash, uint32_t *at)
{
    uint64_t key = hash_of(c, hash);
    uint32_t id;

    *at = IDMAP_START;
    while ((id = idmap_next(&c->hashes, key, at)))
        if (hash_eq(&c->content[id].hash, hash))
            return id;
    return 0;
}

uint32_t content_find(const struct catalog *c, const struct hash *hash)
{
    uint32_t at;

    return find_at(c, hash, &at);
}

static uint32_t new_content(struct catalog *c, const struct hash *hash)
{
    uint32_t id = c->free_content;

    if (id) {
        c->free_content = c->content[id].nodes;
    } else {
        if (c->contents >= c->content_cap) {
            c->content_cap += c->content_cap / 2 + 64;
            c->content = mem_resize(c->content, c->content_cap, sizeof *c->content);
        }
        id = c->contents++;
    }
    c->content[id] = (struct content){.hash = *hash};
    c->living_contents++;
    idmap_put(&c->hashes, hash_of(c, hash), id);
    return id;
}

void content_attach(struct catalog *c, uint32_t node, const struct hash *hash)
{
    uint32_t id = content_find(c, hash);
    struct node *n = &c->node[node];

    assert(!n->content);
    if (!id)
        id = new_content(c, hash);
    n->content = id;
    n->prev = 0;
    n->next = c->content[id].first;
    if (n->next)
        c->node[n->next].prev = node;
    c->content[id].first = node;
    c->content[id].nodes++;
}

void content_detach(struct catalog *c, uint32_t node)
{
    struct node *n = &c->node[node];
    struct content *k = &c->content[n->content];
    uint32_t at;

    if (n->prev)
        c->node[n->prev].next = n->next;
    else
        k->first = n->next;
    if (n->next)
        c->node[n->next].prev = n->prev;
    if (!--k->nodes) {
        find_at(c, &k->hash, &at);
        idmap_remove_at(&c->hashes, at);
        k->nodes = c->free_content;
        c->free_content = n->content;
        c->living_contents--;
    }
    n->content = n->next = n->prev = 0;
}

size_t catalog_holders(const struct catalog *c, const struct hash *hash, struct catalog_holder *out,
                       size_t max)
{
    uint8_t had[2][PEERS_MAX / 8] = {{0}}; /* whole, in part */
    uint32_t id = content_find(c, hash);
    size_t count = 0;

    for (uint32_t node = id ? c->content[id].first : 0; node; node = c->node[node].next) {
        const struct node *n = &c->node[node];
        uint8_t *seen = &had[n->kind == ROW_PART][n->peer / 8];

        if (*seen >> n->peer % 8 & 1)
            continue; /* another copy in the same folder */
        *seen |= (uint8_t)(1u << n->peer % 8);
        if (count < max)
            out[count] = (struct catalog_holder){
                .peer = c->peer[n->peer].nid,
                .root = node_root(n),
                .size = n->size,
                .kind = (enum row_kind)n->kind,
                .path = n->path,
                .path_len = n->path_len,
                .mtime_s = n->mtime_s,
            };
        count++;
    }
    return count;
}

int catalog_resolve(const struct catalog *c, const char *hex, size_t len, struct hash *hash)
{
    struct hash from = {0};
    char digits[HASH_HEX_LEN];
    int found = 0;

    if (!len || len > HASH_HEX_LEN)
        return 0;
    memset(digits, '0', sizeof digits);
    memcpy(digits, hex, len);
    if (!hash_parse(&from, digits, sizeof digits))
        return 0;
    for (uint32_t id = 1; id < c->contents && found < 2; id++) {
        const struct content *k = &c->content[id];

        if (!k->first || memcmp(k->hash.b, from.b, len / 2) ||
            (len % 2 && (k->hash.b[len / 2] ^ from.b[len / 2]) >> 4))
            continue;
        if (!found)
            *hash = k->hash;
        found++;
    }
    return found;
}
