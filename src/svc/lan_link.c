#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "svc/lan_priv.h"

#include <string.h>

static bool is_named(const struct lan *l, const char *name)
{
    for (size_t n = 0; n < l->conf.interfaces; n++)
        if (!strcmp(l->interface[n], name))
            return true;
    return false;
}

int lan_link_check(const struct lan *l, struct err *e)
{
    struct link_if *list;
    size_t count;
    struct buf names = {0};
    int rc = link_list(&list, &count, e);

    for (size_t i = 0; !rc && i < l->conf.interfaces; i++) {
        bool found = false;

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

/* "eth0 192.0.2.7, wlan0 ..." as far as it fits. */
static void describe(const struct lan *l, char *out, size_t cap)
{
    struct buf b = {0};
    char text[ADDR_TEXT_MAX];

    for (size_t n = 0; n < l->uses; n++)
        buf_printf(&b, "%s%s %s", n ? ", " : "", l->use[n].name,
                   addr_text(link_first(&l->use[n], 4), text));
    str_copy(out, cap, buf_cstr(&b));
    buf_free(&b);
}

/* Is one of these not in the other list, by index and address? */
static bool any_new(const struct link_if *now, size_t nows, const struct link_if *old, size_t olds)
{
    for (size_t n = 0; n < nows; n++) {
        bool found = false;

        for (size_t k = 0; k < olds && !found; k++)
            found = old[k].index == now[n].index &&
                    addr_eq(link_first(&old[k], 4), link_first(&now[n], 4));
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
        bool named = is_named(l, list[n].name);

        if ((named || !l->conf.interfaces) && link_usable(&list[n], 4, named))
            list[uses++] = list[n];
    }
    if (uses > UDP_LINKS_MAX)
        uses = UDP_LINKS_MAX;
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
    uv_mutex_unlock(&l->lock);
    return came;
}

static bool is_static(const struct lan *l, const struct addr *from)
{
    for (size_t n = 0; n < l->conf.peers; n++)
        if (addr_same_host(&l->peer[n], from))
            return true;
    return false;
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
    return !in->multicast && is_static(l, &in->from);
}
