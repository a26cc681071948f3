/* download --sums FILE: whatever of a list of sums anyone has. */
#pragma once

#include "iwanto/order.h"

/* After cli_open_out. o: its options. */
int sums_download(struct cli *c, struct order *o, const char *file, struct err *e);
