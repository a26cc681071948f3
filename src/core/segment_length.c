/* A segment's words by length: errors change it by as much as there are edits, so whoever looks for
 * a word with errors looks at few lengths. */
#include "base/mem.h"
#include "core/segment_write.h"
#include "core/typo.h"

#include <string.h>

static unsigned first_of(char c)
{
    uint8_t byte = (uint8_t)c;

    return byte < 'a' ? 0 : byte > 'z' ? SEG_FIRSTS - 1 : byte - 'a' + 1u;
}

static unsigned row_of(enum word_class class, size_t syms)
{
    size_t length = syms < SEG_LENGTHS ? syms : SEG_LENGTHS;

    return (unsigned)(((class == CLASS_MIXED) * SEG_LENGTHS + (length ? length - 1 : 0)) *
                      SEG_FIRSTS);
}

void segment_length_range(const struct segment *s, enum word_class class, size_t syms, char first,
                          uint32_t *from, uint32_t *to)
{
    unsigned row = row_of(class, syms);

    *from = s->length_at[row + (first ? first_of(first) : 0)];
    *to = s->length_at[row + (first ? first_of(first) + 1 : SEG_FIRSTS)];
}

/* Counted out: words of one place in the table keep their order. */
void segment_length_index(struct segment *s)
{
    uint32_t words = s->class_end[CLASS_MIXED], *at = s->length_at;
    const unsigned places = 2 * SEG_LENGTHS * SEG_FIRSTS;
    uint16_t *place = mem_alloc((words + (size_t)1) * sizeof *place);
    uint32_t *count = mem_zero(places + 1u, sizeof *count);

    for (uint32_t w = 0; w < words; w++) {
        size_t len;
        const char *text = segment_word(s, w, &len);
        enum word_class class = w < s->class_end[CLASS_LETTERS] ? CLASS_LETTERS : CLASS_MIXED;

        place[w] = (uint16_t)(row_of(class, typo_syms(text, len)) + first_of(text[0]));
        count[place[w] + 1u]++;
    }
    for (unsigned i = 0; i < places; i++)
        count[i + 1] += count[i];
    memcpy(at, count, (places + 1u) * sizeof *at);
    s->by_length = mem_alloc((words + (size_t)1) * sizeof *s->by_length);
    s->sig = mem_alloc((words + (size_t)1) * sizeof *s->sig);
    for (uint32_t w = 0; w < words; w++) {
        size_t len;
        const char *text = segment_word(s, w, &len);
        uint32_t to = count[place[w]]++;

        s->by_length[to] = w;
        s->sig[to] = typo_sig(text, len);
    }
    mem_free(count);
    mem_free(place);
}
