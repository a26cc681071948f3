/* Inside of the catalog, for core/catalog*, core/search* and their tests.
 *
 * Rows that were put wait in `fresh` until they are settled into a segment. Segments are merged so
 * that each is more than three times as large as all smaller ones together, or, while long lists
 * come in, up to four of one size at once; so there are few. A row
 * that is replaced or gone is marked dead in its segment; a segment of which more than a quarter is
 * dead is written anew. A path lives in one place only: in one segment, or in fresh. What a peer is
 * just fetching (ROW_PART) has no name to be found by and lies apart. */
#pragma once

#include "base/limits.h"
#include "base/mem.h"
#include "core/catalog.h"
#include "core/digest.h"
#include "core/idmap.h"
#include "core/segment.h"
#include "core/segment_write.h"
#include "core/sip.h"

#define SEGMENTS_MAX 24

struct peer {
    bool used;
    struct nid nid;
    size_t charged; /* what its rows cost, against CATALOG_PEER_BYTES_MAX */
    uint32_t rows, folders;
    uint64_t files, bytes;
    bool hidden;
    struct digest digest; /* of its rows */
    uint32_t words;       /* that only it brought, at the most; counted anew when they seem many */
    uint32_t recounted;   /* what they were then */
    uint8_t cut;          /* enum catalog_cut_why */
    uint64_t rows_cut, words_cut;
};

struct waiting {
    struct fresh_folder *folder;
    struct fresh_row *row; /* kind 0: taken back; the place is kept for its path */
    uint32_t folders, folder_cap, rows, row_cap;
    char *text;
    size_t text_len, text_cap;
    struct idmap folder_map, row_map; /* numbers, one more */
    uint32_t last; /* folder of the row before: the next one mostly lies in it too */
    size_t last_len;
    uint16_t last_peer;
    char last_path[PATH_LEN_MAX + 1];
};

struct part {
    struct hash hash, root;
    uint64_t size;
    int64_t mtime_s;
    uint16_t peer;
    bool used;
    uint32_t free; /* the next free one */
};

struct catalog {
    struct sip_key key;
    struct segment *segment[SEGMENTS_MAX];
    size_t segments;
    struct waiting *fresh;
    struct part *part; /* [0] is unused */
    uint32_t parts_end, part_cap, free_part;
    struct idmap part_map;
    struct peer *peer;
    uint32_t peers, peer_cap, last_peer; /* slots; the one last used */
    uint32_t files, folders, parts;      /* rows */
    uint32_t fresh_files, fresh_folders; /* of them, those that wait */
    uint64_t refused;
    uint32_t hidden; /* peers that are */
};

/* Is this entry, in this folder, one of a hidden peer? */
static inline bool catalog_hides(const struct catalog *c, const struct segment *s, uint32_t folder)
{
    return c->hidden && c->peer[s->folder[folder].peer].hidden;
}

/* --- catalog_words.c --- */

/* What work on segments finds out about the words of peers, by peer. */
struct word_counts {
    uint32_t peers;
    uint32_t *words, *recounted, *left;
    uint64_t *cut;
};

/* As far as it is known; left: how many more each may bring. */
void word_counts_begin(struct word_counts *n, const struct catalog *c);
/* The words that only one peer has in this new segment are its own. */
void word_counts_add(struct word_counts *n, const struct segment *s);
void word_counts_end(const struct word_counts *n, struct catalog *c);
void word_counts_free(struct word_counts *n);

/* --- catalog_wait.c --- */

struct waiting *wait_new(void);
void wait_free(struct waiting *w);
size_t wait_bytes(const struct waiting *w);
/* The row of a path, to be read or filled; NULL when there is none and make is not set. */
struct fresh_row *wait_row(struct waiting *w, const struct sip_key *key, uint16_t peer,
                           const char *path, size_t len, bool make);
/* Take back every row of a peer. */
void wait_drop(struct waiting *w, uint16_t peer);

/* --- catalog_hold.c --- */

uint32_t part_find(const struct catalog *c, uint16_t peer, const struct hash *hash);
void part_put(struct catalog *c, uint16_t peer, const struct row *row);
void part_remove(struct catalog *c, uint32_t part);
void part_drop(struct catalog *c, uint16_t peer);
