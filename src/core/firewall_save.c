/* What iptables-save and ip6tables-save print: one rule a line, options behind one another. */
#include "core/firewall_priv.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

void firewall_read_save(struct firewall *f, const char *text, bool v6)
{
    char table[CHAIN_NAME_MAX] = "", name[CHAIN_NAME_MAX], policy[16];

    while (*text) {
        size_t len = strcspn(text, "\n");
        struct chain *c;
        int skip = 0;

        if (*text == '*') {
            snprintf(table, sizeof table, "%s%.*s", v6 ? "ip6 " : "", (int)(len - 1), text + 1);
        } else if (*text == ':' && sscanf(text, ":%63s %15s", name, policy) == 2 &&
                   strstr(table, "filter")) {
            c = firewall_chain(f, DIALECT_SAVE, table, name);
            c->v4 = !v6;
            c->v6 = v6;
            c->in = !strcmp(name, "INPUT");
            c->out = !strcmp(name, "OUTPUT");
            c->drops = !strcmp(policy, "DROP");
        } else if (sscanf(text, "-A %63s %n", name, &skip) == 1 && skip && (size_t)skip <= len &&
                   strstr(table, "filter")) {
            c = firewall_chain(f, DIALECT_SAVE, table, name);
            firewall_rule(c, text + skip, len - (size_t)skip);
        }
        text += len;
        text += *text == '\n';
    }
}

/* The next word, without its quotes. false: no more. */
static bool next(const char **text, char word[128])
{
    const char *p = *text;
    size_t len;
    bool quoted;

    p += strspn(p, " ");
    if (!*p)
        return false;
    quoted = *p == '"';
    p += quoted;
    len = strcspn(p, quoted ? "\"" : " ");
    snprintf(word, 128, "%.*s", (int)(len < 127 ? len : 127), p);
    *text = p + len + (quoted && p[len]);
    return true;
}

static enum fits any_port(char *list, uint16_t port)
{
    enum fits best = FITS_NO;

    for (char *at = list, *end; at; at = end) {
        enum fits one;

        end = strchr(at, ',');
        if (end)
            *end++ = '\0';
        one = firewall_is_port(at, ':', port);
        best = one > best ? one : best;
    }
    return best;
}

static enum fits packet_type(const char *value, const struct firewall_packet *p)
{
    if (!strcmp(value, "MULTICAST") || !strcmp(value, "multicast"))
        return fits_if(p->multicast);
    if (!strcmp(value, "LOCAL") || !strcmp(value, "unicast"))
        return fits_if(!p->multicast);
    return fits_if(false);
}

/* One option with its value. */
static enum fits option(const char *name, char *value, const struct firewall_packet *p)
{
    if (!strcmp(name, "-p"))
        return firewall_is_protocol(value, p);
    if (!strcmp(name, "-i") || !strcmp(name, "-o"))
        return firewall_is_interface(value, '+', name[1] == 'o', p);
    if (!strcmp(name, "-d"))
        return firewall_is_target(value, p);
    if (!strcmp(name, "--dport") || !strcmp(name, "--dports"))
        return any_port(value, p->port);
    if (!strcmp(name, "--ctstate") || !strcmp(name, "--state"))
        return fits_if(strstr(value, "NEW") != NULL);
    if (!strcmp(name, "--dst-type") || !strcmp(name, "--pkt-type"))
        return packet_type(value, p);
    if (!strcmp(name, "-m") || !strcmp(name, "--comment") || !strncmp(name, "--log-", 6) ||
        !strcmp(name, "--reject-with"))
        return FITS_YES; /* says nothing of the packet */
    return FITS_MAYBE;
}

static void verdict(struct ruling *r, const char *value, bool goes)
{
    static const char *const others[] = {"LOG",     "NFLOG", "MARK", "CONNMARK",
                                         "SECMARK", "AUDIT", "CT"};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!strcmp(value, others[i]))
            return;
    if (!strcmp(value, "ACCEPT"))
        r->then = RULE_ACCEPTS;
    else if (!strcmp(value, "DROP") || !strcmp(value, "REJECT"))
        r->then = RULE_DROPS;
    else if (!strcmp(value, "RETURN"))
        r->then = RULE_RETURNS;
    else
        r->then = goes ? RULE_GOES : RULE_JUMPS;
    str_copy(r->to, sizeof r->to, value);
}

struct ruling firewall_save_rule(const char *text, const struct firewall_packet *p)
{
    struct ruling r = {.fits = FITS_YES};
    char name[128], value[128];
    bool no = false;

    while (next(&text, name)) {
        enum fits one;

        if (!strcmp(name, "!")) {
            no = true;
            continue;
        }
        text += strspn(text, " ");
        *value = '\0';
        if (*text && *text != '-' && *text != '!')
            (void)next(&text, value);
        if (!strcmp(name, "-j") || !strcmp(name, "-g")) {
            verdict(&r, value, name[1] == 'g');
            continue;
        }
        one = option(name, value, p);
        r.fits = fits_and(r.fits, no ? fits_not(one) : one);
        no = false;
    }
    return r;
}
