/* Who stands by for the leader is told by its datagrams, but where they answer and with which key
 * only the leader knows for sure: it is asked once for each change, before it is needed. A key has
 * to fit the id in the datagram, so nobody else can be slipped in. */
#include "base/mem.h"
#include "base/str.h"
#include "core/seal.h"
#include "svc/ask_priv.h"

#include <sodium.h>
#include <string.h>

#define FIRST_MS  20 /* not all at the same moment: up to so long, and so much more */
#define SPREAD_MS 400
#define AGAIN_MS  1500
#define TRIES     5

static bool is_none(const struct ask_standby *s)
{
    static const uint8_t none[sizeof s->id];

    return !memcmp(s->id, none, sizeof none);
}

static void take_one(struct ask *a, const json_t *row)
{
    const char *addr = json_string_value(json_object_get(row, "addr"));
    const char *pub = json_string_value(json_object_get(row, "pub"));
    struct elect_peer p = {.inc = 0};

    if (!addr || !pub || !addr_parse(&p.addr, addr) ||
        !str_unhex(p.pub, sizeof p.pub, pub, strlen(pub)))
        return;
    if (p.addr.family == 6 && p.addr.ip[0] == 0xfe && (p.addr.ip[1] & 0xc0) == 0x80)
        p.addr.scope = a->leader.addr.scope; /* the link that we have in common */
    seal_nid(&p.nid, p.pub);
    for (size_t i = 0; i < ELECT_STANDBYS; i++) {
        struct ask_standby *s = &a->standby[i];

        if (is_none(s) || memcmp(s->id, p.nid.b, sizeof s->id))
            continue;
        s->peer = p;
        s->known = true;
    }
}

static void on_learned(void *ctx, const struct http_answer *answer, const struct buf *body)
{
    struct ask *a = ctx;
    json_t *json = NULL, *row;
    size_t n;

    a->learning = NULL;
    if (answer->status == 200 && !answer->err.code)
        json = json_loadb(buf_cstr(body), body->len, JSON_REJECT_DUPLICATES, NULL);
    json_array_foreach (json_object_get(json, "standbys"), n, row)
        take_one(a, row);
    json_decref(json);
    ask_learn_begin(a);
}

static void on_timer(uv_timer_t *t)
{
    struct ask *a = t->data;
    struct http_ask h = {.addr = a->leader.addr,
                         .path = "/v1/standbys",
                         .max = 1u << 16,
                         .connect_ms = 1000,
                         .total_ms = 2000,
                         .done = on_learned,
                         .ctx = a};

    if (a->learning || !a->has_leader || a->self || !a->leader.addr.family)
        return;
    memcpy(h.pin, a->leader.pub, sizeof h.pin);
    a->learn_tries++;
    a->learning = http_start(a->http, &h);
}

static bool all_known(const struct ask *a)
{
    for (size_t i = 0; i < ELECT_STANDBYS; i++)
        if (!is_none(&a->standby[i]) && !a->standby[i].known && !a->standby[i].self)
            return false;
    return true;
}

void ask_learn_begin(struct ask *a)
{
    uint64_t in = a->learn_tries ? AGAIN_MS : FIRST_MS + randombytes_uniform(SPREAD_MS);

    if (a->learning || all_known(a) || a->learn_tries >= TRIES)
        return;
    uv_timer_start(&a->learn, on_timer, in, 0);
}

void ask_learn_end(struct ask *a)
{
    if (a->learning)
        http_cancel(a->learning);
    a->learning = NULL;
    uv_timer_stop(&a->learn);
}

struct new_standbys {
    struct ask *ask;
    uint8_t id[ELECT_STANDBYS][8];
};

/* What is known of one stays, wherever it stands now. */
static void change_standbys(void *arg)
{
    struct new_standbys *n = arg;
    struct ask *a = n->ask;
    struct ask_standby was[ELECT_STANDBYS];

    memcpy(was, a->standby, sizeof was);
    memset(a->standby, 0, sizeof a->standby);
    for (size_t i = 0; i < ELECT_STANDBYS; i++) {
        struct ask_standby *s = &a->standby[i];

        for (size_t k = 0; k < ELECT_STANDBYS; k++)
            if (!memcmp(was[k].id, n->id[i], sizeof n->id[i]))
                *s = was[k];
        memcpy(s->id, n->id[i], sizeof s->id);
        s->self = !memcmp(s->id, a->ident->nid.b, sizeof s->id);
    }
    mem_free(n);
    a->learn_tries = 0;
    ask_learn_begin(a);
}

void ask_standbys(struct ask *a, const uint8_t id[ELECT_STANDBYS][8])
{
    struct new_standbys *n = mem_zero(1, sizeof *n);

    n->ask = a;
    memcpy(n->id, id, sizeof n->id);
    if (!loop_post(a->loop, change_standbys, n))
        mem_free(n);
}
