/* An aligned table that fits a terminal. Cells must be safe to print (show). */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_COLS_MAX 8

struct table_col {
    const char *head;
    bool right;    /* aligned */
    unsigned flex; /* may be cut to fit: its share of what is to be cut; 0: never */
    unsigned drop; /* left out when cutting is not enough, the lowest first; 0: never */
};

struct table;
struct table *table_new(const struct table_col *cols, size_t count); /* cols are borrowed */
void table_cell(struct table *t, const char *text);                  /* in reading order; copies */
/* The same with a byte for each of text's: not 0 where it is to be marked. Copies. */
void table_cell_marked(struct table *t, const char *text, const uint8_t *marks);
/* Head and rows, each ended by a newline, within columns when the flexible ones can be cut, and
 * others be left out, that far. color: mark the head, and what cells have marked. */
void table_put(const struct table *t, unsigned columns, bool color, struct buf *out);
void table_free(struct table *t);

/* Append text, cut in the middle ("beginning...end") to at most columns. */
void table_cut(struct buf *out, const char *text, size_t columns);
