#include "io/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void detach(void)
{
    int null = open("/dev/null", O_RDWR | O_NOCTTY);

    (void)setsid();
    (void)!chdir("/"); /* hold no file system that someone wants to unmount */
    if (null < 0)
        return;
    for (int fd = 0; fd <= 2; fd++)
        (void)dup2(null, fd);
    if (null > 2)
        close(null);
}

int daemon_split(struct daemon *d, struct err *e)
{
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC))
        return err_sys(e, ERR_IO, errno, "cannot go into the background");
    pid = fork();
    if (pid < 0) {
        err_sys(e, ERR_IO, errno, "cannot go into the background");
        close(ends[0]);
        close(ends[1]);
        return -e->code;
    }
    d->pipe = ends[pid ? 0 : 1];
    close(ends[pid ? 1 : 0]);
    d->pid = pid ? (int)pid : (int)getpid();
    if (pid)
        return 1;
    detach();
    return 0;
}

/* struct err as it is: both ends are this very program, and it is far below PIPE_BUF. */
void daemon_failed(struct daemon *d, const struct err *e)
{
    (void)!write(d->pipe, e, sizeof *e);
}

int daemon_heard(struct daemon *d, unsigned ms, struct err *e)
{
    struct pollfd p = {d->pipe, POLLIN, 0};
    int n = poll(&p, 1, (int)ms);

    if (n <= 0)
        return 0;
    if (read(d->pipe, e, sizeof *e) == (ssize_t)sizeof *e && e->code > 0) {
        (void)waitpid((pid_t)d->pid, NULL, 0);
        return -e->code;
    }
    return err_set(e, ERR_IO, "cannot start the service: it ended without a word");
}

void daemon_done(struct daemon *d)
{
    if (d->pipe >= 0)
        close(d->pipe);
    d->pipe = -1;
}

void daemon_no_core(void)
{
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0}); /* failing, it is as it was */
}

void daemon_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    size_t len = path ? strlen(path) : 0;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd;

    if (!len || len >= sizeof to.sun_path || (*path != '/' && *path != '@'))
        return;
    memcpy(to.sun_path, path, len);
    if (*path == '@')
        to.sun_path[0] = '\0'; /* a name that is no file's */
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    close(fd);
}
