/* What the owner asks that takes its time: an errand runs on a thread of its own, one after the
 * other, while its request is held and no thread of the server with it. */
#pragma once

#include "base/err.h"
#include "io/http_server.h"

#include <jansson.h>

struct errands;

/* On the errands' thread. 0 with *answer (handed over), or negative with e. What runs
 * when the service ends has to end soon by itself. */
typedef int errand_run(void *ctx, const json_t *body, json_t **answer, struct err *e);

struct errands *errands_new(void *ctx);
/* For a handler: NULL while it runs (the request is held), the answer on the second call; NULL with
 * e->code set: it failed. body is what the request brought (JSON). Borrowed. */
json_t *errand_answer(struct errands *s, struct http_request *rq, errand_run *run, struct err *e);
void errands_free(struct errands *s); /* after the server whose requests they are */
