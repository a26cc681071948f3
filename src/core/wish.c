#include "core/wish.h"

#include "base/limits.h"
#include "core/words.h"

#include <string.h>

#define BEGINNING_MIN 3

/* The wish's runs, and which of them were met. */
struct wished {
    struct words w;
    bool met[WORDS_MAX];
};

static bool same(const struct words *a, const struct word *x, const struct words *b,
                 const struct word *y)
{
    return x->len == y->len && !memcmp(a->text + x->at, b->text + y->at, x->len);
}

static bool begins(const struct words *a, const struct word *x, const struct words *b,
                   const struct word *y)
{
    return (x->kind == WORD_LETTERS || x->kind == WORD_MIXED) && x->len >= BEGINNING_MIN &&
           x->len < y->len && !memcmp(a->text + x->at, b->text + y->at, x->len);
}

/* Is whole what two words are, one behind the other? */
static bool joined(const struct words *a, const struct word *x, const struct word *y,
                   const struct words *b, const struct word *whole)
{
    return (size_t)x->len + y->len == whole->len &&
           !memcmp(a->text + x->at, b->text + whole->at, x->len) &&
           !memcmp(a->text + y->at, b->text + whole->at + x->len, y->len);
}

/* The next word that is a whole run; count: none. */
static size_t next_run(const struct words *w, size_t from)
{
    while (from < w->count && (w->word[from].part || w->word[from].kind >= WORD_INITIALS))
        from++;
    return from;
}

static void meet(struct wished *q, const struct word *x)
{
    for (unsigned n = 0; n < (x->runs ? x->runs : 1u) && x->run + n < WORDS_MAX; n++)
        q->met[x->run + n] = true;
}

/* Two runs of the wish that are one here, and one that is two. */
static void compare_joined(struct wished *q, const struct words *p)
{
    for (size_t i = next_run(&q->w, 0); i < q->w.count; i = next_run(&q->w, i + 1)) {
        size_t j = next_run(&q->w, i + 1);

        for (size_t k = next_run(p, 0); k < p->count; k = next_run(p, k + 1)) {
            size_t l = next_run(p, k + 1);

            if (j < q->w.count && joined(&q->w, &q->w.word[i], &q->w.word[j], p, &p->word[k])) {
                meet(q, &q->w.word[i]);
                meet(q, &q->w.word[j]);
            }
            if (l < p->count && joined(p, &p->word[k], &p->word[l], &q->w, &q->w.word[i]))
                meet(q, &q->w.word[i]);
        }
    }
}

/* All parts of a run that has some. */
static bool parts_in(const struct wished *q, uint16_t run, const struct words *p)
{
    bool any = false;

    for (size_t i = 0; i < q->w.count; i++) {
        bool in = false;

        if (q->w.word[i].run != run || !q->w.word[i].part)
            continue;
        any = true;
        for (size_t k = 0; k < p->count && !in; k++)
            in = same(&q->w, &q->w.word[i], p, &p->word[k]);
        if (!in)
            return false;
    }
    return any;
}

static void compare(struct wished *q, const struct words *p)
{
    for (size_t i = 0; i < q->w.count; i++) {
        const struct word *x = &q->w.word[i];

        for (size_t k = 0; k < p->count && !x->part; k++)
            if (same(&q->w, x, p, &p->word[k]) || begins(&q->w, x, p, &p->word[k]))
                meet(q, x);
        if (!x->part && x->kind < WORD_INITIALS && parts_in(q, x->run, p))
            meet(q, x);
    }
    compare_joined(q, p);
}

/* The words that have to be there. */
static size_t plain(const char *text, size_t len, char out[QUERY_LEN_MAX])
{
    bool within = false, left_out = false; /* a phrase; a word that is excluded */
    size_t n = 0;

    for (size_t i = 0; i < len && n < QUERY_LEN_MAX; i++) {
        bool first = !i || text[i - 1] == ' ';

        within ^= text[i] == '"';
        if (!within && first)
            left_out = text[i] == '-';
        out[n++] = left_out || text[i] == '"' ? ' ' : text[i];
    }
    return n;
}

bool wish_met(const char *text, size_t len, const char *path, size_t path_len, bool folder)
{
    struct wished q = {.met = {false}};
    char words[QUERY_LEN_MAX];
    struct words p;

    words_of(&q.w, words, plain(text, len, words), WORDS_QUERY);
    words_of_last(&p, path, path_len, folder);
    compare(&q, &p);
    for (size_t at = 0; at < path_len;) {
        const char *slash = memchr(path + at, '/', path_len - at);
        size_t end = slash ? (size_t)(slash - path) : path_len;

        if (slash) {
            words_of(&p, path + at, end - at, WORDS_FOLDER);
            compare(&q, &p);
        }
        at = end + 1;
    }
    for (size_t i = 0; i < q.w.runs && i < WORDS_MAX; i++)
        if (!q.met[i])
            return false;
    return true;
}
