#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "svc/lan_priv.h"

#include <fnmatch.h>
#include <string.h>

static bool is_pattern(const char *text)
{
    return text[strcspn(text, "*?[")] != '\0';
}

/* What the settings say of this name. asked: yes in so many words, or by a pattern. */
static bool is_allowed(const char *const *items, size_t count, const struct link_if *i, bool *asked)
{
    bool any_yes = false;

    *asked = false;
    for (size_t n = 0; n < count; n++) {
        const char *item = items[n];
        bool no = *item == '!';

        any_yes |= !no;
        if (no && !fnmatch(item + 1, i->name, 0))
            return false;
        if (!no && (!strcmp(item, i->name) || (!i->loopback && !fnmatch(item, i->name, 0))))
            *asked = true;
    }
    return *asked || !any_yes;
}

bool lan_link_uses(const char *const *items, size_t count, const struct link_if *i, bool *asked)
{
    return is_allowed(items, count, i, asked) &&
           (link_usable(i, 4, *asked) || link_usable(i, 6, *asked));
}

int lan_link_check(const struct lan *l, struct err *e)
{
    struct link_if *list;
    size_t count;
    struct buf names = {0};
    int rc = link_list(&list, &count, e);

    for (size_t i = 0; !rc && i < l->conf.interfaces; i++) {
        bool found = *l->interface[i] == '!' || is_pattern(l->interface[i]);

        for (size_t n = 0; n < count; n++)
            found |= !strcmp(list[n].name, l->interface[i]);
        if (found)
            continue;
        rc = err_set(e, ERR_USAGE, "there is no network interface \"%s\"", l->interface[i]);
        for (size_t n = 0; n < count; n++)
            buf_printf(&names, "%s%s", n ? ", " : "", list[n].name);
        err_hint(e, "there are: %s", buf_cstr(&names));
        buf_free(&names);
    }
    mem_free(list);
    return rc;
}

/* Where others on it reach us; the scope means nothing to them. */
static struct addr address(const struct link_if *i)
{
    const struct addr *found = link_source(i, 4);
    struct addr a;

    if (!found)
        found = link_source(i, 6);
    a = found ? *found : (struct addr){0};
    a.scope = 0;
    return a;
}

/* "eth0 192.0.2.7, wlan0 ..." as far as it fits. */
static void describe(const struct lan *l, char *out, size_t cap)
{
    struct buf b = {0};
    char text[ADDR_TEXT_MAX];

    for (size_t n = 0; n < l->uses; n++) {
        struct addr a = address(&l->use[n]);

        buf_printf(&b, "%s%s %s", n ? ", " : "", l->use[n].name, addr_text(&a, text));
    }
    str_copy(out, cap, buf_cstr(&b));
    buf_free(&b);
}

static bool same_source(const struct link_if *a, const struct link_if *b, uint8_t family)
{
    const struct addr *x = link_source(a, family), *y = link_source(b, family);

    return !x || (y && addr_eq(x, y));
}

/* Is one of these not in the other list, by index and addresses? */
static bool any_new(const struct link_if *now, size_t nows, const struct link_if *old, size_t olds)
{
    for (size_t n = 0; n < nows; n++) {
        bool found = false;

        for (size_t k = 0; k < olds && !found; k++)
            found = old[k].index == now[n].index && same_source(&now[n], &old[k], 4) &&
                    same_source(&now[n], &old[k], 6);
        if (!found)
            return true;
    }
    return false;
}

bool lan_link_scan(struct lan *l)
{
    struct link_if *list, *old = l->use;
    size_t count, olds = l->uses, uses = 0;
    char text[sizeof l->status.interfaces];
    struct err e;
    bool came, went;

    if (link_list(&list, &count, &e)) {
        log_warn("lan", "scan-failed reason=\"%s\"", e.text);
        return false;
    }
    for (size_t n = 0; n < count; n++) {
        bool asked;

        if (lan_link_uses((const char *const *)l->interface, l->conf.interfaces, &list[n], &asked))
            list[uses++] = list[n];
    }
    if (uses > UDP_LINKS_MAX / 2)
        uses = UDP_LINKS_MAX / 2;
    l->use = list;
    l->uses = uses;
    udp_use(l->udp, list, uses);
    came = any_new(list, uses, old, olds);
    went = any_new(old, olds, list, uses);
    mem_free(old);
    describe(l, text, sizeof text);
    if (came || went || (!uses && !l->status.received && !l->status.sent))
        log_info("lan", "interfaces in-use=\"%s\"%s", text, uses ? "" : " waiting");
    uv_mutex_lock(&l->lock);
    str_copy(l->status.interfaces, sizeof l->status.interfaces, text);
    l->status.addr = uses ? address(&list[0]) : (struct addr){0};
    uv_mutex_unlock(&l->lock);
    return came;
}

bool lan_link_admits(const struct lan *l, const struct udp_in *in)
{
    for (size_t n = 0; n < l->uses; n++) {
        const struct link_if *i = &l->use[n];

        /* What another service of this host sends us by unicast comes in on loopback. */
        if (link_has_subnet(i, &in->from) &&
            (in->interface == i->index || link_has_addr(i, &in->from)))
            return true;
    }
    return !in->multicast && lan_seed_has(l, &in->from);
}
