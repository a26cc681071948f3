/* A search as it is typed, for the commands that begin with one: words and options in, the leader's
 * rows out, what was found told. */
#pragma once

#include "base/buf.h"
#include "iwanto/cli.h"
#include "svc/query.h"

#include <jansson.h>

/* Rows of a command's table of options. */
/* clang-format off */
#define SEEK_FILTERS                                                                                  \
    {'t', "type", "TYPE", "file, dir, video, audio, image, document, archive", true},              \
    {'e', "ext", "EXT", "only names with this extension", true},                                   \
    {20, "larger", "SIZE", "at least so large, as 700M or 1.5G", false},                           \
    {21, "smaller", "SIZE", "at most so large", false},                                            \
    {22, "newer", "TIME", "changed within that time (36h, 7d) or since a day (2026-01-31)", false}, \
    {23, "peer", "NAME", "only what this peer has", false},                                        \
    {24, "in", "FOLDER", "only below a folder of this name", false}
#define SEEK_OFFSET {25, "offset", "N", "leave out the first N rows", false}
/* clang-format on */

/* What is asked, and how much of the answer. */
struct seek {
    const char *command; /* whose: for usage errors */
    struct query q;      /* its limit and offset are the page's that is asked next */
    struct buf words;
    uint64_t offset, rows;
    unsigned ms; /* for a leader to appear and answer */
};

/* "2026-01-31" or "2026-01-31 18:30", also with a T, as the clock here says: @ and seconds. */
bool seek_date(const char *text, char out[32]);
void seek_init(struct seek *k, const char *command);
void seek_free(struct seek *k);
void seek_word(struct seek *k, const char *word);
/* 0, or negative; 1: the option is none of these. */
int seek_option(struct seek *k, int id, const char *value, struct err *e);
/* All was read: is it a question? */
int seek_ready(const struct cli *c, struct seek *k, struct err *e);
/* All rows that are wished for, each with its "row". *answer is the caller's. */
int seek_ask(const struct cli *c, struct seek *k, json_t **answer, struct err *e);
/* "showing results for ...", when words were corrected. */
void seek_tell_corrected(const struct cli *c, const json_t *answer);
/* Rows to stdout and what is to be said of them to stderr. After cli_open_out. */
void seek_print(struct cli *c, const struct seek *k, json_t *answer);
/* Keep the rows for @N. */
void seek_save(const struct cli *c, struct seek *k, const json_t *rows);
/* Set e: -ERR_NOT_FOUND and what may help. */
int seek_nothing(const struct cli *c, const struct seek *k, const json_t *answer, struct err *e);
