/* Play while it downloads: a URL on this computer (127.0.0.1, a random token) that players read as
 * they like. What is shared here or lies in the download folder is read from there; all else is
 * downloaded as usual, in order from where the player reads, and each byte is given out when its
 * piece is verified. The listener opens with the first playing and ends with play_free. Any
 * thread. */
#pragma once

#include "base/err.h"
#include "base/id.h"

#include <jansson.h>

struct play;
struct playing;
struct fetch;
struct share;

struct play_conf {
    struct fetch *fetch;
    struct share *share;
    const char *db_path;
};

struct play *play_new(const struct play_conf *conf);
void play_free(struct play *p); /* when no playing is left; before fetch_free */

/* Play the file of this hash; title: the name it was found under, or NULL. tell(ctx, event) gets
 * first {"event":"play","url","hash","name","type","size"} once that can be said, then the events
 * of its download (svc/fetch.h), none when it is shared here; from within this call or on fetch's
 * thread, borrowed, and it may not end the playing. */
struct playing *play_begin(struct play *p, const struct hash *hash, const char *title,
                           void (*tell)(void *ctx, json_t *event), void *ctx, struct err *e);
/* The URL ends, and what reads from it; the download goes on. tell is not called after this. Not
 * from within tell. */
void play_end(struct playing *t);
/* A request for such a URL's path that came to another listener of this computer. Replies. */
struct http_request;
void play_request(struct play *p, struct http_request *rq);
