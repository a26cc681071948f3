#include "core/segment.h"

#include "base/limits.h"
#include "base/mem.h"
#include "core/rows.h"

#include <assert.h>
#include <string.h>

void segment_free(struct segment *s)
{
    if (!s)
        return;
    mem_free(s->name);
    mem_free(s->block);
    mem_free(s->name_len);
    mem_free(s->kind);
    mem_free(s->dead_bit);
    mem_free(s->size_low);
    mem_free(s->size_high);
    mem_free(s->mtime_low);
    mem_free(s->mtime_high);
    mem_free(s->hash);
    mem_free(s->by_hash);
    mem_free(s->root_of);
    mem_free(s->root);
    mem_free(s->folder);
    mem_free(s->folder_text);
    mem_free(s->uses);
    mem_free(s->by_length);
    mem_free(s->sig);
    mem_free(s->text_at);
    mem_free(s->text);
    mem_free(s->list_at);
    mem_free(s->list);
    mem_free(s);
}

size_t segment_bytes(const struct segment *s, size_t *hashes)
{
    size_t entry = 2 * sizeof(uint8_t) + 2 * sizeof(uint32_t) + sizeof(uint16_t) + sizeof(int8_t);
    size_t word = 2 * sizeof(uint32_t), near = sizeof(uint8_t) + 2 * sizeof(uint32_t);

    *hashes = s->entries * (sizeof *s->hash + sizeof *s->by_hash) +
              s->roots * (sizeof *s->root + sizeof *s->root_of);
    return sizeof *s + s->name_bytes + (s->entries / SEG_BLOCK + 1) * sizeof *s->block +
           s->entries * entry + s->entries / 8 + s->folders * sizeof *s->folder +
           s->folder_text_bytes + s->words * word + s->class_end[CLASS_MIXED] * near +
           (s->words ? s->text_at[s->words] : 0) + s->list_bytes + *hashes;
}

/* --- entries --- */

bool segment_kill(struct segment *s, uint32_t entry)
{
    if (segment_dead(s, entry))
        return false;
    s->dead_bit[entry / 64] |= (uint64_t)1 << entry % 64;
    s->dead++;
    return true;
}

/* The first folder of a peer, or of the next one. */
static uint32_t first_of_peer(const struct segment *s, uint32_t peer)
{
    uint32_t lo = 0, hi = s->folders;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (s->folder[mid].peer < peer)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void segment_kill_peer(struct segment *s, uint16_t peer, uint32_t *files, uint32_t *folders)
{
    uint32_t from = s->folder[first_of_peer(s, peer)].first;
    uint32_t to = s->folder[first_of_peer(s, peer + 1u)].first;

    for (uint32_t e = from; e < to; e++)
        if (segment_kill(s, e))
            ++*(s->kind[e] == ROW_DIR ? folders : files);
}

struct hash segment_root(const struct segment *s, uint32_t entry)
{
    uint32_t lo = 0, hi = s->roots;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (s->root_of[mid] < entry)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < s->roots && s->root_of[lo] == entry)
        return s->root[lo];
    if (s->kind[entry] == ROW_DIR)
        return (struct hash){0};
    return rows_no_checkpoints;
}

/* Gallops: entries are mostly asked for in rising order. */
uint32_t segment_folder_of(const struct segment *s, uint32_t entry, uint32_t from)
{
    uint32_t step = 1, lo = from, hi;

    while (step < s->folders - lo && s->folder[lo + step].first <= entry) {
        lo += step;
        step *= 2;
    }
    hi = step < s->folders - lo ? lo + step : s->folders;
    while (lo + 1 < hi) { /* first[lo] <= entry < first[hi] */
        uint32_t mid = lo + (hi - lo) / 2;

        if (s->folder[mid].first <= entry)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

struct seg_names segment_names(const struct segment *s, uint32_t block, char *text)
{
    return (struct seg_names){.p = s->name + s->block[block], .text = text};
}

void segment_names_next(struct seg_names *n)
{
    uint32_t shared = segment_varint(&n->p), rest = segment_varint(&n->p);

    memcpy(n->text + shared, n->p, rest);
    n->p += rest;
    n->len = shared + rest;
    n->text[n->len] = '\0';
}

size_t segment_name(const struct segment *s, uint32_t entry, char *out)
{
    struct seg_names n = segment_names(s, entry / SEG_BLOCK, out);

    for (uint32_t i = 0; i <= entry % SEG_BLOCK; i++)
        segment_names_next(&n);
    return n.len;
}

const char *segment_folder_name(const struct segment *s, uint32_t folder, size_t *len)
{
    *len = s->folder[folder + 1].text - s->folder[folder].text;
    return s->folder_text + s->folder[folder].text;
}

size_t segment_folder_path(const struct segment *s, uint32_t folder, char *out)
{
    size_t all = s->folder[folder].path_len, at = all;

    out[all] = '\0';
    while (s->folder[folder].parent != SEG_NONE) {
        size_t len;
        const char *name = segment_folder_name(s, folder, &len);

        at -= len;
        memcpy(out + at, name, len);
        folder = s->folder[folder].parent;
        if (s->folder[folder].parent != SEG_NONE)
            out[--at] = '/';
    }
    return all;
}

size_t segment_path(const struct segment *s, uint32_t entry, uint32_t folder, char *out)
{
    char name[PATH_LEN_MAX + 1];
    size_t name_len = segment_name(s, entry, name), len = segment_folder_path(s, folder, out);

    if (s->folder[folder].parent != SEG_NONE)
        out[len++] = '/';
    memcpy(out + len, name, name_len + 1);
    return len + name_len;
}

/* Apart, because a buffer of this size would be cleared at every call. */
static __attribute__((noinline)) size_t long_name_len(const struct segment *s, uint32_t entry)
{
    char name[PATH_LEN_MAX + 1];

    return segment_name(s, entry, name);
}

size_t segment_path_len(const struct segment *s, uint32_t entry, uint32_t folder)
{
    size_t len = s->name_len[entry];

    if (len == UINT8_MAX)
        len = long_name_len(s, entry);
    return s->folder[folder].path_len + (s->folder[folder].parent != SEG_NONE) + len;
}

/* --- paths --- */

static int text_cmp(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t n = a_len < b_len ? a_len : b_len;
    int d = n ? memcmp(a, b, n) : 0;

    return d ? d : a_len < b_len ? -1 : a_len > b_len;
}

/* The folder called name right in folder, by bisection: of any folder below, the ancestor that lies
 * right in folder is compared. */
static uint32_t find_child(const struct segment *s, uint32_t folder, const char *name, size_t len)
{
    uint32_t lo = folder + 1, hi = s->folder[folder].end;

    while (lo < hi) {
        uint32_t child = lo + (hi - lo) / 2;
        const char *text;
        size_t text_len;
        int d;

        while (s->folder[child].parent != folder)
            child = s->folder[child].parent;
        text = segment_folder_name(s, child, &text_len);
        d = text_cmp(text, text_len, name, len);
        if (!d)
            return child;
        if (d < 0)
            lo = s->folder[child].end;
        else
            hi = child;
    }
    return SEG_NONE;
}

static uint32_t find_name(const struct segment *s, uint32_t folder, const char *name, size_t len)
{
    uint32_t lo = s->folder[folder].first, hi = s->folder[folder + 1].first;
    char text[PATH_LEN_MAX + 1];
    struct seg_names n;

    while (lo / SEG_BLOCK < hi / SEG_BLOCK && hi - lo > SEG_BLOCK) {
        uint32_t mid = (lo + (hi - lo) / 2) / SEG_BLOCK * SEG_BLOCK;

        if (mid <= lo)
            mid = (lo / SEG_BLOCK + 1) * SEG_BLOCK;
        n = segment_names(s, mid / SEG_BLOCK, text);
        segment_names_next(&n);
        if (text_cmp(text, n.len, name, len) <= 0)
            lo = mid;
        else
            hi = mid;
    }
    if (lo >= hi)
        return SEG_NONE;
    n = segment_names(s, lo / SEG_BLOCK, text);
    for (uint32_t e = lo / SEG_BLOCK * SEG_BLOCK; e < hi; e++) {
        if (e % SEG_BLOCK == 0)
            n = segment_names(s, e / SEG_BLOCK, text);
        segment_names_next(&n);
        if (e >= lo && n.len == len && !memcmp(text, name, len))
            return e;
    }
    return SEG_NONE;
}

uint32_t segment_find(const struct segment *s, uint16_t peer, const char *path, size_t len)
{
    uint32_t folder = first_of_peer(s, peer);
    const char *end = path + len, *slash;

    if (folder == s->folders || s->folder[folder].peer != peer)
        return SEG_NONE;
    while ((slash = memchr(path, '/', (size_t)(end - path)))) {
        folder = find_child(s, folder, path, (size_t)(slash - path));
        if (folder == SEG_NONE)
            return SEG_NONE;
        path = slash + 1;
    }
    return find_name(s, folder, path, (size_t)(end - path));
}

/* --- words --- */

enum word_class word_class_of(enum word_kind kind)
{
    return kind == WORD_LETTERS ? CLASS_LETTERS : kind == WORD_MIXED ? CLASS_MIXED : CLASS_OTHER;
}

const char *segment_word(const struct segment *s, uint32_t word, size_t *len)
{
    *len = s->text_at[word + 1] - s->text_at[word];
    return s->text + s->text_at[word];
}

enum word_kind segment_word_kind(const struct segment *s, uint32_t word)
{
    size_t len;
    const char *text = segment_word(s, word, &len);

    if (word < s->class_end[CLASS_LETTERS])
        return WORD_LETTERS;
    return word < s->class_end[CLASS_MIXED] ? WORD_MIXED : word_kind_of(text, len);
}

/* The first word of [lo, hi) that is not before text; after: that does not begin with it either. */
static uint32_t bound(const struct segment *s, uint32_t lo, uint32_t hi, const char *text,
                      size_t len, bool after)
{
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        size_t mid_len;
        const char *at = segment_word(s, mid, &mid_len);
        int d = text_cmp(at, after && mid_len > len ? len : mid_len, text, len);

        if (d < 0 || (after && !d))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

void segment_word_range(const struct segment *s, enum word_class class, const char *text,
                        size_t len, uint32_t *from, uint32_t *to)
{
    uint32_t lo = class ? s->class_end[class - 1] : 0, hi = s->class_end[class];

    if (class == CLASS_LETTERS && len >= 2 && is_letter(text[0]) && is_letter(text[1])) {
        unsigned pair = (unsigned)(text[0] - 'a') * 26 + (unsigned)(text[1] - 'a');

        lo = s->pair[pair];
        hi = s->pair[pair + 1];
    }
    *from = bound(s, lo, hi, text, len, false);
    *to = bound(s, *from, hi, text, len, true);
}

uint32_t segment_word_find(const struct segment *s, const char *text, size_t len)
{
    enum word_class class = word_class_of(word_kind_of(text, len));
    uint32_t lo = class ? s->class_end[class - 1] : 0, hi = s->class_end[class], at;
    const char *found;
    size_t found_len;

    if (class == CLASS_LETTERS && len >= 2 && is_letter(text[0]) && is_letter(text[1])) {
        unsigned pair = (unsigned)(text[0] - 'a') * 26 + (unsigned)(text[1] - 'a');

        lo = s->pair[pair];
        hi = s->pair[pair + 1];
    }
    at = bound(s, lo, hi, text, len, false);
    if (at == hi)
        return SEG_NONE;
    found = segment_word(s, at, &found_len);
    return found_len == len && !memcmp(found, text, len) ? at : SEG_NONE;
}

/* A word's lists: entries << 1 | has folders, [folders, bytes of the entries' list], both lists as
 * varint steps. */
struct seg_list segment_list(const struct segment *s, uint32_t word)
{
    const uint8_t *p = s->list + s->list_at[word];
    uint32_t n = segment_varint(&p), bytes;
    struct seg_list l = {.entries = n >> 1};

    if (n & 1) {
        l.folders = segment_varint(&p);
        bytes = segment_varint(&p);
        l.folder = p + bytes;
    }
    l.entry = p;
    return l;
}
