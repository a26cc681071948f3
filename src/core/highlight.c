#include "core/highlight.h"

#include "base/mem.h"
#include "core/fold.h"
#include "core/typo.h"
#include "core/words.h"

#include <stdbool.h>
#include <string.h>
#include <utf8proc.h>

#define SOUGHT_MAX   48
#define LETTERS_MAX  1200 /* of a text; what is beyond is not marked */
#define RUNS_MAX     WORDS_MAX
#define PARTS_MAX    32 /* one code point folded */
#define PIECE_MIN    4  /* letters that are looked for inside of words */
#define TYPO_MIN     4  /* letters of a word that may be misspelt; twice from TYPO_TWO_MIN on */
#define TYPO_TWO_MIN 7
#define JOINED_MIN   5
#define INITIALS_MIN 3

struct sought {
    uint32_t cp[WORD_BYTES_MAX];
    size_t syms;
    char text[WORD_BYTES_MAX];
    uint8_t len, kind; /* enum word_kind */
    struct typo typo;
};

struct highlight {
    size_t count;
    struct sought sought[SOUGHT_MAX];
};

/* A letter of the text as search sees it, and the bytes it stands in. */
struct letter {
    uint32_t cp;
    uint16_t from, to;
    uint8_t kind; /* enum sym_kind */
};

struct run {
    uint16_t from, to; /* letters */
};

/* One text while it is marked. */
struct view {
    uint8_t *marks;
    size_t letters, runs;
    struct letter letter[LETTERS_MAX];
    struct run run[RUNS_MAX];
    struct words words;
};

/* ---- the query ---- */

static size_t code_points(const char *text, size_t len, uint32_t out[WORD_BYTES_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < len && n < WORD_BYTES_MAX;) {
        utf8proc_int32_t cp;
        utf8proc_ssize_t k =
            utf8proc_iterate((const uint8_t *)text + i, (utf8proc_ssize_t)(len - i), &cp);

        if (k <= 0)
            break;
        out[n++] = (uint32_t)cp;
        i += (size_t)k;
    }
    return n;
}

static void add_sought(struct highlight *h, const char *text, size_t len, uint8_t kind)
{
    struct sought *s = &h->sought[h->count];

    if (h->count == SOUGHT_MAX || len > WORD_BYTES_MAX)
        return;
    for (size_t i = 0; i < h->count; i++)
        if (h->sought[i].len == len && !memcmp(h->sought[i].text, text, len))
            return;
    memcpy(s->text, text, len);
    s->len = (uint8_t)len;
    s->kind = kind;
    s->syms = code_points(text, len, s->cp);
    if (kind == WORD_LETTERS)
        typo_init(&s->typo, text, len);
    h->count++;
}

/* The word and the one behind it, when they may be one that was torn apart. */
static void add_joined(struct highlight *h, const struct words *w, size_t i)
{
    const struct word *a = &w->word[i];
    char both[2 * WORD_BYTES_MAX];

    for (size_t k = i + 1; k < w->count; k++) {
        const struct word *b = &w->word[k];

        if (b->part || b->kind != WORD_LETTERS)
            continue;
        memcpy(both, w->text + a->at, a->len);
        memcpy(both + a->len, w->text + b->at, b->len);
        if (b->run == a->run + 1)
            add_sought(h, both, (size_t)a->len + b->len, WORD_LETTERS);
        return;
    }
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct highlight *highlight_new(const char *query, size_t len)
{
    struct highlight *h = mem_zero(1, sizeof *h);
    char *plain = mem_alloc(len + 1);
    size_t n = 0;
    struct words w;

    for (size_t i = 0; i < len; i++) {
        if (query[i] == '-' && (!i || is_space(query[i - 1])) && i + 1 < len &&
            !is_space(query[i + 1]))
            while (i + 1 < len && !is_space(query[i + 1]))
                i++;
        else
            plain[n++] = query[i];
    }
    words_of(&w, plain, n, WORDS_QUERY);
    for (size_t i = 0; i < w.count; i++)
        add_sought(h, w.text + w.word[i].at, w.word[i].len, w.word[i].kind);
    for (size_t i = 0; i < w.count; i++)
        if (!w.word[i].part && w.word[i].kind == WORD_LETTERS)
            add_joined(h, &w, i);
    mem_free(plain);
    return h;
}

void highlight_free(struct highlight *h)
{
    mem_free(h);
}

/* ---- the text ---- */

/* Letters with their bytes. What folds to nothing, as accents do, belongs to the letter before. */
static void read_letters(struct view *v, const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        struct sym part[PARTS_MAX];
        utf8proc_int32_t cp;
        utf8proc_ssize_t k =
            utf8proc_iterate((const uint8_t *)text + i, (utf8proc_ssize_t)(len - i), &cp);
        size_t bytes = k > 0 ? (size_t)k : 1, n = fold(part, PARTS_MAX, text + i, bytes);

        if (v->letters + n > LETTERS_MAX)
            return;
        if (!n && v->letters)
            v->letter[v->letters - 1].to = (uint16_t)(i + bytes);
        for (size_t p = 0; p < n; p++)
            v->letter[v->letters++] =
                (struct letter){part[p].cp, (uint16_t)i, (uint16_t)(i + bytes), part[p].kind};
        i += bytes;
    }
}

/* As core/words finds them, so that its numbers of runs are ours. */
static void read_runs(struct view *v)
{
    for (size_t i = 0; i < v->letters && v->runs < RUNS_MAX;) {
        bool dense = v->letter[i].kind == SYM_DENSE;
        size_t from = i;

        if (v->letter[i].kind == SYM_SEPARATOR) {
            i++;
            continue;
        }
        while (i < v->letters && v->letter[i].kind != SYM_SEPARATOR &&
               (v->letter[i].kind == SYM_DENSE) == dense)
            i++;
        v->run[v->runs++] = (struct run){(uint16_t)from, (uint16_t)i};
    }
}

static void mark(struct view *v, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        memset(v->marks + v->letter[i].from, 1, (size_t)(v->letter[i].to - v->letter[i].from));
}

/* Where in the run these letters stand; SIZE_MAX: nowhere. */
static size_t find_in(const struct view *v, const struct run *r, const uint32_t *cp, size_t n)
{
    for (size_t at = r->from; at + n <= r->to; at++) {
        size_t k = 0;

        while (k < n && v->letter[at + k].cp == cp[k])
            k++;
        if (k == n)
            return at;
    }
    return SIZE_MAX;
}

/* Mark letters [from, to) of a word of the text. */
static bool mark_word(struct view *v, const struct word *w, size_t from, size_t to)
{
    uint32_t cp[WORD_BYTES_MAX];
    size_t n = code_points(v->words.text + w->at, w->len, cp), at;

    if (w->run >= v->runs)
        return false;
    at = find_in(v, &v->run[w->run], cp, n);
    if (at == SIZE_MAX)
        return false;
    mark(v, at + from, at + (to < n ? to : n));
    return true;
}

/* ---- matching ---- */

static bool mark_episode(struct view *v, const struct word *w)
{
    for (size_t i = w->run; i < (size_t)w->run + w->runs && i < v->runs; i++)
        mark(v, v->run[i].from, v->run[i].to);
    return true;
}

/* The word itself, its beginning, or it inside of a word. */
static bool mark_plain(struct view *v, const struct sought *s, const struct word *w)
{
    const char *text = v->words.text + w->at;
    uint32_t cp[WORD_BYTES_MAX];
    size_t n;

    if (w->len == s->len && !memcmp(text, s->text, s->len))
        return w->kind == WORD_EPISODE ? mark_episode(v, w) : mark_word(v, w, 0, SIZE_MAX);
    if (w->len <= s->len || s->kind > WORD_MIXED || w->kind > WORD_MIXED)
        return false;
    n = code_points(text, w->len, cp);
    for (size_t at = 0; at + s->syms <= n; at++) {
        if (at && s->syms < PIECE_MIN)
            break;
        if (!memcmp(cp + at, s->cp, s->syms * sizeof *cp))
            return mark_word(v, w, at, at + s->syms);
    }
    return false;
}

/* A word that it may be a typing error of, or the beginning of one. */
static bool mark_typo(struct view *v, const struct sought *s, const struct word *w)
{
    int most = s->syms >= TYPO_TWO_MIN ? 2 : 1;
    struct typo_found found;

    if (s->kind != WORD_LETTERS || s->syms < TYPO_MIN || w->kind != WORD_LETTERS)
        return false;
    found = typo_compare(&s->typo, v->words.text + w->at, w->len);
    if (found.edits <= most)
        return mark_word(v, w, 0, SIZE_MAX);
    return found.begin <= 1 && v->words.text[w->at] == s->text[0] && mark_word(v, w, 0, s->syms);
}

/* Neighbours that it joins: siliconvalley for Silicon Valley. */
static bool mark_joined(struct view *v, const struct sought *s, size_t run)
{
    size_t k = 0, last = run;

    if (s->kind > WORD_MIXED || s->syms < JOINED_MIN)
        return false;
    for (; last < v->runs && k < s->syms; last++) {
        const struct run *r = &v->run[last];
        size_t n = (size_t)(r->to - r->from);

        if (k + n > s->syms)
            return false;
        for (size_t i = 0; i < n; i++)
            if (v->letter[r->from + i].cp != s->cp[k++])
                return false;
    }
    if (k < s->syms)
        return false;
    for (size_t i = run; i < last; i++)
        mark(v, v->run[i].from, v->run[i].to);
    return true;
}

static bool mark_initials(struct view *v, const struct sought *s, size_t run)
{
    if (s->kind != WORD_LETTERS || s->syms < INITIALS_MIN || run + s->syms > v->runs)
        return false;
    for (size_t i = 0; i < s->syms; i++)
        if (v->letter[v->run[run + i].from].cp != s->cp[i])
            return false;
    for (size_t i = 0; i < s->syms; i++)
        mark(v, v->run[run + i].from, v->run[run + i].from + 1u);
    return true;
}

/* From what is sure to what is likely: the next way is tried when the one before found nothing. */
static void mark_sought(struct view *v, const struct sought *s)
{
    bool found = false;

    for (size_t i = 0; i < v->words.count; i++)
        found |= mark_plain(v, s, &v->words.word[i]);
    if (found)
        return;
    for (size_t i = 0; i < v->runs; i++)
        found |= mark_joined(v, s, i);
    for (size_t i = 0; i < v->words.count; i++)
        found |= mark_typo(v, s, &v->words.word[i]);
    for (size_t i = 0; i < v->runs && !found; i++)
        found = mark_initials(v, s, i);
}

void highlight_text(const struct highlight *h, const char *text, size_t len, uint8_t *marks)
{
    struct view *v = mem_zero(1, sizeof *v);

    memset(marks, 0, len);
    if (len > WORDS_TEXT_MAX)
        len = WORDS_TEXT_MAX;
    v->marks = marks;
    read_letters(v, text, len);
    read_runs(v);
    words_of(&v->words, text, len, WORDS_FOLDER);
    for (size_t i = 0; i < h->count; i++)
        mark_sought(v, &h->sought[i]);
    mem_free(v);
}
