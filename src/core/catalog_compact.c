/* The catalog gives back what is dead. */
#include "core/catalog_priv.h"

#include <string.h>

#define TIDY_NODES_MIN 1024u              /* fewer dead ones are not worth the work */
#define TIDY_BYTES_MIN ((size_t)64 << 10) /* of dead paths of one peer */

/* New numbers for the living, in the same order, so that a folder stays before what is in it. */
static uint32_t *number_nodes(const struct catalog *c, uint32_t *count)
{
    uint32_t *to = mem_zero(c->nodes, sizeof *to), n = 1;

    for (uint32_t id = 1; id < c->nodes; id++)
        if (node_alive(&c->node[id]))
            to[id] = n++;
    *count = n;
    return to;
}

static void move_dirs(struct catalog *c, const uint32_t *to, uint32_t *dir_to)
{
    uint32_t n = 1;

    for (uint32_t d = 1; d < c->dirs; d++) {
        if (!to[c->dir[d].node])
            continue;
        dir_to[d] = n;
        c->dir[n] = c->dir[d];
        c->dir[n].node = to[c->dir[n].node];
        c->dir[n].above = dir_to[c->dir[n].above];
        c->dir[n].first = 0;
        n++;
    }
    c->dirs = n;
    c->dir_cap = n + n / 4;
    c->dir = mem_resize(c->dir, c->dir_cap, sizeof *c->dir);
}

static void move_nodes(struct catalog *c, const uint32_t *to, const uint32_t *dir_to,
                       uint32_t count)
{
    for (uint32_t id = 1; id < c->nodes; id++) {
        struct node *n = &c->node[to[id]];

        if (!to[id])
            continue;
        *n = c->node[id];
        n->next = to[n->next];
        n->prev = to[n->prev];
        n->above = dir_to[n->above];
        n->dir = dir_to[n->dir];
        n->sibling = 0;
        if (n->above) {
            n->sibling = c->dir[n->above].first;
            c->dir[n->above].first = to[id];
        }
    }
    c->nodes = count;
    c->dead = 0;
    c->node_cap = count + count / 4;
    c->node = mem_resize(c->node, c->node_cap, sizeof *c->node);
}

void catalog_compact(struct catalog *c)
{
    uint32_t count, *to, *dir_to;

    if (!c->dead)
        return;
    to = number_nodes(c, &count);
    dir_to = mem_zero(c->dirs, sizeof *dir_to);
    move_dirs(c, to, dir_to);
    move_nodes(c, to, dir_to, count);
    for (uint32_t id = 1; id < c->contents; id++)
        c->content[id].first = to[c->content[id].first];
    idmap_renumber(&c->paths, to);
    vocab_renumber(&c->vocab, to);
    mem_free(dir_to);
    mem_free(to);
}

/* Keep a peer's living paths in a new arena. */
static void move_paths(struct catalog *c, uint16_t peer)
{
    struct peer *p = &c->peer[peer];
    struct arena *old = p->arena;

    p->arena = arena_new();
    p->room_len = 0;
    p->text_bytes = p->dead_bytes = 0;
    for (uint32_t id = 1; id < c->nodes; id++) {
        struct node *n = &c->node[id];
        struct hash root;

        if (n->peer != peer || !node_alive(n))
            continue;
        root = node_root(n);
        n->path = peer_keep(p, n->path, n->path_len, n->flags & NODE_ROOT ? &root : NULL);
    }
    arena_free(old);
}

void catalog_tidy(struct catalog *c, uint16_t peer)
{
    struct peer *p = &c->peer[peer];
    uint32_t living = c->nodes - 1 - c->dead;

    if (c->dead && (!living || (c->dead > TIDY_NODES_MIN && c->dead > living / 3)))
        catalog_compact(c);
    if (p->used && p->dead_bytes > TIDY_BYTES_MIN && p->dead_bytes > p->text_bytes / 3)
        move_paths(c, peer);
}
