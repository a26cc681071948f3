/* Errors with text: a code that becomes the exit status, an errno, a line a user can read, and a
 * hint.
 *
 * Functions give 0 or a negative code (-ERR_...); functions that give pointers give NULL. What a
 * user may read takes `struct err *` as last argument (never NULL there); the text comes from the
 * place that knows the noun: "cannot open /home/eva/Public: permission denied" is filled in where
 * the path is known. Printed as "iwanto: TEXT" and, if there is one, a second line with the hint.
 * Any thread. */
#pragma once

/* name, exit status, what it means (the manual's table is made from this list) */
#define ERR_LIST(X)                                                                                \
    X(ERR_NOT_FOUND, 1, "nothing found")                                                           \
    X(ERR_USAGE, 2, "usage error or bad setting")                                                  \
    X(ERR_NO_SERVICE, 3, "the service does not run")                                               \
    X(ERR_NO_PEER, 4, "no leader or peer answers")                                                 \
    X(ERR_UNFINISHED, 5, "source lost; unfinished, can be resumed")                                \
    X(ERR_BAD_CONTENT, 6, "content failed verification")                                           \
    X(ERR_IO, 7, "disk full or I/O error")                                                         \
    X(ERR_EXISTS, 8, "target exists")                                                              \
    X(ERR_TIMEOUT, 9, "timed out")                                                                 \
    X(ERR_INTERRUPTED, 130, "interrupted")

enum err_code {
    ERR_NONE = 0,
#define ERR_ENUM(name, status, text) name = status,
    ERR_LIST(ERR_ENUM)
#undef ERR_ENUM
};

struct err {
    int code;       /* enum err_code, positive; also the exit status */
    int sys;        /* errno behind it, or 0 */
    char text[512]; /* one line, safe to print, no "iwanto: " before it */
    char hint[256]; /* what to do, or empty */
};

/* Fill e and return -code, so that `return err_set(...)` reads well. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with ": " and strerror(sys) behind the text. ENOSPC and EDQUOT always become ERR_IO. */
int err_sys(struct err *e, enum err_code code, int sys, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Add what the user can do about it. */
void err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "ERR_IO", "disk full or I/O error"; for a number that is no code "unknown". */
const char *err_name(int code);
const char *err_meaning(int code);
