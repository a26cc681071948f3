#include "core/firewall_priv.h"

#include "base/mem.h"
#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHAINS_MAX 4096u
#define DEPTH_MAX  16u /* of jumps; the systems have no more */

struct firewall *firewall_new(void)
{
    return mem_zero(1, sizeof(struct firewall));
}

void firewall_free(struct firewall *f)
{
    for (size_t i = 0; f && i < f->chains; i++) {
        for (size_t k = 0; k < f->chain[i].rules; k++)
            mem_free(f->chain[i].rule[k]);
        mem_free(f->chain[i].rule);
    }
    if (f)
        mem_free(f->chain);
    mem_free(f);
}

static struct chain *find(const struct firewall *f, enum dialect d, const char *table,
                          const char *name)
{
    for (size_t i = 0; i < f->chains; i++)
        if (f->chain[i].dialect == d && !strcmp(f->chain[i].table, table) &&
            !strcmp(f->chain[i].name, name))
            return &f->chain[i];
    return NULL;
}

struct chain *firewall_chain(struct firewall *f, enum dialect d, const char *table,
                             const char *name)
{
    struct chain *c = find(f, d, table, name);

    if (c)
        return c;
    if (f->chains == CHAINS_MAX)
        return &f->chain[CHAINS_MAX - 1];
    MEM_GROW(f->chain, f->chains, f->cap);
    c = &f->chain[f->chains++];
    *c = (struct chain){.dialect = d};
    str_copy(c->table, sizeof c->table, table);
    str_copy(c->name, sizeof c->name, name);
    return c;
}

void firewall_rule(struct chain *c, const char *text, size_t len)
{
    MEM_GROW(c->rule, c->rules, c->rules_cap);
    c->rule[c->rules++] = mem_strn(text, len);
}

size_t firewall_chains(const struct firewall *f)
{
    size_t n = 0;

    for (size_t i = 0; i < f->chains; i++)
        n += f->chain[i].in || f->chain[i].out;
    return n;
}

/* ---- what both languages say ---- */

enum fits firewall_is_interface(const char *value, char wild, bool out,
                                const struct firewall_packet *p)
{
    size_t len = strlen(value);

    if (out != p->out)
        return fits_if(false); /* what comes in has no way out yet, and the other way round */
    if (len && value[len - 1] == wild)
        return fits_if(!strncmp(value, p->interface, len - 1));
    return fits_if(!strcmp(value, p->interface));
}

enum fits firewall_is_port(const char *value, char range, uint16_t port)
{
    char *end;
    unsigned long from, to;

    if (!isdigit((unsigned char)*value))
        return FITS_NO; /* the name of a service: ours has none in /etc/services */
    from = to = strtoul(value, &end, 10);
    if (*end == range && isdigit((unsigned char)end[1]))
        to = strtoul(end + 1, &end, 10);
    return *end ? FITS_MAYBE : fits_if(from <= port && port <= to);
}

enum fits firewall_is_protocol(const char *value, const struct firewall_packet *p)
{
    if (!strcmp(value, "all"))
        return FITS_YES;
    return fits_if(!strcmp(value, p->udp ? "udp" : "tcp") || !strcmp(value, p->udp ? "17" : "6"));
}

enum fits firewall_is_target(const char *value, const struct firewall_packet *p)
{
    unsigned first = (unsigned)strtoul(value, NULL, 10);
    bool of_multicast = p->v6 ? !strncmp(value, "ff", 2) : first >= 224 && first < 240;

    if (!strcmp(value, "0.0.0.0/0") || !strcmp(value, "::/0"))
        return FITS_YES;
    if (!strcmp(value, "224.0.0.0/4") || !strcmp(value, "ff00::/8"))
        return fits_if(p->multicast);
    if (of_multicast != p->multicast || !strncmp(value, "224.0.0.", 8) ||
        !strncmp(value, "ff02:", 5))
        return FITS_NO; /* of others: mDNS and the like */
    return FITS_MAYBE;
}

/* ---- the walk ---- */

enum { ACCEPTED = 1, DROPPED = 2, FELL_THROUGH = 4 }; /* what may come of it */

static unsigned walk(const struct firewall *f, const struct chain *c,
                     const struct firewall_packet *p, unsigned depth)
{
    unsigned may = 0;

    for (size_t i = 0; i < c->rules; i++) {
        struct ruling r = c->dialect == DIALECT_NFT ? firewall_nft_rule(c->rule[i], p)
                                                    : firewall_save_rule(c->rule[i], p);
        const struct chain *to;
        unsigned then = 0;

        if (r.fits == FITS_NO || r.then == RULE_GOES_ON)
            continue;
        if (r.then == RULE_ACCEPTS || r.then == RULE_DROPS)
            then = r.then == RULE_ACCEPTS ? ACCEPTED : DROPPED;
        else if (r.then == RULE_RETURNS)
            then = FELL_THROUGH;
        else if ((to = find(f, c->dialect, c->table, r.to)) && depth < DEPTH_MAX)
            then = walk(f, to, p, depth + 1);
        else
            then = ACCEPTED | DROPPED | FELL_THROUGH; /* a map, say */
        if (r.then == RULE_JUMPS) {
            may |= then & (ACCEPTED | DROPPED);
            if (r.fits == FITS_YES && !(then & FELL_THROUGH))
                return may;
        } else {
            may |= then;
            if (r.fits == FITS_YES)
                return may;
        }
    }
    return may | FELL_THROUGH;
}

struct firewall_answer firewall_judge(const struct firewall *f, const struct firewall_packet *p)
{
    struct firewall_answer a = {.verdict = FIREWALL_OPEN};

    for (size_t i = 0; i < f->chains && a.verdict != FIREWALL_CLOSED; i++) {
        const struct chain *c = &f->chain[i];
        unsigned may;

        if (!(p->out ? c->out : c->in) || !(p->v6 ? c->v6 : c->v4))
            continue;
        may = walk(f, c, p, 0);
        if (may & FELL_THROUGH)
            may |= c->drops ? DROPPED : ACCEPTED;
        if (!(may & DROPPED))
            continue;
        a.verdict = may & ACCEPTED ? FIREWALL_UNSURE : FIREWALL_CLOSED;
        a.nft = c->dialect == DIALECT_NFT;
        snprintf(a.place, sizeof a.place, "%.46s %.46s", c->table, c->name);
    }
    return a;
}
