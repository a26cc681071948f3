/* Every invariant of the catalog, asserted. For tests: it walks everything. */
#include "core/catalog_priv.h"
#include "core/words.h"

#include <assert.h>
#include <string.h>

static void check_contents(const struct catalog *c)
{
    uint32_t living = 0, rows = 0;

    for (uint32_t id = 1; id < c->contents; id++) {
        const struct content *k = &c->content[id];
        uint32_t nodes = 0, before = 0;

        if (!k->first)
            continue;
        living++;
        assert(content_find(c, &k->hash) == id);
        for (uint32_t n = k->first; n; before = n, n = c->node[n].next) {
            assert(n < c->nodes && node_alive(&c->node[n]));
            assert(c->node[n].content == id && c->node[n].prev == before && c->node[n].kind);
            nodes++;
        }
        assert(nodes == k->nodes);
        rows += nodes;
    }
    assert(living == c->living_contents && living == c->hashes.used);
    assert(rows == c->files + c->folders + c->parts);
}

static void check_nodes(const struct catalog *c)
{
    uint32_t dead = 0;

    for (uint32_t id = 1; id < c->nodes; id++) {
        const struct node *n = &c->node[id];

        if (!node_alive(n)) {
            assert(!n->path && !n->content);
            dead++;
            continue;
        }
        assert(c->peer[n->peer].used && strlen(n->path) <= n->path_len);
        assert(!n->kind == !n->content);
        assert(node_find(c, n->peer,
                         n->flags & NODE_FOLDER ? SPACE_FOLDER
                         : n->flags & NODE_PART ? SPACE_PART
                                                : SPACE_FILE,
                         n->path, n->path_len) == id);
        assert(!(n->flags & NODE_FOLDER) == !n->dir);
        assert(!n->dir || c->dir[n->dir].node == id);
        assert(n->content || c->dir[n->dir].children);
        assert(!n->above || c->dir[n->above].node < id);
    }
    assert(dead == c->dead && c->nodes - 1 - dead == c->paths.used);
}

static void check_dirs(const struct catalog *c)
{
    uint32_t *below = mem_zero(c->dirs, sizeof *below),
             *children = mem_zero(c->dirs, sizeof *below);

    for (uint32_t id = 1; id < c->nodes; id++) {
        const struct node *n = &c->node[id];

        if (node_alive(n) && n->above)
            children[n->above]++;
        for (uint32_t d = n->kind ? n->above : 0; d; d = c->dir[d].above)
            below[d]++;
    }
    for (uint32_t d = 1; d < c->dirs; d++) {
        uint32_t listed = 0;

        if (!node_alive(&c->node[c->dir[d].node]))
            continue;
        assert(c->dir[d].above < d && c->dir[d].above == c->node[c->dir[d].node].above);
        for (uint32_t n = c->dir[d].first; n; n = c->node[n].sibling) {
            assert(c->node[n].above == d);
            listed += node_alive(&c->node[n]);
        }
        assert(listed == children[d] && children[d] == c->dir[d].children);
        assert(below[d] == c->dir[d].below);
    }
    mem_free(children);
    mem_free(below);
}

static void check_peers(const struct catalog *c)
{
    for (uint32_t i = 0; i < c->peers; i++) {
        const struct peer *p = &c->peer[i];
        uint32_t rows = 0, nodes = 0;
        uint64_t files = 0, bytes = 0;
        size_t text = 0;

        if (!p->used)
            continue;
        for (uint32_t id = 1; id < c->nodes; id++) {
            const struct node *n = &c->node[id];

            if (n->peer != i || !node_alive(n))
                continue;
            nodes++;
            rows += n->kind != 0;
            text += n->path_len + 1u + (n->flags & NODE_ROOT ? sizeof(struct hash) : 0);
            if (n->kind == ROW_FILE || n->kind == ROW_EXEC) {
                files++;
                bytes += n->size;
            }
        }
        assert(rows && rows == p->rows && nodes == p->nodes && text == p->text_bytes);
        assert(files == p->files && bytes == p->bytes);
    }
}

static void check_words(const struct catalog *c)
{
    const struct vocab *v = &c->vocab;
    uint32_t living = 0;

    assert(v->map.used == v->count - 1);
    for (uint32_t id = 1; id < v->count; id++) {
        struct post_cursor p = post_read(&v->word[id].post);
        uint32_t uses = 0, before = 0;

        assert(vocab_find(v, vocab_text(v, id), v->len[id]) == id);
        while (post_next(&p)) {
            assert(p.node > before && p.node < c->nodes);
            assert(p.folder == ((c->node[p.node].flags & NODE_FOLDER) != 0));
            uses += node_alive(&c->node[p.node]);
            before = p.node;
        }
        assert(before == v->word[id].post.last && uses == v->word[id].uses);
        living += uses != 0;
    }
    assert(living == v->living);
}

void catalog_check(const struct catalog *c)
{
    check_contents(c);
    check_nodes(c);
    check_dirs(c);
    check_peers(c);
    check_words(c);
}
