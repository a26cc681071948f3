/* Words -> candidates: every node that has at least half of the query's words, by itself or by the
 * folders above it, and passes all filters.
 *
 * Folders' words are not repeated below them: one row of weights a folder is filled from the lists,
 * then handed down (a folder's number is above that of the folder it lies in). Names are worked
 * through in blocks of node numbers, one row of weights a node, so that all lists of a block meet
 * in the cache. */
#include "core/search_priv.h"
#include "core/types.h"

#include <math.h>
#include <string.h>

#define BLOCK            16384u
#define FOLDER_FILES_MAX 2000u /* candidates that only their folders speak for */
#define FOLDER_BINS      1024u
#define SCORE_NAME_BYTE  0.0003f /* so that ties prefer short names */

#define DIR_WORDS   1u /* it or a folder above has words that were looked for */
#define DIR_CREATES 2u /* some of a list that creates candidates */
#define DIR_OWN     4u /* its own name has some */

/* One word's list, read block by block. */
struct list {
    struct post_cursor at;
    bool more, creates, folders; /* folders: some of its nodes are */
    uint8_t slot, weight;
};

struct finder {
    const struct ask *a;
    const struct catalog *c;
    unsigned need; /* positions that must match */
    struct list *list;
    size_t lists, list_cap;
    uint8_t *dir;      /* WEIGHTS bytes a folder, for what is in it; only where dir_has */
    uint8_t *dir_has;  /* DIR_* a folder */
    uint8_t *in_state; /* how many folders of `in` are met down to each folder */
    uint8_t *seen;     /* a bit a node: judged already */
    struct candidates *out;
};

/* --- judging --- */

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

static bool same_ext(const struct node *n, const char *ext)
{
    size_t len = strlen(ext);
    const char *at = n->path + n->path_len - len;

    if (!len || len + 1 > (size_t)(n->path_len - n->name_at) || at[-1] != '.')
        return false;
    for (size_t i = 0; i < len; i++)
        if ((at[i] >= 'A' && at[i] <= 'Z' ? at[i] | 0x20 : at[i]) !=
            (ext[i] >= 'A' && ext[i] <= 'Z' ? ext[i] | 0x20 : ext[i]))
            return false;
    return true;
}

static bool has_type(const struct node *n, const char *type)
{
    const char *is;

    if (!strcmp(type, "dir"))
        return n->kind == ROW_DIR;
    if (n->kind == ROW_DIR)
        return false;
    is = strcmp(type, "file") ? types_of(n->path, n->path_len) : type;
    return is && !strcmp(is, type);
}

/* Do the phrase's words stand side by side in this name? */
static bool has_phrase(const struct phrase *p, const struct words *w)
{
    for (size_t i = 0; i < w->count; i++) {
        size_t k = i, met = 0;

        for (; k < w->count && met < p->words; k++) {
            const struct word *word = &w->word[k];

            if (word->part || word->kind == WORD_EPISODE || word->kind == WORD_INITIALS)
                continue;
            if (word->len != p->len[met] ||
                memcmp(w->text + word->at, p->text + p->at[met], word->len))
                break;
            met++;
        }
        if (met == p->words)
            return true;
    }
    return false;
}

static bool path_has_phrase(const struct phrase *p, const struct node *n)
{
    size_t end = n->path_len;

    while (end) {
        size_t from = end;
        struct words w;

        while (from && n->path[from - 1] != '/')
            from--;
        words_of(&w, n->path + from, end - from, WORDS_FOLDER);
        if (has_phrase(p, &w))
            return true;
        end = from ? from - 1 : 0;
    }
    return false;
}

bool find_has_phrases(const struct ask *a, uint32_t node)
{
    for (uint8_t i = 0; i < a->phrases; i++)
        if (!path_has_phrase(&a->phrase[i], &a->c->node[node]))
            return false;
    return true;
}

static bool passes(const struct finder *f, const struct node *n)
{
    const struct search_query *q = f->a->q;

    if (n->size < q->larger || n->size > q->smaller || n->mtime_s < q->newer_s)
        return false;
    if (q->peer && !nid_eq(&f->c->peer[n->peer].nid, q->peer))
        return false;
    if (f->a->in_parts && f->in_state[n->above] < f->a->in_parts)
        return false;
    if (q->ext && (n->kind == ROW_DIR || !same_ext(n, q->ext[0] == '.' ? q->ext + 1 : q->ext)))
        return false;
    if (q->type && !has_type(n, q->type))
        return false;
    return true;
}

static bool has_filter(const struct ask *a)
{
    const struct search_query *q = a->q;

    return q->type || q->ext || q->larger || q->smaller != UINT64_MAX || q->newer_s != INT64_MIN ||
           q->peer || a->in_parts;
}

static bool excluded(const struct ask *a, const uint8_t *weights)
{
    for (uint8_t g = 0; g < a->exclude_groups; g++) {
        unsigned has = 0;

        for (unsigned i = 0; i < a->excludes; i++)
            has |= (unsigned)(weights[ASK_SLOTS_MAX + i] > 0) << i;
        if ((has & a->exclude_group[g]) == a->exclude_group[g])
            return true;
    }
    return false;
}

static bool is_result(const struct node *n)
{
    return node_alive(n) && n->content && n->kind != ROW_PART && n->path_len;
}

static void add(struct finder *f, uint32_t node, float score, bool full)
{
    const struct node *n = &f->c->node[node];
    struct candidates *out = f->out;

    MEM_GROW(out->of, out->count, out->cap);
    score = f->a->positions ? score / f->a->ideal : 0;
    score -= SCORE_NAME_BYTE * (float)(n->path_len - n->name_at);
    out->of[out->count++] =
        (struct candidate){.score = score, .node = node, .path_len = n->path_len, .full = full};
}

/* Each weight becomes the greater of the two. */
static void raise_weights(uint8_t *restrict weights, const uint8_t *restrict by)
{
    for (unsigned i = 0; i < WEIGHTS; i++)
        weights[i] = weights[i] > by[i] ? weights[i] : by[i];
}

/* A node whose own name matched something. */
static void judge(struct finder *f, uint32_t node, uint8_t *weights)
{
    const struct node *n = &f->c->node[node];
    unsigned matched;
    float score;

    f->seen[node / 8] |= (uint8_t)(1u << node % 8);
    if (!is_result(n))
        return;
    if (f->dir_has[n->above])
        raise_weights(weights, f->dir + (size_t)n->above * WEIGHTS);
    score = find_weigh(f->a, weights, &matched);
    if (matched >= f->need && !excluded(f->a, weights) && passes(f, n))
        add(f, node, score, matched == f->a->positions);
}

/* --- lists --- */

static void add_list(struct finder *f, uint32_t word, unsigned slot, float weight, bool creates)
{
    struct list l = {.at = post_read(&f->c->vocab.word[word].post),
                     .creates = creates,
                     .folders = f->c->vocab.in_folders[word],
                     .slot = (uint8_t)slot,
                     .weight = (uint8_t)lroundf(weight * WEIGHT_ONE)};

    l.more = post_next(&l.at);
    if (!l.more)
        return;
    MEM_GROW(f->list, f->lists, f->list_cap);
    f->list[f->lists++] = l;
}

/* Those that create candidates first: the others only add to what is there. */
static void open_lists(struct finder *f)
{
    const struct ask *a = f->a;

    /* what is excluded must be seen even where only the folders match */
    for (unsigned i = 0; i < a->excludes; i++)
        add_list(f, a->exclude[i], ASK_SLOTS_MAX + i, 1, true);
    for (int creates = 1; creates >= 0; creates--)
        for (unsigned s = 0; s < a->slots; s++)
            for (size_t i = 0; a->slot[s].creates == creates && i < a->slot[s].expansions; i++)
                add_list(f, a->slot[s].expansion[i].word, s, a->slot[s].expansion[i].weight,
                         creates);
}

/* --- folders --- */

static void weigh_folders(struct finder *f)
{
    const struct catalog *c = f->c;

    f->dir = mem_zero(c->dirs, WEIGHTS);
    f->dir_has = mem_zero(c->dirs, 1);
    for (size_t i = 0; i < f->lists; i++) {
        const struct list *l = &f->list[i];
        struct post_cursor p = l->at;
        uint8_t weight = (uint8_t)lroundf((float)l->weight * FOLDER_PART);

        if (!l->folders)
            continue;
        do {
            uint32_t d = p.folder ? c->node[p.node].dir : 0;
            uint8_t *w = f->dir + (size_t)d * WEIGHTS + l->slot;

            if (!d || !node_alive(&c->node[p.node]))
                continue;
            *w = *w > weight ? *w : weight;
            f->dir_has[d] |= DIR_WORDS | DIR_OWN | (l->creates ? DIR_CREATES : 0);
        } while (post_next(&p));
    }
    for (uint32_t d = 1; d < c->dirs; d++) {
        uint32_t above = c->dir[d].above;

        if (!f->dir_has[above])
            continue;
        raise_weights(f->dir + (size_t)d * WEIGHTS, f->dir + (size_t)above * WEIGHTS);
        f->dir_has[d] |= f->dir_has[above] & (DIR_WORDS | DIR_CREATES);
    }
}

/* For each folder, how many folders of `in` it and those above it meet, in order. */
static void weigh_in(struct finder *f)
{
    const struct ask *a = f->a;
    const struct catalog *c = f->c;
    uint8_t *has = mem_zero(c->dirs, 1);

    f->in_state = mem_zero(c->dirs, 1);
    for (unsigned i = 0; i < a->in_words; i++) {
        struct post_cursor p = post_read(&c->vocab.word[a->in[i]].post);

        while (post_next(&p))
            if (p.folder && node_alive(&c->node[p.node]))
                has[c->node[p.node].dir] |= (uint8_t)(1u << i);
    }
    for (uint32_t d = 1; d < c->dirs; d++) {
        uint8_t met = f->in_state[c->dir[d].above];

        if (met < a->in_parts && (has[d] & a->in_part[met]) == a->in_part[met])
            met++;
        f->in_state[d] = met;
    }
    mem_free(has);
}

struct folder {
    float score;
    uint8_t matched; /* positions */
    bool excluded;
};

/* What each folder says for the files in it. One that has no words of its own says what the folder
 * above says. */
static struct folder *judge_folders(const struct finder *f)
{
    const struct catalog *c = f->c;
    struct folder *folder = mem_zero(c->dirs, sizeof *folder);

    for (uint32_t d = 1; d < c->dirs; d++) {
        const uint8_t *w = f->dir + (size_t)d * WEIGHTS;
        unsigned matched;

        if (!(f->dir_has[d] & DIR_CREATES))
            continue;
        if (!(f->dir_has[d] & DIR_OWN)) {
            folder[d] = folder[c->dir[d].above];
            continue;
        }
        folder[d].score = find_weigh(f->a, w, &matched);
        folder[d].matched = (uint8_t)matched;
        folder[d].excluded = excluded(f->a, w);
    }
    return folder;
}

static unsigned folder_bin(const struct finder *f, const struct folder *folder)
{
    float share = folder->score / f->a->ideal;

    return share >= 1 ? 0 : (unsigned)((1 - share) * (FOLDER_BINS - 1));
}

/* Folders that say enough, best first: a counting sort, since there can be very many. */
static uint32_t *sort_folders(const struct finder *f, const struct folder *folder, size_t *count)
{
    size_t bin[FOLDER_BINS + 1] = {0};
    uint32_t *sorted;

    for (uint32_t d = 1; d < f->c->dirs; d++)
        if (folder[d].matched >= f->need && !folder[d].excluded)
            bin[folder_bin(f, &folder[d]) + 1]++;
    for (unsigned i = 0; i < FOLDER_BINS; i++)
        bin[i + 1] += bin[i];
    *count = bin[FOLDER_BINS];
    sorted = mem_alloc(*count * sizeof *sorted);
    for (uint32_t d = 1; d < f->c->dirs; d++)
        if (folder[d].matched >= f->need && !folder[d].excluded)
            sorted[bin[folder_bin(f, &folder[d])]++] = d;
    return sorted;
}

/* Files that only their folders speak for, from the best folders. */
static void find_in_folders(struct finder *f)
{
    const struct catalog *c = f->c;
    struct folder *folder = judge_folders(f);
    size_t folders, files = 0;
    uint32_t *sorted = sort_folders(f, folder, &folders);

    for (size_t i = 0; i < folders; i++) {
        const struct folder *in = &folder[sorted[i]];

        if (files >= FOLDER_FILES_MAX) {
            f->out->more += has_filter(f->a) ? 0 : c->dir[sorted[i]].children;
            continue;
        }
        for (uint32_t n = c->dir[sorted[i]].first; n; n = c->node[n].sibling) {
            if (f->seen[n / 8] >> n % 8 & 1 || c->node[n].kind == ROW_DIR ||
                !is_result(&c->node[n]) || !passes(f, &c->node[n]))
                continue;
            add(f, n, in->score, in->matched == f->a->positions);
            files++;
        }
    }
    mem_free(sorted);
    mem_free(folder);
}

/* --- names --- */

/* Bring one list's nodes of the block that ends before end into the rows of weights. */
static size_t read_list(struct list *l, uint32_t base, uint8_t *rows, uint16_t *touched,
                        size_t count)
{
    while (l->more && l->at.node < base + BLOCK) {
        uint8_t *w = rows + (size_t)(l->at.node - base) * WEIGHTS;

        if (l->creates && !w[WEIGHT_SEEN]) {
            w[WEIGHT_SEEN] = 1;
            touched[count++] = (uint16_t)(l->at.node - base);
        }
        if (w[WEIGHT_SEEN] && w[l->slot] < l->weight)
            w[l->slot] = l->weight;
        l->more = post_next(&l->at);
    }
    return count;
}

static void find_in_names(struct finder *f)
{
    size_t size = f->c->nodes < BLOCK ? f->c->nodes : BLOCK;
    uint8_t *rows = mem_zero(size, WEIGHTS);
    uint16_t *touched = mem_alloc(size * sizeof *touched);

    for (uint32_t base = 0; base < f->c->nodes; base += BLOCK) {
        size_t count = 0;

        for (size_t i = 0; i < f->lists; i++)
            count = read_list(&f->list[i], base, rows, touched, count);
        for (size_t i = 0; i < count; i++) {
            uint8_t *w = rows + (size_t)touched[i] * WEIGHTS;

            judge(f, base + touched[i], w);
            memset(w, 0, WEIGHTS);
        }
    }
    mem_free(touched);
    mem_free(rows);
}

/* No words, only filters: all that pass. */
static void find_by_filters(struct finder *f)
{
    if (!has_filter(f->a))
        return;
    find_in_names(f); /* judges those with an excluded word */
    for (uint32_t id = 1; id < f->c->nodes; id++) {
        const struct node *n = &f->c->node[id];

        if (!(f->seen[id / 8] >> id % 8 & 1) && is_result(n) &&
            !excluded(f->a, f->dir + (size_t)n->above * WEIGHTS) && passes(f, n))
            add(f, id, 0, true);
    }
}

void find(const struct ask *a, struct candidates *out)
{
    struct finder f = {.a = a, .c = a->c, .need = (a->positions + 1u) / 2, .out = out};

    *out = (struct candidates){0};
    if (a->nothing)
        return;
    f.seen = mem_zero(a->c->nodes / 8 + 1, 1);
    open_lists(&f);
    weigh_folders(&f);
    if (a->in_parts)
        weigh_in(&f);
    if (a->positions) {
        find_in_names(&f);
        find_in_folders(&f);
    } else {
        find_by_filters(&f);
    }
    mem_free(f.in_state);
    mem_free(f.dir);
    mem_free(f.dir_has);
    mem_free(f.list);
    mem_free(f.seen);
}
