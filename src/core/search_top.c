/* The best candidates, of different contents. They gather in a heap of loose ends; when that is
 * full it is sorted, a content's lesser ones go, what is beyond the wanted number goes, and the
 * last one's score becomes the floor. */
#include "core/search_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GATHER_MIN  1000u
#define COUNT_EXACT 2000u /* contents up to which they are told apart for the count */

/* --- contents told apart --- */

struct number_set {
    uint64_t key, *of; /* 0: free */
    size_t cap, used;
};

static struct number_set *set_new(uint64_t key)
{
    struct number_set *s = mem_zero(1, sizeof *s);

    s->key = key;
    s->cap = 256;
    s->of = mem_zero(s->cap, sizeof *s->of);
    return s;
}

static void set_free(struct number_set *s)
{
    if (s)
        mem_free(s->of);
    mem_free(s);
}

/* Hashes come from peers, who do not know the key. */
static bool set_put(struct number_set *s, uint64_t number)
{
    size_t at;

    if (s->used * 2 >= s->cap) {
        struct number_set larger = {.key = s->key, .cap = s->cap * 4};

        larger.of = mem_zero(larger.cap, sizeof *larger.of);
        for (size_t i = 0; i < s->cap; i++)
            if (s->of[i])
                set_put(&larger, s->of[i]);
        mem_free(s->of);
        *s = larger;
    }
    number |= !number;
    at = (size_t)(((number ^ s->key) * 0x9e3779b97f4a7c15u) >> 32) & (s->cap - 1);
    while (s->of[at] && s->of[at] != number)
        at = (at + 1) & (s->cap - 1);
    if (s->of[at])
        return false;
    s->of[at] = number;
    s->used++;
    return true;
}

static const struct hash *hash_of(const struct catalog *c, const struct candidate *x)
{
    return &c->segment[x->segment]->hash[x->entry];
}

static void count_content(struct top *t, const struct candidate *x, int which)
{
    if (t->counted[which] == COUNT_EXACT)
        return;
    t->counted[which]++;
    t->different[which] += set_put(t->seen[which], x->hash);
}

static int content_cmp(const struct catalog *c, const struct candidate *a,
                       const struct candidate *b)
{
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return hash_cmp(hash_of(c, a), hash_of(c, b));
}

/* --- order --- */

static int path_cmp(const struct catalog *c, const struct candidate *a, const struct candidate *b)
{
    const struct segment *s = c->segment[a->segment], *t = c->segment[b->segment];
    char p[PATH_LEN_MAX + 1], q[PATH_LEN_MAX + 1];
    int d;

    segment_path(s, a->entry, a->folder, p);
    segment_path(t, b->entry, b->folder, q);
    d = memcmp(p, q, a->path_len);
    return d ? d
             : nid_cmp(&c->peer[s->folder[a->folder].peer].nid,
                       &c->peer[t->folder[b->folder].peer].nid);
}

int top_cmp(const struct catalog *c, const struct candidate *a, const struct candidate *b)
{
    int d;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    if (a->path_len != b->path_len)
        return a->path_len < b->path_len ? -1 : 1;
    d = content_cmp(c, a, b);
    return d ? d : path_cmp(c, a, b);
}

/* qsort has no context: what is sorted carries it. */
struct sorted {
    struct candidate x;
    const struct catalog *c;
};

static int by_order(const void *pa, const void *pb)
{
    const struct sorted *a = pa, *b = pb;

    return top_cmp(a->c, &a->x, &b->x);
}

static int by_content(const void *pa, const void *pb)
{
    const struct sorted *a = pa, *b = pb;
    int d = content_cmp(a->c, &a->x, &b->x);

    return d ? d : top_cmp(a->c, &a->x, &b->x);
}

float top_nth(float *of, size_t count, size_t place)
{
    size_t lo = 0, hi = count - 1;

    while (lo < hi) { /* quickselect, best first */
        float pivot = of[lo + (hi - lo) / 2];
        size_t i = lo, k = hi;

        for (;;) {
            float swap;

            while (of[i] > pivot)
                i++;
            while (of[k] < pivot)
                k--;
            if (i >= k)
                break;
            swap = of[i];
            of[i++] = of[k];
            of[k--] = swap;
        }
        if (place <= k)
            hi = k;
        else
            lo = k + 1;
    }
    return of[place];
}

static float score_at(const struct top *t, size_t place)
{
    float *of = mem_alloc(t->count * sizeof *of), found;

    for (size_t i = 0; i < t->count; i++)
        of[i] = t->of[i].score;
    found = top_nth(of, t->count, place);
    mem_free(of);
    return found;
}

/* Bring those that are likely wanted to the front, about twice as many as needed: sorting the
 * others would be for nothing. Gives how many. */
static size_t bring_forward(struct top *t)
{
    float least;
    size_t n = 0;

    if (t->count <= 3 * t->want)
        return t->count;
    least = score_at(t, 2 * t->want);
    for (size_t i = 0; i < t->count; i++) {
        if (t->of[i].score >= least) {
            struct candidate x = t->of[n];

            t->of[n++] = t->of[i];
            t->of[i] = x;
        }
    }
    return n;
}

/* The best of each content among the first count, in order; gives how many. */
static size_t sort_different(const struct top *t, size_t count, struct sorted *s)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        s[i] = (struct sorted){t->of[i], t->c};
    qsort(s, count, sizeof *s, by_content);
    for (size_t i = 0; i < count; i++)
        if (!n || content_cmp(t->c, &s[i].x, &s[n - 1].x))
            s[n++] = s[i];
    qsort(s, n, sizeof *s, by_order);
    return n;
}

void top_tidy(struct top *t)
{
    struct sorted *s = mem_alloc((t->count + 1) * sizeof *s);
    size_t front = t->want ? bring_forward(t) : 0, n = sort_different(t, front, s);

    if (n < t->want && front < t->count)
        n = sort_different(t, t->count, s);
    t->count = n < t->want ? n : t->want;
    for (size_t i = 0; i < t->count; i++)
        t->of[i] = s[i].x;
    if (n >= t->want && t->want)
        t->floor = t->of[t->want - 1].score;
    mem_free(s);
}

void top_begin(struct top *t, const struct catalog *c, size_t want)
{
    *t = (struct top){.c = c, .want = want, .floor = -INFINITY};
    t->cap = 4 * want > GATHER_MIN ? 4 * want : GATHER_MIN;
    t->of = mem_alloc(t->cap * sizeof *t->of);
    t->seen[0] = set_new(c->key.k[0]);
    t->seen[1] = set_new(c->key.k[1]);
}

void top_free(struct top *t)
{
    mem_free(t->of);
    set_free(t->seen[0]);
    set_free(t->seen[1]);
    *t = (struct top){0};
}

void top_add(struct top *t, const struct candidate *from)
{
    struct candidate x = *from;

    memcpy(&x.hash, hash_of(t->c, &x)->b, sizeof x.hash);
    top_count(t, 1, x.full);
    if (x.full)
        count_content(t, &x, 1);
    else if (!t->full)
        count_content(t, &x, 0);
    if (!t->want || x.score < t->floor)
        return;
    t->of[t->count++] = x;
    if (t->count == t->cap)
        top_tidy(t);
}

void top_count(struct top *t, size_t matched, size_t full)
{
    t->matched += matched;
    t->full += full;
}

/* Contents that match every word, or that match at all when none matches every word. */
size_t top_end(struct top *t)
{
    int which = t->full > 0;
    size_t all = which ? t->full : t->matched;

    top_tidy(t);
    if (t->counted[which] < COUNT_EXACT && t->counted[which] == all)
        return t->different[which] + t->more;
    return (size_t)((double)all * (double)t->different[which] / (double)t->counted[which]) +
           t->more;
}
