/* An aligned table that fits a terminal. Cells must be safe to print (show). */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

#define TABLE_COLS_MAX 8

struct table_col {
    const char *head;
    bool right;    /* aligned */
    unsigned flex; /* may be cut to fit: its share of what is to be cut; 0: never */
};

struct table;
struct table *table_new(const struct table_col *cols, size_t count); /* cols are borrowed */
void table_cell(struct table *t, const char *text);                  /* in reading order; copies */
/* Head and rows, each ended by a newline, within columns when the flexible ones can be cut that
 * far. bold: mark the head. */
void table_put(const struct table *t, unsigned columns, bool bold, struct buf *out);
void table_free(struct table *t);

/* Append text, cut in the middle ("beginning...end") to at most columns. */
void table_cut(struct buf *out, const char *text, size_t columns);
