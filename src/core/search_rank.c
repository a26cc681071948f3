/* The best candidates again, on their real paths: which words stand where, in what order, and how
 * much of the name they explain. */
#include "core/search_priv.h"

#include <string.h>

#define FOLDERS_MAX     5     /* above the name that are read */
#define SPOTS_MAX       6     /* places of one slot that are remembered */
#define PLACE_EXT       0.95f /* what a word counts by its place; in the name 1 */
#define EXPLAINED_BONUS 0.12f /* for a name of which nothing is left over */
#define PAIR_NEXT       0.10f /* of the lesser idf: two words side by side, in order */
#define PAIR_NEAR       0.04f /* in order with a gap, or swapped */
#define PATH_BYTE       0.000015f
#define ALL_BONUS       0.035f /* every word matched */
#define CAPPED_FACTOR   0.9f   /* for a beginning that find had no room for */

static const float PLACE_FOLDER[FOLDERS_MAX] = {0.92f, 0.86f, 0.80f, 0.80f, 0.80f};

/* A word of the path that a slot matches. */
struct spot {
    float weight; /* with its place */
    uint32_t word;
    uint16_t at;       /* counted along the path; a gap between components */
    uint16_t explains; /* bytes of the name */
    bool typo;
};

struct spots {
    uint8_t count, best;
    struct spot spot[SPOTS_MAX];
};

struct ranker {
    const struct ask *a;
    struct idmap known; /* hash of a word -> place in entry */
    struct entry {
        uint8_t slot, how;
        float weight;
        uint32_t word;
    } * entry;
    size_t entries, entry_cap;
    struct spots slot[ASK_SLOTS_MAX];
    size_t name_bytes; /* of its words, without the extension */
    struct words w;
};

struct ranker *rank_new(const struct ask *a)
{
    struct ranker *r = mem_zero(1, sizeof *r);
    const struct vocab *v = &a->c->vocab;

    r->a = a;
    r->entries = 1;
    r->entry_cap = 64;
    r->entry = mem_alloc(r->entry_cap * sizeof *r->entry);
    for (uint8_t s = 0; s < a->slots; s++) {
        for (size_t i = 0; i < a->slot[s].expansions; i++) {
            const struct expansion *e = &a->slot[s].expansion[i];

            MEM_GROW(r->entry, r->entries, r->entry_cap);
            r->entry[r->entries] =
                (struct entry){.slot = s, .how = e->how, .weight = e->weight, .word = e->word};
            idmap_put(&r->known, sip(&v->key, vocab_text(v, e->word), v->len[e->word]),
                      (uint32_t)r->entries++);
        }
    }
    return r;
}

void rank_free(struct ranker *r)
{
    if (!r)
        return;
    idmap_done(&r->known);
    mem_free(r->entry);
    mem_free(r);
}

/* --- reading the path --- */

static void add_spot(struct ranker *r, uint8_t slot, const struct spot *spot)
{
    struct spots *s = &r->slot[slot];

    if (s->count == SPOTS_MAX)
        return;
    if (!s->count || spot->weight > s->spot[s->best].weight)
        s->best = s->count;
    s->spot[s->count++] = *spot;
}

/* A word that begins with a slot's but was beyond that slot's cap. */
static void match_capped(struct ranker *r, const char *text, size_t len, struct spot spot)
{
    for (uint8_t i = 0; i < r->a->slots; i++) {
        const struct slot *s = &r->a->slot[i];

        if (s->capped && s->mode == SLOT_FULL && len > s->len && !memcmp(text, s->text, s->len) &&
            !r->slot[i].count) {
            struct spot found = spot;

            found.weight *= CAPPED_FACTOR * (.66f + .27f * s->len / (float)len);
            add_spot(r, i, &found);
        }
    }
}

static void match_word(struct ranker *r, const struct word *word, float place, uint16_t at,
                       bool name)
{
    const struct vocab *v = &r->a->c->vocab;
    const char *text = r->w.text + word->at;
    uint64_t hash = sip(&v->key, text, word->len);
    uint32_t id, probe = IDMAP_START;
    struct spot spot = {.weight = word->ext ? PLACE_EXT : place,
                        .at = (uint16_t)(at + word->run),
                        .explains = name && !word->ext ? word->len : 0};
    bool known = false;

    while ((id = idmap_next(&r->known, hash, &probe))) {
        const struct entry *e = &r->entry[id];
        struct spot found = spot;

        if (v->len[e->word] != word->len || memcmp(vocab_text(v, e->word), text, word->len))
            continue;
        found.weight *= e->weight;
        found.word = e->word;
        found.typo = e->how == MATCH_TYPO;
        found.explains = (uint16_t)((float)found.explains * e->weight);
        add_spot(r, e->slot, &found);
        known = true;
    }
    if (!known)
        match_capped(r, text, word->len, spot);
}

static void read_component(struct ranker *r, float place, uint16_t at, bool name)
{
    for (size_t i = 0; i < r->w.count; i++) {
        const struct word *word = &r->w.word[i];

        if (name && !word->part && !word->ext && word->kind < WORD_INITIALS)
            r->name_bytes += word->len;
        match_word(r, word, place, at, name);
    }
}

/* From the name upwards; places are counted from the front, so that order can be compared across
 * components. */
static void read_path(struct ranker *r, const struct node *n)
{
    uint16_t at = 60000;
    size_t end = n->path_len;

    memset(r->slot, 0, sizeof r->slot);
    r->name_bytes = 0;
    for (int i = -1; i < FOLDERS_MAX && end; i++) {
        size_t from = end;

        if (i < 0)
            words_of_last(&r->w, n->path, end, n->kind == ROW_DIR);
        while (from && n->path[from - 1] != '/')
            from--;
        if (i >= 0)
            words_of(&r->w, n->path + from, end - from, WORDS_FOLDER);
        at = (uint16_t)(at - r->w.runs - 2);
        read_component(r, i < 0 ? 1 : PLACE_FOLDER[i], at, i < 0);
        end = from ? from - 1 : 0;
    }
}

/* --- judging --- */

struct best {
    float sum;
    int reading; /* -1: the position before is not matched */
};

/* The best reading, as find has it, with the weights of this path. */
static void best_reading(const struct ranker *r, struct best best[QUERY_WORDS_MAX + 1])
{
    const struct ask *a = r->a;

    best[0] = (struct best){0, -1};
    for (unsigned to = 1; to <= a->positions; to++) {
        best[to] = (struct best){best[to - 1].sum, -1};
        for (unsigned i = a->first_reading[to]; i < a->first_reading[to + 1]; i++) {
            const struct reading *d = &a->reading[i];
            float sum = best[d->from].sum;

            for (unsigned k = 0; k < d->slots; k++) {
                const struct spots *s = &r->slot[d->slot[k]];

                if (s->count)
                    sum += d->worth[k] * s->spot[s->best].weight;
            }
            if (sum > best[to].sum)
                best[to] = (struct best){sum, (int)i};
        }
    }
}

/* Of a slot's spots that are about as good as its best, one that follows the place before. */
static const struct spot *choose_spot(const struct spots *s, int before)
{
    const struct spot *best = &s->spot[s->best];

    for (unsigned i = 0; i < s->count; i++)
        if (s->spot[i].at == before + 1 && s->spot[i].weight >= best->weight * .97f)
            return &s->spot[i];
    return best;
}

struct tally {
    float pairs;      /* what the order of words adds */
    size_t explained; /* bytes of the name */
    unsigned unmatched;
    int before; /* place of the word before, -1: none */
    float before_idf;
};

static void tally_spot(struct tally *t, const struct spot *spot, float idf)
{
    float lesser = idf < t->before_idf ? idf : t->before_idf;

    if (t->before >= 0 && spot->at != t->before) {
        if (spot->at == t->before + 1)
            t->pairs += PAIR_NEXT * lesser;
        else if (spot->at > t->before || spot->at + 1 == t->before)
            t->pairs += PAIR_NEAR * lesser;
    }
    t->explained += spot->explains;
    t->before = spot->at;
    t->before_idf = idf;
}

static void tally_reading(const struct ranker *r, const struct reading *d, struct tally *t,
                          struct rank_use *use)
{
    bool all = true;

    for (unsigned k = 0; k < d->slots; k++) {
        const struct spots *s = &r->slot[d->slot[k]];
        const struct spot *spot;

        if (!s->count) {
            all = false;
            continue;
        }
        spot = choose_spot(s, t->before);
        tally_spot(t, spot, r->a->slot[d->slot[k]].idf);
        if (use) {
            use->word[use->slots++] = spot->word;
            use->typo |= spot->typo;
        }
    }
    if (!all)
        t->unmatched += (unsigned)(d->to - d->from);
    if (use)
        use->span = (uint8_t)(all ? d->to - d->from : 0);
}

/* The most that order can add. */
static float ideal_pairs(const struct ask *a)
{
    float sum = 0;

    for (unsigned i = 0; i + 1 < a->positions; i++)
        sum += a->slot[i].idf < a->slot[i + 1].idf ? a->slot[i].idf : a->slot[i + 1].idf;
    return PAIR_NEXT * sum;
}

double rank_path(struct ranker *r, uint32_t node, struct rank_use *use)
{
    const struct node *n = &r->a->c->node[node];
    struct best best[QUERY_WORDS_MAX + 1];
    int chosen[QUERY_WORDS_MAX], count = 0;
    struct tally t = {.before = -1};
    float explained, sum;
    double score;

    if (use)
        memset(use, 0, QUERY_WORDS_MAX * sizeof *use);
    if (!r->a->positions)
        return 0;
    read_path(r, n);
    best_reading(r, best);
    for (unsigned to = r->a->positions; to;) {
        if (best[to].reading < 0) {
            t.unmatched++;
            to--;
        } else {
            chosen[count++] = best[to].reading;
            to = r->a->reading[best[to].reading].from;
        }
    }
    while (count--) {
        const struct reading *d = &r->a->reading[chosen[count]];

        tally_reading(r, d, &t, use ? &use[d->from] : NULL);
    }
    if (t.explained > r->name_bytes)
        t.explained = r->name_bytes;
    explained = r->name_bytes ? (float)t.explained / (float)r->name_bytes : 0;
    sum = best[r->a->positions].sum * (1 + EXPLAINED_BONUS * explained) + t.pairs;
    score = sum / (r->a->ideal * (1 + EXPLAINED_BONUS) + ideal_pairs(r->a));
    score += (t.unmatched ? 0 : ALL_BONUS) - PATH_BYTE * n->path_len;
    score /= 1 + ALL_BONUS;
    return score < 0 ? 0 : score > 1 ? 1 : score;
}
