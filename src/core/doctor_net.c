/* Of core/doctor: interfaces, firewall, multicast, and the peers. */
#include "core/doctor_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MTU_LEAST 1228   /* our longest datagram, with its heads over IPv4 */
#define MTU_IPV6  1280   /* below that there is no IPv6 */
#define CLOCK_OFF 120000 /* ms: what `--newer` and the times shown can bear */

static const char *family_name(size_t f)
{
    return f ? "IPv6" : "IPv4";
}

/* ---- interfaces ---- */

static bool is_lan(const struct doctor_link *l)
{
    return !l->loopback && (l->used || (l->kind == DOCTOR_LAN && !l->point_to_point));
}

static void unused_link(const struct doctor_link *l, struct doctor_report *r)
{
    if (l->kind != DOCTOR_LAN || l->point_to_point)
        doctor_mend(
            doctor_say(r, DOCTOR_NOTE,
                       l->kind == DOCTOR_CONTAINER ? "container-interface" : "vpn-interface",
                       l->name, "%s is %s and is left alone: peers behind it are not found",
                       l->name,
                       l->kind == DOCTOR_CONTAINER ? "made by containers or virtual machines"
                                                   : "a VPN or tunnel"),
            "iwanto start --interface %s", l->name);
    else if (!l->up)
        doctor_mend(doctor_say(r, DOCTOR_NOTE, "interface-down", l->name,
                               "%s is off, or has no cable or access point", l->name),
                    "sudo ip link set %s up", l->name);
    else if (!l->multicast)
        doctor_mend(doctor_say(r, DOCTOR_BAD, "no-multicast", l->name,
                               "%s has multicast switched off, so nobody is found by it", l->name),
                    "sudo ip link set %s multicast on", l->name);
    else if (l->v4 && !l->v4_private)
        doctor_mend(doctor_say(r, DOCTOR_NOTE, "public-address", l->name,
                               "%s has an address of the internet, not of a LAN, and is left alone",
                               l->name),
                    "iwanto start --interface %s", l->name);
    else if (!l->v4 && !l->v6)
        doctor_mend(doctor_say(r, DOCTOR_BAD, "no-address", l->name,
                               "%s is up but has no address: nobody can be reached by it", l->name),
                    "sudo dhclient %s", l->name);
    else
        doctor_say(r, DOCTOR_NOTE, "interface-unused", l->name,
                   "%s is not used: the settings say so (interfaces)", l->name);
}

static void used_link(const struct doctor_link *l, struct doctor_report *r)
{
    if (l->mtu && l->mtu < MTU_LEAST)
        doctor_mend(doctor_say(r, DOCTOR_BAD, "mtu", l->name,
                               "%s carries packets of %u bytes only: what services tell each other "
                               "is cut into pieces, which many firewalls and access points drop",
                               l->name, l->mtu),
                    "sudo ip link set %s mtu 1500", l->name);
    else if (l->mtu && l->mtu < MTU_IPV6)
        doctor_mend(doctor_say(r, DOCTOR_NOTE, "mtu", l->name,
                               "%s carries packets of %u bytes, too few for IPv6", l->name, l->mtu),
                    "sudo ip link set %s mtu 1500", l->name);
    else if (l->mtu > 1500 && !l->loopback)
        doctor_mend(
            doctor_say(r, DOCTOR_NOTE, "mtu", l->name,
                       "%s sends packets of %u bytes: every computer and switch of this LAN "
                       "has to take them, else transfers hang",
                       l->name, l->mtu),
            "sudo ip link set %s mtu 1500", l->name);
    if (l->ipv6_off && (!l->mtu || l->mtu >= MTU_IPV6))
        doctor_mend(doctor_say(r, DOCTOR_NOTE, "ipv6-off", l->name,
                               "IPv6 is switched off on %s: peers without IPv4 are not found",
                               l->name),
                    "sudo sysctl -w net.ipv6.conf.%s.disable_ipv6=0", l->name);
}

void doctor_links(const struct doctor_facts *f, struct doctor_report *r)
{
    size_t used = 0;

    for (size_t n = 0; n < f->missings; n++)
        doctor_mend(doctor_say(r, DOCTOR_BAD, "interface-missing", f->missing[n],
                               "the settings name the interface %s, and there is none",
                               f->missing[n]),
                    "ip -br link");
    for (size_t n = 0; n < f->links; n++) {
        const struct doctor_link *l = &f->link[n];

        used += l->used;
        if (l->used)
            used_link(l, r);
        else if (!l->loopback)
            unused_link(l, r);
    }
    if (!used)
        doctor_mend(doctor_say(r, DOCTOR_BAD, "interfaces", "",
                               "no network interface can be used: nobody is found until there is "
                               "one"),
                    "ip -br address");
    else
        doctor_say(r, DOCTOR_FINE, "interfaces", "", "%zu network interface%s in use", used,
                   used == 1 ? "" : "s");
}

/* ---- the firewall ---- */

static const char *firewall_name(enum doctor_firewall f)
{
    static const char *const names[] = {"no firewall", "ufw", "firewalld", "nftables", "iptables"};

    return names[f];
}

void doctor_open_ports(const struct doctor_facts *f, const struct firewall_answer *a,
                       struct doctor_finding *d)
{
    uint16_t port = f->port ? f->port : f->wished_port;

    if (f->firewall == DOCTOR_UFW && f->ufw_profile && port == 1235)
        doctor_mend(d, "sudo ufw allow iwant");
    else if (f->firewall == DOCTOR_UFW)
        doctor_mend(d, "sudo ufw allow %u", port);
    else if (f->firewall == DOCTOR_FIREWALLD)
        doctor_mend(d,
                    "sudo firewall-cmd --permanent --add-port=%u/tcp --add-port=%u/udp && sudo "
                    "firewall-cmd --reload",
                    port, 1235u);
    else if (a && a->nft)
        doctor_mend(d, "sudo nft insert rule %s meta l4proto '{' tcp, udp '}' th dport %u accept",
                    a->place, port);
    else if (a && a->place[0])
        doctor_mend(
            d, "sudo sh -c 'for p in tcp udp; do %s -I INPUT -p $p --dport %u -j ACCEPT; done'",
            !strncmp(a->place, "ip6 ", 4) ? "ip6tables" : "iptables", port);
    else
        doctor_mend(d, "sudo nft list ruleset");
}

/* The packets that matter, by how much: what closes one of them is one finding an interface. */
static bool closed(const struct doctor_facts *f, const struct doctor_link *l,
                   const struct firewall_answer a[2], enum firewall_verdict v,
                   const struct firewall_answer **which)
{
    (void)f;
    for (size_t n = 0; n < 2; n++)
        if ((n ? l->v6 : l->v4) && a[n].verdict == v) {
            *which = &a[n];
            return true;
        }
    return false;
}

static bool firewall_of(const struct doctor_facts *f, const struct doctor_link *l,
                        enum firewall_verdict v, struct doctor_report *r)
{
    const struct firewall_answer *a = NULL, *out = NULL;
    const char *name = firewall_name(f->firewall);
    bool udp = closed(f, l, l->udp_in, v, &a), tcp = closed(f, l, l->tcp_in, v, &a);
    struct doctor_finding *d;

    if (closed(f, l, l->udp_out, v, &out) && v == FIREWALL_CLOSED)
        doctor_mend(
            doctor_say(r, DOCTOR_BAD, "firewall-out", l->name,
                       "the firewall (%s, chain %s) lets nothing of ours out on %s; a VPN's "
                       "kill switch does that",
                       name, out->place, l->name),
            "sudo nft list ruleset");
    if (!udp && !tcp)
        return out && v == FIREWALL_CLOSED;
    if (v == FIREWALL_CLOSED)
        d = doctor_say(r, DOCTOR_BAD, "firewall", l->name,
                       "the firewall (%s, chain %s) shuts out %s on %s: %s", name, a->place,
                       udp && tcp ? "UDP and TCP"
                       : udp      ? "UDP"
                                  : "TCP",
                       l->name, udp ? "others are not heard" : "others cannot fetch from you");
    else
        d = doctor_say(
            r, DOCTOR_UNSURE, "firewall", l->name,
            "the firewall (%s, chain %s) may shut us out on %s: some of its rules depend "
            "on what is not known here",
            name, a->place, l->name);
    doctor_open_ports(f, a, d);
    return true;
}

void doctor_firewalls(const struct doctor_facts *f, struct doctor_report *r)
{
    bool told = false;

    if (f->firewall == DOCTOR_NO_FIREWALL && f->firewall_read) {
        doctor_say(r, DOCTOR_FINE, "firewall", "", "no firewall runs on this computer");
        return;
    }
    if (!f->firewall_read) {
        doctor_mend(
            doctor_say(r, f->firewall == DOCTOR_NO_FIREWALL ? DOCTOR_NOTE : DOCTOR_UNSURE,
                       "firewall", "",
                       f->firewall == DOCTOR_NO_FIREWALL
                           ? "whether a firewall runs only root can see; what the network "
                             "let through is told below"
                           : "%s is switched on; whether it lets iwant in only root can see",
                       firewall_name(f->firewall)),
            "sudo %s",
            f->firewall == DOCTOR_UFW         ? "ufw status verbose"
            : f->firewall == DOCTOR_FIREWALLD ? "firewall-cmd --list-all"
                                              : "nft list ruleset");
        return;
    }
    for (size_t n = 0; n < f->links; n++)
        if (f->link[n].used)
            told |= firewall_of(f, &f->link[n], FIREWALL_CLOSED, r) ||
                    firewall_of(f, &f->link[n], FIREWALL_UNSURE, r);
    if (!told)
        doctor_say(r, DOCTOR_FINE, "firewall", "", "the firewall (%s) lets iwant through",
                   firewall_name(f->firewall));
}

/* ---- multicast ---- */

static bool shut_out(const struct doctor_link *l, size_t family)
{
    return l->udp_in[family].verdict == FIREWALL_CLOSED;
}

/* Others hear us, and we do not hear them. */
static void unheard(const struct doctor_facts *f, const struct doctor_link *l, size_t n,
                    const char *about, struct doctor_report *r)
{
    bool shut = shut_out(l, n), clear = f->firewall_read && !shut;
    struct doctor_finding *d =
        doctor_say(r, DOCTOR_BAD, "multicast-in", about,
                   "others hear us over %s on %s, but their multicast does not come in: %s",
                   family_name(n), l->name,
                   shut    ? "the firewall of this computer drops it"
                   : clear ? "a switch or access point holds multicast back (IGMP snooping)"
                           : "a firewall here, or a switch or access point that holds multicast "
                             "back (IGMP snooping), drops it");

    if (clear)
        doctor_mend(d, "iwanto start --peer HOST");
    else
        doctor_open_ports(f, shut ? &l->udp_in[n] : NULL, d);
}

static void way(const struct doctor_facts *f, const struct doctor_link *l, size_t n, bool anybody,
                struct doctor_report *r)
{
    const struct doctor_way *w = &l->way[n];
    const char *family = family_name(n);
    char about[DOCTOR_NAME_MAX + 8];

    if (!(n ? l->v6 : l->v4) || (n && l->ipv6_off))
        return;
    snprintf(about, sizeof about, "%s %s", l->name, family);
    if (!w->asked && f->group_taken)
        return; /* told already */
    if (!w->asked)
        doctor_mend(doctor_say(r, DOCTOR_BAD, "multicast-out", about,
                               "nothing can be sent to all over %s on %s", family, l->name),
                    "ip route get %s", n ? "ff12::4d3:1" : "239.255.0.1");
    else if (w->in && w->out)
        doctor_say(r, DOCTOR_FINE, "multicast", about, "multicast goes both ways over %s on %s",
                   family, l->name);
    else if (w->out)
        unheard(f, l, n, about, r);
    else if (w->in)
        doctor_mend(doctor_say(r, DOCTOR_BAD, "multicast-out", about,
                               "others are heard over %s on %s, but none of them hears us: our "
                               "multicast is lost on the way, or their answers are",
                               family, l->name),
                    "iwanto start --peer HOST");
    else if (anybody)
        doctor_mend(
            doctor_say(r, n ? DOCTOR_NOTE : DOCTOR_BAD, "multicast", about,
                       "there are others, but over %s on %s nobody hears us and nobody is "
                       "heard: this network does not pass multicast, or a firewall drops it",
                       family, l->name),
            "iwanto start --peer HOST");
}

void doctor_multicast(const struct doctor_facts *f, struct doctor_report *r)
{
    bool anybody = f->peers > 0 || f->members > 1, used = false;

    if (!f->probed)
        return;
    for (size_t n = 0; n < f->links; n++) {
        const struct doctor_link *l = &f->link[n];

        if (!l->used || !is_lan(l))
            continue;
        used = true;
        for (size_t family = 0; family < 2; family++)
            way(f, l, family, anybody, r);
    }
    if (used && !anybody)
        doctor_mend(
            doctor_say(r, DOCTOR_NOTE, "alone", "",
                       "nobody answered: no other computer of this LAN runs iwant in this "
                       "network now, or multicast does not pass (guest Wi-Fi often drops it)"),
            "iwanto start --peer HOST");
    if (f->newer)
        doctor_say(r, DOCTOR_NOTE, "newer-version", "",
                   "a newer iwant is on this network, whose language this one does not know");
}

/* ---- peers ---- */

static const char *tcp_words(enum doctor_tcp t)
{
    return t == DOCTOR_REFUSED ? "is refused" : "is not answered";
}

static bool tcp_shut(const struct doctor_facts *f, const struct doctor_peer *p,
                     const struct firewall_answer **a)
{
    for (size_t n = 0; n < f->links; n++)
        for (size_t family = 0; family < 2; family++)
            if (!strcmp(f->link[n].name, p->link) &&
                f->link[n].tcp_in[family].verdict == FIREWALL_CLOSED) {
                *a = &f->link[n].tcp_in[family];
                return true;
            }
    return false;
}

static void reach(const struct doctor_facts *f, const struct doctor_peer *p,
                  struct doctor_report *r)
{
    const struct firewall_answer *a = NULL;

    if (p->stranger)
        doctor_mend(doctor_say(r, DOCTOR_BAD, "other-network", p->addr,
                               "%s does not accept us: it is in another network, or has another "
                               "passphrase",
                               p->name),
                    "iwanto view config");
    else if (p->out == DOCTOR_SILENT && p->echoed)
        doctor_mend(doctor_say(r, DOCTOR_BAD, "isolation", p->addr,
                               "%s is heard, but no connection to it is answered: the access point "
                               "keeps its guests apart (AP or client isolation), or a firewall on "
                               "%s drops TCP",
                               p->name, p->name),
                    "iwanto doctor    # on %s", p->name);
    else if (p->out == DOCTOR_SILENT || p->out == DOCTOR_REFUSED)
        doctor_mend(doctor_say(r, DOCTOR_BAD, "tcp-out", p->addr,
                               "a connection to %s %s: nothing can be fetched from there", p->name,
                               tcp_words(p->out)),
                    "iwanto doctor    # on %s", p->name);
    else if (p->out == DOCTOR_OPEN && (p->back == DOCTOR_SILENT || p->back == DOCTOR_REFUSED))
        doctor_open_ports(
            f, tcp_shut(f, p, &a) ? a : NULL,
            doctor_say(r, DOCTOR_BAD, "tcp-in", p->addr,
                       "%s cannot connect to us (it %s): a firewall on this computer shuts out TCP "
                       "port %u, so others cannot fetch from you",
                       p->name, tcp_words(p->back), f->port ? f->port : f->wished_port));
    else if (p->out == DOCTOR_OPEN && p->back == DOCTOR_OPEN)
        doctor_say(r, DOCTOR_FINE, "tcp", p->addr, "%s and we reach each other", p->name);
    else if (p->out == DOCTOR_OPEN && !p->echoed)
        doctor_mend(doctor_say(r, DOCTOR_BAD, "other-network", p->addr,
                               "%s takes connections, but does not answer as a member of our "
                               "network: another network or passphrase, or no iwant",
                               p->name),
                    "iwanto view config");
    else if (p->out == DOCTOR_OPEN)
        doctor_say(r, DOCTOR_UNSURE, "tcp-in", p->addr,
                   "we reach %s; whether it reaches us it did not say", p->name);
}

/* The same was said of this peer by its other address. */
static void drop_double(struct doctor_report *r, size_t from)
{
    for (size_t n = from; n < r->len; n++)
        for (size_t k = 0; k < n; k++)
            if (!strcmp(r->finding[k].text, r->finding[n].text) &&
                r->finding[k].state != DOCTOR_FINE) {
                memmove(&r->finding[n], &r->finding[n + 1], (r->len - n - 1) * sizeof *r->finding);
                r->len--;
                n--;
                break;
            }
}

void doctor_peers(const struct doctor_facts *f, struct doctor_report *r)
{
    size_t from = r->len;

    for (size_t n = 0; n < f->peers; n++) {
        const struct doctor_peer *p = &f->peer[n];

        if (p->via[0] && p->link[0] && strcmp(p->via, p->link) != 0)
            doctor_mend(doctor_say(r, DOCTOR_BAD, "route", p->addr,
                                   "the way to %s leads through %s, though it was heard on %s: a "
                                   "VPN or a wrong route takes the LAN's traffic",
                                   p->name, p->via, p->link),
                        "ip route get %.*s", (int)strcspn(p->addr, ":"), p->addr);
        reach(f, p, r);
        if (p->has_clock && llabs((long long)p->clock_ms) > CLOCK_OFF)
            doctor_mend(doctor_say(r, DOCTOR_NOTE, "clock", p->addr,
                                   "the clocks of %s and this computer are %lld s apart: "
                                   "times and --newer are off by as much",
                                   p->name, llabs((long long)p->clock_ms) / 1000),
                        "timedatectl status");
    }
    drop_double(r, from);
}
