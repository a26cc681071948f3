/* What a query says beside its words: -word, "a phrase", and the folders of `in`. */
#include "core/search_priv.h"

#include <string.h>

/* Words whose group is met when all of them are; false: one of them is nowhere, or there is no
 * room. */
static bool add_group(const struct ask *a, const char *text, size_t len, struct ask_word *of,
                      uint8_t *count, uint8_t max, uint8_t group)
{
    uint8_t n = *count;
    struct words w;

    words_of(&w, text, len, WORDS_QUERY);
    for (size_t i = 0; i < w.count; i++) {
        const struct word *word = &w.word[i];

        if (word->part || word->kind == WORD_EPISODE)
            continue;
        if (n == max || !ask_uses(a->c, w.text + word->at, word->len))
            return false;
        of[n] = (struct ask_word){.len = word->len, .group = group};
        memcpy(of[n++].text, w.text + word->at, word->len);
    }
    *count = n;
    return true;
}

static void add_exclude(struct ask *a, const char *text, size_t len)
{
    uint8_t had = a->excludes;

    add_group(a, text, len, a->exclude, &a->excludes, ASK_EXCLUDE_MAX, a->exclude_groups);
    a->exclude_groups += a->excludes > had;
}

static void add_phrase(struct ask *a, const char *text, size_t len)
{
    struct phrase *p = &a->phrase[a->phrases];
    size_t used = 0;
    struct words w;

    if (a->phrases == ASK_PHRASES_MAX)
        return;
    words_of(&w, text, len, WORDS_QUERY);
    p->words = 0;
    for (size_t i = 0; i < w.count && p->words < QUERY_WORDS_MAX; i++) {
        const struct word *word = &w.word[i];

        if (word->part || word->kind == WORD_EPISODE || used > UINT8_MAX)
            continue;
        p->at[p->words] = (uint8_t)used;
        p->len[p->words++] = word->len;
        memcpy(p->text + used, w.text + word->at, word->len);
        used += word->len;
    }
    a->phrases += p->words > 0;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Take the marks out of the text; what they are put on: phrases stay words of the query, excluded
 * words go. */
size_t ask_marks(struct ask *a, const char *text, size_t len, char plain[QUERY_LEN_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < len;) {
        bool start = !i || is_space(text[i - 1]);
        const char *close;
        size_t end = i + 1;

        if (text[i] == '"' && (close = memchr(text + end, '"', len - end))) {
            add_phrase(a, text + end, (size_t)(close - text) - end);
            plain[n++] = ' ';
            i++; /* its words follow as the others; the closing mark separates */
            while (text + i < close)
                plain[n++] = text[i++];
            plain[n++] = ' ';
            i++;
        } else if (text[i] == '-' && start && end < len && !is_space(text[end])) {
            while (end < len && !is_space(text[end]))
                end++;
            add_exclude(a, text + i + 1, end - i - 1);
            i = end;
        } else {
            plain[n++] = text[i++];
        }
    }
    return n;
}

void ask_in(struct ask *a, const char *in)
{
    while (*in) {
        size_t len = strcspn(in, "/");
        uint8_t had = a->in_words;

        if (!add_group(a, in, len, a->in, &a->in_words, ASK_IN_MAX, a->in_parts))
            a->nothing |= a->in_words < ASK_IN_MAX;
        a->in_parts += a->in_words > had;
        in += len + (in[len] == '/');
    }
}
