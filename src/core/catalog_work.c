/* Settling: what waits becomes a segment, segments that are near in size or full of dead rows are
 * merged. */
#include "core/catalog_priv.h"

#include <string.h>

/* A segment up to so many times as large as those merged so far joins them. */
#define MERGE_FACTOR 3u
/* While long lists come in, segments of one size wait until there are some, and are merged at once:
 * so a row is merged once where it was twice. catalog_tidy_begin merges what is left over. */
#define BULK_ROWS  100000u
#define BULK_SIZES 2u /* one size: up to so many times as large as what comes */
#define BULK_WAIT  3u
#define DEAD_MIN   1024u /* fewer dead rows are not worth the work */

struct catalog_work {
    struct segment *made; /* NULL: nothing lives */
    struct segment *old[SEGMENTS_MAX];
    size_t olds;
    bool settles; /* what waited is in it */
    struct word_counts counts;
    struct waiting *waited;
};

static uint32_t living(const struct segment *s)
{
    return s->entries - s->dead;
}

static bool much_dead(const struct segment *s)
{
    return s->dead == s->entries || (s->dead > DEAD_MIN && s->dead > s->entries / 4);
}

/* Take the segments from `from` up to `end`; gives the rows that live in them. */
static uint64_t take(const struct catalog *c, struct catalog_work *w, size_t from, size_t end)
{
    uint64_t rows = 0;

    for (; from < end; from++) {
        w->old[w->olds++] = c->segment[from];
        rows += living(c->segment[from]);
    }
    return rows;
}

static bool is_old(const struct catalog_work *w, const struct segment *s)
{
    for (size_t i = 0; i < w->olds; i++)
        if (w->old[i] == s)
            return true;
    return false;
}

/* Which segments are to be replaced, beside those with much dead: smallest first, those that are
 * not much larger than what is merged anyway. Segments stand by size, the largest first. */
static void choose(const struct catalog *c, struct catalog_work *w, uint64_t rows)
{
    bool bulk = rows >= BULK_ROWS;
    size_t end = c->segments, from;

    for (size_t i = 0; i < c->segments; i++)
        if (much_dead(c->segment[i]))
            rows += take(c, w, i, i + 1);
    while (rows && end) {
        uint64_t most = rows * (bulk ? BULK_SIZES : MERGE_FACTOR);
        bool full = end + 2 > SEGMENTS_MAX;

        for (from = end; from && (living(c->segment[from - 1]) <= most || full); full = false)
            from--;
        if (from == end || (bulk && end - from < BULK_WAIT && end + 2 <= SEGMENTS_MAX))
            break;
        for (; end > from; end--)
            if (!is_old(w, c->segment[end - 1]))
                rows += take(c, w, end - 1, end);
    }
}

/* Segments that are no larger than all smaller ones of them together. */
static void choose_leftover(const struct catalog *c, struct catalog_work *w)
{
    for (size_t end = c->segments; end > 1; end--) {
        uint64_t rows = living(c->segment[end - 1]);
        size_t from = end - 1;

        while (from && living(c->segment[from - 1]) <= rows)
            rows += living(c->segment[--from]);
        if (end - from > 1) {
            take(c, w, from, end);
            return;
        }
    }
}

static struct segment *build_fresh(const struct catalog *c, struct catalog_work *w)
{
    const struct waiting *f = c->fresh;
    struct segment *s;
    struct word_limit limit = {.beside = (const struct segment *const *)c->segment,
                               .besides = c->segments};

    word_counts_begin(&w->counts, c);
    limit.left = w->counts.left;
    limit.cut = w->counts.cut;
    s = segment_build(&(struct fresh){.folder = f->folder,
                                      .folders = f->folders,
                                      .row = f->row,
                                      .rows = f->rows,
                                      .text = f->text,
                                      .limit = &limit},
                      &c->key);
    if (s)
        word_counts_add(&w->counts, s);
    return s;
}

struct catalog_work *catalog_work_begin(const struct catalog *c)
{
    const struct waiting *f = c->fresh;
    const struct segment *part[SEGMENTS_MAX + 1];
    struct catalog_work *w = mem_zero(1, sizeof *w);
    struct segment *fresh = NULL;
    size_t parts = 0;

    if (f->rows)
        fresh = build_fresh(c, w);
    choose(c, w, fresh ? fresh->entries : 0);
    if (!f->rows && !w->olds) {
        mem_free(w);
        return NULL;
    }
    for (; parts < w->olds; parts++)
        part[parts] = w->old[parts];
    if (fresh)
        part[parts++] = fresh;
    w->settles = true;
    if (!w->olds) {
        w->made = fresh;
    } else {
        w->made = segment_merge(part, parts);
        segment_free(fresh);
    }
    return w;
}

struct catalog_work *catalog_tidy_begin(const struct catalog *c)
{
    struct catalog_work *w = mem_zero(1, sizeof *w);

    choose_leftover(c, w);
    if (!w->olds) {
        mem_free(w);
        return NULL;
    }
    w->made = segment_merge((const struct segment *const *)w->old, w->olds);
    return w;
}

void catalog_work_end(struct catalog *c, struct catalog_work *w)
{
    size_t n = 0, at;

    if (!w)
        return;
    for (size_t i = 0; i < c->segments; i++)
        if (!is_old(w, c->segment[i]))
            c->segment[n++] = c->segment[i];
    c->segments = n;
    if (w->made) {
        for (at = n; at && living(c->segment[at - 1]) < living(w->made); at--)
            c->segment[at] = c->segment[at - 1];
        c->segment[at] = w->made;
        c->segments++;
    }
    if (!w->settles)
        return;
    word_counts_end(&w->counts, c);
    w->waited = c->fresh;
    c->fresh = wait_new();
    c->fresh_files = c->fresh_folders = 0;
}

void catalog_work_free(struct catalog_work *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->olds; i++)
        segment_free(w->old[i]);
    wait_free(w->waited);
    word_counts_free(&w->counts);
    mem_free(w);
}

void catalog_settle(struct catalog *c)
{
    struct catalog_work *w = catalog_work_begin(c);

    catalog_work_end(c, w);
    catalog_work_free(w);
}

void catalog_tidy(struct catalog *c)
{
    struct catalog_work *w;

    while ((w = catalog_tidy_begin(c))) {
        catalog_work_end(c, w);
        catalog_work_free(w);
    }
}

size_t catalog_waiting(const struct catalog *c)
{
    return c->fresh->rows;
}
