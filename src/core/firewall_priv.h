/* The inside of core/firewall: firewall.c walks the chains, firewall_nft.c and firewall_save.c read
 * the two languages. */
#pragma once

#include "core/firewall.h"

#define CHAIN_NAME_MAX 64

enum dialect { DIALECT_NFT, DIALECT_SAVE };

struct chain {
    enum dialect dialect;
    char table[CHAIN_NAME_MAX], name[CHAIN_NAME_MAX];
    bool v4, v6;
    bool in, out; /* what it sees from the start; neither: it is jumped to */
    bool drops;   /* what no rule decides */
    char **rule;
    size_t rules, rules_cap;
};

struct firewall {
    struct chain *chain;
    size_t chains, cap;
};

struct chain *firewall_chain(struct firewall *f, enum dialect d, const char *table,
                             const char *name); /* found or made; until the next call */
void firewall_rule(struct chain *c, const char *text, size_t len);

enum fits { FITS_NO, FITS_MAYBE, FITS_YES };
static inline enum fits fits_if(bool yes)
{
    return yes ? FITS_YES : FITS_NO;
}
static inline enum fits fits_and(enum fits a, enum fits b)
{
    return a < b ? a : b;
}
static inline enum fits fits_not(enum fits a)
{
    return (enum fits)(FITS_YES - a);
}

struct ruling {
    enum fits fits;
    enum { RULE_GOES_ON, RULE_ACCEPTS, RULE_DROPS, RULE_RETURNS, RULE_JUMPS, RULE_GOES } then;
    char to[CHAIN_NAME_MAX]; /* RULE_JUMPS, RULE_GOES */
};
struct ruling firewall_nft_rule(const char *text, const struct firewall_packet *p);
struct ruling firewall_save_rule(const char *text, const struct firewall_packet *p);

/* Shared by both languages. value ends with `wild` ("*", "+") for any end. */
enum fits firewall_is_interface(const char *value, char wild, bool out,
                                const struct firewall_packet *p);
enum fits firewall_is_port(const char *value, char range, uint16_t port); /* "22", "1000-2000" */
enum fits firewall_is_protocol(const char *value, const struct firewall_packet *p);
enum fits firewall_is_target(const char *value, const struct firewall_packet *p); /* an address */
