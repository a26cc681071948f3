#include "core/segment_write.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

#define SIZE_KEPT_MAX  (((uint64_t)1 << 48) - 1)
#define MTIME_KEPT_MAX (((int64_t)1 << 39) - 1)

/* Room for need elements; grows by half. */
static bool outgrown(size_t need, size_t *cap)
{
    if (need <= *cap)
        return false;
    *cap = need + need / 2 + 64;
    return true;
}

static bool outgrown32(uint32_t need, uint32_t *cap)
{
    size_t wide = *cap;
    bool out = outgrown(need, &wide);

    *cap = wide < UINT32_MAX ? (uint32_t)wide : UINT32_MAX;
    return out;
}

/* --- folders and entries --- */

static void room_for_folder(struct seg_writer *w, size_t len)
{
    struct segment *s = w->s;

    if (outgrown32(s->folders + 2, &w->folder_cap))
        s->folder = mem_resize(s->folder, w->folder_cap, sizeof *s->folder);
    if (outgrown(s->folder_text_bytes + len + 1, &w->folder_text_cap))
        s->folder_text = mem_resize(s->folder_text, w->folder_text_cap, 1);
}

uint32_t seg_writer_folder(struct seg_writer *w, uint16_t peer, uint32_t parent, const char *name,
                           size_t len)
{
    struct segment *s = w->s;
    uint32_t id = s->folders++;
    size_t path_len = 0;

    room_for_folder(w, len);
    if (parent != SEG_NONE)
        path_len = s->folder[parent].path_len + (s->folder[parent].parent != SEG_NONE) + len;
    s->folder[id] = (struct seg_folder){.parent = parent,
                                        .first = s->entries,
                                        .text = (uint32_t)s->folder_text_bytes,
                                        .path_len = (uint16_t)path_len,
                                        .peer = peer};
    if (len)
        memcpy(s->folder_text + s->folder_text_bytes, name, len);
    s->folder_text_bytes += len;
    s->folder[id + 1].text = (uint32_t)s->folder_text_bytes;
    return id;
}

static void add_name(struct seg_writer *w, const char *name, size_t len)
{
    struct segment *s = w->s;
    size_t shared = 0, part[2];

    if (s->entries % SEG_BLOCK == 0) {
        s->block[s->entries / SEG_BLOCK] = (uint32_t)s->name_bytes;
    } else {
        size_t most = len < w->last_len ? len : w->last_len;

        while (shared < most && name[shared] == w->last[shared])
            shared++;
    }
    if (outgrown(s->name_bytes + len + 10, &w->name_cap))
        s->name = mem_resize(s->name, w->name_cap, 1);
    part[0] = shared;
    part[1] = len - shared;
    for (int i = 0; i < 2; i++) {
        for (; part[i] >= 0x80; part[i] >>= 7)
            s->name[s->name_bytes++] = (uint8_t)(part[i] | 0x80);
        s->name[s->name_bytes++] = (uint8_t)part[i];
    }
    if (len > shared)
        memcpy(s->name + s->name_bytes, name + shared, len - shared);
    s->name_bytes += len - shared;
    if (len > shared)
        memcpy(w->last + shared, name + shared, len - shared);
    w->last_len = len;
}

static void resize_entries(struct segment *s, size_t cap)
{
    s->block = mem_resize(s->block, cap / SEG_BLOCK + 1, sizeof *s->block);
    s->name_len = mem_resize(s->name_len, cap, sizeof *s->name_len);
    s->kind = mem_resize(s->kind, cap, sizeof *s->kind);
    s->size_low = mem_resize(s->size_low, cap, sizeof *s->size_low);
    s->size_high = mem_resize(s->size_high, cap, sizeof *s->size_high);
    s->mtime_low = mem_resize(s->mtime_low, cap, sizeof *s->mtime_low);
    s->mtime_high = mem_resize(s->mtime_high, cap, sizeof *s->mtime_high);
    s->hash = mem_resize(s->hash, cap, sizeof *s->hash);
}

void seg_writer_begin(struct seg_writer *w, uint32_t entries)
{
    memset(w, 0, sizeof *w);
    w->s = mem_zero(1, sizeof *w->s);
    w->entry_cap = entries + 1;
    resize_entries(w->s, w->entry_cap);
}

static void add_root(struct seg_writer *w, const struct seg_meta *m)
{
    static const struct hash none;
    struct segment *s = w->s;

    if (hash_eq(&m->root, m->kind == ROW_DIR ? &none : &rows_no_checkpoints))
        return;
    if (outgrown32(s->roots + 1, &w->root_cap)) {
        s->root = mem_resize(s->root, w->root_cap, sizeof *s->root);
        s->root_of = mem_resize(s->root_of, w->root_cap, sizeof *s->root_of);
    }
    s->root_of[s->roots] = s->entries;
    s->root[s->roots++] = m->root;
}

uint32_t seg_writer_entry(struct seg_writer *w, const char *name, size_t len,
                          const struct seg_meta *m)
{
    struct segment *s = w->s;
    uint32_t id = s->entries;
    uint64_t size = m->size < SIZE_KEPT_MAX ? m->size : SIZE_KEPT_MAX;
    int64_t mtime = m->mtime_s < MTIME_KEPT_MAX ? m->mtime_s : MTIME_KEPT_MAX;

    assert(len <= PATH_LEN_MAX);
    if (mtime < -MTIME_KEPT_MAX)
        mtime = -MTIME_KEPT_MAX;
    if (outgrown32(id + 1, &w->entry_cap))
        resize_entries(s, w->entry_cap);
    add_name(w, name, len);
    add_root(w, m);
    s->name_len[id] = (uint8_t)(len < UINT8_MAX ? len : UINT8_MAX);
    s->kind[id] = m->kind;
    s->size_low[id] = (uint32_t)size;
    s->size_high[id] = (uint16_t)(size >> 32);
    s->mtime_low[id] = (uint32_t)((uint64_t)mtime & UINT32_MAX);
    s->mtime_high[id] = (int8_t)((mtime - (int64_t)s->mtime_low[id]) / ((int64_t)1 << 32));
    s->hash[id] = m->hash;
    return s->entries++;
}

/* --- words --- */

static void put_varint(struct segment *s, uint32_t v)
{
    for (; v >= 0x80; v >>= 7)
        s->list[s->list_bytes++] = (uint8_t)(v | 0x80);
    s->list[s->list_bytes++] = (uint8_t)v;
}

static void put_steps(struct segment *s, const uint32_t *of, size_t count)
{
    uint32_t before = 0;

    for (size_t i = 0; i < count; i++) {
        put_varint(s, of[i] - before);
        before = of[i];
    }
}

static size_t steps_bytes(const uint32_t *of, size_t count)
{
    uint32_t before = 0;
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t step = of[i] - before;

        bytes += step < 1u << 7    ? 1
                 : step < 1u << 14 ? 2
                 : step < 1u << 21 ? 3
                 : step < 1u << 28 ? 4
                                   : 5;
        before = of[i];
    }
    return bytes;
}

void seg_writer_word(struct seg_writer *w, enum word_class class, const char *text, size_t len,
                     const uint32_t *entry, size_t entries, const uint32_t *folder, size_t folders)
{
    struct segment *s = w->s;
    uint32_t id = s->words++, at = id ? s->text_at[id] : 0;

    if (outgrown32(id + 2, &w->word_cap)) {
        s->uses = mem_resize(s->uses, w->word_cap, sizeof *s->uses);
        s->text_at = mem_resize(s->text_at, w->word_cap, sizeof *s->text_at);
        s->list_at = mem_resize(s->list_at, w->word_cap, sizeof *s->list_at);
    }
    if (outgrown(at + len, &w->text_cap))
        s->text = mem_resize(s->text, w->text_cap, 1);
    if (outgrown(s->list_bytes + 5 * (entries + folders + 3), &w->list_cap))
        s->list = mem_resize(s->list, w->list_cap, 1);
    memcpy(s->text + at, text, len);
    s->uses[id] = (uint8_t)(entries + folders < UINT8_MAX ? entries + folders : UINT8_MAX);
    s->text_at[id] = at;
    s->text_at[id + 1] = at + (uint32_t)len;
    s->list_at[id] = (uint32_t)s->list_bytes;
    put_varint(s, (uint32_t)entries << 1 | (folders > 0));
    if (folders) {
        put_varint(s, (uint32_t)folders);
        put_varint(s, (uint32_t)steps_bytes(entry, entries));
    }
    put_steps(s, entry, entries);
    put_steps(s, folder, folders);
    for (int c = class; c < CLASSES; c++)
        s->class_end[c] = s->words;
}

/* --- the end --- */

static void close_folders(struct segment *s)
{
    for (uint32_t f = 0; f < s->folders; f++)
        s->folder[f].end = f + 1;
    for (uint32_t f = s->folders; f--;) {
        uint32_t parent = s->folder[f].parent;

        if (parent != SEG_NONE && s->folder[parent].end < s->folder[f].end)
            s->folder[parent].end = s->folder[f].end;
    }
    s->folder[s->folders] = (struct seg_folder){.parent = SEG_NONE,
                                                .end = s->folders,
                                                .first = s->entries,
                                                .text = (uint32_t)s->folder_text_bytes,
                                                .peer = UINT16_MAX};
}

static void index_pairs(struct segment *s)
{
    uint32_t word = 0, end = s->class_end[CLASS_LETTERS];

    for (unsigned pair = 0; pair < SEG_PAIRS; pair++) {
        const uint8_t from[2] = {(uint8_t)('a' + pair / 26), (uint8_t)('a' + pair % 26)};

        for (; word < end; word++) {
            size_t len;
            const char *text = segment_word(s, word, &len);
            int d = memcmp(text, from, len < 2 ? len : 2);

            if (d > 0 || (!d && len >= 2))
                break;
        }
        s->pair[pair] = word;
    }
    s->pair[SEG_PAIRS] = end;
}

/* What was taken too much goes back. */
static void trim(struct segment *s)
{
    resize_entries(s, s->entries);
    s->name = mem_resize(s->name, s->name_bytes, 1);
    s->folder = mem_resize(s->folder, s->folders + (size_t)1, sizeof *s->folder);
    s->folder_text = mem_resize(s->folder_text, s->folder_text_bytes + 1, 1);
    s->uses = mem_resize(s->uses, s->class_end[CLASS_MIXED] + (size_t)1, sizeof *s->uses);
    s->text_at = mem_resize(s->text_at, s->words + (size_t)1, sizeof *s->text_at);
    s->list_at = mem_resize(s->list_at, s->words + (size_t)1, sizeof *s->list_at);
    if (!s->words)
        s->text_at[0] = 0; /* names of separators only */
    s->text = mem_resize(s->text, s->text_at[s->words] + (size_t)1, 1);
    s->list = mem_resize(s->list, s->list_bytes + 1, 1);
    if (s->roots) {
        s->root = mem_resize(s->root, s->roots, sizeof *s->root);
        s->root_of = mem_resize(s->root_of, s->roots, sizeof *s->root_of);
    }
}

struct segment *seg_writer_end(struct seg_writer *w)
{
    struct segment *s = w->s;

    close_folders(s);
    trim(s);
    index_pairs(s);
    segment_length_index(s);
    s->dead_bit = mem_zero(s->entries / 64 + (size_t)1, sizeof *s->dead_bit);
    segment_hash_index(s);
    w->s = NULL;
    return s;
}
