#include "core/catalog.h"

#include "core/catalog_priv.h"

#include <assert.h>
#include <string.h>

#define ROW_CHARGE                                                                                 \
    64u /* bytes that a row costs beside its path: itself, its words, its folders                  \
         */

struct catalog *catalog_new(uint64_t seed)
{
    struct catalog *c = mem_zero(1, sizeof *c);

    c->key = sip_key_from(seed);
    c->fresh = wait_new();
    return c;
}

void catalog_free(struct catalog *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->segments; i++)
        segment_free(c->segment[i]);
    wait_free(c->fresh);
    idmap_done(&c->part_map);
    mem_free(c->part);
    mem_free(c->peer);
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
    c->peer[i] = (struct peer){.used = true, .nid = *nid};
    return i;
}

static void forget_peer(struct catalog *c, uint16_t peer)
{
    c->hidden -= c->peer[peer].hidden;
    c->peer[peer] = (struct peer){0};
}

/* --- rows --- */

/* A row as far as it is counted. */
struct counted {
    uint8_t kind; /* 0: there is none */
    uint64_t size;
    size_t path_len;
    struct digest digest;
};

static void count_row(struct catalog *c, struct peer *p, const struct counted *r, bool in)
{
    uint32_t one = in ? 1u : UINT32_MAX; /* unsigned arithmetic: adds or takes away */
    size_t charge = ROW_CHARGE + 2 * r->path_len;

    if (in)
        digest_add(&p->digest, &r->digest);
    else
        digest_take(&p->digest, &r->digest);
    p->rows += one;
    p->charged = in ? p->charged + charge : p->charged - charge;
    switch ((enum row_kind)r->kind) {
    case ROW_FILE:
    case ROW_EXEC:
        c->files += one;
        p->files = in ? p->files + 1 : p->files - 1;
        p->bytes = in ? p->bytes + r->size : p->bytes - r->size;
        break;
    case ROW_DIR:
        c->folders += one;
        p->folders += one;
        break;
    case ROW_PART:
        c->parts += one;
        break;
    case ROW_GONE:
        assert(!"a row that is gone is not kept");
    }
}

/* Count a waiting row in, or out. */
static void count_fresh(struct catalog *c, uint8_t kind, bool in)
{
    uint32_t one = in ? 1u : UINT32_MAX;

    *(kind == ROW_DIR ? &c->fresh_folders : &c->fresh_files) += one;
}

static struct counted counted_of(const struct row *row)
{
    return (struct counted){(uint8_t)row->kind, row->size, row->path_len, digest_of(row)};
}

/* Take the row with this path off, if there is one. */
static struct counted take_off(struct catalog *c, uint16_t peer, const char *path, size_t len)
{
    struct counted had = {.path_len = len};
    struct row row = {.path = path, .path_len = len};
    struct fresh_row *r = wait_row(c->fresh, &c->key, peer, path, len, false);

    if (r && r->meta.kind) {
        row.kind = (enum row_kind)r->meta.kind;
        row.size = r->meta.size;
        row.hash = r->meta.hash;
        row.root = r->meta.root;
        had = counted_of(&row);
        r->meta.kind = 0;
        count_fresh(c, had.kind, false);
    }
    for (size_t i = 0; i < c->segments && !had.kind; i++) {
        struct segment *s = c->segment[i];
        uint32_t entry = segment_find(s, peer, path, len);

        if (entry == SEG_NONE || !segment_kill(s, entry))
            continue;
        row.kind = (enum row_kind)s->kind[entry];
        row.size = segment_size(s, entry);
        row.hash = s->hash[entry];
        row.root = segment_root(s, entry);
        had = counted_of(&row);
    }
    if (had.kind)
        count_row(c, &c->peer[peer], &had, false);
    return had;
}

/* A part's path is its hash. */
static bool take_off_part(struct catalog *c, uint16_t peer, const char *path, size_t len)
{
    struct row row = {.kind = ROW_PART, .path = path, .path_len = len};
    struct counted had;
    uint32_t part;

    if (!c->parts || len != HASH_HEX_LEN || !hash_parse(&row.hash, path, len))
        return false;
    part = part_find(c, peer, &row.hash);
    if (!part)
        return false;
    row.size = c->part[part].size;
    row.root = c->part[part].root;
    had = counted_of(&row);
    part_remove(c, part);
    count_row(c, &c->peer[peer], &had, false);
    return true;
}

static void put_on(struct catalog *c, uint16_t peer, const struct row *row)
{
    struct counted now = counted_of(row);

    if (row->kind == ROW_PART) {
        part_put(c, peer, row);
    } else {
        count_fresh(c, now.kind, true);
        wait_row(c->fresh, &c->key, peer, row->path, row->path_len, true)->meta =
            (struct seg_meta){.size = row->size,
                              .mtime_s = row->mtime_s,
                              .hash = row->hash,
                              .root = row->root,
                              .kind = (uint8_t)row->kind};
    }
    count_row(c, &c->peer[peer], &now, true);
}

/* Why there is no room for one more row of a peer; 0: there is. */
static unsigned why_no_room(const struct catalog *c, const struct peer *p)
{
    size_t rows = (size_t)c->files + c->folders + c->parts;
    bool small = p->rows < CATALOG_ROWS_MAX / (c->peers + 1);

    if (p->rows >= CATALOG_PEER_ROWS_MAX)
        return CUT_ROWS;
    if (p->charged >= CATALOG_PEER_BYTES_MAX)
        return CUT_BYTES;
    return rows >= CATALOG_ROWS_MAX - (small ? 0 : CATALOG_ROWS_MAX / 8) ? CUT_FULL : 0;
}

/* Over a cap: counted, and left out. */
static bool fits(struct catalog *c, struct peer *p)
{
    unsigned why = why_no_room(c, p);

    if (!why)
        return true;
    p->cut |= (uint8_t)why;
    p->rows_cut++;
    c->refused++;
    return false;
}

bool catalog_put(struct catalog *c, const struct nid *nid, const struct row *row)
{
    uint32_t slot = find_peer(c, nid);
    bool gone = row->kind == ROW_GONE, had, taken;
    uint16_t peer;

    assert(row->path_len <= PATH_LEN_MAX);
    if (slot == c->peers && gone)
        return true;
    if (slot == c->peers)
        slot = new_peer(c, nid);
    if (slot == c->peers) {
        c->refused++;
        return false;
    }
    c->last_peer = slot;
    peer = (uint16_t)slot;
    had = take_off(c, peer, row->path, row->path_len).kind != 0;
    had |= take_off_part(c, peer, row->path, row->path_len);
    taken = gone || had || fits(c, &c->peer[peer]);
    if (!gone && taken)
        put_on(c, peer, row);
    if (!c->peer[peer].rows)
        forget_peer(c, peer);
    if (c->fresh->rows >= CATALOG_WAITING_MAX)
        catalog_settle(c);
    return taken;
}

void catalog_drop(struct catalog *c, const struct nid *nid)
{
    uint32_t slot = find_peer(c, nid), files = 0, folders = 0, parts = c->parts;
    uint16_t peer = (uint16_t)slot;

    if (slot == c->peers)
        return;
    for (uint32_t i = 0; i < c->fresh->rows; i++) {
        const struct fresh_row *r = &c->fresh->row[i];
        bool mine = r->meta.kind && c->fresh->folder[r->folder].peer == peer;

        files += mine && r->meta.kind != ROW_DIR;
        folders += mine && r->meta.kind == ROW_DIR;
    }
    wait_drop(c->fresh, peer);
    c->fresh_files -= files;
    c->fresh_folders -= folders;
    for (size_t i = 0; i < c->segments; i++)
        segment_kill_peer(c->segment[i], peer, &files, &folders);
    if (c->parts)
        part_drop(c, peer);
    assert(files == c->peer[peer].files);
    c->files -= files;
    c->folders -= folders;
    c->parts -= c->peer[peer].rows - files - folders;
    assert(c->parts <= parts);
    (void)parts;
    forget_peer(c, peer);
}

/* --- figures --- */

void catalog_hide(struct catalog *c, const struct nid *nid, bool hidden)
{
    uint32_t peer = find_peer(c, nid);

    if (peer == c->peers || c->peer[peer].hidden == hidden)
        return;
    c->peer[peer].hidden = hidden;
    c->hidden += hidden ? 1u : UINT32_MAX;
}

struct digest catalog_digest(const struct catalog *c, const struct nid *nid)
{
    uint32_t peer = find_peer(c, nid);

    return peer < c->peers ? c->peer[peer].digest : (struct digest){0};
}

size_t catalog_rows(const struct catalog *c, const struct nid *nid)
{
    uint32_t peer = find_peer(c, nid);

    return peer < c->peers ? c->peer[peer].rows : 0;
}

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
    *out = (struct catalog_stats){.files = c->files - c->fresh_files,
                                  .folders = c->folders - c->fresh_folders,
                                  .parts = c->parts,
                                  .segments = c->segments,
                                  .refused = c->refused};
    out->bytes = sizeof *c + c->part_cap * sizeof *c->part + c->peer_cap * sizeof *c->peer +
                 idmap_bytes(&c->part_map) + wait_bytes(c->fresh);
    for (size_t i = 0; i < c->segments; i++) {
        size_t hashes;

        out->words += c->segment[i]->words;
        out->bytes += segment_bytes(c->segment[i], &hashes);
        out->hash_bytes += hashes;
    }
    for (uint32_t i = 0; i < c->peers; i++) {
        const struct peer *p = &c->peer[i];

        out->peers += p->used && !p->hidden;
        if (!p->hidden)
            continue;
        out->files -= p->files < out->files ? p->files : out->files; /* some may wait */
        out->folders -= p->folders < out->folders ? p->folders : out->folders;
        out->parts -= p->rows - p->folders - p->files;
    }
}
