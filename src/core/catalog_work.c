/* Settling: what waits becomes a segment, segments that are near in size or full of dead rows are
 * merged. */
#include "core/catalog_priv.h"

#include <string.h>

/* A segment up to so many times as large as those merged so far joins them; while long lists come
 * in only if no larger. */
#define MERGE_FACTOR 3u
#define BULK_FACTOR  1u
#define BULK_ROWS    100000u
#define DEAD_MIN     1024u /* fewer dead rows are not worth the work */

struct catalog_work {
    struct segment *made; /* NULL: nothing lives */
    struct segment *old[SEGMENTS_MAX];
    size_t olds;
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

/* Which segments are to be replaced: those with much dead, and, smallest first, those that are not
 * much larger than what is merged anyway. Segments stand by size, the largest first. */
static void choose(const struct catalog *c, struct catalog_work *w, uint64_t rows)
{
    unsigned factor = rows >= BULK_ROWS ? BULK_FACTOR : MERGE_FACTOR;
    bool take[SEGMENTS_MAX] = {false};

    for (size_t i = 0; i < c->segments; i++) {
        take[i] = much_dead(c->segment[i]);
        rows += take[i] ? living(c->segment[i]) : 0;
    }
    for (size_t i = c->segments; rows && i--;) {
        if (take[i] || (living(c->segment[i]) > factor * rows && i + 1 < SEGMENTS_MAX))
            continue;
        take[i] = true;
        rows += living(c->segment[i]);
    }
    for (size_t i = 0; i < c->segments; i++)
        if (take[i])
            w->old[w->olds++] = c->segment[i];
}

struct catalog_work *catalog_work_begin(const struct catalog *c)
{
    const struct waiting *f = c->fresh;
    const struct segment *part[SEGMENTS_MAX + 1];
    struct catalog_work *w = mem_zero(1, sizeof *w);
    struct segment *fresh = NULL;
    size_t parts = 0;

    if (f->rows)
        fresh = segment_build(&(struct fresh){.folder = f->folder,
                                              .folders = f->folders,
                                              .row = f->row,
                                              .rows = f->rows,
                                              .text = f->text},
                              &c->key);
    choose(c, w, fresh ? fresh->entries : 0);
    if (!f->rows && !w->olds) {
        mem_free(w);
        return NULL;
    }
    for (; parts < w->olds; parts++)
        part[parts] = w->old[parts];
    if (fresh)
        part[parts++] = fresh;
    if (!w->olds) {
        w->made = fresh;
    } else {
        w->made = segment_merge(part, parts);
        segment_free(fresh);
    }
    return w;
}

static bool is_old(const struct catalog_work *w, const struct segment *s)
{
    for (size_t i = 0; i < w->olds; i++)
        if (w->old[i] == s)
            return true;
    return false;
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
    mem_free(w);
}

void catalog_settle(struct catalog *c)
{
    struct catalog_work *w = catalog_work_begin(c);

    catalog_work_end(c, w);
    catalog_work_free(w);
}

size_t catalog_waiting(const struct catalog *c)
{
    return c->fresh->rows;
}
