/* Part of elect_lan.c: what the hosts share, and the copies of it that a leader and those who stand
 * by have, as svc/desk has them: by the real core/catalog, core/rows, core/digest and core/roster.
 * Each host has a few paths; an answer takes a moment of virtual time and fails where the network
 * is cut. Rows of who is gone are hidden, and kept for ten minutes. Only where lan.shares is set.
 */
#include "core/catalog.h"
#include "core/roster.h"

#define SHARERS_MAX 16
#define PATHS       8
#define ANSWER_ROWS 3 /* few, so that an answer has a next one */
#define KEPT_US     (600 * SECOND)
#define DOUBT_US    (5 * SECOND)
#define POLL_US     (40 * MS) /* how often one who stands by looks at the roster */
#define RETRY_US    (200 * MS)

unsigned shares_off;

struct thing {       /* one path of a shared folder */
    uint64_t number; /* of its last change; 0: it never was there */
    uint64_t content;
    bool gone;
};

struct owner { /* on its disk, so it outlives a restart */
    uint64_t generation, number;
    struct thing path[PATHS];
    bool killed; /* and not stopped: a new generation at the next start */
};

enum having { NO_MEMBER, MEMBER, KEPT };

struct copy { /* of one owner's rows, at one host */
    enum having having;
    uint64_t want_generation, want_number; /* as announced */
    uint64_t generation, number;
    bool known;
    int64_t until_us; /* MEMBER: gone by then unless it joins, 0: no; KEPT: forgotten by then */
    uint64_t call;    /* under way; 0: none */
    enum { MATCH_NONE, MATCH_BUCKETS, MATCH_ALL } match;
    struct digest_mask differ;
    uint64_t match_generation, match_number, match_at;
    unsigned stale; /* our paths in those buckets that did not come: a bit each */
};

static struct house {
    struct owner own;
    struct catalog *catalog; /* NULL: down */
    enum { IDLE, STANDING_BY, LEADING } role;
    int leader;
    bool in_step, warm, warm_told;
    uint64_t version, seen; /* of its roster when it leads; of the leader's when it stands by */
    uint64_t call;          /* the next look at the roster */
    uint64_t rows_in;       /* from others */
    struct copy of[SHARERS_MAX];
} houses[SHARERS_MAX];

static uint64_t shares_calls;
static struct buf shares_said; /* an answer; outlives a failure's longjmp */

/* ---- what there is ---- */

static struct row row_of(int owner, int at, char name[16])
{
    const struct thing *t = &houses[owner].own.path[at];
    struct row r = {.kind = t->gone ? ROW_GONE : ROW_FILE, .number = t->number, .path = name};

    r.path_len = (size_t)snprintf(name, 16, "song %d", at);
    if (t->gone)
        return r;
    r.size = 1000 + t->content;
    r.root = rows_no_checkpoints;
    memcpy(r.hash.b, &t->content, sizeof t->content);
    r.hash.b[31] = 1;
    return r;
}

static struct digest digest_of_owner(int owner, struct digest bucket[DIGEST_BUCKETS])
{
    struct digest all = {0};

    if (bucket)
        memset(bucket, 0, DIGEST_BUCKETS * sizeof *bucket);
    for (int at = 0; at < PATHS; at++) {
        char name[16];
        struct row r = row_of(owner, at, name);
        struct digest d;

        if (!r.number || r.kind == ROW_GONE)
            continue;
        d = digest_of(&r);
        digest_add(&all, &d);
        if (bucket)
            digest_add(&bucket[digest_bucket(r.path, r.path_len)], &d);
    }
    return all;
}

/* A path is new, another or gone. Every third content is one that others have too. */
static void change(int i)
{
    struct owner *o = &houses[i].own;
    struct thing *t = &o->path[between(0, PATHS)];

    t->gone = t->number && !t->gone && chance(250);
    t->number = ++o->number;
    t->content = t->number % 3 ? (uint64_t)(i + 1) << 32 | o->number : (uint64_t)between(1, 9);
}

static void shares_catalog(int i, uint64_t number)
{
    while (houses[i].own.number < number)
        change(i);
    lan.host[i].conf.generation = houses[i].own.generation;
    lan.host[i].conf.number = houses[i].own.number;
    houses[i].version++; /* if it leads: of its roster */
}

/* ---- asking ---- */

static bool talks(int a, int b)
{
    return awake(a) && awake(b) && reaches(a, b) && reaches(b, a);
}

static bool is_behind(const struct copy *c)
{
    return !c->known || c->generation != c->want_generation || c->number < c->want_number;
}

static void ask(int i, int whom, int64_t in_us)
{
    struct copy *c = &houses[i].of[whom];

    if (c->having != MEMBER || c->call || !is_behind(c))
        return;
    c->call = ++shares_calls;
    push((struct event){.at_us = lan.now_us + in_us + 2 * delay_us(),
                        .kind = ANSWER,
                        .to = i,
                        .from = whom,
                        .timer_no = c->call});
}

static void put_member(int i, int whom, uint64_t generation, uint64_t number)
{
    struct house *h = &houses[i];
    struct copy *c = &h->of[whom];

    if (c->having == KEPT)
        catalog_hide(h->catalog, &lan.host[whom].nid, false);
    c->having = MEMBER;
    c->until_us = 0;
    c->want_generation = generation;
    c->want_number = number;
    h->version++;
    ask(i, whom, 0);
}

static void remove_member(int i, int whom)
{
    struct house *h = &houses[i];
    struct copy *c = &h->of[whom];

    if (c->having != MEMBER || i == whom)
        return;
    if (!(shares_off & SHARES_HIDE))
        catalog_hide(h->catalog, &lan.host[whom].nid, true);
    c->having = KEPT;
    c->until_us = lan.now_us + KEPT_US;
    c->call = 0;
    h->version++;
}

static void sweep(int i)
{
    for (int k = 0; k < lan.hosts; k++) {
        struct copy *c = &houses[i].of[k];

        if (!c->until_us || c->until_us > lan.now_us)
            continue;
        if (c->having == MEMBER) {
            remove_member(i, k);
        } else {
            catalog_drop(houses[i].catalog, &lan.host[k].nid);
            *c = (struct copy){0};
        }
    }
}

/* ---- answering ---- */

/* What svc/store says to one who has c, in bytes. */
static void tell_rows(int owner, const struct copy *c, const struct digest *have, size_t rows,
                      struct buf *out)
{
    const struct owner *o = &houses[owner].own;
    struct digest bucket[DIGEST_BUCKETS];
    struct rows_head h = {.generation = o->generation, .number = o->number, .name = ""};
    bool in_buckets = c->match == MATCH_BUCKETS && c->match_generation == o->generation;
    uint64_t since = in_buckets ? c->match_at : c->number, last = 0;
    unsigned n = 0;

    h.has_digest = true;
    h.digest = digest_of_owner(owner, bucket);
    if (!in_buckets &&
        (c->match == MATCH_ALL || c->generation != o->generation || since > o->number)) {
        h.same = rows && c->match == MATCH_NONE && digest_eq(have, &h.digest);
        h.differ = rows && c->match == MATCH_NONE && !h.same;
        h.reset = !h.same && !h.differ;
        since = 0;
    }
    /* Rows go out in the order of their numbers. */
    for (;;) {
        int next = -1;

        for (int at = 0; at < PATHS && !h.same && !h.differ; at++) {
            const struct thing *t = &o->path[at];
            char name[16];
            struct row r = row_of(owner, at, name);

            if (t->number > (last > since ? last : since) && !(h.reset && t->gone) &&
                (!in_buckets || digest_in(&c->differ, digest_bucket(r.path, r.path_len))) &&
                (next < 0 || t->number < o->path[next].number))
                next = at;
        }
        h.more = next >= 0 && n == ANSWER_ROWS && !h.reset;
        if (next < 0 || h.more)
            break;
        last = o->path[next].number;
        n++;
    }
    rows_put_head(out, &h);
    if (h.differ)
        rows_put_buckets(out, bucket);
    for (uint64_t number = since + 1; n && number <= last; number++)
        for (int at = 0; at < PATHS; at++) {
            char name[16];
            struct row r = row_of(owner, at, name);

            if (r.number == number && !(h.reset && r.kind == ROW_GONE) &&
                (!in_buckets || digest_in(&c->differ, digest_bucket(r.path, r.path_len))))
                rows_put(out, &r);
        }
}

struct compared {
    struct copy *copy;
    struct digest ours[DIGEST_BUCKETS];
};

static void sum_up(void *ctx, const struct row *row)
{
    struct compared *x = ctx;
    struct digest d = digest_of(row);

    digest_add(&x->ours[digest_bucket(row->path, row->path_len)], &d);
}

static void note_stale(void *ctx, const struct row *row)
{
    struct copy *c = ((struct compared *)ctx)->copy;

    if (digest_in(&c->differ, digest_bucket(row->path, row->path_len)))
        c->stale |= 1u << (row->path[row->path_len - 1] - '0');
}

static void take_buckets(int i, int whom, const struct rows_head *h, struct rd *r)
{
    static struct digest theirs[DIGEST_BUCKETS];
    static struct compared x;
    struct copy *c = &houses[i].of[whom];

    memset(&x, 0, sizeof x);
    x.copy = c;
    if (!rows_get_buckets(r, theirs))
        lan_fail("%s can't read the buckets of %s", name(i), name(whom));
    catalog_each(houses[i].catalog, &lan.host[whom].nid, sum_up, &x);
    digest_differ(&c->differ, x.ours, theirs);
    c->stale = 0;
    catalog_each(houses[i].catalog, &lan.host[whom].nid, note_stale, &x);
    c->match = MATCH_BUCKETS;
    c->match_generation = h->generation;
    c->match_number = h->number;
    c->match_at = 0;
}

/* The rows of an answer, into the catalog. Gives the number of the last. */
static uint64_t take_rows(int i, int whom, const struct rows_head *h, struct rd *r)
{
    struct house *at = &houses[i];
    struct copy *c = &at->of[whom];
    uint64_t last = 0;

    if (h->reset)
        catalog_drop(at->catalog, &lan.host[whom].nid);
    while (rd_left(r)) {
        struct row row;

        if (!rows_get(r, &row) || row.number < last || row.number > h->number)
            lan_fail("%s can't read a row of %s", name(i), name(whom));
        if (!catalog_put(at->catalog, &lan.host[whom].nid, &row))
            lan_fail("a row is refused");
        c->stale &= ~(1u << (row.path[row.path_len - 1] - '0'));
        last = row.number;
        at->rows_in++;
    }
    return last;
}

static void drop_stale(int i, int whom)
{
    struct copy *c = &houses[i].of[whom];

    for (int at = 0; at < PATHS; at++) {
        char path[16];
        struct row gone = {.kind = ROW_GONE, .path = path};

        gone.path_len = (size_t)snprintf(path, sizeof path, "song %d", at);
        if (c->stale >> at & 1)
            catalog_put(houses[i].catalog, &lan.host[whom].nid, &gone);
    }
    c->match = MATCH_NONE;
}

static void take_end(int i, int whom, const struct rows_head *h, uint64_t last)
{
    struct copy *c = &houses[i].of[whom];
    struct digest ours;

    if (h->differ)
        return;
    if (c->match == MATCH_BUCKETS && !h->reset) {
        c->match_at = last;
        if (h->more)
            return;
        drop_stale(i, whom);
        c->generation = c->match_generation;
        c->number = c->match_number;
        c->known = false; /* what changed since then is still to come */
        return;
    }
    c->match = MATCH_NONE;
    c->generation = h->generation;
    c->number = h->more ? last : h->number;
    c->known = !h->more;
    ours = catalog_digest(houses[i].catalog, &lan.host[whom].nid);
    if (c->known && !digest_eq(&ours, &h->digest))
        lan_fail("%s has another copy of %s than is there", name(i), name(whom));
}

/* The answer of whom is here, or the connection failed. */
static void shares_answer(int i, int whom, uint64_t call)
{
    struct copy *c = &houses[i].of[whom];
    struct digest have;
    struct rows_head h;
    struct rd r;

    if (!houses[i].catalog || c->call != call)
        return;
    c->call = 0;
    if (!talks(i, whom)) {
        ask(i, whom, RETRY_US);
        return;
    }
    have = catalog_digest(houses[i].catalog, &lan.host[whom].nid);
    buf_reset(&shares_said);
    tell_rows(whom, c, &have, catalog_rows(houses[i].catalog, &lan.host[whom].nid), &shares_said);
    r = rd_over(shares_said.data, shares_said.len);
    if (!rows_get_head(&r, &h))
        lan_fail("%s can't read what %s answers", name(i), name(whom));
    if (h.differ)
        take_buckets(i, whom, &h, &r);
    take_end(i, whom, &h, h.differ ? 0 : take_rows(i, whom, &h, &r));
    catalog_settle(houses[i].catalog);
    ask(i, whom, c->known ? RETRY_US : 0);
}

/* ---- standing by ---- */

static void watch(int i, int64_t in_us)
{
    houses[i].call = ++shares_calls;
    push((struct event){
        .at_us = lan.now_us + in_us, .kind = ROSTER, .to = i, .timer_no = houses[i].call});
}

static void put_roster(int leader, struct buf *out)
{
    const struct house *h = &houses[leader];

    roster_put_head(out, &(struct roster_head){.epoch = 1, .version = h->version, .reset = true});
    for (int k = 0; k < lan.hosts; k++) {
        struct roster_entry e = {.nid = lan.host[k].nid, .leader = k == leader};

        if (h->of[k].having != MEMBER)
            continue;
        e.inc = lan.host[k].conf.inc;
        memcpy(e.pub, lan.host[k].conf.key.pub, sizeof e.pub);
        e.generation = k == leader ? h->own.generation : h->of[k].want_generation;
        e.number = k == leader ? h->own.number : h->of[k].want_number;
        roster_put(out, &e);
    }
}

static void take_roster(int i, const struct buf *bytes)
{
    struct house *h = &houses[i];
    struct rd r = rd_over(bytes->data, bytes->len);
    struct roster_head head;
    bool there[SHARERS_MAX] = {false};

    if (!roster_get_head(&r, &head))
        lan_fail("%s can't read the roster", name(i));
    while (rd_left(&r)) {
        struct roster_entry e;
        int k = roster_get(&r, &e) ? index_of(&e.nid) : -1;

        if (k < 0)
            lan_fail("%s can't read who is in the roster", name(i));
        there[k] = true;
        if (k != i)
            put_member(i, k, e.generation, e.number);
    }
    for (int k = 0; k < lan.hosts; k++)
        if (!there[k])
            remove_member(i, k);
    h->seen = head.version;
    h->in_step = true;
}

/* Its turn to look at the leader's roster, and to tell the election whether all is here. */
static void shares_roster(int i, uint64_t call)
{
    struct house *h = &houses[i];
    int l = h->leader;
    bool warm;

    if (!h->catalog || h->role != STANDING_BY || h->call != call)
        return;
    watch(i, POLL_US);
    if (!awake(i))
        return;
    if (l >= 0 && talks(i, l) && houses[l].role == LEADING &&
        (!h->in_step || h->seen != houses[l].version)) {
        buf_reset(&shares_said);
        put_roster(l, &shares_said);
        take_roster(i, &shares_said);
    }
    warm = h->in_step;
    for (int k = 0; k < lan.hosts; k++)
        warm = warm && (k == i || h->of[k].having != MEMBER || !is_behind(&h->of[k]));
    h->warm = warm;
    if (warm == h->warm_told)
        return;
    h->warm_told = warm;
    lan_event(i, &(struct elect_in){.kind = ELECT_WARM, .warm = warm});
}

/* ---- leading or not, by the news ---- */

static void stop(int i)
{
    struct house *h = &houses[i];

    if (h->role == IDLE)
        return;
    h->role = IDLE;
    h->in_step = h->warm = h->warm_told = false;
    for (int k = 0; k < lan.hosts; k++)
        remove_member(i, k);
    h->of[i].having = NO_MEMBER;
}

static void become(int i, bool leading)
{
    struct house *h = &houses[i];

    h->role = leading ? LEADING : STANDING_BY;
    h->of[i].having = MEMBER;
    h->version++;
    if (leading)
        return;
    h->in_step = h->warm = h->warm_told = false;
    watch(i, 5 * MS);
}

static void begin(int i)
{
    struct house *h = &houses[i];

    if (h->role == LEADING)
        return;
    if (h->role == STANDING_BY) {
        if (h->leader >= 0)
            remove_member(i, h->leader);
        if (shares_off & SHARES_COPY)
            for (int k = 0; k < lan.hosts; k++) {
                catalog_drop(h->catalog, &lan.host[k].nid);
                h->of[k] = (struct copy){0};
            }
        for (int k = 0; k < lan.hosts; k++)
            if (h->of[k].having == MEMBER && k != i)
                h->of[k].until_us = lan.now_us + DOUBT_US;
    }
    become(i, true);
}

static void shares_news(int i, const struct elect_news *n, int whom)
{
    struct house *h = &houses[i];

    if (!h->catalog)
        return;
    sweep(i);
    switch (n->kind) {
    case ELECT_LEADER:
        if (n->self) {
            begin(i);
        } else if (whom != h->leader || h->role != STANDING_BY) {
            stop(i);
        } else { /* it has to be told again that we are warm */
            become(i, false);
        }
        h->leader = whom;
        break;
    case ELECT_NO_LEADER:
        if (h->role == LEADING)
            stop(i);
        break;
    case ELECT_PEER_UP:
    case ELECT_PEER_CHANGED:
        if (h->role == LEADING && whom != i)
            put_member(i, whom, n->peer.generation, n->peer.number);
        break;
    case ELECT_PEER_DOWN:
        if (h->role == LEADING)
            remove_member(i, whom);
        break;
    case ELECT_STANDBY:
        if (h->role == LEADING)
            break;
        if (!n->place)
            stop(i);
        else if (h->role == IDLE)
            become(i, false);
        break;
    }
}

/* ---- hosts come and go ---- */

static void shares_up(int i)
{
    struct house *h = &houses[i];

    if (h->own.killed)
        h->own.generation = rng_next(&lan.rng);
    h->own.killed = false;
    h->catalog = catalog_new(rng_next(&lan.rng));
    h->leader = -1;
    shares_catalog(i, 0);
}

static void shares_down(int i, bool killed)
{
    struct house *h = &houses[i];
    struct owner own = h->own;

    catalog_free(h->catalog);
    memset(h, 0, sizeof *h);
    h->own = own;
    h->own.killed = killed;
}

void lan_shares(void)
{
    lan.shares = lan.hosts <= SHARERS_MAX;
    for (int i = 0; lan.shares && i < lan.hosts; i++) {
        memset(&houses[i], 0, sizeof houses[i]);
        houses[i].own.generation = rng_next(&lan.rng);
        shares_catalog(i, (uint64_t)between(1, 3 * PATHS));
    }
}

static void shares_close(void)
{
    for (int i = 0; i < lan.hosts && i < SHARERS_MAX; i++) {
        catalog_free(houses[i].catalog);
        houses[i].catalog = NULL;
    }
    buf_free(&shares_said);
}
