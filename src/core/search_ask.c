/* The query as search understands it. */
#include "core/search_priv.h"

#include <math.h>
#include <string.h>

#define SPLIT_MIN        5 /* letters of a word that may be several */
#define SPLIT_PIECES     3
#define SPLIT_TYPO_MIN   8 /* of which one may have an error */
#define SPLIT_TYPO_HALF  4 /* letters of the half with the error */
#define SPLIT_TRIES      3
#define SPLIT_ATTEMPTS   8
#define SPLIT_WORTH_MAX  1.35f /* of the word's own */
#define SPLIT_TYPO_WORTH 0.9f  /* with an error, of what it is worth without */
#define JOIN_WORTH_MIN   0.9f  /* of the words that are joined */
#define JOIN_WORTH_MAX   1.3f

double ask_size(const struct catalog *c)
{
    return 1.0 + (c->files - c->fresh_files) + (c->folders - c->fresh_folders);
}

/* --- slots and readings --- */

/* The slot for a word, looked up when it is new; ASK_SLOTS_MAX when there is no room. */
static uint8_t slot_for(struct ask *a, const char *text, size_t len, enum word_kind kind,
                        enum slot_mode mode)
{
    struct slot *s;

    for (uint8_t i = 0; i < a->slots; i++)
        if (a->slot[i].len == len && a->slot[i].mode == mode && !memcmp(a->slot[i].text, text, len))
            return i;
    if (a->slots == ASK_SLOTS_MAX)
        return ASK_SLOTS_MAX;
    s = &a->slot[a->slots];
    *s = (struct slot){
        .len = (uint8_t)len, .kind = (uint8_t)kind, .mode = (uint8_t)mode, .creates = true};
    memcpy(s->text, text, len);
    expand(a->c, s);
    return a->slots++;
}

/* A reading of positions [from, to) by these slots, which together are worth between min and max
 * (scaled). */
static void add_reading(struct ask *a, size_t from, size_t to, const uint8_t *slot, size_t slots,
                        float min, float max)
{
    struct reading *r = &a->reading[a->readings];
    float sum = 0, scale = 1;

    if (a->readings == ASK_READINGS_MAX || slots > READING_SLOTS_MAX)
        return;
    for (size_t i = 0; i < slots; i++) {
        if (slot[i] == ASK_SLOTS_MAX)
            return;
        sum += a->slot[slot[i]].idf;
    }
    if (sum > max)
        scale = max / sum;
    else if (sum < min)
        scale = min / sum;
    *r = (struct reading){.from = (uint8_t)from, .to = (uint8_t)to, .slots = (uint8_t)slots};
    for (size_t i = 0; i < slots; i++) {
        r->slot[i] = slot[i];
        r->worth[i] = a->slot[slot[i]].idf * scale;
    }
    a->readings++;
}

static float own_worth(const struct ask *a, size_t from, size_t to)
{
    float sum = 0;

    for (size_t i = from; i < to; i++)
        sum += a->slot[i].idf;
    return sum;
}

uint32_t ask_uses(const struct catalog *c, const char *text, size_t len)
{
    uint32_t uses = 0;

    for (size_t i = 0; i < c->segments; i++) {
        uint32_t word = segment_word_find(c->segment[i], text, len);

        if (word != SEG_NONE) {
            struct seg_list l = segment_list(c->segment[i], word);

            uses += l.entries + l.folders;
        }
    }
    return uses;
}

static uint32_t uses_of(const struct ask *a, const char *text, size_t len)
{
    return ask_uses(a->c, text, len);
}

static bool code_point_start(char c)
{
    return ((uint8_t)c & 0xc0) != 0x80;
}

/* --- a word that is several --- */

/* Where text is best cut into pieces that are all words: the rarest piece as frequent as can be.
 * Fills the ends of the pieces; gives how frequent the rarest is, 0: no such cuts. */
static uint32_t best_cuts(const struct ask *a, const char *text, size_t len, size_t pieces,
                          size_t end[SPLIT_PIECES])
{
    uint32_t best = 0;

    if (pieces == 1) {
        end[0] = len;
        return uses_of(a, text, len);
    }
    for (size_t cut = 2; cut + 2 * (pieces - 1) <= len; cut++) {
        size_t rest[SPLIT_PIECES];
        uint32_t rarest;

        if (!code_point_start(text[cut]))
            continue;
        rarest = uses_of(a, text, cut);
        if (rarest > best) {
            uint32_t others = best_cuts(a, text + cut, len - cut, pieces - 1, rest);

            rarest = rarest < others ? rarest : others;
        }
        if (rarest <= best)
            continue;
        best = rarest;
        end[0] = cut;
        for (size_t i = 1; i < pieces; i++)
            end[i] = cut + rest[i - 1];
    }
    return best;
}

/* Read position pos as the pieces with these ends, each looked up in its mode. false: one of them
 * finds nothing. */
static bool add_split(struct ask *a, size_t pos, const size_t *end, size_t pieces,
                      const enum slot_mode *mode, float max)
{
    const struct slot s = a->slot[pos];
    uint8_t slot[SPLIT_PIECES], had = a->slots;
    size_t i = 0;

    for (size_t from = 0; i < pieces; from = end[i++]) {
        size_t len = end[i] - from;

        slot[i] = slot_for(a, s.text + from, len, word_kind_of(s.text + from, len), mode[i]);
        if (slot[i] == ASK_SLOTS_MAX || !a->slot[slot[i]].expansions)
            break;
    }
    if (i == pieces) {
        add_reading(a, pos, pos + 1, slot, pieces, 0, max);
        return true;
    }
    while (a->slots > had)
        mem_free(a->slot[--a->slots].expansion);
    return false;
}

/* A cut of a word into two, of which one is known. */
struct cut {
    size_t at;
    bool front; /* which is known */
    double worth;
};

static void note_cut(struct cut best[SPLIT_ATTEMPTS], const struct cut *cut)
{
    size_t i = SPLIT_ATTEMPTS;

    while (i && best[i - 1].worth < cut->worth) {
        if (i < SPLIT_ATTEMPTS)
            best[i] = best[i - 1];
        i--;
    }
    if (i < SPLIT_ATTEMPTS)
        best[i] = *cut;
}

/* One half is a word, the other is one edit away from one; long and frequent words are tried first.
 */
static void add_typo_splits(struct ask *a, size_t pos, float max)
{
    static const enum slot_mode front[] = {SLOT_EXACT, SLOT_TYPO}, back[] = {SLOT_TYPO, SLOT_EXACT};
    const struct slot s = a->slot[pos];
    struct cut best[SPLIT_ATTEMPTS] = {{0}};
    int found = 0;

    for (size_t at = 3; at + 3 <= s.len; at++) {
        for (int is_front = 0; code_point_start(s.text[at]) && is_front < 2; is_front++) {
            size_t known = is_front ? at : s.len - at;
            uint32_t uses = 0;

            if (s.len - known >= SPLIT_TYPO_HALF)
                uses = uses_of(a, is_front ? s.text : s.text + at, known);
            if (uses)
                note_cut(best, &(struct cut){at, is_front, (double)known + log2(uses)});
        }
    }
    for (size_t i = 0; i < SPLIT_ATTEMPTS && best[i].at && found < SPLIT_TRIES; i++)
        found +=
            add_split(a, pos, (size_t[]){best[i].at, s.len}, 2, best[i].front ? front : back, max);
}

static bool has_close_word(const struct slot *s)
{
    for (size_t i = 0; i < s->expansions; i++)
        if (s->expansion[i].how == MATCH_EXACT || s->expansion[i].weight >= .78f)
            return true;
    return false;
}

static void split_position(struct ask *a, size_t pos)
{
    static const enum slot_mode exact[SPLIT_PIECES] = {SLOT_EXACT, SLOT_EXACT, SLOT_EXACT};
    const struct slot *s = &a->slot[pos];
    float max = SPLIT_WORTH_MAX * s->idf;
    size_t end[SPLIT_PIECES], pieces = 0;
    bool close = has_close_word(s);

    if (s->kind != WORD_LETTERS || s->len < SPLIT_MIN || s->exact >= WELL_KNOWN)
        return;
    if (best_cuts(a, s->text, s->len, 2, end))
        pieces = 2;
    else if (!close && best_cuts(a, s->text, s->len, SPLIT_PIECES, end))
        pieces = SPLIT_PIECES;
    if (pieces && add_split(a, pos, end, pieces, exact, max)) {
        const struct reading *r = &a->reading[a->readings - 1];

        max = 0;
        for (size_t i = 0; i < r->slots; i++)
            max += SPLIT_TYPO_WORTH * r->worth[i];
    }
    if (!close && s->len >= SPLIT_TYPO_MIN)
        add_typo_splits(a, pos, max);
}

/* --- words that are one --- */

static void join_positions(struct ask *a, size_t pos)
{
    const struct slot *s = &a->slot[pos], *t = &a->slot[pos + 1];
    char text[2 * WORD_BYTES_MAX];
    size_t len = (size_t)s->len + t->len;
    float sum = own_worth(a, pos, pos + 2);
    uint8_t slot;

    if (len > WORD_BYTES_MAX || s->kind > WORD_NUMBER || t->kind > WORD_NUMBER)
        return;
    memcpy(text, s->text, s->len);
    memcpy(text + s->len, t->text, t->len);
    if (!uses_of(a, text, len))
        return;
    slot = slot_for(a, text, len, word_kind_of(text, len), SLOT_EXACT);
    add_reading(a, pos, pos + 2, &slot, 1, JOIN_WORTH_MIN * sum, JOIN_WORTH_MAX * sum);
}

/* --- the words of the text --- */

/* How well known a word is, or the episode that it is part of: "season" and "1" alone say nothing.
 */
static uint32_t uses_in_query(const struct ask *a, const struct words *w, const struct word *word)
{
    for (size_t i = 0; i < w->count; i++) {
        const struct word *e = &w->word[i];
        uint32_t uses;

        if (e->kind != WORD_EPISODE || word->run < e->run || word->run >= e->run + e->runs)
            continue;
        uses = uses_of(a, w->text + e->at, e->len);
        if (uses)
            return uses;
    }
    return uses_of(a, w->text + word->at, word->len);
}

/* Which of the query's words are its positions: whole runs (and pairs of dense scripts), the rarest
 * when there are too many. Gives how many; in[] are places in w. */
static size_t choose_positions(const struct ask *a, const struct words *w, uint16_t in[WORDS_MAX])
{
    uint32_t uses[WORDS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < w->count; i++) {
        const struct word *word = &w->word[i];

        if (word->part || word->kind == WORD_EPISODE)
            continue;
        uses[n] = uses_in_query(a, w, word);
        in[n++] = (uint16_t)i;
    }
    while (n > QUERY_WORDS_MAX) {
        size_t most = 0;

        for (size_t i = 1; i < n; i++)
            if (uses[i] > uses[most])
                most = i;
        n--;
        memmove(in + most, in + most + 1, (n - most) * sizeof *in);
        memmove(uses + most, uses + most + 1, (n - most) * sizeof *uses);
    }
    return n;
}

/* The parts of a run with camel case or digits, and episodes over several runs. */
static void add_parts_and_episodes(struct ask *a, const struct words *w, const uint16_t *in)
{
    for (size_t pos = 0; pos < a->positions; pos++) {
        const struct word *whole = &w->word[in[pos]];
        uint8_t slot[READING_SLOTS_MAX + 1];
        size_t n = 0, covered = 0;
        float worth;

        for (size_t i = in[pos] + 1u; i < w->count && n <= READING_SLOTS_MAX; i++) {
            const struct word *part = &w->word[i];

            if (!part->part || part->run != whole->run)
                continue;
            slot[n] =
                slot_for(a, w->text + part->at, part->len, (enum word_kind)part->kind, SLOT_EXACT);
            covered += part->len;
            n += !memchr(slot, slot[n], n); /* s01e01 has one 1 */
        }
        /* single letters and zeros are not among the parts: what is left says less than the whole
         */
        worth = covered < whole->len ? (float)covered / whole->len : SPLIT_WORTH_MAX;
        if (n)
            add_reading(a, pos, pos + 1, slot, n, 0, worth * a->slot[pos].idf);
    }
    for (size_t i = 0; i < w->count; i++) {
        const struct word *e = &w->word[i];
        size_t from = 0, to;
        float sum;
        uint8_t slot;

        if (e->kind != WORD_EPISODE || !uses_of(a, w->text + e->at, e->len))
            continue;
        while (from < a->positions && w->word[in[from]].run < e->run)
            from++;
        for (to = from; to < a->positions && w->word[in[to]].run < e->run + e->runs;)
            to++;
        if (from == to)
            continue;
        sum = own_worth(a, from, to);
        slot = slot_for(a, w->text + e->at, e->len, WORD_EPISODE, SLOT_EXACT);
        add_reading(a, from, to, &slot, 1, JOIN_WORTH_MIN * sum, JOIN_WORTH_MAX * sum);
    }
}

static void sort_readings(struct ask *a)
{
    size_t n = 0;

    for (uint8_t to = 0; to <= a->positions; to++) {
        a->first_reading[to] = (uint8_t)n;
        for (size_t i = n; i < a->readings; i++) {
            if (a->reading[i].to == to) {
                struct reading r = a->reading[i];

                a->reading[i] = a->reading[n];
                a->reading[n++] = r;
            }
        }
    }
    a->first_reading[a->positions + 1] = (uint8_t)n;
}

static double postings_of(const struct slot *s)
{
    double sum = 0;

    for (size_t i = 0; i < s->expansions; i++)
        sum += s->expansion[i].uses;
    return sum;
}

/* Which lists make candidates; the others only add to them. Whoever matches `need` positions of n
 * matches one of any n - need + 1, so the rarest of these suffice, unless the lists are short
 * anyway. And of those, very common ones are left out as long as they are a third of the query's
 * worth. */
static void choose_creators(struct ask *a)
{
    unsigned need = (a->positions + 1u) / 2, creators = a->positions;
    double many = 1500 + ask_size(a->c) / 1000, much = 5000 + ask_size(a->c) / 200;
    bool seen[QUERY_WORDS_MAX] = {false};
    float left = 0.34f * own_worth(a, 0, a->positions);

    for (unsigned round = 0; round < a->positions; round++) {
        struct slot *s;
        size_t least = a->positions;

        for (size_t i = 0; i < a->positions; i++)
            if (!seen[i] && (least == a->positions || a->slot[i].idf < a->slot[least].idf))
                least = i;
        s = &a->slot[least];
        seen[least] = true;
        left -= s->idf;
        if ((creators > a->positions - need + 1 && postings_of(s) > much) ||
            (left >= 0 && s->exact >= many)) {
            s->creates = false;
            creators--;
        }
    }
}

/* Is there an episode known to the catalog that explains what this reading does? */
static bool is_episode(const struct ask *a, const struct reading *r)
{
    for (uint8_t i = 0; i < a->readings; i++) {
        const struct reading *o = &a->reading[i];
        const struct slot *s = &a->slot[o->slot[0]];

        if (s->kind == WORD_EPISODE && s->exact && o->from <= r->from && o->to >= r->to)
            return true;
    }
    return false;
}

/* Words that explain one position together: common ones only add where an episode explains it, too.
 * Else all of them may be needed, since one may stand in a folder and the other in the name; but
 * then very common ones only add to the rarest. */
static void choose_part_creators(struct ask *a)
{
    double many = 1500 + ask_size(a->c) / 1000, much = 20000 + ask_size(a->c) / 250;

    for (uint8_t i = 0; i < a->readings; i++) {
        const struct reading *r = &a->reading[i];
        uint8_t rarest = r->slot[0];
        bool episode = is_episode(a, r);

        for (uint8_t k = 1; k < r->slots; k++)
            if (a->slot[r->slot[k]].idf > a->slot[rarest].idf)
                rarest = r->slot[k];
        for (uint8_t k = 0; k < r->slots; k++) {
            struct slot *s = &a->slot[r->slot[k]];

            if (r->slot[k] >= a->positions && (episode || r->slot[k] != rarest))
                s->creates &= s->kind == WORD_EPISODE || s->exact < (episode ? many : much);
        }
    }
}

static void understand(struct ask *a, const char *text, size_t len)
{
    uint16_t in[WORDS_MAX];
    struct words w;

    words_of(&w, text, len, WORDS_QUERY);
    a->positions = (uint8_t)choose_positions(a, &w, in);
    for (size_t i = 0; i < a->positions; i++) {
        const struct word *word = &w.word[in[i]];
        struct slot *s =
            &a->slot[a->slots++]; /* position i is slot i, also when a word is there twice */

        *s =
            (struct slot){.len = word->len, .kind = word->kind, .mode = SLOT_FULL, .creates = true};
        memcpy(s->text, w.text + word->at, word->len);
        expand(a->c, s);
    }
    for (size_t i = 0; i < a->positions; i++) {
        uint8_t slot = (uint8_t)i;

        add_reading(a, i, i + 1, &slot, 1, 0, INFINITY);
    }
    a->ideal = own_worth(a, 0, a->positions);
    add_parts_and_episodes(a, &w, in);
    for (size_t i = 0; i + 1 < a->positions; i++)
        join_positions(a, i);
    for (size_t i = 0; i < a->positions; i++)
        split_position(a, i);
    sort_readings(a);
    choose_creators(a);
    choose_part_creators(a);
}

/* Which positions each slot can explain, for a quick look before readings are compared. */
static void note_covers(struct ask *a)
{
    for (unsigned i = 0; i < a->readings; i++) {
        const struct reading *r = &a->reading[i];

        for (unsigned k = 0; k < r->slots; k++)
            a->covers[r->slot[k]] |= (uint16_t)((1u << r->to) - (1u << r->from));
    }
}

void ask_init(struct ask *a, const struct catalog *c, const struct search_query *q)
{
    char plain[QUERY_LEN_MAX];
    size_t len = q->len < QUERY_LEN_MAX ? q->len : QUERY_LEN_MAX;

    memset(a, 0, sizeof *a);
    a->c = c;
    a->q = q;
    if (q->in)
        ask_in(a, q->in);
    understand(a, plain, ask_marks(a, q->text, len, plain));
    note_covers(a);
}

void ask_done(struct ask *a)
{
    for (uint8_t i = 0; i < a->slots; i++)
        mem_free(a->slot[i].expansion);
}
