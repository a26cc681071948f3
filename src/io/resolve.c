#include "io/resolve.h"

#include "base/mem.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

struct resolve {
    uv_getaddrinfo_t call;
    void (*done)(void *ctx, const struct addr *addr, size_t count, const char *why);
    void *ctx;
};

static bool take(const struct addrinfo *ai, struct addr *a)
{
    *a = (struct addr){0};
    if (ai->ai_family == AF_INET && ai->ai_addrlen == sizeof(struct sockaddr_in)) {
        struct sockaddr_in sa;

        memcpy(&sa, ai->ai_addr, sizeof sa);
        a->family = 4;
        memcpy(a->ip, &sa.sin_addr, 4);
    } else if (ai->ai_family == AF_INET6 && ai->ai_addrlen == sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 sa;

        memcpy(&sa, ai->ai_addr, sizeof sa);
        a->family = 6;
        memcpy(a->ip, &sa.sin6_addr, 16);
        a->scope = IN6_IS_ADDR_LINKLOCAL(&sa.sin6_addr) ? sa.sin6_scope_id : 0;
    }
    return a->family != 0;
}

static void on_done(uv_getaddrinfo_t *call, int status, struct addrinfo *all)
{
    struct resolve *r = call->data;
    struct addr list[RESOLVE_MAX];
    size_t count = 0;

    for (const struct addrinfo *ai = all; !status && ai && count < RESOLVE_MAX; ai = ai->ai_next)
        count += take(ai, &list[count]);
    uv_freeaddrinfo(all);
    if (r->done)
        r->done(r->ctx, list, count, status ? uv_strerror(status) : "it has no address");
    mem_free(r);
}

struct resolve *resolve_start(struct loop *l, const char *host,
                              void (*done)(void *ctx, const struct addr *addr, size_t count,
                                           const char *why),
                              void *ctx)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
    struct resolve *r = mem_zero(1, sizeof *r);

    r->done = done;
    r->ctx = ctx;
    r->call.data = r;
    if (uv_getaddrinfo(loop_uv(l), &r->call, on_done, host, NULL, &hints)) {
        mem_free(r);
        return NULL;
    }
    return r;
}

void resolve_cancel(struct resolve *r)
{
    r->done = NULL; /* the resolver can't be stopped half-way; what it finds falls at the door */
    (void)uv_cancel((uv_req_t *)&r->call);
}
