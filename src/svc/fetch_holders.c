/* Who has a content: the leader's answers as a list of sources, when to ask again, and the order of
 * a swarm. */
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/path.h"
#include "svc/fetch_ask.h"
#include "svc/fetch_priv.h"

#include <string.h>

void holders_init(struct holders *h, struct fetch *f, const struct hash *hash,
                  void (*answered)(void *ctx, const struct ask_reply *r), void *ctx)
{
    *h = (struct holders){
        .f = f, .number = ++f->last_holders, .hash = *hash, .answered = answered, .ctx = ctx};
}

void holders_done(struct holders *h)
{
    for (size_t i = 0; i < h->sources; i++)
        mem_free(h->source[i]);
    mem_free(h->source);
    h->source = NULL;
    h->sources = h->sources_cap = 0;
}

/* ---- asking ---- */

void holders_ask(struct holders *h, int64_t when_ms)
{
    if (when_ms < h->ask_ms)
        h->ask_ms = when_ms;
}

void holders_tick(struct holders *h, int64_t now)
{
    if (h->asking || h->ask_ms > now)
        return;
    h->asked_as_fetcher = h->fetches;
    fetch_ask(h);
}

/* A stand-by knows holders but no order: it answers without a place, and the leader is asked again.
 */
static bool is_leaders_word(const struct ask_reply *r)
{
    return r->status != 200 || json_object_get(r->json, "place");
}

void holders_answer(struct holders *h, const struct ask_reply *r)
{
    int64_t now = loop_now_ms();
    bool soon = h->asked_as_fetcher && !h->heard;

    h->asking = false;
    if (h->asked_as_fetcher && is_leaders_word(r))
        h->heard = true;
    soon = soon && (h->heard || now - h->begun_ms < FETCH_ORDER_WAIT_MS);
    h->ask_ms = now + (soon ? FETCH_ORDER_MS : FETCH_ASK_MS);
    h->answered(h->ctx, r);
}

void holders_fetch(struct holders *h)
{
    if (h->fetches)
        return;
    h->fetches = true;
    h->heard = false;
    h->begun_ms = loop_now_ms();
    h->asking = false; /* an answer to what was asked before counts no more */
    h->number = ++h->f->last_holders;
    holders_ask(h, 0);
    holders_tick(h, h->begun_ms);
}

bool holders_wait(const struct holders *h)
{
    return h->fetches && !h->heard && loop_now_ms() - h->begun_ms < FETCH_ORDER_WAIT_MS;
}

void holders_lost(struct holders *h, uint32_t source)
{
    const struct nid *nid = &h->source[source]->nid;

    for (size_t i = 0; i < h->losts; i++) {
        if (nid_eq(&h->lost[i], nid))
            return;
    }
    if (h->losts == DIRECT_LOST_MAX)
        memmove(h->lost, h->lost + 1, --h->losts * sizeof *h->lost);
    h->lost[h->losts++] = *nid;
    log_info("fetch", "parent-left peer=\"%s\"", h->source[source]->name);
}

void holders_failed(struct holders *h, const struct source *s, const struct http_answer *a)
{
    log_debug("fetch", "source-failed peer=\"%s\" status=%ld reason=\"%s\"", s->name, a->status,
              a->err.code ? a->err.text : "");
    if (a->status == 0 && (a->unreachable || a->timed_out) && h->f->conf.unreachable)
        h->f->conf.unreachable(h->f->conf.ctx, &s->nid);
    holders_ask(h, loop_now_ms() + FETCH_ASK_SOON_MS);
}

/* ---- answers ---- */

/* A folder's holder has no root hash for a file in it: once it is told it is the same source. */
static struct source *source_of(struct holders *h, const struct nid *nid, const struct hash *root)
{
    struct source *s;

    for (size_t i = 0; i < h->sources; i++) {
        s = h->source[i];
        if (!nid_eq(&s->nid, nid))
            continue;
        if (hash_is_zero(&s->root))
            s->root = *root;
        if (hash_eq(&s->root, root))
            return s;
    }
    if (h->sources == FETCH_SOURCES_MAX)
        return NULL;
    s = mem_zero(1, sizeof *s);
    s->nid = *nid;
    s->root = *root;
    MEM_GROW(h->source, h->sources, h->sources_cap);
    h->source[h->sources++] = s;
    return s;
}

static struct source *take_holder(struct holders *h, const json_t *o, const struct hash *root,
                                  const struct ask_reply *r)
{
    const char *peer = json_string_value(json_object_get(o, "peer"));
    const char *pub = json_string_value(json_object_get(o, "pub"));
    const char *name = json_string_value(json_object_get(o, "name"));
    const char *text = json_string_value(json_object_get(o, "addr"));
    struct source *s;
    struct addr addr;
    struct hash sum;
    struct nid nid;
    uint8_t key[32];

    if (!peer || !pub || !nid_parse(&nid, peer, strlen(peer)) ||
        !str_unhex(key, sizeof key, pub, strlen(pub)))
        return NULL;
    content_hash(&sum, key, sizeof key);
    if (memcmp(sum.b, nid.b, sizeof nid.b))
        return NULL; /* not that peer's key */
    if (nid_eq(&nid, &h->f->conf.ident->nid)) {
        h->own = true;
        return NULL;
    }
    if (!text && r->self)
        return NULL;
    if (!text)
        addr = r->from.addr;
    else if (!addr_parse(&addr, text))
        return NULL;
    else if (!r->self && addr_is_link_local6(&addr))
        addr.scope = r->from.addr.scope; /* the leader's number for its link means nothing here */
    s = source_of(h, &nid, root);
    if (!s)
        return NULL;
    memcpy(s->pub, key, sizeof s->pub);
    s->addr = addr;
    if (json_is_boolean(json_object_get(o, "partial")))
        s->partial = json_is_true(json_object_get(o, "partial"));
    else if (!s->listed)
        s->partial = true; /* a parent that begins, too */
    s->listed = true;
    show_to(s->name, sizeof s->name, name ? name : peer, strlen(name ? name : peer));
    return s;
}

uint64_t holders_number(const json_t *o, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(o, key));

    return n > 0 ? (uint64_t)n : 0;
}

static void take_order(struct holders *h, const struct hash *root, const struct ask_reply *r)
{
    const json_t *order = json_object_get(r->json, "order");
    json_t *holder;
    size_t i;

    if (!h->asked_as_fetcher || !is_leaders_word(r))
        return;
    h->place = holders_number(r->json, "place");
    if (!json_is_array(order))
        return;
    h->orders = 0;
    h->new_order = true;
    json_array_foreach (order, i, holder) {
        const struct source *s = take_holder(h, holder, root, r);

        for (uint32_t k = 0; s && k < h->sources && h->orders < PLAN_ORDER_MAX; k++) {
            if (h->source[k] == s)
                h->order[h->orders++] = k;
        }
    }
}

void holders_take(struct holders *h, char kind, uint64_t size, const struct ask_reply *r)
{
    json_t *content, *holder;
    struct hash first = {{0}};
    size_t i, k;

    for (i = 0; i < h->sources; i++)
        h->source[i]->listed = false;
    h->own = false;
    json_array_foreach (json_object_get(r->json, "contents"), i, content) {
        const char *hex = json_string_value(json_object_get(content, "root"));
        struct hash root = {{0}};

        if (kind != 'd' && (!hex || !hash_parse(&root, hex, strlen(hex)) ||
                            holders_number(content, "size") != size))
            continue;
        if (!i)
            first = root;
        json_array_foreach (json_object_get(content, "holders"), k, holder)
            (void)take_holder(h, holder, &root, r);
    }
    take_order(h, &first, r);
}

void holders_borrow(struct holders *h, const struct holders *from)
{
    for (size_t i = 0; i < from->sources; i++) {
        const struct source *o = from->source[i];
        struct source *s;

        if (!o->listed || o->out || o->partial)
            continue;
        s = source_of(h, &o->nid, &(struct hash){{0}});
        if (!s || s->listed)
            continue;
        memcpy(s->pub, o->pub, sizeof s->pub);
        s->addr = o->addr;
        str_copy(s->name, sizeof s->name, o->name);
        s->listed = true;
    }
}
