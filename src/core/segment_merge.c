/* Segments -> one segment, without what is dead. Nothing is read into words again: all parts are
 * sorted alike, so folders, entries, words and hashes are each merged in order, and the lists only
 * change their numbers. */
#include "base/mem.h"
#include "core/segment_write.h"

#include <assert.h>
#include <string.h>

struct source {
    const struct segment *s;
    uint32_t *entry_to, *folder_to; /* numbers in the new segment, SEG_NONE: gone */
    bool *needed;                   /* folders with something living in or below them */
    /* the folder that comes next, and where its names begin */
    uint32_t folder;
    uint32_t word;  /* that comes next */
    uint64_t first; /* its class and first bytes, to compare quickly */
};

/* Numbers from several sources, each source's rising. */
struct list {
    uint32_t *of, *spare;
    size_t count, cap;
    size_t end[MERGE_MAX]; /* of each source's part */
    size_t parts;
};

struct merge {
    struct source *of;
    size_t count;
    struct seg_writer w;
    struct list entry, folder; /* of the word under work */
    uint8_t *has;              /* sources that have what comes next */
};

static int text_cmp(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t n = a_len < b_len ? a_len : b_len;
    int d = n ? memcmp(a, b, n) : 0;

    return d ? d : a_len < b_len ? -1 : a_len > b_len;
}

/* --- folders and entries --- */

static void find_needed(struct source *x)
{
    const struct segment *s = x->s;

    for (uint32_t f = s->folders; f--;) {
        for (uint32_t e = s->folder[f].first; e < s->folder[f + 1].first && !x->needed[f]; e++)
            x->needed[f] = !segment_dead(s, e);
        if (x->needed[f] && s->folder[f].parent != SEG_NONE)
            x->needed[s->folder[f].parent] = true;
    }
}

static void skip_folders(struct source *x)
{
    while (x->folder < x->s->folders && !x->needed[x->folder])
        x->folder_to[x->folder++] = SEG_NONE;
}

/* Which of two sources' next folders comes first. Their parents' new numbers are known, as they
 * were written before: a folder right below the parent written later (deeper) comes first. */
static int folder_cmp(const struct source *a, const struct source *b)
{
    const struct seg_folder *f = &a->s->folder[a->folder], *g = &b->s->folder[b->folder];
    uint32_t fp = f->parent == SEG_NONE ? 0 : a->folder_to[f->parent] + 1;
    uint32_t gp = g->parent == SEG_NONE ? 0 : b->folder_to[g->parent] + 1;
    const char *ft, *gt;
    size_t fl, gl;

    if (fp != gp)
        return fp > gp ? -1 : 1;
    if (f->peer != g->peer)
        return f->peer < g->peer ? -1 : 1;
    ft = segment_folder_name(a->s, a->folder, &fl);
    gt = segment_folder_name(b->s, b->folder, &gl);
    return text_cmp(ft, fl, gt, gl);
}

/* One source's names of a folder, one by one, the dead left out. */
struct names {
    struct source *x;
    struct seg_names at;
    uint32_t entry, end;
    char text[PATH_LEN_MAX + 1];
};

static void names_step(struct names *n)
{
    do {
        if (++n->entry >= n->end)
            return;
        if (n->entry % SEG_BLOCK == 0)
            n->at = segment_names(n->x->s, n->entry / SEG_BLOCK, n->text);
        segment_names_next(&n->at);
    } while (segment_dead(n->x->s, n->entry));
}

static void names_begin(struct names *n, struct source *x)
{
    uint32_t first = x->s->folder[x->folder].first, at = first / SEG_BLOCK * SEG_BLOCK;

    n->x = x;
    n->end = x->s->folder[x->folder + 1].first;
    if (first >= n->end) {
        n->entry = n->end;
        return;
    }
    n->at = segment_names(x->s, at / SEG_BLOCK, n->text);
    for (; at <= first; at++)
        segment_names_next(&n->at);
    n->entry = first;
    if (segment_dead(x->s, first))
        names_step(n);
}

static void write_entry(struct merge *m, struct names *n)
{
    const struct segment *s = n->x->s;
    uint32_t e = n->entry;
    struct seg_meta meta = {.size = segment_size(s, e),
                            .mtime_s = segment_mtime(s, e),
                            .hash = s->hash[e],
                            .root = segment_root(s, e),
                            .kind = s->kind[e]};

    n->x->entry_to[e] = seg_writer_entry(&m->w, n->text, n->at.len, &meta);
    names_step(n);
}

/* The entries of the folder that the marked sources have next. */
static void write_entries(struct merge *m)
{
    struct names *n = mem_alloc(m->count * sizeof *n);
    size_t count = 0;

    for (size_t i = 0; i < m->count; i++) {
        if (m->has[i])
            names_begin(&n[count++], &m->of[i]);
    }
    for (;;) {
        struct names *first = NULL;

        for (size_t i = 0; i < count; i++)
            if (n[i].entry < n[i].end &&
                (!first || text_cmp(n[i].text, n[i].at.len, first->text, first->at.len) < 0))
                first = &n[i];
        if (!first)
            break;
        write_entry(m, first);
    }
    mem_free(n);
}

static void merge_tree(struct merge *m)
{
    for (;;) {
        struct source *first = NULL;
        const struct seg_folder *f;
        uint32_t parent, id;
        const char *name;
        size_t len;

        for (size_t i = 0; i < m->count; i++) {
            struct source *x = &m->of[i];
            int d = -1;

            m->has[i] = 0;
            skip_folders(x);
            if (x->folder == x->s->folders)
                continue;
            if (first)
                d = folder_cmp(x, first);
            if (d < 0) {
                first = x;
                memset(m->has, 0, i);
            }
            m->has[i] = d <= 0;
        }
        if (!first)
            return;
        f = &first->s->folder[first->folder];
        parent = f->parent == SEG_NONE ? SEG_NONE : first->folder_to[f->parent];
        name = segment_folder_name(first->s, first->folder, &len);
        id = seg_writer_folder(&m->w, f->peer, parent, name, len);
        write_entries(m);
        for (size_t i = 0; i < m->count; i++)
            if (m->has[i])
                m->of[i].folder_to[m->of[i].folder++] = id;
    }
}

/* --- words --- */

static void read_word(struct source *x)
{
    const struct segment *s = x->s;
    const char *text;
    size_t len;

    if (x->word == s->words) {
        x->first = UINT64_MAX;
        return;
    }
    text = segment_word(s, x->word, &len);
    x->first = 0;
    while (x->word >= s->class_end[x->first])
        x->first++;
    for (unsigned k = 0; k < 7; k++)
        x->first = x->first << 8 | (k < len ? (uint8_t)text[k] : 0);
}

static int word_cmp(const struct source *a, const struct source *b)
{
    const char *at, *bt;
    size_t al, bl;

    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    at = segment_word(a->s, a->word, &al);
    bt = segment_word(b->s, b->word, &bl);
    return text_cmp(at, al, bt, bl);
}

/* Add what a source has, by its new numbers. */
static void list_add(struct list *l, const uint8_t *packed, uint32_t count, const uint32_t *to)
{
    uint32_t at = 0;
    size_t n = l->count;

    if (n + count > l->cap) {
        l->cap = (n + count) * 2;
        l->of = mem_resize(l->of, l->cap, sizeof *l->of);
        l->spare = mem_resize(l->spare, l->cap, sizeof *l->spare);
    }
    for (uint32_t i = 0; i < count; i++) {
        at += segment_varint(&packed);
        l->of[n] = to[at];
        n += to[at] != SEG_NONE;
    }
    if (n > l->count)
        l->end[l->parts++] = n;
    l->count = n;
}

/* Two parts that stand side by side into one; a folder may be in both. */
static size_t join(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count,
                   uint32_t *out)
{
    size_t i = 0, k = 0, n = 0;

    while (i < a_count && k < b_count) {
        uint32_t x = a[i], y = b[k];

        out[n++] = x < y ? x : y;
        i += x <= y;
        k += y <= x;
    }
    memcpy(out + n, a + i, (a_count - i) * sizeof *out);
    n += a_count - i;
    memcpy(out + n, b + k, (b_count - k) * sizeof *out);
    return n + b_count - k;
}

/* All parts into one, neighbours first. */
static void list_sort(struct list *l)
{
    while (l->parts > 1) {
        size_t from = 0, n = 0, parts = 0;
        uint32_t *swap = l->of;

        for (size_t i = 0; i < l->parts; i += 2) {
            size_t mid = l->end[i], end = i + 1 < l->parts ? l->end[i + 1] : mid;

            n += join(l->of + from, mid - from, l->of + mid, end - mid, l->spare + n);
            from = end;
            l->end[parts++] = n;
        }
        l->count = n;
        l->parts = parts;
        l->of = l->spare;
        l->spare = swap;
    }
}

/* Add a source's lists of its next word. */
static void add_lists(struct merge *m, const struct source *x)
{
    struct seg_list l = segment_list(x->s, x->word);

    list_add(&m->entry, l.entry, l.entries, x->entry_to);
    if (l.folders)
        list_add(&m->folder, l.folder, l.folders, x->folder_to);
}

static void write_word(struct merge *m, const struct source *x)
{
    const char *text;
    size_t len;

    if (!m->entry.count && !m->folder.count)
        return;
    list_sort(&m->entry);
    list_sort(&m->folder);
    text = segment_word(x->s, x->word, &len);
    seg_writer_word(&m->w, word_class_of(segment_word_kind(x->s, x->word)), text, len, m->entry.of,
                    m->entry.count, m->folder.of, m->folder.count);
}

static void merge_words(struct merge *m)
{
    for (size_t i = 0; i < m->count; i++)
        read_word(&m->of[i]);
    for (;;) {
        struct source *first = &m->of[0], same;

        for (size_t i = 1; i < m->count; i++)
            if (m->of[i].first != UINT64_MAX && word_cmp(&m->of[i], first) < 0)
                first = &m->of[i];
        if (first->first == UINT64_MAX)
            return;
        m->entry.count = m->entry.parts = m->folder.count = m->folder.parts = 0;
        same = *first;
        for (size_t i = 0; i < m->count; i++) {
            struct source *x = &m->of[i];

            if (x->first != same.first || word_cmp(x, &same))
                continue;
            add_lists(m, x);
            x->word++;
            read_word(x);
        }
        write_word(m, &same);
    }
}

/* --- all of it --- */

struct segment *segment_merge(const struct segment *const *of, size_t count)
{
    struct merge *m = mem_zero(1, sizeof *m);
    struct segment *s = NULL;
    uint32_t living = 0;

    assert(count <= MERGE_MAX);
    m->of = mem_zero(count + 1, sizeof *m->of);
    m->has = mem_zero(count + 1, 1);
    for (size_t i = 0; i < count; i++) {
        struct source *x = &m->of[m->count];

        if (of[i]->dead == of[i]->entries)
            continue;
        m->count++;
        x->s = of[i];
        living += of[i]->entries - of[i]->dead;
        x->entry_to = mem_alloc(of[i]->entries * sizeof *x->entry_to);
        memset(x->entry_to, 0xff, of[i]->entries * sizeof *x->entry_to); /* SEG_NONE */
        x->folder_to = mem_alloc(of[i]->folders * sizeof *x->folder_to);
        x->needed = mem_zero(of[i]->folders, sizeof *x->needed);
        find_needed(x);
    }
    if (living) {
        seg_writer_begin(&m->w, living);
        merge_tree(m);
        merge_words(m);
        s = seg_writer_end(&m->w);
    }
    for (size_t i = 0; i < m->count; i++) {
        mem_free(m->of[i].entry_to);
        mem_free(m->of[i].folder_to);
        mem_free(m->of[i].needed);
    }
    mem_free(m->entry.of);
    mem_free(m->entry.spare);
    mem_free(m->folder.of);
    mem_free(m->folder.spare);
    mem_free(m->has);
    mem_free(m->of);
    mem_free(m);
    return s;
}
