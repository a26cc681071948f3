/* Who is there and how far their rows go, as a leader tells those who stand by for it (GET
 * /v1/desk). The rows themselves are asked of their owners, so a roster can neither invent nor
 * remove what a peer shares.
 *
 * A leader counts the changes of its members, 1, 2, 3 ..., within an epoch (a random number, drawn
 * when it begins to lead). "Everything above version V" is all that a stand-by needs to follow.
 * Pure; any thread. */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "base/rw.h"

struct roster_head {
    uint64_t epoch, version; /* the newest there is */
    bool reset;              /* all members follow: who is not among them is none */
};

struct roster_entry {
    struct nid nid;
    bool gone;   /* is no member any more; nothing else counts */
    bool leader; /* who tells this: its address is where it was asked */
    uint32_t inc;
    uint8_t pub[32];
    struct addr addr; /* where its HTTPS answers, seen from the leader; without scope. Family 0: the
                         leader, or one whose address means nothing elsewhere */
    uint64_t generation, number; /* as announced */
};

void roster_put_head(struct buf *b, const struct roster_head *h);
void roster_put(struct buf *b, const struct roster_entry *e);

/* false: malformed, or a nid that is not its key's; r->bad is set. What a later version adds to a
 * record is skipped. */
bool roster_get_head(struct rd *r, struct roster_head *h);
bool roster_get(struct rd *r, struct roster_entry *e);
