/* Contents of the shared folder by their hash, as they were announced. Any thread; the reader is
 * the caller's. */
#pragma once

#include "base/id.h"
#include "io/root.h"
#include "svc/store.h"

struct share;

/* 1 with *fd (close it), *st as announced and *path (mem_free); 0: never had it; -1: what was
 * announced is not there any more (share is told to look). */
int shared_open(struct share *share, struct store_reader *r, const struct hash *h, int *fd,
                struct root_stat *st, char **path);
/* The same of one that was looked up already. */
bool shared_open_at(struct share *share, const struct store_content *c, int *fd,
                    struct root_stat *st);
