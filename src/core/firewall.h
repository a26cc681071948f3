/* Would this computer's packet filter let pass what iwant needs? Judged from what `nft list
 * ruleset` and `iptables-save` print, rule by rule, with three values: a rule that cannot be
 * understood may fit or not. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct firewall;

struct firewall *firewall_new(void);
/* Add what was printed. Text that is no ruleset adds nothing. */
void firewall_read_nft(struct firewall *f, const char *text, bool own_only); /* without iptables' */
void firewall_read_save(struct firewall *f, const char *text, bool v6);      /* ip6tables-save */
size_t
firewall_chains(const struct firewall *f); /* that see what comes in or goes out; 0: no filter */
void firewall_free(struct firewall *f);

struct firewall_packet { /* the first of a conversation */
    bool out;            /* goes out; else comes in */
    bool v6, udp;        /* else IPv4, TCP */
    bool multicast;
    uint16_t port;
    const char *interface;
};

enum firewall_verdict { FIREWALL_OPEN, FIREWALL_CLOSED, FIREWALL_UNSURE };

#define FIREWALL_PLACE_MAX 96
struct firewall_answer {
    enum firewall_verdict verdict;
    bool nft; /* the chain is one of nft's, else of iptables */
    char
        place[FIREWALL_PLACE_MAX]; /* that chain: "inet filter input", "filter INPUT"; "" if open */
};
struct firewall_answer firewall_judge(const struct firewall *f, const struct firewall_packet *p);
