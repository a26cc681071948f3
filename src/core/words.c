#include "core/words.h"

#include "core/fold.h"

#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#define SYMS_MAX   1200 /* folding can lengthen */
#define RUNS_MAX   WORDS_MAX
#define PIECES_MAX 32 /* parts of one run */
#define CHANGES_MAX                                                                                \
    4 /* between letters and digits; more is a hash or an id, whose parts are junk */
#define MIXED_PARTS_MAX 19 /* length of a mixed run that is still taken apart */
#define INITIALS_MIN    3
#define INITIALS_MAX    12
#define EXT_LEN_MAX     10
#define SEASON_FOLDERS  3 /* folders above a file in which its season is looked for */

/* A large buffer that is written before it is read: the compiler need not clear it at every call.
 */
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define NOT_CLEARED __attribute__((uninitialized))
#endif
#endif
#ifndef NOT_CLEARED
#define NOT_CLEARED
#endif

struct run {
    uint16_t from, to; /* symbols */
    bool letters, digits, dense;
};

struct reader {
    struct words *out;
    enum words_use use;
    size_t syms, runs;
    struct run run[RUNS_MAX];
    struct sym sym[SYMS_MAX];
};

/* --- adding words --- */

static struct word *add_bytes(struct words *out, enum word_kind kind, const char *text, size_t len)
{
    struct word *w;

    if (!len || out->count == WORDS_MAX || out->used + len > WORDS_BYTES_MAX)
        return NULL;
    w = &out->word[out->count++];
    *w = (struct word){
        .at = (uint16_t)out->used, .len = (uint8_t)len, .kind = (uint8_t)kind, .runs = 1};
    memcpy(out->text + out->used, text, len);
    out->used += len;
    return w;
}

/* Symbols as UTF-8, cut at WORD_BYTES_MAX between code points. */
static size_t spell(char to[WORD_BYTES_MAX], const struct sym *s, size_t n)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        utf8proc_uint8_t raw[4];
        size_t k = (size_t)utf8proc_encode_char((utf8proc_int32_t)s[i].cp, raw);

        if (len + k > WORD_BYTES_MAX)
            break;
        memcpy(to + len, raw, k);
        len += k;
    }
    return len;
}

static void add_syms(struct reader *r, size_t run, enum word_kind kind, size_t from, size_t to,
                     bool part)
{
    char text[WORD_BYTES_MAX];
    struct word *w;

    if (kind == WORD_NUMBER)
        while (from + 1 < to && r->sym[from].cp == '0')
            from++;
    w = add_bytes(r->out, kind, text, spell(text, r->sym + from, to - from));
    if (w) {
        w->run = (uint16_t)run;
        w->part = part;
    }
}

/* --- runs and their parts --- */

static void find_runs(struct reader *r)
{
    for (size_t i = 0; i < r->syms && r->runs < RUNS_MAX;) {
        struct run *run = &r->run[r->runs];
        bool dense = r->sym[i].kind == SYM_DENSE;

        if (r->sym[i].kind == SYM_SEPARATOR) {
            i++;
            continue;
        }
        *run = (struct run){.from = (uint16_t)i, .dense = dense};
        for (; i < r->syms && r->sym[i].kind != SYM_SEPARATOR &&
               (r->sym[i].kind == SYM_DENSE) == dense;
             i++) {
            run->letters |= r->sym[i].kind == SYM_LETTER;
            run->digits |= r->sym[i].kind == SYM_DIGIT;
        }
        run->to = (uint16_t)i;
        r->runs++;
    }
}

/* Does a new part begin at symbol i of the run? At letter/digit changes, aB and ABc. */
static bool cut_before(const struct reader *r, const struct run *run, size_t i)
{
    const struct sym *s = &r->sym[i];

    if (s[-1].kind != s[0].kind)
        return true;
    if (s[0].cased != CASE_UPPER)
        return false;
    return s[-1].cased == CASE_LOWER ||
           (s[-1].cased == CASE_UPPER && i + 1 < run->to && s[1].cased == CASE_LOWER);
}

/* Where the parts of a run begin, and behind the last one its end; gives the number of parts, 1
 * when it stays whole. */
static size_t cut_run(const struct reader *r, const struct run *run, uint16_t piece[PIECES_MAX + 1])
{
    size_t n = 0, changes = 0;

    piece[n++] = run->from;
    for (size_t i = run->from + 1u; i < run->to; i++) {
        changes += r->sym[i].kind != r->sym[i - 1].kind;
        if (n < PIECES_MAX && cut_before(r, run, i))
            piece[n++] = (uint16_t)i;
    }
    if (changes > CHANGES_MAX || (changes && run->to - run->from > MIXED_PARTS_MAX))
        n = 1;
    piece[n] = run->to;
    return n;
}

static void add_dense(struct reader *r, size_t index)
{
    const struct run *run = &r->run[index];

    if (run->to - run->from == 1)
        add_syms(r, index, WORD_DENSE, run->from, run->to, false);
    for (size_t i = run->from; i + 1 < run->to; i++)
        add_syms(r, index, WORD_DENSE, i, i + 2, false);
}

static void add_run(struct reader *r, size_t index)
{
    const struct run *run = &r->run[index];
    uint16_t piece[PIECES_MAX + 1];
    size_t n;

    if (run->dense) {
        add_dense(r, index);
        return;
    }
    add_syms(r, index,
             !run->digits    ? WORD_LETTERS
             : !run->letters ? WORD_NUMBER
                             : WORD_MIXED,
             run->from, run->to, false);
    n = cut_run(r, run, piece);
    for (size_t i = 0; n > 1 && i < n; i++) {
        bool number = r->sym[piece[i]].kind == SYM_DIGIT;

        if (number || piece[i + 1] - piece[i] >= 2)
            add_syms(r, index, number ? WORD_NUMBER : WORD_LETTERS, piece[i], piece[i + 1], true);
    }
}

/* --- initials --- */

/* The first letters of the words; runs with digits and the extension don't count. */
static void add_initials(struct reader *r, size_t runs)
{
    struct sym first[INITIALS_MAX];
    char text[1 + WORD_BYTES_MAX] = {WORD_INITIALS_MARK};
    size_t n = 0, len;

    for (size_t i = 0; i < runs; i++) {
        uint16_t piece[PIECES_MAX + 1];
        size_t pieces;

        if (r->run[i].dense || r->run[i].digits)
            continue;
        pieces = cut_run(r, &r->run[i], piece);
        for (size_t k = 0; k < pieces && n < INITIALS_MAX; k++)
            first[n++] = r->sym[piece[k]];
    }
    if (n < INITIALS_MIN)
        return;
    len = spell(text + 1, first, n);
    add_bytes(r->out, WORD_INITIALS, text, 1 + len < WORD_BYTES_MAX ? 1 + len : WORD_BYTES_MAX);
}

/* --- episodes --- */

/* Reads along the symbols of one run. */
struct scan {
    const struct sym *p, *end;
};

static struct scan scan_run(const struct reader *r, size_t i)
{
    if (i >= r->runs)
        return (struct scan){r->sym, r->sym};
    return (struct scan){r->sym + r->run[i].from, r->sym + r->run[i].to};
}

static bool take_text(struct scan *s, const char *text)
{
    struct scan t = *s;

    for (; *text; text++, t.p++)
        if (t.p == t.end || t.p->cp != (uint8_t)*text)
            return false;
    *s = t;
    return true;
}

/* A number of min to max digits that no further digit follows. */
static bool take_number(struct scan *s, size_t min, size_t max, int *value)
{
    size_t n = 0;
    int v = 0;

    while (s->p + n < s->end && s->p[n].kind == SYM_DIGIT && n < max)
        v = v * 10 + (int)(s->p[n++].cp - '0');
    if (n < min || (s->p + n < s->end && s->p[n].kind == SYM_DIGIT))
        return false;
    s->p += n;
    *value = v;
    return true;
}

static bool add_episode(struct words *out, size_t run, size_t runs, int season, int episode)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%c%dx%d", WORD_EPISODE_MARK, season, episode);
    struct word *w = add_bytes(out, WORD_EPISODE, text, (size_t)len);

    if (w) {
        w->run = (uint16_t)run;
        w->runs = (uint8_t)runs;
    }
    return w != NULL;
}

/* s01e02 (also s01e02e03: both; s01e02v2) or 1x02 as one run. */
static bool episode_run(struct reader *r, size_t i)
{
    struct scan s = scan_run(r, i);
    int season, episode;
    bool found = false;

    if (take_text(&s, "s") && take_number(&s, 1, 3, &season)) {
        while (take_text(&s, "e") && take_number(&s, 1, 4, &episode)) {
            found = add_episode(r->out, i, 1, season, episode);
            r->out->season = season;
            r->out->episode = episode;
        }
        return found;
    }
    s = scan_run(r, i);
    if (take_number(&s, 1, 2, &season) && take_text(&s, "x") &&
        take_number(&s, r->use == WORDS_QUERY ? 1 : 2, 3, &episode) && s.p == s.end) {
        r->out->season = season;
        r->out->episode = episode;
        return add_episode(r->out, i, 1, season, episode);
    }
    return false;
}

/* One of the marks with its number, in one run or in two ("s01", "season 1"; a mark of one letter
 * must be joined). Gives how many runs it takes, 0: none. */
static size_t marked_number(const struct reader *r, size_t i, const char *const *mark, int *value)
{
    for (; *mark; mark++) {
        struct scan s = scan_run(r, i);

        if (!take_text(&s, *mark))
            continue;
        if (s.p < s.end) {
            if (take_number(&s, 1, 4, value) && s.p == s.end)
                return 1;
        } else if ((*mark)[1]) {
            s = scan_run(r, i + 1);
            if (take_number(&s, 1, 4, value) && s.p == s.end)
                return 2;
        }
    }
    return 0;
}

/* Season and episode told apart: "season 1 episode 2", "Staffel 1 Folge 2", "S01.E02". */
static void add_marked_episode(struct reader *r)
{
    static const char *const season_marks[] = {"season", "staffel", "s", NULL};
    static const char *const episode_marks[] = {"episode", "folge", "ep", "e", NULL};
    size_t first = 0, after = 0, season_end = 0;
    int season = -1, episode = -1;

    for (size_t i = 0; i < r->runs; i++) {
        int value;
        size_t n = marked_number(r, i, season_marks, &value);

        if (n && season < 0) {
            season = value;
            season_end = i + n;
            if (episode < 0)
                first = i;
            continue;
        }
        n = marked_number(r, i, episode_marks, &value);
        if (n && episode < 0) {
            episode = value;
            after = i + n;
            if (season < 0 || season_end != i)
                first = i;
        }
    }
    if (r->out->season < 0)
        r->out->season = season;
    if (r->out->episode < 0)
        r->out->episode = episode;
    if (season >= 0 && episode >= 0)
        add_episode(r->out, first, after > first ? after - first : 1, season, episode);
}

/* --- all of it --- */

/* Does a file's name end in an extension: the last dot not in front, and a few ASCII letters or
 * digits behind it? */
static bool has_ext(const char *name, size_t len)
{
    size_t n = 0;

    while (n < len && ((name[len - 1 - n] >= '0' && name[len - 1 - n] <= '9') ||
                       ((name[len - 1 - n] | 0x20) >= 'a' && (name[len - 1 - n] | 0x20) <= 'z')))
        n++;
    return n && n <= EXT_LEN_MAX && n + 1 < len && name[len - 1 - n] == '.';
}

void words_of(struct words *out, const char *text, size_t len, enum words_use use)
{
    bool ext = use == WORDS_FILE && len <= WORDS_TEXT_MAX && has_ext(text, len), found = false;
    struct reader r NOT_CLEARED;

    r.out = out;
    r.use = use;
    r.runs = 0;
    r.syms = fold(r.sym, SYMS_MAX, text, len < WORDS_TEXT_MAX ? len : WORDS_TEXT_MAX);
    out->count = out->used = 0;
    out->season = out->episode = -1;
    find_runs(&r);
    for (size_t i = 0; i < r.runs; i++) {
        size_t before = out->count;

        add_run(&r, i);
        for (size_t k = before; ext && i + 1 == r.runs && k < out->count; k++)
            out->word[k].ext = true;
        found |= !r.run[i].dense && r.run[i].digits && episode_run(&r, i);
    }
    if (!found)
        add_marked_episode(&r);
    if (use != WORDS_QUERY)
        add_initials(&r, ext ? r.runs - 1 : r.runs);
    out->runs = r.runs;
}

/* Where the last component of a path begins. */
static size_t last_component(const char *path, size_t len)
{
    while (len && path[len - 1] != '/')
        len--;
    return len;
}

/* The season told by the nearest of the folders in path, or -1. */
static int season_above(const char *path, size_t len)
{
    for (int i = 0; i < SEASON_FOLDERS && len; i++) {
        size_t at = last_component(path, len);
        struct words w;

        words_of(&w, path + at, len - at, WORDS_FOLDER);
        if (w.season >= 0)
            return w.season;
        len = at ? at - 1 : 0;
    }
    return -1;
}

void words_of_last(struct words *out, const char *path, size_t len, bool folder)
{
    size_t at = last_component(path, len);
    int season;

    words_of(out, path + at, len - at, folder ? WORDS_FOLDER : WORDS_FILE);
    if (folder || out->episode < 0 || out->season >= 0 || !at)
        return;
    season = season_above(path, at - 1);
    if (season >= 0)
        add_episode(out, 0, 1, season, out->episode);
}

enum word_kind word_kind_of(const char *word, size_t len)
{
    const uint8_t *p = (const uint8_t *)word;
    size_t digits = 0;
    utf8proc_int32_t cp;
    struct sym s;

    if (len && word[0] == WORD_INITIALS_MARK)
        return WORD_INITIALS;
    if (len && word[0] == WORD_EPISODE_MARK)
        return WORD_EPISODE;
    for (size_t i = 0; i < len; i++)
        digits += p[i] >= '0' && p[i] <= '9';
    if (digits)
        return digits == len ? WORD_NUMBER : WORD_MIXED;
    if (len && p[0] >= 0x80 && utf8proc_iterate(p, (utf8proc_ssize_t)len, &cp) > 0 &&
        fold(&s, 1, word, len) && s.kind == SYM_DENSE)
        return WORD_DENSE;
    return WORD_LETTERS;
}
