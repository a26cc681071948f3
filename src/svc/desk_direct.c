/* The leader's direction of swarms: a question for holders that says "I fetch it" gets, beside the
 * holders, a place and whom to ask first (core/direct decides). On any thread; the table has a lock
 * of its own, taken under the desk's. */
#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "svc/desk_priv.h"

#include <stdlib.h>
#include <string.h>

/* The value of name= in args, up to the next '&'; NULL: not given. */
static const char *arg(const char *args, const char *name, size_t *len)
{
    size_t n = strlen(name);

    for (const char *at = args; *at; at += strcspn(at, "&"), at += *at == '&') {
        if (strncmp(at, name, n) || at[n] != '=')
            continue;
        *len = strcspn(at + n + 1, "&");
        return at + n + 1;
    }
    return NULL;
}

static bool nid_arg(const char *args, const char *name, struct nid *out)
{
    size_t len;
    const char *at = arg(args, name, &len);

    return at && nid_parse(out, at, len);
}

static size_t lost_arg(const char *args, struct nid lost[DIRECT_LOST_MAX])
{
    size_t len, n = 0;
    const char *at = arg(args, "lost", &len);

    while (at && n < DIRECT_LOST_MAX && len >= NID_HEX_LEN) {
        if (!nid_parse(&lost[n], at, NID_HEX_LEN))
            break;
        n++;
        at += NID_HEX_LEN;
        len -= NID_HEX_LEN;
        if (len) {
            at++;
            len--;
        }
    }
    return n;
}

static int by_nid(const void *a, const void *b)
{
    return nid_cmp(a, b);
}

/* fetch=PLACE&who=NID[&lost=NID,NID...] in args, found: all that hold the content. */
static bool take_args(const char *args, struct direct_in *in, struct nid lost[DIRECT_LOST_MAX])
{
    char text[24];
    size_t len;
    const char *at = arg(args, "fetch", &len);

    if (!at || !len || len >= sizeof text)
        return false;
    memcpy(text, at, len);
    text[len] = '\0';
    in->losts = lost_arg(args, lost);
    in->lost = lost;
    return str_parse_u64(text, 0, UINT64_MAX, &in->place) && nid_arg(args, "who", &in->who);
}

void desk_direct(struct desk *d, json_t *answer, const char *args, const struct hash *hash,
                 const struct catalog_holder *found, size_t count, const struct hash *root,
                 uint64_t size)
{
    struct direct_in in = {.now_ms = loop_now_ms(), .hash = *hash};
    struct nid lost[DIRECT_LOST_MAX], *whole;
    struct direct_out out;
    json_t *order;

    if (size < SWARM_SIZE_MIN || !take_args(args, &in, lost) || !desk_member(d, &in.who))
        return;
    whole = mem_zero(count + 1, sizeof *whole);
    for (size_t n = 0; n < count; n++) {
        if (found[n].kind != ROW_PART && hash_eq(&found[n].root, root) &&
            desk_member(d, &found[n].peer))
            whole[in.wholes++] = found[n].peer;
    }
    qsort(whole, in.wholes, sizeof *whole, by_nid);
    for (size_t n = 1; n < in.wholes; n++) { /* one that has it under several names */
        if (!nid_eq(&whole[n], &whole[n - 1]))
            continue;
        memmove(&whole[n], &whole[n + 1], (--in.wholes - n) * sizeof *whole);
        n--;
    }
    in.whole = whole;
    uv_mutex_lock(&d->direct_lock);
    direct_fetch(d->direct, &in, &out);
    uv_mutex_unlock(&d->direct_lock);
    mem_free(whole);
    json_object_set_new(answer, "place", json_integer((json_int_t)out.place));
    if (out.keep)
        return;
    order = json_array();
    for (unsigned n = 0; n < out.count; n++) {
        if (desk_member(d, &out.order[n]))
            json_array_append_new(order, desk_holder_json(d, &out.order[n]));
    }
    json_object_set_new(answer, "order", order);
}

void desk_direct_gone(struct desk *d, const struct nid *who)
{
    uv_mutex_lock(&d->direct_lock);
    if (who)
        direct_gone(d->direct, who);
    else
        direct_clear(d->direct);
    uv_mutex_unlock(&d->direct_lock);
}
