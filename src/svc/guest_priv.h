/* What the parts of the guests' page share: guest.c (listener, routes) and guest_job.c (what takes
 * its time, a thread each). */
#pragma once

#include "base/buf.h"
#include "core/weblink.h"
#include "svc/guest.h"
#include "svc/look.h"
#include "svc/plain.h"

#include <stdatomic.h>
#include <uv.h>

struct guest_job;

struct guest {
    struct guest_conf conf;
    char *db_path;
    char own_name[PLAIN_HOST_MAX];
    http_handler *api;
    void *api_ctx;
    uv_mutex_t open; /* opening and shutting, one at a time; taken before lock */
    struct http_server *server;
    bool stopped;
    uv_mutex_t lock; /* everything below */
    char token[WEBLINK_TOKEN_LEN + 1];
    void (*ended)(void *ctx);
    void *ended_ctx;
    struct guest_job *jobs;
    unsigned running;
    struct guest_visitor {
        struct addr from;
        int64_t milli, at_ms; /* thousandths of a search left, then */
    } visitor[GUEST_VISITORS_MAX];
};

enum guest_what { GUEST_LOOK, GUEST_GET, GUEST_VIEW, GUEST_ZIP, GUEST_TAR };

/* A handler's whole work for one of these: holds the request, answers it on a later call. */
void guest_job_run(struct guest *g, struct http_request *rq, enum guest_what what,
                   const struct hash *h);
void guest_jobs_join(struct guest *g); /* after the server */
