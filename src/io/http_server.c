/* Starting and stopping the HTTP server: listening sockets, libmicrohttpd's daemon and its options.
 */
#include "io/http_priv.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 256

/* ---- listening ---- */

static int bind_to(int family, uint32_t ipv4, uint16_t port)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ipv4)};
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), off = 0, on = 1, bad;

    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET6)
        bad = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) ||
              bind(fd, (struct sockaddr *)&in6, sizeof in6);
    else
        bad = bind(fd, (struct sockaddr *)&in, sizeof in);
    if (bad || listen(fd, BACKLOG)) {
        bad = errno;
        close(fd);
        return -bad;
    }
    return fd;
}

/* Both families on one socket; IPv4 alone where the system has no IPv6. */
static int listen_tcp(uint16_t port)
{
    int fd = bind_to(AF_INET6, INADDR_ANY, port);

    if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL || fd == -EPROTONOSUPPORT)
        fd = bind_to(AF_INET, INADDR_ANY, port);
    return fd;
}

static uint16_t port_of(int fd)
{
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } at;
    socklen_t len = sizeof at;

    if (getsockname(fd, &at.sa, &len))
        return 0;
    return ntohs(at.sa.sa_family == AF_INET6 ? at.in6.sin6_port : at.in.sin_port);
}

/* The wished port, or a free one when it is taken. */
static int listen_near(enum http_reach reach, uint16_t port, uint16_t *bound, struct err *e)
{
    bool here = reach == HTTP_HERE;
    int fd = here ? bind_to(AF_INET, INADDR_LOOPBACK, port) : listen_tcp(port);

    if (fd == -EADDRINUSE && port)
        fd = here ? bind_to(AF_INET, INADDR_LOOPBACK, 0) : listen_tcp(0);
    if (fd < 0)
        return err_sys(e, fd == -EACCES ? ERR_USAGE : ERR_IO, -fd, "cannot listen on TCP port %u",
                       (unsigned)port);
    *bound = port_of(fd);
    return fd;
}

/* true: somebody answers there. */
static bool answers(const struct sockaddr_un *at)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool yes = fd >= 0 && (!connect(fd, (const struct sockaddr *)at, sizeof *at) ||
                           errno == EAGAIN || errno == EINPROGRESS);

    if (fd >= 0)
        close(fd);
    return yes;
}

/* 0 when nothing is at path any more that could be in the way. */
static int clear_stale(const struct sockaddr_un *at, struct err *e)
{
    struct stat st;

    if (lstat(at->sun_path, &st))
        return errno == ENOENT ? 0 : err_sys(e, ERR_IO, errno, "cannot look at %s", at->sun_path);
    if (!S_ISSOCK(st.st_mode))
        return err_set(e, ERR_EXISTS, "cannot listen on %s: it is there and no socket",
                       at->sun_path);
    if (answers(at))
        return err_set(e, ERR_EXISTS, "cannot listen on %s: a service answers there", at->sun_path);
    if (unlink(at->sun_path) && errno != ENOENT)
        return err_sys(e, ERR_IO, errno, "cannot replace %s", at->sun_path);
    return 0;
}

static int listen_unix(const char *path, struct err *e)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd, bad;

    if (strlen(path) >= sizeof at.sun_path) {
        err_set(e, ERR_USAGE, "cannot listen on %s: the path is too long", path);
        err_hint(e, "a socket's path has at most %zu bytes; choose a shorter IWANT_HOME",
                 sizeof at.sun_path - 1);
        return -ERR_USAGE;
    }
    str_copy(at.sun_path, sizeof at.sun_path, path);
    if ((bad = clear_stale(&at, e)))
        return bad;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* The mode of the descriptor becomes that of the file (less the umask), so that it is never
     * open to others, not even at first. */
    if (fd < 0 || fchmod(fd, 0600) || bind(fd, (const struct sockaddr *)&at, sizeof at) ||
        chmod(path, 0600) || listen(fd, BACKLOG)) {
        bad = errno;
        if (fd >= 0)
            close(fd);
        return err_sys(e, ERR_IO, bad, "cannot listen on %s", path);
    }
    return fd;
}

/* ---- MHD ---- */

static void on_log(void *ctx, const char *fmt, va_list ap)
{
    char line[512];
    size_t len;

    (void)ctx;
    vsnprintf(line, sizeof line, fmt, ap);
    len = strlen(line);
    while (len && line[len - 1] == '\n')
        line[--len] = '\0';
    for (char *p = line; *p; p++)
        if (!isprint((unsigned char)*p))
            *p = '?'; /* it may quote what a client sent */
    log_debug("http", "mhd=\"%s\"", line);
}

static void on_panic(void *ctx, const char *file, unsigned line, const char *reason)
{
    (void)ctx;
    log_error("http", "libmicrohttpd panics: %s (%s:%u)", reason ? reason : "no reason", file,
              line);
    abort();
}

static void on_connection(void *ctx, struct MHD_Connection *mhd, void **slot,
                          enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        http_conn_started(ctx, mhd, slot);
    else
        http_conn_closed(*slot);
}

static struct MHD_Daemon *start_mhd(struct http_server *s, int fd, unsigned threads)
{
    const unsigned idle_s = (s->lim.idle_ms + 999) / 1000;
    const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                           MHD_USE_ERROR_LOG | (s->tls ? MHD_USE_TLS : 0);
    struct MHD_OptionItem opts[] = {
        {MHD_OPTION_LISTEN_SOCKET, fd, NULL},
        /* Not strict: its two rules (one space in the request line, a Host) are ours too, and
         * 0.9.75 says its own 400 for the second twice over. */
        {MHD_OPTION_STRICT_FOR_CLIENT, 0, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)s->lim.conn_max, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)idle_s, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, 64 << 10, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_INCREMENT, 8 << 10, NULL},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, s},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)http_on_completed, s},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)http_on_uri, s},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem pool[] = {
        /* a pool of one is refused */
        {threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem tls[] = {
        {s->tls ? MHD_OPTION_HTTPS_CERT_CALLBACK2 : MHD_OPTION_END, 0, http_tls_callback()},
        {MHD_OPTION_HTTPS_MEM_TRUST, 0, s->tls ? http_tls_ca_pem(s->tls) : NULL},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, http_tls_priorities()},
        {MHD_OPTION_TLS_NO_ALPN, 1, NULL},
        {MHD_OPTION_END, 0, NULL},
    };

    return MHD_start_daemon(flags, 0, http_conn_accept, s, http_on_request, s,
                            MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_ARRAY, opts,
                            MHD_OPTION_ARRAY, pool, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

static struct http_server *new_server(http_handler *handler, void *ctx,
                                      const struct http_limits *lim)
{
    struct http_server *s = mem_zero(1, sizeof *s);

    s->handler = handler;
    s->ctx = ctx;
    s->lim = *lim;
    s->watch_ms = INT64_MAX;
    uv_mutex_init(&s->lock);
    uv_cond_init(&s->tick);
    return s;
}

static void free_server(struct http_server *s)
{
    struct stat st;

    if (s->path && s->path_ino && !lstat(s->path, &st) && st.st_ino == s->path_ino &&
        st.st_dev == s->path_dev)
        unlink(s->path);
    http_tls_free(s->tls);
    uv_cond_destroy(&s->tick);
    uv_mutex_destroy(&s->lock);
    mem_free(s->path);
    mem_free(s);
}

static int run(struct http_server *s, int fd, unsigned threads, struct err *e)
{
    MHD_set_panic_func(on_panic, NULL);
    http_watch_start(s);
    s->mhd = start_mhd(s, fd, threads);
    if (s->mhd)
        return 0;
    http_watch_stop(s);
    close(fd);
    return err_set(e, ERR_IO, "cannot start the HTTP server (libmicrohttpd %s)", MHD_get_version());
}

struct http_server *http_server_tls_limits(const struct http_identity *id, uint16_t port,
                                           uint16_t *bound, unsigned threads, http_handler *handler,
                                           void *ctx, const struct http_limits *lim, struct err *e)
{
    struct http_server *s = new_server(handler, ctx, lim);
    int fd;

    s->tcp = true;
    s->tls = http_tls_new(id, e);
    if (!s->tls)
        goto err;
    fd = listen_near(HTTP_ANYWHERE, port, bound, e);
    if (fd >= 0 && !run(s, fd, threads, e))
        return s;
err:
    free_server(s);
    return NULL;
}

struct http_server *http_server_plain_limits(enum http_reach reach, uint16_t port, uint16_t *bound,
                                             unsigned threads, http_handler *handler, void *ctx,
                                             const struct http_limits *lim, struct err *e)
{
    struct http_server *s = new_server(handler, ctx, lim);
    int fd = listen_near(reach, port, bound, e);

    s->tcp = true;
    if (fd >= 0 && !run(s, fd, threads, e))
        return s;
    free_server(s);
    return NULL;
}

struct http_server *http_server_unix_limits(const char *path, unsigned threads,
                                            http_handler *handler, void *ctx,
                                            const struct http_limits *lim, struct err *e)
{
    struct http_server *s = new_server(handler, ctx, lim);
    struct stat st;
    int fd = listen_unix(path, e);

    if (fd < 0)
        goto err;
    s->path = mem_str(path);
    if (!lstat(path, &st)) {
        s->path_dev = st.st_dev;
        s->path_ino = st.st_ino;
    }
    if (!run(s, fd, threads, e))
        return s;
err:
    free_server(s);
    return NULL;
}

struct http_server *http_server_tls(const struct http_identity *id, uint16_t port, uint16_t *bound,
                                    unsigned threads, http_handler *handler, void *ctx,
                                    struct err *e)
{
    return http_server_tls_limits(id, port, bound, threads, handler, ctx, &http_limits_default, e);
}

struct http_server *http_server_plain(enum http_reach reach, uint16_t port, uint16_t *bound,
                                      unsigned threads, http_handler *handler, void *ctx,
                                      struct err *e)
{
    struct http_limits lim = http_limits_default;

    lim.conn_max = DOOR_CONN_MAX;
    lim.conn_addr_max = reach == HTTP_HERE ? DOOR_CONN_MAX : DOOR_CONN_ADDR_MAX;
    if (reach == HTTP_HERE)
        lim.window_bytes = 0;
    return http_server_plain_limits(reach, port, bound, threads, handler, ctx, &lim, e);
}

struct http_server *http_server_unix(const char *path, unsigned threads, http_handler *handler,
                                     void *ctx, struct err *e)
{
    return http_server_unix_limits(path, threads, handler, ctx, &http_limits_default, e);
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    uv_mutex_lock(&s->lock);
    s->stopping =
        true; /* from here on nothing is suspended: MHD must not be stopped while something is */
    for (struct http_conn *c = s->conns; c; c = c->next)
        if (c->rq && c->rq->suspended)
            http_resume_locked(c->rq, 2);
    uv_mutex_unlock(&s->lock);
    MHD_stop_daemon(s->mhd);
    http_watch_stop(s);
    free_server(s);
}

void http_server_counts(struct http_server *s, uint64_t *open, uint64_t *answered,
                        uint64_t *refused)
{
    uv_mutex_lock(&s->lock);
    *open = s->open;
    *answered = s->answered;
    *refused = s->refused;
    uv_mutex_unlock(&s->lock);
}
