#include "core/vocab.h"

#include "base/mem.h"
#include "core/typo.h"
#include "core/words.h"

#include <assert.h>
#include <string.h>

#define POST_STEP_MAX 5 /* bytes of one varint: 33 bits */

void vocab_init(struct vocab *v, const struct sip_key *key)
{
    *v = (struct vocab){.key = *key, .count = 1};
}

/* Room for a list of len bytes: a power of two, so it follows from len alone. */
static size_t post_cap(size_t len)
{
    size_t cap = 2 * POST_INLINE;

    if (len <= POST_INLINE)
        return 0;
    while (cap < len)
        cap = cap < 64 ? cap * 2 : cap + cap / 4;
    return cap;
}

void vocab_done(struct vocab *v)
{
    for (uint32_t i = 1; i < v->count; i++)
        if (v->word[i].post.len > POST_INLINE)
            mem_free(v->word[i].post.u.out);
    mem_free(v->word);
    mem_free(v->sig);
    mem_free(v->len);
    mem_free(v->syms);
    mem_free(v->kind);
    mem_free(v->in_folders);
    buf_free(&v->text);
    idmap_done(&v->map);
}

const char *vocab_text(const struct vocab *v, uint32_t word)
{
    return v->text.data + v->word[word].text;
}

static uint32_t find(const struct vocab *v, uint64_t hash, const char *word, size_t len)
{
    uint32_t id, at = IDMAP_START;

    while ((id = idmap_next(&v->map, hash, &at)))
        if (v->len[id] == len && !memcmp(vocab_text(v, id), word, len))
            return id;
    return 0;
}

uint32_t vocab_find(const struct vocab *v, const char *word, size_t len)
{
    return find(v, sip(&v->key, word, len), word, len);
}

static void grow(struct vocab *v)
{
    v->cap = v->cap ? v->cap + v->cap / 2 : 64;
    v->word = mem_resize(v->word, v->cap, sizeof *v->word);
    v->sig = mem_resize(v->sig, v->cap, sizeof *v->sig);
    v->len = mem_resize(v->len, v->cap, sizeof *v->len);
    v->syms = mem_resize(v->syms, v->cap, sizeof *v->syms);
    v->kind = mem_resize(v->kind, v->cap, sizeof *v->kind);
    v->in_folders = mem_resize(v->in_folders, v->cap, sizeof *v->in_folders);
}

static uint32_t new_word(struct vocab *v, uint64_t hash, const char *word, size_t len)
{
    uint32_t id = v->count;

    assert(len && len <= WORD_BYTES_MAX);
    if (v->text.len > UINT32_MAX - WORD_BYTES_MAX)
        return 0;
    if (v->count >= v->cap)
        grow(v);
    v->count++;
    v->word[id] = (struct vword){.text = (uint32_t)v->text.len};
    v->sig[id] = typo_sig(word, len);
    v->len[id] = (uint8_t)len;
    v->syms[id] = (uint8_t)typo_syms(word, len);
    v->kind[id] = (uint8_t)word_kind_of(word, len);
    v->in_folders[id] = false;
    buf_add(&v->text, word, len);
    idmap_put(&v->map, hash, id);
    return id;
}

static void post_add(struct vocab *v, uint32_t word, uint32_t node, bool folder)
{
    struct post *post = &v->word[word].post;
    uint64_t step = (uint64_t)(node - post->last) << 1 | folder;
    uint8_t raw[POST_STEP_MAX], *to;
    size_t n = 0, len, cap = post_cap(post->len), need;

    for (; step >= 0x80; step >>= 7)
        raw[n++] = (uint8_t)(step | 0x80);
    raw[n++] = (uint8_t)step;
    len = post->len + n;
    need = post_cap(len);
    to = cap ? post->u.out : post->u.in;
    if (need != cap) {
        uint8_t *out = mem_resize(cap ? post->u.out : NULL, need, 1);

        if (!cap)
            memcpy(out, post->u.in, post->len);
        post->u.out = to = out;
        v->post_bytes += need - cap;
    }
    memcpy(to + post->len, raw, n);
    post->len = (uint32_t)len;
    post->last = node;
    v->in_folders[word] |= folder;
}

bool vocab_add(struct vocab *v, const char *word, size_t len, uint32_t node, bool folder)
{
    uint64_t hash = sip(&v->key, word, len);
    uint32_t id = find(v, hash, word, len);
    struct vword *w;

    if (!id)
        id = new_word(v, hash, word, len);
    if (!id)
        return false;
    w = &v->word[id];
    if (w->post.len && w->post.last == node)
        return false;
    post_add(v, id, node, folder);
    v->living += !w->uses++;
    return true;
}

void vocab_release(struct vocab *v, uint32_t word)
{
    assert(v->word[word].uses);
    v->living -= !--v->word[word].uses;
}

void vocab_renumber(struct vocab *v, const uint32_t *to)
{
    struct vocab now;

    vocab_init(&now, &v->key);
    for (uint32_t id = 1; id < v->count; id++) {
        const char *text = vocab_text(v, id);
        struct post_cursor c = post_read(&v->word[id].post);
        uint32_t new_id = 0;

        while (v->word[id].uses && post_next(&c)) {
            if (!to[c.node])
                continue;
            if (!new_id)
                new_id = new_word(&now, sip(&now.key, text, v->len[id]), text, v->len[id]);
            post_add(&now, new_id, to[c.node], c.folder);
            now.living += !now.word[new_id].uses++;
        }
    }
    vocab_done(v);
    *v = now;
}

size_t vocab_bytes(const struct vocab *v)
{
    return v->cap * (sizeof *v->word + sizeof *v->sig + 4) + v->text.cap + idmap_bytes(&v->map) +
           v->post_bytes;
}
