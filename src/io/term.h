/* The terminal: is it one, how wide, and signals that end a command. */
#pragma once

#include <stdbool.h>

bool term_is(int fd);
/* Columns of the terminal at fd (else $COLUMNS, else 80); 20 at least. */
unsigned term_columns(int fd);
/* What Ctrl-C and SIGTERM do from now on: restore nothing, write text to stderr and end the process
 * with status at once. For commands that only wait; text is borrowed for ever. Once more with NULL:
 * the system's way again. */
void term_on_interrupt(const char *text, int status);
void term_sleep_ms(unsigned ms);
