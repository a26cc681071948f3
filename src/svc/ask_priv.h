/* The inside of svc/ask:
 *   ask.c        questions: whom to ask, again and when, the first good answer
 *   ask_learn.c  who stands by for the leader: where it answers, and with which key
 *
 * All on desk's thread, but for the line with a lock. */
#pragma once

#include "base/limits.h"
#include "io/http_client.h"
#include "svc/ask.h"

#define ASK_ANSWER_MAX (4u << 20) /* bytes of JSON */
#define ASK_LANES      (1 + ELECT_STANDBYS)
#define ASK_TIMES      64

struct question;

/* One of those whom a question may be put to: the leader, and who stands by. */
struct ask_lane {
    struct question *q;
    struct http_call *call;
    struct elect_peer to;
    int64_t begun_ms;
};

struct question {
    struct ask *ask;
    char *path;
    int64_t deadline_ms, again_ms; /* again INT64_MAX: when a leader appears, or the answer comes */
    struct ask_lane lane[ASK_LANES];
    unsigned next;    /* lane that begins at hedge_ms */
    int64_t hedge_ms; /* INT64_MAX: none */
    unsigned tries;
    bool timed_out;    /* the last try was heard, but not answered in time */
    char trouble[256]; /* why the last try failed, or "" */
    void (*done)(void *ctx, const struct ask_reply *r);
    void *ctx;
    struct wait *wait; /* or this: who waits gets the reply, JSON and all */
    struct question *prev, *next_q;
};

struct ask_standby {
    uint8_t id[8]; /* of its nid; zero: none */
    bool known, self;
    struct elect_peer peer;
};

struct ask {
    const struct ident *ident;
    struct desk *desk;
    struct loop *loop; /* desk's */
    struct http_client *http;
    uv_timer_t timer;
    struct question *questions;
    bool has_leader, self;
    struct elect_peer leader;
    unsigned took_ms[ASK_TIMES]; /* the leader's last answers, as a ring */
    size_t took;

    struct ask_standby standby[ELECT_STANDBYS];
    struct http_call *learning;
    uv_timer_t learn;
    unsigned learn_tries;

    unsigned open_handles;
    uv_mutex_t lock;
    bool self_now; /* as self, for ask_wait */
};

/* The leader or the list of who stands by is another: learn what is not known of them. */
void ask_learn_begin(struct ask *a);
void ask_learn_end(struct ask *a);
