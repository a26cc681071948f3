/* Fresh rows -> a segment: folders depth-first, names in order, words counted out into lists. */
#include "base/mem.h"
#include "core/idmap.h"
#include "core/segment_write.h"

#include <stdlib.h>
#include <string.h>

/* A word with an entry or folder that has it. */
struct use {
    uint32_t word, id;
};

struct uses {
    struct use *use;
    size_t count, cap;
};

struct new_word {
    size_t text; /* in build.text */
    uint8_t len, kind;
    uint32_t last_entry, last_folder; /* noted last, one more; 0: none yet */
};

struct build {
    const struct fresh *f;
    struct sip_key key;
    struct seg_writer w;
    uint32_t *folder_to; /* fresh folder -> folder of the segment, SEG_NONE: nothing lives in it */
    struct new_word *word;
    uint32_t words, word_cap; /* [0] is unused */
    char *text;
    size_t text_len, text_cap;
    struct idmap map;
    struct uses entries, folders;
    struct words read;
    uint64_t hash[WORDS_MAX]; /* of what was read */
    char path[2 * PATH_LEN_MAX + 2];
};

/* --- words --- */

/* May a peer bring one more word? */
static bool may_bring(const struct word_limit *l, uint16_t peer, const char *text, size_t len)
{
    if (!l)
        return true;
    if (l->left[peer]) {
        l->left[peer]--;
        return true;
    }
    for (size_t i = 0; i < l->besides; i++)
        if (segment_word_find(l->beside[i], text, len) != SEG_NONE)
            return true;
    l->cut[peer]++;
    return false;
}

/* 0: the peer may not bring it. */
static uint32_t word_number(struct build *b, const char *text, const struct word *w, uint64_t hash)
{
    uint32_t id, at = IDMAP_START;

    while ((id = idmap_next(&b->map, hash, &at)))
        if (b->word[id].len == w->len && !memcmp(b->text + b->word[id].text, text, w->len))
            return id;
    if (!may_bring(b->f->limit, b->w.s->folder[b->w.s->folders - 1].peer, text, w->len))
        return 0;
    if (b->words >= b->word_cap) {
        b->word_cap = b->word_cap ? b->word_cap * 2 : 1024;
        b->word = mem_resize(b->word, b->word_cap, sizeof *b->word);
    }
    if (b->text_len + w->len > b->text_cap) {
        b->text_cap = b->text_cap * 2 + 16384;
        b->text = mem_resize(b->text, b->text_cap, 1);
    }
    id = b->words++;
    b->word[id] = (struct new_word){.text = b->text_len, .len = w->len, .kind = w->kind};
    if (w->len + 4 > WORD_BYTES_MAX) /* cut, it may have lost what made it of its kind */
        b->word[id].kind = (uint8_t)word_kind_of(text, w->len);
    memcpy(b->text + b->text_len, text, w->len);
    b->text_len += w->len;
    idmap_put(&b->map, hash, id);
    return id;
}

/* Note the words just read for an entry or a folder, each once. */
static void note_words(struct build *b, uint32_t id, bool folder)
{
    struct uses *uses = folder ? &b->folders : &b->entries;

    for (size_t i = 0; i < b->read.count; i++) {
        const struct word *w = &b->read.word[i];

        b->hash[i] = sip(&b->key, b->read.text + w->at, w->len);
        idmap_ask(&b->map, b->hash[i]);
    }
    for (size_t i = 0; i < b->read.count; i++) {
        const struct word *w = &b->read.word[i];
        uint32_t number = word_number(b, b->read.text + w->at, w, b->hash[i]), *last;

        last = folder ? &b->word[number].last_folder : &b->word[number].last_entry;
        if (!number || *last == id + 1)
            continue;
        *last = id + 1;
        MEM_GROW(uses->use, uses->count, uses->cap);
        uses->use[uses->count++] = (struct use){number, id};
    }
}

static void entry_words(struct build *b, uint32_t id, const struct fresh_row *r)
{
    const char *name = b->f->text + r->name;
    uint32_t folder = b->w.s->folders - 1;
    size_t len;

    words_of(&b->read, name, r->len, r->meta.kind == ROW_DIR ? WORDS_FOLDER : WORDS_FILE);
    if (b->read.episode >= 0 && b->read.season < 0 && r->meta.kind != ROW_DIR) {
        /* the season may be told by a folder above */
        len = segment_folder_path(b->w.s, folder, b->path);
        b->path[len++] = '/';
        memcpy(b->path + len, name, r->len);
        words_of_last(&b->read, b->path, len + r->len, false);
    }
    note_words(b, id, false);
}

/* --- folders --- */

struct folder_key {
    uint32_t parent; /* fresh number, one more; 0: none */
    uint32_t id, len;
    uint16_t peer;
    const char *name;
};

static int text_cmp(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t n = a_len < b_len ? a_len : b_len;
    int d = n ? memcmp(a, b, n) : 0;

    return d ? d : a_len < b_len ? -1 : a_len > b_len;
}

static int by_parent(const void *pa, const void *pb)
{
    const struct folder_key *a = pa, *b = pb;

    if (a->parent != b->parent)
        return a->parent < b->parent ? -1 : 1;
    if (a->peer != b->peer)
        return a->peer < b->peer ? -1 : 1;
    return text_cmp(a->name, a->len, b->name, b->len);
}

/* Rows of one folder, later of all, in order. */
struct row_key {
    uint32_t row, len;
    const char *name;
};

static int by_name(const void *pa, const void *pb)
{
    const struct row_key *a = pa, *b = pb;

    return text_cmp(a->name, a->len, b->name, b->len);
}

/* Living rows counted out by folder: folder f's stand at start[f] up to start[f + 1]. */
static struct row_key *group_rows(const struct fresh *f, uint32_t *start)
{
    struct row_key *key = mem_alloc((f->rows + (size_t)1) * sizeof *key);

    for (uint32_t i = 0; i < f->rows; i++)
        if (f->row[i].meta.kind)
            start[f->row[i].folder + 1]++;
    for (uint32_t i = 0; i < f->folders; i++)
        start[i + 1] += start[i];
    for (uint32_t i = f->rows; i--;) {
        const struct fresh_row *r = &f->row[i];

        if (r->meta.kind)
            key[--start[r->folder + 1]] = (struct row_key){i, r->len, f->text + r->name};
    }
    /* each start now stands one place late: at [f + 1] is where f begins */
    memmove(start, start + 1, f->folders * sizeof *start);
    return key;
}

/* Which folders have something living in or below them. */
static bool *needed_folders(const struct fresh *f)
{
    bool *needed = mem_zero(f->folders + (size_t)1, sizeof *needed);

    for (uint32_t i = 0; i < f->rows; i++)
        if (f->row[i].meta.kind)
            needed[f->row[i].folder] = true;
    for (uint32_t i = f->folders; i--;)
        if (needed[i] && f->folder[i].parent != SEG_NONE)
            needed[f->folder[i].parent] = true;
    return needed;
}

static uint32_t first_child(const struct folder_key *key, uint32_t count, uint32_t parent)
{
    uint32_t lo = 0, hi = count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (key[mid].parent < parent)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The needed folders in the order of a walk, depth first. */
static uint32_t *walk_folders(const struct fresh *f, uint32_t *count)
{
    bool *needed = needed_folders(f);
    struct folder_key *key = mem_alloc((f->folders + (size_t)1) * sizeof *key);
    uint32_t *walk = mem_alloc((f->folders + (size_t)1) * sizeof *walk), n = 0;
    struct {
        uint32_t at, parent;
    } *stack = mem_alloc((f->folders + (size_t)1) * sizeof *stack);
    size_t depth = 0;

    *count = 0;
    for (uint32_t i = 0; i < f->folders; i++) {
        const struct fresh_folder *d = &f->folder[i];

        if (needed[i])
            key[n++] = (struct folder_key){d->parent + 1, i, d->len, d->peer, f->text + d->name};
    }
    qsort(key, n, sizeof *key, by_parent);
    stack[depth].at = 0;
    stack[depth++].parent = 0;
    while (depth) {
        uint32_t at = stack[depth - 1].at++;

        if (at == n || key[at].parent != stack[depth - 1].parent) {
            depth--;
            continue;
        }
        walk[(*count)++] = key[at].id;
        stack[depth].parent = key[at].id + 1;
        stack[depth].at = first_child(key, n, key[at].id + 1);
        depth++;
    }
    mem_free(stack);
    mem_free(key);
    mem_free(needed);
    return walk;
}

static void write_rows(struct build *b, struct row_key *key, uint32_t count)
{
    qsort(key, count, sizeof *key, by_name);
    for (uint32_t i = 0; i < count; i++) {
        const struct fresh_row *r = &b->f->row[key[i].row];

        entry_words(b, seg_writer_entry(&b->w, key[i].name, key[i].len, &r->meta), r);
    }
}

static void write_tree(struct build *b)
{
    const struct fresh *f = b->f;
    uint32_t folders, *walk = walk_folders(f, &folders);
    uint32_t *start = mem_zero(f->folders + (size_t)2, sizeof *start);
    struct row_key *key = group_rows(f, start);

    start[f->folders] = 0;
    for (uint32_t i = 0; i < f->rows; i++)
        start[f->folders] += f->row[i].meta.kind != 0;
    b->folder_to = mem_alloc((f->folders + (size_t)1) * sizeof *b->folder_to);
    for (uint32_t i = 0; i < folders; i++) {
        uint32_t from = walk[i];
        const struct fresh_folder *d = &f->folder[from];
        uint32_t parent = d->parent == SEG_NONE ? SEG_NONE : b->folder_to[d->parent];

        b->folder_to[from] = seg_writer_folder(&b->w, d->peer, parent, f->text + d->name, d->len);
        words_of(&b->read, f->text + d->name, d->len, WORDS_FOLDER);
        note_words(b, b->folder_to[from], true);
        write_rows(b, key + start[from], start[from + 1] - start[from]);
    }
    mem_free(b->folder_to);
    mem_free(key);
    mem_free(start);
    mem_free(walk);
}

/* --- lists --- */

struct word_key {
    uint64_t first; /* class and the first bytes */
    const char *text;
    uint32_t id, len;
};

static int by_text(const void *pa, const void *pb)
{
    const struct word_key *a = pa, *b = pb;

    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    return text_cmp(a->text, a->len, b->text, b->len);
}

static struct word_key *sort_words(const struct build *b)
{
    struct word_key *key = mem_alloc(b->words * sizeof *key);

    for (uint32_t i = 1; i < b->words; i++) {
        const struct new_word *w = &b->word[i];
        const char *text = b->text + w->text;
        uint64_t first = (uint64_t)word_class_of((enum word_kind)w->kind);

        for (unsigned k = 0; k < 7; k++)
            first = first << 8 | (k < w->len ? (uint8_t)text[k] : 0);
        key[i - 1] = (struct word_key){first, text, i, w->len};
    }
    qsort(key, b->words - 1, sizeof *key, by_text);
    return key;
}

/* Uses by word: word w's stand at start[w] up to start[w + 1], in rising order. */
static uint32_t *count_out(const struct uses *uses, uint32_t words, size_t *start)
{
    uint32_t *id = mem_alloc((uses->count + 1) * sizeof *id);

    for (size_t i = 0; i < uses->count; i++)
        start[uses->use[i].word + 1]++;
    for (uint32_t w = 0; w < words; w++)
        start[w + 1] += start[w];
    for (size_t i = uses->count; i--;)
        id[--start[uses->use[i].word + 1]] = uses->use[i].id;
    memmove(start, start + 1, words * sizeof *start);
    start[words] = uses->count;
    return id;
}

static void write_words(struct build *b)
{
    struct word_key *key = sort_words(b);
    size_t *entry_at = mem_zero(b->words + (size_t)2, sizeof *entry_at);
    size_t *folder_at = mem_zero(b->words + (size_t)2, sizeof *folder_at);
    uint32_t *entry = count_out(&b->entries, b->words, entry_at);
    uint32_t *folder = count_out(&b->folders, b->words, folder_at);

    for (uint32_t i = 0; i + 1 < b->words; i++) {
        uint32_t w = key[i].id;

        seg_writer_word(&b->w, word_class_of((enum word_kind)b->word[w].kind), key[i].text,
                        key[i].len, entry + entry_at[w], entry_at[w + 1] - entry_at[w],
                        folder + folder_at[w], folder_at[w + 1] - folder_at[w]);
    }
    mem_free(folder);
    mem_free(entry);
    mem_free(folder_at);
    mem_free(entry_at);
    mem_free(key);
}

struct segment *segment_build(const struct fresh *f, const struct sip_key *key)
{
    struct build *b;
    struct segment *s;
    uint32_t living = 0;

    for (uint32_t i = 0; i < f->rows; i++)
        living += f->row[i].meta.kind != 0;
    if (!living)
        return NULL;
    b = mem_alloc(sizeof *b);
    memset(b, 0, sizeof *b);
    b->f = f;
    b->key = *key;
    b->words = 1;
    seg_writer_begin(&b->w, living);
    write_tree(b);
    write_words(b);
    s = seg_writer_end(&b->w);
    idmap_done(&b->map);
    mem_free(b->word);
    mem_free(b->text);
    mem_free(b->entries.use);
    mem_free(b->folders.use);
    mem_free(b);
    return s;
}
