#include "core/direct.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

struct fetcher {
    struct nid who;
    uint64_t place;
    int64_t heard_ms, suspect_ms; /* nobody's parent before suspect_ms */
};

struct content {
    struct hash hash;
    uint64_t last;       /* the highest place there was */
    struct fetcher *all; /* by place, then who */
    size_t count, cap;
};

struct direct {
    struct content *all;
    size_t count, cap;
};

struct direct *direct_new(void)
{
    return mem_zero(1, sizeof(struct direct));
}

void direct_clear(struct direct *d)
{
    for (size_t i = 0; i < d->count; i++)
        mem_free(d->all[i].all);
    mem_free(d->all);
    *d = (struct direct){0};
}

void direct_free(struct direct *d)
{
    if (!d)
        return;
    direct_clear(d);
    mem_free(d);
}

/* ---- the table ---- */

static struct content *find(const struct direct *d, const struct hash *hash)
{
    for (size_t i = 0; i < d->count; i++) {
        if (hash_eq(&d->all[i].hash, hash))
            return &d->all[i];
    }
    return NULL;
}

static void fetcher_remove(struct content *c, size_t at)
{
    memmove(&c->all[at], &c->all[at + 1], (--c->count - at) * sizeof *c->all);
}

/* Silent fetchers, and contents without any. */
static void forget(struct direct *d, int64_t now_ms)
{
    for (size_t i = d->count; i-- > 0;) {
        struct content *c = &d->all[i];

        for (size_t k = c->count; k-- > 0;) {
            if (now_ms - c->all[k].heard_ms >= DIRECT_SILENT_MS)
                fetcher_remove(c, k);
        }
        if (c->count)
            continue;
        mem_free(c->all);
        *c = d->all[--d->count];
    }
}

static struct content *content_of(struct direct *d, const struct hash *hash)
{
    struct content *c = find(d, hash);

    if (c || d->count == DIRECT_CONTENTS)
        return c;
    MEM_GROW(d->all, d->count, d->cap);
    c = &d->all[d->count++];
    *c = (struct content){.hash = *hash};
    return c;
}

static size_t index_of(const struct content *c, const struct nid *who)
{
    size_t i = 0;

    while (i < c->count && !nid_eq(&c->all[i].who, who))
        i++;
    return i;
}

static bool before(uint64_t place, const struct nid *who, const struct fetcher *f)
{
    return place != f->place ? place < f->place : nid_cmp(who, &f->who) < 0;
}

/* Gives its index. What it claims itself counts only where we know nothing: a place never
 * changes. */
static size_t put(struct content *c, const struct direct_in *in)
{
    size_t at = index_of(c, &in->who);
    uint64_t place = in->place;

    if (at < c->count) {
        c->all[at].heard_ms = in->now_ms;
        return at;
    }
    if (!place || place > DIRECT_PLACE_MAX)
        place = c->last + 1;
    if (place > c->last)
        c->last = place;
    for (at = 0; at < c->count && !before(place, &in->who, &c->all[at]); at++)
        ;
    MEM_GROW(c->all, c->count, c->cap);
    memmove(&c->all[at + 1], &c->all[at], (c->count++ - at) * sizeof *c->all);
    c->all[at] =
        (struct fetcher){.who = in->who, .place = place, .heard_ms = in->now_ms, .suspect_ms = 0};
    return at;
}

/* ---- the order ---- */

static bool has_lost(const struct direct_in *in, const struct nid *who)
{
    for (size_t i = 0; i < in->losts; i++) {
        if (nid_eq(&in->lost[i], who))
            return true;
    }
    return false;
}

/* The nearest before `at` in the same of `chains` chains; c->count: none. */
static size_t previous(const struct content *c, size_t at, size_t chains)
{
    uint64_t chain = c->all[at].place % chains;

    while (at-- > 0) {
        if (c->all[at].place % chains == chain)
            return at;
    }
    return c->count;
}

/* Whom the asker has left nobody else is sent to for a while: but only its next before it, lest
 * one fetcher could turn all of them away from each other. */
static void suspect(struct content *c, size_t at, size_t chains, const struct direct_in *in)
{
    size_t last = previous(c, at, chains);

    for (; last < c->count; last = previous(c, last, chains)) {
        if (c->all[last].suspect_ms > in->now_ms)
            continue; /* already: the asker's parent was the one before */
        if (has_lost(in, &c->all[last].who))
            c->all[last].suspect_ms = in->now_ms + DIRECT_SUSPECT_MS;
        return;
    }
}

static void order(const struct content *c, size_t at, const struct direct_in *in,
                  struct direct_out *out)
{
    size_t chains = in->wholes ? in->wholes : 1, mine = (size_t)(c->all[at].place % chains);

    for (size_t i = previous(c, at, chains); i < c->count && out->count < DIRECT_ORDER_MAX - 1;
         i = previous(c, i, chains)) {
        if (!has_lost(in, &c->all[i].who) && c->all[i].suspect_ms <= in->now_ms)
            out->order[out->count++] = c->all[i].who;
    }
    for (size_t i = 0; i < in->wholes && out->count < DIRECT_ORDER_MAX; i++) {
        const struct nid *who = &in->whole[(mine + i) % in->wholes];

        if (!has_lost(in, who) && !nid_eq(who, &in->who))
            out->order[out->count++] = *who;
    }
}

void direct_fetch(struct direct *d, const struct direct_in *in, struct direct_out *out)
{
    struct content *c;
    size_t at, before_count;

    *out = (struct direct_out){0};
    forget(d, in->now_ms);
    c = content_of(d, &in->hash);
    if (!c || (c->count == DIRECT_FETCHERS && index_of(c, &in->who) == c->count))
        return;
    before_count = c->count;
    at = put(c, in);
    out->place = c->all[at].place;
    suspect(c, at, in->wholes ? in->wholes : 1, in);
    if (c->count > in->wholes)
        order(c, at, in, out);
    out->keep = !out->count && in->place && c->count > before_count;
}

void direct_gone(struct direct *d, const struct nid *who)
{
    for (size_t i = 0; i < d->count; i++) {
        size_t at = index_of(&d->all[i], who);

        if (at < d->all[i].count)
            fetcher_remove(&d->all[i], at);
    }
}

size_t direct_count(const struct direct *d, const struct hash *hash)
{
    const struct content *c = find(d, hash);

    return c ? c->count : 0;
}

void direct_check(const struct direct *d)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct content *c = &d->all[i];

        assert(c->count <= DIRECT_FETCHERS);
        for (size_t k = 0; k < c->count; k++) {
            assert(c->all[k].place && c->all[k].place <= c->last);
            assert(index_of(c, &c->all[k].who) == k);
            if (k)
                assert(before(c->all[k - 1].place, &c->all[k - 1].who, &c->all[k]));
        }
    }
}
