/* The terminal: is it one, how wide, and signals that end a command. */
#pragma once

#include <stdbool.h>

bool term_is(int fd);
/* Columns of the terminal at fd (else $COLUMNS, else 80); 20 at least. */
unsigned term_columns(int fd);
unsigned term_rows(int fd); /* its lines (else $LINES, else 24); 2 at least */
/* From now on Ctrl-C and SIGTERM don't end the process; term_interrupted tells that one came. A
 * second one ends it all the same. */
void term_catch_interrupt(void);
bool term_interrupted(void);
void term_sleep_ms(unsigned ms);
