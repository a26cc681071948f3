/* A peer of our own with a desk, for the tests of desk and ask; and waiting for what other threads
 * do. */
#pragma once

#include "http_rig.h"

#include "svc/desk.h"

#define TURN_US    2000
#define GIVE_UP_US 30000000

#define WAIT_FOR(what)                                                                             \
    do {                                                                                           \
        unsigned waited = 0;                                                                       \
        while (!(what) && waited < GIVE_UP_US) {                                                   \
            usleep(TURN_US);                                                                       \
            waited += TURN_US;                                                                     \
        }                                                                                          \
        if (waited >= GIVE_UP_US)                                                                  \
            fail_msg("%s", "did not happen: " #what);                                              \
    } while (0)

static struct ident own;

static void own_up(void)
{
    own = (struct ident){
        .name = mem_str("me"), .tls = member_who.id, .key = member_who.key, .lock_fd = -1};
    seal_nid(&own.nid, own.key.pub);
}

static void own_down(void)
{
    mem_free(own.name);
}

static void lead(struct desk *d)
{
    struct elect_news n = {.kind = ELECT_LEADER, .self = true, .term = 1, .peer = {.nid = own.nid}};

    desk_news(d, &n);
}
