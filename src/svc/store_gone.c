/* Rows that go: with their folder, with their disk, or for good. Rows are numbered anew and so move
 * within the table while it is walked: some are read, then these are changed, and so on. */
#include "base/limits.h"
#include "base/mem.h"
#include "svc/store_index.h"
#include "svc/store_priv.h"

/* A row becomes a gone one: by SQL_GONE, SQL_AWAY or SQL_FORGET. Of a folder that was never
 * announced nobody need hear. */
static int gone_row(struct store *s, enum db_sql how, uint64_t number, const char *path,
                    const struct store_entry *was, struct err *e)
{
    bool quiet = was->kind == STORE_UNSAID;
    struct store_entry is = {.kind = !quiet && how == SQL_AWAY ? STORE_AWAY : ROW_GONE};
    sqlite3_stmt *st = db_stmt(&s->db, quiet ? SQL_GONE_QUIET : how);

    if (st) {
        sqlite3_bind_int64(st, 1, (int64_t)number);
        if (!quiet)
            sqlite3_bind_int64(st, 2, (int64_t)(s->meta.number + 1));
    }
    if (db_run(&s->db, st))
        return store_fail(s, "write", e);
    s->meta.number += !quiet;
    s->rows++;
    store_count(s, path, was, &is);
    return 0;
}

#define GONE_CHUNK 4096 /* rows: a tree may have a million */

struct numbered {
    uint64_t number;
    char *path;
    struct store_entry entry;
};

/* Rows to be changed afterwards: a table is not to be changed while it is walked. */
struct chunk {
    struct numbered row[GONE_CHUNK];
    size_t count;
    struct buf folder, name; /* of the last one */
};

/* The rows that st gives, as many as there is room for. */
static int collect(struct store *s, sqlite3_stmt *st, struct chunk *c)
{
    int code = SQLITE_DONE;

    while (c->count < GONE_CHUNK && (code = db_step(&s->db, st)) == SQLITE_ROW) {
        struct numbered *n = &c->row[c->count];

        n->number = (uint64_t)sqlite3_column_int64(st, COL_NUMBER);
        db_entry(st, &n->entry);
        if (n->entry.kind == ROW_GONE || n->entry.kind == STORE_AWAY)
            continue;
        buf_reset(&c->folder);
        buf_reset(&c->name);
        buf_add(&c->folder, sqlite3_column_blob(st, COL_FOLDER),
                (size_t)sqlite3_column_bytes(st, COL_FOLDER));
        buf_add(&c->name, sqlite3_column_blob(st, COL_NAME),
                (size_t)sqlite3_column_bytes(st, COL_NAME));
        n->path = db_path(st);
        c->count++;
    }
    if (st)
        sqlite3_reset(st);
    if (code == SQLITE_DONE || code == SQLITE_ROW)
        return 0;
    while (c->count)
        mem_free(c->row[--c->count].path);
    return -1;
}

static int gone_rows(struct store *s, enum db_sql how, struct chunk *c, struct err *e)
{
    int bad = c->count ? store_begin(s, e) : 0;

    for (size_t i = 0; i < c->count; i++) {
        if (!bad)
            bad = gone_row(s, how, c->row[i].number, c->row[i].path, &c->row[i].entry, e);
        mem_free(c->row[i].path);
    }
    c->count = 0;
    return bad;
}

/* All rows in the folders from `from` to before `to`. Gives how many, or negative. */
static int64_t gone_stretch(struct store *s, enum db_sql how, struct chunk *c,
                            const struct buf *from, const struct buf *to, struct err *e)
{
    int64_t done = 0;
    size_t got;

    buf_reset(&c->folder);
    buf_reset(&c->name);
    buf_add(&c->folder, from->data, from->len);
    do {
        sqlite3_stmt *st = db_stmt(&s->db, SQL_BELOW);

        if (st) {
            /* Copied: collect writes where the next stretch begins into the same buffers. */
            sqlite3_bind_blob64(st, 1, buf_cstr(&c->folder), c->folder.len, SQLITE_TRANSIENT);
            sqlite3_bind_blob64(st, 2, buf_cstr(&c->name), c->name.len, SQLITE_TRANSIENT);
            db_bind_text(st, 3, to->data, to->len);
            sqlite3_bind_int64(st, 4, GONE_CHUNK);
        }
        if (collect(s, st, c)) {
            store_fail(s, "read", e);
            return -ERR_IO;
        }
        got = c->count;
        if (gone_rows(s, how, c, e))
            return -ERR_IO;
        done += (int64_t)got;
    } while (got == GONE_CHUNK);
    return done;
}

/* The row of the path itself. */
static int64_t gone_self(struct store *s, enum db_sql how, struct chunk *c, const char *path,
                         struct err *e)
{
    struct store_place p = store_place_of(path);
    sqlite3_stmt *st = db_stmt(&s->db, SQL_GET);
    int64_t count;

    if (st)
        store_bind_place(st, 1, &p);
    if (collect(s, st, c))
        return store_fail(s, "read", e);
    count = (int64_t)c->count;
    return gone_rows(s, how, c, e) ? -ERR_IO : count;
}

/* The row of path, those in it, those further below. */
static int64_t gone_tree(struct store *s, enum db_sql how, const char *path, struct err *e)
{
    struct chunk *c = mem_zero(1, sizeof *c);
    struct buf from = {0}, to = {0};
    int64_t self = gone_self(s, how, c, path, e), in = 0, below = 0;

    buf_str(&from, path);
    buf_str(&to, path);
    buf_char(&to, '\0');
    if (self >= 0)
        in = gone_stretch(s, how, c, &from, &to, e);
    to.len--;
    buf_char(&from, *path ? '/' : '\0');
    if (*path)
        buf_char(&to, '/' + 1);
    for (size_t i = 0; !*path && i <= NAME_LEN_MAX; i++) /* behind every name */
        buf_char(&to, '\xff');
    if (self >= 0 && in >= 0)
        below = gone_stretch(s, how, c, &from, &to, e);
    buf_free(&from);
    buf_free(&to);
    buf_free(&c->folder);
    buf_free(&c->name);
    mem_free(c);
    return self < 0 || in < 0 || below < 0 ? -ERR_IO : self + in + below;
}

int64_t store_gone(struct store *s, const char *path, struct err *e)
{
    return gone_tree(s, SQL_GONE, path, e);
}

int64_t store_away(struct store *s, const char *path, struct err *e)
{
    return gone_tree(s, SQL_AWAY, path, e);
}

int64_t store_forget(struct store *s, const char *path, struct err *e)
{
    return gone_tree(s, SQL_FORGET, path, e);
}

int store_away_ends(struct store *s, struct err *e)
{
    if (store_begin(s, e))
        return -ERR_IO;
    if (db_do(&s->db, SQL_AWAY_ENDS))
        return store_fail(s, "write", e);
    s->meta.gone += (uint64_t)sqlite3_changes64(s->db.h);
    return 0;
}

int store_forget_gone(struct store *s, struct err *e)
{
    if (store_away_ends(s, e))
        return -ERR_IO;
    return db_do(&s->db, SQL_FORGET_GONE) ? store_fail(s, "write", e) : 0;
}
