/* Links to a content at all who hold it, for programs that know nothing of iwant: each holder is
 * asked over its authenticated channel to open its door (svc/door). Waits: for errands that have a
 * thread to wait on, one at a time. */
#pragma once

#include "base/err.h"
#include "base/id.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct ask;
struct door;
struct ident;
struct links;

struct links_conf {
    const struct ident *ident;
    struct ask *ask;
    struct door *door;
    const char *db_path;
};

struct links *links_new(const struct links_conf *conf);
void links_stop(struct links *l); /* what runs ends soon; any thread */
void links_free(struct links *l);

/* {"hash","kind","name","size","seconds","urls":[...],"holders":N,"refused":[{"name","why"}...]},
 * and with metalink the document as "metalink", which folders need. -ERR_UNFINISHED: nobody opens
 * a door. The caller's. */
int links_make(struct links *l, const struct hash *hash, uint64_t seconds, bool metalink,
               json_t **answer, struct err *e);
/* Addresses of this computer that the LAN may reach, one an interface; gives how many. */
size_t links_own_addrs(struct addr *out, size_t max);
/* {"links":[...]} as door_list, each with its "url" at this computer's address. */
json_t *links_list(struct links *l);
/* End the links of hash (NULL: all) at our door, whoever asked for them, and those that were asked
 * for here at other holders' doors. {"ended":N} */
json_t *links_end(struct links *l, const struct hash *hash);
/* Look at a content: {"hash","kind","name","size","holders":N,"files":[{"path","hash","size"}...]}
 */
int links_look(struct links *l, const struct hash *hash, json_t **answer, struct err *e);
