/* Names from outside: a peer's path for a file -> a safe relative path or a refusal; and foreign
 * text made safe to print. The first of three layers (the others: io/root's openat2, the kernel's
 * permissions); each is enough alone. Pure; any thread. */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum path_fault {
    PATH_OK,
    PATH_EMPTY,    /* the whole path, or a component ("a//b", "a/") */
    PATH_ABSOLUTE, /* begins with '/' */
    PATH_DOTS,     /* a component "." or ".." */
    PATH_NUL,
    PATH_LONG,  /* PATH_LEN_MAX, NAME_LEN_MAX */
    PATH_DEEP,  /* PATH_DEPTH_MAX */
    PATH_SLASH, /* path_check_name only: a '/' in a name */
};

/* A relative path with '/' between components. Any other bytes are legal: names are the file
 * system's. */
enum path_fault path_check(const char *path, size_t len);
/* One component. */
enum path_fault path_check_name(const char *name, size_t len);
const char *path_fault_text(enum path_fault f); /* "a component is '..'" */

/* Foreign text for terminal, log, error text, JSON and HTML: valid UTF-8 without anything that
 * could move the cursor, turn the direction of writing, hide or pile up. C0, DEL, C1, U+2028/9 and
 * bytes that are not UTF-8 become \xNN, direction and invisible characters \u{NNNN}; more than 4
 * marks on one letter and what is over SHOW_COLUMNS_MAX columns is cut ("..."). */
const char *show(struct buf *to, const char *text,
                 size_t len); /* appends; gives to->data from where it began */
/* The same into a fixed buffer, cut to fit. */
const char *show_to(char *out, size_t cap, const char *text, size_t len);

/* The manifest's form of a name: backslash, control bytes and bytes that are not UTF-8 as \xHH
 * (lowercase hex). Undo: false when it is not the canonical form of some name of at most cap bytes.
 */
void path_escape(struct buf *to, const char *name, size_t len);
bool path_unescape(char *out, size_t cap, size_t *out_len, const char *text, size_t len);

/* Never shared unless the settings say so: leading dot, and editors' and browsers' partial files
 * (*.part, *.crdownload, *~,
 * .~lock*, .*.iwant-part). */
bool path_is_hidden(const char *name, size_t len);
bool path_is_partial(const char *name, size_t len);
/* Private keys and the like by name: id_rsa, *.pem, *.key, *.kdbx, wallet.dat ... (SECURITY T15).
 */
bool path_looks_secret(const char *name, size_t len);

/* Columns that valid UTF-8 takes on a terminal (East Asian wide: 2, marks: 0). */
size_t path_columns(const char *text, size_t len);
