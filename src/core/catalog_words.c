/* Words that only one peer has, and who is cut. A segment's list tells who has a word; words that
 * have more uses than a few are not counted, whoever has them: they are worth their place. */
#include "core/catalog_priv.h"

#include <stdlib.h>

#define FEW_USES 16u

/* A segment's peers, in the order of their entries and folders. */
struct owners {
    const struct segment *s;
    uint32_t *first; /* folders without a parent */
    size_t count;
};

static struct owners owners_of(const struct segment *s)
{
    struct owners o = {.s = s};
    size_t cap = 0;

    for (uint32_t f = 0; f < s->folders; f = s->folder[f].end) {
        MEM_GROW(o.first, o.count, cap);
        o.first[o.count++] = f;
    }
    return o;
}

static uint16_t owner_at(const struct owners *o, uint32_t place, bool is_folder)
{
    size_t lo = 0, hi = o->count;

    while (lo + 1 < hi) {
        size_t mid = lo + (hi - lo) / 2;
        uint32_t begin = is_folder ? o->first[mid] : o->s->folder[o->first[mid]].first;

        if (begin <= place)
            lo = mid;
        else
            hi = mid;
    }
    return o->s->folder[o->first[lo]].peer;
}

/* The only peer that has a word; SEG_NONE: there are several, or many uses, or nothing lives. */
static uint32_t only_owner(const struct owners *o, uint32_t word)
{
    struct seg_list l = segment_list(o->s, word);
    uint32_t only = SEG_NONE, at = 0;

    if (l.entries + l.folders > FEW_USES)
        return SEG_NONE;
    for (uint32_t i = 0; i < l.entries + l.folders; i++) {
        bool is_folder = i >= l.entries;
        uint32_t owner;

        at = i == l.entries ? 0 : at;
        at += segment_varint(is_folder ? &l.folder : &l.entry);
        if (!is_folder && segment_dead(o->s, at))
            continue;
        owner = owner_at(o, at, is_folder);
        if (only != SEG_NONE && only != owner)
            return SEG_NONE;
        only = owner;
    }
    return only;
}

/* Has another peer this word of segment `own`, or was it counted in a segment before? */
static bool counted_elsewhere(const struct owners *o, size_t segments, size_t own, uint32_t word,
                              uint32_t owner)
{
    size_t len;
    const char *text = segment_word(o[own].s, word, &len);

    for (size_t i = 0; i < segments; i++) {
        uint32_t there = i == own ? SEG_NONE : segment_word_find(o[i].s, text, len), other;

        if (there == SEG_NONE)
            continue;
        other = only_owner(&o[i], there);
        if (other != owner || i < own)
            return true;
    }
    return false;
}

/* The words of these peers, one by one. */
static void recount(struct word_counts *n, const struct catalog *c, const bool *wanted)
{
    struct owners of[SEGMENTS_MAX];

    for (size_t i = 0; i < c->segments; i++)
        of[i] = owners_of(c->segment[i]);
    for (uint32_t p = 0; p < n->peers; p++)
        n->words[p] = wanted[p] ? 0 : n->words[p];
    for (size_t i = 0; i < c->segments; i++) {
        for (uint32_t w = 0; w < c->segment[i]->words; w++) {
            uint32_t p = only_owner(&of[i], w);

            if (p != SEG_NONE && wanted[p] && !counted_elsewhere(of, c->segments, i, w, p))
                n->words[p]++;
        }
    }
    for (uint32_t p = 0; p < n->peers; p++)
        n->recounted[p] = wanted[p] ? n->words[p] : n->recounted[p];
    for (size_t i = 0; i < c->segments; i++)
        mem_free(of[i].first);
}

void word_counts_begin(struct word_counts *n, const struct catalog *c)
{
    bool *wanted = mem_zero(c->peers + 1u, sizeof *wanted), any = false;

    n->peers = c->peers;
    n->words = mem_zero(c->peers + 1u, sizeof *n->words);
    n->recounted = mem_zero(c->peers + 1u, sizeof *n->recounted);
    n->left = mem_zero(c->peers + 1u, sizeof *n->left);
    n->cut = mem_zero(c->peers + 1u, sizeof *n->cut);
    for (uint32_t p = 0; p < c->peers; p++) {
        const struct peer *peer = &c->peer[p];

        n->words[p] = peer->words;
        n->recounted[p] = peer->recounted;
        /* sums of what came, though some may have gone, or be common by now */
        wanted[p] = peer->words > CATALOG_PEER_WORDS_MAX / 2 &&
                    peer->words - peer->recounted >= CATALOG_PEER_WORDS_MAX / 4;
        any |= wanted[p];
    }
    if (any)
        recount(n, c, wanted);
    for (uint32_t p = 0; p < c->peers; p++)
        n->left[p] =
            n->words[p] < CATALOG_PEER_WORDS_MAX ? CATALOG_PEER_WORDS_MAX - n->words[p] : 0;
    mem_free(wanted);
}

void word_counts_add(struct word_counts *n, const struct segment *s)
{
    struct owners o = owners_of(s);

    for (uint32_t w = 0; w < s->words; w++) {
        uint32_t p = only_owner(&o, w);

        if (p != SEG_NONE)
            n->words[p]++;
    }
    mem_free(o.first);
}

void word_counts_end(const struct word_counts *n, struct catalog *c)
{
    for (uint32_t p = 0; p < n->peers; p++) {
        struct peer *peer = &c->peer[p];

        if (!peer->used)
            continue;
        peer->words = n->words[p];
        peer->recounted = n->recounted[p];
        peer->words_cut += n->cut[p];
        if (n->cut[p])
            peer->cut |= CUT_WORDS;
    }
}

void word_counts_free(struct word_counts *n)
{
    mem_free(n->words);
    mem_free(n->recounted);
    mem_free(n->left);
    mem_free(n->cut);
}

/* --- who is cut --- */

static int by_noise(const void *pa, const void *pb)
{
    const struct catalog_cut *a = pa, *b = pb;
    uint64_t x = a->rows + a->words, y = b->rows + b->words;

    if (x != y)
        return x > y ? -1 : 1;
    return nid_cmp(&a->peer, &b->peer);
}

size_t catalog_cuts(const struct catalog *c, struct catalog_cut *out, size_t max)
{
    struct catalog_cut *all = mem_alloc((c->peers + 1u) * sizeof *all);
    size_t n = 0;

    for (uint32_t i = 0; i < c->peers; i++) {
        const struct peer *p = &c->peer[i];

        if (p->used && p->cut)
            all[n++] = (struct catalog_cut){p->nid, p->cut, p->rows_cut, p->words_cut};
    }
    if (n)
        qsort(all, n, sizeof *all, by_noise);
    for (size_t i = 0; i < n && i < max; i++)
        out[i] = all[i];
    mem_free(all);
    return n;
}

const char *catalog_cut_text(unsigned why)
{
    if (why & CUT_ROWS)
        return "it shares more files than a leader keeps of one host";
    if (why & CUT_BYTES)
        return "its names are longer than a leader keeps of one host";
    if (why & CUT_WORDS)
        return "its names have more words of their own than a leader looks for";
    if (why & CUT_FULL)
        return "the leader's catalog is full";
    return "it is not";
}
