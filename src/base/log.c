#include "base/log.h"

#include "base/limits.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct {
    pthread_mutex_t lock;
    int fd;
    char *path;
    off_t size;
    enum log_level level, screen;
    bool screen_set; /* somebody asked for it */
} lg = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1, .level = LOG_INFO, .screen = LOG_WARN};

static int open_file(const char *path)
{
    struct stat st;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    if (fd >= 0 && !fstat(fd, &st))
        lg.size = st.st_size;
    return fd;
}

int log_open(const char *path, struct err *e)
{
    int fd;

    pthread_mutex_lock(&lg.lock);
    fd = open_file(path);
    if (fd < 0) {
        pthread_mutex_unlock(&lg.lock);
        return err_sys(e, ERR_IO, errno, "cannot open the log %s", path);
    }
    lg.fd = fd;
    lg.path = mem_str(path);
    if (!lg.screen_set)
        lg.screen = LOG_ERROR;
    pthread_mutex_unlock(&lg.lock);
    return 0;
}

void log_set_level(enum log_level level)
{
    pthread_mutex_lock(&lg.lock);
    lg.level = level;
    pthread_mutex_unlock(&lg.lock);
}

void log_to_stderr(enum log_level level)
{
    pthread_mutex_lock(&lg.lock);
    lg.screen = level;
    lg.screen_set = true;
    pthread_mutex_unlock(&lg.lock);
}

static void rotate(void)
{
    char old[4200];

    snprintf(old, sizeof old, "%s.1", lg.path);
    close(lg.fd);
    (void)rename(lg.path, old); /* failing, we go on in the long one */
    lg.fd = open_file(lg.path);
}

void log_line(enum log_level level, const char *room, const char *fmt, ...)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    char line[2048];
    struct timespec now;
    struct tm tm;
    va_list ap;
    int len, n;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    len = (int)strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &tm);
    len += snprintf(line + len, sizeof line - (size_t)len, ".%03ldZ %s %s ", now.tv_nsec / 1000000,
                    names[level], room);
    va_start(ap, fmt);
    n = vsnprintf(line + len, sizeof line - (size_t)len - 1, fmt, ap);
    va_end(ap);
    len = n < 0 || (size_t)len + (size_t)n > sizeof line - 2 ? (int)sizeof line - 2 : len + n;
    line[len++] = '\n';

    pthread_mutex_lock(&lg.lock);
    if (lg.fd >= 0 && level <= lg.level) {
        ssize_t put = write(lg.fd, line, (size_t)len); /* a full disk must not stop the service */

        if (put > 0)
            lg.size += put;
        if (lg.size > LOG_BYTES_MAX)
            rotate();
    }
    if (level <= lg.screen)
        (void)!write(STDERR_FILENO, line, (size_t)len);
    pthread_mutex_unlock(&lg.lock);
}

void log_close(void)
{
    pthread_mutex_lock(&lg.lock);
    if (lg.fd >= 0)
        close(lg.fd);
    lg.fd = -1;
    mem_free(lg.path);
    lg.path = NULL;
    pthread_mutex_unlock(&lg.lock);
}
