#include "io/child.h"

#include "base/buf.h"
#include "base/mem.h"
#include "io/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TURN_NS    50000000
#define TURNS_MAX  40 /* 2 s */
#define OUTPUT_MAX (1u << 20)

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

static size_t count_of(const char *const list[])
{
    size_t n = 0;

    while (list && list[n])
        n++;
    return n;
}

/* Does one of ours take this variable's place? */
static bool is_set(const char *const env[], const char *var)
{
    size_t len = strcspn(var, "=") + 1;

    for (size_t n = 0; env && env[n]; n++)
        if (!strncmp(env[n], var, len))
            return true;
    return false;
}

/* Arrays for exec, made before the fork: behind it, in a process with threads, nothing may be
 * allocated. What they point to is borrowed. */
static char **argv_of(const char *script, const char *const args[])
{
    const char *fixed[] = {"sh", "-c", script, "sh"};
    size_t n = 0;
    char **argv = mem_zero(sizeof fixed / sizeof *fixed + count_of(args) + 1, sizeof *argv);

    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        argv[n++] = (char *)(uintptr_t)fixed[i];
    for (size_t i = 0; i < count_of(args); i++)
        argv[n++] = (char *)(uintptr_t)args[i];
    return argv;
}

static char **envp_of(const char *const env[])
{
    const char *const *ours = (const char *const *)environ;
    size_t n = 0;
    char **envp = mem_zero(count_of(ours) + count_of(env) + 1, sizeof *envp);

    for (size_t i = 0; ours[i]; i++)
        if (!is_set(env, ours[i]))
            envp[n++] = (char *)(uintptr_t)ours[i];
    for (size_t i = 0; env && env[i]; i++)
        envp[n++] = (char *)(uintptr_t)env[i];
    return envp;
}

/* In the child: only what a signal handler may call. */
static void become(char *const argv[], char *const envp[])
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;
    int null = open("/dev/null", O_RDWR);

    (void)setsid();
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)sigaction(SIGPIPE, &plain, NULL);
    for (int fd = 0; fd < 3; fd++)
        if (null >= 0)
            (void)dup2(null, fd);
    (void)close_range(3, ~0u, 0);
    (void)execve("/bin/sh", argv, envp);
    _exit(127);
}

int child_run(const char *script, const char *const args[], const char *const env[], struct err *e)
{
    char **argv = argv_of(script, args), **envp = envp_of(env);
    pid_t pid = fork();

    if (!pid)
        become(argv, envp);
    mem_free(argv);
    mem_free(envp);
    return pid < 0 ? err_sys(e, ERR_IO, errno, "cannot start %s", script) : (int)pid;
}

void child_stop(int pid)
{
    const struct timespec turn = {0, TURN_NS};
    int status, ended = 0;

    (void)kill(-pid, SIGTERM);
    for (int i = 0; i < TURNS_MAX && !(ended = child_ended(pid, &status)); i++)
        (void)nanosleep(&turn, NULL);
    (void)kill(-pid, SIGKILL);
    if (!ended)
        (void)waitpid(pid, &status, 0);
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

/* In the child: does not come back, and allocates nothing, since there may be threads. */
static void be_program(const char *const *words, int out)
{
    static const char *const dirs[] = {"/usr/sbin/", "/sbin/"};
    int nothing = open("/dev/null", O_RDWR);
    char path[256];

    (void)dup2(nothing, 0);
    (void)dup2(nothing, 2);
    (void)dup2(out, 1);
    execvp(words[0], (char *const *)(uintptr_t)words);
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        snprintf(path, sizeof path, "%s%s", dirs[i], words[0]);
        execv(path, (char *const *)(uintptr_t)words);
    }
    _exit(127);
}

/* false: it prints too much, or for too long. */
static bool take_output(int fd, unsigned ms, struct buf *out)
{
    int64_t until = loop_now_ms() + ms, left;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    ssize_t n;

    while (out->len < OUTPUT_MAX && (left = until - loop_now_ms()) > 0) {
        if (poll(&p, 1, (int)left) <= 0)
            continue;
        n = read(fd, buf_room(out, 4096), 4096);
        if (n <= 0)
            return n == 0;
        out->len += (size_t)n;
    }
    return false;
}

int child_output(const char *const *words, unsigned ms, struct buf *out)
{
    int fd[2], status = -1;
    bool whole;
    pid_t pid;

    buf_reset(out);
    if (pipe2(fd, O_CLOEXEC))
        return -1;
    pid = fork();
    if (!pid)
        be_program(words, fd[1]);
    close(fd[1]);
    whole = pid > 0 && take_output(fd[0], ms, out);
    buf_add(out, "", 0);
    close(fd[0]);
    if (pid <= 0)
        return -1;
    if (!whole)
        (void)kill(pid, SIGKILL);
    if (waitpid(pid, &status, 0) != pid || !whole)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
