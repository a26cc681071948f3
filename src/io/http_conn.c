/* Connections: who is there, how many of one address, and the deadlines of each phase.
 *
 * libmicrohttpd's timeout is an idle timeout: a head that drips a byte a second stays open for
 * ever. So each phase has a deadline of its own, and one thread shuts down the socket of whoever is
 * past it; MHD then sees the end of it and cleans up. That is safe because MHD closes a descriptor
 * only after http_conn_closed. */
#include "io/http_priv.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/loop.h"
#include "io/tcp.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOK_MS 1000 /* how often a suspended client is looked after */

const struct http_limits http_limits_default = {
    .handshake_ms = HTTP_HANDSHAKE_S * 1000,
    .head_ms = HTTP_HEAD_S * 1000,
    .idle_ms = HTTP_IDLE_S * 1000,
    .window_ms = HTTP_MIN_RATE_S * 1000,
    .window_bytes = (uint64_t)HTTP_MIN_RATE * HTTP_MIN_RATE_S,
    .conn_max = HTTP_CONN_MAX,
    .conn_addr_max = HTTP_CONN_ADDR_MAX,
    .conn_addr_rate = HTTP_CONN_ADDR_RATE,
    .conn_addr_burst = HTTP_CONN_ADDR_BURST,
};

void http_count(uint64_t *counter, struct http_server *s)
{
    uv_mutex_lock(&s->lock);
    ++*counter;
    uv_mutex_unlock(&s->lock);
}

static struct addr from_sockaddr(const struct sockaddr *sa)
{
    struct addr a = {0};

    if (sa && sa->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, sa, sizeof in);
        a.family = 4;
        memcpy(a.ip, &in.sin_addr, 4);
        a.port = ntohs(in.sin_port);
    } else if (sa && sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, sa, sizeof in6);
        a.port = ntohs(in6.sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
            a.family = 4;
            memcpy(a.ip, in6.sin6_addr.s6_addr + 12, 4);
        } else {
            a.family = 6;
            memcpy(a.ip, &in6.sin6_addr, 16);
            a.scope = IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr) ? in6.sin6_scope_id : 0;
        }
    }
    return a;
}

/* ---- accepting ---- */

/* A bucket for this address: its own, or the one that rested longest. */
static struct http_bucket *bucket_of(struct http_server *s, const struct addr *a, int64_t now)
{
    struct http_bucket *oldest = &s->buckets[0];

    for (size_t i = 0; i < HTTP_BUCKETS; i++) {
        struct http_bucket *b = &s->buckets[i];

        if (b->from.family && addr_same_host(&b->from, a))
            return b;
        if (b->at_ms < oldest->at_ms)
            oldest = b;
    }
    *oldest = (struct http_bucket){
        .from = *a, .milli = (int64_t)s->lim.conn_addr_burst * 1000, .at_ms = now};
    return oldest;
}

static bool take_token(struct http_server *s, const struct addr *a)
{
    int64_t now = loop_now_ms(), full = (int64_t)s->lim.conn_addr_burst * 1000;
    struct http_bucket *b = bucket_of(s, a, now);

    b->milli += (now - b->at_ms) * s->lim.conn_addr_rate;
    if (b->milli > full)
        b->milli = full;
    b->at_ms = now;
    if (b->milli < 1000)
        return false;
    b->milli -= 1000;
    return true;
}

enum MHD_Result http_conn_accept(void *server, const struct sockaddr *sa, socklen_t len)
{
    struct http_server *s = server;
    struct addr a = from_sockaddr(len ? sa : NULL);
    unsigned same = 0;
    bool take;

    if (!a.family)
        return MHD_YES; /* Unix socket: the uid is checked with the first request */
    uv_mutex_lock(&s->lock);
    for (const struct http_conn *c = s->conns; c; c = c->next)
        same += addr_same_host(&c->from, &a);
    take = same < s->lim.conn_addr_max && take_token(s, &a);
    s->refused += !take;
    uv_mutex_unlock(&s->lock);
    return take ? MHD_YES : MHD_NO;
}

/* ---- one connection ---- */

static bool is_foreign(int fd)
{
    struct ucred who;
    socklen_t len = sizeof who;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) || who.uid != geteuid();
}

struct http_conn *http_conn_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

void http_conn_started(struct http_server *s, struct MHD_Connection *mhd, void **ctx)
{
    struct http_conn *c = mem_zero(1, sizeof *c);

    c->s = s;
    c->mhd = mhd;
    c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    if (s->tcp)
        c->from = from_sockaddr(
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
    else
        c->foreign = is_foreign(c->fd);
    *ctx = c;
    uv_mutex_lock(&s->lock);
    c->next = s->conns;
    if (c->next)
        c->next->prev = c;
    s->conns = c;
    s->open++;
    http_conn_phase_locked(c, s->tls ? HTTP_HANDSHAKE : HTTP_HEAD);
    uv_mutex_unlock(&s->lock);
}

void http_conn_closed(struct http_conn *c)
{
    struct http_server *s = c->s;

    uv_mutex_lock(&s->lock);
    if (c->prev)
        c->prev->next = c->next;
    else
        s->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    s->open--;
    s->refused += c->phase == HTTP_HANDSHAKE;
    uv_mutex_unlock(&s->lock);
    mem_free(c);
}

void http_conn_phase_locked(struct http_conn *c, enum http_phase phase)
{
    const struct http_limits *lim = &c->s->lim;
    int64_t now = loop_now_ms();

    c->phase = phase;
    c->due_ms = INT64_MAX;
    switch (phase) {
    case HTTP_HANDSHAKE:
        c->due_ms = now + lim->handshake_ms;
        break;
    case HTTP_HEAD:
        c->due_ms = now + lim->head_ms;
        break;
    case HTTP_IDLE:
        c->due_ms = now + lim->idle_ms;
        break;
    case HTTP_MOVING:
        if (c->s->tcp && lim->window_bytes) { /* the owner may be as slow as he likes */
            c->due_ms = now + lim->window_ms;
            c->window_base = tcp_moved(c->fd);
        }
        break;
    case HTTP_BUSY:
        break;
    }
    http_watch_by_locked(c->s, c->due_ms);
}

void http_conn_phase(struct http_conn *c, enum http_phase phase)
{
    uv_mutex_lock(&c->s->lock);
    http_conn_phase_locked(c, phase);
    uv_mutex_unlock(&c->s->lock);
}

/* ---- the watch thread ---- */

void http_watch_by_locked(struct http_server *s, int64_t when_ms)
{
    if (when_ms < s->watch_ms) {
        s->watch_ms = when_ms;
        uv_cond_signal(&s->tick);
    }
}

static void cut(struct http_conn *c)
{
    static const char *const what[] = {"handshake", "head", "idle", "rate", "busy"};
    char from[ADDR_TEXT_MAX];

    if (c->phase != HTTP_IDLE) {
        log_debug("http", "cut from=%s reason=%s", addr_text(&c->from, from), what[c->phase]);
        c->s->refused += c->phase != HTTP_HANDSHAKE; /* that one is counted when it closes */
    }
    c->due_ms = INT64_MAX;
    shutdown(c->fd, SHUT_RDWR);
}

static void check_deadline(struct http_conn *c, int64_t now)
{
    if (c->due_ms > now)
        return;
    if (c->phase == HTTP_MOVING) {
        uint64_t bytes = tcp_moved(c->fd);

        if (bytes - c->window_base >= c->s->lim.window_bytes) {
            c->window_base = bytes;
            c->due_ms = now + c->s->lim.window_ms;
            return;
        }
    }
    cut(c);
}

/* MHD does not look at a suspended connection, so nobody else would notice that its client has
 * left. */
static bool client_left(const struct http_conn *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};

    return poll(&p, 1, 0) > 0 && p.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

static int64_t check_suspended(struct http_conn *c, int64_t now)
{
    struct http_request *rq = c->rq;

    if (rq->holding && rq->hold_due_ms <= now) {
        http_resume_locked(rq, 2);
        return INT64_MAX;
    }
    if (c->look_ms <= now) {
        c->look_ms = (now / LOOK_MS + 1) * LOOK_MS; /* all at once: one wake-up */
        if (client_left(c)) {
            c->gone = true;
            http_resume_locked(rq, 2);
            return INT64_MAX;
        }
    }
    return rq->holding && rq->hold_due_ms < c->look_ms ? rq->hold_due_ms : c->look_ms;
}

static int64_t sweep(struct http_server *s, int64_t now)
{
    int64_t next = INT64_MAX, due;

    for (struct http_conn *c = s->conns; c; c = c->next) {
        if (c->rq && c->rq->suspended) {
            due = check_suspended(c, now);
            next = due < next ? due : next;
        }
        check_deadline(c, now);
        next = c->due_ms < next ? c->due_ms : next;
    }
    return next;
}

static void watch_main(void *arg)
{
    struct http_server *s = arg;

    uv_mutex_lock(&s->lock);
    while (!s->watch_ends) {
        int64_t now = loop_now_ms();

        s->watch_ms = INT64_MAX; /* a resume within the sweep may set it */
        http_watch_by_locked(s, sweep(s, now));
        if (s->watch_ms == INT64_MAX)
            uv_cond_wait(&s->tick, &s->lock);
        else if (s->watch_ms > now)
            (void)uv_cond_timedwait(&s->tick, &s->lock, (uint64_t)(s->watch_ms - now) * 1000000);
    }
    uv_mutex_unlock(&s->lock);
}

void http_watch_start(struct http_server *s)
{
    int bad = uv_thread_create(&s->watch, watch_main, s);

    if (bad) {
        log_error("http", "cannot make a thread: %s", uv_strerror(bad));
        abort();
    }
}

void http_watch_stop(struct http_server *s)
{
    uv_mutex_lock(&s->lock);
    s->watch_ends = true;
    uv_cond_signal(&s->tick);
    uv_mutex_unlock(&s->lock);
    uv_thread_join(&s->watch);
}
