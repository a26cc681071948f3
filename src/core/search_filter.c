/* Filters: what an entry must be, beside having the words. */
#include "core/search_priv.h"
#include "core/types.h"

#include <stdlib.h>
#include <string.h>

#define PHRASES_READ_MAX 20000u /* paths that are read for phrases in one query */

/* --- in: folders above --- */

typedef uint32_t range[2];

static int by_number(const void *pa, const void *pb)
{
    uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

    return a < b ? -1 : a > b;
}

/* The folders that have a word, rising. */
static uint32_t *folders_of(const struct segment *s, const struct ask_word *w, size_t *count)
{
    uint32_t word = segment_word_find(s, w->text, w->len), at = 0, *of;
    struct seg_list l = {0};

    if (word != SEG_NONE)
        l = segment_list(s, word);
    of = mem_alloc((l.folders + (size_t)1) * sizeof *of);
    for (uint32_t i = 0; i < l.folders; i++)
        of[i] = at += segment_varint(&l.folder);
    *count = l.folders;
    return of;
}

/* The folders that have every word of one part of `in`. */
static uint32_t *folders_of_part(const struct filter *f, uint8_t part, size_t *count)
{
    uint32_t *of = NULL;

    for (uint8_t i = 0; i < f->a->in_words; i++) {
        size_t more, n = 0;
        uint32_t *other;

        if (f->a->in[i].group != part)
            continue;
        other = folders_of(f->s, &f->a->in[i], &more);
        if (!of) {
            of = other;
            *count = more;
            continue;
        }
        for (size_t k = 0; k < *count; k++)
            if (bsearch(&of[k], other, more, sizeof *other, by_number))
                of[n++] = of[k];
        *count = n;
        mem_free(other);
    }
    return of;
}

/* Is the folder below one of the ranges' own folders, or (proper not set) one of them? */
static bool within(range *of, size_t count, uint32_t folder, bool proper)
{
    size_t lo = 0, hi = count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (of[mid][0] <= folder)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo && folder < of[lo - 1][1] && (!proper || folder > of[lo - 1][0]);
}

/* Part by part: the subtrees of folders that have the part and lie below one that met the parts
 * before. A range within another adds nothing. */
static void meet_in(struct filter *f)
{
    for (uint8_t part = 0; part < f->a->in_parts; part++) {
        size_t count = 0, n = 0;
        uint32_t *of = folders_of_part(f, part, &count);
        range *now = mem_alloc((count + 1) * sizeof *now);

        for (size_t i = 0; i < count; i++) {
            if ((part && !within(f->in, f->ins, of[i], true)) || (n && of[i] < now[n - 1][1]))
                continue;
            now[n][0] = of[i];
            now[n++][1] = f->s->folder[of[i]].end;
        }
        mem_free(of);
        mem_free(f->in);
        f->in = now;
        f->ins = n;
    }
}

/* --- names --- */

static char small(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static bool same_ext(const char *name, size_t name_len, const char *ext)
{
    size_t len = strlen(ext);
    const char *at = name + name_len - len;

    if (!len || len + 1 > name_len || at[-1] != '.')
        return false;
    for (size_t i = 0; i < len; i++)
        if (small(at[i]) != small(ext[i]))
            return false;
    return true;
}

static bool has_type(const char *name, size_t len, const char *type)
{
    const char *is = strcmp(type, "file") != 0 ? types_of(name, len) : type;

    return is && !strcmp(is, type);
}

static bool passes_by_name(const struct filter *f, uint32_t entry)
{
    const struct search_query *q = f->a->q;
    bool folder = f->s->kind[entry] == ROW_DIR;
    char name[PATH_LEN_MAX + 1];
    size_t len;

    if (q->type && !strcmp(q->type, "dir"))
        return folder && !q->ext;
    if (folder)
        return false;
    len = segment_name(f->s, entry, name);
    if (q->ext && !same_ext(name, len, q->ext[0] == '.' ? q->ext + 1 : q->ext))
        return false;
    return !q->type || has_type(name, len, q->type);
}

/* --- phrases --- */

/* Do the phrase's words stand side by side in this name? */
static bool has_phrase(const struct phrase *p, const struct words *w)
{
    for (size_t i = 0; i < w->count; i++) {
        size_t met = 0;

        for (size_t k = i; k < w->count && met < p->words; k++) {
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

static bool path_has_phrase(const struct phrase *p, const char *path, size_t end)
{
    while (end) {
        size_t from = end;
        struct words w;

        while (from && path[from - 1] != '/')
            from--;
        words_of(&w, path + from, end - from, WORDS_FOLDER);
        if (has_phrase(p, &w))
            return true;
        end = from ? from - 1 : 0;
    }
    return false;
}

static bool has_phrases(struct filter *f, uint32_t entry, uint32_t folder)
{
    char path[PATH_LEN_MAX + 1];
    size_t len;

    if (f->phrases_read++ >= PHRASES_READ_MAX)
        return false;
    len = segment_path(f->s, entry, folder, path);
    for (uint8_t i = 0; i < f->a->phrases; i++)
        if (!path_has_phrase(&f->a->phrase[i], path, len))
            return false;
    return true;
}

/* --- all of it --- */

void filter_begin(struct filter *f, const struct ask *a, const struct segment *s)
{
    const struct search_query *q = a->q;
    const struct catalog *c = a->c;

    *f = (struct filter){.a = a, .s = s, .peer = SEG_NONE, .phrases_read = f->phrases_read};
    f->any = q->type || q->ext || q->larger || q->smaller != UINT64_MAX ||
             q->newer_s != INT64_MIN || q->peer || a->in_parts;
    for (uint32_t i = 0; q->peer && i < c->peers; i++)
        if (c->peer[i].used && nid_eq(&c->peer[i].nid, q->peer))
            f->peer = i;
    meet_in(f);
}

void filter_end(struct filter *f)
{
    mem_free(f->in);
    f->in = NULL;
}

bool filter_passes(struct filter *f, uint32_t entry, uint32_t folder)
{
    const struct search_query *q = f->a->q;
    uint64_t size;

    if (f->any) {
        size = segment_size(f->s, entry);
        if (size < q->larger || size > q->smaller || segment_mtime(f->s, entry) < q->newer_s)
            return false;
        if (q->peer && f->s->folder[folder].peer != f->peer)
            return false;
        if (f->a->in_parts && !within(f->in, f->ins, folder, false))
            return false;
        if ((q->type || q->ext) && !passes_by_name(f, entry))
            return false;
    }
    return !f->a->phrases || has_phrases(f, entry, folder);
}
