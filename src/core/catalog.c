#include "core/catalog.h"

#include "core/catalog_priv.h"

#include <assert.h>
#include <string.h>

#define NODES_MAX (2u * CATALOG_ROWS_MAX) /* rows and folders without one */

struct catalog *catalog_new(uint64_t seed)
{
    struct catalog *c = mem_zero(1, sizeof *c);

    c->key = sip_key_from(seed);
    c->nodes = c->dirs = c->contents = 1;
    c->node_cap = c->dir_cap = c->content_cap = 1;
    c->node = mem_zero(1, sizeof *c->node);
    c->dir = mem_zero(1, sizeof *c->dir);
    c->content = mem_zero(1, sizeof *c->content);
    vocab_init(&c->vocab, &c->key);
    return c;
}

void catalog_free(struct catalog *c)
{
    if (!c)
        return;
    for (uint32_t i = 0; i < c->peers; i++)
        arena_free(c->peer[i].arena);
    vocab_done(&c->vocab);
    idmap_done(&c->paths);
    idmap_done(&c->hashes);
    mem_free(c->peer);
    mem_free(c->content);
    mem_free(c->dir);
    mem_free(c->node);
    mem_free(c);
}

/* --- peers --- */

/* The peer's slot, or c->peers. */
static uint32_t find_peer(const struct catalog *c, const struct nid *nid)
{
    uint32_t i = c->last_peer;

    if (i < c->peers && c->peer[i].used && nid_eq(&c->peer[i].nid, nid))
        return i;
    for (i = 0; i < c->peers; i++)
        if (c->peer[i].used && nid_eq(&c->peer[i].nid, nid))
            break;
    return i;
}

/* A slot for a new peer; c->peers when all PEERS_MAX are taken. */
static uint32_t new_peer(struct catalog *c, const struct nid *nid)
{
    uint32_t i = 0;

    while (i < c->peers && c->peer[i].used)
        i++;
    if (i == PEERS_MAX)
        return c->peers;
    if (i == c->peers) {
        MEM_GROW(c->peer, c->peers, c->peer_cap);
        c->peers++;
    }
    c->peer[i] = (struct peer){.used = true, .nid = *nid, .arena = arena_new()};
    return i;
}

static void end_peer(struct catalog *c, uint32_t peer)
{
    arena_free(c->peer[peer].arena);
    c->peer[peer] = (struct peer){0};
}

/* --- rows --- */

/* Count a node's row in, or out, of the figures. */
static void count_row(struct catalog *c, const struct node *n, bool in)
{
    struct peer *p = &c->peer[n->peer];
    uint32_t one = in ? 1u : UINT32_MAX; /* unsigned arithmetic: adds or takes away */

    p->rows += one;
    switch ((enum row_kind)n->kind) {
    case ROW_FILE:
    case ROW_EXEC:
        c->files += one;
        p->files = in ? p->files + 1 : p->files - 1;
        p->bytes = in ? p->bytes + n->size : p->bytes - n->size;
        break;
    case ROW_DIR:
        c->folders += one;
        break;
    case ROW_PART:
        c->parts += one;
        break;
    case ROW_GONE:
        assert(!"a row that is gone is not kept");
    }
}

static void take_off(struct catalog *c, uint32_t id)
{
    count_row(c, &c->node[id], false);
    node_clear(c, id);
}

static void put_on(struct catalog *c, uint32_t id, const struct row *row)
{
    struct node *n = &c->node[id];
    struct peer *p = &c->peer[n->peer];
    const struct hash *root = node_root_to_keep(row);
    struct hash had = node_root(n);

    if (n->content)
        count_row(c, n, false);
    else
        node_count_row(c, id, 1);
    if (n->content && !hash_eq(&c->content[n->content].hash, &row->hash))
        content_detach(c, id);
    if (!n->content)
        content_attach(c, id, &row->hash);
    if (root ? !(n->flags & NODE_ROOT) || !hash_eq(&had, root) : n->flags & NODE_ROOT) {
        size_t was = n->path_len + 1u + (n->flags & NODE_ROOT ? sizeof had : 0);
        size_t is = n->path_len + 1u + (root ? sizeof had : 0);

        n->path = peer_keep(p, n->path, n->path_len, root);
        n->flags = (uint8_t)((n->flags & ~NODE_ROOT) | (root ? NODE_ROOT : 0));
        p->text_bytes -= was;
        p->dead_bytes += was;
        p->charged += is - was;
    }
    n->kind = (uint8_t)row->kind;
    n->size = row->size;
    n->mtime_s = row->mtime_s;
    count_row(c, n, true);
}

/* Is there room for one more row of this peer, with all the folders above it? */
static bool room_for_row(const struct catalog *c, const struct peer *p)
{
    return (size_t)c->files + c->folders + c->parts < CATALOG_ROWS_MAX &&
           p->rows < CATALOG_PEER_ROWS_MAX && p->charged < CATALOG_PEER_BYTES_MAX &&
           c->nodes - c->dead + PATH_DEPTH_MAX + 1 < NODES_MAX;
}

static void tidy(struct catalog *c, uint32_t peer)
{
    if (!c->peer[peer].rows) {
        assert(!c->peer[peer].nodes);
        end_peer(c, peer);
    }
    catalog_tidy(c, (uint16_t)peer);
}

bool catalog_put(struct catalog *c, const struct nid *nid, const struct row *row)
{
    uint32_t peer = find_peer(c, nid), id = 0;
    bool gone = row->kind == ROW_GONE, fits = true;

    assert(row->path_len <= PATH_LEN_MAX);
    if (peer == c->peers && gone)
        return true;
    if (peer == c->peers)
        peer = new_peer(c, nid);
    if (peer == c->peers) {
        c->refused++;
        return false;
    }
    c->last_peer = peer;
    for (int s = 0; s < SPACES; s++) {
        uint32_t other = node_find(c, (uint16_t)peer, (enum node_space)s, row->path, row->path_len);

        if (!gone && node_space_of(row->kind) == (enum node_space)s)
            id = other;
        else if (other && c->node[other].content)
            take_off(c, other);
    }
    if (!gone && !(id && c->node[id].content))
        fits = room_for_row(c, &c->peer[peer]);
    if (!gone && fits) {
        if (!id)
            id = node_make(c, (uint16_t)peer, node_space_of(row->kind), row->path, row->path_len,
                           node_root_to_keep(row));
        put_on(c, id, row);
    }
    c->refused += !fits;
    tidy(c, peer);
    return fits;
}

/* Few rows are taken off one by one; many are cheaper to leave out of a compacted catalog. */
void catalog_drop(struct catalog *c, const struct nid *nid)
{
    uint32_t peer = find_peer(c, nid);
    struct peer *p;
    bool few;

    if (peer == c->peers)
        return;
    p = &c->peer[peer];
    few = p->nodes < (c->nodes - c->dead) / 16;
    for (uint32_t id = 1; id < c->nodes; id++) {
        struct node *n = &c->node[id];

        if (n->peer != peer || !n->content)
            continue;
        count_row(c, n, false);
        if (few)
            node_clear(c, id);
    }
    if (p->nodes) {
        node_kill_peer(c, (uint16_t)peer);
        catalog_compact(c);
    }
    tidy(c, peer);
}

/* --- figures --- */

bool catalog_peer(const struct catalog *c, const struct nid *nid, uint64_t *files, uint64_t *bytes)
{
    uint32_t peer = find_peer(c, nid);

    if (peer == c->peers)
        return false;
    *files = c->peer[peer].files;
    *bytes = c->peer[peer].bytes;
    return true;
}

void catalog_stats(const struct catalog *c, struct catalog_stats *out)
{
    *out = (struct catalog_stats){.files = c->files,
                                  .folders = c->folders,
                                  .parts = c->parts,
                                  .words = c->vocab.living,
                                  .refused = c->refused};
    out->bytes = sizeof *c + c->node_cap * sizeof *c->node + c->dir_cap * sizeof *c->dir +
                 c->content_cap * sizeof *c->content + c->peer_cap * sizeof *c->peer +
                 idmap_bytes(&c->paths) + idmap_bytes(&c->hashes) + vocab_bytes(&c->vocab);
    for (uint32_t i = 0; i < c->peers; i++) {
        out->peers += c->peer[i].used;
        out->bytes += c->peer[i].used ? arena_bytes(c->peer[i].arena) : 0;
    }
}
