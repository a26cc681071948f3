/* The catalog's tree of paths: nodes, the folders above them, and their words. */
#include "core/catalog_priv.h"
#include "core/words.h"

#include <assert.h>
#include <string.h>

#define ROOM_BYTES ((size_t)4 << 10) /* taken from a peer's arena at a time */
#define NODE_CHARGE                                                                                \
    128u                /* bytes that a node costs beside its path: itself, tables, its content    \
                         */
#define WORD_CHARGE 32u /* and each of its words */

enum node_space node_space_of(enum row_kind kind)
{
    return kind == ROW_DIR ? SPACE_FOLDER : kind == ROW_PART ? SPACE_PART : SPACE_FILE;
}

static enum node_space space_of(const struct node *n)
{
    return n->flags & NODE_FOLDER ? SPACE_FOLDER : n->flags & NODE_PART ? SPACE_PART : SPACE_FILE;
}

static uint64_t hash_path(const struct catalog *c, uint16_t peer, enum node_space space,
                          const char *path, size_t len)
{
    struct sip_key key = c->key;

    key.k[0] ^= (uint64_t)peer << 8 | (uint64_t)space;
    return sip(&key, path, len);
}

static uint32_t find_at(const struct catalog *c, uint16_t peer, enum node_space space,
                        const char *path, size_t len, uint32_t *at)
{
    uint64_t hash = hash_path(c, peer, space, path, len);
    uint32_t id;

    *at = IDMAP_START;
    while ((id = idmap_next(&c->paths, hash, at))) {
        const struct node *n = &c->node[id];

        if (n->peer == peer && space_of(n) == space && n->path_len == len &&
            !memcmp(n->path, path, len))
            return id;
    }
    return 0;
}

uint32_t node_find(const struct catalog *c, uint16_t peer, enum node_space space, const char *path,
                   size_t len)
{
    uint32_t at;

    return find_at(c, peer, space, path, len, &at);
}

char *peer_keep(struct peer *p, const char *path, size_t len, const struct hash *root)
{
    size_t need = len + 1 + (root ? sizeof root->b : 0);
    char *at;

    if (need > p->room_len) {
        p->room_len = need > ROOM_BYTES ? need : ROOM_BYTES;
        p->room = arena_alloc(p->arena, p->room_len);
    }
    at = p->room;
    p->room += need;
    p->room_len -= need;
    p->text_bytes += need;
    if (len)
        memcpy(at, path, len);
    at[len] = '\0';
    if (root)
        memcpy(at + len + 1, root->b, sizeof root->b);
    return at;
}

static size_t kept_bytes(const struct node *n)
{
    return n->path_len + 1u + (n->flags & NODE_ROOT ? sizeof(struct hash) : 0);
}

struct hash node_root(const struct node *n)
{
    struct hash root = {0};

    if (n->flags & NODE_ROOT)
        memcpy(root.b, n->path + n->path_len + 1, sizeof root.b);
    else if (!(n->flags & NODE_FOLDER))
        root = rows_no_checkpoints;
    return root;
}

const struct hash *node_root_to_keep(const struct row *row)
{
    return row->kind == ROW_DIR || hash_eq(&row->root, &rows_no_checkpoints) ? NULL : &row->root;
}

/* --- words --- */

/* The words under which a node is found, each once. */
static void node_words(struct words *w, const struct node *n)
{
    size_t kept = 0;

    if (n->flags & NODE_PART || !n->path_len) {
        w->count = 0;
        return;
    }
    words_of_last(w, n->path, n->path_len, n->flags & NODE_FOLDER);
    for (size_t i = 0; i < w->count; i++) {
        const struct word *a = &w->word[i];
        size_t k = 0;

        while (k < kept && (w->word[k].len != a->len ||
                            memcmp(w->text + w->word[k].at, w->text + a->at, a->len)))
            k++;
        if (k == kept)
            w->word[kept++] = *a;
    }
    w->count = kept;
}

static void add_words(struct catalog *c, uint32_t id)
{
    struct node *n = &c->node[id];
    struct words w;

    node_words(&w, n);
    for (size_t i = 0; i < w.count; i++)
        vocab_add(&c->vocab, w.text + w.word[i].at, w.word[i].len, id, n->flags & NODE_FOLDER);
    c->peer[n->peer].charged += NODE_CHARGE + kept_bytes(n) + WORD_CHARGE * w.count;
}

static void release_words(struct catalog *c, uint32_t id)
{
    struct node *n = &c->node[id];
    struct words w;

    node_words(&w, n);
    for (size_t i = 0; i < w.count; i++) {
        uint32_t word = vocab_find(&c->vocab, w.text + w.word[i].at, w.word[i].len);

        if (word)
            vocab_release(&c->vocab, word);
    }
    c->peer[n->peer].charged -= NODE_CHARGE + kept_bytes(n) + WORD_CHARGE * w.count;
}

/* --- making --- */

/* The folder that path lies in, made when there is none yet. */
static uint32_t dir_above(struct catalog *c, uint16_t peer, const char *path, size_t len)
{
    uint32_t id;

    while (len && path[len - 1] != '/')
        len--;
    if (len)
        len--;
    id = node_find(c, peer, SPACE_FOLDER, path, len);
    if (!id)
        id = node_make(c, peer, SPACE_FOLDER, path, len, NULL);
    return c->node[id].dir;
}

static uint32_t new_dir(struct catalog *c, uint32_t node, uint32_t above)
{
    if (c->dirs >= c->dir_cap) {
        c->dir_cap += c->dir_cap / 2 + 64;
        c->dir = mem_resize(c->dir, c->dir_cap, sizeof *c->dir);
    }
    c->dir[c->dirs] = (struct dir){.node = node, .above = above};
    return c->dirs++;
}

uint32_t node_make(struct catalog *c, uint16_t peer, enum node_space space, const char *path,
                   size_t len, const struct hash *root)
{
    struct peer *p = &c->peer[peer];
    bool in_tree = space != SPACE_PART && len;
    uint32_t above = in_tree ? dir_above(c, peer, path, len) : 0, id;
    struct node *n;

    if (c->nodes >= c->node_cap) {
        c->node_cap += c->node_cap / 2 + 64;
        c->node = mem_resize(c->node, c->node_cap, sizeof *c->node);
    }
    id = c->nodes++;
    n = &c->node[id];
    *n = (struct node){.path = peer_keep(p, path, len, root),
                       .path_len = (uint16_t)len,
                       .peer = peer,
                       .above = above};
    n->flags = (uint8_t)((space == SPACE_FOLDER ? NODE_FOLDER : 0) |
                         (space == SPACE_PART ? NODE_PART : 0) | (root ? NODE_ROOT : 0));
    if (space == SPACE_FOLDER)
        n->dir = new_dir(c, id, above);
    if (in_tree) {
        for (n->name_at = n->path_len; n->name_at && path[n->name_at - 1] != '/';)
            n->name_at--;
        n->sibling = c->dir[above].first;
        c->dir[above].first = id;
        c->dir[above].children++;
    }
    p->nodes++;
    idmap_put(&c->paths, hash_path(c, peer, space, path, len), id);
    add_words(c, id);
    return id;
}

/* --- ending --- */

static void bury(struct catalog *c, uint32_t id)
{
    struct node *n = &c->node[id];
    struct peer *p = &c->peer[n->peer];
    uint32_t at;

    find_at(c, n->peer, space_of(n), n->path, n->path_len, &at);
    idmap_remove_at(&c->paths, at);
    p->text_bytes -= kept_bytes(n);
    p->dead_bytes += kept_bytes(n);
    p->nodes--;
    n->path = NULL;
    n->flags |= NODE_DEAD;
    c->dead++;
}

void node_count_row(struct catalog *c, uint32_t id, int step)
{
    for (uint32_t d = c->node[id].above; d; d = c->dir[d].above)
        c->dir[d].below += (uint32_t)step;
}

void node_clear(struct catalog *c, uint32_t id)
{
    struct node *n = &c->node[id];

    if (n->content) {
        content_detach(c, id);
        node_count_row(c, id, -1);
        n->kind = 0;
    }
    while (id) {
        uint32_t above = n->above;

        if (n->content || (n->dir && c->dir[n->dir].children))
            return;
        release_words(c, id);
        bury(c, id);
        if (!above)
            return;
        c->dir[above].children--;
        id = c->dir[above].node;
        n = &c->node[id];
    }
}

void node_kill_peer(struct catalog *c, uint16_t peer)
{
    for (uint32_t id = 1; id < c->nodes; id++) {
        struct node *n = &c->node[id];

        if (n->peer != peer || !node_alive(n))
            continue;
        if (n->content)
            content_detach(c, id);
        bury(c, id);
    }
}
