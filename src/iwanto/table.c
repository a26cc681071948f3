#include "iwanto/table.h"

#include "base/mem.h"
#include "core/path.h"

#include <assert.h>
#include <string.h>

#define GAP   2u  /* columns between cells */
#define LEAST 8u  /* columns that a cut cell keeps */
#define EASY  20u /* the same while other columns can be left out instead */
#define DOTS  "..."

#define HEAD_ON "\x1b[1m"
#define MARK_ON "\x1b[1;31m" /* as grep has it */
#define OFF     "\x1b[0m"

struct cell {
    char *text;
    uint8_t *marks; /* or NULL */
};

struct table {
    const struct table_col *col;
    size_t cols;
    struct cell *cell;
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
    table_cell_marked(t, text, NULL);
}

void table_cell_marked(struct table *t, const char *text, const uint8_t *marks)
{
    struct cell *cell;

    MEM_GROW(t->cell, t->cells, t->cap);
    cell = &t->cell[t->cells++];
    *cell = (struct cell){.text = mem_str(text)};
    if (marks && *text) {
        cell->marks = mem_alloc(strlen(text));
        memcpy(cell->marks, marks, strlen(text));
    }
}

void table_free(struct table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->cells; i++) {
        mem_free(t->cell[i].text);
        mem_free(t->cell[i].marks);
    }
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

/* Where the end of text begins that takes at most columns; never with an accent of what is cut. */
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
    while (at && at < len) {
        for (next = at + 1; ((unsigned char)text[next] & 0xc0) == 0x80;)
            next++;
        if (path_columns(text + at, next - at))
            break;
        at = next;
    }
    return at;
}

/* What is left of a text that has to fit: text[0, head), dots, text[tail, len). */
struct cut {
    size_t head, tail, len;
    bool dots;
};

static struct cut cut_to(const char *text, size_t columns)
{
    struct cut c = {.len = strlen(text)};
    size_t dots = sizeof DOTS - 1, end;

    c.head = c.tail = c.len;
    if (width(text) <= columns)
        return c;
    if (columns <= dots) {
        c.head = head_of(text, columns);
        return c;
    }
    end = (columns - dots) * 2 / 5; /* a name's end tells its kind */
    c.head = head_of(text, columns - dots - end);
    c.tail = tail_of(text, end);
    c.dots = true;
    return c;
}

void table_cut(struct buf *out, const char *text, size_t columns)
{
    struct cut c = cut_to(text, columns);

    buf_add(out, text, c.head);
    if (c.dots)
        buf_str(out, DOTS);
    buf_str(out, text + c.tail);
}

/* ---- widths ---- */

static size_t total(const struct table *t, const size_t w[TABLE_COLS_MAX])
{
    size_t sum = 0;

    for (size_t i = 0; i < t->cols; i++)
        sum += w[i] ? w[i] + GAP : 0;
    return sum ? sum - GAP : 0;
}

/* The column that is left out next; cols when none may be. */
static size_t next_drop(const struct table *t, const size_t w[TABLE_COLS_MAX])
{
    size_t least = t->cols;

    for (size_t i = 0; i < t->cols; i++)
        if (t->col[i].drop && w[i] && (least == t->cols || t->col[i].drop < t->col[least].drop))
            least = i;
    return least;
}

/* Take from the flexible columns, by their share, what is too much; false: they would get narrower
 * than that. */
static bool squeeze(const struct table *t, size_t w[TABLE_COLS_MAX], unsigned columns, size_t least)
{
    while (total(t, w) > columns) {
        size_t widest = t->cols;

        for (size_t i = 0; i < t->cols; i++)
            if (t->col[i].flex && w[i] > least &&
                (widest == t->cols || w[i] * t->col[i].flex > w[widest] * t->col[widest].flex))
                widest = i;
        if (widest == t->cols)
            return false;
        w[widest]--;
    }
    return true;
}

/* Leave columns out as long as the cut ones would be hard to read. What is still too wide then, the
 * terminal wraps. */
static void fit(const struct table *t, size_t w[TABLE_COLS_MAX], unsigned columns)
{
    size_t full[TABLE_COLS_MAX], drop;

    memcpy(full, w, sizeof full);
    while (!squeeze(t, w, columns, EASY) && (drop = next_drop(t, full)) < t->cols) {
        full[drop] = 0;
        memcpy(w, full, sizeof full); /* the others may be wider again */
    }
    squeeze(t, w, columns, LEAST);
}

/* ---- printing ---- */

static void put_marked(const struct cell *c, size_t from, size_t to, bool color, struct buf *out)
{
    bool on = false;

    for (size_t i = from; i < to; i++) {
        bool mark = color && c->marks && c->marks[i];

        if (mark != on)
            buf_str(out, mark ? MARK_ON : OFF);
        on = mark;
        buf_char(out, c->text[i]);
    }
    if (on)
        buf_str(out, OFF);
}

static void put_cell(const struct table *t, size_t col, const struct cell *c,
                     const size_t w[TABLE_COLS_MAX], bool color, struct buf *out)
{
    struct cut cut = cut_to(c->text, w[col]);
    size_t used = path_columns(c->text, cut.head) + (cut.dots ? sizeof DOTS - 1 : 0) +
                  width(c->text + cut.tail);
    bool last = true;

    if (!w[col])
        return;
    for (size_t i = col + 1; i < t->cols; i++)
        last &= !w[i];
    for (; t->col[col].right && used < w[col]; used++)
        buf_char(out, ' ');
    put_marked(c, 0, cut.head, color, out);
    if (cut.dots)
        buf_str(out, DOTS);
    put_marked(c, cut.tail, cut.len, color, out);
    for (; !last && used < w[col] + GAP; used++)
        buf_char(out, ' ');
}

void table_put(const struct table *t, unsigned columns, bool color, struct buf *out)
{
    size_t w[TABLE_COLS_MAX];

    assert(t->cols);
    for (size_t i = 0; i < t->cols; i++)
        w[i] = width(t->col[i].head);
    for (size_t i = 0; i < t->cells; i++)
        if (width(t->cell[i].text) > w[i % t->cols])
            w[i % t->cols] = width(t->cell[i].text);
    fit(t, w, columns);
    if (color)
        buf_str(out, HEAD_ON);
    for (size_t i = 0; i < t->cols; i++) {
        struct cell head = {.text = mem_str(t->col[i].head)};

        put_cell(t, i, &head, w, false, out);
        mem_free(head.text);
    }
    buf_str(out, color ? OFF "\n" : "\n");
    for (size_t i = 0; i < t->cells; i++) {
        put_cell(t, i % t->cols, &t->cell[i], w, color, out);
        if (i % t->cols == t->cols - 1)
            buf_char(out, '\n');
    }
}
