#include "base/mem.h"
#include "base/str.h"
#include "core/path.h"
#include "core/types.h"
#include "io/clock.h"
#include "svc/desk_priv.h"
#include "svc/json_text.h"
#include "svc/query.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

#define FOUND_MAX   (4 * HOLDERS_MAX) /* entries of one hash that are looked at */
#define PREFIX_MIN  6                 /* digits of a hash's beginning */
#define PEER_DIGITS 6                 /* digits of an id's beginning, where a name is expected */

/* ---- JSON ---- */

static json_t *text_or_null(const char *text)
{
    return *text ? json_text(text) : json_null();
}

static json_t *hash_json(const struct hash *h)
{
    char hex[HASH_HEX_LEN + 1];

    hash_hex(h, hex);
    return json_string(hex);
}

static json_t *refuse(unsigned *status, unsigned code, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    *status = code;
    return json_pack("{s:o}", "error", json_text(text));
}

/* ---- members, under the shared lock ---- */

const struct member *desk_member(const struct desk *d, const struct nid *nid)
{
    struct member *m;

    HASH_FIND(hh, d->members, nid, sizeof *nid, m);
    return m;
}

/* Its name, or the beginning of its id while its name is not known. */
static json_t *name_json(const struct desk *d, const struct nid *nid)
{
    const struct member *m = desk_member(d, nid);
    char hex[NID_HEX_LEN + 1];

    if (m && *m->name)
        return json_string(m->name);
    nid_hex(nid, hex);
    return json_stringn(hex, 8);
}

static json_t *addr_json(const struct member *m)
{
    char text[ADDR_TEXT_MAX];

    return m->self ? json_null() : json_string(addr_text(&m->peer.addr, text));
}

/* A content's name: the last component of its path; the shared folder itself bears its holder's. */
static json_t *leaf_json(const struct desk *d, const char *path, size_t len,
                         const struct nid *holder)
{
    const char *slash = len ? memrchr(path, '/', len) : NULL;

    if (!len)
        return name_json(d, holder);
    return slash ? json_text_n(slash + 1, len - (size_t)(slash + 1 - path))
                 : json_text_n(path, len);
}

/* ---- /v1/search ---- */

/* Who is meant by a name, in whatever case, or by an id's first digits. */
static unsigned find_peer(const struct desk *d, const char *name, struct nid *nid)
{
    unsigned found = 0;
    size_t len = strlen(name);

    for (const struct member *m = d->members; m; m = m->hh.next) {
        char hex[NID_HEX_LEN + 1];

        nid_hex(&m->nid, hex);
        if (strcasecmp(m->name, name) != 0 &&
            (len < PEER_DIGITS || strncasecmp(hex, name, len) != 0))
            continue;
        *nid = m->nid;
        found++;
    }
    return found;
}

static json_t *row_json(const struct desk *d, const struct search_row *r)
{
    const char *type = r->kind == ROW_DIR ? "dir" : types_of(r->path, r->path_len);
    json_t *holders = json_array();
    size_t named = r->holders < HOLDERS_MAX ? r->holders : HOLDERS_MAX;

    for (size_t n = 0; n < named; n++)
        json_array_append_new(holders, name_json(d, &r->holder[n]));
    return json_pack("{s:o, s:o, s:o, s:o, s:I, s:s, s:I, s:o, s:I, s:I, s:f}", "hash",
                     hash_json(&r->hash), "root", hash_json(&r->root), "path",
                     json_text_n(r->path, r->path_len), "name",
                     leaf_json(d, r->path, r->path_len, &r->holder[0]), "size", (json_int_t)r->size,
                     "type", type ? type : "file", "modified", (json_int_t)r->mtime_s, "holders",
                     holders, "holders_count", (json_int_t)r->holders, "other_names",
                     (json_int_t)r->other_names, "score", r->score);
}

static json_t *search(struct desk *d, const char *rest, const char *args, unsigned *status)
{
    struct search_result found;
    struct search_query sq;
    struct query q;
    struct nid peer;
    struct err e;
    json_t *rows, *answer;
    char shown[2 * PEER_NAME_MAX];

    if (*rest)
        return refuse(status, 404, "there is no such question");
    if (query_parse(&q, args, &e))
        return refuse(status, 400, "%s", e.text);
    query_search(&q, clock_wall_ms() / 1000, &sq);
    if (*q.peer) {
        unsigned n = find_peer(d, q.peer, &peer);

        show_to(shown, sizeof shown, q.peer, strlen(q.peer));
        if (!n)
            return refuse(status, 404, "no peer is called \"%s\"", shown);
        if (n > 1)
            return refuse(status, 409, "more than one peer is called \"%s\": use its id", shown);
        sq.peer = &peer;
    }
    search_run(d->catalog, &sq, &found);
    rows = json_array();
    for (size_t n = 0; n < found.rows; n++)
        json_array_append_new(rows, row_json(d, &found.row[n]));
    answer = json_pack("{s:o, s:I, s:o, s:o}", "rows", rows, "about", (json_int_t)found.about,
                       "corrected", text_or_null(found.corrected), "nearest",
                       text_or_null(found.nearest));
    search_done(&found);
    return answer;
}

/* ---- /v1/holders/HASH ---- */

/* Holders that agree about the list of checkpoints. */
struct group {
    struct hash root;
    uint64_t size;
    size_t whole, parts;
    json_t *holders;
};

static struct group *group_of(struct group *g, size_t *groups, const struct catalog_holder *h)
{
    for (size_t n = 0; n < *groups; n++)
        if (hash_eq(&g[n].root, &h->root) && g[n].size == h->size)
            return &g[n];
    g[*groups] = (struct group){.root = h->root, .size = h->size, .holders = json_array()};
    return &g[(*groups)++];
}

static int larger_first(const void *a, const void *b)
{
    const struct group *x = a, *y = b;

    if (x->whole != y->whole)
        return x->whole < y->whole ? 1 : -1;
    if (x->parts != y->parts)
        return x->parts < y->parts ? 1 : -1;
    return hash_cmp(&x->root, &y->root);
}

json_t *desk_holder_json(const struct desk *d, const struct nid *nid)
{
    const struct member *m = desk_member(d, nid);
    char hex[NID_HEX_LEN + 1], pub[2 * 32 + 1];

    nid_hex(nid, hex);
    str_hex(pub, m->peer.pub, sizeof m->peer.pub);
    return json_pack("{s:s, s:o, s:s, s:o}", "peer", hex, "name", name_json(d, nid), "pub", pub,
                     "addr", addr_json(m));
}

static void group_add(const struct desk *d, struct group *g, const struct catalog_holder *h)
{
    json_t *holder;

    if (!desk_member(d, &h->peer) || json_array_size(g->holders) >= HOLDERS_MAX)
        return;
    *(h->kind == ROW_PART ? &g->parts : &g->whole) += 1;
    holder = desk_holder_json(d, &h->peer);
    json_object_set_new(holder, "partial", json_boolean(h->kind == ROW_PART));
    json_array_append_new(g->holders, holder);
}

static json_t *contents_json(struct group *g, size_t groups)
{
    json_t *contents = json_array();

    for (size_t n = 0; n < groups; n++)
        json_array_append_new(contents,
                              json_pack("{s:o, s:I, s:o}", "root", hash_json(&g[n].root), "size",
                                        (json_int_t)g[n].size, "holders", g[n].holders));
    return contents;
}

static json_t *holders(struct desk *d, const char *rest, const char *args, unsigned *status)
{
    struct catalog_holder *found;
    const struct catalog_holder *best = NULL;
    struct group *g;
    struct hash hash;
    size_t n, count, groups = 0;
    char kind[2] = "f";
    json_t *name, *answer;

    if (!hash_parse(&hash, rest, strlen(rest)))
        return refuse(status, 400, "not a hash of 64 digits");
    found = mem_zero(FOUND_MAX, sizeof *found);
    g = mem_zero(FOUND_MAX, sizeof *g);
    count = catalog_holders(d->catalog, &hash, found, FOUND_MAX);
    if (count > FOUND_MAX)
        count = FOUND_MAX;
    for (n = 0; n < count; n++) /* the whole ones first, lest parts take their places */
        if (found[n].kind != ROW_PART)
            group_add(d, group_of(g, &groups, &found[n]), &found[n]);
    for (n = 0; n < count; n++)
        if (found[n].kind == ROW_PART)
            group_add(d, group_of(g, &groups, &found[n]), &found[n]);
    qsort(g, groups, sizeof *g, larger_first);
    for (n = 0; n < count && !best; n++)
        if (found[n].kind != ROW_PART && hash_eq(&found[n].root, &g[0].root))
            best = &found[n];
    if (best)
        kind[0] = (char)best->kind;
    if (!count) {
        answer = refuse(status, 404, "nobody has this hash");
    } else {
        name = best ? leaf_json(d, best->path, best->path_len, &best->peer) : hash_json(&hash);
        answer = json_pack("{s:o, s:s, s:I, s:o, s:o, s:o}", "hash", hash_json(&hash), "kind", kind,
                           "size", (json_int_t)g[0].size, "modified",
                           best ? json_integer(best->mtime_s) : json_null(), "name", name,
                           "contents", contents_json(g, groups));
        if (kind[0] != 'd' && d->role == DESK_LEAD)
            desk_direct(d, answer, args, &hash, found, count, &g[0].root, g[0].size);
    }
    catalog_holders_done(found, count);
    mem_free(found);
    mem_free(g);
    return answer;
}

/* ---- /v1/resolve/PREFIX ---- */

static json_t *resolve(struct desk *d, const char *rest, const char *args, unsigned *status)
{
    size_t len = strlen(rest);
    struct hash hash;

    (void)args;
    if (len < PREFIX_MIN || len > HASH_HEX_LEN || !str_is_hex(rest, len))
        return refuse(status, 400, "not %d to %d digits of a hash", PREFIX_MIN, HASH_HEX_LEN);
    switch (catalog_resolve(d->catalog, rest, len, &hash)) {
    case 1:
        return json_pack("{s:o}", "hash", hash_json(&hash));
    case 0:
        return refuse(status, 404, "no hash begins with %s", rest);
    default:
        return refuse(status, 409, "more than one hash begins with %s", rest);
    }
}

/* ---- /v1/peers ---- */

/* As the election knows it; NULL: it does not (any more). */
static const struct elect_peer *known_of(const struct member *m, const struct elect_peer *heard,
                                         size_t count)
{
    for (size_t n = 0; n < count; n++)
        if (nid_eq(&heard[n].nid, &m->nid))
            return &heard[n];
    return NULL;
}

static json_t *peer_json(const struct desk *d, const struct member *m, const struct elect_peer *p,
                         int64_t now)
{
    int64_t ago = m->self ? 0 : now - (p ? p->heard_ms : m->peer.heard_ms);
    int64_t since = p && p->member_since_ms >= 0 ? p->member_since_ms : m->since_ms;
    char nid[NID_HEX_LEN + 1];
    uint64_t unlisted;
    unsigned why;

    nid_hex(&m->nid, nid);
    why = desk_cut(d, m, &unlisted);
    return json_pack("{s:s, s:o, s:o, s:b, s:I, s:I, s:o, s:I, s:I, s:I, s:o, s:i, s:b}", "peer",
                     nid, "name", name_json(d, &m->nid), "addr", addr_json(m), "leader", m->self,
                     "files", (json_int_t)m->files, "unlisted", (json_int_t)unlisted, "cut",
                     why ? json_string(catalog_cut_text(why)) : json_null(), "bytes",
                     (json_int_t)m->bytes, "heard_ms", (json_int_t)(ago > 0 ? ago : 0), "since_ms",
                     (json_int_t)(now - since), "loss_permille",
                     p && p->loss_permille >= 0 ? json_integer(p->loss_permille) : json_null(),
                     "standby", p ? (int)p->standby : 0, "warm", p && p->warm);
}

static json_t *peers(struct desk *d, const char *rest, const char *args, unsigned *status)
{
    struct elect_peer *heard = mem_zero(PEERS_MAX, sizeof *heard);
    size_t count = d->heard ? d->heard(d->heard_ctx, heard, PEERS_MAX) : 0;
    int64_t now = loop_now_ms();
    json_t *list = json_array();

    (void)args;
    if (count > PEERS_MAX)
        count = PEERS_MAX;
    for (const struct member *m = d->members; m; m = m->hh.next)
        json_array_append_new(list, peer_json(d, m, known_of(m, heard, count), now));
    mem_free(heard);
    if (*rest) {
        json_decref(list);
        return refuse(status, 404, "there is no such question");
    }
    return json_pack("{s:o}", "peers", list);
}

/* ---- /v1/standbys ---- */

/* Whom to ask when we do not answer. */
static json_t *standbys(struct desk *d, const char *rest, const char *args, unsigned *status)
{
    json_t *list = json_array();

    (void)args;
    for (unsigned i = 0; i < ELECT_STANDBYS; i++) {
        for (const struct member *m = d->members; m; m = m->hh.next) {
            char nid[NID_HEX_LEN + 1], pub[2 * 32 + 1];

            if (m->self || memcmp(m->nid.b, d->standby[i], sizeof d->standby[i]))
                continue;
            nid_hex(&m->nid, nid);
            str_hex(pub, m->peer.pub, sizeof m->peer.pub);
            json_array_append_new(
                list, json_pack("{s:s, s:s, s:o}", "peer", nid, "pub", pub, "addr", addr_json(m)));
        }
    }
    if (*rest) {
        json_decref(list);
        return refuse(status, 404, "there is no such question");
    }
    return json_pack("{s:o}", "standbys", list);
}

/* ---- */

static const struct question {
    const char *path; /* what follows is the handler's */
    bool standby;     /* who stands by may answer it */
    json_t *(*answer)(struct desk *d, const char *rest, const char *args, unsigned *status);
} QUESTIONS[] = {
    {"/v1/search", true, search},      {"/v1/holders/", true, holders},
    {"/v1/resolve/", true, resolve},   {"/v1/known", true, desk_known},
    {"/v1/peers", false, peers},       {"/v1/version", false, desk_version},
    {"/v1/standbys", false, standbys},
};

static bool may_answer(const struct desk *d, const struct question *q)
{
    return d->role == DESK_LEAD || (d->role == DESK_STANDBY && d->usable && q && q->standby);
}

/* Since when has a stand-by not heard of its leader? A heartbeat comes every 80 ms. */
static int64_t silent_ms(const struct desk *d, int64_t now)
{
    struct elect_peer *heard;
    int64_t ago = 0;
    size_t count;

    if (d->role != DESK_STANDBY || !d->heard)
        return 0;
    heard = mem_zero(PEERS_MAX, sizeof *heard);
    count = d->heard(d->heard_ctx, heard, PEERS_MAX);
    for (size_t n = 0; n < count && n < PEERS_MAX; n++)
        if (nid_eq(&heard[n].nid, &d->leader.nid))
            ago = now - heard[n].heard_ms;
    mem_free(heard);
    return ago;
}

/* Whose word it is, and how old it may be. */
static void tell_age(const struct desk *d, json_t *answer)
{
    int64_t now = loop_now_ms(), lag = silent_ms(d, now);

    for (const struct member *m = d->members; m; m = m->hh.next)
        if (m->behind_ms && now - m->behind_ms > lag)
            lag = now - m->behind_ms;
    json_object_set_new(answer, "term", json_integer((json_int_t)d->term));
    json_object_set_new(answer, "version", json_integer((json_int_t)d->version));
    json_object_set_new(answer, "lag_ms", json_integer((json_int_t)(lag > 0 ? lag : 0)));
}

json_t *desk_answer(struct desk *d, const char *path_and_query, unsigned *status)
{
    size_t len = strcspn(path_and_query, "?");
    const char *args = path_and_query + len + (path_and_query[len] == '?');
    char *path = mem_strn(path_and_query, len);
    const struct question *q = NULL;
    json_t *answer;

    for (size_t n = 0; n < sizeof QUESTIONS / sizeof *QUESTIONS && !q; n++)
        if (!strncmp(path, QUESTIONS[n].path, strlen(QUESTIONS[n].path)))
            q = &QUESTIONS[n];
    *status = 200;
    uv_rwlock_rdlock(&d->lock);
    if (!may_answer(d, q))
        answer = refuse(status, 503, "this peer does not lead");
    else if (!q)
        answer = refuse(status, 404, "there is no such question");
    else
        answer = q->answer(d, path + strlen(q->path), args, status);
    if (*status == 200)
        tell_age(d, answer);
    uv_rwlock_rdunlock(&d->lock);
    mem_free(path);
    return answer;
}
