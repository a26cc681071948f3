/* Gather what `iwanto doctor` judges (core/doctor): from the system, from the network with a
 * throw-away identity of its own, and from what the running service told, if one runs. Changes
 * nothing here. Blocks for two to five seconds; one thread, and before any other was made. */
#pragma once

#include "base/err.h"
#include "core/conf.h"
#include "core/doctor.h"

#include <jansson.h>

struct checkup_conf {
    const struct conf *conf; /* in force, filled */
    const char *home;
    const json_t *status, *peers; /* of the service: its answers; NULL: it does not run */
    bool answers_late;            /* it runs, but did not answer */
    const char *peer; /* whom to try: a name, or an address with or without port; NULL */
};

struct checkup;

/* Never NULL: what could not be found out is unknown in the facts; e->code is set when the network
 * could not be asked, or there is no such peer (-ERR_NOT_FOUND). */
struct checkup *checkup_new(const struct checkup_conf *conf, struct err *e);
const struct doctor_facts *checkup_facts(const struct checkup *c);
void checkup_free(struct checkup *c);
