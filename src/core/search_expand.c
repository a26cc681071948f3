/* One word of a query -> words of the vocabulary. All forgiveness is here. */
#include "core/search_priv.h"
#include "core/typo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXPANSIONS_MAX 600
#define BEGINNINGS_MAX 200 /* the most frequent words that begin with the query's */
#define WELL_KNOWN     40  /* uses: only near errors, which people make, are looked for */
#define SURE           3   /* uses: hardly somebody's error, so no two edits, nothing inside */
#define INSIDE_MIN     4   /* letters of a word that may be a piece of another ... */
#define INSIDE_LONG    6 /* ... and from which on it is one even where a well known word is near */
#define REACH_STEPS    4096 /* folders that are read to find out what a word reaches */
#define BINS           256

struct scan {
    const struct catalog *c;
    struct slot *s;
    const struct segment *in; /* under work */
    uint8_t number;           /* its place in the catalog */
    uint32_t self;            /* the slot's own word in it */
    struct typo typo;
    uint32_t sig;
    size_t syms, cap;
    int edits;        /* looked for in whole words */
    bool inside;      /* look for words that have it inside */
    bool found_one;   /* a word one edit away is there */
    bool found_known; /* one that is well known */
};

static void add(struct scan *x, uint32_t word, float weight, enum match_how how)
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

static float typo_weight(const struct scan *x, const char *text, size_t len, int edits)
{
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

/* --- beginnings --- */

/* Of the words [from, to) the most frequent ones, at most BEGINNINGS_MAX: uses are counted out into
 * bins, which tell from how many uses on there are few enough. */
static void add_beginnings(struct scan *x, uint32_t from, uint32_t to)
{
    uint32_t bin[BINS] = {0}, sum = 0, least = BINS - 1, equal;

    for (uint32_t w = from; w < to; w++) {
        struct seg_list l = segment_list(x->in, w);
        uint32_t uses = l.entries + l.folders;

        bin[uses < BINS ? uses : BINS - 1]++;
    }
    while (least && sum + bin[least] <= BEGINNINGS_MAX)
        sum += bin[least--];
    equal = BEGINNINGS_MAX - sum; /* so many of those with `least` uses */
    x->s->capped |= least > 0;
    for (uint32_t w = from; w < to; w++) {
        struct seg_list l = segment_list(x->in, w);
        uint32_t uses = l.entries + l.folders;
        size_t len;
        const char *text = segment_word(x->in, w, &len);
        size_t syms = typo_syms(text, len);
        float weight = .66f + .27f * (float)x->syms / (float)syms;

        uses = uses < BINS ? uses : BINS - 1;
        if (w == x->self || uses < least || (uses == least && !equal))
            continue;
        equal -= uses == least;
        if (syms == x->syms + 1 && weight < .93f)
            weight = .93f;
        add(x, w, weight, MATCH_BEGINNING);
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
        add(x, w, len - 1 == x->s->len ? .72f : .5f + .15f * (float)x->s->len / (float)(len - 1),
            MATCH_INITIALS);
    }
}

/* --- errors, and words inside of others --- */

static bool contains(const char *text, size_t len, const char *part, size_t part_len)
{
    uint32_t head, at;

    memcpy(&head, part, sizeof head); /* at least four bytes are looked for */
    for (; len >= part_len; text++, len--) {
        memcpy(&at, text, sizeof at);
        if (at == head && !memcmp(text, part, part_len))
            return true;
    }
    return false;
}

static bool begins(const struct scan *x, const char *text, size_t len)
{
    return text[0] == x->s->text[0] && len > x->s->len && !memcmp(text, x->s->text, x->s->len);
}

/* A word whose signature allows it. Of two edits only words exactly so far away are added: nearer
 * ones were found before. */
static void look_at(struct scan *x, uint32_t word, int edits)
{
    const struct slot *s = x->s;
    uint32_t missing = x->sig & ~x->in->sig[word], extra = x->in->sig[word] & ~x->sig;
    size_t len, syms;
    const char *text = segment_word(x->in, word, &len);
    struct typo_found f;

    if (word == x->self || (s->mode == SLOT_FULL && begins(x, text, len)))
        return;
    if (x->inside && !missing && len > s->len && contains(text + 1, len - 1, s->text, s->len)) {
        float share = (float)x->syms / (float)typo_syms(text, len);

        add(x, word, x->syms >= 6 ? .60f + .30f * share : .48f + .32f * share, MATCH_INSIDE);
        return;
    }
    /* a letter has one to four bytes */
    if (len + (size_t)edits < x->syms || len > s->len + 4 * (size_t)edits ||
        !typo_few_bits(missing, edits) || !typo_few_bits(extra, edits))
        return;
    syms = typo_syms(text, len);
    if (syms > x->syms + (size_t)edits || x->syms > syms + (size_t)edits)
        return;
    if (s->kind == WORD_MIXED && !typo_same_digits(s->text, s->len, text, len))
        return;
    f = typo_compare(&x->typo, text, len);
    if (!f.edits || f.edits > edits || (edits == 2 && f.edits == 1))
        return;
    add(x, word, typo_weight(x, text, len, f.edits), MATCH_TYPO);
    x->found_one |= f.edits == 1;
    x->found_known |= f.edits == 1 && s->expansion[s->expansions - 1].uses >= WELL_KNOWN;
}

/* Sixteen signatures at a time, in the four lanes of a vector register. */
typedef uint32_t lanes __attribute__((vector_size(16)));

static lanes load(const uint32_t *sig)
{
    lanes v;

    memcpy(&v, sig, sizeof v);
    return v;
}

/* All bits of a lane: at most n bits of it are set. */
static lanes few(lanes v, int n)
{
    while (n-- > 0)
        v &= v - 1;
    return (lanes)(v == 0);
}

/* The words of [from, to) whose signatures allow so many edits, or (inside) have all letters. */
static void scan_range(struct scan *x, uint32_t from, uint32_t to, int edits)
{
    const uint32_t *sig = x->in->sig;
    lanes mine = {x->sig, x->sig, x->sig, x->sig};
    lanes all = {0};
    uint32_t w = from;

    if (x->inside)
        all = ~all;
    for (; w + 16 <= to; w += 16) {
        lanes pass[4], any;
        uint64_t half[2];

        for (int i = 0; i < 4; i++) {
            lanes v = load(sig + w + 4 * i), missing = mine & ~v;

            pass[i] = few(missing, edits) & few(v & ~mine, edits);
            pass[i] |= all & (lanes)(missing == 0);
        }
        any = pass[0] | pass[1] | pass[2] | pass[3];
        memcpy(half, &any, sizeof half);
        if (!(half[0] | half[1]))
            continue;
        for (uint32_t i = 0; i < 16; i++)
            if (pass[i / 4][i % 4])
                look_at(x, w + i, edits);
    }
    for (; w < to; w++)
        look_at(x, w, edits);
}

/* A word's beginning with one error: only among words with the same first letter. */
static void scan_beginnings(struct scan *x, uint32_t from, uint32_t to)
{
    for (uint32_t w = from; w < to; w++) {
        size_t len, syms;
        const char *text;
        struct typo_found f;

        if (!typo_few_bits(x->sig & ~x->in->sig[w], 1))
            continue;
        text = segment_word(x->in, w, &len);
        syms = typo_syms(text, len);
        if (syms < x->syms + 2 || w == x->self || begins(x, text, len))
            continue;
        f = typo_compare(&x->typo, text, len);
        if (f.begin == 1 && f.edits > 2)
            add(x, w, .62f + .12f * (float)x->syms / (float)syms, MATCH_TYPO);
    }
}

/* The words of the slot's class that begin with one byte of its text. */
static void bucket(const struct scan *x, size_t byte, uint32_t *from, uint32_t *to)
{
    segment_word_range(x->in, word_class_of((enum word_kind)x->s->kind), x->s->text + byte, 1, from,
                       to);
}

/* All words of the slot's class, or (near_only) those that begin with its first or second letter.
 */
static void scan_words(struct scan *x, int edits, bool near_only)
{
    enum word_class class = word_class_of((enum word_kind)x->s->kind);
    uint32_t from = class ? x->in->class_end[class - 1] : 0, to = x->in->class_end[class];

    if (near_only) {
        bucket(x, 0, &from, &to);
        scan_range(x, from, to, 1);
        if (x->s->len > 1 && x->s->text[1] != x->s->text[0]) {
            bucket(x, 1, &from, &to);
            scan_range(x, from, to, 1);
        }
        return;
    }
    scan_range(x, from, to, edits);
    if (x->inside && class == CLASS_LETTERS)
        scan_range(x, to, x->in->class_end[CLASS_MIXED], 0);
}

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
                add(x, w, .9f, MATCH_INSIDE);
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
        scan_words(x, 1, s->exact >= WELL_KNOWN || s->mode == SLOT_TYPO);
}

/* What is farther away: looked for as long as no well known word is near. */
static void find_far(struct scan *x)
{
    uint32_t from, to;

    scan_words(x, x->edits == 2 ? 2 : 0, false);
    bucket(x, 0, &from, &to);
    if (x->edits == 2)
        scan_beginnings(x, from, to);
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
            add(&x, x.self, 1, MATCH_EXACT);
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
