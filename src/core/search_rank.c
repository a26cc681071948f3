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
    uint32_t entry;
    uint16_t at;       /* counted along the path; a gap between components */
    uint16_t explains; /* bytes of the name */
    bool typo;
};

struct spots {
    uint8_t count, best;
    struct spot spot[SPOTS_MAX];
};

/* A word of one component that a slot matches; folders are read once for all that is below. */
struct match {
    uint32_t entry; /* 0: a beginning that find had no room for */
    float weight;
    uint16_t run, explains;
    uint8_t slot;
    bool ext;
};

struct component {
    uint32_t segment, folder;
    uint32_t first, count; /* in ranker.match */
    uint16_t runs;
};

struct ranker {
    const struct ask *a;
    struct idmap known; /* hash of a word -> place in entry */
    struct entry {
        uint8_t slot;
        const struct expansion *e;
    } * entry;
    size_t entries, entry_cap;
    struct match *match;
    size_t matches, match_cap;
    struct idmap folder_map; /* -> place in folder, one more */
    struct component *folder;
    size_t folders, folder_cap;
    struct spots slot[ASK_SLOTS_MAX];
    size_t name_bytes; /* of its words, without the extension */
    struct words w;
    char path[PATH_LEN_MAX + 1];
};

static const char *text_of(const struct ranker *r, const struct expansion *e, size_t *len)
{
    return segment_word(r->a->c->segment[e->segment], e->word, len);
}

/* Is this word known to the slot, from another segment? */
static bool has_entry(const struct ranker *r, uint64_t hash, uint8_t slot, const char *text,
                      size_t len)
{
    uint32_t id, at = IDMAP_START;

    while ((id = idmap_next(&r->known, hash, &at))) {
        size_t other_len;
        const char *other = text_of(r, r->entry[id].e, &other_len);

        if (r->entry[id].slot == slot && other_len == len && !memcmp(other, text, len))
            return true;
    }
    return false;
}

struct ranker *rank_new(const struct ask *a)
{
    struct ranker *r = mem_zero(1, sizeof *r);

    r->a = a;
    r->entries = 1;
    r->entry_cap = 64;
    r->entry = mem_alloc(r->entry_cap * sizeof *r->entry);
    for (uint8_t s = 0; s < a->slots; s++) {
        for (size_t i = 0; i < a->slot[s].expansions; i++) {
            const struct expansion *e = &a->slot[s].expansion[i];
            size_t len;
            const char *text = text_of(r, e, &len);
            uint64_t hash = sip(&a->c->key, text, len);

            if (has_entry(r, hash, s, text, len))
                continue;
            MEM_GROW(r->entry, r->entries, r->entry_cap);
            r->entry[r->entries] = (struct entry){.slot = s, .e = e};
            idmap_put(&r->known, hash, (uint32_t)r->entries++);
        }
    }
    return r;
}

void rank_free(struct ranker *r)
{
    if (!r)
        return;
    idmap_done(&r->known);
    idmap_done(&r->folder_map);
    mem_free(r->folder);
    mem_free(r->match);
    mem_free(r->entry);
    mem_free(r);
}

/* --- reading the path --- */

static void add_match(struct ranker *r, const struct match *m)
{
    MEM_GROW(r->match, r->matches, r->match_cap);
    r->match[r->matches++] = *m;
}

/* A word that begins with a slot's but was beyond that slot's cap. */
static void match_capped(struct ranker *r, const char *text, size_t len, struct match m)
{
    for (uint8_t i = 0; i < r->a->slots; i++) {
        const struct slot *s = &r->a->slot[i];

        if (!s->capped || s->mode != SLOT_FULL || len <= s->len || memcmp(text, s->text, s->len))
            continue;
        m.slot = i;
        m.weight = CAPPED_FACTOR * (.66f + .27f * s->len / (float)len);
        add_match(r, &m);
    }
}

static void match_word(struct ranker *r, const struct word *word)
{
    const char *text = r->w.text + word->at;
    uint64_t hash = sip(&r->a->c->key, text, word->len);
    uint32_t id, probe = IDMAP_START;
    struct match m = {.run = word->run, .ext = word->ext};
    bool known = false;

    while ((id = idmap_next(&r->known, hash, &probe))) {
        const struct entry *e = &r->entry[id];
        size_t len;
        const char *other = text_of(r, e->e, &len);

        if (len != word->len || memcmp(other, text, len))
            continue;
        m.entry = id;
        m.slot = e->slot;
        m.weight = e->e->weight;
        m.explains = (uint16_t)((float)word->len * m.weight);
        add_match(r, &m);
        known = true;
    }
    m.entry = 0;
    m.explains = word->len;
    if (!known)
        match_capped(r, text, word->len, m);
}

/* The words just read: what they match goes behind the matches that are there. */
static struct component read_component(struct ranker *r)
{
    struct component c = {.first = (uint32_t)r->matches, .runs = (uint16_t)r->w.runs};

    for (size_t i = 0; i < r->w.count; i++)
        match_word(r, &r->w.word[i]);
    c.count = (uint32_t)r->matches - c.first;
    return c;
}

/* The folder's component, read when it is met for the first time. */
static struct component folder_component(struct ranker *r, uint32_t segment, uint32_t folder)
{
    uint64_t hash = ((uint64_t)segment << 32 | folder) * 0x9e3779b97f4a7c15u;
    uint32_t id, at = IDMAP_START;
    struct component c;
    const char *name;
    size_t len;

    while ((id = idmap_next(&r->folder_map, hash, &at))) {
        const struct component *had = &r->folder[id - 1];

        if (had->segment == segment && had->folder == folder)
            return *had;
    }
    name = segment_folder_name(r->a->c->segment[segment], folder, &len);
    words_of(&r->w, name, len, WORDS_FOLDER);
    c = read_component(r);
    c.segment = segment;
    c.folder = folder;
    MEM_GROW(r->folder, r->folders, r->folder_cap);
    r->folder[r->folders++] = c;
    idmap_put(&r->folder_map, hash, (uint32_t)r->folders);
    return c;
}

static void add_spot(struct ranker *r, uint8_t slot, const struct spot *spot)
{
    struct spots *s = &r->slot[slot];

    if (s->count == SPOTS_MAX)
        return;
    if (!s->count || spot->weight > s->spot[s->best].weight)
        s->best = s->count;
    s->spot[s->count++] = *spot;
}

static void add_spots(struct ranker *r, const struct component *c, float place, uint16_t at,
                      bool name)
{
    for (uint32_t i = 0; i < c->count; i++) {
        const struct match *m = &r->match[c->first + i];

        if (!m->entry && r->slot[m->slot].count)
            continue;
        add_spot(r, m->slot,
                 &(struct spot){.weight = m->weight * (m->ext ? PLACE_EXT : place),
                                .entry = m->entry,
                                .at = (uint16_t)(at + m->run),
                                .explains = name && !m->ext ? m->explains : 0,
                                .typo = m->entry && r->entry[m->entry].e->how == MATCH_TYPO});
    }
}

/* The words of the name; the season of an episode may stand in a folder above. */
static void read_name(struct ranker *r, const struct segment *s, const struct candidate *x)
{
    bool folder = s->kind[x->entry] == ROW_DIR;
    size_t len = segment_name(s, x->entry, r->path);

    words_of(&r->w, r->path, len, folder ? WORDS_FOLDER : WORDS_FILE);
    if (!folder && r->w.episode >= 0 && r->w.season < 0) {
        len = segment_path(s, x->entry, x->folder, r->path);
        words_of_last(&r->w, r->path, len, false);
    }
    r->name_bytes = 0;
    for (size_t i = 0; i < r->w.count; i++) {
        const struct word *word = &r->w.word[i];

        if (!word->part && !word->ext && word->kind < WORD_INITIALS)
            r->name_bytes += word->len;
    }
}

/* From the name upwards; places are counted from the front, so that order can be compared across
 * components. */
static void read_path(struct ranker *r, const struct candidate *x)
{
    const struct segment *s = r->a->c->segment[x->segment];
    size_t had = r->matches;
    struct component c;
    uint16_t at = 60000;
    uint32_t folder = x->folder;

    memset(r->slot, 0, sizeof r->slot);
    read_name(r, s, x);
    c = read_component(r);
    at = (uint16_t)(at - c.runs - 2);
    add_spots(r, &c, 1, at, true);
    r->matches = had; /* a name is read once */
    for (int i = 0; i < FOLDERS_MAX && s->folder[folder].parent != SEG_NONE; i++) {
        c = folder_component(r, x->segment, folder);
        at = (uint16_t)(at - c.runs - 2);
        add_spots(r, &c, PLACE_FOLDER[i], at, false);
        folder = s->folder[folder].parent;
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
            use->word[use->slots++] = spot->entry ? r->entry[spot->entry].e : NULL;
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

static double score_of(const struct ask *a, float sum, float explained, float pairs, bool all,
                       size_t path_len)
{
    double score = (sum * (1 + EXPLAINED_BONUS * explained) + pairs) /
                   (a->ideal * (1 + EXPLAINED_BONUS) + ideal_pairs(a));

    score += (all ? ALL_BONUS : 0) - PATH_BYTE * (double)path_len;
    score /= 1 + ALL_BONUS;
    return score < 0 ? 0 : score > 1 ? 1 : score;
}

double rank_most(const struct ask *a, const struct candidate *x)
{
    float share = (x->score + .0003f * 256) * (PLACE_FOLDER[0] / FOLDER_PART) + .01f;

    for (uint8_t i = 0; i < a->slots; i++)
        if (a->slot[i].capped)
            return 1;
    return score_of(a, a->ideal * (share < 1 ? share : 1), 1, ideal_pairs(a), true, x->path_len);
}

double rank_path(struct ranker *r, const struct candidate *x, struct rank_use *use)
{
    struct best best[QUERY_WORDS_MAX + 1];
    int chosen[QUERY_WORDS_MAX], count = 0;
    struct tally t = {.before = -1};
    float explained;

    if (use)
        memset(use, 0, QUERY_WORDS_MAX * sizeof *use);
    if (!r->a->positions)
        return 0;
    read_path(r, x);
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
    return score_of(r->a, best[r->a->positions].sum, explained, t.pairs, !t.unmatched, x->path_len);
}
