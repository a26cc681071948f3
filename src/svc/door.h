/* The link door: a plain, read-only HTTP listener for programs that know nothing of iwant. Shut
 * until a link is asked for, by the owner or by a member over its authenticated channel; shut again
 * when the last link has ended or is taken back. A link is one content of the shared folder under a
 * random token (core/weblink), for a limited time; there is no list and no other path. Links do not
 * outlive the service. Any thread. */
#pragma once

#include "base/err.h"
#include "base/id.h"
#include "core/weblink.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct door;
struct serve;

struct door_conf {
    struct serve *serve; /* gives the bytes, under its limits */
    const char *db_path;
    uint16_t port;    /* wished */
    bool own, others; /* may the owner, may members have links opened */
};

struct door *door_new(const struct door_conf *conf);
void door_free(struct door *d); /* before serve_free */

struct door_link {
    char token[WEBLINK_TOKEN_LEN + 1];
    uint16_t port;
    uint64_t seconds; /* until it ends */
    char kind;        /* 'f' 'x' 'd' */
};
/* Open a link, or let the one that the same asker has for this content last longer. asker NULL: the
 * owner. -ERR_NOT_FOUND: not shared here, -ERR_USAGE: the settings refuse, -ERR_EXISTS: too many
 * links. */
int door_open(struct door *d, const struct hash *hash, const struct nid *asker, uint64_t seconds,
              struct door_link *out, struct err *e);
/* End the asker's link of this content; NULL as asker: everybody's, and as hash: of everything.
 * Gives how many. */
unsigned door_shut(struct door *d, const struct hash *hash, const struct nid *asker);
/* [{"hash","kind","name","for","token","port","seconds","requests"}...]; for: a peer's id, or null
 * for the owner's. */
json_t *door_list(struct door *d);
