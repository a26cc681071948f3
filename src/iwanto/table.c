#include "iwanto/table.h"

#include "base/mem.h"
#include "core/path.h"

#include <assert.h>
#include <string.h>

#define GAP   2u /* columns between cells */
#define LEAST 8u /* columns that a cut cell keeps */
#define DOTS  "..."

struct table {
    const struct table_col *col;
    size_t cols;
    char **cell;
    size_t cells, cap;
};

struct table *table_new(const struct table_col *cols, size_t count)
{
    struct table *t = mem_zero(1, sizeof *t);

    assert(count && count <= TABLE_COLS_MAX);
    t->col = cols;
    t->cols = count;
    return t;
}

void table_cell(struct table *t, const char *text)
{
    MEM_GROW(t->cell, t->cells, t->cap);
    t->cell[t->cells++] = mem_str(text);
}

void table_free(struct table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->cells; i++)
        mem_free(t->cell[i]);
    mem_free(t->cell);
    mem_free(t);
}

static size_t width(const char *text)
{
    return path_columns(text, strlen(text));
}

/* Bytes of text's beginning that take at most columns. */
static size_t head_of(const char *text, size_t columns)
{
    size_t at = 0, next;

    while (text[at]) {
        for (next = at + 1; ((unsigned char)text[next] & 0xc0) == 0x80;)
            next++;
        if (path_columns(text, next) > columns)
            break;
        at = next;
    }
    return at;
}

/* Where the end of text begins that takes at most columns. */
static size_t tail_of(const char *text, size_t columns)
{
    size_t len = strlen(text), at = len, next;

    while (at) {
        for (next = at - 1; next && ((unsigned char)text[next] & 0xc0) == 0x80;)
            next--;
        if (path_columns(text + next, len - next) > columns)
            break;
        at = next;
    }
    return at;
}

void table_cut(struct buf *out, const char *text, size_t columns)
{
    size_t dots = sizeof DOTS - 1, end;

    if (width(text) <= columns) {
        buf_str(out, text);
        return;
    }
    if (columns <= dots) {
        buf_add(out, text, head_of(text, columns));
        return;
    }
    end = (columns - dots) * 2 / 5; /* a name's end tells its kind */
    buf_add(out, text, head_of(text, columns - dots - end));
    buf_str(out, DOTS);
    buf_str(out, text + tail_of(text, end));
}

/* Take from the flexible columns, by their share, what is too much. */
static void fit(const struct table *t, size_t w[TABLE_COLS_MAX], unsigned columns)
{
    size_t total = GAP * (t->cols - 1);

    for (size_t i = 0; i < t->cols; i++)
        total += w[i];
    while (total > columns) {
        size_t widest = t->cols;

        for (size_t i = 0; i < t->cols; i++)
            if (t->col[i].flex && w[i] > LEAST &&
                (widest == t->cols || w[i] * t->col[i].flex > w[widest] * t->col[widest].flex))
                widest = i;
        if (widest == t->cols)
            return; /* nothing left to cut: the terminal wraps */
        w[widest]--;
        total--;
    }
}

static void put_cell(const struct table *t, size_t col, const char *text, size_t w, struct buf *out)
{
    struct buf cell = {0};
    size_t used;
    bool last = col + 1 == t->cols;

    table_cut(&cell, text, w);
    used = width(buf_cstr(&cell));
    for (; t->col[col].right && used < w; used++)
        buf_char(out, ' ');
    buf_str(out, buf_cstr(&cell));
    for (; !last && used < w + GAP; used++)
        buf_char(out, ' ');
    buf_free(&cell);
}

void table_put(const struct table *t, unsigned columns, bool bold, struct buf *out)
{
    size_t w[TABLE_COLS_MAX];

    assert(t->cols);
    for (size_t i = 0; i < t->cols; i++)
        w[i] = width(t->col[i].head);
    for (size_t i = 0; i < t->cells; i++)
        if (width(t->cell[i]) > w[i % t->cols])
            w[i % t->cols] = width(t->cell[i]);
    fit(t, w, columns);
    if (bold)
        buf_str(out, "\x1b[1m");
    for (size_t i = 0; i < t->cols; i++)
        put_cell(t, i, t->col[i].head, w[i], out);
    buf_str(out, bold ? "\x1b[0m\n" : "\n");
    for (size_t i = 0; i < t->cells; i++) {
        put_cell(t, i % t->cols, t->cell[i], w[i % t->cols], out);
        if (i % t->cols == t->cols - 1)
            buf_char(out, '\n');
    }
}
