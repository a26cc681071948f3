/* The command's side of the owner's socket: ask the running service, get JSON back or its own words
 * for what went wrong. */
#pragma once

#include "base/err.h"
#include "iwanto/cli.h"

#include <jansson.h>

/* One question. body may be NULL. *answer is the caller's (json_decref). Errors: -ERR_NO_SERVICE,
 * -ERR_TIMEOUT (timeout_ms 0: none), and whatever the service answered with, its text, hint and
 * code. */
int client_ask(const struct cli *c, const char *method, const char *path, const void *body,
               size_t len, unsigned timeout_ms, json_t **answer, struct err *e);
/* The same with a JSON body and an answer of many objects, given to line() as they come (borrowed).
 * It returns false to hear no more. */
int client_stream(const struct cli *c, const char *path, const json_t *body, unsigned timeout_ms,
                  bool (*line)(void *ctx, const json_t *object), void *ctx, struct err *e);
/* Does a service answer? *pid is its process, may be NULL. */
bool client_running(const struct cli *c, int *pid);
/* -ERR_NO_SERVICE: nobody listens, or it is another user's. */
bool client_is_down(const struct err *e);
/* The one whole hash that begins with these digits, as a JSON string: of the queue, else by the
 * leader's catalog. */
int client_resolve(const struct cli *c, const char *digits, unsigned ms, json_t **hash,
                   struct err *e);
/* The same of a word as last_search_word takes it; title may be NULL, else mem_free. */
int client_word(const struct cli *c, const char *word, json_t **hash, char **title, struct err *e);
