/* Netlink tells that something changed; what it is now, link_list tells. So messages are only
 * drained. */
#include "base/mem.h"
#include "io/link.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#define SETTLE_MS 100 /* an interface that comes up says so in several messages */

struct link_watch {
    uv_poll_t poll;
    uv_timer_t timer;
    int fd;
    unsigned open; /* handles */
    void (*changed)(void *ctx);
    void *ctx;
};

static void on_settled(uv_timer_t *t)
{
    struct link_watch *w = t->data;

    w->changed(w->ctx);
}

static void on_readable(uv_poll_t *p, int status, int events)
{
    struct link_watch *w = p->data;
    char drain[8192];
    ssize_t n;

    (void)events;
    do
        n = recv(w->fd, drain, sizeof drain, MSG_DONTWAIT);
    while (n > 0 || (n < 0 && (errno == ENOBUFS || errno == EINTR))); /* ENOBUFS: some were lost */
    if (status < 0) /* libuv stops polling on an error; it is over once read */
        uv_poll_start(&w->poll, UV_READABLE, on_readable);
    uv_timer_start(&w->timer, on_settled, SETTLE_MS, 0);
}

struct link_watch *link_watch_new(struct loop *l, void (*changed)(void *ctx), void *ctx,
                                  struct err *e)
{
    struct sockaddr_nl sa = {.nl_family = AF_NETLINK};
    struct link_watch *w;
    int fd;

    sa.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
    fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof sa)) {
        err_sys(e, ERR_IO, errno, "cannot watch the network interfaces");
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    w = mem_zero(1, sizeof *w);
    *w = (struct link_watch){.fd = fd, .open = 2, .changed = changed, .ctx = ctx};
    uv_poll_init(loop_uv(l), &w->poll, fd);
    uv_timer_init(loop_uv(l), &w->timer);
    w->poll.data = w->timer.data = w;
    uv_poll_start(&w->poll, UV_READABLE, on_readable);
    return w;
}

static void on_closed(uv_handle_t *h)
{
    struct link_watch *w = h->data;

    if (--w->open)
        return;
    mem_free(w);
}

void link_watch_free(struct link_watch *w)
{
    if (!w)
        return;
    uv_poll_stop(&w->poll);
    close(w->fd);
    uv_close((uv_handle_t *)&w->poll, on_closed);
    uv_close((uv_handle_t *)&w->timer, on_closed);
}
