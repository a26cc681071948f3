/* Inside of search, for core/search* and their tests. doc/SEARCH.md tells the way of a query:
 *   ask     query -> positions (its words), slots (words to look up) and readings (which slots
 *           explain which positions)
 *   expand  slot -> words of each segment's vocabulary, each with a weight
 *   find    lists of those words, folders, filters -> the best candidates
 *   rank    those again, on their real paths */
#pragma once

#include "core/catalog_priv.h"
#include "core/search.h"
#include "core/typo.h"
#include "core/words.h"

#define ASK_SLOTS_MAX     25 /* words to look up */
#define ASK_EXCLUDE_MAX   6  /* words that must not appear */
#define ASK_READINGS_MAX  64
#define ASK_PHRASES_MAX   4
#define ASK_IN_MAX        8 /* words of `in` */
#define READING_SLOTS_MAX 4

#define WEIGHTS     32    /* bytes: one a slot, then one an excluded word */
#define WEIGHT_ONE  250   /* the byte for weight 1 */
#define FOLDER_PART 0.86f /* what a word of a folder counts for what is in it */

enum match_how { MATCH_EXACT, MATCH_BEGINNING, MATCH_TYPO, MATCH_INSIDE, MATCH_INITIALS };

/* A word of a segment that a slot may mean. */
struct expansion {
    uint32_t word, uses; /* uses: entries and folders that have it */
    float weight;
    uint8_t segment, how; /* enum match_how */
};

enum slot_mode {
    SLOT_EXACT, /* only the word itself */
    SLOT_TYPO,  /* only words one edit away: the bad half of a split word */
    SLOT_FULL,
};

struct slot {
    char text[WORD_BYTES_MAX];
    uint8_t len, kind, mode; /* enum word_kind, enum slot_mode */
    bool creates;            /* its lists make candidates */
    bool capped;             /* expansions were left out */
    uint32_t exact;          /* uses of the word itself */
    float idf;
    size_t expansions;
    struct expansion *expansion; /* best first */
};

struct reading {
    uint8_t from, to; /* positions [from, to) */
    uint8_t slots, slot[READING_SLOTS_MAX];
    float worth[READING_SLOTS_MAX]; /* of each slot at weight 1 */
};

struct phrase {
    uint8_t words, at[QUERY_WORDS_MAX], len[QUERY_WORDS_MAX];
    char text[QUERY_LEN_MAX * 2];
};

struct ask_word {
    char text[WORD_BYTES_MAX];
    uint8_t len;
    uint8_t group; /* all of one group must be met */
};

struct ask {
    const struct catalog *c;
    const struct search_query *q;
    uint8_t positions; /* words of the query; position i is looked up as slot i */
    uint8_t slots, readings;
    uint8_t first_reading[QUERY_WORDS_MAX + 2]; /* readings are sorted by where they end */
    struct slot slot[ASK_SLOTS_MAX];
    uint16_t
        covers[WEIGHTS]; /* by slot: bits of the positions that some reading with it explains */
    struct reading reading[ASK_READINGS_MAX];
    float ideal; /* the worth of a name that has every word */
    /* filters */
    bool nothing; /* some filter cannot be met */
    uint8_t excludes, exclude_groups, phrases, in_words, in_parts;
    struct ask_word exclude[ASK_EXCLUDE_MAX]; /* all of one group in a path exclude it */
    struct phrase phrase[ASK_PHRASES_MAX];
    struct ask_word in[ASK_IN_MAX]; /* groups: the folders of `in`, from the top */
};

void ask_init(struct ask *a, const struct catalog *c, const struct search_query *q);
void ask_done(struct ask *a);
/* Files and folders that can be found: what idf is counted against. */
double ask_size(const struct catalog *c);
/* Uses of a word in all segments. */
uint32_t ask_uses(const struct catalog *c, const char *text, size_t len);

/* Take the marks (-word, "a phrase") out of the text, which is cut to QUERY_LEN_MAX; the rest goes
 * to plain, its length is given. */
size_t ask_marks(struct ask *a, const char *text, size_t len, char plain[QUERY_LEN_MAX]);
/* The folders of `in`. */
void ask_in(struct ask *a, const char *in);

/* --- search_expand.c, search_near.c: words for a slot --- */

#define WELL_KNOWN                                                                                 \
    40 /* uses of a word that is hardly wrong: only errors people make are looked for */

/* A slot, looked up in one segment after the other. */
struct scan {
    const struct catalog *c;
    struct slot *s;
    const struct segment *in; /* under work */
    uint8_t number;           /* its place in the catalog */
    uint32_t self;            /* the slot's own word in it */
    struct typo typo;
    uint32_t sig;
    size_t syms, cap;
    int edits;                     /* looked for in whole words */
    bool inside;                   /* look for words that have it inside */
    bool found_one;                /* a word one edit away is there */
    bool found_known;              /* one that is well known */
    uint32_t place[TYPO_SCAN_MAX]; /* worth a look */
};

/* Look a slot up: fill expansion, exact, idf. */
void expand(const struct catalog *c, struct slot *s);
void expand_add(struct scan *x, uint32_t word, float weight, enum match_how how);
/* Words of the slot's class that are up to so many edits away (0: none), and those that have it
 * inside when that is looked for; likely: only words that begin with its first or second letter. */
void near_words(struct scan *x, int edits, bool likely);
/* Words that begin with the slot's, with one error in it, but for the first letter. */
void near_beginnings(struct scan *x);

struct candidate {
    uint64_t hash; /* its beginning; top_add fills it */
    float score;
    uint32_t entry, folder;
    uint16_t path_len;
    uint8_t segment;
    bool full; /* every word of the query was matched */
};

/* The best candidates, of different contents. */
struct top {
    const struct catalog *c;
    size_t want, count, cap;
    struct candidate *of; /* top_end: best first */
    float floor;          /* a lower score need not be offered; -INFINITY at first */
    /* for the count */
    size_t matched, full,
        more; /* candidates; those with every word; files that were not looked at */
    size_t counted[2], different[2]; /* of all, of the full: how many were compared, and differ */
    struct number_set *seen[2];
};

void top_begin(struct top *t, const struct catalog *c, size_t want);
/* A candidate that passes all filters. */
void top_add(struct top *t, const struct candidate *x);
/* Keep the best `want`, of each content one; there may be a floor then. */
void top_tidy(struct top *t);
/* The place-th greatest of count numbers (from 0), which get into another order. */
float top_nth(float *of, size_t count, size_t place);
/* More of them that are only counted. */
void top_count(struct top *t, size_t matched, size_t full);
/* Sort what is left; the number of different contents, about. */
size_t top_end(struct top *t);
void top_free(struct top *t);
/* A total order that does not depend on when a row came: score, shorter path, hash, bytes, peer. */
int top_cmp(const struct catalog *c, const struct candidate *a, const struct candidate *b);

/* --- search_hits.c --- */

/* A list's mark on an entry, or on a folder and all below it, so packed that sorting by number
 * sorts by entry or folder: that, slot, weight. */
typedef uint64_t hit;

struct hits {
    hit *of;
    size_t count, cap;
};

/* Add `count` numbers of a packed list. */
void hits_add(struct hits *h, const uint8_t *list, uint32_t count, unsigned slot, float weight);
/* By what stands in front, which is less than below. */
void hits_sort(struct hits *h, uint32_t below);

/* Every entry that matches at least half of the words and passes the filters is offered to top. */
void find(const struct ask *a, struct top *top);
/* The best reading of these weights: its sum, and how many positions it explains. */
float find_weigh(const struct ask *a, const uint8_t *weights, unsigned *matched);

/* --- search_filter.c: what stands beside the words --- */

/* Filters over one segment. */
struct filter {
    const struct ask *a;
    const struct segment *s;
    uint32_t (*in)[2]; /* ranges of folders in which `in` is met, rising */
    size_t ins;
    uint32_t peer;       /* slot of the only peer, or SEG_NONE */
    size_t phrases_read; /* of all segments */
    bool any;
};

void filter_begin(struct filter *f, const struct ask *a, const struct segment *s);
bool filter_passes(struct filter *f, uint32_t entry, uint32_t folder);
void filter_end(struct filter *f);

/* --- search_rank.c --- */

/* What a path's best reading used, position by position, for `corrected`. */
struct rank_use {
    uint8_t slots;
    const struct expansion *word[READING_SLOTS_MAX];
    bool typo;
    uint8_t span; /* positions that this one and those after it share, 0: not matched */
};

struct ranker;
struct ranker *rank_new(const struct ask *a);
/* 0..1 (a share of the best possible). use: NULL or QUERY_WORDS_MAX entries to fill. */
double rank_path(struct ranker *r, const struct candidate *x, struct rank_use *use);
/* The most that rank_path may give, told from the candidate's score. */
double rank_most(const struct ask *a, const struct candidate *x);
void rank_free(struct ranker *r);
