/* Static peers: they get by unicast what others get by multicast. Names are looked up again every
 * few minutes, and at once when the network changed; a name that is not found keeps the addresses
 * that it had. */
#include "svc/lan_priv.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/path.h"

#include <assert.h>
#include <string.h>

#define AGAIN_MS   300000 /* when a name was found */
#define MISSING_MS 15000  /* when it was not */

static bool is_name(const char *host, size_t len)
{
    for (size_t n = 0; n < len; n++) {
        char c = host[n];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '.' || c == '_'))
            return false;
    }
    return len > 0 && len < SEED_HOST_MAX && host[0] != '-';
}

/* "fe80::1%eth0": the resolver knows what that is. */
static bool is_scoped(const char *host, size_t len)
{
    const char *percent = memchr(host, '%', len);
    char ip[ADDR_TEXT_MAX];
    struct addr a;

    if (!percent || (size_t)(percent - host) >= sizeof ip || len >= SEED_HOST_MAX)
        return false;
    str_copy(ip, (size_t)(percent - host) + 1, host);
    return addr_parse(&a, ip) && a.family == 6 && !a.port &&
           is_name(percent + 1, len - (size_t)(percent + 1 - host));
}

static bool read_port(const char *text, uint16_t *port)
{
    uint64_t v;

    if (!str_parse_u64(text, 1, 65535, &v))
        return false;
    *port = (uint16_t)v;
    return true;
}

/* HOST, HOST:PORT, an IPv6 address, [it] or [it]:PORT. false: none of these. */
static bool read_seed(struct lan_seed *s, const char *text)
{
    const char *host = text, *close = strchr(text, ']'), *colon = strchr(text, ':');
    size_t len = strlen(text);

    *s = (struct lan_seed){.port = LAN_PORT};
    if (addr_parse(&s->addr[0], text)) {
        s->addrs = 1;
        if (s->addr[0].port)
            s->port = s->addr[0].port;
        s->addr[0].port = s->port;
        return true;
    }
    if (*text == '[' && close) {
        host = text + 1;
        len = (size_t)(close - host);
        if (close[1] && (close[1] != ':' || !read_port(close + 2, &s->port)))
            return false;
    } else if (colon && !strchr(colon + 1, ':')) {
        len = (size_t)(colon - text);
        if (!read_port(colon + 1, &s->port))
            return false;
    }
    if (!is_scoped(host, len) && (*text == '[' || !is_name(host, len)))
        return false;
    str_copy(s->host, len + 1, host);
    return true;
}

int lan_seed_read(struct lan *l, const char *const *text, size_t count, struct err *e)
{
    char shown[SEED_HOST_MAX];

    if (count > LAN_SEEDS_MAX)
        return err_set(e, ERR_USAGE, "cannot use %zu peers: %d at most", count, LAN_SEEDS_MAX);
    l->seed = mem_zero(count + 1, sizeof *l->seed);
    for (size_t n = 0; n < count; n++) {
        if (!read_seed(&l->seed[n], text[n])) {
            err_set(e, ERR_USAGE,
                    "cannot use peer '%s': it is neither a host's name nor an address",
                    show_to(shown, sizeof shown, text[n], strlen(text[n])));
            err_hint(e, "as HOST, HOST:PORT, 192.0.2.7, 192.0.2.7:1235 or [2001:db8::7]:1235");
            return -ERR_USAGE;
        }
        l->seed[n].lan = l;
        l->seeds++;
    }
    return 0;
}

static void arm(struct lan *l);

static void on_found(void *ctx, const struct addr *addr, size_t count, const char *why)
{
    struct lan_seed *s = ctx;
    struct lan *l = s->lan;
    bool fresh = count != s->addrs;

    s->call = NULL;
    s->again_ms = loop_now_ms() + (count ? AGAIN_MS : MISSING_MS);
    if (!count && !s->missing)
        log_warn("lan", "peer-not-found host=%s reason=\"%s\"", s->host, why);
    s->missing = !count;
    for (size_t n = 0; n < count && !fresh; n++)
        fresh = !addr_same_host(&addr[n], &s->addr[n]);
    if (count) {
        memcpy(s->addr, addr, count * sizeof *addr);
        s->addrs = count;
        for (size_t n = 0; n < count; n++)
            s->addr[n].port = s->port;
    }
    arm(l);
    if (count && fresh) {
        log_info("lan", "peer-found host=%s addresses=%zu", s->host, count);
        lan_be_heard(l);
    }
}

static void look_up(struct lan *l)
{
    int64_t now = loop_now_ms();

    for (size_t n = 0; n < l->seeds; n++) {
        struct lan_seed *s = &l->seed[n];

        if (!*s->host || s->call || s->again_ms > now)
            continue;
        s->call = resolve_start(l->conf.loop, s->host, on_found, s);
        if (!s->call)
            s->again_ms = INT64_MAX; /* never a name: said once */
    }
    arm(l);
}

static void on_timer(uv_timer_t *t)
{
    look_up(t->data);
}

static void arm(struct lan *l)
{
    int64_t due = INT64_MAX, now = loop_now_ms();

    for (size_t n = 0; n < l->seeds; n++)
        if (*l->seed[n].host && !l->seed[n].call && l->seed[n].again_ms < due)
            due = l->seed[n].again_ms;
    if (due == INT64_MAX)
        uv_timer_stop(&l->seed_timer);
    else
        uv_timer_start(&l->seed_timer, on_timer, due > now ? (uint64_t)(due - now) : 0, 0);
}

void lan_seed_start(struct lan *l)
{
    uv_timer_init(loop_uv(l->conf.loop), &l->seed_timer);
    l->seed_timer.data = l;
    look_up(l);
}

void lan_seed_refresh(struct lan *l)
{
    for (size_t n = 0; n < l->seeds; n++)
        l->seed[n].again_ms = 0;
    look_up(l);
}

void lan_seed_stop(struct lan *l)
{
    for (size_t n = 0; n < l->seeds; n++)
        if (l->seed[n].call)
            resolve_cancel(l->seed[n].call);
    uv_timer_stop(&l->seed_timer);
}

bool lan_seed_has(const struct lan *l, const struct addr *from)
{
    for (size_t n = 0; n < l->seeds; n++)
        for (size_t k = 0; k < l->seed[n].addrs; k++)
            if (addr_same_host(&l->seed[n].addr[k], from))
                return true;
    return false;
}
