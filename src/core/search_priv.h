/* Inside of search, for core/search* and their tests. doc/SEARCH.md tells the way of a query:
 *   ask     query -> positions (its words), slots (words to look up) and readings (which slots
 * explain which positions) expand  slot -> words of the vocabulary, each with a weight find lists
 * of those words, folders, filters -> candidates rank    the best candidates again, on their real
 * paths
 */
#pragma once

#include "core/catalog_priv.h"
#include "core/search.h"
#include "core/words.h"

#define ASK_SLOTS_MAX     25 /* words to look up */
#define ASK_EXCLUDE_MAX   6  /* words that must not appear */
#define ASK_READINGS_MAX  64
#define ASK_PHRASES_MAX   4
#define ASK_IN_MAX        8 /* words of `in` */
#define READING_SLOTS_MAX 4

/* One byte a slot, and one for "a list that counts has it". */
#define WEIGHTS     32
#define WEIGHT_SEEN 31
#define WEIGHT_ONE  250   /* the byte for weight 1 */
#define FOLDER_PART 0.86f /* what a word of a folder counts for what is in it */

enum match_how { MATCH_EXACT, MATCH_BEGINNING, MATCH_TYPO, MATCH_INSIDE, MATCH_INITIALS };

struct expansion {
    uint32_t word;
    float weight;
    uint8_t how; /* enum match_how */
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
    uint32_t exact;          /* the word itself in the vocabulary, if it has uses, else 0 */
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

struct ask {
    const struct catalog *c;
    const struct search_query *q;
    uint8_t positions; /* words of the query; position i is looked up as slot i */
    uint8_t slots, readings;
    uint8_t first_reading[QUERY_WORDS_MAX + 2]; /* readings are sorted by where they end */
    struct slot slot[ASK_SLOTS_MAX];
    struct reading reading[ASK_READINGS_MAX];
    float ideal; /* the worth of a name that has every word */
    /* filters */
    bool nothing; /* some filter cannot be met */
    uint8_t excludes, exclude_groups, phrases, in_words, in_parts;
    uint32_t exclude[ASK_EXCLUDE_MAX]; /* words */
    uint8_t
        exclude_group[ASK_EXCLUDE_MAX]; /* bits of exclude: all of one group in a path exclude it */
    struct phrase phrase[ASK_PHRASES_MAX];
    uint32_t in[ASK_IN_MAX];     /* words */
    uint8_t in_part[ASK_IN_MAX]; /* bits of in: what each folder of `in`, from the top, must have */
};

void ask_init(struct ask *a, const struct catalog *c, const struct search_query *q);
void ask_done(struct ask *a);
/* Files and folders that can be found: what idf is counted against. */
double ask_size(const struct catalog *c);

/* Look a slot up: fill expansion, exact, idf. */
void expand(const struct catalog *c, struct slot *s);
/* How many rows a word reaches: those it stands in, and those below its folders. */
double expand_reach(const struct catalog *c, uint32_t word);

struct candidate {
    float score;
    uint32_t node;
    uint16_t path_len;
    bool full; /* every word of the query was matched */
};

struct candidates {
    struct candidate *of;
    size_t count, cap;
    size_t more; /* files of matching folders that were not taken, for the count */
};

/* Every node that matches at least half of the words and all filters but phrases. The caller frees
 * .of. */
void find(const struct ask *a, struct candidates *out);
/* Are the query's phrases in the node's path? Reads the path, so it is asked of few. */
bool find_has_phrases(const struct ask *a, uint32_t node);
/* The best reading of these weights: its sum, and how many positions it explains. */
float find_weigh(const struct ask *a, const uint8_t *weights, unsigned *matched);

/* What a path's best reading used, position by position, for `corrected`. */
struct rank_use {
    uint8_t slots;
    uint32_t word[READING_SLOTS_MAX]; /* 0: the slot was not matched */
    bool typo;
    uint8_t span; /* positions that this one and those after it share, 0: not matched */
};

struct ranker;
struct ranker *rank_new(const struct ask *a);
/* 0..1 (a share of the best possible). use: NULL or QUERY_WORDS_MAX entries to fill. */
double rank_path(struct ranker *r, uint32_t node, struct rank_use *use);
void rank_free(struct ranker *r);
