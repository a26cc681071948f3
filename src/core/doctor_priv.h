/* The inside of core/doctor: doctor.c this computer, doctor_net.c its network. */
#pragma once

#include "core/doctor.h"

/* Adds one finding, which mend may be called for. about may be "". */
struct doctor_finding *doctor_say(struct doctor_report *r, enum doctor_state state,
                                  const char *check, const char *about, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
void doctor_mend(struct doctor_finding *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void doctor_links(const struct doctor_facts *f, struct doctor_report *r);
void doctor_firewalls(const struct doctor_facts *f, struct doctor_report *r);
void doctor_multicast(const struct doctor_facts *f, struct doctor_report *r);
void doctor_peers(const struct doctor_facts *f, struct doctor_report *r);
/* Let our ports through, by whatever this firewall is managed with. */
void doctor_open_ports(const struct doctor_facts *f, const struct firewall_answer *a,
                       struct doctor_finding *d);
