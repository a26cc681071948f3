/* A text as a QR code of half blocks, for phones that look at a terminal. */
#pragma once

#include "base/buf.h"

#include <stdbool.h>

/* Append it; false: it does not fit into so many columns (nothing is appended). color: black on
 * white whatever the terminal's colours are; else as a terminal with a dark ground shows it right.
 */
bool qr_put(struct buf *out, const char *text, unsigned columns, bool color);
