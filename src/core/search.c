#include "core/search.h"

#include "core/search_priv.h"
#include "core/typo.h"

#include <stdlib.h>
#include <string.h>

/* Candidates are ranked in chunks of this many contents, in the order in which find valued them; a
 * page is cut from chunks that don't depend on the page. So pages join, however they are asked for.
 */
#define CHUNK         200u
#define DEPTH_MAX     10000u /* rows that can be paged to */
#define NEAREST_EDITS 4      /* a word so many edits away means nothing any more */
#define COPIES_READ   4096u  /* rows of one content in a segment that are asked for their holders */

/* --- rows --- */

#define ROOTS_MAX  8  /* different root hashes of one content that are counted */
#define NAMES_MAX  32 /* different names of one content that are counted */
#define NAMES_READ 64 /* of its rows, those whose names are read */

/* Root hashes of one content, and how many holders give them. */
struct votes {
    struct hash root[ROOTS_MAX];
    size_t count[ROOTS_MAX], roots, best;
};

static void vote(struct votes *v, const struct hash *root)
{
    size_t i = 0;

    while (i < v->roots && !hash_eq(&v->root[i], root))
        i++;
    if (i == ROOTS_MAX)
        return;
    if (i == v->roots)
        v->root[v->roots++] = *root;
    if (++v->count[i] > v->count[v->best])
        v->best = i;
}

/* Different names of one content, each by a hash of it. */
struct names {
    uint64_t had[NAMES_MAX];
    size_t count, read;
};

static void note_name(struct names *n, const struct catalog *c, const struct segment *s, uint32_t e)
{
    char name[PATH_LEN_MAX + 1];
    uint64_t hash;

    if (n->count == NAMES_MAX || n->read++ == NAMES_READ)
        return;
    hash = sip(&c->key, name, segment_name(s, e, name));
    for (size_t i = 0; i < n->count; i++)
        if (n->had[i] == hash)
            return;
    n->had[n->count++] = hash;
}

/* Whole holders, each peer once; the root hash that most of them give; other names. */
static void add_holders(const struct catalog *c, struct search_row *row)
{
    uint8_t had[PEERS_MAX / 8] = {0};
    struct votes votes = {.roots = 0};
    struct names names = {.count = 0};

    for (size_t i = 0; i < c->segments; i++) {
        const struct segment *s = c->segment[i];
        uint32_t at = segment_hash_at(s, &row->hash);

        for (uint32_t n = 0; n < COPIES_READ && at + n < s->entries; n++) {
            uint32_t e = s->by_hash[at + n];
            uint16_t peer;
            struct hash root;

            if (!hash_eq(&s->hash[e], &row->hash))
                break;
            if (segment_dead(s, e))
                continue;
            peer = s->folder[segment_folder_of(s, e, 0)].peer;
            if (c->peer[peer].hidden)
                continue;
            note_name(&names, c, s, e);
            if (had[peer / 8] >> peer % 8 & 1)
                continue;
            had[peer / 8] |= (uint8_t)(1u << peer % 8);
            if (row->holders < HOLDERS_MAX)
                row->holder[row->holders] = c->peer[peer].nid;
            row->holders++;
            root = segment_root(s, e);
            vote(&votes, &root);
        }
    }
    if (votes.roots)
        row->root = votes.root[votes.best];
    row->other_names = names.count ? names.count - 1 : 0;
}

struct ranked {
    const struct catalog *c;
    struct candidate x; /* score: as ranked */
};

static void fill_row(const struct ranked *r, struct search_row *row)
{
    const struct segment *s = r->c->segment[r->x.segment];
    uint32_t e = r->x.entry;

    *row = (struct search_row){
        .hash = s->hash[e],
        .kind = (enum row_kind)s->kind[e],
        .size = segment_size(s, e),
        .mtime_s = segment_mtime(s, e),
        .path_len = r->x.path_len,
        .score = (double)r->x.score,
    };
    add_holders(r->c, row);
}

static int by_rank(const void *pa, const void *pb)
{
    const struct ranked *a = pa, *b = pb;

    return top_cmp(a->c, &a->x, &b->x);
}

/* The best scores so far, at most `most` of them. */
struct scores {
    float of[CHUNK];
    size_t count, most;
};

static void note_score(struct scores *s, float score)
{
    size_t at = s->count < s->most ? s->count++ : s->most - 1;

    if (s->count == s->most && at + 1 == s->most && s->of[at] > score)
        return;
    for (; at && s->of[at - 1] < score; at--)
        s->of[at] = s->of[at - 1];
    s->of[at] = score;
}

/* The chunk's candidates in their final order, as far as the first `most`: of those that cannot
 * come among them the paths are not read. */
static void rank_chunk(const struct ask *a, struct ranker *r, const struct candidate *of,
                       size_t count, size_t most, struct ranked *out)
{
    struct scores best = {.most = most < count ? most : count};

    for (size_t i = 0; i < count; i++) {
        out[i] = (struct ranked){a->c, of[i]};
        out[i].x.score = -1;
        if (best.count == best.most && rank_most(a, &of[i]) < (double)best.of[best.most - 1] - 1e-6)
            continue;
        out[i].x.score = (float)rank_path(r, &of[i], NULL);
        note_score(&best, out[i].x.score);
    }
    qsort(out, count, sizeof *out, by_rank);
}

/* --- the query as understood --- */

struct line {
    char *to;
    size_t len;
};

static void add_word(struct line *l, const char *text, size_t len)
{
    if (l->len + len + 1 > QUERY_LEN_MAX)
        return;
    if (l->len)
        l->to[l->len++] = ' ';
    memcpy(l->to + l->len, text, len);
    l->len += len;
    l->to[l->len] = '\0';
}

/* What the first row was found by, when that took a correction. */
static void tell_corrected(const struct ask *a, struct ranker *r, const struct candidate *x,
                           char *to)
{
    struct rank_use use[QUERY_WORDS_MAX];
    struct line line = {.to = to};
    bool corrected = false;

    rank_path(r, x, use);
    for (unsigned i = 0; i < a->positions;) {
        const struct rank_use *u = &use[i];
        bool typo = u->span && u->typo;

        corrected |= typo;
        if (!typo)
            add_word(&line, a->slot[i].text, a->slot[i].len);
        for (unsigned k = 0; typo && k < u->slots; k++) {
            size_t len;
            const char *text;

            if (!u->word[k])
                continue;
            text = segment_word(a->c->segment[u->word[k]->segment], u->word[k]->word, &len);
            add_word(&line, text, len);
        }
        i += typo ? u->span : 1;
    }
    if (!corrected)
        to[0] = '\0';
}

/* A word of a segment that is least far from a slot's. */
struct nearest {
    const char *text; /* NULL: none that is not too far to mean anything */
    size_t len;
    int edits;
    uint32_t uses;
};

/* Nearer than any so far, or as near and better known? */
static void judge_nearest(const struct segment *s, const struct typo *t, uint32_t word,
                          struct nearest *n)
{
    size_t len;
    const char *text = segment_word(s, word, &len);
    int d = typo_compare(t, text, len).edits;
    struct seg_list l;

    if (d > n->edits)
        return;
    l = segment_list(s, word);
    if (d < n->edits || (n->text && l.entries + l.folders > n->uses))
        *n = (struct nearest){text, len, d, l.entries + l.folders};
}

static void look_nearest(const struct segment *s, const struct typo *t, uint32_t sig,
                         struct nearest *n)
{
    uint32_t at, end, place[TYPO_SCAN_MAX];
    size_t far = (size_t)n->edits - 1;

    segment_length_range(s, CLASS_LETTERS, t->syms > far ? t->syms - far : 1, 0, &at, &end);
    segment_length_range(s, CLASS_LETTERS, t->syms + far, 0, &(uint32_t){0}, &end);
    for (; at < end; at += TYPO_SCAN_MAX) {
        size_t count = end - at < TYPO_SCAN_MAX ? end - at : TYPO_SCAN_MAX;

        count = typo_scan(s->sig + at, count, sig, n->edits, n->edits, place);
        for (size_t i = 0; i < count; i++)
            judge_nearest(s, t, s->by_length[at + place[i]], n);
    }
}

/* The word of the catalog that comes nearest to a slot's. */
static struct nearest nearest_word(const struct catalog *c, const struct slot *s)
{
    struct nearest n = {0};
    struct typo t;

    if (s->expansions) {
        const struct expansion *e = &s->expansion[0];

        n.text = segment_word(c->segment[e->segment], e->word, &n.len);
        return n;
    }
    if (s->kind != WORD_LETTERS)
        return n;
    typo_init(&t, s->text, s->len);
    n.edits = (int)t.syms / 2 + 1 < NEAREST_EDITS ? (int)t.syms / 2 + 1 : NEAREST_EDITS;
    for (size_t i = 0; i < c->segments; i++)
        look_nearest(c->segment[i], &t, typo_sig(s->text, s->len), &n);
    return n;
}

/* Nothing was found: the words that come nearest, or nothing when that is what was asked. */
static void tell_nearest(const struct ask *a, char *to)
{
    struct line line = {.to = to};
    bool other = false;

    for (unsigned i = 0; i < a->positions; i++) {
        const struct slot *s = &a->slot[i];
        struct nearest n = nearest_word(a->c, s);

        if (!n.text || word_kind_of(n.text, n.len) >= WORD_INITIALS)
            continue;
        other |= n.len != s->len || memcmp(n.text, s->text, s->len) != 0;
        add_word(&line, n.text, n.len);
    }
    if (!other)
        to[0] = '\0';
}

/* --- all of it --- */

/* The paths of the page's rows, one after the other. */
static void fill_paths(const struct ranked *ranked, struct search_result *out)
{
    size_t need = 0;
    char *to;

    for (size_t i = 0; i < out->rows; i++)
        need += out->row[i].path_len + 1;
    to = out->paths = mem_alloc(need);
    for (size_t i = 0; i < out->rows; i++) {
        const struct candidate *x = &ranked[i].x;

        out->row[i].path = to;
        to += segment_path(ranked[i].c->segment[x->segment], x->entry, x->folder, to) + 1;
    }
}

/* The chunks that the page lies in, ranked; its rows. */
static void fill_page(const struct ask *a, const struct top *top, size_t offset, size_t limit,
                      struct search_result *out)
{
    struct ranked *page = mem_alloc(limit * sizeof *page), ranked[CHUNK];
    struct ranker *r = rank_new(a);

    out->row = mem_zero(limit, sizeof *out->row);
    for (size_t first = offset / CHUNK * CHUNK; first < top->count; first += CHUNK) {
        size_t count = top->count - first < CHUNK ? top->count - first : CHUNK;

        rank_chunk(a, r, top->of + first, count, offset + limit - first, ranked);
        if (!first)
            tell_corrected(a, r, &ranked[0].x, out->corrected);
        for (size_t i = 0; i < count; i++) {
            if (first + i < offset || first + i >= offset + limit)
                continue;
            fill_row(&ranked[i], &out->row[out->rows]);
            page[out->rows++] = ranked[i];
        }
    }
    fill_paths(page, out);
    rank_free(r);
    mem_free(page);
}

void search_run(const struct catalog *c, const struct search_query *q, struct search_result *out)
{
    size_t limit = q->limit < SEARCH_ROWS_MAX ? q->limit : SEARCH_ROWS_MAX, want = 0;
    struct ask *a = mem_alloc(sizeof *a);
    struct top top;

    *out = (struct search_result){0};
    if (limit && q->offset < DEPTH_MAX)
        want = (q->offset + limit + CHUNK - 1) / CHUNK * CHUNK;
    ask_init(a, c, q);
    top_begin(&top, c, want);
    find(a, &top);
    if (top.matched || top.more)
        out->about = top_end(&top);
    if (top.count)
        fill_page(a, &top, q->offset, limit, out);
    else if (!top.matched)
        tell_nearest(a, out->nearest);
    if (out->rows && out->about < q->offset + out->rows)
        out->about = q->offset + out->rows;
    top_free(&top);
    ask_done(a);
    mem_free(a);
}

void search_done(struct search_result *r)
{
    mem_free(r->row);
    mem_free(r->paths);
    *r = (struct search_result){0};
}
