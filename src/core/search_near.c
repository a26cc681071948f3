/* One word of a query -> words with an error, and words that have it inside. A pass over the
 * signatures of the right lengths tells which are worth a look. */
#include "core/search_priv.h"

#include <string.h>

#define AHEAD_WORD                                                                                 \
    24 /* what is looked at later is fetched from memory now: its place in the text ... */
#define AHEAD_TEXT 12 /* ... and the text itself */

static float typo_weight(const struct scan *x, const char *text, size_t len, int edits)
{
    float w = .80f;

    if (edits == 2)
        return x->syms >= 9 ? .68f : x->syms >= 7 ? .62f : .45f;
    switch (typo_edit(x->s->text, x->s->len, text, len)) {
    case TYPO_SWAPPED:
        w = .86f;
        break;
    case TYPO_DOUBLED:
        w = .87f;
        break;
    case TYPO_NEAR_KEY:
        w = .84f;
        break;
    case TYPO_PLAIN:
        w = .82f;
    }
    if (text[0] != x->s->text[0])
        w -= .08f;
    w -= x->syms == 3 ? .22f : x->syms == 4 ? .08f : 0;
    return x->syms >= 8 ? w + .03f : w;
}

static bool contains(const char *text, size_t len, const char *part, size_t part_len)
{
    uint32_t head, at;

    memcpy(&head, part, sizeof head); /* at least four bytes are looked for */
    for (; len >= part_len; text++, len--) {
        memcpy(&at, text, sizeof at);
        if (at == head && !memcmp(text, part, part_len))
            return true;
    }
    return false;
}

static bool begins(const struct scan *x, const char *text, size_t len)
{
    return text[0] == x->s->text[0] && len > x->s->len && !memcmp(text, x->s->text, x->s->len);
}

/* true: the word has the slot's inside, and was added. */
static bool look_inside(struct scan *x, uint32_t word, const char *text, size_t len)
{
    const struct slot *s = x->s;
    float share;

    if (len <= s->len || !contains(text + 1, len - 1, s->text, s->len))
        return false;
    share = (float)x->syms / (float)typo_syms(text, len);
    expand_add(x, word, x->syms >= 6 ? .60f + .30f * share : .48f + .32f * share, MATCH_INSIDE);
    return true;
}

/* Of two edits only words exactly so far away are added: nearer ones were found before. */
static void look_typo(struct scan *x, uint32_t word, const char *text, size_t len, int edits)
{
    const struct slot *s = x->s;
    int found;

    if (s->mode == SLOT_FULL && begins(x, text, len))
        return;
    if (x->inside && look_inside(x, word, text, len))
        return;
    if (s->kind == WORD_MIXED && !typo_same_digits(s->text, s->len, text, len))
        return;
    found = typo_compare(&x->typo, text, len).edits;
    if (!found || found > edits || (edits == 2 && found == 1))
        return;
    expand_add(x, word, typo_weight(x, text, len, found), MATCH_TYPO);
    x->found_one |= found == 1;
    x->found_known |= found == 1 && s->expansion[s->expansions - 1].uses >= WELL_KNOWN;
}

static void look_beginning(struct scan *x, uint32_t word, const char *text, size_t len)
{
    struct typo_found f;

    if (begins(x, text, len))
        return;
    f = typo_compare(&x->typo, text, len);
    if (f.begin == 1 && f.edits > 2)
        expand_add(x, word, .62f + .12f * (float)x->syms / (float)typo_syms(text, len), MATCH_TYPO);
}

enum look { LOOK_TYPO, LOOK_INSIDE, LOOK_BEGINNING };

/* Those of the places [from, to) whose signatures allow it are looked at. Their texts lie anywhere:
 * they are asked for a while before. */
static void look_at(struct scan *x, uint32_t from, uint32_t to, enum look how, int edits)
{
    const struct segment *s = x->in;
    uint32_t *place = x->place;

    for (; from < to; from += TYPO_SCAN_MAX) {
        const uint32_t *word = s->by_length + from;
        size_t count = to - from < TYPO_SCAN_MAX ? to - from : TYPO_SCAN_MAX;
        size_t n = typo_scan(s->sig + from, count, x->sig,
                             how == LOOK_TYPO     ? edits
                             : how == LOOK_INSIDE ? 0
                                                  : 1,
                             how == LOOK_TYPO ? edits : TYPO_ANY, place);

        for (size_t i = 0; i < n; i++) {
            size_t len;
            const char *text = segment_word(s, word[place[i]], &len);

            if (i + AHEAD_WORD < n)
                __builtin_prefetch(s->text_at + word[place[i + AHEAD_WORD]]);
            if (i + AHEAD_TEXT < n)
                __builtin_prefetch(s->text + s->text_at[word[place[i + AHEAD_TEXT]]]);
            if (word[place[i]] == x->self)
                continue;
            if (how == LOOK_TYPO)
                look_typo(x, word[place[i]], text, len, edits);
            else if (how == LOOK_INSIDE)
                look_inside(x, word[place[i]], text, len);
            else
                look_beginning(x, word[place[i]], text, len);
        }
    }
}

/* The words of a class with from to `to` code points (SEG_LENGTHS: and more). */
static void look_at_lengths(struct scan *x, enum word_class class, size_t from, size_t to,
                            enum look how, int edits)
{
    uint32_t first, end;

    if (from > to)
        return;
    segment_length_range(x->in, class, from, 0, &first, &end);
    segment_length_range(x->in, class, to, 0, &(uint32_t){0}, &end);
    look_at(x, first, end, how, edits);
}

/* Only the words that begin with this byte. */
static void look_at_first(struct scan *x, enum word_class class, size_t from, size_t to, char byte,
                          enum look how, int edits)
{
    for (size_t length = from; length <= to; length++) {
        uint32_t first, end;

        segment_length_range(x->in, class, length, byte, &first, &end);
        look_at(x, first, end, how, edits);
    }
}

static size_t shelf(size_t syms)
{
    return syms < SEG_LENGTHS ? syms : SEG_LENGTHS;
}

static size_t second_sym(const struct slot *s)
{
    size_t at = 1;

    while (at < s->len && ((uint8_t)s->text[at] & 0xc0) == 0x80)
        at++;
    return at;
}

static void likely_words(struct scan *x, enum word_class class, size_t from, size_t to)
{
    const struct slot *s = x->s;
    size_t second = second_sym(s);
    uint32_t one[2], two[2];

    look_at_first(x, class, from, to, s->text[0], LOOK_TYPO, 1);
    if (second == s->len)
        return;
    segment_length_range(x->in, class, from, s->text[0], &one[0], &one[1]);
    segment_length_range(x->in, class, from, s->text[second], &two[0], &two[1]);
    if (one[0] != two[0] || one[1] != two[1]) /* all digits stand together, all foreign letters */
        look_at_first(x, class, from, to, s->text[second], LOOK_TYPO, 1);
}

void near_words(struct scan *x, int edits, bool likely)
{
    enum word_class class = word_class_of((enum word_kind)x->s->kind);
    size_t around = (size_t)edits;
    size_t from = shelf(x->syms > around ? x->syms - around : 1), to = shelf(x->syms + around);
    size_t longer = to < SEG_LENGTHS ? to + 1 : SEG_LENGTHS;

    if (likely) {
        likely_words(x, class, from, to);
        return;
    }
    if (edits)
        look_at_lengths(x, class, from, to, LOOK_TYPO, edits);
    else
        longer = shelf(x->syms + 1);
    if (!x->inside)
        return;
    if (!edits || to < SEG_LENGTHS)
        look_at_lengths(x, class, longer, SEG_LENGTHS, LOOK_INSIDE, 0);
    if (class == CLASS_LETTERS)
        look_at_lengths(x, CLASS_MIXED, shelf(x->syms + 1), SEG_LENGTHS, LOOK_INSIDE, 0);
}

void near_beginnings(struct scan *x)
{
    enum word_class class = word_class_of((enum word_kind)x->s->kind);

    look_at_first(x, class, shelf(x->syms + 2), SEG_LENGTHS, x->s->text[0], LOOK_BEGINNING, 0);
}
