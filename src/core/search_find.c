/* Words -> candidates: every entry that has at least half of the query's words, by itself or by the
 * folders above it, and passes all filters.
 *
 * In each segment the lists of all words are thrown together and sorted by entry. Folders' words
 * are not repeated below them: what they give is a set of ranges, either nested or apart, that are
 * walked along with the entries. The same combination of weights comes again and again, so its best
 * reading is remembered. */
#include "core/search_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER_FILES_MAX 2000u   /* candidates that only their folders speak for, of a segment */
#define HITS_MAX         400000u /* of one word; what is beyond is only counted */
#define ADDERS_MAX       32u     /* lists of common words that only add ... */
#define SLOT_ADDERS_MAX  8u      /* ... of one slot */
#define CHECKED_MAX      5000u   /* candidates that go through filters whatever they score */
#define SCORE_NAME_BYTE  0.0003f /* so that ties prefer short names */
#define MEMO_BITS        10u

/* One byte a slot, eight in a word: bytes that are written one by one and read as one word right
 * after make the processor wait. */
struct weights {
    uint64_t part[WEIGHTS / 8];
};

/* A list that only adds to candidates of others. */
struct adder {
    const uint8_t *p;
    uint32_t left, entry;
    uint8_t slot, weight;
};

/* Walks along the entries with the weights that the folders above give. */
struct walk {
    size_t next;    /* mark */
    uint32_t start; /* the first entry below its folder; all entries when there is no more */
    size_t depth, cap;
    struct open {
        uint32_t end; /* entry */
        uint8_t slot, before;
    } * open;
    struct weights weight;
};

/* Entries that only their folders speak for. */
struct run {
    float score;
    uint32_t from, to;
    bool full;
};

struct memo {
    struct weights weights;
    float score;
    uint8_t matched;
    bool known, good; /* good: enough positions match, and nothing excludes it */
    bool creates;     /* some list that makes candidates is among them */
};

/* An entry whose weights were judged. */
struct judged {
    float score;
    uint32_t entry;
    bool full;
};

struct finder {
    const struct ask *a;
    const struct segment *s;
    uint8_t number; /* of the segment */
    unsigned need;  /* positions that must match */
    struct top *top;
    struct filter filter;
    struct hits entry, mark;
    struct judged *judged;
    size_t judged_cap;
    struct adder adder[ADDERS_MAX];
    size_t adders;
    size_t checked, passed; /* by the filters */
    struct memo memo[1u << MEMO_BITS];
};

/* --- weights --- */

static uint8_t weight_of(const struct weights *w, unsigned slot)
{
    return (uint8_t)(w->part[slot / 8] >> slot % 8 * 8);
}

static void set_weight(struct weights *w, unsigned slot, uint8_t weight)
{
    unsigned shift = slot % 8 * 8;

    w->part[slot / 8] = (w->part[slot / 8] & ~((uint64_t)UINT8_MAX << shift)) | (uint64_t)weight
                                                                                    << shift;
}

static void raise_weight(struct weights *w, unsigned slot, uint8_t weight)
{
    if (weight_of(w, slot) < weight)
        set_weight(w, slot, weight);
}

static void spread(const struct weights *w, uint8_t out[WEIGHTS])
{
    for (unsigned i = 0; i < WEIGHTS; i++)
        out[i] = weight_of(w, i);
}

float find_weigh(const struct ask *a, const uint8_t *weights, unsigned *matched)
{
    float best[QUERY_WORDS_MAX + 1] = {0};
    unsigned count[QUERY_WORDS_MAX + 1] = {0};

    for (unsigned to = 1; to <= a->positions; to++) {
        best[to] = best[to - 1];
        count[to] = count[to - 1];
        for (unsigned i = a->first_reading[to]; i < a->first_reading[to + 1]; i++) {
            const struct reading *r = &a->reading[i];
            float sum = best[r->from];
            unsigned all = 0;

            for (unsigned k = 0; k < r->slots; k++) {
                sum += r->worth[k] * weights[r->slot[k]] * (1.0f / WEIGHT_ONE);
                all += weights[r->slot[k]] > 0;
            }
            all = count[r->from] + (all == r->slots ? r->to - r->from : 0);
            if (sum > best[to]) {
                best[to] = sum;
                count[to] = all;
            }
        }
    }
    *matched = count[a->positions];
    return best[a->positions];
}

static bool excluded(const struct ask *a, const uint8_t *weights)
{
    for (uint8_t g = 0; g < a->exclude_groups; g++) {
        bool all = true;

        for (unsigned i = 0; i < a->excludes; i++)
            all &= a->exclude[i].group != g || weights[ASK_SLOTS_MAX + i];
        if (all)
            return true;
    }
    return false;
}

/* May these weights match enough positions? Tells it without comparing readings. */
static bool enough(const struct finder *f, const uint8_t *weights, bool *creates)
{
    const struct ask *a = f->a;
    unsigned covered = 0, count = 0;

    *creates = false;
    for (unsigned i = 0; i < a->slots; i++) {
        if (weights[i]) {
            covered |= a->covers[i];
            *creates |= a->slot[i].creates;
        }
    }
    for (; covered; covered &= covered - 1)
        count++;
    return count >= f->need;
}

/* Weights that were not met before, or not lately. */
static __attribute__((noinline)) void judge(struct finder *f, const struct weights *w,
                                            struct memo *m)
{
    uint8_t weights[WEIGHTS];
    unsigned matched = 0;

    spread(w, weights);
    m->weights = *w;
    m->score = 0;
    if (enough(f, weights, &m->creates) && f->a->positions)
        m->score = find_weigh(f->a, weights, &matched) / f->a->ideal;
    m->matched = (uint8_t)matched;
    m->good = matched >= f->need && !excluded(f->a, weights);
    m->known = true;
}

static inline const struct memo *weigh(struct finder *f, const struct weights *w)
{
    uint64_t mix = 0, differ = 0;
    struct memo *m;

    for (size_t i = 0; i < WEIGHTS / 8; i++)
        mix = (mix ^ w->part[i]) * 0x9e3779b97f4a7c15u;
    m = &f->memo[mix >> (64 - MEMO_BITS)];
    for (size_t i = 0; i < WEIGHTS / 8; i++)
        differ |= m->weights.part[i] ^ w->part[i];
    if (!m->known || differ)
        judge(f, w, m);
    return m;
}

/* --- candidates --- */

/* Living, and not the shared folder itself. */
static bool is_result(const struct segment *s, uint32_t entry, uint32_t folder)
{
    return !segment_dead(s, entry) && (s->name_len[entry] || s->folder[folder].parent != SEG_NONE);
}

static float name_score(const struct finder *f, uint32_t entry, float score)
{
    return score - SCORE_NAME_BYTE * f->s->name_len[entry];
}

static bool is_filtered(const struct finder *f)
{
    return f->filter.any || f->a->phrases || f->a->c->hidden;
}

/* score: with the name's length. folder: one at or before the entry's, which it becomes. */
static void offer(struct finder *f, uint32_t entry, uint32_t *folder, float score, bool full)
{
    struct candidate x = {.score = score, .entry = entry, .segment = f->number, .full = full};
    bool filtered = is_filtered(f);

    if (score < f->top->floor && (!filtered || f->checked >= CHECKED_MAX)) {
        /* it will not be seen: counted as the others passed */
        if (!filtered || f->passed * 2 >= f->checked)
            top_count(f->top, 1, full);
        return;
    }
    x.folder = *folder = segment_folder_of(f->s, entry, *folder);
    if (!is_result(f->s, entry, x.folder) || catalog_hides(f->a->c, f->s, x.folder))
        return;
    f->checked++;
    if (filtered && !filter_passes(&f->filter, entry, x.folder))
        return;
    f->passed++;
    x.path_len = (uint16_t)segment_path_len(f->s, entry, x.folder);
    top_add(f->top, &x);
}

/* Offer what was judged, the likely best first: then there is a floor, and the others only count.
 */
static void offer_judged(struct finder *f, size_t count)
{
    size_t likely = 2 * f->top->want;
    float least = INFINITY, *score;
    uint32_t folder = 0;

    if (count > 2 * likely && likely) {
        score = mem_alloc(count * sizeof *score);
        for (size_t i = 0; i < count; i++)
            score[i] = f->judged[i].score;
        least = top_nth(score, count, likely);
        mem_free(score);
        for (size_t i = 0; i < count; i++)
            if (f->judged[i].score >= least)
                offer(f, f->judged[i].entry, &folder, f->judged[i].score, f->judged[i].full);
        top_tidy(f->top);
    }
    folder = 0;
    for (size_t i = 0; i < count; i++)
        if (f->judged[i].score < least)
            offer(f, f->judged[i].entry, &folder, f->judged[i].score, f->judged[i].full);
}

/* --- lists --- */

/* Is there room for one more list of the slot that only adds? */
static bool room_for_adder(const struct finder *f, unsigned slot)
{
    size_t n = 0;

    for (size_t i = 0; i < f->adders; i++)
        n += f->adder[i].slot == slot;
    return n < SLOT_ADDERS_MAX && f->adders < ADDERS_MAX;
}

static void add_word(struct finder *f, uint32_t word, unsigned slot, float weight, bool creates)
{
    struct seg_list l = segment_list(f->s, word);
    uint32_t count = l.entries < HITS_MAX ? l.entries : HITS_MAX;

    if (creates) {
        hits_add(&f->entry, l.entry, count, slot, weight);
        top_count(f->top, l.entries - count, 0);
    } else if (l.entries && room_for_adder(f, slot)) {
        f->adder[f->adders++] = (struct adder){.p = l.entry,
                                               .left = l.entries,
                                               .slot = (uint8_t)slot,
                                               .weight = (uint8_t)lroundf(weight * WEIGHT_ONE)};
    }
    if (l.folders)
        hits_add(&f->mark, l.folder, l.folders, slot, weight * FOLDER_PART);
}

static void open_lists(struct finder *f)
{
    const struct ask *a = f->a;
    size_t lists = 0;

    for (uint8_t i = 0; i < a->excludes; i++) {
        uint32_t word = segment_word_find(f->s, a->exclude[i].text, a->exclude[i].len);

        if (word != SEG_NONE)
            add_word(f, word, ASK_SLOTS_MAX + i, 1, false);
    }
    for (uint8_t i = 0; i < a->slots; i++) {
        for (size_t k = 0; k < a->slot[i].expansions; k++) {
            const struct expansion *e = &a->slot[i].expansion[k];

            if (e->segment != f->number)
                continue;
            add_word(f, e->word, i, e->weight, a->slot[i].creates);
            lists++;
        }
    }
    if (lists > 1) {
        hits_sort(&f->entry, f->s->entries);
        hits_sort(&f->mark, f->s->folders);
    }
}

/* --- along the folders --- */

static void close_before(struct walk *w, uint32_t entry)
{
    while (w->depth && w->open[w->depth - 1].end <= entry) {
        const struct open *o = &w->open[--w->depth];

        set_weight(&w->weight, o->slot, o->before);
    }
}

static void find_start(const struct finder *f, struct walk *w)
{
    w->start =
        w->next < f->mark.count ? f->s->folder[f->mark.of[w->next] >> 16].first : f->s->entries;
}

static void open_marks(const struct finder *f, struct walk *w, uint32_t entry)
{
    while (w->start <= entry && w->next < f->mark.count) {
        hit mark = f->mark.of[w->next++];
        const struct seg_folder *d = &f->s->folder[mark >> 16];
        uint32_t end = f->s->folder[d->end].first;
        uint8_t slot = (uint8_t)(mark >> 8), weight = (uint8_t)mark;

        find_start(f, w);
        if (end <= entry)
            continue;
        close_before(w, d->first);
        if (weight_of(&w->weight, slot) >= weight)
            continue;
        MEM_GROW(w->open, w->depth, w->cap);
        w->open[w->depth++] = (struct open){end, slot, weight_of(&w->weight, slot)};
        set_weight(&w->weight, slot, weight);
    }
}

static inline void walk_to(const struct finder *f, struct walk *w, uint32_t entry)
{
    if (w->start <= entry)
        open_marks(f, w, entry);
    close_before(w, entry);
}

static struct walk walk_begin(const struct finder *f)
{
    struct walk w = {0};

    find_start(f, &w);
    return w;
}

static int by_score(const void *pa, const void *pb)
{
    const struct run *a = pa, *b = pb;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return a->from < b->from ? -1 : a->from > b->from;
}

/* Stretches of entries whose folders alone say enough, best first. */
static struct run *find_runs(struct finder *f, size_t *count)
{
    struct walk w = walk_begin(f);
    struct run *run = NULL;
    size_t cap = 0;
    bool full;

    *count = 0;
    for (uint32_t e = w.start, next; e < f->s->entries; e = next) {
        const struct memo *m;

        walk_to(f, &w, e);
        next = w.start; /* where the weights change next */
        if (w.depth && w.open[w.depth - 1].end < next)
            next = w.open[w.depth - 1].end;
        m = weigh(f, &w.weight);
        if (!m->good || !m->creates)
            continue;
        full = m->matched == f->a->positions;
        if (m->score < f->top->floor && !is_filtered(f)) {
            f->top->more += full || !f->top->full ? next - e : 0;
            continue;
        }
        MEM_GROW(run, *count, cap);
        run[(*count)++] = (struct run){
            .score = m->score, .from = e, .to = next, .full = m->matched == f->a->positions};
    }
    mem_free(w.open);
    if (*count)
        qsort(run, *count, sizeof *run, by_score);
    return run;
}

/* Was this entry a hit? Its own name was judged then. */
static bool is_hit(const struct finder *f, uint32_t entry)
{
    size_t lo = 0, hi = f->entry.count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (f->entry.of[mid] >> 16 < entry)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < f->entry.count && f->entry.of[lo] >> 16 == entry;
}

static void find_in_folders(struct finder *f)
{
    size_t runs, files = 0;
    struct run *run = find_runs(f, &runs);

    for (size_t i = 0; i < runs; i++) {
        uint32_t folder = 0, e = run[i].from;

        for (; e < run[i].to && files < FOLDER_FILES_MAX; e++) {
            if (f->s->kind[e] == ROW_DIR || is_hit(f, e))
                continue;
            offer(f, e, &folder, name_score(f, e, run[i].score), run[i].full);
            files++;
        }
        if (!is_filtered(f) && (run[i].full || !f->top->full))
            f->top->more += run[i].to - e;
    }
    mem_free(run);
}

/* --- along the names --- */

/* The common words' lists, as far as this entry. */
static void add_common(struct finder *f, uint32_t entry, struct weights *weights)
{
    for (size_t i = 0; i < f->adders; i++) {
        struct adder *d = &f->adder[i];

        while (d->left && d->entry < entry) {
            d->entry += segment_varint(&d->p);
            d->left--;
        }
        if (d->entry == entry)
            raise_weight(weights, d->slot, d->weight);
    }
}

/* An adder's first number is a step from nothing: read it before the first comparison. */
static void start_adders(struct finder *f)
{
    for (size_t i = 0; i < f->adders; i++) {
        f->adder[i].entry = segment_varint(&f->adder[i].p);
        f->adder[i].left--;
    }
}

static void find_in_names(struct finder *f)
{
    const hit *h = f->entry.of, *end;
    struct walk w = walk_begin(f);
    size_t count = 0;

    if (!f->entry.count)
        return;
    end = h + f->entry.count;
    start_adders(f);
    while (h < end) {
        uint32_t entry = (uint32_t)(*h >> 16);
        struct weights weights;
        const struct memo *m;

        walk_to(f, &w, entry);
        weights = w.weight;
        for (; h < end && *h >> 16 == entry; h++)
            raise_weight(&weights, (uint8_t)(*h >> 8), (uint8_t)*h);
        add_common(f, entry, &weights);
        m = weigh(f, &weights);
        if (!m->good)
            continue;
        MEM_GROW(f->judged, count, f->judged_cap);
        f->judged[count++] = (struct judged){.score = name_score(f, entry, m->score),
                                             .entry = entry,
                                             .full = m->matched == f->a->positions};
    }
    offer_judged(f, count);
    mem_free(w.open);
}

/* No words, only filters: all that pass. */
static void find_by_filters(struct finder *f)
{
    struct walk w = walk_begin(f);
    uint32_t folder = 0;

    start_adders(f);
    for (uint32_t e = 0; e < f->s->entries; e++) {
        struct weights weights;
        uint8_t one[WEIGHTS];

        walk_to(f, &w, e);
        weights = w.weight;
        add_common(f, e, &weights);
        spread(&weights, one);
        if (!excluded(f->a, one))
            offer(f, e, &folder, name_score(f, e, 0), true);
    }
    mem_free(w.open);
}

void find(const struct ask *a, struct top *top)
{
    struct finder *f;

    if (a->nothing)
        return;
    f = mem_zero(1, sizeof *f);
    f->a = a;
    f->top = top;
    f->need = (a->positions + 1u) / 2;
    for (size_t i = 0; i < a->c->segments; i++) {
        f->s = a->c->segment[i];
        f->number = (uint8_t)i;
        f->entry.count = f->mark.count = f->adders = 0;
        filter_begin(&f->filter, a, f->s);
        open_lists(f);
        if (a->positions) {
            find_in_names(f);
            find_in_folders(f);
        } else if (f->filter.any) {
            find_by_filters(f);
        }
        filter_end(&f->filter);
    }
    mem_free(f->judged);
    mem_free(f->mark.of);
    mem_free(f->entry.of);
    mem_free(f);
}
