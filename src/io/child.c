#include "io/child.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TURN_NS   50000000
#define TURNS_MAX 40 /* 2 s */

int child_start(const char *command, const char *argument, struct err *e)
{
    struct buf script = {0};
    pid_t pid;

    buf_printf(&script, "exec %s \"$1\"", command);
    pid = fork();
    if (!pid) {
        (void)dup2(2, 1); /* what it prints is no result of ours */
        execl("/bin/sh", "sh", "-c", script.data, "sh", argument, (char *)NULL);
        _exit(127);
    }
    buf_free(&script);
    return pid < 0 ? err_sys(e, ERR_IO, errno, "cannot start %s", command) : (int)pid;
}

int child_ended(int pid, int *status)
{
    int how;

    if (waitpid(pid, &how, WNOHANG) != pid)
        return 0;
    *status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + (WIFSIGNALED(how) ? WTERMSIG(how) : 0);
    return 1;
}

void child_end(int pid)
{
    const struct timespec turn = {0, TURN_NS};
    int status;

    (void)kill(pid, SIGTERM);
    for (int i = 0; i < TURNS_MAX && !child_ended(pid, &status); i++)
        (void)nanosleep(&turn, NULL);
}
