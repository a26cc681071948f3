/* What `nft list ruleset` prints: tables, in them chains, in them one rule a line, each a run of
 * words. Sets stand in braces. */
#include "core/firewall_priv.h"

#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- tables and chains ---- */

static void base_chain(struct chain *c, const char *line, const char *family)
{
    bool filters = strstr(line, "type filter hook") != NULL;

    c->in = filters && (strstr(line, "hook input") || strstr(line, "hook prerouting"));
    c->out = filters && strstr(line, "hook output");
    c->v4 = !strcmp(family, "ip") || !strcmp(family, "inet");
    c->v6 = !strcmp(family, "ip6") || !strcmp(family, "inet");
    c->drops = strstr(line, "policy drop") != NULL;
}

void firewall_read_nft(struct firewall *f, const char *text, bool own_only)
{
    char table[CHAIN_NAME_MAX] = "", family[8] = "", name[CHAIN_NAME_MAX] = "", word[48];
    unsigned depth = 0; /* of braces: 1 in a table, 2 in a chain, set or map */
    bool in_chain = false, foreign = false;

    while (*text) {
        size_t len = strcspn(text, "\n"), from = strspn(text, "\t ");
        const char *line = text + from;
        char head[256];

        from = from < len ? from : len;
        snprintf(head, sizeof head, "%.*s", (int)(len - from < 255 ? len - from : 255), line);
        if (!depth && sscanf(head, "table %7s %47s {", family, word) == 2) {
            snprintf(table, sizeof table, "%s %s", family, word);
            depth = 1;
        } else if (!depth && strstr(head, "is managed by iptables")) {
            foreign = own_only; /* of the table that follows; iptables-save tells it better */
        } else if (depth == 1 && !foreign && sscanf(head, "chain %63s {", name) == 1) {
            in_chain = true;
            (void)firewall_chain(f, DIALECT_NFT, table, name);
            depth = 2;
        } else if (*head == '}') {
            depth -= depth > 0;
            foreign &= depth > 0;
            in_chain = false;
        } else if (in_chain && !strncmp(head, "type ", 5)) {
            base_chain(firewall_chain(f, DIALECT_NFT, table, name), head, family);
        } else if (in_chain && *head && *head != '#') {
            firewall_rule(firewall_chain(f, DIALECT_NFT, table, name), line, len - from);
        } else if (depth == 1 && strchr(head, '{') && !strchr(head, '}')) {
            depth = 2; /* a set, a map */
        }
        text += len;
        text += *text == '\n';
    }
}

/* ---- one rule ---- */

struct words {
    const char *at;
    const struct firewall_packet *p;
    struct ruling r;
};

#define WORD_MAX 128

/* The next word; quotes are taken off, braces and commas are words of their own. */
static bool next(struct words *w, char word[WORD_MAX])
{
    const char *p = w->at + strspn(w->at, " \t");
    size_t len;
    bool quoted = *p == '"';

    if (!*p || *p == '#')
        return false;
    p += quoted;
    len = strcspn(p, quoted ? "\"" : " \t{},");
    if (!quoted && !len)
        len = 1;
    snprintf(word, WORD_MAX, "%.*s", (int)(len < WORD_MAX - 1 ? len : WORD_MAX - 1), p);
    w->at = p + len + (quoted && p[len]);
    return true;
}

/* Is this the next word? Then it is taken. */
static bool take(struct words *w, const char *what)
{
    const char *before = w->at;
    char word[WORD_MAX];

    if (next(w, word) && !strcmp(word, what))
        return true;
    w->at = before;
    return false;
}

typedef enum fits is_value(const char *value, const struct firewall_packet *p);

static void set_verdict(struct words *w, const char *word)
{
    char to[WORD_MAX] = "";

    if (!strcmp(word, "accept"))
        w->r.then = RULE_ACCEPTS;
    else if (!strcmp(word, "drop") || !strcmp(word, "reject"))
        w->r.then = RULE_DROPS;
    else if (!strcmp(word, "return"))
        w->r.then = RULE_RETURNS;
    else
        w->r.then = *word == 'j' ? RULE_JUMPS : RULE_GOES;
    if (w->r.then == RULE_JUMPS || w->r.then == RULE_GOES) {
        (void)next(w, to);
        str_copy(w->r.to, sizeof w->r.to, to);
    }
}

static bool is_verdict(const char *word)
{
    return !strcmp(word, "accept") || !strcmp(word, "drop") || !strcmp(word, "reject") ||
           !strcmp(word, "return") || !strcmp(word, "jump") || !strcmp(word, "goto");
}

/* Values of a "vmap { value : verdict, ... }": the first that fits decides. */
static enum fits map_of(struct words *w, is_value *is)
{
    char word[WORD_MAX], value[WORD_MAX] = "";
    bool found = false;

    if (!take(w, "{"))
        return FITS_MAYBE; /* a map with a name */
    while (next(w, word) && strcmp(word, "}") != 0) {
        struct words here = *w;

        if (!is_verdict(word)) {
            if (strcmp(word, ":") != 0 && strcmp(word, ",") != 0)
                str_copy(value, sizeof value, word);
            continue;
        }
        if (found || is(value, w->p) == FITS_NO) {
            if (!strcmp(word, "jump") || !strcmp(word, "goto"))
                (void)next(w, word);
            continue;
        }
        found = true;
        set_verdict(&here, word);
        w->r = here.r;
        w->at = here.at;
    }
    return fits_if(found);
}

/* [!=|==] VALUE, { VALUE, VALUE }, or VALUE,VALUE: does one of them fit? A named set may. */
static enum fits any_of(struct words *w, is_value *is)
{
    bool no = take(w, "!="), more = true;
    enum fits best = FITS_NO;
    char word[WORD_MAX];

    (void)take(w, "==");
    if (take(w, "vmap"))
        return map_of(w, is);
    if (take(w, "{")) {
        while (next(w, word) && strcmp(word, "}") != 0) {
            enum fits one = strcmp(word, ",") ? is(word, w->p) : FITS_NO;

            best = one > best ? one : best;
        }
    } else {
        while (more && next(w, word)) {
            enum fits one = *word == '@' ? FITS_MAYBE : is(word, w->p);

            best = one > best ? one : best;
            more = take(w, ",");
        }
    }
    return no ? fits_not(best) : best;
}

static enum fits in_interface(const char *v, const struct firewall_packet *p)
{
    return firewall_is_interface(v, '*', false, p);
}

static enum fits out_interface(const char *v, const struct firewall_packet *p)
{
    return firewall_is_interface(v, '*', true, p);
}

static enum fits port(const char *v, const struct firewall_packet *p)
{
    return firewall_is_port(v, '-', p->port);
}

static enum fits state(const char *v, const struct firewall_packet *p)
{
    (void)p;
    return fits_if(!strcmp(v, "new"));
}

static enum fits family(const char *v, const struct firewall_packet *p)
{
    return fits_if(!strcmp(v, p->v6 ? "ipv6" : "ipv4"));
}

static enum fits packet_type(const char *v, const struct firewall_packet *p)
{
    return fits_if(!strcmp(v, "multicast")
                       ? p->multicast
                       : !p->multicast &&
                             (!strcmp(v, "host") || !strcmp(v, "unicast") || !strcmp(v, "local")));
}

static enum fits whatever(const char *v, const struct firewall_packet *p)
{
    (void)v;
    (void)p;
    return FITS_MAYBE;
}

/* Protocol, then a field of it: dport is the one that counts. */
static enum fits transport(struct words *w, const char *name)
{
    enum fits here = !strcmp(name, "th") ? FITS_YES : firewall_is_protocol(name, w->p);
    char field[WORD_MAX];

    if (!next(w, field))
        return here;
    return fits_and(here, any_of(w, strcmp(field, "dport") ? whatever : port));
}

static enum fits network(struct words *w, bool v6)
{
    enum fits here = fits_if(w->p->v6 == v6);
    char field[WORD_MAX];

    if (!next(w, field))
        return here;
    if (!strcmp(field, "daddr"))
        return fits_and(here, any_of(w, firewall_is_target));
    if (!strcmp(field, "protocol") || !strcmp(field, "nexthdr"))
        return fits_and(here, any_of(w, firewall_is_protocol));
    return fits_and(here, any_of(w, whatever));
}

static enum fits meta(struct words *w)
{
    static const struct {
        const char *name;
        is_value *is;
    } keys[] = {{"iif", in_interface},   {"iifname", in_interface},
                {"oif", out_interface},  {"oifname", out_interface},
                {"nfproto", family},     {"l4proto", firewall_is_protocol},
                {"pkttype", packet_type}};
    char key[WORD_MAX];

    if (!next(w, key))
        return FITS_MAYBE;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!strcmp(keys[i].name, key))
            return any_of(w, keys[i].is);
    return any_of(w, whatever);
}

/* What does not depend on the packet: counters, logs, remarks. */
static bool says_nothing(struct words *w, const char *word)
{
    char skip[WORD_MAX];

    if (!strcmp(word, "counter")) {
        while (take(w, "packets") || take(w, "bytes"))
            (void)next(w, skip);
        return true;
    }
    if (!strcmp(word, "log")) {
        while (take(w, "prefix") || take(w, "level") || take(w, "flags") || take(w, "group") ||
               take(w, "snaplen") || take(w, "queue-threshold"))
            (void)next(w, skip);
        return true;
    }
    if (strcmp(word, "comment") != 0)
        return false;
    (void)next(w, skip);
    return true;
}

static enum fits match(struct words *w, const char *word)
{
    const char *before = w->at;
    char key[WORD_MAX];

    if (!strcmp(word, "iif") || !strcmp(word, "iifname"))
        return any_of(w, in_interface);
    if (!strcmp(word, "oif") || !strcmp(word, "oifname"))
        return any_of(w, out_interface);
    if (!strcmp(word, "meta"))
        return meta(w);
    if (!strcmp(word, "ct") && next(w, key))
        return any_of(w, strcmp(key, "state") ? whatever : state);
    if (!strcmp(word, "tcp") || !strcmp(word, "udp") || !strcmp(word, "th"))
        return transport(w, word);
    if (!strcmp(word, "ip") || !strcmp(word, "ip6"))
        return network(w, word[2] == '6');
    if (!strncmp(word, "icmp", 4) || !strcmp(word, "igmp") || !strcmp(word, "arp"))
        return FITS_NO;
    if (!strcmp(word, "pkttype"))
        return any_of(w, packet_type);
    if (!strcmp(word, "fib") && next(w, key) && take(w, "type"))
        return strcmp(key, "daddr") ? any_of(w, whatever) : any_of(w, packet_type);
    w->at = before;
    return FITS_MAYBE; /* limit, quota, xt ... */
}

struct ruling firewall_nft_rule(const char *text, const struct firewall_packet *p)
{
    struct words w = {.at = text, .p = p, .r = {.fits = FITS_YES}};
    char word[WORD_MAX];

    while (w.r.then == RULE_GOES_ON && next(&w, word)) {
        if (is_verdict(word))
            set_verdict(&w, word);
        else if (!says_nothing(&w, word))
            w.r.fits = fits_and(w.r.fits, match(&w, word));
    }
    return w.r;
}
