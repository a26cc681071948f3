/* One word of a query -> words of the vocabulary. All forgiveness is here. */
#include "core/search_priv.h"
#include "core/typo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXPANSIONS_MAX 600
#define BEGINNINGS_MAX 200 /* the most frequent words that begin with the query's */
#define SURE           3   /* uses: hardly somebody's error, so no two edits, nothing inside */
#define INSIDE_MIN     4   /* letters of a word that may be a piece of another ... */
#define INSIDE_LONG    6 /* ... and from which on it is one even where a well known word is near */
#define REACH_STEPS    4096 /* folders that are read to find out what a word reaches */
#define BINS           (UINT8_MAX + 1)

void expand_add(struct scan *x, uint32_t word, float weight, enum match_how how)
{
    struct slot *s = x->s;
    struct seg_list l = segment_list(x->in, word);

    MEM_GROW(s->expansion, s->expansions, x->cap);
    s->expansion[s->expansions++] = (struct expansion){.word = word,
                                                       .uses = l.entries + l.folders,
                                                       .weight = weight,
                                                       .segment = x->number,
                                                       .how = (uint8_t)how};
}

/* --- beginnings --- */

/* Of the words [from, to) the most frequent ones, at most BEGINNINGS_MAX: uses are counted out into
 * bins, which tell from how many uses on there are few enough. */
static void add_beginnings(struct scan *x, uint32_t from, uint32_t to)
{
    uint32_t bin[BINS] = {0}, sum = 0, least = BINS - 1, equal;

    for (uint32_t w = from; w < to; w++)
        bin[x->in->uses[w]]++;
    while (least && sum + bin[least] <= BEGINNINGS_MAX)
        sum += bin[least--];
    equal = BEGINNINGS_MAX - sum; /* so many of those with `least` uses */
    x->s->capped |= least > 0;
    for (uint32_t w = from; w < to; w++) {
        uint32_t uses = x->in->uses[w];
        size_t len, syms;
        const char *text;
        float weight;

        if (w == x->self || uses < least || (uses == least && !equal))
            continue;
        equal -= uses == least;
        text = segment_word(x->in, w, &len);
        syms = typo_syms(text, len);
        weight = .66f + .27f * (float)x->syms / (float)syms;
        if (syms == x->syms + 1 && weight < .93f)
            weight = .93f;
        expand_add(x, w, weight, MATCH_BEGINNING);
    }
}

static void find_beginnings(struct scan *x)
{
    uint32_t from, to;

    for (int class = CLASS_LETTERS; class <= CLASS_MIXED; class ++) {
        segment_word_range(x->in, (enum word_class) class, x->s->text, x->s->len, &from, &to);
        if (from < to)
            add_beginnings(x, from, to);
    }
}

/* The initials of a text, or their beginning. */
static void find_initials(struct scan *x)
{
    char text[WORD_BYTES_MAX + 1] = {WORD_INITIALS_MARK};
    uint32_t from, to;

    if (x->s->kind != WORD_LETTERS || x->syms < 3 || x->s->len >= WORD_BYTES_MAX)
        return;
    memcpy(text + 1, x->s->text, x->s->len);
    segment_word_range(x->in, CLASS_OTHER, text, x->s->len + 1u, &from, &to);
    for (uint32_t w = from; w < to; w++) {
        size_t len;

        segment_word(x->in, w, &len);
        expand_add(x, w,
                   len - 1 == x->s->len ? .72f : .5f + .15f * (float)x->s->len / (float)(len - 1),
                   MATCH_INITIALS);
    }
}

/* --- of scripts without spaces --- */

/* A letter of a dense script that stands alone is looked for in every pair. */
static void scan_dense(struct scan *x)
{
    uint32_t w = x->in->class_end[CLASS_MIXED];

    for (; x->syms == 1 && w < x->in->class_end[CLASS_OTHER]; w++) {
        size_t len;
        const char *text = segment_word(x->in, w, &len);

        if ((uint8_t)text[0] < 0x80 || w == x->self || len < x->s->len)
            continue;
        for (size_t i = 0; i + x->s->len <= len; i++) {
            if (!memcmp(text + i, x->s->text, x->s->len)) {
                expand_add(x, w, .9f, MATCH_INSIDE);
                break;
            }
        }
    }
}

/* --- which to keep --- */

static int by_uses(const void *pa, const void *pb)
{
    const struct expansion *a = pa, *b = pb;

    if (a->uses != b->uses)
        return a->uses > b->uses ? -1 : 1;
    if (a->segment != b->segment)
        return a->segment < b->segment ? -1 : 1;
    return a->word < b->word ? -1 : 1;
}

static int by_weight(const void *pa, const void *pb)
{
    const struct expansion *a = pa, *b = pb;

    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return by_uses(pa, pb);
}

/* Two edits in a short word only when one edit finds nothing. */
static bool too_timid(const struct scan *x, const struct expansion *e)
{
    return e->how == MATCH_TYPO && e->weight < .5f && (x->found_one || x->s->exact);
}

/* Sort, best first, and cut: at most EXPANSIONS_MAX, and no more of the lists than a query may
 * cost. What is cut is still recognised when the best candidates are ranked. */
static void keep_best(struct scan *x)
{
    struct slot *s = x->s;
    double postings = 0, budget = 20000 + ask_size(x->c) / 250;
    size_t n = 0, kept;

    for (size_t i = 0; i < s->expansions; i++)
        if (!too_timid(x, &s->expansion[i]))
            s->expansion[n++] = s->expansion[i];
    qsort(s->expansion, n, sizeof *s->expansion, by_weight);
    for (kept = 0; kept < n && kept < EXPANSIONS_MAX; kept++) {
        const struct expansion *e = &s->expansion[kept];

        postings += e->uses;
        if (e->how != MATCH_EXACT && postings > budget)
            break;
    }
    s->capped |= kept < n;
    s->expansions = kept;
}

/* --- what it is worth --- */

/* How many rows a word reaches: those it stands in, and those below its folders. */
static double reach_of(const struct catalog *c, const struct expansion *e)
{
    const struct segment *s = c->segment[e->segment];
    struct seg_list l = segment_list(s, e->word);
    double reach = l.entries;
    uint32_t at = 0;

    for (uint32_t i = 0; i < l.folders && i < REACH_STEPS; i++) {
        at += segment_varint(&l.folder);
        reach += s->folder[s->folder[at].end].first - s->folder[at].first;
    }
    return reach;
}

/* One idf a slot, so that a rare misspelling in the catalog gains nothing: that of the word itself,
 * of the best expansions when it is not there, or of a far more frequent neighbour when it looks
 * like somebody's error. */
static float idf_of(const struct catalog *c, const struct slot *s)
{
    double reach = 0, size = ask_size(c);

    for (size_t i = 0; i < s->expansions; i++) {
        const struct expansion *e = &s->expansion[i];

        if (s->exact ? e->how == MATCH_EXACT : e->weight >= s->expansion[0].weight - .05f)
            reach += reach_of(c, e);
    }
    for (size_t i = 0; i < s->expansions && s->exact && s->exact < SURE; i++) {
        const struct expansion *e = &s->expansion[i];

        if (e->how == MATCH_TYPO && e->weight >= .75f && e->uses >= 20 * s->exact)
            reach = fmax(reach, reach_of(c, e));
    }
    return (float)log1p(size / fmax(1, fmin(reach, size)));
}

static bool very_common(const struct catalog *c, uint32_t uses)
{
    return uses > 1000 && uses > ask_size(c) / 20;
}

/* All but the word itself, up to one edit away. */
static void find_others(struct scan *x)
{
    const struct slot *s = x->s;

    if (s->kind == WORD_DENSE && s->mode == SLOT_FULL)
        scan_dense(x);
    if (s->kind > WORD_MIXED || very_common(x->c, s->exact) || x->syms < 2)
        return;
    if (s->mode == SLOT_FULL) {
        find_beginnings(x);
        find_initials(x);
    }
    if (x->edits)
        near_words(x, 1, s->exact >= WELL_KNOWN || s->mode == SLOT_TYPO);
}

/* What is farther away: looked for as long as no well known word is near. */
static void find_far(struct scan *x)
{
    near_words(x, x->edits == 2 ? 2 : 0, false);
    if (x->edits == 2)
        near_beginnings(x);
}

/* How many edits are looked for in all words of a segment. */
static int edits_for(const struct slot *s, size_t syms)
{
    if (syms < 3 || s->mode == SLOT_EXACT)
        return 0;
    return syms >= 5 && s->exact < SURE && s->mode == SLOT_FULL && s->kind <= WORD_MIXED ? 2 : 1;
}

static void enter(struct scan *x, size_t number)
{
    x->in = x->c->segment[number];
    x->number = (uint8_t)number;
    x->self = segment_word_find(x->in, x->s->text, x->s->len);
}

void expand(const struct catalog *c, struct slot *s)
{
    struct scan x = {.c = c, .s = s};
    bool rare;

    s->exact = ask_uses(c, s->text, s->len);
    x.syms = typo_syms(s->text, s->len);
    x.edits = edits_for(s, x.syms);
    rare = s->exact < SURE && s->mode == SLOT_FULL && s->kind <= WORD_MIXED;
    x.inside = rare && x.syms >= INSIDE_LONG;
    if (s->mode != SLOT_EXACT) {
        typo_init(&x.typo, s->text, s->len);
        x.sig = typo_sig(s->text, s->len);
    }
    for (size_t i = 0; i < c->segments; i++) {
        enter(&x, i);
        if (x.self != SEG_NONE && s->mode != SLOT_TYPO)
            expand_add(&x, x.self, 1, MATCH_EXACT);
        if (s->mode != SLOT_EXACT)
            find_others(&x);
    }
    x.inside = rare && x.syms >= INSIDE_MIN && x.syms < INSIDE_LONG;
    for (size_t i = 0; i < c->segments && (x.edits == 2 || x.inside) && !x.found_known; i++) {
        enter(&x, i);
        find_far(&x);
    }
    if (s->expansions)
        keep_best(&x);
    s->idf = idf_of(c, s);
}
