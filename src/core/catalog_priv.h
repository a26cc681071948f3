/* Inside of the catalog, for core/catalog*, core/search* and their tests.
 *
 * A node is a path of one peer: a row that it put, or a folder above one that has no row of its
 * own. Nodes and folders are numbered from 1 in the order in which they come, a folder always
 * before what is in it. Dead ones keep their number until more than a quarter is dead; then all are
 * renumbered (catalog_compact) and the word lists with them. Equal hashes meet in a content, whose
 * nodes hang in a double list. A peer's paths lie in an arena of its own. Words of names stand in
 * the vocabulary as lists of node numbers; folders' words are not repeated below them. */
#pragma once

#include "base/limits.h"
#include "base/mem.h"
#include "core/catalog.h"
#include "core/idmap.h"
#include "core/sip.h"
#include "core/vocab.h"

#define NODE_DEAD   1u
#define NODE_FOLDER 2u /* has an entry in catalog.dir */
#define NODE_ROOT                                                                                  \
    4u /* a root hash lies behind the path's NUL; otherwise it is that of no checkpoints */
#define NODE_PART 8u /* a content that is being fetched; in no folder */

struct node {
    char *path; /* and a NUL; NULL when dead */
    uint64_t size;
    int64_t mtime_s;
    uint32_t content;    /* 0: no row (a folder that only has children) */
    uint32_t next, prev; /* other nodes of the same content */
    uint32_t above;      /* dir it lies in; 0: a peer's shared folder, or a part */
    uint32_t dir;        /* its own number as a folder, or 0 */
    uint32_t sibling;    /* next node of the same dir */
    uint16_t path_len, name_at, peer;
    uint8_t kind;  /* enum row_kind; 0: no row */
    uint8_t flags; /* NODE_* */
};

struct dir {
    uint32_t node, above; /* above: dir; 0 at the shared folder */
    uint32_t first;       /* newest node in it, dead ones too */
    uint32_t children;    /* living nodes in it */
    uint32_t below;       /* living rows in all its subtree */
};

struct content {
    struct hash hash;
    uint32_t first; /* node; 0: free */
    uint32_t nodes; /* holders and parts; of a free one: the next free one */
};

struct peer {
    bool used;
    struct nid nid;
    struct arena *arena;
    char *room; /* the rest of the newest piece taken from the arena */
    size_t room_len;
    size_t text_bytes, dead_bytes; /* of paths: living; given up */
    size_t charged;                /* what its rows cost, against CATALOG_PEER_BYTES_MAX */
    uint32_t rows, nodes, root;    /* root: node of the shared folder or 0 */
    uint64_t files, bytes;
};

struct catalog {
    struct sip_key key;
    struct node *node; /* [0] unused, like all of these */
    uint32_t nodes, node_cap, dead;
    struct dir *dir;
    uint32_t dirs, dir_cap;
    struct content *content;
    uint32_t contents, content_cap, free_content, living_contents;
    struct peer *peer;
    uint32_t peers, peer_cap, last_peer; /* slots; the one last used */
    uint32_t files, folders, parts;      /* rows */
    struct idmap paths, hashes;
    struct vocab vocab;
    uint64_t refused;
};

static inline bool node_alive(const struct node *n)
{
    return !(n->flags & NODE_DEAD);
}

/* --- catalog_node.c: the tree of paths --- */

enum node_space { SPACE_FILE, SPACE_FOLDER, SPACE_PART, SPACES }; /* a path may be in each once */

enum node_space node_space_of(enum row_kind kind);
uint32_t node_find(const struct catalog *c, uint16_t peer, enum node_space space, const char *path,
                   size_t len);
/* A new node without a row, and the folders above it. root: NULL or to be kept behind the path. */
uint32_t node_make(struct catalog *c, uint16_t peer, enum node_space space, const char *path,
                   size_t len, const struct hash *root);
/* Take the row off a node; the node goes too unless it is a folder with children, and empty folders
 * above go. */
void node_clear(struct catalog *c, uint32_t id);
/* Count a row for the folders above its node, or no longer. */
void node_count_row(struct catalog *c, uint32_t id, int step);
/* Keep a path (and root) in the peer's arena. */
char *peer_keep(struct peer *p, const char *path, size_t len, const struct hash *root);
struct hash node_root(const struct node *n);
/* What node_make and peer_keep are to be given for a row: NULL when its root follows from its kind.
 */
const struct hash *node_root_to_keep(const struct row *row);
/* All nodes of a peer are dead from now on; words are not released, so catalog_compact must follow.
 */
void node_kill_peer(struct catalog *c, uint16_t peer);

/* --- catalog_content.c: who has which hash --- */

void content_attach(struct catalog *c, uint32_t node, const struct hash *hash);
void content_detach(struct catalog *c, uint32_t node);
uint32_t content_find(const struct catalog *c, const struct hash *hash);

/* --- catalog_compact.c --- */

/* Renumber everything that lives, without gaps. */
void catalog_compact(struct catalog *c);
/* Do it when more than a quarter is dead. Also gives back the memory of paths that a peer no longer
 * has. */
void catalog_tidy(struct catalog *c, uint16_t peer);
