/* Writing segments: from fresh rows (segment_build), or from other segments (segment_merge); both
 * hand what they have in its final order to a writer. Pure; any thread. */
#pragma once

#include "base/limits.h"
#include "core/rows.h"
#include "core/segment.h"
#include "core/sip.h"

/* --- the writer --- */

struct seg_writer {
    struct segment *s;
    struct sip_key key;
    uint32_t entry_cap, folder_cap, word_cap, root_cap;
    size_t name_cap, folder_text_cap, text_cap, list_cap;
    char last[PATH_LEN_MAX + 1]; /* name of the entry before */
    size_t last_len;
};

/* entries: about how many will come. */
void seg_writer_begin(struct seg_writer *w, uint32_t entries);
/* Folders come depth-first, each with its entries before the next one. path_len is that of all. */
uint32_t seg_writer_folder(struct seg_writer *w, uint16_t peer, uint32_t parent, const char *name,
                           size_t len);
uint32_t seg_writer_entry(struct seg_writer *w, const char *name, size_t len,
                          const struct seg_meta *m);
/* Words come after all entries, in order of class and bytes; at least one list is not empty; both
 * rise. */
void seg_writer_word(struct seg_writer *w, enum word_class class, const char *text, size_t len,
                     const uint32_t *entry, size_t entries, const uint32_t *folder, size_t folders);
struct segment *seg_writer_end(struct seg_writer *w);
/* Put the entries in the order of their hashes (segment_hash.c). */
void segment_hash_index(struct segment *s);
/* Put the words in the order of their lengths (segment_length.c). */
void segment_length_index(struct segment *s);

/* --- from fresh rows --- */

struct fresh_folder {
    uint32_t parent; /* SEG_NONE: a peer's shared folder */
    uint32_t len;
    size_t name; /* in text */
    uint16_t peer;
};

struct fresh_row {
    uint32_t folder, len;
    size_t name;
    struct seg_meta meta; /* kind 0: taken back */
};

/* New words, by peer: how many may come, and how often one more was left out. A word that stands in
 * a segment beside is not new. */
struct word_limit {
    uint32_t *left;
    uint64_t *cut;
    const struct segment *const *beside;
    size_t besides;
};

/* Rows in any order, each path once; a folder after the one it lies in. */
struct fresh {
    const struct fresh_folder *folder;
    uint32_t folders;
    const struct fresh_row *row;
    uint32_t rows;
    const char *text;
    const struct word_limit *limit; /* NULL: none */
};

/* NULL: no row was left. */
struct segment *segment_build(const struct fresh *f, const struct sip_key *key);

/* --- from segments --- */

#define MERGE_MAX 32 /* segments in one go */

/* One segment of all that lives in these; NULL: nothing does. A path lives in one of them only. */
struct segment *segment_merge(const struct segment *const *of, size_t count);
