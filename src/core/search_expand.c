/* One word of a query -> words of the vocabulary. All forgiveness is here. */
#include "core/search_priv.h"
#include "core/typo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXPANSIONS_MAX 600
#define BEGINNINGS_MAX 200 /* the most frequent words that begin with the query's */
#define WELL_KNOWN     40  /* uses: only near errors, which people make, are looked for */
#define SCAN_WIDTH     256
#define REACH_STEPS    4096 /* postings that are read to find out what a word reaches */

struct scan {
    const struct catalog *c;
    const struct vocab *v;
    struct slot *s;
    struct typo typo;
    uint32_t sig, exact_uses;
    size_t syms, cap;
    int edits;      /* looked for in whole words */
    bool inside;    /* look for words that have it inside */
    bool found_one; /* a word one edit away is there */
};

static void add(struct scan *x, uint32_t word, float weight, enum match_how how)
{
    struct slot *s = x->s;

    MEM_GROW(s->expansion, s->expansions, x->cap);
    s->expansion[s->expansions++] =
        (struct expansion){.word = word, .weight = weight, .how = (uint8_t)how};
}

static float typo_weight(const struct scan *x, uint32_t word, int edits)
{
    const char *text = vocab_text(x->v, word);
    size_t len = x->v->len[word];
    float w = .80f;

    if (edits == 2)
        return x->syms >= 9 ? .68f : x->syms >= 7 ? .62f : .45f;
    switch (typo_edit(x->s->text, x->s->len, text, len)) {
    case TYPO_SWAPPED:
        w = .86f;
        break;
    case TYPO_DOUBLED:
        w = .87f;
        break;
    case TYPO_NEAR_KEY:
        w = .84f;
        break;
    case TYPO_PLAIN:
        w = .82f;
    }
    if (text[0] != x->s->text[0])
        w -= .08f;
    w -= x->syms == 3 ? .22f : x->syms == 4 ? .08f : 0;
    return x->syms >= 8 ? w + .03f : w;
}

static bool contains(const char *text, size_t len, const char *part, size_t part_len)
{
    for (; len >= part_len; text++, len--)
        if (*text == *part && !memcmp(text, part, part_len))
            return true;
    return false;
}

/* The word holds all letters of the query's, and is longer: it may begin with it or have it inside.
 */
static bool add_longer(struct scan *x, uint32_t word)
{
    const struct vocab *v = x->v;
    const char *text = vocab_text(v, word);
    float share = (float)x->syms / v->syms[word], w;

    if (!memcmp(text, x->s->text, x->s->len)) {
        w = .66f + .27f * share;
        if (v->syms[word] == x->syms + 1 && w < .93f)
            w = .93f;
        add(x, word, w, MATCH_BEGINNING);
        return true;
    }
    if (x->inside && contains(text + 1, v->len[word] - 1u, x->s->text, x->s->len)) {
        w = x->syms >= 6 ? .60f + .30f * share : .48f + .32f * share;
        add(x, word, w, MATCH_INSIDE);
        return true;
    }
    return false;
}

/* The signatures allow that the word is near: measure. */
static void add_near(struct scan *x, uint32_t word, bool whole)
{
    const struct vocab *v = x->v;
    const char *text = vocab_text(v, word);
    struct typo_found f = typo_compare(&x->typo, text, v->len[word]);

    if (v->kind[word] == WORD_MIXED || x->s->kind == WORD_MIXED)
        if (!typo_same_digits(x->s->text, x->s->len, text, v->len[word]))
            return;
    if (whole && f.edits && f.edits <= x->edits) {
        x->found_one |= f.edits == 1;
        add(x, word, typo_weight(x, word, f.edits), MATCH_TYPO);
    } else if (f.begin <= 1 && f.edits > 2 && x->syms >= 5 && x->exact_uses < WELL_KNOWN &&
               x->s->mode == SLOT_FULL) {
        add(x, word, .62f + .12f * (float)x->syms / v->syms[word], MATCH_TYPO);
    }
}

/* The initials of a text, or their beginning. */
static void add_initials(struct scan *x, uint32_t id)
{
    const struct vocab *v = x->v;
    size_t len = v->len[id] - 1u; /* without the mark */

    if (x->s->kind != WORD_LETTERS || x->syms < 3 || len < x->s->len || x->s->mode != SLOT_FULL ||
        memcmp(vocab_text(v, id) + 1, x->s->text, x->s->len))
        return;
    add(x, id, len == x->s->len ? .72f : .5f + .15f * (float)x->s->len / (float)len,
        MATCH_INITIALS);
}

/* A word whose signature allows it. */
static void look_at(struct scan *x, uint32_t id, int most)
{
    const struct vocab *v = x->v;
    const struct slot *s = x->s;
    uint32_t missing = x->sig & ~v->sig[id], extra = v->sig[id] & ~x->sig;
    char first;
    bool whole;

    if (id == s->exact || v->kind[id] > WORD_MIXED || !v->word[id].uses) {
        if (v->kind[id] == WORD_INITIALS && !missing && v->word[id].uses)
            add_initials(x, id);
        return;
    }
    if (!missing && v->len[id] > s->len && s->mode == SLOT_FULL && add_longer(x, id))
        return;
    first = vocab_text(v, id)[0];
    if (!most || (x->exact_uses >= WELL_KNOWN && first != s->text[0] && first != s->text[1]))
        return;
    whole = typo_few_bits(extra, x->edits) && v->syms[id] <= x->syms + (size_t)x->edits &&
            x->syms <= v->syms[id] + (size_t)x->edits;
    if (whole || v->syms[id] + 1u > x->syms)
        add_near(x, id, whole);
}

/* One pass over all words: their signatures first, many at a time, in a loop that the compiler can
 * make wide. */
static void scan_words(struct scan *x)
{
    const struct vocab *v = x->v;
    int most = x->edits > 1 ? x->edits : x->syms >= 5 ? 1 : x->edits;

    for (uint32_t base = 1; base < v->count; base += SCAN_WIDTH) {
        uint32_t left = v->count - base, n = left < SCAN_WIDTH ? left : SCAN_WIDTH;
        uint32_t sig[SCAN_WIDTH] = {0}, missing[SCAN_WIDTH];

        memcpy(sig, v->sig + base, n * sizeof *sig);
        for (uint32_t i = 0; i < SCAN_WIDTH; i++) {
            uint32_t m = x->sig & ~sig[i], less = m & (m - 1);

            missing[i] = most == 0 ? m : most == 1 ? less : less & (less - 1);
        }
        for (uint32_t i = 0; i < n; i++)
            if (!missing[i])
                look_at(x, base + i, most);
    }
}

/* A letter of a dense script that stands alone is looked for in every pair. */
static void scan_dense(struct scan *x)
{
    const struct vocab *v = x->v;

    for (uint32_t id = 1; x->syms == 1 && id < v->count; id++)
        if (v->kind[id] == WORD_DENSE && id != x->s->exact && v->word[id].uses &&
            contains(vocab_text(v, id), v->len[id], x->s->text, x->s->len))
            add(x, id, .9f, MATCH_INSIDE);
}

/* --- which to keep --- */

/* More weight first, then more uses; ties by number. qsort has no context, so uses travel in the
 * key. */
struct key {
    struct expansion e;
    uint32_t uses;
};

static int by_uses(const void *pa, const void *pb)
{
    const struct key *a = pa, *b = pb;

    if (a->uses != b->uses)
        return a->uses > b->uses ? -1 : 1;
    return a->e.word < b->e.word ? -1 : 1;
}

static int by_weight(const void *pa, const void *pb)
{
    const struct key *a = pa, *b = pb;

    if (a->e.weight != b->e.weight)
        return a->e.weight > b->e.weight ? -1 : 1;
    return by_uses(pa, pb);
}

/* Two edits in a short word only when one edit finds nothing. */
static bool too_timid(const struct scan *x, const struct expansion *e)
{
    return e->how == MATCH_TYPO && e->weight < .5f && (x->found_one || x->s->exact);
}

/* Sort, best first, and cut: at most BEGINNINGS_MAX longer words (the most frequent),
 * EXPANSIONS_MAX in all, and no more postings than a query may cost. What is cut is still
 * recognised when the best candidates are ranked. */
static void keep_best(struct scan *x)
{
    struct slot *s = x->s;
    struct key *key = mem_alloc(s->expansions * sizeof *key);
    double postings = 0, budget = 20000 + ask_size(x->c) / 250;
    size_t n = 0, beginnings = 0, kept = 0;

    for (size_t i = 0; i < s->expansions; i++)
        if (!too_timid(x, &s->expansion[i]))
            key[n++] = (struct key){s->expansion[i], x->v->word[s->expansion[i].word].uses};
    qsort(key, n, sizeof *key, by_uses);
    for (size_t i = 0; i < n; i++)
        if (key[i].e.how != MATCH_BEGINNING || beginnings++ < BEGINNINGS_MAX)
            key[kept++] = key[i];
    s->capped = kept < n;
    n = kept;
    qsort(key, n, sizeof *key, by_weight);
    for (kept = 0; kept < n && kept < EXPANSIONS_MAX; kept++) {
        postings += key[kept].uses;
        if (kept && postings > budget)
            break;
        s->expansion[kept] = key[kept].e;
    }
    s->capped |= kept < n;
    s->expansions = kept;
    mem_free(key);
}

/* --- what it is worth --- */

double expand_reach(const struct catalog *c, uint32_t word)
{
    struct post_cursor p = post_read(&c->vocab.word[word].post);
    double reach = c->vocab.word[word].uses;

    for (int i = 0; c->vocab.in_folders[word] && i < REACH_STEPS && post_next(&p); i++)
        if (p.folder && node_alive(&c->node[p.node]))
            reach += c->dir[c->node[p.node].dir].below;
    return reach < ask_size(c) ? reach : ask_size(c);
}

/* One idf a slot, so that a rare misspelling in the catalog gains nothing: that of the word itself,
 * of the best expansions when it is not there, or of a far more frequent neighbour when it looks
 * like somebody's error. */
static float idf_of(const struct catalog *c, const struct slot *s, uint32_t uses)
{
    double reach = s->exact ? expand_reach(c, s->exact) : 0;

    for (size_t i = 0; i < s->expansions; i++) {
        const struct expansion *e = &s->expansion[i];

        if (!s->exact && e->weight >= s->expansion[0].weight - .05f)
            reach += expand_reach(c, e->word);
        else if (s->exact && uses < 3 && e->how == MATCH_TYPO && e->weight >= .75f &&
                 c->vocab.word[e->word].uses >= 20 * uses)
            reach = fmax(reach, expand_reach(c, e->word));
    }
    return (float)log1p(ask_size(c) / fmax(1, fmin(reach, ask_size(c))));
}

/* How many edits are looked for. */
static int edits_for(const struct slot *s, size_t syms, uint32_t uses)
{
    if (s->mode == SLOT_TYPO)
        return 1;
    if (syms < 3)
        return 0;
    return syms >= 5 && uses < WELL_KNOWN ? 2 : 1;
}

static bool very_common(const struct catalog *c, uint32_t uses)
{
    return uses > 1000 && uses > ask_size(c) / 20;
}

void expand(const struct catalog *c, struct slot *s)
{
    const struct vocab *v = &c->vocab;
    uint32_t exact = vocab_find(v, s->text, s->len);
    struct scan x = {.c = c, .v = v, .s = s};

    s->exact = exact && v->word[exact].uses ? exact : 0;
    x.exact_uses = s->exact ? v->word[s->exact].uses : 0;
    if (s->exact && s->mode != SLOT_TYPO)
        add(&x, s->exact, 1, MATCH_EXACT);
    if (s->mode != SLOT_EXACT && s->kind <= WORD_MIXED && !very_common(c, x.exact_uses)) {
        typo_init(&x.typo, s->text, s->len);
        x.sig = typo_sig(s->text, s->len);
        x.syms = x.typo.syms;
        x.edits = edits_for(s, x.syms, x.exact_uses);
        x.inside = x.exact_uses < 3 && x.syms >= 4;
        if (x.syms >= 2)
            scan_words(&x);
    } else if (s->mode == SLOT_FULL && s->kind == WORD_DENSE) {
        x.syms = typo_syms(s->text, s->len);
        scan_dense(&x);
    }
    if (s->expansions)
        keep_best(&x);
    s->idf = idf_of(c, s, x.exact_uses);
}
