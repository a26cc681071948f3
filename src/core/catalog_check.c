/* Every invariant of the catalog, asserted. For tests: it walks everything. */
#include "core/catalog_priv.h"
#include "core/typo.h"

#include <assert.h>
#include <string.h>

/* What was counted along the way. */
struct tally {
    uint32_t files, folders, parts;
    uint32_t rows[PEERS_MAX];
    uint64_t peer_files[PEERS_MAX], peer_bytes[PEERS_MAX];
};

static void count(struct tally *t, const struct catalog *c, uint16_t peer, uint8_t kind,
                  uint64_t size)
{
    assert(peer < c->peers && c->peer[peer].used);
    t->rows[peer]++;
    t->folders += kind == ROW_DIR;
    if (kind == ROW_DIR)
        return;
    t->files++;
    t->peer_files[peer]++;
    t->peer_bytes[peer] += size;
}

static void check_folders(const struct segment *s)
{
    assert(s->folders && s->folder[0].parent == SEG_NONE && !s->folder[0].first);
    for (uint32_t f = 0; f < s->folders; f++) {
        const struct seg_folder *d = &s->folder[f];

        assert(d->end > f && d->end <= s->folders && d->first <= d[1].first &&
               d->text <= d[1].text);
        if (d->parent == SEG_NONE) {
            assert(!d->path_len && (!f || d->peer > d[-1].peer));
            continue;
        }
        assert(d->parent < f && d->end <= s->folder[d->parent].end);
        assert(d->peer == s->folder[d->parent].peer);
    }
    assert(s->folder[s->folders].first == s->entries);
}

static void check_entries(const struct catalog *c, const struct segment *s, struct tally *t)
{
    uint32_t dead = 0, folder = 0, contents = 0;
    char path[PATH_LEN_MAX + 1];

    for (uint32_t e = 0; e < s->entries; e++) {
        size_t len;

        folder = segment_folder_of(s, e, folder);
        assert(folder == segment_folder_of(s, e, 0));
        assert(s->folder[folder].first <= e && e < s->folder[folder + 1].first);
        len = segment_path(s, e, folder, path);
        assert(len == segment_path_len(s, e, folder));
        assert(segment_find(s, s->folder[folder].peer, path, len) == e);
        if (segment_dead(s, e))
            dead++;
        else
            count(t, c, s->folder[folder].peer, s->kind[e], segment_size(s, e));
    }
    assert(dead == s->dead);
    for (uint32_t i = 0; i < s->entries; i++) {
        int d = i ? hash_cmp(&s->hash[s->by_hash[i - 1]], &s->hash[s->by_hash[i]]) : -1;

        assert(d <= 0);
        contents += d < 0;
    }
    assert(contents == s->contents);
}

static void check_list(const uint8_t *list, uint32_t count, uint32_t below)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t step = segment_varint(&list);

        assert(!i || step);
        at += step;
        assert(at < below);
    }
}

static void check_lengths(const struct segment *s)
{
    for (uint32_t i = 0; i < s->class_end[CLASS_MIXED]; i++) {
        uint32_t w = s->by_length[i], from, to;
        enum word_class class = w < s->class_end[CLASS_LETTERS] ? CLASS_LETTERS : CLASS_MIXED;
        size_t len;
        const char *text = segment_word(s, w, &len);

        assert(s->sig[i] == typo_sig(text, len));
        segment_length_range(s, class, typo_syms(text, len), text[0], &from, &to);
        assert(from <= i && i < to && (i == from || s->by_length[i - 1] < w));
    }
}

static void check_words(const struct segment *s)
{
    for (uint32_t w = 0; w < s->words; w++) {
        struct seg_list l = segment_list(s, w);
        size_t len;
        const char *text = segment_word(s, w, &len);

        assert(segment_word_find(s, text, len) == w);
        if (w < s->class_end[CLASS_MIXED])
            assert(s->uses[w] == (l.entries + l.folders < 255 ? l.entries + l.folders : 255));
        assert(l.entries || l.folders);
        check_list(l.entry, l.entries, s->entries);
        if (l.folders)
            check_list(l.folder, l.folders, s->folders);
    }
    assert(s->class_end[CLASSES - 1] == s->words);
    check_lengths(s);
}

static void add_row(void *ctx, const struct row *row)
{
    struct digest d = digest_of(row);

    digest_add(ctx, &d);
}

static void check_digest(const struct catalog *c, const struct peer *p)
{
    struct digest d = {0};

    catalog_each(c, &p->nid, add_row, &d);
    assert(digest_eq(&d, &p->digest));
}

void catalog_check(const struct catalog *c)
{
    struct tally *t = mem_zero(1, sizeof *t);
    uint32_t fresh = 0, hidden = 0;

    for (size_t i = 0; i < c->segments; i++) {
        check_folders(c->segment[i]);
        check_entries(c, c->segment[i], t);
        check_words(c->segment[i]);
    }
    for (uint32_t i = 0; i < c->fresh->rows; i++) {
        const struct fresh_row *r = &c->fresh->row[i];

        if (r->meta.kind)
            count(t, c, c->fresh->folder[r->folder].peer, r->meta.kind, r->meta.size);
        fresh += r->meta.kind != 0;
    }
    for (uint32_t i = 1; i < c->parts_end; i++) {
        if (!c->part[i].used)
            continue;
        assert(part_find(c, c->part[i].peer, &c->part[i].hash) == i);
        t->rows[c->part[i].peer]++;
        t->parts++;
    }
    assert(fresh == c->fresh_files + c->fresh_folders);
    assert(t->files == c->files && t->folders == c->folders && t->parts == c->parts);
    for (uint32_t i = 0; i < c->peers; i++) {
        const struct peer *p = &c->peer[i];

        assert(p->used == (t->rows[i] > 0) && p->rows == t->rows[i]);
        if (p->used)
            check_digest(c, p);
        hidden += p->hidden;
        assert(p->files == t->peer_files[i] && (!p->used || p->bytes == t->peer_bytes[i]));
    }
    assert(hidden == c->hidden);
    mem_free(t);
}
