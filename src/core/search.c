#include "core/search.h"

#include "core/search_priv.h"
#include "core/typo.h"

#include <stdlib.h>
#include <string.h>

/* Candidates are ranked in chunks of this many contents, in the order in which find valued them; a
 * page is cut from chunks that don't depend on the page. So pages join, however they are asked for.
 */
#define CHUNK       200u
#define DEPTH_MAX   10000u /* rows that can be paged to */
#define COUNT_EXACT 20000u /* candidates up to which contents are counted one by one */

/* Candidates up to which phrases are looked for in all; and how many more are asked when there are
 * too many. */
#define PHRASES_EXACT 5000u
#define PHRASES_ASKED 20000u

/* --- order --- */

static int path_cmp(const struct catalog *c, uint32_t a, uint32_t b)
{
    const struct node *n = &c->node[a], *m = &c->node[b];
    int d;

    if (n->path_len != m->path_len)
        return n->path_len < m->path_len ? -1 : 1;
    d = memcmp(n->path, m->path, n->path_len);
    if (!d)
        d = hash_cmp(&c->content[n->content].hash, &c->content[m->content].hash);
    return d ? d : nid_cmp(&c->peer[n->peer].nid, &c->peer[m->peer].nid);
}

/* A total order that does not depend on when a row came: score, shorter path, bytes, hash, peer. */
static bool before(const struct catalog *c, const struct candidate *a, const struct candidate *b)
{
    if (a->score != b->score)
        return a->score > b->score;
    if (a->path_len != b->path_len)
        return a->path_len < b->path_len;
    return path_cmp(c, a->node, b->node) < 0;
}

static void sift(const struct catalog *c, struct candidate *of, size_t count, size_t i)
{
    struct candidate x = of[i];

    for (size_t child; (child = 2 * i + 1) < count; i = child) {
        if (child + 1 < count && before(c, &of[child + 1], &of[child]))
            child++;
        if (!before(c, &of[child], &x))
            break;
        of[i] = of[child];
    }
    of[i] = x;
}

/* --- contents --- */

/* Numbers seen before. */
struct seen {
    struct idmap map;
};

static bool see(struct seen *s, uint32_t id)
{
    uint64_t hash = (uint64_t)id * 0x9e3779b97f4a7c15u;
    uint32_t at = IDMAP_START, had;

    while ((had = idmap_next(&s->map, hash, &at)))
        if (had == id)
            return false;
    idmap_put(&s->map, hash, id);
    return true;
}

/* Leave out what lacks the query's phrases; of very many candidates only those that are taken are
 * asked. */
static void keep_phrases(const struct ask *a, struct candidates *all)
{
    size_t n = 0;

    if (!a->phrases || all->count > PHRASES_EXACT)
        return;
    for (size_t i = 0; i < all->count; i++)
        if (find_has_phrases(a, all->of[i].node))
            all->of[n++] = all->of[i];
    all->count = n;
}

/* The best count candidates of different contents, best first, into top. Gives how many there were.
 */
static size_t take_best(const struct ask *a, struct candidates *all, uint32_t *top, size_t count)
{
    const struct catalog *c = a->c;
    bool ask_phrases = a->phrases && all->count > PHRASES_EXACT;
    size_t left = all->count, n = 0, asked = 0;
    struct seen seen = {0};

    for (size_t i = left / 2; i--;)
        sift(c, all->of, left, i);
    while (left && n < count && asked < PHRASES_ASKED) {
        uint32_t node = all->of[0].node;

        asked += ask_phrases;
        if ((!ask_phrases || find_has_phrases(a, node)) && see(&seen, c->node[node].content))
            top[n++] = node;
        all->of[0] = all->of[--left];
        if (left)
            sift(c, all->of, left, 0);
    }
    idmap_done(&seen.map);
    return n;
}

/* How many contents match, about: those that match every word, or all when none does. */
static size_t count_about(const struct catalog *c, const struct candidates *all)
{
    size_t full = 0, rows = (size_t)c->files + c->folders + c->parts, n = 0;
    struct seen seen = {0};

    for (size_t i = 0; i < all->count; i++)
        full += all->of[i].full;
    if (all->count > COUNT_EXACT)
        return ((full ? full : all->count) + all->more) * (size_t)c->living_contents / rows;
    for (size_t i = 0; i < all->count; i++)
        if (all->of[i].full || !full)
            n += see(&seen, c->node[all->of[i].node].content);
    idmap_done(&seen.map);
    return n + (all->more ? all->more * (size_t)c->living_contents / rows : 0);
}

/* --- rows --- */

#define ROOTS_MAX 8 /* different root hashes of one content that are counted */

/* Whole holders, each peer once; the root hash that most of them give. */
static void add_holders(const struct catalog *c, struct search_row *row, uint32_t content)
{
    uint8_t had[PEERS_MAX / 8] = {0};
    struct hash root[ROOTS_MAX];
    size_t votes[ROOTS_MAX] = {0}, roots = 0, best = 0;

    for (uint32_t id = c->content[content].first; id; id = c->node[id].next) {
        const struct node *n = &c->node[id];
        struct hash h;
        size_t i = 0;

        if (n->kind == ROW_PART || (had[n->peer / 8] >> n->peer % 8 & 1))
            continue;
        had[n->peer / 8] |= (uint8_t)(1u << n->peer % 8);
        if (row->holders < HOLDERS_MAX)
            row->holder[row->holders] = c->peer[n->peer].nid;
        row->holders++;
        h = node_root(n);
        while (i < roots && !hash_eq(&root[i], &h))
            i++;
        if (i == ROOTS_MAX)
            continue;
        if (i == roots)
            root[roots++] = h;
        if (++votes[i] > votes[best])
            best = i;
    }
    if (roots)
        row->root = root[best];
}

static void fill_row(const struct catalog *c, struct search_row *row, uint32_t node, double score)
{
    const struct node *n = &c->node[node];

    *row = (struct search_row){
        .hash = c->content[n->content].hash,
        .kind = (enum row_kind)n->kind,
        .size = n->size,
        .mtime_s = n->mtime_s,
        .path = n->path,
        .path_len = n->path_len,
        .score = score,
    };
    add_holders(c, row, n->content);
}

struct ranked {
    const struct catalog *c;
    uint32_t node;
    double score;
};

static int by_rank(const void *pa, const void *pb)
{
    const struct ranked *a = pa, *b = pb;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return path_cmp(a->c, a->node, b->node);
}

/* The chunk's candidates in their final order. */
static void rank_chunk(const struct ask *a, struct ranker *r, const uint32_t *node, size_t count,
                       struct ranked *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (struct ranked){a->c, node[i], rank_path(r, node[i], NULL)};
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
static void tell_corrected(const struct ask *a, struct ranker *r, uint32_t node, char *to)
{
    const struct vocab *v = &a->c->vocab;
    struct rank_use use[QUERY_WORDS_MAX];
    struct line line = {.to = to};
    bool corrected = false;

    rank_path(r, node, use);
    for (unsigned i = 0; i < a->positions;) {
        const struct rank_use *u = &use[i];
        bool typo = u->span && u->typo;

        corrected |= typo;
        if (!typo)
            add_word(&line, a->slot[i].text, a->slot[i].len);
        for (unsigned k = 0; typo && k < u->slots; k++)
            if (u->word[k])
                add_word(&line, vocab_text(v, u->word[k]), v->len[u->word[k]]);
        i += typo ? u->span : 1;
    }
    if (!corrected)
        to[0] = '\0';
}

/* The word of the catalog that is least far away, when it is not too far to mean anything. */
static uint32_t nearest_word(const struct vocab *v, const struct slot *s)
{
    struct typo t;
    uint32_t best = 0;
    uint32_t sig;
    int least;

    if (s->kind != WORD_LETTERS)
        return 0;
    typo_init(&t, s->text, s->len);
    sig = typo_sig(s->text, s->len);
    least = (int)t.syms / 2 + 1;
    for (uint32_t id = 1; id < v->count; id++) {
        int d;

        if (!typo_few_bits(sig & ~v->sig[id], least) || v->kind[id] != WORD_LETTERS ||
            !v->word[id].uses || v->syms[id] + (size_t)least <= t.syms ||
            v->syms[id] >= t.syms + (size_t)least)
            continue;
        d = typo_compare(&t, vocab_text(v, id), v->len[id]).edits;
        if (d < least || (d == least && best && v->word[id].uses > v->word[best].uses)) {
            least = d;
            best = id;
        }
    }
    return best;
}

/* Nothing was found: the words that come nearest, or nothing when that is what was asked. */
static void tell_nearest(const struct ask *a, char *to)
{
    const struct vocab *v = &a->c->vocab;
    struct line line = {.to = to};
    bool other = false;

    for (unsigned i = 0; i < a->positions; i++) {
        const struct slot *s = &a->slot[i];
        uint32_t word = s->expansions ? s->expansion[0].word : nearest_word(v, s);

        if (!word || v->kind[word] >= WORD_INITIALS)
            continue;
        other |= word != s->exact;
        add_word(&line, vocab_text(v, word), v->len[word]);
    }
    if (!other)
        to[0] = '\0';
}

/* --- all of it --- */

/* The chunks that the page lies in, ranked; its rows. */
static void fill_page(const struct ask *a, struct candidates *all, size_t offset, size_t limit,
                      struct search_result *out)
{
    size_t chunks = (offset + limit + CHUNK - 1) / CHUNK, want = chunks * CHUNK, n;
    uint32_t *top = mem_alloc(want * sizeof *top);
    struct ranked ranked[CHUNK];
    struct ranker *r = rank_new(a);

    n = take_best(a, all, top, want);
    out->row = mem_zero(limit, sizeof *out->row);
    for (size_t first = offset / CHUNK * CHUNK; first < n; first += CHUNK) {
        size_t count = n - first < CHUNK ? n - first : CHUNK;

        rank_chunk(a, r, top + first, count, ranked);
        if (!first)
            tell_corrected(a, r, ranked[0].node, out->corrected);
        for (size_t i = 0; i < count; i++)
            if (first + i >= offset && first + i < offset + limit)
                fill_row(a->c, &out->row[out->rows++], ranked[i].node, ranked[i].score);
    }
    rank_free(r);
    mem_free(top);
}

void search_run(const struct catalog *c, const struct search_query *q, struct search_result *out)
{
    size_t limit = q->limit < SEARCH_ROWS_MAX ? q->limit : SEARCH_ROWS_MAX;
    struct candidates all;
    struct ask *a = mem_alloc(sizeof *a);

    *out = (struct search_result){0};
    ask_init(a, c, q);
    find(a, &all);
    keep_phrases(a, &all);
    out->about = count_about(c, &all);
    if (all.count && limit && q->offset < DEPTH_MAX)
        fill_page(a, &all, q->offset, limit, out);
    else if (!all.count)
        tell_nearest(a, out->nearest);
    if (out->rows && out->about < q->offset + out->rows)
        out->about = q->offset + out->rows;
    mem_free(all.of);
    ask_done(a);
    mem_free(a);
}

void search_done(struct search_result *r)
{
    mem_free(r->row);
    *r = (struct search_result){0};
}
