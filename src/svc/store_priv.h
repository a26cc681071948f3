/* What the store's files share: a connection with its prepared statements, and every SQL text by
 * name. */
#pragma once

#include "base/err.h"
#include "core/rows.h"
#include "svc/store_index.h"

#include <sqlite3.h>

#define STORE_PARTS "/" /* the folder of the rows of parts: no shared path can be this */

enum db_sql {
    SQL_BEGIN,
    SQL_BEGIN_READ,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_META_GET,
    SQL_META_PUT,
    SQL_GET,
    SQL_CHILDREN,
    SQL_INODE,
    SQL_LINKS,
    SQL_INSERT,
    SQL_UPDATE,
    SQL_TOUCH,
    SQL_STALE,
    SQL_BELOW,
    SQL_GONE,
    SQL_GONE_QUIET,
    SQL_FORGET,
    SQL_AWAY,
    SQL_AWAY_ENDS,
    SQL_FORGET_GONE,
    SQL_ADDED,
    SQL_ADDED_PUT,
    SQL_ADDED_DROP,
    SQL_CHECKPOINTS_PUT,
    SQL_CHECKPOINTS_GET,
    SQL_CHECKPOINTS_TIDY,
    SQL_GONE_MIDDLE,
    SQL_GONE_PRUNE,
    SQL_SINCE,
    SQL_FIND,
    SQL_EACH,
    SQL_JOB_ADD,
    SQL_JOB_SAVE,
    SQL_JOB_REMOVE,
    SQL_JOB_PARTS_REMOVE,
    SQL_JOBS,
    SQL_PART_SAVE,
    SQL_PART_HAVE,
    SQL_PART_FIND,
    SQL_PART_REMOVE,
    SQL_COUNT
};

/* Columns of every statement that gives entries. */
enum {
    COL_NUMBER,
    COL_FOLDER,
    COL_NAME,
    COL_KIND,
    COL_SIZE,
    COL_MTIME,
    COL_CTIME,
    COL_INO,
    COL_HASH,
    COL_ROOT
};

struct db {
    sqlite3 *h;
    sqlite3_stmt *stmt[SQL_COUNT]; /* made at first use */
    char *path;
    const char *pragmas; /* of this kind of connection; constant */
    bool damaged;        /* SQLite said so */
};

/* Open, or make, the database with its tables. */
int db_open(struct db *db, const char *path, const char *pragmas, struct err *e);
void db_close(struct db *db);
/* Open again when the file at path is another one now: the old one was set aside. Not within a
 * transaction. */
int db_follow(struct db *db, struct err *e);
int db_exec(struct db *db, const char *sql);
/* quick_check finds nothing. */
bool db_sound(struct db *db);
/* Move a damaged database out of the way; gives its new name (mem_free), NULL with e set. */
char *db_set_aside(const char *path, struct err *e);

/* A statement ready to be bound. Never NULL except when the database fails. */
sqlite3_stmt *db_stmt(struct db *db, enum db_sql sql);
/* All of them, so that a damaged schema is met at once: 0 or -1. */
int db_stmts(struct db *db);
/* Step once: SQLITE_ROW or SQLITE_DONE, all else is a failure; notes damage. NULL is a failure as
 * well. */
int db_step(struct db *db, sqlite3_stmt *st);
/* Run to the end and reset: 0 or -1. */
int db_run(struct db *db, sqlite3_stmt *st);
int db_do(struct db *db, enum db_sql sql); /* db_run without anything bound */
/* "cannot DO the index PATH: reason". */
int db_fail(struct db *db, const char *verb, struct err *e);

void db_bind_hash(sqlite3_stmt *st, int at, const struct hash *h); /* zero: NULL */
void db_bind_text(sqlite3_stmt *st, int at, const void *text,
                  size_t len); /* as a blob; never NULL */
void db_hash(sqlite3_stmt *st, int col, struct hash *h);
void db_entry(sqlite3_stmt *st, struct store_entry *out); /* from the columns of COL_ */
char *db_path(sqlite3_stmt *st);                          /* COL_FOLDER/COL_NAME; mem_free */

/* The row that peers get for an entry at this path (borrowed); ROW_GONE for what is not announced.
 */
struct row db_row(const struct store_entry *entry, const char *path, uint64_t number);

struct db_meta { /* the one row of meta */
    uint64_t generation, number, floor, files, bytes, gone;
    bool clean;
    char *folder; /* mem_free */
    bool has_digest;
    struct digest digest; /* of the rows that are announced */
};
int db_meta_get(struct db *db, struct db_meta *m); /* 0 or -1; frees m->folder first */

struct store {
    struct db db;
    struct db_meta meta;
    size_t rows;  /* since the last commit */
    bool open;    /* a transaction is */
    bool all_new; /* the path that was put last was not known before */
};

int store_begin(struct store *s, struct err *e); /* a transaction, unless one is open */
/* A statement failed. The transaction is lost; what memory says goes back to what the disk says.
 * Gives -ERR_IO. */
int store_fail(struct store *s, const char *verb, struct err *e);

/* A path as the table has it. Borrows path. */
struct store_place {
    const char *folder, *name;
    size_t folder_len, name_len;
};
struct store_place store_place_of(const char *path);
void store_bind_place(sqlite3_stmt *st, int at, const struct store_place *p);
/* The counts, when the row of a path becomes another; NULL: there is none. */
void store_count(struct store *s, const char *path, const struct store_entry *was,
                 const struct store_entry *is);
