/* The vocabulary: every distinct word of the catalog, and where it stands.
 *
 * All forgiveness of search happens here, over far fewer words than there are files. Words are
 * numbered from 1 and stay until the catalog is compacted; a word whose uses have all gone (uses 0)
 * counts as not there. The arrays that a scan reads lie apart from the rest. Words come from peers:
 * the table is keyed. Pure; the catalog's owner locks. */
#pragma once

#include "base/buf.h"
#include "core/idmap.h"
#include "core/sip.h"

#include <stdbool.h>

#define POST_INLINE 8

/* Nodes in rising order: varint of (step << 1 | is a folder). Short lists lie in place. */
struct post {
    uint32_t last; /* the newest node */
    uint32_t len;  /* bytes */
    union {
        uint8_t in[POST_INLINE];
        uint8_t *out; /* when len > POST_INLINE */
    } u;
};

struct vword {
    uint32_t text; /* place in vocab.text */
    uint32_t uses; /* living nodes that have it */
    struct post post;
};

struct vocab {
    struct sip_key key;
    struct vword *word;          /* [0] is unused */
    uint32_t *sig;               /* typo_sig of the word */
    uint8_t *len;                /* bytes */
    uint8_t *syms;               /* code points */
    uint8_t *kind;               /* enum word_kind */
    bool *in_folders;            /* some of its nodes are folders */
    uint32_t count, cap, living; /* words with number below count exist; living: those with uses */
    struct buf text;
    struct idmap map;
    size_t post_bytes; /* of lists that do not lie in place */
};

void vocab_init(struct vocab *v, const struct sip_key *key);
void vocab_done(struct vocab *v);

/* 0: not there. */
uint32_t vocab_find(const struct vocab *v, const char *word, size_t len);
/* Note that node has the word; nodes come in rising order. false: it was noted already (or no more
 * numbers). */
bool vocab_add(struct vocab *v, const char *word, size_t len, uint32_t node, bool folder);
/* A node that had it is gone. Its posting stays until compaction. */
void vocab_release(struct vocab *v, uint32_t word);
/* A new vocabulary with the nodes that have a new number (to[node] not 0). Frees the old one. */
void vocab_renumber(struct vocab *v, const uint32_t *to);

const char *vocab_text(const struct vocab *v, uint32_t word);
size_t vocab_bytes(const struct vocab *v);

/* Read along a word's nodes: for (c = post_read(..); post_next(&c);) c.node, c.folder. */
struct post_cursor {
    const uint8_t *p, *end;
    uint32_t node;
    bool folder;
};

static inline struct post_cursor post_read(const struct post *post)
{
    const uint8_t *p = post->len > POST_INLINE ? post->u.out : post->u.in;

    return (struct post_cursor){.p = p, .end = p + post->len};
}

static inline bool post_next(struct post_cursor *c)
{
    uint64_t v = 0;
    unsigned shift = 0;

    if (c->p == c->end)
        return false;
    while (*c->p & 0x80) {
        v |= (uint64_t)(*c->p++ & 0x7f) << shift;
        shift += 7;
    }
    v |= (uint64_t)*c->p++ << shift;
    c->node += (uint32_t)(v >> 1);
    c->folder = v & 1;
    return true;
}
