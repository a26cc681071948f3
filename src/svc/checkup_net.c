/* Interfaces, multicast, and connections with peers, both ways. */
#include "svc/checkup_priv.h"

#include "base/mem.h"
#include "base/str.h"
#include "core/path.h"
#include "io/loop.h"
#include "io/probe.h"
#include "io/save.h"
#include "svc/gather.h"
#include "svc/lan_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TCP_MS       1500
#define LOOK_MS      20
#define REACH_MS_ALL 4000 /* a peer tries for REACH_MS */
#define TRIED        4    /* peers that are tried, when nobody is named */

/* ---- interfaces ---- */

static void read_items(struct checkup *c)
{
    char item[CONF_LINE_MAX];
    size_t cap = 0;

    for (; conf_item(c->conf.conf, CONF_INTERFACES, c->items, item, sizeof item); c->items++) {
        MEM_GROW(c->item, c->items, cap);
        c->item[c->items] = mem_str(item);
    }
}

static void take_link(struct checkup *c, const struct link_if *i, struct doctor_link *l)
{
    const struct addr *v4 = link_first(i, 4);

    *l = (struct doctor_link){.up = i->up,
                              .multicast = i->multicast,
                              .loopback = i->loopback,
                              .point_to_point = i->point_to_point,
                              .v4 = v4 != NULL,
                              .v4_private = v4 && link_is_private(v4),
                              .v6 = link_source(i, 6) != NULL,
                              .ipv6_off = probe_ipv6_off(i->name),
                              .mtu = probe_mtu(i->name)};
    str_copy(l->name, sizeof l->name, i->name);
    l->kind = link_kind(i->name) == LINK_VPN         ? DOCTOR_VPN
              : link_kind(i->name) == LINK_CONTAINER ? DOCTOR_CONTAINER
                                                     : DOCTOR_LAN;
    l->used = lan_link_uses((const char *const *)c->item, c->items, i, &l->named);
}

/* A name that is meant as one, and that no interface has. */
static void note_missing(struct checkup *c, const char *item, size_t count)
{
    struct buf b = {0};

    if (*item == '!' || item[strcspn(item, "*?[")] || c->facts.missings == DOCTOR_LINKS_MAX)
        return;
    for (size_t n = 0; n < count; n++)
        if (!strcmp(c->list[n].name, item))
            return;
    show(&b, item, strlen(item));
    c->missing[c->facts.missings++] = buf_take(&b, NULL);
}

void checkup_links(struct checkup *c)
{
    struct doctor_facts *f = &c->facts;
    struct err ignored;
    size_t count = 0;

    read_items(c);
    if (link_list(&c->list, &count, &ignored))
        return;
    for (size_t n = 0; n < count && f->links < DOCTOR_LINKS_MAX; n++)
        take_link(c, &c->list[n], &f->link[f->links++]);
    for (size_t n = 0; n < c->items; n++)
        note_missing(c, c->item[n], count);
    f->missing = (const char *const *)c->missing;
}

/* ---- who there is ---- */

/* Somebody to try, with what datagrams told of him. */
struct whom {
    struct addr addr; /* HTTPS */
    uint8_t pub[32];
    bool has_pub;
    int fd; /* of the connection under way */
};

static const char *text_of(const json_t *row, const char *key)
{
    const char *s = json_string_value(json_object_get(row, key));

    return s ? s : "";
}

static void name_it(struct doctor_peer *p, const char *name, const struct addr *a)
{
    struct buf b = {0};
    struct addr plain = *a;

    plain.scope = 0;
    addr_text(&plain, p->addr);
    show(&b, name, strlen(name));
    str_copy(p->name, sizeof p->name, *name ? b.data : p->addr);
    buf_free(&b);
}

static bool is_meant(const char *word, const char *name, const struct addr *a)
{
    struct addr wanted;

    if (!word || !strcmp(word, name))
        return true;
    return addr_parse(&wanted, word) && addr_same_host(&wanted, a);
}

/* Those that the service knows and nobody else told of; and whom the user named by address. */
static size_t others(const struct checkup *c, struct addr *out, size_t max)
{
    struct addr a;
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(c->conf.peers) && n < max; i++) {
        const json_t *row = json_array_get(c->conf.peers, i);

        if (!json_is_true(json_object_get(row, "self")) && addr_parse(&a, text_of(row, "addr")))
            out[n++] = a;
    }
    if (c->conf.peer && n < max && addr_parse(&a, c->conf.peer)) {
        a.port = a.port ? a.port : LAN_PORT;
        if (addr_is_link_local6(&a) && !a.scope)
            a.scope = link_any_scope();
        out[n++] = a;
    }
    return n;
}

static const char *link_name(const struct checkup *c, uint32_t index)
{
    for (size_t n = 0; n < c->facts.links; n++)
        if (c->list[n].index == index)
            return c->list[n].name;
    return "";
}

/* The interface that has this address of ours; or whose subnet it is of. */
static const char *link_with(const struct checkup *c, const struct addr *a, bool own)
{
    for (size_t n = 0; n < c->facts.links; n++)
        if (own ? link_has_addr(&c->list[n], a)
                : c->facts.link[n].used && link_has_subnet(&c->list[n], a))
            return c->list[n].name;
    return "";
}

static void add_peer(struct checkup *c, const char *name, const struct addr *addr, const char *link,
                     struct whom *whom)
{
    struct doctor_facts *f = &c->facts;
    struct doctor_peer *p = &f->peer[f->peers];
    struct addr own;

    *p = (struct doctor_peer){.chosen = c->conf.peer != NULL};
    name_it(p, name, addr);
    str_copy(p->link, sizeof p->link, *link ? link : link_with(c, addr, false));
    if (probe_route(addr, &own))
        str_copy(p->via, sizeof p->via, link_with(c, &own, true));
    whom[f->peers] = (struct whom){.addr = *addr, .fd = -1};
    f->peers++;
}

static void take_answers(struct checkup *c, const struct echo *e, struct whom *whom)
{
    struct doctor_facts *f = &c->facts;

    for (size_t n = 0; n < e->peers && f->peers < DOCTOR_PEERS_MAX; n++) {
        const struct echo_peer *p = &e->peer[n];
        struct doctor_peer *to = &f->peer[f->peers];

        if (!is_meant(c->conf.peer, p->name, &p->addr))
            continue;
        memcpy(whom[f->peers].pub, p->pub, sizeof p->pub);
        add_peer(c, p->name, &p->addr, link_name(c, p->interface), whom);
        to->echoed = true;
        to->multicast = p->multicast;
        to->has_clock = true;
        to->clock_ms = p->clock_ms;
        whom[f->peers - 1].has_pub = true;
        memcpy(whom[f->peers - 1].pub, p->pub, sizeof p->pub);
    }
}

static bool has_host(const struct whom *whom, size_t count, const struct addr *a)
{
    for (size_t n = 0; n < count; n++)
        if (addr_same_host(&whom[n].addr, a))
            return true;
    return false;
}

/* Those that the service knows but that did not answer. */
static void take_known(struct checkup *c, struct whom *whom)
{
    struct doctor_facts *f = &c->facts;
    struct addr a;

    for (size_t i = 0; i < json_array_size(c->conf.peers); i++) {
        const json_t *row = json_array_get(c->conf.peers, i);
        bool self = json_is_true(json_object_get(row, "self"));

        if (self || !addr_parse(&a, text_of(row, "addr")) || f->peers == DOCTOR_PEERS_MAX ||
            has_host(whom, f->peers, &a) || !is_meant(c->conf.peer, text_of(row, "name"), &a))
            continue;
        add_peer(c, text_of(row, "name"), &a, "", whom);
        f->peer[f->peers - 1].leader = json_is_true(json_object_get(row, "leader"));
        f->peer[f->peers - 1].echoed = true; /* it is a member: somehow it is heard */
    }
    if (c->conf.peer && !f->peers && addr_parse(&a, c->conf.peer)) {
        a.port = a.port ? a.port : LAN_PORT;
        add_peer(c, "", &a, "", whom);
    }
}

/* The same order each time: by name, then family. */
static void sort(struct doctor_facts *f, struct whom *whom)
{
    for (size_t n = 1; n < f->peers; n++)
        for (size_t k = n; k; k--) {
            struct doctor_peer p = f->peer[k];
            struct whom w = whom[k];
            int order = strcmp(f->peer[k - 1].name, p.name);

            if (order < 0 || (!order && whom[k - 1].addr.family <= w.addr.family))
                break;
            f->peer[k] = f->peer[k - 1];
            whom[k] = whom[k - 1];
            f->peer[k - 1] = p;
            whom[k - 1] = w;
        }
}

/* ---- connections ---- */

static enum doctor_tcp tcp_of(enum probe_tcp t)
{
    return t == PROBE_OPEN ? DOCTOR_OPEN : t == PROBE_REFUSED ? DOCTOR_REFUSED : DOCTOR_SILENT;
}

static void connect_all(struct checkup *c, struct whom *whom)
{
    struct doctor_facts *f = &c->facts;
    int64_t until = loop_now_ms() + TCP_MS;
    bool left = true;

    for (size_t n = 0; n < f->peers; n++)
        whom[n].fd = probe_tcp_begin(&whom[n].addr);
    while (left) {
        bool last = loop_now_ms() >= until;

        left = false;
        for (size_t n = 0; n < f->peers; n++) {
            enum probe_tcp t;

            if (f->peer[n].out != DOCTOR_UNTRIED)
                continue;
            t = probe_tcp_look(whom[n].fd, last);
            if (t == PROBE_PENDING) {
                left = true;
                continue;
            }
            f->peer[n].out = tcp_of(t);
            probe_tcp_end(whom[n].fd);
        }
        if (left)
            uv_sleep(LOOK_MS);
    }
}

static enum doctor_tcp reached(const struct gather *g)
{
    json_t *answer = json_loadb(buf_cstr(&g->body), g->body.len, 0, NULL);
    const char *how = text_of(answer, "reached");
    enum doctor_tcp t = !strcmp(how, "open")      ? DOCTOR_OPEN
                        : !strcmp(how, "refused") ? DOCTOR_REFUSED
                        : !strcmp(how, "silent")  ? DOCTOR_SILENT
                                                  : DOCTOR_UNTRIED;

    json_decref(answer);
    return t;
}

/* Ask those that we reach to connect to us. Where no service listens, something does meanwhile. */
static void connect_back(struct checkup *c, const struct ident *id, struct whom *whom)
{
    struct doctor_facts *f = &c->facts;
    uint16_t port = f->port ? f->port : f->wished_port;
    struct gather ask[DOCTOR_PEERS_MAX] = {0};
    size_t of[DOCTOR_PEERS_MAX], count = 0;
    struct probe_door *door;
    atomic_bool stop = false;
    struct gatherer *g;
    struct err ignored;
    char path[32];

    snprintf(path, sizeof path, "/v1/reach/%u", port);
    for (size_t n = 0; n < f->peers; n++)
        if (f->peer[n].out == DOCTOR_OPEN && whom[n].has_pub) {
            ask[count] =
                (struct gather){.method = "POST", .addr = whom[n].addr, .path = path, .max = 4096};
            memcpy(ask[count].pin, whom[n].pub, sizeof whom[n].pub);
            of[count++] = n;
        }
    if (!count)
        return;
    door = f->runs ? NULL : probe_open(port, &ignored);
    g = gatherer_new(&id->tls);
    gather_all(g, ask, count, REACH_MS_ALL, &stop);
    gatherer_free(g);
    probe_close(door);
    for (size_t n = 0; n < count; n++) {
        f->peer[of[n]].stranger = ask[n].refused;
        if (ask[n].status == 200 && (f->runs || door))
            f->peer[of[n]].back = reached(&ask[n]);
        buf_free(&ask[n].body);
    }
}

/* ---- all of it ---- */

/* The network's key without its passphrase, as the service keeps it. */
static int copy_group(const struct checkup *c, const char *temp, struct err *e)
{
    const char *network = conf_text(c->conf.conf, CONF_NETWORK);
    struct buf from = {0}, to = {0}, text = {0};
    int rc = 0;

    buf_printf(&from, "%s/networks/%s.key", c->conf.home, network);
    buf_printf(&to, "%s/networks", temp);
    if (!save_read(from.data, 4096, &text, e) && !(rc = save_dir(to.data, 0700, NULL, e))) {
        buf_printf(&to, "/%s.key", network);
        rc = save_write(to.data, text.data, text.len, 0600, e);
    }
    buf_free(&from);
    buf_free(&to);
    buf_free(&text);
    return rc;
}

/* A member that nobody knows, with everything below temp. */
static int stranger(const struct checkup *c, const char *temp, struct ident *id, struct err *e)
{
    const char *file = conf_text(c->conf.conf, CONF_PASSPHRASE_FILE);
    const char *network = conf_text(c->conf.conf, CONF_NETWORK);
    int rc = file && *file ? 0 : copy_group(c, temp, e);

    return rc ? rc : ident_load(id, temp, network, file && *file ? file : NULL, "doctor", e);
}

static int ask_all(struct checkup *c, const struct ident *id, struct err *e)
{
    struct link_if use[ECHO_LINKS_MAX];
    size_t of[ECHO_LINKS_MAX], uses = 0;
    struct echo *answers = mem_zero(1, sizeof *answers);
    struct addr known[ECHO_PEERS_MAX];
    struct whom whom[DOCTOR_PEERS_MAX] = {0};
    struct doctor_facts *f = &c->facts;
    struct echo_conf ec = {.ident = id, .link = use, .peer = known};
    int rc;

    for (size_t n = 0; n < f->links && uses < ECHO_LINKS_MAX; n++)
        if (f->link[n].used) {
            of[uses] = n;
            use[uses++] = c->list[n];
        }
    ec.links = uses;
    ec.peers = others(c, known, ECHO_PEERS_MAX);
    rc = echo_ask(&ec, answers, e);
    if (!rc) {
        f->probed = true;
        for (size_t n = 0; n < uses; n++)
            for (size_t k = 0; k < 2; k++) {
                const struct echo_way *w = &answers->way[n][k];

                f->link[of[n]].way[k] = (struct doctor_way){w->asked, w->out, w->in, w->answerers};
            }
        f->newer = answers->newer;
        take_answers(c, answers, whom);
        take_known(c, whom);
        sort(f, whom);
        if (!c->conf.peer && f->peers > TRIED)
            f->peers = TRIED;
        if (c->conf.peer && !f->peers)
            rc = err_set(e, ERR_NOT_FOUND, "no peer of this name answers, nor one of this address");
        connect_all(c, whom);
        connect_back(c, id, whom);
    }
    mem_free(answers);
    return rc;
}

int checkup_peers(struct checkup *c, struct err *e)
{
    char *temp = probe_temp(e);
    struct ident id;
    int rc = temp ? stranger(c, temp, &id, e) : -e->code;

    if (!rc) {
        rc = ask_all(c, &id, e);
        ident_done(&id);
    }
    probe_temp_end(temp);
    mem_free(temp);
    return rc;
}
