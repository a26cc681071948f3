/* Standing wishes: searches that are asked again whenever the catalog has changed, until they are
 * taken back. What meets one (core/wish) is found once: told to the log, the desktop and `status`,
 * and, as the wish says, fetched, or handed to a command. They live in HOME/wants, which is saved
 * whole. A thread of its own, begun with the first wish, asks the leader; any thread may call.
 *
 * What it costs: every 5 s or so one small question for the catalog's version; only when that is
 * another the wishes are asked, and not before 300 times as long as the last round's answers took
 * has passed: at most 0.3 % of a core of the leader's for each peer with wishes. */
#pragma once

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define WANTS_FILE "wants"

struct wants;

struct want_conf {
    const char *home;
    const char *name; /* our own: what only we have is nothing new */
    /* Ask the leader: *answer (the caller's) and its HTTP status; or negative. May wait ms. Called
     * on wants' thread. */
    int (*ask)(void *ctx, const char *path, unsigned ms, unsigned *status, json_t **answer,
               struct err *e);
    /* Something new meets a wish: {"hash","name","size","type"}; the wish's "words", "exec" (or
     * null) and "fetch". first: none before it in this round; more: how many there are besides.
     * Likewise. */
    void (*found)(void *ctx, const json_t *wish, const json_t *row, bool first, size_t more);
    void *ctx;
    unsigned poll_ms; /* 0: 5000 */
};

/* A file of wishes that cannot be read is set aside, which is logged. */
struct wants *wants_new(const struct want_conf *conf);
/* search: "/v1/search?q=..." as svc/query writes it; exec may be NULL. Saved when it returns; *id
 * is its number. -ERR_USAGE: no such search; -ERR_EXISTS: too many, or there already. */
int wants_add(struct wants *w, const char *search, const char *exec, bool fetch, json_int_t *id,
              struct err *e);
/* -ERR_NOT_FOUND: there is no such wish. */
int wants_remove(struct wants *w, json_int_t id, struct err *e);
/* [{"id","search","words","fetch","exec","created","found":[{"hash","name","size","type","time"}...],
 * "seen","full"}...], the caller's. seen: how many of found were listed before; from now on all of
 * them count as seen. */
json_t *wants_list(struct wants *w);
/* {"count","found","unseen"} */
json_t *wants_status(struct wants *w);
void wants_stop(struct wants *w); /* asks nothing any more; waits for a question under way */
void wants_free(struct wants *w);
