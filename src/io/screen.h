/* The whole terminal, drawn anew at will (ncurses). One at a time, one thread. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Take the terminal over; -ERR_USAGE where there is none that can that. */
int screen_open(struct err *e);
void screen_close(void); /* gives it back as it was */
void screen_size(unsigned *rows, unsigned *columns);
/* Show these lines from the top, the rest empty; what is too wide is cut. strong[i]: a heading. */
void screen_draw(const char *const *line, const bool *strong, size_t lines);

enum screen_key { SCREEN_NOTHING, SCREEN_RESIZED, SCREEN_UP, SCREEN_DOWN, SCREEN_LETTER };
/* Wait up to ms for a key or another size. letter: of SCREEN_LETTER. */
enum screen_key screen_wait(unsigned ms, char *letter);
