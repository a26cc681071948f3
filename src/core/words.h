/* Text to words: the same for names, folders and queries. doc/SEARCH.md tells the rules.
 *
 * A run is a maximal string of letters and digits, folded (core/fold). A run that changes between
 * letters and digits or has camel case gives itself whole and its parts. Beside the runs stand
 * made-up words: the episode and the initials, whose first byte no run can have. Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORD_BYTES_MAX  64
#define WORDS_MAX       256  /* of one text; what is beyond is not indexed */
#define WORDS_BYTES_MAX 4096 /* of all words of one text */
#define WORDS_TEXT_MAX  600  /* bytes of a text that are looked at */

#define WORD_INITIALS_MARK '\1' /* first byte of initials: "\1got" */
#define WORD_EPISODE_MARK  '\2' /* first byte of an episode: "\2" "1x2" */

enum word_kind {
    WORD_LETTERS,
    WORD_MIXED,    /* letters and digits */
    WORD_NUMBER,   /* digits without leading zeros: found exactly or not at all */
    WORD_DENSE,    /* two neighbours of a script without spaces (or one that stands alone) */
    WORD_INITIALS, /* of a text of three or more words */
    WORD_EPISODE,  /* season and episode, however they were written */
};

struct word {
    uint16_t at;  /* in words.text */
    uint8_t len;  /* bytes */
    uint8_t kind; /* enum word_kind */
    bool part;    /* of the run, not all of it */
    bool ext;     /* of the file name's extension */
    uint16_t run; /* which run of the text, from 0 */
    uint8_t runs; /* an episode may cover several */
};

struct words {
    struct word word[WORDS_MAX];
    size_t count, used; /* words; bytes of text */
    size_t runs;
    int season, episode; /* told by the text, or -1 */
    char text[WORDS_BYTES_MAX];
};

enum words_use { WORDS_FILE, WORDS_FOLDER, WORDS_QUERY };

/* The words of a file's name, a folder's name or a query; any bytes. A query has no initials, and
 * 1x2 is an episode in it (1x02 is one everywhere). */
void words_of(struct words *out, const char *text, size_t len, enum words_use use);
/* The words of the last component of a path. A season that a folder above tells and an episode that
 * the name tells make one word. */
void words_of_last(struct words *out, const char *path, size_t len, bool folder);

/* What kind a word is, from its bytes as words_of makes them. */
enum word_kind word_kind_of(const char *word, size_t len);
