/* The inside of svc/checkup: checkup.c this computer, checkup_net.c interfaces and peers,
 * checkup_firewall.c the packet filter. */
#pragma once

#include "io/libraries.h"
#include "io/link.h"
#include "svc/checkup.h"
#include "svc/echo.h"

struct checkup {
    struct checkup_conf conf;
    struct doctor_facts facts;
    struct link_if *list; /* as the interfaces of facts */
    char **item;          /* of the setting `interfaces` */
    size_t items;
    char *shown[3]; /* folders, safe to print */
    char *missing[DOCTOR_LINKS_MAX];
    char *version;
    struct library library[LIBRARIES_MAX];
};

void checkup_links(struct checkup *c);
int checkup_peers(struct checkup *c, struct err *e);
void checkup_firewall(struct checkup *c);
