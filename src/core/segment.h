/* A segment: an immutable, self-contained part of the catalog, packed for search.
 *
 * Entries are the rows of peers (files, and folders that have a row), numbered in the order of
 * (peer, folder, name). Folders are numbered depth-first, so a folder's subtree is one range of
 * folder numbers and everything below it one range of entry numbers. Names are front-coded in
 * blocks of SEG_BLOCK. Words are sorted by class and bytes, so the words with one beginning are a
 * range too; each has two lists: the entries in whose own name it stands, and the folders. A
 * folder's word is never repeated for what lies below.
 *
 * Only the dead bits change after a segment was written. Pure; the catalog's owner locks. */
#pragma once

#include "base/id.h"
#include "core/words.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEG_NONE  UINT32_MAX
#define SEG_BLOCK 16u

enum word_class { CLASS_LETTERS, CLASS_MIXED, CLASS_OTHER, CLASSES };

struct seg_folder {
    uint32_t parent; /* SEG_NONE: a peer's shared folder */
    uint32_t end;    /* one behind the last folder of its subtree */
    uint32_t first;  /* its first entry; its own end where the next folder's begin */
    uint32_t text;   /* its name in folder_text, up to the next folder's */
    uint16_t path_len;
    uint16_t peer;
};

/* What a row says beside its path. */
struct seg_meta {
    uint64_t size;
    int64_t mtime_s;
    struct hash hash, root;
    uint8_t kind; /* enum row_kind */
};

#define SEG_PAIRS   (26u * 26u)
#define SEG_LENGTHS 32u /* code points; the last: that many or more */
#define SEG_FIRSTS  28u /* first bytes: before a, a to z, behind z */

struct segment {
    uint32_t entries, dead, folders, words;
    uint32_t contents; /* different hashes */
    /* by entry */
    uint8_t *name;
    size_t name_bytes;
    uint32_t *block;   /* where each block begins in name */
    uint8_t *name_len; /* 255: that or more */
    uint8_t *kind;     /* enum row_kind */
    uint64_t *dead_bit;
    uint32_t *size_low, *mtime_low;
    uint16_t *size_high; /* sizes of 2^48 and more are kept as the greatest that fits */
    int8_t *mtime_high;
    struct hash *hash;
    uint32_t *by_hash; /* entries in the order of their hashes */
    uint32_t roots;    /* entries whose root does not follow from their kind */
    uint32_t *root_of;
    struct hash *root;
    /* by folder; [folders] ends the last */
    struct seg_folder *folder;
    char *folder_text;
    size_t folder_text_bytes;
    /* by word */
    uint32_t class_end[CLASSES];
    uint32_t *text_at; /* [words] ends the last */
    char *text;
    uint32_t *list_at;
    uint8_t *list;
    size_t list_bytes;
    uint32_t pair[SEG_PAIRS +
                  1]; /* where words that begin with "aa", "ab" ... may stand at the earliest */
    /* words that errors are looked for in (letters, mixed), once more by class, length, and then in
     * their own order; so those of one length that begin with one letter are a range */
    uint8_t *uses; /* by word: entries and folders that have it; 255: that or more */
    uint32_t *by_length;
    uint32_t *sig; /* by place in by_length: typo_sig */
    uint32_t length_at[2 * SEG_LENGTHS * SEG_FIRSTS + 1];
};

void segment_free(struct segment *s); /* NULL is fine */
/* Bytes of memory; hashes: of them, what content hashes take (with their order). */
size_t segment_bytes(const struct segment *s, size_t *hashes);

/* --- entries --- */

static inline bool segment_dead(const struct segment *s, uint32_t entry)
{
    return s->dead_bit[entry / 64] >> entry % 64 & 1;
}
/* false: it was dead. */
bool segment_kill(struct segment *s, uint32_t entry);
/* Kill all that a peer has; those that lived are added to files and folders. */
void segment_kill_peer(struct segment *s, uint16_t peer, uint32_t *files, uint32_t *folders);

static inline uint64_t segment_size(const struct segment *s, uint32_t entry)
{
    return (uint64_t)s->size_high[entry] << 32 | s->size_low[entry];
}
static inline int64_t segment_mtime(const struct segment *s, uint32_t entry)
{
    return (int64_t)s->mtime_high[entry] * ((int64_t)1 << 32) + s->mtime_low[entry];
}
struct hash segment_root(const struct segment *s, uint32_t entry);
/* The folder that an entry lies in; from: a folder at or before it, as a place to begin. */
uint32_t segment_folder_of(const struct segment *s, uint32_t entry, uint32_t from);
/* Texts go to out, which has room for PATH_LEN_MAX + 1 bytes, with a NUL. The length is given. */
size_t segment_name(const struct segment *s, uint32_t entry, char *out);
size_t segment_folder_path(const struct segment *s, uint32_t folder, char *out);
size_t segment_path(const struct segment *s, uint32_t entry, uint32_t folder, char *out);
size_t segment_path_len(const struct segment *s, uint32_t entry, uint32_t folder);
const char *segment_folder_name(const struct segment *s, uint32_t folder, size_t *len);
/* The entry with this path, dead or not; SEG_NONE. */
uint32_t segment_find(const struct segment *s, uint16_t peer, const char *path, size_t len);
/* The first place in by_hash whose hash is not before this one. */
uint32_t segment_hash_at(const struct segment *s, const struct hash *hash);

/* Names one after the other. */
struct seg_names {
    const uint8_t *p;
    size_t len;
    char *text; /* the caller's, PATH_LEN_MAX + 1 bytes */
};
struct seg_names segment_names(const struct segment *s, uint32_t block, char *text);
void segment_names_next(struct seg_names *n);

/* --- words --- */

enum word_class word_class_of(enum word_kind kind);
const char *segment_word(const struct segment *s, uint32_t word, size_t *len);
enum word_kind segment_word_kind(const struct segment *s, uint32_t word);
/* SEG_NONE: not there. */
uint32_t segment_word_find(const struct segment *s, const char *text, size_t len);
/* The words of a class that begin with text: [*from, *to). */
void segment_word_range(const struct segment *s, enum word_class class, const char *text,
                        size_t len, uint32_t *from, uint32_t *to);

/* Places in by_length of the words of a class (letters or mixed) with so many code points, which
 * begin with this byte (0: any). */
void segment_length_range(const struct segment *s, enum word_class class, size_t syms, char first,
                          uint32_t *from, uint32_t *to);

/* A word's lists. */
struct seg_list {
    uint32_t entries, folders; /* how many there are, dead ones too */
    const uint8_t *entry, *folder;
};
struct seg_list segment_list(const struct segment *s, uint32_t word);

static inline uint32_t segment_varint(const uint8_t **p)
{
    uint32_t v = 0;
    unsigned shift = 0;

    while (**p & 0x80) {
        v |= (uint32_t)(*(*p)++ & 0x7f) << shift;
        shift += 7;
    }
    return v | (uint32_t) * (*p)++ << shift;
}
