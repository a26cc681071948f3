/* What the service does when something has happened: a download ended, a wish was met. Ties rooms
 * of svc to each other; each says on which of their threads it is called. */
#pragma once

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct ask;
struct fetch;
struct hooks;
struct journal;

/* All filled before the first of these is called. */
struct after {
    struct ask *ask;
    struct fetch *fetch;
    struct hooks *hooks;
    struct journal *journal;
};

/* The ctx of each is a struct after. On journal's thread (journal_conf.peers). */
json_t *after_peers(void *ctx);
/* On wants' thread (want_conf). */
int after_ask(void *ctx, const char *path, unsigned ms, unsigned *status, json_t **answer,
              struct err *e);
void after_found(void *ctx, const json_t *wish, const json_t *row, bool first, size_t more);
/* On fetch's thread: fetch_conf.ended. */
void after_download(struct after *a, const json_t *event);
