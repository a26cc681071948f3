/* The log: one event, one line, "2026-11-23T10:11:12.345Z level room event key=value ...".
 * Text from peers is passed through show() (core/path.h) by the caller. Any thread; one lock. Cores
 * do not log. */
#pragma once

#include "base/err.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Append to the file at path; rotated to path.1 at LOG_BYTES_MAX. Without log_open only errors and
 * warnings are written, to stderr. */
int log_open(const char *path, struct err *e);
void log_set_level(enum log_level level); /* default LOG_INFO */
void log_to_stderr(enum log_level level); /* also show lines up to level there (-v) */
void log_line(enum log_level level, const char *room, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void log_close(void);

#define log_error(room, ...) log_line(LOG_ERROR, room, __VA_ARGS__)
#define log_warn(room, ...)  log_line(LOG_WARN, room, __VA_ARGS__)
#define log_info(room, ...)  log_line(LOG_INFO, room, __VA_ARGS__)
#define log_debug(room, ...) log_line(LOG_DEBUG, room, __VA_ARGS__)
